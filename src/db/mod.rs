//! The database: connections, transactions, ids, and everything that differs between SQLite and PostgreSQL.
//!
//! One SQL text serves both, with `$1` placeholders and portable columns. Multi-row statements are the exception and are
//! made by [`rows`].

mod alone;
mod backup;
mod copy;
pub mod lease;
mod notify;
mod rows;
mod schema;
#[cfg(test)]
pub(crate) mod testing;
mod trouble;
mod tx;

pub use alone::Alone;
pub use backup::{aside, backup, restore};
pub use copy::{Moved, Tally, copy};
pub use notify::{Bell, News, listen, ring_on};
pub use rows::{Query, holders, in_list, insert, padded, rows};
pub use trouble::{Meaning, Trouble, meaning, mistake};
pub use tx::Tx;

use crate::{
    error::{Error, Result},
    metrics::Metrics,
    seal::random_digits,
};
use sqlx::{Any, AnyPool, AssertSqlSafe, Executor, Row, any::AnyPoolOptions, migrate::Migrator, pool::PoolConnection};
use std::{
    future::Future,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// How long a connection is waited for: less than a platform waits for its answer.
const ACQUIRE: Duration = Duration::from_secs(3);
/// What works on PostgreSQL longer than this waits for a server that hangs. Longer than any statement may take there.
const PATIENCE: Duration = Duration::from_secs(30);
/// What a connection begins with. A SQLite file that another process holds, and a row that another turn holds, are waited for, but
/// not for ever. A server notices within half a minute that we are gone, and lets go of what we had locked. What SQLite keeps for the
/// length of a statement stays in memory: a large batch would write it to temporary files.
const SQLITE: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA busy_timeout = 10000; \
    PRAGMA cache_size = -16384; PRAGMA wal_autocheckpoint = 4000; PRAGMA temp_store = MEMORY";
/// Plans made while a table is new would read all of it ever after, so reading a whole table is always the last resort.
const POSTGRES: &str = "SET statement_timeout = '20s'; SET lock_timeout = '10s'; SET idle_in_transaction_session_timeout = '30s'; \
    SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3; SET TIME ZONE 'UTC'; \
    SET enable_seqscan = off; SET jit = off";
/// What is written to see whether there is room: more than the free pages that a nearly full file may still have.
const PROBE: usize = 64 * 1024;

/// Ids that a transaction finds in store: enough for all that run at once.
const BLOCK: i64 = 4_096;
/// Ids taken from the database at a time beyond what is needed now: taking them is a transaction of its own.
const STORE: i64 = 16_384;

/// Newer migrations than we know are let pass: during a rolling upgrade the new program is there before the last old one goes,
/// and migrations only add until nobody uses a thing any more. [`Db::migrate`] takes the lock itself.
static MIGRATIONS: LazyLock<Migrator> = LazyLock::new(|| {
    let mut migrations = sqlx::migrate!("./migrations");
    migrations.set_ignore_missing(true).set_locking(false);
    migrations
});

/// Which database it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One file, one process.
    Sqlite,
    /// A server, any number of processes.
    Postgres,
}

impl Kind {
    /// The suffix of a query that locks the rows it finds and passes over those another process has locked.
    pub fn skip_locked(self) -> &'static str {
        match self {
            Kind::Sqlite => "",
            Kind::Postgres => " FOR UPDATE SKIP LOCKED",
        }
    }
}

/// A database and the right to write to it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Db {
    pool: AnyPool,
    kind: Kind,
    /// SQLite has one writer; waiting here is first come, first served, waiting in SQLite is not.
    writer: Arc<tokio::sync::Mutex<Writer>>,
    ids: Ids,
    metrics: Metrics,
    process: Arc<str>,
    state: trouble::State,
}

/// The connection that writes to SQLite, between two transactions. It is always the same one: another one would have to read again
/// what was written since it last did.
#[derive(Debug)]
struct Writer {
    conn: Option<PoolConnection<Any>>,
    /// There are others for reading.
    stays: bool,
}

