//! Every sentence about tickets: here what is said to anybody; `reporter` to whoever reports, `staff` to those who work on it,
//! `timeline` what happened; a file each for the parts of the life cycle.

pub mod joint;
pub mod lists;
pub mod merging;
pub mod oversight;
mod reporter;
pub mod same;
pub mod secrecy;
mod staff;
pub mod suggestion;
pub mod terms;
mod timeline;

pub use reporter::*;
pub use staff::*;
pub use timeline::event;

use super::{
    Kind, Matter, Mode, Priority, Sealed, State, Ticket,
    life::{Verb, When},
};
use crate::{
    clock::{in_words, local, time_in_words},
    message::Millis,
};

/// The first lines of 帮助.
pub fn help_intro() -> &'static str {
    "要反映事情，直接说，或者发照片。填的时候可以说：上一步、跳过、取消、重新开始。\n您可以这样说："
}

/// Nothing for a command to work on.
pub fn nothing_for(word: &str) -> String {
    match word {
        "同意" | "不同意" => format!("现在没有等您{word}的事。{}", which_agreement(word)),
        _ => format!("现在没有可以{word}的。"),
    }
}

/// 同意 is for what takes two persons; other things that people agree to have words of their own.
fn which_agreement(word: &str) -> &'static str {
    match word {
        "同意" => "同意结果，回“审核”或“通过”；同意延期，回“同意延期”。",
        _ => "结果不行，回“退回重办”；不同意延期，回“不同意延期”。",
    }
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

/// A command was carried out.
pub fn done(verb: Verb, label: &str, extra: &str) -> String {
    let extra = if extra.is_empty() { String::new() } else { format!("。{extra}") };
    format!("已{}：{label}{extra}", verb.chinese())
}

/// Text and how many files came with it.
pub fn with_media(text: &str, media: usize) -> String {
    match (text.is_empty(), media) {
        (_, 0) => text.to_owned(),
        (true, media) => format!("（照片等 {media} 个）"),
        (false, media) => format!("{text}（另有照片等 {media} 个）"),
    }
}

/// 转告 was passed on.
pub fn relayed(label: &str) -> String {
    format!("带到了：{label}。")
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

/// Several tickets have this number.
pub fn which_one() -> String {
    "这个号有几件，是哪一件？".to_owned()
}

/// The unit is not known.
pub fn unknown_unit(name: &str, near: Option<&str>) -> String {
    match near {
        Some(near) => format!("没有“{name}”这个单位，是不是{near}？"),
        None => format!("没有“{name}”这个单位。"),
    }
}

/// What changed in the meantime.
pub fn too_late(ticket: &Ticket) -> String {
    format!("{} 刚刚有人办过了，现在是“{}”。", ticket.short(), ticket.state)
}

/// In place of a number or name that somebody wrote of himself.
pub const HIDDEN: &str = "〔已隐去〕";

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
