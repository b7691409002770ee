//! How the words of reporters are kept: in the open what the unit may read of them, and sealed beside it what it may not.
//!
//! The original is opened for intake, and of a sealed ticket for its inspectors. Of a sealed ticket nothing stands in the open.

use super::{
    Mode, Sealed, Ticket,
    life::Who,
    refs,
    store::{self, Past, Reporter},
    together, veil, wording,
};
use crate::{
    bot::Turn,
    db::Tx,
    error::Result,
    people::{Actor, Role},
    seal::Keys,
};
use sqlx::Row;
use std::borrow::Cow;

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

impl Kept {
    /// Words that hide nothing.
    pub fn of(words: &str) -> Self {
        Kept { open: words.to_owned(), original: None }
    }
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

/// Words that a reporter adds, or that somebody writes down for one: as hidden as the entry under which this person reported. Of
/// a sealed ticket all words of events are sealed where the event is written.
///
/// # Errors
/// Those of the database; when nothing can be sealed.
pub async fn of_reporter(turn: &mut Turn<'_, Actor>, ticket: &Ticket, words: &str) -> Result<Kept> {
    if ticket.sealed != Sealed::Open {
        return Ok(Kept::of(words));
    }
    let keys = turn.actor.office.keys.clone();
    let (mode, names) = match refs::reported(turn, ticket.id).await? {
        Some(mine) => {
            let mut names = own_names(turn, None);
            names.extend(names_of(&keys, std::slice::from_ref(&mine))?);
            (mine.mode, names)
        }
        None => most_hidden(turn, ticket).await?,
    };
    spoken(&keys, ticket, words, mode, &names)
}

/// How hidden words are that speak of whoever reported, whichever of them: as the most hidden one is. And what they are called.
///
/// # Errors
/// Those of the database; when nothing can be opened.
pub async fn most_hidden(turn: &mut Turn<'_, Actor>, ticket: &Ticket) -> Result<(Mode, Vec<String>)> {
    let keys = turn.actor.office.keys.clone();
    let mut all = store::reporters(turn.tx, ticket.id).await?;
    all.extend(together::reporters(turn.tx, ticket.id).await?.into_iter().map(|(reporter, _)| reporter));
    let hidden = all.iter().map(|reporter| reporter.mode).find(|mode| *mode != Mode::RealName);
    Ok((hidden.unwrap_or(ticket.mode), names_of(&keys, &all)?))
}

/// Words about an ordinary ticket by somebody who reports in this mode and is called so.
///
/// # Errors
/// When nothing can be sealed.
pub fn spoken(keys: &Keys, ticket: &Ticket, words: &str, mode: Mode, names: &[String]) -> Result<Kept> {
    let open = for_unit(words, mode, names);
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

/// What is written beside a ticket: its events' words and records, the words of ratings. Whoever has the database alone reads
/// nothing of what is sealed.
///
/// # Errors
/// When nothing can be sealed.
pub fn beside<'a>(keys: &Keys, ticket: &Ticket, words: Option<&'a str>) -> Result<Option<Cow<'a, str>>> {
    Ok(match words {
        Some(words) if ticket.sealed != Sealed::Open => Some(keys.seal(&event_place(ticket.id), words)?.into()),
        words => words.map(Cow::Borrowed),
    })
}

/// The same, opened again. What only looks sealed was typed so, unless the ticket is sealed.
///
/// # Errors
/// When what is sealed does not open.
pub fn opened(keys: &Keys, ticket: &Ticket, words: Option<String>) -> Result<Option<String>> {
    let Some(words) = words.filter(|words| !words.is_empty()) else { return Ok(None) };
    if !words.starts_with(SEALED) {
        return Ok(Some(words));
    }
    match keys.open(&event_place(ticket.id), &words) {
        Err(_) if ticket.sealed == Sealed::Open => Ok(Some(words)),
        opened => opened.map(Some),
    }
}

