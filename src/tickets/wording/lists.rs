//! Sentences of working lists, of 照派 and 全签, of pictures after 办结, and of 试派.

use crate::tickets::{Kind, Priority};

/// Heading of a working list; `words` narrow it.
pub fn list_heading(name: &str, words: &str, count: usize, more: bool) -> String {
    let more = if more { " 多" } else { "" };
    match (count, words) {
        (0, "") => format!("{name}：没有了。"),
        (0, words) => format!("{name}：没有跟“{words}”有关的。"),
        (_, "") => format!("{name} {count}{more} 件"),
        (_, words) => format!("{name}（{words}）{count}{more} 件"),
    }
}

/// A line of a working list.
pub fn list_line(label: &str, marks: &[String], proposal: Option<(&str, &str)>) -> String {
    let marks = if marks.is_empty() { String::new() } else { format!("【{}】", marks.join("，")) };
    match proposal {
        Some((unit, reason)) => format!("{label}{marks} → {unit}（{reason}）"),
        None => format!("{label}{marks}"),
    }
}

/// A line of the list to assign without a proposal.
pub fn list_line_open(label: &str, marks: &[String]) -> String {
    format!("{} → ？请选单位", list_line(label, marks, None))
}

/// What is remarkable about a ticket in a list.
pub fn mark_due_today() -> String {
    "今天到期".to_owned()
}

/// Past its time.
pub fn mark_overdue() -> String {
    "过期了".to_owned()
}

/// A unit sent it back.
pub fn mark_sent_back() -> String {
    "退回来的".to_owned()
}

/// Not the first time.
pub fn mark_again() -> String {
    "重办".to_owned()
}

/// Somebody above waits for an answer.
pub fn mark_supervised() -> String {
    "督办".to_owned()
}

/// How often it was urged.
pub fn mark_urged(times: i64) -> String {
    format!("催过 {times} 次")
}

/// Lists of a centre or unit are shown in private.
pub fn list_in_private() -> &'static str {
    "清单私聊发给您了。"
}

/// How to go on below the list to assign.
pub fn list_hint_assign(any: bool, open: Option<i64>) -> String {
    let mut hints = Vec::new();
    if any {
        hints.push("都对就回“照派”".to_owned());
    }
    if let Some(seq) = open {
        hints.push(format!("选单位：派单 {seq} 单位"));
    }
    hints.join("；")
}

/// Below the list of results: how to agree to those that this person may agree to.
pub fn list_hint_review(sign_off: bool, pass: bool) -> &'static str {
    match (sign_off, pass) {
        (true, true) => "单位同意回“审核 编号”，中心同意回“通过 编号”，几件可以一起写",
        (true, false) => "同意就回“审核 编号”，几件可以一起写；不行回“退回重办 编号 原因”",
        (false, true) => "同意就回“通过 编号”，几件可以一起写；不行回“退回重办 编号 原因”",
        (false, false) => "",
    }
}

/// Below the list to sign, when it has several.
pub fn list_hint_sign() -> &'static str {
    "都收下就回“全签”"
}

/// The rest of a long list.
pub fn list_more(left: usize) -> String {
    format!("还有 {left} 件，回“更多”")
}

/// 更多 when everything was shown.
pub fn list_all_shown(name: &str) -> String {
    format!("“{name}”都列完了。")
}

/// 照派 without a list.
pub fn nothing_listed() -> &'static str {
    "还没有列过建议。先回“待派”看看。"
}

/// 照派 of a list that proposes nothing.
pub fn nothing_proposed() -> &'static str {
    "刚才列的都没有建议，请写单位，比如“派单 7 住建局”。"
}

/// Words behind 照派 on its own line.
pub fn lines_below(words: &str) -> String {
    format!("“{words}”没看懂，还没有派。“照派”后面只写编号；哪件要换单位，另起一行写编号和单位，比如“7 住建局”。")
}

/// A line under 照派 that names no ticket or no unit.
pub fn bad_line(line: &str) -> String {
    format!("“{line}”这一行没看懂，还没有派。请写编号和单位，比如“7 住建局”，再发一次。")
}

