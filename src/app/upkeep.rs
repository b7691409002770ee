//! What has to be done from time to time: take in changes made elsewhere, remind, forget what may no longer be kept.
//!
//! The beat only wakes the loop; everything is decided from rows and the clock, so a missed or doubled beat changes nothing. Of
//! several processes the one that holds the lease does what is done for all; each takes in changes for itself.

use super::{House, house};
use crate::{
    bot,
    channels::{Channel, Outcome},
    clock::{Clock, DAY, HOUR, MINUTE},
    db::{Db, lease},
    error::Result,
    media::Shelf,
    message::Millis,
    outbox::Wake,
    people::{self, Office, phones},
};
use sqlx::AssertSqlSafe;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

const BEAT: Duration = Duration::from_secs(2);
/// Longer than a round takes, looking up phones at its slowest included; renewed in every round.
const LEASE: Millis = 5 * MINUTE;
/// Seen-marks are kept this long: longer than any platform repeats.
const SEEN: Millis = 3 * DAY;
/// Texts of messages that went out are kept this long.
const BODIES: Millis = 30 * DAY;
/// The hash and address of an anonymous reporter are kept this long after closing.
const ALIASES: Millis = 180 * DAY;

/// Phones looked up in a round, over all channels; the rest waits for the next one.
const LOOK_UPS: usize = 20;
/// The pause before a look-up: at most five in a second, so that the platform throttles nobody.
const BETWEEN_LOOK_UPS: Duration = Duration::from_millis(200);

/// Runs until it is told to stop. `told`: another process has changed the organisation.
#[expect(clippy::too_many_arguments, reason = "all of them become the loop")]
pub(super) async fn run(
    house: Arc<House>,
    db: Db,
    clock: Clock,
    wake: Wake,
    shelf: Shelf,
    dialogs: Option<PathBuf>,
    told: Arc<Notify>,
    stop: CancellationToken,
) {
    let mut changed = dialogs.as_deref().and_then(newest);
    let mut swept = 0;
    loop {
        tokio::select! {
            () = tokio::time::sleep(BEAT) => {}
            // Another process has changed the organisation.
            () = told.notified() => {}
            () = stop.cancelled() => return,
        }
        if let Some(folder) = &dialogs {
            let now = newest(folder);
            if now != changed {
                changed = now;
                reload_dialogs(&house, folder);
            }
        }
        let now = clock.now();
        let work = async {
            let version = db.patiently(async { people::store::version(&mut *db.read().await?).await }).await?;
            let changed = !house.office().directory.is_current(version, now);
            if changed {
                db.patiently(reload(&house, &db, now)).await?;
            }
            if changed || now - swept >= MINUTE || now < swept {
                if once(&house, &db, &clock, &stop).await? && clock.jumped().is_none() {
                    shelf.sweep(now).await?;
                }
                wake.wake();
                swept = now;
            }
            Ok::<(), crate::error::Error>(())
        };
        if let Err(error) = work.await
            && !db.noticed(&error)
        {
            tracing::warn!(error = %error, "upkeep could not be done now: {error}");
        }
    }
}

/// Everything that is due now, done for all processes. Says whether it was for this one to do. While the time is in doubt nobody is
/// reminded and nothing is forgotten: what looks old may be young.
///
/// # Errors
/// Those of the database.
pub(super) async fn once(house: &House, db: &Db, clock: &Clock, stop: &CancellationToken) -> Result<bool> {
    let now = clock.now();
    if !db.patiently(lease::take(db, "upkeep", LEASE, now)).await? {
        return Ok(false);
    }
    db.patiently(bring_back(db, now)).await?;
    if clock.jumped().is_none() {
        db.patiently(bot::sweep(house, db, house.keys(), now)).await?;
        db.patiently(forget(db, now)).await?;
    }
    match_phones(house, db, now, stop).await?;
    Ok(true)
}

