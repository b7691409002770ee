//! The outbox's statements.

use super::{Class, HOLD, Push, Target, WORTH, not_before};
use crate::{
    db::{Kind, Tx, in_list, insert},
    error::{Error, Result},
    message::{Millis, Reply},
    seal::Keys,
};
use sqlx::{AnyConnection, AssertSqlSafe, Row, any::AnyRow};
use std::collections::HashMap;

/// A row that has been written and waits.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// The row's id.
    pub id: i64,
    /// Whom it is for.
    pub target: Target,
    /// What it says.
    pub reply: Reply,
    /// When it goes.
    pub class: Class,
    /// The ticket it speaks of.
    pub ticket: Option<i64>,
    /// A person who does not get it by way of a role.
    pub except: Option<i64>,
    /// How often it has been tried.
    pub tries: i64,
    /// After this it is not worth sending.
    pub expires_at: Millis,
    /// The turn that caused it.
    pub turn_key: String,
    /// The request that brought the message of that turn, where it may be kept.
    pub request: Option<String>,
    /// When it was written. Ids are given out in blocks, so of two processes only this says who was first.
    pub at: Millis,
}

pub(super) const COLUMNS: &str = "id, target, body, class, ticket_id, except_for, tries, expires_at, turn_key, request, at";

impl Waiting {
    pub(super) fn from_row(row: &AnyRow, keys: &Keys) -> Result<Self> {
        let target: String = row.try_get("target")?;
        let class: String = row.try_get("class")?;
        Ok(Waiting {
            id: row.try_get("id")?,
            target: target.parse().map_err(|()| Error::fault("an outbox row has no readable target"))?,
            reply: opened(keys, row.try_get("body")?)?,
            class: match class.as_str() {
                "reply" => Class::Reply,
                "batch" => Class::Batch,
                _ => Class::Now,
            },
            ticket: row.try_get("ticket_id")?,
            except: row.try_get("except_for")?,
            tries: row.try_get::<i32, _>("tries")?.into(),
            expires_at: row.try_get("expires_at")?,
            turn_key: row.try_get("turn_key")?,
            request: row.try_get("request")?,
            at: row.try_get("at")?,
        })
    }
}

/// The associated data of a sealed text. It names no row: the program before this one, which may run beside it, copies a role's message
/// to its holders as it is.
const PLACE: &str = "outbox.body";

/// A message as it lies in its row: texts hold names, telephones and numbers of tickets beside the chat they went to.
pub(crate) fn sealed(keys: &Keys, reply: &Reply) -> Result<String> {
    keys.seal(PLACE, &serde_json::to_string(reply)?)
}

/// A message out of its row; an erased one is empty.
fn opened(keys: &Keys, body: &str) -> Result<Reply> {
    if body.is_empty() {
        return Ok(Reply::default());
    }
    Ok(serde_json::from_str(&keys.open(PLACE, body)?)?)
}

/// Writes messages. Each comes with its id, the key of its turn, and whether the HTTP response is to carry it; `requests` are the
/// requests that brought the messages of these turns.
///
/// # Errors
/// Those of the database.
pub async fn write(
    tx: &mut Tx,
    keys: &Keys,
    messages: &[(i64, String, bool, Push)],
    requests: &HashMap<String, String>,
    now: Millis,
) -> Result<()> {
    let mut rows = Vec::with_capacity(messages.len());
    for (id, turn_key, held, push) in messages {
        rows.push((*id, turn_key, *held, push, sealed(keys, &push.reply)?));
    }
    insert(
        tx,
        "INSERT INTO outbox (id, turn_key, ticket_id, target, except_for, lane, class, body, at, not_before, expires_at, tries, state, lease_until, request)",
        15,
        "",
        &rows,
        |query, (id, turn_key, held, push, body)| {
            query
                .bind(id)
                .bind(turn_key.as_str())
                .bind(push.ticket)
                .bind(push.target.to_string())
                .bind(push.except)
                .bind(push.target.lane())
                .bind(push.class.name())
                .bind(body.as_str())
                .bind(now)
                .bind(if *held { now + HOLD } else { not_before(push, now) })
                .bind(now + WORTH)
                .bind(0_i32)
                .bind(if *held { "held" } else { "pending" })
                .bind(0_i64)
                .bind(requests.get(*turn_key).map(String::as_str))
        },
    )
    .await
}

/// The answer that was given to a turn, if there was one: row id and reply.
///
/// # Errors
/// Those of the database.
pub async fn stored_answer(conn: &mut AnyConnection, keys: &Keys, turn_key: &str) -> Result<Option<(i64, Reply)>> {
    let row = sqlx::query("SELECT id, body FROM outbox WHERE turn_key = $1 AND class = 'reply' ORDER BY id LIMIT 1")
        .bind(turn_key)
        .fetch_optional(conn)
        .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some((row.try_get(0)?, opened(keys, row.try_get(1)?)?)))
}

/// Marks replies that travelled in an HTTP response as sent.
///
/// # Errors
/// Those of the database.
pub async fn handed(tx: &mut Tx, ids: &[i64], now: Millis) -> Result<()> {
    move_held(tx, ids, "UPDATE outbox SET state = 'sent', sent_at = ?", now).await
}

/// Lets the courier have replies that no HTTP response will carry.
///
/// # Errors
/// Those of the database.
pub async fn marked_pending(tx: &mut Tx, ids: &[i64], now: Millis) -> Result<()> {
    move_held(tx, ids, "UPDATE outbox SET state = 'pending', not_before = ?", now).await
}

async fn move_held(tx: &mut Tx, ids: &[i64], head: &str, now: Millis) -> Result<()> {
    for (sql, values) in held_sql(tx.kind(), head, ids) {
        let mut query = sqlx::query(AssertSqlSafe(sql)).bind(now);
        for id in values {
            query = query.bind(*id);
        }
        query.execute(tx.conn()).await?;
    }
    Ok(())
}

