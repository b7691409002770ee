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
    take_seqs(tx, scope, 1).await
}

/// Takes so many numbers of a day at once; gives the last of them.
///
/// # Errors
/// Those of the database.
pub async fn take_seqs(tx: &mut Tx, scope: &str, count: i64) -> Result<i64> {
    let row = sqlx::query(
        "INSERT INTO sequence (name, next) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET next = sequence.next + $2 RETURNING next",
    )
    .bind(scope.to_owned())
    .bind(count)
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
        "INSERT INTO ticket (query_code, {}{}) VALUES ({})",
        point_columns(point.is_some()),
        names.join(", "),
        holders(tx.kind(), filled.len() + if point.is_some() { 3 } else { 1 })
    );
    let query = sqlx::query(AssertSqlSafe(sql)).bind(query_code.to_owned());
    let query = with_point(query, point);
    filled.into_iter().fold(query, |query, (_, cell)| bind(query, cell)).execute(tx.conn()).await?;
    Ok(())
}

/// The columns of a point stand in a statement only where there is one: an absent number reaches PostgreSQL as one of another
/// size, and the statement, once prepared so, would refuse the next that is there.
fn point_columns(there_is: bool) -> &'static str {
    if there_is { "lat, lng, " } else { "" }
}

fn with_point(query: Query<'_>, point: Option<(f64, f64)>) -> Query<'_> {
    match point {
        Some((lat, lng)) => query.bind(lat).bind(lng),
        None => query,
    }
}

/// A new ticket with its query code (a keyed hash) and point.
pub type New = (Ticket, String, Option<(f64, f64)>);

/// Writes many new tickets: rows of one shape in few statements.
///
/// # Errors
/// Those of the database.
pub async fn insert_many(tx: &mut Tx, tickets: Vec<New>) -> Result<()> {
    let names = columns::names();
    let (with, without): (Vec<New>, Vec<New>) = tickets.into_iter().partition(|(.., point)| point.is_some());
    for (there_is, tickets) in [(true, with), (false, without)] {
        let head = format!("INSERT INTO ticket (query_code, {}{})", point_columns(there_is), names.join(", "));
        let count = names.len() + if there_is { 3 } else { 1 };
        crate::db::insert(tx, &head, count, "", &tickets, |query, (ticket, code, point)| {
            let query = with_point(query.bind(code.as_str()), *point);
            columns::all(ticket).into_iter().fold(query, |query, (_, cell)| bind(query, cell))
        })
        .await?;
    }
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

/// The condition that something is still to be done. The indexes of what is open hold it word for word (`0009_growth.sql`).
pub fn open() -> String {
    in_states(State::open())
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

/// Finds tickets, the oldest first (where they wait, the urgent ones before), 200 at most. Of what is over, each scope gives its
/// latest 200: it is a growing heap, and nothing in it waits.
///
/// # Errors
/// Those of the database.
pub async fn find(tx: &mut Tx, look: &Look<'_>) -> Result<Vec<Ticket>> {
    let mut binds = Binds::default();
    let narrow = narrowed(look, &mut binds);
    let scopes = scopes(look, &mut binds);
    if narrow.is_empty() && (scopes.is_empty() || look.states.is_empty()) {
        return Ok(Vec::new());
    }
    let wanted = if look.states.is_empty() { State::ALL } else { look.states };
    let (open_ones, over): (Vec<State>, Vec<State>) = wanted.iter().partition(|state| state.is_open());
    let any = wanted.len() == State::ALL.len() && !narrow.is_empty();
    let mut parts = Vec::new();
    for scope in if scopes.is_empty() { vec!["FROM ticket WHERE".to_owned()] } else { scopes } {
        let latest = |which: &str| {
            let latest = format!("SELECT ticket.id {scope} {which}{narrow} ORDER BY submitted_at DESC LIMIT {MOST}");
            format!("SELECT id FROM ({latest}) AS latest")
        };
        if any {
            // A number means a ticket in whatever state; the index of numbers need not be left for it.
            parts.push(latest("1 = 1"));
            continue;
        }
        if !open_ones.is_empty() {
            parts.push(format!("SELECT ticket.id {scope} {} AND {}{narrow}", open(), in_states(open_ones.iter().copied())));
        }
        if !over.is_empty() {
            parts.push(latest(&in_states(over.iter().copied())));
        }
    }
    let order = if look.waiting {
        format!("CASE WHEN {} THEN 0 ELSE 1 END, CASE WHEN priority = 'urgent' THEN 0 ELSE 1 END, submitted_at, id", open())
    } else {
        "submitted_at DESC, id DESC".to_owned()
    };
    let parts = parts.join(" UNION ALL ");
    let sql = format!("SELECT {COLUMNS} FROM ticket WHERE id IN ({parts}) ORDER BY {order} LIMIT {MOST}");
    let query = binds.0.into_iter().fold(sqlx::query(AssertSqlSafe(sql)), |query, value| query.bind(value));
    let mut tickets = query.fetch_all(tx.conn()).await?.iter().map(read).collect::<Result<Vec<_>>>()?;
    if !look.waiting {
        tickets.reverse();
    }
    Ok(tickets)
}

/// The texts of a statement that is being put together.
#[derive(Default)]
struct Binds(Vec<String>);

impl Binds {
    fn add(&mut self, value: &str) -> String {
        self.0.push(value.to_owned());
        format!("${}", self.0.len())
    }

    fn list(&mut self, values: &[String]) -> String {
        values.iter().map(|value| self.add(value)).collect::<Vec<_>>().join(", ")
    }
}

/// Where to look, each with an index of its own, up to and with `WHERE … AND`. `CROSS JOIN` tells SQLite which table comes first:
/// whoever reported has few tickets, a unit has helped with more than is open.
fn scopes(look: &Look<'_>, binds: &mut Binds) -> Vec<String> {
    let mut scopes = Vec::new();
    for area in &look.areas {
        // A range instead of LIKE, so that the index serves on both databases; ':' follows '9'.
        let (from, to) = (binds.add(area), binds.add(&format!("{area}:")));
        scopes.push(format!("FROM ticket WHERE area_code >= {from} AND area_code < {to} AND"));
    }
    if !look.units.is_empty() {
        let list = binds.list(&look.units);
        scopes.push(format!("FROM ticket WHERE lead_unit IN ({list}) AND"));
        scopes
            .push(format!("FROM ticket CROSS JOIN co_unit WHERE co_unit.ticket_id = ticket.id AND co_unit.unit IN ({list}) AND"));
    }
    if !look.holders.is_empty() {
        let list = binds.list(&look.holders);
        scopes.push(format!(
            "FROM reporter CROSS JOIN ticket WHERE reporter.holder IN ({list}) AND ticket.id = reporter.ticket_id AND"
        ));
    }
    if let Some(deputy) = look.given_to {
        scopes.push(format!("FROM ticket WHERE given_to = {deputy} AND"));
    }
    scopes
}

/// What narrows every scope, with `AND` before each.
fn narrowed(look: &Look<'_>, binds: &mut Binds) -> String {
    let mut all = String::new();
    if let Some(number) = &look.number {
        all += &format!(" AND number = {}", binds.add(number));
    }
    if let Some((from, to)) = look.seqs {
        all += &format!(" AND seq BETWEEN {from} AND {to}");
    }
    if let Some(day) = &look.day {
        all += &format!(" AND day LIKE {}", binds.add(&format!("%{day}")));
    }
    if let Some(code) = &look.query_code {
        all += &format!(" AND query_code = {}", binds.add(code));
    }
    all
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
pub(crate) fn contact_place(reporter: i64) -> String {
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
        "SELECT number FROM ticket WHERE area_code = $1 AND field_id = $2 AND closed_at >= $3 AND state = 'closed' AND sealed = 0
         ORDER BY closed_at DESC LIMIT 1",
    )
    .bind(area.to_owned())
    .bind(field.to_owned())
    .bind(since)
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}
