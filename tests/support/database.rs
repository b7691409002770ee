//! A database of one test alone: a SQLite file in its folder, or one on the test server.
#![allow(clippy::allow_attributes, dead_code, reason = "each test program uses another part of it")]

use sqlx::{AnyConnection, AssertSqlSafe, Connection, Executor, PgConnection, Row};
use std::{
    path::Path,
    sync::atomic::{AtomicU32, Ordering},
};

/// Databases made by this process so far.
static COUNT: AtomicU32 = AtomicU32::new(0);

/// A database that was made for a test.
pub struct Database {
    /// Its address.
    pub url: String,
    /// The server's own address and the name of what was made there; `None` for a SQLite file in the test's folder.
    made: Option<(String, String)>,
}

impl Database {
    /// One on the server that `MINHUTEST_DATABASE_URL` names, else a file in this folder.
    pub async fn make(folder: &Path) -> Result<Database, String> {
        match Database::on_server().await {
            Some(made) => made,
            None => Ok(Database::file(folder)),
        }
    }

    /// A SQLite file in this folder.
    pub fn file(folder: &Path) -> Database {
        let name = format!("minhu{}.db", COUNT.fetch_add(1, Ordering::Relaxed));
        Database { url: format!("sqlite://{}?mode=rwc", folder.join(name).display()), made: None }
    }

    /// Is it on the server?
    pub fn is_on_server(&self) -> bool {
        self.made.is_some()
    }

    /// One on the server, if there is a server.
    pub async fn on_server() -> Option<Result<Database, String>> {
        let server = std::env::var("MINHUTEST_DATABASE_URL").ok()?;
        let name = format!("minhutest_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let Some((before, _)) = server.rsplit_once('/') else {
            return Some(Err("MINHUTEST_DATABASE_URL names no database".to_owned()));
        };
        let url = format!("{before}/{name}");
        let made = run(&server, &format!("CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0")).await;
        Some(made.map(|()| Database { url, made: Some((server, name)) }))
    }

    /// Takes it away from the server; a file goes with its folder.
    pub async fn remove(&self) {
        if let Some((server, name)) = &self.made {
            // What stays behind goes with the cluster.
            let _ = run(server, &format!("DROP DATABASE {name} WITH (FORCE)")).await;
        }
    }

    /// The first column of a query.
    pub async fn words(&self, query: String) -> sqlx::Result<Vec<String>> {
        sqlx::any::install_default_drivers();
        let mut connection = AnyConnection::connect(&self.url).await?;
        let rows = sqlx::query(AssertSqlSafe(query)).fetch_all(&mut connection).await?;
        connection.close().await?;
        rows.iter().map(|row| row.try_get(0)).collect()
    }
}

async fn run(server: &str, statement: &str) -> Result<(), String> {
    let run = async {
        let mut connection = PgConnection::connect(server).await?;
        connection.execute(AssertSqlSafe(statement.to_owned())).await?;
        connection.close().await
    };
    run.await.map_err(|error: sqlx::Error| error.to_string())
}
