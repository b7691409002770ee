//! The chain of events: each carries a keyed hash over itself and the hash of the one before, so that nothing in a history can be
//! changed, taken out or put in by somebody who has the database but not the key.

use super::{State, kept};
use crate::{error::Result, message::Millis, seal::Keys};
use sqlx::{AnyConnection, Row, any::AnyRow};
use std::collections::HashMap;

/// What the hash of an event covers.
#[derive(Debug, Clone, Copy)]
#[expect(missing_docs, reason = "the columns of ticket_event")]
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

/// The hash of an event that follows one with the hash `last`; the first follows the empty text. It is over what was said, not
/// over how that is kept: a history is sealed where it stands, and nobody without the key can put other words there.
pub fn hash(keys: &Keys, last: &str, link: &Link<'_>) -> String {
    let [ticket, seq, at] = [link.ticket, link.seq, link.at].map(|number| number.to_string());
    let actor = link.actor.map(|actor| actor.to_string());
    let there = [last, &ticket, &seq, &at].map(Some);
    let texts = [link.turn_key, link.role, link.command, link.to, link.visible].map(Some);
    let parts = there.into_iter().chain([actor.as_deref()]).chain(texts);
    let said = [link.reason, link.payload, link.before].map(|words| kept::said(keys, link.ticket, words));
    let parts: Vec<Option<&str>> = parts.chain([link.from]).chain(said.iter().map(Option::as_deref)).collect();
    keys.hash_parts("event", &parts)
}

/// Tickets looked at together.
const TICKETS: i64 = 500;
/// Events read at a time: a million of them must not lie in memory.
const EVENTS: i64 = 2_000;

/// What is wrong with a ticket or its history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// The event of this place is missing.
    Missing(i64),
    /// The event of this place is not what it was when it was written.
    Changed(i64),
    /// The ticket counts more or fewer events than there are: counted, there.
    Count(i64, i64),
    /// The last event leads to another state than the ticket is in.
    State,
    /// The number does not fit day and place.
    Number,
    /// There are events, but no ticket.
    NoTicket,
}

/// What a walk over everything came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Walked {
    /// Tickets.
    pub tickets: i64,
    /// Events.
    pub events: i64,
    /// Of these, written before there was a chain: counted, not proven.
    pub unchained: i64,
    /// The first flaw of each ticket, by its number (its id where there is no ticket).
    pub broken: Vec<(String, Flaw)>,
    /// Numbers that were given out and are not there.
    pub gone: Vec<String>,
}

/// Tickets that are looked at together: number and first flaw by id.
type Page = HashMap<i64, (String, Option<Flaw>)>;

/// Walks over all tickets and their events. What is written meanwhile may be missed, but is no flaw.
///
/// # Errors
/// Those of the database.
pub async fn walk(conn: &mut AnyConnection, keys: &Keys) -> Result<Walked> {
    let mut walked = Walked { gone: gone(conn).await?, ..Walked::default() };
    let chained_since: Option<Millis> =
        sqlx::query_scalar("SELECT CAST(MIN(at) AS BIGINT) FROM ticket_event WHERE hash <> ''").fetch_one(&mut *conn).await?;
    let mut from = 0;
    loop {
        // One statement sees a ticket and its events as they are at one moment.
        let rows = sqlx::query(
            "SELECT id, number, day, seq, events, state,
                (SELECT COUNT(*) FROM ticket_event WHERE ticket_id = ticket.id) AS there,
                (SELECT to_state FROM ticket_event WHERE ticket_id = ticket.id ORDER BY seq DESC LIMIT 1) AS last_state
             FROM ticket WHERE id > $1 ORDER BY id LIMIT $2",
        )
        .bind(from)
        .bind(TICKETS)
        .fetch_all(&mut *conn)
        .await?;
        let mut page = Page::with_capacity(rows.len());
        let mut order = Vec::with_capacity(rows.len());
        for row in &rows {
            let id = row.try_get("id")?;
            order.push(id);
            page.insert(id, (row.try_get("number")?, flaw_of(row)?));
        }
        let to = order.last().copied().unwrap_or(i64::MAX);
        let flaws = histories(conn, keys, (from, to), (&page, chained_since), &mut walked).await?;
        for (id, flaw) in flaws {
            match page.get_mut(&id) {
                // What the chain says is nearer to what happened than what the ticket's row says.
                Some((_, present)) => *present = Some(flaw),
                None => walked.broken.push((format!("#{id}"), flaw)),
            }
        }
        walked.tickets += i64::try_from(order.len()).unwrap_or_default();
        let flawed = order.iter().filter_map(|id| page.remove(id)).filter_map(|(number, flaw)| Some((number, flaw?)));
        walked.broken.extend(flawed);
        if to == i64::MAX {
            return Ok(walked);
        }
        from = to;
    }
}

