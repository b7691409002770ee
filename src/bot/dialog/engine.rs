//! Where a dialog stands: which answers count, which question is next, how answers are set, taken back, changed.

use super::state::{Account, Answer, Answers, MediaId, State, Value};
use super::{Dialog, Idle, Item, Kind, Step, check, load, wording};
use crate::message::{Millis, Point};

pub use super::ask::{Query, pressed, prompt, query, query_for};
pub use super::hear::{give, take};

/// What a person did in a dialog.
#[derive(Debug, Clone, PartialEq)]
pub enum Input<'a> {
    /// A message.
    Said {
        /// The text, or the transcript of a voice message.
        text: &'a str,
        /// What came with it.
        media: &'a [MediaId],
        /// A location message.
        point: Option<&'a Point>,
        /// When it came.
        at: Millis,
    },
    /// A button of a dialog, taken apart by [`pressed`].
    Pressed {
        /// The run of the dialog it belongs to.
        instance: i64,
        /// The step it belongs to.
        step: &'a str,
        /// The choice.
        key: &'a str,
    },
}

/// What became of an input. `answered` names the step that has a new answer, for dialogs that store each at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// Ask [`wanted`] with [`prompt`]; the note comes first (errors, hints, thanks for a picture).
    Next {
        /// A sentence before the question.
        note: Option<String>,
        /// The step that was answered.
        answered: Option<String>,
    },
    /// Nothing is said, for example to the second to ninth picture of a burst.
    Silent {
        /// The step that was answered.
        answered: Option<String>,
    },
    /// Everything is there: submit [`answers`].
    Done {
        /// The step that was answered.
        answered: Option<String>,
    },
    /// The person does not want to go on.
    Cancelled,
    /// The person wants help: say [`help`] and ask again.
    Help,
}

/// Begins a dialog with some answers given, by step id or by the names of `given`.
pub fn begin(dialog: &Dialog, instance: i64, given: Answers) -> State {
    State { dialog: dialog.id.clone(), instance, answers: given, ..State::default() }
}

/// Fills the dialog's account from a message that began it: complete words answer it, a picture or voice alone is kept
/// until the person says what it is about. Gives the sentence for words that were not taken.
pub fn start_with(dialog: &Dialog, state: &mut State, text: &str, media: &[MediaId], at: Millis) -> Option<String> {
    let (known, _) = walk(dialog, state);
    let refused = dialog.refuses(text).map(str::to_owned);
    let Some(step) = dialog.steps.iter().find(|step| step.kind == Kind::Account && step.active(&known)) else { return refused };
    let refused = refused.or_else(|| check::length(step, text).err());
    let mut account = Account::default();
    account.add(if refused.is_some() { "" } else { text }, media);
    if !media.is_empty() {
        state.media_at = Some(at);
    }
    if account.is_empty() {
        return refused;
    }
    // Words must be enough on their own: a picture does not yet say what it is about.
    let words = Account { text: account.text.clone(), media: Vec::new() };
    let complete = !words.is_empty() && check::account(step, &words, &known).is_ok();
    if complete && check::account(step, &account, &known).is_ok() {
        state.answers.insert(step.id.clone(), Value::Account(account).into());
    } else {
        state.parts.insert(step.id.clone(), Value::Account(account));
    }
    refused
}

/// The question to ask: the first step that counts and has no answer. `None`: submit.
pub fn wanted<'d>(dialog: &'d Dialog, state: &State) -> Option<&'d Step> {
    let (known, wanted) = walk(dialog, state);
    let edited = state.edit.as_deref().and_then(|id| dialog.step(id)).filter(|step| step.active(&known));
    edited.or(wanted)
}

/// The first question that counts, has no answer, and is none of these: what the last words of a command line are for, where
/// the words before them decide which question that is.
pub fn wanted_besides<'d>(dialog: &'d Dialog, state: &State, named: &[&str]) -> Option<&'d Step> {
    let (known, _) = walk(dialog, state);
    let open = |step: &&Step| !matches!(step.kind, Kind::Say | Kind::Confirm) && !named.contains(&step.id.as_str());
    dialog.steps.iter().filter(open).find(|step| step.active(&known) && !known.contains_key(&step.id))
}

/// The answers that count: of steps whose condition holds, with defaults, without what fails the checks of the file. An
/// answer that stopped counting (a phone after the person became anonymous) is not among them.
pub fn answers(dialog: &Dialog, state: &State) -> Answers {
    walk(dialog, state).0
}

/// The answers that count, and the first step without one.
fn walk<'d>(dialog: &'d Dialog, state: &State) -> (Answers, Option<&'d Step>) {
    let mut known = Answers::new();
    for slot in &dialog.given {
        if let Some(answer) = state.answers.get(slot) {
            known.insert(slot.clone(), answer.clone());
        }
    }
    let mut first = None;
    for step in &dialog.steps {
        if step.kind == Kind::Say || !step.active(&known) {
            continue;
        }
        match standing(step, state, &known) {
            Some(answer) => _ = known.insert(step.id.clone(), answer),
            None => first = first.or(Some(step)),
        }
    }
    (known, first)
}

/// The answer of a step as it counts now.
fn standing(step: &Step, state: &State, known: &Answers) -> Option<Answer> {
    let kept = state.answers.get(&step.id).filter(|answer| match answer {
        Answer::Skipped => step.optional,
        Answer::Given(value) => check::value(step, value, known).is_ok(),
    });
    kept.cloned().or_else(|| step.default.clone().map(Answer::Given))
}

impl Step {
    /// Does its condition hold?
    pub(super) fn active(&self, known: &Answers) -> bool {
        self.when.holds(&|slot| known.get(slot).and_then(Answer::value).map(Value::keys).unwrap_or_default())
    }

