//! The life cycle as one table: what may happen, from which state, by whom, and who is told.
//!
//! Permission checks, the list of commands and `docs/life-cycle.md` are made from it. Rows that are `later` have their words
//! reserved and are refused by name; they do not pretend to work.

use super::{State, named};
use crate::people::Role;

named! {
    /// What can be done to a ticket; the code is the slash alias.
    Verb {
        /// A report becomes a ticket.
        Report = "report" "反映",
        /// A question to the reporter.
        Ask = "ask" "追问",
        /// Correct what intake or the report set.
        Fix = "fix" "更正",
        /// Something is added by the reporter.
        Add = "add" "补充",
        /// Taken.
        Accept = "accept" "受理",
        /// Not taken.
        Reject = "reject" "不予受理",
        /// Against a rejection.
        Appeal = "appeal" "申诉",
        /// Given to somebody outside.
        Handover = "handover" "移交",
        /// Given to a unit.
        Assign = "assign" "派单",
        /// Receipt confirmed.
        Sign = "sign" "签收",
        /// Not ours.
        SendBack = "sendback" "退单",
        /// To another unit.
        Redispatch = "redispatch" "改派",
        /// A dispute decided.
        Arbitrate = "arbitrate" "裁定",
        /// A note on progress.
        Note = "note" "进展",
        /// The reporter was contacted.
        Contact = "contact" "联系",
        /// To a colleague.
        Give = "give" "转办",
        /// Words through the bot.
        Relay = "relay" "转告",
        /// Another unit helps.
        Join = "join" "协办",
        /// The helping unit's opinion.
        Opinion = "opinion" "协办意见",
        /// More time is asked for.
        Extend = "extend" "延期",
        /// More time is given.
        ExtendOk = "extend_ok" "同意延期",
        /// No more time.
        ExtendNo = "extend_no" "不同意延期",
        /// Put on the long list.
        Shelve = "shelve" "挂账",
        /// Taken up again.
        Resume = "resume" "重启",
        /// The unit reports the result.
        Done = "done" "办结",
        /// The unit's leader agrees.
        SignOff = "signoff" "审核",
        /// Not good enough.
        Redo = "redo" "退回重办",
        /// The centre agrees.
        Pass = "pass" "通过",
        /// The reporter rates.
        Rate = "rate" "评价",
        /// A clerk records a call-back.
        Callback = "callback" "回访",
        /// Once more.
        Reopen = "reopen" "重办",
        /// Seen on the spot.
        Verify = "verify" "查验",
        /// Somebody is asked to look on the spot.
        Check = "check" "请查验",
        /// The claim is unreasonable.
        Unreasonable = "unreasonable" "不合理",
        /// A withdrawn clue comes back.
        Restore = "restore" "恢复",
        /// The last command is taken back.
        Undo = "undo" "撤销",
        /// The second person agrees.
        Agree = "agree" "同意",
        /// The second person disagrees.
        Disagree = "disagree" "不同意",
        /// The answer to a supervision order.
        Answer = "answer" "回复督办",
        /// Looks at a confidential identity.
        Reveal = "reveal" "看身份",
        /// Handled as one.
        Merge = "merge" "并单",
        /// Apart again.
        Unmerge = "unmerge" "拆回",
        /// Several matters apart.
        Split = "split" "拆单",
        /// One level up.
        Raise = "raise" "提级",
        /// A deputy hands it on.
        Forward = "forward" "上报",
        /// Taken back by the reporter.
        Withdraw = "withdraw" "撤回",
        /// A supervision order.
        Supervise = "supervise" "督办",
        /// A reminder.
        Urge = "urge" "催办",
        /// What became of it.
        Status = "status" "查",
    }
}

/// Who may do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Everybody.
    Anybody,
    /// Whoever reported the ticket.
    Reporter,
    /// The holder of a role in the ticket's area (and unit, where the role belongs to one), or the stand-in.
    Holder(Role),
    /// Holders of both intake and dispatcher grants.
    IntakeAndDispatcher,
    /// A dispatcher whose grant covers the parent area.
    ParentDispatcher,
    /// Anybody in office whose scope covers the ticket.
    StaffInScope,
    /// The clock.
    Timer,
}

