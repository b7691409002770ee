//! What an error of the database means, and whether the database is in trouble now.
//!
//! Everybody who works with the database reports what they met to [`super::Db::noticed`]; the log gets one line when trouble begins
//! and one when it is over, however many turns fail in between.

use crate::error::Error;
use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::time::Instant;

/// Why the database cannot be used. It concerns everybody, not one statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing answers, or it is starting or stopping.
    Unreachable,
    /// It answers and has no room for us: no free connection, or another process holds the file.
    Busy,
    /// No room is left on its disk, or the disk fails.
    Full,
    /// It may only be read now.
    ReadOnly,
}

impl Trouble {
    /// The word for machines.
    pub fn word(self) -> &'static str {
        match self {
            Trouble::Unreachable => "database_unreachable",
            Trouble::Busy => "database_busy",
            Trouble::Full => "database_full",
            Trouble::ReadOnly => "database_read_only",
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Trouble::Unreachable => "the database does not answer",
            Trouble::Busy => "the database is busy for too long",
            Trouble::Full => "the database cannot write: its disk is full or fails",
            Trouble::ReadOnly => "the database may only be read",
        })
    }
}

/// What an error of the database means for the work that met it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// Nobody can work now.
    Trouble(Trouble),
    /// Two wanted the same thing, or one statement took too long: the same work may succeed a moment later.
    Collision,
    /// The database is well and refuses what we ask for: a mistake of ours.
    Mistake,
}

/// What an error means.
pub fn meaning(error: &sqlx::Error) -> Meaning {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => Meaning::Trouble(Trouble::Unreachable),
        sqlx::Error::Database(error) => error.code().map_or(Meaning::Mistake, |code| of_code(&code)),
        _ => Meaning::Mistake,
    }
}

/// PostgreSQL's codes have five characters; SQLite's are numbers whose lowest byte is the kind of error.
fn of_code(code: &str) -> Meaning {
    if code.len() == 5 {
        return of_postgres(code);
    }
    match code.parse::<u32>().map(|code| code & 0xff) {
        Ok(5 | 6) => Meaning::Trouble(Trouble::Busy),
        // An I/O error too: SQLite says so when it cannot lengthen its shared memory on a full disk.
        Ok(10 | 13) => Meaning::Trouble(Trouble::Full),
        Ok(8) => Meaning::Trouble(Trouble::ReadOnly),
        // Cannot open, corrupt, not a database.
        Ok(11 | 14 | 26) => Meaning::Trouble(Trouble::Unreachable),
        _ => Meaning::Mistake,
    }
}

fn of_postgres(code: &str) -> Meaning {
    match code {
        "40001" | "40P01" | "55P03" | "57014" => Meaning::Collision,
        "53100" | "58030" => Meaning::Trouble(Trouble::Full),
        "25006" => Meaning::Trouble(Trouble::ReadOnly),
        _ => match &code[..2] {
            "53" => Meaning::Trouble(Trouble::Busy),
            // Connection, authorization, operator intervention, system error, internal error, and a database that is gone.
            "08" | "28" | "57" | "58" | "XX" | "3D" => Meaning::Trouble(Trouble::Unreachable),
            _ => Meaning::Mistake,
        },
    }
}

/// The mistake of ours behind an error, described without what people wrote: a database's own words may quote a value. `None` when
/// the same work may succeed later.
pub fn mistake(error: &Error) -> Option<String> {
    match error {
        Error::Fault(why) => Some(why.clone()),
        Error::User(_) => Some("a sentence for a person where there is none".to_owned()),
        Error::Database(error) if meaning(error) != Meaning::Mistake => None,
        Error::Database(sqlx::Error::Database(error)) => {
            let code = error.code().unwrap_or_default();
            Some(
                format!("the database refuses a statement: {code} {}", error.constraint().unwrap_or_default())
                    .trim_end()
                    .to_owned(),
            )
        }
        Error::Database(sqlx::Error::ColumnDecode { index, .. }) => Some(format!("column {index} does not decode")),
        Error::Database(sqlx::Error::RowNotFound) => Some("a row is missing".to_owned()),
        Error::Database(_) => Some("a statement does not fit its tables".to_owned()),
    }
}

/// The trouble that the database is in, as far as this process has met it.
#[derive(Debug, Clone, Default)]
pub(super) struct State(Arc<Mutex<Option<(Trouble, Instant)>>>);

impl State {
    pub(super) fn now(&self) -> Option<Trouble> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).map(|(trouble, _)| trouble)
    }

    /// Takes down trouble; says it in the log when it is new.
    pub(super) fn met(&self, trouble: Trouble, error: &sqlx::Error) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let since = state.map(|(_, since)| since);
        // That a connection could not be had in time says less than what is known already.
        let trouble = match (*state, error) {
            (Some((known, _)), sqlx::Error::PoolTimedOut) => known,
            _ => trouble,
        };
        if state.is_none_or(|(known, _)| known != trouble) {
            tracing::error!(trouble = trouble.word(), error = %error, "{trouble}; messages are answered with 503 until it is over: {error}");
        }
        *state = Some((trouble, since.unwrap_or_else(Instant::now)));
    }

    /// It works again.
    pub(super) fn over(&self) {
        if let Some((trouble, since)) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let seconds = since.elapsed().as_secs();
            tracing::warn!(trouble = trouble.word(), seconds, "the database works again after {seconds} s");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_both_databases_are_told_apart() {
        for (code, meaning) in [
            ("5", Meaning::Trouble(Trouble::Busy)),
            ("517", Meaning::Trouble(Trouble::Busy)),
            ("13", Meaning::Trouble(Trouble::Full)),
            ("4874", Meaning::Trouble(Trouble::Full)),
            ("1032", Meaning::Trouble(Trouble::ReadOnly)),
            ("2067", Meaning::Mistake),
            ("1", Meaning::Mistake),
            ("53100", Meaning::Trouble(Trouble::Full)),
            ("53300", Meaning::Trouble(Trouble::Busy)),
            ("57P01", Meaning::Trouble(Trouble::Unreachable)),
            ("57P03", Meaning::Trouble(Trouble::Unreachable)),
            ("25006", Meaning::Trouble(Trouble::ReadOnly)),
            ("40P01", Meaning::Collision),
            ("57014", Meaning::Collision),
            ("55P03", Meaning::Collision),
            ("23505", Meaning::Mistake),
            ("22P02", Meaning::Mistake),
            ("42P01", Meaning::Mistake),
            ("25P02", Meaning::Mistake),
        ] {
            assert_eq!(of_code(code), meaning, "{code}");
        }
    }

    #[test]
    fn trouble_is_no_mistake_and_a_value_that_does_not_decode_is_one() {
        assert_eq!(mistake(&sqlx::Error::PoolTimedOut.into()), None);
        assert_eq!(mistake(&sqlx::Error::RowNotFound.into()).as_deref(), Some("a row is missing"));
        let odd = sqlx::Error::ColumnDecode { index: "3".into(), source: "said 13800000000".into() };
        assert_eq!(mistake(&odd.into()).as_deref(), Some("column 3 does not decode"));
    }
}
