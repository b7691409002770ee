//! Every sentence about tickets.

pub mod joint;
pub mod lists;
pub mod merging;
pub mod oversight;
pub mod same;
pub mod secrecy;
pub mod suggestion;
pub mod terms;

use super::{
    Kind, Matter, Mode, Priority, Sealed, State, Ticket,
    life::{Verb, When},
};
use crate::{
    clock::{in_words, local, time_in_words},
    message::Millis,
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

/// Words that were not understood.
pub fn what_i_can() -> &'static str {
    "我没听明白。要反映事情，直接说哪个村、出了什么事；看办到哪了，回“我的”；别的回“帮助”。"
}

/// The first lines of 帮助.
pub fn help_intro() -> &'static str {
    "要反映事情，直接说，或者发照片。填的时候可以说：上一步、跳过、取消、重新开始。\n您可以这样说："
}

/// Nothing for a command to work on.
pub fn nothing_for(word: &str) -> String {
    format!("现在没有可以{word}的。")
}

/// A command the person may not give.
pub fn not_allowed(word: &str) -> String {
    format!("“{word}”不归您用。回“帮助”看看您能用哪些。")
}

/// A due time as it is promised: the hour where it is today, else the day.
pub(in crate::tickets) fn by(due: Millis, now: Millis) -> String {
    if local(due).date_naive() == local(now).date_naive() {
        format!("今天 {} ", time_in_words(due))
    } else {
        in_words(due, now)
    }
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
fn receipt_tail(mode: Mode, code: Option<&str>) -> String {
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

/// Where a report came from, by its source, for people.
pub fn channel(source: &str) -> &'static str {
    match source {
        "wechat" | "kf" => "微信",
        "wecom" => "企业微信",
        "dingtalk" => "钉钉",
        "feishu" => "飞书",
        _ => "聊天",
    }
}

/// Intake, as reporters are told of it.
pub const INTAKE: &str = "受理员";

/// Who decides at the centre about a ticket, as its reporter is told: intake; of what is sealed the inspectors.
pub fn decider(ticket: &Ticket) -> &'static str {
    if ticket.sealed == Sealed::Open { INTAKE } else { secrecy::INSPECTORS }
}

/// The centre, where no unit has the ticket.
pub const CENTRE: &str = "受理中心";

/// Somebody of the unit whose name is not known.
pub const COLLEAGUE: &str = "同事";

/// The title of a report without words.
pub const UNTITLED: &str = "（照片或语音）";

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

