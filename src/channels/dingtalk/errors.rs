//! What an answer of DingTalk means.
//!
//! The new interfaces say HTTP 400 or more and a word in `code`; the old ones say HTTP 200 and a number in `errcode`, with
//! the true reason in `sub_code` when that is 88. Texts are never looked at.

use super::Outcome;
use serde_json::Value;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

/// Classes of failure, each with one thing to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// The access token is not, or no longer, valid. The new interfaces say so with HTTP 400, not 401.
    Token,
    /// The credentials are wrong.
    Credentials,
    /// The call itself is wrong, for every message alike.
    Bug,
    /// Something about this one message is wrong.
    Parameter,
    /// A permission is missing, or our address is not on the list.
    Permission,
    /// Too many calls a second.
    Throttled,
    /// Too many messages a minute through a webhook.
    WebhookThrottled,
    /// The organisation's quota is used up.
    Quota,
    /// Our address is shut out for five minutes.
    Banned,
    /// The session webhook has ended.
    SessionGone,
    /// There is no such person.
    RecipientGone,
    /// There is no such group, or the robot is not in it.
    TargetGone,
    /// The words are refused.
    Content,
    /// The message is too long.
    TooLong,
    /// Nothing was done: the platform is busy or not reachable.
    Busy,
    /// It may or may not have been done.
    Unclear,
    /// A refusal that the documentation does not know.
    Other,
}

/// Opens an answer: its JSON object, or why there is none.
pub(super) fn open(status: u16, body: &[u8]) -> Result<Value, Class> {
    let Ok(answer @ Value::Object(_)) = serde_json::from_slice::<Value>(body) else {
        return Err(match by_status(status) {
            // A page in place of JSON is how an address is shut out; other reasons for one show in the status.
            Class::Other | Class::Permission => Class::Banned,
            class => class,
        });
    };
    if number(&answer["status"]) == Some(1111) {
        return Err(Class::Banned);
    }
    if status >= 400 {
        return Err(answer["code"].as_str().map_or_else(|| by_status(status), |code| by_word(status, code)));
    }
    match number(&answer["errcode"]) {
        None | Some(0) => Ok(answer),
        Some(88) => Err(number(&answer["sub_code"]).map_or(Class::Other, by_number)),
        Some(code) => Err(by_number(code)),
    }
}

/// The platform's own word for a failure, for the log: a short machine word or nothing.
pub(super) fn word(body: &[u8]) -> String {
    let answer: Value = serde_json::from_slice(body).unwrap_or_default();
    let words = [&answer["code"], &answer["errcode"], &answer["sub_code"]].map(|word| match word {
        Value::String(word) => word.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '.').take(80).collect(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    });
    words.join(" ").trim().to_owned()
}

/// A number, or a string of one: the documentation's own example shows `"errcode": "0"`.
pub(super) fn number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

fn by_word(status: u16, code: &str) -> Class {
    match code {
        "InvalidAuthentication" => Class::Token,
        "invalidClientIdOrSecret" => Class::Credentials,
        "AuthenticationFailed.MissingParameter" => Class::Bug,
        "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi"
        | "Forbidden.AccessDenied.QpsLimitForApi"
        | "send.too.fast"
        | "send.byToken.tooFast"
        | "too.many.people"
        | "too.many.group" => Class::Throttled,
        "Forbidden.AccessDenied.ApiCountLimitForOrg" => Class::Quota,
        "auth.error" | "unauthorized" | "invalidParameter.robotCode.auth" | "chatbotId.notAllow.sendOTO" => Class::Permission,
        "session.expired" | "session.notExisted" => Class::SessionGone,
        "staffId.notExisted" => Class::RecipientGone,
        "group.disbanded"
        | "bot.stopped"
        | "resource.not.found"
        | "resource.unavailable"
        | "conversation.org.notMatch"
        | "template.stopped" => Class::TargetGone,
        "contain.unsafe.url" | "contain.notAllowed.text" | "param.contentUnsafe" => Class::Content,
        "invalidParameter.msgParam.tooLong" => Class::TooLong,
        "system.error" | "unknown.send.result" => Class::Unclear,
        code if code.starts_with("Forbidden.AccessDenied") => Class::Permission,
        code if code.starts_with("invalidParameter.") || code.starts_with("miss.param.") => Class::Parameter,
        _ => by_status(status),
    }
}

fn by_number(code: i64) -> Class {
    match code {
        40014 | 42001 | 33 => Class::Token,
        40096 | 40035 | 310000 => Class::Credentials,
        22 | 404 | 40000 | 43004 => Class::Bug,
        400002 | 40104 => Class::Parameter,
        403 | 60011 => Class::Permission,
        90018 | 90002 | 90019 => Class::Throttled,
        130101 | 410100 | 302033 | 660026 => Class::WebhookThrottled,
        90020 | 90030 | 20001 => Class::Quota,
        // Of a session webhook, the only thing in use that says so. A custom robot says the same of its token.
        300001 => Class::SessionGone,
        60121 => Class::RecipientGone,
        400013 | 400101 | 300005 | 400102 | 400106 => Class::TargetGone,
        430101..=430104 => Class::Content,
        460101 | 101002 => Class::TooLong,
        -1 => Class::Busy,
        _ => Class::Other,
    }
}

