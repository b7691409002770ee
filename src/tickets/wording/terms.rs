//! Sentences of time, of second persons and of decisions that are contested: 延期, 挂账, 同意, 申诉, 恢复, 不合理, 回访.

use super::by;
use crate::{
    clock::in_words,
    message::Millis,
    people::Role,
    tickets::{
        Matter, Ticket, Unreasonable,
        life::{Verb, Who},
    },
};

/// `，理由：…`, or nothing.
fn after_colon(head: &str, words: Option<&str>) -> String {
    words.map(|words| format!("{head}{words}")).unwrap_or_default()
}

/// `\n理由　…`; in a group, where the words are left out, how to read them.
fn or_look(what: &str, words: Option<&str>, seq: impl std::fmt::Display) -> String {
    words.map_or_else(|| format!("\n{what}请私聊回“查 {seq}”看"), |words| format!("\n{what}　{words}"))
}

fn until_words(until: Option<Millis>, now: Millis) -> String {
    until.map(|until| in_words(until, now)).unwrap_or_default()
}

// 延期.

/// More time, as the history keeps it.
pub fn extension(days: i64, reason: &str) -> String {
    format!("{days} 个工作日，{reason}")
}

/// 延期 after the due time.
pub fn extend_too_late(number: &str, due: Millis, now: Millis) -> String {
    format!("{number} 的期限是{}，已经过了，不能再延。请抓紧办，办完了报“办结”。", in_words(due, now))
}

/// No more time can be given.
pub fn extended_enough(number: &str, times: i64, days: i64) -> String {
    format!("{number} 已经延过 {times} 次，一共 {days} 个工作日，不能再延了。一时办不完的，可以请派单员“挂账”。")
}

/// More days than can be given.
pub fn extend_too_long(seq: i64, room: i64, before: i64) -> String {
    let before = if before > 0 { format!("（已经延过 {before} 个）") } else { String::new() };
    format!("最多还能延 {room} 个工作日{before}。请这样发：延期 {seq} {room} 理由")
}

/// To dispatchers: the unit asks for more time.
pub fn extension_asked(label: &str, unit: &str, days: i64, reason: Option<&str>, seq: i64) -> String {
    let reason = or_look("理由", reason, seq);
    format!("{label}\n{unit}要延期 {days} 个工作日{reason}\n同意回“同意延期 {seq}”，不同意回“不同意延期 {seq} 原因”")
}

/// To whoever asked.
pub fn extension_passed_on(label: &str, days: i64) -> String {
    format!("已经问派单员了，要延 {days} 个工作日：{label}。没答复以前，还按原来的期限。")
}

/// More time was given.
pub fn extension_granted(label: &str, days: i64, due: Option<Millis>, now: Millis) -> String {
    format!("同意延期 {days} 个工作日：{label}。改到{}前办结", until_words(due, now))
}

/// To the reporter: it takes longer.
pub fn reporter_extended(label: &str, unit: &str, why: &str, due: Option<Millis>, now: Millis) -> String {
    format!("您反映的事（{label}）要多用几天。{unit}说：{why}\n改到{}前给您回话。", until_words(due, now))
}

/// No more time; `reason` stands on a line of its own.
pub fn extension_refused(label: &str, reason: &str, due: Option<Millis>, now: Millis) -> String {
    format!("延期没有同意：{label}。还是{}前办结{reason}", until_words(due, now))
}

/// 不同意延期 was passed on.
pub fn extension_not_given(label: &str, due: Option<Millis>, now: Millis) -> String {
    format!("没有同意延期，跟单位说了：{label}。还是{}前办结", until_words(due, now))
}

/// The reason of a refusal, or in a group how to read it.
pub fn refusal_reason(reason: Option<&str>, seq: i64) -> String {
    or_look("原因", reason, seq)
}

// 挂账, 重启.

/// A review on a day that does not fit.
pub fn review_out_of_range() -> &'static str {
    "复查日最早明天，最晚 90 天以后，请换一个日子。"
}

/// To the second person: this waits for you.
pub fn shelve_asked(label: &str, by: Role, until: Millis, now: Millis, plan: Option<&str>, seq: i64) -> String {
    let plan = or_look("计划", plan, seq);
    format!("{label}\n{by}提出挂账，{}前复查{plan}\n同意回“同意 {seq}”，不同意回“不同意 {seq} 原因”", in_words(until, now))
}

/// To whoever proposed it.
pub fn shelve_passed_on(label: &str, other: Role) -> String {
    format!("已经提出挂账：{label}。等{other}同意，没同意以前照常办。")
}

/// To the reporter: it takes long, and this is the plan.
pub fn reporter_shelved(label: &str, plan: &str, until: Option<Millis>, now: Millis) -> String {
    format!("您反映的事（{label}）一时办不完，定了计划慢慢办：\n{plan}\n最晚{}再看一次，看完告诉您。", until_words(until, now))
}

