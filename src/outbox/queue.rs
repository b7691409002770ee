//! Which rows are due.
//!
//! Three things must hold with any number of processes on one database: a row is taken once, a lane's rows leave one after
//! another in the order of their turns, and a million sent rows cost nothing. So every statement names the states of a
//! partial index word for word, which is what SQLite recognises; those that know a row's
//! id name none ([`super::store::held_sql`]).

use super::{
    Target,
    store::{COLUMNS, Waiting},
};
use crate::{
    db::{Db, Kind, Tx, in_list},
    error::{Error, Result},
    message::Millis,
    seal::Keys,
};
use sqlx::{AssertSqlSafe, Row};

/// A row that can be taken, with what is known of its way.
pub(super) struct Due {
    pub row: Waiting,
    /// The channels that were tried in vain, with commas.
    pub tried: String,
    /// The channel for which an older row of its lane waits.
    pub behind: Option<String>,
}

/// Rows that are to be sent now, or whose sender did not come back. `$1` is the moment.
const IN_TIME: &str =
    "o.state IN ('pending', 'held', 'sending') AND o.not_before <= $1 AND (o.state <> 'sending' OR o.lease_until <= $1)";

/// Nothing older of its lane stands before it: neither what is in hand, even if its lease is over, nor what is due or waits for
/// its platform. What merely waits for a later hour holds nothing back, nor does an answer that has to be tried again: the
/// next one is worth more. A row without a way may pass one that waits for a channel, to join its queue.
const FIRST: &str =
    "NOT EXISTS (SELECT 1 FROM outbox AS e WHERE e.lane = o.lane AND e.state IN ('pending', 'held', 'sending', 'kept')
    AND (e.at < o.at OR (e.at = o.at AND e.id < o.id))
    AND (e.state IN ('held', 'sending') OR (e.state = 'pending' AND CASE WHEN e.route <> '' THEN o.route <> ''
         ELSE e.not_before <= $1 OR (e.tries > 0 AND e.class <> 'reply') END)))";

