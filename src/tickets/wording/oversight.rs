//! Sentences of 督办, 催办 the third time, 查验, 销号, and of deputies: 上报, 我的小组, 找代表, 转建议.

use super::{by, reporter::receipt_tail};
use crate::{
    clock::in_words,
    message::Millis,
    tickets::{Mode, State, term::Wrong},
};

/// Somebody who is no longer in the files.
pub const SOMEBODY: &str = "已不在任的同志";

// 督办

/// A term that cannot be kept.
pub fn wrong_term(wrong: Wrong) -> &'static str {
    match wrong {
        Wrong::Past => "这个日期已经过去了，请写一个还没到的日子。比如：周五、3天。",
        Wrong::NoSuchDay => "没有这个日子，请再看看。比如：11月30日、周五、3天、3个工作日。",
        Wrong::TooLong => "期限太长了，最多一年。比如：11月30日、周五、3天。",
    }
}

/// An order without a demand.
pub fn demand_missing() -> &'static str {
    "请写明白要求怎么办，期限放在最后。比如：查清水费怎么收的 3天"
}

/// 督办 was issued.
pub fn supervised(label: &str, due: Millis, now: Millis) -> String {
    format!("已督办：{label}。{}前要书面回复，一有回复就告诉您。", by(due, now))
}

/// To the unit's leader, dispatchers, or whoever has it; fit for a group.
pub fn supervised_for_group(label: &str, seq: i64, due: Millis, now: Millis) -> String {
    format!("督办 {label}\n{}前书面回复。要求是什么，请私聊回“查 {seq}”看", by(due, now))
}

/// The same in private, with who and what; `seq` for the unit, which has to reply.
pub fn supervised_in_private(label: &str, who: &str, demand: &str, seq: Option<i64>, due: Millis, now: Millis) -> String {
    let how = seq.map(|seq| format!("：回复督办 {seq} 内容")).unwrap_or_default();
    format!("督办 {label}\n{who}要求：{demand}\n{}前书面回复{how}", by(due, now))
}

/// To the reporter: somebody watches over it.
pub fn reporter_supervised(label: &str, town: bool) -> String {
    let who = if town { "镇里" } else { "县里" };
    format!("您反映的事（{label}），{who}有人盯着了，要求他们抓紧办，写明白怎么办的。")
}

/// The reply was handed over.
pub fn order_answered(label: &str, open: usize) -> String {
    let more = if open > 0 { format!("还有 {open} 个督办没回复。") } else { String::new() };
    format!("回复交上去了：{label}。{more}")
}

/// To who ordered: the reply.
pub fn reply_to_order(label: &str, unit: &str, demand: &str, words: &str, seq: i64) -> String {
    format!("{label} 的督办有回复了。\n您要求：{demand}\n{unit}说：{words}\n看经过：查 {seq}")
}

/// In 查: an order.
pub fn line_order(who: &str, demand: &str, due: Millis, now: Millis) -> String {
    format!("督办　{who}：{demand}（{}前回复）", in_words(due, now))
}

/// In 查: its reply.
pub fn line_reply(words: &str) -> String {
    format!("回复　{words}")
}

// 催办 the third time

/// What a proposed order demands.
pub const PROPOSED_DEMAND: &str = "群众催了多次，请抓紧办，写明白怎么办的";

/// To dispatchers: urged again and again.
pub fn urged_often(label: &str, times: i64) -> String {
    format!("{label} 已经被催了 {times} 次，请问问办到哪一步了。")
}

/// To who may supervise: proposed, with the command.
pub fn supervision_proposed(label: &str, times: i64, seq: i64) -> String {
    format!("{label} 已经被催了 {times} 次，建议督办。要督办，回：\n督办 {seq} {PROPOSED_DEMAND}")
}

// 查验

/// The group that is nearest to a ticket.
pub const NEAREST_GROUP: &str = "最近的小组";

/// A name that no deputy or group there has.
pub fn unknown_checker(said: &str) -> String {
    format!("这件事的地方没有叫“{said}”的代表或小组，或者他办过这件事，不能请他看。")
}

/// Asked already.
pub fn asked_already(label: &str, who: &str) -> String {
    format!("{label} 已经请{who}去看了，还没有回音。")
}

