//! What a dialog under way remembers. Kept as JSON; what a later program or file does not know is not an error.

use crate::message::{MediaKind, Millis, Point};
use chrono::NaiveDate;
use indexmap::IndexMap;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};

/// Answers by step id, in the order in which they were first given.
pub type Answers = IndexMap<String, Answer>;

/// What became of a question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// The person would not or could not say.
    Skipped,
    /// This was said.
    Given(Value),
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// A choice: its key and its words.
    Key(Named),
    /// Several choices.
    Keys(Vec<Named>),
    /// Words.
    Text(String),
    /// A number.
    Number(i64),
    /// A day.
    Date(#[serde(with = "day")] NaiveDate),
    /// What somebody tells and shows.
    Account(Account),
    /// A place.
    Place {
        /// The area's code.
        code: String,
        /// Its name for people.
        name: String,
        /// The location, where one was sent.
        point: Option<Point>,
        /// What the person wrote, for example 前观津村东头.
        words: String,
    },
}

/// Something chosen: key and words.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// What is stored and compared.
    pub key: String,
    /// What is shown.
    pub text: String,
}

/// Text and media of one or several messages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Account {
    /// The texts, a line for each message.
    pub text: String,
    /// Pictures, voice, video in order.
    pub media: Vec<MediaId>,
}

/// A row of the media table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaId {
    /// Its id.
    pub id: i64,
    /// What it is.
    pub kind: MediaKind,
}

/// A dialog under way.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    /// The dialog's id.
    pub dialog: String,
    /// This run of it; a button of another run is stale.
    pub instance: i64,
    /// Answers, also of steps that do not count now or that the file no longer knows.
    #[serde(deserialize_with = "readable")]
    pub answers: Answers,
    /// Answers that are not complete: the start of an account, choices of a `multi` step.
    #[serde(deserialize_with = "readable")]
    pub parts: IndexMap<String, Value>,
    /// Steps answered by asking, for 上一步.
    pub trail: Vec<String>,
    /// The step that is being changed; its old answer stands until the new one is there.
    pub edit: Option<String>,
    /// The question that was asked last.
    #[serde(deserialize_with = "readable_or_none")]
    pub open: Option<Open>,
    /// When a picture or video came last, to take the rest of a burst silently.
    pub media_at: Option<Millis>,
    /// Put aside for a while: the next message is asked whether to go on.
    pub paused: bool,
}

/// The question that was asked last, and what its numbers meant.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Open {
    /// The step.
    pub step: String,
    /// The page of a long list, from 0.
    pub page: usize,
    /// How many pages there are.
    pub pages: usize,
    /// What narrows the search: the township that was chosen.
    pub within: Option<Named>,
    /// The words that were typed to search.
    pub search: Option<String>,
    /// The location that was sent.
    pub point: Option<Point>,
    /// What the numbers meant when they were shown, all pages seen so far.
    pub shown: Vec<Shown>,
    /// When it was asked.
    pub asked: Millis,
    /// The words with which a paused dialog was woken, to be taken when the person goes on.
    pub held: Option<String>,
}

/// A number that was shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// The number.
    pub number: u32,
    /// The choice.
    pub key: String,
}

impl Answer {
    /// The value, unless it was skipped.
    pub fn value(&self) -> Option<&Value> {
        match self {
            Answer::Given(value) => Some(value),
            Answer::Skipped => None,
        }
    }
}

impl From<Value> for Answer {
    fn from(value: Value) -> Self {
        Answer::Given(value)
    }
}

impl Value {
    /// A choice.
    pub fn key(key: impl Into<String>, text: impl Into<String>) -> Self {
        Value::Key(Named { key: key.into(), text: text.into() })
    }

