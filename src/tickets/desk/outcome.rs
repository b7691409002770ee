//! What became of it: 审核, 退回重办, 通过, 评价, 重办.

use super::{
    Change, account, attach, change, key, leave,
    merge::leading,
    sealed,
    spot::{strike_off, unseen},
    tell_handler, tell_reporters, tell_role, text, unit_name,
};
use crate::{
    bot::{
        Submitted, Turn, close_offers, close_offers_to,
        dialog::{Answers, Value},
    },
    clock::DAY,
    error::{Error, Result},
    message::{Millis, Reply},
    outbox::{Class, Target},
    people::{Actor, Role, may_judge, person_holder},
    tickets::{
        Sealed, State, Ticket,
        calendar::{self, Clock},
        kept,
        life::{To, Verb, Who},
        refs, show,
        store::{self, Past},
        taken_back,
        wording::{self, terms as words},
    },
};

/// The window in which a result can be rated.
const RATING_WINDOW: i64 = 15 * DAY;
/// Afterwards the reporter may still ask for more work this long.
const REOPEN_WINDOW: i64 = 30 * DAY;

/// 审核: the unit's own sign-off. A question's answer needs no more and passes by itself.
pub(super) async fn sign_off(turn: &mut Turn<'_, Actor>, ticket: Ticket) -> Result<Reply> {
    let after = change(turn, &ticket, Change::of(Verb::SignOff).internal(), |ticket| ticket.signed_off = true).await?;
    let directory = turn.actor.office.directory.clone();
    let detail = show::result_line(&after).unwrap_or_default();
    let head = wording::to_pass(&after.short(), after.seq);
    let private = wording::result_private(&head, &show::label(&after, &directory), &detail);
    let text = wording::to_pass(&show::group_label(&after, &directory), after.seq);
    tell_role(turn, &after, Role::Dispatcher, Class::Batch, Reply::both(text, private));
    Ok(wording::done(Verb::SignOff, &show::here(turn, &after), "").into())
}

/// 退回重办, by the unit's leader or the dispatcher.
pub(super) async fn redo(turn: &mut Turn<'_, Actor>, ticket: Ticket, answers: &Answers) -> Result<Reply> {
    let reason = text(answers, "reason");
    let leader = refs::is(&turn.actor, &ticket, Who::Holder(Role::UnitLeader), false);
    let after = change(turn, &ticket, Change::of(Verb::Redo).because(&reason).internal(), |ticket| {
        ticket.signed_off = false;
        ticket.resolved_at = None;
        unseen(ticket);
    })
    .await?;
    let by = wording::who_judges(leader);
    let directory = turn.actor.office.directory.clone();
    let reply = Reply::both(
        wording::redo(&show::group_label(&after, &directory), by, wording::reason_in_private()),
        wording::redo(&show::label(&after, &directory), by, &reason),
    );
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
    let after = strike_off(turn, after).await?;
    let unit = unit_name(turn, &after);
    ask_rating(turn, &after, &unit).await?;
    let extra = if after.struck_off_at.is_some() { wording::oversight::struck_off_too() } else { "" };
    Ok(wording::done(Verb::Pass, &show::here(turn, &after), extra).into())
}