/// Makes due what was written while the clock ran ahead and now lies in the future: messages, leases, files. Nothing is ever written
/// later than now, so that nothing else is touched; two machines differ by less than the minute.
async fn bring_back(db: &Db, now: Millis) -> Result<()> {
    // Both name the states of the index over what is under way, or SQLite would read the whole table.
    const MESSAGES: &str = "state IN ('pending', 'held', 'sending') AND state <> 'sending' AND not_before > $1 AND at > $1";
    const LEASES: &str = "state IN ('pending', 'held', 'sending') AND state = 'sending' AND lease_until > $1";
    const FILES: &str = "state = 'fetching' AND due_at > $1 AND at > $1";
    let wrong = [
        ("outbox", MESSAGES, "not_before", now + MINUTE),
        ("outbox", LEASES, "lease_until", now + 10 * MINUTE),
        ("media", FILES, "due_at", now + MINUTE),
    ];
    let mut conn = db.read().await?;
    let mut found = Vec::new();
    for (table, which, column, limit) in wrong {
        let sql = AssertSqlSafe(format!("SELECT id FROM {table} WHERE {which} LIMIT 1"));
        let any: Option<i64> = sqlx::query_scalar(sql).bind(limit).fetch_optional(&mut *conn).await?;
        found.extend(any.map(|_| (table, which, column, limit)));
    }
    drop(conn);
    if found.is_empty() {
        return Ok(());
    }
    let mut tx = db.write().await?;
    for (table, which, column, limit) in found {
        let sql = AssertSqlSafe(format!("UPDATE {table} SET {column} = {now} WHERE {which}"));
        let done = sqlx::query(sql).bind(limit).execute(tx.conn()).await?.rows_affected();
        tracing::warn!(
            table,
            rows = done,
            "{done} rows of {table} lay in the future and are due now: the clock ran ahead for a while"
        );
    }
    tx.commit().await
}

/// Looks for staff whose account is not known in the platforms' directories and binds what is found. Who is not there is
/// looked for again after a day; after a failed look-up the phone waits an hour, or all of them when the directory is closed
/// to us.
async fn match_phones(house: &House, db: &Db, now: Millis, stop: &CancellationToken) -> Result<()> {
    let mut left = LOOK_UPS;
    for (id, channel) in house.channels().iter().filter(|channel| channel.1.has_directory()) {
        let sought = db.patiently(async { phones::sought(&mut *db.read().await?, house.keys(), id, left, now).await }).await?;
        left -= sought.len();
        let answers = look_up(channel, sought, stop).await;
        if answers.is_empty() {
            continue;
        }
        let (asked, mut bound) = (answers.len(), 0);
        let mut tx = db.write().await?;
        for (sought, answer) in answers {
            let (phone, until) = match answer {
                Ok(Some(account)) if phones::bind(&mut tx, house.keys(), &sought, id, &account, now).await? => {
                    bound += 1;
                    continue;
                }
                Ok(_) => (Some(sought.phone.as_str()), now + DAY),
                Err(Outcome::Halted(..)) => (None, now + HOUR),
                Err(_) => (Some(sought.phone.as_str()), now + HOUR),
            };
            phones::wait(&mut tx, house.keys(), phone, id, until).await?;
        }
        tx.commit().await?;
        tracing::info!(channel = id, asked, bound, "staff were looked up by phone");
    }
    Ok(())
}

/// Asks for one after the other up to the first failure, which the next would only meet too.
async fn look_up(
    channel: &Channel,
    all: Vec<phones::Sought>,
    stop: &CancellationToken,
) -> Vec<(phones::Sought, Result<Option<String>, Outcome>)> {
    let mut answers = Vec::new();
    for sought in all {
        let asking = async {
            tokio::time::sleep(BETWEEN_LOOK_UPS).await;
            channel.account_by_phone(&sought.phone).await
        };
        let answer = tokio::select! {
            answer = asking => answer,
            () = stop.cancelled() => break,
        };
        let failed = answer.is_err();
        answers.push((sought, answer));
        if failed {
            break;
        }
    }
    answers
}

