//! Pictures that are sent in private soon after 办结 belong to its result.

use super::{Change, account, change, key};
use crate::{
    bot::{
        Offer, Submitted, Turn,
        dialog::{Answers, Value},
    },
    clock::MINUTE,
    error::{Error, Result},
    media,
    outbox::Target,
    people::Actor,
    tickets::{State, Ticket, life::Verb, show, wording::lists as wording},
};

/// Pictures that come this soon after 办结 are asked about.
const SOON: i64 = 10 * MINUTE;

/// Lets pictures that follow be put to the result.
pub(super) fn expect(turn: &mut Turn<'_, Actor>, ticket: &Ticket) -> Result<()> {
    let mut preset = Answers::new();
    preset.insert("ticket".into(), Value::key(ticket.id.to_string(), ticket.short()).into());
    turn.offer(Offer {
        target: Target::Person(turn.actor.person),
        dialog: "photos",
        preset,
        ticket: ticket.id,
        urgent: false,
        optional: true,
        expires_at: turn.now + SOON,
    })
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
    let files: Vec<i64> = pictures.media.iter().map(|file| file.id).collect();
    let said = wording::photos_event(&pictures.text, files.len());
    let after = change(turn, &ticket, Change::of(Verb::Note).because(&said).internal(), |_| {}).await?;
    media::attach(turn.tx, &files, after.id).await?;
    // The next pictures are asked about again.
    expect(turn, &after)?;
    turn.say(wording::photos_added(&show::label(&after, turn.actor.directory()), files.len()));
    Ok(Submitted::Done(Vec::new()))
}
