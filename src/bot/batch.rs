//! Turns in batches: what waits together runs in one transaction.
//!
//! A batch marks its messages as seen, loads and locks their conversations, runs each turn, writes what the turns
//! collected as multi-row statements, and commits. One waiting message is a batch of one. When the batch itself fails,
//! nothing was seen, and its messages run again one by one; only a message that fails alone is a fault.

use super::{
    App, Collected, Turn,
    queue::{Pace, Queue},
    router,
    store::{self, Conversation, conversation_hash},
    wording,
};
use crate::{
    clock::Clock,
    db::{Db, Kind, Tx},
    error::{Error, Result},
    message::{Address, Millis, Reply, Update},
    outbox::{self, Class, Push, Target, Wake, courier::window_hash},
    seal::Keys,
    text,
};
use futures_util::FutureExt;
use std::{
    collections::{BTreeMap, HashMap},
    panic::AssertUnwindSafe,
    sync::Arc,
};
use tokio::{sync::oneshot, time::Instant};
use tokio_util::sync::CancellationToken;

/// Workers on a server. SQLite has one writer.
const WORKERS: usize = 2;

/// What a turn gives back to its hook: the outbox row and the reply it holds, if the HTTP response is to carry one.
#[derive(Debug, Clone)]
pub struct Given {
    /// The row to settle once the reply is handed over or too late.
    pub held: Option<(i64, Reply)>,
}

/// Why a message could not be taken now; the platform should deliver it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overflow {
    /// The queue is full.
    NoRoom,
    /// The database does not answer.
    NoDatabase,
}

struct Pending {
    update: Update,
    answer: oneshot::Sender<Result<Given, Overflow>>,
}

/// The framework at work for one application.
pub struct Bot<A> {
    pub(super) app: Arc<A>,
    pub(super) db: Db,
    pub(super) clock: Clock,
    pub(super) keys: Keys,
    pub(super) wake: Wake,
    queue: Queue<Pending>,
    pace: Pace,
}

impl<A: App> Bot<A> {
    /// A bot and its workers, which run until `stop`, after finishing what waits.
    pub fn start(
        app: Arc<A>,
        db: Db,
        clock: Clock,
        keys: Keys,
        wake: Wake,
        stop: CancellationToken,
    ) -> (Arc<Self>, tokio::task::JoinHandle<()>) {
        let queue = Queue::new(match db.kind() {
            Kind::Sqlite => 1,
            Kind::Postgres => WORKERS,
        });
        let bot = Arc::new(Bot { app, db, clock, keys, wake, queue, pace: Pace::new() });
        let working = bot.clone();
        let workers = tokio::spawn(async move {
            let workers: Vec<_> =
                (0..working.queue.workers()).map(|number| tokio::spawn(work(working.clone(), number))).collect();
            stop.cancelled().await;
            working.queue.close();
            futures_util::future::join_all(workers).await;
        });
        (bot, workers)
    }

    /// Takes an update and waits until its turn has been committed.
    ///
    /// # Errors
    /// When there is no room or no database; nothing was kept then and the platform should deliver again.
    pub async fn take(&self, update: Update) -> Result<Given, Overflow> {
        let sender = sender(&update.from);
        let (answer, given) = oneshot::channel();
        self.queue.put(&sender, Pending { update, answer }).await?;
        given.await.unwrap_or(Err(Overflow::NoRoom))
    }

    /// Messages that wait for a worker.
    pub fn queued(&self) -> usize {
        self.queue.len()
    }

    /// The keyed hash of an update's key.
    pub fn turn_key(&self, update: &Update) -> String {
        self.keys.hash("turn", &update.key)
    }

