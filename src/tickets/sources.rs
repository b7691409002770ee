//! What dialogs choose tickets from, and what the numbers of a command line mean there.

use super::{
    Ticket,
    commands::verb_of_source,
    desk,
    life::Verb,
    refs::{self, Found},
    show, wording,
};
use crate::{
    bot::{
        Resolved, Turn,
        dialog::{Item, Named, Value},
    },
    error::{Error, Result},
    people::{self, Actor, Directory, FieldKind},
    text,
};
use std::collections::HashSet;

/// The tickets that words of a command line mean, and a sentence for each that means none.
///
/// # Errors
/// Those of the database.
pub async fn resolve(turn: &mut Turn<'_, Actor>, verb: Verb, words: &str) -> Result<(Vec<Ticket>, Vec<String>, Vec<Ticket>)> {
    let (mut tickets, mut wrong, mut several) = (Vec::new(), Vec::new(), Vec::new());
    for reference in refs::read(words) {
        for found in refs::resolve(turn, verb, &reference).await? {
            match found {
                Found::One(ticket) if tickets.iter().any(|known: &Ticket| known.id == ticket.id) => {}
                Found::One(ticket) => tickets.push(*ticket),
                Found::Several(mut choices) => several.append(&mut choices),
                Found::Not(why) => wrong.push(why),
            }
        }
    }
    if tickets.is_empty() && several.is_empty() && wrong.is_empty() {
        // Words that are no number any ticket can have.
        wrong.push(wording::unknown_number(&text::shorten(words, 20)));
    }
    Ok((tickets, wrong, several))
}

/// The units to choose from, those that the rules or the words propose first; with `above` only those one level up. What a ticket is
/// about is not proposed: the next level is.
pub fn units(actor: &Actor, ticket: Option<&Ticket>, above: bool) -> Vec<Item> {
    let directory = actor.directory();
    let Some(ticket) = ticket else { return people::desk::units(actor, &[]) };
    let proposed = directory.propose(&ticket.text, ticket.field.as_deref(), &ticket.area);
    let subject = ticket.subject.as_deref();
    let mut reason = proposed.as_ref().map(|found| found.reason.clone());
    let mut first: Vec<&str> = proposed.iter().map(|found| found.unit.id.as_str()).collect();
    first.extend(directory.units_in(&ticket.text).iter().map(|unit| unit.id.as_str()));
    if above || subject.is_some_and(|subject| first.first() == Some(&subject)) {
        let from = if above { ticket.unit.as_deref() } else { subject };
        first = desk::above(directory, ticket, from).into_iter().map(|unit| unit.id.as_str()).collect();
        reason = first.first().map(|_| wording::joint::one_level_up().to_owned());
    }
    first.retain(|unit| subject != Some(*unit));
    let first: Vec<String> = first.into_iter().map(str::to_owned).collect();
    let mut items = people::desk::units(actor, &first);
    if above {
        items.retain(|item| first.contains(&item.key));
    }
    if let (Some(item), Some(reason)) = (items.first_mut(), reason) {
        item.also.push(item.text.clone());
        item.short = Some(item.text.clone());
        item.text = format!("{}（{reason}）", item.text);
    }
    items
}

/// A retired unit that a word of a command line names.
pub fn retired_unit(directory: &Directory, words: &str) -> Option<Resolved> {
    let unit = directory.retired_unit(words).filter(|_| !matches!(directory.units_named(words), people::Named::One(_)))?;
    Some(Resolved::ask(wording::joint::retired_unit(&unit.name)))
}

/// The units that words of a command line name, separated by blanks or commas. One that is not clear stops the command, so that
/// nothing goes out with half of what was meant.
pub fn units_named(directory: &Directory, words: &str) -> Resolved {
    let mut named: Vec<Named> = Vec::new();
    let mut notes = Vec::new();
    for word in words.split([' ', '　', '、', ',', '，']).filter(|word| !word.is_empty()) {
        let near: Vec<&str> = match (retired_unit(directory, word), directory.units_named(word)) {
            (Some(retired), _) => {
                notes.extend(retired.notes);
                continue;
            }
            (None, people::Named::One(unit)) => {
                if !named.iter().any(|known| known.key == unit.id) {
                    named.push(Named { key: unit.id.clone(), text: unit.name.clone() });
                }
                continue;
            }
            (None, people::Named::Several(near) | people::Named::Unknown(near)) => {
                near.iter().map(|unit| unit.name.as_str()).collect()
            }
        };
        notes.push(wording::joint::which_unit(&text::shorten(word, 20), &near));
    }
    let value = (notes.is_empty() && !named.is_empty()).then_some(Value::Keys(named));
    Resolved { value, notes, ask: false }
}

