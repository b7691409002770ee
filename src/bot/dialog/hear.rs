//! Hearing: what an input means for the open question.

use super::account::{absorb, account, hear_media, is_burst, keep_story};
use super::ask::{DONE, GO_ON, MORE, RESUME, SKIP, START_OVER, change_wish};
use super::controls::{Control, whole};
use super::engine::{Input, Taken, after, answers, back, change, chosen, restart, set, wanted};
use super::place::{keep_point, pick, place};
use super::state::{Account, Answer, MediaId, Named, Open, State, Value};
use super::words::{Meant, amount, day, exactly, line_number, meant, part};
use super::{Dialog, Item, Kind, Step, check, text, wording};
use crate::clock::local;
use crate::message::{MediaKind, Millis, Point};

/// The longest name that a sentence repeats, in characters.
pub(super) const ECHO_CHARS: usize = 20;

/// A message, as this module passes it on.
#[derive(Clone, Copy)]
pub(super) struct Said<'a> {
    pub(super) text: &'a str,
    pub(super) media: &'a [MediaId],
    pub(super) point: Option<&'a Point>,
    pub(super) at: Millis,
}

/// Takes an input. `items` are what [`query`](super::query) with this input asks for.
pub fn take(dialog: &Dialog, state: &mut State, input: &Input<'_>, items: &[Item]) -> Taken {
    if state.paused {
        return wake(dialog, state, input);
    }
    let Some(step) = wanted(dialog, state) else { return Taken::Done { answered: None } };
    let current = state.open.as_ref().is_none_or(|open| open.step == step.id);
    match input {
        Input::Pressed { instance, step: of, key } => {
            if *instance != state.instance || *of != step.id || !current {
                return next(wording::old_button());
            }
            press(dialog, state, step, key, items)
        }
        Input::Said { text, media, point, at } => {
            let said = Said { text: text.trim(), media, point: *point, at: *at };
            hear(dialog, state, step, said, items, current)
        }
    }
}

/// Takes words that came with a command as the answer to a step, with the checks of any other answer. What may mean several
/// choices is kept, so that the question shows only these.
///
/// # Errors
/// A sentence for the person; the step is still to be asked.
pub fn give(
    dialog: &Dialog,
    state: &mut State,
    step_id: &str,
    (raw, media): (&str, &[MediaId]),
    items: &[Item],
    at: Millis,
) -> Result<(), String> {
    let Some(step) = dialog.step(step_id).filter(|step| !matches!(step.kind, Kind::Say | Kind::Confirm)) else {
        return Err(wording::no_such_choice());
    };
    let trail = state.trail.clone();
    let open = state.open.take();
    let taken = checked(dialog, state, step, Said { text: raw.trim(), media, point: None, at }, items);
    // 上一步 leads through what was asked, not through what was given.
    state.trail = trail;
    let (note, answered) = match taken {
        Taken::Next { note, answered } => (note, answered),
        Taken::Silent { answered } | Taken::Done { answered } => (None, answered),
        Taken::Cancelled | Taken::Help => (None, None),
    };
    if answered.as_deref() == Some(step_id) {
        state.open = open;
        return Ok(());
    }
    Err(note.unwrap_or_else(wording::ask_again))
}

pub(super) fn next(note: String) -> Taken {
    Taken::Next { note: Some(note), answered: None }
}

pub(super) fn ask_on() -> Taken {
    Taken::Next { note: None, answered: None }
}

