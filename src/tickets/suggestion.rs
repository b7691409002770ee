//! Formal proposals of deputies: what may happen to one when and by whom, and their rows (`domain.md` 7 and 14).

use super::named;
use crate::{
    clock::{DAY, local, start_of},
    db::Tx,
    error::{Error, Result},
    message::Millis,
};
use chrono::Months;
use sqlx::{AssertSqlSafe, Row, any::AnyRow};

named! {
    /// Where a suggestion stands.
    Stage {
        /// Being written.
        Draft = "draft" "草稿",
        /// Handed in.
        Filed = "filed" "已提交",
        /// A unit works on it.
        UnderWay = "under_way" "办理中",
        /// Answered in writing; the deputy is asked.
        Answered = "answered" "已答复",
        /// Over.
        Closed = "closed" "办结了",
    }
}

named! {
    /// What can be done to a suggestion.
    Move {
        /// The deputy hands it in.
        File = "file" "提交",
        /// The congress staff gives it to a unit.
        Give = "give" "交办",
        /// The written answer.
        Answer = "answer" "答复",
        /// The deputy is satisfied.
        Satisfied = "satisfied" "满意",
        /// The deputy is not.
        Dissatisfied = "dissatisfied" "不满意",
    }
}

named! {
    /// What an answer comes to (`domain.md` 5).
    Class {
        /// Solved.
        A = "a" "已经解决",
        /// Under way or planned.
        B = "b" "正在解决或列入计划",
        /// Not possible now.
        C = "c" "现在解决不了",
        /// For reference.
        D = "d" "留作参考",
    }
}

/// Who moves a suggestion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Party {
    /// The deputy who wrote it.
    Author,
    /// The congress staff.
    Congress,
}

/// The table: from, what, by whom, to.
const TABLE: &[(Stage, Move, Party, Stage)] = &[
    (Stage::Draft, Move::File, Party::Author, Stage::Filed),
    (Stage::Filed, Move::Give, Party::Congress, Stage::UnderWay),
    (Stage::UnderWay, Move::Answer, Party::Congress, Stage::Answered),
    (Stage::Answered, Move::Satisfied, Party::Author, Stage::Closed),
    (Stage::Answered, Move::Dissatisfied, Party::Author, Stage::UnderWay),
];

/// What this party can do at this stage.
pub fn moves(stage: Stage, party: Party) -> Vec<Move> {
    TABLE.iter().filter(|(from, _, by, _)| *from == stage && *by == party).map(|(_, what, ..)| *what).collect()
}

/// Where a move leads.
pub fn next(stage: Stage, what: Move, party: Party) -> Option<Stage> {
    TABLE.iter().find(|(from, this, by, _)| (*from, *this, *by) == (stage, what, party)).map(|(.., to)| *to)
}

/// The end of the day so many calendar months later: three for the answer, one for a new one.
pub fn due(from: Millis, months: u32) -> Millis {
    let day = local(from).date_naive();
    start_of(day.checked_add_months(Months::new(months)).unwrap_or(day)) + DAY - 1
}

/// A suggestion.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns under their own names")]
pub struct Suggestion {
    pub id: i64,
    pub person: i64,
    pub title: String,
    pub body: String,
    pub stage: Stage,
    pub class: Option<String>,
    pub at: Millis,
    pub due_at: Option<Millis>,
    pub unit: Option<String>,
    pub answer: Option<String>,
}

fn read(row: &AnyRow) -> Result<Suggestion> {
    let stage: String = row.try_get("state")?;
    Ok(Suggestion {
        id: row.try_get("id")?,
        person: row.try_get("person_id")?,
        title: row.try_get("title")?,
        body: row.try_get("body")?,
        stage: Stage::from_code(&stage).ok_or_else(|| Error::fault("a suggestion in no known state"))?,
        class: row.try_get("class")?,
        at: row.try_get("at")?,
        due_at: row.try_get("due_at")?,
        unit: row.try_get("unit")?,
        answer: row.try_get("answer")?,
    })
}

const COLUMNS: &str = "SELECT id, person_id, title, body, state, class, at, due_at, unit, answer FROM suggestion";

