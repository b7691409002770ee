//! Time: 延期 with its answers, 挂账, 重启.

use super::{Change, change, deputy::tell_group, tell_reporters, tell_role, tell_unit, text, unit_name};
use crate::{
    bot::{
        Turn,
        dialog::{Answer, Answers, Value},
    },
    clock::{DAY, HOUR, local, start_of},
    error::{Error, Result},
    message::{Millis, Reply},
    outbox::Class,
    people::{Actor, Role, contains},
    tickets::{
        Matter, Proposal, Sealed, Ticket, Voice,
        calendar::{self, Amount, Clock},
        life::{Verb, Who},
        refs, show, taken_back,
        wording::terms as words,
    },
};
use chrono::{Days, NaiveDate};

/// More time is given so often.
const EXTENSIONS: i64 = 2;
/// And no more working days than these, all together.
const EXTENDED_DAYS: i64 = 10;
/// A shelved ticket is looked at again within so many days.
const REVIEW: i64 = 90;

/// How many working days may still be added: nothing after the second time, and all together neither more than the first term
/// nor more than ten.
fn room(term: Amount, extensions: i64, extended: i64) -> i64 {
    let term = match term {
        Amount::Days(days) => i64::from(days),
        Amount::Hours(hours) => (hours + 23) / 24,
    };
    if extensions >= EXTENSIONS { 0 } else { (term.min(EXTENDED_DAYS) - extended).max(0) }
}

/// How many working days this ticket may still be given, or why none.
pub(super) fn room_now(ticket: &Ticket, now: Millis) -> Result<i64, String> {
    let number = ticket.short();
    if let Some(due) = ticket.resolve_due.filter(|due| now > *due) {
        return Err(words::extend_too_late(&number, due, now));
    }
    let term = ticket.limit(Clock::Resolve);
    match room(term, ticket.extensions, ticket.extended_days) {
        0 => Err(words::extended_enough(&number, ticket.extensions, ticket.extended_days)),
        room => Ok(room),
    }
}

/// 延期.
pub(super) async fn extend(turn: &mut Turn<'_, Actor>, ticket: Ticket, answers: &Answers) -> Result<Reply> {
    let days = match answers.get("days").and_then(Answer::value) {
        Some(Value::Number(days)) => *days,
        _ => return Err(Error::fault("延期 without a number of days")),
    };
    let reason = text(answers, "reason");
    let room = room_now(&ticket, turn.now).map_err(Error::user)?;
    if days > room {
        return Err(Error::user(words::extend_too_long(ticket.seq, room, ticket.extended_days)));
    }
    let what = Change::of(Verb::Extend).because(&reason).internal();
    let after = change(turn, &ticket, what, |ticket| ticket.extension_days = Some(days)).await?;
    let directory = turn.actor.office.directory.clone();
    let unit = unit_name(turn, &after);
    let asks = |label: &str, reason: Option<&str>| words::extension_asked(label, &unit, days, reason, after.seq);
    let reply =
        Reply::both(asks(&show::group_label(&after, &directory), None), asks(&show::label(&after, &directory), Some(&reason)));
    tell_role(turn, &after, Role::Dispatcher, Class::Now, reply);
    Ok(words::extension_passed_on(&show::here(turn, &after), days).into())
}

/// 同意延期: the result is due so many working days after it was.
pub(super) async fn extend_ok(turn: &mut Turn<'_, Actor>, ticket: Ticket, _answers: &Answers) -> Result<Reply> {
    let days = ticket.extension_days.unwrap_or_default();
    let asked = taken_back::in_force(turn.tx, ticket.id).await?.into_iter().rfind(|past| past.verb == Verb::Extend);
    let reason = asked.and_then(|past| past.reason).unwrap_or_default();
    let why = words::extension(days, &reason);
    let after = change(turn, &ticket, Change::of(Verb::ExtendOk).because(&why), |ticket| {
        let more = Amount::Days(u32::try_from(days).unwrap_or_default());
        ticket.resolve_due = ticket.resolve_due.map(|due| calendar::due(due, more));
        ticket.extensions += 1;
        ticket.extended_days += days;
        ticket.extension_days = None;
    })
    .await?;
    let (now, due) = (turn.now, after.resolve_due);
    let directory = turn.actor.office.directory.clone();
    let granted = |label: &str| words::extension_granted(label, days, due, now);
    let reply = Reply::both(granted(&show::group_label(&after, &directory)), granted(&show::label(&after, &directory)));
    tell_unit(turn, &after, Class::Batch, reply);
    let unit = unit_name(turn, &after);
    let label = show::label(&after, &directory);
    tell_reporters(turn, &after, words::reporter_extended(&label, &unit, &reason, due, now).into()).await?;
    Ok(words::extension_granted(&show::here(turn, &after), days, due, now).into())
}