/// 请查验 was passed on.
pub fn check_asked(label: &str, who: &str) -> String {
    format!("已请{who}去现场看：{label}。看了就告诉您。")
}

/// To a group: somebody is to look; fit for a group.
pub fn check_for_group(label: &str, by: &str, seq: i64) -> String {
    format!("请去现场看看 {label}\n{by}请的。内容请私聊回“查 {seq}”；看过回“查验 {seq} 已整改”或“查验 {seq} 未整改”，带张照片")
}

/// To a deputy in private.
pub fn check_in_private(label: &str, by: &str, place: &str, result: &str, seq: i64) -> String {
    format!(
        "{by}请您去现场看看：\n{label}\n地点　{place}\n{result}\n看过以后拍张照片，和这句话一起发给我：查验 {seq} 已整改；没改好就发：查验 {seq} 未整改"
    )
}

/// In 查: a check that waits.
pub fn line_check(who: &str) -> String {
    format!("查验　请{who}去现场看，还没看")
}

/// In 查: seen on the spot.
pub fn line_verified(day: &str) -> String {
    format!("查验　{day}现场看过，已整改")
}

/// In 查: off the list.
pub fn line_struck_off(day: &str) -> String {
    format!("销号　{day}")
}

/// Whoever handled it does not judge it.
pub fn handled_it(number: &str) -> String {
    format!("{number} 您自己办过，不能由您来查验，请别的代表去看。")
}

/// 未整改 without a word or a picture.
pub fn say_what_is_wrong(seq: i64) -> String {
    format!("没整改的，请写一句哪里没改好，或者发张照片。比如：查验 {seq} 未整改 井还在抽")
}

/// 查验 was stored.
pub fn verified(label: &str, rectified: bool, struck_off: bool) -> String {
    match (rectified, struck_off) {
        (true, true) => format!("记下了：{label}，现场已整改。中心也通过了，这件事销号了。"),
        (true, false) => format!("记下了：{label}，现场已整改。等中心通过结果就销号。"),
        (false, _) => format!("记下了：{label}，现场未整改，已经退回去再办。"),
    }
}

/// After 通过, when a deputy had been there before.
pub fn struck_off_too() -> &'static str {
    "代表到现场看过了，这件事销号了。"
}

/// To staff: it was seen that it is put right. `words` is empty in a group.
pub fn seen_rectified(label: &str, by: &str, words: &str) -> String {
    format!("{label} {by}到现场看过，已整改。{}", said(words))
}

/// To the unit: it was seen that it is not.
pub fn seen_not_rectified(label: &str, who: &str, words: &str, due: Option<Millis>, now: Millis) -> String {
    let due = due.map(|due| format!("\n{}前办结", by(due, now))).unwrap_or_default();
    format!("{label} {who}到现场看过，未整改，退回重办。{}{due}", said(words))
}

/// To the congress staff: the same, with what can be done.
pub fn not_rectified_for_staff(label: &str, by: &str, words: &str, seq: i64) -> String {
    format!("{label} {by}到现场看过，未整改，已退回重办。{}\n要督办，回：督办 {seq} 要求 期限", said(words))
}

fn said(words: &str) -> String {
    match words {
        "" => String::new(),
        // Only pictures came.
        files if files.starts_with('（') => format!("\n{files}"),
        words => format!("\n他说：{words}"),
    }
}

/// To the reporter, who was told before that it is done.
pub fn reporter_not_rectified(label: &str, due: Option<Millis>, now: Millis) -> String {
    let due = due.map(|due| format!("，{}前再给您回话", by(due, now))).unwrap_or_default();
    format!("您反映的事（{label}），代表到现场看了，还没办好，已经请他们再办{due}。")
}

// 找代表, 上报, 办结 by a deputy

/// The centre, where no deputy is chosen.
pub const CENTRE: &str = "受理中心";

/// A deputy among the choices.
pub fn deputy_choice(name: &str, group: Option<&str>) -> String {
    group.map_or_else(|| name.to_owned(), |group| format!("{name}（{group}）"))
}

/// A station among the choices.
pub fn station_choice(name: &str) -> String {
    format!("代表联络站（{name}）")
}

/// The centre among the choices.
pub fn centre_choice() -> &'static str {
    "不挑了，直接交给受理中心"
}

