//! A callback becomes an [`Update`].
//!
//! The platform signs a time, not the body: whoever has seen one pair of headers can post any body for an hour. So
//! nothing in the body is believed further than it must be, and a field that is missing or of a strange type never fails
//! a message that can be understood without it.

use super::{Config, Refusal};
use crate::{
    clock::{HOUR, MINUTE},
    message::{Address, Content, Media, MediaKind, Millis, Quote, Said, Update, Via},
    text::{clean, one_line, shorten},
};
use axum::http::HeaderMap;
use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::Url;
use serde_json::Value;
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// `errorCode` of a message whose content is kept back because the organisation's quota is used up.
const QUOTA_USED_UP: i64 = 20001;

/// Further than this from our time, `createAt` is not believed and the session webhook beside it is not used.
const PLAUSIBLE: Millis = 2 * HOUR;

/// A session webhook is left alone this long before it ends, so that it does not end on the way.
const SESSION_MARGIN: Millis = 5 * MINUTE;

/// Checks the two headers of a callback and gives the signed time.
pub(super) fn verify(headers: &HeaderMap, secret: &str, max_skew: Millis, now: Millis) -> Result<Millis, Refusal> {
    let timestamp = headers.get("timestamp").ok_or(Refusal::Envelope("no timestamp header"))?.as_bytes();
    let sign = headers.get("sign").ok_or(Refusal::Envelope("no sign header"))?.as_bytes();
    let right = signature(secret, timestamp).ok_or(Refusal::Forbidden("no key"))?;
    if !bool::from(right.as_bytes().ct_eq(sign)) {
        return Err(Refusal::Forbidden("wrong signature"));
    }
    let at = decimal(timestamp).ok_or(Refusal::Forbidden("timestamp is no number"))?;
    if now.abs_diff(at) > max_skew.unsigned_abs() {
        return Err(Refusal::Forbidden("timestamp too far from our time"));
    }
    Ok(at)
}

/// base64(HMAC-SHA256(secret, timestamp + newline + secret)).
fn signature(secret: &str, timestamp: &[u8]) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
    mac.update(timestamp);
    mac.update(b"\n");
    mac.update(secret.as_bytes());
    Some(STANDARD.encode(mac.finalize().into_bytes()))
}

/// A number of plain digits; a sign, as the standard parser would take it, is no part of the rule.
fn decimal(digits: &[u8]) -> Option<i64> {
    let plain = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(digits).ok().filter(|_| plain)?.parse().ok()
}

/// Reads a body whose headers have been verified as signed at `signed_at`.
pub(super) fn parse(config: &Config, body: &[u8], signed_at: Millis, now: Millis) -> Result<Update, Refusal> {
    let body: Value = serde_json::from_slice(body).map_err(|_| Refusal::Envelope("body is no JSON"))?;
    if !body.is_object() {
        return Err(Refusal::Envelope("body is no JSON object"));
    }
    if body.get("encrypt").is_some() {
        return Err(Refusal::Forbidden("body is encrypted, switch that off in the console"));
    }
    let robot = config.robot_code();
    if id(&body, "robotCode") != Some(robot) {
        return Err(Refusal::Forbidden("foreign robotCode"));
    }
    let message = id(&body, "msgId").ok_or(Refusal::Forbidden("no msgId"))?;
    let account = account(&body).ok_or(Refusal::Forbidden("no sender"))?;
    // Not by the look of conversationId: private chats have ids that begin with `cid` too. And never by a guess: what is
    // private must not end in a group.
    let group = match number(&body, "conversationType") {
        Some(1) => None,
        Some(2) => Some(id(&body, "conversationId").ok_or(Refusal::Forbidden("group without id"))?.to_owned()),
        _ => return Err(Refusal::Forbidden("neither private chat nor group")),
    };
    let created = number(&body, "createAt").filter(|created| now.abs_diff(*created) <= PLAUSIBLE.unsigned_abs());
    Ok(Update {
        key: format!("{}|{robot}|{message}", config.id),
        content: content(&body, group.is_some()),
        from: Address { channel: config.id.clone(), account, group },
        nick: string(&body, "senderNick").map(|nick| one_line(&clean(nick))).filter(|nick| !nick.is_empty()),
        at: created.unwrap_or(signed_at),
        via: created.and_then(|_| via(&body, &config.oapi_base, now)),
        request: String::new(),
    })
}

/// The staff id, else a marked id that is good for recognising somebody but not for sending.
fn account(body: &Value) -> Option<String> {
    let marked = |mark: &str, key| id(body, key).map(|id| format!("{mark}{id}"));
    marked("", "senderStaffId").or_else(|| marked("u:", "senderUnionId")).or_else(|| marked("s:", "senderId"))
}

/// Is this an account of somebody whose staff id we were not told?
pub(super) fn without_staff_id(account: &str) -> bool {
    account.starts_with("u:") || account.starts_with("s:")
}

