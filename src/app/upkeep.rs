//! What has to be done from time to time: take in changes made elsewhere, remind, forget what may no longer be kept.
//!
//! The beat only wakes the loop; everything is decided from rows and the clock, so a missed or doubled beat changes nothing.

use super::{House, house};
use crate::{
    bot,
    channels::{Channel, Outcome},
    clock::{Clock, DAY, HOUR, MINUTE},
    db::Db,
    error::Result,
    media::Shelf,
    message::Millis,
    outbox::Wake,
    people::{self, Office, phones},
};
use sqlx::Row;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};
use tokio_util::sync::CancellationToken;

const BEAT: Duration = Duration::from_secs(2);
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

/// Runs until it is told to stop.
pub(super) async fn run(
    house: Arc<House>,
    db: Db,
    clock: Clock,
    wake: Wake,
    shelf: Shelf,
    dialogs: Option<PathBuf>,
    stop: CancellationToken,
) {
    let mut changed = dialogs.as_deref().and_then(newest);
    let mut swept = 0;
    loop {
        tokio::select! {
            () = tokio::time::sleep(BEAT) => {}
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
            let version = people::store::version(&mut *db.read().await?).await?;
            let changed = !house.office().directory.is_current(version, now);
            if changed {
                reload(&house, &db, now).await?;
            }
            if changed || now - swept >= MINUTE || now < swept {
                once(&house, &db, now, &stop).await?;
                shelf.sweep(now).await?;
                wake.wake();
                swept = now;
            }
            Ok::<(), crate::error::Error>(())
        };
        if let Err(error) = work.await {
            tracing::warn!(error = %error, "upkeep could not be done now: {error}");
        }
    }
}

/// Everything that is due now.
///
/// # Errors
/// Those of the database.
pub(super) async fn once(house: &House, db: &Db, now: Millis, stop: &CancellationToken) -> Result<()> {
    bot::sweep(house, db, house.keys(), now).await?;
    forget(db, now).await?;
    match_phones(house, db, now, stop).await
}

/// Looks for staff whose account is not known in the platforms' directories and binds what is found. Who is not there is
/// looked for again after a day; after a failed look-up the phone waits an hour, or all of them when the directory is closed
/// to us.
async fn match_phones(house: &House, db: &Db, now: Millis, stop: &CancellationToken) -> Result<()> {
    let mut left = LOOK_UPS;
    for (id, channel) in house.channels().iter().filter(|channel| channel.1.has_directory()) {
        let sought = phones::sought(&mut *db.read().await?, house.keys(), id, left, now).await?;
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
    let mut conn = db.read().await?;
    let due = sqlx::query("SELECT due_at FROM job WHERE name = 'forget'").fetch_optional(&mut *conn).await?;
    if due.map(|row| row.try_get::<Millis, _>(0)).transpose()?.is_some_and(|due| due > now) {
        return Ok(());
    }
    drop(conn);
    let mut tx = db.write().await?;
    sqlx::query("DELETE FROM seen WHERE at < $1").bind(now - SEEN).execute(tx.conn()).await?;
    sqlx::query(
        "UPDATE outbox SET body = '', turn_key = '' WHERE at < $1 AND (body <> '' OR turn_key <> '')
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
    sqlx::query("INSERT INTO job (name, due_at) VALUES ('forget', $1) ON CONFLICT (name) DO UPDATE SET due_at = excluded.due_at")
        .bind(now + DAY / 24)
        .execute(tx.conn())
        .await?;
    tx.commit().await
}
