//! Sentences of 并单, 拆回, 拆单, 更正, 撤销.

use super::by;
use crate::message::Millis;

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
