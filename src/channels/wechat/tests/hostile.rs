//! Callers that are not the platform, and people who send what nobody expects.

use super::platform::elements;
use super::*;
use crate::clock::{MINUTE, SECOND};
use crate::message::{Choice, Content};
use proptest::prelude::*;

const NOW: Millis = TIME * SECOND;

fn forbidden(heard: Result<Heard, Refusal>) -> &'static str {
    match heard {
        Err(Refusal::Forbidden(reason)) => reason,
        other => unreachable!("{other:?}"),
    }
}

fn not_an_envelope(heard: Result<Heard, Refusal>) -> &'static str {
    match heard {
        Err(Refusal::Envelope(reason)) => reason,
        other => unreachable!("{other:?}"),
    }
}

#[test]
fn a_clear_message_to_a_sealed_account_is_refused_though_its_signature_holds() {
    let (query, body) = WeChatUser::plain(APP_ID, TOKEN).text(OPENID, "撤回", TIME, 1);
    for mode in ["safe", "compat"] {
        let channel = channel(config(&format!("mode = \"{mode}\"")));
        assert_eq!(forbidden(post(&channel, &query, body.as_bytes(), NOW)), "no msg_signature");
        let empty = format!("{query}&msg_signature=");
        assert_eq!(forbidden(post(&channel, &empty, body.as_bytes(), NOW)), "no msg_signature");
    }
}

#[test]
fn the_clear_fields_of_compat_mode_are_not_believed() {
    let channel = channel(config("mode = \"compat\""));
    let (query, body) = safe_user().text(OPENID, "路灯坏了", TIME, 1);
    let forged = body.replace("<Encrypt>", "<FromUserName>oOther</FromUserName><Content>撤回</Content><Encrypt>");
    let update = heard(&channel, &(query, forged), NOW);
    assert_eq!((update.from.account.as_str(), update.content), (OPENID, Content::text("路灯坏了")));
}

#[test]
fn a_message_sealed_for_another_account_is_refused() {
    let (query, body) = WeChatUser::safe("wxffffffffffffffff", TOKEN, AES_KEY).text(OPENID, "x", TIME, 1);
    assert_eq!(forbidden(post(&channel(config("")), &query, body.as_bytes(), NOW)), "receive id");
}

#[test]
fn times_outside_the_window_are_refused_on_both_sides() {
    let channel = channel(config(""));
    let (query, body) = safe_user().text(OPENID, "x", TIME, 1);
    for (now, accepted) in [
        (NOW, true),
        (NOW + 10 * MINUTE, true),
        (NOW - 10 * MINUTE, true),
        (NOW + 10 * MINUTE + 1, false),
        (NOW - 10 * MINUTE - 1, false),
        (NOW + 48 * 60 * MINUTE, false),
        (i64::MAX, false),
        (i64::MIN, false),
    ] {
        assert_eq!(post(&channel, &query, body.as_bytes(), now).is_ok(), accepted, "{now}");
    }
    let (query, body) = safe_user().text(OPENID, "x", i64::MAX, 1);
    assert_eq!(forbidden(post(&channel, &query, body.as_bytes(), NOW)), "timestamp");
    let check = safe_user().address_check("1", TIME - 601);
    assert_eq!(forbidden(get(&channel, &check, NOW)), "time");
}

#[test]
fn the_window_is_as_wide_as_configured() {
    let channel = channel(config("max_skew = \"90s\""));
    let (query, body) = safe_user().text(OPENID, "x", TIME, 1);
    assert!(post(&channel, &query, body.as_bytes(), NOW + 90 * SECOND).is_ok());
    assert_eq!(forbidden(post(&channel, &query, body.as_bytes(), NOW + 91 * SECOND)), "time");
}

#[test]
fn the_platforms_second_try_is_the_same_update() {
    let channel = channel(config(""));
    let callback = safe_user().text(OPENID, "x", TIME, 1);
    assert_eq!(heard(&channel, &callback, NOW), heard(&channel, &callback, NOW + 10 * SECOND));
}