/// Writes a new suggestion and the tickets it grew out of.
///
/// # Errors
/// Those of the database.
pub async fn insert(tx: &mut Tx, new: &Suggestion, tickets: &[i64]) -> Result<()> {
    sqlx::query("INSERT INTO suggestion (id, person_id, title, body, state, at, due_at) VALUES ($1, $2, $3, $4, $5, $6, $7)")
        .bind(new.id)
        .bind(new.person)
        .bind(new.title.clone())
        .bind(new.body.clone())
        .bind(new.stage.code())
        .bind(new.at)
        .bind(new.due_at)
        .execute(tx.conn())
        .await?;
    for ticket in tickets {
        sqlx::query("INSERT INTO suggestion_ticket (suggestion_id, ticket_id) VALUES ($1, $2)")
            .bind(new.id)
            .bind(*ticket)
            .execute(tx.conn())
            .await?;
    }
    Ok(())
}

/// Writes what became of it, if it is still at the stage it was read in. Says whether it was written.
///
/// # Errors
/// Those of the database.
pub async fn update(tx: &mut Tx, from: Stage, after: &Suggestion) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE suggestion SET state = $1, class = $2, due_at = $3, unit = $4, answer = $5 WHERE id = $6 AND state = $7",
    )
    .bind(after.stage.code())
    .bind(after.class.clone())
    .bind(after.due_at)
    .bind(after.unit.clone())
    .bind(after.answer.clone())
    .bind(after.id)
    .bind(from.code())
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// One suggestion.
///
/// # Errors
/// Those of the database.
pub async fn by_id(tx: &mut Tx, id: i64) -> Result<Option<Suggestion>> {
    let row = sqlx::query(AssertSqlSafe(format!("{COLUMNS} WHERE id = $1"))).bind(id).fetch_optional(tx.conn()).await?;
    row.as_ref().map(read).transpose()
}

/// The latest of a deputy.
///
/// # Errors
/// Those of the database.
pub async fn of_person(tx: &mut Tx, person: i64) -> Result<Vec<Suggestion>> {
    let sql = format!("{COLUMNS} WHERE person_id = $1 ORDER BY id DESC LIMIT 20");
    sqlx::query(AssertSqlSafe(sql)).bind(person).fetch_all(tx.conn()).await?.iter().map(read).collect()
}

/// All that were handed in and are not over, the oldest first.
///
/// # Errors
/// Those of the database.
pub async fn open(tx: &mut Tx) -> Result<Vec<Suggestion>> {
    let sql = format!("{COLUMNS} WHERE state IN ('filed', 'under_way', 'answered') ORDER BY id LIMIT 100");
    sqlx::query(AssertSqlSafe(sql)).fetch_all(tx.conn()).await?.iter().map(read).collect()
}

/// The tickets that a suggestion grew out of.
///
/// # Errors
/// Those of the database.
pub async fn tickets(tx: &mut Tx, id: i64) -> Result<Vec<i64>> {
    let rows = sqlx::query("SELECT ticket_id FROM suggestion_ticket WHERE suggestion_id = $1 ORDER BY ticket_id")
        .bind(id)
        .fetch_all(tx.conn())
        .await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{in_words, parse};

    #[test]
    fn each_stage_has_its_mover() {
        for (stage, party, expected) in [
            (Stage::Draft, Party::Author, vec![Move::File]),
            (Stage::Draft, Party::Congress, vec![]),
            (Stage::Filed, Party::Author, vec![]),
            (Stage::Filed, Party::Congress, vec![Move::Give]),
            (Stage::UnderWay, Party::Congress, vec![Move::Answer]),
            (Stage::Answered, Party::Congress, vec![]),
            (Stage::Answered, Party::Author, vec![Move::Satisfied, Move::Dissatisfied]),
            (Stage::Closed, Party::Author, vec![]),
            (Stage::Closed, Party::Congress, vec![]),
        ] {
            assert_eq!(moves(stage, party), expected, "{stage:?} {party:?}");
        }
        assert_eq!(next(Stage::Answered, Move::Dissatisfied, Party::Author), Some(Stage::UnderWay));
        assert_eq!(next(Stage::Answered, Move::Dissatisfied, Party::Congress), None);
        assert_eq!(next(Stage::Draft, Move::Answer, Party::Congress), None);
    }

    #[test]
    fn months_are_calendar_months() {
        let at = |day: &str| parse(&format!("{day}T10:00:00+08:00")).unwrap();
        let now = at("2026-11-23");
        assert_eq!(in_words(due(now, 3), now), "2027年2月23日（周二）");
        assert_eq!(in_words(due(at("2026-11-30"), 3), now), "2027年2月28日（周日）");
    }
}
