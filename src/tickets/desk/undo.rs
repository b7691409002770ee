//! 撤销: one's own last command is taken back. An event is added, none is removed.

use super::{push, record};
use crate::{
    bot::Turn,
    clock::MINUTE,
    error::{Error, Result},
    message::{Millis, Reply},
    outbox::{self, Class, Target},
    people::{Actor, Role},
    tickets::{
        Sealed, State, Ticket, columns, kept,
        life::Verb,
        refs, show,
        store::{self, By, Event, Past},
        taken_back,
        wording::{self, merging},
    },
};

/// A command can be taken back this long.
const WITHIN: Millis = 10 * MINUTE;

/// A ticket that the command changed, with its events.
struct Changed {
    ticket: Ticket,
    events: Vec<Past>,
}

impl Changed {
    /// What the command was, for people: its last event here.
    fn verb(&self) -> Verb {
        self.events.last().map_or(Verb::Undo, |event| event.verb)
    }
}

/// 撤销.
///
/// # Errors
/// A sentence when there is nothing to take back, or somebody acted since.
pub async fn undo(turn: &mut Turn<'_, Actor>) -> Result<()> {
    let person = turn.actor.person;
    let last = taken_back::last(turn.tx, person).await?.filter(|last| turn.now <= last.at + WITHIN);
    let Some(last) = last else { return Err(Error::user(merging::nothing_to_undo())) };
    match last.verb {
        Some(Verb::Undo) => return Err(Error::user(merging::undone_already())),
        Some(Verb::Reveal) => return Err(Error::user(merging::a_look_stays())),
        _ => {}
    }
    if taken_back::filed(turn.tx, person, last.at).await? > 0 {
        return Err(Error::user(merging::proposal_filed()));
    }
    let ids = taken_back::tickets(turn.tx, &last.turn_key).await?;
    for id in &ids {
        store::hold(turn.tx, *id).await?;
    }
    let mut all = Vec::with_capacity(ids.len());
    for id in ids {
        all.push(untouched(turn, id, &last.turn_key).await?);
    }
    turn.tx.savepoint().await?;
    match take_back(turn, &all, &last).await {
        Ok(after) => {
            turn.tx.keep().await?;
            correct(turn, &all, &after, &last.turn_key).await
        }
        Err(error) => {
            turn.tx.back().await?;
            Err(error)
        }
    }
}

/// A ticket of the command, if nobody did anything with it since.
async fn untouched(turn: &mut Turn<'_, Actor>, id: i64, turn_key: &str) -> Result<Changed> {
    let ticket = store::by_id(turn.tx.conn(), id).await?.ok_or_else(|| Error::fault("an event of no ticket"))?;
    let history = store::history(turn.tx, id).await?;
    if ticket.sealed != Sealed::Open {
        let sealing = |past: &Past| past.turn_key == turn_key && past.verb == Verb::Handover;
        if history.iter().any(sealing) {
            return Err(Error::user(wording::secrecy::sealing_stays(&ticket.short())));
        }
        if !refs::inspects(&turn.actor, &ticket) {
            // It was sealed since: it does not exist any more for whoever did something to it before.
            return Err(Error::user(merging::nothing_to_undo()));
        }
    }
    let history = kept::history(&turn.actor.office.keys, &ticket, history)?;
    let end = history.iter().rposition(|past| past.turn_key == turn_key).map_or(0, |at| at + 1);
    let label = show::here(turn, &ticket);
    if let Some(later) = history.get(end) {
        let who = later.actor.and_then(|id| turn.actor.directory().staff(id)).map(|staff| staff.name.as_str());
        return Err(Error::user(merging::acted_since(&label, &merging::who(&later.role, who), later.verb.chinese())));
    }
    let events: Vec<Past> = history.into_iter().filter(|past| past.turn_key == turn_key).collect();
    if events.iter().any(|past| past.role == Role::Admin.as_str()) {
        // Whoever had it is not in office any more.
        return Err(Error::user(merging::handing_over_stays()));
    }
    let at = events.last().map_or(0, |event| event.at);
    if taken_back::rated_since(turn.tx, id, at).await? {
        return Err(Error::user(merging::acted_since(&label, &merging::who("reporter", None), Verb::Rate.chinese())));
    }
    Ok(Changed { ticket, events })
}

