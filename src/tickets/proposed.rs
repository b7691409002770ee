//! 照派: tickets go to the units that the list to assign proposed, but for those that a line of the message sends elsewhere.

use super::{
    Ticket, desk,
    life::Verb,
    lists,
    refs::{self, Ref},
    sources, store, wording,
    wording::lists as words,
};
use crate::{
    bot::{Parsed, Turn, command},
    clock::local,
    error::{Error, Result},
    people::{Actor, Named},
    text,
};
use serde::{Deserialize, Serialize};

/// The note of a conversation that keeps what the list to assign showed.
const NOTE: &str = "proposals";

/// A ticket as the list to assign showed it, with the unit proposed there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Shown {
    id: i64,
    seq: i64,
    /// `YYMMDD`.
    day: String,
    number: String,
    pub(super) unit: Option<String>,
}

impl Shown {
    pub(super) fn of(ticket: &Ticket, unit: Option<String>) -> Self {
        Shown { id: ticket.id, seq: ticket.seq, day: ticket.day.clone(), number: ticket.number.clone(), unit }
    }

    /// `1122-7`.
    fn dated(&self) -> String {
        format!("{}-{}", self.day.get(2..).unwrap_or_default(), self.seq)
    }
}

/// The unit that the rules propose for a ticket: id, name, reason.
pub(super) fn unit(turn: &Turn<'_, Actor>, ticket: &Ticket) -> Option<(String, String, String)> {
    let proposal = turn.actor.directory().propose(&ticket.text, ticket.field.as_deref(), &ticket.area)?;
    Some((proposal.unit.id.clone(), proposal.unit.name.clone(), proposal.reason))
}

/// Keeps what a page of the list showed, beside its earlier pages, so that 照派 means what was shown.
pub(super) fn remember(turn: &mut Turn<'_, Actor>, page: Vec<Shown>) -> Result<()> {
    if page.is_empty() {
        return Ok(());
    }
    let mut all = listed(turn);
    all.extend(page);
    let note = serde_json::to_string(&all)?;
    lists::remember(turn, NOTE, &note);
    Ok(())
}

/// Another list was shown: 照派 means nothing any more.
pub(super) fn forget(turn: &mut Turn<'_, Actor>) {
    lists::forget(turn, NOTE);
}

fn listed(turn: &Turn<'_, Actor>) -> Vec<Shown> {
    turn.memory.notes.get(NOTE).and_then(|note| serde_json::from_str(note).ok()).unwrap_or_default()
}

/// What a reference means in the list.
#[derive(Debug, PartialEq)]
enum Picked {
    /// The entry at this place.
    One(usize),
    /// Entries that have the same number, none of today.
    Several(i64, Vec<String>),
    /// Not in the list.
    Unlisted(String),
    /// Nothing of the range is in the list.
    NoneOf(i64, i64),
}

/// A number is today's, else the only earlier one; a range is what the list shows of it (`domain.md` 5 and 6.2).
fn pick(reference: &Ref, list: &[Shown], today: &str) -> Vec<Picked> {
    let (from, to) = match reference {
        Ref::Short(from, to, _) => (*from, *to),
        Ref::Dated(day, seq) => {
            let found = list.iter().position(|shown| shown.seq == *seq && shown.day.ends_with(day.as_str()));
            return vec![found.map_or_else(|| Picked::Unlisted(format!("{day}-{seq}")), Picked::One)];
        }
        // What is sealed is in no list of proposals.
        Ref::Sealed(_) => return vec![Picked::Unlisted(refs::said(reference))],
        Ref::Full(number, _) => {
            let found = list.iter().position(|shown| shown.number == *number);
            return vec![found.map_or_else(|| Picked::Unlisted(number.clone()), Picked::One)];
        }
    };
    let mut seqs: Vec<i64> = list.iter().map(|shown| shown.seq).filter(|seq| (from..=to).contains(seq)).collect();
    seqs.sort_unstable();
    seqs.dedup();
    if seqs.is_empty() {
        return vec![if from == to { Picked::Unlisted(from.to_string()) } else { Picked::NoneOf(from, to) }];
    }
    seqs.into_iter()
        .map(|seq| {
            let same: Vec<usize> = (0..list.len()).filter(|at| list[*at].seq == seq).collect();
            match (same.iter().find(|at| list[**at].day == today), &same[..]) {
                (Some(at), _) | (None, [at]) => Picked::One(*at),
                (None, _) => Picked::Several(seq, same.iter().map(|at| list[*at].dated()).collect()),
            }
        })
        .collect()
}

