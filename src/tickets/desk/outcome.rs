//! What became of it: 审核, 退回重办, 通过, 评价, 重办.

use super::{Change, account, change, intake::leave, key, sealed, tell_handler, tell_reporters, tell_role, text, unit_name};
use crate::{
    bot::{Submitted, Turn, close_offers, dialog::Answers},
    clock::DAY,
    error::{Error, Result},
    media,
    message::Reply,
    outbox::{Class, Target},
    people::{Actor, Role, may_judge, person_holder},
    tickets::{
        Sealed, State, Ticket,
        calendar::{self, Clock},
        kept,
        life::Verb,
        refs, show, store, wording,
    },
};

/// The window in which a result can be rated.
const RATING_WINDOW: i64 = 15 * DAY;
/// Afterwards the reporter may still ask for more work this long.
const REOPEN_WINDOW: i64 = 30 * DAY;

/// 审核: the unit's own sign-off. A question's answer needs no more and passes by itself.
pub(super) async fn sign_off(turn: &mut Turn<'_, Actor>, ticket: Ticket) -> Result<Reply> {
    if ticket.signed_off {
        return Err(Error::user(wording::signed_off_already(&ticket.short())));
    }
    let after = change(turn, &ticket, Change::of(Verb::SignOff).internal(), |ticket| ticket.signed_off = true).await?;
    let directory = turn.actor.office.directory.clone();
    let detail = show::result_line(&after).unwrap_or_default();
    let head = wording::to_pass(&after.short(), after.seq);
    let private = wording::result_private(&head, &show::label(&after, &directory), &detail);
    let text = wording::to_pass(&show::group_label(&after, &directory), after.seq);
    tell_role(turn, &after, Role::Dispatcher, Class::Batch, Reply { text, private: Some(private), ..Reply::default() });
    Ok(wording::done(Verb::SignOff, &show::here(turn, &after), "").into())
}

/// 退回重办, by the unit's leader or the dispatcher.
pub(super) async fn redo(turn: &mut Turn<'_, Actor>, ticket: Ticket, answers: &Answers) -> Result<Reply> {
    let reason = text(answers, "reason");
    let leader = refs::is(&turn.actor, &ticket, crate::tickets::life::Who::Holder(Role::UnitLeader), false);
    let after = change(turn, &ticket, Change::of(Verb::Redo).because(&reason).internal(), |ticket| {
        ticket.signed_off = false;
        ticket.resolved_at = None;
    })
    .await?;
    let by = wording::who_judges(leader);
    let directory = turn.actor.office.directory.clone();
    let reply = Reply {
        text: wording::redo(&show::group_label(&after, &directory), by, wording::reason_in_private()),
        private: Some(wording::redo(&show::label(&after, &directory), by, &reason)),
        ..Reply::default()
    };
    tell_handler(turn, &after, Class::Now, reply);
    Ok(wording::done(Verb::Redo, &show::here(turn, &after), "").into())
}

/// 通过: the reporter gets the result and the question in one message.
pub(super) async fn pass(turn: &mut Turn<'_, Actor>, ticket: Ticket) -> Result<Reply> {
    let has_leader = ticket.unit.as_deref().is_some_and(|unit| {
        let scope = refs::scope_of(&ticket);
        !turn.actor.directory().holders(Role::UnitLeader, scope.unit(unit)).is_empty()
    });
    if ticket.state == State::InReview && !ticket.signed_off && has_leader {
        return Err(Error::user(wording::sign_off_first(&ticket.short())));
    }
    let after = change(turn, &ticket, Change::of(Verb::Pass), |_| {}).await?;
    ask_to_rate(turn, &after).await?;
    Ok(wording::done(Verb::Pass, &show::here(turn, &after), "").into())
}

