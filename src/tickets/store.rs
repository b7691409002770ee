//! The statements of tickets, events, reporters and ratings.

use super::{
    Mode, State, Ticket, chain,
    columns::{self, COLUMNS, Cell, read},
    life::Verb,
};
use crate::{
    db::{Kind, Tx, holders},
    error::{Error, Result},
    message::Millis,
    people::reporter_place,
    seal::Keys,
};
use sqlx::{AnyConnection, AssertSqlSafe, Row, any::AnyRow};

/// The most tickets a look-up gives.
const MOST: usize = 200;

/// The next number of a day: `<prefix><YYMMDD><at least four digits>`.
///
/// # Errors
/// Those of the database.
pub async fn next_seq(tx: &mut Tx, scope: &str) -> Result<i64> {
    let row = sqlx::query(
        "INSERT INTO sequence (name, next) VALUES ($1, 1) ON CONFLICT (name) DO UPDATE SET next = sequence.next + 1 RETURNING next",
    )
    .bind(scope.to_owned())
    .fetch_one(tx.conn())
    .await?;
    Ok(row.try_get(0)?)
}

/// Writes a new ticket, with its query code (stored as a keyed hash) and point.
///
/// # Errors
/// Those of the database.
pub async fn insert(tx: &mut Tx, ticket: &Ticket, query_code: &str, point: Option<(f64, f64)>) -> Result<()> {
    let filled = columns::filled(ticket);
    let names: Vec<&str> = filled.iter().map(|(name, _)| *name).collect();
    let sql = format!(
        "INSERT INTO ticket (query_code, lat, lng, {}) VALUES ({})",
        names.join(", "),
        holders(tx.kind(), filled.len() + 3)
    );
    let query = sqlx::query(AssertSqlSafe(sql)).bind(query_code.to_owned());
    let query = query.bind(point.map(|point| point.0)).bind(point.map(|point| point.1));
    filled.into_iter().fold(query, |query, (_, cell)| bind(query, cell)).execute(tx.conn()).await?;
    Ok(())
}

type Query<'q> = sqlx::query::Query<'q, sqlx::Any, sqlx::any::AnyArguments>;

fn bind(query: Query<'_>, cell: Cell) -> Query<'_> {
    match cell {
        Cell::Int(value) => query.bind(value),
        Cell::Text(value) => query.bind(value),
    }
}

/// Writes what changed of a ticket, if nothing happened to it since `before` was read, and counts `events` more. Raises the
/// version when the state or the unit changes. `after` gets the new counts. Says whether it was written.
///
/// # Errors
/// Those of the database.
pub async fn update(tx: &mut Tx, before: &Ticket, after: &mut Ticket, events: i64) -> Result<bool> {
    if before.state != after.state || before.unit != after.unit {
        after.version = before.version + 1;
    }
    let changed = columns::changed(before, after);
    let set: Vec<String> = changed.iter().enumerate().map(|(index, (name, ..))| format!("{name} = ${}, ", index + 5)).collect();
    let sql = format!(
        "UPDATE ticket SET {}events = events + $4 WHERE id = $1 AND version = $2 AND events = $3 RETURNING events",
        set.concat()
    );
    let query = sqlx::query(AssertSqlSafe(sql)).bind(before.id).bind(before.version).bind(before.events).bind(events);
    let query = changed.into_iter().fold(query, |query, (.., cell)| bind(query, cell));
    let Some(row) = query.fetch_optional(tx.conn()).await? else { return Ok(false) };
    after.events = row.try_get(0)?;
    Ok(true)
}

/// One ticket.
///
/// # Errors
/// Those of the database.
pub async fn by_id(conn: &mut AnyConnection, id: i64) -> Result<Option<Ticket>> {
    let row =
        sqlx::query(AssertSqlSafe(format!("SELECT {COLUMNS} FROM ticket WHERE id = $1"))).bind(id).fetch_optional(conn).await?;
    row.as_ref().map(read).transpose()
}

/// Keeps everybody else from changing this ticket, the one it was merged into and those merged into it until the transaction
/// ends, so that what is read of them from now on, and of what stands beside them, stays true. SQLite has one writer, for whom
/// that is so anyway.
///
/// # Errors
/// Those of the database.
pub async fn hold(tx: &mut Tx, id: i64) -> Result<()> {
    if tx.kind() == Kind::Postgres {
        let sql = "SELECT id FROM ticket WHERE id = $1 OR merged_into = $1 OR id = (SELECT merged_into FROM ticket WHERE id = $1)
                   ORDER BY id FOR UPDATE";
        sqlx::query(sql).bind(id).fetch_all(tx.conn()).await?;
    }
    Ok(())
}

/// The condition that a ticket is in one of these states.
pub fn in_states(states: impl IntoIterator<Item = State>) -> String {
    let list: Vec<String> = states.into_iter().map(|state| format!("'{}'", state.code())).collect();
    format!("state IN ({})", list.join(", "))
}

/// What tickets to look for. Conditions left empty do not narrow.
#[derive(Debug, Default, Clone)]
pub struct Look<'a> {
    /// In these states.
    pub states: &'a [State],
    /// Areas that cover the ticket; with `units` and `holders` either may hold.
    pub areas: Vec<String>,
    /// Units that have or had it.
    pub units: Vec<String>,
    /// Keyed hashes of reporters.
    pub holders: Vec<String>,
    /// A deputy whom reporters chose.
    pub given_to: Option<i64>,
    /// A full number.
    pub number: Option<String>,
    /// Sequences of a day, from and to.
    pub seqs: Option<(i64, i64)>,
    /// The day as `MMDD`.
    pub day: Option<String>,
    /// A keyed hash of a query code.
    pub query_code: Option<String>,
    /// Of more than can be given, the urgent and the oldest ones instead of the newest: for work that waits.
    pub waiting: bool,
}

