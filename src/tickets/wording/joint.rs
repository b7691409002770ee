//! Sentences of several units and of disputes: 协办, 协办意见, 退单 the second time, 裁定, 提级, 移交.

use super::by;
use crate::{clock::in_words, message::Millis};

/// A day up to which something may be done.
fn until(due: Millis, now: Millis) -> String {
    format!("{}前", by(due, now))
}

/// 协办 was carried out.
pub fn joined(label: &str, units: &str, due: Millis, now: Millis) -> String {
    format!("已请{units}协办：{label}，{}给意见", until(due, now))
}

/// Added to 派单 when other units help.
pub fn with_helpers(units: &str, due: Millis, now: Millis) -> String {
    format!("。{units}协办，{}给意见", until(due, now))
}

/// To the lead unit: who helps.
pub fn helped_by(units: &str, due: Millis, now: Millis) -> String {
    format!("\n{units}协办，{}给意见", until(due, now))
}

/// To the lead unit, when a unit is asked to help later.
pub fn helper_came(label: &str, units: &str, due: Millis, now: Millis) -> String {
    format!("{label} 请了{units}协办，{}给意见", until(due, now))
}

/// To a unit that is asked to help, fit for its group.
pub fn please_help(number: &str, scope: &str, lead: &str, due: Millis, now: Millis) -> String {
    format!(
        "请您单位协办 {number}\n{scope}\n{lead}主办，您单位的意见请在{}给\n回“协办意见 {number} 内容”；内容请私聊回“查 {number}”",
        until(due, now)
    )
}

/// To a unit that had it and helps from now on.
pub fn helps_now(number: &str, lead: &str, due: Millis, now: Millis) -> String {
    format!("{number} 提级给{lead}办，您单位协办，意见请在{}给：回“协办意见 {number} 内容”。", until(due, now))
}

/// A helping unit that nobody speaks for yet.
pub fn nobody_at(unit: &str) -> String {
    format!("\n（{unit}还没有人接上民呼，收不到通知，请打个电话告诉他们。）")
}

/// 协办 by the unit that has it.
pub fn is_lead(number: &str, unit: &str) -> String {
    format!("{number} 就是{unit}主办的，请写别的单位。")
}

/// 协办 by a unit that helps already.
pub fn helps_already(number: &str, unit: &str) -> String {
    format!("{unit}已经在协办 {number} 了。")
}

/// 协办 without a unit.
pub fn no_helper() -> &'static str {
    "请写上请哪个单位协办，比如：协办 7 住建局。"
}

/// A unit that is no longer there.
pub fn retired_unit(name: &str) -> String {
    format!("{name}已经停用了，请换一个单位。")
}

/// A retired unit that was asked to help and said nothing, in 查.
pub fn helper_gone(unit: &str) -> String {
    format!("协办　{unit}（已停用），没有给意见")
}

/// Added to a retired unit's name where a ticket still lies with it.
pub fn retired_mark() -> &'static str {
    "（已停用，请改派）"
}

/// A unit in a list that no unit is called, or that several may be.
pub fn which_unit(word: &str, near: &[&str]) -> String {
    match near {
        [] => format!("没有“{word}”这个单位，请再看看名字。这一步还没有办。"),
        near => format!("“{word}”是哪个单位？是不是{}？请写全了再发一次，这一步还没有办。", near.join("、")),
    }
}

/// 协办意见 was stored.
pub fn opinion_given(label: &str, files: usize) -> String {
    let files = if files == 0 { String::new() } else { format!("（{}）", super::files(files)) };
    format!("意见记下了，也告诉主办单位了：{label}{files}")
}

/// To the lead unit, fit for its group.
pub fn opinion_came(number: &str, unit: &str) -> String {
    format!("{number} {unit}给了协办意见，请私聊回“查 {number}”看。")
}

/// The same in private, with the words.
pub fn opinion_private(label: &str, unit: &str, opinion: &str) -> String {
    format!("{label} {unit}的协办意见：\n{opinion}")
}

