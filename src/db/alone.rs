//! A SQLite file has one service; the command line may work beside it.

use super::{Kind, file_of, kind_of, make_folder};
use crate::error::{Error, Result};
use std::{
    fs::{File, TryLockError},
    path::PathBuf,
};

/// The right to be the service of a database. The system takes the lock back when the process ends, however it ends.
#[derive(Debug)]
pub struct Alone(#[expect(dead_code, reason = "held, never read")] Option<File>);

impl Alone {
    /// Takes it for the database at this address; on PostgreSQL any number of services may run.
    ///
    /// # Errors
    /// A sentence when another service has the file; a fault when the folder cannot be written.
    pub fn at(url: &str) -> Result<Alone> {
        let file = file_of(url);
        if kind_of(url) != Some(Kind::Sqlite) || file.starts_with(":memory:") {
            return Ok(Alone(None));
        }
        make_folder(file)?;
        // The same file may be reached by several names.
        let file = std::fs::canonicalize(file).unwrap_or_else(|_| PathBuf::from(file));
        let mut beside = file.clone().into_os_string();
        beside.push(".lock");
        let lock = File::options().create(true).append(true).open(&beside).map_err(|error| trouble(&file, &error))?;
        match lock.try_lock() {
            Ok(()) => Ok(Alone(Some(lock))),
            Err(TryLockError::WouldBlock) => Err(Error::fault(format!(
                "{} 正有一个民呼服务在用。一个 SQLite 文件只能由一个服务用：请先停掉那一个；想几个一起跑，请换成 PostgreSQL",
                file.display()
            ))),
            Err(TryLockError::Error(error)) => Err(trouble(&file, &error)),
        }
    }
}

fn trouble(file: &std::path::Path, error: &std::io::Error) -> Error {
    Error::fault(format!("{} 旁边的 .lock 文件用不了（{error}）。请看看这个文件夹能不能写", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_service_has_a_file_by_whatever_name_until_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("minhu.db");
        std::fs::write(&file, "").unwrap();
        std::os::unix::fs::symlink(&file, folder.path().join("other.db")).unwrap();
        let url = |name: &str| format!("sqlite://{}/{name}", folder.path().display());
        let first = Alone::at(&url("minhu.db")).unwrap();
        for name in ["minhu.db", "minhu.db?mode=rwc", "other.db"] {
            let says = Alone::at(&url(name)).unwrap_err().to_string();
            assert!(says.contains("正有一个民呼服务在用"), "{says}");
        }
        drop(first);
        assert!(Alone::at(&url("other.db")).is_ok());
        assert!(Alone::at("postgres://a/b").is_ok() && Alone::at("postgres://a/b").is_ok());
    }
}
