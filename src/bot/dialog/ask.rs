//! Asking: what a feature's source must be asked for, and how a question looks.

use super::engine::{Input, answers, wanted};
use super::state::{Answer, Open, Shown, State, Value};
use super::summary::{fill, filled, summary};
use super::words::{Meant, meant};
use super::{Dialog, Item, Kind, Source, Step, wording, words};
use crate::message::{Choice, Millis, Point, Reply};
use crate::text;

/// Choices on one page.
const PAGE: usize = 9;

/// The longest choice that is shown, in characters.
const ITEM_CHARS: usize = 50;

/// The longest text that is searched for, in characters.
const SEARCH_CHARS: usize = 200;

/// The buttons that are no choices.
pub(super) const MORE: &str = "*more";
pub(super) const SKIP: &str = "*skip";
pub(super) const DONE: &str = "*done";
pub(super) const GO_ON: &str = "*go_on";
pub(super) const START_OVER: &str = "*restart";

/// The step name of the question whether to go on after a pause.
pub(super) const RESUME: &str = "*resume";

/// What a source is asked for. A choice wants its whole list; a place wants what a text or a location finds, which may
/// include areas that only narrow the search.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// The step whose items these are.
    pub step: String,
    /// The source.
    pub source: String,
    /// Its parameters, with earlier answers filled in.
    pub params: Vec<(String, String)>,
    /// Words to search for; for a place only.
    pub search: Option<String>,
    /// A location to search around; for a place only.
    pub point: Option<Point>,
    /// The area that narrows the search.
    pub within: Option<String>,
    /// The words searched for before, of whose places one is being chosen: a township then says which.
    pub among: Option<String>,
}

/// What must be asked of a source before [`take`](super::take) (with the input) or [`prompt`] (without). `None`: pass no items.
pub fn query(dialog: &Dialog, state: &State, input: Option<&Input<'_>>) -> Option<Query> {
    let asked = wanted(dialog, state)?;
    let said = match input {
        Some(Input::Said { text, point, .. }) => Some((*text, *point)),
        Some(Input::Pressed { .. }) | None => None,
    };
    match said.and_then(|(text, _)| change_wish(dialog, state, text)) {
        Some((step, value)) => Query::new(dialog, state, step, value, None, None),
        None => {
            let open = state.open.as_ref().filter(|open| open.step == asked.id);
            let number = said.and_then(|(text, _)| words::line_number(text));
            let of_a_line =
                number.is_some_and(|number| open.is_some_and(|open| open.shown.iter().any(|shown| shown.number == number)));
            let control = said.is_some_and(|(text, _)| dialog.controls.of(text).is_some());
            let within = open.and_then(|open| open.within.as_ref()).map(|within| within.key.as_str());
            match said.filter(|(text, point)| !of_a_line && !control && (!text.trim().is_empty() || point.is_some())) {
                Some((text, point)) => {
                    let among = open.and_then(|open| open.search.clone());
                    Query::new(dialog, state, asked, Some(text), point, within).map(|query| Query { among, ..query })
                }
                None => {
                    let search = open.and_then(|open| open.search.as_deref());
                    Query::new(dialog, state, asked, search, open.and_then(|open| open.point.as_ref()), within)
                }
            }
        }
    }
}

/// What a source must be asked for words of a command line that stand for a step. `None`: the step has no source.
pub fn query_for(dialog: &Dialog, state: &State, step: &str, words: &str) -> Option<Query> {
    Query::new(dialog, state, dialog.step(step)?, Some(words), None, None)
}

impl Query {
    fn new(
        dialog: &Dialog,
        state: &State,
        step: &Step,
        search: Option<&str>,
        point: Option<&Point>,
        within: Option<&str>,
    ) -> Option<Query> {
        let Source { name, params } = step.from.as_ref()?;
        let place = step.kind == Kind::Place;
        let search = search.map(str::trim).filter(|text| place && !text.is_empty());
        if place && search.is_none() && point.is_none() {
            return None;
        }
        let answers = answers(dialog, state);
        let key = |slot: &str| answers.get(slot).and_then(Answer::value).map(|value| value.keys().join(","));
        Some(Query {
            step: step.id.clone(),
            source: name.clone(),
            params: params.iter().map(|(param, value)| (param.clone(), fill(value, &key))).collect(),
            search: search.map(|text| text::shorten(&text::one_line(text), SEARCH_CHARS)),
            point: point.filter(|_| place).cloned(),
            within: within.filter(|_| place).map(str::to_owned),
            among: None,
        })
    }
}

