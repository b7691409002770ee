//! Moving a whole installation from one database to another, of whatever kind, proven by counts and checksums.
//!
//! Everything is written in one transaction of the target and read back in it before the commit; whatever goes wrong, the
//! target keeps nothing. Rows are streamed, so memory does not grow with the installation.

use super::{
    Db, Kind, Tx, insert, own,
    schema::{self, Column, Holds, Table},
};
use crate::{
    clock::MINUTE,
    error::{Error, Result},
    message::Millis,
};
use futures_util::TryStreamExt;
use sha2::{Digest, Sha256};
use sqlx::{Row, any::AnyRow};
use std::fmt;

/// Rows written together.
const TOGETHER: usize = 512;

/// How many rows, and what they come to.
///
/// The checksum adds up the SHA-256 of every row, so it does not depend on the order in which a database gives them, which
/// differs with its collation, and two equal rows do not cancel each other out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// How many.
    pub rows: u64,
    sum: [u8; 32],
}

impl Tally {
    fn add(&mut self, row: &[Cell]) {
        self.rows += 1;
        let mut carry = false;
        for (sum, byte) in self.sum.iter_mut().zip(digest(row)).rev() {
            (*sum, carry) = sum.carrying_add(byte, carry);
        }
    }
}

/// The checksum's first 16 digits: enough for people to compare.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.sum[..8].iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A table that was copied: what was read, and what then stood in the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// Its name.
    pub table: String,
    /// What was read from the source.
    pub read: Tally,
    /// What was read back from the target.
    pub written: Tally,
}

/// A value, of the type of its column; a NULL has one too, because PostgreSQL asks for it.
#[derive(Debug, Clone, PartialEq)]
enum Cell {
    Whole(Option<i64>),
    Small(Option<i16>),
    Real(Option<f64>),
    Text(Option<String>),
}

