//! Pictures that are sent in private soon after 办结 belong to its result.

use super::{Change, account, attach, change, key, leave};
use crate::{
    bot::{
        Submitted, Turn,
        dialog::{Answers, Value},
    },
    clock::MINUTE,
    error::{Error, Result},
    outbox::Target,
    people::Actor,
    tickets::{State, Ticket, life::Verb, show, wording::lists as wording},
};

/// Pictures that come this soon after 办结 are asked about.
const SOON: i64 = 10 * MINUTE;

/// Lets pictures that follow be put to the result.
pub(super) fn expect(turn: &mut Turn<'_, Actor>, ticket: &Ticket) -> Result<()> {
    let me = Target::Person(turn.actor.person);
    leave(turn, ticket, me, ("photos", true), turn.now + SOON)
}

/// The answer: into the result, a report of its own, or nothing.
pub(super) async fn photos(turn: &mut Turn<'_, Actor>, answers: &Answers) -> Result<Submitted> {
    let pictures = account(answers, "photos");
    match key(answers, "there").as_str() {
        "yes" => {}
        "report" => {
            let mut given = Answers::new();
            given.insert("what".into(), Value::Account(pictures).into());
            return Ok(Submitted::Then("report", given));
        }
        _ => {
            turn.say(wording::photos_left());
            return Ok(Submitted::Done(Vec::new()));
        }
    }
    let ticket = super::tickets(turn, answers).await?.pop().ok_or_else(|| Error::fault("pictures for no ticket"))?;
    if !matches!(ticket.state, State::InReview | State::Working) {
        return Err(Error::user(wording::photos_too_late(&ticket.short(), ticket.state.chinese())));
    }
    let said = wording::photos_event(&pictures.text, pictures.media.len());
    let after = change(turn, &ticket, Change::of(Verb::Note).because(&said).internal(), |_| {}).await?;
    attach(turn, &pictures, after.id).await?;
    // The next pictures are asked about again.
    expect(turn, &after)?;
    turn.say(wording::photos_added(&show::label(&after, turn.actor.directory()), pictures.media.len()));
    Ok(Submitted::Done(Vec::new()))
}
