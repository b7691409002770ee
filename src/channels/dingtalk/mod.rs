//! DingTalk: the robot of an organisation's internal app, in HTTP mode.
//!
//! Wire facts come from the open platform's documentation. Three of them shape this folder: the signature of a callback
//! does not cover its body; only a session webhook can mention people, and it dies after 90 minutes; HTTP 200 does not
//! mean that a message went out.

mod api;
mod errors;
mod inbound;
mod outbound;
#[cfg(test)]
mod tests;

use super::{Ability, Answer, Heard, Outcome, Pace, Refusal, Request, Way, token::Shared};
use crate::{
    clock::{DAY, HOUR, MINUTE, SECOND},
    message::{Address, Media, Millis, Reply},
};
use api::Api;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, de};
use std::num::NonZeroU32;

/// What it can do. A reply never travels in the HTTP response, because the time the platform waits there is nowhere
/// stated.
///
/// 7,000 bytes: the tightest limit is 15,000 bytes of JSON for `msgParam`, and JSON writes a quote or a line end as two
/// bytes, so any text of this size fits. It is some 2,300 Chinese characters; others report that messages beyond 3,500
/// are not always shown whole. 10,000 calls a month are what the standard edition grants to a whole organisation.
pub const ABILITY: Ability = Ability {
    kind: "dingtalk",
    answers: false,
    max_bytes: 7_000,
    windowed: false,
    chips: false,
    monthly_calls: Some(10_000),
    // 20 calls a second of an app and interface (dingtalk.md 8.1). For session addresses nothing is documented: whoever types
    // quickly is answered as quickly, until the platform itself says no.
    pace: Pace { at_once: 16, calls_a_second: NonZeroU32::new(20), session_a_minute: None },
};

/// How callbacks reach us.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// DingTalk posts to `/hook/{id}`.
    #[default]
    Http,
    /// We keep a connection open. Not available yet.
    Stream,
}

/// One `[[channel]]` of kind `dingtalk`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Its hook is `/hook/{id}`.
    pub id: String,
    /// How callbacks reach us.
    #[serde(default)]
    pub mode: Mode,
    /// The app's client id, formerly AppKey.
    pub client_id: String,
    /// The app's client secret, formerly AppSecret; it also signs callbacks.
    #[serde(deserialize_with = "secret")]
    pub client_secret: SecretString,
    /// The robot's code; that of an app robot is its client id.
    #[serde(default)]
    pub robot_code: Option<String>,
    /// Host of the new interfaces, without a slash at the end.
    #[serde(default = "api_base")]
    pub api_base: String,
    /// Host of the old interfaces; session webhooks must lie here.
    #[serde(default = "oapi_base")]
    pub oapi_base: String,
    /// How far a callback's signed time may be from ours, in milliseconds; written `90s`, `10m`, `1h`.
    #[serde(default = "max_skew", deserialize_with = "span")]
    pub max_skew: Millis,
}

fn api_base() -> String {
    "https://api.dingtalk.com".to_owned()
}

fn oapi_base() -> String {
    "https://oapi.dingtalk.com".to_owned()
}

fn max_skew() -> Millis {
    HOUR
}

fn secret<'de, D: Deserializer<'de>>(from: D) -> Result<SecretString, D::Error> {
    String::deserialize(from).map(SecretString::from)
}

fn span<'de, D: Deserializer<'de>>(from: D) -> Result<Millis, D::Error> {
    let written = String::deserialize(from)?;
    millis(&written).ok_or_else(|| de::Error::custom("is no length of time, write for example 90s, 10m or 1h"))
}

/// `90s`, `10m`, `1h` in milliseconds.
fn millis(written: &str) -> Option<Millis> {
    let (digits, unit) = written.trim().split_at_checked(written.trim().len().checked_sub(1)?)?;
    let unit = match unit {
        "s" => SECOND,
        "m" => MINUTE,
        "h" => HOUR,
        _ => return None,
    };
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    digits.parse::<Millis>().ok()?.checked_mul(unit)
}

impl Config {
    /// The robot's code: the one written, else the client id.
    pub fn robot_code(&self) -> &str {
        self.robot_code.as_deref().unwrap_or(&self.client_id)
    }

