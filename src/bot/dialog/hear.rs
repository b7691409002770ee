//! Hearing: what an input means for the open question.

use super::ask::{DONE, GO_ON, MORE, RESUME, SKIP, START_OVER, change_wish};
use super::controls::{Control, whole};
use super::engine::{Input, Taken, after, answers, back, change, chosen, restart, set, wanted};
use super::state::{Account, Answer, Answers, MediaId, Named, Open, State, Value};
use super::words::{Meant, amount, day, exactly, line_number, meant};
use super::{Dialog, Item, Kind, Step, check, refused, text, wording};
use crate::clock::{SECOND, local};
use crate::message::{MediaKind, Millis, Point};

/// Pictures that follow one another this closely were sent at once and are answered once.
const BURST: Millis = 15 * SECOND;

/// From this length on a text where a place was asked is the story itself.
const STORY_CHARS: usize = 12;

/// The longest name that a sentence repeats, in characters.
const ECHO_CHARS: usize = 20;

/// A message, as this module passes it on.
#[derive(Clone, Copy)]
struct Said<'a> {
    text: &'a str,
    media: &'a [MediaId],
    point: Option<&'a Point>,
    at: Millis,
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
pub fn give(dialog: &Dialog, state: &mut State, step_id: &str, raw: &str, items: &[Item], at: Millis) -> Result<(), String> {
    let Some(step) = dialog.step(step_id).filter(|step| !matches!(step.kind, Kind::Say | Kind::Confirm)) else {
        return Err(wording::no_such_choice());
    };
    let trail = state.trail.clone();
    let open = state.open.take();
    let said = Said { text: raw.trim(), media: &[], point: None, at };
    let taken = match dialog.refuses(said.text) {
        Some(sentence) => next(sentence.to_owned()),
        None => answer(dialog, state, step, said, items),
    };
    // 上一步 leads through what was asked, not through what was given.
    state.trail = trail;
    match taken {
        Taken::Next { note, answered: None } => Err(note.unwrap_or_else(wording::ask_again)),
        Taken::Next { .. } | Taken::Silent { .. } | Taken::Done { .. } | Taken::Cancelled | Taken::Help => {
            state.open = open;
            Ok(())
        }
    }
}

fn next(note: String) -> Taken {
    Taken::Next { note: Some(note), answered: None }
}

fn ask_on() -> Taken {
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

/// Pictures, voice or video without words.
fn hear_media(dialog: &Dialog, state: &mut State, step: &Step, said: Said<'_>) -> Taken {
    let unheard = !said.media.is_empty() && said.media.iter().all(|media| media.kind == MediaKind::Voice);
    match step.kind {
        _ if said.media.is_empty() => ask_on(),
        Kind::Account | Kind::Media => account(dialog, state, step, said),
        _ if unheard => next(wording::voice_not_heard()),
        _ => {
            let burst = is_burst(state, said.at);
            let known = answers(dialog, state);
            let answered = media_step(dialog, &known).map(|step| step.id.clone()).filter(|id| known.contains_key(id));
            let note = absorb(dialog, state, said.media, said.at);
            if burst { Taken::Silent { answered } } else { Taken::Next { note, answered } }
        }
    }
}

fn is_burst(state: &State, at: Millis) -> bool {
    state.media_at.is_some_and(|last| (0..BURST).contains(&(at - last)))
}

/// Puts pictures that came beside another question where they belong; gives the sentence about them.
fn absorb(dialog: &Dialog, state: &mut State, media: &[MediaId], at: Millis) -> Option<String> {
    // A voice message is somebody's words, not evidence.
    let media: Vec<MediaId> = media.iter().filter(|media| media.kind != MediaKind::Voice).copied().collect();
    if media.is_empty() {
        return None;
    }
    state.media_at = Some(at);
    let known = answers(dialog, state);
    let Some(step) = media_step(dialog, &known) else { return Some(wording::media_not_needed(&media)) };
    let mut account = match known.get(&step.id) {
        Some(Answer::Given(Value::Account(account))) => account.clone(),
        _ => part_of(state, step),
    };
    let kept = keep(step, &mut account, "", &media);
    if known.contains_key(&step.id) {
        state.answers.insert(step.id.clone(), Value::Account(account).into());
    } else {
        state.parts.insert(step.id.clone(), Value::Account(account));
    }
    Some(kept.err().unwrap_or_else(|| wording::media_kept(&media)))
}

/// Where pictures belong.
fn media_step<'d>(dialog: &'d Dialog, known: &Answers) -> Option<&'d Step> {
    dialog.steps.iter().find(|step| step.kind.takes_media() && step.active(known))
}

