//! The channel against a strict DingTalk, and its configuration.

use super::*;
use crate::{
    channels::Channel,
    message::{Content, MediaKind, Quote, Said, Update, Via},
};
use axum::http::StatusCode;
use std::time::Duration;

#[path = "../../../tests/support/dingtalk.rs"]
mod fake;

use fake::{Chat, FakeDing, Post, Sent, To};

const NOW: Millis = 1_774_080_994_334;

async fn fake() -> FakeDing {
    let ding = FakeDing::start("dingapp", "S3cr3t", "dingrobot").await;
    ding.know_staff("li");
    ding.know_group("cidG==");
    ding
}

fn channel_with(ding: &FakeDing, secret: &str) -> DingTalk {
    let config = format!(
        "id = 'ding'\nclient_id = 'dingapp'\nclient_secret = '{secret}'\nrobot_code = 'dingrobot'\napi_base = '{0}'\noapi_base = '{0}'",
        ding.base()
    );
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap();
    DingTalk::new(toml::from_str(&config).unwrap(), http, None)
}

fn channel(ding: &FakeDing) -> DingTalk {
    channel_with(ding, "S3cr3t")
}

fn hear(channel: &DingTalk, post: &Post, now: Millis) -> Result<Update, Refusal> {
    let request = Request { post: true, query: "", headers: &post.headers, body: post.body.as_bytes(), now };
    match channel.hear(&request)? {
        Heard::Update(update) => Ok(*update),
        Heard::Answer(_) => panic!("no address check exists here"),
    }
}

fn person(staff: &str) -> Address {
    Address { channel: "ding".to_owned(), account: staff.to_owned(), group: None }
}

fn group(id: &str) -> Address {
    Address { channel: "ding".to_owned(), account: String::new(), group: Some(id.to_owned()) }
}

fn pieces(ding: &FakeDing) -> Vec<(To, String, Vec<String>)> {
    ding.take().into_iter().map(|Sent { to, text, at }| (to, text, at)).collect()
}

#[tokio::test]
async fn a_message_is_answered_through_its_session_and_later_through_the_openapi() {
    let ding = fake().await;
    let channel = channel(&ding);
    let update = hear(&channel, &ding.message("li", &Chat::Private, fake::text("待派"), "m1", NOW), NOW).unwrap();
    assert_eq!((update.content, update.from.clone()), (Content::text("待派"), person("li")));

    let way = Way::Session(update.via.unwrap());
    let reply = Reply { mention: vec!["li".to_owned()], ..Reply::text("没有待派的") };
    assert_eq!(channel.send(&update.from, &way, &reply).await, Outcome::Sent(None));
    let sent = ding.take();
    let To::Session(session) = &sent[0].to else { panic!("{sent:?}") };
    assert_eq!(ding.chat_of(session), Some((Chat::Private, "li".to_owned())));
    assert_eq!((sent[0].text.as_str(), sent[0].at.len()), ("没有待派的", 0), "nobody is mentioned in private");

    ding.set_now(NOW + 2 * HOUR);
    assert!(matches!(channel.send(&update.from, &way, &Reply::text("晚了")).await, Outcome::Closed(_)));
    assert!(matches!(channel.send(&update.from, &Way::Api, &Reply::text("晚了")).await, Outcome::Sent(Some(_))));
    assert_eq!(pieces(&ding), [(To::Staff("li".to_owned()), "晚了".to_owned(), vec![])]);
}

#[tokio::test]
async fn people_are_mentioned_in_a_group_while_its_session_lives() {
    let ding = fake().await;
    let channel = channel(&ding);
    let chat = Chat::Group("cidG==".to_owned());
    let update = hear(&channel, &ding.message("li", &chat, fake::text("派单 7 水务局"), "m1", NOW), NOW).unwrap();
    assert_eq!(update.from.group.as_deref(), Some("cidG=="));
    assert_eq!(update.content, Content::text("派单 7 水务局"));

    let reply = Reply { mention: vec!["wang".to_owned()], ..Reply::text("新工单 0007") };
    let way = Way::Session(update.via.unwrap());
    assert_eq!(channel.send(&update.from, &way, &reply).await, Outcome::Sent(None));
    let sent = ding.take();
    assert_eq!((sent[0].text.as_str(), sent[0].at.clone()), ("@wang 新工单 0007", vec!["wang".to_owned()]));

    assert!(matches!(channel.send(&update.from, &Way::Api, &reply).await, Outcome::Sent(Some(_))));
    assert_eq!(pieces(&ding), [(To::Group("cidG==".to_owned()), "新工单 0007".to_owned(), vec![])]);
}