/// The first message after a pause, and the answer to the question whether to go on.
fn wake(dialog: &Dialog, state: &mut State, input: &Input<'_>) -> Taken {
    let asked = state.open.as_ref().is_some_and(|open| open.step == RESUME);
    let go_on = |state: &mut State| {
        let held = state.open.take().and_then(|open| open.held);
        state.paused = false;
        // What the person said before the question came is the answer, where no list has to be looked up for it.
        let step = wanted(dialog, state).filter(|step| matches!(step.kind, Kind::Text | Kind::Account));
        match (step, held) {
            (Some(step), Some(held)) => {
                let at = state.media_at.unwrap_or_default();
                hear(dialog, state, step, Said { text: &held, media: &[], point: None, at }, &[], true)
            }
            _ => ask_on(),
        }
    };
    match input {
        Input::Pressed { instance, step, key } if *instance == state.instance && *step == RESUME => match *key {
            GO_ON => go_on(state),
            START_OVER => {
                restart(dialog, state);
                next(wording::from_the_start())
            }
            _ => ask_on(),
        },
        Input::Pressed { .. } => ask_on(),
        Input::Said { text, media, at, .. } => {
            let number = line_number(text).filter(|_| asked);
            match (dialog.controls.of(text), number) {
                (Some(Control::Cancel), _) => return Taken::Cancelled,
                (Some(Control::Restart), _) | (_, Some(2)) => {
                    restart(dialog, state);
                    return next(wording::from_the_start());
                }
                (Some(Control::Continue | Control::Submit), _) | (_, Some(1)) => return go_on(state),
                _ => {}
            }
            let burst = is_burst(state, *at);
            let note = absorb(dialog, state, media, *at);
            if text.trim().is_empty() && asked && burst {
                return Taken::Silent { answered: None };
            }
            let mut open = state.open.take().filter(|_| asked).unwrap_or_else(|| Open::of(RESUME));
            if !text.trim().is_empty() {
                open.held = Some(text.trim().to_owned());
            }
            state.open = Some(open);
            Taken::Next { note, answered: None }
        }
    }
}

fn press(dialog: &Dialog, state: &mut State, step: &Step, key: &str, items: &[Item]) -> Taken {
    match key {
        MORE => more(state),
        SKIP => skip(dialog, state, step),
        DONE => complete(dialog, state, step),
        _ => match step.items(items).iter().find(|item| item.key == key) {
            Some(item) => choose(dialog, state, step, item),
            None => next(wording::choice_is_gone()),
        },
    }
}

fn hear(dialog: &Dialog, state: &mut State, step: &Step, said: Said<'_>, items: &[Item], current: bool) -> Taken {
    if said.text.is_empty() && said.point.is_none() {
        return hear_media(dialog, state, step, said);
    }
    // Control words count as the whole message; a transcript that is one comes with its voice.
    if !said.text.is_empty() && said.media.iter().all(|media| media.kind == MediaKind::Voice) {
        let choices = step.items(items);
        if current
            && matches!(step.kind, Kind::Choice | Kind::Confirm)
            && let Meant::One(item) = exactly(said.text, &choices)
        {
            return choose(dialog, state, step, item);
        }
        if step.optional && step.skip.iter().any(|word| whole(word) == whole(said.text)) {
            return skip(dialog, state, step);
        }
        if let Some(taken) = dialog.controls.of(said.text).and_then(|word| control(dialog, state, step, word, said.at)) {
            return taken;
        }
        if let Some((step, value)) = change_wish(dialog, state, said.text) {
            change(state, step);
            return match value {
                Some(value) => checked(dialog, state, step, Said { text: value, ..said }, items),
                None => ask_on(),
            };
        }
    }
    if !current {
        // The question that the person saw is not the one that is wanted now.
        let note = absorb(dialog, state, said.media, said.at);
        return Taken::Next { note, answered: None };
    }
    checked(dialog, state, step, said, items)
}

fn checked(dialog: &Dialog, state: &mut State, step: &Step, said: Said<'_>, items: &[Item]) -> Taken {
    match dialog.refuses(said.text) {
        Some(sentence) => {
            absorb(dialog, state, said.media, said.at);
            next(sentence.to_owned())
        }
        None => answer(dialog, state, step, said, items),
    }
}

