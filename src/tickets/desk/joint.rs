//! Several units: 协办, 协办意见, and what an awaited opinion holds up.

use super::{Change, account, attach, change, tell_handler, tell_role_of};
use crate::{
    bot::{Turn, dialog::Answers},
    error::{Error, Result},
    message::{Millis, Reply},
    outbox::Class,
    people::{Actor, Directory, GroupOf, Role, Scope},
    tickets::{
        Ticket,
        calendar::{self, Clock},
        co_units::{self, Helper, Standing},
        life::Verb,
        refs::{self, scope_of},
        show,
        wording::{self, joint as words},
    },
};

/// 协办, after the ticket went to its unit.
pub(super) async fn join(turn: &mut Turn<'_, Actor>, ticket: Ticket, answers: &Answers) -> Result<Reply> {
    let units = chosen(answers, "unit");
    if units.is_empty() {
        return Err(Error::user(words::no_helper()));
    }
    let now = turn.now;
    let lead = ticket.unit.clone().unwrap_or_default();
    let (after, due) = add(turn, ticket, &lead, &units).await?;
    let directory = turn.actor.office.directory.clone();
    let names = names(&directory, &units);
    // Whoever asked for help knows; the dispatcher's asking is news to the lead unit.
    if !refs::is(&turn.actor, &after, crate::tickets::life::Who::Holder(Role::Liaison), false) {
        let label = show::group_label(&after, &directory);
        tell_handler(turn, &after, Class::Batch, words::helper_came(&label, &names, due, now).into());
    }
    let mut said = words::joined(&show::here(turn, &after), &names, due, now);
    said.push_str(&unheard(&directory, &after, &units));
    Ok(said.into())
}

/// The units of a step, without the choice that stands for none.
pub(super) fn chosen(answers: &Answers, step: &str) -> Vec<String> {
    super::key(answers, step).split(',').filter(|unit| !unit.is_empty() && *unit != "none").map(str::to_owned).collect()
}

/// The names of units, in one line.
pub(super) fn names(directory: &Directory, units: &[String]) -> String {
    let names: Vec<&str> = units.iter().filter_map(|id| directory.unit(id)).map(|unit| unit.name.as_str()).collect();
    names.join("、")
}

/// May these units help this lead? The lead itself, a unit that helps already and a retired one may not.
pub(super) fn may_help(directory: &Directory, ticket: &Ticket, lead: &str, units: &[String]) -> Result<()> {
    for id in units {
        let unit = directory.unit(id).ok_or_else(|| Error::user(wording::unknown_unit(id, None)))?;
        if unit.retired {
            return Err(Error::user(words::retired_unit(&unit.name)));
        }
        if unit.id == lead {
            return Err(Error::user(words::is_lead(&ticket.short(), &unit.name)));
        }
        if ticket.co_units.contains(id) {
            return Err(Error::user(words::helps_already(&ticket.short(), &unit.name)));
        }
    }
    Ok(())
}

/// Lets units help with a ticket that its lead has, and tells them. Gives the ticket, and until when they are to answer.
pub(super) async fn add(turn: &mut Turn<'_, Actor>, ticket: Ticket, lead: &str, units: &[String]) -> Result<(Ticket, Millis)> {
    let directory = turn.actor.office.directory.clone();
    may_help(&directory, &ticket, lead, units)?;
    let due = half_term(&ticket, turn.now);
    let why = names(&directory, units);
    let ids = units.join(",");
    // The reporter hears the lead unit's name only.
    let mut after = change(turn, &ticket, Change::of(Verb::Join).because(&why).with(&ids).internal(), |_| {}).await?;
    for unit in units {
        co_units::add(turn.tx, after.id, unit, due, (turn.key, turn.now)).await?;
        after.co_units.push(unit.clone());
    }
    let lead = directory.unit(lead).map_or("", |unit| unit.name.as_str());
    for unit in units {
        let shown = Ticket { resolve_due: Some(due), ..after.clone() };
        let text = words::please_help(&after.short(), &show::group_scope(&after, &directory), lead, due, turn.now);
        let card = show::group_card("协办工单", &shown, &directory, turn.now, text, &["协办意见", "看"]);
        tell_role_of(turn, &after, Role::Liaison, Some(unit.clone()), Class::Batch, card);
    }
    Ok((after, due))
}

