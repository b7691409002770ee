//! What leaves: passive replies, customer-service messages, templates, the menu.

use super::{ABILITY, MenuItem};
use crate::clock::SECOND;
use crate::message::{Card, Millis, Reply};
use crate::text;
use serde_json::{Map, Value, json};

/// The keys of a template when the configuration names none.
pub(super) const TEMPLATE_KEYS: [&str; 3] = ["thing1", "character_string2", "phrase3"];

/// The reply's words as one message: choices as numbered lines, cut to what one message holds.
///
/// Control characters are dropped: XML 1.0 forbids them, and in JSON they would be written as `\u…`, which the
/// customer-service interface refuses (40033).
pub(super) fn words(reply: &Reply) -> String {
    let allowed: String = reply.as_text().chars().filter(|c| is_xml(*c)).collect();
    // The bot splits long texts before; this only keeps one message from being lost as a whole.
    text::split(&allowed, ABILITY.max_bytes).swap_remove(0)
}

/// Characters that XML 1.0 allows (its production 2).
fn is_xml(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..)
}

/// Text as CDATA; a `]]>` inside is split over two sections, so that words cannot end the element.
pub(super) fn cdata(text: &str) -> String {
    format!("<![CDATA[{}]]>", text.replace("]]>", "]]]]><![CDATA[>"))
}

/// A text reply for the HTTP answer; `from` is our original id, `to` the openid.
pub(super) fn passive(to: &str, from: &str, words: &str, now: Millis) -> String {
    format!(
        "<xml><ToUserName>{}</ToUserName><FromUserName>{}</FromUserName><CreateTime>{}</CreateTime>\
         <MsgType><![CDATA[text]]></MsgType><Content>{}</Content></xml>",
        cdata(to),
        cdata(from),
        now / SECOND,
        cdata(words)
    )
}

/// A customer-service text message.
pub(super) fn custom(to: &str, words: &str) -> Value {
    json!({ "touser": to, "msgtype": "text", "text": { "content": words } })
}

/// A template message about the ticket on `card`; `None` when a key could not be filled.
pub(super) fn template(to: &str, id: &str, keys: &[String], card: &Card) -> Option<Value> {
    let mut things = std::iter::once(card.title.as_str()).chain(card.rows.iter().map(|(_, value)| value.as_str()));
    let mut data = Map::new();
    for key in keys {
        let value = match TemplateKey::of(key)? {
            TemplateKey::Thing => thing(things.next()?),
            TemplateKey::Number => number(&card.number),
            TemplateKey::State => state(&card.state),
        };
        if value.is_empty() {
            return None;
        }
        data.insert(key.clone(), json!({ "value": value }));
    }
    Some(json!({ "touser": to, "template_id": id, "data": data }))
}

/// What a template's key holds. The platform numbers the keys of each template, the word before the number says which
/// values it takes (wechat.md 4.3). The first `thing` is the card's heading, further ones are its rows in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TemplateKey {
    /// Any words, at most 20 characters.
    Thing,
    /// The ticket's number: ASCII, at most 32 characters.
    Number,
    /// The ticket's state: at most 5 Chinese characters.
    State,
}

impl TemplateKey {
    /// The kind of a key such as `thing1`; `None` for kinds that a card cannot fill (`time`, `name` …).
    pub fn of(key: &str) -> Option<Self> {
        let word = key.trim_end_matches(|c: char| c.is_ascii_digit());
        match word {
            _ if word.len() == key.len() => None,
            "thing" => Some(TemplateKey::Thing),
            "character_string" => Some(TemplateKey::Number),
            "phrase" => Some(TemplateKey::State),
            _ => None,
        }
    }
}

fn thing(words: &str) -> String {
    let allowed: String = words.chars().filter(|c| is_xml(*c)).collect();
    text::shorten(&text::one_line(&allowed), 20)
}

fn number(words: &str) -> String {
    words.chars().filter(char::is_ascii_graphic).take(32).collect()
}

/// A state without any Chinese character would be refused (47003); then only that there is news is said.
fn state(words: &str) -> String {
    let short: String = words.chars().filter(|c| matches!(c, '\u{4e00}'..='\u{9fff}')).take(5).collect();
    if short.is_empty() { "有新进展".to_owned() } else { short }
}

/// The body that creates the menu.
pub(super) fn menu(items: &[MenuItem]) -> Value {
    let buttons: Vec<Value> = items.iter().map(|item| json!({ "type": "click", "name": item.name, "key": item.key })).collect();
    json!({ "button": buttons })
}