/// 不同意延期.
pub(super) async fn extend_no(turn: &mut Turn<'_, Actor>, ticket: Ticket, answers: &Answers) -> Result<Reply> {
    let reason = text(answers, "reason");
    let what = Change::of(Verb::ExtendNo).because(&reason).internal();
    let after = change(turn, &ticket, what, |ticket| ticket.extension_days = None).await?;
    let (now, due) = (turn.now, after.resolve_due);
    let directory = turn.actor.office.directory.clone();
    let why = |words: Option<&str>| if reason.is_empty() { String::new() } else { words::refusal_reason(words, after.seq) };
    let reply = Reply::both(
        words::extension_refused(&show::group_label(&after, &directory), &why(None), due, now),
        words::extension_refused(&show::label(&after, &directory), &why(Some(&reason)), due, now),
    );
    tell_unit(turn, &after, Class::Batch, reply);
    Ok(words::extension_not_given(&show::here(turn, &after), due, now).into())
}

/// Is this a day for looking at a shelved ticket again: after today, and within ninety days?
fn may_review(day: NaiveDate, today: NaiveDate) -> bool {
    (1..=REVIEW).contains(&(day - today).num_days())
}

/// 挂账: proposed by a dispatcher or the congress staff, it waits for somebody of the other side.
pub(super) async fn shelve(turn: &mut Turn<'_, Actor>, ticket: Ticket, answers: &Answers) -> Result<Reply> {
    let Some(Value::Date(day)) = answers.get("until").and_then(Answer::value).cloned() else {
        return Err(Error::fault("挂账 without a day"));
    };
    if !may_review(day, local(turn.now).date_naive()) {
        return Err(Error::user(words::review_out_of_range()));
    }
    let plan = text(answers, "plan");
    let until = start_of(day) + DAY - 1;
    let as_dispatcher = refs::is(&turn.actor, &ticket, Who::Holder(Role::Dispatcher), false);
    let (role, other) = if as_dispatcher { (Role::Dispatcher, Role::NpcStaff) } else { (Role::NpcStaff, Role::Dispatcher) };
    super::agree::somebody_else(turn, &ticket, other)?;
    let proposal = Proposal {
        matter: Matter::Shelve,
        by: Voice { holder: turn.actor.holder(), role: role.as_str().to_owned() },
        agreed: Vec::new(),
        words: plan.clone(),
        until: Some(until),
    };
    let what = Change::of(Verb::Shelve).because(&plan).internal();
    let after = change(turn, &ticket, what, |ticket| ticket.proposal = Some(proposal.clone())).await?;
    let now = turn.now;
    let directory = turn.actor.office.directory.clone();
    let asks = |label: &str, plan: Option<&str>| words::shelve_asked(label, role, until, now, plan, after.seq);
    let reply =
        Reply::both(asks(&show::group_label(&after, &directory), None), asks(&show::label(&after, &directory), Some(&plan)));
    tell_role(turn, &after, other, Class::Now, reply);
    Ok(words::shelve_passed_on(&show::here(turn, &after), other).into())
}

/// The second person agreed: the clock stops until the review.
pub(super) async fn shelved(turn: &mut Turn<'_, Actor>, ticket: &Ticket, proposal: &Proposal) -> Result<Ticket> {
    let now = turn.now;
    let after = change(turn, ticket, Change::of(Verb::Agree).because(&proposal.words), |ticket| {
        ticket.shelved_until = proposal.until;
        ticket.time_left = ticket.resolve_due.map(|due| due - now);
        ticket.resolve_due = None;
        ticket.proposal = None;
    })
    .await?;
    let directory = turn.actor.office.directory.clone();
    let until = after.shelved_until;
    let label = show::label(&after, &directory);
    tell_reporters(turn, &after, words::reporter_shelved(&label, &proposal.words, until, now).into()).await?;
    let group = words::unit_shelved(&show::group_label(&after, &directory), None, until, now, after.seq);
    let private = words::unit_shelved(&label, Some(&proposal.words), until, now, after.seq);
    tell_unit(turn, &after, Class::Batch, Reply::both(group, private));
    let told = Reply::both(
        words::deputies_shelved(&show::group_label(&after, &directory), None, until, now, after.seq),
        words::deputies_shelved(&label, Some(&proposal.words), until, now, after.seq),
    );
    tell_deputies(turn, &after, &told);
    Ok(after)
}

/// Tells the deputies in whose area the ticket lies.
fn tell_deputies(turn: &mut Turn<'_, Actor>, ticket: &Ticket, reply: &Reply) {
    if ticket.sealed != Sealed::Open {
        return;
    }
    let directory = turn.actor.office.directory.clone();
    for group in directory.deputy_groups().iter().filter(|group| contains(&group.area, &ticket.area)) {
        tell_group(turn, ticket, group, Class::Batch, reply.clone(), reply);
    }
}

