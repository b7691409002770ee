//! Databases for tests: a SQLite file, and a schema-less database of its own on the test server when there is one.

use super::Db;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use std::sync::atomic::{AtomicU32, Ordering};

/// An empty database with all tables, that several processes' worth of handles can open.
pub struct Place {
    url: String,
    made: Option<(String, String)>,
    _folder: tempfile::TempDir,
}

/// SQLite, and PostgreSQL where `MINHUTEST_DATABASE_URL` names a server.
pub async fn places() -> Vec<Place> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/t.db", folder.path().display());
    let mut places = vec![Place { url, made: None, _folder: folder }];
    if let Ok(server) = std::env::var("MINHUTEST_DATABASE_URL") {
        let name = format!("minhutest_lib_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        on_server(&server, format!("CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0")).await;
        let url = format!("{}/{name}", server.rsplit_once('/').unwrap().0);
        places.push(Place { url, made: Some((server, name)), _folder: tempfile::tempdir().unwrap() });
    }
    for place in &places {
        place.open().await.migrate().await.unwrap();
    }
    places
}

impl Place {
    /// A handle as another process would have it: with its own connections, ids and leases.
    pub async fn open(&self) -> Db {
        Db::open(&self.url, 4).await.unwrap()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some((server, name)) = self.made.take() {
            // What stays behind goes with the server. A thread of its own, because a test's runtime may be ending.
            let drop = move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(on_server(&server, format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")));
            };
            let _ = std::thread::spawn(drop).join();
        }
    }
}

async fn on_server(server: &str, statement: String) {
    let mut connection = PgConnection::connect(server).await.unwrap();
    connection.execute(AssertSqlSafe(statement)).await.unwrap();
    connection.close().await.unwrap();
}
