//! Calls to the platform, against a server that checks them.

use super::platform::FakeWeChat;
use super::*;
use crate::message::{Card, Choice, MediaKind};
use std::time::Duration;

const NOW: Millis = TIME * 1000;
const HOUR: Millis = 3_600_000;

/// A channel that talks to the fake, with more lines of configuration.
async fn beside_fake(more: &str) -> (FakeWeChat, WeChat) {
    let fake = FakeWeChat::start(APP_ID, "S").await;
    let channel = channel(config(&format!("api_base = \"{}/\"\n{more}", fake.base())));
    (fake, channel)
}

fn to(openid: &str) -> Address {
    Address { channel: "mp".into(), account: openid.into(), group: None }
}

async fn say(channel: &WeChat, words: &str) -> Outcome {
    channel.send(&to(OPENID), &Way::Api, &Reply::text(words)).await
}

fn photo(reference: &str) -> Media {
    Media { kind: MediaKind::Photo, reference: reference.into() }
}

fn card() -> Card {
    Card {
        ticket: 1,
        title: "您反映的夜里抽水的事，已经交给水务局办了请放心".into(),
        number: "WY2611220007".into(),
        state: "正在办理中了".into(),
        rows: vec![("地点".into(), "前观津\n村口".into())],
        step: 3,
    }
}

#[tokio::test]
async fn words_arrive_as_they_were_written() {
    let (fake, channel) = beside_fake("").await;
    fake.allow(OPENID, NOW);
    let words = "第一行\n\"第二行\"\\u4f60 <a href=\"https://x\">看</a> 😀\t]]>";
    assert_eq!(say(&channel, words).await, Outcome::Sent(None));
    assert_eq!(say(&channel, "a\0b\u{1f}c").await, Outcome::Sent(None));
    assert_eq!(say(&channel, &"字".repeat(700)).await, Outcome::Sent(None));
    let way = Way::Session(crate::message::Via { url: "https://x".into(), until: NOW });
    assert_eq!(channel.send(&to(OPENID), &way, &Reply::text("好")).await, Outcome::Sent(None));
    let texts: Vec<String> = fake.take().into_iter().map(|(_, text)| text).collect();
    assert_eq!(texts, [words, "abc", &"字".repeat(682), "好"]);
    assert!(fake.sent().is_empty());
}

#[test]
fn what_people_do_opens_the_window_the_platform_grants() {
    use crate::message::Content;
    let user = safe_user();
    let channel = channel(config(""));
    let minute = Some((3, 60_000));
    for (callback, opens) in [
        (user.text(OPENID, "x", TIME, 1), Some((5, 48 * HOUR))),
        (user.image(OPENID, "m", TIME, 2), Some((5, 48 * HOUR))),
        (user.message(OPENID, "link", &[], TIME, 3), Some((5, 48 * HOUR))),
        (user.message(OPENID, "text", &[("Content", "满意"), ("bizmsgmenuid", "1")], TIME, 4), minute),
        (user.event(OPENID, "CLICK", "我的", TIME), minute),
        (user.event(OPENID, "subscribe", "", TIME), minute),
        (user.event(OPENID, "SCAN", "1", TIME), minute),
        (user.event(OPENID, "VIEW", "https://x", TIME), None),
        (user.event(OPENID, "unsubscribe", "", TIME), None),
    ] {
        let content = heard(&channel, &callback, NOW).content;
        assert_eq!(window(&content), opens, "{content:?}");
    }
    assert_eq!(window(&Content::OverQuota), None);
}

#[tokio::test]
async fn five_messages_fit_into_a_window_and_a_new_word_opens_it_again() {
    let (fake, channel) = beside_fake("").await;
    fake.allow(OPENID, NOW);
    for n in 0..5 {
        assert_eq!(say(&channel, &n.to_string()).await, Outcome::Sent(None));
    }
    assert_eq!(say(&channel, "6").await, Outcome::Closed("message count used up"));
    fake.allow(OPENID, NOW + HOUR);
    assert_eq!(say(&channel, "7").await, Outcome::Sent(None));
    fake.set_now(NOW + 49 * HOUR);
    assert_eq!(say(&channel, "8").await, Outcome::Closed("window closed"));
    fake.allow_briefly(OPENID, NOW + 50 * HOUR);
    for n in 0..3 {
        assert_eq!(say(&channel, &n.to_string()).await, Outcome::Sent(None));
    }
    assert_eq!(say(&channel, "9").await, Outcome::Closed("message count used up"));
    assert_eq!(fake.sent().len(), 9);
}

