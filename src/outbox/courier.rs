//! The courier: claims due rows, finds the way to their recipients, sends, records how it went.
//!
//! One row at a time per lane, oldest first, so that "accepted" never arrives after "assigned". No network call happens
//! inside a transaction: claiming commits a lease, sending follows, recording commits the outcome.

use super::{
    BATCH_EVERY, Class, Push, Target, WORTH, after_quiet, retry_after,
    store::{COLUMNS, Waiting, handed, marked_pending, sealed, skip_locked},
};
use crate::{
    channels::{Ability, Outcome, Way},
    clock::{Clock, MINUTE, local},
    db::{Db, Tx},
    error::Result,
    message::{Address, Millis, Reply, Via},
    seal::{Keys, random},
};
use chrono::Datelike;
use sqlx::{AssertSqlSafe, Row};
use std::{
    collections::{HashMap, HashSet},
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

/// Rows claimed at once.
const AT_ONCE: i64 = 16;
/// Longer than any HTTP limit of the channels.
const LEASE: Millis = MINUTE;
/// A session address is left alone this long before its end.
const SESSION_MARGIN: Millis = 5 * MINUTE;
/// The courier looks by itself this often; a wake makes it look at once.
const BEAT: Duration = Duration::from_secs(1);
/// Administrators hear of a quota when this share of it, in percent, is used up.
const QUOTA_WARNING: i64 = 70;

/// Where a target leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Addresses of one recipient, best first.
    Addresses(Vec<Address>),
    /// Other targets in its place (the holders of a role).
    Targets(Vec<Target>),
}

/// What the courier needs from the house: where targets live, and how channels send.
pub trait Post: Send + Sync + 'static {
    /// Where a target leads now; `except` is a person who must not be among a role's holders.
    fn find(&self, tx: &mut Tx, target: &Target, except: Option<i64>) -> impl Future<Output = Result<Found>> + Send;
    /// Sends one message; never called inside a transaction.
    fn send(&self, to: &Address, way: &Way, reply: &Reply) -> impl Future<Output = Outcome> + Send;
    /// What a channel can do; `None` for a channel that is no longer configured.
    fn ability(&self, channel: &str) -> Option<Ability>;
    /// Can this channel send something when its window is closed?
    fn has_template(&self, channel: &str) -> bool;
    /// A text that no platform refuses, in place of one that was refused.
    fn neutral(&self) -> Reply;
    /// Several messages for one recipient as one list.
    fn merged(&self, replies: &[Reply]) -> Reply;
    /// What to tell administrators when a channel's quota runs low.
    fn quota_warning(&self, channel: &str, used: i64, limit: i64) -> Vec<Push>;
}

/// Wakes the courier and tells it which held replies have travelled in an HTTP response.
#[derive(Debug, Clone)]
pub struct Wake {
    notify: Arc<Notify>,
    held: mpsc::UnboundedSender<(i64, bool)>,
}

impl Wake {
    /// Something may be due.
    pub fn wake(&self) {
        self.notify.notify_one();
    }

    /// A held reply was handed over in time, or was too late and is the courier's.
    pub fn settle(&self, row: i64, handed: bool) {
        // The receiver is gone only when the program ends; the row's own time then brings it to the next courier.
        let _ = self.held.send((row, handed));
        self.notify.notify_one();
    }
}

/// The courier of one process.
pub struct Courier<P> {
    db: Db,
    clock: Clock,
    keys: Keys,
    post: Arc<P>,
    notify: Arc<Notify>,
    held: mpsc::UnboundedReceiver<(i64, bool)>,
    halted: Mutex<HashMap<String, Millis>>,
}

/// A row on its way.
struct Parcel {
    row: Waiting,
    to: Address,
    way: Way,
    window: String,
    tried: String,
}

/// What the choice of a way came to.
enum Choice {
    Go(Address, Way, String),
    Keep(String),
    Wait(Millis),
    Nobody,
}

