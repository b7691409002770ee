//! Several programs on one PostgreSQL: started at once, sharing tokens, restarted one after the other while messages flow.
//! Runs when `MINHUTEST_DATABASE_URL` names a server; otherwise says that it was left out.
#![cfg(test)]

#[path = "support/database.rs"]
mod database;
#[path = "support/dingtalk.rs"]
mod dingtalk;
#[expect(dead_code, reason = "the channel's own tests use the rest")]
#[path = "support/wechat.rs"]
mod wechat;

use database::Database;
use dingtalk::{Chat, FakeDing, To};
use minhu::clock::{Clock, parse};
use reqwest::StatusCode;
use std::{
    collections::{BTreeSet, HashMap},
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use wechat::{FakeWeChat, WeChatUser};

const APP_ID: &str = "wxreplicas0000001";
const CLIENT_ID: &str = "dingreplicas";
const MORNING: &str = "2026-11-23T10:00:00+08:00";
const PATIENCE: Duration = Duration::from_secs(60);

/// The platforms, a database, and a configuration that leads to all of them.
struct Stage {
    folder: tempfile::TempDir,
    database: Database,
    mp: FakeWeChat,
    ding: FakeDing,
}

impl Stage {
    async fn set() -> Option<Stage> {
        let Some(database) = Database::on_server().await else {
            let line = b"left out: several programs on one PostgreSQL (MINHUTEST_DATABASE_URL is not set; tests/all.sh runs everything)\n";
            std::io::stderr().write_all(line).unwrap();
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let (mp, ding) = (FakeWeChat::start(APP_ID, "S").await, FakeDing::start(CLIENT_ID, "D", CLIENT_ID).await);
        mp.strict_tokens();
        ding.strict_tokens();
        let stage = Stage { database: database.unwrap(), mp, ding, folder };
        std::fs::write(stage.folder.path().join("minhu.toml"), stage.config()).unwrap();
        let org = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/demo/org.toml")).unwrap();
        for account in org.split("\"sim:").skip(1).filter_map(|rest| rest.split('"').next()) {
            stage.ding.know_staff(account);
            stage.ding.know_group(account);
        }
        // The organisation's administrator is left out: whoever has the first code becomes one.
        let org = org.replace("role = \"admin\"", "role = \"intake\"").replace("\"sim:", "\"ding:");
        std::fs::write(stage.folder.path().join("org.toml"), org).unwrap();
        Some(stage)
    }

    fn config(&self) -> String {
        let (url, mp, ding) = (&self.database.url, self.mp.base(), self.ding.base());
        format!(
            "[server]\nlisten = \"127.0.0.1:0\"\npublic_url = \"http://127.0.0.1\"\n[database]\nurl = \"{url}\"\nmax_connections = 4\n\
             [paths]\norg = \"org.toml\"\n[security]\nkey = \"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\"\n[limits]\nperson = \"none\"\n\
             [[channel]]\nkind = \"wechat\"\nid = \"mp\"\napp_id = \"{APP_ID}\"\nsecret = \"S\"\ntoken = \"wordthatsigns\"\nmode = \"plain\"\n\
             api_base = \"{mp}\"\nmenu = [{{ name = \"反映问题\", key = \"反映\" }}]\n\
             [[channel]]\nkind = \"dingtalk\"\nid = \"ding\"\nclient_id = \"{CLIENT_ID}\"\nclient_secret = \"D\"\n\
             api_base = \"{ding}\"\noapi_base = \"{ding}\"\n"
        )
    }

    async fn count(&self, sql: &str) -> i64 {
        let words = self.database.words(format!("SELECT CAST(({sql}) AS TEXT)")).await.unwrap();
        words[0].parse().unwrap()
    }

    async fn until(&self, sql: &str, wanted: i64) {
        let begun = Instant::now();
        loop {
            let found = self.count(sql).await;
            if found == wanted {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "{sql}: {found}, wanted {wanted}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// A program that runs, killed at the latest when the test ends.
struct Program {
    child: Child,
    address: String,
    code: Option<String>,
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Program {
    /// Starts one; it is ready when it has said where it listens.
    fn start(folder: &Path) -> Program {
        let mut command = Command::new(env!("CARGO_BIN_EXE_minhu"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("MINHU")) {
            command.env_remove(name);
        }
        command.current_dir(folder).arg("serve").env("MINHUTEST_CLOCK", MORNING).env("MINHU_LOG", "error");
        let child = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
        let mut program = Program { child, address: String::new(), code: None };
        let mut lines = BufReader::new(program.child.stdout.take().unwrap()).lines();
        while program.address.is_empty() {
            let line = lines.next().expect("the program ended before it was ready").unwrap();
            if let Some((_, rest)) = line.split_once("绑定 ") {
                program.code = Some(rest.chars().take(9).collect());
            }
            if let Some(rest) = line.strip_prefix("民呼在 ") {
                program.address = rest.split_whitespace().next().unwrap().to_owned();
            }
        }
        // Nobody reads on; the pipe stays open.
        std::thread::spawn(move || lines.for_each(drop));
        program
    }

    /// SIGTERM, as systemd and Kubernetes send it.
    fn terminate(&self) {
        assert!(Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap().success());
    }

    fn exit_code(&mut self) -> Option<i32> {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        None
    }
}

async fn started(folder: &Path) -> Program {
    let folder = folder.to_owned();
    tokio::task::spawn_blocking(move || Program::start(&folder)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_that_start_at_once_on_an_empty_database_are_one_service() {
    let Some(stage) = Stage::set().await else { return };
    let folder = stage.folder.path();
    let programs = futures_util::future::join_all((0..3).map(|_| started(folder))).await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    for program in &programs {
        let ready = http.get(format!("http://{}/readyz", program.address)).send().await.unwrap();
        assert_eq!(ready.status(), StatusCode::OK);
    }
    let codes: BTreeSet<&str> = programs.iter().map(|program| program.code.as_deref().unwrap()).collect();
    assert_eq!(codes.len(), 1, "{codes:?}");
    assert_eq!(stage.count("SELECT COUNT(*) FROM binding_code WHERE person_id IS NULL").await, 1);
    assert_eq!(stage.count("SELECT value FROM setting WHERE name = 'org_version'").await, 1, "loaded once");
    // Each made its menu at the start and needed the token for it at the same time.
    assert!(stage.mp.menu().is_some());
    assert_eq!((stage.mp.token_calls(), stage.mp.token_refusals()), (1, 0));
    for mut program in programs {
        program.terminate();
        assert_eq!(program.exit_code(), Some(0));
    }
    assert_eq!(stage.count("SELECT COUNT(*) FROM lease").await, 0);
    stage.database.remove().await;
}

/// The proxy before the programs: a person's messages go to one program while that is ready, else to the other. It passes on what
/// was refused or answered 503; what nobody took the platform brings again.
struct Proxy {
    http: reqwest::Client,
    upstream: Mutex<[(String, bool); 2]>,
    passed_on: AtomicUsize,
    brought_again: AtomicUsize,
    done: AtomicBool,
}

impl Proxy {
    fn upstreams(&self) -> [(String, bool); 2] {
        self.upstream.lock().unwrap().clone()
    }

    /// Asks both every so often whether they are ready.
    async fn watch(&self) {
        while !self.done.load(Ordering::SeqCst) {
            for n in 0..2 {
                let address = self.upstreams()[n].0.clone();
                let answer = self.http.get(format!("http://{address}/readyz")).send().await;
                let ready = answer.is_ok_and(|answer| answer.status() == StatusCode::OK);
                let mut upstream = self.upstream.lock().unwrap();
                if upstream[n].0 == address {
                    upstream[n].1 = ready;
                }
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// The answer that was given in the end.
    async fn post(&self, person: usize, path: &str, headers: reqwest::header::HeaderMap, body: String) -> String {
        let begun = Instant::now();
        loop {
            let upstreams = self.upstreams();
            let mut order = [person % 2, 1 - person % 2];
            if !upstreams[order[0]].1 {
                order.reverse();
            }
            for n in order {
                let request = self.http.post(format!("http://{}{path}", upstreams[n].0));
                match request.headers(headers.clone()).body(body.clone()).send().await {
                    Ok(answer) if answer.status() == StatusCode::OK => return answer.text().await.unwrap(),
                    Ok(answer) => {
                        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE, "no platform would bring it again");
                    }
                    // Refused, or broken off: whether it arrived nobody knows.
                    Err(_) => {}
                }
                self.passed_on.fetch_add(1, Ordering::SeqCst);
            }
            assert!(begun.elapsed() < PATIENCE, "nobody takes it");
            self.brought_again.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }
}

/// The villages of the demonstration, so that no report looks like another.
async fn villages(database: &Database) -> Vec<String> {
    let sql = "SELECT name FROM area WHERE LENGTH(code) = 12 AND name LIKE '%村民委员会' AND name IN
               (SELECT name FROM area GROUP BY name HAVING COUNT(*) = 1) ORDER BY code";
    database.words(sql.to_owned()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_flow_while_one_program_after_the_other_is_restarted() {
    restarted_behind(true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_flow_even_behind_a_proxy_that_notices_nothing_before_it_is_refused() {
    restarted_behind(false).await;
}

async fn restarted_behind(a_proxy_that_watches: bool) {
    let Some(stage) = Stage::set().await else { return };
    let folder = stage.folder.path().to_owned();
    let folder = folder.as_path();
    let mut programs = [started(folder).await, started(folder).await];
    let villages = villages(&stage.database).await;
    assert!(villages.len() > 200, "{}", villages.len());
    let proxy = Arc::new(Proxy {
        http: reqwest::Client::builder().no_proxy().build().unwrap(),
        upstream: Mutex::new([0, 1].map(|n| (programs[n].address.clone(), true))),
        passed_on: AtomicUsize::new(0),
        brought_again: AtomicUsize::new(0),
        done: AtomicBool::new(false),
    });
    let watching = tokio::spawn({
        let proxy = proxy.clone();
        async move {
            if a_proxy_that_watches {
                proxy.watch().await;
            }
        }
    });
    let (stage, clock) = (Arc::new(stage), Clock::starting_at(parse(MORNING).unwrap()));
    let (next, message) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicU64::new(1)));
    let mut talking = Vec::new();
    for _ in 0..5 {
        let (stage, clock, proxy, villages) = (stage.clone(), clock.clone(), proxy.clone(), villages.clone());
        let (next, message) = (next.clone(), message.clone());
        talking.push(tokio::spawn(async move {
            let mp = WeChatUser::plain(APP_ID, "wordthatsigns");
            while !proxy.done.load(Ordering::SeqCst) {
                let person = next.fetch_add(1, Ordering::SeqCst);
                let Some(village) = villages.get(person) else { break };
                let openid = format!("o{person:027}");
                // A report of two messages, by WeChat.
                for (words, answer) in [(format!("{village}夜里有人打井抽水卖"), "提交"), ("提交".to_owned(), "编号")]
                {
                    let now = clock.now();
                    stage.mp.allow(&openid, now);
                    let id = message.fetch_add(1, Ordering::SeqCst);
                    let (query, body) = mp.text(&openid, &words, now / 1_000, id);
                    let said = proxy.post(person, &format!("/hook/mp?{query}"), Default::default(), body).await;
                    // Too late for the response, it is sent; then the response says nothing.
                    let said = mp.open_reply(&said);
                    assert!(said.is_empty() || said.contains(answer), "{words}: {said}");
                }
                // A question by DingTalk, which is answered with a message of its own.
                let staff = format!("d{person}");
                let post = stage.ding.message(&staff, &Chat::Private, dingtalk::text("帮助"), &format!("m{person}"), clock.now());
                proxy.post(person, "/hook/ding", post.headers, post.body).await;
                tokio::time::sleep(Duration::from_millis(40)).await;
            }
        }));
    }
    for (n, program) in programs.iter_mut().enumerate() {
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        program.terminate();
        assert_eq!(program.exit_code(), Some(0), "SIGTERM is a good end");
        *program = started(folder).await;
        proxy.upstream.lock().unwrap()[n] = (program.address.clone(), true);
    }
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    proxy.done.store(true, Ordering::SeqCst);
    for one in talking {
        one.await.unwrap();
    }
    watching.await.unwrap();

    let people = i64::try_from(next.load(Ordering::SeqCst).min(villages.len())).unwrap();
    assert!(people >= 20, "only {people} came while both were restarted");
    stage.until("SELECT COUNT(*) FROM outbox WHERE class = 'reply' AND state <> 'sent'", 0).await;
    assert_eq!(stage.count("SELECT COUNT(*) FROM ticket").await, people, "each report has its ticket, once");
    assert_eq!(stage.count("SELECT COUNT(DISTINCT seq) FROM ticket").await, people, "each with a number of its own");
    assert_eq!(stage.count("SELECT COUNT(*) FROM seen").await, 3 * people);
    assert_eq!(stage.count("SELECT COUNT(*) FROM fault").await, 0);
    let mut answers: HashMap<String, usize> = HashMap::new();
    for sent in stage.ding.take() {
        if let To::Session(session) = sent.to {
            *answers.entry(session).or_default() += 1;
        }
    }
    assert_eq!(answers.len(), people as usize, "everybody was answered");
    assert!(answers.values().all(|count| *count == 1), "and once: {answers:?}");
    for fetched in [(stage.mp.token_calls(), stage.mp.token_refusals()), (stage.ding.tokens_made(), stage.ding.token_refusals())]
    {
        assert!(fetched.0 <= 1 && fetched.1 == 0, "four programs share a token: {fetched:?}");
    }
    for program in &mut programs {
        program.terminate();
    }
    for program in &mut programs {
        assert_eq!(program.exit_code(), Some(0));
    }
    assert_eq!(stage.count("SELECT COUNT(*) FROM lease").await, 0, "everything was given back");
    let (passed_on, again) = (proxy.passed_on.load(Ordering::SeqCst), proxy.brought_again.load(Ordering::SeqCst));
    assert!(a_proxy_that_watches || passed_on > 0, "nobody met a program that was gone");
    let line =
        format!("{people} people; {passed_on} messages passed on to the other program, {again} brought again by the platform\n");
    std::io::stderr().write_all(line.as_bytes()).unwrap();
    stage.database.remove().await;
}

#[test]
fn a_program_that_is_leaving_says_so_while_it_still_serves() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let Some(stage) = Stage::set().await else { return };
        let mut program = started(stage.folder.path()).await;
        program.terminate();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let begun = Instant::now();
        // It serves for a while after it has said that it leaves.
        loop {
            let ready = http.get(format!("http://{}/readyz", program.address)).send().await.unwrap();
            if ready.status() == StatusCode::SERVICE_UNAVAILABLE {
                assert!(ready.text().await.unwrap().contains("stopping"));
                break;
            }
            assert!(begun.elapsed() < PATIENCE);
        }
        let alive = http.get(format!("http://{}/healthz", program.address)).send().await.unwrap();
        assert_eq!(alive.status(), StatusCode::OK);
        assert_eq!(program.exit_code(), Some(0));
        stage.database.remove().await;
    });
}