/// The result goes to whoever reported, with the question what they say to it.
pub(super) async fn ask_to_rate(turn: &mut Turn<'_, Actor>, after: &Ticket) -> Result<()> {
    let now = turn.now;
    let directory = turn.actor.office.directory.clone();
    let label = show::label(after, &directory);
    let result = show::result_line(after).unwrap_or_default();
    let unit = unit_name(turn, after);
    let mut reply = Reply::text(wording::result_to_reporter(&label, &unit, &result));
    let set = turn.actor.office.dialogs.clone();
    let solved = set.get("rate").and_then(|dialog| dialog.step("solved"));
    for item in solved.map(|step| step.choices.as_slice()).unwrap_or_default() {
        reply.choices.push(crate::message::Choice {
            number: item.no,
            text: item.text.clone(),
            payload: format!("{}{}", crate::bot::wording::TYPED, item.text),
        });
    }
    let asked = tell_reporters(turn, after, reply).await?;
    // Who handled it himself is told, but not asked: he may not rate it.
    let office = turn.actor.office.clone();
    let handled: Vec<String> =
        handled_by(turn, after).await?.into_iter().map(|person| person_holder(&office.keys, person)).collect();
    for reporter in asked.into_iter().filter(|reporter| !handled.contains(&reporter.holder)) {
        leave(turn, after, Target::Reporter(reporter.id), ("rate", false), now + RATING_WINDOW)?;
    }
    Ok(())
}

/// One answer of a rating, stored at once. A good score closes the ticket without waiting for the rest.
///
/// # Errors
/// Those of the database; a sentence when the ticket is no longer being rated.
pub async fn rate_answer(turn: &mut Turn<'_, Actor>, step: &str, answers: &Answers) -> Result<()> {
    if !answers.contains_key("ticket") {
        return Ok(());
    }
    let Some((ticket, reporter)) = rated(turn, answers).await? else { return Ok(()) };
    store_answer(turn, &ticket, reporter, step, answers).await?;
    if matches!(step, "solved" | "satisfaction") && ticket.state == State::Callback && is_good(answers) {
        close(turn, &ticket, answers).await?;
    }
    Ok(())
}

fn is_good(answers: &Answers) -> bool {
    let solved = key(answers, "solved");
    let value: i64 = key(answers, "satisfaction").parse().unwrap_or(0);
    !solved.is_empty() && solved != "no" && value >= 3
}

async fn store_answer(turn: &mut Turn<'_, Actor>, ticket: &Ticket, reporter: i64, step: &str, answers: &Answers) -> Result<()> {
    let (column, value) = match step {
        "solved" => ("solved", key(answers, step)),
        "satisfaction" => ("value", key(answers, step)),
        "contacted" => ("contacted", key(answers, step)),
        "reason" => ("reason", key(answers, step)),
        "words" => {
            let words = account(answers, step).text;
            sealed::guard(turn, ticket, &words)?;
            let open = kept::for_unit(&words, ticket.mode, &kept::own_names(turn, None));
            let closed = ticket.sealed != Sealed::Open && !open.is_empty();
            let keys = &turn.actor.office.keys;
            ("words", if closed { kept::seal_event(keys, ticket.id, &open)? } else { open })
        }
        _ => return Ok(()),
    };
    if value.is_empty() {
        return Ok(());
    }
    let now = turn.now;
    store::rate(turn.tx, ticket, reporter, column, &value, now).await
}

/// The ticket that is rated and the sender's entry; a person who handled it may not rate it.
async fn rated(turn: &mut Turn<'_, Actor>, answers: &Answers) -> Result<Option<(Ticket, i64)>> {
    let mut tickets = super::tickets(turn, answers).await?;
    let Some(ticket) = tickets.pop() else { return Ok(None) };
    let Some(mine) = refs::reported(turn, ticket.id).await? else {
        return Err(Error::user(wording::not_yours(&ticket, Verb::Rate)));
    };
    if !may_judge(turn.actor.person, &handled_by(turn, &ticket).await?) {
        return Err(Error::user(wording::not_yours(&ticket, Verb::Rate)));
    }
    Ok(Some((ticket, mine.id)))
}

/// Who of the unit worked on the ticket.
async fn handled_by(turn: &mut Turn<'_, Actor>, ticket: &Ticket) -> Result<Vec<i64>> {
    let of_unit = [Role::Liaison, Role::Handler, Role::UnitLeader, Role::Inspector].map(Role::as_str);
    let history = store::history(turn.tx, ticket.id).await?;
    let worked = history.iter().filter(|past| of_unit.contains(&past.role.as_str())).filter_map(|past| past.actor);
    Ok(ticket.handler.into_iter().chain(worked).collect())
}

