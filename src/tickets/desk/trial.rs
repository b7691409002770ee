//! 试派: what the rules would do with words. Nothing is written.

use super::text;
use crate::{
    bot::{Submitted, Turn, dialog::Answers},
    error::Result,
    people::Actor,
    tickets::{Priority, wording::lists as wording, words},
};

/// 试派: field, kind, priority, place and unit as a report with these words would get them.
pub(super) async fn trial(turn: &mut Turn<'_, Actor>, answers: &Answers) -> Result<Submitted> {
    let said = text(answers, "text");
    let office = turn.actor.office.clone();
    let directory = &office.directory;
    let field = directory.propose_field(&said);
    let campaign = field.is_some_and(|field| field.kind == crate::people::FieldKind::Campaign);
    let areas = &directory.areas;
    let sure = areas.in_sentence(&said).map(|(area, _)| area.code.clone());
    let places = match &sure {
        Some(code) => vec![areas.display(code)],
        None => areas.several_in(&said).iter().map(|area| areas.display(&area.code)).collect(),
    };
    let proposal = directory.propose(&said, field.map(|field| field.id.as_str()), sure.as_deref().unwrap_or_default());
    let found = wording::Trial {
        field: field.map(|field| field.name.as_str()),
        kind: super::kind_of(&said, campaign),
        priority: if words::danger(&said) { Priority::Urgent } else { Priority::Normal },
        places,
        unit: proposal.as_ref().map(|proposal| (proposal.unit.name.as_str(), proposal.reason.as_str())),
        named: directory.units_in(&said).iter().map(|unit| unit.name.as_str()).collect(),
    };
    let person = turn.actor.person;
    if turn.in_group() {
        turn.say(wording::trial_in_private());
    }
    turn.say_privately(person, wording::trial(&found));
    Ok(Submitted::Done(Vec::new()))
}
