//! Does the service stay as fast with a million tickets as with ten thousand?
//!
//! `cargo bench --bench growth` fills a demonstration each with 10,000, 100,000 and 1,000,000 tickets and measures them in turn, one
//! waiting message at a time, through the simulator's hook: from the request until its turn is committed and answered. All sizes are
//! measured within the same minutes, so that a machine with other work to do slows them alike. Other sizes stand as numbers after
//! `--`. With `MINHUTEST_DATABASE_URL` it makes databases on that PostgreSQL server instead of SQLite files; with `GROWTH_DIR` what
//! was filled stays in that folder and is used again. What is open is the same at every size, so that answers do not grow by
//! themselves.
#![expect(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, reason = "a measurement ends loudly")]

use minhu::{
    app::{Running, fill},
    clock::Clock,
    config::Config,
    db::{Db, Kind},
};
use secrecy::ExposeSecret;
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use std::{
    path::Path,
    time::{Duration, Instant},
};

/// Times that each message is measured.
const TIMES: usize = 60;
/// What is open at every size.
const OPEN: i64 = 1_000;
/// A citizen with three matters.
const CITIZEN: &str = "growth-citizen";
/// Words that no other matter is like.
const MATTER: &str = "地头的界碑叫人挪了位置";

struct Stage {
    running: Running,
    http: reqwest::Client,
    villages: Vec<String>,
    sent: u64,
}

impl Stage {
    async fn start(config: Config) -> Stage {
        let running = Running::start(config, Clock::system()).await.unwrap();
        let sql = "SELECT name FROM area WHERE LENGTH(code) = 12 AND name LIKE '%村民委员会' ORDER BY code";
        let villages: Vec<String> = sqlx::query_scalar(sql).fetch_all(&mut *running.db().read().await.unwrap()).await.unwrap();
        // Of villages with one name the person would be asked which.
        let alone = |name: &&String| villages.iter().filter(|other| other == name).count() == 1;
        let villages = villages.iter().filter(alone).cloned().collect();
        let stage = Stage { running, http: reqwest::Client::builder().no_proxy().build().unwrap(), villages, sent: 0 };
        stage.rest().await;
        stage
    }

    /// Waits until nothing is left to do.
    async fn rest(&self) {
        while !self.running.quiet().await.unwrap() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Sends a message; gives the time until it was answered.
    async fn send(&mut self, account: &str, text: &str) -> Duration {
        self.sent += 1;
        let id = format!("{}-{}", self.running.clock().now(), self.sent);
        let body = json!({ "id": id, "account": account, "group": null, "text": text });
        let url = format!("http://{}/hook/sim", self.running.address());
        let begun = Instant::now();
        let status = self.http.post(url).json(&body).send().await.unwrap().status();
        let took = begun.elapsed();
        assert!(status.is_success(), "{status}");
        self.rest().await;
        took
    }

    /// A whole report; the time of its 提交.
    async fn report(&mut self, account: &str, village: usize) -> Duration {
        let words = format!("{}{MATTER}", self.villages[village % self.villages.len()]);
        self.send(account, &words).await;
        self.send(account, "提交").await
    }

    async fn ask(&self, sql: String) -> Vec<String> {
        sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&mut *self.running.db().read().await.unwrap()).await.unwrap()
    }

    /// The numbers of what was reported here since a moment and stands so.
    async fn numbers(&self, since: i64, state: &str) -> Vec<String> {
        self.ask(format!("SELECT number FROM ticket WHERE submitted_at >= {since} AND state = '{state}' ORDER BY id")).await
    }

    /// Leaves as much open as there was before. Nobody verifies this database afterwards.
    async fn tidy(&self, since: i64) {
        let mut tx = self.running.db().write().await.unwrap();
        let over = format!("UPDATE ticket SET state = 'cancelled', closed_at = {since} WHERE submitted_at >= {since}");
        sqlx::query(AssertSqlSafe(over)).execute(tx.conn()).await.unwrap();
        tx.commit().await.unwrap();
    }
}

/// The times of a message, for each size.
type Times = Vec<Vec<Duration>>;

