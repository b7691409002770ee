//! Dialogs: forms that are data. The next question is derived from the answers, never stored as a place in a script.
//!
//! A command is a dialog with some answers given, so everything here works the same whether a person begins a form with a
//! word or a command line has filled half of it. This module holds the shapes; `load` reads the files, `engine` turns
//! what people say into answers, `summary` says answers back. All of it is pure: no clock, no database.

mod account;
mod ask;
mod check;
mod controls;
mod engine;
mod hear;
mod load;
mod place;
mod reach;
mod read;
mod state;
mod summary;
mod wording;
mod words;

#[cfg(test)]
mod tests;

pub use controls::{Control, Controls};
pub use engine::{
    Input, Query, Taken, answers, begin, carried, give, help, idle, mend, pause, pressed, prompt, query, query_for, start_with,
    take, wanted, wanted_besides,
};
pub use load::Known;
pub use state::{Account, Answer, Answers, MediaId, Named, Open, Shown, State, Value, account, key, text};
pub use summary::{fill, filled, in_words, summary};

use crate::config::read::Problem;
use crate::message::Millis;
use crate::text;
use include_dir::{Dir, include_dir};
use indexmap::IndexMap;
use regex::Regex;
use std::sync::Arc;

static BUILTIN: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/dialogs");

/// The longest text that a dialog may say in one message, in bytes: what the narrowest platform carries (WeChat).
pub const MAX_BYTES: usize = 2048;

/// A checked, immutable set of dialogs. A changed set is a new value; the old one stays in force while it has errors.
#[derive(Debug, Clone)]
pub struct Dialogs {
    pub(crate) dialogs: IndexMap<String, Dialog>,
    pub(crate) controls: Arc<Controls>,
}

/// One form.
#[derive(Debug, Clone)]
pub struct Dialog {
    /// The name by which code and other files call it.
    pub id: String,
    /// What people read in a list of things under way, for example 反映问题.
    pub title: String,
    /// Whole messages that begin it.
    pub start: Vec<String>,
    /// Answers that a start word brings along, by the word.
    pub presets: IndexMap<String, Answers>,
    /// Role identifiers of those who may begin it; empty: whoever a feature lets.
    pub roles: Vec<String>,
    /// Dialogs that their start words lead to out of this one, with what was told already.
    pub leads: Vec<String>,
    /// Answers that are never asked: whoever begins the dialog brings them or leaves them out.
    pub given: Vec<String>,
    /// The action that gets the answers.
    pub submit: String,
    /// An action that gets every answer as soon as it is there.
    pub each: Option<String>,
    /// Said after the submission, with `{x}` from the action's values and the answers.
    pub done: Option<String>,
    /// When an unanswered question is reminded of, put aside, dropped.
    pub idle: Times,
    /// What must not be written anywhere in this dialog.
    pub refuse: Vec<Refuse>,
    /// The questions in order.
    pub steps: Vec<Step>,
    pub(crate) controls: Arc<Controls>,
}

/// How long a question may stay unanswered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// A friendly reminder after this time.
    pub remind_after: Millis,
    /// After this time the next message is asked whether to go on or to start over.
    pub pause_after: Millis,
    /// After this time the dialog is gone.
    pub drop_after: Millis,
}

/// A pattern that no text of the dialog may contain, and what is said then.
#[derive(Debug, Clone)]
pub struct Refuse {
    /// The pattern.
    pub pattern: Regex,
    /// The friendly sentence.
    pub error: String,
}

