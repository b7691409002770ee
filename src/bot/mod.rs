//! The framework: turns, router, commands as forms, dialogs, offers.
//!
//! It knows no feature: an application implements [`App`] and gets messages as parsed intentions. A **turn** is one
//! message; turns that wait together run as one batch in one transaction (`batch`). What a message means is decided in
//! `router`; `talk` leads dialogs; `command` reads command lines.

mod batch;
pub mod command;
pub mod dialog;
pub mod faults;
mod queue;
mod router;
pub mod store;
mod sweep;
mod talk;
mod turn;
pub mod wording;

pub use batch::{Bot, Given, Overflow};
pub use command::{Form, Parsed, Slot};
pub use router::HELP;
pub use store::{close_offers, close_offers_to, close_staff_offers};
pub use sweep::sweep;
pub use talk::begin_with as begin;
pub use turn::{Collected, Memory, Offer, Turn, joined, shortcut};

use crate::{
    channels::Ability,
    db::Tx,
    error::Result,
    message::{Address, Millis, Said, Update},
    outbox::Target,
};
use dialog::{Answers, Dialog, Dialogs, Item, Query};
use std::{future::Future, sync::Arc};

/// What became of submitted answers.
#[derive(Debug)]
pub enum Submitted {
    /// Done; the values fill the dialog's closing words.
    Done(Vec<(&'static str, String)>),
    /// One answer must be mended first, with this sentence.
    Mend(&'static str, String),
    /// Done, and another dialog begins with these answers given.
    Then(&'static str, Answers),
}

/// What free words outside everything else turned out to be.
#[derive(Debug)]
pub enum Opening {
    /// The beginning of this dialog, with what is known already: complete answers, and the beginning of others.
    Dialog(&'static str, Answers, Vec<(&'static str, dialog::Value)>),
    /// It was answered by what the turn said.
    Answered,
}

/// What words of a command line mean for a step that a feature reads by itself (ticket numbers).
#[derive(Debug)]
pub struct Resolved {
    /// The answer, if there is one.
    pub value: Option<dialog::Value>,
    /// Sentences about words that mean nothing here.
    pub notes: Vec<String>,
    /// Without an answer: ask for it instead of leaving it at the notes.
    pub ask: bool,
}

impl Resolved {
    /// This is meant.
    pub fn is(value: dialog::Value) -> Self {
        Resolved { value: Some(value), notes: Vec::new(), ask: false }
    }

    /// It means nothing, and the command ends with this sentence.
    pub fn not(sentence: impl Into<String>) -> Self {
        Resolved { value: None, notes: vec![sentence.into()], ask: false }
    }

    /// It means nothing, and after this sentence the dialog asks.
    pub fn ask(sentence: impl Into<String>) -> Self {
        Resolved { ask: true, ..Resolved::not(sentence) }
    }
}

/// An application of the framework.
pub trait App: Send + Sync + 'static {
    /// Who acts: whatever the application needs to know of a sender.
    type Actor: Clone + Send + Sync + 'static;

    /// The senders of a batch, in order; accounts never met before become known.
    fn actors(&self, tx: &mut Tx, from: &[&Address], now: Millis) -> impl Future<Output = Result<Vec<Self::Actor>>> + Send;

    /// What a channel can do.
    fn ability(&self, channel: &str) -> Ability;

    /// How many messages an update lets us send to its chat, and for how long, where the channel counts.
    fn window(&self, update: &Update) -> Option<(u32, Millis)>;

    /// The dialogs in force.
    fn dialogs(&self) -> Arc<Dialogs>;

    /// All commands.
    fn forms(&self) -> &[&'static Form];

    /// May this person use the command at all? Decides what help shows; each use case checks for itself.
    fn may(&self, actor: &Self::Actor, form: &Form) -> bool;

    /// Why this person cannot use the command, in a sentence; `None` when it can be tried.
    fn refusal(&self, actor: &Self::Actor, form: &Form) -> Option<String>;

    /// Runs a command that needs no dialog (a list, or one that means something else when it stands alone). Says whether it
    /// was one.
    fn direct(&self, turn: &mut Turn<'_, Self::Actor>, parsed: &Parsed) -> impl Future<Output = Result<bool>> + Send;

    /// Reads words of a command line for a step with a source; `None` leaves it to the dialog. Without words: the only one
    /// that can be meant.
    fn resolve(
        &self,
        turn: &mut Turn<'_, Self::Actor>,
        query: &Query,
        words: &str,
    ) -> impl Future<Output = Result<Option<Resolved>>> + Send;

    /// Answers that a dialog is given once some are known, for its `given` slots.
    fn brought(
        &self,
        turn: &mut Turn<'_, Self::Actor>,
        dialog: &Dialog,
        answers: &Answers,
    ) -> impl Future<Output = Result<Answers>> + Send;

    /// May this person begin the dialog by its start word?
    fn may_start(&self, actor: &Self::Actor, dialog: &Dialog) -> bool;

    /// Must this dialog be continued in private when it is begun in a group?
    fn private(&self, dialog: &Dialog) -> bool;

    /// The choices of a step that takes them from a feature.
    fn items(&self, turn: &mut Turn<'_, Self::Actor>, query: &Query) -> impl Future<Output = Result<Vec<Item>>> + Send;

    /// Gets the answers of a finished dialog or a complete command.
    fn submit(
        &self,
        turn: &mut Turn<'_, Self::Actor>,
        action: &str,
        answers: &Answers,
    ) -> impl Future<Output = Result<Submitted>> + Send;

    /// Gets one answer as soon as it is given, for dialogs that ask for it.
    fn each(
        &self,
        turn: &mut Turn<'_, Self::Actor>,
        action: &str,
        step: &str,
        answers: &Answers,
    ) -> impl Future<Output = Result<()>> + Send;

    /// The names under which questions may wait for this person.
    fn targets(&self, turn: &mut Turn<'_, Self::Actor>) -> impl Future<Output = Result<Vec<Target>>> + Send;

    /// The emergency card, when the words speak of danger to life.
    fn danger(&self, text: &str) -> Option<String>;

    /// Words that are no answer to anything: greetings, thanks.
    fn is_small_talk(&self, text: &str) -> bool;

    /// Words that are a matter of their own, so that they are not taken for the answer to a question nobody has to answer.
    fn begins_anew(&self, actor: &Self::Actor, text: &str) -> bool;

    /// What to make of words, pictures or a place that nothing else took.
    fn open(&self, turn: &mut Turn<'_, Self::Actor>, said: &Said) -> impl Future<Output = Result<Opening>> + Send;

    /// The first ticket number in a text, for a quoted card.
    fn number_in(&self, text: &str) -> Option<String>;

    /// What to say when a command finds nothing to choose from (no ticket waits to be signed).
    fn nothing_for(&self, form: &Form) -> String;

    /// The first lines of 帮助.
    fn help_intro(&self, actor: &Self::Actor) -> String;

    /// Somebody followed or opened the bot.
    fn arrived(&self, turn: &mut Turn<'_, Self::Actor>, scene: Option<&str>) -> impl Future<Output = Result<()>> + Send;

    /// Somebody unfollowed.
    fn left(&self, turn: &mut Turn<'_, Self::Actor>) -> impl Future<Output = Result<()>> + Send;
}
