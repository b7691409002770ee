//! 并单 and 拆回: several tickets handled as one, and apart again. A leading ticket is never itself merged into another one that
//! has it as a leader: when it is merged, those merged into it move along.

use super::{Change, change, key, record, tell_handler, tell_reporters, work::tell_whoever_has_it};
use crate::{
    bot::{
        Submitted, Turn, close_offers,
        dialog::{Answers, Value},
    },
    clock::DAY,
    error::{Error, Result},
    message::{Millis, Reply},
    outbox::Class,
    people::Actor,
    tickets::{
        Sealed, State, Ticket, columns,
        life::{To, Verb},
        show,
        store::{self, By, Event},
        together,
        wording::{self, merging},
    },
};

/// A merge can be taken apart this long.
const APART_WITHIN: Millis = 30 * DAY;

/// What the dialog of 并单 must be given: whether the line names one ticket alone, so that the leading one is asked for.
pub fn merge_needs(answers: &Answers) -> Answers {
    let several = answers.get("ticket").and_then(|answer| answer.value()).is_some_and(|value| value.keys().len() > 1);
    [("alone".to_owned(), Value::yes_or_no(!several).into())].into_iter().collect()
}

/// 并单: all into the last, or into the one that was asked for.
pub(super) async fn merge(turn: &mut Turn<'_, Actor>, answers: &Answers) -> Result<Submitted> {
    let mut tickets = super::tickets(turn, answers).await?;
    let leader = match key(answers, "leader").parse() {
        Ok(id) => store::by_id(turn.tx.conn(), id).await?,
        Err(_) => tickets.pop(),
    };
    let leader = leader.filter(|_| !tickets.is_empty()).ok_or_else(|| Error::fault("并单 of fewer than two"))?;
    for ticket in tickets.iter().chain([&leader]) {
        if ticket.sealed != Sealed::Open {
            return Err(Error::user(merging::sealed_stays_alone(&ticket.short())));
        }
    }
    if tickets.iter().any(|ticket| ticket.id == leader.id) {
        return Err(Error::user(merging::into_itself(&leader.short())));
    }
    // Whoever has the leading ticket would handle what is about himself.
    if let Some(ticket) = tickets.iter().find(|ticket| ticket.subject.is_some() && ticket.subject != leader.subject) {
        return Err(Error::user(merging::about_a_unit(&ticket.short(), &leader.short())));
    }
    // Whoever reported what a unit works on already would be told that it has to wait again.
    if let Some(ahead) = tickets.iter().find(|ticket| ticket.unit.is_some() && leader.unit.is_none()) {
        return Err(Error::user(merging::other_way_round((&ahead.short(), ahead.seq), (&leader.short(), leader.seq))));
    }
    let numbers = merging::numbers(&tickets.iter().map(Ticket::short).collect::<Vec<_>>());
    let leader = change(turn, &leader, Change::of(Verb::Merge).leading(To::Same).because(&numbers).internal(), |_| {}).await?;
    for ticket in &tickets {
        join(turn, ticket, &leader).await?;
    }
    turn.say(merging::merged(&numbers, &show::here(turn, &leader), tickets[0].seq));
    Ok(Submitted::Done(Vec::new()))
}

/// One ticket becomes part of another, with those that were part of it.
async fn join(turn: &mut Turn<'_, Actor>, ticket: &Ticket, leader: &Ticket) -> Result<()> {
    let number = leader.short();
    let what = Change::of(Verb::Merge).leading(To::State(State::Merged)).because(&number);
    let after = change(turn, ticket, what, |ticket| ticket.merged_into = Some(leader.id)).await?;
    close_offers(turn.tx, after.id, &["rate"]).await?;
    let mut joined = vec![after.clone()];
    for follower in together::followers(turn.tx, after.id).await? {
        joined.push(move_along(turn, &follower, leader).await?);
    }
    let directory = turn.actor.office.directory.clone();
    let leads = show::unit(leader, &directory);
    for one in &joined {
        let label = show::label(one, &directory);
        let state = wording::state_for_reporter(leader.state, leads);
        let due = show::running_due(leader);
        tell_reporters(turn, one, merging::merged_for_reporter(&label, &number, &state, due, turn.now).into()).await?;
    }
    if ticket.unit.is_some() && with_unit(ticket.state) {
        let same = ticket.unit == leader.unit;
        let words = |label: &str| merging::merged_for_unit(label, &number, leads.filter(|_| !same));
        let reply = Reply::both(words(&show::group_label(&after, &directory)), words(&show::label(&after, &directory)));
        tell_handler(turn, &after, Class::Batch, reply);
    }
    Ok(())
}