impl<P: Post> Courier<P> {
    /// A courier and the handle that wakes it.
    pub fn new(db: Db, clock: Clock, keys: Keys, post: Arc<P>) -> (Self, Wake) {
        let notify = Arc::new(Notify::new());
        let (held_in, held) = mpsc::unbounded_channel();
        let wake = Wake { notify: notify.clone(), held: held_in };
        (Courier { db, clock, keys, post, notify, held, halted: Mutex::default() }, wake)
    }

    /// Works until it is told to stop, then finishes what is in hand.
    pub async fn run(mut self, stop: CancellationToken) {
        loop {
            let worked = match self.round().await {
                Ok(worked) => worked,
                Err(error) => {
                    tracing::error!(error = %error, "the courier could not work: {error}");
                    false
                }
            };
            if stop.is_cancelled() && !worked {
                return;
            }
            if !worked {
                tokio::select! {
                    () = self.notify.notified() => {}
                    () = tokio::time::sleep(BEAT) => {}
                    () = stop.cancelled() => {}
                }
            }
        }
    }

    /// One round: settle, claim, send, record. Says whether there was anything to do.
    async fn round(&mut self) -> Result<bool> {
        let mut settled = (Vec::new(), Vec::new());
        while let Ok((row, was_handed)) = self.held.try_recv() {
            if was_handed { settled.0.push(row) } else { settled.1.push(row) }
        }
        let (worked, parcels) = self.claim(&settled.0, &settled.1).await?;
        if parcels.is_empty() {
            return Ok(worked);
        }
        let outcomes = futures_util::future::join_all(
            parcels.iter().map(|parcel| self.post.send(&parcel.to, &parcel.way, &parcel.row.reply)),
        )
        .await;
        self.record(parcels.into_iter().zip(outcomes).collect()).await?;
        Ok(true)
    }

    /// Takes due rows under a lease, in one transaction.
    async fn claim(&self, handed_ids: &[i64], late_ids: &[i64]) -> Result<(bool, Vec<Parcel>)> {
        let now = self.clock.now();
        if handed_ids.is_empty() && late_ids.is_empty() && !self.anything_due(now).await? {
            return Ok((false, Vec::new()));
        }
        let mut tx = self.db.write().await?;
        handed(&mut tx, handed_ids, now).await?;
        marked_pending(&mut tx, late_ids, now).await?;
        let rows = due(&mut tx, &self.keys, now).await?;
        let mut worked = !rows.is_empty();
        let mut parcels = Vec::new();
        let mut lanes = HashSet::new();
        for (row, tried) in rows {
            if row.expires_at <= now {
                set_state(&mut tx, row.id, "expired", "too old").await?;
            } else if matches!(row.target, Target::Role { .. }) {
                self.expand(&mut tx, &row, now).await?;
            } else if lanes.insert(row.target.lane()) {
                match self.prepare(&mut tx, row, tried, now).await? {
                    Some(parcel) => parcels.push(parcel),
                    None => worked = true,
                }
            }
        }
        tx.commit().await?;
        Ok((worked, parcels))
    }

    /// A look without the right to write, so that an idle courier disturbs nobody.
    async fn anything_due(&self, now: Millis) -> Result<bool> {
        let mut conn = self.db.read().await?;
        let due: Option<i64> = sqlx::query_scalar(
            "SELECT id FROM outbox WHERE state IN ('pending', 'held', 'sending') AND not_before <= $1 AND (state <> 'sending' OR lease_until <= $2) LIMIT 1",
        )
        .bind(now)
        .bind(now)
        .fetch_optional(&mut *conn)
        .await?;
        Ok(due.is_some())
    }

    /// Puts the holders of a role, or their group, in place of the role.
    async fn expand(&self, tx: &mut Tx, row: &Waiting, now: Millis) -> Result<()> {
        let Found::Targets(targets) = self.post.find(tx, &row.target, row.except).await? else {
            tracing::warn!(row = row.id, "outbox row {} is for a role that nobody holds", row.id);
            return set_state(tx, row.id, "undeliverable", "nobody holds the role").await;
        };
        for target in targets {
            let id = tx.id()?;
            sqlx::query(
                "INSERT INTO outbox (id, turn_key, ticket_id, target, lane, class, body, at, not_before, expires_at, tries, state, lease_until)
                 SELECT $1, turn_key, ticket_id, $2, $3, class, body, at, $4, expires_at, 0, 'pending', 0 FROM outbox WHERE id = $5",
            )
            .bind(id)
            .bind(target.to_string())
            .bind(target.lane())
            .bind(now)
            .bind(row.id)
            .execute(tx.conn())
            .await?;
        }
        set_state(tx, row.id, "superseded", "given to the holders").await
    }