/// To the unit: the clock stands still.
pub fn unit_shelved(label: &str, plan: Option<&str>, until: Option<Millis>, now: Millis, seq: i64) -> String {
    let plan = or_look("计划", plan, seq);
    format!("已挂账：{label}。{}前复查，这段时间不算期限{plan}\n要接着办，回“重启 {seq}”", until_words(until, now))
}

/// To the deputies of the place: it takes long.
pub fn deputies_shelved(label: &str, plan: Option<&str>, until: Option<Millis>, now: Millis, seq: i64) -> String {
    let plan = or_look("计划", plan, seq);
    format!("{label} 一时办不完，挂账了，{}前复查{plan}", until_words(until, now))
}

/// To the unit: worked on again.
pub fn unit_resumed(label: &str, due: Option<Millis>, now: Millis) -> String {
    format!("已重启：{label}。{}前办结", due.map(|due| by(due, now)).unwrap_or_default())
}

/// To the reporter: worked on again.
pub fn reporter_resumed(label: &str, unit: &str, due: Option<Millis>, now: Millis) -> String {
    let due = due.filter(|due| *due > now).map(|due| format!("，{}前给您回话", by(due, now))).unwrap_or_default();
    format!("您反映的事（{label}）{unit}接着办了{due}。")
}

// 同意, 不同意.

/// 同意 where nothing is proposed.
pub fn nothing_proposed(ticket: &Ticket, verb: Verb) -> String {
    let hint = if ticket.extension_days.is_some() {
        format!("要答复延期，回“{}延期 {}”。", verb.chinese(), ticket.seq)
    } else {
        String::new()
    };
    format!("{} 现在没有等着同意的事。{hint}", ticket.short())
}

fn roles(roles: &[Role]) -> String {
    roles.iter().map(|role| role.chinese()).collect::<Vec<_>>().join("和")
}

/// One's own proposal.
pub fn own_proposal(number: &str, missing: &[Role]) -> String {
    format!("{number} 这件事是您自己提的，要另一个人同意：{}。不想要了，回“不同意 {number} 原因”就撤了。", roles(missing))
}

/// Agreed already.
pub fn agreed_before(number: &str) -> String {
    format!("{number} 您已经同意过了，还要另一个人同意。")
}

/// It takes somebody else's role.
pub fn takes_another(number: &str, missing: &[Role]) -> String {
    format!("{number} 这件事要{}同意，不归您。", roles(missing))
}

/// There is nobody for the second part.
pub fn nobody_else(role: Role) -> String {
    format!("这件事要两个人，还得有{role}同意，可是现在除了您没有别人能同意。请先找管理员加上人。")
}

/// The unit cannot decide about its own claim.
pub fn not_by_the_unit() -> &'static str {
    "这是您单位提的，要外面的人定：回访员和县人大代表工委。"
}

/// The first of two agreed.
pub fn agreed_so_far(label: &str, other: Role) -> String {
    format!("记下了，您同意：{label}。还要{other}也同意才算。")
}

/// To the second person: it is done.
pub fn agreed(label: &str, matter: Matter) -> String {
    match matter {
        Matter::Shelve => format!("已挂账：{label}"),
        Matter::Withdraw => format!("已同意撤回：{label}"),
        Matter::Unreasonable => format!("已认定不合理：{label}"),
    }
}

/// To the second person: it is not done.
pub fn refused(label: &str, matter: Matter) -> String {
    match matter {
        Matter::Shelve => format!("没有挂账，接着办：{label}"),
        Matter::Withdraw => format!("没有撤回，接着办：{label}"),
        Matter::Unreasonable => format!("没有认定不合理：{label}"),
    }
}

/// To whoever proposed it.
pub fn asker_agreed(label: &str, matter: Matter) -> String {
    match matter {
        Matter::Shelve => format!("您提的挂账同意了：{label}"),
        Matter::Withdraw => format!("撤回同意了：{label}"),
        Matter::Unreasonable => format!("认定不合理了：{label}"),
    }
}

/// To whoever proposed it.
pub fn asker_refused(label: &str, matter: Matter, reason: Option<&str>, seq: impl std::fmt::Display) -> String {
    let what = match matter {
        Matter::Shelve => "您提的挂账没有同意，接着办",
        Matter::Withdraw => "撤回没有同意",
        Matter::Unreasonable => "没有认定不合理",
    };
    format!("{what}：{label}{}", or_look("原因", reason, seq))
}

// 撤回, 恢复.

/// To intake: the reporter wants to withdraw.
pub fn withdraw_asked(label: &str, seq: impl std::fmt::Display) -> String {
    format!("{label}\n反映人想撤回，要您同意。同意回“同意 {seq}”，不同意回“不同意 {seq} 原因”")
}