#[tokio::test]
async fn all_kinds_of_messages_come_through_signed() {
    let ding = fake().await;
    let channel = channel(&ding);
    let media = |kind, code: &str| Media { kind, reference: code.to_owned() };
    let photo = |code| media(MediaKind::Photo, code);
    let said = |text: &str, media| Said { text: text.to_owned(), media, ..Said::default() };
    let chat = Chat::Group("cidG==".to_owned());
    let quote = |text: &str, media| Some(Quote { text: text.to_owned(), media });
    for (parts, content) in [
        (fake::picture("c1"), Content::Said(said("", vec![photo("c1")]))),
        (fake::rich_text("机井", &["c1", "c2"]), Content::Said(said("机井", vec![photo("c1"), photo("c2")]))),
        (fake::audio("c3", "夜里抽水"), Content::Said(said("夜里抽水", vec![media(MediaKind::Voice, "c3")]))),
        (fake::video("c4"), Content::Said(said("", vec![media(MediaKind::Video, "c4")]))),
        (
            fake::reply_to_picture("反映", "c5"),
            Content::Said(Said { quote: quote("", vec![photo("c5")]), ..said("反映", vec![]) }),
        ),
        (
            fake::reply_to_text("签收", "新工单 WY2611220007"),
            Content::Said(Said { quote: quote("新工单 WY2611220007", vec![]), ..said("签收", vec![]) }),
        ),
        (fake::over_quota(), Content::OverQuota),
    ] {
        let update = hear(&channel, &ding.message("li", &chat, parts, "m1", NOW), NOW + 5 * MINUTE).unwrap();
        assert_eq!(update.content, content);
        assert_eq!(update.key, "ding|dingrobot|m1");
    }
}

#[tokio::test]
async fn refusals_have_the_codes_that_the_hooks_promise() {
    let ding = fake().await;
    let channel = Channel::DingTalk(Box::new(channel(&ding)));
    let good = ding.message("li", &Chat::Private, fake::text("你好"), "m1", NOW);
    let status = |post: &Post, now| {
        let request = Request { post: true, query: "", headers: &post.headers, body: post.body.as_bytes(), now };
        channel.hear(&request).err().map(Refusal::status)
    };
    let changed = |change: fn(&mut Post)| {
        let mut post = good.clone();
        change(&mut post);
        post
    };
    assert_eq!(status(&good, NOW), None);
    assert_eq!(status(&good, NOW + HOUR), None, "the last moment of the window");
    assert_eq!(status(&good, NOW + HOUR + 1), Some(StatusCode::FORBIDDEN));
    assert_eq!(status(&good, NOW - HOUR - 1), Some(StatusCode::FORBIDDEN));
    let sign = good.headers["sign"].clone();
    let other = fake::signed("another secret", NOW, good.body.clone());
    assert_ne!(other.headers["sign"], sign);
    assert_eq!(status(&other, NOW), Some(StatusCode::FORBIDDEN));
    assert_eq!(status(&changed(|post| drop(post.headers.remove("sign"))), NOW), Some(StatusCode::BAD_REQUEST));
    assert_eq!(status(&changed(|post| drop(post.headers.remove("timestamp"))), NOW), Some(StatusCode::BAD_REQUEST));
    assert_eq!(status(&changed(|post| "[]".clone_into(&mut post.body)), NOW), Some(StatusCode::BAD_REQUEST));
    assert_eq!(
        status(&changed(|post| post.body = post.body.replace("dingrobot", "dingother")), NOW),
        Some(StatusCode::FORBIDDEN)
    );
    let get = Request { post: false, query: "", headers: &good.headers, body: b"", now: NOW };
    assert_eq!(channel.hear(&get).err().map(Refusal::status), Some(StatusCode::BAD_REQUEST));
}

#[tokio::test]
async fn the_answer_to_a_callback_says_nothing() {
    let ding = fake().await;
    let answer = channel(&ding).answer();
    assert_eq!((answer.kind, answer.body.as_str()), ("application/json", r#"{"msgtype":"empty"}"#));
}

#[tokio::test]
async fn one_token_serves_many_calls_and_is_asked_for_once_though_all_begin_together() {
    let ding = fake().await;
    let channel = channel(&ding);
    let (to, reply) = (person("li"), Reply::text("好"));
    let sends = (0..12).map(|_| channel.send(&to, &Way::Api, &reply));
    let outcomes = futures_util::future::join_all(sends).await;
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Sent(Some(_)))), "{outcomes:?}");
    assert_eq!(ding.calls().iter().filter(|path| path.ends_with("accessToken")).count(), 1);
    assert_eq!(ding.take().len(), 12);
}

