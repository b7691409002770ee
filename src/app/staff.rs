//! Where people and their tickets meet: what somebody has in hand when he goes or is replaced.

use crate::{
    bot::{
        Submitted, Turn,
        dialog::{Answers, Value},
    },
    error::{Error, Result},
    people::{
        Actor, rights,
        rights::{Newcomer, Replacement},
        wording,
    },
    tickets::{Ticket, desk},
};

/// What 停用 asks about: the work that is left, as `work`.
pub(super) async fn disable_needs(turn: &mut Turn<'_, Actor>, answers: &Answers) -> Result<Answers> {
    let mut given = Answers::new();
    if !answers.contains_key("person") {
        return Ok(given);
    }
    let person = rights::to_disable(turn, answers)?;
    let numbers: Vec<String> = desk::in_hand(turn, person.id).await?.iter().map(Ticket::short).collect();
    let mut lines =
        vec![if numbers.is_empty() { wording::nothing_in_hand(&person.name) } else { wording::in_hand(&person.name, &numbers) }];
    lines.extend(rights::gaps_without(turn.actor.directory(), &person));
    given.insert("work".into(), Value::text(format!("{}\n", lines.join("\n"))).into());
    Ok(given)
}

/// 停用: what was in hand goes back to the unit's liaison.
pub(super) async fn disable(turn: &mut Turn<'_, Actor>, answers: &Answers) -> Result<Submitted> {
    if !rights::is_sure(answers) {
        return Ok(left(turn));
    }
    let person = rights::to_disable(turn, answers)?;
    let tickets = desk::in_hand(turn, person.id).await?;
    let count = tickets.len();
    rights::disable(turn, &person).await?;
    desk::hand_over(turn, tickets, None, &person.name).await?;
    turn.say(wording::disabled(&person.name, count));
    Ok(Submitted::Done(Vec::new()))
}

fn left(turn: &mut Turn<'_, Actor>) -> Submitted {
    turn.say(wording::left_as_it_was());
    Submitted::Done(Vec::new())
}

/// What 换联络员 asks about: who is meant, and the plan.
pub(super) async fn replace_needs(turn: &mut Turn<'_, Actor>, answers: &Answers) -> Result<Answers> {
    let (mut given, with) = rights::replacement(turn, answers).await?;
    if let Some(with) = with {
        let count = in_hand(turn, &with).await?.len();
        let old = with.old.as_ref().map(|old| old.name.as_str());
        let is_new = matches!(with.new, Newcomer::New(..));
        let plan = wording::replace_plan(&with.unit_name, old, with.new.name(), is_new, count);
        given.insert("plan".into(), Value::text(plan).into());
    }
    Ok(given)
}

/// What the old liaison has in hand for the unit.
async fn in_hand(turn: &mut Turn<'_, Actor>, with: &Replacement) -> Result<Vec<Ticket>> {
    let Some(old) = &with.old else { return Ok(Vec::new()) };
    let mut tickets = desk::in_hand(turn, old.id).await?;
    tickets.retain(|ticket| ticket.unit.as_ref() == Some(&with.unit));
    Ok(tickets)
}

/// 换联络员: the open work goes along.
pub(super) async fn replace(turn: &mut Turn<'_, Actor>, answers: &Answers) -> Result<Submitted> {
    if !rights::is_sure(answers) {
        return Ok(left(turn));
    }
    let (_, with) = rights::replacement(turn, answers).await?;
    let Some(with) = with else { return Err(Error::fault("换联络员 is not complete")) };
    let tickets = in_hand(turn, &with).await?;
    let count = tickets.len();
    let new = rights::replace(turn, &with, count).await?;
    desk::hand_over(turn, tickets, Some(new), with.new.name()).await?;
    let is_new = matches!(with.new, Newcomer::New(..));
    turn.say(wording::replaced(&with.unit_name, with.new.name(), is_new, count));
    Ok(Submitted::Done(Vec::new()))
}