impl Drop for Writer {
    fn drop(&mut self) {
        // Going back to the pool takes a running runtime; without one nobody waits for the connection any more.
        if let Some(conn) = self.conn.take()
            && tokio::runtime::Handle::try_current().is_err()
        {
            drop(conn.leak());
        }
    }
}

/// The unused rest of the block of ids taken last.
#[derive(Debug, Clone, Default)]
struct Ids(Arc<Mutex<(i64, i64)>>);

impl Ids {
    fn left(&self) -> i64 {
        let range = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        range.1 - range.0
    }

    fn take(&self) -> Option<i64> {
        let mut range = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (range.0 < range.1).then(|| {
            range.0 += 1;
            range.0 - 1
        })
    }

    /// Replaces the rest by a new block; the few ids that were left become a gap, which means nothing.
    fn refill(&self, end: i64, count: i64) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = (end - count, end);
    }
}

impl Db {
    /// Connects; a SQLite file and its folder are made when they are missing.
    ///
    /// # Errors
    /// When the address is neither `sqlite://…` nor `postgres://…`, or nothing answers there.
    pub async fn open(url: &str, max_connections: u32) -> Result<Self> {
        sqlx::any::install_default_drivers();
        let kind = kind_of(url).ok_or_else(|| Error::user("database.url must begin with sqlite:// or postgres://"))?;
        let url = match kind {
            // A statement for each number of rows: more of them than are kept without being told.
            Kind::Postgres if !url.contains("statement-cache-capacity") => {
                format!("{url}{}statement-cache-capacity=400", if url.contains('?') { '&' } else { '?' })
            }
            Kind::Postgres => url.to_owned(),
            Kind::Sqlite => {
                make_folder(file_of(url))?;
                if url.contains("mode=") {
                    url.to_owned()
                } else {
                    format!("{url}{}mode=rwc", if url.contains('?') { '&' } else { '?' })
                }
            }
        };
        let state = trouble::State::default();
        let met = state.clone();
        let pool = AnyPoolOptions::new()
            .max_connections(max_connections)
            .min_connections(1)
            .acquire_timeout(ACQUIRE)
            .after_connect(move |conn, _| {
                let met = met.clone();
                Box::pin(async move {
                    let settings = match kind {
                        Kind::Sqlite => SQLITE,
                        Kind::Postgres => POSTGRES,
                    };
                    // The pool tries again and in the end only says that it took too long.
                    let set = conn.execute(sqlx::raw_sql(settings)).await;
                    set.map(|_| ()).inspect_err(|error| {
                        if let Meaning::Trouble(trouble) = meaning(error) {
                            met.met(trouble, error);
                        }
                    })
                })
            })
            .connect(&url)
            .await?;
        let process = random_digits(18)?.into();
        let writer = Writer { conn: None, stays: max_connections > 1 };
        let metrics = Metrics::default();
        Ok(Db { pool, kind, writer: Arc::new(writer.into()), ids: Ids::default(), metrics, process, state })
    }

    /// Counts its times with these figures.
    #[must_use]
    pub fn measured(self, metrics: &Metrics) -> Self {
        Db { metrics: metrics.clone(), ..self }
    }

