//! Sentences to those who work on a ticket: intake, dispatchers, units.

use super::{by, with_media};
use crate::{
    clock::{in_words, time_in_words},
    message::Millis,
    tickets::{Mode, Priority, State, Ticket},
};

/// 改派 to the unit that has it.
pub fn there_already(number: &str, unit: &str) -> String {
    format!("{number} 本来就在{unit}。")
}

/// Who sends a result back.
pub fn who_judges(leader: bool) -> &'static str {
    if leader { "单位负责人" } else { "派单员" }
}

/// In a group, in place of a reason.
pub fn reason_in_private() -> &'static str {
    "请私聊看原因"
}

/// Who urges.
pub fn who_urges(reporter: bool) -> &'static str {
    if reporter { "反映人" } else { "派单员或代表" }
}

/// 查 in a group.
pub fn rest_in_private(label: &str, state: State) -> String {
    format!("{label} {state}（内容私聊发您了）")
}

/// 办结 of a question: its answer needs no review.
pub fn answer_passed_on() -> &'static str {
    "咨询不用审核，答复已经发给反映人了"
}

/// 转办 to somebody outside the unit.
pub fn only_colleagues() -> &'static str {
    "只能转给本单位的人。"
}

/// 办结 of several at once.
pub fn finish_one_by_one() -> &'static str {
    "办结要一件一件来。"
}

/// How many files came.
pub fn files(count: usize) -> String {
    format!("照片等 {count} 个")
}

/// To intake: something new. In a group only number, township and field, and that it is urgent.
pub fn new_for_intake(number: &str, scope: &str, urgent: bool) -> String {
    let urgent = if urgent { "【特急】" } else { "" };
    format!("{urgent}新线索 {number}　{scope}")
}

/// To intake in private: something new, with its text and how to go on.
pub fn new_for_intake_private(label: &str, text: &str, ticket: &Ticket, proposal: Option<(&str, &str)>) -> String {
    let seq = ticket.seq;
    let urgent = if ticket.priority == Priority::Urgent { "【特急】" } else { "" };
    let next = match proposal {
        Some((unit, reason)) => format!("受理：受理 {seq}　直接派：派单 {seq} {unit}（{reason}）"),
        None => format!("受理：受理 {seq}　直接派：派单 {seq} 单位"),
    };
    format!("{urgent}新线索 {label}\n{text}\n{next}")
}

/// To dispatchers: one more to assign.
pub fn new_for_dispatch(label: &str, seq: i64, proposal: Option<(&str, &str)>) -> String {
    match proposal {
        Some((unit, reason)) => format!("待派 {label}\n建议 {unit}（{reason}）：派单 {seq} {unit}，或回“照派 {seq}”"),
        None => format!("待派 {label}\n请选单位：派单 {seq} 单位"),
    }
}

/// 进展 was written down.
pub fn noted(label: &str, open: bool) -> String {
    if open { format!("记下了，也发给反映人了：{label}") } else { format!("记下了：{label}") }
}

/// 转办 was carried out.
pub fn given_to(label: &str, name: &str) -> String {
    format!("已转给{name}：{label}")
}

/// 派单 was carried out.
pub fn assigned(label: &str, unit: &str, due: Option<Millis>, now: Millis) -> String {
    let due = due.map(|due| format!("，{}前办结", by(due, now))).unwrap_or_default();
    format!("已派单：{label} → {unit}{due}")
}

/// 改派 was carried out.
pub fn redispatched(label: &str, unit: &str, due: Option<Millis>, now: Millis) -> String {
    let due = due.map(|due| format!("，{}前办结", by(due, now))).unwrap_or_default();
    format!("已改派：{label} → {unit}{due}")
}

/// To the new unit, fit for its group.
pub fn new_for_unit(number: &str, scope: &str, due: Option<Millis>, now: Millis) -> String {
    let due = due.map(|due| format!("\n{}前办结", by(due, now))).unwrap_or_default();
    format!("新工单 {number}\n{scope}{due}\n回“签收 {number}”；不归本单位回“退单 {number}”；内容请私聊回“查 {number}”")
}

/// To the unit that no longer has it.
pub fn taken_away(number: &str, unit: &str) -> String {
    format!("{number} 改由{unit}办，您这边不用管了。")
}

/// The question was passed on.
pub fn asked(label: &str) -> String {
    format!("已追问：{label}。反映人一回就告诉您。")
}

/// Words relayed to the unit or intake, in private.
pub fn relay_to_staff(label: &str, text: &str, seq: impl std::fmt::Display) -> String {
    format!("{label} 的反映人让我转告：\n{text}\n回话用“转告 {seq} 内容”。")
}

/// Something came from the reporter, fit for a group.
pub fn word_from_reporter(number: &str) -> String {
    format!("{number} 的反映人有新的话，请私聊回“查 {number}”看。")
}

/// An addition by the reporter, in private.
pub fn added_to_staff(label: &str, text: &str, media: usize) -> String {
    format!("{label} 的反映人补充：\n{}", with_media(text, media))
}

/// After 签收: what is due next.
pub fn signed_hint(ticket: &Ticket, now: Millis) -> String {
    let contact = ticket
        .contact_due
        .map(|due| match due > now {
            true => format!("请在{} {}前联系反映人", in_words(due, now), time_in_words(due)),
            false => "请现在就联系反映人".to_owned(),
        })
        .unwrap_or_default();
    match ticket.mode {
        Mode::RealName => format!("{contact}，联系了回“联系 {}”", ticket.seq),
        Mode::Confidential | Mode::Anonymous => format!("{contact}（{}，用“转告 {} 内容”）", ticket.mode.chinese(), ticket.seq),
    }
}

