//! Sentences to whoever reports: receipts, questions, what became of it.

use super::by;
use crate::{
    clock::in_words,
    message::Millis,
    tickets::{Mode, State},
};

/// Danger to life first.
pub fn emergency() -> &'static str {
    "要是人有危险，先打电话：\n报警 110　火警 119　急救 120　车祸 122\n您说的我也会接着记。"
}

/// 你好.
pub fn greeting(staff: bool) -> String {
    let mut text = "您好，我是民呼。村里、街上哪里不对，跟我说就行。\n· 要反映事情：直接说，或者发张照片\n· 看办到哪了：回“我的”\n· 想找人：回“转人工”\n急事请打 110、119、120。".to_owned();
    if staff {
        text.push_str("\n您办事用的话，回“帮助”就有。");
    }
    text
}

/// 谢谢, 好的.
pub fn welcome() -> &'static str {
    "不客气，有事随时说。"
}

/// Thanks from somebody for whom new work waits.
pub fn not_signed_yet() -> &'static str {
    "不客气。还有没签收的工单，要签收请回“签收”，几件一起回“全签”。"
}

/// Words that were not understood.
pub fn what_i_can() -> &'static str {
    "我没听明白。要反映事情，直接说哪个村、出了什么事；看办到哪了，回“我的”；别的回“帮助”。"
}

/// 重办 was passed on.
pub fn reopened_for_you(label: &str) -> String {
    format!("已经请他们再办一次：{label}")
}

/// The receipt's promise after “收到了，编号 …。”.
pub fn receipt_promise(due: Option<Millis>, now: Millis, mode: Mode, code: Option<&str>) -> String {
    let text = match due {
        Some(due) => format!("{}前告诉您由谁来办。", by(due, now)),
        None => String::new(),
    };
    format!("{text}{}", receipt_tail(mode, code))
}

/// How to look it up later: what every receipt ends with.
pub(super) fn receipt_tail(mode: Mode, code: Option<&str>) -> String {
    let mut text = "\n回“我的”可以随时看。".to_owned();
    if let Some(code) = code {
        let (left, right) = code.split_at(code.len() / 2);
        text.push_str(&format!("查询码 {left} {right}，请记下来：回“查 {left}{right}”也能看。"));
    }
    if mode == Mode::Anonymous {
        text.push_str("\n谁也不知道是您，办的进展照样发到这里。");
    }
    text
}

/// The field's questions in one friendly message.
pub fn more_questions(questions: &[String]) -> String {
    format!(
        "还能说说这些吗？想到什么说什么，不说也行：\n{}",
        questions.iter().map(|ask| format!("· {ask}")).collect::<Vec<_>>().join("\n")
    )
}

/// 转人工 was passed on.
pub fn human_promise(open: bool, number: &str) -> String {
    let when = if open {
        "您的话转给受理员了，很快有人看。"
    } else {
        "您的话转给受理员了，上班时间（周一到周五 8:30 到 17:30）有人看。急事请打 110、119、120。"
    };
    format!("{when}编号 {number}。")
}

/// The receipt of a report whose own questions follow at once.
pub fn received(number: &str, promise: &str) -> String {
    format!("收到了，编号 {number}。{promise}")
}

/// To the reporter: who handles it.
pub fn reporter_assigned(label: &str, unit: &str, due: Option<Millis>, now: Millis) -> String {
    let due = due.map(|due| format!("，{}前给您回话", by(due, now))).unwrap_or_default();
    format!("您反映的事（{label}）交给{unit}办了{due}。")
}

/// To the reporter: it was not taken.
pub fn reporter_rejected(label: &str, reason: Rejection, note: Option<&str>) -> String {
    let note = note.map(|note| format!("\n受理员说：{note}")).unwrap_or_default();
    format!("您反映的事（{label}）我们这里办不了：{}\n{}{note}", reason.why, reason.go)
}

/// A question to the reporter.
pub fn question(label: &str, from: &str, question: &str) -> String {
    format!("关于您反映的事（{label}），{from}想问：\n{question}\n直接回就行，文字、语音、照片都可以。")
}

/// Words relayed to the reporter.
pub fn relay_to_reporter(label: &str, from: &str, text: &str) -> String {
    format!("关于您反映的事（{label}），{from}让我转告您：\n{text}\n要回话，直接回就行，我带过去。")
}

