//! The real program inside a test: the one file that knows how it is started, stopped and looked into.

use super::play::{AES_KEY, APP_ID, APP_SECRET, CLIENT_ID, CLIENT_SECRET, TOKEN};
use minhu::{
    app::Running,
    clock::Clock,
    config::Config,
    db::Db,
    error::Error,
    people::{
        codes::{self, CodeFor},
        import, sheet, store,
    },
};
use sqlx::{AnyConnection, AssertSqlSafe, Connection, Executor, PgConnection, Row};
use std::{
    path::Path,
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

/// How long the program may take to come to rest.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program that runs, with its folder and its database.
pub struct Program {
    config: Config,
    database: Database,
    clock: Clock,
    running: Option<Running>,
}

/// A database of this test alone.
pub struct Database {
    /// Where it is.
    pub url: String,
    /// The server's own address and the name of what was made there; `None` for a SQLite file in the test's folder.
    made: Option<(String, String)>,
}

impl Program {
    /// Starts it on an empty database in `folder` with this organisation file, and channels `mp` and `ding` that lead to
    /// these servers.
    pub async fn start(folder: &Path, organisation: &str, wechat: &str, ding: &str, clock: Clock) -> Result<Program, String> {
        let database = Database::make(folder).await?;
        std::fs::write(folder.join("org.toml"), organisation).map_err(|error| error.to_string())?;
        let source = settings(folder, &database.url, wechat, ding);
        let config = Config::parse("minhu.toml", &source, []).map_err(|problems| format!("{problems:?}"))?;
        let mut program = Program { config, database, clock, running: None };
        program.run().await?;
        Ok(program)
    }

    async fn run(&mut self) -> Result<(), String> {
        let started = Running::start(self.config.clone(), self.clock.clone()).await;
        self.running = Some(started.map_err(|error| error.to_string())?);
        Ok(())
    }

    fn running(&self) -> &Running {
        self.running.as_ref().unwrap()
    }

    /// The address of a channel's hook.
    pub fn hook(&self, channel: &str) -> String {
        format!("http://{}/hook/{channel}", self.running().address())
    }

    /// Tells it that the clock was moved.
    pub async fn wake(&self) -> Result<(), String> {
        self.running().wake().await.map_err(|error| error.to_string())
    }

    /// Waits until nothing is left to do at this moment.
    pub async fn settle(&self) -> Result<(), String> {
        let begun = Instant::now();
        let mut quiet = 0;
        while quiet < 2 {
            let now_quiet = self.running().quiet().await.map_err(|error| error.to_string())?;
            quiet = if now_quiet { quiet + 1 } else { 0 };
            if begun.elapsed() > PATIENCE {
                return Err(format!("the program did not come to rest: {}", self.left_over().await.join(", ")));
            }
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
        Ok(())
    }

    /// Stops it as SIGTERM would, and starts it again on the same database.
    pub async fn restart(&mut self) -> Result<(), String> {
        self.stop().await;
        self.run().await
    }

    async fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop().await;
        }
    }

    /// A binding code for somebody of the organisation, made as `minhu org codes` makes it: beside the running service.
    pub async fn code_for(&self, name: &str) -> Result<String, String> {
        let make = async {
            let db = Db::open(&self.database.url, 1).await?;
            let mut tx = db.write().await?;
            let directory = store::load(tx.conn(), self.clock.now()).await?;
            let person = directory.all_staff().find(|person| person.name == name);
            let person = person.ok_or_else(|| Error::user(format!("nobody is called {name}")))?.id;
            let keys = self.config.security.keys()?;
            let code = codes::issue_code(&mut tx, &keys, CodeFor::Person(person), self.clock.now()).await?;
            tx.commit().await?;
            db.close().await;
            Ok(code)
        };
        make.await.map_err(|error: Error| error.to_string())
    }

    /// Brings the organisation to what this file says, as `minhu org import --replace` does, and starts again with it.
    pub async fn reorganise(&mut self, organisation: &str) -> Result<(), String> {
        let file = self.config.paths.org.clone().ok_or("no organisation file")?;
        std::fs::write(&file, organisation).map_err(|error| error.to_string())?;
        let change = async {
            let db = Db::open(&self.database.url, 1).await?;
            let keys = self.config.security.keys()?;
            let current = store::current(&mut *db.read().await?, &keys).await?;
            let problems = |problems: Vec<_>| Error::user(format!("{problems:?}"));
            let org = sheet::read(&file, &current).map_err(problems)?;
            let changes = import::plan(&org, &current, true);
            let mut tx = db.write_with_ids(changes.ids()).await?;
            import::apply(&mut tx, &keys, &changes, self.clock.now()).await?;
            tx.commit().await?;
            db.close().await;
            Ok(())
        };
        change.await.map_err(|error: Error| error.to_string())?;
        self.restart().await
    }

    /// Ends it; says what it should not have left behind.
    pub async fn end(mut self) -> Vec<String> {
        let left_over = self.left_over().await;
        self.stop().await;
        self.database.remove().await;
        left_over
    }

    /// Failed turns, messages that are due and not out, files that are due and not here, jobs that are overdue.
    async fn left_over(&self) -> Vec<String> {
        let now = self.clock.now();
        let mut found = Vec::new();
        for (what, query) in [
            ("turns that failed", "SELECT why FROM fault".to_owned()),
            (
                "messages that are due",
                format!("SELECT class FROM outbox WHERE state IN ('pending', 'held', 'sending') AND not_before <= {now}"),
            ),
            ("files that are due", format!("SELECT kind FROM media WHERE state = 'fetching' AND due_at <= {now}")),
            ("jobs that are overdue", format!("SELECT name FROM job WHERE due_at <= {}", now - 60_000)),
        ] {
            match self.database.words(query).await {
                Ok(words) if words.is_empty() => {}
                Ok(words) => found.push(format!("{what}: {}", words.join(", "))),
                Err(error) => found.push(format!("{what}: {error}")),
            }
        }
        found
    }
}

