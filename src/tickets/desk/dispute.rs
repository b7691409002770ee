//! Whose it is: a second 退单, 裁定, 提级, 移交.

use super::{
    Change, change,
    intake::{self, Hand, accepted_by},
    joint, key, push, sealed, tell_reporters, tell_role, tell_role_of, text,
};
use crate::{
    bot::{Turn, close_offers, close_staff_offers, dialog::Answers},
    error::{Error, Result},
    message::Reply,
    outbox::{self, Class, Target},
    people::{Actor, Directory, Level, Named, Role, Unit, contains},
    tickets::{
        Sealed, State, Ticket, co_units, kept,
        life::{To, Verb},
        refs, show,
        store::{self, Past},
        taken_back, together,
        wording::{self, joint as words},
    },
};
use serde::{Deserialize, Serialize};

/// What an event of 退单 keeps: who sent back, and for whom it should be.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SentBack {
    pub unit: String,
    #[serde(rename = "for")]
    pub to: String,
}

/// The units that sent the ticket back, in order. One that was taken back with 撤销 does not count.
fn sent_back_by(history: &[Past]) -> Vec<String> {
    taken_back::standing(history)
        .into_iter()
        .filter(|past| past.verb == Verb::SendBack)
        .filter_map(|past| serde_json::from_str::<SentBack>(past.payload.as_deref()?).ok())
        .map(|kept| kept.unit)
        .collect()
}

/// The units that ever had the ticket, each once. Whoever was given it by a command that was taken back never had it.
fn had_it(history: &[Past]) -> Vec<String> {
    let mut units: Vec<String> = Vec::new();
    let standing = taken_back::standing(history).into_iter();
    for past in standing.filter(|past| matches!(past.verb, Verb::Assign | Verb::Redispatch | Verb::Arbitrate | Verb::Raise)) {
        units.extend(past.payload.clone().filter(|unit| !units.contains(unit)));
    }
    units
}

/// May this unit send the ticket back? Each may once, whatever became of it.
pub(super) async fn may_send_back(turn: &mut Turn<'_, Actor>, ticket: &Ticket, unit: &str) -> Result<()> {
    let history = store::history(turn.tx, ticket.id).await?;
    if ticket.unit.as_ref().is_some_and(|present| sent_back_by(&history).contains(present)) {
        return Err(Error::user(words::sent_back_once_already(&ticket.short(), unit)));
    }
    Ok(())
}

/// Tells whoever decides, and the units that had the ticket, of a dispute.
pub(super) async fn tell_dispute(
    turn: &mut Turn<'_, Actor>,
    ticket: &Ticket,
    reason: &str,
    proposed: Option<&str>,
) -> Result<()> {
    let directory = turn.actor.office.directory.clone();
    let history = store::history(turn.tx, ticket.id).await?;
    let units = joint::names(&directory, &sent_back_by(&history));
    let text = words::disputed(&show::group_label(ticket, &directory), &units, reason, proposed, ticket.seq);
    let private = words::disputed(&show::label(ticket, &directory), &units, reason, proposed, ticket.seq);
    let arbiters = refs::arbiters(&directory, ticket);
    if arbiters.is_empty() || ticket.sealed != Sealed::Open {
        let reply = Reply::both(text, private);
        tell_role(turn, ticket, Role::NpcStaff, Class::Now, reply);
    } else {
        for arbiter in arbiters {
            push(turn, ticket, Target::Person(arbiter), Class::Now, private.clone().into());
        }
    }
    for unit in had_it(&history).into_iter().filter(|unit| ticket.unit.as_ref() != Some(unit)) {
        tell_role_of(turn, ticket, Role::Liaison, Some(unit), Class::Now, words::dispute_goes_up(&ticket.short()).into());
    }
    Ok(())
}

