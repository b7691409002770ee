//! Bad days: a database that is gone, hangs, is held by somebody else or has no room; and messages whose turn failed, run again from
//! the command line beside the service. The program runs as people run it; the platform delivers again until it is told 200.
#![cfg(test)]

#[path = "support/postgres.rs"]
#[expect(dead_code, reason = "the crash test and the load use the rest")]
mod postgres;

use serde_json::{Value, json};
use sqlx::{AnyConnection, AssertSqlSafe, Connection};
use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

/// How long something may take to come about.
const PATIENCE: Duration = Duration::from_secs(90);

/// The demonstration as a process of its own, in a folder of its own.
struct Program {
    child: Child,
    http: reqwest::Client,
    address: String,
    database: String,
    log: Arc<Mutex<String>>,
    folder: tempfile::TempDir,
}

impl Program {
    /// On a SQLite file in its folder.
    async fn start() -> Program {
        Program::start_on(None).await
    }

    async fn start_on(database: Option<String>) -> Program {
        let folder = tempfile::tempdir().unwrap();
        let database = database.unwrap_or_else(|| format!("sqlite://{}", folder.path().join("minhu.db").display()));
        let mut command = minhu(folder.path(), &database);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let (mut stderr, into) = (BufReader::new(child.stderr.take().unwrap()), log.clone());
        std::thread::spawn(move || {
            let mut line = String::new();
            while stderr.read_line(&mut line).is_ok_and(|read| read > 0) {
                into.lock().unwrap().push_str(&std::mem::take(&mut line));
            }
        });
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut said = String::new();
        let address = loop {
            let mut line = String::new();
            let read = stdout.read_line(&mut line).unwrap();
            assert!(read > 0, "the program ended: {said}{}", log.lock().unwrap());
            said.push_str(&line);
            if let Some(rest) = line.split("http://").nth(1) {
                break rest.split('/').next().unwrap().to_owned();
            }
        };
        std::thread::spawn(move || _ = stdout.read_to_end(&mut Vec::new()));
        let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().unwrap();
        Program { child, http, address, database, log, folder }
    }

    /// A command beside it.
    fn command(&self, args: &[&str]) -> (Option<i32>, String) {
        let Output { status, stdout, stderr } = minhu(self.folder.path(), &self.database).args(args).output().unwrap();
        (status.code(), String::from_utf8(stdout).unwrap() + &String::from_utf8(stderr).unwrap())
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        let answer = self.http.get(format!("http://{}{path}", self.address)).send().await.unwrap();
        (answer.status().as_u16(), serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or_default())
    }

    /// One delivery of a message; the same id is the same message.
    async fn deliver(&self, id: &str, text: &str) -> u16 {
        let body = json!({ "id": id, "account": "laozhou", "group": null, "text": text });
        self.http.post(format!("http://{}/hook/sim", self.address)).json(&body).send().await.unwrap().status().as_u16()
    }

