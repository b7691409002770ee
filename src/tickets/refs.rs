//! Which ticket a number means (`domain.md` 5).
//!
//! `7` is a day's sequence, `1122-7` names the day, a full number is itself. Candidates are the tickets on which this person
//! may give this command now: today's wins, else the only earlier one; several are asked about.

use super::{
    SEALED_SERIES, Sealed, State, Ticket, group,
    life::{self, Row, To, Verb, Who},
    store::{self, Look},
    together, wording,
};
use crate::{
    bot::Turn,
    clock::local,
    error::Result,
    people::{Actor, Directory, Grant, Level, Role, Scope, Staff},
};

/// A reference as it was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ref {
    /// A day's sequences, from and to, with the version a button was shown with.
    Short(i64, i64, Option<i64>),
    /// `MMDD` and sequence.
    Dated(String, i64),
    /// A sequence of the sealed series, `J1`.
    Sealed(i64),
    /// A full number, with the version a button was shown with.
    Full(String, Option<i64>),
}

/// What a reference means to this person for this verb.
#[derive(Debug)]
pub enum Found {
    /// This ticket.
    One(Box<Ticket>),
    /// One of these.
    Several(Vec<Ticket>),
    /// None, and why.
    Not(String),
}

/// Reads the references of a command line, separated by blanks.
pub fn read(words: &str) -> Vec<Ref> {
    words
        .split([' ', ',', '，', '、'])
        .filter_map(|word| {
            let (word, version) = match word.split_once('#') {
                Some((word, version)) => (word, version.parse().ok()),
                None => (word, None),
            };
            if let Some(seq) = word.strip_prefix(['J', 'j']).and_then(|digits| digits.parse().ok()) {
                return Some(Ref::Sealed(seq));
            }
            if word.starts_with(|c: char| c.is_ascii_alphabetic()) {
                return Some(Ref::Full(word.to_ascii_uppercase(), version));
            }
            if let Some((left, right)) = word.split_once(['-', '~']) {
                let (from, to): (i64, i64) = (left.parse().ok()?, right.parse().ok()?);
                let dated = left.len() >= 3 && (101..=1231).contains(&from);
                return Some(if dated {
                    Ref::Dated(format!("{from:04}"), to)
                } else {
                    Ref::Short(from.min(to), from.max(to), None)
                });
            }
            let seq = word.parse().ok()?;
            Some(Ref::Short(seq, seq, version))
        })
        .collect()
}