/// What changes those of these rows that are still held. The state is not compared as it is: PostgreSQL would read the whole index of
/// what is open, with all that was open since it was last tidied up, beside looking up the ids.
pub(super) fn held_sql<'v>(kind: Kind, head: &str, ids: &'v [i64]) -> Vec<(String, Vec<&'v i64>)> {
    in_list(kind, &format!("{head} WHERE state || '' = 'held' AND id IN"), "", ids)
}

/// Lets out what was kept for addresses (by their hashes) that can be written to again, however long it was kept: the next
/// contact is what it waited for. Says whether there was anything.
///
/// # Errors
/// Those of the database.
pub async fn release_kept(tx: &mut Tx, hashes: &[String], now: Millis) -> Result<bool> {
    let mut released = 0;
    let head = "UPDATE outbox SET state = 'pending', not_before = ?, expires_at = ? WHERE state = 'kept' AND kept_for IN";
    for (sql, values) in in_list(tx.kind(), head, "", hashes) {
        let mut query = sqlx::query(AssertSqlSafe(sql)).bind(now).bind(now + WORTH);
        for value in values {
            query = query.bind(value.to_owned());
        }
        released += query.execute(tx.conn()).await?.rows_affected();
    }
    Ok(released > 0)
}

/// Erases the text of what was said to somebody; messages still under way keep theirs until they are out.
///
/// # Errors
/// Those of the database.
pub async fn forget_said(tx: &mut Tx, to: &Target) -> Result<()> {
    sqlx::query(
        "UPDATE outbox SET body = '', turn_key = '', request = NULL WHERE lane = $1 AND (body <> '' OR turn_key <> '')
         AND state IN ('sent', 'superseded', 'expired')",
    )
    .bind(to.lane())
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Takes back what was not sent yet about a ticket to anybody but whoever reported it. An answer to somebody's own message stays.
///
/// # Errors
/// Those of the database.
pub async fn withhold(tx: &mut Tx, ticket: i64) -> Result<()> {
    sqlx::query(
        "UPDATE outbox SET state = 'superseded', why = 'withheld', body = '' WHERE ticket_id = $1
         AND state IN ('pending', 'held', 'sending', 'kept') AND state IN ('pending', 'kept')
         AND class <> 'reply' AND target NOT LIKE 'r:%'",
    )
    .bind(ticket)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Cancels what a turn told others and has not left, and names whom it was told to already, with the ticket it spoke of. Answers
/// to the sender stay.
///
/// A list of several messages, and one that older ones were added to, holds more than this turn's words: it counts as told.
///
/// # Errors
/// Those of the database.
pub async fn take_back(tx: &mut Tx, turn_key: &str) -> Result<Vec<(Target, Option<i64>)>> {
    sqlx::query(
        "UPDATE outbox SET state = 'superseded', why = 'taken back'
         WHERE turn_key = $1 AND class <> 'reply' AND ticket_id IS NOT NULL AND state IN ('pending', 'held', 'kept')
           AND NOT EXISTS (SELECT 1 FROM outbox AS older WHERE older.lane = outbox.lane AND older.ticket_id = outbox.ticket_id
                           AND older.state = 'superseded' AND older.why = 'kept as one' AND older.id < outbox.id)",
    )
    .bind(turn_key.to_owned())
    .execute(tx.conn())
    .await?;
    let rows = sqlx::query(
        "SELECT target, ticket_id, MIN(id) AS first FROM outbox WHERE turn_key = $1 AND class <> 'reply'
           AND (state IN ('sent', 'sending', 'pending', 'held', 'kept') OR (state = 'superseded' AND why IN ('in one list', 'kept as one')))
         GROUP BY target, ticket_id ORDER BY first",
    )
    .bind(turn_key.to_owned())
    .fetch_all(tx.conn())
    .await?;
    rows.iter()
        .map(|row| {
            let target: String = row.try_get(0)?;
            Ok((target.parse().map_err(|()| Error::fault("an outbox row has no readable target"))?, row.try_get(1)?))
        })
        .collect()
}

/// Messages that did not go out: id, state, class, target's kind, tries, reason, request. Never their text.
///
/// # Errors
/// Those of the database.
pub async fn list(conn: &mut AnyConnection) -> Result<Vec<(i64, String, String, String, i64, String, String)>> {
    let rows = sqlx::query(
        "SELECT id, state, class, target, tries, COALESCE(why, '') AS why, COALESCE(request, '') AS request FROM outbox
         WHERE state IN ('pending', 'held', 'sending', 'kept')
         UNION ALL SELECT id, state, class, target, tries, COALESCE(why, ''), COALESCE(request, '') FROM outbox
         WHERE state = 'undeliverable' ORDER BY id LIMIT 500",
    )
    .fetch_all(conn)
    .await?;
    rows.iter()
        .map(|row| {
            Ok((
                row.try_get(0)?,
                row.try_get(1)?,
                row.try_get(2)?,
                row.try_get(3)?,
                row.try_get::<i32, _>(4)?.into(),
                row.try_get(5)?,
                row.try_get(6)?,
            ))
        })
        .collect()
}

/// Puts one message back into the queue. Says whether there was such a message to put back.
///
/// # Errors
/// Those of the database.
pub async fn retry(tx: &mut Tx, id: i64, now: Millis) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE outbox SET state = 'pending', route = '', tries = 0, not_before = $1, expires_at = $2
         WHERE id = $3 AND state IN ('undeliverable', 'kept', 'expired')",
    )
    .bind(now)
    .bind(now + WORTH)
    .bind(id)
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}
