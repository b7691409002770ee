//! Supervision orders and checks on the spot: their rows, and what 查 shows of them.

use super::{State, Ticket, wording::oversight as words};
use crate::{
    bot::Turn,
    clock::in_words,
    db::Tx,
    error::Result,
    message::Millis,
    people::{Actor, Role},
};
use sqlx::{Row, any::AnyRow};

/// A supervision order with its reply.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns under their own names")]
pub struct Order {
    pub id: i64,
    pub person: i64,
    pub role: String,
    pub demand: String,
    pub due_at: Millis,
    pub answer: Option<String>,
}

/// Writes an order.
///
/// # Errors
/// Those of the database.
pub async fn add_order(turn: &mut Turn<'_, Actor>, ticket: i64, role: &'static str, demand: &str, due: Millis) -> Result<()> {
    let id = turn.tx.id()?;
    sqlx::query(
        "INSERT INTO supervision (id, ticket_id, at, turn_key, person_id, role, demand, due_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(id)
    .bind(ticket)
    .bind(turn.now)
    .bind(turn.key.to_owned())
    .bind(turn.actor.person)
    .bind(role)
    .bind(demand.to_owned())
    .bind(due)
    .execute(turn.tx.conn())
    .await?;
    Ok(())
}

/// The orders on a ticket, oldest first.
///
/// # Errors
/// Those of the database.
pub async fn orders(tx: &mut Tx, ticket: i64) -> Result<Vec<Order>> {
    let rows =
        sqlx::query("SELECT id, person_id, role, demand, due_at, answer FROM supervision WHERE ticket_id = $1 ORDER BY at, id")
            .bind(ticket)
            .fetch_all(tx.conn())
            .await?;
    rows.iter()
        .map(|row| {
            Ok(Order {
                id: row.try_get(0)?,
                person: row.try_get(1)?,
                role: row.try_get(2)?,
                demand: row.try_get(3)?,
                due_at: row.try_get(4)?,
                answer: row.try_get(5)?,
            })
        })
        .collect()
}

/// Writes the reply to an order.
///
/// # Errors
/// Those of the database.
pub async fn answer_order(turn: &mut Turn<'_, Actor>, order: i64, answer: &str) -> Result<()> {
    sqlx::query("UPDATE supervision SET answer = $1, answered_at = $2, answer_key = $3 WHERE id = $4")
        .bind(answer.to_owned())
        .bind(turn.now)
        .bind(turn.key.to_owned())
        .bind(order)
        .execute(turn.tx.conn())
        .await?;
    Ok(())
}

/// Who is asked to look on the spot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Checker {
    /// A deputy.
    Person(i64),
    /// A deputy group.
    Group(String),
}

/// A check that was asked for and not made yet.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns under their own names")]
pub struct Check {
    pub ticket: i64,
    pub asked_by: i64,
    pub of: Checker,
}