/// When the result of a ticket is due that is taken up again with this much of its time left: where working days count, at the end of
/// a working day. What was late stays as late as it was.
fn resumed(now: Millis, left: Millis, term: Amount) -> Millis {
    if left <= 0 || matches!(term, Amount::Hours(_)) {
        return now + left;
    }
    let mut day = local(now + left).date_naive();
    while !calendar::works(day)
        && let Some(next) = day.checked_add_days(Days::new(1))
    {
        day = next;
    }
    start_of(day) + DAY - 1
}

/// A shelved ticket is worked on again; the clock goes on from where it stopped.
pub(super) fn taken_up(ticket: &mut Ticket, now: Millis) {
    let term = ticket.limit(Clock::Resolve);
    let left = ticket.time_left.take().unwrap_or(HOUR);
    ticket.resolve_due = Some(resumed(now, left, term));
    ticket.shelved_until = None;
}

/// 重启.
pub(super) async fn resume(turn: &mut Turn<'_, Actor>, ticket: Ticket, _answers: &Answers) -> Result<Reply> {
    let now = turn.now;
    let after = change(turn, &ticket, Change::of(Verb::Resume), |ticket| taken_up(ticket, now)).await?;
    let directory = turn.actor.office.directory.clone();
    let due = after.resolve_due;
    let again = |label: &str| words::unit_resumed(label, due, now);
    let reply = Reply::both(again(&show::group_label(&after, &directory)), again(&show::label(&after, &directory)));
    tell_unit(turn, &after, Class::Batch, reply);
    let unit = unit_name(turn, &after);
    let label = show::label(&after, &directory);
    tell_reporters(turn, &after, words::reporter_resumed(&label, &unit, due, now).into()).await?;
    Ok(words::unit_resumed(&show::here(turn, &after), due, now).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{MINUTE, parse};

    #[test]
    fn more_time_is_given_twice_and_never_more_than_the_first_term_or_ten_days() {
        for (term, extensions, extended, days) in [
            (Amount::Days(15), 0, 0, 10),
            (Amount::Days(15), 1, 7, 3),
            (Amount::Days(15), 1, 10, 0),
            (Amount::Days(15), 2, 2, 0),
            (Amount::Days(5), 0, 0, 5),
            (Amount::Days(5), 1, 3, 2),
            (Amount::Days(2), 1, 2, 0),
            (Amount::Days(2), 0, 0, 2),
            (Amount::Hours(24), 0, 0, 1),
            (Amount::Hours(36), 0, 0, 2),
            // What was once granted stays, also when the term became shorter since.
            (Amount::Days(2), 1, 5, 0),
        ] {
            assert_eq!(room(term, extensions, extended), days, "{term:?}, {extensions} times, {extended} days");
        }
    }

    #[test]
    fn after_the_last_moment_nothing_is_given() {
        let due = parse("2026-12-14T23:59:59.999+08:00").unwrap();
        let ticket = Ticket { resolve_due: Some(due), kind: crate::tickets::Kind::Clue, ..Ticket::blank(0) };
        assert_eq!(room_now(&ticket, due), Ok(10));
        assert!(room_now(&ticket, due + 1).is_err());
    }

    #[test]
    fn a_review_lies_ahead_and_within_ninety_days() {
        let today = NaiveDate::from_ymd_opt(2026, 11, 23).unwrap();
        for (days, fits) in [(-1, false), (0, false), (1, true), (90, true), (91, false)] {
            assert_eq!(may_review(today + chrono::Duration::days(days), today), fits, "{days}");
        }
    }

    #[test]
    fn the_clock_goes_on_where_it_stopped_and_ends_with_a_working_day() {
        let at = |iso: &str| parse(iso).unwrap();
        let days = Amount::Days(15);
        for (now, left, term, due) in [
            // Two days later is a Wednesday.
            ("2026-11-23T10:00:00+08:00", 2 * DAY, days, "2026-11-25T23:59:59.999+08:00"),
            // Two days later is a Saturday.
            ("2026-11-26T10:00:00+08:00", 2 * DAY, days, "2026-11-30T23:59:59.999+08:00"),
            // Hours are hours.
            ("2026-11-26T10:00:00+08:00", 5 * HOUR, Amount::Hours(24), "2026-11-26T15:00:00+08:00"),
            // What was late stays as late.
            ("2026-11-26T10:00:00+08:00", -30 * MINUTE, days, "2026-11-26T09:30:00+08:00"),
        ] {
            assert_eq!(resumed(at(now), left, term), at(due), "{now} and {left}");
        }
    }
}
