//! Two kinds of failure: a sentence for the person, or a fault that is logged and answered neutrally.

use std::fmt;

/// The result of everything that may fail in one of the two ways.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why something did not happen.
#[derive(Debug)]
pub enum Error {
    /// The person can do something about it; the sentence says what would be right.
    User(String),
    /// The database is unreachable, busy, full or broke the transaction; the same act may succeed later.
    Database(sqlx::Error),
    /// A mistake of ours. The text names the place and never holds what people wrote.
    Fault(String),
}

impl Error {
    /// A sentence for the person.
    pub fn user(sentence: impl Into<String>) -> Self {
        Error::User(sentence.into())
    }

    /// A fault, described without any personal data.
    pub fn fault(what: impl Into<String>) -> Self {
        Error::Fault(what.into())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::User(sentence) => f.write_str(sentence),
            Error::Database(error) => write!(f, "database: {error}"),
            Error::Fault(what) => write!(f, "fault: {what}"),
        }
    }
}

impl std::error::Error for Error {}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Error::Database(error)
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        // The category and position only: the message may quote the text that did not parse.
        Error::Fault(format!("json: {:?} at {}:{}", error.classify(), error.line(), error.column()))
    }
}
