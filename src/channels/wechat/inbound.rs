//! From the platform's XML to an [`Update`].

use super::xml::Fields;
use crate::clock::SECOND;
use crate::message::{Address, Content, Media, MediaKind, Millis, Point, Said, Update};
use crate::text;

/// What the platform puts in place of a sticker, as a text message. Not documented; many public bots compare with it.
const STICKER: &str = "【收到不支持的消息类型，暂无法显示】";

/// The update in a verified message of the channel `id`.
///
/// # Errors
/// A word for the log when sender, receiver, time or type are missing: then nothing can be answered.
pub(super) fn update(id: &str, fields: &Fields) -> Result<Update, &'static str> {
    let to = fields.get("ToUserName").filter(|name| is_account(name)).ok_or("no receiver")?;
    let from = fields.get("FromUserName").filter(|name| is_account(name)).ok_or("no sender")?;
    let time = fields.get("CreateTime").ok_or("no time")?;
    let at = time.parse::<Millis>().ok().and_then(|seconds| seconds.checked_mul(SECOND)).ok_or("no time")?;
    let kind = fields.get("MsgType").ok_or("no type")?;
    let (key, content) = match (kind, fields.get("Event")) {
        ("event", Some(event)) => (event_key(to, from, time, event, fields), happened(event, fields)),
        ("event", None) => return Err("no event"),
        (kind, _) => {
            let message = fields.get("MsgId").unwrap_or_default();
            (format!("msg|{to}|{from}|{time}|{message}"), said(kind, fields))
        }
    };
    let from = Address { channel: id.to_owned(), account: from.to_owned(), group: None };
    Ok(Update { key: text::clean(&format!("{id}|{key}")), from, nick: None, content, at, via: None, request: String::new() })
}

/// Our account's original id (`gh_…`) as [`update`] wrote it into the key; a passive reply needs it as its sender.
pub(super) fn original_id(key: &str) -> Option<&str> {
    key.split('|').nth(2)
}

/// Ids of accounts are letters, digits, `_` and `-`. Nothing else may become part of a key, whose fields are told apart by `|`.
fn is_account(name: &str) -> bool {
    name.len() <= 128 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

/// Events have no message id: two of them may share sender and second, so what they are about is added (wechat.md 1.4).
/// The last field is empty here; WeCom's events, which follow the same rule, may have a `TaskId` there.
fn event_key(to: &str, from: &str, time: &str, event: &str, fields: &Fields) -> String {
    let about = ["EventKey", "MsgID", "Token"].iter().find_map(|name| fields.get(name)).unwrap_or_default();
    let task = fields.get("TaskId").unwrap_or_default();
    format!("event|{to}|{from}|{time}|{event}|{about}|{task}")
}

fn said(kind: &str, fields: &Fields) -> Content {
    match kind {
        "text" if fields.get("Content") == Some(STICKER) => Content::Unsupported("sticker".to_owned()),
        "text" => match fields.get("bizmsgmenuid") {
            Some(id) => Content::Pressed(text::clean(id)),
            None => Content::text(text::clean(fields.get("Content").unwrap_or_default())),
        },
        "image" => media(kind, MediaKind::Photo, fields),
        // The transcript is being withdrawn and comes empty; where it comes, it is the text.
        "voice" => media(kind, MediaKind::Voice, fields),
        "video" | "shortvideo" => media(kind, MediaKind::Video, fields),
        "location" => match point(fields) {
            Some(point) => Content::Said(Said { point: Some(point), ..Said::default() }),
            None => Content::Unsupported(text::clean(kind)),
        },
        // Links, files and mini-program pages among them: no interface hands over what is behind them.
        other => Content::Unsupported(text::clean(other)),
    }
}

fn media(word: &str, kind: MediaKind, fields: &Fields) -> Content {
    let Some(reference) = fields.get("MediaId") else {
        return Content::Unsupported(word.to_owned());
    };
    let transcript = fields.get("Recognition").unwrap_or_default();
    Content::Said(Said {
        text: text::clean(transcript),
        media: vec![Media { kind, reference: text::clean(reference) }],
        ..Said::default()
    })
}

/// `Location_X` is the latitude.
fn point(fields: &Fields) -> Option<Point> {
    let degrees = |name: &str, most: f64| fields.get(name)?.trim().parse::<f64>().ok().filter(|value| value.abs() <= most);
    let (lat, lng) = (degrees("Location_X", 90.0)?, degrees("Location_Y", 180.0)?);
    Some(Point { lat, lng, label: text::clean(fields.get("Label").unwrap_or_default()) })
}

/// Names of events are compared without case, because the platform's own products differ in it.
fn happened(event: &str, fields: &Fields) -> Content {
    let key = text::clean(fields.get("EventKey").unwrap_or_default());
    match event.to_ascii_lowercase().as_str() {
        "click" => Content::Pressed(key),
        "subscribe" => Content::Arrived { scene: filled(key.strip_prefix("qrscene_").unwrap_or_default()) },
        "scan" => Content::Arrived { scene: filled(&key) },
        "unsubscribe" => Content::Left,
        _ => Content::Silent(text::clean(event)),
    }
}

fn filled(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}
