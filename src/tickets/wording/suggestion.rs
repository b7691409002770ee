//! Sentences of 转建议, 我的建议, 代表建议.

use crate::{
    clock::in_words,
    message::Millis,
    tickets::suggestion::{Class, Move, Stage, Suggestion},
};

/// A matter in a draft.
pub fn matter(place: &str, title: &str) -> String {
    format!("{place}：{title}")
}

/// The title of a draft.
pub fn draft_title(town: &str, field: &str) -> String {
    format!("关于解决{town}{field}问题的建议")
}

/// The body of a draft.
pub fn draft_body(matters: &[String], all: usize) -> String {
    let more = if all > matters.len() { format!("\n等 {all} 件") } else { String::new() };
    format!("群众反映了这些事：\n{}{more}\n建议有关部门统一研究，拿出办法，从根上解决。", matters.join("\n"))
}

/// 转建议 was carried out.
pub fn written(one: &Suggestion, now: Millis) -> String {
    match one.due_at {
        Some(due) => {
            format!("{} 号建议提交了：{}\n{}前书面答复您。随时回“我的建议”看。", one.id, one.title, in_words(due, now))
        }
        None => format!("{} 号建议存成草稿了：{}\n要提交，回“我的建议 {} 提交”。", one.id, one.title, one.id),
    }
}

/// To the congress staff: a new one.
pub fn filed_for_congress(one: &Suggestion, by: &str, now: Millis) -> String {
    let due = one.due_at.map(|due| format!("\n{}前答复", in_words(due, now))).unwrap_or_default();
    format!("{by}提交了 {} 号建议：{}\n{}{due}\n交给单位办：代表建议 {} 交办", one.id, one.title, one.body, one.id)
}

/// To the deputy: who works on it.
pub fn given_for_author(one: &Suggestion, unit: &str, now: Millis) -> String {
    let due = one.due_at.map(|due| format!("，{}前答复您", in_words(due, now))).unwrap_or_default();
    format!("您的 {} 号建议（{}）交给{unit}办了{due}。", one.id, one.title)
}

/// To the deputy: the answer, and the question.
pub fn answer_for_author(one: &Suggestion, unit: &str, class: Option<Class>) -> String {
    let class = class.map(|class| format!("\n结果　{}", class.chinese())).unwrap_or_default();
    let answer = one.answer.as_deref().unwrap_or_default();
    format!("您的 {} 号建议（{}）{unit}答复了：{class}\n{answer}\n\n满意吗？", one.id, one.title)
}

/// To the congress staff: what the deputy says of the answer.
pub fn judged_for_congress(one: &Suggestion, by: &str, satisfied: bool, reason: &str, now: Millis) -> String {
    if satisfied {
        return format!("{by}对 {} 号建议（{}）的答复满意，办结了。", one.id, one.title);
    }
    let due = one.due_at.map(|due| format!("\n{}前重新答复", in_words(due, now))).unwrap_or_default();
    let reason = if reason.is_empty() { String::new() } else { format!("\n他说：{reason}") };
    format!("{by}对 {} 号建议（{}）的答复不满意。{reason}{due}：代表建议 {} 答复", one.id, one.title, one.id)
}

/// A step was taken.
pub fn moved(one: &Suggestion, what: Move, now: Millis) -> String {
    let due = |words: &str| one.due_at.map(|due| format!("{}前{words}。", in_words(due, now))).unwrap_or_default();
    match what {
        Move::File => format!("{} 号建议提交了。{}", one.id, due("书面答复您")),
        Move::Give => format!("{} 号建议交办了。{}", one.id, due("答复")),
        Move::Answer => format!("{} 号建议的答复发给代表了，满意不满意再告诉您。", one.id),
        Move::Satisfied => format!("谢谢，{} 号建议办结了。", one.id),
        Move::Dissatisfied => format!("知道了，{} 号建议接着办。{}", one.id, due("重新答复您")),
    }
}

/// A line of a list.
pub fn line(one: &Suggestion, by: Option<&str>, unit: Option<&str>, next: &[Move], now: Millis) -> String {
    let by = by.map(|by| format!("（{by}）")).unwrap_or_default();
    let unit = unit.map(|unit| format!("，{unit}")).unwrap_or_default();
    let waits = matches!(one.stage, Stage::Filed | Stage::UnderWay);
    let due = one.due_at.filter(|_| waits).map(|due| format!("，{}前答复", in_words(due, now))).unwrap_or_default();
    let next: Vec<&str> = next.iter().map(|what| what.chinese()).collect();
    let next = if next.is_empty() { String::new() } else { format!("\n　可以{}", next.join("、")) };
    format!("{} {}{by}：{}{unit}{due}{next}", one.id, one.title, one.stage.chinese())
}

/// A list.
pub fn list(congress: bool, lines: &[String], to_do: bool) -> String {
    let next = |word: &str| if to_do { format!("\n要办哪件，回：{word} 号数") } else { String::new() };
    match (congress, lines.is_empty()) {
        (true, true) => "现在没有要办的代表建议。".to_owned(),
        (false, true) => "您还没有写过建议。把几件共性的事写成建议，回：转建议 编号".to_owned(),
        (true, false) => format!("代表建议 {} 件\n{}{}", lines.len(), lines.join("\n"), next("代表建议")),
        (false, false) => format!("您的建议 {} 件\n{}{}", lines.len(), lines.join("\n"), next("我的建议")),
    }
}

/// No such suggestion, or none this person may see.
pub fn unknown(id: i64) -> String {
    format!("没找到 {id} 号建议。")
}

/// A word that is no number.
pub fn no_number(said: &str) -> String {
    format!("“{said}”不是号数。先回“我的建议”或“代表建议”看看有几号。")
}

/// It is somebody else's turn.
pub fn nothing_to_do(one: &Suggestion) -> String {
    format!("{} 号建议现在是“{}”，您这边先不用办什么。", one.id, one.stage.chinese())
}

/// It stands elsewhere now.
pub fn stands(one: &Suggestion) -> String {
    format!("{} 号建议现在是“{}”，这一步做不了。", one.id, one.stage.chinese())
}
