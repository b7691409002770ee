//! Bodies of what is sent, and what the answers say.

use super::{Outcome, inbound::without_staff_id};
use serde_json::{Value, json};
use std::time::Duration;

/// Sends to up to 20 people; we send to one at a time, so that each has an outcome.
pub(super) const PRIVATE: &str = "/v1.0/robot/oToMessages/batchSend";
/// Sends to a group.
pub(super) const GROUP: &str = "/v1.0/robot/groupMessages/send";

/// The platform's limit of `msgParam`, in bytes.
const MAX_PARAM: usize = 15_000;
/// The platform's limit of people mentioned in one message.
const MAX_MENTIONS: usize = 50;

/// A text for a session webhook. Somebody is mentioned only if the id stands in the list *and* in the text.
pub(super) fn to_session(text: &str, mention: &[String]) -> Value {
    let at: Vec<&str> =
        mention.iter().map(String::as_str).filter(|account| !without_staff_id(account)).take(MAX_MENTIONS).collect();
    if at.is_empty() {
        return json!({ "msgtype": "text", "text": { "content": text } });
    }
    let names: String = at.iter().map(|account| format!("@{account} ")).collect();
    session_text(&format!("{names}{text}"), &at)
}

fn session_text(content: &str, at: &[&str]) -> Value {
    json!({ "msgtype": "text", "text": { "content": content }, "at": { "atUserIds": at } })
}

/// The `msgParam` of a plain text: JSON inside a string. `None` when it is longer than the platform takes.
pub(super) fn sample_text(text: &str) -> Option<String> {
    Some(json!({ "content": text }).to_string()).filter(|param| param.len() <= MAX_PARAM)
}

/// A plain text for one person.
pub(super) fn to_person(robot: &str, staff: &str, param: &str) -> Value {
    json!({ "robotCode": robot, "userIds": [staff], "msgKey": "sampleText", "msgParam": param })
}

/// A plain text for a group.
pub(super) fn to_group(robot: &str, conversation: &str, param: &str) -> Value {
    json!({ "robotCode": robot, "openConversationId": conversation, "msgKey": "sampleText", "msgParam": param })
}

/// The outcome of a send that was accepted as a whole.
pub(super) fn taken(answer: &Value) -> Outcome {
    Outcome::Sent(answer["processQueryKey"].as_str().map(str::to_owned))
}

/// The outcome for one person: an accepted send may still name people it did not reach.
pub(super) fn taken_for(answer: &Value, staff: &str) -> Outcome {
    let names = |list: &str| answer[list].as_array().is_some_and(|people| people.iter().any(|id| id == staff));
    if names("invalidStaffIdList") {
        Outcome::Gone("unknown staff id")
    } else if names("flowControlledStaffIdList") {
        Outcome::Later(Duration::from_secs(60), "too many messages to this person")
    } else if names("filteredStaffIdList") {
        Outcome::Closed("the platform kept the message from this person")
    } else {
        taken(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vectors() -> Value {
        serde_json::from_str(include_str!("../../../tests/vectors/dingtalk.json")).unwrap()
    }

    /// The body that an official SDK sent to a path. Cards and Stream calls are recorded there too; they are not built.
    fn recorded(sdk: &str, path: &str) -> Value {
        let all = &vectors()["outbound_requests"][sdk]["requests"];
        let request = all.as_array().unwrap().iter().find(|r| r["path"].as_str().unwrap().starts_with(path));
        request.unwrap()["body"].clone()
    }

    /// The same with the string of JSON opened, because neither key order nor spacing inside it matters.
    fn opened(mut body: Value) -> Value {
        let param = serde_json::from_str(body["msgParam"].as_str().unwrap()).unwrap();
        body["msgParam"] = param;
        body
    }

    #[test]
    fn a_session_text_is_what_the_official_sdk_sends() {
        let theirs = recorded("python_stream_sdk", "/robot/sendBySession");
        assert_eq!(session_text("已收到：上报 路灯不亮", &["staff0001"]), theirs);
    }

    #[test]
    fn a_text_for_a_person_is_what_the_official_sdk_sends() {
        let ours = to_person("dingtestkey0001", "staff0001", &sample_text("进度：已派单").unwrap());
        assert_eq!(opened(ours), opened(recorded("alibabacloud_sdk", PRIVATE)));
    }

    #[test]
    fn a_text_for_a_group_is_what_the_official_sdk_sends_but_for_the_kind_of_message() {
        let ours = to_group("dingtestkey0001", "cidTEST==", &sample_text("线索").unwrap());
        let mut theirs = recorded("alibabacloud_sdk", GROUP);
        theirs["msgKey"] = json!("sampleText");
        theirs["msgParam"] = json!(r#"{"content":"线索"}"#);
        assert_eq!(opened(ours), opened(theirs));
    }

    #[test]
    fn a_mention_stands_in_the_list_and_in_the_text() {
        let mention = ["staff1".to_owned(), "u:outside".to_owned(), "staff2".to_owned()];
        assert_eq!(
            to_session("已派单", &mention),
            json!({ "msgtype": "text", "text": { "content": "@staff1 @staff2 已派单" },
                    "at": { "atUserIds": ["staff1", "staff2"] } })
        );
        assert_eq!(to_session("已派单", &[]), json!({ "msgtype": "text", "text": { "content": "已派单" } }));
    }

    #[test]
    fn at_most_fifty_people_are_mentioned() {
        let many: Vec<String> = (0..60).map(|n| format!("staff{n}")).collect();
        assert_eq!(to_session("急", &many)["at"]["atUserIds"].as_array().unwrap().len(), 50);
    }

    #[test]
    fn every_text_of_the_promised_size_fits() {
        for letter in ["民", "\"", "\n", "a"] {
            let text = letter.repeat(super::super::ABILITY.max_bytes / letter.len());
            assert!(sample_text(&text).is_some(), "{letter:?}");
        }
        assert_eq!(sample_text(&"民".repeat(5_000)), None);
    }

    #[test]
    fn an_accepted_send_may_have_missed_its_person() {
        for (answer, outcome) in [
            (json!({ "processQueryKey": "k", "invalidStaffIdList": [] }), Outcome::Sent(Some("k".to_owned()))),
            (json!({ "processQueryKey": "k", "invalidStaffIdList": ["b"] }), Outcome::Sent(Some("k".to_owned()))),
            (json!({ "processQueryKey": "k", "invalidStaffIdList": ["a"] }), Outcome::Gone("unknown staff id")),
            (
                json!({ "processQueryKey": "k", "flowControlledStaffIdList": ["a"] }),
                Outcome::Later(Duration::from_secs(60), "too many messages to this person"),
            ),
            (
                json!({ "processQueryKey": "k", "filteredStaffIdList": ["a"] }),
                Outcome::Closed("the platform kept the message from this person"),
            ),
        ] {
            assert_eq!(taken_for(&answer, "a"), outcome, "{answer}");
        }
    }
}
