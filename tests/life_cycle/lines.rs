//! What is typed for each row of the table, and what it needs beside the state.

use super::county::{CO, County, Scene, proposal, standing};
use minhu::{
    clock::DAY,
    people::Role,
    tickets::{
        Kind, Matter, Mode, Sealed, State, Unreasonable,
        life::{Row, To, Verb, When, Who},
    },
};

/// What is typed: the command with everything it needs, then answers, each said only while something is asked. `None`: nothing
/// can be typed, it happens by itself or in the dialog of a report.
pub fn lines(row: &Row) -> Option<&'static [&'static str]> {
    Some(match (row.verb, row.to) {
        (Verb::Report | Verb::StrikeOff, _) => return None,
        (Verb::Ask, _) => &["追问 1 井在村东还是村西？"],
        (Verb::Fix, _) => &["更正 1 级别 紧急"],
        (Verb::Add, _) => &["补充 1 昨天夜里又抽了"],
        (Verb::Accept, _) => &["受理 1"],
        (Verb::Reject, _) => &["不予受理 1 外地 这口井在邻县", "确定"],
        (Verb::Appeal, _) => &["申诉 1 井就在我们村"],
        (Verb::Handover, To::Same) => &["移交 1 纪检", "确定"],
        (Verb::Handover, _) => &["移交 1 市信访局 0318-5700000", "确定"],
        (Verb::Assign, _) => &["派单 1 住建局"],
        (Verb::Sign, _) => &["签收 1"],
        (Verb::SendBack, _) => &["退单 1 职责 住建局"],
        (Verb::Redispatch, _) => &["改派 1 住建局 职责"],
        (Verb::Arbitrate, _) => &["裁定 1 住建局 按职责归住建局"],
        (Verb::Note, _) => &["进展 1 公开 已经到现场看过了"],
        (Verb::Contact, _) => &["联系 1 打过电话了"],
        (Verb::Give, _) => &["转办 1 水务局同事"],
        (Verb::Relay, _) => &["转告 1 明天上午到井边见"],
        (Verb::Join, _) => &["协办 1 住建局"],
        (Verb::Opinion, _) => &["协办意见 1 同意封井，我们拆电线"],
        (Verb::Extend, _) => &["延期 1 3 封井的机器还没到"],
        (Verb::ExtendOk, _) => &["同意延期 1"],
        (Verb::ExtendNo, _) => &["不同意延期 1 机器可以先借"],
        (Verb::Shelve, _) => &["挂账 1 2026-12-30 先封存水泵，开春统一打井，十二月底复查"],
        (Verb::Agree, _) => &["同意 1"],
        (Verb::Disagree, _) => &["不同意 1 还能接着办"],
        (Verb::Resume, _) => &["重启 1"],
        (Verb::Done, _) => &["办结 1 属实 关停 井已封填，水泵已拆走，电线也拆了，村里贴了公告[照片]"],
        (Verb::SignOff, _) => &["审核 1"],
        (Verb::Redo, _) => &["退回重办 1 没有封井以后的照片"],
        (Verb::Pass, _) => &["通过 1"],
        (Verb::Rate, _) => &["评价 1 5", "解决了"],
        (Verb::Callback, To::Same) => &["回访 1", "没打通"],
        (Verb::Callback, _) => &["回访 1", "打通了", "联系过", "解决了", "满意", "没有", "没有"],
        (Verb::Reopen, _) => &["重办 1 又开始抽水了"],
        (Verb::Verify, To::Same) => &["查验 1 已整改 井口已经封死了[照片]"],
        (Verb::Verify, _) => &["查验 1 未整改 夜里还在抽水[照片]"],
        (Verb::Check, _) => &["请查验 1 被选代表"],
        (Verb::Unreasonable, _) => &["不合理 1 井已经封了，要的赔偿没有依据[照片]"],
        (Verb::Restore, _) => &["恢复 1"],
        (Verb::Undo, _) => &["撤销"],
        (Verb::Answer, _) => &["回复督办 1 已经派人到现场，三天内封井"],
        (Verb::Reveal, _) => &["看身份 1 要核对井的位置"],
        (Verb::Merge, To::Same) => &["并单 2 1"],
        (Verb::Merge, _) => &["并单 1 2"],
        (Verb::Unmerge, _) => &["拆回 1"],
        (Verb::Split, _) => &["拆单 1", "夜里打井抽水\n村里路灯不亮"],
        (Verb::Raise, _) => &["提级 1 衡水市水利局"],
        (Verb::Forward, _) => &["上报 1"],
        (Verb::Withdraw, _) => &["撤回 1", "撤回"],
        (Verb::Supervise, _) => &["督办 1 三天内到现场核实 12月1日"],
        (Verb::ToSuggestion, _) => &["转建议 1", "统一封停私打的机井", "建议对全县私打的机井统一排查，逐口封停", "提交"],
        (Verb::Urge, _) => &["催办 1"],
        (Verb::Status, _) => &["查 1"],
    })
}