/// 裁定: final, the unit cannot send it back again.
pub(super) async fn arbitrate(turn: &mut Turn<'_, Actor>, ticket: Ticket, answers: &Answers) -> Result<Reply> {
    let (now, unit) = (turn.now, key(answers, "unit"));
    let directory = turn.actor.office.directory.clone();
    let name = accepted_by(&directory, &unit)?.name.clone();
    let subject = intake::subject(turn, &ticket, answers, &unit);
    let overrule = text(answers, "overrule");
    let overruled = intake::overruled(&directory, &ticket, Hand { overrule: &overrule, ..Hand::to(&unit) }, subject.as_deref())?;
    let basis = Some(text(answers, "reason")).filter(|basis| !basis.is_empty()).map(|basis| words::basis(&basis));
    let aside = [basis, overruled.clone()].into_iter().flatten().collect::<Vec<_>>().join("；");
    let history = store::history(turn.tx, ticket.id).await?;
    // A unit whose send-back was wrong has lost that time; another gets its full time.
    let fresh = !sent_back_by(&history).contains(&unit);
    let what = Change::of(Verb::Arbitrate).because(&name).with(&unit).aside(&aside);
    let after = change(turn, &ticket, what, |ticket| {
        ticket.arbitrated = true;
        ticket.subject.clone_from(&subject);
        intake::dispatch(ticket, &unit, now, fresh);
    })
    .await?;
    if let Some(old) = ticket.unit.as_ref().filter(|old| **old != unit) {
        co_units::left(turn.tx, after.id, old).await?;
    }
    intake::tell_overruled(turn, &after, overruled.is_some(), &overrule);
    for other in had_it(&history).into_iter().filter(|other| *other != unit) {
        let gone = words::decided_elsewhere(&after.short(), &name);
        tell_role_of(turn, &after, Role::Liaison, Some(other), Class::Batch, gone.into());
    }
    intake::tell_unit(turn, &after, words::cannot_send_back(), &["签收", "看"]);
    let label = show::label(&after, &directory);
    tell_reporters(turn, &after, wording::reporter_assigned(&label, &name, after.resolve_due, now).into()).await?;
    Ok(words::arbitrated(&show::here(turn, &after), &name, after.resolve_due, now).into())
}

/// The units one level up from where a ticket is: the parent unit first, then those of the areas above, the one that the rules
/// propose before the others.
///
/// A ticket that no unit has is at the level of its township.
pub fn above<'d>(directory: &'d Directory, ticket: &Ticket, unit: Option<&str>) -> Vec<&'d Unit> {
    let present = unit.and_then(|id| directory.unit(id));
    let township =
        || directory.areas.above(&ticket.area, Level::Township).map_or(ticket.area.as_str(), |area| area.code.as_str());
    let here = present.map_or_else(township, |unit| unit.area.as_str());
    let parent = present.and_then(|unit| directory.unit(unit.parent.as_deref()?)).filter(|unit| !unit.retired);
    let proposed = directory.propose(&ticket.text, ticket.field.as_deref(), &ticket.area).map(|found| found.unit.id.as_str());
    let mut over: Vec<&Unit> =
        directory.units().filter(|unit| unit.area.len() < here.len() && contains(&unit.area, here)).collect();
    over.sort_by_key(|unit| (std::cmp::Reverse(unit.area.len()), Some(unit.id.as_str()) != proposed));
    over.retain(|unit| parent.is_none_or(|parent| parent.id != unit.id));
    parent.into_iter().chain(over).collect()
}

/// Why 提级 leads nowhere: nothing is above.
pub(super) fn nothing_above(directory: &Directory, ticket: &Ticket) -> Option<String> {
    let present = show::unit(ticket, directory).unwrap_or(words::township_level());
    above(directory, ticket, ticket.unit.as_deref()).is_empty().then(|| words::nothing_above(&ticket.short(), present))
}

/// 提级: a new dispatch one level up; the old unit stays to help.
pub(super) async fn raise(turn: &mut Turn<'_, Actor>, ticket: Ticket, answers: &Answers) -> Result<Reply> {
    let (now, unit) = (turn.now, key(answers, "unit"));
    let directory = turn.actor.office.directory.clone();
    if let Some(sentence) = nothing_above(&directory, &ticket) {
        return Err(Error::user(sentence));
    }
    let name = accepted_by(&directory, &unit)?.name.clone();
    if !above(&directory, &ticket, ticket.unit.as_deref()).iter().any(|above| above.id == unit) {
        let present = show::unit(&ticket, &directory).unwrap_or(words::township_level());
        return Err(Error::user(words::not_above(&name, present)));
    }
    intake::overruled(&directory, &ticket, Hand::to(&unit), ticket.subject.as_deref())?;
    let old = ticket.unit.clone().filter(|old| directory.unit(old).is_some_and(|unit| !unit.retired));
    let mut after = change(turn, &ticket, Change::of(Verb::Raise).because(&name).with(&unit), |ticket| {
        intake::dispatch(ticket, &unit, now, true);
    })
    .await?;
    intake::tell_unit(turn, &after, "", intake::NEXT);
    if let Some(old) = &old {
        let due = joint::half_term(&after, now);
        co_units::add(turn.tx, after.id, old, due, (turn.key, now)).await?;
        after.co_units.push(old.clone());
        let text = words::helps_now(&after.short(), &name, due, now);
        tell_role_of(turn, &after, Role::Liaison, Some(old.clone()), Class::Batch, text.into());
    }
    let label = show::label(&after, &directory);
    tell_reporters(turn, &after, wording::reporter_assigned(&label, &name, after.resolve_due, now).into()).await?;
    let old = old.and_then(|old| directory.unit(&old)).map(|unit| unit.name.as_str());
    Ok(words::raised(&show::here(turn, &after), &name, old, after.resolve_due, now).into())
}

