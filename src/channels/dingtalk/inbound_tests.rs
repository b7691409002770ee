//! The vectors of robot callbacks and what is made of them.

use super::*;
use crate::channels::dingtalk::{Config, max_skew};
use axum::http::HeaderValue;
use proptest::prelude::*;
use secrecy::SecretString;
use serde_json::json;

// Of the vectors' sections only those of the robot in HTTP mode are run here and beside (`errors.rs`, `outbound.rs`).
// Left out until their capability is built: `stream` (connection and frames), `card_http_callback_signature`
// (interactive cards), `event_callback_crypto` (events of the address book), `custom_robot_webhook_sign` (robots that can
// only send).
fn vectors() -> Value {
    serde_json::from_str(include_str!("../../../tests/vectors/dingtalk.json")).unwrap()
}

const SENT: Millis = 1_774_080_994_334;

fn config() -> Config {
    Config {
        id: "ding".to_owned(),
        mode: super::super::Mode::Http,
        client_id: "dingtestrobot0001".to_owned(),
        client_secret: SecretString::from("this is a secret"),
        robot_code: None,
        api_base: "https://api.dingtalk.com".to_owned(),
        oapi_base: "https://oapi.dingtalk.com".to_owned(),
        max_skew: max_skew(),
    }
}

fn headers(timestamp: &str, sign: &str) -> HeaderMap {
    let value = |text: &str| HeaderValue::from_str(text).unwrap();
    HeaderMap::from_iter([("timestamp".parse().unwrap(), value(timestamp)), ("sign".parse().unwrap(), value(sign))])
}

/// The body of a vector.
fn body(name: &str) -> Value {
    let cases = vectors()["inbound_messages"]["cases"].clone();
    cases.as_array().unwrap().iter().find(|case| case["name"] == name).unwrap()["body"].clone()
}

fn heard(body: &Value) -> Update {
    parse(&config(), body.to_string().as_bytes(), SENT, SENT + 800).unwrap()
}

fn refused(body: &Value) -> Refusal {
    parse(&config(), body.to_string().as_bytes(), SENT, SENT + 800).unwrap_err()
}

fn photo(code: &str) -> Media {
    Media { kind: MediaKind::Photo, reference: code.to_owned() }
}

#[test]
fn signatures_of_the_vectors_hold() {
    let section = &vectors()["robot_http_callback_signature"];
    for case in section["cases"].as_array().unwrap() {
        let [timestamp, secret, sign] = ["timestamp", "app_secret", "sign"].map(|key| case[key].as_str().unwrap());
        let at: Millis = timestamp.parse().unwrap();
        assert_eq!(verify(&headers(timestamp, sign), secret, HOUR, at), Ok(at), "{case}");
    }
}

#[test]
fn wrong_signatures_of_the_vectors_do_not() {
    let section = &vectors()["robot_http_callback_signature"];
    let cases = section["negative"].as_array().unwrap();
    assert_eq!(cases.len(), 5);
    for case in cases {
        let [timestamp, secret, sign] = ["timestamp", "app_secret", "sign"].map(|key| case[key].as_str().unwrap());
        let refusal = verify(&headers(timestamp, sign), secret, HOUR, timestamp.parse().unwrap());
        assert_eq!(refusal, Err(Refusal::Forbidden("wrong signature")), "{case}");
    }
}

#[test]
fn only_times_near_ours_are_taken_even_when_rightly_signed() {
    let section = &vectors()["robot_http_callback_signature"]["time_window"];
    for case in section["cases"].as_array().unwrap() {
        let timestamp = case["timestamp_raw"].as_str().map_or_else(|| case["timestamp"].to_string(), str::to_owned);
        let now = case["now"].as_i64().unwrap_or(SENT);
        let sign = signature("k", timestamp.as_bytes()).unwrap();
        let taken = verify(&headers(&timestamp, &sign), "k", HOUR, now);
        assert_eq!(taken.is_ok(), case["accept"].as_bool().unwrap(), "{case}");
        if let Err(refusal) = taken {
            assert!(matches!(refusal, Refusal::Forbidden(_)), "{case}");
        }
    }
    let signed = signature("k", b"+1774080994334").unwrap();
    assert!(verify(&headers("+1774080994334", &signed), "k", HOUR, SENT).is_err(), "a sign is no digit");
}