/// A history whose records of what was replaced can be read.
///
/// # Errors
/// When what is sealed does not open.
pub fn history(keys: &Keys, ticket: &Ticket, past: Vec<Past>) -> Result<Vec<Past>> {
    past.into_iter().map(|past| Ok(Past { before: opened(keys, ticket, past.before.clone())?, ..past })).collect()
}

/// What was said, however it is kept: the chain of events is over this, so that a history can be sealed and stays whole.
pub fn said<'a>(keys: &Keys, ticket: i64, kept: Option<&'a str>) -> Option<Cow<'a, str>> {
    let opened = |kept: &str| kept.starts_with(SEALED).then(|| keys.open(&event_place(ticket), kept).ok()).flatten();
    kept.map(|kept| opened(kept).map_or(Cow::Borrowed(kept), Cow::Owned))
}

/// An ordinary ticket as it is kept from now on that it is sealed: its words, the place in its reporter's words and the result
/// together, and a title that says nothing.
///
/// # Errors
/// When what is sealed does not open, or nothing can be sealed.
pub fn closed(keys: &Keys, ticket: &Ticket, sealed: Sealed) -> Result<Ticket> {
    let mut whole = text(keys, ticket, true)?;
    let (place, words) = ticket.place.split_once('（').unwrap_or((&ticket.place, ""));
    let words = words.trim_end_matches('）');
    // Where the place was hidden from the unit, its words stand in the original already.
    let words = if words.contains(wording::HIDDEN) { "" } else { words };
    if !words.is_empty() {
        whole.push('\n');
        whole.push_str(&wording::secrecy::place_as_said(words));
    }
    whole.extend(ticket.result.iter().map(|result| format!("\n{}", wording::secrecy::result_before(result))));
    let mut closed = Ticket {
        sealed,
        title: wording::secrecy::TITLE.to_owned(),
        place: place.to_owned(),
        result: None,
        handler: None,
        ..ticket.clone()
    };
    let kept = report(keys, &closed, &whole, None, &[])?;
    (closed.text, closed.original) = (kept.open, kept.original);
    Ok(closed)
}