    /// All choices: those of the source, then the fixed ones.
    pub(super) fn items(&self, from_source: &[Item]) -> Vec<Item> {
        let mut items = from_source.to_vec();
        if self.kind == Kind::Confirm && self.choices.is_empty() {
            items = vec![Item::new("submit", "提交"), Item::new("cancel", "取消")];
        }
        items.extend(self.choices.iter().cloned());
        items
    }
}

/// The answers that a person gave in one dialog and that count in another: to steps of the same name and kind. A choice keeps
/// its key and gets the words that it has there; defaults are each dialog's own.
pub fn carried(from: &Dialog, state: &State, to: &Dialog) -> Answers {
    let given = answers(from, state).into_iter().filter(|(id, _)| state.answers.contains_key(id));
    given
        .filter_map(|(id, answer)| {
            let (old, new) = (from.step(&id)?, to.step(&id)?);
            if old.kind != new.kind || matches!(new.kind, Kind::Confirm | Kind::Say) {
                return None;
            }
            if new.choices.is_empty() {
                return Some((id, answer));
            }
            let keys = answer.value().map(Value::keys).unwrap_or_default();
            let item = new.choices.iter().find(|item| keys.contains(&item.key))?;
            Some((id, chosen(item).into()))
        })
        .collect()
}

/// Sets an answer and clears what hangs on it.
pub(super) fn set(dialog: &Dialog, state: &mut State, step: &Step, answer: Answer) {
    let changed = state.answers.get(&step.id).is_some_and(|old| *old != answer);
    state.parts.shift_remove(&step.id);
    state.answers.insert(step.id.clone(), answer);
    state.trail.retain(|id| *id != step.id);
    state.trail.push(step.id.clone());
    state.open = None;
    state.edit = None;
    if changed {
        clear_dependants(dialog, state, &step.id);
    }
}

fn clear_dependants(dialog: &Dialog, state: &mut State, changed: &str) {
    for step in dialog.steps.iter().filter(|step| step.depends.iter().any(|id| id == changed)) {
        state.parts.shift_remove(&step.id);
        state.trail.retain(|id| *id != step.id);
        if state.answers.shift_remove(&step.id).is_some() {
            clear_dependants(dialog, state, &step.id);
        }
    }
}

/// What follows an answer: the next question, or the submission.
pub(super) fn after(dialog: &Dialog, state: &State, answered: &str) -> Taken {
    let answered = Some(answered.to_owned());
    match wanted(dialog, state) {
        Some(_) => Taken::Next { note: None, answered },
        None => Taken::Done { answered },
    }
}

/// Asks a step again whose answer stands until there is a new one. Pictures stay, words are replaced.
pub(super) fn change(state: &mut State, step: &Step) {
    keep_media(state, &step.id);
    state.edit = Some(step.id.clone());
    state.open = None;
}

fn keep_media(state: &mut State, id: &str) {
    if let Some(Answer::Given(Value::Account(old))) = state.answers.get(id)
        && !old.media.is_empty()
    {
        let kept = Account { text: String::new(), media: old.media.clone() };
        state.parts.insert(id.to_owned(), Value::Account(kept));
    }
}

/// One question back. False at the first one.
pub(super) fn back(dialog: &Dialog, state: &mut State) -> bool {
    state.open = None;
    if let Some(edited) = state.edit.take() {
        state.parts.shift_remove(&edited);
        return true;
    }
    let before = wanted(dialog, state).map(|step| &step.id);
    while let Some(id) = state.trail.pop() {
        let Some(step) = dialog.step(&id) else { continue };
        if step.default.is_some() && answers(dialog, state).contains_key(&id) {
            // Without an answer the default would stand and nothing would be asked.
            change(state, step);
            return true;
        }
        keep_media(state, &id);
        state.answers.shift_remove(&id);
        if wanted(dialog, state).map(|step| &step.id) != before {
            return true;
        }
    }
    false
}

/// Starts over: only what was brought along stays.
pub(super) fn restart(dialog: &Dialog, state: &mut State) {
    state.answers.retain(|id, _| dialog.given.contains(id));
    state.parts.clear();
    state.trail.clear();
    state.edit = None;
    state.open = None;
    state.paused = false;
}

/// After a submission that was not accepted: the confirmation is open again, and if `step` is given its answer is asked
/// anew. The caller says why.
pub fn mend(dialog: &Dialog, state: &mut State, step: Option<&str>) {
    for confirm in dialog.steps.iter().filter(|step| step.kind == Kind::Confirm) {
        state.answers.shift_remove(&confirm.id);
        state.trail.retain(|id| *id != confirm.id);
    }
    state.open = None;
    if let Some(step) = step.and_then(|id| dialog.step(id)) {
        change(state, step);
    }
}

/// Puts the dialog aside; its next message is asked whether to go on.
pub fn pause(state: &mut State) {
    state.paused = true;
    state.open = None;
}

/// What the time since the question was asked calls for.
pub fn idle(dialog: &Dialog, asked_at: Millis, reminded: bool, now: Millis) -> Idle {
    let waited = now - asked_at;
    if waited >= dialog.idle.drop_after {
        Idle::Drop
    } else if waited >= dialog.idle.pause_after {
        Idle::Pause
    } else if waited >= dialog.idle.remind_after && !reminded {
        Idle::Remind
    } else {
        Idle::Fresh
    }
}

/// What 帮助 says: the hint of the open question and the ways out.
pub fn help(dialog: &Dialog, state: &State) -> String {
    let hint = wanted(dialog, state).and_then(|step| step.hint.clone());
    [hint, Some(wording::help(&dialog.controls))].into_iter().flatten().collect::<Vec<_>>().join("\n")
}

/// The value of a chosen item.
pub(super) fn chosen(item: &Item) -> Value {
    load::taken(item)
}