    /// Chooses the way of one row and takes the lease, or says when to come back.
    async fn prepare(&self, tx: &mut Tx, mut row: Waiting, tried: String, now: Millis) -> Result<Option<Parcel>> {
        if row.class == Class::Batch {
            let lane = row.target.lane();
            let last: Option<i64> = sqlx::query_scalar(
                "SELECT CAST(MAX(sent_at) AS BIGINT) FROM outbox WHERE lane = $1 AND class = 'batch' AND state = 'sent'",
            )
            .bind(&lane)
            .fetch_one(tx.conn())
            .await?;
            if let Some(next) = last.map(|last| last + BATCH_EVERY).filter(|next| *next > now) {
                sqlx::query(
                    "UPDATE outbox SET not_before = $1 WHERE lane = $2 AND state IN ('pending', 'held', 'sending', 'kept')
                     AND class = 'batch' AND state = 'pending' AND not_before < $1",
                )
                .bind(after_quiet(next))
                .bind(&lane)
                .execute(tx.conn())
                .await?;
                return Ok(None);
            }
            self.gather(tx, &mut row, &lane, now).await?;
        }
        if let Some(private) = row.reply.private.take()
            && !matches!(row.target, Target::Group(_))
        {
            row.reply.text = private;
        }
        let Found::Addresses(addresses) = self.post.find(tx, &row.target, row.except).await? else {
            set_state(tx, row.id, "undeliverable", "no address").await?;
            return Ok(None);
        };
        match self.choose(tx, &addresses, &tried, now).await? {
            Choice::Go(to, way, window) => {
                sqlx::query("UPDATE outbox SET state = 'sending', lease_until = $1, tries = tries + 1 WHERE id = $2")
                    .bind(now + LEASE)
                    .bind(row.id)
                    .execute(tx.conn())
                    .await?;
                row.tries += 1;
                Ok(Some(Parcel { row, to, way, window, tried }))
            }
            Choice::Keep(hash) => {
                self.keep(tx, row, &hash).await?;
                Ok(None)
            }
            Choice::Wait(until) => {
                sqlx::query("UPDATE outbox SET not_before = $1, state = 'pending' WHERE id = $2")
                    .bind(until)
                    .bind(row.id)
                    .execute(tx.conn())
                    .await?;
                Ok(None)
            }
            Choice::Nobody => {
                tracing::warn!(row = row.id, "outbox row {} has no recipient that can be reached", row.id);
                set_state(tx, row.id, "undeliverable", "no address").await?;
                Ok(None)
            }
        }
    }