/// A row of the table.
#[derive(Debug)]
pub struct Row {
    /// What is done.
    pub verb: Verb,
    /// From these states; none for a new ticket.
    pub from: &'static [State],
    /// To this one; `None` where the state stays.
    pub to: Option<State>,
    /// By these.
    pub who: &'static [Who],
    /// Conditions, in words.
    pub conditions: &'static str,
    /// Who is told, in words.
    pub told: &'static str,
    /// Not built yet: the word is refused by name.
    pub later: bool,
}

use State::{
    Accepted, Callback, Cancelled, Closed, Dispatched, Disputed, HandedOver, InReview, Merged, NeedInfo, Rejected, SentBack,
    Shelved, Submitted, Working,
};

const OPEN: &[State] = &[Submitted, NeedInfo, Accepted, Dispatched, SentBack, Disputed, Working, InReview, Callback, Shelved];
const OPEN_AND_CLOSED: &[State] =
    &[Submitted, NeedInfo, Accepted, Dispatched, SentBack, Disputed, Working, InReview, Callback, Shelved, Closed];

const INTAKE: Who = Who::Holder(Role::Intake);
const DISPATCHER: Who = Who::Holder(Role::Dispatcher);
const LIAISON: Who = Who::Holder(Role::Liaison);
const HANDLER: Who = Who::Holder(Role::Handler);
const LEADER: Who = Who::Holder(Role::UnitLeader);
const NPC: Who = Who::Holder(Role::NpcStaff);
const TOWN: Who = Who::Holder(Role::TownNpc);
const CLERK: Who = Who::Holder(Role::CallbackClerk);
const DEPUTY: Who = Who::Holder(Role::Deputy);

const fn row(
    verb: Verb,
    from: &'static [State],
    to: Option<State>,
    who: &'static [Who],
    conditions: &'static str,
    told: &'static str,
) -> Row {
    Row { verb, from, to, who, conditions, told, later: false }
}

const fn later(verb: Verb, from: &'static [State], to: Option<State>, who: &'static [Who], conditions: &'static str) -> Row {
    Row { verb, from, to, who, conditions, told: "", later: true }
}