/// Has a unit something to do or to wait for in this state?
fn with_unit(state: State) -> bool {
    matches!(state, State::Dispatched | State::Working | State::InReview | State::Callback | State::Shelved)
}

/// What was merged into a ticket that is merged itself follows it. Nobody commands this, so no right is asked for.
async fn move_along(turn: &mut Turn<'_, Actor>, ticket: &Ticket, leader: &Ticket) -> Result<Ticket> {
    let number = leader.short();
    let after = Ticket { merged_into: Some(leader.id), ..ticket.clone() };
    let event = Event { reason: Some(&number), ..Event::of(Verb::Merge, after.state) };
    let by = By { person: None, role: "itself" };
    record(turn, ticket, after, by, event).await?.ok_or_else(|| Error::user(wording::too_late(ticket)))
}

/// 拆回: back to the state before, with the clocks as they were.
pub(super) async fn unmerge(turn: &mut Turn<'_, Actor>, ticket: Ticket) -> Result<Reply> {
    if ticket.state != State::Merged {
        return Err(Error::user(wording::wrong_state(&ticket, Verb::Unmerge)));
    }
    let history = store::history(turn.tx, ticket.id).await?;
    let merged = history
        .iter()
        .rev()
        .find(|past| past.verb == Verb::Merge && past.from != Some(State::Merged) && past.to == State::Merged);
    let Some(merged) = merged else {
        // Only 撤销 of 拆单 puts a ticket under another without 并单.
        return Err(Error::user(merging::never_apart(&ticket.short())));
    };
    if turn.now > merged.at + APART_WITHIN {
        return Err(Error::user(merging::apart_too_late(&ticket.short())));
    }
    let leader = leader_of(turn, &ticket).await?;
    let before = columns::restored(&ticket, merged.before.as_deref())?;
    let number = leader.short();
    let after = change(turn, &ticket, Change::of(Verb::Unmerge).because(&number), |ticket| *ticket = before.clone()).await?;
    let directory = turn.actor.office.directory.clone();
    let state = wording::state_for_reporter(after.state, show::unit(&after, &directory));
    let (due, now) = (show::running_due(&after), turn.now);
    let label = show::label(&after, &directory);
    tell_reporters(turn, &after, merging::apart_for_reporter(&label, &number, &state, due, now).into()).await?;
    let words = |label: &str| merging::apart_for_staff(label, &number, after.state, due, now);
    let reply = Reply::both(words(&show::group_label(&after, &directory)), words(&label));
    tell_whoever_has_it(turn, &after, Class::Batch, reply);
    Ok(wording::done(Verb::Unmerge, &show::here(turn, &after), &merging::state_now(after.state)).into())
}

/// 撤回 of a ticket that is part of another: this reporter's alone, the leading one goes on.
pub(super) async fn withdraw(turn: &mut Turn<'_, Actor>, ticket: Ticket) -> Result<Reply> {
    if store::reporters(turn.tx, ticket.id).await?.len() > 1 {
        return Err(Error::user(merging::others_reported(&ticket.short())));
    }
    let leader = leader_of(turn, &ticket).await?;
    let after = change(turn, &ticket, Change::of(Verb::Withdraw), |ticket| ticket.merged_into = None).await?;
    close_offers(turn.tx, after.id, &[]).await?;
    let text = merging::withdrawn_from(&after.short(), &show::group_label(&leader, turn.actor.directory()));
    tell_whoever_has_it(turn, &leader, Class::Batch, text.into());
    Ok(wording::done(Verb::Withdraw, &show::here(turn, &after), merging::others_go_on()).into())
}

/// The ticket under which this one is handled: itself, or the one it was merged into.
pub(super) async fn leading(turn: &mut Turn<'_, Actor>, ticket: Ticket) -> Result<Ticket> {
    if ticket.state == State::Merged { leader_of(turn, &ticket).await } else { Ok(ticket) }
}

async fn leader_of(turn: &mut Turn<'_, Actor>, ticket: &Ticket) -> Result<Ticket> {
    let leader = match ticket.merged_into {
        Some(id) => store::by_id(turn.tx.conn(), id).await?,
        None => None,
    };
    leader.ok_or_else(|| Error::fault("a merged ticket has no leader"))
}

/// A ticket into which others were merged cannot be given up by its own reporter: the others' matter goes on with it.
pub(super) async fn may_end(turn: &mut Turn<'_, Actor>, ticket: &Ticket, to: State) -> Result<()> {
    if to == State::Cancelled && ticket.state != State::Cancelled && !together::followers(turn.tx, ticket.id).await?.is_empty() {
        return Err(Error::user(merging::others_reported(&ticket.short())));
    }
    Ok(())
}