    /// Brings the tables to the version of this program. Of several programs one does it and the others wait.
    ///
    /// # Errors
    /// When a migration fails; a sentence when the database has moved on too far for this program.
    pub async fn migrate(&self) -> Result<()> {
        let _writer = self.writer.lock().await;
        let mut conn = self.pool.acquire().await?;
        if self.kind == Kind::Postgres {
            // The limits and the lock end with the connection. Waiting for another program's migrations and building an index
            // may take long; waiting for a table may not, because everybody else then waits behind us.
            conn.close_on_drop();
            let lock = "SET statement_timeout = 0; SET lock_timeout = 0; SELECT 1 FROM pg_advisory_lock(6501846); SET lock_timeout = '10s'";
            conn.execute(sqlx::raw_sql(lock)).await?;
        }
        // Building an index of millions of rows sorts more than memory may hold.
        if self.kind == Kind::Sqlite {
            conn.execute(sqlx::raw_sql("PRAGMA temp_store = FILE")).await?;
        }
        MIGRATIONS.run_direct(None, &mut *conn, false).await.map_err(|error| Error::Database(error.into()))?;
        if self.kind == Kind::Sqlite {
            conn.execute(sqlx::raw_sql("PRAGMA temp_store = MEMORY")).await?;
        }
        let known = MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or_default();
        let oldest: Option<String> =
            sqlx::query_scalar("SELECT value FROM setting WHERE name = 'oldest_program'").fetch_optional(&mut *conn).await?;
        if self.kind == Kind::Postgres {
            conn.close().await?;
        }
        match oldest.and_then(|oldest| oldest.parse::<i64>().ok()) {
            Some(oldest) if oldest > known => {
                Err(Error::user("这个数据库已经给新版本的民呼用了，这个版本太旧，不能再用它。请换成新版本"))
            }
            _ => Ok(()),
        }
    }

    /// A random name of this process, under which it holds leases.
    pub fn process(&self) -> &str {
        &self.process
    }

    /// Which database it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// A connection for reading outside a transaction.
    ///
    /// # Errors
    /// When the database is unreachable.
    pub async fn read(&self) -> Result<PoolConnection<Any>> {
        let begun = Instant::now();
        let conn = self.pool.acquire().await?;
        self.metrics.waited(begun.elapsed());
        Ok(conn)
    }

    /// Begins a transaction that may write, with at least 4,096 ids in store.
    ///
    /// # Errors
    /// When the database is unreachable or busy for too long.
    pub async fn write(&self) -> Result<Tx> {
        self.write_with_ids(BLOCK).await
    }

    /// Begins a transaction that may write and will need `ids` new ids (imports need many).
    ///
    /// # Errors
    /// As [`Db::write`].
    pub async fn write_with_ids(&self, ids: i64) -> Result<Tx> {
        let begun = Instant::now();
        let mut writer = match self.kind {
            Kind::Sqlite => Some(self.writer.clone().lock_owned().await),
            Kind::Postgres => None,
        };
        let mut conn = match writer.as_mut().and_then(|writer| writer.conn.take()) {
            Some(conn) => conn,
            None => self.pool.acquire().await?,
        };
        self.metrics.waited(begun.elapsed());
        if self.ids.left() < ids {
            // A statement of its own, so that a block never comes back when the transaction after it is rolled back.
            let count = ids.max(0) + STORE;
            let end: i64 = sqlx::query("UPDATE id_block SET next = next + $1 WHERE name = 'id' RETURNING next")
                .bind(count)
                .fetch_one(&mut *conn)
                .await?
                .try_get(0)?;
            self.ids.refill(end, count);
        }
        Tx::begin(conn, self.kind, self.ids.clone(), writer, self.metrics.clone()).await
    }

    /// Begins a transaction of tens of thousands of rows in many indexes, which need more of SQLite's memory than a turn (at most
    /// 256 MiB, on this connection).
    ///
    /// # Errors
    /// As [`Db::write`].
    pub async fn write_much(&self, ids: i64) -> Result<Tx> {
        let mut tx = self.write_with_ids(ids).await?;
        if self.kind == Kind::Sqlite {
            tx.conn().execute(sqlx::raw_sql("PRAGMA cache_size = -262144")).await?;
        }
        Ok(tx)
    }

