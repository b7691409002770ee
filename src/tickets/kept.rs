//! How the words of reporters are kept: in the open what the unit may read of them, and sealed beside it what it may not.
//!
//! The original is opened for intake, and of a sealed ticket for its inspectors. Of a sealed ticket nothing stands in the open.

use super::{
    Mode, Sealed, Ticket,
    life::Who,
    refs,
    store::{Past, Reporter},
    veil, wording,
};
use crate::{
    bot::Turn,
    error::Result,
    people::{Actor, Role},
    seal::Keys,
};

/// What begins every sealed text.
const SEALED: &str = "k1.";

/// Words in two halves.
#[derive(Debug)]
pub struct Kept {
    /// For the unit.
    pub open: String,
    /// The whole, sealed, where it says more.
    pub original: Option<String>,
}

/// The words of a report. `more` was said as well, and only intake may read it.
///
/// # Errors
/// When nothing can be sealed.
pub fn report(keys: &Keys, ticket: &Ticket, text: &str, more: Option<&str>, names: &[String]) -> Result<Kept> {
    let open = match ticket.sealed {
        Sealed::Open => for_unit(text, ticket.mode, names),
        Sealed::Area | Sealed::Above => String::new(),
    };
    let whole = more.map_or_else(|| text.to_owned(), |more| format!("{text}\n{more}"));
    let original = (whole != open).then(|| keys.seal(&text_place(ticket.id), &whole)).transpose()?;
    Ok(Kept { open, original })
}

/// Words that a reporter adds. Of a sealed ticket all words of events are sealed where the event is written.
///
/// # Errors
/// When nothing can be sealed.
pub fn addition(turn: &Turn<'_, Actor>, ticket: &Ticket, words: &str, names: &[String]) -> Result<Kept> {
    if ticket.sealed != Sealed::Open {
        return Ok(Kept { open: words.to_owned(), original: None });
    }
    let open = for_unit(words, ticket.mode, names);
    let keys = &turn.actor.office.keys;
    let original = (open != words).then(|| keys.seal(&event_place(ticket.id), words)).transpose()?;
    Ok(Kept { open, original })
}

/// A reporter's words as the unit may read them.
pub fn for_unit(words: &str, mode: Mode, names: &[String]) -> String {
    match mode {
        Mode::RealName => words.to_owned(),
        Mode::Confidential | Mode::Anonymous => veil::hidden(words, names),
    }
}

/// Seals the words of a sealed ticket's event.
///
/// # Errors
/// When nothing can be sealed.
pub fn seal_event(keys: &Keys, ticket: i64, words: &str) -> Result<String> {
    keys.seal(&event_place(ticket), words)
}

/// May this person read what reporters wrote of themselves? Who holds intake himself, and the inspectors of a sealed ticket.
pub fn reads_originals(actor: &Actor, ticket: &Ticket) -> bool {
    refs::is(actor, ticket, Who::OnlyHolder(Role::Intake), false)
}

/// A ticket's text, whole where it may be read whole.
///
/// # Errors
/// When what is sealed does not open.
pub fn text(keys: &Keys, ticket: &Ticket, whole: bool) -> Result<String> {
    match &ticket.original {
        Some(original) if whole => keys.open(&text_place(ticket.id), original),
        _ => Ok(ticket.text.clone()),
    }
}

/// The words of an event, whole where they may be read whole.
///
/// # Errors
/// When what is sealed does not open.
pub fn words(keys: &Keys, ticket: &Ticket, past: &Past, whole: bool) -> Result<Option<String>> {
    let sealed = |words: &Option<String>| words.clone().filter(|words| words.starts_with(SEALED));
    let closed = sealed(&past.reason).or_else(|| sealed(&past.payload).filter(|_| whole));
    match closed {
        Some(words) => keys.open(&event_place(ticket.id), &words).map(Some),
        None => Ok(past.reason.clone()),
    }
}

/// What the sender is known to be called: the name in office, and what was typed with the telephone number.
pub fn own_names(turn: &Turn<'_, Actor>, contact: Option<&str>) -> Vec<String> {
    let staff = turn.actor.directory().staff(turn.actor.person).map(|staff| staff.name.clone());
    staff.into_iter().chain(contact.and_then(name_in)).collect()
}

/// What a reporter who told it is called.
///
/// # Errors
/// When what is sealed does not open.
pub fn names_of(keys: &Keys, reporters: &[Reporter]) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for reporter in reporters {
        if let Some(sealed) = &reporter.contact {
            names.extend(name_in(&keys.open(&super::show::contact_place(reporter.id), sealed)?));
        }
    }
    Ok(names)
}

/// The name in `周大山 13812345678`.
fn name_in(contact: &str) -> Option<String> {
    let name: String = contact.chars().filter(|c| !c.is_ascii_digit() && !c.is_whitespace() && *c != '-').collect();
    (!name.is_empty()).then_some(name)
}

/// What is said at the confirmation when something will be hidden.
pub fn warning(text: &str, mode: Mode, names: &[String]) -> Option<&'static str> {
    (for_unit(text, mode, names) != text).then(wording::secrecy::will_be_hidden)
}

fn text_place(ticket: i64) -> String {
    format!("ticket.text.{ticket}")
}

fn event_place(ticket: i64) -> String {
    format!("event.words.{ticket}")
}
