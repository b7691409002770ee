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

/// Who reported this ticket, then who reported those merged into it, each of the latter with the sequence of their own.
///
/// # Errors
/// Those of the database.
pub async fn reporters(tx: &mut Tx, leader: i64) -> Result<Vec<(Reporter, Option<i64>)>> {
    let rows = sqlx::query(
        "SELECT reporter.id AS id, ticket_id, mode, holder, reporter.sealed AS sealed, contact, ticket.seq AS seq
         FROM ticket JOIN reporter ON reporter.ticket_id = ticket.id WHERE ticket.id = $1 OR ticket.merged_into = $1
         ORDER BY CASE WHEN ticket.id = $1 THEN 0 ELSE 1 END, reporter.id",
    )
    .bind(leader)
    .fetch_all(tx.conn())
    .await?;
    rows.iter()
        .map(|row| {
            let reporter = read_reporter(row)?;
            let of = (reporter.ticket != leader).then(|| row.try_get("seq")).transpose()?;
            Ok((reporter, of))
        })
        .collect()
}