#[tokio::test]
async fn people_who_cannot_be_reached_are_told_apart() {
    let (fake, channel) = beside_fake("").await;
    assert_eq!(say(&channel, "x").await, Outcome::Gone("no such openid"));
    fake.allow(OPENID, NOW);
    fake.unfollow(OPENID);
    assert_eq!(say(&channel, "x").await, Outcome::Closed("window closed"));
    let group = Address { group: Some("g".into()), ..to(OPENID) };
    for address in [group, to("")] {
        assert_eq!(channel.send(&address, &Way::Api, &Reply::text("x")).await, Outcome::Gone("no private chat"));
    }
    assert_eq!(say(&channel, "\u{1}").await, Outcome::Refused("empty text"));
    assert!(fake.sent().is_empty());
}

#[tokio::test]
async fn the_token_is_fetched_once_however_many_ask() {
    let (fake, channel) = beside_fake("").await;
    fake.allow(OPENID, NOW);
    let all = futures_util::future::join_all((0..5).map(|_| say(&channel, "x"))).await;
    assert!(all.iter().all(|outcome| *outcome == Outcome::Sent(None)), "{all:?}");
    assert_eq!(fake.token_calls(), 1);
}

#[tokio::test]
async fn a_refused_token_is_renewed_once_for_all_and_the_message_still_goes() {
    let (fake, channel) = beside_fake("").await;
    fake.strict_tokens();
    fake.allow(OPENID, NOW);
    assert_eq!(say(&channel, "1").await, Outcome::Sent(None));
    fake.revoke_token();
    let all = futures_util::future::join_all((0..4).map(|_| say(&channel, "x"))).await;
    assert!(all.iter().all(|outcome| *outcome == Outcome::Sent(None)), "{all:?}");
    assert_eq!(fake.token_calls(), 2);
    assert!(fake.token_refusals() <= 4, "nobody is refused twice");
    assert_eq!(fake.sent().len(), 5);
}

#[tokio::test]
async fn a_token_that_is_refused_again_halts_the_channel() {
    for code in [40001, 40014, 42001] {
        let (fake, channel) = beside_fake("").await;
        fake.allow(OPENID, NOW);
        fake.fail_next(code, 1);
        assert_eq!(say(&channel, "x").await, Outcome::Sent(None), "{code}");
        fake.fail_next(code, 2);
        assert_eq!(say(&channel, "x").await, Outcome::Halted(Duration::from_secs(300), "token refused"), "{code}");
        assert_eq!(fake.sent().len(), 1, "{code}");
        assert_eq!(say(&channel, "x").await, Outcome::Sent(None), "{code}");
    }
}

#[tokio::test]
async fn a_token_call_that_is_refused_says_why() {
    let (fake, channel) = beside_fake("").await;
    fake.allow(OPENID, NOW);
    fake.fail_token(40164, 1);
    assert_eq!(say(&channel, "x").await, Outcome::Halted(Duration::from_secs(600), "address not on the white list"));
    fake.fail_token(-1, 1);
    assert_eq!(say(&channel, "x").await, Outcome::Later(Duration::from_secs(2), "platform busy"));
    assert_eq!(say(&channel, "x").await, Outcome::Sent(None));
    let mut other = config(&format!("api_base = \"{}\"", fake.base()));
    other.secret = "wrong".into();
    let other = super::channel(other);
    assert_eq!(say(&other, "x").await, Outcome::Halted(Duration::from_secs(3600), "app id or secret wrong"));
}

#[tokio::test]
async fn errors_of_a_send_come_back_as_what_to_do() {
    let (fake, channel) = beside_fake("").await;
    fake.allow(OPENID, NOW);
    for (code, outcome) in [
        (-1, Outcome::Later(Duration::from_secs(2), "platform busy")),
        (45009, Outcome::Halted(Duration::from_secs(3600), "daily quota used up")),
        (45015, Outcome::Closed("window closed")),
        (48002, Outcome::Closed("refuses messages")),
        (45002, Outcome::Refused("too long")),
    ] {
        fake.fail_next(code, 1);
        assert_eq!(say(&channel, "x").await, outcome, "{code}");
    }
    assert!(fake.sent().is_empty());
}

