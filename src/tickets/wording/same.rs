//! Sentences of the question whether it is the same matter.

use super::{Millis, Mode, State, by, in_words};

/// What says yes where only one matter is asked about.
pub const YES: [&str; 7] = ["是", "是的", "对", "对的", "同一件", "是同一件", "是这件"];

/// A matter to choose: place, what, when, how far.
pub fn card(what: &str, at: Millis, now: Millis, state: State, unit: Option<&str>, mine: bool) -> String {
    let far = how_far(state, unit);
    match (mine, state) {
        (true, State::Closed) => format!("您{}反映过：{what}。{far}，又出问题就选它，请他们再办", ago(at, now)),
        (true, _) => format!("您{}反映过：{what}，{far}", ago(at, now)),
        (false, _) => format!("{what}，{}有人反映，{far}", in_words(at, now)),
    }
}

fn ago(at: Millis, now: Millis) -> String {
    match crate::clock::days_between(at, now) {
        0 => "今天".to_owned(),
        1 => "昨天".to_owned(),
        days => format!("{days}天前"),
    }
}

fn how_far(state: State, unit: Option<&str>) -> String {
    let unit = unit.unwrap_or("单位");
    match state {
        State::Submitted => "正在看".to_owned(),
        State::NeedInfo | State::Accepted | State::SentBack | State::Disputed => "正在定由谁来办".to_owned(),
        State::Dispatched => format!("交给{unit}了"),
        State::Working => format!("{unit}正在办"),
        State::InReview | State::Callback => format!("{unit}报了结果"),
        State::Shelved => "要长期办，定了计划".to_owned(),
        State::Closed => "办完了".to_owned(),
        State::Rejected | State::Cancelled | State::Merged | State::HandedOver => "不在办了".to_owned(),
    }
}

/// The matter that was chosen is over.
pub fn over(state: State) -> String {
    if state == State::Closed {
        "那一件已经办完了。现在又有，就给您单立一件。".to_owned()
    } else {
        "那一件不在办了，给您单立一件。".to_owned()
    }
}

/// Joined: number, who has it, and when there is an answer.
pub fn joined(number: &str, state: State, unit: Option<&str>, due: Option<Millis>, now: Millis, mode: Mode) -> String {
    let when = |says: &str| due.map_or_else(String::new, |due| format!("，{}前{says}", by(due, now)));
    let far = match (state, unit) {
        (State::Dispatched | State::Working, Some(unit)) => format!("{unit}在办{}。", when("给您回话")),
        (State::InReview | State::Callback, Some(unit)) => {
            format!("{unit}报了结果。您看行不行，回“评价 {number}”告诉我们。", number = number.trim_start_matches('0'))
        }
        (state, unit) => format!("{}{}。", how_far(state, unit), when("告诉您由谁来办")),
    };
    let mut text = format!("记下了，和编号 {number} 是同一件，一起办。{far}\n办得怎么样也告诉您，回“我的”可以随时看。");
    if mode == Mode::Anonymous {
        text.push_str("\n谁也不知道是您。");
    }
    text
}

/// In the timeline: one more reported it.
pub const ONE_MORE: &str = "又有人反映";

/// To whoever has it, fit for a group.
pub fn one_more(label: &str, seq: i64) -> String {
    format!("{label} 又有一个人反映，请私聊回“查 {seq}”看。")
}

/// To whoever has it, in private.
pub fn one_more_private(label: &str, text: &str) -> String {
    format!("{label} 又有一个人反映：\n{text}")
}

/// 同意 of a withdrawal of what others have reported too since.
pub fn others_joined(number: &str) -> String {
    format!("这件事后来又有别人反映，不能撤了。请回“不同意 {number} 还有别人反映”，告诉反映人。")
}

/// 撤回 of a matter that others reported too.
pub fn others_too() -> &'static str {
    "这件事还有别人反映，撤不了，要接着办。您有新的情况，回“补充”告诉我们。"
}