/// One question (or a sentence said once).
#[derive(Debug, Clone)]
pub struct Step {
    /// The name of the answer.
    pub id: String,
    /// The word for it in summaries, and for changing it.
    pub label: String,
    /// What kind of answer it takes.
    pub kind: Kind,
    /// The question; `{x}` is an earlier answer in words.
    pub ask: String,
    /// The question where pictures or a voice message are there already and only words are missing.
    pub ask_with_media: Option<String>,
    /// The question where words are there already and did not suffice.
    pub ask_with_words: Option<String>,
    /// Said when an answer did not fit, and to 帮助.
    pub hint: Option<String>,
    /// Fixed choices; with `from` they follow those of the source.
    pub choices: Vec<Item>,
    /// Where a feature's choices come from.
    pub from: Option<Source>,
    /// Asked only if this holds.
    pub when: When,
    /// Steps whose change clears this answer.
    pub depends: Vec<String>,
    /// May be skipped.
    pub optional: bool,
    /// Words that skip this step in addition to the control words.
    pub skip: Vec<String>,
    /// Takes several messages until 完成, or several choices.
    pub multi: bool,
    /// Masked wherever answers are shown.
    pub secret: bool,
    /// Taken without asking; can be changed at the confirmation.
    pub default: Option<Value>,
    /// What an answer must fulfil.
    pub check: Check,
    /// A confirmation shows these steps, in this order.
    pub summary: Vec<String>,
}

/// Kinds of steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One (or, with `multi`, several) of the choices.
    Choice,
    /// Words.
    Text,
    /// A whole number.
    Number,
    /// A day.
    Date,
    /// Pictures or video.
    Media,
    /// Any mixture of text, voice, pictures and video.
    Account,
    /// A place: a name that is searched, or a location message.
    Place,
    /// Says something once and asks nothing.
    Say,
    /// Shows the summary and asks whether it is right.
    Confirm,
}

impl Kind {
    /// Pictures and video belong into such an answer.
    pub fn takes_media(self) -> bool {
        matches!(self, Kind::Media | Kind::Account)
    }
}

/// A rule in code: says in a friendly sentence what is missing. It also sees the answers before this step.
pub type Rule = fn(&Value, &Answers) -> Result<(), String>;

/// What an answer must fulfil. Lengths are characters, white space not counted.
#[derive(Debug, Clone, Default)]
pub struct Check {
    /// Shortest text; waived for an account with media.
    pub min_chars: Option<usize>,
    /// Longest text.
    pub max_chars: Option<usize>,
    /// The text must contain this.
    pub pattern: Option<Regex>,
    /// Said when `pattern`, `min_chars`, `min`, `max` do not hold.
    pub error: Option<String>,
    /// Must not be contained.
    pub refuse: Vec<Refuse>,
    /// Most pictures, voice and video messages, or most choices of a `multi` choice.
    pub max_items: Option<usize>,
    /// Largest file, in megabytes; enforced where files are fetched.
    pub max_mb: Option<u64>,
    /// Smallest number; for a date: days from today.
    pub min: Option<i64>,
    /// Largest number; for a date: days from today.
    pub max: Option<i64>,
    /// A rule in code.
    pub rule: Option<Rule>,
}

/// A feature's list of choices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The name under which the feature registered it.
    pub name: String,
    /// Parameters; `{step}` in a value is the key of an earlier answer.
    pub params: Vec<(String, String)>,
}

/// A condition on earlier answers. There is no expression language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// The answer `slot` is one of these keys.
    Is {
        /// An earlier step or a given answer.
        slot: String,
        /// Keys; numbers and texts are compared in their written form.
        is: Vec<String>,
    },
    /// Does not hold.
    Not(Box<When>),
    /// One holds.
    Any(Vec<When>),
    /// All hold; an empty list always does.
    All(Vec<When>),
}

/// Something that can be chosen.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Item {
    /// What is stored and compared.
    pub key: String,
    /// What is shown.
    pub text: String,
    /// Other words for it.
    pub also: Vec<String>,
    /// The words in a summary, where they differ from `text`.
    pub short: Option<String>,
    /// The number that is shown and typed, when it is the value itself.
    pub no: Option<u32>,
    /// The value, when it is more than key and text (a place).
    pub value: Option<Value>,
    /// Choosing it narrows the search instead of answering (a township).
    pub narrows: bool,
    /// Not what was said, only near it: it is asked about even when it is the only one.
    pub guess: bool,
    /// A place that is known and cannot be chosen, with the sentence that says why.
    pub refuse: Option<String>,
}