#[tokio::test]
async fn a_server_that_is_down_is_asked_again_later() {
    let (fake, channel) = beside_fake("").await;
    fake.allow(OPENID, NOW);
    fake.down(true);
    assert_eq!(say(&channel, "x").await, Outcome::Down("unavailable"));
    fake.down(false);
    assert_eq!(say(&channel, "x").await, Outcome::Sent(None));
    let address = fake.base();
    drop(fake);
    // Wait for the port to close: the server ends in its own task.
    let host = address.trim_start_matches("http://").to_owned();
    while tokio::net::TcpStream::connect(&host).await.is_ok() {
        tokio::task::yield_now().await;
    }
    let fresh = super::channel(config(&format!("api_base = \"{address}\"")));
    assert_eq!(say(&fresh, "x").await, Outcome::Down("no connection"));
}

#[tokio::test]
async fn an_answer_that_is_lost_after_the_request_left_is_unknown() {
    // Gives a token, then breaks off in the middle of the next answer.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let task = tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let token = r#"{"access_token":"T","expires_in":7200}"#;
        let good = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{token}", token.len());
        for answer in [good.as_str(), "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"errcode\":"] {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 4096];
            assert!(stream.read(&mut request).await.unwrap() > 0);
            stream.write_all(answer.as_bytes()).await.unwrap();
            stream.shutdown().await.unwrap();
        }
    });
    let channel = channel(config(&format!("api_base = \"{base}\"")));
    assert_eq!(say(&channel, "x").await, Outcome::Unknown("answer broke off"));
    task.await.unwrap();
}

#[tokio::test]
async fn the_menu_is_created_at_the_start_when_configured() {
    let (fake, channel) = beside_fake("").await;
    assert_eq!(channel.start().await, Ok(()));
    assert_eq!((fake.menu(), fake.token_calls()), (None, 0), "without a menu nothing is asked");
    let (fake, channel) =
        beside_fake("menu = [{ name = \"反映问题\", key = \"反映\" }, { name = \"我的\", key = \"我的\" }]").await;
    assert_eq!(channel.start().await, Ok(()));
    let button = |name, key| serde_json::json!({ "type": "click", "name": name, "key": key });
    let menu = serde_json::json!({ "button": [button("反映问题", "反映"), button("我的", "我的")] });
    assert_eq!(fake.menu(), Some(menu));
    fake.fail_next(48001, 1);
    assert_eq!(channel.start().await, Err(Outcome::Closed("interface not granted")));
}

#[tokio::test]
async fn templates_carry_the_card_cut_to_the_platforms_limits() {
    let more = "templates = { progress = \"P\", rate = \"R\", rate_keys = [\"thing2\", \"thing7\"] }";
    let (fake, channel) = beside_fake(more).await;
    fake.add_template("P", &["thing1", "character_string2", "phrase3"]);
    fake.add_template("R", &["thing2", "thing7"]);
    fake.allow(OPENID, NOW);
    fake.set_now(NOW + 100 * HOUR);
    let news = Reply { card: Some(card()), ..Reply::text("您反映的事交给水务局办了") };
    let sent = channel.send(&to(OPENID), &Way::Template, &news).await;
    assert_eq!(sent, Outcome::Sent(Some("3021000000000000001".into())));
    let choice = Choice { number: Some(1), text: "满意".into(), payload: "p".into() };
    let question = Reply { choices: vec![choice], ..news.clone() };
    assert!(matches!(channel.send(&to(OPENID), &Way::Template, &question).await, Outcome::Sent(Some(_))));
    let taken = fake.take_templates();
    let values = |n: usize| taken[n].2.values().map(String::as_str).collect::<Vec<_>>();
    assert_eq!((taken[0].0.as_str(), taken[0].1.as_str()), (OPENID, "P"));
    assert_eq!(values(0), ["WY2611220007", "正在办理中", "您反映的夜里抽水的事，已经交给水务局办…"]);
    assert_eq!(taken[1].1, "R");
    assert_eq!(values(1), ["您反映的夜里抽水的事，已经交给水务局办…", "前观津 村口"]);
    fake.unfollow(OPENID);
    assert_eq!(channel.send(&to(OPENID), &Way::Template, &news).await, Outcome::Closed("does not follow"));
}