/// What is wrong with a ticket's own row.
fn flaw_of(row: &AnyRow) -> Result<Option<Flaw>> {
    let (number, day, seq): (String, String, i64) = (row.try_get("number")?, row.try_get("day")?, row.try_get("seq")?);
    let (events, there): (i64, i64) = (row.try_get("events")?, row.try_get("there")?);
    let (state, last): (String, Option<String>) = (row.try_get("state")?, row.try_get("last_state")?);
    Ok(if events != there {
        Some(Flaw::Count(events, there))
    } else if last.as_deref() != Some(state.as_str()) {
        Some(Flaw::State)
    } else {
        (!number.ends_with(&format!("{day}{seq:04}"))).then_some(Flaw::Number)
    })
}

/// Walks over the histories of a range of tickets' ids. Gives the first flaw of each.
async fn histories(
    conn: &mut AnyConnection,
    keys: &Keys,
    (from, to): (i64, i64),
    (tickets, chained_since): (&Page, Option<Millis>),
    walked: &mut Walked,
) -> Result<Vec<(i64, Flaw)>> {
    let mut flaws: Vec<(i64, Flaw)> = Vec::new();
    let (mut ticket, mut seq, mut last) = (from, i64::MAX, String::new());
    loop {
        let rows = sqlx::query(
            "SELECT ticket_id, seq, at, turn_key, actor_id, actor_role, command, from_state, to_state, reason, payload, visible_to,
                before, hash
             FROM ticket_event WHERE (ticket_id, seq) > ($1, $2) AND ticket_id <= $3 ORDER BY ticket_id, seq LIMIT $4",
        )
        .bind(ticket)
        .bind(seq)
        .bind(to)
        .bind(EVENTS)
        .fetch_all(&mut *conn)
        .await?;
        if rows.is_empty() {
            return Ok(flaws);
        }
        for row in &rows {
            let id: i64 = row.try_get(0)?;
            if id != ticket {
                (ticket, seq, last) = (id, 0, String::new());
            }
            let kept: String = row.try_get("hash")?;
            let (found, at): (i64, Millis) = (row.try_get(1)?, row.try_get(2)?);
            let before_the_chain = kept.is_empty() && last.is_empty() && chained_since.is_none_or(|since| at < since);
            walked.events += 1;
            walked.unchained += i64::from(before_the_chain);
            let flaw = if !tickets.contains_key(&id) {
                Some(Flaw::NoTicket)
            } else if found != seq + 1 {
                Some(Flaw::Missing(seq + 1))
            } else {
                (!before_the_chain && kept != hash_of(row, keys, &last)?).then_some(Flaw::Changed(found))
            };
            if let Some(flaw) = flaw.filter(|_| flaws.last().is_none_or(|(flawed, _)| *flawed != id)) {
                flaws.push((id, flaw));
            }
            (seq, last) = (found, kept);
        }
    }
}

