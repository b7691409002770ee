//! Every case of `tests/vectors/wechat.json`, but for the JS-SDK signature: Minhu has no page that uses it.

use super::platform::elements;
use super::*;
use crate::channels::seal_box::{SealBox, is_signed, signature};
use crate::message::{Content, MediaKind};
use secrecy::SecretString;
use serde_json::Value;

fn all() -> Value {
    serde_json::from_str(include_str!("../../../../tests/vectors/wechat.json")).unwrap()
}

fn cases(name: &str) -> Vec<Value> {
    let cases = all()[name].as_array().unwrap().clone();
    assert!(!cases.is_empty(), "{name}");
    cases
}

fn text<'a>(case: &'a Value, name: &str) -> &'a str {
    case[name].as_str().unwrap_or_else(|| unreachable!("{name} in {case}"))
}

fn query(case: &Value) -> String {
    let mut url = reqwest::Url::parse("http://localhost/").unwrap();
    for (name, value) in case["query"].as_object().unwrap() {
        url.query_pairs_mut().append_pair(name, value.as_str().unwrap());
    }
    url.query().unwrap().to_owned()
}

fn now(case: &Value) -> Millis {
    text(&case["query"], "timestamp").parse::<Millis>().unwrap() * 1000
}

fn envelope(case: &Value) -> Envelope {
    Envelope {
        app_id: text(case, "receive_id").to_owned(),
        token: SecretString::from(text(case, "token")),
        seal_box: Some(SealBox::new(text(case, "encoding_aes_key")).unwrap()),
        max_skew: 600_000,
    }
}

/// A channel in plain mode with this case's token.
fn plain(case: &Value) -> WeChat {
    let mut config = config("mode = \"plain\"");
    config.token = SecretString::from(text(case, "token"));
    channel(config)
}

#[test]
fn the_guides_own_numbers_come_out() {
    let all = all();
    let guide = &all["official_examples"];
    let (token, app_id) = (text(guide, "token"), text(guide, "appid"));
    let seal_box = SealBox::new(text(guide, "encoding_aes_key")).unwrap();
    let plain = &guide["plain"];
    assert_eq!(signature(&[token, text(plain, "timestamp"), text(plain, "nonce")]), text(plain, "signature"));
    let (safe, sent) = (&guide["safe"], &guide["safe"]["query"]);
    let sealed = text(safe, "encrypt");
    assert!(is_signed(&[token, text(sent, "timestamp"), text(sent, "nonce")], text(sent, "signature")));
    assert!(is_signed(&[token, text(sent, "timestamp"), text(sent, "nonce"), sealed], text(sent, "msg_signature")));
    assert_eq!(seal_box.open(sealed, app_id).unwrap(), text(safe, "msg"));
    let random = text(safe, "random16").as_bytes().try_into().unwrap();
    assert_eq!(seal_box.seal(text(safe, "msg"), app_id, random), sealed);
    let reply = &guide["reply"];
    let random = text(reply, "random16").as_bytes().try_into().unwrap();
    let sealed = seal_box.seal(text(reply, "plaintext"), app_id, random);
    assert_eq!(sealed, text(reply, "encrypt"));
    let parts = [token, text(reply, "timestamp"), text(reply, "nonce"), &sealed];
    assert_eq!(signature(&parts), text(reply, "msg_signature"));
}

#[test]
fn good_signatures_are_accepted() {
    for case in cases("plain_signature") {
        let name = text(&case, "name");
        let heard = match text(&case, "method") {
            "GET" => get(&plain(&case), &query(&case), now(&case)),
            _ => post(&plain(&case), &query(&case), text(&case, "body").as_bytes(), now(&case)),
        };
        match (heard.unwrap_or_else(|refusal| unreachable!("{name}: {refusal:?}")), case["expect"]["body"].as_str()) {
            (Heard::Answer(answer), Some(echo)) => {
                assert_eq!((answer.kind, answer.body.as_str()), ("text/plain", echo), "{name}");
            }
            (Heard::Update(update), None) => assert_eq!(update.from.account, text(&case["query"], "openid"), "{name}"),
            (other, _) => unreachable!("{name}: {other:?}"),
        }
    }
}