/// Tells the reporters what came out, and asks them about it in the same message.
pub(super) async fn ask_rating(turn: &mut Turn<'_, Actor>, after: &Ticket, who: &str) -> Result<()> {
    let now = turn.now;
    let label = show::label(after, turn.actor.directory());
    let result = show::result_line(after).unwrap_or_default();
    let mut reply = Reply::text(wording::result_to_reporter(&label, who, &result));
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

/// Can this ticket be rated now: while the reporter is asked, and for fifteen days after it was closed?
pub fn rating_open(ticket: &Ticket, now: i64) -> bool {
    match ticket.state {
        State::Callback => true,
        State::Closed => ticket.closed_at.is_some_and(|at| now <= at + RATING_WINDOW),
        _ => false,
    }
}

/// How often this reporter has rated the present round: the history names the entry in each rating's payload.
fn times_rated(history: &[Past], entry: i64) -> usize {
    let standing = taken_back::standing(history);
    let this_round = standing.into_iter().rev().take_while(|past| matches!(past.to, State::Callback | State::Closed));
    let by_entry = |past: &&Past| {
        let payload = past.payload.as_deref().and_then(|payload| serde_json::from_str::<serde_json::Value>(payload).ok());
        payload.is_some_and(|payload| payload["entry"] == entry)
    };
    this_round.filter(|past| past.verb == Verb::Rate).filter(by_entry).count()
}

/// Why this reporter can rate no more: the time is over, or the one change was made.
pub(super) async fn no_more_rating(turn: &mut Turn<'_, Actor>, ticket: &Ticket) -> Result<Option<String>> {
    // The sentence speaks of the ticket that was named, even where another one leads.
    let number = ticket.short();
    let ticket = &leading(turn, ticket.clone()).await?;
    if !rating_open(ticket, turn.now) {
        return Ok(Some(words::rating_over(&number)));
    }
    let Some(mine) = refs::reported(turn, ticket.id).await? else { return Ok(None) };
    let times = times_rated(&store::history(turn.tx, ticket.id).await?, mine.id);
    Ok((times >= 2).then(|| words::rated_twice(&number)))
}

/// What the dialog of 评价 must be given: how often this reporter has rated already, as it was when the dialog began.
///
/// # Errors
/// Those of the database.
pub async fn rate_needs(turn: &mut Turn<'_, Actor>, answers: &Answers) -> Result<Answers> {
    let mut given = Answers::new();
    if answers.contains_key("again") || !answers.contains_key("ticket") {
        return Ok(given);
    }
    let Some(ticket) = super::tickets(turn, answers).await?.pop() else { return Ok(given) };
    let ticket = leading(turn, ticket).await?;
    if let Some(mine) = refs::reported(turn, ticket.id).await? {
        let times = times_rated(&store::history(turn.tx, ticket.id).await?, mine.id);
        given.insert("again".into(), Value::text(times.to_string()).into());
    }
    Ok(given)
}

/// One answer of a rating, stored at once. A good score closes the ticket without waiting for the rest.
///
/// # Errors
/// Those of the database; a sentence when somebody rates who may not.
pub async fn rate_answer(turn: &mut Turn<'_, Actor>, step: &str, answers: &Answers) -> Result<()> {
    if !answers.contains_key("ticket") {
        return Ok(());
    }
    super::hold(turn, answers).await?;
    let Some((ticket, reporter, history)) = rated(turn, answers).await? else { return Ok(()) };
    let Some(first) = may_store(turn, &ticket, reporter, (&history, answers)).await? else { return Ok(()) };
    store_answer(turn, &ticket, reporter, step, answers).await?;
    if first && matches!(step, "solved" | "satisfaction") && is_good(answers) {
        settle(turn, &ticket, reporter, answers).await?;
    }
    Ok(())
}

/// May an answer be stored now, and is it of a first rating that is not in the history yet? `None`: it may not. The one change of a
/// rating is written into the history with what it replaces, before its first answer is stored.
async fn may_store(
    turn: &mut Turn<'_, Actor>,
    ticket: &Ticket,
    reporter: i64,
    (history, answers): (&[Past], &Answers),
) -> Result<Option<bool>> {
    if !rating_open(ticket, turn.now) {
        return Ok(None);
    }
    let times = times_rated(history, reporter);
    let begun_with: usize = text(answers, "again").parse().unwrap_or(times);
    Ok(match (begun_with, times) {
        (0, times) => Some(times == 0),
        (1, 1) => {
            let ratings = store::ratings(turn.tx, ticket.id).await?;
            let old = ratings.into_iter().find(|rating| rating.round == ticket.round && rating.reporter == reporter);
            let was = old.map(|old| (old.solved.unwrap_or_default(), old.value));
            let payload = serde_json::json!({ "entry": reporter, "was": was }).to_string();
            change(turn, ticket, Change::of(Verb::Rate).with(&payload).leading(To::Same), |_| {}).await?;
            Some(false)
        }
        (1, 2) => Some(false),
        _ => None,
    })
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
            ("words", rating_words(turn, ticket, &words).await?)
        }
        _ => return Ok(()),
    };
    if value.is_empty() {
        return Ok(());
    }
    let now = turn.now;
    store::rate(turn.tx, ticket, reporter, column, &value, now).await
}