    /// Makes one list of a lane's waiting batch rows.
    async fn gather(&self, tx: &mut Tx, row: &mut Waiting, lane: &str, now: Millis) -> Result<()> {
        let others = sqlx::query(AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM outbox WHERE lane = $1 AND state IN ('pending', 'held', 'sending', 'kept')
             AND class = 'batch' AND state = 'pending' AND not_before <= $2 AND id <> $3 ORDER BY id"
        )))
        .bind(lane.to_owned())
        .bind(now)
        .bind(row.id)
        .fetch_all(tx.conn())
        .await?;
        if others.is_empty() {
            return Ok(());
        }
        let mut replies = vec![std::mem::take(&mut row.reply)];
        for other in &others {
            let other = Waiting::from_row(other, &self.keys)?;
            set_state(tx, other.id, "superseded", "in one list").await?;
            replies.push(other.reply);
        }
        row.reply = self.post.merged(&replies);
        row.ticket = None;
        rewrite(tx, &self.keys, row).await
    }

    /// Keeps a message for the next contact, as one with what is kept there about the same ticket.
    async fn keep(&self, tx: &mut Tx, mut row: Waiting, hash: &str) -> Result<()> {
        let older = sqlx::query(AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM outbox WHERE lane = $1 AND state IN ('pending', 'held', 'sending', 'kept')
             AND state = 'kept' AND ticket_id = $2 AND id <> $3 ORDER BY id"
        )))
        .bind(row.target.lane())
        .bind(row.ticket)
        .bind(row.id)
        .fetch_all(tx.conn())
        .await?;
        if !older.is_empty() {
            let mut replies = Vec::new();
            for older in &older {
                let older = Waiting::from_row(older, &self.keys)?;
                set_state(tx, older.id, "superseded", "kept as one").await?;
                replies.push(older.reply);
            }
            replies.push(std::mem::take(&mut row.reply));
            row.reply = self.post.merged(&replies);
            rewrite(tx, &self.keys, &row).await?;
        }
        sqlx::query("UPDATE outbox SET state = 'kept', kept_for = $1, why = 'no window' WHERE id = $2")
            .bind(hash.to_owned())
            .bind(row.id)
            .execute(tx.conn())
            .await?;
        Ok(())
    }

    /// The first address that can be written to now, and how.
    async fn choose(&self, tx: &mut Tx, addresses: &[Address], tried: &str, now: Millis) -> Result<Choice> {
        let mut keep = None;
        let mut wait = None;
        for address in addresses {
            let Some(ability) = self.post.ability(&address.channel) else { continue };
            if tried.split(',').any(|channel| channel == address.channel) {
                continue;
            }
            if let Some(until) = self.halted_until(&address.channel, now) {
                wait = Some(wait.map_or(until, |wait: Millis| wait.min(until)));
                continue;
            }
            let hash = window_hash(&self.keys, address);
            let window = sqlx::query("SELECT until, left_over, via, via_until FROM send_window WHERE hash = $1")
                .bind(hash.clone())
                .fetch_optional(tx.conn())
                .await?;
            let (until, left, via, via_until): (Millis, i64, Option<String>, Millis) = match window {
                Some(row) => (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?),
                None => (0, 0, None, 0),
            };
            if let Some(sealed) = via.filter(|_| via_until > now + SESSION_MARGIN) {
                let url = self.keys.open(&via_place(&hash), &sealed)?;
                return Ok(Choice::Go(address.clone(), Way::Session(Via { url, until: via_until }), hash));
            }
            if !ability.windowed {
                return Ok(Choice::Go(address.clone(), Way::Api, hash));
            }
            if until > now && left > 0 {
                sqlx::query("UPDATE send_window SET left_over = left_over - 1 WHERE hash = $1")
                    .bind(hash.clone())
                    .execute(tx.conn())
                    .await?;
                return Ok(Choice::Go(address.clone(), Way::Api, hash));
            }
            if self.post.has_template(&address.channel) {
                return Ok(Choice::Go(address.clone(), Way::Template, hash));
            }
            keep.get_or_insert(hash);
        }
        Ok(match (wait, keep) {
            (Some(until), _) => Choice::Wait(until),
            (None, Some(hash)) => Choice::Keep(hash),
            (None, None) => Choice::Nobody,
        })
    }

    fn halted_until(&self, channel: &str, now: Millis) -> Option<Millis> {
        let halted = self.halted.lock().unwrap_or_else(PoisonError::into_inner);
        halted.get(channel).copied().filter(|until| *until > now)
    }

    /// Writes down how the sends went, in one transaction.
    async fn record(&self, done: Vec<(Parcel, Outcome)>) -> Result<()> {
        let now = self.clock.now();
        let mut tx = self.db.write().await?;
        let mut calls: HashMap<String, i64> = HashMap::new();
        for (parcel, outcome) in &done {
            let limited = self.post.ability(&parcel.to.channel).is_some_and(|ability| ability.monthly_calls.is_some());
            if limited && matches!(parcel.way, Way::Api) {
                *calls.entry(parcel.to.channel.clone()).or_default() += 1;
            }
            self.settle(&mut tx, parcel, outcome, now).await?;
        }
        for (channel, count) in calls {
            self.count(&mut tx, &channel, count, now).await?;
        }
        tx.commit().await
    }

    async fn settle(&self, tx: &mut Tx, parcel: &Parcel, outcome: &Outcome, now: Millis) -> Result<()> {
        let Parcel { row, to, way, window, tried } = parcel;
        match outcome {
            Outcome::Sent(reference) => {
                sqlx::query(
                    "UPDATE outbox SET state = 'sent', sent_at = $1, channel = $2, platform_ref = $3, why = NULL WHERE id = $4",
                )
                .bind(now)
                .bind(to.channel.clone())
                .bind(reference.clone())
                .bind(row.id)
                .execute(tx.conn())
                .await?;
                Ok(())
            }
            Outcome::Later(after, why) => {
                self.again(tx, row, i64::try_from(after.as_millis()).unwrap_or(Millis::MAX), why, now).await
            }
            Outcome::Unknown(why) if row.tries < 2 => self.again(tx, row, 0, why, now).await,
            Outcome::Unknown(why) => set_state(tx, row.id, "undeliverable", why).await,
            Outcome::Closed(why) => {
                match way {
                    Way::Session(_) => {
                        let shut = "UPDATE send_window SET via = NULL, via_until = 0 WHERE hash = $1";
                        sqlx::query(shut).bind(window.clone()).execute(tx.conn()).await?;
                        back(tx, row, tried, why, now).await
                    }
                    Way::Api if self.post.ability(&to.channel).is_some_and(|ability| ability.windowed) => {
                        let shut = "UPDATE send_window SET left_over = 0, until = 0 WHERE hash = $1";
                        sqlx::query(shut).bind(window.clone()).execute(tx.conn()).await?;
                        back(tx, row, tried, why, now).await
                    }
                    // No other way on this channel: kept for the next contact there.
                    Way::Api | Way::Template => self.keep(tx, row.clone(), window).await,
                }
            }
            Outcome::Gone(why) => back(tx, row, &format!("{tried},{}", to.channel), why, now).await,
            Outcome::Refused(why) => {
                let neutral = self.post.neutral();
                if row.reply == neutral {
                    return set_state(tx, row.id, "undeliverable", why).await;
                }
                let mut row = row.clone();
                row.reply = neutral;
                rewrite(tx, &self.keys, &row).await?;
                back(tx, &row, tried, why, now).await
            }
            Outcome::Halted(pause, why) => {
                let until = now + i64::try_from(pause.as_millis()).unwrap_or(Millis::MAX / 2);
                self.halted.lock().unwrap_or_else(PoisonError::into_inner).insert(to.channel.clone(), until);
                tracing::error!(channel = %to.channel, reason = why, "sending on {} is halted: {why}", to.channel);
                sqlx::query("UPDATE outbox SET state = 'pending', not_before = $1, tries = tries - 1, why = $2 WHERE id = $3")
                    .bind(until)
                    .bind((*why).to_owned())
                    .bind(row.id)
                    .execute(tx.conn())
                    .await?;
                Ok(())
            }
        }
    }

    /// Tries again after the platform's own pause or the schedule, whichever is later.
    async fn again(&self, tx: &mut Tx, row: &Waiting, pause: Millis, why: &'static str, now: Millis) -> Result<()> {
        let jitter = random::<1>()?[0];
        let Some(after) = retry_after(row.tries, jitter) else {
            return set_state(tx, row.id, "undeliverable", why).await;
        };
        sqlx::query("UPDATE outbox SET state = 'pending', not_before = $1, why = $2 WHERE id = $3")
            .bind(now + after.max(pause))
            .bind(why.to_owned())
            .bind(row.id)
            .execute(tx.conn())
            .await?;
        Ok(())
    }

    /// Adds calls to the month's count and tells administrators once when it runs low.
    async fn count(&self, tx: &mut Tx, channel: &str, count: i64, now: Millis) -> Result<()> {
        let Some(limit) = self.post.ability(channel).and_then(|ability| ability.monthly_calls).map(i64::from) else {
            return Ok(());
        };
        let today = local(now);
        let month = format!("{}-{:02}", today.year(), today.month());
        let row = sqlx::query(
            "INSERT INTO quota (channel, month, calls, warned) VALUES ($1, $2, $3, 0)
             ON CONFLICT (channel, month) DO UPDATE SET calls = quota.calls + $3 RETURNING calls, warned",
        )
        .bind(channel.to_owned())
        .bind(month.clone())
        .bind(count)
        .fetch_one(tx.conn())
        .await?;
        let (used, warned): (i64, i32) = (row.try_get(0)?, row.try_get(1)?);
        if warned == 0 && used * 100 >= limit * QUOTA_WARNING {
            sqlx::query("UPDATE quota SET warned = 1 WHERE channel = $1 AND month = $2")
                .bind(channel.to_owned())
                .bind(month)
                .execute(tx.conn())
                .await?;
            let mut messages = Vec::new();
            for push in self.post.quota_warning(channel, used, limit) {
                messages.push((tx.id()?, String::new(), false, push));
            }
            super::write(tx, &self.keys, &messages, now).await?;
        }
        Ok(())
    }
}

