//! The chain of events: each carries a keyed hash over itself and the hash of the one before, so that nothing in a history can be
//! changed, taken out or put in by somebody who has the database but not the key.

use crate::seal::Keys;

/// What the hash of an event covers.
#[derive(Debug, Clone, Copy)]
pub struct Link<'a> {
    pub ticket: i64,
    pub seq: i64,
    pub at: i64,
    pub turn_key: &'a str,
    pub actor: Option<i64>,
    pub role: &'a str,
    pub command: &'a str,
    pub from: Option<&'a str>,
    pub to: &'a str,
    pub reason: Option<&'a str>,
    pub payload: Option<&'a str>,
    pub visible: &'a str,
    pub before: Option<&'a str>,
}

/// The hash of an event that follows one with the hash `last`; the first follows the empty text.
pub fn hash(keys: &Keys, last: &str, link: &Link<'_>) -> String {
    let [ticket, seq, at] = [link.ticket, link.seq, link.at].map(|number| number.to_string());
    let actor = link.actor.map(|actor| actor.to_string());
    let there = [last, &ticket, &seq, &at].map(Some);
    let texts = [link.turn_key, link.role, link.command, link.to, link.visible].map(Some);
    let parts = there.into_iter().chain([actor.as_deref()]).chain(texts);
    let parts: Vec<Option<&str>> = parts.chain([link.from, link.reason, link.payload, link.before]).collect();
    keys.hash_parts("event", &parts)
}
