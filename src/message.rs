//! What people do and what the bot says, free of platforms.
//!
//! A channel turns its wire format into an [`Update`]; everything above the channels sees only that. In the other
//! direction features make a [`Reply`], and the channel of the recipient decides how it looks.

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01 UTC, the one form in which times are stored.
pub type Millis = i64;

/// One thing that somebody did in a chat.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Update {
    /// Channel id and the platform's de-duplication fields; the same message delivered again has the same key.
    pub key: String,
    /// Where it came from and where an answer goes.
    pub from: Address,
    /// The name the platform shows, chosen by the person: for display only, never for a decision.
    pub nick: Option<String>,
    /// What was done.
    pub content: Content,
    /// The platform's own time of the message.
    pub at: Millis,
    /// A short-lived way to answer this chat (DingTalk's session webhook).
    pub via: Option<Via>,
    /// The id of the request that brought it, for the log and the outbox; made of nothing that was sent.
    #[serde(default)]
    pub request: String,
}

/// A place messages can be sent to: an account's private chat, or a group.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Address {
    /// The id of the channel in the configuration.
    pub channel: String,
    /// The platform's id of the person (openid, staffId); empty when a group is addressed as a whole.
    pub account: String,
    /// The platform's id of the group chat, `None` in a private chat.
    pub group: Option<String>,
}

/// A short-lived way to answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Via {
    /// An address that has passed the channel's checks.
    pub url: String,
    /// The last moment at which it should be used.
    pub until: Millis,
}

/// What a person did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// Text, pictures, a voice message, a location, in any mixture one message can carry.
    Said(Said),
    /// A button, chip or menu entry; the payload is ours.
    Pressed(String),
    /// The person followed the account or opened the bot for the first time; `scene` comes from a QR code.
    Arrived {
        /// The scene of the QR code that led here, without the platform's prefix.
        scene: Option<String>,
    },
    /// The person unfollowed: pushes stop, tickets stay.
    Left,
    /// Something that this platform cannot hand over or that we do not read; the platform's own word for it.
    Unsupported(String),
    /// The platform delivers no content because the organisation's quota is used up.
    OverQuota,
    /// A message that was not taken because its sender writes too often; all that is left is to say so.
    TooFast,
    /// An event that asks for nothing and is answered with nothing (delivery reports, page views).
    Silent(String),
}

/// A message as the person composed it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Said {
    /// Cleaned text (see `text::clean`); for a voice message the platform's transcript if it gave one.
    pub text: String,
    /// Pictures, voice, video, in order.
    pub media: Vec<Media>,
    /// A location that was sent.
    pub point: Option<Point>,
    /// The message this one answers, where the platform says so.
    pub quote: Option<Quote>,
}

/// A message that was quoted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Quote {
    /// Text of the quoted message, as far as the platform gives it.
    pub text: String,
    /// Pictures of the quoted message.
    pub media: Vec<Media>,
}

/// A file that still lies with the platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Media {
    /// What it is, by the platform's word; checked by content once it is fetched.
    pub kind: MediaKind,
    /// The platform's handle for downloading it.
    pub reference: String,
}

/// Kinds of media a report may carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaKind {
    /// A still picture.
    Photo,
    /// A voice message.
    Voice,
    /// A video.
    Video,
}

/// A location in WGS-84 or GCJ-02 degrees, as the platform gave it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Latitude in degrees.
    pub lat: f64,
    /// Longitude in degrees.
    pub lng: f64,
    /// The address text beside it.
    pub label: String,
}

/// Something the bot says.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    /// Plain text with newlines.
    pub text: String,
    /// Answers to tap; shown as numbered lines where the platform has no buttons.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<Choice>,
    /// A ticket at a glance; its text form is already part of `text`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<Card>,
    /// What a private chat may read in place of `text`, where `text` was written for the eyes of a group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private: Option<String>,
    /// In a group: accounts to mention.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mention: Vec<String>,
}

/// One answer that can be chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// The number that is shown and typed; `None` for a mere shortcut, which is a chip but no line of text.
    pub number: Option<u32>,
    /// The words.
    pub text: String,
    /// What pressing it sends back as [`Content::Pressed`].
    pub payload: String,
}

/// A ticket at a glance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// The ticket, so that a later card of the same ticket can replace this one.
    pub ticket: i64,
    /// The heading, for example 新工单.
    pub title: String,
    /// The short number.
    pub number: String,
    /// The state in words.
    pub state: String,
    /// Label and value, in order.
    pub rows: Vec<(String, String)>,
    /// How far it is, 1 to 5.
    pub step: u8,
}

impl Address {
    /// Is this a group rather than somebody's private chat?
    pub fn is_group(&self) -> bool {
        self.group.is_some()
    }
}

impl Reply {
    /// A reply of text alone.
    pub fn text(text: impl Into<String>) -> Self {
        Reply { text: text.into(), ..Reply::default() }
    }

    /// What a group may read, and what only a private chat may.
    pub fn both(group: impl Into<String>, private: impl Into<String>) -> Self {
        Reply { text: group.into(), private: Some(private.into()), ..Reply::default() }
    }

    /// The same for somebody who surely reads it alone.
    pub fn in_private(self) -> Self {
        Reply { text: self.private.unwrap_or(self.text), private: None, ..self }
    }

    /// Text and choices as one text, for platforms without buttons: choices become lines `1. …`.
    pub fn as_text(&self) -> String {
        let mut all = self.text.clone();
        for choice in &self.choices {
            if let Some(number) = choice.number {
                if !all.is_empty() {
                    all.push('\n');
                }
                all.push_str(&format!("{number}. {}", choice.text));
            }
        }
        all
    }
}

impl Content {
    /// A plain text message.
    pub fn text(text: impl Into<String>) -> Self {
        Content::Said(Said { text: text.into(), ..Said::default() })
    }
}
