//! What lies where: two sealed files an id, in two levels of folders, put there whole or not at all.

use super::{check::Format, clean::clean, place::Place, wording::Trouble};
use crate::{
    clock::DAY,
    db::Db,
    error::{Error, Result},
    message::{MediaKind, Millis},
    seal::Keys,
};
use sqlx::Row;

/// A file that belongs to no ticket after this time is deleted: the report was never submitted.
const UNATTACHED: Millis = 7 * DAY;
/// Rows swept in one go, so that the write lock is held only briefly.
const SWEPT: i64 = 200;

/// The files of an installation. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Shelf {
    db: Db,
    keys: Keys,
    place: Place,
}

/// The two files of an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Half {
    Original,
    Copy,
}

impl Half {
    fn name(self) -> &'static str {
        match self {
            Half::Original => "original",
            Half::Copy => "copy",
        }
    }

    /// The associated data of sealing: a file does not open in another one's place.
    fn sealed_as(self, id: i64) -> String {
        format!("media.{}.{id}", self.name())
    }

    /// `2a/07/1834.copy`: 65,536 folders, each filled evenly, and no name but the id.
    fn path(self, id: i64) -> String {
        format!("{:02x}/{:02x}/{id}.{}", id & 0xff, id >> 8 & 0xff, self.name())
    }
}

impl Shelf {
    /// The shelf at this place.
    pub fn new(db: Db, keys: Keys, place: Place) -> Self {
        Shelf { db, keys, place }
    }

    /// The keys that everything here is sealed with.
    pub(super) fn keys(&self) -> &Keys {
        &self.keys
    }

    /// The media type and the bytes of a file that is ready, without metadata. Ask only after checking that whoever will
    /// see it may see its ticket.
    ///
    /// # Errors
    /// Those of the database; a fault when the file is missing or does not open.
    pub async fn open(&self, id: i64) -> Result<Option<(String, Vec<u8>)>> {
        self.read(id, Half::Copy).await
    }

    /// The same as it was sent, with whatever the device wrote beside it. Ask only for intake.
    ///
    /// # Errors
    /// As [`Shelf::open`].
    pub async fn original(&self, id: i64) -> Result<Option<(String, Vec<u8>)>> {
        self.read(id, Half::Original).await
    }

    async fn read(&self, id: i64, half: Half) -> Result<Option<(String, Vec<u8>)>> {
        let mut conn = self.db.read().await?;
        let row =
            sqlx::query("SELECT mime FROM media WHERE id = $1 AND state = 'ready'").bind(id).fetch_optional(&mut *conn).await?;
        drop(conn);
        let Some(row) = row else { return Ok(None) };
        let mime = row.try_get(0)?;
        let sealed = self.place.get(&half.path(id)).await?;
        let keys = self.keys.clone();
        let bytes = blocking(move || keys.open_bytes(&half.sealed_as(id), &sealed)).await?;
        Ok(Some((mime, bytes)))
    }

    /// Checks a file and puts it on the shelf. What was there under this id is replaced, so that it may be done twice.
    pub(super) async fn keep(&self, id: i64, kind: MediaKind, bytes: Vec<u8>) -> Result<Result<Format, Trouble>> {
        let keys = self.keys.clone();
        let made = blocking(move || {
            let Some(format) = Format::of(&bytes).filter(|format| format.kind() == kind) else {
                return Ok(Err(Trouble::Unreadable));
            };
            let original = keys.seal_bytes(&Half::Original.sealed_as(id), &bytes)?;
            let Some(copy) = clean(format, bytes) else { return Ok(Err(Trouble::Unreadable)) };
            Ok(Ok((format, original, keys.seal_bytes(&Half::Copy.sealed_as(id), &copy)?)))
        });
        let (format, original, copy) = match made.await? {
            Ok(made) => made,
            Err(trouble) => return Ok(Err(trouble)),
        };
        for (half, sealed) in [(Half::Original, original), (Half::Copy, copy)] {
            self.place.put(&half.path(id), sealed).await?;
            self.place.tidy(&half.path(id));
        }
        Ok(Ok(format))
    }

    /// Deletes the files of an id; there may be none.
    pub(super) async fn remove(&self, id: i64) -> Result<()> {
        for half in [Half::Original, Half::Copy] {
            self.place.delete(&half.path(id)).await?;
            self.place.tidy(&half.path(id));
        }
        Ok(())
    }

    /// Deletes what has belonged to no ticket for a week, files first, so that no file is left without its row.
    ///
    /// # Errors
    /// Those of the database; a fault when files cannot be deleted. The next sweep goes on.
    pub async fn sweep(&self, now: Millis) -> Result<()> {
        const OLD: &str = "ticket_id IS NULL AND state <> 'fetching' AND at <= $1";
        loop {
            let mut conn = self.db.read().await?;
            let any: Option<i64> = sqlx::query_scalar(sql(format!("SELECT id FROM media WHERE {OLD} LIMIT 1")))
                .bind(now - UNATTACHED)
                .fetch_optional(&mut *conn)
                .await?;
            drop(conn);
            if any.is_none() {
                return Ok(());
            }
            // Out of sight first: whoever attaches one of them now gets a file that is said to be lost, not a broken one.
            let mut tx = self.db.write().await?;
            let ids: Vec<i64> = sqlx::query_scalar(sql(format!(
                "UPDATE media SET state = 'lost' WHERE id IN (SELECT id FROM media WHERE {OLD} ORDER BY id LIMIT {SWEPT}) RETURNING id"
            )))
            .bind(now - UNATTACHED)
            .fetch_all(tx.conn())
            .await?;
            tx.commit().await?;
            for id in &ids {
                self.remove(*id).await?;
            }
            let mut tx = self.db.write().await?;
            for id in &ids {
                sqlx::query("DELETE FROM media WHERE id = $1 AND ticket_id IS NULL").bind(*id).execute(tx.conn()).await?;
            }
            tx.commit().await?;
        }
    }
}

/// Cipher work away from the threads that answer people.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Error::fault("work on a media file broke off"))?
}

fn sql(text: String) -> sqlx::AssertSqlSafe<String> {
    sqlx::AssertSqlSafe(text)
}
