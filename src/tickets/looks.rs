//! Who looked: at identities, and at tickets by people who have no business there. The inspector reads it as 查看记录, a reporter
//! who asks gets the looks at himself.

use super::{
    Sealed, Ticket,
    life::{Verb, Who},
    refs, show,
    store::{self, Past},
    wording,
};
use crate::{
    bot::{Submitted, Turn},
    clock::{DAY, local},
    error::Result,
    message::Millis,
    people::{Actor, Directory, Role, Scope},
};
use sqlx::Row;
use std::collections::BTreeMap;

/// So many look-ups of one ticket by one person in a day are unusual.
const OFTEN: usize = 5;
/// So far back the list goes.
const REACH: Millis = 90 * DAY;
/// Lines of the list.
const LINES: usize = 20;
/// Look-ups that are weighed at most.
const WEIGHED: i64 = 5000;

/// A look-up by somebody of a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// The ticket.
    pub ticket: i64,
    /// When.
    pub at: Millis,
    /// Who.
    pub actor: i64,
    /// Of which unit.
    pub unit: String,
}

/// What a look-up is held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stand {
    /// The unit is what the ticket is about.
    pub subject: bool,
    /// The person works on the ticket.
    pub works: bool,
}

/// Why a look-up is unusual.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unusual {
    /// By somebody of the unit that the ticket is about.
    Subject,
    /// By somebody who does not work on it.
    Outsider,
    /// So many times in a day.
    Often(usize),
}

/// The unusual among look-ups, newest first: of each person, ticket and day the last look-up, with the gravest reason.
pub fn unusual(looks: &[Look], stand: impl Fn(&Look) -> Stand) -> Vec<(Look, Unusual)> {
    let mut days: BTreeMap<(i64, i64, chrono::NaiveDate), Vec<&Look>> = BTreeMap::new();
    for look in looks {
        days.entry((look.ticket, look.actor, local(look.at).date_naive())).or_default().push(look);
    }
    let mut found: Vec<(Look, Unusual)> = days
        .into_values()
        .filter_map(|day| {
            let last = day.iter().max_by_key(|look| look.at)?;
            let why = match stand(last) {
                Stand { subject: true, .. } => Unusual::Subject,
                Stand { works: false, .. } => Unusual::Outsider,
                Stand { .. } if day.len() >= OFTEN => Unusual::Often(day.len()),
                Stand { .. } => return None,
            };
            Some(((*last).clone(), why))
        })
        .collect();
    found.sort_by_key(|(look, _)| std::cmp::Reverse((look.at, look.ticket)));
    found
}

/// The unit for which this person sees the ticket, if it is for a unit.
fn unit_of(actor: &Actor, ticket: &Ticket) -> Option<String> {
    let directory = actor.directory();
    let near: Vec<&String> = ticket.unit.iter().chain(&ticket.co_units).chain(&ticket.subject).collect();
    let of_unit = |role| matches!(role, Role::Liaison | Role::Handler | Role::UnitLeader);
    let own = actor.grants().iter().filter(|grant| of_unit(grant.role)).filter_map(|grant| grant.unit.as_ref());
    own.clone().find(|own| near.iter().any(|unit| directory.belongs_to(unit, own))).or_else(|| own.clone().next()).cloned()
}

/// Writes down that somebody of a unit looked a ticket up.
///
/// # Errors
/// Those of the database.
pub async fn record(turn: &mut Turn<'_, Actor>, ticket: &Ticket) -> Result<()> {
    let Some(unit) = unit_of(&turn.actor, ticket).filter(|_| ticket.sealed == Sealed::Open) else { return Ok(()) };
    let id = turn.tx.id()?;
    sqlx::query("INSERT INTO look (id, ticket_id, at, actor_id, unit) VALUES ($1, $2, $3, $4, $5)")
        .bind(id)
        .bind(ticket.id)
        .bind(turn.now)
        .bind(turn.actor.person)
        .bind(unit)
        .execute(turn.tx.conn())
        .await?;
    Ok(())
}