#[test]
fn what_holds_no_signed_fields_is_no_envelope() {
    let channel = channel(config(""));
    let (query, body) = safe_user().text(OPENID, "x", TIME, 1);
    let without = |name: &str| {
        let kept: Vec<&str> = query.split('&').filter(|pair| !pair.starts_with(&format!("{name}="))).collect();
        kept.join("&")
    };
    for (query, body, reason) in [
        ("", body.as_bytes(), "unsigned query"),
        (&without("timestamp"), body.as_bytes(), "unsigned query"),
        (&without("nonce"), body.as_bytes(), "unsigned query"),
        (&query, b"", "not xml"),
        (&query, b"\xff\xfe", "not utf-8"),
        (&query, &body.as_bytes()[..body.len() - 10], "not xml"),
        (&query, b"<xml></xml>", "no Encrypt"),
        (&query, b"<!DOCTYPE xml><xml><Encrypt>a</Encrypt></xml>", "doctype"),
    ] {
        assert_eq!(not_an_envelope(post(&channel, query, body, NOW)), reason);
    }
    assert_eq!(not_an_envelope(get(&channel, &query, NOW)), "no echostr");
    assert_eq!(forbidden(post(&channel, &without("msg_signature"), body.as_bytes(), NOW)), "no msg_signature");
}

#[test]
fn signed_messages_that_say_nothing_are_forbidden() {
    let user = safe_user();
    let channel = channel(config(""));
    let whole = "<ToUserName>gh_1</ToUserName><FromUserName>o1</FromUserName><CreateTime>1</CreateTime>";
    for (inner, reason) in [
        ("hello".to_owned(), "not xml"),
        ("<xml>".to_owned(), "not xml"),
        ("<!DOCTYPE xml><xml></xml>".to_owned(), "doctype"),
        ("<xml></xml>".to_owned(), "no receiver"),
        (format!("<xml>{}</xml>", whole.replace("o1", "")), "no sender"),
        (format!("<xml>{}</xml>", whole.replace("o1", "o|1")), "no sender"),
        (format!("<xml>{}</xml>", whole.replace("gh_1", "gh|1")), "no receiver"),
        (format!("<xml>{}</xml>", whole.replace(">1<", ">now<")), "no time"),
        (format!("<xml>{}</xml>", whole.replace(">1<", ">9223372036854775807<")), "no time"),
        (format!("<xml>{whole}</xml>"), "no type"),
        (format!("<xml>{whole}<MsgType>event</MsgType></xml>"), "no event"),
    ] {
        let (query, body) = user.deliver(&inner, TIME);
        assert_eq!(forbidden(post(&channel, &query, body.as_bytes(), NOW)), reason, "{inner}");
    }
}

#[test]
fn plain_mode_reads_what_cannot_be_signed_with_care() {
    let channel = channel(config("mode = \"plain\""));
    let user = WeChatUser::plain(APP_ID, TOKEN);
    let (query, _) = user.text(OPENID, "x", TIME, 1);
    for (body, reason) in
        [(&b"hello"[..], "not xml"), (b"\xff", "not utf-8"), (b"<!DOCTYPE xml><xml></xml>", "doctype"), (b"", "not xml")]
    {
        assert_eq!(forbidden(post(&channel, &query, body, NOW)), reason);
    }
    // The console says safe, the configuration plain: nothing readable arrives, and nothing is guessed.
    let (query, body) = safe_user().text(OPENID, "x", TIME, 1);
    assert_eq!(forbidden(post(&channel, &query, body.as_bytes(), NOW)), "no sender");
}

#[test]
fn unreadable_parts_become_something_that_can_be_answered() {
    let channel = channel(config(""));
    let unsupported = |word: &str| Content::Unsupported(word.to_owned());
    for (kind, fields, content) in [
        ("text", &[("Content", "a\0b\u{202e}c")][..], Content::text("abc")),
        ("text", &[("Content", "]]>")], Content::text("]]>")),
        ("text", &[], Content::text("")),
        ("text", &[("Content", "【收到不支持的消息类型，暂无法显示】")], unsupported("sticker")),
        ("text", &[("Content", "满意"), ("bizmsgmenuid", "")], Content::text("满意")),
        ("image", &[("PicUrl", "http://x/")], unsupported("image")),
        ("voice", &[("MediaId", "")], unsupported("voice")),
        ("location", &[("Location_X", "91"), ("Location_Y", "0")], unsupported("location")),
        ("location", &[("Location_X", "NaN"), ("Location_Y", "0")], unsupported("location")),
        ("location", &[("Location_X", "30")], unsupported("location")),
        ("ho\0logram", &[], unsupported("hologram")),
    ] {
        let callback = safe_user().message(OPENID, kind, fields, TIME, 7);
        let update = heard(&channel, &callback, NOW);
        assert_eq!(update.content, content, "{kind} {fields:?}");
        assert!(!update.key.contains('\0'));
    }
}

