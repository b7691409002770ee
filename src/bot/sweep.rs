//! Dialogs nobody answered: reminded once, later forgotten.

use super::{
    App, Memory,
    dialog::{self, Idle},
    store, wording,
};
use crate::{
    clock::{DAY, HOUR},
    db::Db,
    error::Result,
    message::{Millis, Reply},
    outbox::{self, Class, Push, Target},
    seal::Keys,
};
use sqlx::{AssertSqlSafe, Row};

/// No dialog file may remind sooner.
const SOONEST: Millis = HOUR / 2;
/// A dialog that was reminded of is looked at again after this time; one that is to be dropped sooner is dropped at its next
/// message.
const LONGEST: Millis = DAY;

/// Looks at all dialogs in progress; a missed or doubled sweep changes nothing.
///
/// # Errors
/// Those of the database.
pub async fn sweep<A: App>(app: &A, db: &Db, keys: &Keys, now: Millis) -> Result<()> {
    let mut conn = db.read().await?;
    let due: Option<i64> = sqlx::query_scalar(
        "SELECT id FROM conversation WHERE dialog IS NOT NULL AND asked_at < $1 AND (reminded = 0 OR asked_at < $2) LIMIT 1",
    )
    .bind(now - SOONEST)
    .bind(now - LONGEST)
    .fetch_optional(&mut *conn)
    .await?;
    drop(conn);
    if due.is_none() {
        return Ok(());
    }
    let mut tx = db.write().await?;
    // Whoever's row is locked is speaking just now, or another process is looking at it.
    let rows = sqlx::query(AssertSqlSafe(format!(
        "SELECT id, state, asked_at, reminded, version FROM conversation WHERE dialog IS NOT NULL AND asked_at < $1
         AND (reminded = 0 OR asked_at < $2) ORDER BY asked_at LIMIT 500{}",
        tx.kind().skip_locked()
    )))
    .bind(now - SOONEST)
    .bind(now - LONGEST)
    .fetch_all(tx.conn())
    .await?;
    let set = app.dialogs();
    let mut messages = Vec::new();
    for row in rows {
        let (id, asked_at, reminded): (i64, Millis, i32) = (row.try_get(0)?, row.try_get(2)?, row.try_get(3)?);
        // Guarded besides: a row that was changed meanwhile is not idle any more.
        let version: i64 = row.try_get(4)?;
        let mut memory: Memory = store::remembered(keys, id, row.try_get(1)?);
        let Some(state) = memory.dialog.as_mut() else { continue };
        let dialog = set.get(&state.dialog);
        match dialog.map_or(Idle::Drop, |dialog| dialog::idle(dialog, asked_at, reminded != 0, now)) {
            Idle::Fresh | Idle::Pause => {}
            Idle::Remind => {
                let question =
                    dialog.and_then(|dialog| Some(dialog::filled(dialog, state, &dialog::wanted(dialog, state)?.ask, &|_| None)));
                let title = dialog.map_or("", |dialog| dialog.title.as_str());
                let reply = Reply::text(wording::reminder(title, question.as_deref().unwrap_or_default()));
                let push = Push { target: Target::Chat(id), ticket: None, class: Class::Now, reply, except: None, urgent: false };
                let done = sqlx::query("UPDATE conversation SET reminded = 1 WHERE id = $1 AND version = $2 AND reminded = 0")
                    .bind(id)
                    .bind(version)
                    .execute(tx.conn())
                    .await?;
                if done.rows_affected() == 1 {
                    messages.push((tx.id()?, String::new(), false, push));
                }
            }
            Idle::Drop => {
                memory.dialog = None;
                memory.offer = None;
                memory.under = None;
                sqlx::query(
                    "UPDATE conversation SET state = $1, dialog = NULL, version = version + 1 WHERE id = $2 AND version = $3",
                )
                .bind(store::kept(keys, id, &memory)?)
                .bind(id)
                .bind(version)
                .execute(tx.conn())
                .await?;
            }
        }
    }
    outbox::write(&mut tx, keys, &messages, now).await?;
    tx.commit().await
}
