//! 更正: what intake or the report set is put right, and what is due with it.

use super::{Change, change, key, tell_reporters, text};
use crate::{
    bot::{
        Turn,
        dialog::{Answers, Value},
    },
    error::{Error, Result},
    message::{Millis, Reply},
    people::Actor,
    tickets::{
        Kind, Priority, Sealed, Ticket,
        calendar::{self, Clock},
        kept,
        life::Verb,
        show,
        store::{self, Past},
        taken_back,
        wording::{self, merging},
    },
};

/// 更正.
pub(super) async fn fix(turn: &mut Turn<'_, Actor>, ticket: Ticket, answers: &Answers) -> Result<Reply> {
    let now = turn.now;
    let mut fixed = fixed(&ticket, answers)?;
    if ticket.sealed != Sealed::Open && fixed.title != ticket.title {
        return Err(Error::user(wording::secrecy::title_stays(&ticket.short())));
    }
    let directory = turn.actor.office.directory.clone();
    let (what, old, new) = match key(answers, "what").as_str() {
        "field" => ("领域", show::field(&ticket, &directory), show::field(&fixed, &directory)),
        "kind" => ("类型", ticket.kind.chinese().to_owned(), fixed.kind.chinese().to_owned()),
        "priority" => ("级别", ticket.priority.chinese().to_owned(), fixed.priority.chinese().to_owned()),
        "place" => ("地点", ticket.place.clone(), fixed.place.clone()),
        _ => ("标题", ticket.title.clone(), fixed.title.clone()),
    };
    if fixed == ticket {
        return Err(Error::user(merging::same_as_before(&ticket.short(), what, &new)));
    }
    if (fixed.kind, fixed.priority) != (ticket.kind, ticket.priority) {
        let past = kept::history(&turn.actor.office.keys, &ticket, store::history(turn.tx, ticket.id).await?)?;
        set_due(&mut fixed, &ticket, &past);
    }
    let why = merging::changed(what, &old, &new);
    let after = change(turn, &ticket, Change::of(Verb::Fix).because(&why), |ticket| *ticket = fixed.clone()).await?;
    let promised = promise(&ticket, now);
    let due = show::running_due(&after);
    if promise(&after, now) != promised {
        let label = show::label(&after, &directory);
        tell_reporters(turn, &after, merging::promise_changed(&label, promised.as_deref(), due, now).into()).await?;
    }
    // A title and a place are not for a group.
    let shown = if turn.in_group() && matches!(what, "标题" | "地点") { what.to_owned() } else { why };
    let extra = merging::fixed(&shown, due.filter(|_| promise(&after, now) != promise(&ticket, now)), now);
    Ok(wording::done(Verb::Fix, &show::here(turn, &after), &extra).into())
}

/// The ticket with what is to be put right.
fn fixed(ticket: &Ticket, answers: &Answers) -> Result<Ticket> {
    let mut fixed = ticket.clone();
    let unknown = || Error::fault("更正 without a value that is known");
    match key(answers, "what").as_str() {
        "field" => fixed.field = Some(key(answers, "field")).filter(|field| !field.is_empty()),
        "kind" => fixed.kind = Kind::from_code(&key(answers, "kind")).ok_or_else(unknown)?,
        "priority" => fixed.priority = Priority::from_code(&key(answers, "priority")).ok_or_else(unknown)?,
        "place" => {
            let Some(Value::Place { code, name, .. }) = answers.get("place").and_then(|answer| answer.value()) else {
                return Err(unknown());
            };
            if fixed.area != *code {
                (fixed.area, fixed.place) = (code.clone(), name.clone());
            }
        }
        _ => fixed.title = text(answers, "title"),
    }
    Ok(fixed)
}

/// The date that is promised to the reporter now, in words.
fn promise(ticket: &Ticket, now: Millis) -> Option<String> {
    show::running_due(ticket).map(|due| wording::by(due, now))
}