/// A control word, where it is one: `None` for 提交 and 不对 outside a confirmation, which are ordinary words there.
fn control(dialog: &Dialog, state: &mut State, step: &Step, word: Control, at: Millis) -> Option<Taken> {
    Some(match word {
        Control::Cancel => Taken::Cancelled,
        Control::Help => Taken::Help,
        Control::Back => {
            if back(dialog, state) {
                ask_on()
            } else {
                next(wording::first_question())
            }
        }
        Control::Restart => {
            restart(dialog, state);
            next(wording::from_the_start())
        }
        Control::More => more(state),
        Control::Skip => skip(dialog, state, step),
        Control::Done if step.kind == Kind::Confirm => {
            // Pictures may have come silently since the summary was shown; then 发完了 speaks of them.
            let asked = state.open.as_ref().map_or(at, |open| open.asked);
            if state.media_at.is_some_and(|media| media > asked) { ask_on() } else { submit(dialog, state, step) }
        }
        Control::Done => complete(dialog, state, step),
        Control::Submit if step.kind == Kind::Confirm => submit(dialog, state, step),
        Control::Wrong if step.kind == Kind::Confirm => next(wording::what_is_wrong(&labels(dialog, state, step))),
        // Somebody who looked at a question again and says 提交 leaves the answer as it was.
        Control::Submit if state.edit.is_some() => {
            state.edit = None;
            state.open = None;
            ask_on()
        }
        // At a question that may be left open it says the same as 跳过.
        Control::Submit if step.optional => skip(dialog, state, step),
        Control::Submit | Control::Wrong | Control::Continue => return None,
    })
}

fn labels<'d>(dialog: &'d Dialog, state: &State, confirm: &Step) -> Vec<&'d str> {
    let known = answers(dialog, state);
    confirm
        .summary
        .iter()
        .filter(|id| known.contains_key(*id))
        .filter_map(|id| dialog.step(id))
        .map(|step| step.label.as_str())
        .collect()
}

fn more(state: &mut State) -> Taken {
    match &mut state.open {
        Some(open) if open.pages > 1 => {
            open.page += 1;
            ask_on()
        }
        _ => next(wording::no_more_pages()),
    }
}

fn submit(dialog: &Dialog, state: &mut State, step: &Step) -> Taken {
    set(dialog, state, step, Value::key("submit", "").into());
    after(dialog, state, &step.id)
}

fn skip(dialog: &Dialog, state: &mut State, step: &Step) -> Taken {
    if state.parts.contains_key(&step.id) {
        return complete(dialog, state, step);
    }
    if step.optional {
        set(dialog, state, step, Answer::Skipped);
        return after(dialog, state, &step.id);
    }
    next([Some(wording::must_answer()), step.hint.clone()].into_iter().flatten().collect::<Vec<_>>().join("\n"))
}

/// 完成: what is there is the answer.
fn complete(dialog: &Dialog, state: &mut State, step: &Step) -> Taken {
    let Some(part) = state.parts.get(&step.id).cloned() else {
        // Nothing was said for this question.
        return if step.optional {
            skip(dialog, state, step)
        } else {
            next(step.hint.clone().unwrap_or_else(wording::must_answer))
        };
    };
    match check::value(step, &part, &answers(dialog, state)) {
        Ok(()) => {
            set(dialog, state, step, part.into());
            after(dialog, state, &step.id)
        }
        Err(sentence) => next(sentence),
    }
}

/// Words (with what came beside them) as the answer to a step.
fn answer(dialog: &Dialog, state: &mut State, step: &Step, said: Said<'_>, items: &[Item]) -> Taken {
    if step.kind.takes_media() {
        return account(dialog, state, step, said);
    }
    let burst = is_burst(state, said.at);
    let about_media = absorb(dialog, state, said.media, said.at).filter(|_| !burst);
    let taken = match (step.kind, said.point) {
        (Kind::Place, _) => place(dialog, state, step, said, items),
        (_, Some(point)) if said.text.is_empty() => next(keep_point(dialog, state, point)),
        _ => words(dialog, state, step, said, items),
    };
    match (taken, about_media) {
        (Taken::Next { note, answered }, Some(about)) => {
            Taken::Next { note: Some(note.map_or(about.clone(), |note| format!("{about}\n{note}"))), answered }
        }
        (taken, _) => taken,
    }
}