#[test]
fn a_callback_without_one_of_the_headers_has_no_envelope() {
    for missing in ["timestamp", "sign"] {
        let mut headers = headers("1774080994334", "x");
        headers.remove(missing);
        let refusal = verify(&headers, "k", HOUR, SENT).unwrap_err();
        assert!(matches!(refusal, Refusal::Envelope(_)), "{missing}");
    }
}

#[test]
fn all_recorded_messages_are_understood() {
    let say = |text: &str, media: Vec<Media>| Said { text: text.to_owned(), media, ..Said::default() };
    let voice = |code: &str| Media { kind: MediaKind::Voice, reference: code.to_owned() };
    let video = Media { kind: MediaKind::Video, reference: "dc-video-0001".to_owned() };
    let quote = Some(Quote { text: "线索42待办".to_owned(), media: vec![] });
    let expected = [
        ("text", Content::text("上报")),
        ("group-text-with-at", Content::text("派单 42 城管局")),
        ("text-reply-quote", Content::Said(Said { quote, ..say("已处理", vec![]) })),
        ("picture", Content::Said(say("", vec![photo("dc-picture-0001")]))),
        ("rich-text", Content::Said(say("路面塌陷，见图：\n请尽快处理", vec![photo("dc-rt-0001")]))),
        ("audio", Content::Said(say("小区门口路灯坏了", vec![voice("dc-audio-0001")]))),
        ("audio-no-recognition", Content::Said(say("", vec![voice("dc-audio-0002")]))),
        ("video", Content::Said(say("", vec![video]))),
        ("file", Content::Unsupported("file".to_owned())),
        ("unknown", Content::Unsupported("unknownMsgType".to_owned())),
        ("external-user-no-staff-id", Content::text("你好")),
        ("quota-exceeded", Content::OverQuota),
        ("future-type", Content::Unsupported("someNewType2027".to_owned())),
    ];
    let names: Vec<String> = vectors()["inbound_messages"]["cases"]
        .as_array()
        .unwrap()
        .iter()
        .map(|case| case["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(names, expected.each_ref().map(|(name, _)| *name));
    for (name, content) in expected {
        assert_eq!(heard(&body(name)).content, content, "{name}");
    }
}

#[test]
fn a_private_message_says_who_wrote_it_and_how_it_can_be_answered() {
    let update = heard(&body("text"));
    assert_eq!(update.key, "ding|dingtestrobot0001|msgTEST000000000000==");
    assert_eq!(update.from, Address { channel: "ding".to_owned(), account: "staff0002".to_owned(), group: None });
    assert_eq!(update.nick.as_deref(), Some("李代表"));
    assert_eq!(update.at, SENT);
    let via = update.via.unwrap();
    assert_eq!(via.url, "https://oapi.dingtalk.com/robot/sendBySession?session=00000000000000000000000000000002");
    assert_eq!(via.until, 1_774_086_394_522 - 5 * MINUTE);
}

#[test]
fn a_group_is_known_by_the_type_of_the_chat_though_private_ids_look_the_same() {
    let update = heard(&body("group-text-with-at"));
    assert_eq!(update.from.group.as_deref(), Some("cidTESTsingle00000000000000000000000000="));
    assert_eq!(update.from.account, "staff0002");
    assert_eq!(heard(&body("text")).from.group, None);
}

#[test]
fn somebody_without_a_staff_id_is_known_by_another_id_that_cannot_be_sent_to() {
    let mut outside = body("external-user-no-staff-id");
    assert_eq!(heard(&outside).from.account, "u:union0009");
    outside.as_object_mut().unwrap().remove("senderStaffId");
    outside.as_object_mut().unwrap().remove("senderUnionId");
    assert_eq!(heard(&outside).from.account, "s:$:LWCP_v1:$senderTEST2");
    assert!(without_staff_id("u:union0009") && without_staff_id("s:x") && !without_staff_id("staff0002"));
    outside.as_object_mut().unwrap().remove("senderId");
    assert_eq!(refused(&outside), Refusal::Forbidden("no sender"));
}

#[test]
fn a_reply_to_somebodys_picture_brings_the_picture_along() {
    let quoted = |replied: Value| {
        let mut body = body("group-text-with-at");
        body["text"] = json!({ "content": " 反映", "isReplyMsg": true, "repliedMsg": replied });
        let Content::Said(said) = heard(&body).content else { panic!("not said") };
        assert_eq!(said.text, "反映");
        said.quote
    };
    let picture = json!({ "msgType": "picture", "msgId": "m", "content": { "downloadCode": "dc-q" } });
    assert_eq!(quoted(picture), Some(Quote { text: String::new(), media: vec![photo("dc-q")] }));
    let rich = json!({ "msgType": "richText", "content": { "richText": [
        { "msgType": "text", "content": "机井旁" }, { "msgType": "picture", "downloadCode": "dc-1" },
        { "type": "picture", "pictureDownloadCode": "dc-2" }, { "text": "\n夜里抽水" }, { "msgType": "at", "atName": "x" } ] } });
    let media = vec![photo("dc-1"), photo("dc-2")];
    assert_eq!(quoted(rich), Some(Quote { text: "机井旁\n夜里抽水".to_owned(), media }));
    let plain = json!({ "msgType": "text", "content": "只有字" });
    assert_eq!(quoted(plain), Some(Quote { text: "只有字".to_owned(), media: vec![] }));
    assert_eq!(quoted(json!({ "msgType": "file", "content": { "fileName": "a.pdf", "downloadCode": "x" } })), None);
    assert_eq!(quoted(json!("odd")), None);
}

#[test]
fn a_leading_mention_is_dropped_in_a_group_and_kept_in_private() {
    for (text, in_group, said) in [
        (" @民呼 反映", true, "反映"),
        ("@民呼\u{2005}派单 7 水务局", true, "派单 7 水务局"),
        ("@民呼反映", true, "@民呼反映"),
        ("问问 @李四", true, "问问 @李四"),
        ("@民呼 反映", false, "@民呼 反映"),
        ("  ", true, ""),
        ("\u{0}反\u{202e}映\r\n第二行 ", false, "反映\n第二行"),
    ] {
        let mut body = body(if in_group { "group-text-with-at" } else { "text" });
        body["text"]["content"] = json!(text);
        assert_eq!(heard(&body).content, Content::text(said), "{text}");
    }
}

#[test]
fn a_session_webhook_is_used_only_when_it_is_dingtalks_and_the_message_is_fresh() {
    let ours = "https://oapi.dingtalk.com/robot/sendBySession?session=1";
    let expiry = SENT + 90 * MINUTE;
    for (created, webhook, expires, used) in [
        (json!(SENT), ours, json!(expiry), true),
        (json!(SENT.to_string()), ours, json!(expiry.to_string()), true),
        (json!(SENT - 2 * HOUR + MINUTE), ours, json!(expiry), true),
        (json!(SENT - 2 * HOUR - MINUTE), ours, json!(expiry), false),
        (json!(SENT + 3 * HOUR), ours, json!(expiry), false),
        (json!(null), ours, json!(expiry), false),
        (json!(SENT), "http://oapi.dingtalk.com/robot/sendBySession?session=1", json!(expiry), false),
        (json!(SENT), "https://oapi.dingtalk.com.evil.example/robot/sendBySession?session=1", json!(expiry), false),
        (json!(SENT), "https://oapi.dingtalk.com:8443/robot/sendBySession?session=1", json!(expiry), false),
        (json!(SENT), "https://oapi.dingtalk.com@evil.example/", json!(expiry), false),
        (json!(SENT), "https://user@oapi.dingtalk.com/robot/sendBySession?session=1", json!(expiry), false),
        (json!(SENT), "/robot/sendBySession?session=1", json!(expiry), false),
        (json!(SENT), ours, json!(SENT + 4 * MINUTE), false),
        (json!(SENT), ours, json!(null), false),
        (json!(i64::MIN), ours, json!(i64::MIN), false),
    ] {
        let mut body = body("text");
        body["createAt"] = created;
        body["sessionWebhook"] = json!(webhook);
        body["sessionWebhookExpiredTime"] = expires;
        assert_eq!(heard(&body).via.is_some(), used, "{body}");
    }
    let mut endless = body("text");
    endless["sessionWebhookExpiredTime"] = json!(i64::MAX);
    assert_eq!(heard(&endless).via.unwrap().until, SENT + 800 + 2 * HOUR);
}

#[test]
fn an_implausible_time_of_the_message_gives_way_to_the_signed_one() {
    let mut body = body("text");
    body["createAt"] = json!(4_102_444_800_000_i64);
    assert_eq!(heard(&body).at, SENT);
}

#[test]
fn what_is_not_for_our_robot_or_has_no_name_is_refused() {
    for (key, value, reason) in [
        ("robotCode", json!("dingother"), "foreign robotCode"),
        ("robotCode", json!(null), "foreign robotCode"),
        ("msgId", json!(null), "no msgId"),
        ("msgId", json!("with\u{0}zero"), "no msgId"),
        ("msgId", json!("m".repeat(2_001)), "no msgId"),
        ("conversationType", json!("3"), "neither private chat nor group"),
        ("encrypt", json!("AAAA"), "body is encrypted, switch that off in the console"),
    ] {
        let mut body = body("text");
        body[key] = value;
        assert_eq!(refused(&body), Refusal::Forbidden(reason));
    }
    let mut nowhere = body("group-text-with-at");
    nowhere["conversationId"] = json!("");
    assert_eq!(refused(&nowhere), Refusal::Forbidden("group without id"));
    assert!(matches!(refused(&json!([])), Refusal::Envelope(_)));
    assert!(matches!(parse(&config(), b"{", SENT, SENT), Err(Refusal::Envelope(_))));
}

#[test]
fn a_code_of_quota_beside_content_hides_nothing() {
    let mut body = body("text");
    body["errorCode"] = json!("20001");
    assert_eq!(heard(&body).content, Content::text("上报"));
    body.as_object_mut().unwrap().remove("text");
    assert_eq!(heard(&body).content, Content::OverQuota);
    body.as_object_mut().unwrap().remove("errorCode");
    assert_eq!(heard(&body).content, Content::Unsupported("text".to_owned()));
}

#[test]
fn media_without_a_code_is_not_understood() {
    for name in ["picture", "video", "audio-no-recognition"] {
        let mut body = body(name);
        body["content"] = json!({ "downloadCode": "", "recognition": "" });
        assert!(matches!(heard(&body).content, Content::Unsupported(_)), "{name}");
    }
}

/// Any JSON, with the keys that matter among its keys.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
        Just(json!("picture")),
    ];
    let keys = prop_oneof!["content", "text", "richText", "repliedMsg", "type", "msgType", "downloadCode", "recognition"];
    leaf.prop_recursive(4, 32, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(keys.clone(), inner, 0..4).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn strange_content_never_fails_a_message(text in anything(), content in anything(), case in 0usize..13) {
        let mut body = vectors()["inbound_messages"]["cases"][case]["body"].clone();
        body["text"] = text;
        body["content"] = content;
        prop_assert!(parse(&config(), body.to_string().as_bytes(), SENT, SENT).is_ok());
    }

    #[test]
    fn a_field_of_a_strange_type_is_a_missing_field(field in "\\PC{1,12}", value in anything(), bytes in any::<Vec<u8>>()) {
        let mut body = body("text");
        body[field] = value;
        prop_assert!(parse(&config(), body.to_string().as_bytes(), SENT, SENT).is_ok());
        let _ = parse(&config(), &bytes, SENT, SENT);
    }
}