/// 移交: to somebody outside, or to the inspectors here.
pub(super) async fn handover(turn: &mut Turn<'_, Actor>, ticket: Ticket, answers: &Answers) -> Result<Reply> {
    let to = text(answers, "to");
    if words::means_discipline(&to) {
        match reader(turn, &ticket).await? {
            Some(sealed) => return seal(turn, ticket, sealed).await,
            None if has_inspector(turn.actor.directory(), &ticket) && sealed::is_above(&to) => {}
            None if has_inspector(turn.actor.directory(), &ticket) => {
                return Err(Error::user(words::about_inspectors(&ticket.short(), &ticket.typed())));
            }
            None => return Err(Error::user(words::no_inspector(ticket.seq))),
        }
    }
    let directory = turn.actor.office.directory.clone();
    let unit = match directory.units_named(to.split_whitespace().next().unwrap_or_default()) {
        Named::One(unit) => Some(unit),
        Named::Several(_) | Named::Unknown(_) => None,
    };
    if let Some(unit) = unit {
        // It would be the only one to handle it, whoever helped before.
        let alone = Ticket { co_units: Vec::new(), ..ticket.clone() };
        intake::overruled(&directory, &alone, Hand::to(&unit.id), ticket.subject.as_deref())?;
    }
    let known = words::outside(&to);
    let (typed, phone) = words::name_and_phone(&to);
    let who = match (unit, known) {
        (Some(unit), _) => unit.name.clone(),
        (None, Some(known)) => known.name.to_owned(),
        (None, None) => typed,
    };
    let go = match (known, phone) {
        (_, Some(phone)) => words::call(&phone),
        (Some(known), None) => known.go.to_owned(),
        (None, None) => words::ask_them().to_owned(),
    };
    let after = change(turn, &ticket, Change::of(Verb::Handover).because(&who).leading(To::State(State::HandedOver)), |ticket| {
        // A unit here that takes it outside of the tickets can still look at it; whoever had it before has nothing more to do.
        ticket.unit = unit.map(|unit| unit.id.clone());
        ticket.handler = None;
        ticket.handed_to = Some(who.clone());
    })
    .await?;
    close_offers(turn.tx, after.id, &[]).await?;
    if unit.is_some() {
        let text = words::handed_to_you(&after.short(), &show::group_scope(&after, &directory));
        tell_role(turn, &after, Role::Liaison, Class::Now, text.into());
    }
    let label = show::label(&after, &directory);
    tell_reporters(turn, &after, words::reporter_handed_over(&label, &who, &go).into()).await?;
    let unheard = joint::unheard(&directory, &after, after.unit.as_slice());
    Ok((words::handed_over(&show::here(turn, &after), &who) + unheard.as_str()).into())
}

/// Does somebody inspect the ticket's area?
pub(super) fn has_inspector(directory: &Directory, ticket: &Ticket) -> bool {
    !directory.holders(Role::Inspector, refs::scope_of(ticket)).is_empty()
}

/// Which inspectors may read the ticket when it is sealed: not those whom it is about. `None`: nobody here.
async fn reader(turn: &mut Turn<'_, Actor>, ticket: &Ticket) -> Result<Option<Sealed>> {
    if ticket.sealed != Sealed::Open {
        return Ok(Some(ticket.sealed));
    }
    let office = turn.actor.office.clone();
    let mut said = kept::text(&office.keys, ticket, true)?;
    for past in store::history(turn.tx, ticket.id).await?.iter().filter(|past| past.role == "reporter") {
        said.push('\n');
        said.push_str(&kept::words(&office.keys, ticket, past, true)?.unwrap_or_default());
    }
    Ok(sealed::reader_here(&office.directory, &ticket.area, "", &said))
}