/// 办结 while opinions are awaited, the first to end before the others.
pub fn opinions_awaited(number: &str, missing: &[(String, Millis)], now: Millis) -> String {
    let mut days: Vec<(String, Vec<&str>)> = Vec::new();
    for (unit, due) in missing {
        let day = in_words(*due, now);
        match days.last_mut().filter(|(known, _)| *known == day) {
            Some((_, units)) => units.push(unit),
            None => days.push((day, vec![unit])),
        }
    }
    let days: Vec<String> = days.iter().map(|(day, units)| format!("{}的协办意见还没来，等到{day}", units.join("、"))).collect();
    format!("{number} 还不能办结：{}。着急的话请派单员“催办”，会提醒他们；过了这天没有意见也能办结。", days.join("；"))
}

/// Before the result of a ticket whose helping units said nothing.
pub fn finished_without(units: &str) -> String {
    format!("（{units}没有给协办意见）")
}

/// To a helping unit: its opinion is asked for again.
pub fn opinion_urged(number: &str, due: Millis, now: Millis) -> String {
    let late = if now > due { "已经过了期限" } else { "还没给" };
    format!("{number} 您单位的协办意见{late}，有人催了，请抓紧：回“协办意见 {number} 内容”。")
}

/// A helping unit in 查.
pub fn helper_line(unit: &str, standing: HelperSays<'_>, now: Millis) -> String {
    match standing {
        HelperSays::Opinion(words) => format!("协办　{unit}：{words}"),
        HelperSays::Awaited(due) => format!("协办　{unit}，意见{}给", until(due, now)),
        HelperSays::Nothing(due) => format!("协办　{unit}，{}该给的意见没有来", in_words(due, now)),
    }
}

/// What there is of a helping unit.
#[derive(Debug, Clone, Copy)]
pub enum HelperSays<'a> {
    /// Its opinion.
    Opinion(&'a str),
    /// There is time until then.
    Awaited(Millis),
    /// There was time until then.
    Nothing(Millis),
}

/// A ticket in 待办 with which the unit helps.
pub fn helping_line(label: &str, standing: HelperSays<'_>, now: Millis) -> String {
    match standing {
        HelperSays::Opinion(_) => format!("{label}（协办，意见给过了）"),
        HelperSays::Awaited(due) => format!("{label}（协办，意见{}给）", until(due, now)),
        HelperSays::Nothing(due) => format!("{label}（协办，意见{}该给，已经过了）", in_words(due, now)),
    }
}

/// Below that list.
pub fn helping_hint(seq: i64) -> String {
    format!("给意见：协办意见 {seq} 内容")
}

/// A unit sends a ticket back a second time.
pub fn sent_back_once_already(number: &str, unit: &str) -> String {
    format!("{unit}已经退过 {number} 一次了，一个单位只能退一次。还是不归您这里，请跟派单员说，请他“改派”。")
}

/// To whoever decides a dispute; `label` fits the reader.
pub fn disputed(label: &str, units: &str, reason: &str, proposed: Option<&str>, seq: i64) -> String {
    let proposed = proposed.map(|unit| format!("，说该给{unit}")).unwrap_or_default();
    format!(
        "派单异议 {label}\n{units}都说不归自己办。最后一次的理由：{reason}{proposed}\n请定归谁办：裁定 {seq} 单位。定了就不能再退。"
    )
}

/// To the units of a dispute.
pub fn dispute_goes_up(number: &str) -> String {
    format!("{number} 退了两次，成了派单异议，等上面定归谁办。定下来会告诉您。")
}

/// 退单 was carried out, and is to be decided now.
pub fn dispute_waits(label: &str) -> String {
    format!("已退单：{label}。这是第二次退，成了派单异议，等上面定归谁办。")
}

/// 裁定 was carried out.
pub fn arbitrated(label: &str, unit: &str, due: Option<Millis>, now: Millis) -> String {
    let due = due.map(|due| format!("，{}办结", until(due, now))).unwrap_or_default();
    format!("已裁定：{label} → {unit}{due}。单位不能再退。")
}

/// To the unit that a decision names, after what a new ticket says.
pub fn cannot_send_back() -> &'static str {
    "\n这是裁定的，不能再退单。"
}

/// To the other units of a dispute.
pub fn decided_elsewhere(number: &str, unit: &str) -> String {
    format!("{number} 裁定由{unit}办，您这边不用管了。")
}

/// The basis of a decision, in the history.
pub fn basis(words: &str) -> String {
    format!("依据：{words}")
}

