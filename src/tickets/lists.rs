//! Working lists, 照派, 我的.

use super::{Mode, Sealed, State, Ticket, desk, life::Verb, looks, refs, show, store, wording};
use crate::{
    bot::{Submitted, Turn},
    error::{Error, Result},
    message::Reply,
    outbox::Target,
    people::{Actor, Role},
};
use std::collections::BTreeMap;

/// Lines of a list that are shown.
const LINES: usize = 20;

/// A working list by its alias.
///
/// # Errors
/// Those of the database.
pub async fn show_list(turn: &mut Turn<'_, Actor>, alias: &str) -> Result<Submitted> {
    let (name, verb, states): (_, _, &[State]) = match alias {
        "to_accept" => ("待受理", Verb::Accept, &[State::Submitted]),
        "to_assign" => ("待派", Verb::Assign, &[State::Accepted, State::SentBack, State::Submitted]),
        "to_sign" => ("待签", Verb::Sign, &[State::Dispatched]),
        "todo" => ("待办", Verb::Done, &[State::Working]),
        "to_review" => return review_list(turn).await,
        "to_call" => return super::calls::show(turn).await,
        "assign_all" => return assign_all(turn).await,
        "looks" => return looks::list(turn).await,
        other => return Err(Error::fault(format!("no list is called {other}"))),
    };
    let mut tickets = refs::candidates(turn, verb).await?;
    tickets.retain(|ticket| states.contains(&ticket.state));
    let proposals = if verb == Verb::Assign || verb == Verb::Accept { proposals(turn, &tickets) } else { Vec::new() };
    if verb == Verb::Assign {
        remember(turn, &proposals);
    }
    let reply = list(turn, name, &tickets, &proposals, verb == Verb::Assign);
    say_list(turn, reply);
    Ok(Submitted::Done(Vec::new()))
}

/// 待审 is the leader's and the dispatcher's: what this person can sign off or pass.
async fn review_list(turn: &mut Turn<'_, Actor>) -> Result<Submitted> {
    let mut tickets = refs::candidates(turn, Verb::SignOff).await?;
    tickets.retain(|ticket| !ticket.signed_off);
    for ticket in refs::candidates(turn, Verb::Pass).await? {
        let passable = ticket.signed_off || turn.actor.directory().holders(Role::UnitLeader, refs::scope_of(&ticket)).is_empty();
        if passable && !tickets.iter().any(|known| known.id == ticket.id) {
            tickets.push(ticket);
        }
    }
    let reply = list(turn, "待审", &tickets, &[], false);
    say_list(turn, reply);
    Ok(Submitted::Done(Vec::new()))
}

/// (ticket, unit id, unit name, reason) for those that rules propose something for.
type Proposed = (i64, String, String, String);

fn proposals(turn: &Turn<'_, Actor>, tickets: &[Ticket]) -> Vec<Proposed> {
    let directory = turn.actor.directory();
    tickets
        .iter()
        .filter_map(|ticket| {
            let proposal = directory.propose(&ticket.text, ticket.field.as_deref(), &ticket.area)?;
            Some((ticket.id, proposal.unit.id.clone(), proposal.unit.name.clone(), proposal.reason))
        })
        .collect()
}

/// Keeps what the list proposed, so that 照派 means what was shown.
fn remember(turn: &mut Turn<'_, Actor>, proposals: &[Proposed]) {
    let kept: BTreeMap<i64, &str> = proposals.iter().take(LINES).map(|(id, unit, ..)| (*id, unit.as_str())).collect();
    match serde_json::to_string(&kept) {
        Ok(text) if !kept.is_empty() => _ = turn.memory.notes.insert("proposals".into(), text),
        _ => _ = turn.memory.notes.remove("proposals"),
    }
}

