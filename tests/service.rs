//! The running service as a whole: changed dialogs, repeated and simultaneous messages, what a hook refuses.
#![cfg(test)]

use minhu::{app::Running, clock::Clock, config::Config};
use serde_json::{Value, json};
use std::{path::Path, time::Duration};

struct Service {
    running: Running,
    http: reqwest::Client,
    folder: tempfile::TempDir,
}

impl Service {
    /// The demonstration in a folder of its own, with dialogs read from a copy of ours.
    async fn start() -> Service {
        let folder = tempfile::tempdir().unwrap();
        let dialogs = folder.path().join("dialogs");
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("dialogs"), &dialogs);
        let mut config = Config::demo(&folder.path().join("data")).unwrap();
        config.server.listen.set_port(0);
        config.paths.dialogs = Some(dialogs);
        let clock = Clock::starting_at(minhu::clock::parse("2026-11-23T10:00:00+08:00").unwrap());
        let running = Running::start(config, clock).await.unwrap();
        Service { running, http: reqwest::Client::builder().no_proxy().build().unwrap(), folder }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.running.address())
    }

    async fn post(&self, id: &str, account: &str, text: &str) -> u16 {
        let body = json!({ "id": id, "account": account, "group": null, "text": text });
        self.http.post(self.url("/hook/sim")).json(&body).send().await.unwrap().status().as_u16()
    }

    /// Everything the bot has said to somebody.
    async fn said_to(&self, account: &str) -> Vec<String> {
        let begun = std::time::Instant::now();
        while !self.running.quiet().await.unwrap() {
            assert!(begun.elapsed() < Duration::from_secs(20), "the service does not come to rest");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let log: Value =
            self.http.get(self.url(&format!("/sim/log?account={account}"))).send().await.unwrap().json().await.unwrap();
        let lines = log["lines"].as_array().unwrap();
        lines.iter().filter(|line| line["by"] == "bot").map(|line| line["reply"]["text"].as_str().unwrap().to_owned()).collect()
    }

    /// What `/readyz` says, once somebody has looked since the last change.
    async fn ready(&self) -> (u16, Value) {
        tokio::time::sleep(Duration::from_secs(3)).await;
        let answer = self.http.get(self.url("/readyz")).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    async fn count(&self, table: &'static str) -> i64 {
        let mut conn = self.running.db().read().await.unwrap();
        let sql = format!("SELECT COUNT(*) FROM {table}");
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&mut *conn).await.unwrap()
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() { copy(&path, &target) } else { _ = std::fs::copy(&path, &target).unwrap() }
    }
}

#[tokio::test]
async fn a_changed_question_is_asked_and_a_broken_file_leaves_the_old_one() {
    let service = Service::start().await;
    let file = service.folder.path().join("dialogs/report.toml");
    let old = std::fs::read_to_string(&file).unwrap();
    service.post("1", "laozhou", "我要反映").await;
    assert!(service.said_to("laozhou").await.last().unwrap().contains("是哪个村的？"));

    std::fs::write(&file, old.replace("是哪个村的？", "您说的是哪个村？")).unwrap();
    let mut asked = String::new();
    for try_ in 0..40 {
        tokio::time::sleep(Duration::from_millis(250)).await;
        service.post(&format!("new{try_}"), "axiu", "重新开始").await;
        service.post(&format!("again{try_}"), "axiu", "我要反映").await;
        asked = service.said_to("axiu").await.pop().unwrap();
        if asked.contains("您说的是哪个村？") {
            break;
        }
    }
    assert!(asked.contains("您说的是哪个村？"), "{asked}");

    std::fs::write(&file, "schema = 9\n").unwrap();
    tokio::time::sleep(Duration::from_secs(3)).await;
    service.post("broken", "laozhou", "我要反映").await;
    assert!(service.said_to("laozhou").await.last().unwrap().contains("您说的是哪个村？"));
    service.running.stop().await;
}