/// Tickets as the answer of a dialog's step.
pub fn value_of(tickets: &[Ticket], turn: &Turn<'_, Actor>) -> Value {
    let named: Vec<Named> =
        tickets.iter().map(|ticket| Named { key: ticket.id.to_string(), text: show::here(turn, ticket) }).collect();
    match <[Named; 1]>::try_from(named) {
        Ok([one]) => Value::Key(one),
        Err(many) => Value::Keys(many),
    }
}

/// Tickets as choices: the number shown is the ticket's own, as long as no two are alike.
pub fn items_of(tickets: &[Ticket], turn: &Turn<'_, Actor>) -> Vec<Item> {
    let mut seen = HashSet::new();
    let unique = tickets.iter().all(|ticket| seen.insert(ticket.seq));
    tickets
        .iter()
        .map(|ticket| Item {
            also: vec![ticket.number.clone(), ticket.short()],
            no: unique.then(|| u32::try_from(ticket.seq).ok()).flatten(),
            ..Item::new(ticket.id.to_string(), show::here(turn, ticket))
        })
        .collect()
}

/// The candidates of a `tickets` source.
///
/// # Errors
/// Those of the database.
pub async fn candidates(turn: &mut Turn<'_, Actor>, source_verb: &str) -> Result<Vec<Ticket>> {
    let Some(verb) = verb_of_source(source_verb) else {
        return Err(Error::fault(format!("a dialog asks for tickets to {source_verb}, which is no verb")));
    };
    refs::candidates(turn, verb).await
}

/// A sentence when the words for 并单 name a ticket twice.
pub fn named_twice(words: &str) -> Option<String> {
    let mut named = HashSet::new();
    let twice = words.split([' ', ',', '，', '、']).filter(|word| !word.is_empty()).find(|word| {
        let bare = word.trim_start_matches('0');
        !named.insert(bare.to_ascii_uppercase())
    });
    twice.map(|word| wording::merging::into_itself(&format!("{:0>4}", text::shorten(word, 20))))
}

/// The tickets that these (ids, parted by commas) can be merged into: those of the same field or village first.
///
/// # Errors
/// Those of the database.
pub async fn leaders(turn: &mut Turn<'_, Actor>, ids: &str) -> Result<Vec<Item>> {
    let all = refs::candidates(turn, Verb::Merge).await?;
    let chosen = |ticket: &Ticket| ids.split(',').any(|id| id == ticket.id.to_string());
    let (merged, mut leaders): (Vec<Ticket>, Vec<Ticket>) = all.into_iter().partition(chosen);
    let near =
        |ticket: &Ticket| merged.iter().any(|one| (one.field.is_some() && one.field == ticket.field) || one.area == ticket.area);
    leaders.sort_by_key(|ticket| !near(ticket));
    Ok(items_of(&leaders, turn))
}

/// Colleagues of the ticket's unit, the sender left out.
pub fn colleagues(actor: &Actor, ticket: &Ticket) -> Vec<Item> {
    let directory = actor.directory();
    directory
        .all_staff()
        .filter(|staff| staff.id != actor.person && refs::is_of_unit(directory, staff, ticket))
        .map(|staff| Item { also: vec![staff.reference.clone()], ..Item::new(staff.id.to_string(), staff.name.clone()) })
        .collect()
}

/// All fields and topics in use, those of the campaign first.
pub fn fields(actor: &Actor) -> Vec<Item> {
    let directory = actor.directory();
    let fields = directory.fields(FieldKind::Campaign).chain(directory.fields(FieldKind::Topic));
    fields.map(|field| Item { also: vec![field.id.clone()], ..Item::new(field.id.clone(), field.name.clone()) }).collect()
}