/// The first full ticket number in a text.
pub fn number_in(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    (0..bytes.len())
        .filter(|at| bytes[*at].is_ascii_uppercase() && (*at == 0 || !bytes[at - 1].is_ascii_alphanumeric()))
        .find_map(|at| {
            let letters = bytes[at..].iter().take_while(|byte| byte.is_ascii_uppercase()).count();
            let digits = bytes[at + letters..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            (1..=5).contains(&letters).then_some(())?;
            (10..=14).contains(&digits).then(|| text[at..at + letters + digits].to_owned())
        })
}

/// The ticket number of a quoted card: a full number anywhere, else the short one of its first line.
pub fn number_of_card(text: &str) -> Option<String> {
    let digits = |word: &str| word.len() >= 4 && word.len() <= 6 && word.bytes().all(|byte| byte.is_ascii_digit());
    let short = |word: &&str| digits(word.strip_prefix(SEALED_SERIES).unwrap_or(word));
    number_in(text).or_else(|| text.lines().next()?.split([' ', '　', '：']).find(short).map(str::to_owned))
}

/// Is this person one of those named, for this ticket?
pub fn is(actor: &Actor, ticket: &Ticket, who: Who, reported: bool) -> bool {
    let scope = scope_of(ticket);
    if ticket.sealed != Sealed::Open {
        // Nobody else can tell that it exists, and the inspector does what all others do (`domain.md` 6.1, 16).
        return match who {
            Who::Reporter => reported,
            Who::Itself => true,
            Who::Clock | Who::Anybody => false,
            Who::Holder(_)
            | Who::OnlyHolder(_)
            | Who::CoLiaison
            | Who::ChosenDeputy
            | Who::IntakeAndDispatcher
            | Who::Arbiter
            | Who::StaffInScope => inspects(actor, ticket),
        };
    }
    match who {
        Who::Anybody | Who::Itself => true,
        Who::Reporter => reported,
        Who::Clock => false,
        Who::Holder(role) if of_unit(role) => ticket.unit.is_some() && actor.may_act_as(role, scope),
        Who::Holder(role) => actor.may_act_as(role, scope),
        Who::OnlyHolder(role) => actor.directory().holds(actor.own_grants(), role, scope),
        Who::CoLiaison => ticket.co_units.iter().any(|unit| actor.may_act_as(Role::Liaison, Scope { unit: Some(unit), ..scope })),
        Who::ChosenDeputy => group::chosen(actor.directory(), ticket) == Some(actor.person),
        Who::IntakeAndDispatcher => {
            actor.directory().holds(actor.grants(), Role::Intake, scope)
                && actor.directory().holds(actor.grants(), Role::Dispatcher, scope)
        }
        Who::Arbiter => match arbiters(actor.directory(), ticket) {
            arbiters if arbiters.is_empty() => actor.may_act_as(Role::NpcStaff, scope),
            arbiters => arbiters.contains(&actor.person),
        },
        Who::StaffInScope => actor.grants().iter().filter(|grant| sees_tickets(grant.role)).any(|grant| {
            let units = ticket.unit.iter().chain(&ticket.co_units).map(|unit| Some(unit.as_str()));
            units
                .chain([None])
                .any(|unit| actor.directory().holds(std::slice::from_ref(grant), grant.role, Scope { unit, ..scope }))
        }),
    }
}

/// May this person inspect a sealed ticket? An inspector of its area, or above the county where it is about the county's own.
pub fn inspects(actor: &Actor, ticket: &Ticket) -> bool {
    may_inspect(actor.grants(), &ticket.area, ticket.sealed)
}

/// The inspectors of what lies in this area and is sealed like this.
pub fn inspectors<'d>(directory: &'d Directory, area: &str, sealed: Sealed) -> Vec<&'d Staff> {
    directory.all_staff().filter(|staff| may_inspect(&staff.grants, area, sealed)).collect()
}

fn may_inspect(grants: &[Grant], area: &str, sealed: Sealed) -> bool {
    grants.iter().any(|grant| {
        grant.role == Role::Inspector
            && crate::people::contains(&grant.area, area)
            && (sealed != Sealed::Above || grant.area.len() < Level::County.digits())
    })
}

/// Does this person work in the ticket's unit?
pub fn is_of_unit(directory: &Directory, staff: &Staff, ticket: &Ticket) -> bool {
    let holds = |role: &Role| of_unit(*role) && directory.holds(&staff.grants, *role, scope_of(ticket));
    Role::ALL.iter().any(holds)
}

/// The dispatchers whose grant covers the area above the ticket's county: they decide disputes.
pub fn arbiters(directory: &Directory, ticket: &Ticket) -> Vec<i64> {
    let above = |grant: &Grant| {
        grant.role == Role::Dispatcher
            && grant.area.len() < Level::County.digits()
            && crate::people::contains(&grant.area, &ticket.area)
    };
    directory.all_staff().filter(|staff| staff.grants.iter().any(above)).map(|staff| staff.id).collect()
}

/// The matter a ticket is about, for rights.
pub fn scope_of(ticket: &Ticket) -> Scope<'_> {
    Scope { area: &ticket.area, unit: ticket.unit.as_deref(), field: ticket.field.as_deref() }
}

/// Roles whose holders look at tickets: an auditor reads the log only, an administrator configures, an analyst works on data
/// sets (`domain.md` 2).
fn sees_tickets(role: Role) -> bool {
    !matches!(role, Role::Auditor | Role::Admin | Role::Analyst)
}

/// Roles that belong to one unit.
fn of_unit(role: Role) -> bool {
    matches!(role, Role::Liaison | Role::Handler | Role::UnitLeader)
}

/// The first row by which this person may do this to this ticket now.
pub fn permitted(actor: &Actor, ticket: &Ticket, verb: Verb, reported: bool) -> Option<(&'static Row, Who)> {
    permitted_to(actor, ticket, verb, None, reported)
}

/// The same, of the rows that lead there.
pub fn permitted_to(actor: &Actor, ticket: &Ticket, verb: Verb, to: Option<To>, reported: bool) -> Option<(&'static Row, Who)> {
    let open_to_it = ticket.sealed == Sealed::Open || life::on_sealed(verb);
    life::rows_in(verb, ticket.state)
        .filter(|row| open_to_it && row.when.holds(ticket) && to.is_none_or(|to| row.to == to))
        .find_map(|row| row.who.iter().find(|who| is(actor, ticket, **who, reported)).map(|who| (row, *who)))
}

