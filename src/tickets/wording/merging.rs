//! Sentences of 并单, 拆回, 拆单, 更正, 撤销.

use super::by;
use crate::{message::Millis, tickets::State};

/// 更正 to what it is already.
pub fn same_as_before(number: &str, what: &str, value: &str) -> String {
    format!("{number} 的{what}本来就是“{value}”。")
}

/// What 更正 changed, for the history.
pub fn changed(what: &str, old: &str, new: &str) -> String {
    format!("{what} {old} → {new}")
}

/// After 更正: what was changed, and the new date if there is one.
pub fn fixed(what: &str, due: Option<Millis>, now: Millis) -> String {
    match due {
        Some(due) if due <= now => format!("{what}，按新的级别已经到期"),
        Some(due) => format!("{what}，期限改为{}前", by(due, now)),
        None => what.to_owned(),
    }
}

/// To the reporter: the date that was promised has changed.
pub fn promise_changed(label: &str, old: Option<&str>, due: Option<Millis>, now: Millis) -> String {
    let old = old.map(|old| format!("（原来说的是{}）", old.trim_end())).unwrap_or_default();
    match due {
        Some(due) if due > now => format!("您反映的事（{label}），改成{}前给您回音{old}。", by(due, now)),
        Some(_) | None => format!("您反映的事（{label}）改成急件了，会尽快给您回音{old}。"),
    }
}

/// Several short numbers.
pub fn numbers(all: &[String]) -> String {
    all.join("、")
}

/// 并单 into one that is not as far: which is ahead and which should not lead, by short number and sequence.
pub fn other_way_round(ahead: (&str, i64), leader: (&str, i64)) -> String {
    format!("{} 已经交给单位了，{} 还没有。请反过来并：并单 {} {}", ahead.0, leader.0, leader.1, ahead.1)
}

/// 并单 of a ticket with itself.
pub fn into_itself(number: &str) -> String {
    format!("{number} 不能并到它自己。请写两个不一样的编号，最后一个是主单。")
}

/// 并单 of what only inspectors see.
pub fn sealed_stays_alone(number: &str) -> String {
    format!("{number} 只有纪检看得到，不能和别的并在一起。")
}

/// After 并单.
pub fn merged(numbers: &str, leader: &str, seq: i64) -> String {
    format!("已并单：{numbers} 并到 {leader}。并错了，30 天内回“拆回 {seq}”。")
}

/// When something is heard at the latest, where there is such a date.
fn hear_by(due: Option<Millis>, now: Millis) -> String {
    due.filter(|due| *due > now).map(|due| format!("，{}前给您回音", by(due, now))).unwrap_or_default()
}

/// To the reporter of a merged ticket.
pub fn merged_for_reporter(label: &str, leader: &str, state: &str, due: Option<Millis>, now: Millis) -> String {
    let due = hear_by(due, now);
    format!("您反映的事（{label}），别人也反映了，和 {leader} 一起办。\n现在：{state}{due}。\n办的情况照样告诉您。")
}

/// To the unit of a merged ticket.
pub fn merged_for_unit(label: &str, leader: &str, unit: Option<&str>) -> String {
    match unit {
        Some(unit) => format!("{label} 和 {leader} 一起办了，由{unit}办，您这边不用管了。"),
        None => format!("{label} 和 {leader} 一起办，不用单独办了。"),
    }
}

/// Before what the reporter of a merged ticket is told about the leading one.
pub fn with_leader(own: i64, leader: i64, text: &str) -> String {
    format!("您反映的 {own:04} 和 {leader:04} 一起办。\n{text}")
}

/// 拆回 too late.
pub fn apart_too_late(number: &str) -> String {
    format!("{number} 并单超过 30 天了，不能拆回。")
}

/// 拆回 of what 拆单 made and 撤销 put back.
pub fn never_apart(number: &str) -> String {
    format!("{number} 是撤销拆单时放回去的，不能拆回。要分开办，请再“拆单”一次。")
}

/// To the reporter after 拆回.
pub fn apart_for_reporter(label: &str, leader: &str, state: &str, due: Option<Millis>, now: Millis) -> String {
    let due = hear_by(due, now);
    format!("您反映的事（{label}）和 {leader} 分开了，单独办。\n现在：{state}{due}。")
}

/// To whoever has a ticket again after 拆回.
pub fn apart_for_staff(label: &str, leader: &str, state: State, due: Option<Millis>, now: Millis) -> String {
    let due = match due {
        Some(due) if due <= now => format!("，{}就到期了", by(due, now).trim_end()),
        Some(due) => format!("，{}前", by(due, now).trim_end()),
        None => String::new(),
    };
    format!("{label} 和 {leader} 分开了，接着办。现在是“{state}”{due}。")
}

