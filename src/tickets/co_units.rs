//! The units that help the lead unit: their rows, and how each stands with its opinion.

use super::{Sealed, Ticket};
use crate::{db::Tx, error::Result, message::Millis};
use sqlx::Row;

/// A unit that helps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Helper {
    /// Its id.
    pub unit: String,
    /// Until when its opinion is awaited.
    pub due: Millis,
    /// What it said last.
    pub opinion: Option<String>,
}

/// How a helping unit stands with its opinion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It gave one.
    Given,
    /// There is still time.
    Awaited,
    /// The time is over and nothing came.
    Missed,
}

impl Helper {
    /// How it stands now.
    pub fn standing(&self, now: Millis) -> Standing {
        match self.opinion {
            Some(_) => Standing::Given,
            None if now <= self.due => Standing::Awaited,
            None => Standing::Missed,
        }
    }
}

/// The units that help with a ticket. A unit that became the lead in the meantime keeps its row until it is the lead no more,
/// and is not among them. Of what is sealed no unit knows, so none helps.
///
/// # Errors
/// Those of the database.
pub async fn of(tx: &mut Tx, ticket: &Ticket) -> Result<Vec<Helper>> {
    if ticket.sealed != Sealed::Open || ticket.co_units.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query("SELECT unit, due_at, opinion FROM co_unit WHERE ticket_id = $1 ORDER BY at, unit")
        .bind(ticket.id)
        .fetch_all(tx.conn())
        .await?;
    let mut helpers = Vec::with_capacity(rows.len());
    for row in rows {
        helpers.push(Helper { unit: row.try_get(0)?, due: row.try_get(1)?, opinion: row.try_get(2)? });
    }
    helpers.retain(|helper| ticket.co_units.contains(&helper.unit));
    Ok(helpers)
}

/// A unit that had the ticket no longer has anything to do with it, even if it helped before it was the lead.
///
/// # Errors
/// Those of the database.
pub async fn left(tx: &mut Tx, ticket: i64, unit: &str) -> Result<()> {
    sqlx::query("DELETE FROM co_unit WHERE ticket_id = $1 AND unit = $2")
        .bind(ticket)
        .bind(unit.to_owned())
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// A unit helps from now on. One that helped before it was the lead is asked anew.
///
/// # Errors
/// Those of the database.
pub async fn add(tx: &mut Tx, ticket: i64, unit: &str, due: Millis, (turn_key, now): (&str, Millis)) -> Result<()> {
    sqlx::query(
        "INSERT INTO co_unit (ticket_id, unit, at, due_at, turn_key) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (ticket_id, unit) DO UPDATE SET at = excluded.at, due_at = excluded.due_at, turn_key = excluded.turn_key,
         opinion = NULL, answered_at = NULL, answer_key = NULL",
    )
    .bind(ticket)
    .bind(unit.to_owned())
    .bind(now)
    .bind(due)
    .bind(turn_key.to_owned())
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// A unit gives its opinion; the last one counts.
///
/// # Errors
/// Those of the database.
pub async fn answer(tx: &mut Tx, ticket: i64, unit: &str, opinion: &str, (turn_key, now): (&str, Millis)) -> Result<()> {
    sqlx::query("UPDATE co_unit SET opinion = $1, answered_at = $2, answer_key = $3 WHERE ticket_id = $4 AND unit = $5")
        .bind(opinion.to_owned())
        .bind(now)
        .bind(turn_key.to_owned())
        .bind(ticket)
        .bind(unit.to_owned())
        .execute(tx.conn())
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_opinion_is_given_awaited_or_missed() {
        for (opinion, due, now, standing) in [
            (None, 10, 9, Standing::Awaited),
            (None, 10, 10, Standing::Awaited),
            (None, 10, 11, Standing::Missed),
            (Some("行"), 10, 11, Standing::Given),
            (Some("行"), 10, 9, Standing::Given),
        ] {
            let helper = Helper { unit: "swj".into(), due, opinion: opinion.map(str::to_owned) };
            assert_eq!(helper.standing(now), standing, "{opinion:?} {due} {now}");
        }
    }
}