/// The receipt's promise, where a deputy hears first.
pub fn given_promise(name: &str, due: Option<Millis>, now: Millis, mode: Mode, code: Option<&str>) -> String {
    let due = due.map(|due| format!("{}前没处理，就自动转给受理中心。", by(due, now))).unwrap_or_default();
    format!("已经告诉{name}了。{due}{}", receipt_tail(mode, code))
}

/// To the chosen deputy.
pub fn brought_to_you(label: &str, text: &str, seq: i64, due: Option<Millis>, now: Millis) -> String {
    let due = due.map(|due| format!("\n{}前没有处理，就自动转给受理中心。", by(due, now))).unwrap_or_default();
    format!(
        "有群众找您反映一件事：\n{label}\n{text}\n当场解决了：办结 {seq} 结果\n想问他、想告诉他：转告 {seq} 内容\n要有关部门办：上报 {seq}{due}"
    )
}

/// In 查: who has it.
pub fn line_given(name: &str) -> String {
    format!("代表　群众找的是{name}，他先看")
}

/// 上报 was carried out.
pub fn forwarded(label: &str) -> String {
    format!("已交给受理中心：{label}。办到哪一步都能“查”。")
}

/// To the reporter: the deputy handed it on.
pub fn reporter_forwarded(label: &str, name: &str, due: Option<Millis>, now: Millis) -> String {
    let due = due.map(|due| format!("{}前告诉您由谁来办。", by(due, now))).unwrap_or_default();
    format!("您反映的事（{label}），{name}已经交给受理中心了。{due}")
}

/// The deputy settled it.
pub fn settled(label: &str) -> String {
    format!("已办结：{label}。结果告诉反映人了，请他评价。")
}

/// To intake: a matter that a deputy had settled comes back.
pub fn back_to_centre(label: &str, seq: i64) -> String {
    format!("{label} 代表办过，反映人说还没办好，请受理：受理 {seq}")
}

/// The words of a group's lead to the unit.
pub fn relay_from_lead(label: &str, lead: &str, words: &str, seq: i64) -> String {
    format!("{label} {lead}（代表组长）让我转告：\n{words}\n回话用“转告 {seq} 内容”。")
}

// 我的小组

/// A deputy without a group.
pub fn no_group() -> &'static str {
    "您还没有编到代表小组里。"
}

/// Matters that citizens brought to this deputy.
pub fn waiting_for_you(labels: &[String]) -> String {
    format!("群众找您的 {} 件，等您看：\n{}\n办好了：办结 编号 结果；要部门办：上报 编号", labels.len(), bulleted(labels))
}

/// Checks that wait.
pub fn checks_wait(labels: &[String]) -> String {
    format!("等着去现场看的 {} 件：\n{}\n看过回“查验 编号 已整改”或“查验 编号 未整改”，带张照片", labels.len(), bulleted(labels))
}

/// A group: who is in it, and what is open there.
pub fn group(name: &str, lead: Option<&str>, members: &[&str], counts: &[(State, i64)], oldest: &[String]) -> String {
    let mut lines = vec![name.to_owned()];
    lines.extend(lead.map(|lead| format!("组长　{lead}")));
    let others: Vec<&str> = members.iter().copied().filter(|member| Some(*member) != lead).collect();
    if !others.is_empty() {
        lines.push(format!("组员　{}", others.join("、")));
    }
    let all: i64 = counts.iter().map(|(_, count)| count).sum();
    if all == 0 {
        lines.push("这里没有还没办完的事。".to_owned());
    } else {
        let each: Vec<String> = counts.iter().map(|(state, count)| format!("{state} {count}")).collect();
        lines.push(format!("还没办完 {all} 件：{}", each.join("，")));
        lines.push(format!("最早的：\n{}", bulleted(oldest)));
    }
    lines.join("\n")
}

/// A line with its state.
pub fn with_state(label: &str, state: State) -> String {
    format!("{label}（{state}）")
}

/// For the lead of a group.
pub fn lead_may_ask() -> &'static str {
    "办完的要请组员去现场看，回：请查验 编号 名字"
}

fn bulleted(lines: &[String]) -> String {
    lines.iter().map(|line| format!("· {line}")).collect::<Vec<_>>().join("\n")
}

// 代录

/// The end of a batch.
pub fn batch_over() -> &'static str {
    "好，都记下了。回“我的”可以随时看。"
}