/// Seals what was written beside a ticket so far: words and records of its events, ratings, opinions of helping units.
///
/// # Errors
/// Those of the database; when nothing can be sealed.
pub async fn close_past(tx: &mut Tx, keys: &Keys, ticket: &Ticket) -> Result<()> {
    for (table, column) in [("ticket_event", "reason"), ("ticket_event", "before"), ("rating", "words"), ("co_unit", "opinion")] {
        let select =
            format!("SELECT DISTINCT {column} FROM {table} WHERE ticket_id = $1 AND {column} IS NOT NULL AND {column} <> ''");
        let rows = sqlx::query(sqlx::AssertSqlSafe(select)).bind(ticket.id).fetch_all(tx.conn()).await?;
        for row in rows {
            let words: String = row.try_get(0)?;
            if said(keys, ticket.id, Some(&words)).is_some_and(|said| said != words) {
                continue;
            }
            let update = format!("UPDATE {table} SET {column} = $1 WHERE ticket_id = $2 AND {column} = $3");
            sqlx::query(sqlx::AssertSqlSafe(update))
                .bind(keys.seal(&event_place(ticket.id), &words)?)
                .bind(ticket.id)
                .bind(words)
                .execute(tx.conn())
                .await?;
        }
    }
    Ok(())
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
    let original = past.payload.clone().filter(|original| whole && original.starts_with(SEALED));
    opened(keys, ticket, original.or_else(|| past.reason.clone()))
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
        names.extend(reporter.contact(keys)?.as_deref().and_then(name_in));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        db::Db,
        tickets::{
            State, chain,
            life::Verb,
            store::{At, By, Event},
        },
    };

    /// A ticket with a history, sealed afterwards; then a change by somebody with the database. Gives what the chain says of it.
    async fn after(change: &str) -> Vec<(String, chain::Flaw)> {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(&format!("sqlite://{}/k.db", folder.path().display()), 2).await.unwrap();
        db.migrate().await.unwrap();
        let keys = Keys::new(&[1; 32], &[]);
        let mut tx = db.write().await.unwrap();
        let id = tx.id().unwrap();
        let mut ticket = Ticket {
            id,
            number: "WY2611230001".into(),
            day: "261123".into(),
            seq: 1,
            area: "131122102214".into(),
            place: "前观津村（老井边）".into(),
            text: "村干部收钱".into(),
            result: Some("退了".into()),
            events: 3,
            ..Ticket::blank(0)
        };
        store::insert(&mut tx, &ticket, "code", None).await.unwrap();
        let before = Some(r#"{"title":"收钱"}"#.to_owned());
        // The last one only looks sealed.
        for (seq, reason) in [(1, "每家三百"), (2, "找周大山"), (3, "k1.每家")] {
            let event = Event {
                verb: Verb::Add,
                from: None,
                to: State::Submitted,
                reason: Some(reason),
                payload: None,
                visible: "all",
                before: before.clone(),
            };
            let at = At { ticket: id, seq, turn_key: "t", now: seq };
            store::event(&mut tx, &keys, at, By { person: None, role: "reporter" }, event).await.unwrap();
        }
        let open = store::history(&mut tx, id).await.unwrap();
        ticket = closed(&keys, &ticket, Sealed::Area).unwrap();
        close_past(&mut tx, &keys, &ticket).await.unwrap();
        close_past(&mut tx, &keys, &ticket).await.unwrap();
        let kept = store::history(&mut tx, id).await.unwrap();
        for (open, kept) in open.iter().zip(history(&keys, &ticket, kept).unwrap()) {
            assert!(kept.reason.as_ref().is_some_and(|reason| reason.starts_with(SEALED) && !reason.contains("每家")));
            assert_eq!(words(&keys, &ticket, &kept, false).unwrap(), open.reason);
            assert_eq!(kept.before, open.before);
        }
        assert_eq!((ticket.text.as_str(), ticket.place.as_str(), &ticket.result), ("", "前观津村", &None));
        assert_eq!(text(&keys, &ticket, true).unwrap(), "村干部收钱\n（地点原话：老井边）\n（移交前的结果：退了）");
        sqlx::query("INSERT INTO sequence (name, next) VALUES ('WY261123', 1)").execute(tx.conn()).await.unwrap();
        sqlx::query(sqlx::AssertSqlSafe(change.to_owned())).execute(tx.conn()).await.unwrap();
        tx.commit().await.unwrap();
        chain::walk(&mut db.read().await.unwrap(), &keys).await.unwrap().broken
    }

    #[tokio::test]
    async fn a_history_that_was_sealed_reads_the_same_and_stays_whole() {
        let other = "(SELECT reason FROM ticket_event WHERE seq = 2)";
        for (change, flawed) in [
            ("SELECT 1".to_owned(), None),
            (format!("UPDATE ticket_event SET reason = {other} WHERE seq = 1"), Some(1)),
            ("UPDATE ticket_event SET reason = reason || 'A' WHERE seq = 2".to_owned(), Some(2)),
            ("UPDATE ticket_event SET before = NULL WHERE seq = 3".to_owned(), Some(3)),
        ] {
            let expected: Vec<_> = flawed.map(|seq| ("WY2611230001".to_owned(), chain::Flaw::Changed(seq))).into_iter().collect();
            assert_eq!(after(&change).await, expected, "{change}");
        }
    }

    #[test]
    fn what_was_typed_like_something_sealed_is_read_as_it_was_typed() {
        let keys = Keys::new(&[1; 32], &[]);
        let open = Ticket::blank(0);
        assert_eq!(opened(&keys, &open, Some("k1.abc".into())).unwrap().as_deref(), Some("k1.abc"));
        assert!(opened(&keys, &Ticket { sealed: Sealed::Area, ..open }, Some("k1.abc".into())).is_err());
    }
}