/// The words of a rating, as they are kept: as a unit may read them.
pub(super) async fn rating_words(turn: &mut Turn<'_, Actor>, ticket: &Ticket, words: &str) -> Result<String> {
    let open = kept::of_reporter(turn, ticket, words).await?.open;
    let words = Some(open.as_str()).filter(|open| !open.is_empty());
    Ok(kept::beside(&turn.actor.office.keys, ticket, words)?.unwrap_or_default().into_owned())
}

/// The ticket that is rated, the sender's entry, and the history; a person who handled it may not rate it.
async fn rated(turn: &mut Turn<'_, Actor>, answers: &Answers) -> Result<Option<(Ticket, i64, Vec<Past>)>> {
    let mut tickets = super::tickets(turn, answers).await?;
    let Some(ticket) = tickets.pop() else { return Ok(None) };
    let ticket = leading(turn, ticket).await?;
    if !matches!(ticket.state, State::Callback | State::Closed) {
        return Err(Error::user(wording::wrong_state(&ticket, Verb::Rate)));
    }
    let Some(mine) = refs::reported(turn, ticket.id).await? else {
        return Err(Error::user(wording::not_yours(&ticket, Verb::Rate)));
    };
    let history = store::history(turn.tx, ticket.id).await?;
    if !may_judge(turn.actor.person, &who_handled(&ticket, &history)) {
        return Err(Error::user(wording::not_yours(&ticket, Verb::Rate)));
    }
    Ok(Some((ticket, mine.id, history)))
}

/// Who worked on the ticket: people of the unit, or the deputy who settled it.
pub(super) async fn handled_by(turn: &mut Turn<'_, Actor>, ticket: &Ticket) -> Result<Vec<i64>> {
    Ok(who_handled(ticket, &store::history(turn.tx, ticket.id).await?))
}

fn who_handled(ticket: &Ticket, history: &[Past]) -> Vec<i64> {
    let of_unit = [Role::Liaison, Role::Handler, Role::UnitLeader, Role::Inspector].map(Role::as_str);
    let worked = history
        .iter()
        .filter(|past| past.verb == Verb::Done || of_unit.contains(&past.role.as_str()))
        .filter_map(|past| past.actor);
    ticket.handler.into_iter().chain(worked).collect()
}

/// 评价, complete.
pub(super) async fn rate(turn: &mut Turn<'_, Actor>, answers: &Answers) -> Result<Submitted> {
    let Some((ticket, reporter, history)) = rated(turn, answers).await? else { return Err(Error::fault("a rating of nothing")) };
    let Some(first) = may_store(turn, &ticket, reporter, (&history, answers)).await? else {
        let why = if rating_open(&ticket, turn.now) { words::rated_twice } else { words::rating_over };
        return Err(Error::user(why(&ticket.short())));
    };
    for step in ["solved", "satisfaction", "contacted", "reason", "words"] {
        store_answer(turn, &ticket, reporter, step, answers).await?;
    }
    attach(turn, &account(answers, "words"), ticket.id).await?;
    let next = if key(answers, "reopen") == "yes" {
        let said = account(answers, "words").text;
        let passed_on = matches!(refs::permitted(&turn.actor, &ticket, Verb::Reopen, true), Some((row, _)) if row.to == To::Same);
        reopen(turn, ticket, &said).await?;
        if passed_on { words::rated_and_passed_on() } else { wording::rated(true) }
    } else {
        if first {
            settle(turn, &ticket, reporter, answers).await?;
        }
        wording::rated(false)
    };
    Ok(Submitted::Done(vec![("next", next.to_owned())]))
}