fn hash_of(row: &AnyRow, keys: &Keys, last: &str) -> Result<String> {
    let text = |name: &'static str| -> Result<String> { Ok(row.try_get(name)?) };
    let maybe = |name: &'static str| -> Result<Option<String>> { Ok(row.try_get(name)?) };
    let (turn_key, role, command, to) = (text("turn_key")?, text("actor_role")?, text("command")?, text("to_state")?);
    let (from, reason, payload, before) = (maybe("from_state")?, maybe("reason")?, maybe("payload")?, maybe("before")?);
    let visible = text("visible_to")?;
    let link = Link {
        ticket: row.try_get("ticket_id")?,
        seq: row.try_get("seq")?,
        at: row.try_get("at")?,
        turn_key: &turn_key,
        actor: row.try_get("actor_id")?,
        role: &role,
        command: &command,
        from: from.as_deref(),
        to: &to,
        reason: reason.as_deref(),
        payload: payload.as_deref(),
        visible: &visible,
        before: before.as_deref(),
    };
    Ok(hash(keys, last, &link))
}

/// Numbers of tickets that a day's counter gave out and no ticket has. The counters are read first, so that a ticket that comes
/// meanwhile is none of them.
async fn gone(conn: &mut AnyConnection) -> Result<Vec<String>> {
    let days: Vec<(String, i64)> = sqlx::query("SELECT name, next FROM sequence ORDER BY name")
        .fetch_all(&mut *conn)
        .await?
        .iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
        .collect::<Result<_>>()?;
    let mut gone = Vec::new();
    for (name, next) in days.into_iter().filter(|(name, _)| is_day(name)) {
        // A range instead of LIKE, so that the index serves on both databases; ':' follows '9'.
        let mut there: Vec<i64> = sqlx::query_scalar("SELECT seq FROM ticket WHERE number >= $1 AND number < $2")
            .bind(name.clone())
            .bind(format!("{name}:"))
            .fetch_all(&mut *conn)
            .await?;
        there.sort_unstable();
        gone.extend((1..=next).filter(|seq| there.binary_search(seq).is_err()).map(|seq| format!("{name}{seq:04}")));
    }
    Ok(gone)
}

/// Is this the counter of a county's day, `WY261123`?
fn is_day(name: &str) -> bool {
    let letters = name.bytes().take_while(u8::is_ascii_uppercase).count();
    (1..=5).contains(&letters) && name.len() == letters + 6 && name[letters..].bytes().all(|byte| byte.is_ascii_digit())
}

/// An event as an auditor reads it.
#[derive(Debug)]
#[expect(missing_docs, reason = "the columns under their own names")]
pub struct Entry {
    pub seq: i64,
    pub at: Millis,
    pub actor: Option<i64>,
    pub role: String,
    pub command: String,
    pub from: Option<State>,
    pub to: Option<State>,
    pub reason: Option<String>,
}

/// The history of a ticket with everything that is not a secret of the program, oldest first.
///
/// # Errors
/// Those of the database.
pub async fn entries(conn: &mut AnyConnection, ticket: i64) -> Result<Vec<Entry>> {
    let rows = sqlx::query(
        "SELECT seq, at, actor_id, actor_role, command, from_state, to_state, reason FROM ticket_event WHERE ticket_id = $1 ORDER BY seq",
    )
    .bind(ticket)
    .fetch_all(conn)
    .await?;
    let state = |name: Option<String>| name.as_deref().and_then(State::from_code);
    rows.iter()
        .map(|row| {
            Ok(Entry {
                seq: row.try_get(0)?,
                at: row.try_get(1)?,
                actor: row.try_get(2)?,
                role: row.try_get(3)?,
                command: row.try_get(4)?,
                from: state(row.try_get(5)?),
                to: state(row.try_get(6)?),
                reason: row.try_get(7)?,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_days_counter_is_told_from_others() {
        for (name, day) in [
            ("WY261123", true),
            ("MH261123", true),
            ("WYJ261123", true),
            ("audit_event", false),
            ("261123", false),
            ("WY2611230001", false),
        ] {
            assert_eq!(is_day(name), day, "{name}");
        }
    }
}