fn by_status(status: u16) -> Class {
    match status {
        401 => Class::Token,
        403 => Class::Permission,
        404 | 405 => Class::Bug,
        413 => Class::TooLong,
        429 => Class::Throttled,
        502 | 503 => Class::Busy,
        500..=599 => Class::Unclear,
        _ => Class::Other,
    }
}

impl Class {
    /// What a failed call of the OpenAPI means for the message.
    pub(super) fn of_send(self) -> Outcome {
        let soon = Duration::from_secs(2);
        let pause = 10 * MINUTE;
        match self {
            Class::Token => Outcome::Halted(MINUTE, "a fresh access token is refused"),
            Class::Credentials => Outcome::Halted(pause, "client_id or client_secret is refused"),
            Class::Bug => Outcome::Halted(pause, "the call is refused, check api_base"),
            Class::Permission => Outcome::Halted(pause, "a permission of the app is missing, or our address is not allowed"),
            Class::Throttled => Outcome::Later(soon, "too many calls a second"),
            Class::WebhookThrottled => Outcome::Later(MINUTE, "too many messages a minute"),
            // It may last until the month is over, but an administrator may buy more at any time: one call every few
            // hours finds that out.
            Class::Quota => Outcome::Halted(6 * HOUR, "the organisation's quota is used up"),
            Class::Banned => Outcome::Halted(5 * MINUTE, "our address is shut out"),
            Class::SessionGone => Outcome::Closed("the session has ended"),
            Class::RecipientGone => Outcome::Gone("unknown staff id"),
            Class::TargetGone => Outcome::Gone("unknown group, or the robot is not in it"),
            Class::Content => Outcome::Refused("the platform refuses these words"),
            Class::TooLong => Outcome::Refused("too long"),
            Class::Parameter => Outcome::Refused("the platform refuses a parameter"),
            Class::Other => Outcome::Refused("refused for a reason we do not know"),
            Class::Busy => Outcome::Down("not reachable or busy"),
            Class::Unclear => Outcome::Unknown("no clear answer"),
        }
    }

    /// What a failed post to a session webhook means for the message. It never says more of the recipient than that this
    /// way is closed; even its quota is counted apart, so the OpenAPI may still reach them.
    pub(super) fn of_session(self) -> Outcome {
        match self {
            Class::Throttled
            | Class::WebhookThrottled
            | Class::Banned
            | Class::Content
            | Class::TooLong
            | Class::Busy
            | Class::Unclear => self.of_send(),
            Class::Quota => Outcome::Closed("the quota of webhooks is used up"),
            Class::Token
            | Class::Credentials
            | Class::Bug
            | Class::Parameter
            | Class::Permission
            | Class::SessionGone
            | Class::RecipientGone
            | Class::TargetGone
            | Class::Other => Outcome::Closed("the session webhook takes nothing more"),
        }
    }

