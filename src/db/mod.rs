//! The database: connections, transactions, ids, and everything that differs between SQLite and PostgreSQL.
//!
//! One SQL text serves both, with `$1` placeholders and portable columns. Multi-row statements are the exception and are
//! made by [`rows`].

mod rows;
mod tx;

pub use rows::{Query, holders, in_list, insert, rows};
pub use tx::Tx;

use crate::error::{Error, Result};
use sqlx::{Any, AnyPool, AssertSqlSafe, Executor, Row, any::AnyPoolOptions, pool::PoolConnection};
use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// Ids taken from the database at a time.
const BLOCK: i64 = 1_024;

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// Which database it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One file, one process.
    Sqlite,
    /// A server, any number of processes.
    Postgres,
}

/// A database and the right to write to it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Db {
    pool: AnyPool,
    kind: Kind,
    /// SQLite has one writer; waiting here is first come, first served, waiting in SQLite is not.
    writer: Arc<tokio::sync::Mutex<()>>,
    ids: Ids,
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
            Kind::Postgres => url.to_owned(),
            Kind::Sqlite => {
                let path = url.trim_start_matches("sqlite:").trim_start_matches("//");
                let file = path.split('?').next().unwrap_or(path);
                if let Some(folder) = Path::new(file).parent().filter(|folder| !folder.as_os_str().is_empty()) {
                    std::fs::create_dir_all(folder)
                        .map_err(|error| Error::user(format!("{}: cannot make this folder: {error}", folder.display())))?;
                }
                if path.contains("mode=") {
                    url.to_owned()
                } else {
                    format!("{url}{}mode=rwc", if path.contains('?') { '&' } else { '?' })
                }
            }
        };
        let pool = AnyPoolOptions::new()
            .max_connections(max_connections)
            .min_connections(1)
            .acquire_timeout(Duration::from_secs(10))
            .after_connect(move |conn, _| {
                Box::pin(async move {
                    let settings = match kind {
                        Kind::Sqlite => {
                            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA busy_timeout = 30000; PRAGMA cache_size = -4096"
                        }
                        Kind::Postgres => "SET statement_timeout = '20s'; SET lock_timeout = '10s'; SET TIME ZONE 'UTC'",
                    };
                    conn.execute(sqlx::raw_sql(settings)).await.map(|_| ())
                })
            })
            .connect(&url)
            .await?;
        Ok(Db { pool, kind, writer: Arc::default(), ids: Ids::default() })
    }

    /// Brings the tables to the version of this program.
    ///
    /// # Errors
    /// When a migration fails or the database was made by a newer program.
    pub async fn migrate(&self) -> Result<()> {
        let _writer = self.writer.lock().await;
        MIGRATIONS.run(&self.pool).await.map_err(|error| Error::Database(error.into()))
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
        Ok(self.pool.acquire().await?)
    }

    /// Begins a transaction that may write, with at least 1,024 ids in store.
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
        let guard = match self.kind {
            Kind::Sqlite => Some(self.writer.clone().lock_owned().await),
            Kind::Postgres => None,
        };
        let mut conn = self.pool.acquire().await?;
        if self.ids.left() < ids {
            // A statement of its own, so that a block never comes back when the transaction after it is rolled back.
            let count = ids.max(0) + BLOCK;
            let end: i64 = sqlx::query("UPDATE id_block SET next = next + $1 WHERE name = 'id' RETURNING next")
                .bind(count)
                .fetch_one(&mut *conn)
                .await?
                .try_get(0)?;
            self.ids.refill(end, count);
        }
        Tx::begin(conn, self.kind, self.ids.clone(), guard).await
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

    /// Answers when the database does.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<()> {
        let mut conn = self.read().await?;
        sqlx::query("SELECT next FROM id_block WHERE name = 'id'").fetch_one(&mut *conn).await?;
        Ok(())
    }

    /// Closes all connections after what is in hand.
    pub async fn close(&self) {
        self.pool.close().await;
    }
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

/// SQL that was put together from our own constants, never from input.
fn own(sql: String) -> AssertSqlSafe<String> {
    AssertSqlSafe(sql)
}