/// 移交 纪检: from now on only the reporter and the inspectors of the area know of it. What was about to be told to others, and
/// what others were asked, does not leave any more.
async fn seal(turn: &mut Turn<'_, Actor>, ticket: Ticket, sealed: Sealed) -> Result<Reply> {
    if ticket.sealed != Sealed::Open {
        return Err(Error::user(words::sealed_already(&ticket.short())));
    }
    let directory = turn.actor.office.directory.clone();
    if !together::followers(turn.tx, ticket.id).await?.is_empty() {
        return Err(Error::user(wording::secrecy::apart_first(&ticket.short())));
    }
    let keys = turn.actor.office.keys.clone();
    let closed = kept::closed(&keys, &ticket, sealed)?;
    let what = Change::of(Verb::Handover).because(words::only_inspectors()).internal().leading(To::Same);
    let after = change(turn, &ticket, what, |ticket| *ticket = closed.clone()).await?;
    kept::close_past(turn.tx, &keys, &after).await?;
    close_staff_offers(turn.tx, after.id).await?;
    outbox::withhold(turn.tx, after.id).await?;
    let label = show::label(&after, &directory);
    let private = words::to_inspector_private(&label, &after.number, &ticket.text);
    let reply = Reply::both(words::to_inspector(&after.number), private);
    tell_role(turn, &after, Role::Inspector, Class::Now, reply);
    tell_reporters(turn, &after, words::reporter_sealed(&label).into()).await?;
    Ok(words::sealed(&after.short()).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::people::org;

    fn past(verb: Verb, payload: Option<&str>) -> Past {
        Past { payload: payload.map(str::to_owned), ..Past::of(verb, State::Dispatched) }
    }

    fn back(unit: &str) -> Past {
        past(Verb::SendBack, Some(&serde_json::to_string(&SentBack { unit: unit.into(), to: "unknown".into() }).unwrap()))
    }

    #[test]
    fn a_unit_that_sent_it_back_is_remembered_unless_it_took_that_back() {
        let swj = past(Verb::Assign, Some("swj"));
        let zrzy = past(Verb::Assign, Some("zrzy"));
        for (history, expected) in [
            (vec![swj.clone()], vec![]),
            (vec![swj.clone(), back("swj")], vec!["swj"]),
            (vec![swj.clone(), back("swj"), past(Verb::Undo, Some("1"))], vec![]),
            (vec![swj.clone(), back("swj"), zrzy.clone(), past(Verb::Undo, Some("1"))], vec!["swj"]),
            (vec![swj.clone(), back("swj"), zrzy.clone(), back("zrzy")], vec!["swj", "zrzy"]),
            // As it was written by earlier versions.
            (vec![swj.clone(), past(Verb::SendBack, Some("zrzy"))], vec![]),
        ] {
            assert_eq!(sent_back_by(&history), expected, "{history:?}");
        }
        assert_eq!(had_it(&[swj.clone(), back("swj"), zrzy, past(Verb::Assign, None), swj]), ["swj", "zrzy"]);
    }

    #[test]
    fn above_is_the_parent_unit_then_the_units_of_the_areas_above() {
        let mut demo = org::demonstration().unwrap();
        let station =
            Unit { id: "station".into(), name: "审坡水管站".into(), parent: Some("sp".into()), ..demo.units[19].clone() };
        demo.units.push(station);
        let directory = Directory::of(demo);
        let village =
            |field: Option<&str>| Ticket { area: "131122102214".into(), field: field.map(str::to_owned), ..Ticket::blank(0) };
        let first = |ticket: &Ticket, unit| above(&directory, ticket, unit).first().map(|unit| unit.id.clone());
        for (field, unit, expected) in [
            (None, Some("station"), Some("sp")),
            (None, Some("sp"), Some("zrzy")),
            (Some("groundwater"), Some("sp"), Some("swj")),
            (Some("groundwater"), None, Some("swj")),
            (None, Some("swj"), None),
        ] {
            assert_eq!(first(&village(field), unit).as_deref(), expected, "{field:?} {unit:?}");
        }
        assert!(above(&directory, &village(None), Some("sp")).iter().all(|unit| unit.area == "131122"));
    }
}