/// `7 住建局`, `派单 1-3，9 城管局`: the numbers and the unit's name.
fn exception(line: &str) -> Option<(String, String)> {
    let plain: String = line.trim().chars().map(text::narrow).collect();
    let mut rest = ["派单", "/assign"].iter().find_map(|word| plain.strip_prefix(word)).unwrap_or(&plain).trim_start();
    let mut numbers = String::new();
    while let Some((token, after)) = command::ticket_token(rest) {
        numbers.push_str(token);
        numbers.push(' ');
        rest = after.trim_start_matches([' ', '\t', ',', '.', ':', '→']);
    }
    let unit = ["改派", "派给", "派", "给", "交给"].iter().find_map(|word| rest.strip_prefix(word)).unwrap_or(rest).trim();
    (!numbers.is_empty() && !unit.is_empty()).then(|| (numbers.trim_end().to_owned(), unit.to_owned()))
}

/// What is to become of a ticket of the list, or of one that is not in it.
#[derive(Debug, Clone, PartialEq)]
enum Goes {
    /// To this unit.
    To(String),
    /// Nowhere, because this name of a unit is none.
    Unclear(String),
    /// Where the rules propose.
    AsProposed,
}

/// 照派: everything the last list proposed, or the numbers given; lines below change single ones. Nothing is done when a line
/// cannot be read, because it may speak of any of them.
///
/// # Errors
/// A sentence about what cannot be read; those of the database.
pub async fn assign(turn: &mut Turn<'_, Actor>, parsed: &Parsed) -> Result<()> {
    let given = |step: &str| parsed.given.iter().find(|(name, _)| *name == step).map(|(_, words)| words.as_str());
    let (numbers, lines) = (given("ticket"), given("exceptions").unwrap_or_default());
    if let Some((_, left)) = &parsed.left {
        return Err(Error::user(words::lines_below(&text::shorten(&text::one_line(left), 20))));
    }
    let list = listed(turn);
    if list.is_empty() && numbers.is_none() && lines.is_empty() {
        return Err(Error::user(words::nothing_listed()));
    }
    if numbers.is_none() && lines.is_empty() && list.iter().all(|shown| shown.unit.is_none()) {
        return Err(Error::user(words::nothing_proposed()));
    }
    let today = local(turn.now).format("%y%m%d").to_string();
    let mut goes: Vec<Option<Goes>> = match numbers {
        None => list.iter().map(|shown| shown.unit.clone().map(Goes::To)).collect(),
        Some(_) => vec![None; list.len()],
    };
    let mut unlisted: Vec<(String, Goes)> = Vec::new();
    let mut said = Vec::new();
    let mut changed = vec![false; list.len()];
    for reference in refs::read(numbers.unwrap_or_default()) {
        for picked in pick(&reference, &list, &today) {
            match picked {
                Picked::One(at) => goes[at] = Some(list[at].unit.clone().map_or(Goes::AsProposed, Goes::To)),
                Picked::Several(seq, which) => said.push(words::which_day(&format!("{seq:04}"), &which)),
                Picked::Unlisted(number) => unlisted.push((number, Goes::AsProposed)),
                Picked::NoneOf(from, to) => said.push(wording::none_in_range(from, to)),
            }
        }
    }
    for line in lines.lines().filter(|line| !line.trim().is_empty()) {
        let Some((numbers, name)) = exception(line) else {
            return Err(Error::user(words::bad_line(&text::shorten(line.trim(), 20))));
        };
        let to = match turn.actor.directory().units_named(&name) {
            Named::One(unit) => Goes::To(unit.id.clone()),
            Named::Several(_) | Named::Unknown(_) => Goes::Unclear(name),
        };
        for reference in refs::read(&numbers) {
            for picked in pick(&reference, &list, &today) {
                match picked {
                    Picked::One(at) if std::mem::replace(&mut changed[at], true) && goes[at].as_ref() != Some(&to) => {
                        return Err(Error::user(words::named_twice(&format!("{:04}", list[at].seq))));
                    }
                    Picked::One(at) => goes[at] = Some(to.clone()),
                    Picked::Several(seq, which) => said.push(words::which_day(&format!("{seq:04}"), &which)),
                    Picked::Unlisted(number) => {
                        unlisted.retain(|(known, _)| *known != number);
                        unlisted.push((number, to.clone()));
                    }
                    Picked::NoneOf(from, to) => said.push(wording::none_in_range(from, to)),
                }
            }
        }
    }
    let mut left = Vec::new();
    let mut answers = Vec::new();
    for (shown, goes) in list.into_iter().zip(goes) {
        match goes {
            None => left.push(shown),
            Some(goes) => {
                if let Some(ticket) = store::by_id(turn.tx.conn(), shown.id).await? {
                    let held = matches!(goes, Goes::Unclear(_));
                    answers.push(one(turn, ticket, goes).await?);
                    if held {
                        left.push(shown);
                    }
                }
            }
        }
    }
    for (number, goes) in unlisted {
        let (found, wrong, several) = sources::resolve(turn, Verb::Assign, &number).await?;
        answers.extend(wrong);
        if !several.is_empty() {
            let which: Vec<String> = several.iter().map(|ticket| Shown::of(ticket, None).dated()).collect();
            answers.push(words::which_day(&number, &which));
        }
        for ticket in found {
            answers.push(one(turn, ticket, goes.clone()).await?);
        }
    }
    forget(turn);
    remember(turn, left)?;
    answers.extend(said);
    turn.say(answers.join("\n"));
    Ok(())
}