    /// One batch. Nothing of it remains when this fails.
    async fn batch(&self, updates: &[&Update]) -> Result<Vec<Given>> {
        let now = self.clock.now();
        let turn_keys: Vec<String> = updates.iter().map(|update| self.turn_key(update)).collect();
        let mut tx = self.db.write().await?;
        let begun = Instant::now();
        let mut sorted = turn_keys.clone();
        sorted.sort();
        sorted.dedup();
        let mut fresh = store::mark_seen(&mut tx, &sorted, now).await?;

        let hashes: Vec<String> = updates.iter().map(|update| conversation_hash(&self.keys, &update.from)).collect();
        let private: Vec<Option<String>> = updates
            .iter()
            .map(|update| update.from.is_group().then(|| conversation_hash(&self.keys, &privately(&update.from))))
            .collect();
        let mut wanted: BTreeMap<String, Address> =
            hashes.iter().cloned().zip(updates.iter().map(|update| update.from.clone())).collect();
        wanted.extend(private.iter().zip(updates).filter_map(|(hash, update)| Some((hash.clone()?, privately(&update.from)))));
        let wanted: Vec<(String, Address)> = wanted.into_iter().collect();
        let mut conversations = store::conversations(&mut tx, &self.keys, &wanted, now).await?;
        let from: Vec<&Address> = updates.iter().map(|update| &update.from).collect();
        let mut actors = self.app.actors(&mut tx, &from, now).await?;

        let mut all = Written::default();
        let mut given = Vec::with_capacity(updates.len());
        // Actors are taken in order; the batch is reversed so that each can be popped instead of cloned.
        actors.reverse();
        for (((update, turn_key), hash), private) in updates.iter().zip(&turn_keys).zip(&hashes).zip(&private) {
            let actor = actors.pop().ok_or_else(|| Error::fault("fewer actors than messages"))?;
            if !fresh.remove(turn_key) {
                given.push(self.repeated(&mut tx, turn_key, &all).await?);
                continue;
            }
            let mut here = conversations.remove(hash).ok_or_else(|| Error::fault("a conversation is missing"))?;
            let mut aside = private.as_ref().and_then(|hash| conversations.remove(hash));
            let turn = self.one(&mut tx, update, turn_key, &mut here, aside.as_mut(), actor, now).await?;
            conversations.extend([Some(here), aside].into_iter().flatten().map(|one| (one.hash.clone(), one)));
            given.push(all.add(&tx, turn_key, turn)?);
        }
        let settled = self.wake.write_settled(&mut tx, now).await?;
        let due = self.write(&mut tx, updates, &conversations, all, now).await?;
        self.pace.worked(updates.len(), begun.elapsed());
        tx.commit().await?;
        settled.kept();
        if due {
            self.wake.wake();
        }
        Ok(given)
    }

    /// A message that fails by itself: kept as a fault and answered neutrally, so that the platform does not bring it again.
    async fn failed(&self, update: &Update, why: &str) -> Result<Given> {
        let now = self.clock.now();
        let turn_key = self.turn_key(update);
        let mut tx = self.db.write().await?;
        store::mark_seen(&mut tx, std::slice::from_ref(&turn_key), now).await?;
        let wanted = [(conversation_hash(&self.keys, &update.from), update.from.clone())];
        let conversations = store::conversations(&mut tx, &self.keys, &wanted, now).await?;
        let conversation = conversations.values().next().ok_or_else(|| Error::fault("a conversation is missing"))?;
        let (id, version) = (conversation.id, conversation.version);
        let fault = store::write_fault(&mut tx, &self.keys, &turn_key, (id, version), update, why, now).await?;
        let mut all = Written::default();
        let turn = Finished {
            message: Some(Reply::text(wording::fault())),
            out: Collected::default(),
            conversation: id,
            ability: self.app.ability(&update.from.channel),
        };
        let given = all.add(&tx, &turn_key, turn)?;
        self.write(&mut tx, &[update], &conversations, all, now).await?;
        tx.commit().await?;
        self.wake.wake();
        tracing::error!(fault, reason = %why, "fault {fault}: a message failed by itself: {why}");
        Ok(given)
    }