/// Why this person may not do this to this ticket now: the state, the person, or a condition of the row, in this order.
pub fn refusal(actor: &Actor, ticket: &Ticket, verb: Verb, reported: bool) -> String {
    if ticket.sealed != Sealed::Open && !reported && !inspects(actor, ticket) {
        // It was sealed while the person had it before him: from then on it does not exist.
        return wording::unknown_number(&ticket.short());
    }
    if ticket.sealed != Sealed::Open && !life::on_sealed(verb) {
        return wording::secrecy::not_on_sealed(ticket, verb, inspects(actor, ticket));
    }
    if matches!(verb, Verb::Agree | Verb::Disagree) && ticket.proposal.is_none() {
        return wording::terms::nothing_proposed(ticket, verb);
    }
    let mut rows = life::rows_in(verb, ticket.state).peekable();
    if rows.peek().is_none() {
        return wording::wrong_state(ticket, verb);
    }
    match rows.find(|row| row.who.iter().any(|who| is(actor, ticket, *who, reported))) {
        Some(row) => wording::not_now(ticket, verb, row.when),
        // It was brought to nobody, or is with the centre already.
        None if verb == Verb::Forward && ticket.given_to.is_none() => wording::not_now(ticket, verb, life::When::Given),
        None => wording::not_yours(ticket, verb),
    }
}

/// Did this person report the ticket, or one that is handled as part of it?
///
/// # Errors
/// Those of the database.
pub async fn reported(turn: &mut Turn<'_, Actor>, ticket: i64) -> Result<Option<store::Reporter>> {
    let mine = turn.actor.holders();
    let all = together::reporters(turn.tx, ticket).await?;
    Ok(all.into_iter().map(|(reporter, _)| reporter).find(|reporter| mine.contains(&reporter.holder)))
}

/// Where to look for tickets on which this person may use the verb at all.
fn look<'a>(actor: &Actor, verb: Verb, states: &'a [State]) -> Look<'a> {
    let mut look = Look { states, ..Look::default() };
    // An inspector gives every command on a sealed ticket.
    add_grants(actor, &mut look, |held| held == Role::Inspector);
    for row in life::rows_of(verb) {
        for who in row.who {
            match who {
                Who::Anybody | Who::Itself | Who::Clock => {}
                Who::Reporter => look.holders = actor.holders(),
                Who::Holder(role) => add_grants(actor, &mut look, |held| held == *role || role.stand_ins().contains(&held)),
                Who::OnlyHolder(role) => add_grants(actor, &mut look, |held| held == *role),
                Who::CoLiaison => add_grants(actor, &mut look, |held| matches!(held, Role::Liaison | Role::UnitLeader)),
                Who::ChosenDeputy => look.given_to = actor.is_staff().then_some(actor.person),
                Who::IntakeAndDispatcher => add_grants(actor, &mut look, |held| held == Role::Intake),
                Who::Arbiter => {
                    add_grants(actor, &mut look, |held| matches!(held, Role::Dispatcher | Role::NpcStaff | Role::Leader));
                }
                Who::StaffInScope => add_grants(actor, &mut look, sees_tickets),
            }
        }
    }
    look
}

fn add_grants(actor: &Actor, look: &mut Look<'_>, counts: impl Fn(Role) -> bool) {
    for grant in actor.grants().iter().filter(|grant| counts(grant.role)) {
        match &grant.unit {
            Some(unit) => {
                let below = actor.directory().units().filter(|other| actor.directory().belongs_to(&other.id, unit));
                look.units.extend(below.map(|unit| unit.id.clone()).chain([unit.clone()]));
            }
            None => look.areas.push(grant.area.clone()),
        }
    }
    look.areas.sort();
    look.areas.dedup();
    look.units.sort();
    look.units.dedup();
}