/// To dispatchers: sent back.
pub fn sent_back(label: &str, unit: &str, reason: &str, proposed: Option<&str>, seq: i64) -> String {
    let to = match proposed {
        Some(other) => format!("建议给{other}：派单 {seq} {other}"),
        None => format!("该给谁没说：派单 {seq} 单位"),
    };
    format!("退单 {label}\n{unit}说：{reason}\n{to}")
}

/// 退单 too late.
pub fn send_back_too_late() -> &'static str {
    "派单已经过了两个工作日，不能退单了。确实不归本单位，请派单员“改派”。"
}

/// 不予受理 etc. twice asked.
pub fn asked_enough() -> &'static str {
    "这件事已经追问过两次了，请按现有的情况决定受理还是不受理。"
}

/// The first contact that counts comes through the bot.
pub fn contact_through_bot(seq: impl std::fmt::Display) -> String {
    format!("反映人没有公开身份，请用“转告 {seq} 内容”或“追问 {seq} 问题”联系，送到了就算联系过。")
}

/// 联系 was recorded.
pub fn contacted(label: &str) -> String {
    format!("记下了：已联系 {label} 的反映人。")
}

/// To a colleague: yours now.
pub fn given(label: &str, by: &str) -> String {
    format!("{by}把 {label} 转给您办。")
}

/// To the unit's leader: a result to sign off.
pub fn to_sign_off(number: &str, seq: i64) -> String {
    format!("{number} 报了办结，请负责人审核：审核 {seq}；不行就回“退回重办 {seq} 原因”。")
}

/// To the dispatcher: a result to pass.
pub fn to_pass(number: &str, seq: i64) -> String {
    format!("{number} 单位已审核，请看结果：通过 {seq}；不行就回“退回重办 {seq} 原因”。")
}

/// A result with its verdict, in private.
pub fn result_private(head: &str, label: &str, result: &str) -> String {
    format!("{head}\n{label}\n{result}")
}

/// 通过 before the unit's own sign-off.
pub fn sign_off_first(label: &str) -> String {
    format!("{label} 还没有经过单位负责人审核，请先请他“审核”。")
}

/// To handler and liaison: once more.
pub fn redo(label: &str, by: &str, reason: &str) -> String {
    format!("{label} 退回重办，{by}说：{reason}\n期限接着原来的算。")
}

/// To the unit: once more, and who wants it.
pub fn reopened(label: &str, who: &str, reason: &str, due: Option<Millis>, now: Millis) -> String {
    let due = due.map(|due| format!("\n{}前办结", by(due, now))).unwrap_or_default();
    let reason = if reason.is_empty() { String::new() } else { format!("\n{who}说：{reason}") };
    format!("{label} 要重办{reason}{due}")
}

/// To staff: taken back by the reporter.
pub fn withdrawn(number: &str) -> String {
    format!("{number} 的反映人撤回了，不用办了。")
}

/// To whoever has it: hurry.
pub fn urged(number: &str, who: &str, state: State) -> String {
    format!("{number} 被{who}催了，现在是“{state}”，请抓紧。")
}

/// Free words in a group, which only hears commands.
pub fn in_group_only_commands() -> &'static str {
    "我在群里只认命令，比如“签收 7”。要反映事情，@我 说“反映”；别的请私聊。"
}

/// Result text too short.
pub fn result_too_short(with_photo: bool) -> &'static str {
    if with_photo {
        "结果再写清楚一点，至少 10 个字。"
    } else {
        "结果再写清楚一点，至少 20 个字；有照片的话 10 个字就行。"
    }
}

/// The field demands a picture.
pub fn photo_needed() -> &'static str {
    "这类事办结要有照片，请把现场照片一起发来。"
}

/// A unit that nobody speaks for yet.
pub fn nobody_there() -> &'static str {
    "\n（这个单位还没有人接上民呼，收不到通知，请打个电话告诉他们。）"
}

/// The reasons of 退单 and 改派 in words.
pub fn unit_reason(code: &str) -> &'static str {
    match code {
        "not_our_duty" => "不是本单位职责",
        "not_our_area" => "不在辖区",
        "duplicate" => "已有同一件在办",
        "several_units" => "要几家一起办",
        "not_its_duty" => "不是原单位的职责",
        "wrong_area" => "不在原单位的辖区",
        "found_other" => "查清了，该别的单位管",
        "too_slow" => "原单位一直没办",
        _ => "别的原因",
    }
}

/// The line that says who reported, for somebody who may see the ticket in private.
pub fn reporter_line(mode: Mode, name_and_phone: Option<&str>, seq: impl std::fmt::Display) -> String {
    match (mode, name_and_phone) {
        (Mode::RealName, Some(who)) => format!("反映人　{who}（实名）"),
        (Mode::RealName, None) => format!("反映人　实名，没留电话，用“转告 {seq} 内容”联系"),
        (Mode::Confidential, _) => format!("反映人　保密，用“转告 {seq} 内容”联系"),
        (Mode::Anonymous, _) => format!("反映人　匿名，用“转告 {seq} 内容”联系"),
    }
}

/// In place of that line for somebody who may read the ticket but not who reported it by name.
pub fn reporter_known_to_unit() -> &'static str {
    "反映人　实名（只有受理员和承办单位看得到是谁）"
}

/// A channel's quota runs low.
pub fn quota_low(channel: &str, used: i64, limit: i64) -> String {
    format!("通道“{channel}”这个月已用 {used} 次调用，一共 {limit} 次，快不够了。")
}

/// Who received it first, where somebody else has it now.
pub fn first_receiver(unit: &str) -> String {
    format!("首接　{unit}")
}