/// The reporter's addition was stored.
pub fn added(label: &str) -> String {
    format!("记下了，加到“{label}”里了。要说另一件事，回“反映”。")
}

/// To the reporter: a note the unit made public.
pub fn public_note(label: &str, unit: &str, text: &str) -> String {
    format!("您反映的事（{label}）有进展，{unit}说：\n{text}")
}

/// The result and the question, in one message.
pub fn result_to_reporter(label: &str, unit: &str, result: &str) -> String {
    format!("您反映的事（{label}）{unit}办了：\n{result}\n\n这件事解决了吗？")
}

/// Thanks after a rating.
pub fn rated(reopened: bool) -> &'static str {
    if reopened { "已经请他们再办一次，有结果再告诉您。" } else { "您说的我们都记下了。" }
}

/// Too late to reopen.
pub fn reopen_too_late() -> &'static str {
    "这件事归档已经超过 30 天了。要是又出了问题，请重新反映一次。"
}

/// Urged too soon.
pub fn urged_lately(next: Millis, now: Millis) -> String {
    format!("刚催过，他们已经知道了。{}以后可以再催。", in_words(next, now))
}

/// The reminder was passed on.
pub fn urge_passed_on(label: &str) -> String {
    format!("已经替您催了：{label}。")
}

/// A query code that is not known.
pub fn unknown_code() -> &'static str {
    "没有这个查询码，请再对一下数字。"
}

/// Too many wrong codes.
pub fn too_many_codes() -> &'static str {
    "查错的次数有点多，请过一个小时再试。"
}

/// Nothing reported.
pub fn nothing_mine() -> &'static str {
    "您现在没有在办的事。有事直接说就行。"
}

/// Why a report was not taken and where to go, by its code (`domain.md` 6.3).
#[derive(Debug, Clone, Copy)]
pub struct Rejection {
    /// In words.
    pub why: &'static str,
    /// The lawful way.
    pub go: &'static str,
}

/// The ten reasons.
pub fn rejection(code: &str) -> Option<Rejection> {
    let (why, go) = match code {
        "emergency" => ("这是急事，要马上找人。", "请直接打 110（报警）、119（火警）、120（急救）或 122（车祸）。"),
        "judicial" => ("这件事正在打官司、仲裁或者复议。", "请等法院、仲裁或复议机关的结果，有话跟他们说。"),
        "discipline" => ("这件事该由纪检监察管。", "请打 12388，或者找县纪委监委。"),
        "petition" => ("这件事信访正在办。", "请问县信访局办到哪一步了。"),
        "info_disclosure" => ("您要的是政府信息公开。", "请向那个单位申请信息公开。"),
        "secret" => ("里面有秘密或者别人的隐私，这里不能办。", "请当面找有关单位说。"),
        "unlawful" => ("这个要求不合法，帮不了您。", "有不明白的，可以打法律援助电话 12348。"),
        "not_local" => ("这不是本地管的事。", "请打当地的 12345。"),
        "repeat_final" => ("同一件事已经办完，有了结果。", "有新的情况，请把新的情况再说一次。"),
        "unclear" => ("事情没说清楚，也联系不上您。", "请再说一次：哪个村，出了什么事。"),
        _ => return None,
    };
    Some(Rejection { why, go })
}

/// Where a ticket stands, for whoever reported it.
pub fn state_for_reporter(state: State, unit: Option<&str>) -> String {
    let unit = unit.unwrap_or("单位");
    match state {
        State::Submitted => "收到了，正在看".to_owned(),
        State::NeedInfo => "等您补充一句".to_owned(),
        State::Accepted | State::SentBack | State::Disputed => "正在定由谁来办".to_owned(),
        State::Dispatched => format!("交给{unit}了"),
        State::Working => format!("{unit}正在办"),
        State::InReview => format!("{unit}办了，正在检查"),
        State::Callback => "办完了，等您评价".to_owned(),
        State::Closed => "办完了".to_owned(),
        State::Shelved => "要长期办，定了计划".to_owned(),
        State::Rejected => "没有受理".to_owned(),
        State::Cancelled => "您撤回了".to_owned(),
        State::Merged => "和别的反映一起办".to_owned(),
        State::HandedOver => "交给别的部门了".to_owned(),
    }
}
