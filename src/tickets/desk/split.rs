//! 拆单: a ticket with several matters becomes several tickets.

use super::{Change, by, change, report, tell_reporters, text};
use crate::{
    bot::{
        Turn,
        dialog::{Answers, Value},
    },
    error::{Error, Result},
    message::Reply,
    people::{self, Actor},
    seal::random_digits,
    tickets::{
        Mode, State, Ticket,
        calendar::Clock,
        kept,
        life::{Verb, Who},
        refs, show,
        store::{self, At, Event, Reporter},
        wording::{self, merging},
    },
};

/// So many matters at least and at most.
const MATTERS: std::ops::RangeInclusive<usize> = 2..=9;
/// A matter has so many characters at least.
const SHORTEST: usize = 2;

/// The matters of an answer, one a line; marks and numbers that people put before them are dropped.
fn matters(said: &str) -> Vec<String> {
    let mark = |c: char| c.is_whitespace() || "·-—•、.．。)）".contains(c);
    let bare = |line: &str| {
        let line = line.trim_start_matches(mark);
        let after_number = line.trim_start_matches(|c: char| c.is_ascii_digit());
        // `2. 路灯` is numbered, `2眼井` is not.
        let line = if after_number.starts_with(mark) { after_number } else { line };
        line.trim_matches(mark).to_owned()
    };
    said.lines().map(bare).filter(|line| !line.is_empty()).collect()
}

/// The rule `matters` of the dialog: two to nine lines, each a matter.
///
/// # Errors
/// The sentence that says what would be right.
pub fn matters_rule(value: &Value, _: &Answers) -> Result<(), String> {
    let Value::Text(said) = value else { return Err(merging::matters_wanted()) };
    let matters = matters(said);
    let good = MATTERS.contains(&matters.len()) && matters.iter().all(|matter| matter.chars().count() >= SHORTEST);
    if good { Ok(()) } else { Err(merging::matters_wanted()) }
}

/// 拆单: the ticket keeps number, state and the first matter; each other one becomes a ticket.
pub(super) async fn split(turn: &mut Turn<'_, Actor>, ticket: Ticket, answers: &Answers) -> Result<Reply> {
    let matters = matters(&text(answers, "matters"));
    let Some((first, others)) = matters.split_first().filter(|(_, others)| !others.is_empty()) else {
        return Err(Error::user(merging::matters_wanted()));
    };
    let reporters = store::reporters(turn.tx, ticket.id).await?;
    // The right is asked before numbers are given out.
    let Some((_, who)) = refs::permitted(&turn.actor, &ticket, Verb::Split, false) else {
        return Err(Error::user(refs::refusal(&turn.actor, &ticket, Verb::Split, false)));
    };
    let mut parts = Vec::new();
    for matter in others {
        parts.push(part(turn, &ticket, matter, &reporters, who).await?);
    }
    let numbers: Vec<String> = std::iter::once(ticket.short()).chain(parts.iter().map(|(part, _)| part.short())).collect();
    let title = title(turn, &ticket, first);
    let why = merging::numbers(&numbers);
    let after = change(turn, &ticket, Change::of(Verb::Split).because(&why), |ticket| ticket.title.clone_from(&title)).await?;
    let directory = turn.actor.office.directory.clone();
    let lines: Vec<String> = std::iter::once((&after, None))
        .chain(parts.iter().map(|(part, code)| (part, code.as_deref())))
        .map(|(ticket, code)| merging::part_line(&show::label(ticket, &directory), code))
        .collect();
    tell_reporters(turn, &after, merging::split_for_reporter(&after.short(), &lines).into()).await?;
    let here: Vec<String> =
        std::iter::once(&after).chain(parts.iter().map(|(part, _)| part)).map(|ticket| show::here(turn, ticket)).collect();
    Ok(merging::split(&here, parts[0].0.state).into())
}

fn title(turn: &Turn<'_, Actor>, ticket: &Ticket, matter: &str) -> String {
    let bare = kept::for_unit(matter, ticket.mode, &[]).replace(wording::HIDDEN, "");
    report::title_of(&bare, &people::areas::short_name(turn.actor.directory(), &ticket.area))
}

