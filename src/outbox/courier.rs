//! The courier: claims due rows, sends them, writes down how it went.
//!
//! One row at a time per lane, oldest first, so that "accepted" never arrives after "assigned". No network call happens
//! inside a transaction: claiming commits a lease, sending follows in a task of its own, and the next transaction writes down
//! whatever has ended meanwhile and claims what there is room for. So a platform that takes its time holds up nobody else.

use super::{
    BATCH_EVERY, Push, Target, WORTH,
    ends::End,
    queue::{anything_due, dissolve, dissolve_others, due, line_up, roles_due, set_state, set_states},
    store::Waiting,
    traffic::{Sign, Traffic},
    wake::{PATIENCE, Wake},
};
use crate::{
    channels::{Ability, Outcome, Pace, Way},
    clock::{Clock, MINUTE},
    db::{Db, Tx},
    error::Result,
    message::{Address, Millis, Reply},
    metrics::Metrics,
    seal::Keys,
};
use futures_util::FutureExt;
use std::{
    collections::{HashMap, HashSet},
    future::Future,
    panic::AssertUnwindSafe,
    sync::Arc,
    time::Duration,
};
use tokio::{task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;

/// Rows of one queue that are looked at in one transaction.
const AT_ONCE: usize = 64;
/// Rows that are looked at beyond the room there is: some may be behind what is under way to their chat.
const SPARE: usize = 16;
/// Roles replaced by their holders in one transaction.
const ROLES_AT_ONCE: usize = 64;
/// Longer than any HTTP limit of the channels, with a token fetched and a call repeated.
const LEASE: Millis = MINUTE;
/// The courier looks by itself this often; a wake makes it look at once.
const BEAT: Duration = Duration::from_secs(1);
/// And this often at the end, when only what is being sent is waited for.
const AT_THE_END: Duration = Duration::from_millis(250);
/// At the end the database is asked for this long to take what is known of the last sends.
const LAST_WORDS: Duration = Duration::from_secs(15);

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
    /// The channels that are configured.
    fn channels(&self) -> Vec<String>;
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

/// The courier of one process.
pub struct Courier<P> {
    pub(super) db: Db,
    pub(super) clock: Clock,
    pub(super) keys: Keys,
    pub(super) post: Arc<P>,
    pub(super) traffic: Traffic,
    metrics: Metrics,
    wake: Wake,
    beat: Duration,
    sends: JoinSet<(Parcel, Option<Outcome>)>,
    /// The rows of `sends`. A clock that jumps over a lease must not make us take what we have in hand.
    in_hand: HashSet<i64>,
    /// By window, what ends when the send to this chat has: several lanes may lead there, such as a group's own and that of the
    /// answers in it, and one message at a time goes there, so that what was due first is read first.
    under_way: HashMap<String, CancellationToken>,
    /// What has ended and is not written down yet.
    ended: Vec<End>,
    /// Channels whose circuit has opened, so that what waits for them is given its way anew.
    opened: Vec<String>,
    /// Whether what waits for channels that are gone was given its way anew.
    adopted: bool,
}

/// What became of a row that was due.
pub(super) enum Prepared {
    /// It is ours and goes now.
    Parcel(Box<Parcel>),
    /// It is kept, waits elsewhere, or has nobody to go to.
    Otherwise,
    /// It is as it was: something is under way to its chat.
    Behind,
}

/// A row on its way.
pub(super) struct Parcel {
    pub row: Waiting,
    pub to: Address,
    pub way: Way,
    /// The hash of the address's window.
    pub window: String,
    /// The channels that were tried in vain, with commas.
    pub tried: String,
    /// Until when the row is this courier's. Later claims have later leases, so it also says whose claim it is.
    pub lease: Millis,
}

impl<P: Post> Courier<P> {
    /// A courier and the handle that wakes it.
    pub fn new(db: Db, clock: Clock, keys: Keys, post: Arc<P>, metrics: Metrics) -> (Self, Wake) {
        let wake = Wake::default();
        let courier = Courier {
            db,
            clock,
            keys,
            post,
            traffic: wake.traffic.clone(),
            metrics,
            wake: wake.clone(),
            beat: BEAT,
            sends: JoinSet::new(),
            in_hand: HashSet::new(),
            under_way: HashMap::new(),
            ended: Vec::new(),
            opened: Vec::new(),
            adopted: false,
        };
        (courier, wake)
    }

    /// A courier that looks by itself this seldom, so that only a wake explains what it does.
    #[cfg(test)]
    pub(super) fn with_beat(self, beat: Duration) -> Self {
        Courier { beat, ..self }
    }

    /// Works until it is told to stop. Then it takes nothing more, waits for what is being sent, gives back what is not, and
    /// writes everything down.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut last = None;
        loop {
            let stopping = stop.is_cancelled();
            let worked = match self.round(&stop).await {
                Ok(worked) => worked,
                Err(error) => {
                    if !self.db.noticed(&error) {
                        tracing::error!(error = %error, "the courier could not work: {error}");
                    }
                    false
                }
            };
            if stopping {
                let owed = !self.sends.is_empty() || !self.ended.is_empty() || self.wake.is_owed();
                if !owed || last.get_or_insert_with(Instant::now).elapsed() > LAST_WORDS {
                    return;
                }
            }
            if !worked {
                self.rest(&stop).await;
            }
        }
    }

    /// Waits until there may be something to do.
    async fn rest(&mut self, stop: &CancellationToken) {
        let stopping = stop.is_cancelled();
        let mut until = Instant::now() + if stopping { AT_THE_END } else { self.beat };
        loop {
            tokio::select! {
                () = self.wake.look.notified() => return,
                Some(sent) = self.sends.join_next() => return self.take_in(sent),
                () = tokio::time::sleep_until(until) => return,
                () = stop.cancelled(), if !stopping => return,
                () = self.wake.handed.notified() => until = until.min(Instant::now() + PATIENCE),
            }
        }
    }

    /// One round: write down, claim, send. Says whether there may be more to do at once.
    async fn round(&mut self, stop: &CancellationToken) -> Result<bool> {
        while let Some(sent) = self.sends.try_join_next() {
            self.take_in(sent);
        }
        let now = self.clock.now();
        let claiming = !stop.is_cancelled();
        let nothing = self.ended.is_empty() && self.opened.is_empty();
        let pressed = self.wake.is_pressed() || (!claiming && self.wake.is_owed());
        if nothing && !pressed && !(claiming && anything_due(&self.db, &self.open_queues(now), now).await?) {
            return Ok(false);
        }
        let mut claimed = Vec::new();
        let looked = self.db.patiently(self.transact(&mut claimed, claiming, now)).await;
        match looked {
            Ok(looked) => {
                self.ended.clear();
                self.opened.clear();
                self.adopted = true;
                claimed.into_iter().for_each(|parcel| self.send(parcel, stop));
                Ok(looked)
            }
            Err(error) => {
                claimed.iter().for_each(|parcel| _ = self.traffic.ended(&parcel.to.channel, Sign::None, now));
                Err(error)
            }
        }
    }

    /// Everything of a round that is written, in one transaction. Says whether it found rows.
    async fn transact(&self, claimed: &mut Vec<Parcel>, claiming: bool, now: Millis) -> Result<bool> {
        let mut tx = self.db.write().await?;
        let settled = self.wake.write_settled(&mut tx, now).await?;
        self.write_down(&mut tx, &self.ended, now).await?;
        if !self.adopted {
            dissolve_others(&mut tx, &[self.post.channels(), vec![String::new()]].concat()).await?;
        }
        for channel in &self.opened {
            dissolve(&mut tx, channel, now).await?;
        }
        let looked = claiming && self.claim(&mut tx, claimed, now).await?;
        tx.commit().await?;
        settled.kept();
        Ok(looked)
    }

    /// Queues that may be taken from: those of channels with room, and rows that have no way yet.
    fn open_queues(&self, now: Millis) -> Vec<String> {
        let mut open = self.post.channels();
        open.retain(|channel| self.room(channel, now) > 0);
        open.push(String::new());
        open
    }

    pub(super) fn room(&self, channel: &str, now: Millis) -> usize {
        self.post.ability(channel).map_or(0, |ability| self.traffic.room(channel, &ability, now))
    }

    /// Is it too late for this message? A clock that has just jumped ahead makes nothing old.
    fn is_old(&self, row: &Waiting, now: Millis) -> bool {
        row.expires_at <= now && self.clock.jumped().is_none()
    }

    /// Takes due rows under a lease, as many as their channels have room for; the others line up. Says whether there was anything
    /// to do.
    async fn claim(&self, tx: &mut Tx, claimed: &mut Vec<Parcel>, now: Millis) -> Result<bool> {
        let roles = roles_due(tx, &self.keys, ROLES_AT_ONCE, now).await?;
        let mut looked = !roles.is_empty();
        let (old, roles): (Vec<_>, Vec<_>) = roles.into_iter().partition(|row| self.is_old(row, now));
        set_states(tx, &old.iter().map(|row| row.id).collect::<Vec<_>>(), "expired", "too old").await?;
        self.expand(tx, &roles, now).await?;
        // What waits for a channel comes before what has just come in.
        for queue in self.open_queues(now) {
            let has_room = || queue.is_empty() || self.room(&queue, now) > 0;
            let most = if queue.is_empty() { AT_ONCE } else { (self.room(&queue, now) + SPARE).min(AT_ONCE) };
            let rows = if has_room() { due(tx, &self.keys, &queue, most, now).await? } else { Vec::new() };
            for found in rows.into_iter().filter(|found| !self.in_hand.contains(&found.row.id)) {
                if !has_room() {
                    break;
                }
                let id = found.row.id;
                if self.is_old(&found.row, now) {
                    set_state(tx, id, "expired", "too old").await?;
                } else if let Some(channel) = found.behind.filter(|_| queue.is_empty()) {
                    line_up(tx, id, &channel, None).await?;
                } else {
                    match self.prepare(tx, found.row, found.tried, claimed, now + LEASE, now).await? {
                        Prepared::Parcel(parcel) => {
                            self.traffic.took(&parcel.to.channel);
                            claimed.push(*parcel);
                        }
                        Prepared::Otherwise => {}
                        // The end of the send to its chat makes the courier look again.
                        Prepared::Behind => continue,
                    }
                }
                looked = true;
            }
        }
        Ok(looked)
    }

    /// Is something under way to the chat of this window, or about to be?
    pub(super) fn is_under_way(&self, window: &str, claimed: &[Parcel]) -> bool {
        self.under_way.get(window).is_some_and(|done| !done.is_cancelled())
            || claimed.iter().any(|parcel| parcel.window == window)
    }

    /// Sends one message in a task of its own, at the rate that the platform permits.
    fn send(&mut self, parcel: Parcel, stop: &CancellationToken) {
        let (post, traffic, metrics, stop) = (self.post.clone(), self.traffic.clone(), self.metrics.clone(), stop.clone());
        let pace = post.ability(&parcel.to.channel).map(|ability| ability.pace);
        self.in_hand.insert(parcel.row.id);
        let done = CancellationToken::new();
        self.under_way.insert(parcel.window.clone(), done.clone());
        self.sends.spawn(async move {
            let _done = done.drop_guard();
            let limited = !matches!(parcel.way, Way::Session(_));
            if let Some(pace) = pace.filter(|_| limited)
                && !may_call(&traffic, &parcel.to.channel, pace, &stop).await
            {
                return (parcel, None);
            }
            let sending = AssertUnwindSafe(post.send(&parcel.to, &parcel.way, &parcel.row.reply)).catch_unwind();
            let begun = Instant::now();
            let outcome = sending.await.unwrap_or(Outcome::Unknown("panic"));
            let (row, request, channel) = (parcel.row.id, parcel.row.request.as_deref(), &parcel.to.channel);
            metrics.sent(channel, outcome.name(), begun.elapsed());
            tracing::info!(row, request, channel, outcome = outcome.name(), "outbox row {row} on {channel}: {}", outcome.name());
            (parcel, Some(outcome))
        });
    }

    /// What a send has come to: its channel hears of it at once, the row in the next transaction.
    fn take_in(&mut self, sent: Result<(Parcel, Option<Outcome>), tokio::task::JoinError>) {
        let Ok((parcel, outcome)) = sent else { return };
        self.in_hand.remove(&parcel.row.id);
        self.under_way.remove(&parcel.window);
        let sign = match &outcome {
            None => Sign::None,
            Some(Outcome::Down(_) | Outcome::Unknown(_)) => Sign::Fails,
            Some(Outcome::Halted(pause, _)) => Sign::Halts(Millis::try_from(pause.as_millis()).unwrap_or(Millis::MAX / 4)),
            Some(Outcome::Sent(_) | Outcome::Later(..) | Outcome::Closed(_) | Outcome::Gone(_) | Outcome::Refused(_)) => {
                Sign::Answers
            }
        };
        if sign == Sign::Answers {
            self.metrics.circuit(&parcel.to.channel, false);
        }
        let noted = self.traffic.ended(&parcel.to.channel, sign, self.clock.now());
        if noted.opened {
            let why = match &outcome {
                Some(Outcome::Down(why) | Outcome::Unknown(why) | Outcome::Halted(_, why)) => why,
                _ => "",
            };
            tracing::error!(channel = %parcel.to.channel, reason = why, "sending on {} is halted: {why}", parcel.to.channel);
            self.metrics.circuit(&parcel.to.channel, true);
            self.opened.push(parcel.to.channel.clone());
        }
        self.ended.push(End { parcel, outcome, alone: noted.alone });
    }
}

/// Waits until the platform permits a call; `false` when the program stops first.
async fn may_call(traffic: &Traffic, channel: &str, pace: Pace, stop: &CancellationToken) -> bool {
    while let Err(wait) = traffic.call(channel, pace) {
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = stop.cancelled() => return false,
        }
    }
    true
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