/// The step that a message wants to change, and the new words if it brings them. Only steps that count can be changed, and
/// only by their whole label, so that ordinary sentences with 改 stay what they are.
pub(super) fn change_wish<'d, 't>(dialog: &'d Dialog, state: &State, said: &'t str) -> Option<(&'d Step, Option<&'t str>)> {
    let known = answers(dialog, state);
    dialog.controls.change(said).into_iter().find_map(|(label, value)| {
        let label = text::fold(label);
        let step = dialog.steps.iter().find(|step| {
            !matches!(step.kind, Kind::Say | Kind::Confirm) && known.contains_key(&step.id) && text::fold(&step.label) == label
        })?;
        Some((step, value))
    })
}

/// Asks [`wanted`]: sets the open question and what its numbers mean. Gives only the note when nothing is wanted.
pub fn prompt(dialog: &Dialog, state: &mut State, items: &[Item], note: Option<&str>, now: Millis) -> Reply {
    if state.paused {
        return resume(dialog, state, note, now);
    }
    let Some(step) = wanted(dialog, state) else { return Reply::text(note.unwrap_or_default()) };
    let mut lines: Vec<String> = note.map(str::to_owned).into_iter().collect();
    lines.extend(sayings(dialog, state, step));
    if state.edit.is_none()
        && let Some(old) = state.answers.shift_remove(&step.id)
    {
        // The file has changed and the old answer does not fit any more. What was told is the start of the new one.
        if let Answer::Given(value @ Value::Account(_)) = old {
            state.parts.insert(step.id.clone(), value);
        }
        lines.push(wording::ask_again());
    }
    let mut open = state.open.take().filter(|open| open.step == step.id).unwrap_or_else(|| Open::of(&step.id));
    open.asked = now;
    if step.kind == Kind::Confirm {
        lines.extend(Some(summary(dialog, state)).filter(|lines| !lines.is_empty()));
    }
    let lines_before_ask = lines.len();
    lines.push(question(dialog, state, step, &open, note.is_some()));
    let items = listed(step, &open, items);
    let pages = items.len().div_ceil(PAGE).max(1);
    open.page %= pages;
    open.pages = pages;
    let mut reply = Reply::default();
    let payload = |key: &str| payload(state.instance, &step.id, key);
    for (at, item) in items.iter().enumerate().skip(open.page * PAGE).take(PAGE) {
        let number = item.no.unwrap_or_else(|| u32::try_from(at + 1).unwrap_or(u32::MAX));
        open.shown.retain(|shown| shown.number != number);
        open.shown.push(Shown { number, key: item.key.clone() });
        reply.choices.push(Choice {
            number: Some(number),
            text: text::shorten(&text::one_line(&item.text), ITEM_CHARS),
            payload: payload(&item.key),
        });
    }
    if step.kind == Kind::Choice && items.is_empty() {
        lines.push(wording::nothing_to_choose(&dialog.controls));
    }
    if step.multi && step.kind == Kind::Choice {
        lines.push(wording::several(step.check.max_items));
    }
    if pages > 1 {
        if step.from.is_some() {
            lines.push(wording::type_to_search());
        }
        lines.push(wording::more_pages(&dialog.controls));
        reply.choices.push(shortcut(dialog.controls.word(super::Control::More), payload(MORE)));
    }
    if step.optional {
        let word = step.skip.first().map_or(dialog.controls.word(super::Control::Skip), String::as_str);
        if !lines[lines_before_ask..].iter().any(|line| line.contains(word)) {
            lines.push(wording::may_skip(&dialog.controls));
        }
        reply.choices.push(shortcut(word, payload(SKIP)));
    }
    if step.multi && state.parts.contains_key(&step.id) {
        reply.choices.push(shortcut(dialog.controls.word(super::Control::Done), payload(DONE)));
    }
    reply.text = lines.join("\n");
    state.open = Some(open);
    reply
}

