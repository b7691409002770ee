//! A transaction whose end is proven.
//!
//! sqlx's own nesting is not used: a nested transaction whose future is dropped silently ends the outer one, and on
//! PostgreSQL `COMMIT` of a transaction in which a statement failed says yes and keeps nothing. Savepoints here are plain
//! statements, and [`Tx::commit`] first proves that the transaction is alive and whole.

use super::{Ids, Kind, Writer};
use crate::{
    error::{Error, Result},
    metrics::Metrics,
};
use sqlx::{Any, AnyConnection, Executor, pool::PoolConnection};
use tokio::{sync::OwnedMutexGuard, time::Instant};

/// An open transaction. Dropping it without [`Tx::commit`] undoes everything; no future that holds one may be put under a
/// time-out or into `select!`, but by [`super::Db::patiently`], where the transaction goes with the whole of its work.
pub struct Tx {
    conn: Option<PoolConnection<Any>>,
    kind: Kind,
    ids: Ids,
    depth: u32,
    begun: Instant,
    metrics: Metrics,
    writer: Option<OwnedMutexGuard<Writer>>,
}

impl Tx {
    pub(super) async fn begin(
        mut conn: PoolConnection<Any>,
        kind: Kind,
        ids: Ids,
        writer: Option<OwnedMutexGuard<Writer>>,
        metrics: Metrics,
    ) -> Result<Self> {
        let begin = match kind {
            Kind::Sqlite => "BEGIN IMMEDIATE",
            Kind::Postgres => "BEGIN",
        };
        let begun = Instant::now();
        conn.execute(sqlx::raw_sql(begin)).await?;
        Ok(Tx { conn: Some(conn), kind, ids, depth: 0, begun, metrics, writer })
    }

    /// The connection, for statements.
    #[expect(clippy::expect_used, reason = "the connection is taken only by commit and rollback, which consume the transaction")]
    pub fn conn(&mut self) -> &mut AnyConnection {
        self.conn.as_deref_mut().expect("a transaction has its connection until it ends")
    }

    /// Which database it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// A new id, below 2^53 and without meaning.
    ///
    /// # Errors
    /// A fault when the store begun with is used up; the transaction then has to be begun again with more.
    pub fn id(&self) -> Result<i64> {
        self.ids.take().ok_or_else(|| Error::fault("the block of ids is used up"))
    }

    /// How many points there are to come back to.
    pub fn depth(&self) -> u32 {
        self.depth
    }

    /// Marks a point to come back to. Points nest; the innermost has the name given last.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn savepoint(&mut self) -> Result<()> {
        self.run("SAVEPOINT turn").await?;
        self.depth += 1;
        Ok(())
    }

    /// Undoes everything since the last point and forgets the point.
    ///
    /// # Errors
    /// When the transaction itself is gone; then nothing of it can be kept.
    pub async fn back(&mut self) -> Result<()> {
        self.run("ROLLBACK TO SAVEPOINT turn").await?;
        self.run("RELEASE SAVEPOINT turn").await?;
        self.depth = self.depth.saturating_sub(1);
        Ok(())
    }

    /// Keeps everything since the last point and forgets the point.
    ///
    /// # Errors
    /// When a statement since then has failed (PostgreSQL) or the database fails.
    pub async fn keep(&mut self) -> Result<()> {
        self.run("RELEASE SAVEPOINT turn").await?;
        self.depth = self.depth.saturating_sub(1);
        Ok(())
    }

    /// Makes everything last.
    ///
    /// # Errors
    /// When the transaction is no longer alive and whole, or the database cannot write; nothing was kept then.
    pub async fn commit(mut self) -> Result<()> {
        // PostgreSQL refuses a savepoint outside a transaction and inside a broken one; SQLite refuses the COMMIT itself
        // when the transaction is gone, and needs no proof before it.
        self.run(match self.kind {
            Kind::Sqlite => "COMMIT",
            // One message to the server; what follows a refused statement is not run.
            Kind::Postgres => "SAVEPOINT proof; COMMIT",
        })
        .await?;
        self.give_back();
        Ok(())
    }

    /// Undoes everything and gives the connection back in good order.
    pub async fn rollback(mut self) {
        if self.run("ROLLBACK").await.is_ok() {
            self.give_back();
        }
    }

    /// The connection is in good order: SQLite's writer stays with the right to write, any other goes back to all.
    fn give_back(&mut self) {
        let conn = self.conn.take();
        if let Some(writer) = self.writer.as_mut().filter(|writer| writer.stays) {
            writer.conn = conn;
        }
    }

    async fn run(&mut self, statement: &'static str) -> Result<()> {
        self.conn().execute(sqlx::raw_sql(statement)).await?;
        Ok(())
    }
}

impl Drop for Tx {
    fn drop(&mut self) {
        self.metrics.transacted(self.begun.elapsed());
        if let Some(conn) = &mut self.conn {
            // Closing undoes the transaction whatever state it is in; giving such a connection back to the pool could not.
            conn.close_on_drop();
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::db::Db;

    async fn db() -> (tempfile::TempDir, Db) {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(&format!("sqlite://{}/t.db", folder.path().display()), 4).await.unwrap();
        db.migrate().await.unwrap();
        (folder, db)
    }

    async fn put(tx: &mut super::Tx, name: &str) {
        sqlx::query("INSERT INTO setting (name, value) VALUES ($1, 'x')").bind(name).execute(tx.conn()).await.unwrap();
    }

    async fn names(db: &Db) -> Vec<String> {
        let mut conn = db.read().await.unwrap();
        sqlx::query_scalar("SELECT name FROM setting WHERE value = 'x' ORDER BY name").fetch_all(&mut *conn).await.unwrap()
    }

    #[tokio::test]
    async fn a_dropped_transaction_leaves_nothing_and_the_next_one_works() {
        let (_folder, db) = db().await;
        let mut tx = db.write().await.unwrap();
        put(&mut tx, "a").await;
        drop(tx);
        let mut tx = db.write().await.unwrap();
        put(&mut tx, "b").await;
        tx.commit().await.unwrap();
        assert_eq!(names(&db).await, ["b"]);
    }

    #[tokio::test]
    async fn going_back_keeps_what_came_before_the_point() {
        let (_folder, db) = db().await;
        let mut tx = db.write().await.unwrap();
        put(&mut tx, "a").await;
        tx.savepoint().await.unwrap();
        put(&mut tx, "b").await;
        tx.back().await.unwrap();
        tx.savepoint().await.unwrap();
        put(&mut tx, "c").await;
        tx.keep().await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(names(&db).await, ["a", "c"]);
    }

    #[tokio::test]
    async fn a_transaction_that_was_ended_behind_our_back_does_not_commit() {
        let (_folder, db) = db().await;
        let mut tx = db.write().await.unwrap();
        put(&mut tx, "a").await;
        sqlx::raw_sql("ROLLBACK").execute(tx.conn()).await.unwrap();
        assert!(tx.commit().await.is_err());
        assert!(names(&db).await.is_empty());
    }

    #[tokio::test]
    async fn ids_are_never_given_twice_even_after_a_rollback() {
        let (_folder, db) = db().await;
        let first = db.write().await.unwrap();
        let id = first.id().unwrap();
        first.rollback().await;
        let second = db.write_with_ids(5_000).await.unwrap();
        assert!(second.id().unwrap() > id);
        assert!((0..4_000).all(|_| second.id().is_ok()));
    }
}
