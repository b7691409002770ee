//! Pictures, voice and video: fetched from the platform, checked by content, kept.
//!
//! A turn writes a row `media` in the state `fetching` and is answered at once (`bot/store.rs`). The [`Keeper`] fetches the
//! file while the platform still has it, tells by its bytes what it is, and puts two sealed files on the [`Shelf`]: the
//! original, for intake alone, and a copy without metadata for everybody else. What is no picture, voice or video is
//! refused with a sentence to whoever sent it. Nothing waits for any of this; units see what is `ready`.

mod check;
mod clean;
mod keeper;
mod place;
#[cfg(test)]
mod samples;
mod shelf;
mod wording;

pub use check::{MOST_PHOTO, MOST_VIDEO, MOST_VOICE, most};
pub use keeper::{Fetcher, Keeper, Wake};
pub use place::Place;
pub use shelf::Shelf;

use crate::{
    db::Tx,
    error::{Error, Result},
    message::MediaKind,
};
use sqlx::{AnyConnection, Row};

/// How far a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Still to be fetched.
    Fetching,
    /// On the shelf.
    Ready,
    /// Not what it should be; the sender has been told.
    Refused,
    /// Could not be fetched in time; the sender has been told.
    Lost,
}

/// A file of a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// Its id, under which [`Shelf::open`] gives it out.
    pub id: i64,
    /// What it is.
    pub kind: MediaKind,
    /// How far it is.
    pub state: State,
}

/// Gives files to a ticket. A file that another ticket has stays there.
///
/// # Errors
/// Those of the database.
pub async fn attach(tx: &mut Tx, ids: &[i64], ticket: i64) -> Result<()> {
    for id in ids {
        sqlx::query("UPDATE media SET ticket_id = $1 WHERE id = $2 AND ticket_id IS NULL")
            .bind(ticket)
            .bind(*id)
            .execute(tx.conn())
            .await?;
    }
    Ok(())
}

/// All files of a ticket in the order in which they came, also those still under way or not kept.
///
/// # Errors
/// Those of the database.
pub async fn of_ticket(conn: &mut AnyConnection, ticket: i64) -> Result<Vec<Kept>> {
    let rows = sqlx::query("SELECT id, kind, state FROM media WHERE ticket_id = $1 ORDER BY at, id")
        .bind(ticket)
        .fetch_all(conn)
        .await?;
    rows.iter()
        .map(|row| {
            let state = match row.try_get::<String, _>(2)?.as_str() {
                "fetching" => State::Fetching,
                "ready" => State::Ready,
                "refused" => State::Refused,
                "lost" => State::Lost,
                _ => return Err(Error::fault("a media row has no readable state")),
            };
            Ok(Kept { id: row.try_get(0)?, kind: kind(row.try_get(1)?)?, state })
        })
        .collect()
}

/// The files of a ticket that can be shown.
///
/// # Errors
/// Those of the database.
pub async fn ready_of(conn: &mut AnyConnection, ticket: i64) -> Result<Vec<Kept>> {
    let mut all = of_ticket(conn, ticket).await?;
    all.retain(|kept| kept.state == State::Ready);
    Ok(all)
}

/// A kind by its name in the database.
fn kind(name: &str) -> Result<MediaKind> {
    match name {
        "photo" => Ok(MediaKind::Photo),
        "voice" => Ok(MediaKind::Voice),
        "video" => Ok(MediaKind::Video),
        _ => Err(Error::fault("a media row has no readable kind")),
    }
}
