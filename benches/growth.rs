//! Does the service stay as fast with a million tickets as with ten thousand?
//!
//! `cargo bench --bench growth` fills a demonstration to 10,000, 100,000 and 1,000,000 tickets and measures at each size, one waiting
//! message at a time, through the simulator's hook: from the request until its turn is committed and answered. Other sizes stand as
//! numbers after `--`. With `MINHUTEST_DATABASE_URL` it works in that (empty) PostgreSQL database instead of a SQLite file; with
//! `GROWTH_DIR` the file stays in that folder. What is open stays the same at every size, so that answers do not grow by themselves.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a measurement ends loudly"
)]

use minhu::{
    app::{Running, fill},
    clock::Clock,
    config::Config,
    db::{Db, Kind},
};
use secrecy::ExposeSecret;
use serde_json::json;
use sqlx::AssertSqlSafe;
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

    async fn several(&mut self, account: &str, text: &str) -> Vec<Duration> {
        let mut all = Vec::with_capacity(TIMES);
        for _ in 0..TIMES {
            all.push(self.send(account, text).await);
        }
        all
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

    /// Everything that is measured at one size.
    async fn measure(&mut self, round: usize) -> Vec<(&'static str, Vec<Duration>)> {
        let mut all = Vec::new();
        let mine = self.ask(format!("SELECT number FROM ticket WHERE title LIKE '%{MATTER}%' AND state = 'submitted'")).await;
        assert_eq!(mine.len(), 3, "the citizen's three matters");
        all.push(("查 with a full number, a citizen with 3 matters", self.several(CITIZEN, &format!("查 {}", mine[0])).await));
        all.push(("我的, the same", self.several(CITIZEN, "我的").await));
        all.push(("查 7, a liaison", self.several("wang", "查 7").await));
        all.push(("待办, a liaison", self.several("wang", "待办").await));
        all.push(("待签, a liaison", self.several("wang", "待签").await));
        all.push(("待派, a dispatcher", self.several("li", "待派").await));
        all.push(("我的, a dispatcher", self.several("li", "我的").await));
        let since = self.running.clock().now();
        let mut submits = Vec::new();
        for n in 0..TIMES {
            submits.push(self.report(&format!("growth-{round}-{n}"), 10 + round * TIMES + n).await);
        }
        all.push(("提交 of a report", submits));
        let new = self.numbers(since, "submitted").await;
        assert_eq!(new.len(), TIMES, "every report became a ticket");
        for (what, who, unit, state) in
            [("派单", "li", " 水务局", "dispatched"), ("签收", "wang", "", "working")]
        {
            let mut times = Vec::new();
            for number in &new {
                times.push(self.send(who, &format!("{what} {number}{unit}")).await);
            }
            all.push((what, times));
            assert_eq!(self.numbers(since, state).await.len(), TIMES, "{what} did what it should");
        }
        // What is open must be the same at the next size. Nobody verifies this database afterwards.
        let mut tx = self.running.db().write().await.unwrap();
        let over = format!("UPDATE ticket SET state = 'cancelled', closed_at = {since} WHERE submitted_at >= {since}");
        sqlx::query(AssertSqlSafe(over)).execute(tx.conn()).await.unwrap();
        tx.commit().await.unwrap();
        all
    }
}

fn config(folder: &Path) -> Config {
    let url = std::env::var("MINHUTEST_DATABASE_URL").ok().map(|url| ("MINHU_DATABASE__URL".to_owned(), url));
    let mut config = Config::demo_with(folder, url).unwrap();
    config.server.listen.set_port(0);
    config
}

/// Adds so many tickets; gives the time it took.
async fn fill_up(config: &Config, tickets: i64, open: i64, seed: u64) -> Duration {
    let begun = Instant::now();
    let db = Db::open(config.database.url.expose_secret(), 2).await.unwrap();
    let keys = config.security.keys().unwrap();
    let wanted = fill::Wanted { tickets, open, seed };
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

fn median(times: &[Duration]) -> f64 {
    let mut sorted: Vec<f64> = times.iter().map(|time| time.as_secs_f64() * 1_000.0).collect();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

fn main() {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(Box::pin(run()));
}

async fn run() {
    let sizes: Vec<i64> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    let sizes = if sizes.is_empty() { vec![10_000, 100_000, 1_000_000] } else { sizes };
    let temporary = tempfile::tempdir().unwrap();
    let folder = std::env::var("GROWTH_DIR").map_or_else(|_| temporary.path().to_owned(), Into::into);
    // The first start makes the tables and loads the county.
    let mut stage = Stage::start(config(&folder)).await;
    for village in 0..3 {
        stage.report(CITIZEN, village).await;
    }
    let mut table: Vec<(&'static str, Vec<f64>)> = Vec::new();
    let mut there_are = 0;
    for (round, size) in sizes.iter().enumerate() {
        stage.running.stop().await;
        let took = fill_up(&config(&folder), size - there_are, if round == 0 { OPEN } else { 0 }, round as u64 + 1).await;
        eprintln!("{size} tickets: {} more in {:.0} s", size - there_are, took.as_secs_f64());
        there_are = *size;
        stage = Stage::start(config(&folder)).await;
        for (row, (what, times)) in stage.measure(round).await.into_iter().enumerate() {
            if round == 0 {
                table.push((what, Vec::new()));
            }
            table[row].1.push(median(&times));
        }
    }
    stage.running.stop().await;
    println!("medians of {TIMES} in ms, and how many times that of the smallest size");
    let heads: Vec<String> = sizes.iter().map(|size| format!("{size} tickets")).collect();
    println!("| message | {} |", heads.join(" | "));
    println!("|---|{}", "---|".repeat(sizes.len()));
    for (what, medians) in table {
        let cells = medians.iter().map(|ms| format!("{ms:.2} ({:.2})", ms / medians[0]));
        println!("| {what} | {} |", cells.collect::<Vec<_>>().join(" | "));
    }
}