fn words(dialog: &Dialog, state: &mut State, step: &Step, said: Said<'_>, items: &[Item]) -> Taken {
    let known = answers(dialog, state);
    let value = match step.kind {
        Kind::Choice => return choice(dialog, state, step, said.text, items),
        Kind::Confirm => return confirm(dialog, state, step, said, items),
        Kind::Text => Ok(Value::text(said.text)),
        Kind::Number => {
            amount(said.text).map(Value::Number).ok_or_else(|| step.check.error.clone().unwrap_or_else(wording::not_a_number))
        }
        Kind::Date => {
            let today = local(said.at).date_naive();
            match day(said.text, today) {
                Some(day) => check::day(step, day, today).map(|()| Value::Date(day)),
                None => Err(wording::not_a_day()),
            }
        }
        Kind::Account | Kind::Media | Kind::Place | Kind::Say => Err(wording::ask_again()),
    };
    match value.and_then(|value| check::value(step, &value, &known).map(|()| value)) {
        Ok(value) => {
            set(dialog, state, step, value.into());
            after(dialog, state, &step.id)
        }
        Err(sentence) => next(sentence),
    }
}

fn choice(dialog: &Dialog, state: &mut State, step: &Step, said: &str, items: &[Item]) -> Taken {
    let items = step.items(items);
    if step.multi && said.split(SEPARATORS).filter(|part| !part.trim().is_empty()).count() > 1 {
        return several(dialog, state, step, said, &items);
    }
    match find(state, step, said, &items) {
        Ok(item) => choose(dialog, state, step, item),
        Err(found) if found.is_empty() => {
            let story = keep_story(dialog, state, said);
            story.unwrap_or_else(|| next(step.hint.clone().unwrap_or_else(wording::no_such_choice)))
        }
        Err(_) => {
            let mut open = Open::of(&step.id);
            open.search = Some(said.to_owned());
            state.open = Some(open);
            next(wording::which_of(&text::shorten(&text::one_line(said), ECHO_CHARS)))
        }
    }
}

const SEPARATORS: [char; 7] = [' ', '　', '、', '，', ',', '和', '\n'];

/// The choice that is meant, by its whole words, by a number, or by a part; else those it may be.
fn find<'i>(state: &State, step: &Step, said: &str, items: &'i [Item]) -> Result<&'i Item, Vec<&'i Item>> {
    if let Meant::One(item) = exactly(said, items) {
        return Ok(item);
    }
    if let Some(number) = line_number(said) {
        return by_number(state, step, number, items).ok_or_else(Vec::new);
    }
    match meant(said, items) {
        Meant::One(item) => Ok(item),
        Meant::Several(found) => Err(found),
        Meant::None => Err(Vec::new()),
    }
}

/// The choice of a number as it was shown, else of one that is fixed.
fn by_number<'i>(state: &State, step: &Step, number: u32, items: &'i [Item]) -> Option<&'i Item> {
    let open = state.open.as_ref().filter(|open| open.step == step.id);
    match open.and_then(|open| open.shown.iter().find(|shown| shown.number == number)) {
        Some(shown) => items.iter().find(|item| item.key == shown.key),
        None => items.iter().find(|item| item.no == Some(number)),
    }
}

fn several(dialog: &Dialog, state: &mut State, step: &Step, said: &str, items: &[Item]) -> Taken {
    let mut chosen: Vec<Named> = Vec::new();
    for part in said.split(SEPARATORS).map(str::trim).filter(|part| !part.is_empty()) {
        match find(state, step, part, items) {
            Ok(item) if chosen.iter().any(|named| named.key == item.key) => {}
            Ok(item) => chosen.push(named(item)),
            Err(_) => return next(wording::no_such_choice()),
        }
    }
    keys(dialog, state, step, chosen)
}

