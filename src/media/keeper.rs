//! The keeper: claims due rows, fetches their files, puts them on the shelf, records how it went.
//!
//! No network call happens inside a transaction: claiming commits a lease (`due_at` moved on), fetching follows, recording
//! commits the outcome if the lease is still ours. Whatever dies in between, the row is due again when the lease is over.

use super::{
    check::{Format, most},
    kind,
    shelf::Shelf,
    wording::{Trouble, not_kept},
};
use crate::{
    channels::Outcome,
    clock::{Clock, HOUR, MINUTE},
    db::{Db, Tx},
    error::Result,
    message::{Media, MediaKind, Millis, Reply},
    metrics::Metrics,
    outbox::{self, Class, Push, Target, retry_after},
    seal::{Keys, random},
};
use sqlx::{AnyConnection, AssertSqlSafe, Row};
use std::{
    collections::HashMap,
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{sync::Notify, task::JoinSet};
use tokio_util::sync::CancellationToken;

/// Files under way at once: four videos with their sealed copies are some 200 MB of memory.
const AT_ONCE: usize = 4;
/// The longest a download may take; a video on a county's line needs its time.
const FETCH_LIMIT: Duration = Duration::from_secs(180);
/// Longer than a download and the work after it.
const LEASE: Millis = 5 * MINUTE;
/// The keeper looks by itself this often; a wake makes it look at once.
const BEAT: Duration = Duration::from_secs(1);
/// Within this time the sentence about a file is an answer; later it is a push and lets people sleep.
const STILL_AN_ANSWER: Millis = 10 * MINUTE;

/// What the keeper needs from the house: a channel that downloads.
pub trait Fetcher: Send + Sync + 'static {
    /// Downloads a file from a channel, at most `max_bytes`; never called inside a transaction. `Gone`: it can never be
    /// had; `Refused`: it is too large or must not be fetched; everything else: try again.
    fn fetch(
        &self,
        channel: &str,
        media: &Media,
        max_bytes: usize,
    ) -> impl Future<Output = std::result::Result<Vec<u8>, Outcome>> + Send;
}

/// Wakes the keeper.
#[derive(Debug, Clone)]
pub struct Wake {
    notify: Arc<Notify>,
    busy: Arc<AtomicUsize>,
}

impl Wake {
    /// Something may be due.
    pub fn wake(&self) {
        self.notify.notify_one();
    }

    /// Is a file being claimed, fetched or put away now?
    pub fn is_busy(&self) -> bool {
        self.busy.load(Ordering::SeqCst) > 0
    }
}

/// Counts as busy as long as it lives.
struct Busy(Arc<AtomicUsize>);

impl Busy {
    fn with(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Busy(count.clone())
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The keeper of one process.
pub struct Keeper<F> {
    db: Db,
    clock: Clock,
    shelf: Shelf,
    fetcher: Arc<F>,
    notify: Arc<Notify>,
    busy: Arc<AtomicUsize>,
    metrics: Metrics,
}

/// A claimed row.
#[derive(Debug)]
struct Job {
    id: i64,
    turn_key: String,
    kind: MediaKind,
    channel: String,
    reference: String,
    at: Millis,
    fetch_by: Millis,
    tries: i64,
    /// The end of the lease, which proves at the end that it is still ours.
    lease: Millis,
}

/// What became of a try.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Ready(Format, i64),
    NotKept(Trouble),
    /// After the platform's own pause or the schedule, whichever is later.
    Again(Millis, &'static str),
    /// We were told to stop: whoever comes next may begin at once.
    GivenBack,
}

impl Verdict {
    fn name(&self) -> &'static str {
        match self {
            Verdict::Ready(..) => "ready",
            Verdict::NotKept(Trouble::Lost) => "lost",
            Verdict::NotKept(_) => "refused",
            Verdict::Again(..) => "again",
            Verdict::GivenBack => "given_back",
        }
    }
}

impl<F: Fetcher> Keeper<F> {
    /// A keeper that puts files on the shelf, and the handle that wakes it.
    pub fn new(db: Db, clock: Clock, shelf: Shelf, fetcher: Arc<F>, metrics: Metrics) -> (Self, Wake) {
        let (notify, busy) = (Arc::new(Notify::new()), Arc::new(AtomicUsize::new(0)));
        (Keeper { db, clock, shelf, fetcher, notify: notify.clone(), busy: busy.clone(), metrics }, Wake { notify, busy })
    }

