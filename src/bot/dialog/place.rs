//! Places: a name or a location is searched, several are chosen from, a township narrows.

use super::account::keep_story;
use super::engine::{Taken, after, answers, set};
use super::hear::{ECHO_CHARS, Said, ask_on, next};
use super::state::{Answer, Named, Open, State, Value};
use super::words::{Meant, exactly, line_number};
use super::{Dialog, Item, Kind, Step, check, text, wording};
use crate::message::Point;

pub(super) fn place(dialog: &Dialog, state: &mut State, step: &Step, said: Said<'_>, items: &[Item]) -> Taken {
    let open = state.open.clone().filter(|open| open.step == step.id).unwrap_or_else(|| Open::of(&step.id));
    let by_number = line_number(said.text).and_then(|number| open.shown.iter().find(|shown| shown.number == number));
    if let Some(shown) = by_number {
        return match items.iter().find(|item| item.key == shown.key) {
            Some(item) => pick(dialog, state, step, item, None),
            None => next(wording::choice_is_gone()),
        };
    }
    if let Some(sentence) = items.iter().find_map(|item| item.refuse.clone()) {
        state.open = Some(Open { search: None, shown: Vec::new(), page: 0, ..open });
        return next(sentence);
    }
    let found = candidates(said.text, items);
    let mut open = Open { search: None, shown: Vec::new(), page: 0, ..open };
    open.point = said.point.cloned().or(open.point);
    state.open = Some(open.clone());
    match found[..] {
        [item] if !item.guess => pick(dialog, state, step, item, Some(said.text)),
        [] if said.text.is_empty() => {
            // The location stays; the village is still to be named.
            next(wording::point_without_village())
        }
        [] => no_place(dialog, state, step, said),
        _ => {
            open.search = Some(text::shorten(said.text, 200)).filter(|text| !text.is_empty());
            state.open = Some(open);
            let guessed = found.iter().all(|item| item.guess);
            let called_so = found.iter().all(|item| item.text.contains(said.text));
            next(match check::chars(said.text) {
                1.. if guessed => wording::is_it_one_of_these(&text::shorten(&text::one_line(said.text), ECHO_CHARS)),
                0 => wording::which_nearby(),
                1..=8 if called_so => wording::which_place(said.text),
                _ => wording::which_place_of_these(),
            })
        }
    }
}

fn no_place(dialog: &Dialog, state: &mut State, step: &Step, said: Said<'_>) -> Taken {
    if let Some(taken) = keep_story(dialog, state, said.text) {
        return taken;
    }
    let sentence = wording::no_such_place(&text::shorten(&text::one_line(said.text), ECHO_CHARS));
    next([Some(sentence), step.hint.clone()].into_iter().flatten().collect::<Vec<_>>().join("\n"))
}

/// A found area: the answer, or a narrower search.
pub(super) fn pick(dialog: &Dialog, state: &mut State, step: &Step, item: &Item, said: Option<&str>) -> Taken {
    let open = state.open.take().filter(|open| open.step == step.id).unwrap_or_else(|| Open::of(&step.id));
    if item.narrows {
        let within = Some(Named { key: item.key.clone(), text: item.text.clone() });
        state.open = Some(Open { within, point: open.point, ..Open::of(&step.id) });
        return ask_on();
    }
    let typed = said.map(str::to_owned).filter(|said| !said.is_empty()).or(open.search).unwrap_or_default();
    let (code, name, known_point) = match &item.value {
        Some(Value::Place { code, name, point, .. }) => (code.clone(), name.clone(), point.clone()),
        _ => (item.key.clone(), item.text.clone(), None),
    };
    let value = Value::Place { code, name, point: open.point.or(known_point), words: text::shorten(&typed, 200) };
    set(dialog, state, step, value.into());
    after(dialog, state, &step.id)
}

/// A location that comes beside another question belongs to the place that was named before.
pub(super) fn keep_point(dialog: &Dialog, state: &mut State, sent: &Point) -> String {
    let known = answers(dialog, state);
    for step in dialog.steps.iter().filter(|step| step.kind == Kind::Place && step.active(&known)) {
        if let Some(Answer::Given(Value::Place { point, .. })) = state.answers.get_mut(&step.id) {
            *point = Some(sent.clone());
            return wording::point_kept();
        }
    }
    wording::point_not_needed()
}

/// The items that a search for these words leaves: those called exactly so, else all.
pub(super) fn candidates<'i>(said: &str, items: &'i [Item]) -> Vec<&'i Item> {
    match exactly(said, items) {
        Meant::One(item) => vec![item],
        Meant::Several(found) => found,
        Meant::None => items.iter().collect(),
    }
}
