//! One turn: what a use case may touch, and what it collects to be written with the batch.

use super::{dialog, wording};
use crate::{
    channels::Ability,
    db::Tx,
    error::Result,
    message::{Address, Choice, Content, Millis, Reply, Said, Update},
    outbox::{Class, Push, Target},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a conversation remembers between messages. Kept as JSON in its row.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    /// The dialog in progress.
    pub dialog: Option<dialog::State>,
    /// The offer that opened it.
    pub offer: Option<i64>,
    /// The dialog that a command interrupted, with its offer.
    pub under: Option<(dialog::State, Option<i64>)>,
    /// What the application keeps here, by name (the list that was shown last, the last result).
    pub notes: BTreeMap<String, String>,
}

impl Memory {
    /// Lets a dialog begin, over the one in progress if there is one. Only one waits below: a command that interrupts another
    /// command takes its place, and what that one had interrupted is not lost.
    pub(super) fn begin(&mut self, state: dialog::State, offer: Option<i64>) {
        if let Some(below) = self.dialog.take()
            && self.under.is_none()
        {
            self.under = Some((below, self.offer));
        }
        self.dialog = Some(state);
        self.offer = offer;
    }
}

/// A push that asks something, to be answered in the recipient's own time.
#[derive(Debug, Clone)]
pub struct Offer {
    /// Whom it asks.
    pub target: Target,
    /// The dialog that takes the answer.
    pub dialog: &'static str,
    /// Answers that are given already.
    pub preset: dialog::Answers,
    /// The ticket it is about.
    pub ticket: i64,
    /// Urgent ones come first.
    pub urgent: bool,
    /// Nothing depends on the answer, so every other question comes before it.
    pub optional: bool,
    /// After this it is no longer asked.
    pub expires_at: Millis,
}

/// The priority of an offer on whose answer nothing depends.
pub(super) const OPTIONAL: i32 = 2;

impl Offer {
    /// 0 comes first.
    pub(super) fn priority(&self) -> i32 {
        match (self.urgent, self.optional) {
            (_, true) => OPTIONAL,
            (true, false) => 0,
            (false, false) => 1,
        }
    }
}

/// What a turn collects; nothing of it is kept when the turn fails.
#[derive(Debug, Default)]
pub struct Collected {
    pub(super) replies: Vec<Reply>,
    pub(super) reply_target: Option<Target>,
    pub(super) pushes: Vec<Push>,
    pub(super) offers: Vec<(i64, Offer)>,
    pub(super) danger: Option<String>,
}

/// One message being handled.
pub struct Turn<'t, A> {
    /// The batch's transaction. A use case never begins, commits or rolls back.
    pub tx: &'t mut Tx,
    /// Now.
    pub now: Millis,
    /// Who acts.
    pub actor: A,
    /// What they did.
    pub update: &'t Update,
    /// Names the turn in all that it causes.
    pub key: &'t str,
    /// The files of this message.
    pub media: Vec<dialog::MediaId>,
    /// The conversation's id.
    pub conversation: i64,
    /// What the channel of this chat can do.
    pub ability: Ability,
    /// What the conversation remembers.
    pub memory: &'t mut Memory,
    /// In a group: the sender's private conversation here, for what the group must not read.
    pub private: Option<(i64, &'t mut Memory)>,
    /// This conversation did not exist before.
    pub new: bool,
    pub(super) out: Collected,
}

