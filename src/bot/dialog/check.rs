//! What an answer must fulfil. The same checks hold for a new answer, for one given by a command, and for an old answer
//! under a changed file.

use super::state::{Account, Answers, Value};
use super::{Kind, Step, refused, wording};
use crate::text;
use chrono::NaiveDate;
use regex::Regex;

/// The longest text where a file says nothing.
const MAX_CHARS: usize = 2_000;

/// The most pictures, voice and video messages where a file says nothing.
const MAX_MEDIA: usize = 30;

/// Characters that count, which are all but white space.
pub(super) fn chars(text: &str) -> usize {
    text.chars().filter(|c| !c.is_whitespace()).count()
}

/// How many media an answer may hold.
pub(super) fn max_media(step: &Step) -> usize {
    step.check.max_items.unwrap_or(MAX_MEDIA)
}

/// Is the text short enough? Asked before it is kept anywhere.
pub(super) fn length(step: &Step, text: &str) -> Result<(), String> {
    let max = step.check.max_chars.unwrap_or(MAX_CHARS);
    let is = chars(text);
    if is > max { Err(wording::too_long(max, is)) } else { Ok(()) }
}

/// Does this value answer this step? The error is a sentence for the person.
pub(super) fn value(step: &Step, value: &Value, before: &Answers) -> Result<(), String> {
    let check = &step.check;
    let error = || check.error.clone();
    match (step.kind, value) {
        (Kind::Choice, Value::Key(named)) => {
            let known = step.from.is_some() || step.choices.iter().any(|choice| choice.key == named.key);
            if !known || step.multi {
                return Err(wording::choice_is_gone());
            }
        }
        (Kind::Choice, Value::Keys(list)) => {
            // A command line may name several where the question takes one (签收 1-4).
            let several = step.multi || step.from.is_some();
            if !several || list.is_empty() || check.max_items.is_some_and(|max| list.len() > max) {
                return Err(wording::several(check.max_items));
            }
        }
        (Kind::Text, Value::Text(text)) => words(step, text, true)?,
        (Kind::Number, Value::Number(number)) => {
            if check.min.is_some_and(|min| *number < min) || check.max.is_some_and(|max| *number > max) {
                return Err(error().unwrap_or_else(|| wording::out_of_range(check.min, check.max)));
            }
        }
        (Kind::Account, Value::Account(account)) => words(step, &account.text, account.media.is_empty())?,
        (Kind::Media, Value::Account(account)) => {
            if account.media.is_empty() {
                return Err(wording::send_pictures());
            }
        }
        (Kind::Confirm, Value::Key(named)) if named.key == "submit" => {}
        (Kind::Date, Value::Date(_)) | (Kind::Place, Value::Place { .. }) => {}
        _ => return Err(wording::ask_again()),
    }
    match check.rule {
        Some(rule) => rule(value, before),
        None => Ok(()),
    }
}

fn words(step: &Step, text: &str, alone: bool) -> Result<(), String> {
    let check = &step.check;
    length(step, text)?;
    if let Some(sentence) = refused(&check.refuse, text) {
        return Err(sentence.to_owned());
    }
    if alone && chars(text) < check.min_chars.unwrap_or(1) {
        return Err(check.error.clone().unwrap_or_else(wording::too_short));
    }
    // An account that consists of pictures has no words to match.
    if (alone || !text.is_empty()) && check.pattern.as_ref().is_some_and(|pattern| !matches(pattern, text)) {
        return Err(check.error.clone().unwrap_or_else(wording::bad_pattern));
    }
    Ok(())
}

/// Full-width digits and letters are as good as narrow ones.
fn matches(pattern: &Regex, text: &str) -> bool {
    pattern.is_match(text.trim()) || pattern.is_match(&text::fold(text))
}

/// Does the day lie within the bounds, counted in days from today? Asked only when it is said: a day does not become wrong
/// while it waits.
pub(super) fn day(step: &Step, day: NaiveDate, today: NaiveDate) -> Result<(), String> {
    let days = (day - today).num_days();
    if step.check.min.is_some_and(|min| days < min) || step.check.max.is_some_and(|max| days > max) {
        return Err(step.check.error.clone().unwrap_or_else(wording::day_out_of_range));
    }
    Ok(())
}

/// An account is enough for now, or what is missing.
pub(super) fn account(step: &Step, account: &Account, before: &Answers) -> Result<(), String> {
    value(step, &Value::Account(account.clone()), before)
}
