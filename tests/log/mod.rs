//! What stands in the log: never a word that somebody said or was told, a name, a number, an account or a secret. And what becomes
//! of the service when nobody reads it.

use super::support::{
    dingtalk::{self, Chat as DingChat, FakeDing, Post},
    play::{AES_KEY, APP_ID, APP_SECRET, CLIENT_ID, CLIENT_SECRET, TOKEN},
    program::{organisation, settings},
    wechat::{FakeWeChat, WeChatUser},
};
use minhu::{clock, log};
use serde_json::Value;
use sqlx::Connection;
use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::TcpListener,
    path::Path,
    process::{Child, ChildStderr, Command, Stdio},
    sync::{Arc, Mutex, OnceLock},
    time::{Duration, Instant},
};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);
const BEGINNING: &str = "2026-11-23T10:00:00+08:00";
/// The root key of `settings`.
const ROOT: &str = "dHJhbnNjcmlwdHMtdHJhbnNjcmlwdHMtdHJhbnNjcmk=";

/// Everything this process has logged since [`listen`].
#[derive(Clone, Default)]
struct Ear(Arc<Mutex<Vec<u8>>>);

impl Write for Ear {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

static EAR: OnceLock<Ear> = OnceLock::new();

/// Hears all that the program logs in this process from now on, at its most talkative.
pub fn listen() {
    EAR.get_or_init(|| {
        let ear = Ear::default();
        let made = ear.clone();
        tracing::subscriber::set_global_default(log::subscriber(Some("trace"), log::Format::Json, move || made.clone())).unwrap();
        ear
    });
}

/// What was heard so far.
pub fn heard() -> String {
    EAR.get().map(|ear| String::from_utf8(ear.0.lock().unwrap().clone()).unwrap()).unwrap_or_default()
}

/// Lines that hold what no line may hold. Our own lines are English, so a Chinese character is a word of somebody's; numbers and
/// accounts are those of the stories.
pub fn leaks(log: &str) -> Vec<String> {
    let mut forbidden: Vec<String> =
        [APP_SECRET, CLIENT_SECRET, TOKEN, AES_KEY, ROOT, "access_token", "sendBySession", "oStory", "cid-private", "LWCP"]
            .map(str::to_owned)
            .to_vec();
    let file: toml::Table = toml::from_str(&organisation()).unwrap();
    for entry in ["person", "group"].iter().flat_map(|list| file[*list].as_array().unwrap()) {
        forbidden.extend(entry.get("phone").and_then(toml::Value::as_str).map(str::to_owned));
        let accounts = entry.get("accounts").and_then(toml::Value::as_array).into_iter().flatten();
        // One account has the name of its channel, which is in many lines.
        let accounts =
            accounts.chain(entry.get("chat")).filter_map(toml::Value::as_str).filter(|account| *account != "ding:ding");
        forbidden.extend(accounts.filter_map(|account| Some(format!("\"{}\"", account.strip_prefix("ding:")?))));
    }
    log.lines()
        .filter(|line| {
            let chinese = line.chars().any(|c| c >= '\u{2e80}');
            let phone = line.split(|c: char| !c.is_ascii_digit()).any(|run| run.len() == 11 && run.starts_with('1'));
            chinese || phone || forbidden.iter().any(|word| line.contains(word))
        })
        .map(str::to_owned)
        .collect()
}

#[test]
fn a_leak_would_be_found() {
    for line in [
        r#"{"message":"前观津"}"#,
        r#"{"phone":"13800000001"}"#,
        r#"{"staff":"li"}"#,
        r#"{"to":"oStory12"}"#,
        "url=/topapi/v2/user/getbymobile?access_token=1",
        "key storiestoken",
    ] {
        assert_eq!(leaks(line).len(), 1, "{line}");
    }
    assert!(leaks(r#"{"row":1003,"outcome":"sent","request":"a1b2-7","timestamp":"2026-11-23T02:00:00.000001Z"}"#).is_empty());
}

/// The program as it is run, stopped at the latest when the test ends.
struct Service {
    child: Child,
    address: String,
    metrics: String,
    http: reqwest::Client,
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Service {
    fn start(folder: &Path, config: &str, format: &str) -> Service {
        let metrics = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        std::fs::write(folder.join("minhu.toml"), config).unwrap();
        std::fs::write(folder.join("org.toml"), organisation()).unwrap();
        let mut child = program(folder)
            .arg("serve")
            .env("MINHU_LOG", "trace")
            .env("MINHU_LOG_FORMAT", format)
            .env("MINHU_SERVER__METRICS", &metrics)
            .env("MINHUTEST_CLOCK", BEGINNING)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let running =
            lines.find_map(|line| Some(line.unwrap().strip_prefix("民呼在 ")?.trim_end_matches(" 上运行。").to_owned()));
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Service { child, address: running.unwrap(), metrics, http }
    }

    fn log(&mut self) -> ChildStderr {
        self.child.stderr.take().unwrap()
    }

    /// Posts to a hook; gives status, request id and body.
    async fn post(&self, path: &str, post: Post) -> (u16, String, String) {
        let request = self.http.post(format!("http://{}/hook/{path}", self.address)).headers(post.headers).body(post.body);
        let answer = request.send().await.unwrap();
        let id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
        (answer.status().as_u16(), id, answer.text().await.unwrap())
    }

    async fn figures(&self) -> String {
        self.http.get(format!("http://{}/metrics", self.metrics)).send().await.unwrap().text().await.unwrap()
    }

    /// Waits until a figure stands in the metrics.
    async fn until(&self, figure: &str) {
        let begun = Instant::now();
        loop {
            let figures = self.figures().await;
            if figures.lines().any(|line| line == figure) {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "{figure} is not in\n{figures}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Ends it as an administrator does; gives its exit code.
    fn end(&mut self) -> Option<i32> {
        assert!(Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap().success());
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(begun.elapsed() < PATIENCE, "it does not end");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

fn program(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_minhu"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("MINHU")) {
        command.env_remove(name);
    }
    command.current_dir(folder).env("NO_PROXY", "127.0.0.1");
    command
}

fn plain(body: String) -> Post {
    Post { headers: reqwest::header::HeaderMap::new(), body }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_day_leaves_request_ids_in_the_log_and_nothing_of_what_was_said() {
    let folder = tempfile::tempdir().unwrap();
    let (wechat, ding) =
        (FakeWeChat::start(APP_ID, APP_SECRET).await, FakeDing::start(CLIENT_ID, CLIENT_SECRET, CLIENT_ID).await);
    let database = format!("sqlite://{}", folder.path().join("minhu.db").display());
    let mut service = Service::start(folder.path(), &settings(folder.path(), &database, &wechat.base(), ding.base()), "json");
    let log = service.log();
    let read = std::thread::spawn(move || {
        let mut text = String::new();
        BufReader::new(log).read_to_string(&mut text).map(|_| text).unwrap()
    });
    let now = clock::parse(BEGINNING).unwrap();
    wechat.set_now(now);
    ding.set_now(now);
    let user = WeChatUser::safe(APP_ID, TOKEN, AES_KEY);
    let mut said = 0;
    let mut in_wechat = |words: &str| {
        said += 1;
        let (query, body) = user.text("oStoryZhou", words, now / 1_000, said);
        wechat.allow("oStoryZhou", now);
        (format!("mp?{query}"), plain(body))
    };
    let mut last = None;
    for words in ["前观津夜里有人打井抽水卖", "改成实名", "13812345678", "提交", "我的"] {
        let (path, post) = in_wechat(words);
        let (status, _, body) = service.post(&path, post).await;
        assert_eq!(status, 200);
        assert!(!user.open_reply(&body).is_empty(), "{words}");
        last = Some(path);
    }
    // A forged signature, a body that is nothing, a method that means nothing.
    let forged = last.unwrap().replace("msg_signature=", "msg_signature=0");
    assert_eq!(service.post(&forged, plain("<xml><Encrypt>13812345678</Encrypt></xml>".into())).await.0, 403);
    assert_eq!(service.post("ding", plain("{\"senderNick\":\"老周\"}".into())).await.0, 400);
    assert_eq!(service.post("nowhere", plain("老周".into())).await.0, 404);

    let mut known = 0;
    let mut in_ding = |staff: &str, words: &str| {
        known += 1;
        ding.know_staff(staff);
        ding.message(staff, &DingChat::Private, dingtalk::text(words), &format!("m{known}"), now)
    };
    // The platform refuses, forgets a token, is down, and comes back.
    ding.fail_next(403, r#"{"code":"no.permission","requestid":"x","message":"老周 13812345678"}"#, 1);
    let mut assign = in_ding("li", "派单 1 水务局");
    assign.headers.insert("x-request-id", "proxy-77.a_B".parse().unwrap());
    let (status, id, _) = service.post("ding", assign).await;
    assert_eq!((status, id.as_str()), (200, "proxy-77.a_B"));
    ding.revoke_token();
    wechat.revoke_token();
    wechat.down(true);
    for (staff, words) in [("wang", "签收 1"), ("wang", "进展 1 老周的井已经查过"), ("li", "不懂的话"), ("li", "派单 99")]
    {
        let mut odd = in_ding(staff, words);
        odd.headers.insert("x-request-id", "not an id 13812345678".parse().unwrap());
        let (status, id, _) = service.post("ding", odd).await;
        assert!(status == 200 && !id.contains(' '), "{id}");
    }
    wechat.down(false);
    // A row that cannot be read any more: the turn that needs it is a fault.
    let mut broken = sqlx::SqliteConnection::connect(&database).await.unwrap();
    let done = sqlx::query("UPDATE ticket SET kind = 'odd'").execute(&mut broken).await.unwrap();
    assert_eq!(done.rows_affected(), 1);
    let (status, fault, _) = service.post("ding", in_ding("li", "查 1")).await;
    assert_eq!(status, 200);
    service.until("minhu_faults{state=\"open\"} 1").await;
    service.until("minhu_turns_total{channel=\"ding\",outcome=\"fault\"} 1").await;

    let listed = program(folder.path()).args(["outbox", "list"]).env("MINHUTEST_CLOCK", BEGINNING).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(listed.contains("请求") && listed.contains("proxy-77.a_B"), "{listed}");
    assert_eq!(service.end(), Some(0));
    let log = read.join().unwrap();

    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect();
    let about =
        |request: &str| lines.iter().filter(|line| line.to_string().contains(&format!("\"request\":\"{request}\""))).count();
    // The turn, and each send of what it caused.
    assert!(about("proxy-77.a_B") >= 2, "{log}");
    let faulty =
        lines.iter().find(|line| line["level"] == "ERROR" && line["message"].as_str().unwrap().contains("failed by itself"));
    assert_eq!(faulty.map(|line| line["span"]["request"].clone()), Some(fault.into()), "{log}");
    for what in ["was refused: ", "a message had its turn", "DingTalk refused a call"] {
        assert!(log.contains(what), "{what} is not in\n{log}");
    }
    assert_eq!(leaks(&log), Vec::<String>::new());
    assert!(!log.contains("13812345678") && !log.contains("oStoryZhou"), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_nobody_reads_stops_nothing_and_says_later_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite://{}", folder.path().join("minhu.db").display());
    let config = settings(folder.path(), &database, "http://127.0.0.1:9", "http://127.0.0.1:9");
    let mut service = Service::start(folder.path(), &config, "text");
    let log = service.log();
    // Each is refused with a line; a pipe holds some hundreds, the queue some thousands.
    let begun = Instant::now();
    while !service.figures().await.lines().any(|line| line.starts_with("minhu_log_lines_lost_total ") && !line.ends_with(" 0")) {
        let refused = (0..500).map(|_| service.post("ding", plain("{}".into())));
        assert!(futures_util::future::join_all(refused).await.iter().all(|(status, ..)| *status == 400));
        assert!(begun.elapsed() < PATIENCE, "nothing is lost");
    }
    // It still works, and when somebody reads again, it says what they missed.
    let user = WeChatUser::safe(APP_ID, TOKEN, AES_KEY);
    let (query, body) = user.text("oStoryZhou", "你好", clock::parse(BEGINNING).unwrap() / 1_000, 1);
    let (status, _, body) = service.post(&format!("mp?{query}"), plain(body)).await;
    assert!(status == 200 && !user.open_reply(&body).is_empty());
    let (told, hears) = std::sync::mpsc::channel();
    let reads = std::thread::spawn(move || {
        let mut lines = BufReader::new(log).lines().map(Result::unwrap);
        let missing = lines.find(|line| line.contains("lines of the log are missing before this one"));
        told.send(missing).unwrap();
        lines.last()
    });
    // A line behind the missing ones, now that there is room.
    tokio::time::sleep(Duration::from_millis(200)).await;
    service.post("ding", plain("{}".into())).await;
    assert!(hears.recv_timeout(PATIENCE).unwrap().is_some());
    assert_eq!(service.end(), Some(0));
    reads.join().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_ends_even_when_its_last_lines_find_no_reader() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite://{}", folder.path().join("minhu.db").display());
    let config = settings(folder.path(), &database, "http://127.0.0.1:9", "http://127.0.0.1:9");
    let mut service = Service::start(folder.path(), &config, "json");
    let _unread = service.log();
    for _ in 0..4 {
        let refused = (0..250).map(|_| service.post("ding", plain("{}".into())));
        futures_util::future::join_all(refused).await;
    }
    assert_eq!(service.end(), Some(0));
}

#[test]
fn an_unknown_format_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let said = program(folder.path()).arg("migrate").env("MINHU_LOG_FORMAT", "xml").output().unwrap();
    assert_eq!(said.status.code(), Some(2));
    assert!(String::from_utf8(said.stderr).unwrap().contains("MINHU_LOG_FORMAT"));
}
