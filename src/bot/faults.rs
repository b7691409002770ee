//! Faults: messages whose turn failed by itself. Each is kept sealed, listed without what it says, and can be run again.

use super::{
    App, Bot, Collected, Given,
    batch::{Delivered, Finished, Written},
    store::{self, Mark, conversation_hash},
    wording,
};
use crate::{
    db::{Tx, mistake},
    error::{Error, Result},
    message::{Millis, Reply, Update},
    metrics::Turned,
    outbox,
    seal::Keys,
};
use sqlx::{AnyConnection, AssertSqlSafe, Row, any::AnyRow};
use std::collections::HashMap;

/// A fault as it is listed: nothing of what was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Its id.
    pub id: i64,
    /// When the turn failed.
    pub at: Millis,
    /// The channel it came by.
    pub channel: String,
    /// Why it failed, the last time it was tried.
    pub why: String,
    /// How often it was run again.
    pub tries: i64,
    /// When it was run again well; `None` while it is open.
    pub done_at: Option<Millis>,
    /// The person has gone on with the conversation since.
    pub moved_on: bool,
}

/// What became of running a fault again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replayed {
    /// It has had its effect, and its answer is on its way.
    Done,
    /// It failed again, for this reason, and stays open.
    Failed(String),
    /// The conversation has moved on, so it was not tried.
    MovedOn,
    /// There is no such fault, or it is done already.
    NotOpen,
}

const COLUMNS: &str = "fault.id, fault.at, COALESCE(conversation.channel, ''), fault.why, fault.tries, fault.done_at, \
    CASE WHEN conversation.version = fault.version THEN 0 ELSE 1 END \
    FROM fault LEFT JOIN conversation ON conversation.id = fault.conversation";

/// Open faults, oldest first; then the latest of those that are done. At most 500.
///
/// # Errors
/// Those of the database.
pub async fn list(conn: &mut AnyConnection) -> Result<Vec<Fault>> {
    let mut all = Vec::new();
    for (rest, most) in [("fault.state = 'open' ORDER BY fault.id", 400), ("fault.state = 'done' ORDER BY fault.id DESC", 100)] {
        let sql = AssertSqlSafe(format!("SELECT {COLUMNS} WHERE {rest} LIMIT {most}"));
        let rows = sqlx::query(sql).fetch_all(&mut *conn).await?;
        all.extend(rows.iter().map(read).collect::<Result<Vec<Fault>>>()?);
    }
    Ok(all)
}

/// One fault.
///
/// # Errors
/// Those of the database.
pub async fn one(conn: &mut AnyConnection, id: i64) -> Result<Option<Fault>> {
    let sql = AssertSqlSafe(format!("SELECT {COLUMNS} WHERE fault.id = $1"));
    sqlx::query(sql).bind(id).fetch_optional(conn).await?.as_ref().map(read).transpose()
}

fn read(row: &AnyRow) -> Result<Fault> {
    Ok(Fault {
        id: row.try_get(0)?,
        at: row.try_get(1)?,
        channel: row.try_get(2)?,
        why: row.try_get(3)?,
        tries: row.try_get(4)?,
        done_at: row.try_get(5)?,
        moved_on: row.try_get::<i32, _>(6)? != 0,
    })
}

/// What was said in an open fault. Whoever opens it writes that down first.
///
/// # Errors
/// Those of the database; a fault when it does not open.
pub async fn said(conn: &mut AnyConnection, keys: &Keys, id: i64) -> Result<Option<Update>> {
    let raw: Option<String> =
        sqlx::query_scalar("SELECT raw FROM fault WHERE id = $1 AND state = 'open'").bind(id).fetch_optional(conn).await?;
    raw.map(|raw| Ok(serde_json::from_str(&keys.open(&place(id), &raw)?)?)).transpose()
}

/// The associated data of a sealed update.
fn place(id: i64) -> String {
    format!("fault.raw.{id}")
}

/// Keeps the update of a failed turn, with the conversation's id and version.
async fn write(
    tx: &mut Tx,
    keys: &Keys,
    turn_key: &str,
    conversation: (i64, i64),
    update: &Update,
    why: &str,
    now: Millis,
) -> Result<i64> {
    let id = tx.id()?;
    let raw = keys.seal(&place(id), &serde_json::to_string(update)?)?;
    sqlx::query("INSERT INTO fault (id, turn_key, conversation, version, at, why, raw, state) VALUES ($1, $2, $3, $4, $5, $6, $7, 'open')")
        .bind(id)
        .bind(turn_key.to_owned())
        .bind(conversation.0)
        .bind(conversation.1)
        .bind(now)
        .bind(why.to_owned())
        .bind(raw)
        .execute(tx.conn())
        .await?;
    Ok(id)
}