/// The table, in the order of `domain.md` 6.2. For a verb and a state the first row that fits counts.
pub const ROWS: &[Row] = &[
    row(Verb::Report, &[], Some(Submitted), &[Who::Anybody], "地点和事情都有了，提交", "反映人：收到；受理员"),
    row(Verb::Ask, &[Submitted], Some(NeedInfo), &[INTAKE], "最多两次；等补充时不计时", "反映人"),
    row(
        Verb::Assign,
        &[Submitted],
        Some(Dispatched),
        &[Who::IntakeAndDispatcher],
        "受理和派单一步完成，记两个事件，只推一次",
        "单位；反映人：哪个单位、什么时候前",
    ),
    later(Verb::Fix, OPEN, None, &[INTAKE, DISPATCHER], "改领域、类型、级别、地点、标题"),
    row(Verb::Add, &[NeedInfo], Some(Submitted), &[Who::Reporter], "回答追问，或随时补充", "受理员"),
    row(Verb::Add, OPEN_AND_CLOSED, None, &[Who::Reporter], "文字、语音、照片、位置；归档后也行", "承办单位"),
    row(Verb::Accept, &[Submitted], Some(Accepted), &[INTAKE], "定类型、领域、级别、属地", "派单员"),
    row(Verb::Reject, &[Submitted], Some(Rejected), &[INTAKE], "十个理由之一，说清该去哪里", "反映人：理由和去处"),
    later(Verb::Appeal, &[Rejected], Some(Submitted), &[Who::Reporter], "一次，由别人决定"),
    later(Verb::Handover, &[Submitted, Accepted, SentBack], Some(HandedOver), &[INTAKE, DISPATCHER], "紧急的立即移交"),
    row(
        Verb::Assign,
        &[Accepted, SentBack],
        Some(Dispatched),
        &[DISPATCHER],
        "规则给出建议和理由；退回的记首接责任",
        "单位；反映人：哪个单位、什么时候前；退回过的原单位",
    ),
    row(Verb::Sign, &[Dispatched], Some(Working), &[LIAISON], "联系和办理的期限从派单时算起", "派单员可查"),
    row(
        Verb::SendBack,
        &[Dispatched, Working],
        Some(SentBack),
        &[LIAISON],
        "派单后两个工作日内；理由和该归谁；每单位一次；第二次起由上级裁定（以后开通）",
        "派单员",
    ),
    row(
        Verb::Redispatch,
        &[Dispatched, Working],
        Some(Dispatched),
        &[DISPATCHER],
        "理由可选，不用等单位退单",
        "新单位、原单位；反映人：哪个单位",
    ),
    later(Verb::Arbitrate, &[Disputed], Some(Dispatched), &[Who::ParentDispatcher, NPC], "终局，单位不能再退"),
    row(Verb::Note, &[Working], None, &[LIAISON, HANDLER], "带“公开”的反映人看得到", "公开的：反映人"),
    row(
        Verb::Contact,
        &[Dispatched, Working],
        None,
        &[LIAISON, HANDLER],
        "实名的第一次联系停联系钟；保密、匿名的以转告或追问送到为准",
        "可查",
    ),
    row(Verb::Give, &[Working], None, &[LIAISON, HANDLER], "转给本单位的人", "新承办人"),
    row(Verb::Relay, OPEN, None, &[Who::Reporter, LIAISON, HANDLER, INTAKE], "双向，名字按保密方式隐去", "对方"),
    row(Verb::Ask, &[Working], None, &[LIAISON, HANDLER], "由机器人转问，不停表", "反映人"),
    later(Verb::Join, &[Working], None, &[LIAISON], "请别的单位协办"),
    later(Verb::Opinion, &[Working], None, &[LIAISON], "协办单位的意见"),
    later(Verb::Extend, &[Working], None, &[LIAISON], "到期前；最多两次"),
    later(Verb::ExtendOk, &[Working], None, &[DISPATCHER], "一个工作日没答复算不同意"),
    later(Verb::ExtendNo, &[Working], None, &[DISPATCHER], ""),
    later(Verb::Shelve, &[Working], Some(Shelved), &[DISPATCHER, NPC], "两个人；计划、节点、复查不超过 90 天"),
    later(Verb::Resume, &[Shelved], Some(Working), &[LIAISON, Who::Timer], "最迟到复查日"),
    row(
        Verb::Done,
        &[Working],
        Some(InReview),
        &[HANDLER, LIAISON],
        "结果、核实、方式；有照片 10 字以上，没照片 20 字以上；领域要求的有照片",
        "单位负责人",
    ),
    row(Verb::SignOff, &[InReview], None, &[LEADER], "单位签发；只需单位审核的这就算通过", "派单员"),
    row(Verb::Redo, &[InReview], Some(Working), &[LEADER, DISPATCHER], "说清缺什么；期限接着算", "承办人、联络员"),
    row(Verb::Pass, &[InReview], Some(Callback), &[DISPATCHER], "单位审核以后", "反映人：结果和评价一条消息"),
    row(Verb::Rate, &[Callback], Some(Closed), &[Who::Reporter], "每个回答马上存；不满意问原因、问要不要重办", "单位可查得分"),
    later(Verb::Callback, &[Callback], Some(Closed), &[CLERK], "电话回访的记录"),
    row(
        Verb::Reopen,
        &[Callback],
        Some(Working),
        &[Who::Reporter],
        "轮次加一，期限减半；反映人一共两次",
        "承办人、单位负责人、派单员",
    ),
    row(
        Verb::Reopen,
        &[Closed],
        Some(Working),
        &[Who::Reporter, DEPUTY, NPC],
        "反映人 30 天内，两次以内；代表和人大工委随时",
        "单位、派单员",
    ),
    later(Verb::Verify, &[InReview, Callback, Closed], None, &[DEPUTY], "现场查验"),
    later(
        Verb::Check,
        &[InReview, Callback, Closed],
        None,
        &[NPC, TOWN, Who::Holder(Role::GroupLead), DISPATCHER],
        "请人现场查验",
    ),
    later(Verb::Unreasonable, &[Callback, Closed], None, &[LIAISON, LEADER], "评价后三个工作日内"),
    later(Verb::Restore, &[Cancelled], Some(Submitted), &[Who::Reporter], "七天内一次"),
    later(Verb::Undo, OPEN_AND_CLOSED, None, &[Who::StaffInScope], "十分钟内，没人动过"),
    later(Verb::Agree, OPEN, None, &[Who::StaffInScope], "两人事项的第二个人"),
    later(Verb::Disagree, OPEN, None, &[Who::StaffInScope], "两人事项的第二个人"),
    later(Verb::Answer, OPEN, None, &[LIAISON, LEADER], "督办要求的书面回复"),
    later(Verb::Reveal, OPEN_AND_CLOSED, None, &[INTAKE], "只在私聊；留痕"),
    later(Verb::Merge, OPEN, Some(Merged), &[DISPATCHER], "30 天内可拆回"),
    later(Verb::Unmerge, &[Merged], None, &[DISPATCHER], "30 天内"),
    later(Verb::Split, OPEN, None, &[DISPATCHER], ""),
    later(Verb::Raise, &[Accepted, Dispatched, SentBack, Working], Some(Dispatched), &[NPC, DISPATCHER], "上一级再派"),
    later(Verb::Forward, &[Submitted], Some(Submitted), &[DEPUTY], "代表上报受理中心"),
    row(
        Verb::Withdraw,
        &[Submitted, NeedInfo, Accepted, Dispatched, SentBack, Working],
        Some(Cancelled),
        &[Who::Reporter],
        "先问“确定吗”；举报和特急的要受理员同意（以后开通）",
        "受理员、承办单位",
    ),
    later(
        Verb::Supervise,
        OPEN,
        None,
        &[NPC, TOWN, Who::Holder(Role::Leader), Who::Holder(Role::Inspector), Who::Holder(Role::TaskForce)],
        "自带期限，要书面回复",
    ),
    row(Verb::Urge, OPEN, None, &[Who::Reporter, DEPUTY, DISPATCHER], "反映人三天一次", "承办单位，没派单时是受理员"),
    row(Verb::Status, State::ALL, None, &[Who::Reporter, Who::StaffInScope], "反映人看不到内部记录", ""),
];

