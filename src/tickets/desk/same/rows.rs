//! The one statement that looks for matters near a new one.

use crate::{
    bot::Turn,
    error::Result,
    people::Actor,
    tickets::{
        Kind, State, Ticket,
        columns::{COLUMNS, read},
        same::WINDOW,
        store,
    },
};
use sqlx::{AssertSqlSafe, Row};

/// The most that are compared.
const MOST: usize = 200;
/// Metres in a degree, somewhat fewer than there are in one of longitude here: the square must not be too small.
const PER_DEGREE: f64 = 80_000.0;

/// A matter that is known, with its point and, where this person reported it, the entry.
pub(super) struct Known {
    pub ticket: Ticket,
    pub point: Option<(f64, f64)>,
    pub mine: bool,
}

/// Matters of a village, or around a point within the county, that are open or were closed lately; of these only what this person
/// reported, because nobody else can join it. Never what is sealed or an accusation: nobody may learn from the question that it
/// exists.
pub(super) async fn near(turn: &mut Turn<'_, Actor>, area: &str, point: Option<(f64, f64)>, radius_m: f64) -> Result<Vec<Known>> {
    const AROUND: &str = "lat BETWEEN $7 AND $8 AND lng BETWEEN $9 AND $10 AND area_code >= $5 AND area_code < $6";
    let open = store::open();
    let wanted = store::in_states(State::open().chain([State::Closed]));
    // What a village or a square has of open matters, and what this person reported, have indexes of their own.
    let mut parts = vec![format!("SELECT id FROM ticket WHERE area_code = $1 AND {open}")];
    let mut place = "area_code = $1".to_owned();
    if point.is_some() {
        parts.push(format!("SELECT id FROM ticket WHERE {AROUND} AND {open}"));
        place = format!("({place} OR ({AROUND}))");
    }
    parts.push("SELECT ticket_id FROM reporter WHERE holder IN ($3, $4)".to_owned());
    let sql = format!(
        "SELECT {COLUMNS}, lat, lng, (SELECT COUNT(*) FROM reporter WHERE ticket_id = ticket.id AND holder IN ($3, $4)) AS mine
         FROM ticket WHERE id IN ({}) AND {place} AND (submitted_at > $2 OR closed_at > $2) AND sealed = 0 AND kind <> '{}'
         AND {wanted} ORDER BY submitted_at DESC, id DESC LIMIT {MOST}",
        parts.join(" UNION ALL "),
        Kind::Accusation.code(),
    );
    let [by_name, nameless] = [turn.actor.holder(), turn.actor.nameless_holder()];
    let mut query = sqlx::query(AssertSqlSafe(sql)).bind(area.to_owned()).bind(turn.now - WINDOW).bind(by_name).bind(nameless);
    if let Some((lat, lng)) = point {
        let county = area.get(..crate::people::Level::County.digits()).unwrap_or(area);
        query = query.bind(county.to_owned()).bind(format!("{county}:"));
        let around = radius_m / PER_DEGREE;
        query = query.bind(lat - around).bind(lat + around).bind(lng - around).bind(lng + around);
    }
    let rows = query.fetch_all(turn.tx.conn()).await?;
    rows.iter()
        .map(|row| {
            let (lat, lng): (Option<f64>, Option<f64>) = (row.try_get("lat")?, row.try_get("lng")?);
            let mine: i64 = row.try_get("mine")?;
            Ok(Known { ticket: read(row)?, point: lat.zip(lng), mine: mine > 0 })
        })
        .collect()
}