/// The session webhook, if it lies with DingTalk and still lives. Its end is believed no longer than [`PLAUSIBLE`].
fn via(body: &Value, oapi_base: &str, now: Millis) -> Option<Via> {
    let url = Url::parse(string(body, "sessionWebhook")?).ok()?;
    let home = Url::parse(oapi_base).ok()?;
    let at_home = url.origin() == home.origin() && url.username().is_empty() && url.password().is_none();
    let until = number(body, "sessionWebhookExpiredTime")?.saturating_sub(SESSION_MARGIN).min(now.saturating_add(PLAUSIBLE));
    (at_home && until > now).then(|| Via { url: url.into(), until })
}

fn content(body: &Value, in_group: bool) -> Content {
    let kind = string(body, "msgtype").unwrap_or_default();
    let (text, inner) = (&body["text"], &body["content"]);
    if number(body, "errorCode") == Some(QUOTA_USED_UP) && text.is_null() && inner.is_null() {
        return Content::OverQuota;
    }
    let said = match kind {
        "text" => text.is_object().then(|| (string(text, "content").unwrap_or_default().to_owned(), Vec::new())),
        "richText" => Some(rich_text(&inner["richText"])).filter(|(words, media)| !words.is_empty() || !media.is_empty()),
        "picture" => file(MediaKind::Photo, inner).map(|photo| (String::new(), vec![photo])),
        "video" => file(MediaKind::Video, inner).map(|video| (String::new(), vec![video])),
        "audio" => {
            let words = string(inner, "recognition").unwrap_or_default().to_owned();
            let voice = file(MediaKind::Voice, inner);
            (voice.is_some() || !words.is_empty()).then(|| (words, Vec::from_iter(voice)))
        }
        _ => None,
    };
    match said {
        Some((words, media)) => {
            let words = clean(&words);
            let words = if in_group { without_mention(words.trim()) } else { words.trim() };
            let quote = quote(&text["repliedMsg"]).or_else(|| quote(&inner["repliedMsg"]));
            Content::Said(Said { text: words.to_owned(), media, point: None, quote })
        }
        None => Content::Unsupported(shorten(&one_line(&clean(kind)), 40)),
    }
}

/// The platform takes the mention of the robot out of a group's text, but not every client marks it as one.
fn without_mention(text: &str) -> &str {
    let behind = text.strip_prefix('@').and_then(|rest| rest.split_once(char::is_whitespace));
    behind.map_or(text, |(_, rest)| rest.trim_start())
}

/// Words and pictures of a rich text. Inside a quoted message the parts have other names for the same.
fn rich_text(parts: &Value) -> (String, Vec<Media>) {
    let (mut words, mut media) = (String::new(), Vec::new());
    for part in parts.as_array().into_iter().flatten() {
        match string(part, "type").or_else(|| string(part, "msgType")) {
            Some("picture") => media.extend(file(MediaKind::Photo, part)),
            _ => words.push_str(string(part, "text").or_else(|| string(part, "content")).unwrap_or_default()),
        }
    }
    (words, media)
}

/// The message that was replied to, as far as the platform gives it.
fn quote(replied: &Value) -> Option<Quote> {
    let content = &replied["content"];
    let (mut words, mut media) = rich_text(&content["richText"]);
    if words.is_empty() {
        let whole = content.as_str().or_else(|| string(content, "text")).or_else(|| string(content, "recognition"));
        words.push_str(whole.unwrap_or_default());
    }
    let kind = match string(replied, "msgType").or_else(|| string(replied, "msgtype")) {
        Some("picture") => Some(MediaKind::Photo),
        Some("video") => Some(MediaKind::Video),
        Some("audio") => Some(MediaKind::Voice),
        _ => None,
    };
    media.extend(kind.and_then(|kind| file(kind, content)));
    let text = clean(&words).trim().to_owned();
    (!text.is_empty() || !media.is_empty()).then_some(Quote { text, media })
}

fn file(kind: MediaKind, content: &Value) -> Option<Media> {
    let code = id(content, "downloadCode").or_else(|| id(content, "pictureDownloadCode"))?;
    Some(Media { kind, reference: code.to_owned() })
}

/// A text that is there and not empty.
fn string<'a>(of: &'a Value, key: &str) -> Option<&'a str> {
    of.get(key)?.as_str().filter(|text| !text.is_empty())
}

/// A text that may be stored as it is. Ids are never cleaned, so one with control characters is none, nor is one too long
/// for a database index; real ones have a few hundred bytes at most.
fn id<'a>(of: &'a Value, key: &str) -> Option<&'a str> {
    string(of, key).filter(|id| id.len() <= 2_000 && !id.contains(char::is_control))
}

/// A whole number, which the platform writes as a number here and as a string there.
fn number(of: &Value, key: &str) -> Option<i64> {
    let value = of.get(key)?;
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

#[cfg(test)]
#[path = "inbound_tests.rs"]
mod tests;
