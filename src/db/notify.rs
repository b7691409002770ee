//! What processes on one PostgreSQL tell each other at once, so that nobody waits for the next beat.
//!
//! News is never needed: whoever misses it finds the same in the rows one beat later. It is sent after the commit, by a
//! statement of its own and seldom, because a NOTIFY inside a transaction makes all commits of the database queue up.

use super::{Db, Kind};
use crate::error::Error;
use sqlx::postgres::PgListener;
use std::{sync::Arc, time::Duration};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// The name under which all processes of an installation speak; names are those of one database.
const CHANNEL: &str = "minhu";
/// At most one message in this time, however often the bell rings.
const SELDOM: Duration = Duration::from_millis(20);
/// How long to wait before a lost connection is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// What there is to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// Messages may be due.
    Outbox,
    /// The organisation has changed.
    Organisation,
}

impl News {
    const ALL: [News; 2] = [News::Outbox, News::Organisation];

    fn name(self) -> &'static str {
        match self {
            News::Outbox => "outbox",
            News::Organisation => "organisation",
        }
    }
}

/// Rings when this process has committed messages; [`ring_on`] tells the others.
#[derive(Debug, Clone, Default)]
pub struct Bell(Arc<Notify>);

impl Bell {
    /// Something may be due.
    pub fn ring(&self) {
        self.0.notify_one();
    }
}

impl Db {
    /// Tells the other processes; with SQLite there are none. What cannot be told they find by themselves.
    pub async fn tell(&self, news: News) {
        if self.kind() == Kind::Sqlite {
            return;
        }
        let told = async {
            let text = format!("{} {}", news.name(), self.process);
            sqlx::query("SELECT pg_notify($1, $2)").bind(CHANNEL).bind(text).execute(&mut *self.read().await?).await?;
            Ok::<(), Error>(())
        };
        if let Err(error) = told.await {
            tracing::debug!(error = %error, "the other processes were not told: {error}");
        }
    }

    /// What another process has told; `None` for our own words and those of a version that says more.
    fn understood(&self, text: &str) -> Option<News> {
        let (news, from) = text.split_once(' ')?;
        News::ALL.into_iter().find(|known| known.name() == news && *from != *self.process)
    }
}

/// Tells the others whenever the bell rings, until `stop`.
pub async fn ring_on(db: Db, bell: Bell, stop: CancellationToken) {
    if db.kind() == Kind::Sqlite {
        return;
    }
    loop {
        tokio::select! {
            () = bell.0.notified() => {}
            () = stop.cancelled() => return,
        }
        db.tell(News::Outbox).await;
        tokio::time::sleep(SELDOM).await;
    }
}

/// Hears what other processes tell, on a connection of its own to `url`, until `stop`. After a lost connection everything
/// counts as told, because it may have been.
pub async fn listen(db: Db, url: String, hear: impl Fn(News), stop: CancellationToken) {
    if db.kind() == Kind::Sqlite {
        return;
    }
    while !stop.is_cancelled() {
        let listening = async {
            let mut listener = PgListener::connect(&url).await?;
            listener.listen(CHANNEL).await?;
            loop {
                News::ALL.into_iter().for_each(&hear);
                while let Some(told) = listener.try_recv().await? {
                    db.understood(told.payload()).into_iter().for_each(&hear);
                }
            }
        };
        let lost: Result<(), sqlx::Error> = tokio::select! {
            lost = listening => lost,
            () = stop.cancelled() => return,
        };
        if let Err(error) = lost.map_err(Error::from)
            && !db.noticed(&error)
        {
            tracing::warn!(error = %error, "news of other processes cannot be heard now: {error}");
        }
        tokio::select! {
            () = tokio::time::sleep(AGAIN) => {}
            () = stop.cancelled() => return,
        }
    }
}