impl<A> Turn<'_, A> {
    /// Where the message came from.
    pub fn from(&self) -> &Address {
        &self.update.from
    }

    /// Is this a group, where an answer is seen by everybody in it?
    pub fn in_group(&self) -> bool {
        self.update.from.is_group()
    }

    /// What was said, if something was said.
    pub fn said(&self) -> Option<&Said> {
        match &self.update.content {
            Content::Said(said) => Some(said),
            _ => None,
        }
    }

    /// Says something in this chat. Several sayings of a turn become one message.
    pub fn say(&mut self, reply: impl Into<Reply>) {
        self.out.replies.push(reply.into());
    }

    /// Says something before all else that this turn says.
    pub(super) fn say_first(&mut self, reply: impl Into<Reply>) {
        self.out.replies.insert(0, reply.into());
    }

    /// How much has been collected, to come back to with [`Turn::undo`].
    pub(super) fn mark(&self) -> [usize; 3] {
        [self.out.replies.len(), self.out.pushes.len(), self.out.offers.len()]
    }

    /// Drops what was collected since the mark.
    pub(super) fn undo(&mut self, [replies, pushes, offers]: [usize; 3]) {
        self.out.replies.truncate(replies);
        self.out.pushes.truncate(pushes);
        self.out.offers.truncate(offers);
        self.out.reply_target = None;
    }

    /// Lets this turn's answer be recorded under another name than the chat's: for an anonymous reporter, so that nothing
    /// stored leads from the ticket to the chat.
    pub fn answer_as(&mut self, target: Target) {
        self.out.reply_target = Some(target);
    }

    /// Sends a message to somebody.
    pub fn push(&mut self, push: Push) {
        self.out.pushes.push(push);
    }

    /// Says something to the sender alone: here in a private chat, and as a private message out of a group.
    pub fn say_privately(&mut self, person: i64, reply: impl Into<Reply>) {
        let reply = reply.into();
        if self.in_group() {
            let target = Target::Person(person);
            self.push(Push { target, ticket: None, class: Class::Reply, reply, except: None, urgent: false });
            return;
        }
        self.say(reply);
    }

    /// Leaves a question for somebody. The push that shows it is sent by the caller.
    ///
    /// # Errors
    /// When no ids are left.
    pub fn offer(&mut self, offer: Offer) -> Result<()> {
        let id = self.tx.id()?;
        self.out.offers.push((id, offer));
        Ok(())
    }

    /// The turn's one message, with the emergency card first; `None` when nothing is to be said.
    pub(super) fn message(&mut self) -> Option<Reply> {
        let mut parts = std::mem::take(&mut self.out.replies);
        if let Some(danger) = self.out.danger.take() {
            parts.insert(0, Reply::text(danger));
        }
        let mut message = joined(&parts)?;
        if self.in_group() && !self.update.from.account.is_empty() {
            message.mention = vec![self.update.from.account.clone()];
        }
        Some(message)
    }
}

/// Several replies as one message: texts one below the other, the last choices, the last card.
pub fn joined(parts: &[Reply]) -> Option<Reply> {
    let mut message = Reply::default();
    for part in parts {
        if !part.text.is_empty() {
            if !message.text.is_empty() {
                // Choices of an earlier part would be lost; they become lines of text.
                message.text = std::mem::take(&mut message).as_text();
                message.text.push_str("\n\n");
            }
            message.text.push_str(&part.text);
        }
        if !part.choices.is_empty() {
            message.choices.clone_from(&part.choices);
        }
        if part.card.is_some() {
            message.card.clone_from(&part.card);
        }
    }
    (!message.text.is_empty() || message.card.is_some()).then_some(message)
}

impl From<String> for Reply {
    fn from(text: String) -> Self {
        Reply::text(text)
    }
}

impl From<&str> for Reply {
    fn from(text: &str) -> Self {
        Reply::text(text)
    }
}

/// A chip that types these words for the person.
pub fn shortcut(words: impl Into<String>) -> Choice {
    let words = words.into();
    Choice { number: None, payload: format!("{}{words}", wording::TYPED), text: words }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_an_answer_become_one_message_and_no_choice_is_lost() {
        let choice = |number, text: &str| Choice { number: Some(number), text: text.into(), payload: String::new() };
        let first = Reply { text: "一".into(), choices: vec![choice(1, "甲")], ..Reply::default() };
        let second = Reply { text: "二".into(), choices: vec![choice(1, "乙")], ..Reply::default() };
        let message = joined(&[first, second]).unwrap();
        assert_eq!(message.as_text(), "一\n1. 甲\n\n二\n1. 乙");
        assert_eq!(joined(&[Reply::default()]), None);
    }
}
