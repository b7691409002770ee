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
};
use crate::{
    clock::Clock,
    db::{Db, Kind, Tx, mistake},
    error::{Error, Result},
    message::{Address, Millis, Reply, Update},
    metrics::{Metrics, Turned},
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
use tracing::Instrument;

/// Workers on a server. SQLite has one writer.
const WORKERS: usize = 2;

/// What a turn gives back to its hook: the outbox row and the reply it holds, if the HTTP response is to carry one.
#[derive(Debug, Clone)]
pub struct Given {
    /// The row to settle once the reply is handed over or too late.
    pub held: Option<(i64, Reply)>,
    /// What became of the turn.
    pub turned: Turned,
}

/// Why a message could not be taken now; the platform should deliver it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overflow {
    /// The queue is full.
    NoRoom,
    /// The database does not answer.
    NoDatabase,
}

/// When the platform brought the messages of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delivered {
    /// Just now.
    Now,
    /// Earlier: a fault that is run again.
    Before,
}

struct Pending {
    update: Arc<Update>,
    answer: oneshot::Sender<Result<Given, Overflow>>,
    begun: Instant,
}

/// The framework at work for one application.
pub struct Bot<A> {
    pub(super) app: Arc<A>,
    pub(super) db: Db,
    pub(super) clock: Clock,
    pub(super) keys: Keys,
    pub(super) wake: Wake,
    metrics: Metrics,
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
        metrics: Metrics,
        stop: CancellationToken,
    ) -> (Arc<Self>, tokio::task::JoinHandle<()>) {
        let queue = Queue::new(match db.kind() {
            Kind::Sqlite => 1,
            Kind::Postgres => WORKERS,
        });
        let bot = Arc::new(Bot { app, db, clock, keys, wake, metrics, queue, pace: Pace::new() });
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

    /// Takes an update and waits until its turn has been committed. Whoever stops waiting stops nothing: once it has joined the
    /// queue it has its turn, and its reply stays held for the next delivery or the courier.
    ///
    /// # Errors
    /// When there is no room or no database; nothing was kept then and the platform should deliver again.
    pub async fn take(&self, update: impl Into<Arc<Update>>) -> Result<Given, Overflow> {
        let (begun, update) = (Instant::now(), update.into());
        let (answer, given) = oneshot::channel();
        if let Err(overflow) = self.queue.put(&sender(&update.from), Pending { update: update.clone(), answer, begun }).await {
            self.turned(&update, begun, Turned::Overflow);
            return Err(overflow);
        }
        given.await.unwrap_or_else(|_| {
            // Its batch broke off.
            self.turned(&update, begun, Turned::Overflow);
            Err(Overflow::NoRoom)
        })
    }

    fn turned(&self, update: &Update, begun: Instant, turned: Turned) {
        self.metrics.turned(&update.from.channel, turned, begun.elapsed());
        tracing::debug!(channel = update.from.channel, request = update.request, ?turned, "a message had its turn");
    }

    /// Messages that wait for a worker.
    pub fn queued(&self) -> usize {
        self.queue.len()
    }

    /// Must a message wait for room now?
    pub fn is_full(&self) -> bool {
        self.queue.is_full()
    }

    /// One batch. Nothing of it remains when this fails.
    async fn batch(&self, updates: &[&Update]) -> Result<Vec<Given>> {
        self.metrics.batch(updates.len());
        let now = self.clock.now();
        let mut tx = self.db.write().await?;
        let begun = Instant::now();
        let (given, due) = Box::pin(self.turns(&mut tx, updates, Delivered::Now, now)).await?;
        let settled = self.wake.write_settled(&mut tx, now).await?;
        self.pace.worked(updates.len(), begun.elapsed());
        tx.commit().await?;
        settled.kept();
        if due {
            self.wake.wake();
        }
        Ok(given)
    }

    /// The turns of these messages in a transaction that the caller begins and commits. Says too whether the courier has anything to
    /// do now.
    pub(super) async fn turns(
        &self,
        tx: &mut Tx,
        updates: &[&Update],
        delivered: Delivered,
        now: Millis,
    ) -> Result<(Vec<Given>, bool)> {
        let messages: Vec<String> = updates.iter().map(|update| store::message_hash(&self.keys, update)).collect();
        let mut sorted = messages.clone();
        sorted.sort();
        sorted.dedup();
        let mut marks = store::mark_seen(tx, &sorted, now).await?;

        let hashes: Vec<String> = updates.iter().map(|update| conversation_hash(&self.keys, &update.from)).collect();
        let private: Vec<Option<String>> = updates
            .iter()
            .map(|update| update.from.is_group().then(|| conversation_hash(&self.keys, &privately(&update.from))))
            .collect();
        let mut wanted: BTreeMap<String, Address> =
            hashes.iter().cloned().zip(updates.iter().map(|update| update.from.clone())).collect();
        wanted.extend(private.iter().zip(updates).filter_map(|(hash, update)| Some((hash.clone()?, privately(&update.from)))));
        let wanted: Vec<(String, Address)> = wanted.into_iter().collect();
        let mut conversations = store::conversations(tx, &self.keys, &wanted, now).await?;
        let from: Vec<&Address> = updates.iter().map(|update| &update.from).collect();
        let mut actors = self.app.actors(tx, &from, now).await?;

        let mut all = Written::default();
        let mut given = Vec::with_capacity(updates.len());
        // A message that came again opens no window a second time.
        let mut heard = Vec::with_capacity(updates.len());
        // Actors are taken in order; the batch is reversed so that each can be popped instead of cloned.
        actors.reverse();
        for (((update, message), hash), private) in updates.iter().zip(&messages).zip(&hashes).zip(&private) {
            let actor = actors.pop().ok_or_else(|| Error::fault("fewer actors than messages"))?;
            let mark = marks.get_mut(message).ok_or_else(|| Error::fault("a message has no mark"))?;
            let turn_key = mark.turn_key.as_str();
            // Within a batch, too, only the first of two that are the same has a turn.
            if !std::mem::take(&mut mark.fresh) {
                given.push(self.repeated(tx, turn_key, &all).await?);
                continue;
            }
            heard.push(*update);
            let mut here = conversations.remove(hash).ok_or_else(|| Error::fault("a conversation is missing"))?;
            let mut aside = private.as_ref().and_then(|hash| conversations.remove(hash));
            let turn = self.one(tx, update, turn_key, &mut here, aside.as_mut(), actor, now).instrument(span(update));
            let turn = Box::pin(turn).await?;
            conversations.extend([Some(here), aside].into_iter().flatten().map(|one| (one.hash.clone(), one)));
            all.remember(turn_key, update, &turn);
            given.push(all.add(tx, turn_key, turn)?);
        }
        // A message of long ago opens nothing: the time in which its chat may be written to ran from when it came.
        if delivered == Delivered::Before {
            heard.clear();
        }
        let due = self.write(tx, &heard, &conversations, all, now).await?;
        Ok((given, due))
    }

    /// Writes what the turns collected. Says whether the courier has anything to do now.
    pub(super) async fn write(
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
        outbox::write(tx, &self.keys, &all.messages, &all.requests, now).await?;
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
        Ok(Given { held, turned: Turned::Repeated })
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
        let run = AssertUnwindSafe(Box::pin(router::route(&*self.app, &mut turn))).catch_unwind().await;
        let mut turned = Turned::Done;
        match run {
            Ok(Ok(())) => {}
            Ok(Err(Error::User(sentence))) => {
                while turn.tx.depth() > 0 {
                    turn.tx.back().await?;
                }
                turn.say(sentence);
                turned = Turned::Sentence;
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
        Ok(Finished { message, out, conversation: id, ability, turned })
    }
}

/// What a turn came to.
pub(super) struct Finished {
    pub(super) message: Option<Reply>,
    pub(super) out: Collected,
    pub(super) conversation: i64,
    pub(super) ability: crate::channels::Ability,
    pub(super) turned: Turned,
}

/// What a batch will write.
#[derive(Default)]
pub(super) struct Written {
    messages: Vec<(i64, String, bool, Push)>,
    offers: Vec<(i64, super::Offer)>,
    /// The requests that caused the messages, by turn.
    requests: HashMap<String, String>,
}

impl Written {
    /// Keeps the request for the rows of this turn, unless they must not lead to the chat.
    pub(super) fn remember(&mut self, turn_key: &str, update: &Update, turn: &Finished) {
        if turn.out.reply_target.is_none() {
            self.requests.insert(turn_key.to_owned(), update.request.clone());
        }
    }

    pub(super) fn add(&mut self, tx: &Tx, turn_key: &str, turn: Finished) -> Result<Given> {
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
        Ok(Given { held, turned: turn.turned })
    }
}

/// What the log says while a message has its turn.
fn span(update: &Update) -> tracing::Span {
    tracing::error_span!("turn", request = update.request)
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
    let updates: Vec<&Update> = batch.iter().map(|pending| &*pending.update).collect();
    match bot.db.patiently(bot.batch(&updates)).await {
        Ok(given) => batch.into_iter().zip(given).for_each(|(pending, given)| answer_hook(bot, pending, Ok(given))),
        // One by one they would only wait one after the other for what none of them can have.
        Err(error) if bot.db.noticed(&error) => {
            batch.into_iter().for_each(|pending| answer_hook(bot, pending, Err(Overflow::NoDatabase)));
        }
        Err(error) => {
            let size = batch.len();
            if size > 1 {
                tracing::warn!(error = %error, size, "a batch of {size} failed and runs again one by one: {error}");
            }
            for pending in batch {
                let result = alone(bot, &pending.update).instrument(span(&pending.update)).await;
                answer_hook(bot, pending, result);
            }
        }
    }
}

/// Tells a hook what came of its message.
fn answer_hook<A: App>(bot: &Bot<A>, pending: Pending, result: Result<Given, Overflow>) {
    bot.turned(&pending.update, pending.begun, result.as_ref().map_or(Turned::Overflow, |given| given.turned));
    // Nobody may be waiting any more; the reply stays held then.
    let _ = pending.answer.send(result);
}

/// A message by itself. Trouble of the database is never a fault of the message: it was not seen and comes again.
async fn alone<A: App>(bot: &Bot<A>, update: &Update) -> Result<Given, Overflow> {
    match bot.db.patiently(bot.batch(&[update])).await {
        Ok(mut given) => Ok(given.pop().unwrap_or(Given { held: None, turned: Turned::Done })),
        Err(error) => match mistake(&error) {
            Some(why) => bot.db.patiently(bot.failed(update, &why)).await.map_err(|error| {
                if !bot.db.noticed(&error) {
                    tracing::error!(error = %error, "a fault could not be written down: {error}");
                }
                Overflow::NoDatabase
            }),
            None => {
                if !bot.db.noticed(&error) {
                    tracing::warn!(error = %error, "a message could not be handled and will be delivered again: {error}");
                }
                Err(Overflow::NoDatabase)
            }
        },
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
