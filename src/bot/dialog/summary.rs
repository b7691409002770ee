//! Saying answers back: the lines of a summary, and `{x}` in sentences.

use super::engine::answers;
use super::state::{Account, Answer, State, Value};
use super::{Dialog, Kind, Step, wording};
use crate::clock::day_in_words;
use crate::text;
use chrono::Datelike;

/// How much of a text a summary shows, in characters: with everything else it stays within one message.
const SHOWN_CHARS: usize = 120;

/// Puts values into `{x}`. What has no value becomes nothing: a person never reads a brace.
pub fn fill(template: &str, value: &dyn Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, name, after)) = next(rest) {
        out.push_str(before);
        out.push_str(&value(name).unwrap_or_default());
        rest = after;
    }
    out.push_str(rest);
    out
}

/// The names in a template.
pub(super) fn names(template: &str) -> Vec<&str> {
    let mut all = Vec::new();
    let mut rest = template;
    while let Some((_, name, after)) = next(rest) {
        all.push(name);
        rest = after;
    }
    all
}

/// The text before the first `{x}`, its name, and the text after it.
fn next(template: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    while let Some(open) = template[from..].find('{').map(|at| from + at) {
        let inner = &template[open + 1..];
        let end = inner.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(inner.len());
        if end > 0 && inner[end..].starts_with('}') {
            return Some((&template[..open], &inner[..end], &inner[end + 1..]));
        }
        from = open + 1;
    }
    None
}

/// Fills a template from the answers that count; names that are no answer are asked of `value`.
pub fn filled(dialog: &Dialog, state: &State, template: &str, value: &dyn Fn(&str) -> Option<String>) -> String {
    if !template.contains('{') {
        return template.to_owned();
    }
    let answers = answers(dialog, state);
    fill(template, &|name| {
        value(name).or_else(|| {
            let words = in_words(answers.get(name)?.value()?);
            Some(if dialog.step(name).is_some_and(|step| step.secret) { masked(&words) } else { words })
        })
    })
}

/// A value for people, on one line for everything but a text of several lines.
pub fn in_words(value: &Value) -> String {
    match value {
        Value::Key(named) => named.text.clone(),
        Value::Keys(list) => list.iter().map(|named| named.text.as_str()).collect::<Vec<_>>().join("、"),
        Value::Text(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Date(day) => day_in_words(*day, day.with_year(day.year() + 1).unwrap_or(*day)),
        Value::Account(account) => account_in_words(account),
        Value::Place { name, point, .. } => match point {
            Some(_) => format!("{name}（有位置）"),
            None => name.clone(),
        },
    }
}

fn account_in_words(account: &Account) -> String {
    let counted = wording::counted(account);
    match (account.text.is_empty(), counted.is_empty()) {
        (false, false) => format!("{}（{counted}）", account.text),
        (false, true) => account.text.clone(),
        (true, _) => counted,
    }
}

/// The lines of the confirmation that comes next (else of the last one): label and answer, in its order. Steps that do
/// not count now and answers that were skipped are left out.
pub fn summary(dialog: &Dialog, state: &State) -> String {
    let confirm = super::engine::wanted(dialog, state)
        .filter(|step| step.kind == Kind::Confirm)
        .or_else(|| dialog.steps.iter().rfind(|step| step.kind == Kind::Confirm));
    let shown: Vec<&Step> = match confirm {
        Some(confirm) => confirm.summary.iter().filter_map(|id| dialog.step(id)).collect(),
        None => dialog.steps.iter().filter(|step| !matches!(step.kind, Kind::Say | Kind::Confirm)).collect(),
    };
    let answers = answers(dialog, state);
    let line = |step: &&Step| {
        let Answer::Given(value) = answers.get(&step.id)? else { return None };
        let words = match value {
            Value::Account(account) => account_in_words(&Account { text: short(&account.text), media: account.media.clone() }),
            other => short(&in_words(other)),
        };
        Some(format!("{}　{}", step.label, if step.secret { masked(&words) } else { words }))
    };
    shown.iter().filter_map(line).collect::<Vec<_>>().join("\n")
}

fn short(text: &str) -> String {
    text::shorten(&text::one_line(text), SHOWN_CHARS)
}

/// `138****0001`; shorter words are hidden as a whole.
fn masked(words: &str) -> String {
    let chars: Vec<char> = words.chars().collect();
    if chars.len() < 9 {
        return "已填（不显示）".to_owned();
    }
    chars[..3].iter().chain(&['*'; 4]).chain(&chars[chars.len() - 4..]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_are_filled_or_vanish_and_other_braces_stay() {
        let value = |name: &str| (name == "number").then(|| "0007".to_owned());
        for (template, text) in [
            ("编号 {number}。{promise}", "编号 0007。"),
            ("{ 不是 } {", "{ 不是 } {"),
            ("{{number}}", "{0007}"),
            ("没有", "没有"),
        ] {
            assert_eq!(fill(template, &value), text);
        }
        assert_eq!(names("{a}和{b_2}，{中}"), ["a", "b_2"]);
    }

    #[test]
    fn a_phone_is_masked_and_a_short_secret_hidden() {
        assert_eq!(masked("13800000001"), "138****0001");
        assert_eq!(masked("8位数"), "已填（不显示）");
    }
}