/// To intake: something new. In a group only number, township and field.
pub fn new_for_intake(number: &str, scope: &str) -> String {
    format!("新线索 {number}　{scope}")
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

/// A command was carried out.
pub fn done(verb: Verb, label: &str, extra: &str) -> String {
    let extra = if extra.is_empty() { String::new() } else { format!("。{extra}") };
    format!("已{}：{label}{extra}", verb.chinese())
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

/// To the new unit, fit for its group.
pub fn new_for_unit(number: &str, scope: &str, due: Option<Millis>, now: Millis) -> String {
    let due = due.map(|due| format!("\n{}前办结", by(due, now))).unwrap_or_default();
    format!("新工单 {number}\n{scope}{due}\n回“签收 {number}”；不归本单位回“退单 {number}”；内容请私聊回“查 {number}”")
}

/// To the unit that no longer has it.
pub fn taken_away(number: &str, unit: &str) -> String {
    format!("{number} 改由{unit}办，您这边不用管了。")
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

/// The question was passed on.
pub fn asked(label: &str) -> String {
    format!("已追问：{label}。反映人一回就告诉您。")
}

/// Words relayed to the reporter.
pub fn relay_to_reporter(label: &str, from: &str, text: &str) -> String {
    format!("关于您反映的事（{label}），{from}让我转告您：\n{text}\n要回话，直接回就行，我带过去。")
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

/// Text and how many files came with it.
pub fn with_media(text: &str, media: usize) -> String {
    match (text.is_empty(), media) {
        (_, 0) => text.to_owned(),
        (true, media) => format!("（照片等 {media} 个）"),
        (false, media) => format!("{text}（另有照片等 {media} 个）"),
    }
}

/// The reporter's addition was stored.
pub fn added(label: &str) -> String {
    format!("记下了，加到“{label}”里了。要说另一件事，回“反映”。")
}

/// 转告 was passed on.
pub fn relayed(label: &str) -> String {
    format!("带到了：{label}。")
}

/// After 签收: what is due next.
pub fn signed_hint(ticket: &Ticket, now: Millis) -> String {
    let contact = ticket
        .contact_due
        .map(|due| format!("请在{} {}前联系反映人", in_words(due, now), time_in_words(due)))
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

/// To the reporter: a note the unit made public.
pub fn public_note(label: &str, unit: &str, text: &str) -> String {
    format!("您反映的事（{label}）有进展，{unit}说：\n{text}")
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

/// Urged too soon.
pub fn urged_lately(next: Millis, now: Millis) -> String {
    format!("刚催过，他们已经知道了。{}以后可以再催。", in_words(next, now))
}

/// The reminder was passed on.
pub fn urge_passed_on(label: &str) -> String {
    format!("已经替您催了：{label}。")
}

/// The ticket is in another state than the command needs.
pub fn wrong_state(ticket: &Ticket, verb: Verb) -> String {
    format!("{} 现在是“{}”，不能{}。", ticket.short(), ticket.state, to_do(verb))
}

/// A command's word as something that is done.
fn to_do(verb: Verb) -> String {
    match verb {
        Verb::Opinion => format!("给{}", verb.chinese()),
        _ => verb.chinese().to_owned(),
    }
}

/// Seen, but somebody else's to do.
pub fn not_yours(ticket: &Ticket, verb: Verb) -> String {
    format!("{} 不归您{}。", ticket.short(), to_do(verb))
}

/// The state and the person are right, and yet it does not fit now.
pub fn not_now(ticket: &Ticket, verb: Verb, when: When) -> String {
    let number = ticket.short();
    match when {
        When::Always => not_yours(ticket, verb),
        When::FirstSendBack | When::SecondSendBack => format!("{number} 已经裁定归您这里办，不能再退。"),
        When::NeedsNoConsent | When::NeedsConsent => {
            let waits = ticket.proposal.as_ref().is_some_and(|proposal| proposal.matter == Matter::Withdraw);
            terms::withdraw_waits(&number, waits, decider(ticket))
        }
        // Something is proposed, which others decide.
        When::Proposed(Matter::Shelve | Matter::Withdraw | Matter::Unreasonable) => not_yours(ticket, verb),
        When::NothingProposed => format!("{number} 有一件事还在等另一个人同意，先等它有结果。"),
        When::ExtensionPending => format!("{number} 没有等着批的延期。"),
        When::NoExtensionPending => format!("{number} 已经提过延期，还在等派单员答复。"),
        When::Supervised => format!("{number} 没有督办要回复。"),
        When::NeedsNoReview => not_yours(ticket, verb),
        When::NotSignedOff => format!("{number} 已经审核过了，等派单员通过。"),
        When::NotAppealed => format!("{number} 已经申诉过一次了，结果就按那次的算。"),
        When::NotRestored => format!("{number} 已经恢复过一次了。还要办，请重新反映一次。"),
        When::Given => format!("{number} 已经在受理员那里了。"),
        When::HasLeader => format!("{number} 没有并到别的单里。"),
        When::Sealed => not_yours(ticket, verb),
        When::ReopensLeft | When::ReopensUsedUp => terms::congress_decides(&number),
        When::HasUnit | When::NoUnit | When::FromDeputy => not_yours(ticket, verb),
    }
}

/// A button of an older state.
pub fn moved_on(ticket: &Ticket) -> String {
    format!("{} 已经变了，现在是“{}”。", ticket.short(), ticket.state)
}

/// No such number, or none this person may see.
pub fn unknown_number(number: &str) -> String {
    format!("没找到 {number}。回“我的”看看有哪些。")
}

/// No ticket of a range.
pub fn none_in_range(from: i64, to: i64) -> String {
    format!("{from} 到 {to} 里没有您现在能办的。")
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

/// Free words in a group, which only hears commands.
pub fn in_group_only_commands() -> &'static str {
    "我在群里只认命令，比如“签收 7”。要反映事情，@我 说“反映”；别的请私聊。"
}

/// Several tickets have this number.
pub fn which_one() -> String {
    "这个号有几件，是哪一件？".to_owned()
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

/// The unit is not known.
pub fn unknown_unit(name: &str, near: Option<&str>) -> String {
    match near {
        Some(near) => format!("没有“{name}”这个单位，是不是{near}？"),
        None => format!("没有“{name}”这个单位。"),
    }
}

/// A unit that nobody speaks for yet.
pub fn nobody_there() -> &'static str {
    "\n（这个单位还没有人接上民呼，收不到通知，请打个电话告诉他们。）"
}

/// What changed in the meantime.
pub fn too_late(ticket: &Ticket) -> String {
    format!("{} 刚刚有人办过了，现在是“{}”。", ticket.short(), ticket.state)
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

/// In place of a number or name that somebody wrote of himself.
pub const HIDDEN: &str = "〔已隐去〕";

/// What an event was, for a timeline.
pub fn event(verb: Verb, to: State) -> &'static str {
    match verb {
        Verb::Report => "收到",
        Verb::Accept => "受理了",
        Verb::Reject => "没有受理",
        Verb::Ask => "问了反映人",
        Verb::Add => "反映人补充",
        Verb::Assign | Verb::Redispatch => "交给单位",
        Verb::Sign => "单位收下了",
        Verb::SendBack => "单位退回",
        Verb::Note => "进展",
        Verb::Contact => "联系过反映人",
        Verb::Give => "换了承办人",
        Verb::Relay => "转告",
        Verb::Done if to == State::Callback => "办好了",
        Verb::Done => "办好了，等审核",
        Verb::SignOff => "单位审核了",
        Verb::Redo => "退回再办",
        Verb::Pass => "结果通过",
        Verb::Rate => "评价了",
        Verb::Reopen if to == State::Submitted => oversight::event(verb, to),
        Verb::Reopen if to == State::Working => "再办一次",
        Verb::Reopen => "要求再办一次",
        Verb::Withdraw
        | Verb::Agree
        | Verb::Disagree
        | Verb::Callback
        | Verb::Extend
        | Verb::ExtendOk
        | Verb::ExtendNo
        | Verb::Shelve
        | Verb::Resume
        | Verb::Appeal
        | Verb::Restore
        | Verb::Unreasonable => terms::event(verb, to),
        Verb::Urge => "催过",
        Verb::Join => "请别的单位协办",
        Verb::Opinion => "协办意见",
        Verb::Arbitrate => "裁定交给单位",
        Verb::Raise => "交给上一级单位",
        Verb::Handover => "移交",
        Verb::Fix => "更正",
        Verb::Merge if to == State::Merged => "一起办",
        Verb::Merge => "并进来",
        Verb::Unmerge => "又分开办",
        Verb::Split => "分开办",
        Verb::Undo => "收回上一步",
        Verb::Verify
        | Verb::Check
        | Verb::StrikeOff
        | Verb::Supervise
        | Verb::Answer
        | Verb::Forward
        | Verb::ToSuggestion => oversight::event(verb, to),
    }
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

/// Kind and priority, when they are not the ordinary ones.
pub fn kind_and_priority(kind: Kind, priority: Priority) -> String {
    match priority {
        Priority::Normal => kind.chinese().to_owned(),
        other => format!("{}·{}", kind.chinese(), other.chinese()),
    }
}

/// Several messages for one recipient.
pub fn several(count: usize) -> String {
    format!("有 {count} 件事：")
}

/// In place of a text that a platform refused.
pub fn neutral() -> &'static str {
    "您的事有新消息，回“我的”看看。"
}

/// A channel's quota runs low.
pub fn quota_low(channel: &str, used: i64, limit: i64) -> String {
    format!("通道“{channel}”这个月已用 {used} 次调用，一共 {limit} 次，快不够了。")
}

/// Who received it first, where somebody else has it now.
pub fn first_receiver(unit: &str) -> String {
    format!("首接　{unit}")
}