/// Due rows, the oldest of each lane first. A row waits for an older one of its lane unless that one merely waits for a
/// later hour. An answer that has to be tried again holds nothing back: the next one is worth more.
async fn due(tx: &mut Tx, keys: &Keys, now: Millis) -> Result<Vec<(Waiting, String)>> {
    let sql = format!(
        "SELECT {COLUMNS}, COALESCE(channel, '') AS tried FROM outbox AS o
         WHERE o.state IN ('pending', 'held', 'sending') AND o.not_before <= $1 AND (o.state <> 'sending' OR o.lease_until <= $1)
           AND (o.lane = '' OR NOT EXISTS (
               SELECT 1 FROM outbox AS e WHERE e.lane = o.lane AND e.id < o.id AND e.state IN ('pending', 'held', 'sending', 'kept')
               AND (e.state = 'held' OR (e.state = 'sending' AND e.lease_until > $1)
                    OR (e.state = 'pending' AND (e.not_before <= $1 OR (e.tries > 0 AND e.class <> 'reply'))))))
         ORDER BY o.id LIMIT {AT_ONCE}{}",
        skip_locked(tx.kind())
    );
    let rows = sqlx::query(AssertSqlSafe(sql)).bind(now).fetch_all(tx.conn()).await?;
    rows.iter().map(|row| Ok((Waiting::from_row(row, keys)?, row.try_get("tried")?))).collect()
}