    /// What is wrong: the key and a sentence that says what would be right.
    pub fn problems(&self) -> Vec<(&'static str, String)> {
        let mut found = Vec::new();
        if self.mode == Mode::Stream {
            found.push(("mode", "stream 模式还没有，请写 http。".to_owned()));
        }
        if self.client_id.trim().is_empty() {
            found.push(("client_id", "空着，请从应用的凭证页复制 Client ID（AppKey）。".to_owned()));
        }
        if self.client_secret.expose_secret().trim().is_empty() {
            found.push(("client_secret", "空着，请从应用的凭证页复制 Client Secret（AppSecret）。".to_owned()));
        }
        if self.robot_code.as_deref().is_some_and(|code| code.trim().is_empty()) {
            found.push(("robot_code", "空着，不写这一行就用 client_id。".to_owned()));
        }
        for (key, base) in [("api_base", &self.api_base), ("oapi_base", &self.oapi_base)] {
            let usable = reqwest::Url::parse(base).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
            if !usable {
                found.push((key, "不是网址，请写比如 https://api.dingtalk.com。".to_owned()));
            } else if base.ends_with('/') {
                found.push((key, "末尾多了一个斜杠，请去掉。".to_owned()));
            }
        }
        if !(SECOND..=DAY).contains(&self.max_skew) {
            found.push(("max_skew", "要在 1s 和 24h 之间；钉钉自己要求 1h。".to_owned()));
        }
        found
    }
}

/// The channel.
///
/// # Accounts
///
/// An account is the person's `staffId`. People outside the organisation, and everybody before the app is published,
/// have none; their account is `u:` and the `unionId`, else `s:` and the opaque sender id. No interface sends to those:
/// they can only be answered through the session webhook of what they wrote, later pushes to them are
/// [`Outcome::Closed`].
pub struct DingTalk {
    api: Api,
}

impl DingTalk {
    /// A channel of a configuration without [`Config::problems`]. `http` must not follow redirects: an address that a
    /// download names is checked before it is asked, and what it would lead to is not. `shared` is where the services on one
    /// database keep the app's token.
    pub fn new(config: Config, http: reqwest::Client, shared: Option<Shared>) -> Self {
        DingTalk { api: Api::new(config, http, shared) }
    }

    /// Checks the signature of a callback and reads it. Stores nothing.
    pub fn hear(&self, request: &Request<'_>) -> Result<Heard, Refusal> {
        if !request.post {
            return Err(Refusal::Envelope("not a POST"));
        }
        let config = &self.api.config;
        let secret = config.client_secret.expose_secret();
        let signed_at = inbound::verify(request.headers, secret, config.max_skew, request.now)?;
        inbound::parse(config, request.body, signed_at, request.now).map(|update| Heard::Update(Box::new(update)))
    }

    /// The answer to every callback: the robot says nothing here, its reply is sent.
    pub fn answer(&self) -> Answer {
        Answer { kind: "application/json", body: r#"{"msgtype":"empty"}"#.to_owned() }
    }

    /// Sends one message. `Way::Session` also mentions people; the OpenAPI cannot.
    pub async fn send(&self, to: &Address, way: &Way, reply: &Reply) -> Outcome {
        let text = reply.as_text();
        match way {
            Way::Session(via) => {
                let mention = if to.is_group() { reply.mention.as_slice() } else { &[] };
                let outcome = self.api.post_to_session(&via.url, &outbound::to_session(&text, mention)).await;
                outcome.unwrap_or_else(errors::Class::of_session)
            }
            Way::Api => self.send_by_api(to, &text).await,
            Way::Template => Outcome::Closed("DingTalk has no templates"),
        }
    }

    async fn send_by_api(&self, to: &Address, text: &str) -> Outcome {
        let robot = self.api.config.robot_code();
        let Some(words) = outbound::sample_text(text) else { return errors::Class::TooLong.of_send() };
        let sent = match &to.group {
            Some(group) => {
                let answer = self.api.call(outbound::GROUP, &outbound::to_group(robot, group, &words)).await;
                answer.map(|answer| outbound::taken(&answer))
            }
            None if inbound::without_staff_id(&to.account) => {
                return Outcome::Closed("nobody without a staff id can be sent to");
            }
            None => {
                let answer = self.api.call(outbound::PRIVATE, &outbound::to_person(robot, &to.account, &words)).await;
                answer.map(|answer| outbound::taken_for(&answer, &to.account))
            }
        };
        sent.unwrap_or_else(errors::Class::of_send)
    }

    /// Downloads a file that somebody sent, at most `max_bytes`. The reference is a short-lived download code, so this
    /// should happen soon.
    pub async fn fetch(&self, media: &Media, max_bytes: usize) -> Result<Vec<u8>, Outcome> {
        self.api.download(&media.reference, max_bytes).await
    }

    /// The staff id of whoever has this phone, 11 digits; `None` when nobody in the organisation's directory has it. The
    /// directory throttles its callers and is not part of the monthly quota.
    pub async fn account_by_phone(&self, phone: &str) -> Result<Option<String>, Outcome> {
        self.api.staff_by_phone(phone).await.map_err(errors::Class::of_send)
    }
}
