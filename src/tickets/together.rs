//! Tickets that are handled as one: the statements for a leading ticket and those merged into it.

use super::{
    Ticket,
    columns::{COLUMNS, read},
    store::{Reporter, read_reporter},
};
use crate::{db::Tx, error::Result};
use sqlx::{AssertSqlSafe, Row};

/// The tickets merged into this one, oldest first.
///
/// # Errors
/// Those of the database.
pub async fn followers(tx: &mut Tx, leader: i64) -> Result<Vec<Ticket>> {
    let sql = format!("SELECT {COLUMNS} FROM ticket WHERE merged_into = $1 ORDER BY id");
    sqlx::query(AssertSqlSafe(sql)).bind(leader).fetch_all(tx.conn()).await?.iter().map(read).collect()
}

/// Who reported the tickets merged into this one, each with the short number of their own.
///
/// # Errors
/// Those of the database.
pub async fn reporters(tx: &mut Tx, leader: i64) -> Result<Vec<(Reporter, i64)>> {
    sqlx::query(
        "SELECT reporter.id AS id, ticket_id, mode, holder, reporter.sealed AS sealed, contact, ticket.seq AS seq
         FROM ticket JOIN reporter ON reporter.ticket_id = ticket.id WHERE ticket.merged_into = $1 ORDER BY reporter.id",
    )
    .bind(leader)
    .fetch_all(tx.conn())
    .await?
    .iter()
    .map(|row| Ok((read_reporter(row)?, row.try_get("seq")?)))
    .collect()
}