#[tokio::test]
async fn without_a_template_or_a_card_the_way_is_closed() {
    let closed = Outcome::Closed("no template for this message");
    let news = Reply { card: Some(card()), ..Reply::text("x") };
    let (fake, channel) = beside_fake("").await;
    assert_eq!(channel.send(&to(OPENID), &Way::Template, &news).await, closed);
    assert_eq!(fake.token_calls(), 0);
    let (fake, channel) =
        beside_fake("templates = { progress = \"P\", progress_keys = [\"thing1\", \"thing2\", \"thing3\"] }").await;
    fake.allow(OPENID, NOW);
    assert_eq!(channel.send(&to(OPENID), &Way::Template, &Reply::text("x")).await, closed, "no card");
    assert_eq!(channel.send(&to(OPENID), &Way::Template, &news).await, closed, "more keys than rows");
    let (fake, channel) = beside_fake("templates = { progress = \"P\" }").await;
    fake.allow(OPENID, NOW);
    assert_eq!(channel.send(&to(OPENID), &Way::Template, &news).await, Outcome::Closed("template id wrong"));
    fake.add_template("P", &["thing9"]);
    assert_eq!(channel.send(&to(OPENID), &Way::Template, &news).await, Outcome::Refused("template value"));
}

#[tokio::test]
async fn files_are_downloaded_up_to_the_limit() {
    let (fake, channel) = beside_fake("").await;
    fake.put_media("photo-1", "image/jpeg", b"0123456789");
    fake.put_media("empty", "image/jpeg", b"");
    fake.put_video("video-1", b"moving");
    assert_eq!(channel.fetch(&photo("photo-1"), 10).await, Ok(b"0123456789".to_vec()));
    assert_eq!(channel.fetch(&photo("photo-1"), 9).await, Err(Outcome::Refused("too large")));
    assert_eq!(channel.fetch(&photo("video-1"), 10).await, Ok(b"moving".to_vec()));
    assert_eq!(channel.fetch(&photo("video-1"), 5).await, Err(Outcome::Refused("too large")));
    assert_eq!(channel.fetch(&photo("gone"), 10).await, Err(Outcome::Gone("no such file")));
    assert_eq!(channel.fetch(&photo("empty"), 10).await, Err(Outcome::Gone("empty file")));
    fake.revoke_token();
    assert_eq!(channel.fetch(&photo("photo-1"), 10).await, Ok(b"0123456789".to_vec()));
    fake.fail_next(42001, 2);
    let refused = Outcome::Halted(Duration::from_secs(300), "token refused");
    assert_eq!(channel.fetch(&photo("photo-1"), 10).await, Err(refused));
    fake.down(true);
    let down = Outcome::Down("unavailable");
    assert_eq!(channel.fetch(&photo("photo-1"), 10).await, Err(down));
}

#[tokio::test]
async fn a_file_without_announced_length_is_cut_off_at_the_limit() {
    use axum::Router;
    use axum::body::{Body, Bytes};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new()
        .route("/cgi-bin/stable_token", axum::routing::post(async || r#"{"access_token":"T","expires_in":7200}"#))
        .route(
            "/cgi-bin/media/get",
            axum::routing::get(async || {
                let piece = || Ok::<_, std::io::Error>(Bytes::from_static(&[7; 1000]));
                let endless = futures_util::stream::repeat_with(piece);
                ([("content-type", "image/jpeg")], Body::from_stream(endless))
            }),
        );
    let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let channel = channel(config(&format!("api_base = \"{base}\"")));
    assert_eq!(channel.fetch(&photo("x"), 100_000).await, Err(Outcome::Refused("too large")));
    server.abort();
}

#[tokio::test]
async fn everything_the_followers_side_can_do_is_heard() {
    use crate::message::Content;
    let channel = channel(config(""));
    let user = safe_user();
    let Content::Said(said) = heard(&channel, &user.image(OPENID, "m-1", TIME, 1), NOW).content else { unreachable!() };
    assert_eq!(said.media, [photo("m-1")]);
    let callback = user.location(OPENID, (30.27, 120.15), "人民路", TIME, 2);
    let Content::Said(said) = heard(&channel, &callback, NOW).content else { unreachable!() };
    assert_eq!(said.point.map(|point| (point.lat, point.lng, point.label)), Some((30.27, 120.15, "人民路".into())));
}
