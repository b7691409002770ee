//! A copy of the database in one file, taken while the service runs, and putting it back.
//!
//! SQLite does both itself; for PostgreSQL its own `pg_dump` and `pg_restore` are run, which must be installed.

use super::{Db, Kind, file_of, kind_of, make_folder};
use crate::error::{Error, Result};
use percent_encoding::percent_decode_str;
use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use std::{
    ffi::OsString,
    fs::{self, File},
    io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::Command,
};

/// Writes the database as it is at this moment into a new file, checks it, and gives its size.
///
/// # Errors
/// A sentence when the file is there already, cannot be written or does not pass the check; trouble of the database.
pub async fn backup(url: &str, file: &Path) -> Result<u64> {
    if file.exists() {
        return Err(Error::user(format!("{}: 已经有这个文件了，换一个名字", file.display())));
    }
    // Under another name until it is whole, so that half a copy is never taken for one.
    let part = beside(file, ".part");
    let _ = fs::remove_file(&part);
    // Made empty first, because what is in it is for its owner alone; both databases write into an empty file.
    let made = File::options().write(true).create_new(true).mode(0o600).open(&part);
    made.map_err(|error| unwritable(file, &error))?;
    let written = match kind_of(url) {
        Some(Kind::Sqlite) if !file_of(url).exists() => Err(Error::user(format!("{}: 没有这个数据库", file_of(url).display()))),
        Some(Kind::Sqlite) => vacuum_into(url, &part).await,
        _ => dump(url, &part),
    };
    let placed = written.and_then(|()| place(&part, file).map_err(|error| unwritable(file, &error)));
    if placed.is_err() {
        let _ = fs::remove_file(&part);
    }
    placed
}

async fn vacuum_into(url: &str, part: &Path) -> Result<()> {
    let name = part.to_str().ok_or_else(|| Error::user(format!("{}: 文件名要用 UTF-8", part.display())))?;
    let db = Db::open(url, 1).await?;
    sqlx::query("VACUUM INTO $1").bind(name).execute(&mut *db.read().await?).await?;
    db.close().await;
    whole(part).await
}

/// Puts a backup where the database of this address is to be. SQLite: the file must not be there yet; PostgreSQL: the
/// database must have no tables.
///
/// # Errors
/// A sentence when something is there already or the backup does not pass the check; trouble of the database.
pub async fn restore(url: &str, file: &Path) -> Result<()> {
    if !file.is_file() {
        return Err(Error::user(format!("{}: 没有这个文件", file.display())));
    }
    if kind_of(url) == Some(Kind::Sqlite) {
        whole(file).await?;
        let target = file_of(url);
        if let Some(there) = files(target).into_iter().find(|path| path.exists()) {
            return Err(Error::user(format!("{} 还在。先停下民呼，再加 --aside 把它挪开", there.display())));
        }
        let part = beside(target, ".part");
        make_folder(target)?;
        fs::copy(file, &part).and_then(|_| place(&part, target)).map_err(|error| unwritable(target, &error))?;
        return Ok(());
    }
    let db = Db::open(url, 1).await?;
    let tables = super::schema::tables(&mut *db.read().await?, Kind::Postgres).await;
    db.close().await;
    // Tables of another kind than ours are tables all the same.
    if tables.map_or(true, |tables| !tables.is_empty()) {
        return Err(Error::user("这个 PostgreSQL 数据库里已经有表了。请新建一个空的库来恢复"));
    }
    let mut restore = Command::new("pg_restore");
    restore.args(["--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges"]);
    run(with_address(&mut restore, url)?.arg(file))
}

/// Moves a SQLite database with everything that belongs to it out of the way, and says where.
///
/// # Errors
/// A sentence when it cannot be moved.
pub fn aside(url: &str, suffix: &str) -> Result<Option<PathBuf>> {
    let target = file_of(url);
    if !files(target).iter().any(|path| path.exists()) {
        return Ok(None);
    }
    for path in files(target).into_iter().filter(|path| path.exists()) {
        let end = path.as_os_str().to_string_lossy()[target.as_os_str().to_string_lossy().len()..].to_owned();
        fs::rename(&path, beside(target, &format!("{suffix}{end}"))).map_err(|error| unwritable(&path, &error))?;
    }
    Ok(Some(beside(target, suffix)))
}

/// The database file and the two that SQLite keeps beside it, which hold what is not in it yet.
fn files(target: &Path) -> [PathBuf; 3] {
    ["", "-wal", "-shm"].map(|end| beside(target, end))
}

/// Is it a SQLite database, and whole?
async fn whole(file: &Path) -> Result<()> {
    let options = SqliteConnectOptions::new().filename(file).read_only(true).immutable(true);
    let check = async {
        let mut conn = SqliteConnection::connect_with(&options).await?;
        let says: String = sqlx::query_scalar("PRAGMA integrity_check(1)").fetch_one(&mut conn).await?;
        let ours: i64 =
            sqlx::query_scalar("SELECT COUNT(*) FROM sqlite_master WHERE name = '_sqlx_migrations'").fetch_one(&mut conn).await?;
        conn.close().await?;
        Ok::<bool, sqlx::Error>(says == "ok" && ours == 1)
    };
    match check.await {
        Ok(true) => Ok(()),
        Ok(false) | Err(_) => Err(Error::user(format!("{}: 这个备份坏了，或者不是民呼的数据库", file.display()))),
    }
}

fn dump(url: &str, part: &Path) -> Result<()> {
    let mut dump = Command::new("pg_dump");
    dump.args(["--format=custom", "--no-owner", "--no-privileges", "--file"]).arg(part);
    run(with_address(&mut dump, url)?)?;
    // Reads the list of contents, which stands at the end of the work.
    run(Command::new("pg_restore").arg("--list").arg(part))
}

/// Tells a program of PostgreSQL which database is meant; the password goes by the environment, where other users of the
/// machine cannot read it.
fn with_address<'c>(command: &'c mut Command, url: &str) -> Result<&'c mut Command> {
    let mut url = reqwest::Url::parse(url).map_err(|_| Error::user("database.url 不是一个地址"))?;
    if let Some(password) = url.password() {
        command.env("PGPASSWORD", percent_decode_str(password).decode_utf8_lossy().as_ref());
    }
    let _ = url.set_password(None);
    Ok(command.arg("--dbname").arg(url.as_str()))
}

/// Runs a program of PostgreSQL; what it complains of is said.
fn run(command: &mut Command) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            Error::fault(format!("没有 {name}。请装上 PostgreSQL 的客户端（Debian：apt-get install postgresql-client）"))
        }
        _ => Error::fault(format!("{name}: {error}")),
    })?;
    if output.status.success() {
        return Ok(());
    }
    Err(Error::fault(format!("{name} 没有办成：{}", String::from_utf8_lossy(&output.stderr).trim())))
}

/// Gives a finished file its name, when it is safely on the disk; gives its size.
fn place(part: &Path, file: &Path) -> io::Result<u64> {
    let finished = File::open(part)?;
    finished.sync_all()?;
    fs::rename(part, file)?;
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()?;
    Ok(finished.metadata()?.len())
}

fn beside(file: &Path, end: &str) -> PathBuf {
    let mut name = OsString::from(file);
    name.push(end);
    name.into()
}

fn unwritable(file: &Path, error: &io::Error) -> Error {
    Error::user(format!("{}: 写不了（{error}）", file.display()))
}