async fn set_state(tx: &mut Tx, id: i64, state: &'static str, why: &'static str) -> Result<()> {
    sqlx::query("UPDATE outbox SET state = $1, why = $2 WHERE id = $3").bind(state).bind(why).bind(id).execute(tx.conn()).await?;
    Ok(())
}

/// Back into the queue at once, to go the next way.
async fn back(tx: &mut Tx, row: &Waiting, tried: &str, why: &'static str, now: Millis) -> Result<()> {
    sqlx::query("UPDATE outbox SET state = 'pending', not_before = $1, channel = $2, why = $3, tries = tries - 1 WHERE id = $4")
        .bind(now)
        .bind(tried.trim_start_matches(',').to_owned())
        .bind(why)
        .bind(row.id)
        .execute(tx.conn())
        .await?;
    Ok(())
}

async fn rewrite(tx: &mut Tx, keys: &Keys, row: &Waiting) -> Result<()> {
    sqlx::query("UPDATE outbox SET body = $1, ticket_id = $2 WHERE id = $3")
        .bind(sealed(keys, &row.reply)?)
        .bind(row.ticket)
        .bind(row.id)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// The keyed hash under which an address's window is found.
pub(crate) fn window_hash(keys: &Keys, address: &Address) -> String {
    let whom = address.group.as_deref().unwrap_or(&address.account);
    let kind = if address.is_group() { "group" } else { "account" };
    keys.hash("window", &format!("{}|{kind}|{whom}", address.channel))
}

/// The associated data of a sealed session address.
pub(crate) fn via_place(hash: &str) -> String {
    format!("send_window.via.{hash}")
}

const _: () = assert!(WORTH > BATCH_EVERY, "a list must leave before its parts expire");
