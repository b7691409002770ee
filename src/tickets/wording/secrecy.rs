//! Sentences of sealed clues, 看身份, the list of looks, and what reporters give away of themselves.

use super::by;
use crate::{
    clock::{in_words, time_in_words},
    message::Millis,
    tickets::{Ticket, life::Verb},
};

/// The inspectors, as reporters are told of them.
pub const INSPECTION: &str = "纪检监察";

/// The inspectors, as people.
pub const INSPECTORS: &str = "纪检监察人员";

/// The title of every sealed clue: it says nothing of what it is about.
pub const TITLE: &str = "反映干部的事";

/// At the first question of a report.
pub fn way_for_cadres() -> &'static str {
    "\n反映干部作风、违纪，回“举报干部”（只有纪检监察人员能看到）。"
}

/// At the confirmation of a report whose words accuse somebody in office.
pub fn offer_for_cadres() -> &'static str {
    "这像是反映干部的事。只想让纪检监察人员看到，就回“举报干部”。\n"
}

/// At the confirmation when something will be hidden from the unit.
pub fn will_be_hidden() -> &'static str {
    "您写的电话、姓名这些，我会替您盖住，办事的单位看不到。\n"
}

/// The place in the reporter's own words, for intake alone.
pub fn place_as_said(words: &str) -> String {
    format!("（地点原话：{words}）")
}

/// What a sealed clue says.
pub fn account(about: &str, place: &str, what: &str) -> String {
    let mut text = if about.is_empty() { String::new() } else { format!("反映的是：{about}\n") };
    if !place.is_empty() {
        text.push_str(&format!("地点原话：{place}\n"));
    }
    text + what
}

/// Nobody here may read the clue.
pub fn go_outside() -> &'static str {
    "这件事，本地没有合适的纪检监察人员能看。我没有收，您说的我这里一句也没留。\n请直接打 12388，或者找上一级纪委（市纪委监委）。"
}

/// The receipt of a sealed clue.
pub fn receipt(number: &str, due: Option<Millis>, now: Millis, code: Option<&str>) -> String {
    let mut text = format!("收到了，编号 {number}。只有纪检监察人员看得到。");
    if let Some(due) = due {
        text.push_str(&format!("{}前给您回话。", by(due, now)));
    }
    text.push_str(&format!("\n请私聊我回“查 {number}”看办到哪了；在群里问，我不会说。"));
    if let Some(code) = code {
        let (left, right) = code.split_at(code.len() / 2);
        text.push_str(&format!(
            "\n查询码 {left} {right}，请记下来：回“查 {left}{right}”也能看。\n谁也不知道是您，办的进展照样发到这里。"
        ));
    }
    text
}

/// To the inspectors, in private: something new.
pub fn new_for_inspector(label: &str, seq: i64) -> String {
    format!("新的密封线索 {label}\n只有纪检监察人员看得到。看内容：查 J{seq}　受理：受理 J{seq}")
}

/// 受理 of a sealed clue was carried out.
pub fn accepted(label: &str, number: &str, due: Option<Millis>, now: Millis) -> String {
    let due = due.map(|due| format!("，{}前办结", by(due, now))).unwrap_or_default();
    format!(
        "已受理：{label}{due}\n不派给单位，由您办。记一笔：进展 {number} 内容；问反映人：追问 {number} 问题；办完：办结 {number} 结果"
    )
}

/// To the other inspectors.
pub fn taken_by_colleague(label: &str) -> String {
    format!("{label} 有同事受理了。")
}

/// To the reporter of a sealed clue.
pub fn accepted_for_reporter(label: &str, due: Option<Millis>, now: Millis) -> String {
    let due = due.map(|due| format!("，{}前给您回话", by(due, now))).unwrap_or_default();
    format!("您反映的事（{label}）纪检监察受理了{due}。")
}

/// After 办结 of a sealed clue.
pub fn result_told() -> &'static str {
    "结果告诉反映人了，请他评价"
}

/// A command that would show a sealed clue to others. To all but inspectors it reads as the state does.
pub fn not_on_sealed(ticket: &Ticket, verb: Verb, inspects: bool) -> String {
    let (number, word) = (ticket.short(), verb.chinese());
    if inspects {
        format!("{number} 是密封的线索，“{word}”会让别人知道，不能用。可以用：受理、追问、进展、转告、办结。")
    } else {
        format!("{number} 不归您{word}。")
    }
}

/// Words added to a sealed clue that name its readers.
pub fn not_added() -> &'static str {
    "这句话说到了看这件事的人自己，我没有记，也没有转。请直接打 12388，或者找上一级纪委（市纪委监委）。"
}

/// 撤销 of 移交 to the inspectors.
pub fn sealing_stays(number: &str) -> String {
    format!("{number} 已经交给纪检监察了，撤不回来。")
}

/// 移交 to the inspectors of a ticket that others are part of.
pub fn apart_first(number: &str) -> String {
    format!("{number} 里并着别的单，别的反映人也看得到。要移交纪检，请先把并进来的拆回。")
}