    /// Works until it is told to stop, then gives back what is still being downloaded and finishes the rest.
    pub async fn run(self, stop: CancellationToken) {
        let keeper = Arc::new(self);
        let mut under_way = JoinSet::new();
        loop {
            let stopping = stop.is_cancelled();
            if stopping && under_way.is_empty() {
                return;
            }
            let room = if stopping { 0 } else { AT_ONCE - under_way.len() };
            let claiming = Busy::with(&keeper.busy);
            let worked = match keeper.db.patiently(keeper.claim(room)).await {
                Ok((worked, jobs)) => {
                    for job in jobs {
                        let handling = Busy::with(&keeper.busy);
                        let handle = Self::handle(keeper.clone(), job, stop.clone());
                        under_way.spawn(async move {
                            handle.await;
                            drop(handling);
                        });
                    }
                    worked
                }
                Err(error) => {
                    if !keeper.db.noticed(&error) {
                        tracing::error!(error = %error, "the keeper of media could not work: {error}");
                    }
                    false
                }
            };
            drop(claiming);
            if !worked {
                tokio::select! {
                    // A task that panicked is logged by the runtime's hook; its row is due again after the lease.
                    Some(_) = under_way.join_next() => {}
                    () = keeper.notify.notified() => {}
                    () = tokio::time::sleep(BEAT) => {}
                    () = stop.cancelled(), if !stopping => {}
                }
            }
        }
    }

    /// Takes at most `room` due rows under a lease, in one transaction; those that came too late are lost. Says whether
    /// there was any.
    async fn claim(&self, room: usize) -> Result<(bool, Vec<Job>)> {
        let now = self.clock.now();
        if room == 0 || !self.anything_due(now).await? {
            return Ok((false, Vec::new()));
        }
        let mut tx = self.db.write().await?;
        let lock = tx.kind().skip_locked();
        let rows = sqlx::query(AssertSqlSafe(format!(
            "SELECT id, turn_key, kind, channel, reference, at, fetch_by, tries FROM media
             WHERE state = 'fetching' AND due_at <= $1 ORDER BY due_at, id LIMIT {room}{lock}"
        )))
        .bind(now)
        .fetch_all(tx.conn())
        .await?;
        let mut jobs = Vec::new();
        for row in &rows {
            let job = Job {
                id: row.try_get(0)?,
                turn_key: row.try_get(1)?,
                kind: kind(row.try_get(2)?)?,
                channel: row.try_get(3)?,
                reference: row.try_get(4)?,
                at: row.try_get(5)?,
                fetch_by: row.try_get(6)?,
                tries: i64::from(row.try_get::<i32, _>(7)?) + 1,
                lease: now + LEASE,
            };
            sqlx::query("UPDATE media SET due_at = $1, tries = tries + 1 WHERE id = $2")
                .bind(job.lease)
                .bind(job.id)
                .execute(tx.conn())
                .await?;
            // A clock that has just jumped ahead makes nothing old.
            if job.fetch_by <= now && self.clock.jumped().is_none() {
                settle(&mut tx, self.shelf.keys(), &job, &Verdict::NotKept(Trouble::Lost), now).await?;
            } else {
                jobs.push(job);
            }
        }
        tx.commit().await?;
        Ok((!rows.is_empty(), jobs))
    }

    /// A look without the right to write, so that an idle keeper disturbs nobody.
    async fn anything_due(&self, now: Millis) -> Result<bool> {
        let mut conn = self.db.read().await?;
        let due: Option<i64> = sqlx::query_scalar("SELECT id FROM media WHERE state = 'fetching' AND due_at <= $1 LIMIT 1")
            .bind(now)
            .fetch_optional(&mut *conn)
            .await?;
        Ok(due.is_some())
    }

    /// One claimed row from the download to the record.
    async fn handle(keeper: Arc<Self>, job: Job, stop: CancellationToken) {
        let verdict = keeper.attempt(&job, &stop).await;
        keeper.metrics.file(verdict.name());
        if let Verdict::Again(_, why) = verdict {
            tracing::warn!(media = job.id, tries = job.tries, "media {} is tried again: {why}", job.id);
        }
        if let Err(error) = keeper.db.patiently(keeper.record(&job, &verdict)).await
            && !keeper.db.noticed(&error)
        {
            tracing::error!(media = job.id, error = %error, "what became of media {} could not be recorded: {error}", job.id);
        }
    }

    async fn attempt(&self, job: &Job, stop: &CancellationToken) -> Verdict {
        let media = Media { kind: job.kind, reference: job.reference.clone() };
        let limit = most(job.kind);
        let fetched = tokio::select! {
            fetched = tokio::time::timeout(FETCH_LIMIT, self.fetcher.fetch(&job.channel, &media, limit)) => fetched,
            () = stop.cancelled() => return Verdict::GivenBack,
        };
        let bytes = match fetched {
            Ok(Ok(bytes)) => bytes,
            Ok(Err(outcome)) => return not_fetched(&outcome),
            Err(_) => return Verdict::Again(0, "the download takes too long"),
        };
        if bytes.len() > limit {
            return Verdict::NotKept(Trouble::TooLarge);
        }
        let size = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
        match self.shelf.keep(job.id, job.kind, bytes).await {
            Ok(Ok(format)) => Verdict::Ready(format, size),
            Ok(Err(trouble)) => Verdict::NotKept(trouble),
            Err(error) => {
                tracing::error!(media = job.id, error = %error, "media {} could not be put on the shelf: {error}", job.id);
                Verdict::Again(0, "the shelf fails")
            }
        }
    }