    /// Writes what the turns collected. Says whether the courier has anything to do now.
    async fn write(
        &self,
        tx: &mut Tx,
        updates: &[&Update],
        conversations: &HashMap<String, Conversation>,
        all: Written,
        now: Millis,
    ) -> Result<bool> {
        let heard: Vec<_> =
            updates.iter().map(|update| (*update, window_hash(&self.keys, &update.from), self.app.window(update))).collect();
        let opened = store::open_windows(tx, &self.keys, &heard, now).await?;
        let released = outbox::release_kept(tx, &opened, now).await?;
        outbox::write(tx, &self.keys, &all.messages, now).await?;
        store::write_offers(tx, &all.offers, now).await?;
        let changed: Vec<&Conversation> = conversations.values().filter(|conversation| conversation.changed).collect();
        store::save(tx, &self.keys, &changed, now).await?;
        Ok(released || all.messages.iter().any(|(_, _, held, _)| !held))
    }

    /// The stored answer of a message that came again.
    async fn repeated(&self, tx: &mut Tx, turn_key: &str, all: &Written) -> Result<Given> {
        let in_this_batch = all.messages.iter().find(|(_, key, held, _)| key == turn_key && *held);
        let held = match in_this_batch {
            Some((id, _, _, push)) => Some((*id, push.reply.clone())),
            None => outbox::stored_answer(tx.conn(), &self.keys, turn_key).await?,
        };
        Ok(Given { held })
    }

    /// One turn. A sentence for the person ends it well; any other error, and a panic, fails the batch.
    #[expect(clippy::too_many_arguments, reason = "all of them become the turn")]
    async fn one(
        &self,
        tx: &mut Tx,
        update: &Update,
        turn_key: &str,
        conversation: &mut Conversation,
        mut private: Option<&mut Conversation>,
        actor: A::Actor,
        now: Millis,
    ) -> Result<Finished> {
        let ability = self.app.ability(&update.from.channel);
        let before = conversation.memory.clone();
        let private_before = private.as_ref().map(|private| private.memory.clone());
        let (id, new) = (conversation.id, std::mem::take(&mut conversation.new));
        let mut turn = Turn {
            tx: &mut *tx,
            now,
            actor,
            update,
            key: turn_key,
            media: Vec::new(),
            conversation: id,
            ability,
            memory: &mut conversation.memory,
            private: private.as_deref_mut().map(|private| (private.id, &mut private.memory)),
            new,
            out: Collected::default(),
        };
        let run = AssertUnwindSafe(router::route(&*self.app, &mut turn)).catch_unwind().await;
        match run {
            Ok(Ok(())) => {}
            Ok(Err(Error::User(sentence))) => {
                while turn.tx.depth() > 0 {
                    turn.tx.back().await?;
                }
                turn.say(sentence);
            }
            // The whole batch is undone: what this turn has already kept would stand without its messages.
            Ok(Err(error)) => return Err(error),
            Err(_) => return Err(Error::fault("panic")),
        }
        let message = turn.message();
        let out = std::mem::take(&mut turn.out);
        conversation.changed |= conversation.memory != before;
        if let (Some(private), Some(before)) = (private, private_before) {
            private.changed |= private.memory != before;
        }
        Ok(Finished { message, out, conversation: id, ability })
    }
}

/// What a turn came to.
struct Finished {
    message: Option<Reply>,
    out: Collected,
    conversation: i64,
    ability: crate::channels::Ability,
}

/// What a batch will write.
#[derive(Default)]
struct Written {
    messages: Vec<(i64, String, bool, Push)>,
    offers: Vec<(i64, super::Offer)>,
}

impl Written {
    fn add(&mut self, tx: &Tx, turn_key: &str, turn: Finished) -> Result<Given> {
        let mut held = None;
        if let Some(message) = turn.message {
            let target = turn.out.reply_target.unwrap_or(Target::Chat(turn.conversation));
            let mut pieces = pieces(&message, turn.ability.max_bytes, turn.ability.chips).into_iter();
            if let Some(first) = pieces.next() {
                let id = tx.id()?;
                if turn.ability.answers {
                    held = Some((id, first.clone()));
                }
                self.messages.push((id, turn_key.to_owned(), turn.ability.answers, answer(target.clone(), first)));
            }
            for piece in pieces {
                self.messages.push((tx.id()?, turn_key.to_owned(), false, answer(target.clone(), piece)));
            }
        }
        for push in turn.out.pushes {
            self.messages.push((tx.id()?, turn_key.to_owned(), false, push));
        }
        self.offers.extend(turn.out.offers);
        Ok(Given { held })
    }
}