/// The row that counts for doing this in this state.
pub fn rows_in(verb: Verb, state: State) -> impl Iterator<Item = &'static Row> {
    ROWS.iter().filter(move |row| row.verb == verb && row.from.contains(&state))
}

/// All rows of a verb.
pub fn rows_of(verb: Verb) -> impl Iterator<Item = &'static Row> {
    ROWS.iter().filter(move |row| row.verb == verb)
}

/// The states from which this can be done, in any of its rows that are built.
pub fn states_for(verb: Verb) -> Vec<State> {
    let mut states: Vec<State> = rows_of(verb).filter(|row| !row.later).flat_map(|row| row.from.iter().copied()).collect();
    states.sort();
    states.dedup();
    states
}

/// Is nothing of this verb built yet?
pub fn is_later(verb: Verb) -> bool {
    rows_of(verb).all(|row| row.later)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verb_has_a_row_and_no_word_stands_for_two() {
        for verb in Verb::ALL {
            assert!(rows_of(*verb).next().is_some(), "{verb:?}");
        }
        let mut words: Vec<&str> = Verb::ALL.iter().flat_map(|verb| [verb.code(), verb.chinese()]).collect();
        words.sort_unstable();
        let all = words.len();
        words.dedup();
        assert_eq!(words.len(), all);
    }

    #[test]
    fn nothing_leaves_an_end_but_the_ways_that_are_named() {
        for state in [Rejected, Cancelled, Merged, HandedOver] {
            let out: Vec<Verb> = ROWS
                .iter()
                .filter(|row| !row.later && row.to.is_some() && row.from.contains(&state))
                .map(|row| row.verb)
                .collect();
            assert_eq!(out, [], "{state:?}");
        }
    }
}
