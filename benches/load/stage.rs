//! What the load runs on: a database, the program's processes, the fakes of the platforms, and how much processor they use.

use crate::{
    dingtalk::FakeDing,
    envelope::{AES_KEY, APP_ID, APP_SECRET, TOKEN},
    postgres::Server,
    wechat::FakeWeChat,
};
use sqlx::{AnyConnection, AssertSqlSafe, Connection, Executor, PgConnection};
use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

const CLIENT_ID: &str = "dingload";
const CLIENT_SECRET: &str = "load-ding-secret";

/// Where everything is kept.
pub enum Database {
    /// A file in the folder of this run.
    Sqlite,
    /// A server somebody runs; a database of our own is made there.
    Server(String),
    /// A server that is started for this run, with `fsync` on.
    Cluster,
}

/// The fakes of the platforms; they live in a thread of their own.
pub struct Platforms {
    /// WeChat's server.
    pub wechat: Arc<FakeWeChat>,
    ding: FakeDing,
    organisation: String,
    _runtime: tokio::runtime::Runtime,
}

impl Platforms {
    /// Starts both, with the demonstration's organisation, which works in DingTalk.
    pub fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (wechat, ding) = runtime.block_on(async {
            (FakeWeChat::start(APP_ID, APP_SECRET).await, FakeDing::start(CLIENT_ID, CLIENT_SECRET, CLIENT_ID).await)
        });
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/demo/org.toml");
        let organisation = std::fs::read_to_string(file).unwrap().replace("\"sim:", "\"ding:");
        for name in organisation.split("\"ding:").skip(1).filter_map(|rest| rest.split('"').next()) {
            ding.know_staff(name);
            ding.know_group(name);
        }
        Platforms { wechat: Arc::new(wechat), ding, organisation, _runtime: runtime }
    }
}

/// The program's processes on one database.
pub struct Stage {
    folder: PathBuf,
    cluster: Option<Server>,
    /// The database's address.
    pub url: String,
    replicas: Vec<(Child, SocketAddr)>,
}

impl Stage {
    /// Starts so many processes of the program.
    pub fn start(folder: &Path, database: &Database, replicas: usize, platforms: &Platforms, fsync: bool) -> Self {
        std::fs::create_dir_all(folder).unwrap();
        let (url, cluster) = match database {
            Database::Sqlite => (format!("sqlite://{}/minhu.db", folder.display()), None),
            Database::Server(url) => (own_database(url), None),
            Database::Cluster => {
                let cluster = Server::start(if fsync { &["max_connections=200"] } else { &["max_connections=200", "fsync=off"] });
                (own_database(&cluster.url()), Some(cluster))
            }
        };
        std::fs::write(folder.join("org.toml"), &platforms.organisation).unwrap();
        let mut stage = Stage { folder: folder.to_owned(), cluster, url, replicas: Vec::new() };
        for number in 0..replicas {
            stage.replicas.push(stage.replica(number, platforms));
        }
        stage
    }

    fn replica(&self, number: usize, platforms: &Platforms) -> (Child, SocketAddr) {
        let config = self.folder.join(format!("minhu{number}.toml"));
        std::fs::write(&config, self.settings(platforms)).unwrap();
        let log = std::fs::File::create(self.folder.join(format!("log{number}"))).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_minhu"))
            .arg("serve")
            .arg("--config")
            .arg(&config)
            .env_remove("HTTP_PROXY")
            .env_remove("http_proxy")
            .env("NO_PROXY", "127.0.0.1")
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let address = said_address(&mut child);
        (child, address)
    }