#[tokio::test]
async fn a_revoked_token_is_renewed_and_the_call_repeated_once() {
    let ding = fake().await;
    let channel = channel(&ding);
    channel.send(&person("li"), &Way::Api, &Reply::text("一")).await;
    ding.revoke_token();
    assert!(matches!(channel.send(&person("li"), &Way::Api, &Reply::text("二")).await, Outcome::Sent(Some(_))));
    assert_eq!(ding.take().len(), 2);

    ding.fail_next(400, r#"{"code":"InvalidAuthentication"}"#, 2);
    ding.calls();
    assert!(matches!(channel.send(&person("li"), &Way::Api, &Reply::text("三")).await, Outcome::Halted(..)));
    let sends = ding.calls().iter().filter(|path| path.ends_with("batchSend")).count();
    assert_eq!(sends, 2, "not a third time");
}

#[tokio::test]
async fn those_who_waited_for_a_token_share_its_failure() {
    let ding = fake().await;
    let channel = channel_with(&ding, "wrong");
    let (to, reply) = (person("li"), Reply::text("好"));
    let outcomes = futures_util::future::join_all((0..8).map(|_| channel.send(&to, &Way::Api, &reply))).await;
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Halted(..))), "{outcomes:?}");
    assert_eq!(ding.calls().len(), 1);
    assert!(matches!(channel.send(&to, &Way::Api, &reply).await, Outcome::Halted(..)));
    assert_eq!(ding.calls().len(), 1, "who comes later asks anew");
}

#[tokio::test]
async fn who_and_what_cannot_be_reached_is_told_apart() {
    let ding = fake().await;
    let channel = channel(&ding);
    let send = async |to: Address| channel.send(&to, &Way::Api, &Reply::text("好")).await;
    assert_eq!(send(person("stranger")).await, Outcome::Gone("unknown staff id"));
    assert_eq!(send(group("cid-private-li")).await, Outcome::Gone("unknown group, or the robot is not in it"));
    ding.calls();
    assert!(matches!(send(person("u:union")).await, Outcome::Closed(_)));
    assert!(matches!(send(person("s:opaque")).await, Outcome::Closed(_)));
    assert!(ding.calls().is_empty(), "nothing is spent on what cannot go out");
    ding.control_flow("li");
    assert!(matches!(send(person("li")).await, Outcome::Later(..)));
    assert!(ding.take().is_empty());
}