/// A rating is complete: the first one closes the ticket, those of other reporters are added to its history.
async fn settle(turn: &mut Turn<'_, Actor>, ticket: &Ticket, reporter: i64, answers: &Answers) -> Result<()> {
    let now = turn.now;
    let payload = serde_json::json!({
        "entry": reporter, "solved": key(answers, "solved"), "value": key(answers, "satisfaction"),
    });
    let payload = payload.to_string();
    change(turn, ticket, Change::of(Verb::Rate).with(&payload), |ticket| {
        ticket.closed_at.get_or_insert(now);
    })
    .await?;
    answered(turn, ticket.id, reporter).await
}

/// One reporter was heard: what was still asked about the work is not asked any more, the other reporters still rate.
pub(super) async fn answered(turn: &mut Turn<'_, Actor>, ticket: i64, reporter: i64) -> Result<()> {
    close_offers(turn.tx, ticket, &["add", "relay"]).await?;
    close_offers_to(turn.tx, ticket, "rate", &Target::Reporter(reporter)).await
}

/// 重办: a new round with half the time. The third wish of a reporter is passed on to the congress staff.
pub(super) async fn reopen(turn: &mut Turn<'_, Actor>, ticket: Ticket, reason: &str) -> Result<Reply> {
    let now = turn.now;
    let mine = refs::reported(turn, ticket.id).await?.is_some();
    let Some((row, who)) = refs::permitted(&turn.actor, &ticket, Verb::Reopen, mine) else {
        return Err(Error::user(refs::refusal(&turn.actor, &ticket, Verb::Reopen, mine)));
    };
    let of_reporter = matches!(who, Who::Reporter | Who::Holder(Role::CallbackClerk));
    if of_reporter && ticket.state == State::Closed && ticket.closed_at.is_some_and(|at| now > at + REOPEN_WINDOW) {
        return Err(Error::user(wording::reopen_too_late()));
    }
    sealed::guard(turn, &ticket, reason)?;
    if row.to == To::Same {
        return ask_congress(turn, ticket, reason).await;
    }
    let said = if of_reporter { kept::of_reporter(turn, &ticket, reason).await? } else { kept::Kept::of(reason) };
    let what = Change::of(Verb::Reopen).because(&said.open).sealing(&said.original).leading(row.to);
    let after = change(turn, &ticket, what, |ticket| {
        ticket.reopens += i64::from(of_reporter);
        anew(ticket, now);
    })
    .await?;
    close_offers(turn.tx, after.id, &["rate"]).await?;
    let directory = turn.actor.office.directory.clone();
    let group = show::group_label(&after, &directory);
    let label = show::label(&after, &directory);
    let due = after.resolve_due;
    let from = words::who_reopens(who);
    let reply = Reply::both(wording::reopened(&group, from, "", due, now), wording::reopened(&label, from, &said.open, due, now));
    if after.sealed != Sealed::Open {
        // Everybody who might be told is the same inspectors.
        tell_handler(turn, &after, Class::Now, reply);
    } else if after.unit.is_some() {
        tell_handler(turn, &after, Class::Now, reply.clone());
        tell_role(turn, &after, Role::UnitLeader, Class::Now, reply.clone());
        tell_role(turn, &after, Role::Dispatcher, Class::Now, reply);
    } else {
        let reply = Reply::both(
            wording::oversight::back_to_centre(&group, after.seq),
            wording::oversight::back_to_centre(&label, after.seq),
        );
        tell_role(turn, &after, Role::Intake, Class::Now, reply);
    }
    if !matches!(who, Who::Reporter) && after.state == State::Working {
        tell_reporters(turn, &after, words::reporter_reopened(&label, due, now).into()).await?;
    }
    let done = if matches!(who, Who::Reporter) {
        wording::reopened_for_you(&show::here(turn, &after))
    } else {
        wording::done(Verb::Reopen, &show::here(turn, &after), "")
    };
    Ok(done.into())
}

