//! The tables as the database itself knows them, so that what walks over all of them never forgets a new one.

use super::{Kind, own};
use crate::error::{Error, Result};
use sqlx::{AnyConnection, Row};

/// A table with its columns in the order of their names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) columns: Vec<Column>,
}

/// A column of one of the four types that both databases have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) holds: Holds,
}

/// The portable types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    Whole,
    Small,
    Real,
    Text,
}

impl Holds {
    fn parse(name: &str) -> Option<Holds> {
        match name.to_ascii_lowercase().as_str() {
            "bigint" => Some(Holds::Whole),
            "smallint" => Some(Holds::Small),
            "double precision" => Some(Holds::Real),
            "text" => Some(Holds::Text),
            _ => None,
        }
    }
}

/// All tables of the program, each after those it refers to. The migrations' own table is none of them.
pub(super) async fn tables(conn: &mut AnyConnection, kind: Kind) -> Result<Vec<Table>> {
    let columns = match kind {
        Kind::Sqlite => {
            "SELECT m.name, c.name, c.type FROM sqlite_master m JOIN pragma_table_info(m.name) c
             WHERE m.type = 'table' AND substr(m.name, 1, 7) <> 'sqlite_' AND m.name <> '_sqlx_migrations'
             ORDER BY m.name, c.name"
        }
        Kind::Postgres => {
            "SELECT CAST(c.table_name AS TEXT), CAST(c.column_name AS TEXT), CAST(c.data_type AS TEXT)
             FROM information_schema.columns c JOIN information_schema.tables t
             ON t.table_schema = c.table_schema AND t.table_name = c.table_name AND t.table_type = 'BASE TABLE'
             WHERE c.table_schema = current_schema() AND c.table_name <> '_sqlx_migrations'
             ORDER BY c.table_name COLLATE \"C\", c.column_name COLLATE \"C\""
        }
    };
    let mut tables: Vec<Table> = Vec::new();
    for row in sqlx::query(columns).fetch_all(&mut *conn).await? {
        let (table, name, holds): (String, String, String) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        let holds =
            Holds::parse(&holds).ok_or_else(|| Error::fault(format!("{table}.{name}: {holds} is not a portable type")))?;
        let column = Column { name, holds };
        match tables.last_mut() {
            Some(last) if last.name == table => last.columns.push(column),
            _ => tables.push(Table { name: table, columns: vec![column] }),
        }
    }
    let references = match kind {
        Kind::Sqlite => {
            "SELECT m.name, f.\"table\" FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f WHERE m.type = 'table'"
        }
        Kind::Postgres => {
            "SELECT CAST(c.relname AS TEXT), CAST(p.relname AS TEXT) FROM pg_constraint k
             JOIN pg_class c ON c.oid = k.conrelid JOIN pg_class p ON p.oid = k.confrelid
             WHERE k.contype = 'f' AND k.connamespace = CAST(current_schema() AS regnamespace)"
        }
    };
    let mut pairs = Vec::new();
    for row in sqlx::query(references).fetch_all(&mut *conn).await? {
        pairs.push((row.try_get(0)?, row.try_get(1)?));
    }
    by_dependency(tables, &pairs)
}

/// Puts every table after those it refers to; `pairs` are who refers to whom.
fn by_dependency(mut left: Vec<Table>, pairs: &[(String, String)]) -> Result<Vec<Table>> {
    let mut placed: Vec<Table> = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let names: Vec<String> = left.iter().map(|table| table.name.clone()).collect();
        let waits = |table: &Table| pairs.iter().any(|(by, to)| *by == table.name && to != by && names.contains(to));
        let (later, now): (Vec<Table>, Vec<Table>) = left.into_iter().partition(waits);
        if now.is_empty() {
            return Err(Error::fault(format!("tables refer to each other in a circle: {}", names.join(", "))));
        }
        placed.extend(now);
        left = later;
    }
    Ok(placed)
}

/// The migrations that were applied; `None` where there never was one.
pub(super) async fn migrations(conn: &mut AnyConnection, kind: Kind) -> Result<Option<Vec<i64>>> {
    let exists = match kind {
        Kind::Sqlite => "SELECT CAST(COUNT(*) AS BIGINT) FROM sqlite_master WHERE name = '_sqlx_migrations'",
        Kind::Postgres => {
            "SELECT COUNT(*) FROM information_schema.tables
             WHERE table_schema = current_schema() AND table_name = '_sqlx_migrations'"
        }
    };
    let count: i64 = sqlx::query_scalar(exists).fetch_one(&mut *conn).await?;
    if count == 0 {
        return Ok(None);
    }
    Ok(Some(sqlx::query_scalar("SELECT version FROM _sqlx_migrations ORDER BY version").fetch_all(conn).await?))
}

/// Has an installation written anything here? What the migrations themselves put in does not count, nor what a service that
/// was started once and never used leaves behind.
pub(super) async fn in_use(conn: &mut AnyConnection) -> Result<Option<&'static str>> {
    for table in ["person", "area", "ticket", "conversation", "outbox", "audit_event"] {
        let sql = format!("SELECT CAST(COUNT(*) AS BIGINT) FROM (SELECT 1 AS one FROM {table} LIMIT 1) AS found");
        let found: i64 = sqlx::query_scalar(own(sql)).fetch_one(&mut *conn).await?;
        if found > 0 {
            return Ok(Some(table));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str) -> Table {
        Table { name: name.into(), columns: Vec::new() }
    }

    #[test]
    fn a_table_comes_after_those_it_refers_to() {
        let pairs = [("a", "b"), ("b", "c"), ("c", "c")].map(|(by, to)| (by.to_owned(), to.to_owned()));
        let order = by_dependency(vec![table("a"), table("b"), table("c"), table("d")], &pairs).unwrap();
        let names: Vec<&str> = order.iter().map(|table| table.name.as_str()).collect();
        assert_eq!(names, ["c", "d", "b", "a"]);
        let circle = [("a", "b"), ("b", "a")].map(|(by, to)| (by.to_owned(), to.to_owned()));
        assert!(by_dependency(vec![table("a"), table("b")], &circle).is_err());
    }
}