#[test]
fn an_address_check_is_clear_text_in_every_mode() {
    let case = cases("plain_signature").into_iter().find(|case| text(case, "name") == "url_verify_ok").unwrap();
    for mode in ["safe", "compat", "plain"] {
        let heard = get(&channel(config(&format!("mode = \"{mode}\""))), &query(&case), now(&case)).unwrap();
        let Heard::Answer(answer) = heard else { unreachable!("{mode}") };
        assert_eq!(answer.body, text(&case["query"], "echostr"), "{mode}");
    }
}

#[test]
fn bad_signatures_are_forbidden() {
    for case in cases("plain_signature_negative") {
        assert_eq!(text(&case["expect"], "reject"), "bad_signature");
        let refusal = get(&plain(&case), &query(&case), now(&case)).unwrap_err();
        assert!(matches!(refusal, Refusal::Forbidden(_)), "{}: {refusal:?}", text(&case, "name"));
    }
}

#[test]
fn sealed_messages_open() {
    for case in cases("decrypt") {
        let opened = envelope(&case).open(&query(&case), text(&case, "body").as_bytes(), now(&case));
        assert_eq!(opened.as_deref(), Ok(text(&case["expect"], "msg")), "{}", text(&case, "name"));
    }
}

#[test]
fn what_was_sealed_here_is_what_the_platform_would_have_sealed() {
    for case in cases("decrypt") {
        let expect = &case["expect"];
        let body = text(&case, "body");
        let sealed = elements(body)["Encrypt"].clone();
        let random = text(expect, "random16").as_bytes().try_into().unwrap();
        let seal_box = SealBox::new(text(&case, "encoding_aes_key")).unwrap();
        assert_eq!(seal_box.seal(text(expect, "msg"), text(expect, "receive_id"), random), sealed, "{}", text(&case, "name"));
    }
}

#[test]
fn spoiled_envelopes_are_refused_each_for_its_own_reason() {
    for case in cases("decrypt_negative") {
        let name = text(&case, "name");
        let refusal = envelope(&case).open(&query(&case), text(&case, "body").as_bytes(), now(&case)).unwrap_err();
        let fits = match text(&case["expect"], "reject") {
            "bad_signature" => refusal == Refusal::Forbidden("signature"),
            "receive_id_mismatch" => refusal == Refusal::Forbidden("receive id"),
            "bad_ciphertext_length" => refusal == Refusal::Forbidden("ciphertext length"),
            "bad_padding" => refusal == Refusal::Forbidden("padding"),
            "bad_length" => refusal == Refusal::Forbidden("length"),
            "bad_padding_or_length" => {
                matches!(refusal, Refusal::Forbidden("padding" | "length" | "ciphertext length"))
            }
            "bad_base64" => refusal == Refusal::Forbidden("base64"),
            // Which check a foreign key fails is chance; the signature did hold.
            "decrypt_failed" => matches!(refusal, Refusal::Forbidden(reason) if reason != "signature"),
            "missing_encrypt" => refusal == Refusal::Envelope("no Encrypt"),
            "bad_envelope" => refusal == Refusal::Envelope("not xml"),
            "dtd_refused" => refusal == Refusal::Envelope("doctype"),
            other => unreachable!("{name}: {other}"),
        };
        assert!(fits, "{name}: {refusal:?}");
    }
}

#[test]
fn replies_are_sealed_to_the_byte() {
    for case in cases("encrypt_reply") {
        let random = text(&case, "random16").as_bytes().try_into().unwrap();
        let at = text(&case, "timestamp").parse::<Millis>().unwrap() * 1000;
        let sealed = envelope(&case).wrap(text(&case, "plaintext").to_owned(), at, text(&case, "nonce"), random);
        let ours = elements(&sealed);
        assert_eq!(ours["Encrypt"], text(&case["expect"], "encrypt"));
        assert_eq!(ours["MsgSignature"], text(&case["expect"], "msg_signature"));
        assert_eq!(ours, elements(text(&case, "wechatpy_envelope")), "{}", text(&case, "name"));
    }
}