/// Everything that is measured, in turn at each size.
async fn measure(stages: &mut [Stage]) -> Vec<(&'static str, Times)> {
    let mut all = Vec::new();
    let since: Vec<i64> = stages.iter().map(|stage| stage.running.clock().now()).collect();
    let mut mine = Vec::new();
    for (stage, since) in stages.iter_mut().zip(&since) {
        for village in 0..3 {
            stage.report(CITIZEN, village).await;
        }
        let three = stage.numbers(*since, "submitted").await;
        assert_eq!(three.len(), 3, "the citizen's three matters");
        mine.push(three);
    }
    for (what, who, text) in [
        ("查 with a full number, a citizen with 3 matters", CITIZEN, ""),
        ("我的, the same", CITIZEN, "我的"),
        ("查 7, a liaison", "wang", "查 7"),
        ("待办, a liaison", "wang", "待办"),
        ("待签, a liaison", "wang", "待签"),
        ("待派, a dispatcher", "li", "待派"),
        ("我的, a dispatcher", "li", "我的"),
    ] {
        let mut times = vec![Vec::new(); stages.len()];
        for _ in 0..TIMES {
            for ((stage, times), mine) in stages.iter_mut().zip(&mut times).zip(&mine) {
                let text = if text.is_empty() { format!("查 {}", mine[0]) } else { text.to_owned() };
                times.push(stage.send(who, &text).await);
            }
        }
        all.push((what, times));
    }
    let begun: Vec<i64> = stages.iter().map(|stage| stage.running.clock().now()).collect();
    let mut times = vec![Vec::new(); stages.len()];
    for n in 0..TIMES {
        for (stage, times) in stages.iter_mut().zip(&mut times) {
            times.push(stage.report(&format!("growth-{}-{n}", begun[0]), 10 + n).await);
        }
    }
    all.push(("提交 of a report", times));
    let mut new = Vec::new();
    for (stage, begun) in stages.iter().zip(&begun) {
        new.push(stage.numbers(*begun, "submitted").await);
        assert_eq!(new.last().map(Vec::len), Some(TIMES), "every report became a ticket");
    }
    for (what, who, unit, state) in [("派单", "li", " 水务局", "dispatched"), ("签收", "wang", "", "working")] {
        let mut times = vec![Vec::new(); stages.len()];
        for n in 0..TIMES {
            for ((stage, times), new) in stages.iter_mut().zip(&mut times).zip(&new) {
                times.push(stage.send(who, &format!("{what} {}{unit}", new[n])).await);
            }
        }
        all.push((what, times));
        for (stage, begun) in stages.iter().zip(&begun) {
            assert_eq!(stage.numbers(*begun, state).await.len(), TIMES, "{what} did what it should");
        }
    }
    for (stage, since) in stages.iter().zip(since) {
        stage.tidy(since).await;
    }
    all
}

/// A demonstration of its own for a size.
async fn config(folder: &Path, size: i64) -> Config {
    let mut url = None;
    if let Ok(server) = std::env::var("MINHUTEST_DATABASE_URL") {
        let name = format!("growth_{size}");
        let (before, _) = server.rsplit_once('/').unwrap();
        url = Some(("MINHU_DATABASE__URL".to_owned(), format!("{before}/{name}")));
        let mut connection = PgConnection::connect(&server).await.unwrap();
        // It may be there from an earlier run.
        let _ = connection.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await;
    }
    let mut config = Config::demo_with(&folder.join(size.to_string()), url).unwrap();
    config.server.listen.set_port(0);
    config
}

/// Adds so many tickets; gives the time it took.
async fn fill_up(config: &Config, tickets: i64, open: i64) -> Duration {
    let begun = Instant::now();
    let db = Db::open(config.database.url.expose_secret(), 2).await.unwrap();
    let keys = config.security.keys().unwrap();
    let wanted = fill::Wanted { tickets, open, seed: 1 };
    let said = |done: i64| {
        if done % 100_000 == 0 {
            eprintln!("  {done} of {tickets}, {} s", begun.elapsed().as_secs());
        }
    };
    fill::fill(&db, &keys, "sim", Clock::system().now(), wanted, said).await.unwrap();
    // PostgreSQL does this by itself, but not at once. SQLite works without statistics.
    if db.kind() == Kind::Postgres {
        sqlx::raw_sql("ANALYZE").execute(&mut *db.read().await.unwrap()).await.unwrap();
    }
    db.close().await;
    begun.elapsed()
}

/// The time that so much of all stays below, in ms.
fn quantile(times: &[Duration], part: usize, of: usize) -> f64 {
    let mut sorted: Vec<f64> = times.iter().map(|time| time.as_secs_f64() * 1_000.0).collect();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() * part / of]
}

fn main() {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(Box::pin(run()));
}

async fn run() {
    let sizes: Vec<i64> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    let sizes = if sizes.is_empty() { vec![10_000, 100_000, 1_000_000] } else { sizes };
    let temporary = tempfile::tempdir().unwrap();
    let folder = std::env::var("GROWTH_DIR").map_or_else(|_| temporary.path().to_owned(), Into::into);
    let mut stages = Vec::new();
    for size in &sizes {
        let config = config(&folder, *size).await;
        // The first start makes the tables and loads the county.
        let stage = Stage::start(config.clone()).await;
        let there_are: i64 = stage.ask("SELECT CAST(COUNT(*) AS TEXT) FROM ticket".into()).await[0].parse().unwrap();
        stage.running.stop().await;
        if there_are < *size {
            let took = fill_up(&config, size - there_are, OPEN).await.as_secs_f64();
            eprintln!("{size} tickets: filled in {took:.0} s, {:.0} in a second", (size - there_are) as f64 / took);
        }
        stages.push(Stage::start(config).await);
    }
    let table = measure(&mut stages).await;
    for stage in stages {
        stage.running.stop().await;
    }
    for (name, part, of) in [("median", 1, 2), ("fastest tenth", 1, 10)] {
        println!("\n{name} of {TIMES} in ms, and how many times that of the smallest size");
        let heads: Vec<String> = sizes.iter().map(|size| format!("{size} tickets")).collect();
        println!("| message | {} |", heads.join(" | "));
        println!("|---|{}", "---|".repeat(sizes.len()));
        for (what, times) in &table {
            let figures: Vec<f64> = times.iter().map(|times| quantile(times, part, of)).collect();
            let cells = figures.iter().map(|ms| format!("{ms:.2} ({:.2})", ms / figures[0]));
            println!("| {what} | {} |", cells.collect::<Vec<_>>().join(" | "));
        }
    }
}