/// Half of the lead's time from now, and never after the lead's own end.
pub(super) fn half_term(ticket: &Ticket, now: Millis) -> Millis {
    let half = calendar::due(now, calendar::half(ticket.limit(Clock::Resolve)));
    ticket.resolve_due.map_or(half, |end| half.min(end.max(now)))
}

/// A sentence for each helping unit that nobody speaks for.
pub(super) fn unheard(directory: &Directory, ticket: &Ticket, units: &[String]) -> String {
    let silent = |unit: &&String| {
        let scope = Scope { unit: Some(unit), ..scope_of(ticket) };
        directory.bound_group(&GroupOf::Unit((*unit).clone())).is_none() && directory.holders(Role::Liaison, scope).is_empty()
    };
    let nobody = units.iter().filter(silent).filter_map(|id| directory.unit(id));
    nobody.map(|unit| words::nobody_at(&unit.name)).collect()
}

/// 协办意见: of all helping units that this person speaks for, those that said nothing yet; else all of them.
pub(super) async fn opinion(turn: &mut Turn<'_, Actor>, ticket: Ticket, answers: &Answers) -> Result<Reply> {
    let said = account(answers, "opinion");
    let opinion = wording::with_media(&said.text, said.media.len());
    let helpers = co_units::of(turn.tx, &ticket).await?;
    let speaks = |helper: &&Helper| turn.actor.may_act_as(Role::Liaison, Scope { unit: Some(&helper.unit), ..scope_of(&ticket) });
    let mine: Vec<&Helper> = helpers.iter().filter(speaks).collect();
    let open = mine.iter().any(|helper| helper.opinion.is_none());
    let units: Vec<String> =
        mine.into_iter().filter(|helper| !open || helper.opinion.is_none()).map(|helper| helper.unit.clone()).collect();
    let directory = turn.actor.office.directory.clone();
    let names = names(&directory, &units);
    let why = format!("{names}：{opinion}");
    let after = change(turn, &ticket, Change::of(Verb::Opinion).because(&why).with(&units.join(",")).internal(), |_| {}).await?;
    for unit in &units {
        co_units::answer(turn.tx, after.id, unit, &opinion, (turn.key, turn.now)).await?;
    }
    attach(turn, &said, after.id).await?;
    let reply = Reply::both(
        words::opinion_came(&after.short(), &names),
        words::opinion_private(&show::label(&after, &directory), &names, &opinion),
    );
    tell_handler(turn, &after, Class::Batch, reply);
    Ok(words::opinion_given(&show::here(turn, &after), said.media.len()).into())
}

/// Why 办结 cannot be reported yet: opinions are awaited.
pub(super) async fn awaited(turn: &mut Turn<'_, Actor>, ticket: &Ticket) -> Result<Option<String>> {
    let directory = turn.actor.office.directory.clone();
    let helpers = co_units::of(turn.tx, ticket).await?;
    // A unit that is no longer there can say nothing.
    let awaited = |helper: &&Helper| helper.standing(turn.now) == Standing::Awaited && is_there(&directory, &helper.unit);
    let missing = helpers.iter().filter(awaited);
    let mut missing: Vec<(String, Millis)> = missing.map(|helper| (name(&directory, &helper.unit), helper.due)).collect();
    missing.sort_by_key(|(_, due)| *due);
    Ok((!missing.is_empty()).then(|| words::opinions_awaited(&ticket.short(), &missing, turn.now)))
}

