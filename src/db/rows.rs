//! Multi-row statements.
//!
//! `$n` is looked up linearly in SQLite (512 rows of 10 columns cost 43 ms that way, 1.2 ms with `?`), PostgreSQL does not
//! read `?`; so the list of values is written for the kind at hand. Sizes are powers of two up to 64, so that few different
//! statements exist and all stay prepared.

use super::{Kind, Tx, own};
use crate::error::Result;
use sqlx::{Any, any::AnyArguments};

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
            Kind::Postgres => list.push_str(&format!("${}", before + column + 1)),
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
/// Returns the statement and the padded values, in chunks of at most 64.
pub fn in_list<'v>(kind: Kind, head: &str, tail: &str, values: &'v [String]) -> Vec<(String, Vec<&'v str>)> {
    values
        .chunks(MOST)
        .filter_map(|chunk| {
            let last = chunk.last()?;
            let mut padded: Vec<&str> = chunk.iter().map(String::as_str).collect();
            padded.resize(chunk.len().next_power_of_two(), last);
            Some((format!("{head} ({}) {tail}", holders(kind, padded.len())), padded))
        })
        .collect()
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
        let values = ["a", "b", "c"].map(String::from);
        let lists = in_list(Kind::Sqlite, "SELECT 1 WHERE x IN", "", &values);
        assert_eq!(lists, [("SELECT 1 WHERE x IN (?, ?, ?, ?) ".to_owned(), vec!["a", "b", "c", "c"])]);
    }
}