/// Is it done to the ticket that leads, when a reporter of a merged one says it?
pub fn with_leader(row: &Row) -> bool {
    row.when == When::HasLeader && matches!(row.verb, Verb::Add | Verb::Relay | Verb::Rate | Verb::Urge)
}

/// Is there a second ticket, that leads or is led?
fn needs_second(row: &Row) -> bool {
    row.verb == Verb::Merge || row.when == When::HasLeader
}

/// The tickets of the row in this state with its condition fulfilled, for somebody who may do it as one of these.
pub fn scenes(county: &County, row: &Row, state: State, actor: &super::walk::Actor) -> Vec<Scene> {
    // Only what one did oneself is taken back.
    let mine = actor.may(row, &standing(state, county.clock.now()));
    let now = county.clock.now();
    let mut scene = Scene::from(standing(state, now));
    scene.reporters = vec![("reporter", Mode::RealName)];
    scene.co_units = vec![(CO, row.verb != Verb::Opinion)];
    // Whoever chose a deputy is another matter: until he hands it on, nobody else has it.
    let chosen = actor.is_chosen && row.who.contains(&Who::ChosenDeputy);
    scene.ticket.given_to = chosen.then(|| county.person("chosen"));
    scene.rated = row.verb == Verb::Unreasonable || matches!(row.when, When::Proposed(Matter::Unreasonable));
    fulfil(county, &mut scene, row.when, actor);
    match (row.verb, row.when) {
        (Verb::Undo, _) => {
            let before = format!(r#"{{"state":"{}"}}"#, origin(state).code());
            let (who, role) = if mine { (actor.id, actor.roles[0].as_str()) } else { ("npc_staff", "npc_staff") };
            scene.last = Some((leads_to(state), origin(state), who, role, before));
        }
        (Verb::Unmerge, _) => {
            let before = r#"{"state":"working","merged_into":null}"#.to_owned();
            scene.last = Some((Verb::Merge, State::Working, "dispatcher", "dispatcher", before));
        }
        _ => {}
    }
    let mut all = vec![scene];
    if needs_second(row) {
        let state = match row.verb {
            Verb::Rate => State::Callback,
            // One that no unit has does not lead one that a unit has.
            Verb::Merge if row.to == To::Same && all[0].ticket.unit.is_none() => State::Submitted,
            _ => State::Working,
        };
        all.push(Scene { reporters: vec![("stranger2", Mode::RealName)], ..standing(state, now).into() });
    }
    all
}

/// Makes a row's condition hold.
fn fulfil(county: &County, scene: &mut Scene, when: When, actor: &super::walk::Actor) {
    let now = county.clock.now();
    let ticket = &mut scene.ticket;
    match when {
        When::Always | When::NeedsNoConsent | When::NothingProposed | When::NoExtensionPending => {}
        When::NotAppealed | When::NotRestored | When::FirstSendBack => {}
        When::SecondSendBack => ticket.send_backs = 1,
        When::NeedsConsent => ticket.kind = Kind::Accusation,
        When::Proposed(matter) => {
            let by = match matter {
                Matter::Withdraw => county.voice("reporter", "reporter"),
                Matter::Unreasonable => county.voice("liaison", Role::Liaison.as_str()),
                Matter::Shelve if actor.roles.contains(&Role::Dispatcher) => county.voice("npc_staff", Role::NpcStaff.as_str()),
                Matter::Shelve => county.voice("dispatcher", Role::Dispatcher.as_str()),
            };
            if matter == Matter::Unreasonable {
                ticket.unreasonable = Some(Unreasonable::Proposed);
            }
            ticket.proposal = Some(proposal(matter, by, (matter == Matter::Shelve).then_some(now + 30 * DAY)));
        }
        When::ExtensionPending => ticket.extension_days = Some(3),
        When::Supervised => ticket.supervised = true,
        When::NotSignedOff => ticket.signed_off = false,
        When::Given => ticket.given_to = Some(county.person("chosen")),
        When::HasLeader => ticket.merged_into = Some(super::county::id_of(2)),
        When::NeedsNoReview => ticket.kind = Kind::Consult,
        When::Sealed => (ticket.sealed, ticket.unit) = (Sealed::Area, None),
        When::ReopensLeft => ticket.reopens = 0,
        When::ReopensUsedUp => ticket.reopens = 2,
        When::HasUnit => {}
        When::NoUnit => ticket.unit = None,
        When::FromDeputy => ticket.source = "deputy".to_owned(),
    }
}

/// Makes a row's condition fail; `None` when it always holds.
pub fn spoil(county: &County, scene: &mut Scene, when: When) -> Option<()> {
    let ticket = &mut scene.ticket;
    match when {
        When::Always => return None,
        When::FirstSendBack => ticket.arbitrated = true,
        When::SecondSendBack => {
            ticket.send_backs = 1;
            ticket.arbitrated = true;
        }
        // The other row of the same verb takes it: who may and what it leads to is the other row's matter.
        When::NeedsNoConsent | When::ReopensLeft | When::ReopensUsedUp | When::HasUnit | When::NoUnit => return None,
        When::NeedsNoReview => return None,
        When::Sealed => ticket.sealed = Sealed::Open,
        When::FromDeputy => ticket.source = "simulator".to_owned(),
        When::NeedsConsent => {
            let by = county.voice("reporter", "reporter");
            ticket.proposal = Some(proposal(Matter::Withdraw, by, None));
        }
        When::Proposed(_) => ticket.proposal = None,
        When::NothingProposed => {
            let by = county.voice("npc_staff", Role::NpcStaff.as_str());
            ticket.proposal = Some(proposal(Matter::Shelve, by, Some(county.clock.now() + 30 * DAY)));
        }
        When::ExtensionPending => ticket.extension_days = None,
        When::NoExtensionPending => ticket.extension_days = Some(3),
        When::Supervised => ticket.supervised = false,
        When::NotSignedOff => ticket.signed_off = true,
        When::NotAppealed => ticket.appealed = true,
        When::NotRestored => ticket.restored = true,
        When::Given => ticket.given_to = None,
        When::HasLeader => ticket.merged_into = None,
    }
    Some(())
}

/// A command of somebody in office that leads to a state, and from where, for taking it back.
fn leads_to(state: State) -> Verb {
    match state {
        State::Submitted | State::Working => Verb::Note,
        State::NeedInfo => Verb::Ask,
        State::Accepted => Verb::Accept,
        State::Dispatched => Verb::Assign,
        State::SentBack | State::Disputed => Verb::SendBack,
        State::InReview => Verb::Done,
        State::Callback => Verb::Pass,
        State::Closed => Verb::Callback,
        State::Shelved | State::Cancelled => Verb::Agree,
        State::Rejected => Verb::Reject,
        State::Merged => Verb::Merge,
        State::HandedOver => Verb::Handover,
    }
}

/// Where that command came from.
pub fn origin(state: State) -> State {
    match state {
        State::Submitted => State::Submitted,
        State::NeedInfo | State::Accepted | State::Rejected | State::HandedOver => State::Submitted,
        State::Dispatched => State::Accepted,
        State::SentBack | State::Disputed => State::Dispatched,
        State::Working | State::InReview | State::Shelved | State::Cancelled | State::Merged => State::Working,
        State::Callback => State::InReview,
        State::Closed => State::Callback,
    }
}
