//! Accounts: texts and media of one or several messages, and media that come beside another question.

use super::engine::{Taken, after, answers, set};
use super::hear::{Said, ask_on, next};
use super::state::{Account, Answer, Answers, MediaId, State, Value};
use super::{Dialog, Kind, Step, check, refused, wording};
use crate::clock::SECOND;
use crate::message::{MediaKind, Millis};

/// Pictures that follow one another this closely were sent at once and are answered once.
const BURST: Millis = 15 * SECOND;

/// From this length on a text that answers no question is the story itself.
const STORY_CHARS: usize = 12;

/// Pictures, voice or video without words.
pub(super) fn hear_media(dialog: &Dialog, state: &mut State, step: &Step, said: Said<'_>) -> Taken {
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

pub(super) fn is_burst(state: &State, at: Millis) -> bool {
    state.media_at.is_some_and(|last| (0..BURST).contains(&(at - last)))
}

/// Puts pictures that came beside another question where they belong; gives the sentence about them.
pub(super) fn absorb(dialog: &Dialog, state: &mut State, media: &[MediaId], at: Millis) -> Option<String> {
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

/// A message to a question that takes any mixture.
pub(super) fn account(dialog: &Dialog, state: &mut State, step: &Step, said: Said<'_>) -> Taken {
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

/// Keeps a text that was said in place of an answer, where it tells what happened: the account needs it anyway, and
/// nobody likes to say things twice. `None`: it is no story, or there is no account to fill.
pub(super) fn keep_story(dialog: &Dialog, state: &mut State, text: &str) -> Option<Taken> {
    if check::chars(text) < STORY_CHARS {
        return None;
    }
    let known = answers(dialog, state);
    let is_open = |step: &&Step| step.kind == Kind::Account && step.active(&known) && !known.contains_key(&step.id);
    let step = dialog.steps.iter().find(is_open)?;
    let mut told = part_of(state, step);
    told.add(text, &[]);
    if let Err(sentence) = check::length(step, &told.text) {
        return Some(next(sentence));
    }
    check::account(step, &told, &known).ok()?;
    state.parts.shift_remove(&step.id);
    state.answers.insert(step.id.clone(), Value::Account(told).into());
    Some(Taken::Next { note: Some(wording::story_kept()), answered: Some(step.id.clone()) })
}