    fn settings(&self, platforms: &Platforms) -> String {
        let folder = self.folder.display();
        let (url, wechat, ding) = (&self.url, platforms.wechat.base(), platforms.ding.base());
        format!(
            r#"
[server]
listen = "127.0.0.1:0"
public_url = "http://127.0.0.1"
[database]
url = "{url}"
[media]
dir = "{folder}/media"
[paths]
org = "{folder}/org.toml"
[security]
key = "bG9hZC1sb2FkLWxvYWQtbG9hZC1sb2FkLWxvYWQtbG8="
[limits]
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

    /// Where each replica listens.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.replicas.iter().map(|(_, address)| *address).collect()
    }

    /// Processor seconds used so far: by the program, and by our own PostgreSQL server.
    pub fn processor(&self) -> (f64, f64) {
        let program = self.replicas.iter().map(|(child, _)| processor_of(child.id())).sum();
        (program, self.cluster.as_ref().map_or(0.0, processor_of_all))
    }

    /// One number out of the database.
    pub async fn count(&self, what: &str) -> i64 {
        sqlx::any::install_default_drivers();
        let mut connection = AnyConnection::connect(&self.url).await.unwrap();
        let count = sqlx::query_scalar(AssertSqlSafe(format!("SELECT COUNT(*) FROM {what}"))).fetch_one(&mut connection).await;
        connection.close().await.unwrap();
        count.unwrap()
    }

    /// Ends the processes as an administrator would, and says how large the database is, in megabytes.
    pub fn end(mut self) -> f64 {
        for (child, _) in &self.replicas {
            let _ = Command::new("kill").arg("-TERM").arg(child.id().to_string()).status();
        }
        let begun = Instant::now();
        for (child, _) in &mut self.replicas {
            while child.try_wait().is_ok_and(|ended| ended.is_none()) && begun.elapsed() < Duration::from_secs(30) {
                std::thread::sleep(Duration::from_millis(20));
            }
            let _ = child.kill();
            let _ = child.wait();
        }
        std::fs::metadata(self.folder.join("minhu.db")).map_or(0.0, |file| file.len() as f64 / 1e6)
    }
}

/// A child that is ended with this value.
pub struct Echo(Child, SocketAddr);

impl Echo {
    /// The bare server, as another process of this program.
    pub fn start() -> Self {
        let program = std::env::current_exe().unwrap();
        let mut child = Command::new(program).arg("echo-server").stdout(Stdio::piped()).spawn().unwrap();
        let address = said_address(&mut child);
        Echo(child, address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.1
    }

    /// Processor seconds used so far.
    pub fn processor(&self) -> f64 {
        processor_of(self.0.id())
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits until a child has printed where it listens; what else it prints is read and thrown away.
fn said_address(child: &mut Child) -> SocketAddr {
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let address = loop {
        let line = lines.next().expect("the child ended before it listened; see its log").unwrap();
        let found = line.split_whitespace().find_map(|word| word.parse::<SocketAddr>().ok());
        if let Some(address) = found {
            break address;
        }
    };
    std::thread::spawn(move || lines.for_each(drop));
    address
}

/// User and system time of a process in seconds.
fn processor_of(process: u32) -> f64 {
    stat(process).map_or(0.0, |fields| fields[0] + fields[1])
}

/// utime, stime, cutime and cstime of a process in seconds.
fn stat(process: u32) -> Option<[f64; 4]> {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let fields: Vec<f64> = text.rsplit_once(')')?.1.split_whitespace().map(|field| field.parse().unwrap_or(0.0)).collect();
    // Linux counts 100 ticks a second wherever this runs.
    let seconds = |at: usize| fields.get(at).map_or(0.0, |ticks| ticks / 100.0);
    Some([seconds(11), seconds(12), seconds(13), seconds(14)])
}

/// Processor seconds of a server with all its processes, those that ended too.
fn processor_of_all(server: &Server) -> f64 {
    let processes = server.processes();
    let ended = processes.first().and_then(|first| stat(*first)).map_or(0.0, |stat| stat[2] + stat[3]);
    ended + processes.into_iter().map(processor_of).sum::<f64>()
}

/// A fresh database on a server; gives its address.
fn own_database(server: &str) -> String {
    let name = format!("minhuload_{}", std::process::id());
    let (before, _) = server.rsplit_once('/').expect("the address names no database");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut connection = PgConnection::connect(server).await.unwrap();
        for statement in [
            format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
            format!("CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0"),
        ] {
            connection.execute(AssertSqlSafe(statement)).await.unwrap();
        }
        for setting in ["server_version", "fsync", "synchronous_commit", "shared_buffers"] {
            let value: String =
                sqlx::query_scalar(AssertSqlSafe(format!("SHOW {setting}"))).fetch_one(&mut connection).await.unwrap();
            println!("  postgresql {setting} = {value}");
        }
        connection.close().await.unwrap();
    });
    format!("{before}/{name}")
}
