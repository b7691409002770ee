//! What an auditor reads beside the histories of tickets: changes of rights, exports, audits. One chain over all of it.
//!
//! Each record carries a keyed hash over itself and the hash of the one before, so that none can be changed, taken out or put
//! in by somebody who has the database but not the key.

use crate::{db::Tx, error::Result, message::Millis, seal::Keys};
use sqlx::{AnyConnection, Row};

/// The counter of the records. Its row also lets only one transaction at a time add to the chain.
const SEQUENCE: &str = "audit_event";
/// Records read at a time.
const PAGE: i64 = 1_000;

/// What is recorded.
#[derive(Debug, Clone, Copy)]
struct Record<'a> {
    what: &'a str,
    actor: Option<i64>,
    detail: &'a str,
    turn_key: &'a str,
}

/// Adds a record: what was done (such as `audit.show`), by whom (nobody for a command on the machine itself), to what (in words,
/// never a name, phone or text of a reporter), in which turn (empty for a command on the machine).
///
/// # Errors
/// Those of the database.
pub async fn record(
    tx: &mut Tx,
    keys: &Keys,
    what: &str,
    actor: Option<i64>,
    detail: &str,
    turn_key: &str,
    now: Millis,
) -> Result<()> {
    let record = Record { what, actor, detail, turn_key };
    let seq: i64 = sqlx::query_scalar(
        "INSERT INTO sequence (name, next) VALUES ($1, 1) ON CONFLICT (name) DO UPDATE SET next = sequence.next + 1 RETURNING next",
    )
    .bind(SEQUENCE)
    .fetch_one(tx.conn())
    .await?;
    let last: Option<String> =
        sqlx::query_scalar("SELECT hash FROM audit_event WHERE seq = $1").bind(seq - 1).fetch_optional(tx.conn()).await?;
    let hash = hash(keys, last.as_deref().unwrap_or_default(), seq, now, record);
    sqlx::query("INSERT INTO audit_event (seq, at, turn_key, actor_id, what, detail, hash) VALUES ($1, $2, $3, $4, $5, $6, $7)")
        .bind(seq)
        .bind(now)
        .bind(record.turn_key.to_owned())
        .bind(record.actor)
        .bind(record.what.to_owned())
        .bind(record.detail.to_owned())
        .bind(hash)
        .execute(tx.conn())
        .await?;
    Ok(())
}

fn hash(keys: &Keys, last: &str, seq: i64, at: Millis, record: Record<'_>) -> String {
    let [seq, at] = [seq, at].map(|number| number.to_string());
    let actor = record.actor.map(|actor| actor.to_string());
    let parts = [last, &seq, &at, record.turn_key, record.what, record.detail].map(Some);
    let parts: Vec<Option<&str>> = parts.into_iter().chain([actor.as_deref()]).collect();
    keys.hash_parts("audit", &parts)
}

/// What a walk over the chain came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Walked {
    /// How many records there are.
    pub records: i64,
    /// The number of the first place that is broken.
    pub broken: Option<i64>,
}

/// Walks over the chain, oldest first, up to the first place that is broken: a record that is missing or was changed.
///
/// # Errors
/// Those of the database.
pub async fn walk(conn: &mut AnyConnection, keys: &Keys) -> Result<Walked> {
    // The counter first: records that are added meanwhile only make the chain longer than it says.
    let counted: Option<i64> =
        sqlx::query_scalar("SELECT next FROM sequence WHERE name = $1").bind(SEQUENCE).fetch_optional(&mut *conn).await?;
    let (mut walked, mut last) = (Walked::default(), String::new());
    loop {
        let rows = sqlx::query(
            "SELECT seq, at, turn_key, actor_id, what, detail, hash FROM audit_event WHERE seq > $1 ORDER BY seq LIMIT $2",
        )
        .bind(walked.records)
        .bind(PAGE)
        .fetch_all(&mut *conn)
        .await?;
        for row in &rows {
            let (seq, turn_key, what): (i64, String, String) = (row.try_get(0)?, row.try_get(2)?, row.try_get(4)?);
            let (detail, kept): (String, String) = (row.try_get(5)?, row.try_get(6)?);
            let record = Record { what: &what, actor: row.try_get(3)?, detail: &detail, turn_key: &turn_key };
            if seq != walked.records + 1 || kept != hash(keys, &last, seq, row.try_get(1)?, record) {
                return Ok(Walked { broken: Some(walked.records + 1), ..walked });
            }
            (walked.records, last) = (seq, kept);
        }
        if rows.is_empty() {
            let broken = (walked.records < counted.unwrap_or(0)).then_some(walked.records + 1);
            return Ok(Walked { broken, ..walked });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::Db;

    /// A chain of three records, then a change by somebody with the database.
    async fn after(change: &str) -> Walked {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(&format!("sqlite://{}/a.db", folder.path().display()), 2).await.unwrap();
        db.migrate().await.unwrap();
        let keys = Keys::new(&[1; 32], &[]);
        let mut tx = db.write().await.unwrap();
        for (at, detail) in ["李", "王", "赵"].iter().enumerate() {
            let now = i64::try_from(at).unwrap();
            record(&mut tx, &keys, "rights", (at > 0).then_some(7), detail, "", now).await.unwrap();
        }
        sqlx::query(sqlx::AssertSqlSafe(change.to_owned())).execute(tx.conn()).await.unwrap();
        tx.commit().await.unwrap();
        walk(&mut db.read().await.unwrap(), &keys).await.unwrap()
    }

    #[tokio::test]
    async fn every_change_of_the_chain_is_found() {
        for (change, records, broken) in [
            ("SELECT 1", 3, None),
            ("UPDATE audit_event SET detail = '孙' WHERE seq = 2", 1, Some(2)),
            ("UPDATE audit_event SET actor_id = NULL WHERE seq = 2", 1, Some(2)),
            ("DELETE FROM audit_event WHERE seq = 1", 0, Some(1)),
            ("DELETE FROM audit_event WHERE seq = 2", 1, Some(2)),
            ("DELETE FROM audit_event WHERE seq = 3", 2, Some(3)),
            ("DELETE FROM audit_event", 0, Some(1)),
            (
                "INSERT INTO audit_event SELECT 4, at, turn_key, actor_id, what, detail, hash FROM audit_event WHERE seq = 3",
                3,
                Some(4),
            ),
        ] {
            assert_eq!(after(change).await, Walked { records, broken }, "{change}");
        }
    }
}