    /// Delivers until it is taken, as the platforms do for a while.
    async fn deliver_until_taken(&self, id: &str, text: &str) {
        let begun = Instant::now();
        loop {
            match self.deliver(id, text).await {
                200 => return,
                503 => assert!(begun.elapsed() < PATIENCE, "{}", self.log()),
                other => panic!("{other}"),
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Waits until `/readyz` gives this reason, or none.
    async fn until(&self, reason: Option<&str>) {
        let begun = Instant::now();
        loop {
            let (status, body) = self.get("/readyz").await;
            assert_eq!(status == 200, body["ready"] == true);
            let found = body["reasons"][0]["reason"].as_str();
            if found == reason {
                assert_eq!(self.get("/healthz").await.0, 200);
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "{reason:?} expected: {body}\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Waits until the bot has said this to the account so many times, and gives how often it was in the end.
    async fn heard(&self, words: &str, times: usize) -> usize {
        let begun = Instant::now();
        loop {
            let (_, log) = self.get("/sim/log?account=laozhou").await;
            let lines = log["lines"].as_array().cloned().unwrap_or_default();
            let said = |line: &&Value| line["by"] == "bot" && line["reply"]["text"].as_str().unwrap_or_default().contains(words);
            let count = lines.iter().filter(said).count();
            if count >= times {
                return count;
            }
            assert!(begun.elapsed() < PATIENCE, "“{words}” was not said {times} times: {log}\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// How many lines of the log hold these words.
    fn logged(&self, words: &str) -> usize {
        self.log().lines().filter(|line| line.contains(words)).count()
    }

    async fn sql(&self, statement: &str) {
        let mut connection = connect(&self.database).await;
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }

    async fn number(&self, query: &str) -> i64 {
        let mut connection = connect(&self.database).await;
        let number = sqlx::query_scalar(AssertSqlSafe(query.to_owned())).fetch_one(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        number
    }

    /// Stops it as an administrator would.
    fn stop(&mut self) {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        self.child.wait().unwrap();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn connect(database: &str) -> AnyConnection {
    sqlx::any::install_default_drivers();
    AnyConnection::connect(database).await.unwrap()
}

/// The program in a folder, with nothing of the surroundings' own settings.
fn minhu(folder: &Path, database: &str) -> Command {
    // A file that may not grow must be an error of the write, as on a full disk, not the end of the program.
    let mut command = Command::new("sh");
    command.args(["-c", r#"trap "" XFSZ; exec "$0" "$@""#, env!("CARGO_BIN_EXE_minhu")]);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("MINHU")) {
        command.env_remove(name);
    }
    let settings = [
        ("MINHU_SERVER__LISTEN", "127.0.0.1:0"),
        ("MINHU_DATABASE__URL", database),
        ("MINHUTEST_CLOCK", "2026-11-23T10:00:00+08:00"),
        ("NO_COLOR", "1"),
    ];
    command.envs(settings).current_dir(folder).stdin(Stdio::null());
    command
}

/// What belongs to SQLite alone need not run again where PostgreSQL is tested, and the other way round.
fn on_postgres() -> bool {
    std::env::var_os("MINHUTEST_DATABASE_URL").is_some()
}

const REPORT: &str = "前观津夜里有人打井抽水卖";

/// What must hold after an outage: the report was taken once, answered once, and can be gone on with.
async fn whole(program: &Program, seen: i64) {
    program.until(None).await;
    program.deliver_until_taken("submit", "提交").await;
    assert_eq!(program.heard("编号 0001", 1).await, 1);
    assert_eq!(program.number("SELECT COUNT(*) FROM ticket").await, 1);
    assert_eq!(program.number("SELECT COUNT(*) FROM seen").await, seen + 1);
    assert_eq!(program.number("SELECT COUNT(*) FROM fault").await, 0, "trouble of the database is never a fault");
}

#[tokio::test]
async fn a_server_that_stops_or_hangs_loses_nothing_and_everything_resumes() {
    if !on_postgres() {
        return;
    }
    let server = postgres::Server::start(&["fsync=off"]);
    let program = Program::start_on(Some(server.url())).await;
    program.until(None).await;
    program.deliver_until_taken("hello", "你好").await;

    server.down();
    for n in 0..20 {
        assert_eq!(program.deliver(&format!("lost{n}"), REPORT).await, 503);
    }
    program.until(Some("database_unreachable")).await;
    server.up();
    program.deliver_until_taken("report", REPORT).await;
    program.until(None).await;

    server.freeze();
    let deliveries = (0..5).map(|_| program.deliver("more", "井在村东头"));
    assert_eq!(futures_util::future::join_all(deliveries).await, [503; 5]);
    program.until(Some("database_unreachable")).await;
    server.thaw();
    program.deliver_until_taken("more", "井在村东头").await;
    let seen = program.number("SELECT COUNT(*) FROM seen").await;
    // What was delivered while the server was away may have been taken after all once it was back, but never twice.
    assert!((3..=23).contains(&seen), "{seen}");
    whole(&program, seen).await;
    assert_eq!(program.logged("does not answer; messages are answered with 503"), program.logged("the database works again"));
    let loud = program.logged(" ERROR ") + program.logged(" WARN ");
    assert!(loud <= 12, "{loud} lines for two outages:\n{}", program.log());
}

#[tokio::test]
async fn a_file_that_another_process_holds_is_waited_for_and_nothing_is_lost() {
    if on_postgres() {
        return;
    }
    let program = Program::start().await;
    program.deliver_until_taken("hello", "你好").await;
    let mut other = connect(&program.database).await;
    sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let deliveries = (0..5).map(|_| program.deliver("report", REPORT));
    assert_eq!(futures_util::future::join_all(deliveries).await, [503; 5]);
    program.until(Some("database_busy")).await;
    sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
    program.deliver_until_taken("report", REPORT).await;
    whole(&program, 2).await;
    assert_eq!((program.logged("is busy for too long"), program.logged("the database works again")), (1, 1), "{}", program.log());
}

#[tokio::test]
async fn without_room_on_the_disk_nothing_is_lost_and_it_goes_on_when_there_is_room() {
    if on_postgres() {
        return;
    }
    let program = Program::start().await;
    program.deliver_until_taken("hello", "你好").await;
    // No file of the process may grow beyond this; a write that would fails, as on a full disk.
    let limit = |bytes: &str| {
        let pid = program.child.id().to_string();
        let done = Command::new("prlimit").args(["--pid", &pid, &format!("--fsize={bytes}:")]).status();
        assert!(done.is_ok_and(|status| status.success()), "prlimit (util-linux) is needed");
    };
    limit("4096");
    assert_eq!(program.deliver("report", REPORT).await, 503);
    assert_eq!(program.deliver("report", REPORT).await, 503);
    program.until(Some("database_full")).await;
    limit("unlimited");
    program.deliver_until_taken("report", REPORT).await;
    whole(&program, 2).await;
    assert_eq!((program.logged("its disk is full"), program.logged("the database works again")), (1, 1), "{}", program.log());
    let loud = program.logged(" ERROR ") + program.logged(" WARN ");
    assert!(loud <= 6, "{loud} lines:\n{}", program.log());
}

#[tokio::test]
async fn a_failed_message_is_looked_at_and_run_again_beside_the_service_and_without_it() {
    let server = on_postgres().then(|| postgres::Server::start(&["fsync=off"]));
    let mut program = Program::start_on(server.as_ref().map(postgres::Server::url)).await;
    program.deliver_until_taken("report", REPORT).await;
    program.deliver_until_taken("submit", "提交").await;
    assert_eq!(
        program.command(&["faults", "list", "--demo"]),
        (Some(0), "注意".to_owned() + &clock_note() + "没有没弄好的消息。\n")
    );

    // Something in the tables that this program does not know: whoever touches it meets a mistake of ours.
    program.sql("UPDATE ticket SET kind = 'odd'").await;
    program.deliver_until_taken("look", "查 0001").await;
    assert_eq!(program.heard("刚才没弄好", 1).await, 1);
    let id = program.number("SELECT id FROM fault").await.to_string();
    let (code, list) = program.command(&["faults", "list", "--demo"]);
    assert_eq!(code, Some(0));
    assert!(list.contains(&id) && list.contains("sim") && list.contains("没办") && list.contains("ticket.kind"), "{list}");
    assert!(!list.contains("查 0001"));
    let (code, shown) = program.command(&["faults", "show", &id, "--demo"]);
    assert!(code == Some(0) && !shown.contains("查 0001"), "{shown}");
    assert_eq!(program.number("SELECT COUNT(*) FROM audit_event WHERE what = 'fault.show'").await, 0);
    let (code, shown) = program.command(&["faults", "show", &id, "--raw", "--demo"]);
    assert!(code == Some(0) && shown.contains("查 0001"), "{shown}");
    assert_eq!(program.number("SELECT COUNT(*) FROM audit_event WHERE what = 'fault.show'").await, 1);
    assert_eq!(program.command(&["audit", "verify", "--demo"]).0, Some(0));

    let (code, said) = program.command(&["faults", "replay", &id, "--demo"]);
    assert!(code == Some(1) && said.contains("还是没办成"), "{said}");
    program.sql("UPDATE ticket SET kind = 'complaint'").await;
    let (code, said) = program.command(&["faults", "replay", &id, "--demo"]);
    assert!(code == Some(0) && said.contains("办好了"), "{said}");
    // The running service sends the answer.
    assert_eq!(program.heard("WY2611230001", 1).await, 1);
    let (code, said) = program.command(&["faults", "replay", &id, "--as-new", "--demo"]);
    assert!(code == Some(1) && said.contains("还没办的消息"), "{said}");

    // And once more without a service: the answer waits for it.
    program.sql("UPDATE ticket SET kind = 'odd'").await;
    program.deliver_until_taken("again", "查 0001").await;
    assert_eq!(program.heard("刚才没弄好", 2).await, 2);
    program.stop();
    program.sql("UPDATE ticket SET kind = 'complaint'").await;
    let id = program.number("SELECT id FROM fault WHERE state = 'open'").await.to_string();
    let (code, said) = program.command(&["faults", "replay", &id, "--demo"]);
    assert!(code == Some(0) && said.contains("办好了"), "{said}");
    assert_eq!(program.number("SELECT COUNT(*) FROM outbox WHERE state = 'pending' AND class = 'reply'").await, 1);
}

/// What the program says first when its clock was set.
fn clock_note() -> String {
    "：时钟从 2026-11-23T10:00:00+08:00 走起（MINHUTEST_CLOCK）。\n".to_owned()
}
