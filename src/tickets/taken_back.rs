//! 撤销: the statements that find a person's last command, and take back what it wrote beside the tickets.

use super::{
    life::Verb,
    store::{self, Past},
};
use crate::{db::Tx, error::Result, message::Millis};
use sqlx::Row;

/// The events of a history that were not taken back, oldest first. 撤销 says how many events before it it took back.
pub fn standing(history: &[Past]) -> Vec<&Past> {
    let mut undone: usize = 0;
    let mut standing: Vec<&Past> = Vec::with_capacity(history.len());
    for past in history.iter().rev() {
        if undone > 0 {
            undone -= 1;
        } else if past.verb == Verb::Undo {
            undone = past.payload.as_deref().and_then(|count| count.parse().ok()).unwrap_or(0);
        } else {
            standing.push(past);
        }
    }
    standing.reverse();
    standing
}

/// The history of a ticket without what was taken back: what a rule may count.
///
/// # Errors
/// Those of the database.
pub async fn in_force(tx: &mut Tx, ticket: i64) -> Result<Vec<Past>> {
    let history = store::history(tx, ticket).await?;
    Ok(standing(&history).into_iter().cloned().collect())
}

/// The last command of somebody in office.
#[derive(Debug)]
pub struct Last {
    /// The turn it came with.
    pub turn_key: String,
    /// What it was; `None` for one that this program does not know.
    pub verb: Option<Verb>,
    /// When.
    pub at: Millis,
}

/// The last command of a person.
///
/// # Errors
/// Those of the database.
pub async fn last(tx: &mut Tx, person: i64) -> Result<Option<Last>> {
    let row = sqlx::query("SELECT turn_key, command, at FROM ticket_event WHERE actor_id = $1 ORDER BY at DESC, id DESC LIMIT 1")
        .bind(person)
        .fetch_optional(tx.conn())
        .await?;
    let Some(row) = row else { return Ok(None) };
    let command: String = row.try_get(1)?;
    Ok(Some(Last { turn_key: row.try_get(0)?, verb: Verb::from_code(&command), at: row.try_get(2)? }))
}

/// The tickets that a turn changed.
///
/// # Errors
/// Those of the database.
pub async fn tickets(tx: &mut Tx, turn_key: &str) -> Result<Vec<i64>> {
    Ok(sqlx::query_scalar("SELECT DISTINCT ticket_id FROM ticket_event WHERE turn_key = $1 ORDER BY ticket_id")
        .bind(turn_key.to_owned())
        .fetch_all(tx.conn())
        .await?)
}

/// Did a reporter answer the question how satisfied he is after this moment? The single answers are no events.
///
/// # Errors
/// Those of the database.
pub async fn rated_since(tx: &mut Tx, ticket: i64, at: Millis) -> Result<bool> {
    let found: Option<i64> = sqlx::query_scalar("SELECT ticket_id FROM rating WHERE ticket_id = $1 AND at > $2 LIMIT 1")
        .bind(ticket)
        .bind(at)
        .fetch_optional(tx.conn())
        .await?;
    Ok(found.is_some())
}

/// The proposals of a deputy that grew out of a command: how many are no drafts any more.
///
/// # Errors
/// Those of the database.
pub async fn filed(tx: &mut Tx, person: i64, at: Millis) -> Result<i64> {
    Ok(sqlx::query_scalar("SELECT COUNT(*) FROM suggestion WHERE person_id = $1 AND at = $2 AND state <> 'draft'")
        .bind(person)
        .bind(at)
        .fetch_one(tx.conn())
        .await?)
}

/// Takes back what a turn wrote into the tables beside the tickets: helping units and their opinions, supervision orders and their
/// answers, checks on the spot.
///
/// # Errors
/// Those of the database.
pub async fn beside(tx: &mut Tx, turn_key: &str) -> Result<()> {
    // Each of these rows belongs to a ticket of which the turn wrote an event, which is where the index leads.
    let of_its_tickets = "ticket_id IN (SELECT ticket_id FROM ticket_event WHERE turn_key = $1)";
    for change in [
        "DELETE FROM co_unit WHERE turn_key = $1",
        "UPDATE co_unit SET opinion = NULL, answered_at = NULL, answer_key = NULL WHERE answer_key = $1",
        "DELETE FROM supervision WHERE turn_key = $1",
        "UPDATE supervision SET answer = NULL, answered_at = NULL, answer_key = NULL WHERE answer_key = $1",
        "DELETE FROM spot_check WHERE turn_key = $1",
        "UPDATE spot_check SET done_at = NULL, done_key = NULL WHERE done_key = $1",
    ] {
        let sql = format!("{change} AND {of_its_tickets}");
        sqlx::query(sqlx::AssertSqlSafe(sql)).bind(turn_key.to_owned()).execute(tx.conn()).await?;
    }
    Ok(())
}

/// Takes back what bears the moment of the command instead of its turn: the drafts of a deputy, what a clerk wrote down of a
/// call, questions that were left about a ticket.
///
/// # Errors
/// Those of the database.
pub async fn of_moment(tx: &mut Tx, person: i64, ticket: i64, at: Millis) -> Result<()> {
    let drafts = "FROM suggestion WHERE person_id = $1 AND at = $2 AND state = 'draft'";
    for sql in [format!("DELETE FROM suggestion_ticket WHERE suggestion_id IN (SELECT id {drafts})"), format!("DELETE {drafts}")]
    {
        sqlx::query(sqlx::AssertSqlSafe(sql)).bind(person).bind(at).execute(tx.conn()).await?;
    }
    for sql in [
        "DELETE FROM rating WHERE ticket_id = $1 AND at = $2",
        "UPDATE offer SET state = 'gone' WHERE ticket_id = $1 AND at = $2 AND state IN ('waiting', 'open')",
    ] {
        sqlx::query(sql).bind(ticket).bind(at).execute(tx.conn()).await?;
    }
    Ok(())
}