/// Assigns one ticket and says what became of it. One that does not work has its own line and does not stop the others.
async fn one(turn: &mut Turn<'_, Actor>, ticket: Ticket, goes: Goes) -> Result<String> {
    let id = match goes {
        Goes::To(id) => id,
        Goes::Unclear(name) => {
            let may_be = match turn.actor.directory().units_named(&name) {
                Named::One(unit) => vec![unit],
                Named::Several(units) | Named::Unknown(units) => units,
            };
            let may_be: Vec<&str> = may_be.iter().map(|unit| unit.name.as_str()).take(4).collect();
            return Ok(words::unit_unclear(&ticket.short(), &text::shorten(&name, 20), &may_be));
        }
        Goes::AsProposed => match unit(turn, &ticket) {
            Some((id, ..)) => id,
            None => return Ok(words::no_proposal(&ticket.short(), ticket.seq)),
        },
    };
    if refs::permitted(&turn.actor, &ticket, Verb::Assign, false).is_some() && desk::names(turn, &ticket, &id) {
        let name = turn.actor.directory().unit(&id).map_or(id.clone(), |unit| unit.name.clone());
        return Ok(words::assign_alone(&ticket.short(), ticket.seq, &name));
    }
    match desk::assign_to(turn, ticket, &id, "照派").await {
        Ok(reply) => Ok(reply.text),
        Err(Error::User(sentence)) => Ok(sentence),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_under_the_command() {
        for (line, expected) in [
            ("7 住建局", Some(("7", "住建局"))),
            ("７　住建局", Some(("7", "住建局"))),
            ("7住建局", Some(("7", "住建局"))),
            ("7：住建局", Some(("7", "住建局"))),
            ("0007给住建局", Some(("0007", "住建局"))),
            ("1-3，9 城管局", Some(("1-3 9", "城管局"))),
            ("1122-7 城管局", Some(("1122-7", "城管局"))),
            ("派单 7 住建局", Some(("7", "住建局"))),
            ("/assign 7 zjj", Some(("7", "zjj"))),
            ("7", None),
            ("住建局", None),
            ("", None),
        ] {
            let found = exception(line);
            assert_eq!(found.as_ref().map(|(numbers, unit)| (numbers.as_str(), unit.as_str())), expected, "{line}");
        }
    }

    #[test]
    fn numbers_mean_what_the_list_shows() {
        let shown = |seq, day: &str| Shown { id: seq, seq, day: day.into(), number: format!("WY{day}{seq:04}"), unit: None };
        let list = [
            shown(1, "261123"),
            shown(2, "261123"),
            shown(2, "261122"),
            shown(5, "261121"),
            shown(5, "261122"),
            shown(9, "261123"),
        ];
        let pick = |words: &str| -> Vec<Picked> {
            refs::read(words).iter().flat_map(|reference| pick(reference, &list, "261123")).collect()
        };
        let several = || Picked::Several(5, vec!["1121-5".into(), "1122-5".into()]);
        for (words, expected) in [
            ("1", vec![Picked::One(0)]),
            // Today's wins, the other is named by its day.
            ("2", vec![Picked::One(1)]),
            ("1122-2", vec![Picked::One(2)]),
            ("5", vec![several()]),
            ("1-9", vec![Picked::One(0), Picked::One(1), several(), Picked::One(5)]),
            ("9-3", vec![several(), Picked::One(5)]),
            ("3", vec![Picked::Unlisted("3".into())]),
            ("6-8", vec![Picked::NoneOf(6, 8)]),
            ("1123-7", vec![Picked::Unlisted("1123-7".into())]),
            ("WY2611230009", vec![Picked::One(5)]),
        ] {
            assert_eq!(pick(words), expected, "{words}");
        }
    }
}