impl<A: App> Bot<A> {
    /// A message that fails by itself: kept as a fault and answered neutrally, so that the platform does not bring it again.
    pub(super) async fn failed(&self, update: &Update, why: &str) -> Result<Given> {
        let now = self.clock.now();
        let mut tx = self.db.write().await?;
        let marks = store::mark_seen(&mut tx, &[store::message_hash(&self.keys, update)], now).await?;
        let Mark { turn_key, fresh } = marks.into_values().next().ok_or_else(|| Error::fault("a message has no mark"))?;
        if !fresh {
            // Delivered twice, and the other one was quicker: its answer is this one's too.
            let held = outbox::stored_answer(tx.conn(), &self.keys, &turn_key).await?;
            tx.rollback().await;
            return Ok(Given { held, turned: Turned::Repeated });
        }
        let wanted = [(conversation_hash(&self.keys, &update.from), update.from.clone())];
        let conversations = store::conversations(&mut tx, &self.keys, &wanted, now).await?;
        let conversation = conversations.values().next().ok_or_else(|| Error::fault("a conversation is missing"))?;
        let (id, version) = (conversation.id, conversation.version);
        let fault = write(&mut tx, &self.keys, &turn_key, (id, version), update, why, now).await?;
        let mut all = Written::default();
        let turn = Finished {
            message: Some(Reply::text(wording::fault())),
            out: Collected::default(),
            conversation: id,
            ability: self.app.ability(&update.from.channel),
            turned: Turned::Fault,
        };
        all.remember(&turn_key, update, &turn);
        let given = all.add(&tx, &turn_key, turn)?;
        self.write(&mut tx, &[update], &HashMap::new(), all, now).await?;
        tx.commit().await?;
        self.wake.wake();
        tracing::error!(fault, reason = %why, "fault {fault}: a message failed by itself: {why}");
        Ok(given)
    }

    /// Runs a fault again as a turn of its own. That it is done and what it does are one transaction, so it has its effect once. The
    /// answer leaves by the outbox. Unless `as_new`, only while the conversation is still as it was when the turn failed.
    ///
    /// # Errors
    /// Trouble of the database; a fault when the kept message does not open. It stays open then.
    pub async fn replay(&self, fault: i64, as_new: bool) -> Result<Replayed> {
        match self.replayed(fault, as_new).await {
            Ok(replayed) => Ok(replayed),
            Err(error) => match mistake(&error) {
                Some(why) => {
                    let mut tx = self.db.write().await?;
                    sqlx::query("UPDATE fault SET why = $1, tries = tries + 1 WHERE id = $2 AND state = 'open'")
                        .bind(why.clone())
                        .bind(fault)
                        .execute(tx.conn())
                        .await?;
                    tx.commit().await?;
                    Ok(Replayed::Failed(why))
                }
                None => Err(error),
            },
        }
    }

    async fn replayed(&self, fault: i64, as_new: bool) -> Result<Replayed> {
        let now = self.clock.now();
        let mut tx = self.db.write().await?;
        let kept = said(tx.conn(), &self.keys, fault).await?;
        // Locks the fault: whoever replays it at the same time waits here and finds it done. What was said is not needed any more
        // once it has had its effect.
        let done = sqlx::query(
            "UPDATE fault SET state = 'done', raw = '', done_at = $1, tries = tries + 1 WHERE id = $2 AND state = 'open'",
        )
        .bind(now)
        .bind(fault)
        .execute(tx.conn())
        .await?;
        let Some(mut update) = kept.filter(|_| done.rows_affected() == 1) else {
            tx.rollback().await;
            return Ok(Replayed::NotOpen);
        };
        // Changes nothing; locks the conversation, so that nobody can go on with it between this look and the turn.
        let unmoved = sqlx::query(
            "UPDATE conversation SET version = version WHERE EXISTS (SELECT 1 FROM fault
             WHERE fault.id = $1 AND fault.conversation = conversation.id AND fault.version = conversation.version)",
        )
        .bind(fault)
        .execute(tx.conn())
        .await?;
        if unmoved.rows_affected() != 1 && !as_new {
            tx.rollback().await;
            return Ok(Replayed::MovedOn);
        }
        // Its own key was seen when it failed; the answer that it got then stays the answer to a repetition of the message.
        update.key = format!("fault|{fault}|{}", update.key);
        let (given, _) = self.turns(&mut tx, &[&update], Delivered::Before, now).await?;
        let held: Vec<i64> = given.iter().filter_map(|given| given.held.as_ref().map(|(row, _)| *row)).collect();
        outbox::marked_pending(&mut tx, &held, now).await?;
        tx.commit().await?;
        self.wake.wake();
        Ok(Replayed::Done)
    }
}

#[cfg(test)]
mod tests;