impl Open {
    /// A question that is being asked anew.
    pub(super) fn of(step: &str) -> Self {
        Open { step: step.to_owned(), ..Open::default() }
    }
}

/// The sentences before this question that were not said yet.
fn sayings(dialog: &Dialog, state: &mut State, until: &Step) -> Vec<String> {
    let known = answers(dialog, state);
    let mut said = Vec::new();
    for step in dialog.steps.iter().take_while(|step| step.id != until.id) {
        if step.kind == Kind::Say && step.active(&known) && !state.answers.contains_key(&step.id) {
            said.push(filled(dialog, state, &step.ask, &|_| None));
            state.answers.insert(step.id.clone(), Answer::Skipped);
        }
    }
    said
}

fn question(dialog: &Dialog, state: &State, step: &Step, open: &Open, noted: bool) -> String {
    if let Some(within) = open.within.as_ref().filter(|_| open.search.is_none()) {
        return wording::village_of(&within.text);
    }
    let begun = match state.parts.get(&step.id) {
        Some(Value::Account(account)) if state.edit.is_none() && !account.media.is_empty() => Some(account),
        _ => None,
    };
    match begun {
        Some(account) => {
            let ask = step.ask_with_media.as_deref().unwrap_or(&step.ask);
            let thanks = if noted { String::new() } else { wording::media_came(&account.media) };
            format!("{thanks}{}", filled(dialog, state, ask, &|_| None))
        }
        None => {
            let worded = matches!(state.parts.get(&step.id), Some(Value::Account(account)) if !account.text.is_empty());
            let ask = step.ask_with_words.as_deref().filter(|_| worded && state.edit.is_none()).unwrap_or(&step.ask);
            filled(dialog, state, ask, &|_| None)
        }
    }
}

/// The items that are listed now: all, or those that what was typed may mean.
fn listed(step: &Step, open: &Open, from_source: &[Item]) -> Vec<Item> {
    let items = step.items(from_source);
    match (step.kind, &open.search) {
        (Kind::Choice, Some(search)) => match meant(search, &items) {
            Meant::Several(found) => found.into_iter().cloned().collect(),
            Meant::One(_) | Meant::None => items,
        },
        (Kind::Place, Some(search)) => super::place::candidates(search, &items).into_iter().cloned().collect(),
        _ => items,
    }
}

fn resume(dialog: &Dialog, state: &mut State, note: Option<&str>, now: Millis) -> Reply {
    let mut open = state.open.take().filter(|open| open.step == RESUME).unwrap_or_else(|| Open::of(RESUME));
    open.asked = now;
    let mut reply = Reply::text(
        note.map(str::to_owned).into_iter().chain([wording::go_on_or_start_over(&dialog.title)]).collect::<Vec<_>>().join("\n"),
    );
    for (number, key, text) in [(1, GO_ON, wording::GO_ON), (2, START_OVER, wording::START_OVER)] {
        reply.choices.push(Choice { number: Some(number), text: text.to_owned(), payload: payload(state.instance, RESUME, key) });
    }
    state.open = Some(open);
    reply
}

fn shortcut(text: &str, payload: String) -> Choice {
    Choice { number: None, text: text.to_owned(), payload }
}

fn payload(instance: i64, step: &str, key: &str) -> String {
    format!("d:{instance}:{step}:{key}")
}

/// Takes the payload of a dialog's button apart: (instance, step, key). `None`: another kind of button.
pub fn pressed(payload: &str) -> Option<(i64, &str, &str)> {
    let (instance, rest) = payload.strip_prefix("d:")?.split_once(':')?;
    let (step, key) = rest.split_once(':')?;
    Some((instance.parse().ok()?, step, key))
}