/// Writes that somebody is asked to look.
///
/// # Errors
/// Those of the database.
pub async fn add_check(turn: &mut Turn<'_, Actor>, ticket: i64, of: &Checker) -> Result<()> {
    let id = turn.tx.id()?;
    let (person, group) = match of {
        Checker::Person(id) => (Some(*id), None),
        Checker::Group(id) => (None, Some(id.clone())),
    };
    sqlx::query(
        "INSERT INTO spot_check (id, ticket_id, at, turn_key, asked_by, person_id, group_id) VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(id)
    .bind(ticket)
    .bind(turn.now)
    .bind(turn.key.to_owned())
    .bind(turn.actor.person)
    .bind(person)
    .bind(group)
    .execute(turn.tx.conn())
    .await?;
    Ok(())
}

fn read_check(row: &AnyRow) -> Result<Option<Check>> {
    let (person, group): (Option<i64>, Option<String>) = (row.try_get(2)?, row.try_get(3)?);
    let of = person.map(Checker::Person).or(group.map(Checker::Group));
    let (ticket, asked_by) = (row.try_get(0)?, row.try_get(1)?);
    Ok(of.map(|of| Check { ticket, asked_by, of }))
}

/// The checks that wait on a ticket, oldest first.
///
/// # Errors
/// Those of the database.
pub async fn checks_of(tx: &mut Tx, ticket: i64) -> Result<Vec<Check>> {
    let rows = sqlx::query(
        "SELECT ticket_id, asked_by, person_id, group_id FROM spot_check WHERE ticket_id = $1 AND done_at IS NULL ORDER BY at, id",
    )
    .bind(ticket)
    .fetch_all(tx.conn())
    .await?;
    rows.iter().filter_map(|row| read_check(row).transpose()).collect()
}

/// The checks that wait for a person or a group, oldest first, at most fifty.
///
/// # Errors
/// Those of the database.
pub async fn checks_for(tx: &mut Tx, of: &Checker) -> Result<Vec<Check>> {
    const COLUMNS: &str = "SELECT ticket_id, asked_by, person_id, group_id FROM spot_check WHERE done_at IS NULL AND ";
    let rows = match of {
        Checker::Person(id) => {
            let sql = format!("{COLUMNS} person_id = $1 ORDER BY at, id LIMIT 50");
            sqlx::query(sqlx::AssertSqlSafe(sql)).bind(*id).fetch_all(tx.conn()).await?
        }
        Checker::Group(id) => {
            let sql = format!("{COLUMNS} group_id = $1 ORDER BY at, id LIMIT 50");
            sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id.clone()).fetch_all(tx.conn()).await?
        }
    };
    rows.iter().filter_map(|row| read_check(row).transpose()).collect()
}

/// Somebody looked: nobody has to go there a second time for what was asked.
///
/// # Errors
/// Those of the database.
pub async fn checked(turn: &mut Turn<'_, Actor>, ticket: i64) -> Result<()> {
    sqlx::query("UPDATE spot_check SET done_at = $1, done_key = $2 WHERE ticket_id = $3 AND done_at IS NULL")
        .bind(turn.now)
        .bind(turn.key.to_owned())
        .bind(ticket)
        .execute(turn.tx.conn())
        .await?;
    Ok(())
}

/// What 查 shows to somebody in office: the deputy who has it, orders and replies, checks, 销号.
///
/// # Errors
/// Those of the database.
pub async fn lines(turn: &mut Turn<'_, Actor>, ticket: &Ticket) -> Result<Vec<String>> {
    let now = turn.now;
    let orders = orders(turn.tx, ticket.id).await?;
    let checks = checks_of(turn.tx, ticket.id).await?;
    let directory = turn.actor.directory();
    let name = |id: i64| directory.staff(id).map_or(words::SOMEBODY, |staff| staff.name.as_str());
    let mut lines = Vec::new();
    if let Some(deputy) = ticket.given_to.filter(|_| ticket.state == State::Submitted) {
        lines.push(words::line_given(name(deputy)));
    }
    for order in &orders {
        lines.push(words::line_order(&who_ordered(order, directory), &order.demand, order.due_at, now));
        lines.extend(order.answer.as_deref().map(words::line_reply));
    }
    for check in &checks {
        let of = match &check.of {
            Checker::Person(id) => name(*id),
            Checker::Group(id) => super::group::name(directory, id),
        };
        lines.push(words::line_check(of));
    }
    lines.extend(ticket.verified_at.map(|at| words::line_verified(&in_words(at, now))));
    lines.extend(ticket.struck_off_at.map(|at| words::line_struck_off(&in_words(at, now))));
    Ok(lines)
}

/// Who ordered, with the office in whose name: 彭县长（领导）.
pub fn who_ordered(order: &Order, directory: &crate::people::Directory) -> String {
    let name = directory.staff(order.person).map_or(words::SOMEBODY, |staff| staff.name.as_str());
    let office = Role::parse(&order.role).map_or("", Role::chinese);
    format!("{name}（{office}）")
}