/// Is anything due in these queues? A look without the right to write, so that an idle courier disturbs nobody.
pub(super) async fn anything_due(db: &Db, routes: &[String], now: Millis) -> Result<bool> {
    let mut conn = db.read().await?;
    for route in routes {
        let sql = any_sql();
        let due: Option<i64> = sqlx::query_scalar(AssertSqlSafe(sql)).bind(now).bind(route).fetch_optional(&mut *conn).await?;
        if due.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

pub(super) fn any_sql() -> String {
    format!("SELECT o.id FROM outbox AS o WHERE {IN_TIME} AND o.route = $2 AND (o.lane = '' OR {FIRST}) LIMIT 1")
}

/// Due rows of a queue, the first of each lane. A row that another process has in its hands is passed over.
///
/// A row that cannot be read, such as one sealed with a key that is gone, is marked and does not hold up the others.
pub(super) async fn due(tx: &mut Tx, keys: &Keys, route: &str, most: usize, now: Millis) -> Result<Vec<Due>> {
    let sql = due_sql(tx.kind(), most);
    let rows = sqlx::query(AssertSqlSafe(sql)).bind(now).bind(route.to_owned()).fetch_all(tx.conn()).await?;
    let mut all = Vec::with_capacity(rows.len());
    for row in &rows {
        match Waiting::from_row(row, keys) {
            Ok(waiting) => {
                all.push(Due { row: waiting, tried: row.try_get("tried")?, behind: row.try_get("behind")? });
            }
            Err(Error::Fault(why)) => unreadable(tx, row.try_get("id")?, &why).await?,
            Err(error) => return Err(error),
        }
    }
    Ok(all)
}

pub(super) fn due_sql(kind: Kind, most: usize) -> String {
    let columns = COLUMNS.split(", ").map(|column| format!("o.{column}")).collect::<Vec<_>>().join(", ");
    let lock = match kind {
        Kind::Sqlite => "",
        Kind::Postgres => " FOR UPDATE OF o SKIP LOCKED",
    };
    format!(
        "SELECT {columns}, COALESCE(o.channel, '') AS tried,
            (SELECT MAX(e.route) FROM outbox AS e WHERE e.lane = o.lane AND e.state IN ('pending', 'held', 'sending', 'kept')
             AND e.state = 'pending' AND e.route <> '' AND (e.at < o.at OR (e.at = o.at AND e.id < o.id))) AS behind
         FROM outbox AS o WHERE {IN_TIME} AND o.route = $2 AND o.lane <> '' AND {FIRST}
         ORDER BY o.not_before, o.id LIMIT {most}{lock}"
    )
}

/// Due rows for roles, which have no lane yet. Processes take turns here instead of passing over each other's rows: the
/// holders would get a later message before an earlier one otherwise.
pub(super) async fn roles_due(tx: &mut Tx, keys: &Keys, most: usize, now: Millis) -> Result<Vec<Waiting>> {
    let sql = roles_sql(tx.kind(), most);
    let rows = sqlx::query(AssertSqlSafe(sql)).bind(now).fetch_all(tx.conn()).await?;
    let mut all = Vec::with_capacity(rows.len());
    for row in &rows {
        match Waiting::from_row(row, keys) {
            Ok(waiting) if matches!(waiting.target, Target::Role { .. }) => all.push(waiting),
            Ok(_) => unreadable(tx, row.try_get("id")?, "a row without a lane is not for a role").await?,
            Err(Error::Fault(why)) => unreadable(tx, row.try_get("id")?, &why).await?,
            Err(error) => return Err(error),
        }
    }
    Ok(all)
}

pub(super) fn roles_sql(kind: Kind, most: usize) -> String {
    let lock = match kind {
        Kind::Sqlite => "",
        Kind::Postgres => " FOR UPDATE",
    };
    format!(
        "SELECT {COLUMNS} FROM outbox WHERE lane = '' AND state IN ('pending', 'held', 'sending', 'kept') AND state = 'pending'
         AND not_before <= $1 ORDER BY at, id LIMIT {most}{lock}"
    )
}

async fn unreadable(tx: &mut Tx, id: i64, why: &str) -> Result<()> {
    tracing::error!(row = id, reason = why, "outbox row {id} cannot be read: {why}");
    set_state(tx, id, "undeliverable", "unreadable").await
}

/// Puts a row, which the caller has locked, into a state that it does not leave by itself.
pub(super) async fn set_state(tx: &mut Tx, id: i64, state: &'static str, why: &'static str) -> Result<()> {
    set_states(tx, &[id], state, why).await
}

/// As [`set_state`], for several.
pub(super) async fn set_states(tx: &mut Tx, ids: &[i64], state: &'static str, why: &'static str) -> Result<()> {
    for (sql, ids) in in_list(tx.kind(), "UPDATE outbox SET state = ?, route = '', why = ? WHERE id IN", "", ids) {
        let mut query = sqlx::query(AssertSqlSafe(sql)).bind(state).bind(why);
        for id in ids {
            query = query.bind(*id);
        }
        query.execute(tx.conn()).await?;
    }
    Ok(())
}

/// Lets a row wait in the queue of a channel; what stands there keeps its lane's order.
pub(super) async fn line_up(tx: &mut Tx, id: i64, route: &str, not_before: Option<Millis>) -> Result<()> {
    sqlx::query("UPDATE outbox SET state = 'pending', route = $1, not_before = COALESCE($2, not_before) WHERE id = $3")
        .bind(route.to_owned())
        .bind(not_before)
        .bind(id)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Lets what waits for a channel be given its way anew: some of the recipients may be reached elsewhere.
pub(super) async fn dissolve(tx: &mut Tx, route: &str, now: Millis) -> Result<()> {
    sqlx::query(
        "UPDATE outbox SET route = '', not_before = CASE WHEN not_before < $1 THEN not_before ELSE $1 END
         WHERE route = $2 AND state IN ('pending', 'held', 'sending') AND state = 'pending'",
    )
    .bind(now)
    .bind(route.to_owned())
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// As [`dissolve`], for channels that are no longer configured.
pub(super) async fn dissolve_others(tx: &mut Tx, routes: &[String]) -> Result<()> {
    let known: Vec<String> = (1..=routes.len()).map(|n| format!("${n}")).collect();
    let sql = format!(
        "UPDATE outbox SET route = '' WHERE state IN ('pending', 'held', 'sending') AND state = 'pending' AND route NOT IN ({})",
        known.join(", ")
    );
    let mut query = sqlx::query(AssertSqlSafe(sql));
    for route in routes {
        query = query.bind(route.to_owned());
    }
    query.execute(tx.conn()).await?;
    Ok(())
}