/// 更正 of a sealed clue's title.
pub fn title_stays(number: &str) -> String {
    format!("{number} 是密封的线索，标题不写事情，不能改。")
}

/// A result that was reported before the ticket was sealed.
pub fn result_before(result: &str) -> String {
    format!("（移交前的结果：{result}）")
}

/// A query code in a group.
pub fn code_in_private() -> &'static str {
    "查询码请私聊我用，别发在群里。"
}

/// 看身份 in a group.
pub fn reveal_in_private() -> &'static str {
    "看身份请私聊我说。"
}

/// 看身份 of whoever nobody can know.
pub fn nobody_can_know(number: &str, seq: impl std::fmt::Display) -> String {
    format!("{number} 是匿名反映的，谁也看不到是谁。有话用“转告 {seq} 内容”带给他。")
}

/// What is known of somebody who reported.
pub fn identity(name: Option<&str>, contact: Option<&str>, channel: &str, seq: impl std::fmt::Display) -> String {
    let mut known: Vec<String> = name.map(|name| format!("姓名 {name}")).into_iter().collect();
    known.extend(contact.map(|contact| format!("留的电话、姓名：{contact}")));
    if known.is_empty() {
        return format!("只知道是从{channel}来的，姓名和电话都没有。想知道是谁，用“转告 {seq} 内容”问问他愿不愿意说。");
    }
    known.push(format!("从{channel}来的"));
    known.join("，")
}

/// 看身份 was carried out.
pub fn revealed(label: &str, who: &[String]) -> String {
    format!("{label} 的反映人：\n{}\n这次查看记下了：纪检监察看得到，反映人问起来也会告诉他。请不要告诉别人。", who.join("\n"))
}

/// To the inspectors: somebody looked.
pub fn somebody_looked(by: &str, label: &str, reason: &str) -> String {
    format!("{by}看了 {label} 的反映人是谁，原因：{reason}")
}

/// To the reporter who asks: one look.
pub fn looked(role: &str, at: Millis, now: Millis, reason: &str) -> String {
    format!("{role}在{}看过您的身份，原因：{reason}", in_words(at, now))
}

/// To the reporter who asks, when nobody looked.
pub fn nobody_looked() -> &'static str {
    "没有人看过您的身份。"
}

/// 谁看过我的身份 in a group.
pub fn ask_in_private() -> &'static str {
    "这个请私聊我问。"
}

/// The looks at the tickets of one reporter.
pub fn looks_of(lines: &[String]) -> String {
    format!("看过您身份的有：\n{}", lines.join("\n"))
}

/// The heading of 查看记录.
pub fn looks_heading(count: usize) -> String {
    if count == 0 {
        "查看记录：没有看身份的，也没有不寻常的查看。".to_owned()
    } else {
        format!("查看记录 {count} 条，新的在前：")
    }
}

/// A moment in 查看记录.
pub fn moment(at: Millis, now: Millis) -> String {
    format!("{} {}", in_words(at, now), time_in_words(at))
}

/// Why a look-up is in the list.
pub fn unusual(who: &str, label: &str, why: crate::tickets::looks::Unusual) -> String {
    use crate::tickets::looks::Unusual::{Often, Outsider, Subject};
    match why {
        Subject => format!("{who}查了 {label}，反映的就是他们单位"),
        Outsider => format!("{who}查了 {label}，这件不归他办"),
        Often(times) => format!("{who}一天查了 {label} {times} 次"),
    }
}

/// The line that says for whom a sealed clue is.
pub fn only_inspectors() -> &'static str {
    "密封　只有反映人和纪检监察人员看得到"
}

/// 转告 to a unit where none has it.
pub fn no_unit_yet(number: &str) -> String {
    format!("{number} 还没有单位在办，没法转告单位。")
}

/// 转告 by a call-back clerk to somebody else than the reporter.
pub fn clerk_to_reporter(seq: i64) -> String {
    format!("回访时，话只能带给反映人。这样写：转告 {seq} 内容。")
}

/// 转告 to one's own side.
pub fn to_whom(seq: impl std::fmt::Display) -> String {
    format!("这话是给谁的？这样写：转告 {seq} 反映人 内容，或者：转告 {seq} 受理员 内容，转告 {seq} 单位 内容。")
}

/// Between intake and unit, fit for a group.
pub fn word_between(number: &str, from: &str) -> String {
    format!("{number} {from}有话，请私聊回“查 {number}”看。")
}

/// Between intake and unit, in private.
pub fn relay_between(label: &str, from: &str, text: &str, seq: impl std::fmt::Display, back: &str) -> String {
    format!("{label} {from}让我转告：\n{text}\n回话用“转告 {seq} {back} 内容”。")
}

/// Intake's words to a unit held what would lead to the reporter.
pub fn numbers_left_out() -> &'static str {
    "里面的电话、姓名没有带过去。"
}