    /// A yes or a no.
    pub fn yes_or_no(yes: bool) -> Self {
        Value::key(if yes { "yes" } else { "no" }, "")
    }

    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Value::Text(text.into())
    }

    /// What conditions and parameters see: the keys of choices, the code of a place, a number or day as text, a text itself.
    pub fn keys(&self) -> Vec<String> {
        match self {
            Value::Key(named) => vec![named.key.clone()],
            Value::Keys(list) => list.iter().map(|named| named.key.clone()).collect(),
            Value::Text(text) => vec![text.clone()],
            Value::Number(number) => vec![number.to_string()],
            Value::Date(day) => vec![day.to_string()],
            Value::Account(account) => vec![account.text.clone()],
            Value::Place { code, .. } => vec![code.clone()],
        }
    }
}

/// The key of a choice, those of several parted by commas; empty when it was skipped.
pub fn key(answers: &Answers, step: &str) -> String {
    answers.get(step).and_then(Answer::value).map(|value| value.keys().join(",")).unwrap_or_default()
}

/// The text of an answer; empty when it was skipped.
pub fn text(answers: &Answers, step: &str) -> String {
    account(answers, step).text
}

/// An account with its files; empty when it was skipped.
pub fn account(answers: &Answers, step: &str) -> Account {
    match answers.get(step).and_then(Answer::value) {
        Some(Value::Account(account)) => account.clone(),
        Some(Value::Text(text)) => Account { text: text.clone(), media: Vec::new() },
        _ => Account::default(),
    }
}

impl Account {
    /// The ids of its files.
    pub fn files(&self) -> Vec<i64> {
        self.media.iter().map(|file| file.id).collect()
    }

    /// Nothing told, nothing shown.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty() && self.media.is_empty()
    }

    /// Adds a message.
    pub fn add(&mut self, text: &str, media: &[MediaId]) {
        if !text.is_empty() {
            if !self.text.is_empty() {
                self.text.push('\n');
            }
            self.text.push_str(text);
        }
        self.media.extend(media.iter().filter(|new| !self.media.iter().any(|old| old.id == new.id)).copied().collect::<Vec<_>>());
    }
}

/// Entries that this program can read; the others are dropped and asked again, so nobody is stuck after an update.
fn readable<'de, D: Deserializer<'de>, T: DeserializeOwned>(from: D) -> Result<IndexMap<String, T>, D::Error> {
    let all = IndexMap::<String, serde_json::Value>::deserialize(from)?;
    Ok(all.into_iter().filter_map(|(id, value)| Some((id, serde_json::from_value(value).ok()?))).collect())
}

fn readable_or_none<'de, D: Deserializer<'de>, T: DeserializeOwned>(from: D) -> Result<Option<T>, D::Error> {
    Ok(serde_json::from_value(serde_json::Value::deserialize(from)?).ok())
}

mod day {
    use chrono::NaiveDate;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(day: &NaiveDate, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(day)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<NaiveDate, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_cannot_be_read_is_dropped_and_the_rest_stays() {
        let state: State = serde_json::from_str(
            r#"{"dialog":"report","answers":{"place":{"given":{"hologram":3}},"gone":{"given":{"text":"旧"}},"what":"skipped"},
                "open":{"step":7},"colour":"red"}"#,
        )
        .unwrap();
        assert_eq!(state.answers.keys().collect::<Vec<_>>(), ["gone", "what"]);
        assert_eq!(state.open, None);
        assert_eq!(state.dialog, "report");
    }

    #[test]
    fn every_kind_of_value_survives_being_stored() {
        let point = Point { lat: 37.8, lng: 115.9, label: "村东".into() };
        for value in [
            Value::key("a", "甲"),
            Value::Keys(vec![Named { key: "a".into(), text: "甲".into() }]),
            Value::text("话"),
            Value::Number(-3),
            Value::Date(NaiveDate::from_ymd_opt(2026, 11, 22).unwrap()),
            Value::Account(Account { text: "一\n二".into(), media: vec![MediaId { id: 5, kind: MediaKind::Photo }] }),
            Value::Place { code: "131122102214".into(), name: "前观津".into(), point: Some(point), words: "前观津".into() },
        ] {
            let stored = serde_json::to_string(&Answer::Given(value.clone())).unwrap();
            assert_eq!(serde_json::from_str::<Answer>(&stored).unwrap(), Answer::Given(value));
        }
    }
}