impl Item {
    /// A choice with key and text.
    pub fn new(key: impl Into<String>, text: impl Into<String>) -> Self {
        Item { key: key.into(), text: text.into(), ..Item::default() }
    }
}

/// What the time without an answer asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Idle {
    /// Nothing yet.
    Fresh,
    /// Remind the person, once.
    Remind,
    /// Set [`pause`]; the next message is asked whether to go on.
    Pause,
    /// Drop the dialog.
    Drop,
}

impl Dialogs {
    /// The dialog of this id.
    pub fn get(&self, id: &str) -> Option<&Dialog> {
        self.dialogs.get(id)
    }

    /// All dialogs, in the order of their files.
    pub fn iter(&self) -> impl Iterator<Item = &Dialog> {
        self.dialogs.values()
    }

    /// The control words.
    pub fn controls(&self) -> &Controls {
        &self.controls
    }

    /// The dialog that this whole message begins, with the answers its start word brings along.
    pub fn started_by(&self, whole_text: &str) -> Option<(&Dialog, Answers)> {
        let said = controls::whole(whole_text);
        self.iter().find_map(|dialog| {
            let word = dialog.start.iter().find(|word| text::folds_to(word, &said))?;
            Some((dialog, dialog.presets.get(word).cloned().unwrap_or_default()))
        })
    }

    /// The dialogs inside the program, as (name relative to the folder, text), in the order of their names.
    pub fn builtin_files() -> Vec<(String, String)> {
        fn collect(dir: &Dir<'_>, into: &mut Vec<(String, String)>) {
            for file in dir.files() {
                if let Some(text) = file.contents_utf8().filter(|_| file.path().extension().is_some_and(|end| end == "toml")) {
                    into.push((file.path().to_string_lossy().replace('\\', "/"), text.to_owned()));
                }
            }
            for inner in dir.dirs() {
                collect(inner, into);
            }
        }
        let mut files = Vec::new();
        collect(&BUILTIN, &mut files);
        files.sort();
        files
    }
}

impl Dialog {
    /// The step of this id.
    pub fn step(&self, id: &str) -> Option<&Step> {
        self.steps.iter().find(|step| step.id == id)
    }

    /// The sentence for a text that must not be written here, such as an identity card number.
    pub fn refuses(&self, text: &str) -> Option<&str> {
        refused(&self.refuse, text)
    }
}

/// The sentence of the first pattern that the text contains.
pub(crate) fn refused<'a>(refuse: &'a [Refuse], text: &str) -> Option<&'a str> {
    refuse.iter().find(|refuse| refuse.pattern.is_match(text)).map(|refuse| refuse.error.as_str())
}

impl When {
    /// Always.
    pub fn always() -> Self {
        When::All(Vec::new())
    }

    /// Does it hold, where `keys` gives the keys of an answer (none when there is no answer)?
    pub fn holds(&self, keys: &dyn Fn(&str) -> Vec<String>) -> bool {
        match self {
            When::Is { slot, is } => keys(slot).iter().any(|key| is.iter().any(|wanted| wanted == key)),
            When::Not(inner) => !inner.holds(keys),
            When::Any(list) => list.iter().any(|when| when.holds(keys)),
            When::All(list) => list.iter().all(|when| when.holds(keys)),
        }
    }

    /// Every slot it looks at.
    pub fn slots(&self) -> Vec<(&str, &[String])> {
        match self {
            When::Is { slot, is } => vec![(slot, is)],
            When::Not(inner) => inner.slots(),
            When::Any(list) | When::All(list) => list.iter().flat_map(When::slots).collect(),
        }
    }
}