/// 提级 was carried out.
pub fn raised(label: &str, unit: &str, old: Option<&str>, due: Option<Millis>, now: Millis) -> String {
    let due = due.map(|due| format!("，{}办结", until(due, now))).unwrap_or_default();
    let old = old.map(|old| format!("。{old}协办")).unwrap_or_default();
    format!("已提级：{label} → {unit}{due}{old}")
}

/// 提级 to a unit that is not above.
pub fn not_above(unit: &str, present: &str) -> String {
    format!("{unit}不在{present}的上一级，不能提级给它。平级换单位请用“改派”。")
}

/// 提级 where nothing is above.
pub fn nothing_above(number: &str, present: &str) -> String {
    format!("{number} 在{present}，这里没有再上一级的单位了。换别的单位请用“改派”，要领导过问请用“督办”。")
}

/// The level of a ticket that no unit has yet.
pub fn township_level() -> &'static str {
    "乡镇"
}

/// Why a unit stands first among the choices.
pub fn one_level_up() -> &'static str {
    "上一级"
}

/// Somebody outside to whom things are handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outside {
    /// As people call it.
    pub name: &'static str,
    /// How to reach it.
    pub go: &'static str,
}

/// The offices outside that everybody knows, by their number or a word.
pub fn outside(words: &str) -> Option<Outside> {
    const KNOWN: &[(&str, &[&str], Outside)] = &[
        ("110", &["报警", "派出所"], Outside { name: "公安（110）", go: "急的话，请您自己马上打 110。" }),
        ("119", &["火警", "消防"], Outside { name: "消防（119）", go: "急的话，请您自己马上打 119。" }),
        ("120", &["急救"], Outside { name: "急救（120）", go: "急的话，请您自己马上打 120。" }),
        ("122", &["交警", "车祸"], Outside { name: "交警（122）", go: "急的话，请您自己马上打 122。" }),
        ("12345", &["市长热线", "政务热线"], Outside { name: "12345 热线", go: "要问办到哪了，请打 12345。" }),
        ("12348", &["法律援助"], Outside { name: "法律援助（12348）", go: "有不明白的，请打 12348。" }),
        ("", &["信访"], Outside { name: "信访局", go: "要问办到哪了，请直接找县信访局。" }),
    ];
    let has_number = |number: &str| !number.is_empty() && words.split(|c: char| !c.is_ascii_digit()).any(|run| run == number);
    let known =
        |(number, also, _): &&(&str, &[&str], Outside)| has_number(number) || also.iter().any(|word| words.contains(word));
    KNOWN.iter().find(known).map(|(.., outside)| *outside)
}

/// Do the words mean discipline inspection?
pub fn means_discipline(words: &str) -> bool {
    ["纪检", "纪委", "监委", "监察", "12388"].iter().any(|word| words.contains(word))
}

/// 移交 was carried out.
pub fn handed_over(label: &str, to: &str) -> String {
    format!("已移交：{label} → {to}。反映人知道了。")
}

/// A name and a telephone as they were typed, apart.
pub fn name_and_phone(words: &str) -> (String, Option<String>) {
    let is_phone = |word: &&str| {
        word.chars().filter(char::is_ascii_digit).count() >= 3
            && word.chars().all(|c| c.is_ascii_digit() || "-+()（）".contains(c))
    };
    let name: Vec<&str> = words.split_whitespace().filter(|word| !is_phone(word)).collect();
    let phone = words.split_whitespace().find(is_phone).map(str::to_owned);
    if name.is_empty() { (words.to_owned(), None) } else { (name.join(" "), phone) }
}

/// How to reach somebody whose telephone was typed.
pub fn call(phone: &str) -> String {
    format!("要问办到哪了，请打 {phone}。")
}

/// To the reporter: who has it now.
pub fn reporter_handed_over(label: &str, to: &str, go: &str) -> String {
    format!("您反映的事（{label}）归{to}管，已经转给他们了。{go}")
}

/// In place of a number that is not known.
pub fn ask_them() -> &'static str {
    "要问办到哪了，请直接问他们。"
}

/// To a unit here that gets it outside of the tickets, fit for its group.
pub fn handed_to_you(number: &str, scope: &str) -> String {
    format!("移交给您单位：{number}\n{scope}\n按您单位自己的规定办，不在这里办结；内容请私聊回“查 {number}”")
}