/// The state, after what was done.
pub fn state_now(state: State) -> String {
    format!("现在是“{state}”")
}

/// 撤回 where others reported the same.
pub fn others_reported(number: &str) -> String {
    format!("{number} 还有别人反映，正在一起办，撤不了。不想管了，放着就行。")
}

/// After 撤回 of a merged ticket.
pub fn others_go_on() -> &'static str {
    "别人反映的还接着办，不再告诉您了"
}

/// To whoever has the leading ticket.
pub fn withdrawn_from(number: &str, leader: &str) -> String {
    format!("{leader}：一起办的 {number} 反映人撤回了，这件照样办。")
}

/// For the reporter of a merged ticket: with which one, and how far it is.
pub fn together_with(leader: &str, state: &str) -> String {
    format!("和 {leader} 一起办：{state}")
}

/// For staff: a ticket that is merged into this one.
pub fn led(label: &str) -> String {
    format!("并入　{label}")
}

/// For staff: the leading ticket.
pub fn led_by(leader: &str) -> String {
    format!("主单　{leader}")
}

/// What 拆单 needs.
pub fn matters_wanted() -> String {
    "请一行写一件事，两件到九件，每件至少两个字。".to_owned()
}

/// For the history of a part.
pub fn part_of(whole: &str) -> String {
    format!("从 {whole} 拆出来")
}

/// One of several, with the query code where there is one.
pub fn part_line(label: &str, code: Option<&str>) -> String {
    match code {
        Some(code) => format!("{label}（查询码 {code}）"),
        None => label.to_owned(),
    }
}

/// To the reporter after 拆单.
pub fn split_for_reporter(number: &str, lines: &[String]) -> String {
    format!("您反映的 {number} 里有 {} 件事，分开办：\n{}\n每件办得怎么样，都会告诉您。", lines.len(), lines.join("\n"))
}

/// After 拆单.
pub fn split(lines: &[String], state: State) -> String {
    format!("已拆单，分成 {} 件，新的现在是“{state}”：\n{}", lines.len(), lines.join("\n"))
}

/// 撤销 without a command of the last ten minutes.
pub fn nothing_to_undo() -> &'static str {
    "没有可以撤销的：只能撤销自己十分钟里刚办的事。"
}

/// 撤销 twice.
pub fn undone_already() -> &'static str {
    "刚才那一步已经撤销了。要再办，请重新说一次。"
}

/// 撤销 of 看身份.
pub fn a_look_stays() -> &'static str {
    "看过身份是撤不了的，记录会留着。"
}

/// 并单 of what is about a unit into what is not.
pub fn about_a_unit(number: &str, leader: &str) -> String {
    format!("{number} 反映的是单位自己的事，{leader} 不是，不能并到一起，请分开办。")
}

/// 撤销 of 停用 and 换联络员, which handed tickets over.
pub fn handing_over_stays() -> &'static str {
    "停用、换人时交接的工单撤不回去。要换人办，请单位联络员回“转办 号数 人”。"
}

/// 撤销 of 转建议 when the proposal has gone on.
pub fn proposal_filed() -> &'static str {
    "建议已经提交了，撤不了。"
}

/// Whoever did something, for staff.
pub fn who(role: &str, name: Option<&str>) -> String {
    match (role, name) {
        (_, Some(name)) => name.to_owned(),
        ("reporter", None) => "反映人".to_owned(),
        ("clock" | "itself", None) => "系统".to_owned(),
        (_, None) => "别人".to_owned(),
    }
}

/// 撤销 after somebody acted.
pub fn acted_since(label: &str, who: &str, what: &str) -> String {
    format!("{label} 后来{who}已经“{what}”了，撤不了。什么都没有改。")
}

/// After 撤销, a line for each ticket.
pub fn undone(label: &str, what: &str, state: State) -> String {
    format!("已撤销“{what}”：{label}，现在是“{state}”")
}

/// To staff who were told of what was taken back.
pub fn corrected(label: &str, what: &str, state: State) -> String {
    format!("更正：{label} 刚才的“{what}”不算了，现在是“{state}”。")
}

/// To a reporter who was told of what was taken back.
pub fn corrected_for_reporter(label: &str, state: &str, due: Option<Millis>, now: Millis) -> String {
    let due = hear_by(due, now);
    format!("更正：刚才跟您说的（{label}）不算数，是我们弄错了。\n现在：{state}{due}。")
}