/// The tickets on which this person may give this command now, oldest first.
///
/// # Errors
/// Those of the database.
pub async fn candidates(turn: &mut Turn<'_, Actor>, verb: Verb) -> Result<Vec<Ticket>> {
    let states = life::states_for(verb);
    let open: Vec<State> = if verb == Verb::Status { State::open().collect() } else { states };
    let look = Look { waiting: verb != Verb::Status, ..look(&turn.actor, verb, &open) };
    let mut found = search(turn, verb, look).await?;
    if verb == Verb::Rate {
        found.retain(|ticket| super::desk::rating_open(ticket, turn.now));
    }
    // What a citizen brought to a deputy is not the centre's work before the deputy hands it on or his time is over.
    if matches!(verb, Verb::Accept | Verb::Reject | Verb::Ask | Verb::Assign | Verb::Handover) {
        found.retain(|ticket| group::with_deputy(turn.actor.directory(), ticket, turn.now).is_none());
    }
    Ok(found)
}

async fn search(turn: &mut Turn<'_, Actor>, verb: Verb, look: Look<'_>) -> Result<Vec<Ticket>> {
    if look.areas.is_empty() && look.units.is_empty() && look.holders.is_empty() && look.given_to.is_none() {
        return Ok(Vec::new());
    }
    let entries: Vec<i64> = if look.holders.is_empty() {
        Vec::new()
    } else {
        store::entries_of(turn.tx, &turn.actor.holders()).await?.into_iter().map(|entry| entry.ticket).collect()
    };
    let found = store::find(turn.tx, &look).await?;
    // What is sealed does not exist in a group.
    let here = |ticket: &Ticket| !(turn.in_group() && ticket.sealed != Sealed::Open);
    let mut found: Vec<Ticket> = found
        .into_iter()
        .filter(here)
        .filter(|ticket| permitted(&turn.actor, ticket, verb, entries.contains(&ticket.id)).is_some())
        .collect();
    // 评价 means what waits for it, before what was rated already.
    if verb == Verb::Rate && found.iter().any(|ticket| ticket.state == State::Callback) {
        found.retain(|ticket| ticket.state == State::Callback);
    }
    Ok(found)
}

/// What a reference means.
///
/// # Errors
/// Those of the database.
pub async fn resolve(turn: &mut Turn<'_, Actor>, verb: Verb, reference: &Ref) -> Result<Vec<Found>> {
    let states = life::states_for(verb);
    let narrowed = |mut look: Look<'static>| {
        match reference {
            Ref::Short(from, to, _) => look.seqs = Some((*from, *to)),
            Ref::Sealed(seq) => {
                // A pattern: the mark of the series, then any day.
                look.day = Some(format!("{SEALED_SERIES}%"));
                look.seqs = Some((*seq, *seq));
            }
            Ref::Dated(day, seq) => {
                look.day = Some(day.clone());
                look.seqs = Some((*seq, *seq));
            }
            Ref::Full(number, _) => look.number = Some(number.clone()),
        }
        look
    };
    let all = narrowed(Look { states: &[], ..look(&turn.actor, verb, &[]) });
    let here = Look { states: &states, ..all.clone() };
    let now = search(turn, verb, here).await?;
    let (from, to) = match reference {
        Ref::Short(from, to, _) => (*from, *to),
        Ref::Sealed(seq) => (*seq, *seq),
        Ref::Dated(..) | Ref::Full(..) => {
            return Ok(vec![match now.len() {
                1 => one(now, version(reference)),
                0 => Found::Not(why_not(turn, verb, all, &said(reference)).await?),
                _ => Found::Several(now),
            }]);
        }
    };
    let today = local(turn.now).format("%y%m%d").to_string();
    let mut found = Vec::new();
    for seq in from..=to.min(from.saturating_add(199)) {
        let mut same: Vec<Ticket> = now.iter().filter(|ticket| ticket.seq == seq).cloned().collect();
        if same.iter().any(|ticket| ticket.dated() == today) {
            same.retain(|ticket| ticket.dated() == today);
        }
        match same.len() {
            1 => found.push(one(same, version(reference))),
            // Of a range only what the list shows is meant; a single number must be answered.
            0 if from < to => {}
            0 => found.push(Found::Not(why_not(turn, verb, all.clone(), &said_of(reference, seq)).await?)),
            _ => found.push(Found::Several(same)),
        }
    }
    if found.is_empty() {
        found.push(Found::Not(wording::none_in_range(from, to)));
    }
    Ok(found)
}

fn version(reference: &Ref) -> Option<i64> {
    match reference {
        Ref::Short(_, _, version) | Ref::Full(_, version) => *version,
        Ref::Dated(..) | Ref::Sealed(_) => None,
    }
}

