//! The statements of tickets, events, reporters and ratings.

use super::{Kind, Method, Mode, Priority, State, Ticket, Verification, life::Verb};
use crate::{
    db::{Tx, holders},
    error::{Error, Result},
    message::Millis,
};
use sqlx::{AnyConnection, AssertSqlSafe, Row, any::AnyRow};

const COLUMNS: &str = "id, number, day, seq, kind, field_id, title, text, area_code, place_text, source, on_behalf, identity_mode, priority, \
    state, round, lead_unit, handler_id, accept_due_at, dispatch_due_at, sign_due_at, contact_due_at, resolve_due_at, submitted_at, \
    dispatched_at, first_contact_at, resolved_at, closed_at, signed_off, result, verification, method, asks, send_backs, reopens, \
    urges, urged_at, version";

/// The most tickets a look-up gives.
const MOST: usize = 200;

fn read(row: &AnyRow) -> Result<Ticket> {
    fn known<T>(value: Option<T>, column: &str) -> Result<T> {
        value.ok_or_else(|| Error::fault(format!("ticket.{column} holds a name this program does not know")))
    }
    let text = |column: &str| row.try_get::<String, _>(column);
    Ok(Ticket {
        id: row.try_get("id")?,
        number: text("number")?,
        day: text("day")?,
        seq: row.try_get("seq")?,
        kind: known(Kind::from_code(&text("kind")?), "kind")?,
        field: row.try_get("field_id")?,
        title: text("title")?,
        text: text("text")?,
        area: text("area_code")?,
        place: text("place_text")?,
        source: text("source")?,
        on_behalf: row.try_get::<i32, _>("on_behalf")? != 0,
        mode: known(Mode::from_code(&text("identity_mode")?), "identity_mode")?,
        priority: known(Priority::from_code(&text("priority")?), "priority")?,
        state: known(State::from_code(&text("state")?), "state")?,
        round: row.try_get("round")?,
        unit: row.try_get("lead_unit")?,
        handler: row.try_get("handler_id")?,
        accept_due: row.try_get("accept_due_at")?,
        dispatch_due: row.try_get("dispatch_due_at")?,
        sign_due: row.try_get("sign_due_at")?,
        contact_due: row.try_get("contact_due_at")?,
        resolve_due: row.try_get("resolve_due_at")?,
        submitted_at: row.try_get("submitted_at")?,
        dispatched_at: row.try_get("dispatched_at")?,
        first_contact_at: row.try_get("first_contact_at")?,
        resolved_at: row.try_get("resolved_at")?,
        closed_at: row.try_get("closed_at")?,
        signed_off: row.try_get::<i32, _>("signed_off")? != 0,
        result: row.try_get("result")?,
        verification: row.try_get::<Option<String>, _>("verification")?.as_deref().and_then(Verification::from_code),
        method: row.try_get::<Option<String>, _>("method")?.as_deref().and_then(Method::from_code),
        asks: row.try_get("asks")?,
        send_backs: row.try_get("send_backs")?,
        reopens: row.try_get("reopens")?,
        urges: row.try_get("urges")?,
        urged_at: row.try_get("urged_at")?,
        version: row.try_get("version")?,
    })
}

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
    sqlx::query(
        "INSERT INTO ticket (id, number, day, seq, query_code, kind, field_id, title, text, area_code, place_text, lat, lng, source,
         on_behalf, identity_mode, priority, state, round, accept_due_at, submitted_at, signed_off, asks, send_backs, reopens, urges, version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, 0, 0, 0, 0, 0, 1)",
    )
    .bind(ticket.id)
    .bind(ticket.number.clone())
    .bind(ticket.day.clone())
    .bind(ticket.seq)
    .bind(query_code.to_owned())
    .bind(ticket.kind.code())
    .bind(ticket.field.clone())
    .bind(ticket.title.clone())
    .bind(ticket.text.clone())
    .bind(ticket.area.clone())
    .bind(ticket.place.clone())
    .bind(point.map(|point| point.0))
    .bind(point.map(|point| point.1))
    .bind(ticket.source.clone())
    .bind(i32::from(ticket.on_behalf))
    .bind(ticket.mode.code())
    .bind(ticket.priority.code())
    .bind(ticket.state.code())
    .bind(ticket.round)
    .bind(ticket.accept_due)
    .bind(ticket.submitted_at)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Writes everything about a ticket that can change, if it is still in the state and version in which `before` was read.
