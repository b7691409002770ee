//! 回访: what a clerk hears on the telephone.

use super::{Change, account, change, key, outcome};
use crate::{
    bot::{
        Submitted, Turn,
        dialog::{Answers, Value},
    },
    error::{Error, Result},
    people::{Actor, may_judge},
    tickets::{
        Mode, State, Ticket,
        life::{To, Verb},
        refs, show,
        store::{self, Past, Reporter},
        taken_back,
        wording::{self, terms as words},
    },
};

/// Why this person cannot call back about this ticket here: he handled or reported it, or a group would read the number and what was
/// said.
pub(super) async fn not_by_you(turn: &mut Turn<'_, Actor>, ticket: &Ticket) -> Result<Option<String>> {
    if turn.in_group() {
        return Ok(Some(words::call_in_private().to_owned()));
    }
    let mine = refs::reported(turn, ticket.id).await?.is_some();
    let handled = outcome::handled_by(turn, ticket).await?;
    let judges = !mine && may_judge(turn.actor.person, &handled);
    Ok((!judges).then(|| words::callback_not_by_you(&ticket.short())))
}

/// How often nobody answered since the result was passed.
pub fn tries(history: &[Past]) -> usize {
    let now = history.iter().rev().take_while(|past| past.to == State::Callback);
    now.filter(|past| past.verb == Verb::Callback && past.payload.as_deref() == Some(NOT_REACHED)).count()
}

const NOT_REACHED: &str = r#"{"reached":"no"}"#;

/// Whom the clerk asks: who reported and has not rated this round, else the first who reported.
async fn asked(turn: &mut Turn<'_, Actor>, ticket: &Ticket) -> Result<Reporter> {
    let ratings = store::ratings(turn.tx, ticket.id).await?;
    let rated = |entry: i64| ratings.iter().any(|rating| rating.round == ticket.round && rating.reporter == entry);
    let reporters = store::reporters(turn.tx, ticket.id).await?;
    let open = reporters.iter().position(|reporter| !rated(reporter.id)).unwrap_or(0);
    reporters.into_iter().nth(open).ok_or_else(|| Error::fault("a ticket that nobody reported"))
}

/// What the dialog of 回访 must be given: how the reporter is reached, and that he was, where the line says what he said.
///
/// # Errors
/// Those of the database.
pub async fn callback_needs(turn: &mut Turn<'_, Actor>, answers: &Answers) -> Result<Answers> {
    let mut given = Answers::new();
    let said = ["contacted", "solved", "satisfaction"].iter().any(|step| answers.contains_key(*step));
    if said && !answers.contains_key("reached") {
        given.insert("reached".into(), Value::key("yes", "").into());
    }
    if answers.contains_key("who") || !answers.contains_key("ticket") {
        return Ok(given);
    }
    let Some(ticket) = super::tickets(turn, answers).await?.pop() else { return Ok(given) };
    let who = how_to_reach(turn, &ticket).await?;
    given.insert("who".into(), Value::text(who).into());
    Ok(given)
}

/// The line that says how a reporter is reached; a telephone number only of somebody who gives his name.
///
/// # Errors
/// Those of the database.
pub async fn how_to_reach(turn: &mut Turn<'_, Actor>, ticket: &Ticket) -> Result<String> {
    let reporter = asked(turn, ticket).await?;
    let keys = turn.actor.office.keys.clone();
    let known = if reporter.mode == Mode::RealName { reporter.contact(&keys)? } else { None };
    Ok(wording::reporter_line(reporter.mode, known.as_deref(), ticket.typed()))
}

/// 回访: nobody answered, or what the reporter said.
pub(super) async fn callback(turn: &mut Turn<'_, Actor>, answers: &Answers) -> Result<Submitted> {
    let mut tickets = super::tickets(turn, answers).await?;
    let ticket = tickets.pop().ok_or_else(|| Error::fault("a call-back about nothing"))?;
    if let Some(sentence) = not_by_you(turn, &ticket).await? {
        return Err(Error::user(sentence));
    }
    if key(answers, "reached") == "no" {
        let what = Change::of(Verb::Callback).with(NOT_REACHED).internal().leading(To::Same);
        let after = change(turn, &ticket, what, |_| {}).await?;
        let tries = tries(&taken_back::in_force(turn.tx, after.id).await?);
        turn.say(words::not_reached(&show::here(turn, &after), tries));
        return Ok(Submitted::Done(Vec::new()));
    }
    let (now, entry) = (turn.now, asked(turn, &ticket).await?.id);
    let said = account(answers, "words").text;
    for (column, value) in [
        ("contacted", key(answers, "contacted")),
        ("solved", key(answers, "solved")),
        ("value", key(answers, "satisfaction")),
        ("reason", key(answers, "reason")),
        ("words", outcome::rating_words(turn, &ticket, &said).await?),
    ] {
        if !value.is_empty() {
            store::rate(turn.tx, &ticket, entry, column, &value, now).await?;
        }
    }
    let payload = serde_json::json!({
        "reached": "yes", "rated": entry, "solved": key(answers, "solved"), "value": key(answers, "satisfaction"),
    });
    let payload = payload.to_string();
    let what = Change::of(Verb::Callback).with(&payload);
    if key(answers, "reopen") == "yes" {
        let after = change(turn, &ticket, what.leading(To::Same), |_| {}).await?;
        outcome::answered(turn, after.id, entry).await?;
        let reply = outcome::reopen(turn, after, &said).await?;
        turn.say(reply);
        return Ok(Submitted::Done(Vec::new()));
    }
    let after = change(turn, &ticket, what.leading(To::State(State::Closed)), |ticket| ticket.closed_at = Some(now)).await?;
    outcome::answered(turn, after.id, entry).await?;
    turn.say(words::called_back(&show::here(turn, &after)));
    Ok(Submitted::Done(Vec::new()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_that_nobody_answered_are_counted_since_the_result_was_passed() {
        let past = |verb, to, payload: &str| Past { payload: Some(payload.into()), ..Past::of(verb, to) };
        let history = [
            past(Verb::Callback, State::Callback, NOT_REACHED),
            past(Verb::Reopen, State::Working, ""),
            past(Verb::Pass, State::Callback, ""),
            past(Verb::Callback, State::Callback, NOT_REACHED),
            past(Verb::Add, State::Callback, ""),
            past(Verb::Callback, State::Callback, NOT_REACHED),
        ];
        assert_eq!(tries(&history), 2);
        assert_eq!(tries(&history[..2]), 0);
    }
}
