//! What to make of words, pictures or a place that nothing else took.

use super::{
    desk,
    life::Verb,
    lists, looks, refs, show, sources, store, wording,
    words::{SmallTalk, small_talk},
};
use crate::{
    bot::{
        Opening, Turn,
        dialog::{Answers, Control, MediaId, Value},
    },
    error::Result,
    message::Said,
    people::{Actor, Level, Role},
};

/// What to make of words, pictures or a place that nothing else took.
///
/// # Errors
/// Those of the database.
pub async fn open(turn: &mut Turn<'_, Actor>, said: &Said) -> Result<Opening> {
    match small_talk(&said.text) {
        Some(SmallTalk::Hello) => {
            turn.say(wording::greeting(turn.actor.is_staff()));
            return Ok(Opening::Answered);
        }
        Some(SmallTalk::Thanks) => {
            // “收到” of a liaison reads like a signature and is none.
            let unsigned = turn.actor.has(Role::Liaison) && !refs::candidates(turn, Verb::Sign).await?.is_empty();
            turn.say(if unsigned { wording::not_signed_yet() } else { wording::welcome() });
            return Ok(Opening::Answered);
        }
        Some(SmallTalk::HowIsIt) => {
            let entries = store::entries_of(turn.tx, &turn.actor.holders()).await?;
            for entry in entries.iter().take(9) {
                let ticket = store::by_id(turn.tx.conn(), entry.ticket).await?;
                if let Some(ticket) = ticket.filter(|ticket| ticket.state.is_open() && !turn.in_group()) {
                    let mut given = Answers::new();
                    given.insert("ticket".into(), Value::key(ticket.id.to_string(), show::here(turn, &ticket)).into());
                    let state = wording::state_for_reporter(ticket.state, show::unit(&ticket, turn.actor.directory()));
                    given.insert("state".into(), Value::text(state).into());
                    return Ok(Opening::Dialog("how", given, Vec::new()));
                }
            }
            lists::mine(turn).await?;
            return Ok(Opening::Answered);
        }
        Some(SmallTalk::WhoLooked) => {
            looks::tell(turn).await?;
            return Ok(Opening::Answered);
        }
        None => {}
    }
    let more = turn.actor.office.dialogs.controls().of(&said.text) == Some(Control::More);
    if more && lists::more(turn).await? {
        return Ok(Opening::Answered);
    }
    if said.text.trim().starts_with("举报干部") && desk::nobody_inspects(turn.actor.directory()) {
        turn.say(wording::secrecy::go_outside());
        return Ok(Opening::Answered);
    }
    // Any reply to a ticket's card is about that ticket.
    if let Some(number) = said.quote.as_ref().and_then(|quote| refs::number_of_card(&quote.text)) {
        let found = sources::resolve(turn, Verb::Add, &number).await?;
        if let Some(ticket) = found.0.first() {
            return Ok(Opening::Dialog("add", desk::about(ticket), Vec::new()));
        }
    }
    if turn.in_group() && said.point.is_none() && turn.media.is_empty() {
        turn.say(wording::in_group_only_commands());
        return Ok(Opening::Answered);
    }
    if !reads_like_a_problem(said, &turn.media) {
        turn.say(if turn.new { wording::greeting(turn.actor.is_staff()) } else { wording::what_i_can().to_owned() });
        return Ok(Opening::Answered);
    }
    let given = place_of(turn, said);
    // A village's name that stands for several is asked about at once, with those it may mean; so are several villages.
    let areas = &turn.actor.directory().areas;
    let several = if given.is_empty() { areas.several_in(&said.text) } else { Vec::new() };
    let names = areas.common_name(&several).map(str::to_owned).or_else(|| {
        let names: Vec<String> = several.iter().map(|area| areas.display(&area.code)).collect();
        (!names.is_empty()).then(|| names.join("、"))
    });
    let beside = || areas.neighbour_in(&said.text).filter(|_| given.is_empty()).map(|(name, _)| name.to_owned());
    let names = names.or_else(beside);
    let parts = names.map(|names| ("place", Value::Text(names))).into_iter().collect();
    Ok(Opening::Dialog("report", given, parts))
}

/// A picture, a voice or a location is a report by itself; words are one when there are enough of them and they are no number.
fn reads_like_a_problem(said: &Said, media: &[MediaId]) -> bool {
    let letters = said.text.chars().filter(|c| !c.is_ascii() && !c.is_whitespace()).count();
    !media.is_empty() || said.point.is_some() || letters >= 4
}

/// The place that a sentence or a location surely names.
fn place_of(turn: &Turn<'_, Actor>, said: &Said) -> Answers {
    let areas = &turn.actor.directory().areas;
    let mut given = Answers::new();
    let label = said.point.as_ref().map_or("", |point| point.label.as_str());
    let named = [said.text.as_str(), label].into_iter().find_map(|text| areas.in_sentence(text));
    if let Some((area, _)) = named.filter(|(area, _)| area.level() == Level::Village) {
        let place = Value::Place {
            code: area.code.clone(),
            name: areas.display(&area.code),
            point: said.point.clone(),
            words: String::new(),
        };
        given.insert("place".into(), place.into());
    }
    given
}