/// Puts the organisation as it is in the database in force.
///
/// # Errors
/// Those of the database.
pub(super) async fn reload(house: &House, db: &Db, now: Millis) -> Result<()> {
    let directory = Arc::new(people::store::load(&mut *db.read().await?, now).await?);
    let office = house.office();
    house.replace(Office { directory, keys: office.keys.clone(), dialogs: office.dialogs.clone() });
    tracing::info!("the organisation was read again");
    Ok(())
}

/// A changed set of dialogs comes into force; one with an error leaves the old one and says so.
fn reload_dialogs(house: &House, folder: &Path) {
    match house::dialogs(Some(folder)) {
        Ok(dialogs) => {
            let office = house.office();
            house.replace(Office { directory: office.directory.clone(), keys: office.keys.clone(), dialogs });
            tracing::info!("the dialogs were read again");
        }
        Err(problems) => tracing::error!("the changed dialogs have errors, the old ones stay in force:\n{problems}"),
    }
}

/// The time of the last change in a folder of files.
fn newest(folder: &Path) -> Option<SystemTime> {
    let entries = std::fs::read_dir(folder).ok()?;
    entries
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            if path.is_dir() { newest(&path) } else { std::fs::metadata(&path).ok()?.modified().ok() }
        })
        .max()
}

