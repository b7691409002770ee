//! The platforms. Each folder verifies, parses, renders and sends for one of them; nothing above knows their formats.

pub mod dingtalk;
mod seal_box;
pub mod simulator;
pub mod token;
pub mod wechat;

use crate::message::{Address, Content, Media, Millis, Reply, Update, Via};
use axum::http::{HeaderMap, StatusCode};
use std::time::Duration;

/// The largest callback that is read, in bytes.
pub const MAX_BODY: usize = 1 << 20;

/// A callback as it came in, read up to [`MAX_BODY`].
#[derive(Debug)]
pub struct Request<'a> {
    /// POST, else GET.
    pub post: bool,
    /// The raw query string without `?`.
    pub query: &'a str,
    /// All headers.
    pub headers: &'a HeaderMap,
    /// The body; empty for GET.
    pub body: &'a [u8],
    /// Our time at receipt.
    pub now: Millis,
}

/// What a callback turned out to be.
#[derive(Debug)]
pub enum Heard {
    /// Somebody did something: run it as a turn, then answer.
    Update(Box<Update>),
    /// Nothing for the bot (an address check): the finished answer.
    Answer(Answer),
}

/// What is given back to the platform in the HTTP response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Content type.
    pub kind: &'static str,
    /// Body.
    pub body: String,
}

/// A callback that is refused, with an empty body (`contract.md` section 4). The reason goes to the log and the metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The envelope yields no signed fields: 400.
    Envelope(&'static str),
    /// A signature could be computed and something about it or behind it is wrong: 403. All look alike from outside.
    Forbidden(&'static str),
}

impl Refusal {
    /// The HTTP status.
    pub fn status(self) -> StatusCode {
        match self {
            Refusal::Envelope(_) => StatusCode::BAD_REQUEST,
            Refusal::Forbidden(_) => StatusCode::FORBIDDEN,
        }
    }

    /// A word for the log, free of anything that was sent.
    pub fn reason(self) -> &'static str {
        match self {
            Refusal::Envelope(reason) | Refusal::Forbidden(reason) => reason,
        }
    }
}

/// How a send went; decides what the courier does with the row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The platform has taken it; its own id for the message if it gave one.
    Sent(Option<String>),
    /// Not now: try again after this time at the earliest.
    Later(Duration, &'static str),
    /// The outcome is unknown (time-out after the request left): may be tried once more.
    Unknown(&'static str),
    /// This way is closed for this recipient now (window over, count used up, session gone): the next way, else keep.
    Closed(&'static str),
    /// This recipient can never be reached here.
    Gone(&'static str),
    /// The platform refuses these words; the same text must not be tried again, a neutral one may.
    Refused(&'static str),
    /// Nothing can be sent on this channel before an administrator acts or the pause is over.
    Halted(Duration, &'static str),
}

/// The way a message leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// The platform's ordinary call.
    Api,
    /// A session address that lives until its time.
    Session(Via),
    /// The window for free messages is closed: only what the platform allows then (a template).
    Template,
}

/// What a channel can do; the bot shapes its replies by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ability {
    /// The kind's name as `ticket.source` keeps it.
    pub kind: &'static str,
    /// A reply may travel in the HTTP response.
    pub answers: bool,
    /// The longest text of one message, in bytes of UTF-8.
    pub max_bytes: usize,
    /// Free messages outside an answer need an open window (WeChat's 48 hours and five messages).
    pub windowed: bool,
    /// Choices can be tapped; elsewhere they are numbered lines.
    pub chips: bool,
    /// API calls the organisation may make in a month; `None` where it is not limited.
    pub monthly_calls: Option<u32>,
}

/// A configured channel.
pub enum Channel {
    /// WeChat Official Account.
    WeChat(Box<wechat::WeChat>),
    /// DingTalk internal app robot in HTTP mode.
    DingTalk(Box<dingtalk::DingTalk>),
    /// The demonstration page.
    Simulator(simulator::Simulator),
}

impl Channel {
    /// What this channel can do.
    pub fn ability(&self) -> Ability {
        match self {
            Channel::WeChat(_) => wechat::ABILITY,
            Channel::DingTalk(_) => dingtalk::ABILITY,
            Channel::Simulator(_) => simulator::ABILITY,
        }
    }

    /// Verifies, decrypts and parses a callback. Stores nothing.
    pub fn hear(&self, request: &Request<'_>) -> Result<Heard, Refusal> {
        match self {
            Channel::WeChat(channel) => channel.hear(request),
            Channel::DingTalk(channel) => channel.hear(request),
            Channel::Simulator(channel) => channel.hear(request),
        }
    }

    /// The HTTP answer to an update: carries `reply` if the platform takes one there, else only says that it arrived.
    pub fn answer(&self, update: &Update, reply: Option<&Reply>, now: Millis) -> Answer {
        match self {
            Channel::WeChat(channel) => channel.answer(update, reply, now),
            Channel::DingTalk(channel) => channel.answer(),
            Channel::Simulator(channel) => channel.answer(),
        }
    }

    /// Sends one message. Never called inside a transaction.
    pub async fn send(&self, to: &Address, way: &Way, reply: &Reply) -> Outcome {
        match self {
            Channel::WeChat(channel) => channel.send(to, way, reply).await,
            Channel::DingTalk(channel) => channel.send(to, way, reply).await,
            Channel::Simulator(channel) => channel.send(to, reply).await,
        }
    }

    /// How many messages an update lets us send to its chat, and for how long, where the platform counts.
    pub fn window(&self, content: &Content) -> Option<(u32, Millis)> {
        match self {
            Channel::WeChat(_) => wechat::window(content),
            Channel::DingTalk(_) | Channel::Simulator(_) => None,
        }
    }

    /// Can it send something when its window is closed?
    pub fn has_template(&self) -> bool {
        match self {
            Channel::WeChat(channel) => channel.has_template(),
            Channel::DingTalk(_) | Channel::Simulator(_) => false,
        }
    }

    /// Downloads a file that somebody sent, at most `max_bytes`.
    pub async fn fetch(&self, media: &Media, max_bytes: usize) -> Result<Vec<u8>, Outcome> {
        match self {
            Channel::WeChat(channel) => channel.fetch(media, max_bytes).await,
            Channel::DingTalk(channel) => channel.fetch(media, max_bytes).await,
            Channel::Simulator(channel) => channel.fetch(media, max_bytes).await,
        }
    }

    /// Does the platform have a directory of people by their phones?
    pub fn has_directory(&self) -> bool {
        match self {
            Channel::DingTalk(_) => true,
            Channel::WeChat(_) | Channel::Simulator(_) => false,
        }
    }

    /// The account of whoever has this phone, 11 digits; `None` when nobody in the platform's directory has it, or there is
    /// no directory. Never called inside a transaction.
    pub async fn account_by_phone(&self, phone: &str) -> Result<Option<String>, Outcome> {
        match self {
            Channel::DingTalk(channel) => channel.account_by_phone(phone).await,
            Channel::WeChat(_) | Channel::Simulator(_) => Ok(None),
        }
    }

    /// What the channel does once at the start (WeChat's menu). A failure is logged, not fatal.
    pub async fn start(&self) -> Result<(), Outcome> {
        match self {
            Channel::WeChat(channel) => channel.start().await,
            Channel::DingTalk(_) | Channel::Simulator(_) => Ok(()),
        }
    }
}