#[tokio::test]
async fn the_same_message_at_the_same_time_has_one_effect() {
    let service = Service::start().await;
    service.post("a", "laozhou", "前观津夜里有人打井抽水卖").await;
    let posts = (0..12).map(|_| service.post("submit", "laozhou", "提交"));
    let answers = futures_util::future::join_all(posts).await;
    assert!(answers.iter().all(|status| *status == 200));
    let receipts = service.said_to("laozhou").await.iter().filter(|text| text.contains("编号 0001")).count();
    assert_eq!((service.count("ticket").await, receipts), (1, 1));
    service.running.stop().await;
}

#[tokio::test]
async fn many_people_at_once_are_all_answered_and_counted() {
    let service = Service::start().await;
    // Each from a village of its own: of one village they would be asked whether it is the same matter.
    let villages: Vec<String> =
        sqlx::query_scalar("SELECT name FROM area WHERE code LIKE '131122105%' OR code LIKE '131122201%' ORDER BY code")
            .fetch_all(&mut *service.running.db().read().await.unwrap())
            .await
            .unwrap();
    let villages: Vec<&str> = villages.iter().filter(|name| name.ends_with("村民委员会")).map(String::as_str).collect();
    let reports = (0..60).map(|n| {
        let service = &service;
        let words = format!("{}夜里有人打井抽水卖", villages[n]);
        async move {
            let account = format!("v{n}");
            service.post(&format!("{n}-1"), &account, &words).await;
            service.post(&format!("{n}-2"), &account, "提交").await
        }
    });
    let answers = futures_util::future::join_all(reports).await;
    assert!(answers.iter().all(|status| *status == 200));
    assert_eq!(service.count("ticket").await, 60);
    let mut conn = service.running.db().read().await.unwrap();
    let numbers: Vec<i64> =
        sqlx::query_scalar("SELECT DISTINCT seq FROM ticket ORDER BY seq").fetch_all(&mut *conn).await.unwrap();
    assert_eq!(numbers, (1..=60).collect::<Vec<i64>>());
    drop(conn);
    assert!(service.said_to("v59").await.last().unwrap().contains("收到了"));
    service.running.stop().await;
}

#[tokio::test]
async fn hooks_refuse_with_an_empty_body_and_health_is_told() {
    let service = Service::start().await;
    let status = async |request: reqwest::RequestBuilder| {
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap().len())
    };
    assert_eq!(status(service.http.post(service.url("/hook/nowhere")).body("{}")).await, (404, 0));
    assert_eq!(status(service.http.post(service.url("/hook/sim")).body("not json")).await, (400, 0));
    assert_eq!(status(service.http.post(service.url("/hook/sim")).body("x".repeat((1 << 20) + 1))).await, (413, 0));
    assert_eq!(status(service.http.get(service.url("/healthz"))).await.0, 200);
    assert_eq!(status(service.http.get(service.url("/readyz"))).await.0, 200);
    let figures = service.http.get(service.url("/metrics")).send().await.unwrap().text().await.unwrap();
    assert!(figures.contains("minhu_hook_seconds_count{channel=\"sim\",outcome=\"refused\"} 1"), "{figures}");
    assert_eq!(service.count("conversation").await, 0);
    service.running.stop().await;
}

#[tokio::test]
async fn what_is_said_and_told_lies_sealed() {
    let service = Service::start().await;
    for (n, text) in ["前观津夜里有人打井抽水卖", "改成实名", "13812345678"].iter().enumerate() {
        service.post(&n.to_string(), "laozhou", text).await;
    }
    assert!(service.said_to("laozhou").await.last().unwrap().contains("138****5678"));
    let mut conn = service.running.db().read().await.unwrap();
    let bodies: Vec<String> = sqlx::query_scalar("SELECT body FROM outbox").fetch_all(&mut *conn).await.unwrap();
    let states: Vec<String> = sqlx::query_scalar("SELECT state FROM conversation").fetch_all(&mut *conn).await.unwrap();
    assert_eq!((bodies.len(), states.len()), (3, 1));
    assert!(bodies.iter().chain(&states).all(|text| text.starts_with("k1.")));
    drop(conn);
    service.running.stop().await;
}