/// Finds tickets, the oldest first (where they wait, the urgent ones before), 200 at most.
///
/// # Errors
/// Those of the database.
pub async fn find(tx: &mut Tx, look: &Look<'_>) -> Result<Vec<Ticket>> {
    let mut binds: Vec<String> = Vec::new();
    let mut bind = |value: &str| {
        binds.push(value.to_owned());
        format!("${}", binds.len())
    };
    let mut scopes = Vec::new();
    for area in &look.areas {
        // A range instead of LIKE, so that the index serves on both databases; ':' follows '9'.
        scopes.push(format!("(area_code >= {} AND area_code < {})", bind(area), bind(&format!("{area}:"))));
    }
    if !look.units.is_empty() {
        let list: Vec<String> = look.units.iter().map(|unit| bind(unit)).collect();
        let list = list.join(", ");
        scopes.push(format!("lead_unit IN ({list}) OR id IN (SELECT ticket_id FROM co_unit WHERE unit IN ({list}))"));
    }
    if !look.holders.is_empty() {
        let list: Vec<String> = look.holders.iter().map(|holder| bind(holder)).collect();
        scopes.push(format!("id IN (SELECT ticket_id FROM reporter WHERE holder IN ({}))", list.join(", ")));
    }
    if let Some(deputy) = look.given_to {
        scopes.push(format!("given_to = {deputy}"));
    }
    let mut all = Vec::new();
    if !scopes.is_empty() {
        all.push(format!("({})", scopes.join(" OR ")));
    }
    if !look.states.is_empty() {
        all.push(in_states(look.states.iter().copied()));
    }
    if let Some(number) = &look.number {
        all.push(format!("number = {}", bind(number)));
    }
    if let Some((from, to)) = look.seqs {
        all.push(format!("seq BETWEEN {from} AND {to}"));
    }
    if let Some(day) = &look.day {
        all.push(format!("day LIKE {}", bind(&format!("%{day}"))));
    }
    if let Some(code) = &look.query_code {
        all.push(format!("query_code = {}", bind(code)));
    }
    if all.is_empty() {
        return Ok(Vec::new());
    }
    let order = if look.waiting {
        "CASE WHEN priority = 'urgent' THEN 0 ELSE 1 END, submitted_at, id"
    } else {
        "submitted_at DESC, id DESC"
    };
    let sql = format!("SELECT {COLUMNS} FROM ticket WHERE {} ORDER BY {order} LIMIT {MOST}", all.join(" AND "));
    let mut query = sqlx::query(AssertSqlSafe(sql));
    for value in binds {
        query = query.bind(value);
    }
    let mut tickets = query.fetch_all(tx.conn()).await?.iter().map(read).collect::<Result<Vec<_>>>()?;
    if !look.waiting {
        tickets.reverse();
    }
    Ok(tickets)
}