#[test]
fn every_inbound_body_becomes_the_right_update() {
    for case in cases("inbound") {
        let name = text(&case, "name");
        let fields = xml::fields(text(&case, "xml")).unwrap_or_else(|why| unreachable!("{name}: {why}"));
        for (key, value) in case["fields"].as_object().unwrap() {
            // Elements with elements inside are not kept: no event that has them asks for anything.
            if value.is_string() || value.is_null() {
                assert_eq!(fields.get(key), value.as_str().filter(|text| !text.is_empty()), "{name}: {key}");
            }
        }
        let update = inbound::update("mp", &fields).unwrap_or_else(|why| unreachable!("{name}: {why}"));
        assert_eq!(update.key, format!("mp|{}", text(&case, "dedup_key")), "{name}");
        assert_eq!(update.from, Address { channel: "mp".into(), account: OPENID.into(), group: None }, "{name}");
        assert_eq!((update.at, update.nick, update.via), (1_767_225_600_000, None, None), "{name}");
        check(name, &case["expect"], update.content);
    }
}

fn check(name: &str, expect: &Value, content: Content) {
    let media = |kind| vec![Media { kind, reference: text(expect, "media_id").to_owned() }];
    match (text(expect, "kind"), content) {
        ("text", Content::Pressed(id)) => assert_eq!(Some(id.as_str()), expect["menu_id"].as_str(), "{name}"),
        ("text", content) => {
            assert!(expect["menu_id"].is_null(), "{name}");
            assert_eq!(content, Content::text(text(expect, "text")), "{name}");
        }
        ("image", Content::Said(said)) => assert_eq!(said.media, media(MediaKind::Photo), "{name}"),
        ("voice", Content::Said(said)) => {
            assert_eq!(said.media, media(MediaKind::Voice), "{name}");
            assert_eq!(said.text, expect["recognition"].as_str().unwrap_or_default(), "{name}");
        }
        ("video" | "shortvideo", Content::Said(said)) => assert_eq!(said.media, media(MediaKind::Video), "{name}"),
        ("location", Content::Said(said)) => {
            let point = said.point.unwrap();
            assert_eq!((Some(point.lat), Some(point.lng)), (expect["lat"].as_f64(), expect["lng"].as_f64()), "{name}");
            assert_eq!(point.label, text(expect, "label"), "{name}");
        }
        ("unknown", content) => assert_eq!(content, Content::Unsupported(text(expect, "msg_type").to_owned()), "{name}"),
        (kind @ ("link" | "file" | "miniprogrampage"), content) => {
            assert_eq!(content, Content::Unsupported(kind.to_owned()), "{name}");
        }
        ("event", content) => {
            let event = text(expect, "event");
            let wanted = match event {
                "subscribe" | "SCAN" => Content::Arrived { scene: expect["scene"].as_str().map(str::to_owned) },
                "unsubscribe" => Content::Left,
                "CLICK" => Content::Pressed(text(expect, "key").to_owned()),
                _ => Content::Silent(event.to_owned()),
            };
            assert_eq!(content, wanted, "{name}");
        }
        (kind, content) => unreachable!("{name}: {kind} became {content:?}"),
    }
}

/// Of the kinds of reply the channel sends text and `success`; the vectors of other kinds have no counterpart.
#[test]
fn replies_parse_to_the_wanted_elements() {
    let mut texts = 0;
    for case in cases("replies") {
        match text(&case["fields"], "type") {
            "text" => {
                texts += 1;
                let words = outbound::words(&Reply::text(text(&case["fields"], "content")));
                let ours = elements(&outbound::passive(OPENID, "gh_minhu0000001", &words, 1_767_225_710_000));
                assert_eq!(serde_json::to_value(ours).unwrap(), case["parsed"], "{}", text(&case, "name"));
            }
            "empty" => {
                let channel = channel(config(""));
                let callback = safe_user().event(OPENID, "VIEW", "https://example.gov.cn", TIME);
                let update = heard(&channel, &callback, TIME * 1000);
                for nothing in [None, Some(&Reply::default())] {
                    let answer = channel.answer(&update, nothing, TIME * 1000);
                    assert_eq!(answer, Answer { kind: "text/plain", body: "success".to_owned() });
                }
            }
            "image" | "voice" | "video" | "music" | "news" | "transfer_customer_service" => {}
            other => unreachable!("{other}"),
        }
    }
    assert_eq!(texts, 2);
}