/// Puts all tickets back, adds the events, and clears what stands beside them.
async fn take_back(turn: &mut Turn<'_, Actor>, all: &[Changed], last: &taken_back::Last) -> Result<Vec<Ticket>> {
    let keys = turn.actor.office.keys.clone();
    let person = turn.actor.person;
    let mut put_back = Vec::with_capacity(all.len());
    for changed in all {
        let before = &changed.ticket;
        let after = as_it_was(changed)?;
        let word = kept::beside(&keys, &after, Some(changed.verb().chinese()))?;
        let own = changed.events.iter().rev().find(|event| event.actor == Some(person));
        let role = own.and_then(|event| Role::parse(&event.role)).map_or("staff", Role::as_str);
        let internal = changed.events.iter().all(|event| event.visible != "all");
        let count = changed.events.len().to_string();
        let event = Event {
            reason: word.as_deref(),
            // How many events were taken back: whoever reads the history from its end passes over them.
            payload: Some(&count),
            visible: if internal { "staff" } else { "all" },
            ..Event::of(Verb::Undo, after.state)
        };
        let by = By { person: Some(person), role };
        let after = record(turn, before, after, by, event).await?.ok_or_else(|| Error::user(wording::too_late(before)))?;
        taken_back::of_moment(turn.tx, person, after.id, last.at).await?;
        put_back.push(after);
    }
    taken_back::beside(turn.tx, &last.turn_key).await?;
    Ok(put_back)
}

/// The ticket as it was before the command. One that 拆单 made cannot vanish: it is handled again with the one it came from.
fn as_it_was(changed: &Changed) -> Result<Ticket> {
    let mut ticket = changed.ticket.clone();
    for event in changed.events.iter().rev() {
        ticket = columns::restored(&ticket, event.before.as_deref())?;
    }
    if changed.events.first().is_some_and(|event| event.from.is_none()) {
        (ticket.state, ticket.merged_into) = (State::Merged, ticket.split_from);
    }
    Ok(ticket)
}

/// Whoever was told of the command is told that it does not count; what has not left does not leave.
async fn correct(turn: &mut Turn<'_, Actor>, all: &[Changed], after: &[Ticket], turn_key: &str) -> Result<()> {
    let told = outbox::take_back(turn.tx, turn_key).await?;
    let directory = turn.actor.office.directory.clone();
    let now = turn.now;
    let mut lines = Vec::with_capacity(after.len());
    for (changed, ticket) in all.iter().zip(after) {
        let word = changed.verb().chinese();
        lines.push(merging::undone(&show::here(turn, ticket), word, ticket.state));
        let label = show::label(ticket, &directory);
        let mut corrected: Vec<&Target> = Vec::new();
        for (target, of) in &told {
            // A list of several messages names no ticket any more: it may have spoken of each.
            if of.is_some_and(|of| of != ticket.id) || corrected.contains(&target) {
                continue;
            }
            corrected.push(target);
            let reply = if let Target::Reporter(_) = target {
                let state = wording::state_for_reporter(ticket.state, show::unit(ticket, &directory));
                Reply::text(merging::corrected_for_reporter(&label, &state, show::running_due(ticket), now))
            } else {
                Reply::both(
                    merging::corrected(&show::group_label(ticket, &directory), word, ticket.state),
                    merging::corrected(&label, word, ticket.state),
                )
            };
            push(turn, ticket, target.clone(), Class::Now, reply);
        }
    }
    turn.say(lines.join("\n"));
    Ok(())
}