fn part_of(state: &State, step: &Step) -> Account {
    match state.parts.get(&step.id) {
        Some(Value::Account(account)) => account.clone(),
        _ => Account::default(),
    }
}

/// Adds a message to an account, as many media as it may hold.
fn keep(step: &Step, account: &mut Account, text: &str, media: &[MediaId]) -> Result<(), String> {
    let max = check::max_media(step);
    account.add(text, media);
    if account.media.len() > max {
        account.media.truncate(max);
        return Err(wording::too_many_media(max));
    }
    Ok(())
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

/// A message to a question that takes any mixture.
fn account(dialog: &Dialog, state: &mut State, step: &Step, said: Said<'_>) -> Taken {
    let known = answers(dialog, state);
    let silent = said.text.is_empty() && is_burst(state, said.at);
    if !said.media.is_empty() {
        state.media_at = Some(said.at);
    }
    let mut told = part_of(state, step);
    let longer = format!("{}{}", told.text, said.text);
    let refusal = refused(&step.check.refuse, said.text).map(str::to_owned);
    if let Some(sentence) = check::length(step, &longer).err().or(refusal) {
        absorb(dialog, state, said.media, said.at);
        return next(sentence);
    }
    if step.kind == Kind::Media && said.media.is_empty() {
        return next(wording::send_pictures());
    }
    let kept = keep(step, &mut told, said.text, said.media);
    let as_part = |state: &mut State, told: &Account| {
        state.parts.insert(step.id.clone(), Value::Account(told.clone()));
    };
    if silent && (state.parts.contains_key(&step.id) || step.multi) {
        as_part(state, &told);
        return Taken::Silent { answered: None };
    }
    if step.multi {
        as_part(state, &told);
        return next(kept.err().unwrap_or_else(|| wording::go_on_or_done(&dialog.controls)));
    }
    if told.text.is_empty()
        && state.edit.is_some()
        && let Some(Answer::Given(Value::Account(old))) = state.answers.get(&step.id)
    {
        // A picture sent to 改 adds to the words that were there.
        told.text.clone_from(&old.text);
    }
    match check::account(step, &told, &known) {
        Ok(()) => {
            set(dialog, state, step, Value::Account(told).into());
            match (after(dialog, state, &step.id), kept) {
                (Taken::Next { answered, .. }, Err(sentence)) => Taken::Next { note: Some(sentence), answered },
                (taken, _) => taken,
            }
        }
        Err(sentence) => {
            // A beginning is kept, and the next message completes it; mere signs are no beginning.
            if said.text.chars().filter(|c| c.is_alphanumeric()).count() >= 2 || !told.media.is_empty() {
                as_part(state, &told);
            }
            next(sentence)
        }
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
            let hint = step.hint.clone();
            next(hint.unwrap_or_else(wording::no_such_choice))
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

/// The choice of a number that was shown or is fixed, or of words.
fn find<'i>(state: &State, step: &Step, said: &str, items: &'i [Item]) -> Result<&'i Item, Vec<&'i Item>> {
    if let Meant::One(item) = exactly(said, items) {
        return Ok(item);
    }
    if let Some(number) = line_number(said) {
        let open = state.open.as_ref().filter(|open| open.step == step.id);
        let shown = open.and_then(|open| open.shown.iter().find(|shown| shown.number == number));
        let by_number = match shown {
            Some(shown) => items.iter().find(|item| item.key == shown.key),
            None => items.iter().find(|item| item.no == Some(number)),
        };
        return by_number.ok_or_else(Vec::new);
    }
    match meant(said, items) {
        Meant::One(item) => Ok(item),
        Meant::Several(found) => Err(found),
        Meant::None => Err(Vec::new()),
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
fn confirm(dialog: &Dialog, state: &mut State, step: &Step, said: Said<'_>, items: &[Item]) -> Taken {
    let choices = step.items(items);
    if let Ok(item) = find(state, step, said.text, &choices).map(Item::clone) {
        return choose(dialog, state, step, &item);
    }
    if dialog.controls.change.iter().any(|word| said.text.starts_with(word.as_str())) {
        return next(wording::cannot_change(&labels(dialog, state, step)));
    }
    // People go on telling. The summary that follows shows the sentence, so nobody has to be asked about it.
    let known = answers(dialog, state);
    let target = dialog.steps.iter().find(|step| step.kind == Kind::Account && step.active(&known));
    let Some(target) = target.filter(|target| check::chars(said.text) >= target.check.min_chars.unwrap_or(2).min(4)) else {
        return next(wording::confirm_unclear(&dialog.controls));
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

/// The items that a search for these words leaves: those called exactly so, else all.
pub(super) fn candidates<'i>(said: &str, items: &'i [Item]) -> Vec<&'i Item> {
    match exactly(said, items) {
        Meant::One(item) => vec![item],
        Meant::Several(found) => found,
        Meant::None => items.iter().collect(),
    }
}

fn place(dialog: &Dialog, state: &mut State, step: &Step, said: Said<'_>, items: &[Item]) -> Taken {
    let open = state.open.clone().filter(|open| open.step == step.id).unwrap_or_else(|| Open::of(&step.id));
    let by_number = line_number(said.text).and_then(|number| open.shown.iter().find(|shown| shown.number == number));
    if let Some(shown) = by_number {
        return match items.iter().find(|item| item.key == shown.key) {
            Some(item) => pick(dialog, state, step, item, None),
            None => next(wording::choice_is_gone()),
        };
    }
    let found = candidates(said.text, items);
    let mut open = Open { search: None, shown: Vec::new(), page: 0, ..open };
    open.point = said.point.cloned().or(open.point);
    state.open = Some(open.clone());
    match found[..] {
        [item] => pick(dialog, state, step, item, Some(said.text)),
        [] if said.text.is_empty() => {
            // The location stays; the village is still to be named.
            next(wording::point_without_village())
        }
        [] => no_place(dialog, state, step, said),
        _ => {
            open.search = Some(text::shorten(said.text, 200)).filter(|text| !text.is_empty());
            state.open = Some(open);
            next(match check::chars(said.text) {
                0 => wording::which_nearby(),
                1..=8 => wording::which_place(said.text),
                _ => wording::which_place_of_these(),
            })
        }
    }
}

fn no_place(dialog: &Dialog, state: &mut State, step: &Step, said: Said<'_>) -> Taken {
    let known = answers(dialog, state);
    let story =
        dialog.steps.iter().find(|step| step.kind == Kind::Account && step.active(&known) && !known.contains_key(&step.id));
    if let Some(story) = story.filter(|_| check::chars(said.text) >= STORY_CHARS) {
        // The person tells what happened instead of where. It is kept, and the place is asked again.
        let mut told = part_of(state, story);
        told.add(said.text, &[]);
        if check::account(story, &told, &known).is_ok() {
            state.parts.shift_remove(&story.id);
            state.answers.insert(story.id.clone(), Value::Account(told).into());
            return Taken::Next { note: Some(wording::story_kept()), answered: Some(story.id.clone()) };
        }
        return next(check::length(story, &told.text).err().unwrap_or_else(wording::ask_again));
    }
    let sentence = wording::no_such_place(&text::shorten(&text::one_line(said.text), ECHO_CHARS));
    next([Some(sentence), step.hint.clone()].into_iter().flatten().collect::<Vec<_>>().join("\n"))
}

/// A found area: the answer, or a narrower search.
fn pick(dialog: &Dialog, state: &mut State, step: &Step, item: &Item, said: Option<&str>) -> Taken {
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
fn keep_point(dialog: &Dialog, state: &mut State, sent: &Point) -> String {
    let known = answers(dialog, state);
    for step in dialog.steps.iter().filter(|step| step.kind == Kind::Place && step.active(&known)) {
        if let Some(Answer::Given(Value::Place { point, .. })) = state.answers.get_mut(&step.id) {
            *point = Some(sent.clone());
            return wording::point_kept();
        }
    }
    wording::point_not_needed()
}
