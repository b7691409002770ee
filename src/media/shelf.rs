//! Where files lie: two sealed files an id, in two levels of folders, put there whole or not at all.

use super::{check::Format, clean::clean, wording::Trouble};
use crate::{
    clock::DAY,
    db::Db,
    error::{Error, Result},
    message::{MediaKind, Millis},
    seal::{Keys, random},
};
use sqlx::Row;
use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

/// A file that belongs to no ticket after this time is deleted: the report was never submitted.
const UNATTACHED: Millis = 7 * DAY;
/// Rows swept in one go, so that the write lock is held only briefly.
const SWEPT: i64 = 200;

/// The files of an installation. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Shelf {
    db: Db,
    keys: Keys,
    dir: Arc<Path>,
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
    fn place(self, id: i64) -> String {
        format!("media.{}.{id}", self.name())
    }
}

impl Shelf {
    /// The shelf in the folder `dir`, which is made when the first file comes.
    pub fn new(db: Db, keys: Keys, dir: PathBuf) -> Self {
        Shelf { db, keys, dir: dir.into() }
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
        let (mime, path, keys) = (row.try_get(0)?, self.path(id, half), self.keys.clone());
        let bytes = blocking(move || {
            let sealed = fs::read(path).map_err(|error| on_disk("read", &error))?;
            keys.open_bytes(&half.place(id), &sealed)
        })
        .await?;
        Ok(Some((mime, bytes)))
    }

    /// Checks a file and puts it on the shelf. What was there under this id is replaced, so that it may be done twice.
    pub(super) async fn keep(&self, id: i64, kind: MediaKind, bytes: Vec<u8>) -> Result<Result<Format, Trouble>> {
        let shelf = self.clone();
        blocking(move || {
            let Some(format) = Format::of(&bytes).filter(|format| format.kind() == kind) else {
                return Ok(Err(Trouble::Unreadable));
            };
            let sealed = shelf.keys.seal_bytes(&Half::Original.place(id), &bytes)?;
            let Some(copy) = clean(format, bytes) else { return Ok(Err(Trouble::Unreadable)) };
            shelf.put(id, Half::Original, &sealed).map_err(|error| on_disk("write", &error))?;
            let sealed = shelf.keys.seal_bytes(&Half::Copy.place(id), &copy)?;
            shelf.put(id, Half::Copy, &sealed).map_err(|error| on_disk("write", &error))?;
            shelf.tidy(id);
            Ok(Ok(format))
        })
        .await
    }

    /// Deletes the files of an id; there may be none.
    pub(super) async fn remove(&self, id: i64) -> Result<()> {
        let shelf = self.clone();
        blocking(move || {
            for half in [Half::Original, Half::Copy] {
                match fs::remove_file(shelf.path(id, half)) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(on_disk("delete", &error)),
                    _ => {}
                }
            }
            shelf.tidy(id);
            Ok(())
        })
        .await
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

    /// `dir/2a/07/1834.copy`: 65,536 folders, each filled evenly, and no name but the id.
    fn path(&self, id: i64, half: Half) -> PathBuf {
        self.folder(id).join(format!("{id}.{}", half.name()))
    }

    fn folder(&self, id: i64) -> PathBuf {
        self.dir.join(format!("{:02x}", id & 0xff)).join(format!("{:02x}", id >> 8 & 0xff))
    }

    /// Writes beside the place and moves there, so that a crash leaves the old file or the new one. The name beside is
    /// random because a slow process may still be writing the same file.
    fn put(&self, id: i64, half: Half, sealed: &[u8]) -> io::Result<()> {
        let folder = self.folder(id);
        fs::create_dir_all(&folder)?;
        let mark = random::<8>().map_err(|_| io::Error::other("no randomness"))?;
        let beside = folder.join(format!("{id}.{:016x}.tmp", u64::from_le_bytes(mark)));
        let mut file = File::create_new(&beside)?;
        file.write_all(sealed)?;
        file.sync_all()?;
        fs::rename(&beside, self.path(id, half))?;
        // The names must last too, or a row could be ready without its file. Only Unix opens folders.
        if cfg!(unix) {
            for folder in folder.ancestors().take(3) {
                File::open(folder)?.sync_all()?;
            }
        }
        Ok(())
    }

    /// Deletes what a crash left beside the files of an id. Nothing reads it, so failing is no harm.
    fn tidy(&self, id: i64) {
        let Ok(folder) = fs::read_dir(self.folder(id)) else { return };
        for file in folder.flatten() {
            let name = file.file_name();
            let name = name.to_string_lossy();
            if name.ends_with(".tmp") && name.split('.').next() == Some(&id.to_string()) {
                let _ = fs::remove_file(file.path());
            }
        }
    }
}

/// Disk and cipher work away from the threads that answer people.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Error::fault("work on a media file broke off"))?
}

/// The path is left out: it is of no use to whoever reads the log of another machine.
fn on_disk(what: &str, error: &io::Error) -> Error {
    Error::fault(format!("cannot {what} a media file: {}", error.kind()))
}

fn sql(text: String) -> sqlx::AssertSqlSafe<String> {
    sqlx::AssertSqlSafe(text)
}