/// To the reporter: intake is asked.
pub fn withdraw_passed_on(label: &str, who: &str) -> String {
    format!("已经跟{who}说了，您想撤回：{label}。{who}同意了就撤，有结果告诉您。")
}

/// Withdrawn again while the wish waits, or while something else does.
pub fn withdraw_waits(number: &str, for_intake: bool, who: &str) -> String {
    if for_intake {
        format!("{number} 您已经说过要撤回了，在等{who}同意。")
    } else {
        format!("{number} 正在商量怎么办，过一两天有了结果再撤。急的话回“转人工”跟受理员说。")
    }
}

/// To the reporter: withdrawn.
pub fn reporter_withdrawn(label: &str, seq: impl std::fmt::Display, may_restore: bool, who: &str) -> String {
    let hint = if may_restore { restore_hint(seq) } else { String::new() };
    format!("{who}同意了，您反映的事（{label}）已经撤回。{hint}")
}

/// How to get back what was withdrawn.
pub fn restore_hint(seq: impl std::fmt::Display) -> String {
    format!("七天里改了主意，回“恢复 {seq}”。")
}

/// To the reporter: not withdrawn.
pub fn reporter_not_withdrawn(label: &str, reason: &str, who: &str) -> String {
    format!("您想撤回的事（{label}）{who}没有同意，接着办。\n{who}说：{reason}")
}

/// 恢复 too late.
pub fn restore_too_late(number: &str) -> String {
    format!("{number} 撤回已经超过七天，恢复不了了。还要办，请重新反映一次。")
}

/// To intake: it is back.
pub fn restored_to_intake(label: &str, seq: impl std::fmt::Display) -> String {
    format!("{label}\n撤回以后反映人又要办，请重新受理：受理 {seq}")
}

/// To the reporter: it is back.
pub fn restored(label: &str, due: Option<Millis>, now: Millis) -> String {
    format!("好，接着办：{label}。{}前告诉您由谁来办。", due.map(|due| by(due, now)).unwrap_or_default())
}

// 申诉.

/// How to appeal, below a rejection.
pub fn appeal_hint(seq: impl std::fmt::Display, who: &str) -> String {
    format!("\n觉得应该受理的，回“申诉 {seq} 理由”，请{who}再看一次。")
}

/// To intake: look at it again.
pub fn appeal_to_intake(label: &str, others: bool, reason: Option<&str>, seq: impl std::fmt::Display) -> String {
    let who = if others { "请换一个人看" } else { "请再看一次" };
    let reason = after_colon("\n反映人说：", reason.filter(|reason| !reason.is_empty()));
    format!("{label}\n没有受理，反映人申诉了，{who}{reason}\n受理回“受理 {seq}”，不受理回“不予受理 {seq} 原因”")
}

/// To the reporter.
pub fn appealed(label: &str, others: bool, due: Option<Millis>, now: Millis) -> String {
    let who = if others { "别的受理员" } else { "受理员" };
    format!("收到了，{who}再看一次：{label}。{}前告诉您结果。", due.map(|due| by(due, now)).unwrap_or_default())
}

/// Whoever rejected does not decide about the appeal.
pub fn appeal_not_by_you(number: &str, verb: Verb) -> String {
    format!("{number} 是您不予受理的，反映人申诉了，要别的受理员来定，您不能再{}。", verb.chinese())
}

// 不合理.

/// Nobody rated it.
pub fn nothing_rated(number: &str) -> String {
    format!("{number} 还没有人评价，说不上不合理。")
}

/// 不合理 too late.
pub fn claim_too_late(number: &str) -> String {
    format!("{number} 的评价已经过了三个工作日，不能再提不合理了。")
}

/// Confirmed already.
pub fn claimed_already(number: &str) -> String {
    format!("{number} 已经认定不合理了。")
}

/// Too few words.
pub fn claim_too_short() -> &'static str {
    "理由再写清楚一点，至少 10 个字，和证据（照片、截图）一起发。"
}

/// No proof.
pub fn claim_needs_proof() -> &'static str {
    "还要有证据：照片、截图或者录音，请发过来。"
}

/// To the two who decide.
pub fn claim_asked(label: &str, unit: &str, reason: Option<&str>, seq: i64) -> String {
    let reason = or_look("理由", reason, seq);
    format!("{label}\n{unit}说这件事的诉求不合理，请看证据{reason}\n同意回“同意 {seq}”，不同意回“不同意 {seq} 原因”")
}

/// To the unit.
pub fn claim_passed_on(label: &str) -> String {
    format!("已经提出：{label}。回访员和县人大代表工委都同意才算，有结果告诉您。")
}

// 评价, 重办.

/// A score in words.
fn score(value: i64) -> &'static str {
    match value {
        5 => "非常满意",
        4 => "满意",
        3 => "基本满意",
        2 => "不满意",
        _ => "非常不满意",
    }
}