/// Copies everything from one database to the other. The target is brought to this program's version and must hold no
/// installation yet, and no service may work on either (on a SQLite file the caller holds [`super::Alone`]). `progress` hears the
/// table and the rows read of it so far. A table whose two tallies differ means that nothing was kept.
///
/// # Errors
/// A sentence when the source is damaged or of another version, when the target is not empty, or when one of them is in use;
/// trouble of a database.
pub async fn copy(from: &Db, to: &Db, now: Millis, progress: impl Fn(&str, u64)) -> Result<Vec<Moved>> {
    // The source first: nothing is made at the target for the sake of a source that cannot be copied.
    let mut source = from.write_with_ids(0).await?;
    // Before the first look, so that it holds for the whole snapshot.
    if from.kind() == Kind::Postgres {
        run(&mut source, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SET LOCAL statement_timeout = 0").await?;
    }
    to.migrate().await?;
    let mut target = to.write_with_ids(0).await?;
    if to.kind() == Kind::Postgres {
        run(&mut target, "SET LOCAL statement_timeout = 0").await?;
    }
    let tables = fitting(&mut source, &mut target).await?;
    still(&mut source, &tables).await?;
    for tx in [&mut source, &mut target] {
        unused(tx, now).await?;
    }
    if let Some(table) = schema::in_use(target.conn()).await? {
        return Err(Error::user(format!("要搬到的数据库里已经有数据了（{table}）。请换一个空的，或者先把它清空")));
    }
    for table in tables.iter().rev() {
        run(&mut target, &format!("DELETE FROM {}", table.name)).await?;
    }
    let mut moved = Vec::with_capacity(tables.len());
    for table in &tables {
        let read = pour(&mut source, &mut target, table, &progress).await?;
        moved.push(Moved { table: table.name.clone(), read, written: Tally::default() });
    }
    for (table, moved) in tables.iter().zip(&mut moved) {
        moved.written = tally(&mut target, table).await?;
    }
    source.rollback().await;
    if moved.iter().all(|moved| moved.read == moved.written) {
        target.commit().await?;
    } else {
        target.rollback().await;
    }
    Ok(moved)
}

/// The tables, when they are the same on both sides.
async fn fitting(source: &mut Tx, target: &mut Tx) -> Result<Vec<Table>> {
    let (old, new) = (source.kind(), target.kind());
    let Some(applied) = schema::migrations(source.conn(), old).await? else {
        return Err(Error::user("要搬的数据库里没有民呼的数据，看看地址对不对"));
    };
    if Some(applied) != schema::migrations(target.conn(), new).await? {
        return Err(Error::user("要搬的数据库是别的版本的。先用这个版本运行一次 minhu migrate，再来搬"));
    }
    let tables = schema::tables(target.conn(), new).await?;
    let mut theirs = schema::tables(source.conn(), old).await?;
    let mut ours = tables.clone();
    theirs.sort_by(|a, b| a.name.cmp(&b.name));
    ours.sort_by(|a, b| a.name.cmp(&b.name));
    if theirs == ours {
        return Ok(tables);
    }
    let odd = theirs.iter().filter(|table| !ours.contains(table)).chain(ours.iter().filter(|table| !theirs.contains(table)));
    let names: Vec<&str> = odd.map(|table| table.name.as_str()).collect();
    Err(Error::user(format!("两边的表不一样：{}。有人改过表，搬之前要先改回来", names.join("、"))))
}

/// Nobody writes to the source until we are through. SQLite's own lock was taken with the transaction.
async fn still(source: &mut Tx, tables: &[Table]) -> Result<()> {
    match source.kind() {
        Kind::Sqlite => Ok(()),
        Kind::Postgres => {
            let names: Vec<&str> = tables.iter().map(|table| table.name.as_str()).collect();
            run(source, &format!("LOCK TABLE {} IN SHARE MODE", names.join(", "))).await
        }
    }
}

/// Services that share a PostgreSQL database always have one among them that holds a lease.
async fn unused(tx: &mut Tx, now: Millis) -> Result<()> {
    if tx.kind() == Kind::Sqlite {
        return Ok(());
    }
    // An end far away comes from a clock that was wrong.
    let held: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM lease WHERE until > $1 AND until <= $2")
        .bind(now)
        .bind(now + 10 * MINUTE)
        .fetch_one(tx.conn())
        .await?;
    if held > 0 {
        return Err(Error::user("还有民呼在用这个 PostgreSQL 数据库。请先全部停掉；要是刚刚断电或被强行结束，等一分钟再来"));
    }
    Ok(())
}

/// Copies a table's rows.
async fn pour(source: &mut Tx, target: &mut Tx, table: &Table, progress: impl Fn(&str, u64)) -> Result<Tally> {
    let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
    let (select, names) = (select(table), names.join(", "));
    let head = format!("INSERT INTO {} ({names})", table.name);
    let mut tally = Tally::default();
    let mut waiting = Vec::with_capacity(TOGETHER);
    let mut rows = sqlx::query(own(select)).fetch(source.conn());
    loop {
        let row = rows.try_next().await.map_err(|error| unreadable(error, table, tally.rows))?;
        let ended = row.is_none();
        if let Some(row) = row {
            let row = cells(&row, table, tally.rows)?;
            tally.add(&row);
            waiting.push(row);
        }
        if ended || waiting.len() == TOGETHER {
            insert(target, &head, table.columns.len(), "", &waiting, |query, row| {
                row.iter().fold(query, |query, cell| match cell {
                    Cell::Whole(value) => query.bind(*value),
                    Cell::Small(value) => query.bind(*value),
                    Cell::Real(value) => query.bind(*value),
                    Cell::Text(value) => query.bind(value.as_deref()),
                })
            })
            .await?;
            waiting.clear();
            progress(&table.name, tally.rows);
        }
        if ended {
            return Ok(tally);
        }
    }
}

/// Counts a table's rows and adds them up.
async fn tally(tx: &mut Tx, table: &Table) -> Result<Tally> {
    let mut tally = Tally::default();
    let mut rows = sqlx::query(own(select(table))).fetch(tx.conn());
    while let Some(row) = rows.try_next().await.map_err(|error| unreadable(error, table, tally.rows))? {
        tally.add(&cells(&row, table, tally.rows)?);
    }
    Ok(tally)
}

fn select(table: &Table) -> String {
    let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
    format!("SELECT {} FROM {}", names.join(", "), table.name)
}

/// A row as its columns' types want it. SQLite keeps any type anywhere, so what is read is not believed.
fn cells(row: &AnyRow, table: &Table, before: u64) -> Result<Vec<Cell>> {
    let cell = |(at, column): (usize, &Column)| {
        let cell = match column.holds {
            Holds::Whole => row.try_get(at).map(Cell::Whole),
            Holds::Small => row.try_get(at).map(Cell::Small),
            Holds::Real => row.try_get(at).map(Cell::Real),
            Holds::Text => row.try_get(at).map(Cell::Text),
        };
        match cell {
            // PostgreSQL cannot keep it, and nothing of ours writes it.
            Ok(Cell::Text(Some(text))) if text.contains('\0') => Err(damaged(table, Some(column), before)),
            Ok(cell) => Ok(cell),
            Err(_) => Err(damaged(table, Some(column), before)),
        }
    };
    table.columns.iter().enumerate().map(cell).collect()
}

/// A row that does not even come out is damaged; anything else is trouble of the database.
fn unreadable(error: sqlx::Error, table: &Table, before: u64) -> Error {
    match error {
        sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. } | sqlx::Error::AnyDriverError(_) => {
            damaged(table, None, before)
        }
        error => error.into(),
    }
}