/// Computes what is due anew, each from where its clock began. What pauses and extensions added stays added.
fn set_due(fixed: &mut Ticket, old: &Ticket, past: &[Past]) {
    let due = |clock, column, kept: Option<Millis>| {
        let (start, halved) = start(clock, column, old, past)?;
        let of = |kind, priority| {
            let limit = calendar::limit(clock, kind, priority);
            calendar::due(start, if halved { calendar::half(limit) } else { limit })
        };
        kept.map(|kept| of(fixed.kind, fixed.priority) + kept - of(old.kind, old.priority))
    };
    let accept = due(Clock::Accept, "accept_due_at", old.accept_due);
    let dispatch = due(Clock::Dispatch, "dispatch_due_at", old.dispatch_due);
    let sign = due(Clock::Sign, "sign_due_at", old.sign_due);
    let contact = due(Clock::Contact, "contact_due_at", old.contact_due);
    let resolve = due(Clock::Resolve, "resolve_due_at", old.resolve_due);
    use crate::tickets::State::{Accepted, Dispatched, Disputed, NeedInfo, SentBack, Submitted, Working};
    match old.state {
        Submitted | NeedInfo => fixed.accept_due = accept.or(old.accept_due),
        Accepted | SentBack | Disputed => fixed.dispatch_due = dispatch.or(old.dispatch_due),
        Dispatched | Working => {
            if old.state == Dispatched {
                fixed.sign_due = sign.or(old.sign_due);
            }
            if old.first_contact_at.is_none() {
                fixed.contact_due = contact.or(old.contact_due);
            }
            fixed.resolve_due = resolve.or(old.resolve_due);
        }
        // Nothing that kind or priority decide is running.
        _ => {}
    }
}

/// When a clock began, and whether it runs for half the time: with the last event that set its due time anew and was not
/// taken back. Events that only move a due time are none.
fn start(clock: Clock, column: &str, ticket: &Ticket, past: &[Past]) -> Option<(Millis, bool)> {
    for past in taken_back::standing(past).into_iter().rev() {
        let moves = matches!(past.verb, Verb::Fix | Verb::ExtendOk | Verb::Resume | Verb::Add | Verb::Ask | Verb::Unmerge);
        let record: Option<serde_json::Value> = past.before.as_deref().and_then(|before| serde_json::from_str(before).ok());
        if !moves && record.is_some_and(|record| record.get(column).is_some()) {
            return Some((past.at, matches!(past.verb, Verb::Reopen | Verb::Verify)));
        }
    }
    // Never set anew: the first clocks began with the report and with 派单.
    match clock {
        Clock::Accept => Some((ticket.submitted_at, false)),
        Clock::Dispatch => None,
        Clock::Sign | Clock::Contact | Clock::Resolve => ticket.dispatched_at.map(|at| (at, false)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock::parse, tickets::State};

    fn noon(day: u32) -> Millis {
        parse(&format!("2026-11-{day:02}T12:00:00+08:00")).unwrap()
    }

    fn past(verb: Verb, at: Millis, before: Option<&str>, payload: Option<&str>) -> Past {
        Past {
            seq: 0,
            turn_key: String::new(),
            at,
            actor: None,
            role: String::new(),
            verb,
            from: None,
            to: State::Working,
            reason: None,
            payload: payload.map(str::to_owned),
            visible: "all".into(),
            before: before.map(str::to_owned),
        }
    }

    /// A complaint that the unit works on since the 23rd, with so many days added to its due time, made urgent.
    fn made_urgent(added: Millis, history: &[Past]) -> Ticket {
        let resolve = calendar::limit(Clock::Resolve, Kind::Complaint, Priority::Normal);
        let old = Ticket {
            state: State::Working,
            dispatched_at: Some(noon(23)),
            first_contact_at: Some(noon(24)),
            contact_due: Some(noon(24)),
            resolve_due: Some(calendar::due(noon(23), resolve) + added),
            ..Ticket::blank(noon(20))
        };
        let mut fixed = Ticket { priority: Priority::Urgent, ..old.clone() };
        set_due(&mut fixed, &old, history);
        assert_eq!((fixed.contact_due, fixed.accept_due), (old.contact_due, None), "only what runs changes");
        fixed
    }

    #[test]
    fn what_is_due_is_computed_from_where_its_clock_began() {
        let set = Some(r#"{"resolve_due_at":null}"#);
        for (added, history, due) in [
            (0, vec![], noon(24)),
            (0, vec![past(Verb::Assign, noon(23), set, None)], noon(24)),
            (3 * crate::clock::DAY, vec![past(Verb::Assign, noon(23), set, None)], noon(27)),
            // Moving a due time is no new beginning, and what was taken back has not been.
            (0, vec![past(Verb::Assign, noon(23), set, None), past(Verb::Fix, noon(25), set, None)], noon(24)),
            (
                0,
                vec![
                    past(Verb::Assign, noon(23), set, None),
                    past(Verb::Redispatch, noon(25), set, None),
                    past(Verb::Undo, noon(25), set, Some("1")),
                ],
                noon(24),
            ),
        ] {
            assert_eq!(made_urgent(added, &history).resolve_due, Some(due), "{history:?}");
        }
    }
}