/// Does this person work on the ticket: as its handler, as liaison or leader of a unit that has it, or by what he did to it?
fn works(directory: &Directory, ticket: &Ticket, look: &Look, history: &[Past]) -> bool {
    let grants = directory.grants(look.actor);
    let answers_for = ticket.unit.iter().chain(&ticket.co_units).any(|unit| {
        let scope = Scope::area(&ticket.area).unit(unit);
        [Role::Liaison, Role::UnitLeader].iter().any(|role| directory.holds(grants, *role, scope))
    });
    answers_for || ticket.handler == Some(look.actor) || history.iter().any(|past| past.actor == Some(look.actor))
}

/// May this person, as an inspector, know of looks at the ticket?
fn watches(actor: &Actor, ticket: &Ticket) -> bool {
    if ticket.sealed != Sealed::Open {
        return refs::inspects(actor, ticket);
    }
    refs::is(actor, ticket, Who::OnlyHolder(Role::Inspector), false)
}

/// 查看记录: looks at identities and unusual look-ups in the inspector's area, newest first.
///
/// # Errors
/// Those of the database.
pub async fn list(turn: &mut Turn<'_, Actor>) -> Result<Submitted> {
    let (now, person) = (turn.now, turn.actor.person);
    let office = turn.actor.office.clone();
    let directory = &office.directory;
    let name = |id: i64| directory.staff(id).map_or(wording::COLLEAGUE, |staff| staff.name.as_str());
    let mut tickets: BTreeMap<i64, (Ticket, Vec<Past>)> = BTreeMap::new();
    let looks = looks_since(turn, now - REACH).await?;
    let revealed = revealed_since(turn, now - REACH).await?;
    for id in looks.iter().map(|look| look.ticket).chain(revealed) {
        if tickets.contains_key(&id) {
            continue;
        }
        let Some(ticket) = store::by_id(turn.tx.conn(), id).await? else { continue };
        if watches(&turn.actor, &ticket) {
            let history = store::history(turn.tx, id).await?;
            tickets.insert(id, (ticket, history));
        }
    }
    let mut lines: Vec<(Millis, String)> = Vec::new();
    for (ticket, history) in tickets.values() {
        let label = show::label(ticket, directory);
        for past in history.iter().filter(|past| past.verb == Verb::Reveal && past.at > now - REACH) {
            let reason = super::kept::words(&office.keys, ticket, past, true)?.unwrap_or_default();
            let by = past.actor.map_or(wording::INTAKE, name);
            lines.push((past.at, wording::secrecy::somebody_looked(by, &label, &reason)));
        }
    }
    let seen: Vec<Look> = looks.into_iter().filter(|look| tickets.contains_key(&look.ticket)).collect();
    let stand = |look: &Look| match tickets.get(&look.ticket) {
        Some((ticket, history)) => Stand {
            subject: ticket.subject.as_deref().is_some_and(|subject| directory.belongs_to(&look.unit, subject)),
            works: works(directory, ticket, look, history),
        },
        None => Stand { subject: false, works: true },
    };
    for (look, why) in unusual(&seen, stand) {
        let Some((ticket, _)) = tickets.get(&look.ticket) else { continue };
        let unit = directory.unit(&look.unit).map_or("", |unit| unit.name.as_str());
        let who = format!("{unit} {}", name(look.actor));
        lines.push((look.at, wording::secrecy::unusual(&who, &show::label(ticket, directory), why)));
    }
    lines.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    lines.truncate(LINES);
    let heading = wording::secrecy::looks_heading(lines.len());
    let lines = lines.into_iter().map(|(at, line)| format!("{} {line}", wording::secrecy::moment(at, now)));
    let text = std::iter::once(heading).chain(lines).collect::<Vec<_>>().join("\n");
    if turn.in_group() {
        turn.say(wording::lists::list_in_private());
    }
    turn.say_privately(person, text);
    Ok(Submitted::Done(Vec::new()))
}

async fn looks_since(turn: &mut Turn<'_, Actor>, since: Millis) -> Result<Vec<Look>> {
    let rows = sqlx::query("SELECT ticket_id, at, actor_id, unit FROM look WHERE at > $1 ORDER BY at DESC LIMIT $2")
        .bind(since)
        .bind(WEIGHED)
        .fetch_all(turn.tx.conn())
        .await?;
    rows.iter()
        .map(|row| {
            let unit: Option<String> = row.try_get(3)?;
            Ok(Look { ticket: row.try_get(0)?, at: row.try_get(1)?, actor: row.try_get(2)?, unit: unit.unwrap_or_default() })
        })
        .collect()
}