fn keys(dialog: &Dialog, state: &mut State, step: &Step, chosen: Vec<Named>) -> Taken {
    let value = Value::Keys(chosen);
    match check::value(step, &value, &answers(dialog, state)) {
        Ok(()) => {
            set(dialog, state, step, value.into());
            after(dialog, state, &step.id)
        }
        Err(sentence) => next(sentence),
    }
}

fn named(item: &Item) -> Named {
    Named { key: item.key.clone(), text: item.short.clone().unwrap_or_else(|| item.text.clone()) }
}

fn choose(dialog: &Dialog, state: &mut State, step: &Step, item: &Item) -> Taken {
    match step.kind {
        Kind::Confirm => match item.key.as_str() {
            "submit" => submit(dialog, state, step),
            "cancel" => Taken::Cancelled,
            key => {
                if let Some(target) = key.strip_prefix("edit:").and_then(|id| dialog.step(id)) {
                    change(state, target);
                }
                ask_on()
            }
        },
        Kind::Place => pick(dialog, state, step, item, None),
        _ if step.multi => keys(dialog, state, step, vec![named(item)]),
        _ => {
            let value = chosen(item);
            match check::value(step, &value, &answers(dialog, state)) {
                Ok(()) => {
                    set(dialog, state, step, value.into());
                    after(dialog, state, &step.id)
                }
                Err(sentence) => next(sentence),
            }
        }
    }
}

/// Words at the confirmation that are none of its answers.
/// A choice of a summarised step that is called by its whole words at the confirmation: 实名, 改成匿名, 换成保密.
fn named_choice<'d>(dialog: &'d Dialog, confirm: &Step, said: &str) -> Option<(&'d Step, &'d Item)> {
    let said = said.trim();
    let bare = ["改成", "换成", "改为", "要", "我要"].iter().find_map(|word| said.strip_prefix(word)).unwrap_or(said);
    let steps = dialog.steps.iter().filter(|step| step.kind == Kind::Choice && confirm.summary.contains(&step.id));
    steps.into_iter().find_map(|step| match exactly(bare, &step.choices) {
        Meant::One(item) => Some((step, item)),
        Meant::Several(_) | Meant::None => None,
    })
}

fn confirm(dialog: &Dialog, state: &mut State, step: &Step, said: Said<'_>, items: &[Item]) -> Taken {
    let choices = step.items(items);
    // Not by mention: “他们说不报了” is part of the story.
    if let Some(item) = line_number(said.text).and_then(|number| by_number(state, step, number, &choices)) {
        return choose(dialog, state, step, item);
    }
    if let Some((changed, item)) = named_choice(dialog, step, said.text) {
        let value = chosen(item);
        set(dialog, state, changed, value.into());
        return next(wording::changed(&changed.label));
    }
    if let Meant::One(item) = part(said.text, &choices) {
        return choose(dialog, state, step, item);
    }
    if dialog.controls.change.iter().any(|word| said.text.starts_with(word.as_str())) {
        return next(wording::cannot_change(&labels(dialog, state, step)));
    }
    // People go on telling. The summary that follows shows the sentence, so nobody has to be asked about it.
    let known = answers(dialog, state);
    let target = dialog.steps.iter().find(|step| step.kind == Kind::Account && step.active(&known));
    let Some(target) = target.filter(|target| check::chars(said.text) >= target.check.min_chars.unwrap_or(2).min(4)) else {
        let word = |key: &str, control| {
            let choice = choices.iter().find(|item| item.key == key);
            choice.map_or(dialog.controls.word(control), |item| item.text.as_str())
        };
        return next(wording::confirm_unclear(word("submit", Control::Submit), word("cancel", Control::Cancel)));
    };
    let mut told = match known.get(&target.id) {
        Some(Answer::Given(Value::Account(account))) => account.clone(),
        _ => Account::default(),
    };
    told.add(said.text, &[]);
    match check::account(target, &told, &known) {
        Ok(()) => {
            state.answers.insert(target.id.clone(), Value::Account(told).into());
            Taken::Next { note: Some(wording::added()), answered: Some(target.id.clone()) }
        }
        Err(sentence) => next(sentence),
    }
}