    /// Writes something and makes it last; trouble that was met before is over when that works. `room`: also sees whether there is
    /// room for more.
    ///
    /// # Errors
    /// When it does not work; the trouble is noticed.
    pub async fn probe(&self, room: bool) -> Result<()> {
        let work = async {
            for value in [if room { "0".repeat(PROBE) } else { String::new() }, String::new()].iter().take(1 + usize::from(room))
            {
                let mut tx = self.write_with_ids(0).await?;
                sqlx::query(
                    "INSERT INTO setting (name, value) VALUES ('probe', $1) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                )
                .bind(value.clone())
                .execute(tx.conn())
                .await?;
                tx.commit().await?;
            }
            Ok(())
        };
        let result = self.patiently(work).await;
        match &result {
            Ok(()) => self.state.over(),
            Err(error) => _ = self.noticed(error),
        }
        result
    }

    /// Is this trouble of the database as a whole? Then it is taken down here, and said in the log only when it begins.
    pub fn noticed(&self, error: &Error) -> bool {
        match error {
            Error::Database(error) => match meaning(error) {
                Meaning::Trouble(trouble) => {
                    self.state.met(trouble, error);
                    true
                }
                Meaning::Collision | Meaning::Mistake => false,
            },
            Error::User(_) | Error::Fault(_) => false,
        }
    }

    /// The trouble that the database is in, as far as it was noticed.
    pub fn trouble(&self) -> Option<Trouble> {
        self.state.now()
    }

    /// Does something that owns all its transactions, and gives it up with them when a PostgreSQL server hangs: no time limit of the
    /// server's helps then, and none of TCP's while its machine answers. Whether a commit that was under way happened is not
    /// known then; seen-marks and leases are made for that. SQLite's waiting ends by itself.
    ///
    /// # Errors
    /// Those of the work; trouble of the database when it was given up.
    pub async fn patiently<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        // Turns are large and deep: on the heap, and awaited in one place, so that the stack holds only one of them.
        let mut work = Box::pin(work);
        match self.kind {
            Kind::Sqlite => work.await,
            Kind::Postgres => {
                let limited = tokio::time::timeout(PATIENCE, &mut work).await;
                limited.unwrap_or_else(|_| Err(Error::Database(sqlx::Error::PoolTimedOut)))
            }
        }
    }

    /// The newest migration that the database has had, and the newest that this program knows.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn versions(&self) -> Result<(i64, i64)> {
        let applied: i64 = sqlx::query_scalar("SELECT CAST(COALESCE(MAX(version), 0) AS BIGINT) FROM _sqlx_migrations")
            .fetch_one(&mut *self.read().await?)
            .await?;
        Ok((applied, MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or(0)))
    }

    /// Closes all connections after what is in hand.
    pub async fn close(&self) {
        drop(self.writer.lock().await.conn.take());
        self.pool.close().await;
    }
}

/// The folder in which a SQLite address has its file; `None` for a server.
pub fn folder_of(url: &str) -> Option<PathBuf> {
    let path = url.strip_prefix("sqlite:")?.trim_start_matches("//");
    Path::new(path.split('?').next().unwrap_or(path)).parent().map(Path::to_owned)
}

/// The kind that an address names.
pub fn kind_of(url: &str) -> Option<Kind> {
    if url.starts_with("sqlite:") {
        Some(Kind::Sqlite)
    } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        Some(Kind::Postgres)
    } else {
        None
    }
}

/// The file that a `sqlite:` address names.
pub fn file_of(url: &str) -> &Path {
    let path = url.trim_start_matches("sqlite:").trim_start_matches("//");
    Path::new(path.split('?').next().unwrap_or(path))
}

/// Makes the folder that a file is to lie in.
fn make_folder(file: &Path) -> Result<()> {
    let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) else { return Ok(()) };
    std::fs::create_dir_all(folder)
        .map_err(|error| Error::user(format!("{}: cannot make this folder: {error}", folder.display())))
}

/// SQL that was put together from our own constants, never from input.
fn own(sql: String) -> AssertSqlSafe<String> {
    AssertSqlSafe(sql)
}
