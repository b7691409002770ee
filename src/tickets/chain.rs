//! The chain of events: each carries a keyed hash over itself and the hash of the one before, so that nothing in a history can be
//! changed, taken out or put in by somebody who has the database but not the key.

use crate::seal::Keys;
use std::fmt::Write;

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
///
/// Every part stands with its length in bytes before it, and a part that is absent as `-`, so that no two events read the same.
pub fn hash(keys: &Keys, last: &str, link: &Link<'_>) -> String {
    let mut all = String::new();
    let mut add = |part: Option<&str>| match part {
        // Writing into a String cannot fail.
        Some(part) => _ = write!(all, "{}:{part}", part.len()),
        None => all.push('-'),
    };
    add(Some(last));
    for number in [Some(link.ticket), Some(link.seq), Some(link.at), link.actor] {
        add(number.map(|number| number.to_string()).as_deref());
    }
    for text in [link.turn_key, link.role, link.command, link.to, link.visible] {
        add(Some(text));
    }
    for text in [link.from, link.reason, link.payload, link.before] {
        add(text);
    }
    keys.hash("event", &all)
}