/// What the history says before the result when opinions never came; empty when all came. Asked once none is awaited any more.
pub(super) async fn missed(turn: &mut Turn<'_, Actor>, ticket: &Ticket) -> Result<String> {
    let helpers = co_units::of(turn.tx, ticket).await?;
    let missed: Vec<String> = helpers.into_iter().filter(|helper| helper.opinion.is_none()).map(|helper| helper.unit).collect();
    let directory = turn.actor.directory();
    Ok(if missed.is_empty() { String::new() } else { words::finished_without(&names(directory, &missed)) })
}

/// 催办 also reaches the helping units that owe an opinion.
pub(super) async fn urge(turn: &mut Turn<'_, Actor>, ticket: &Ticket) -> Result<()> {
    if crate::tickets::life::rows_in(Verb::Opinion, ticket.state).next().is_none() {
        return Ok(());
    }
    let directory = turn.actor.office.directory.clone();
    let owes = |helper: &Helper| helper.opinion.is_none() && is_there(&directory, &helper.unit);
    for helper in co_units::of(turn.tx, ticket).await?.into_iter().filter(owes) {
        let text = words::opinion_urged(&ticket.short(), helper.due, turn.now);
        tell_role_of(turn, ticket, Role::Liaison, Some(helper.unit), Class::Now, text.into());
    }
    Ok(())
}

fn is_there(directory: &Directory, unit: &str) -> bool {
    directory.unit(unit).is_some_and(|unit| !unit.retired)
}

fn name(directory: &Directory, unit: &str) -> String {
    directory.unit(unit).map_or_else(|| unit.to_owned(), |unit| unit.name.clone())
}

/// The helping units in 查, one a line.
///
/// # Errors
/// Those of the database.
pub async fn helper_lines(turn: &mut Turn<'_, Actor>, ticket: &Ticket) -> Result<Vec<String>> {
    let helpers = co_units::of(turn.tx, ticket).await?;
    let directory = turn.actor.directory();
    let line = |helper: &Helper| match helper.opinion {
        None if !is_there(directory, &helper.unit) => words::helper_gone(&name(directory, &helper.unit)),
        _ => words::helper_line(&name(directory, &helper.unit), says(helper, turn.now), turn.now),
    };
    Ok(helpers.iter().map(line).collect())
}

fn says(helper: &Helper, now: Millis) -> words::HelperSays<'_> {
    match (&helper.opinion, helper.standing(now)) {
        (Some(opinion), _) => words::HelperSays::Opinion(opinion),
        (None, Standing::Missed) => words::HelperSays::Nothing(helper.due),
        (None, Standing::Given | Standing::Awaited) => words::HelperSays::Awaited(helper.due),
    }
}

/// Below 待办: the tickets with which this person's unit helps. Shown in private like every list.
///
/// # Errors
/// Those of the database.
pub async fn helping(turn: &mut Turn<'_, Actor>) -> Result<()> {
    let tickets = refs::candidates(turn, Verb::Opinion).await?;
    let mut lines = Vec::new();
    let mut open = None;
    for ticket in &tickets {
        let helpers = co_units::of(turn.tx, ticket).await?;
        let speaks =
            |helper: &&Helper| turn.actor.may_act_as(Role::Liaison, Scope { unit: Some(&helper.unit), ..scope_of(ticket) });
        let Some(helper) = helpers.iter().filter(speaks).min_by_key(|helper| helper.opinion.is_some()) else { continue };
        if helper.opinion.is_none() {
            open.get_or_insert(ticket.seq);
        }
        lines.push(words::helping_line(&show::label(ticket, turn.actor.directory()), says(helper, turn.now), turn.now));
    }
    if lines.is_empty() {
        return Ok(());
    }
    lines.insert(0, wording::lists::list_heading(Verb::Join.chinese(), "", lines.len(), false));
    lines.extend(open.map(words::helping_hint));
    let person = turn.actor.person;
    turn.say_privately(person, lines.join("\n"));
    Ok(())
}