fn privately(from: &Address) -> Address {
    Address { group: None, ..from.clone() }
}

fn answer(target: Target, reply: Reply) -> Push {
    Push { target, ticket: None, class: Class::Reply, reply, except: None, urgent: false }
}

/// A message in pieces that the channel can carry; choices, card and mention stay with the last.
fn pieces(message: &Reply, max_bytes: usize, chips: bool) -> Vec<Reply> {
    let text = if chips { message.text.clone() } else { message.as_text() };
    if text.len() <= max_bytes {
        return vec![message.clone()];
    }
    let mut pieces: Vec<Reply> = text::split(&text, max_bytes).into_iter().map(Reply::text).collect();
    if let Some(last) = pieces.last_mut() {
        last.card.clone_from(&message.card);
        last.mention.clone_from(&message.mention);
        if chips {
            last.choices.clone_from(&message.choices);
        }
    }
    pieces
}

/// Whose line a message joins: everything of one account in a channel, in groups too.
fn sender(from: &Address) -> String {
    let who = if from.account.is_empty() { from.group.as_deref().unwrap_or_default() } else { &from.account };
    format!("{}|{who}", from.channel)
}

/// A worker: takes what waits, runs it as one batch, answers the hooks.
async fn work<A: App>(bot: Arc<Bot<A>>, number: usize) {
    while let Some(batch) = bot.queue.next(number, bot.pace.most()).await {
        // A task of its own: when it breaks off its hooks hear that nothing came of it, and the worker goes on.
        let shared = bot.clone();
        if let Err(error) = tokio::spawn(async move { run(&shared, batch).await }).await {
            tracing::error!(error = %error, "a batch broke off: {error}");
        }
    }
}

async fn run<A: App>(bot: &Bot<A>, batch: Vec<Pending>) {
    let updates: Vec<&Update> = batch.iter().map(|pending| &pending.update).collect();
    let results = match bot.batch(&updates).await {
        Ok(given) => given.into_iter().map(Ok).collect(),
        Err(error) if batch.len() > 1 => {
            tracing::warn!(error = %error, size = batch.len(), "a batch of {} failed and runs again one by one: {error}", batch.len());
            let mut results = Vec::with_capacity(batch.len());
            for update in &updates {
                results.push(alone(bot, update).await);
            }
            results
        }
        Err(_) => vec![alone(bot, updates[0]).await],
    };
    for (pending, result) in batch.into_iter().zip(results) {
        let held = result.as_ref().ok().and_then(|given| given.held.as_ref().map(|(row, _)| *row));
        if pending.answer.send(result).is_err()
            && let Some(row) = held
        {
            // The hook has gone, so nobody will hand the reply over: it is the courier's.
            bot.wake.settle(row, false);
        }
    }
}

/// A message by itself. Trouble of the database is never a fault of the message: it was not seen and comes again.
async fn alone<A: App>(bot: &Bot<A>, update: &Update) -> Result<Given, Overflow> {
    match bot.batch(&[update]).await {
        Ok(mut given) => Ok(given.pop().unwrap_or(Given { held: None })),
        Err(Error::Fault(why)) => bot.failed(update, &why).await.map_err(|error| {
            tracing::error!(error = %error, "a fault could not be written down: {error}");
            Overflow::NoDatabase
        }),
        Err(error) => {
            tracing::error!(error = %error, "a message could not be handled and will be delivered again: {error}");
            Err(Overflow::NoDatabase)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_answer_is_cut_and_keeps_its_choices_last() {
        let choice = crate::message::Choice { number: Some(1), text: "提交".into(), payload: "x".into() };
        let message = Reply { text: "水".repeat(1_000), choices: vec![choice], ..Reply::default() };
        let parts = pieces(&message, 2_048, false);
        assert!(parts.iter().all(|part| part.as_text().len() <= 2_048));
        assert!(parts.last().unwrap().text.ends_with("1. 提交"));
        assert_eq!(pieces(&message, 8_192, true), [message]);
    }
}