#[tokio::test]
async fn failures_on_command_become_outcomes() {
    let ding = fake().await;
    let channel = channel(&ding);
    let seconds = Duration::from_secs;
    for (status, body, outcome) in [
        (403, r#"{"code":"Forbidden.AccessDenied.QpsLimitForApi"}"#, Outcome::Later(seconds(2), "too many calls a second")),
        (
            403,
            r#"{"code":"Forbidden.AccessDenied.ApiCountLimitForOrg"}"#,
            Outcome::Halted(seconds(21_600), "the organisation's quota is used up"),
        ),
        (200, r#"{"status":1111,"wait":5}"#, Outcome::Halted(seconds(300), "our address is shut out")),
        (400, r#"{"code":"contain.notAllowed.text"}"#, Outcome::Refused("the platform refuses these words")),
        (500, r#"{"code":"system.error"}"#, Outcome::Unknown("no clear answer")),
    ] {
        ding.fail_next(status, body, 1);
        assert_eq!(channel.send(&person("li"), &Way::Api, &Reply::text("好")).await, outcome, "{body}");
    }
    ding.down(true);
    assert!(matches!(channel.send(&person("li"), &Way::Api, &Reply::text("好")).await, Outcome::Later(..)));
    ding.down(false);
    assert!(matches!(channel.send(&person("li"), &Way::Api, &Reply::text("好")).await, Outcome::Sent(_)));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_tried_later() {
    let ding = fake().await;
    let unused = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config = channel(&ding).api.config;
    config.api_base = format!("http://{}", unused.local_addr().unwrap());
    drop(unused);
    let channel = DingTalk::new(config, reqwest::Client::new(), None);
    assert!(matches!(channel.send(&person("li"), &Way::Api, &Reply::text("好")).await, Outcome::Later(..)));
}

#[tokio::test]
async fn refusals_through_a_session_close_that_way_only() {
    let ding = fake().await;
    let channel = channel(&ding);
    let update = hear(&channel, &ding.message("li", &Chat::Private, fake::text("你好"), "m1", NOW), NOW).unwrap();
    let way = Way::Session(update.via.clone().unwrap());
    let send = async |text: &str| channel.send(&update.from, &way, &Reply::text(text)).await;
    for (body, closed) in [
        (r#"{"errcode":300005,"errmsg":"x"}"#, true),
        (r#"{"errcode":90030,"errmsg":"x"}"#, true),
        (r#"{"errcode":"300001","errmsg":"x"}"#, true),
        (r#"{"errcode":130101,"errmsg":"x"}"#, false),
        (r#"{"errcode":430102,"errmsg":"x"}"#, false),
        (r#"{"odd":1}"#, false),
    ] {
        ding.fail_next(200, body, 1);
        let outcome = send("好").await;
        assert_eq!(matches!(outcome, Outcome::Closed(_)), closed, "{body}");
        assert!(!matches!(outcome, Outcome::Sent(_)), "HTTP 200 alone is no success: {body}");
    }
    assert_eq!(send(&"\"".repeat(ABILITY.max_bytes)).await, Outcome::Sent(None));
    assert_eq!(send(&"民".repeat(7_000)).await, Outcome::Refused("too long"));
    let stale = Way::Session(Via { url: format!("{}/robot/sendBySession?session=none", ding.base()), until: 0 });
    assert!(matches!(channel.send(&update.from, &stale, &Reply::text("好")).await, Outcome::Closed(_)));
}

#[tokio::test]
async fn a_picture_is_downloaded_up_to_a_size() {
    let ding = fake().await;
    let channel = channel(&ding);
    let photo = |code: &str| Media { kind: MediaKind::Photo, reference: code.to_owned() };
    ding.serve_file("dc1", &[7; 5_000]);
    assert_eq!(channel.fetch(&photo("dc1"), 5_000).await.unwrap(), [7; 5_000]);
    assert_eq!(channel.fetch(&photo("dc1"), 4_999).await, Err(Outcome::Refused("the file is too large")));
    assert_eq!(channel.fetch(&photo("spent"), 5_000).await, Err(Outcome::Gone("the file is no longer there")));
    ding.revoke_token();
    assert!(channel.fetch(&photo("dc1"), 5_000).await.is_ok());
    ding.down(true);
    assert!(matches!(channel.fetch(&photo("dc1"), 5_000).await, Err(Outcome::Later(..))));
}

#[tokio::test]
async fn a_download_goes_only_where_it_may() {
    let ding = fake().await;
    let channel = channel(&ding);
    let photo = |code: &str| Media { kind: MediaKind::Photo, reference: code.to_owned() };
    ding.serve_file("secret", b"inside");
    ding.lead_file_to("redirect", &format!("{}/files/elsewhere", ding.base()));
    ding.lead_file_to("file", "file:///etc/passwd");
    ding.lead_file_to("odd", "no address");
    let elsewhere = Err(Outcome::Refused("the address of the file leads elsewhere"));
    assert_eq!(channel.fetch(&photo("redirect"), 5_000).await, elsewhere);
    let careless = DingTalk::new(channel.api.config.clone(), reqwest::Client::new(), None);
    assert_eq!(careless.fetch(&photo("redirect"), 5_000).await, elsewhere, "even with a client that follows");
    assert!(matches!(channel.fetch(&photo("file"), 5_000).await, Err(Outcome::Refused(_))));
    assert!(matches!(channel.fetch(&photo("odd"), 5_000).await, Err(Outcome::Gone(_))));
}

#[tokio::test]
async fn the_directory_finds_who_has_a_phone() {
    let ding = fake().await;
    ding.know_phone("13800000001", "manager7731");
    let channel = Channel::DingTalk(Box::new(channel(&ding)));
    let found = || Ok(Some("manager7731".to_owned()));
    assert!(channel.has_directory());
    assert_eq!(channel.account_by_phone("13800000001").await, found());
    assert_eq!(channel.account_by_phone("13800000009").await, Ok(None), "nobody has it");
    assert_eq!(channel.account_by_phone("0318-5712345").await, Ok(None), "the platform does not take it for a phone");
    ding.revoke_token();
    ding.calls();
    assert_eq!(channel.account_by_phone("13800000001").await, found());
    let look_up = "/topapi/v2/user/getbymobile";
    assert_eq!(ding.calls(), [look_up, "/v1.0/oauth2/accessToken", look_up], "a refused token is renewed once");
}

#[tokio::test]
async fn a_failed_look_up_is_not_taken_for_nobody() {
    let ding = fake().await;
    ding.know_phone("13800000001", "manager7731");
    let channel = channel(&ding);
    for (body, halted) in [
        (r#"{"errcode":88,"sub_code":"60011","errmsg":"x"}"#, true),
        (r#"{"errcode":88,"sub_code":"40000","errmsg":"x"}"#, true),
        (r#"{"errcode":88,"sub_code":"90018","errmsg":"x"}"#, false),
        (r#"{"errcode":-1,"errmsg":"x"}"#, false),
        (r#"{"errcode":0,"errmsg":"ok","result":{"userid":""}}"#, false),
        (r#"{"errcode":0,"errmsg":"ok"}"#, false),
    ] {
        ding.fail_next(200, body, 1);
        let failure = channel.account_by_phone("13800000001").await.unwrap_err();
        assert_eq!(matches!(failure, Outcome::Halted(..)), halted, "{body}");
    }
    ding.down(true);
    assert!(matches!(channel.account_by_phone("13800000001").await, Err(Outcome::Later(..))));
}

#[tokio::test]
async fn with_the_real_platform_files_inside_our_net_are_refused() {
    let ding = fake().await;
    let mut config = channel(&ding).api.config;
    // A name that is not on this machine, reached by a client that sends everything to the fake.
    config.api_base = "http://api.dingtalk.test".to_owned();
    let http = reqwest::Client::builder().proxy(reqwest::Proxy::http(ding.base()).unwrap()).build().unwrap();
    let channel = DingTalk::new(config, http, None);
    for address in [format!("{}/files/x", ding.base()), "http://localhost/x".to_owned(), "http://169.254.169.254/x".to_owned()] {
        ding.lead_file_to("inside", &address);
        let photo = Media { kind: MediaKind::Photo, reference: "inside".to_owned() };
        assert_eq!(
            channel.fetch(&photo, 5_000).await,
            Err(Outcome::Refused("the address of the file is not allowed")),
            "{address}"
        );
    }
    assert!(!ding.calls().contains(&"/files".to_owned()));
}

fn config(lines: &str) -> Result<Config, toml::de::Error> {
    toml::from_str(&format!("id = 'ding'\nclient_id = 'dingapp'\nclient_secret = 's'\n{lines}"))
}

#[test]
fn a_short_configuration_takes_the_real_hosts_and_the_client_id_as_robot() {
    let config = config("").unwrap();
    assert_eq!(config.robot_code(), "dingapp");
    assert_eq!((config.api_base.as_str(), config.oapi_base.as_str()), ("https://api.dingtalk.com", "https://oapi.dingtalk.com"));
    assert_eq!((config.mode, config.max_skew), (Mode::Http, HOUR));
    assert!(config.problems().is_empty());
    assert!(!format!("{config:?}").contains("\"s\""), "the secret does not print");
}

#[test]
fn problems_of_a_configuration_name_their_key() {
    for (lines, key) in [
        ("mode = 'stream'", "mode"),
        ("robot_code = ''", "robot_code"),
        ("api_base = 'api.dingtalk.com'", "api_base"),
        ("api_base = 'https://api.dingtalk.com/'", "api_base"),
        ("oapi_base = 'ftp://x'", "oapi_base"),
        ("max_skew = '0s'", "max_skew"),
        ("max_skew = '25h'", "max_skew"),
    ] {
        let keys: Vec<_> = config(lines).unwrap().problems().into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys, [key], "{lines}");
    }
    let empty: Config = toml::from_str("id = 'ding'\nclient_id = ''\nclient_secret = ' '").unwrap();
    let keys: Vec<_> = empty.problems().into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys, ["client_id", "client_secret"]);
    for refused in ["mode = 'both'", "maxskew = '1h'", "max_skew = 5", "max_skew = 'soon'"] {
        assert!(config(refused).is_err(), "{refused}");
    }
}

#[test]
fn lengths_of_time_as_they_are_written() {
    for (written, length) in [
        ("90s", Some(90 * SECOND)),
        ("10m", Some(10 * MINUTE)),
        ("1h", Some(HOUR)),
        (" 2h ", Some(2 * HOUR)),
        ("", None),
        ("h", None),
        ("10", None),
        ("-1h", None),
        ("1.5h", None),
        ("1小时", None),
        ("99999999999999999h", None),
    ] {
        assert_eq!(millis(written), length, "{written}");
    }
}