/// One ticket stands in two lines under 照派.
pub fn named_twice(number: &str) -> String {
    format!("{number} 写了两个单位，还没有派。请留一个，再发一次。")
}

/// The number stands for several tickets of the list.
pub fn which_day(number: &str, numbers: &[String]) -> String {
    format!("{number} 有几件，请写清楚是哪一件：{}", numbers.join("、"))
}

/// A unit's name that was not understood: the ticket stays.
pub fn unit_unclear(number: &str, words: &str, may_be: &[&str]) -> String {
    match may_be {
        [] => format!("{number} 没有派：没有“{words}”这个单位。"),
        units => format!("{number} 没有派：“{words}”是不是{}？", units.join("、")),
    }
}

/// A ticket for which nothing is proposed.
pub fn no_proposal(number: &str, seq: i64) -> String {
    format!("{number} 没有建议，请写单位：派单 {seq} 单位")
}

/// 照派 leaves out a ticket whose words name the unit: that is asked about first.
pub fn assign_alone(number: &str, seq: i64, unit: &str) -> String {
    format!("{number} 内容提到{unit}，先看看它是不是被反映的对象，再单独派：派单 {seq} {unit}")
}

/// Pictures were put to a result.
pub fn photos_added(label: &str, count: usize) -> String {
    format!("放好了，{label}，照片等 {count} 个。")
}

/// Pictures that do not belong to the result.
pub fn photos_left() -> &'static str {
    "好，没放进去。"
}

/// The event that pictures were put to a result.
pub fn photos_event(words: &str, count: usize) -> String {
    if words.is_empty() { format!("补了照片等 {count} 个") } else { format!("{words}（补了照片等 {count} 个）") }
}

/// The result has gone on too far for more pictures.
pub fn photos_too_late(number: &str, state: &str) -> String {
    format!("{number} 现在是“{state}”，放不进去了。要紧的话，请跟派单员说。")
}

/// What the rules make of words.
#[derive(Debug)]
pub struct Trial<'a> {
    /// The field's name.
    pub field: Option<&'a str>,
    /// What kind of ticket.
    pub kind: Kind,
    /// How urgent.
    pub priority: Priority,
    /// The places that the words may mean; one when it is sure.
    pub places: Vec<String>,
    /// The unit proposed, and why.
    pub unit: Option<(&'a str, &'a str)>,
    /// Units that the words name.
    pub named: Vec<&'a str>,
}

/// 试派.
pub fn trial(found: &Trial<'_>) -> String {
    let place = match &found.places[..] {
        [] => "没认出地方".to_owned(),
        [one] => one.clone(),
        several => format!("有几个，会问：{}", several.join("、")),
    };
    let priority = match found.priority {
        Priority::Normal => found.priority.chinese().to_owned(),
        other => format!("{}（话里有危险）", other.chinese()),
    };
    let unit = match found.unit {
        Some((unit, reason)) => format!("{unit}（{reason}）"),
        None => "没有建议，要派单员选".to_owned(),
    };
    let mut lines = vec![
        "只是试试，什么都没有改。".to_owned(),
        format!("领域　{}", found.field.unwrap_or("没认出来")),
        format!("类型　{}", found.kind.chinese()),
        format!("级别　{priority}"),
        format!("地点　{place}"),
        format!("单位　{unit}"),
    ];
    if !found.named.is_empty() {
        lines.push(format!("提到　{}，派的时候会先问是不是被反映的对象", found.named.join("、")));
    }
    if found.places.len() != 1 && found.unit.is_some() {
        lines.push("地方定了，单位可能会变。".to_owned());
    }
    lines.join("\n")
}

/// 试派 in a group.
pub fn trial_in_private() -> &'static str {
    "试派的结果私聊发给您了。"
}

/// To the unit's liaison: whoever handled it has gone.
pub fn handed_back(label: &str, name: &str, seq: i64) -> String {
    format!("{label} 原来由{name}办，他不在岗了，交回您这里。给别人办回“转办 {seq} 人”。")
}

/// The event of that.
pub fn handed_back_event(name: &str) -> String {
    format!("{name}不在岗，交回联络员")
}