/// Raises the version when the state changes. Says whether it was.
///
/// # Errors
/// Those of the database.
pub async fn update(tx: &mut Tx, before: &Ticket, after: &mut Ticket) -> Result<bool> {
    if before.state != after.state {
        after.version = before.version + 1;
    }
    let done = sqlx::query(
        "UPDATE ticket SET kind = $1, field_id = $2, title = $3, area_code = $4, priority = $5, state = $6, round = $7, lead_unit = $8,
         handler_id = $9, accept_due_at = $10, dispatch_due_at = $11, sign_due_at = $12, contact_due_at = $13, resolve_due_at = $14,
         dispatched_at = $15, first_contact_at = $16, resolved_at = $17, closed_at = $18, signed_off = $19, result = $20,
         verification = $21, method = $22, asks = $23, send_backs = $24, reopens = $25, urges = $26, urged_at = $27, version = $28,
         identity_mode = $29
         WHERE id = $30 AND state = $31 AND version = $32",
    )
    .bind(after.kind.code())
    .bind(after.field.clone())
    .bind(after.title.clone())
    .bind(after.area.clone())
    .bind(after.priority.code())
    .bind(after.state.code())
    .bind(after.round)
    .bind(after.unit.clone())
    .bind(after.handler)
    .bind(after.accept_due)
    .bind(after.dispatch_due)
    .bind(after.sign_due)
    .bind(after.contact_due)
    .bind(after.resolve_due)
    .bind(after.dispatched_at)
    .bind(after.first_contact_at)
    .bind(after.resolved_at)
    .bind(after.closed_at)
    .bind(i32::from(after.signed_off))
    .bind(after.result.clone())
    .bind(after.verification.map(Verification::code))
    .bind(after.method.map(Method::code))
    .bind(after.asks)
    .bind(after.send_backs)
    .bind(after.reopens)
    .bind(after.urges)
    .bind(after.urged_at)
    .bind(after.version)
    .bind(after.mode.code())
    .bind(before.id)
    .bind(before.state.code())
    .bind(before.version)
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
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
    /// A full number.
    pub number: Option<String>,
    /// Sequences of a day, from and to.
    pub seqs: Option<(i64, i64)>,
    /// The day as `MMDD`.
    pub day: Option<String>,
    /// A keyed hash of a query code.
    pub query_code: Option<String>,
}

/// Finds tickets, the oldest first, 200 at most.
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
        scopes.push(format!("lead_unit IN ({})", list.join(", ")));
    }
    if !look.holders.is_empty() {
        let list: Vec<String> = look.holders.iter().map(|holder| bind(holder)).collect();
        scopes.push(format!("id IN (SELECT ticket_id FROM reporter WHERE holder IN ({}))", list.join(", ")));
    }
    let mut all = Vec::new();
    if !scopes.is_empty() {
        all.push(format!("({})", scopes.join(" OR ")));
    }
    if !look.states.is_empty() {
        let list: Vec<String> = look.states.iter().map(|state| format!("'{}'", state.code())).collect();
        all.push(format!("state IN ({})", list.join(", ")));
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
    let sql =
        format!("SELECT {COLUMNS} FROM ticket WHERE {} ORDER BY submitted_at DESC, id DESC LIMIT {MOST}", all.join(" AND "));
    let mut query = sqlx::query(AssertSqlSafe(sql));
    for value in binds {
        query = query.bind(value);
    }
    let mut tickets = query.fetch_all(tx.conn()).await?.iter().map(read).collect::<Result<Vec<_>>>()?;
    tickets.reverse();
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
#[derive(Debug, Clone, Copy)]
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
}

/// Adds an event to a ticket's history.
///
/// # Errors
/// Those of the database.
pub async fn event(tx: &mut Tx, ticket: i64, by: By, event: Event<'_>, turn_key: &str, now: Millis) -> Result<()> {
    let id = tx.id()?;
    sqlx::query(
        "INSERT INTO ticket_event (id, ticket_id, seq, at, turn_key, actor_id, actor_role, command, from_state, to_state, reason, payload, visible_to)
         VALUES ($1, $2, (SELECT COALESCE(MAX(seq), 0) + 1 FROM ticket_event WHERE ticket_id = $2), $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .bind(id)
    .bind(ticket)
    .bind(now)
    .bind(turn_key.to_owned())
    .bind(by.person)
    .bind(by.role)
    .bind(event.verb.code())
    .bind(event.from.map(State::code))
    .bind(event.to.code())
    .bind(event.reason.map(str::to_owned))
    .bind(event.payload.map(str::to_owned))
    .bind(event.visible)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// An event as it is shown.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns under their own names")]
pub struct Past {
    pub at: Millis,
    pub actor: Option<i64>,
    pub role: String,
    pub verb: Verb,
    pub to: State,
    pub reason: Option<String>,
    pub payload: Option<String>,
    pub visible: String,
}

/// The history of a ticket, oldest first.
///
/// # Errors
/// Those of the database.
pub async fn history(tx: &mut Tx, ticket: i64) -> Result<Vec<Past>> {
    let rows = sqlx::query(
        "SELECT at, actor_id, actor_role, command, to_state, reason, payload, visible_to FROM ticket_event WHERE ticket_id = $1 ORDER BY seq",
    )
    .bind(ticket)
    .fetch_all(tx.conn())
    .await?;
    let mut past = Vec::with_capacity(rows.len());
    for row in rows {
        let (command, to): (String, String) = (row.try_get(3)?, row.try_get(4)?);
        let (Some(verb), Some(to)) = (Verb::from_code(&command), State::from_code(&to)) else { continue };
        past.push(Past {
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

fn read_reporter(row: &AnyRow) -> Result<Reporter> {
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

/// Counts wrong guesses of query codes since a moment, and adds one.
///
/// # Errors
/// Those of the database.
pub async fn wrong_guesses(tx: &mut Tx, holder: &str, since: Millis) -> Result<i64> {
    let row = sqlx::query("SELECT COUNT(*) FROM code_guess WHERE holder = $1 AND at > $2")
        .bind(holder.to_owned())
        .bind(since)
        .fetch_one(tx.conn())
        .await?;
    Ok(row.try_get(0)?)
}

/// Remembers a wrong guess.
///
/// # Errors
/// Those of the database.
pub async fn add_wrong_guess(tx: &mut Tx, holder: &str, now: Millis) -> Result<()> {
    sqlx::query("INSERT INTO code_guess (holder, at) VALUES ($1, $2)")
        .bind(holder.to_owned())
        .bind(now)
        .execute(tx.conn())
        .await?;
    Ok(())
}