/// Who did something.
#[derive(Debug, Clone, Copy)]
pub struct By {
    /// The person, only of somebody in office: an event of a reporter never names the person.
    pub person: Option<i64>,
    /// In which role, by its code; `reporter` for whoever reported.
    pub role: &'static str,
}

/// What an event says.
#[derive(Debug, Clone)]
pub struct Event<'a> {
    /// What was done.
    pub verb: Verb,
    /// State before; none for a new ticket.
    pub from: Option<State>,
    /// State after.
    pub to: State,
    /// Words: a reason, a note.
    pub reason: Option<&'a str>,
    /// More, as JSON.
    pub payload: Option<&'a str>,
    /// `all`, or `staff` for what the reporter must not see.
    pub visible: &'static str,
    /// What the change replaced, as JSON by column.
    pub before: Option<String>,
}

impl Event<'_> {
    /// One that everybody may see, without words.
    pub fn of(verb: Verb, to: State) -> Self {
        Event { verb, from: None, to, reason: None, payload: None, visible: "all", before: None }
    }
}

/// Where an event stands: its ticket, its place in the ticket's history from 1, the turn and the moment.
#[derive(Debug, Clone, Copy)]
pub struct At<'a> {
    /// The ticket's id.
    pub ticket: i64,
    /// Its place.
    pub seq: i64,
    /// The turn that caused it.
    pub turn_key: &'a str,
    /// When.
    pub now: Millis,
}

