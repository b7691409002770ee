//! The real program inside a test: the one file that knows how it is started, stopped and looked into.

use super::{
    database::Database,
    play::{AES_KEY, APP_ID, APP_SECRET, CLIENT_ID, CLIENT_SECRET, TOKEN},
};
use minhu::{
    app::Running,
    clock::Clock,
    config::Config,
    db::{self, Db},
    error::Error,
    people::{
        codes::{self, CodeFor},
        import, sheet, store,
    },
};
use std::{
    path::Path,
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

    /// Stops it, moves everything to a new database, of the other kind where there is a server, and starts it there.
    pub async fn relocate(&mut self, folder: &Path) -> Result<(), String> {
        self.stop().await;
        let new = match self.database.is_on_server() {
            false => Database::make(folder).await?,
            true => Database::file(folder),
        };
        let copied = async {
            let (from, to) = (Db::open(&self.database.url, 1).await?, Db::open(&new.url, 1).await?);
            let moved = db::copy(&from, &to, self.clock.now(), |_, _| {}).await?;
            from.close().await;
            to.close().await;
            Ok::<_, Error>(moved)
        };
        let moved = copied.await.map_err(|error| error.to_string())?;
        if let Some(other) = moved.iter().find(|moved| moved.read != moved.written) {
            return Err(format!("{} is not what it was", other.table));
        }
        std::mem::replace(&mut self.database, new).remove().await;
        self.config.database.url = self.database.url.clone().into();
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

/// The demonstration's organisation, working in DingTalk.
pub fn organisation() -> String {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/demo/org.toml");
    std::fs::read_to_string(file).unwrap().replace("\"sim:", "\"ding:")
}

/// The configuration of a service in a folder, with a database and channels `mp` and `ding` that lead to these servers.
pub fn settings(folder: &Path, database: &str, wechat: &str, ding: &str) -> String {
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

[limits]
person = "none"
channel = "none"

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