/// Forgets what may no longer be kept.
async fn forget(db: &Db, now: Millis) -> Result<()> {
    let mut tx = db.write().await?;
    // The job is moved on first: a second process waits for this row and then finds nothing due.
    let due = "INSERT INTO job (name, due_at) VALUES ('forget', $1) ON CONFLICT (name) DO UPDATE SET due_at = excluded.due_at
               WHERE job.due_at <= $2 RETURNING name";
    if sqlx::query(due).bind(now + HOUR).bind(now).fetch_optional(tx.conn()).await?.is_none() {
        tx.rollback().await;
        return Ok(());
    }
    sqlx::query("DELETE FROM seen WHERE at < $1").bind(now - SEEN).execute(tx.conn()).await?;
    sqlx::query(
        "UPDATE outbox SET body = '', turn_key = '', request = NULL WHERE at < $1 AND (body <> '' OR turn_key <> '')
         AND state IN ('sent', 'superseded', 'expired')",
    )
    .bind(now - BODIES)
    .execute(tx.conn())
    .await?;
    sqlx::query("DELETE FROM phone_wait WHERE until < $1").bind(now - DAY).execute(tx.conn()).await?;
    sqlx::query("DELETE FROM code_guess WHERE at < $1").bind(now - DAY).execute(tx.conn()).await?;
    sqlx::query(
        "UPDATE reporter SET holder = '', sealed = '' WHERE mode = 'anonymous' AND sealed <> ''
         AND (SELECT closed_at FROM ticket WHERE id = reporter.ticket_id) < $1",
    )
    .bind(now - ALIASES)
    .execute(tx.conn())
    .await?;
    tx.commit().await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        bot::Bot,
        db::testing::{Place, places},
        message::{Address, Content, Update},
        metrics::Metrics,
        outbox::Courier,
        seal::Keys,
    };
    use std::collections::HashMap;

    /// A process on this database, without platforms.
    async fn process(place: &Place, clock: &Clock) -> (Arc<House>, Db) {
        let db = place.open().await;
        let keys = Keys::new(&[5; 32], &[]);
        let directory = Arc::new(people::store::load(&mut db.read().await.unwrap(), clock.now()).await.unwrap());
        let office = Office { directory, keys, dialogs: house::dialogs(None).unwrap() };
        (Arc::new(House::new(office, HashMap::new())), db)
    }

    async fn count(db: &Db, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&mut *db.read().await.unwrap()).await.unwrap()
    }

    /// People who have begun a report and not gone on.
    async fn begun(house: &Arc<House>, db: &Db, clock: &Clock, people: usize) {
        let (_courier, wake) = Courier::new(db.clone(), clock.clone(), house.keys().clone(), house.clone(), Metrics::default());
        let stop = CancellationToken::new();
        let (bot, worker) =
            Bot::start(house.clone(), db.clone(), clock.clone(), house.keys().clone(), wake, Metrics::default(), stop.clone());
        for n in 0..people {
            let from = Address { channel: "sim".into(), account: format!("p{n}"), group: None };
            let (key, content) = (format!("k{n}"), Content::text("我要反映"));
            bot.take(Update { key, from, nick: None, content, at: clock.now(), via: None, request: String::new() })
                .await
                .unwrap();
        }
        stop.cancel();
        worker.await.unwrap();
    }

    #[tokio::test]
    async fn who_left_a_dialog_is_reminded_once_however_many_processes_look() {
        const PEOPLE: usize = 60;
        for place in places().await {
            let clock = Clock::starting_at(crate::clock::parse("2026-11-23T10:00:00+08:00").unwrap());
            let (house, db) = process(&place, &clock).await;
            begun(&house, &db, &clock, PEOPLE).await;
            let before = count(&db, "SELECT COUNT(*) FROM outbox").await;
            clock.advance(3 * HOUR);
            let mut all = Vec::new();
            for _ in 0..3 {
                all.push(process(&place, &clock).await);
            }
            let sweeps = all.iter().map(|(house, db)| bot::sweep(&**house, db, house.keys(), clock.now()));
            for swept in futures_util::future::join_all(sweeps).await {
                swept.unwrap();
            }
            let reminders = count(&db, "SELECT COUNT(*) FROM outbox").await - before;
            assert_eq!(reminders, PEOPLE as i64);
            assert_eq!(count(&db, "SELECT COUNT(DISTINCT target) FROM outbox").await, PEOPLE as i64);
        }
    }

    #[tokio::test]
    async fn one_of_several_processes_does_what_is_done_for_all_and_another_after_it() {
        for place in places().await {
            let clock = Clock::starting_at(crate::clock::parse("2026-11-23T10:00:00+08:00").unwrap());
            let (a, b) = (process(&place, &clock).await, process(&place, &clock).await);
            let stop = CancellationToken::new();
            let once = async |of: &(Arc<House>, Db)| once(&of.0, &of.1, &clock, &stop).await.unwrap();
            let (first, second) = tokio::join!(once(&a), once(&b));
            assert!(first != second, "one of both");
            let (holder, other) = if first { (&a, &b) } else { (&b, &a) };
            clock.advance(MINUTE);
            assert!(once(holder).await && !once(other).await, "who has it keeps it");
            clock.advance(LEASE);
            assert!(once(other).await && !once(holder).await, "who died is not waited for");
            lease::give_all_back(&other.1).await.unwrap();
            assert!(once(holder).await, "who stops gives it back");
        }
    }

    #[tokio::test]
    async fn what_may_no_longer_be_kept_is_forgotten_once_an_hour_by_whoever_comes_first() {
        for place in places().await {
            let clock = Clock::starting_at(crate::clock::parse("2026-11-23T10:00:00+08:00").unwrap());
            let (_, db) = process(&place, &clock).await;
            let put = async || {
                let sql = "INSERT INTO seen (message, turn_key, at) VALUES ('old', '1', 0)";
                sqlx::query(sql).execute(&mut *db.read().await.unwrap()).await.unwrap();
            };
            put().await;
            let others = [place.open().await, place.open().await, place.open().await];
            for forgotten in futures_util::future::join_all(others.iter().map(|db| forget(db, clock.now()))).await {
                forgotten.unwrap();
            }
            assert_eq!(count(&db, "SELECT COUNT(*) FROM seen").await, 0);
            put().await;
            forget(&others[0], clock.now()).await.unwrap();
            assert_eq!(count(&db, "SELECT COUNT(*) FROM seen").await, 1, "not before its hour");
            forget(&others[1], clock.now() + HOUR).await.unwrap();
            assert_eq!(count(&db, "SELECT COUNT(*) FROM seen").await, 0);
        }
    }
}