#[tokio::test]
async fn nothing_stored_leads_from_an_anonymous_ticket_to_the_chat() {
    let service = Service::start().await;
    for (n, text) in ["前观津夜里有人打井抽水卖", "匿名", "提交", "井在村东头", "我的", "查 1"].iter().enumerate()
    {
        service.post(&n.to_string(), "laozhou", text).await;
    }
    assert!(service.said_to("laozhou").await.last().unwrap().contains("WY2611230001"));
    let mut conn = service.running.db().read().await.unwrap();
    let chat: i64 = sqlx::query_scalar("SELECT id FROM conversation").fetch_one(&mut *conn).await.unwrap();
    let keys: Vec<String> = sqlx::query_scalar("SELECT DISTINCT turn_key FROM ticket_event").fetch_all(&mut *conn).await.unwrap();
    let rows: Vec<(String, String)> =
        sqlx::query_as("SELECT lane, turn_key FROM outbox WHERE turn_key <> ''").fetch_all(&mut *conn).await.unwrap();
    let in_the_chat: Vec<&(String, String)> = rows.iter().filter(|(lane, _)| *lane == format!("c:{chat}")).collect();
    assert!(in_the_chat.iter().all(|(_, key)| !keys.contains(key)), "{in_the_chat:?}");
    let led: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM outbox AS t JOIN outbox AS c ON c.request = t.request WHERE t.ticket_id IS NOT NULL AND c.lane LIKE 'c:%'")
        .fetch_one(&mut *conn)
        .await
        .unwrap();
    assert_eq!(led, 0, "a request leads from the ticket to the chat");
    let accounts: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM account JOIN reporter ON reporter.holder = account.hash")
        .fetch_one(&mut *conn)
        .await
        .unwrap();
    assert_eq!(accounts, 0);
    drop(conn);
    service.running.stop().await;
}

/// WeChat without sealing and DingTalk, five messages a person.
async fn limited_service(folder: &Path) -> Running {
    let source = format!(
        r#"
[server]
listen = "127.0.0.1:0"
[database]
url = "sqlite://{folder}/minhu.db"
[media]
dir = "{folder}/media"
[security]
key = "dHJhbnNjcmlwdHMtdHJhbnNjcmlwdHMtdHJhbnNjcmk="
[limits]
person = "5/1h"
channel = "8/1h"
[[channel]]
kind = "wechat"
id = "mp"
app_id = "wx0123456789abcdef"
secret = "secret"
token = "token"
mode = "plain"
api_base = "http://127.0.0.1:9"
[[channel]]
kind = "dingtalk"
id = "ding"
client_id = "dingkey"
client_secret = "dingsecret"
robot_code = "dingkey"
api_base = "http://127.0.0.1:9"
oapi_base = "http://127.0.0.1:9"
"#,
        folder = folder.display()
    );
    let config = Config::parse("minhu.toml", &source, []).unwrap();
    Running::start(config, Clock::system()).await.unwrap()
}