impl Database {
    /// An empty one: a file in `folder`, or on the server that `MINHUTEST_DATABASE_URL` names.
    pub async fn make(folder: &Path) -> Result<Database, String> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let Ok(server) = std::env::var("MINHUTEST_DATABASE_URL") else {
            return Ok(Database { url: format!("sqlite://{}", folder.join("minhu.db").display()), made: None });
        };
        let name = format!("minhutest_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let (before, _) = server.rsplit_once('/').ok_or("MINHUTEST_DATABASE_URL names no database")?;
        let database = Database { url: format!("{before}/{name}"), made: Some((server.clone(), name.clone())) };
        on_server(&server, &format!("CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0")).await?;
        Ok(database)
    }

    /// Removes what was made on a server.
    pub async fn remove(&self) {
        if let Some((server, name)) = &self.made {
            // What stays behind goes with the cluster.
            let _ = on_server(server, &format!("DROP DATABASE {name} WITH (FORCE)")).await;
        }
    }

    /// The first column of a query.
    async fn words(&self, query: String) -> sqlx::Result<Vec<String>> {
        sqlx::any::install_default_drivers();
        let mut connection = AnyConnection::connect(&self.url).await?;
        let rows = sqlx::query(AssertSqlSafe(query)).fetch_all(&mut connection).await?;
        connection.close().await?;
        rows.iter().map(|row| row.try_get(0)).collect()
    }
}

async fn on_server(server: &str, statement: &str) -> Result<(), String> {
    let run = async {
        let mut connection = PgConnection::connect(server).await?;
        connection.execute(AssertSqlSafe(statement.to_owned())).await?;
        connection.close().await
    };
    run.await.map_err(|error: sqlx::Error| error.to_string())
}

/// The demonstration's organisation, working in DingTalk.
pub fn organisation() -> String {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/demo/org.toml");
    std::fs::read_to_string(file).unwrap().replace("\"sim:", "\"ding:")
}

fn settings(folder: &Path, database: &str, wechat: &str, ding: &str) -> String {
    let folder = folder.display();
    format!(
        r#"
[server]
listen = "127.0.0.1:0"
public_url = "http://127.0.0.1"

[database]
url = "{database}"
max_connections = 4

[media]
dir = "{folder}/media"

[paths]
org = "{folder}/org.toml"

[security]
key = "dHJhbnNjcmlwdHMtdHJhbnNjcmlwdHMtdHJhbnNjcmk="

[[channel]]
kind = "wechat"
id = "mp"
app_id = "{APP_ID}"
secret = "{APP_SECRET}"
token = "{TOKEN}"
aes_key = "{AES_KEY}"
mode = "safe"
api_base = "{wechat}"

[[channel]]
kind = "dingtalk"
id = "ding"
client_id = "{CLIENT_ID}"
client_secret = "{CLIENT_SECRET}"
robot_code = "{CLIENT_ID}"
api_base = "{ding}"
oapi_base = "{ding}"
"#
    )
}