#[test]
fn event_names_are_read_without_case() {
    let channel = channel(config(""));
    for (event, key, content) in [
        ("click", "我的", Content::Pressed("我的".into())),
        ("scan", "dept:1", Content::Arrived { scene: Some("dept:1".into()) }),
        ("Subscribe", "qrscene_", Content::Arrived { scene: None }),
        ("subscribe", "last_trade_no_1", Content::Arrived { scene: None }),
        ("UNSUBSCRIBE", "", Content::Left),
    ] {
        assert_eq!(heard(&channel, &safe_user().event(OPENID, event, key, TIME), NOW).content, content, "{event}");
    }
}

#[test]
fn answers_open_on_the_other_side_whatever_people_wrote() {
    let long = "字".repeat(700);
    for mode in ["safe", "compat", "plain"] {
        let channel = channel(config(&format!("mode = \"{mode}\"")));
        let user = if mode == "plain" { WeChatUser::plain(APP_ID, TOKEN) } else { safe_user() };
        let update = heard(&channel, &user.text(OPENID, "x", TIME, 1), NOW);
        for (words, arrives) in [
            ("您好", "您好"),
            ("第一行\n第二行 <b>&amp;</b> 😀", "第一行\n第二行 <b>&amp;</b> 😀"),
            ("a]]>b</Content><Hack>1</Hack>", "a]]>b</Content><Hack>1</Hack>"),
            ("]]>]]>]]]>", "]]>]]>]]]>"),
            ("a\0b\u{1}c\u{fffe}d\u{b}e", "abcde"),
            (&long, &long[..2046]),
            ("\u{1}", ""),
        ] {
            let answer = channel.answer(&update, Some(&Reply::text(words)), NOW);
            assert_eq!(user.open_reply(&answer.body), arrives, "{mode}");
            assert_eq!(answer.body == "success", arrives.is_empty());
        }
    }
}

#[test]
fn an_answer_goes_back_to_its_writer_with_numbered_choices() {
    let channel = channel(config("mode = \"plain\""));
    let user = WeChatUser::plain(APP_ID, TOKEN);
    let update = heard(&channel, &user.text("oSomebody", "反映", TIME, 1), NOW);
    let choice = |number, text: &str| Choice { number, text: text.into(), payload: "p".into() };
    let reply = Reply {
        choices: vec![choice(Some(1), "前观津"), choice(Some(2), "后观津"), choice(None, "取消")],
        ..Reply::text("是哪个村的？")
    };
    let answer = channel.answer(&update, Some(&reply), NOW + 1500);
    let answer = elements(&answer.body);
    assert_eq!(answer["ToUserName"], "oSomebody");
    assert_eq!(answer["FromUserName"], "gh_minhu0000001");
    assert_eq!(answer["CreateTime"], (TIME + 1).to_string());
    assert_eq!(answer["Content"], "是哪个村的？\n1. 前观津\n2. 后观津");
}

#[test]
fn no_two_answers_are_sealed_alike() {
    let channel = channel(config(""));
    let update = heard(&channel, &safe_user().text(OPENID, "x", TIME, 1), NOW);
    let sealed = || elements(&channel.answer(&update, Some(&Reply::text("好")), NOW).body);
    let (one, two) = (sealed(), sealed());
    assert_ne!(one["Encrypt"], two["Encrypt"]);
    assert_ne!(one["Nonce"], two["Nonce"]);
    assert_eq!(one["Nonce"].len(), 10);
}

proptest! {
    #[test]
    fn whatever_is_posted_nothing_panics_and_nothing_unsigned_is_heard(query in "\\PC{0,80}", body in "\\PC{0,120}") {
        let channel = channel(config(""));
        prop_assert!(post(&channel, &query, body.as_bytes(), NOW).is_err());
        prop_assert!(get(&channel, &query, NOW).is_err());
    }

    #[test]
    fn whatever_words_come_in_they_go_out_again_well_formed(words in "(\\PC|\\]|>|&|\n){0,60}") {
        let channel = channel(config(""));
        let update = heard(&channel, &safe_user().text(OPENID, &words, TIME, 1), NOW);
        let Content::Said(said) = &update.content else { unreachable!() };
        let back = safe_user().open_reply(&channel.answer(&update, Some(&Reply::text(said.text.clone())), NOW).body);
        let kept: String = said.text.chars().filter(|c| !matches!(c, '\u{fffe}' | '\u{ffff}')).collect();
        prop_assert_eq!(back, kept);
    }
}