#[tokio::test]
async fn whoever_floods_is_told_so_and_nobody_else_waits() {
    let folder = tempfile::tempdir().unwrap();
    let running = limited_service(folder.path()).await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let now = Clock::system().now() / 1_000;
    let url = format!("http://{}{}", running.address(), in_plain_wechat(now));
    let say = async |account: &str, id: i64| {
        let response = http.post(&url).body(greeting(account, id, now)).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    };
    for id in 1..=5 {
        let (status, answer) = say("loud", id).await;
        assert_eq!(status, 200);
        assert!(!answer.contains("发得有点快"), "{answer}");
    }
    for id in 6..=9 {
        let (status, answer) = say("loud", id).await;
        assert_eq!(status, 200);
        assert!(answer.contains("您发得有点快"), "{answer}");
    }
    // Who was turned away used up nothing of what all have together: 8 less 5.
    for id in 11..=13 {
        assert!(!say("quiet", id).await.1.contains("没能记下"));
    }
    assert!(say("third", 21).await.1.contains("这会儿找我的人太多"));
    let seen = async || -> i64 {
        let mut conn = running.db().read().await.unwrap();
        sqlx::query_scalar("SELECT COUNT(*) FROM seen").fetch_one(&mut *conn).await.unwrap()
    };
    assert_eq!(seen().await, 8, "what is over the rate costs no transaction");

    let hear = async |account: &str, id: i64| {
        let at = Clock::system().now();
        let sign = ding_sign(at, "dingsecret");
        let body = json!({
            "conversationType": "1", "conversationId": "c1", "msgId": format!("m{id}"), "msgtype": "text",
            "text": { "content": "你好" }, "senderStaffId": account, "senderId": account, "senderNick": "某",
            "chatbotUserId": "bot", "robotCode": "dingkey", "createAt": at,
            "sessionWebhook": "http://127.0.0.1:9/robot/sendBySession?session=x", "sessionWebhookExpiredTime": at + 3_600_000,
        });
        let request = http.post(format!("http://{}/hook/ding", running.address())).header("timestamp", at).header("sign", sign);
        request.json(&body).send().await.unwrap().status().as_u16()
    };
    for id in 1..=9 {
        assert_eq!(hear("staff", id).await, 200);
    }
    assert_eq!(seen().await, 8 + 5 + 1, "the sentence is said once");
    for id in 11..=13 {
        hear(&format!("other{id}"), id).await;
    }
    assert_eq!(hear("late", 14).await, 503, "without a response to speak in, the platform is asked to come again");
    running.stop().await;
}

/// Where WeChat calls in plain mode, signed at this second.
fn in_plain_wechat(now: i64) -> String {
    use sha1::Digest;
    let mut parts = ["token".to_owned(), now.to_string(), "nonce".to_owned()];
    parts.sort();
    let signature: String = sha1::Sha1::digest(parts.concat()).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("/hook/mp?signature={signature}&timestamp={now}&nonce=nonce")
}

/// 你好, as WeChat brings it in plain mode.
fn greeting(account: &str, id: i64, now: i64) -> String {
    format!(
        "<xml><ToUserName>gh_1</ToUserName><FromUserName>{account}</FromUserName><CreateTime>{now}</CreateTime>\
         <MsgType>text</MsgType><Content>你好</Content><MsgId>{id}</MsgId></xml>"
    )
}

