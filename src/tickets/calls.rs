//! 待回访: whom a clerk calls, because the question that went out with the result was not answered in time.

use super::{
    Priority, State, Ticket,
    calendar::{self, Amount},
    desk,
    life::Verb,
    lists, refs, show,
    store::Past,
    taken_back,
    wording::terms as words,
};
use crate::{
    bot::{Submitted, Turn},
    error::Result,
    message::{Millis, Reply},
    people::Actor,
};

/// Lines that are shown.
const LINES: usize = 20;

/// When a clerk calls: one working day after the result went out where it is urgent, else two.
fn call_from(priority: Priority, history: &[Past]) -> Option<Millis> {
    let days = if priority == Priority::Urgent { 1 } else { 2 };
    let passed = history.iter().rev().take_while(|past| past.to == State::Callback).last()?;
    Some(calendar::due(passed.at, Amount::Days(days)))
}

/// 待回访: what waits for a call, with how each is reached; it goes to the private chat.
///
/// # Errors
/// Those of the database.
pub async fn show(turn: &mut Turn<'_, Actor>) -> Result<Submitted> {
    let mut due: Vec<(Ticket, usize)> = Vec::new();
    let mut later = 0;
    for ticket in refs::candidates(turn, Verb::Callback).await? {
        let history = taken_back::in_force(turn.tx, ticket.id).await?;
        if call_from(ticket.priority, &history).is_some_and(|from| turn.now > from) {
            due.push((ticket, desk::tries(&history)));
        } else {
            later += 1;
        }
    }
    let mut lines = vec![super::wording::lists::list_heading("待回访", "", due.len(), false)];
    for (ticket, tries) in due.iter().take(LINES) {
        let reach = desk::how_to_reach(turn, ticket).await?;
        lines.push(words::call_line(&show::label(ticket, turn.actor.directory()), &reach, *tries));
    }
    lines.extend(words::call_hints(due.first().map(|(ticket, _)| ticket.seq), later));
    lists::say_list(turn, Reply::text(lines.join("\n")));
    Ok(Submitted::Done(Vec::new()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::parse;

    #[test]
    fn a_clerk_calls_after_two_working_days_and_sooner_where_it_is_urgent() {
        let at = |iso: &str| parse(iso).unwrap();
        let past = |verb, to, iso: &str| Past { at: at(iso), role: "dispatcher".into(), ..Past::of(verb, to) };
        let history = [
            past(Verb::Pass, State::Callback, "2026-11-02T09:00:00+08:00"),
            past(Verb::Reopen, State::Working, "2026-11-03T09:00:00+08:00"),
            past(Verb::Pass, State::Callback, "2026-11-26T15:00:00+08:00"),
            past(Verb::Callback, State::Callback, "2026-11-30T09:00:00+08:00"),
        ];
        // From a Thursday.
        assert_eq!(call_from(Priority::Normal, &history), Some(at("2026-11-30T23:59:59.999+08:00")));
        assert_eq!(call_from(Priority::Urgent, &history), Some(at("2026-11-27T23:59:59.999+08:00")));
        assert_eq!(call_from(Priority::Normal, &history[..2]), None);
    }
}