/// A ticket for one matter, and its query code where the reporter needs one.
async fn part(
    turn: &mut Turn<'_, Actor>,
    whole: &Ticket,
    matter: &str,
    reporters: &[Reporter],
    who: Who,
) -> Result<(Ticket, Option<String>)> {
    let now = turn.now;
    let office = turn.actor.office.clone();
    let (number, day, seq) = report::next_number(turn, &whole.area, "").await?;
    let waits = matches!(whole.state, State::Submitted | State::NeedInfo);
    let field = office.directory.propose_field(matter).map(|field| field.id.clone()).or_else(|| whole.field.clone());
    let dispatch = whole.due(Clock::Dispatch, now);
    let mut part = Ticket {
        id: turn.tx.id()?,
        number,
        day,
        seq,
        kind: whole.kind,
        field,
        title: title(turn, whole, matter),
        area: whole.area.clone(),
        place: whole.place.clone(),
        source: whole.source.clone(),
        on_behalf: whole.on_behalf,
        mode: whole.mode,
        priority: whole.priority,
        state: if waits { State::Submitted } else { State::Accepted },
        accept_due: whole.accept_due,
        dispatch_due: (!waits).then_some(dispatch),
        sealed: whole.sealed,
        given_to: whole.given_to.filter(|_| waits),
        split_from: Some(whole.id),
        ..Ticket::blank(whole.submitted_at)
    };
    let kept = kept::report(&office.keys, &part, matter, None, &kept::names_of(&office.keys, reporters)?)?;
    (part.text, part.original) = (kept.open, kept.original);
    let code = random_digits(8)?;
    store::insert(turn.tx, &part, &office.keys.hash("query", &code), None).await?;
    for reporter in reporters {
        let copy = copied(turn, reporter, part.id)?;
        store::add_reporter(turn.tx, &copy, now).await?;
    }
    let why = merging::part_of(&whole.short());
    let event = Event { reason: Some(&why), ..Event::of(Verb::Split, part.state) };
    let at = At { ticket: part.id, seq: 1, turn_key: turn.key, now };
    let by = by(turn, who);
    store::event(turn.tx, &office.keys, at, by, event).await?;
    Ok((part, (whole.mode == Mode::Anonymous).then_some(code)))
}

/// The same reporter for another ticket. What is sealed is bound to its entry, so it is opened and sealed again.
fn copied(turn: &mut Turn<'_, Actor>, reporter: &Reporter, ticket: i64) -> Result<Reporter> {
    let keys = &turn.actor.office.keys;
    let id = turn.tx.id()?;
    let sealed = keys.seal(&people::reporter_place(id), &reporter.who(keys)?)?;
    let contact = reporter.contact(keys)?.map(|contact| keys.seal(&store::contact_place(id), &contact)).transpose()?;
    Ok(Reporter { id, ticket, mode: reporter.mode, holder: reporter.holder.clone(), sealed, contact })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matters_are_lines_without_their_marks() {
        for (said, expected) in [
            ("路灯不亮\n井盖没了", vec!["路灯不亮", "井盖没了"]),
            ("1. 路灯不亮\n2、井盖没了\n\n（三）没人扫地", vec!["路灯不亮", "井盖没了", "（三）没人扫地"]),
            ("2眼井\n3户没水", vec!["2眼井", "3户没水"]),
            ("· 路灯不亮。\n-井盖没了", vec!["路灯不亮", "井盖没了"]),
            ("\n 1. \n", vec![]),
        ] {
            assert_eq!(matters(said), expected, "{said}");
        }
    }

    #[test]
    fn two_to_nine_matters_are_wanted() {
        let lines = |count: usize| Value::Text(vec!["路灯不亮"; count].join("\n"));
        for (count, good) in [(1, false), (2, true), (9, true), (10, false)] {
            assert_eq!(matters_rule(&lines(count), &Answers::new()).is_ok(), good, "{count}");
        }
        assert!(matters_rule(&Value::Text("路灯不亮\n井".into()), &Answers::new()).is_err());
    }
}