/// The tickets whose reporters somebody looked at, each as often as that happened.
async fn revealed_since(turn: &mut Turn<'_, Actor>, since: Millis) -> Result<Vec<i64>> {
    // The verb stands in the statement, because the index holds these events alone.
    let sql = format!("SELECT ticket_id FROM ticket_event WHERE command = '{}' AND at > $1", Verb::Reveal.code());
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(since).fetch_all(turn.tx.conn()).await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// A look at an identity, as the reporter reads it.
pub fn in_words(role: &str, at: Millis, now: Millis, reason: &str) -> String {
    let role = if Role::parse(role) == Some(Role::Inspector) { "纪检监察人员" } else { wording::INTAKE };
    wording::secrecy::looked(role, at, now, reason)
}

/// 谁看过我的身份: every look at an identity, of all that this person reported.
///
/// # Errors
/// Those of the database.
pub async fn tell(turn: &mut Turn<'_, Actor>) -> Result<()> {
    if turn.in_group() {
        turn.say(wording::secrecy::ask_in_private());
        return Ok(());
    }
    let now = turn.now;
    let office = turn.actor.office.clone();
    let mut lines = Vec::new();
    for entry in store::entries_of(turn.tx, &turn.actor.holders()).await? {
        if entry.mode == super::Mode::Anonymous {
            continue;
        }
        let Some(ticket) = store::by_id(turn.tx.conn(), entry.ticket).await? else { continue };
        for past in store::history(turn.tx, ticket.id).await?.iter().filter(|past| past.verb == Verb::Reveal) {
            let reason = super::kept::words(&office.keys, &ticket, past, true)?.unwrap_or_default();
            let label = show::label(&ticket, &office.directory);
            lines.push(format!("{label}：{}", in_words(&past.role, past.at, now, &reason)));
        }
    }
    match lines.is_empty() {
        true => turn.say(wording::secrecy::nobody_looked()),
        false => turn.say(wording::secrecy::looks_of(&lines)),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{HOUR, MINUTE};

    const MONDAY: Millis = 1_795_399_200_000;

    fn looks(times: &[(i64, i64, Millis)]) -> Vec<Look> {
        times
            .iter()
            .map(|(ticket, actor, at)| Look { ticket: *ticket, at: MONDAY + at, actor: *actor, unit: "swj".into() })
            .collect()
    }

    #[test]
    fn what_counts_as_unusual() {
        const HANDLER: i64 = 1;
        const COLLEAGUE: i64 = 2;
        const SUBJECT: i64 = 3;
        let stand = |look: &Look| Stand { subject: look.actor == SUBJECT, works: look.actor == HANDLER };
        let times = |actor, count: i64, step| (0..count).map(|n| (7, actor, n * step)).collect::<Vec<_>>();
        for (what, given, expected) in [
            ("nobody", vec![], vec![]),
            ("who works on it", times(HANDLER, 1, MINUTE), vec![]),
            ("who works on it, four times", times(HANDLER, 4, MINUTE), vec![]),
            ("who works on it, five times", times(HANDLER, 5, MINUTE), vec![Unusual::Often(5)]),
            ("five times in five days", times(HANDLER, 5, 24 * HOUR), vec![]),
            ("a colleague", times(COLLEAGUE, 1, MINUTE), vec![Unusual::Outsider]),
            ("a colleague, twice in a day", times(COLLEAGUE, 2, MINUTE), vec![Unusual::Outsider]),
            ("the subject", times(SUBJECT, 6, MINUTE), vec![Unusual::Subject]),
            ("several", vec![(7, HANDLER, 0), (7, SUBJECT, 1), (7, COLLEAGUE, 2)], vec![Unusual::Outsider, Unusual::Subject]),
        ] {
            let found: Vec<Unusual> = unusual(&looks(&given), stand).into_iter().map(|(_, why)| why).collect();
            assert_eq!(found, expected, "{what}");
        }
    }

    #[test]
    fn five_look_ups_of_five_tickets_are_a_days_work() {
        let given: Vec<(i64, i64, Millis)> = (0..5).map(|ticket| (ticket, 1, ticket)).collect();
        assert!(unusual(&looks(&given), |_| Stand { subject: false, works: true }).is_empty());
    }
}