/// The reporter has had two more rounds: whether there is a third one the congress staff decide. They are asked once.
async fn ask_congress(turn: &mut Turn<'_, Actor>, ticket: Ticket, reason: &str) -> Result<Reply> {
    let history = taken_back::in_force(turn.tx, ticket.id).await?;
    let asked = |past: &&Past| past.verb == Verb::Reopen && matches!(past.to, State::Callback | State::Closed);
    if history.iter().rev().take_while(|past| past.to != State::Working).any(|past| asked(&past)) {
        return Err(Error::user(words::congress_decides(&ticket.short())));
    }
    let said = kept::of_reporter(turn, &ticket, reason).await?;
    let what = Change::of(Verb::Reopen).because(&said.open).sealing(&said.original).leading(To::Same);
    let after = change(turn, &ticket, what, |_| {}).await?;
    let directory = turn.actor.office.directory.clone();
    let reply = Reply::both(
        words::reopen_to_congress(&show::group_label(&after, &directory), "", after.typed()),
        words::reopen_to_congress(&show::label(&after, &directory), &said.open, after.typed()),
    );
    tell_role(turn, &after, Role::NpcStaff, Class::Now, reply);
    Ok(words::reopen_passed_on(&show::here(turn, &after)).into())
}

/// A new round: with half the time for the unit, or with intake's time where no unit ever had it.
pub(super) fn anew(ticket: &mut Ticket, now: Millis) {
    ticket.round += 1;
    ticket.relapse |= ticket.closed_at.is_some();
    ticket.unreasonable = None;
    ticket.signed_off = false;
    ticket.resolved_at = None;
    ticket.closed_at = None;
    unseen(ticket);
    if ticket.unit.is_some() || ticket.sealed != Sealed::Open {
        let half = calendar::half(ticket.limit(Clock::Resolve));
        ticket.resolve_due = Some(calendar::due(now, half));
    } else {
        ticket.given_to = None;
        ticket.accept_due = Some(ticket.due(Clock::Accept, now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn past(verb: Verb, to: State, payload: &str) -> Past {
        Past { payload: Some(payload.into()), ..Past::of(verb, to) }
    }

    #[test]
    fn each_reporters_ratings_of_this_round_are_counted() {
        let history = [
            past(Verb::Pass, State::Callback, ""),
            past(Verb::Rate, State::Closed, r#"{"entry":7}"#),
            past(Verb::Reopen, State::Working, ""),
            past(Verb::Pass, State::Callback, ""),
            past(Verb::Rate, State::Closed, r#"{"entry":7}"#),
            past(Verb::Rate, State::Closed, r#"{"entry":8}"#),
            past(Verb::Add, State::Closed, r#"{"entry":7}"#),
            past(Verb::Rate, State::Closed, r#"{"entry":7,"was":["yes",5]}"#),
        ];
        for (entry, times) in [(7, 2), (8, 1), (9, 0)] {
            assert_eq!(times_rated(&history, entry), times, "{entry}");
        }
        assert_eq!(times_rated(&history[..4], 7), 0);
    }

    #[test]
    fn a_rating_can_be_given_for_fifteen_days_after_closing() {
        let closed = Ticket { state: State::Closed, closed_at: Some(0), ..Ticket::blank(0) };
        assert!(rating_open(&closed, RATING_WINDOW));
        assert!(!rating_open(&closed, RATING_WINDOW + 1));
        assert!(rating_open(&Ticket { state: State::Callback, ..Ticket::blank(0) }, 0));
        assert!(!rating_open(&Ticket { state: State::Working, ..closed }, 0));
    }
}