/// 评价, complete.
pub(super) async fn rate(turn: &mut Turn<'_, Actor>, answers: &Answers) -> Result<Submitted> {
    let Some((ticket, reporter)) = rated(turn, answers).await? else { return Err(Error::fault("a rating of nothing")) };
    if !matches!(ticket.state, State::Callback | State::Closed) {
        return Err(Error::user(wording::wrong_state(&ticket, Verb::Rate)));
    }
    for step in ["solved", "satisfaction", "contacted", "reason", "words"] {
        store_answer(turn, &ticket, reporter, step, answers).await?;
    }
    let files: Vec<i64> = account(answers, "words").media.iter().map(|file| file.id).collect();
    media::attach(turn.tx, &files, ticket.id).await?;
    let again = key(answers, "reopen") == "yes";
    if again {
        let words = account(answers, "words").text;
        reopen(turn, ticket, &words).await?;
    } else if ticket.state == State::Callback {
        close(turn, &ticket, answers).await?;
    }
    Ok(Submitted::Done(vec![("next", wording::rated(again).to_owned())]))
}

async fn close(turn: &mut Turn<'_, Actor>, ticket: &Ticket, answers: &Answers) -> Result<()> {
    let now = turn.now;
    let score = key(answers, "satisfaction");
    change(turn, ticket, Change::of(Verb::Rate).with(&score), |ticket| ticket.closed_at = Some(now)).await?;
    close_offers(turn.tx, ticket.id, &[]).await
}

/// 重办: a new round with half the time.
pub(super) async fn reopen(turn: &mut Turn<'_, Actor>, ticket: Ticket, reason: &str) -> Result<Reply> {
    let now = turn.now;
    let mine = refs::reported(turn, ticket.id).await?.is_some();
    let as_staff = refs::permitted(&turn.actor, &ticket, Verb::Reopen, false).is_some();
    if mine && !as_staff {
        if ticket.reopens >= 2 {
            return Err(Error::user(wording::reopened_enough()));
        }
        if ticket.state == State::Closed && ticket.closed_at.is_some_and(|at| now > at + REOPEN_WINDOW) {
            return Err(Error::user(wording::reopen_too_late()));
        }
    }
    let relapse = if ticket.state == State::Closed { "relapse" } else { "" };
    sealed::guard(turn, &ticket, reason)?;
    let names = kept::own_names(turn, None);
    let open = if mine { kept::for_unit(reason, ticket.mode, &names) } else { reason.to_owned() };
    let after = change(turn, &ticket, Change::of(Verb::Reopen).because(&open).with(relapse), |ticket| {
        ticket.round += 1;
        ticket.reopens += i64::from(mine);
        ticket.signed_off = false;
        ticket.resolved_at = None;
        ticket.closed_at = None;
        let half = calendar::half(calendar::limit(Clock::Resolve, ticket.kind, ticket.priority));
        ticket.resolve_due = Some(calendar::due(now, half));
    })
    .await?;
    close_offers(turn.tx, after.id, &["rate"]).await?;
    let directory = turn.actor.office.directory.clone();
    let group = show::group_label(&after, &directory);
    let label = show::label(&after, &directory);
    let due = after.resolve_due;
    let reply = Reply {
        text: wording::reopened(&group, "", due, now),
        private: Some(wording::reopened(&label, &open, due, now)),
        ..Reply::default()
    };
    tell_handler(turn, &after, Class::Now, reply.clone());
    if after.sealed == Sealed::Open {
        tell_role(turn, &after, Role::UnitLeader, Class::Now, reply.clone());
        tell_role(turn, &after, Role::Dispatcher, Class::Now, reply);
    }
    let done = if mine && !as_staff {
        wording::reopened_for_you(&show::here(turn, &after))
    } else {
        wording::done(Verb::Reopen, &show::here(turn, &after), "")
    };
    Ok(done.into())
}