    async fn record(&self, job: &Job, verdict: &Verdict) -> Result<()> {
        let mut tx = self.db.write().await?;
        let ours = settle(&mut tx, self.shelf.keys(), job, verdict, self.clock.now()).await?;
        tx.commit().await?;
        if ours && matches!(verdict, Verdict::NotKept(_)) {
            // An earlier try may have died between putting the file there and recording it. Where the row is another process's
            // by now, so are the files.
            self.shelf.remove(job.id).await?;
        }
        Ok(())
    }
}

/// What an outcome of the channel means for a download.
fn not_fetched(outcome: &Outcome) -> Verdict {
    let millis = |pause: &Duration| Millis::try_from(pause.as_millis()).unwrap_or(HOUR);
    match outcome {
        Outcome::Gone(_) => Verdict::NotKept(Trouble::Lost),
        Outcome::Refused(_) => Verdict::NotKept(Trouble::Withheld),
        Outcome::Later(pause, why) | Outcome::Halted(pause, why) => Verdict::Again(millis(pause), why),
        Outcome::Down(why) | Outcome::Unknown(why) | Outcome::Closed(why) => Verdict::Again(0, why),
        Outcome::Sent(_) => Verdict::Again(0, "the channel gave no file"),
    }
}

/// Writes down what became of a row, unless its lease has gone to somebody else. Says whether it was still ours.
async fn settle(tx: &mut Tx, keys: &Keys, job: &Job, verdict: &Verdict, now: Millis) -> Result<bool> {
    let (state, format, size, due_at) = match verdict {
        Verdict::Ready(format, size) => ("ready", Some(*format), Some(*size), job.lease),
        Verdict::NotKept(Trouble::Lost) => ("lost", None, None, job.lease),
        Verdict::NotKept(_) => ("refused", None, None, job.lease),
        Verdict::Again(pause, _) => {
            // Hourly after the schedule's end: the platform's own time ends it, not the number of tries.
            let after = retry_after(job.tries, random::<1>()?[0]).unwrap_or(HOUR);
            let due = now + after.max(*pause);
            ("fetching", None, None, if job.fetch_by > now { due.min(job.fetch_by) } else { due })
        }
        Verdict::GivenBack => ("fetching", None, None, now),
    };
    let row = sqlx::query(
        "UPDATE media SET state = $1, mime = $2, size = $3, due_at = $4
         WHERE id = $5 AND state = 'fetching' AND due_at = $6 RETURNING ticket_id",
    )
    .bind(state)
    .bind(format.map(Format::mime))
    .bind(size)
    .bind(due_at)
    .bind(job.id)
    .bind(job.lease)
    .fetch_optional(tx.conn())
    .await?;
    let Some(row) = row else { return Ok(false) };
    if let Verdict::NotKept(trouble) = verdict {
        say(tx, keys, job, *trouble, row.try_get(0)?, now).await?;
    }
    Ok(true)
}

/// Asks for the file again in the chat it came from: the one in which its turn was answered. A turn without an answer (the
/// second of nine photos) is left without a word here too, and so is the second bad file of one message.
async fn say(tx: &mut Tx, keys: &Keys, job: &Job, trouble: Trouble, ticket: Option<i64>, now: Millis) -> Result<()> {
    let row = sqlx::query(
        "SELECT COUNT(*), CAST(SUM(CASE WHEN state IN ('refused', 'lost') THEN 1 ELSE 0 END) AS BIGINT)
         FROM media WHERE turn_key = $1 AND kind = (SELECT kind FROM media WHERE id = $2)",
    )
    .bind(job.turn_key.clone())
    .bind(job.id)
    .fetch_one(tx.conn())
    .await?;
    let (sent, not_kept_so_far): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
    let Some(target) = chat_of(tx.conn(), &job.turn_key).await? else { return Ok(()) };
    if not_kept_so_far > 1 {
        return Ok(());
    }
    let push = Push {
        target,
        ticket,
        class: if now - job.at < STILL_AN_ANSWER { Class::Reply } else { Class::Now },
        reply: Reply::text(not_kept(job.kind, trouble, sent > 1)),
        except: None,
        urgent: false,
    };
    // No turn's key: a message that is delivered again must get its own answer, not this one.
    outbox::write(tx, keys, &[(tx.id()?, String::new(), false, push)], &HashMap::new(), now).await
}

async fn chat_of(conn: &mut AnyConnection, turn_key: &str) -> Result<Option<Target>> {
    let target: Option<String> =
        sqlx::query_scalar("SELECT target FROM outbox WHERE turn_key = $1 AND class = 'reply' ORDER BY id LIMIT 1")
            .bind(turn_key.to_owned())
            .fetch_optional(conn)
            .await?;
    Ok(target.and_then(|target| target.parse().ok()))
}

#[cfg(test)]
mod tests;