fn list(turn: &Turn<'_, Actor>, name: &str, tickets: &[Ticket], proposals: &[Proposed], assign: bool) -> Reply {
    let mut lines = vec![wording::list_heading(name, tickets.len())];
    let mut open = None;
    for ticket in tickets.iter().take(LINES) {
        let label = show::label(ticket, turn.actor.directory());
        let proposal = proposals.iter().find(|(id, ..)| *id == ticket.id);
        if assign && proposal.is_none() {
            open.get_or_insert(ticket.seq);
            lines.push(wording::list_line_open(&label));
            continue;
        }
        lines.push(wording::list_line(&label, proposal.map(|(_, _, unit, reason)| (unit.as_str(), reason.as_str()))));
    }
    let hint = if assign { wording::list_hint_assign(!proposals.is_empty(), open) } else { String::new() };
    if !hint.is_empty() && !tickets.is_empty() {
        lines.push(hint);
    }
    let mut reply = Reply::text(lines.join("\n"));
    if assign && !proposals.is_empty() {
        reply.choices.push(crate::bot::shortcut("照派"));
    }
    reply
}

/// A list shows places and titles, so it goes to the private chat.
pub(super) fn say_list(turn: &mut Turn<'_, Actor>, reply: Reply) {
    let person = turn.actor.person;
    if turn.in_group() {
        turn.say(wording::list_in_private());
    }
    turn.say_privately(person, reply);
}

/// 照派: everything the last list proposed, to the unit it showed.
async fn assign_all(turn: &mut Turn<'_, Actor>) -> Result<Submitted> {
    let kept: BTreeMap<i64, String> =
        turn.memory.notes.remove("proposals").and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    if kept.is_empty() {
        turn.say(wording::nothing_listed());
        return Ok(Submitted::Done(Vec::new()));
    }
    let mut lines = Vec::new();
    for (id, unit) in kept {
        let Some(ticket) = store::by_id(turn.tx.conn(), id).await? else { continue };
        if desk::names(turn, &ticket, &unit) {
            let name = turn.actor.directory().unit(&unit).map_or(unit.clone(), |unit| unit.name.clone());
            lines.push(wording::assign_alone(&ticket.short(), ticket.seq, &name));
            continue;
        }
        match desk::assign_to(turn, ticket, &unit, "照派").await {
            Ok(reply) => lines.push(reply.text),
            Err(Error::User(sentence)) => lines.push(sentence),
            Err(error) => return Err(error),
        }
    }
    turn.say(lines.join("\n"));
    Ok(Submitted::Done(Vec::new()))
}

/// 我的: what this person reported, and what waits for this person.
///
/// # Errors
/// Those of the database.
pub async fn mine(turn: &mut Turn<'_, Actor>) -> Result<Submitted> {
    let entries = store::entries_of(turn.tx, &turn.actor.holders()).await?;
    if let Some(nameless) = entries.iter().find(|entry| entry.mode == Mode::Anonymous) {
        // The answer names tickets of which nothing stored may lead to the chat.
        turn.answer_as(Target::Reporter(nameless.id));
    }
    let mut lines = Vec::new();
    let mut last = None;
    for entry in entries.iter().take(9) {
        let Some(ticket) = store::by_id(turn.tx.conn(), entry.ticket).await? else { continue };
        // What is sealed does not exist in a group.
        if turn.in_group() && ticket.sealed != Sealed::Open {
            continue;
        }
        let directory = turn.actor.directory();
        let label = show::here(turn, &ticket);
        lines.push(format!("{label}：{}", wording::state_for_reporter(ticket.state, show::unit(&ticket, directory))));
        last = Some(ticket);
    }
    if turn.actor.is_staff() {
        for (name, verb) in [
            ("待受理", Verb::Accept),
            ("待派", Verb::Assign),
            ("待签", Verb::Sign),
            ("待办", Verb::Done),
            ("待审", Verb::SignOff),
        ] {
            let count = refs::candidates(turn, verb).await?.len();
            if count > 0 {
                lines.push(format!("{name} {count} 件，回“{name}”"));
            }
        }
    }
    if lines.is_empty() {
        turn.say(wording::nothing_mine());
        return Ok(Submitted::Done(Vec::new()));
    }
    // One matter: its timeline says more than a line.
    if let (Some(ticket), [_]) = (last, &lines[..])
        && !turn.in_group()
    {
        let mut reply = show::for_reporter(turn, &ticket).await?;
        if ticket.state.is_open() {
            reply.choices = ["催办", "补充"].iter().flat_map(|word| show::chips(&ticket, &[word])).collect();
        }
        turn.say(reply);
        return Ok(Submitted::Done(Vec::new()));
    }
    turn.say(lines.join("\n"));
    Ok(Submitted::Done(Vec::new()))
}