/// A button shown with an older version is answered with the present state.
fn one(mut tickets: Vec<Ticket>, version: Option<i64>) -> Found {
    match tickets.pop() {
        Some(ticket) if version.is_some_and(|shown| shown != ticket.version) => Found::Not(wording::moved_on(&ticket)),
        Some(ticket) => Found::One(Box::new(ticket)),
        None => Found::Several(Vec::new()),
    }
}

/// One sequence of a reference, as it is said back.
fn said_of(reference: &Ref, seq: i64) -> String {
    match reference {
        Ref::Sealed(_) => said(reference),
        Ref::Short(..) | Ref::Dated(..) | Ref::Full(..) => format!("{seq:04}"),
    }
}

pub(super) fn said(reference: &Ref) -> String {
    match reference {
        Ref::Sealed(seq) => format!("{SEALED_SERIES}{seq:04}"),
        Ref::Short(from, ..) => format!("{from:04}"),
        Ref::Dated(day, seq) => format!("{day}-{seq}"),
        Ref::Full(number, _) => number.clone(),
    }
}

/// Why nothing fits: the ticket is in another state, or not this person's, or not there. A ticket that the person may not
/// see is answered like one that does not exist.
async fn why_not(turn: &mut Turn<'_, Actor>, verb: Verb, mut any: Look<'static>, said: &str) -> Result<String> {
    let visible = look(&turn.actor, Verb::Status, &[]);
    (any.areas, any.units, any.holders, any.given_to) = (visible.areas, visible.units, visible.holders, visible.given_to);
    let mut seen = search(turn, Verb::Status, any).await?;
    let today = local(turn.now).format("%y%m%d").to_string();
    let at = seen.iter().position(|ticket| ticket.dated() == today).or(seen.len().checked_sub(1));
    Ok(match at.map(|at| seen.swap_remove(at)) {
        Some(ticket) => {
            let reported = reported(turn, ticket.id).await?.is_some();
            refusal(&turn.actor, &ticket, verb, reported)
        }
        None => wording::unknown_number(said),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn references_as_they_are_typed() {
        assert_eq!(
            read("7 0009 1-4 1122-7 WY2611220007 wy2611220007#3 J1 j0001 WYJ2611220001"),
            [
                Ref::Short(7, 7, None),
                Ref::Short(9, 9, None),
                Ref::Short(1, 4, None),
                Ref::Dated("1122".into(), 7),
                Ref::Full("WY2611220007".into(), None),
                Ref::Full("WY2611220007".into(), Some(3)),
                Ref::Sealed(1),
                Ref::Sealed(1),
                Ref::Full("WYJ2611220001".into(), None),
            ]
        );
    }

    #[test]
    fn a_number_is_found_in_a_quoted_card() {
        assert_eq!(number_in("新工单 WY2611220007\n属地 审坡镇").as_deref(), Some("WY2611220007"));
        assert_eq!(number_in("收到了，编号 WYJ2611220001").as_deref(), Some("WYJ2611220001"));
        assert_eq!(number_of_card("J0001 前观津村 反映干部的事").as_deref(), Some("J0001"));
        assert_eq!(number_in("电话 13800000001"), None);
        assert_eq!(number_in("夜里抽水"), None);
    }

    #[test]
    fn what_is_sealed_above_is_read_above_the_county_alone() {
        let inspector = |area: &str| Grant { role: Role::Inspector, area: area.into(), unit: None, field: None };
        let leader = Grant { role: Role::Leader, area: "13".into(), unit: None, field: None };
        for (grant, sealed, expected) in [
            (inspector("131122"), Sealed::Area, true),
            (inspector("131122102"), Sealed::Area, true),
            (inspector("131123"), Sealed::Area, false),
            (inspector("1311"), Sealed::Area, true),
            (inspector("131122"), Sealed::Above, false),
            (inspector("1311"), Sealed::Above, true),
            (inspector("1312"), Sealed::Above, false),
            (inspector(""), Sealed::Above, true),
            (leader, Sealed::Area, false),
        ] {
            assert_eq!(may_inspect(std::slice::from_ref(&grant), "131122102214", sealed), expected, "{grant:?} {sealed:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,40}") {
            let _ = read(&text);
            let _ = number_in(&text);
        }
    }
}