    /// What a failure means for a download, which may be repeated freely.
    pub(super) fn of_fetch(self) -> Outcome {
        match self {
            Class::Unclear => Class::Busy.of_send(),
            Class::Parameter | Class::TargetGone | Class::RecipientGone | Class::SessionGone | Class::Other => {
                Outcome::Gone("the file is no longer there")
            }
            other => other.of_send(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn recorded_failures_are_what_the_vectors_call_them() {
        let vectors: Value = serde_json::from_str(include_str!("../../../tests/vectors/dingtalk.json")).unwrap();
        let cases = vectors["error_bodies"]["cases"].as_array().unwrap();
        assert_eq!(cases.len(), 20);
        for case in cases {
            let status = case["http"].as_u64().unwrap() as u16;
            let class = open(status, case["body"].to_string().as_bytes()).unwrap_err();
            let name = match class {
                Class::Token => "token_invalid",
                Class::Credentials => "config",
                Class::Bug => "bug",
                Class::Throttled | Class::WebhookThrottled => "throttled",
                Class::Quota => "quota_exhausted",
                Class::Banned => "ip_banned_5_minutes",
                Class::SessionGone => "session_webhook_expired",
                Class::RecipientGone | Class::TargetGone => "permanent",
                Class::TooLong => "too_long",
                Class::Parameter | Class::Permission | Class::Content | Class::Busy | Class::Unclear | Class::Other => {
                    "not in the vectors"
                }
            };
            assert_eq!(name, case["class"].as_str().unwrap(), "{case}");
        }
    }

    #[test]
    fn every_code_of_the_documentation_has_its_class() {
        for (class, words, numbers) in [
            (Class::Token, &["InvalidAuthentication"][..], &[40014, 42001, 33][..]),
            (Class::Credentials, &["invalidClientIdOrSecret"], &[40096, 40035, 310000]),
            (Class::Bug, &["AuthenticationFailed.MissingParameter"], &[22, 404, 43004]),
            (Class::Parameter, &["invalidParameter.userIds.overMax", "miss.param.robotCode"], &[400002, 40104]),
            (
                Class::Permission,
                &[
                    "Forbidden.AccessDenied.AccessTokenPermissionDenied",
                    "auth.error",
                    "unauthorized",
                    "invalidParameter.robotCode.auth",
                ],
                &[60011],
            ),
            (
                Class::Throttled,
                &[
                    "Forbidden.AccessDenied.QpsLimitForApi",
                    "send.too.fast",
                    "send.byToken.tooFast",
                    "too.many.people",
                    "too.many.group",
                ],
                &[90018, 90002, 90019],
            ),
            (Class::WebhookThrottled, &[], &[130101, 410100, 302033, 660026]),
            (Class::Quota, &["Forbidden.AccessDenied.ApiCountLimitForOrg"], &[90020, 90030]),
            (Class::SessionGone, &["session.expired", "session.notExisted"], &[300001]),
            (Class::RecipientGone, &["staffId.notExisted"], &[60121]),
            (
                Class::TargetGone,
                &["group.disbanded", "bot.stopped", "resource.not.found", "resource.unavailable", "conversation.org.notMatch"],
                &[400013, 400101, 300005, 400102, 400106],
            ),
            (
                Class::Content,
                &["contain.unsafe.url", "contain.notAllowed.text", "param.contentUnsafe"],
                &[430101, 430102, 430103, 430104],
            ),
            (Class::TooLong, &["invalidParameter.msgParam.tooLong"], &[460101, 101002]),
            (Class::Busy, &[], &[-1]),
            (Class::Unclear, &["system.error", "unknown.send.result"], &[]),
            (Class::Other, &["a.word.of.2030"], &[987654]),
        ] {
            for word in words {
                assert_eq!(open(400, json!({ "code": word }).to_string().as_bytes()), Err(class), "{word}");
            }
            for number in numbers {
                assert_eq!(open(200, json!({ "errcode": number }).to_string().as_bytes()), Err(class), "{number}");
                let under_88 = json!({ "errcode": 88, "sub_code": number.to_string() });
                assert_eq!(open(200, under_88.to_string().as_bytes()), Err(class), "{number} as sub_code");
            }
        }
    }

    #[test]
    fn answers_without_a_known_code_are_read_by_their_status() {
        for (status, body, class) in [
            (200, "<html>denied</html>", Class::Banned),
            (403, "<html>denied</html>", Class::Banned),
            (404, "<html>no such page</html>", Class::Bug),
            (503, "<html>busy</html>", Class::Busy),
            (504, "", Class::Unclear),
            (500, r#"{"code":"Something"}"#, Class::Unclear),
            (429, r#"{"code":"Something"}"#, Class::Throttled),
            (403, r#"{"code":"Something"}"#, Class::Permission),
            (401, r#"{"message":"x"}"#, Class::Token),
            (200, "[]", Class::Banned),
        ] {
            assert_eq!(open(status, body.as_bytes()), Err(class), "{status} {body}");
        }
    }

    #[test]
    fn success_is_zero_as_a_number_or_a_string_or_no_errcode_at_all() {
        for body in [r#"{"errcode":0,"errmsg":"ok"}"#, r#"{"errcode":"0"}"#, r#"{"processQueryKey":"k"}"#] {
            assert!(open(200, body.as_bytes()).is_ok(), "{body}");
        }
    }

    #[test]
    fn a_session_never_condemns_a_recipient_nor_stops_the_channel_for_its_own_trouble() {
        for class in [Class::TargetGone, Class::RecipientGone, Class::SessionGone, Class::Quota, Class::Credentials, Class::Other]
        {
            assert!(matches!(class.of_session(), Outcome::Closed(_)), "{class:?}");
        }
        assert_eq!(Class::Banned.of_session(), Outcome::Halted(Duration::from_secs(300), "our address is shut out"));
        assert!(matches!(Class::Content.of_session(), Outcome::Refused(_)));
    }

    #[test]
    fn the_word_for_the_log_holds_no_text_of_the_platform() {
        assert_eq!(word(br#"{"errcode":88,"sub_code":"40014","sub_msg":"\u4e0d"}"#), "88 40014");
        assert_eq!(word(r#"{"code":"bad code: 张三","message":"x"}"#.as_bytes()), "badcode");
        assert_eq!(word(b"<html>"), "");
    }
}