/// Adds an event to a ticket's history. The ticket's row was written in the same transaction before, which keeps others out, and
/// its count of events says the place.
///
/// # Errors
/// Those of the database.
pub async fn event(tx: &mut Tx, keys: &Keys, at: At<'_>, by: By, event: Event<'_>) -> Result<()> {
    let id = tx.id()?;
    let last = if at.seq > 1 {
        let row = sqlx::query("SELECT hash FROM ticket_event WHERE ticket_id = $1 AND seq = $2")
            .bind(at.ticket)
            .bind(at.seq - 1)
            .fetch_one(tx.conn())
            .await?;
        row.try_get(0)?
    } else {
        String::new()
    };
    let link = chain::Link {
        ticket: at.ticket,
        seq: at.seq,
        at: at.now,
        turn_key: at.turn_key,
        actor: by.person,
        role: by.role,
        command: event.verb.code(),
        from: event.from.map(State::code),
        to: event.to.code(),
        reason: event.reason,
        payload: event.payload,
        visible: event.visible,
        before: event.before.as_deref(),
    };
    let hash = chain::hash(keys, &last, &link);
    sqlx::query(
        "INSERT INTO ticket_event (id, ticket_id, seq, at, turn_key, actor_id, actor_role, command, from_state, to_state, reason, payload, visible_to, before, hash)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
    )
    .bind(id)
    .bind(at.ticket)
    .bind(at.seq)
    .bind(at.now)
    .bind(at.turn_key.to_owned())
    .bind(by.person)
    .bind(by.role)
    .bind(event.verb.code())
    .bind(event.from.map(State::code))
    .bind(event.to.code())
    .bind(event.reason.map(str::to_owned))
    .bind(event.payload.map(str::to_owned))
    .bind(event.visible)
    .bind(event.before)
    .bind(hash)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// An event as it is shown.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns under their own names")]
pub struct Past {
    pub seq: i64,
    pub turn_key: String,
    pub at: Millis,
    pub actor: Option<i64>,
    pub role: String,
    pub verb: Verb,
    pub from: Option<State>,
    pub to: State,
    pub reason: Option<String>,
    pub payload: Option<String>,
    pub visible: String,
    /// What the change replaced, as JSON by column.
    pub before: Option<String>,
}

#[cfg(test)]
impl Past {
    /// An event of which only what was done matters.
    pub fn of(verb: Verb, to: State) -> Self {
        Past {
            seq: 0,
            turn_key: String::new(),
            at: 0,
            actor: None,
            role: String::new(),
            verb,
            from: None,
            to,
            reason: None,
            payload: None,
            visible: "all".into(),
            before: None,
        }
    }
}

/// The history of a ticket, oldest first.
///
/// # Errors
/// Those of the database.
pub async fn history(tx: &mut Tx, ticket: i64) -> Result<Vec<Past>> {
    let rows = sqlx::query(
        "SELECT at, actor_id, actor_role, command, to_state, reason, payload, visible_to, seq, turn_key, from_state, before
         FROM ticket_event WHERE ticket_id = $1 ORDER BY seq",
    )
    .bind(ticket)
    .fetch_all(tx.conn())
    .await?;
    let mut past = Vec::with_capacity(rows.len());
    for row in rows {
        let (command, to): (String, String) = (row.try_get(3)?, row.try_get(4)?);
        let (Some(verb), Some(to)) = (Verb::from_code(&command), State::from_code(&to)) else { continue };
        let from: Option<String> = row.try_get(10)?;
        past.push(Past {
            seq: row.try_get(8)?,
            turn_key: row.try_get(9)?,
            from: from.as_deref().and_then(State::from_code),
            before: row.try_get(11)?,
            at: row.try_get(0)?,
            actor: row.try_get(1)?,
            role: row.try_get(2)?,
            verb,
            to,
            reason: row.try_get(5)?,
            payload: row.try_get(6)?,
            visible: row.try_get(7)?,
        });
    }
    Ok(past)
}

/// Whoever reported a ticket, still sealed.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns under their own names")]
pub struct Reporter {
    pub id: i64,
    pub ticket: i64,
    pub mode: Mode,
    pub holder: String,
    pub sealed: String,
    pub contact: Option<String>,
}

impl Reporter {
    /// Name and phone, where they were told.
    ///
    /// # Errors
    /// When what is sealed does not open.
    pub fn contact(&self, keys: &Keys) -> Result<Option<String>> {
        self.contact.as_ref().map(|sealed| keys.open(&contact_place(self.id), sealed)).transpose()
    }

    /// The person, or of an anonymous one the address, as it was written down.
    ///
    /// # Errors
    /// When what is sealed does not open.
    pub fn who(&self, keys: &Keys) -> Result<String> {
        keys.open(&reporter_place(self.id), &self.sealed)
    }
}

/// The associated data of a reporter's sealed name and phone.
pub(super) fn contact_place(reporter: i64) -> String {
    format!("reporter.contact.{reporter}")
}

/// Writes who reported.
///
/// # Errors
/// Those of the database.
pub async fn add_reporter(tx: &mut Tx, reporter: &Reporter, now: Millis) -> Result<()> {
    sqlx::query("INSERT INTO reporter (id, ticket_id, mode, holder, sealed, contact, at) VALUES ($1, $2, $3, $4, $5, $6, $7)")
        .bind(reporter.id)
        .bind(reporter.ticket)
        .bind(reporter.mode.code())
        .bind(reporter.holder.clone())
        .bind(reporter.sealed.clone())
        .bind(reporter.contact.clone())
        .bind(now)
        .execute(tx.conn())
        .await?;
    Ok(())
}

pub(super) fn read_reporter(row: &AnyRow) -> Result<Reporter> {
    let mode: String = row.try_get("mode")?;
    Ok(Reporter {
        id: row.try_get("id")?,
        ticket: row.try_get("ticket_id")?,
        mode: Mode::from_code(&mode).unwrap_or(Mode::Confidential),
        holder: row.try_get("holder")?,
        sealed: row.try_get("sealed")?,
        contact: row.try_get("contact")?,
    })
}

const REPORTER: &str = "SELECT id, ticket_id, mode, holder, sealed, contact FROM reporter";

/// One entry.
///
/// # Errors
/// Those of the database.
pub async fn reporter(tx: &mut Tx, id: i64) -> Result<Option<Reporter>> {
    let row = sqlx::query(AssertSqlSafe(format!("{REPORTER} WHERE id = $1"))).bind(id).fetch_optional(tx.conn()).await?;
    row.as_ref().map(read_reporter).transpose()
}

/// All who reported a ticket.
///
/// # Errors
/// Those of the database.
pub async fn reporters(tx: &mut Tx, ticket: i64) -> Result<Vec<Reporter>> {
    let rows = sqlx::query(AssertSqlSafe(format!("{REPORTER} WHERE ticket_id = $1 ORDER BY id")))
        .bind(ticket)
        .fetch_all(tx.conn())
        .await?;
    rows.iter().map(read_reporter).collect()
}

/// The entries under which these keyed hashes reported, newest first.
///
/// # Errors
/// Those of the database.
pub async fn entries_of(tx: &mut Tx, holder_hashes: &[String]) -> Result<Vec<Reporter>> {
    if holder_hashes.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!("{REPORTER} WHERE holder IN ({}) ORDER BY id DESC LIMIT 60", holders(tx.kind(), holder_hashes.len()));
    let mut query = sqlx::query(AssertSqlSafe(sql));
    for hash in holder_hashes {
        query = query.bind(hash.clone());
    }
    query.fetch_all(tx.conn()).await?.iter().map(read_reporter).collect()
}

/// Stores one answer of a rating at once.
///
/// # Errors
/// Those of the database; a fault for an unknown column.
pub async fn rate(tx: &mut Tx, ticket: &Ticket, reporter: i64, column: &str, value: &str, now: Millis) -> Result<()> {
    let column = ["solved", "value", "contacted", "words", "reason"]
        .into_iter()
        .find(|known| *known == column)
        .ok_or_else(|| Error::fault("an unknown part of a rating"))?;
    let holder = if column == "value" { "CAST($4 AS BIGINT)" } else { "$4" };
    sqlx::query(AssertSqlSafe(format!(
        "INSERT INTO rating (ticket_id, round, reporter_id, {column}, at) VALUES ($1, $2, $3, {holder}, $5)
         ON CONFLICT (ticket_id, round, reporter_id) DO UPDATE SET {column} = excluded.{column}, at = excluded.at"
    )))
    .bind(ticket.id)
    .bind(ticket.round)
    .bind(reporter)
    .bind(value.to_owned())
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// What a reporter said of a result.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns under their own names")]
pub struct Rating {
    pub round: i64,
    pub reporter: i64,
    pub solved: Option<String>,
    pub value: Option<i64>,
    pub contacted: Option<String>,
    pub words: Option<String>,
    pub reason: Option<String>,
    pub at: Millis,
}

/// The ratings of a ticket, the first round first.
///
/// # Errors
/// Those of the database.
pub async fn ratings(tx: &mut Tx, ticket: i64) -> Result<Vec<Rating>> {
    let rows = sqlx::query(
        "SELECT round, reporter_id, solved, value, contacted, words, reason, at FROM rating WHERE ticket_id = $1 ORDER BY round, reporter_id",
    )
    .bind(ticket)
    .fetch_all(tx.conn())
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Rating {
                round: row.try_get(0)?,
                reporter: row.try_get(1)?,
                solved: row.try_get(2)?,
                value: row.try_get(3)?,
                contacted: row.try_get(4)?,
                words: row.try_get(5)?,
                reason: row.try_get(6)?,
                at: row.try_get(7)?,
            })
        })
        .collect()
}

/// The number of the last ticket of this place and field that was closed since a moment.
///
/// # Errors
/// Those of the database.
pub async fn closed_since(tx: &mut Tx, area: &str, field: &str, since: Millis) -> Result<Option<String>> {
    let row = sqlx::query(
        "SELECT number FROM ticket WHERE area_code = $1 AND field_id = $2 AND state = 'closed' AND closed_at >= $3 AND sealed = 0
         ORDER BY closed_at DESC LIMIT 1",
    )
    .bind(area.to_owned())
    .bind(field.to_owned())
    .bind(since)
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}