/// A rating in one line, without who gave it.
pub fn rating_line(solved: Option<&str>, value: Option<i64>, reason: Option<&str>, words: Option<&str>) -> String {
    let solved = solved.map(|solved| match solved {
        "yes" => "解决了",
        "partly" => "解决了一部分",
        _ => "没解决",
    });
    let reason = reason.map(|reason| match reason {
        "attitude" => "态度不好",
        "slow" => "办得太慢",
        "result" => "结果不好",
        "off_point" => "说的不是一件事",
        "no_contact" => "没人联系",
        _ => "别的",
    });
    let parts: Vec<&str> = [solved, value.map(score), reason].into_iter().flatten().collect();
    format!("评价　{}{}", parts.join("，"), after_colon("：", words.filter(|words| !words.is_empty())))
}

/// What is special about a ticket, for those in office.
pub fn marks(ticket: &Ticket) -> Option<String> {
    let relapse = ticket.relapse.then_some("反弹");
    let extended = (ticket.extended_days > 0).then(|| format!("延期 {} 个工作日", ticket.extended_days));
    let unreasonable = ticket.unreasonable.map(Unreasonable::chinese);
    let marks: Vec<&str> = [relapse, extended.as_deref(), unreasonable].into_iter().flatten().collect();
    (!marks.is_empty()).then(|| format!("标记　{}", marks.join("、")))
}

/// The time for rating is over.
pub fn rating_over(number: &str) -> String {
    format!("{number} 评价的时间过了。要是又出了问题，请再反映一次。")
}

/// The one change was made.
pub fn rated_twice(number: &str) -> String {
    format!("{number} 您评价过，也改过一次了，就按改过的算。")
}

/// The reporter wants a third round, after a rating.
pub fn rated_and_passed_on() -> &'static str {
    "您说的我们都记下了。这件事已经重办过两次，再办不办请县人大代表工委来定，有结果告诉您。"
}

/// The reporter wants a third round.
pub fn reopen_passed_on(label: &str) -> String {
    format!("这件事已经重办过两次了，我转给县人大代表工委了，由他们定：{label}。有结果告诉您。")
}

/// The congress staff were asked already.
pub fn congress_decides(number: &str) -> String {
    format!("{number} 已经转给县人大代表工委了，由他们定。有结果告诉您。")
}

/// To the congress staff: a third round is wanted.
pub fn reopen_to_congress(label: &str, reason: &str, seq: impl std::fmt::Display) -> String {
    let reason = after_colon("\n反映人说：", Some(reason).filter(|reason| !reason.is_empty()));
    format!("{label}\n已经重办过两次，反映人还要再办，请您定{reason}\n要再办，回“重办 {seq} 原因”；先看情况，回“查 {seq}”")
}

/// Who wants a new round.
pub fn who_reopens(who: Who) -> &'static str {
    match who {
        Who::Holder(Role::NpcStaff) => "县人大代表工委",
        Who::Holder(Role::Deputy) => "代表",
        _ => "反映人",
    }
}

/// To the reporter: somebody else asked for a new round.
pub fn reporter_reopened(label: &str, due: Option<Millis>, now: Millis) -> String {
    format!("您反映的事（{label}）要再办一次，{}前给您回话。", due.map(|due| by(due, now)).unwrap_or_default())
}

/// To intake, below a new clue: the same was closed here before.
pub fn closed_here_before(number: &str) -> String {
    format!("\n这里 90 天内办结过同类的（{number}）")
}

// 回访.

/// A telephone number is shown in private only.
pub fn call_in_private() -> &'static str {
    "回访要在私聊里记，电话也只在私聊里看得到。请私聊我说“待回访”。"
}

/// Who handled or reported it does not call back.
pub fn callback_not_by_you(number: &str) -> String {
    format!("{number} 是您办过或者反映的，要别人来回访。")
}

/// Nobody answered.
pub fn not_reached(label: &str, tries: usize) -> String {
    format!("记下了，第 {tries} 次没打通：{label}。过一阵再打。")
}

/// The call is recorded.
pub fn called_back(label: &str) -> String {
    format!("记下了，归档了：{label}")
}

/// A line of 待回访.
pub fn call_line(label: &str, reach: &str, tries: usize) -> String {
    let tries = if tries > 0 { format!("（{tries} 次没打通）") } else { String::new() };
    format!("{label}{tries}\n　{reach}")
}

/// How to go on below the list.
pub fn call_hints(first: Option<i64>, later: usize) -> Vec<String> {
    let how = first.map(|seq| format!("打完电话回“回访 {seq}”；没打通回“回访 {seq} 没打通”"));
    let later = (later > 0).then(|| format!("另有 {later} 件刚办完，在等反映人自己评价。"));
    how.into_iter().chain(later).collect()
}