#[tokio::test]
async fn a_platform_that_hangs_up_stops_no_turn_and_gets_its_answer_when_it_comes_again() {
    let folder = tempfile::tempdir().unwrap();
    let running = limited_service(folder.path()).await;
    let now = Clock::system().now() / 1_000;
    let (path, body) = (in_plain_wechat(now), greeting("laozhou", 1, now));
    let number = async |sql: &'static str| -> i64 {
        sqlx::query_scalar(sql).fetch_one(&mut *running.db().read().await.unwrap()).await.unwrap()
    };
    // As long as somebody else writes, the turn cannot be committed and the hook waits.
    let busy = running.db().write().await.unwrap();
    let mut platform = tokio::net::TcpStream::connect(running.address()).await.unwrap();
    let call = format!("POST {path} HTTP/1.1\r\nhost: minhu\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    tokio::io::AsyncWriteExt::write_all(&mut platform, call.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    drop(platform);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(number("SELECT COUNT(*) FROM seen").await, 0);
    busy.rollback().await;
    let begun = std::time::Instant::now();
    while number("SELECT COUNT(*) FROM outbox WHERE state = 'held'").await != 1 {
        assert!(begun.elapsed() < Duration::from_secs(20), "the turn did not happen");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // Longer than a reply that was handed over waits for being written down.
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(number("SELECT COUNT(*) FROM outbox WHERE state = 'held'").await, 1, "nobody was there to take it");
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let again = http.post(format!("http://{}{path}", running.address())).body(body).send().await.unwrap();
    assert_eq!(again.status(), 200);
    assert!(again.text().await.unwrap().contains("<Content>"));
    while !running.quiet().await.unwrap() {
        assert!(begun.elapsed() < Duration::from_secs(20), "the service does not come to rest");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let rows = (number("SELECT COUNT(*) FROM seen").await, number("SELECT COUNT(*) FROM outbox WHERE state = 'sent'").await);
    assert_eq!((rows, number("SELECT COUNT(*) FROM outbox").await), ((1, 1), 1), "said once, in the response");
    running.stop().await;
}

/// The signature of a robot's callback: HMAC-SHA256 of time and secret.
fn ding_sign(at: i64, secret: &str) -> String {
    use base64::Engine;
    use hmac::{KeyInit, Mac};
    let mut mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{at}\n{secret}").as_bytes());
    base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes())
}

/// A message that was written just now and waits to be sent, in place of the last answer.
const WAITING: &str =
    "UPDATE outbox SET state = 'pending', sent_at = NULL, channel = NULL WHERE id = (SELECT MAX(id) FROM outbox)";

async fn change(service: &Service, sql: &'static str) {
    let mut tx = service.running.db().write().await.unwrap();
    sqlx::raw_sql(sql).execute(tx.conn()).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_clock_that_jumps_ahead_makes_nothing_old() {
    use minhu::clock::DAY;
    let service = Service::start().await;
    service.post("a", "laozhou", "前观津夜里有人打井抽水卖").await;
    service.said_to("laozhou").await;
    change(&service, "DELETE FROM job").await;
    service.running.clock().jump(30 * DAY);
    change(&service, WAITING).await;
    service.running.wake().await.unwrap();
    service.said_to("laozhou").await;
    assert_eq!(service.count("outbox WHERE state = 'sent'").await, 1, "a message of a minute ago is not too old to be sent");
    assert_eq!(service.count("seen").await, 1, "it may still be delivered again");
    assert_eq!(service.count("conversation WHERE dialog IS NOT NULL").await, 1, "the report is still being told");
    let (status, body) = service.ready().await;
    assert!(status == 200 && body["notes"][0]["reason"] == "clock_jumped", "{body}");
    assert!(body["notes"][0]["says"].as_str().unwrap().contains("43200 分钟"), "{body}");

    // When so much time has really passed, the same is forgotten and given up.
    service.running.stop().await;
    let service = Service::start().await;
    service.post("a", "laozhou", "前观津夜里有人打井抽水卖").await;
    service.said_to("laozhou").await;
    change(&service, "DELETE FROM job").await;
    service.running.clock().advance(30 * DAY);
    change(&service, WAITING).await;
    service.running.wake().await.unwrap();
    service.said_to("laozhou").await;
    assert_eq!((service.count("outbox WHERE state = 'expired'").await, service.count("seen").await), (1, 0));
    assert_eq!(service.count("conversation WHERE dialog IS NOT NULL").await, 0);
    service.running.stop().await;
}

#[tokio::test]
async fn what_was_written_while_the_clock_ran_ahead_is_due_when_it_is_right_again() {
    use minhu::clock::HOUR;
    let service = Service::start().await;
    service.running.clock().jump(5 * HOUR);
    service.post("a", "laozhou", "你好").await;
    service.said_to("laozhou").await;
    change(&service, "INSERT INTO job (name, due_at) VALUES ('forget', 9999999999999) ON CONFLICT (name) DO UPDATE SET due_at = excluded.due_at").await;
    service.running.clock().jump(-5 * HOUR);
    change(&service, WAITING).await;
    service.running.wake().await.unwrap();
    service.said_to("laozhou").await;
    assert_eq!(service.count("outbox WHERE state = 'sent'").await, 1);
    // A row under a lease of the wrong time is not left lying either.
    change(&service, "UPDATE outbox SET state = 'sending', channel = NULL, lease_until = 9999999999999").await;
    service.running.wake().await.unwrap();
    service.said_to("laozhou").await;
    assert_eq!(service.count("outbox WHERE state = 'sent'").await, 1);
    service.running.stop().await;
}