/// 移交 to discipline inspection was carried out.
pub fn sealed(number: &str) -> String {
    format!("{number} 转给专门的人看了，别人看不到了。反映人知道了。")
}

/// To the inspectors, fit for whatever carries it.
pub fn to_inspector(number: &str) -> String {
    format!("{number} 转给您看了，只有您看得到。回“查 {number}”。")
}

/// The same in private.
pub fn to_inspector_private(label: &str, number: &str, text: &str) -> String {
    format!("{label}\n{text}\n受理中心转给您的，从现在起只有您看得到。回“查 {number}”看全部。")
}

/// To the reporter, in words that name nobody.
pub fn reporter_sealed(label: &str) -> String {
    format!("您反映的事（{label}）转给专门的人看了，结果还在这里告诉您。")
}

/// 移交 to discipline inspection where there is no inspector.
pub fn no_inspector(seq: i64) -> String {
    format!("这里没有纪检监察的人。请回“不予受理 {seq} 纪检”，会告诉反映人打 12388，或者找县纪委监委。")
}

/// 移交 to the very inspectors whom the ticket is about, where nobody above them reads here.
pub fn about_inspectors(number: &str, typed: &str) -> String {
    format!("{number} 反映的可能就是本地纪检监察的人，不能转给他们自己看。请回“移交 {typed} 市纪委监委”，再当面或打电话交过去。")
}

/// 移交 to discipline inspection of what lies there already.
pub fn sealed_already(number: &str) -> String {
    format!("{number} 已经只有纪检监察的人看得到了。")
}

/// 不予受理 for discipline where there is an inspector.
pub fn inspector_here(seq: i64) -> String {
    format!("这里有纪检监察的人，不用退给群众：回“移交 {seq} 纪检”，以后只有他们看得到。")
}

/// Why others cannot see it any more, in the history.
pub fn only_inspectors() -> &'static str {
    "转给纪检监察，从此只有他们看得到"
}

/// The structured subject, in the history.
pub fn subject(unit: &str) -> String {
    format!("被反映的对象：{unit}")
}

/// What the question for a reason proposes instead.
pub fn instead(unit: &str) -> String {
    format!("建议给{unit}。")
}

/// A subject that was to be the only unit, without a reason.
pub fn conflict(number: &str, unit: &str, instead: Option<&str>) -> String {
    let instead = instead.map_or_else(|| "请派给别的单位".to_owned(), |other| format!("建议派给{other}"));
    format!("{number} 反映的就是{unit}，不能只让它自己办，{instead}。")
}

/// The reason for overruling that, in the history.
pub fn overruled(unit: &str, reason: &str) -> String {
    format!("{unit}是被反映的对象，还是派给它：{reason}")
}

/// To the inspector: the subject is the only unit. Fit for whatever carries it.
pub fn overruled_for_inspector(label: &str, unit: &str) -> String {
    format!("{label}\n反映的就是{unit}，还是派给了它。理由私聊回“查”看。")
}

/// The same in private, with the reason.
pub fn overruled_private(label: &str, unit: &str, by: &str, reason: &str) -> String {
    format!("{label}\n反映的就是{unit}，{by}还是派给了它。理由：{reason}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offices_outside_are_known_by_number_or_word_and_others_as_they_were_typed() {
        for (words, name) in [
            ("110", Some("公安（110）")),
            ("派出所", Some("公安（110）")),
            ("消防队", Some("消防（119）")),
            ("12345", Some("12345 热线")),
            ("信访局", Some("信访局")),
            ("县法院 0318-5711100", None),
            ("供电公司 95598", None),
        ] {
            assert_eq!(outside(words).map(|outside| outside.name), name, "{words}");
        }
        for (words, name, phone) in [
            ("县法院 0318-5711234", "县法院", Some("0318-5711234")),
            ("县法院", "县法院", None),
            ("供电公司 95598", "供电公司", Some("95598")),
            ("95598", "95598", None),
        ] {
            assert_eq!(name_and_phone(words), (name.to_owned(), phone.map(str::to_owned)), "{words}");
        }
        assert!(means_discipline("纪检") && means_discipline("县纪委监委") && !means_discipline("信访"));
    }
}
