//! Multi-row statements.
//!
//! `$n` is looked up linearly in SQLite (512 rows of 10 columns cost 43 ms that way, 1.2 ms with `?`), PostgreSQL does not
//! read `?`; so the list of values is written for the kind at hand. Sizes are powers of two up to 64, so that few different
//! statements exist and all stay prepared.

use super::{Kind, Tx, own};
use crate::error::Result;
use sqlx::{Any, any::AnyArguments};
use std::fmt::Write;

/// A statement being given its values.
pub type Query<'q> = sqlx::query::Query<'q, Any, AnyArguments>;

/// The largest number of rows in a statement.
const MOST: usize = 64;

/// `(?, ?), (?, ?)` for SQLite, `($1, $2), ($3, $4)` for PostgreSQL.
pub fn rows(kind: Kind, count: usize, columns: usize) -> String {
    let mut list = String::with_capacity(count * (columns * 5 + 4));
    for row in 0..count {
        list.push_str(if row == 0 { "(" } else { ", (" });
        holders_into(&mut list, kind, row * columns, columns);
        list.push(')');
    }
    list
}

/// `?, ?` or `$1, $2`.
pub fn holders(kind: Kind, count: usize) -> String {
    let mut list = String::new();
    holders_into(&mut list, kind, 0, count);
    list
}

fn holders_into(list: &mut String, kind: Kind, before: usize, count: usize) {
    for column in 0..count {
        if column > 0 {
            list.push_str(", ");
        }
        match kind {
            Kind::Sqlite => list.push('?'),
            Kind::Postgres => push_number(list, before + column + 1),
        }
    }
}

/// Runs `{head} VALUES … {tail}` for all items, in as few statements as the sizes allow.
///
/// # Errors
/// Those of the database; the caller's transaction has failed then.
pub async fn insert<T>(
    tx: &mut Tx,
    head: &str,
    columns: usize,
    tail: &str,
    items: &[T],
    bind: impl for<'q> Fn(Query<'q>, &'q T) -> Query<'q>,
) -> Result<()> {
    for chunk in powers(items) {
        let sql = format!("{head} VALUES {} {tail}", rows(tx.kind(), chunk.len(), columns));
        let mut query = sqlx::query(own(sql));
        for item in chunk {
            query = bind(query, item);
        }
        query.execute(tx.conn()).await?;
    }
    Ok(())
}

/// `{head} ({list}) {tail}` for looking up `values`, which are padded to a power of two with the last one repeated.
/// Returns the statement and the padded values, in chunks of at most 64. Head and tail have `?` for values of their own, bound
/// before and after the list's: a value written into the text would make every statement a new one to prepare.
pub fn in_list<'v, T>(kind: Kind, head: &str, tail: &str, values: &'v [T]) -> Vec<(String, Vec<&'v T>)> {
    values
        .chunks(MOST)
        .filter_map(|chunk| {
            let padded = padded(chunk)?;
            let list = holders(Kind::Sqlite, padded.len());
            Some((numbered(kind, format!("{head} ({list}) {tail}")), padded))
        })
        .collect()
}

/// References to these items, the last one repeated up to a power of two; `None` for no items.
pub fn padded<T>(items: &[T]) -> Option<Vec<&T>> {
    let last = items.last()?;
    let mut padded: Vec<&T> = items.iter().collect();
    padded.resize(items.len().next_power_of_two(), last);
    Some(padded)
}

/// A text with `?` as this database reads it.
fn numbered(kind: Kind, sql: String) -> String {
    if kind == Kind::Sqlite {
        return sql;
    }
    let mut text = String::with_capacity(sql.len() + sql.len() / 2);
    for (number, part) in sql.split('?').enumerate() {
        if number > 0 {
            push_number(&mut text, number);
        }
        text.push_str(part);
    }
    text
}

/// `$7`.
fn push_number(text: &mut String, number: usize) {
    // Writing into a String cannot fail.
    let _ = write!(text, "${number}");
}

/// Splits a slice into pieces of 64, then of falling powers of two.
fn powers<T>(mut items: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        if items.is_empty() {
            return None;
        }
        let size = MOST.min(1 << items.len().ilog2());
        let (piece, rest) = items.split_at(size);
        items = rest;
        Some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_written_for_each_database() {
        assert_eq!(rows(Kind::Sqlite, 2, 2), "(?, ?), (?, ?)");
        assert_eq!(rows(Kind::Postgres, 2, 2), "($1, $2), ($3, $4)");
    }

    #[test]
    fn pieces_are_powers_of_two_and_lose_nothing() {
        let items: Vec<usize> = (0..201).collect();
        let sizes: Vec<usize> = powers(&items).map(<[usize]>::len).collect();
        assert_eq!(sizes, [64, 64, 64, 8, 1]);
        assert_eq!(powers(&items).flatten().count(), 201);
    }

    #[test]
    fn a_look_up_is_padded_with_its_last_value() {
        let values = ["a", "b", "c"];
        let lists = in_list(Kind::Sqlite, "SELECT 1 WHERE x IN", "", &values);
        assert_eq!(lists, [("SELECT 1 WHERE x IN (?, ?, ?, ?) ".to_owned(), vec![&"a", &"b", &"c", &"c"])]);
        let lists = in_list(Kind::Postgres, "UPDATE t SET y = ? WHERE x IN", "AND z = ?", &[7, 8]);
        assert_eq!(lists, [("UPDATE t SET y = $1 WHERE x IN ($2, $3) AND z = $4".to_owned(), vec![&7, &8])]);
    }
}