/// Says where, and how to find it, never the value.
fn damaged(table: &Table, column: Option<&Column>, before: u64) -> Error {
    let name = &table.name;
    let row = before + 1;
    Error::user(match column {
        None => format!("要搬的数据库坏了：{name} 的第 {row} 行读不出来。什么都没有搬，请先从备份恢复"),
        Some(column) => {
            let (column, wanted, kinds) = match column.holds {
                Holds::Whole | Holds::Small => (&column.name, "整数", "'integer', 'null'"),
                Holds::Real => (&column.name, "数", "'real', 'null'"),
                Holds::Text => (&column.name, "文字", "'text', 'null'"),
            };
            format!(
                "要搬的数据库坏了：{name} 的第 {row} 行，{column} 里不是{wanted}。什么都没有搬。\
                 用 sqlite3 可以找到它：SELECT rowid, * FROM {name} WHERE typeof({column}) NOT IN ({kinds})"
            )
        }
    })
}

/// A row's hash: for each column a byte for the type and the value, texts with their length before them, so that no two
/// different rows are written alike. Whole numbers count as the same in columns of either size.
fn digest(row: &[Cell]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for cell in row {
        match cell {
            Cell::Whole(None) | Cell::Small(None) | Cell::Real(None) | Cell::Text(None) => hash.update([0]),
            Cell::Whole(Some(number)) => {
                hash.update([1]);
                hash.update(number.to_be_bytes());
            }
            Cell::Small(Some(number)) => {
                hash.update([1]);
                hash.update(i64::from(*number).to_be_bytes());
            }
            // SQLite keeps no negative zero.
            Cell::Real(Some(number)) => {
                hash.update([2]);
                hash.update((number + 0.0).to_be_bytes());
            }
            Cell::Text(Some(text)) => {
                hash.update([3]);
                hash.update((text.len() as u64).to_be_bytes());
                hash.update(text);
            }
        }
    }
    hash.finalize().into()
}

async fn run(tx: &mut Tx, sql: &str) -> Result<()> {
    sqlx::raw_sql(own(sql.to_owned())).execute(tx.conn()).await?;
    Ok(())
}
