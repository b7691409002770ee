//! The life cycle as one table: what may happen, from which state, by whom, and who is told.
//!
//! Permission checks, the list of commands and `docs/life-cycle.md` with its drawing are made from it. What only the clock does
//! stands here too, under [`Who::Clock`].

use super::{Matter, Sealed, State, Ticket, named};
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
        /// Off the list: the result holds.
        StrikeOff = "strike_off" "销号",
        /// Copied into a formal proposal of a deputy.
        ToSuggestion = "to_suggestion" "转建议",
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
    /// The holder of a role alone: nobody stands in, and 代班 does not lend it.
    OnlyHolder(Role),
    /// The liaison of a unit that helps.
    CoLiaison,
    /// The deputy whom the reporter chose.
    ChosenDeputy,
    /// Holders of both intake and dispatcher grants.
    IntakeAndDispatcher,
    /// Who decides a dispute: a dispatcher whose grant covers the parent area; where there is none, the congress staff.
    Arbiter,
    /// Anybody in office whose scope covers the ticket.
    StaffInScope,
    /// It happens by itself.
    Itself,
    /// The clock.
    Clock,
}

/// What must hold beside the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Nothing.
    Always,
    /// Nobody sent it back yet.
    FirstSendBack,
    /// It was sent back once, and no dispute was decided.
    SecondSendBack,
    /// Neither an accusation nor urgent.
    NeedsNoConsent,
    /// An accusation, or urgent, and nothing proposed.
    NeedsConsent,
    /// This is proposed and waits for the second person.
    Proposed(Matter),
    /// Nothing is proposed.
    NothingProposed,
    /// More time was asked for and not answered.
    ExtensionPending,
    /// More time was not asked for, or it was answered.
    NoExtensionPending,
    /// A supervision order stands.
    Supervised,
    /// A question: its answer goes to the reporter at once.
    NeedsNoReview,
    /// The unit's leader has not signed off.
    NotSignedOff,
    /// No appeal was made.
    NotAppealed,
    /// It never came back from a withdrawal.
    NotRestored,
    /// A deputy was chosen and has it.
    Given,
    /// It is part of another ticket, not itself a leader.
    HasLeader,
    /// Only inspectors see it.
    Sealed,
    /// The reporter has not asked for more work twice yet.
    ReopensLeft,
    /// The reporter has asked for more work twice.
    ReopensUsedUp,
    /// A unit has it.
    HasUnit,
    /// No unit ever had it: a deputy settled it.
    NoUnit,
    /// A deputy reported it.
    FromDeputy,
}

/// Where a row leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum To {
    /// The state stays.
    Same,
    /// To this state.
    State(State),
    /// Back to where it was before.
    Before,
}

/// Who is told of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Told {
    /// Everybody who reported it.
    Reporters,
    /// Intake.
    Intake,
    /// Dispatchers.
    Dispatcher,
    /// The lead unit: its handler, or its liaison.
    Unit,
    /// Whoever has it now: intake, dispatchers or the unit.
    WhoeverHasIt,
    /// The unit that no longer has it.
    OldUnit,
    /// The units that help.
    CoUnits,
    /// The unit's leader.
    UnitLeader,
    /// Who decides disputes.
    Arbiter,
    /// The call-back clerk.
    CallbackClerk,
    /// The congress staff.
    NpcStaff,
    /// The second person of a matter of two.
    Second,
    /// Who proposed, ordered or asked.
    Asker,
    /// The person the command names.
    Named,
    /// The deputies' group, or the deputy who reported it.
    Deputies,
    /// The inspectors.
    Inspector,
}

/// A row of the table.
#[derive(Debug)]
pub struct Row {
    /// What is done.
    pub verb: Verb,
    /// From these states; none for a new ticket.
    pub from: &'static [State],
    /// Where it leads.
    pub to: To,
    /// By these.
    pub who: &'static [Who],
    /// Only when this holds.
    pub when: When,
    /// Further conditions, in words.
    pub conditions: &'static str,
    /// Who is told; which of them, when not always all, the conditions say.
    pub told: &'static [Told],
}

use State::{
    Accepted, Callback, Cancelled, Closed, Dispatched, Disputed, HandedOver, InReview, Merged, NeedInfo, Rejected, SentBack,
    Shelved, Submitted, Working,
};

/// So often a reporter may ask for more work; after that the congress staff decide.
const REOPENS: i64 = 2;

const OPEN: &[State] = &[Submitted, NeedInfo, Accepted, Dispatched, SentBack, Disputed, Working, InReview, Callback, Shelved];
const OPEN_AND_CLOSED: &[State] =
    &[Submitted, NeedInfo, Accepted, Dispatched, SentBack, Disputed, Working, InReview, Callback, Shelved, Closed];
const UNTIL_WORKING: &[State] = &[Submitted, NeedInfo, Accepted, Dispatched, SentBack, Working];
const RESULT: &[State] = &[InReview, Callback, Closed];

const INTAKE: Who = Who::Holder(Role::Intake);
const DISPATCHER: Who = Who::Holder(Role::Dispatcher);
const LIAISON: Who = Who::Holder(Role::Liaison);
const HANDLER: Who = Who::Holder(Role::Handler);
const LEADER: Who = Who::Holder(Role::UnitLeader);
const NPC: Who = Who::Holder(Role::NpcStaff);
const TOWN: Who = Who::Holder(Role::TownNpc);
const CLERK: Who = Who::Holder(Role::CallbackClerk);
const DEPUTY: Who = Who::Holder(Role::Deputy);
const INSPECTOR: Who = Who::Holder(Role::Inspector);
const LEAD: Who = Who::Holder(Role::GroupLead);

const fn row(
    verb: Verb,
    from: &'static [State],
    to: To,
    who: &'static [Who],
    conditions: &'static str,
    told: &'static [Told],
) -> Row {
    Row { verb, from, to, who, when: When::Always, conditions, told }
}

impl Row {
    const fn when(self, when: When) -> Row {
        Row { when, ..self }
    }
}

const SAME: To = To::Same;

const fn to(state: State) -> To {
    To::State(state)
}

/// The table, in the order of `domain.md` 6.2. For a verb and a state the first row that fits counts.
/// A static, so that a row is the same row everywhere.
pub static ROWS: &[Row] = &[
    row(
        Verb::Report,
        &[],
        to(Submitted),
        &[Who::Anybody],
        "地点和事情都有了，提交；先看有没有同一件；找了代表的，代表先知道",
        &[Told::Intake, Told::Named],
    ),
    row(Verb::Report, OPEN, SAME, &[Who::Anybody], "反映人说是同一件事：成为共同反映人，一样收进展、评价", &[Told::WhoeverHasIt]),
    row(Verb::Ask, &[Submitted], to(NeedInfo), &[INTAKE], "最多两次；等补充时不计时", &[Told::Reporters]),
    row(
        Verb::Assign,
        &[Submitted],
        to(Dispatched),
        &[Who::IntakeAndDispatcher],
        "受理和派单一步完成，记两个事件，只推一次",
        &[Told::Unit, Told::CoUnits, Told::Reporters],
    ),
    row(
        Verb::Fix,
        OPEN,
        SAME,
        &[INTAKE, DISPATCHER],
        "改领域、类型、级别、地点、标题；答应的日期变了才告诉反映人",
        &[Told::Reporters],
    ),
    row(
        Verb::Add,
        &[NeedInfo],
        to(Submitted),
        &[Who::Reporter, Who::Clock],
        "回答追问；到期没回按现有的定",
        &[Told::WhoeverHasIt],
    ),
    row(Verb::Add, OPEN_AND_CLOSED, SAME, &[Who::Reporter], "文字、语音、照片、位置；归档后也行", &[Told::WhoeverHasIt]),
    row(
        Verb::Accept,
        &[Submitted, Accepted, SentBack],
        to(Working),
        &[INSPECTOR],
        "受理就是纪检监察自己办，不派给单位",
        &[Told::Reporters, Told::Inspector],
    )
    .when(When::Sealed),
    row(Verb::Add, &[Merged], SAME, &[Who::Reporter], "并单以后：加到主单里", &[Told::WhoeverHasIt]).when(When::HasLeader),
    row(Verb::Accept, &[Submitted], to(Accepted), &[INTAKE], "定类型、领域、级别、属地", &[Told::Dispatcher]),
    row(Verb::Reject, &[Submitted], to(Rejected), &[INTAKE], "十个理由之一，说清该去哪里", &[Told::Reporters]),
    row(Verb::Appeal, &[Rejected], to(Submitted), &[Who::Reporter], "一次，由别的受理员决定", &[Told::Intake])
        .when(When::NotAppealed),
    row(
        Verb::Handover,
        &[Submitted, Accepted, SentBack],
        to(HandedOver),
        &[INTAKE, DISPATCHER],
        "紧急的立即移交；说清谁接、号码多少",
        &[Told::Reporters, Told::Named],
    ),
    row(
        Verb::Handover,
        &[Submitted, Accepted, SentBack],
        SAME,
        &[INTAKE, DISPATCHER],
        "移交纪检，本地有纪检监察的：状态不变，从此只有纪检看得到",
        &[Told::Inspector, Told::Reporters],
    ),
    row(
        Verb::Assign,
        &[Accepted, SentBack],
        to(Dispatched),
        &[DISPATCHER],
        "规则给出建议和理由；几家一起办的写明协办；退回的记首接责任",
        &[Told::Unit, Told::CoUnits, Told::OldUnit, Told::Reporters],
    ),
    row(Verb::Sign, &[Dispatched], to(Working), &[LIAISON], "联系和办理的期限从派单时算起；派单员可查", &[]),
    row(
        Verb::SendBack,
        &[Dispatched, Working],
        to(SentBack),
        &[LIAISON],
        "派单后两个工作日内，签收后也行；理由和该归谁",
        &[Told::Dispatcher],
    )
    .when(When::FirstSendBack),
    row(
        Verb::SendBack,
        &[Dispatched, Working],
        to(Disputed),
        &[LIAISON],
        "第二次退单成派单异议；每单位一次",
        &[Told::Arbiter, Told::OldUnit],
    )
    .when(When::SecondSendBack),
    row(
        Verb::Redispatch,
        &[Dispatched, Working],
        to(Dispatched),
        &[DISPATCHER],
        "理由可选，不用等单位退单",
        &[Told::Unit, Told::OldUnit, Told::Reporters],
    ),
    row(
        Verb::Arbitrate,
        &[Disputed],
        to(Dispatched),
        &[Who::Arbiter],
        "终局，单位不能再退",
        &[Told::Unit, Told::OldUnit, Told::Reporters],
    ),
    row(Verb::Note, &[Working], SAME, &[LIAISON, HANDLER, Who::CoLiaison], "带“公开”的反映人看得到", &[Told::Reporters]),
    row(Verb::Note, &[InReview], SAME, &[LIAISON, HANDLER], "办结以后补的话和照片，带“公开”的反映人看得到", &[Told::Reporters]),
    row(
        Verb::Contact,
        &[Dispatched, Working],
        SAME,
        &[LIAISON, HANDLER],
        "实名的第一次联系停联系钟；保密、匿名的以转告或追问送到为准",
        &[],
    ),
    row(Verb::Give, &[Working], SAME, &[LIAISON, HANDLER], "转给本单位的人", &[Told::Named]),
    row(
        Verb::Relay,
        OPEN,
        SAME,
        &[Who::Reporter, LIAISON, HANDLER, INTAKE, Who::ChosenDeputy],
        "反映人、受理员、单位之间，名字按保密方式隐去；没说给谁就给另一方",
        &[Told::Reporters, Told::Intake, Told::WhoeverHasIt],
    ),
    row(Verb::Relay, &[Merged], SAME, &[Who::Reporter], "并单以后：转给办主单的", &[Told::WhoeverHasIt]).when(When::HasLeader),
    row(Verb::Relay, &[Callback], SAME, &[CLERK], "回访员看不到电话的，由机器人带话；回话只到回访员", &[Told::Reporters]),
    row(Verb::Relay, OPEN, SAME, &[LEAD], "代表反映的，代表组长替他和单位带话", &[Told::Reporters, Told::WhoeverHasIt])
        .when(When::FromDeputy),
    row(Verb::Ask, &[Working], SAME, &[LIAISON, HANDLER], "由机器人转问，不停表", &[Told::Reporters]),
    row(
        Verb::Join,
        &[Dispatched, Working],
        SAME,
        &[LIAISON, DISPATCHER],
        "请别的单位协办，意见在主办一半的时间内；派单员请的告诉主办单位",
        &[Told::CoUnits, Told::Unit],
    ),
    row(Verb::Opinion, &[Dispatched, Working], SAME, &[Who::CoLiaison], "协办单位的意见", &[Told::Unit]),
    row(Verb::Extend, &[Working], SAME, &[LIAISON], "到期前；最多两次，总共不超过原来的期限和 10 个工作日", &[Told::Dispatcher])
        .when(When::NoExtensionPending),
    row(Verb::ExtendOk, &[Working], SAME, &[DISPATCHER], "一个工作日没答复算不同意", &[Told::Unit, Told::Reporters])
        .when(When::ExtensionPending),
    row(Verb::ExtendNo, &[Working], SAME, &[DISPATCHER, Who::Clock], "按原来的期限", &[Told::Unit]).when(When::ExtensionPending),
    row(Verb::Shelve, &[Working], SAME, &[DISPATCHER, NPC], "提出；计划、节点、复查不超过 90 天；等另一方同意", &[Told::Second])
        .when(When::NothingProposed),
    row(
        Verb::Agree,
        &[Working],
        to(Shelved),
        &[DISPATCHER, NPC],
        "挂账：另一个人，另一个身份",
        &[Told::Reporters, Told::Unit, Told::Asker, Told::Deputies],
    )
    .when(When::Proposed(Matter::Shelve)),
    row(Verb::Disagree, &[Working], SAME, &[DISPATCHER, NPC], "挂账不成，接着办", &[Told::Asker])
        .when(When::Proposed(Matter::Shelve)),
    row(
        Verb::Resume,
        &[Shelved],
        to(Working),
        &[LIAISON, Who::Clock],
        "最迟到复查日；期限接着算",
        &[Told::Unit, Told::Reporters],
    ),
    row(Verb::Done, &[Working], to(Callback), &[INSPECTOR], "结果直接给反映人，请他评价", &[Told::Reporters]).when(When::Sealed),
    row(Verb::Done, &[Working], to(Callback), &[HANDLER, LIAISON], "不用审核，答复直接给反映人", &[Told::Reporters])
        .when(When::NeedsNoReview),
    row(
        Verb::Done,
        &[Working],
        to(InReview),
        &[HANDLER, LIAISON],
        "结果、核实、方式；有照片 10 字以上，没照片 20 字以上；领域要求的有照片；协办意见齐了，或者协办的期限过了",
        &[Told::UnitLeader],
    ),
    row(Verb::Done, &[Submitted], to(Callback), &[Who::ChosenDeputy], "代表当场解决了", &[Told::Reporters]).when(When::Given),
    row(Verb::SignOff, &[InReview], SAME, &[LEADER], "单位签发", &[Told::Dispatcher]).when(When::NotSignedOff),
    row(Verb::Redo, &[InReview], to(Working), &[LEADER, DISPATCHER], "说清缺什么；期限接着算", &[Told::Unit]),
    row(Verb::Pass, &[InReview], to(Callback), &[DISPATCHER, Who::Clock], "单位审核以后；结果和评价一条消息", &[Told::Reporters]),
    row(
        Verb::Rate,
        &[Callback],
        to(Closed),
        &[Who::Reporter, Who::Clock],
        "每个回答马上存；不满意问原因、问要不要重办；不说话不算满意；单位可查得分",
        &[Told::Deputies],
    ),
    row(Verb::Rate, &[Merged], SAME, &[Who::Reporter], "并单以后：评的是主单", &[Told::Deputies]).when(When::HasLeader),
    row(Verb::Rate, &[Closed], SAME, &[Who::Reporter], "归档后 15 天内：改一次；别的共同反映人也能评", &[]),
    row(Verb::Callback, &[Callback], to(Closed), &[CLERK], "打通了：联系过吗、解决了吗、满意吗", &[]),
    row(Verb::Callback, &[Callback], SAME, &[CLERK], "没打通，记一次", &[]),
    row(
        Verb::Reopen,
        &[Callback],
        to(Working),
        &[Who::Reporter, CLERK],
        "轮次加一，期限减半；反映人一共两次，回访时要的也算",
        &[Told::Unit, Told::UnitLeader, Told::Dispatcher, Told::Reporters],
    )
    .when(When::ReopensLeft),
    row(
        Verb::Reopen,
        &[Callback],
        to(Working),
        &[NPC],
        "反映人要过两次以后由他们定",
        &[Told::Unit, Told::UnitLeader, Told::Dispatcher, Told::Reporters],
    ),
    row(
        Verb::Reopen,
        &[Closed],
        to(Working),
        &[Who::Reporter],
        "30 天内，两次以内；记为反弹",
        &[Told::Unit, Told::UnitLeader, Told::Dispatcher],
    )
    .when(When::ReopensLeft),
    row(
        Verb::Reopen,
        &[Closed],
        to(Working),
        &[DEPUTY, NPC],
        "随时；记为反弹",
        &[Told::Unit, Told::UnitLeader, Told::Dispatcher, Told::Reporters],
    )
    .when(When::HasUnit),
    row(
        Verb::Reopen,
        &[Callback, Closed],
        to(Submitted),
        &[Who::Reporter, CLERK, DEPUTY, NPC],
        "代表办的，没有单位办过：交给受理中心，轮次加一",
        &[Told::Intake],
    )
    .when(When::NoUnit),
    row(Verb::Reopen, &[Callback], SAME, &[Who::Reporter, CLERK], "第三次起转给县人大代表工委定", &[Told::NpcStaff])
        .when(When::ReopensUsedUp),
    row(Verb::Reopen, &[Closed], SAME, &[Who::Reporter], "30 天内；第三次起转给县人大代表工委定", &[Told::NpcStaff])
        .when(When::ReopensUsedUp),
    row(Verb::Verify, RESULT, SAME, &[DEPUTY], "现场看过，已整改；没办过这件的人", &[Told::NpcStaff, Told::Unit, Told::Asker]),
    row(
        Verb::Verify,
        RESULT,
        to(Working),
        &[DEPUTY],
        "现场看过，未整改：在审的退回重办，之后的重办并告诉反映人",
        &[Told::NpcStaff, Told::Unit, Told::UnitLeader, Told::Asker, Told::Reporters],
    )
    .when(When::HasUnit),
    row(
        Verb::Verify,
        &[Callback, Closed],
        to(Submitted),
        &[DEPUTY],
        "代表办的，现场看还没办好：交给受理中心，轮次加一",
        &[Told::NpcStaff, Told::Intake, Told::Asker, Told::Reporters],
    )
    .when(When::NoUnit),
    row(Verb::Check, RESULT, SAME, &[NPC, TOWN, LEAD, DISPATCHER], "请代表或小组去现场看", &[Told::Named]),
    row(Verb::StrikeOff, &[Callback, Closed], SAME, &[Who::Itself], "中心通过了结果，代表也到现场查验过", &[]),
    row(
        Verb::Unreasonable,
        &[Callback, Closed],
        SAME,
        &[LIAISON, LEADER],
        "评价后三个工作日内，写明依据；等回访员和县人大代表工委都同意",
        &[Told::CallbackClerk, Told::NpcStaff],
    )
    .when(When::NothingProposed),
    row(Verb::Agree, &[Callback, Closed], SAME, &[CLERK, NPC], "不合理：两边都同意才算认定", &[Told::Asker])
        .when(When::Proposed(Matter::Unreasonable)),
    row(Verb::Disagree, &[Callback, Closed], SAME, &[CLERK, NPC], "不算不合理", &[Told::Asker])
        .when(When::Proposed(Matter::Unreasonable)),
    row(Verb::Restore, &[Cancelled], to(Submitted), &[Who::Reporter], "七天内一次", &[Told::Intake]).when(When::NotRestored),
    row(
        Verb::Undo,
        State::ALL,
        To::Before,
        &[Who::StaffInScope],
        "自己刚做的，十分钟内，之后没人动过；记一个事件，不删",
        &[Told::Reporters, Told::Unit, Told::WhoeverHasIt],
    ),
    row(Verb::Answer, OPEN, SAME, &[LIAISON, LEADER], "督办要求的书面回复", &[Told::Asker]).when(When::Supervised),
    row(
        Verb::Reveal,
        State::ALL,
        SAME,
        &[Who::OnlyHolder(Role::Intake)],
        "只在私聊，没有人代办，写明原因；留痕，纪检看得到，反映人问得到",
        &[Told::Inspector],
    ),
    row(
        Verb::Merge,
        OPEN,
        to(Merged),
        &[DISPATCHER],
        "并到主单，30 天内可拆回；反映人接着收进展",
        &[Told::Reporters, Told::OldUnit],
    ),
    row(Verb::Merge, OPEN, SAME, &[DISPATCHER], "主单：记下并进来的；并进主单的单再并走，跟着它的一起走", &[]),
    row(Verb::Unmerge, &[Merged], To::Before, &[DISPATCHER], "30 天内，回到并单以前", &[Told::Reporters, Told::Unit])
        .when(When::HasLeader),
    row(
        Verb::Split,
        OPEN,
        SAME,
        &[DISPATCHER],
        "原单留第一件；其余各成一件，待派（没受理的待受理），收到的时间不变",
        &[Told::Reporters],
    ),
    row(
        Verb::Raise,
        &[Accepted, Dispatched, SentBack, Working],
        to(Dispatched),
        &[NPC, DISPATCHER],
        "派给上一级，原单位协办",
        &[Told::Unit, Told::OldUnit, Told::Reporters],
    ),
    row(
        Verb::Forward,
        &[Submitted],
        SAME,
        &[Who::ChosenDeputy, Who::Clock],
        "代表上报受理中心",
        &[Told::Intake, Told::Reporters],
    )
    .when(When::Given),
    row(Verb::Withdraw, UNTIL_WORKING, to(Cancelled), &[Who::Reporter], "先问“确定吗”", &[Told::Intake, Told::Unit])
        .when(When::NeedsNoConsent),
    row(Verb::Withdraw, UNTIL_WORKING, SAME, &[Who::Reporter], "举报和特急的：等受理员同意", &[Told::Intake])
        .when(When::NeedsConsent),
    row(Verb::Withdraw, &[Merged], to(Cancelled), &[Who::Reporter], "并单以后：只撤自己的，主单接着办", &[Told::WhoeverHasIt])
        .when(When::HasLeader),
    row(Verb::Agree, UNTIL_WORKING, to(Cancelled), &[INTAKE], "撤回：受理员同意", &[Told::Reporters, Told::Unit])
        .when(When::Proposed(Matter::Withdraw)),
    row(Verb::Disagree, UNTIL_WORKING, SAME, &[INTAKE], "撤回不成，接着办", &[Told::Reporters])
        .when(When::Proposed(Matter::Withdraw)),
    row(
        Verb::Supervise,
        OPEN,
        SAME,
        &[NPC, TOWN, Who::Holder(Role::Leader), Who::Holder(Role::Inspector), Who::Holder(Role::TaskForce)],
        "自带期限，要书面回复，单位不能撤",
        &[Told::UnitLeader, Told::Dispatcher, Told::WhoeverHasIt, Told::Reporters],
    ),
    row(
        Verb::Urge,
        OPEN,
        SAME,
        &[Who::Reporter, DEPUTY, DISPATCHER],
        "反映人三天一次；还没给意见的协办单位也催；第三次起告诉派单员，建议督办",
        &[Told::WhoeverHasIt, Told::CoUnits, Told::Dispatcher, Told::NpcStaff],
    ),
    row(Verb::Urge, &[Merged], SAME, &[Who::Reporter], "并单以后：催的是主单", &[Told::WhoeverHasIt]).when(When::HasLeader),
    row(Verb::ToSuggestion, OPEN_AND_CLOSED, SAME, &[DEPUTY], "共性的问题写成代表建议", &[Told::NpcStaff]),
    row(
        Verb::Status,
        State::ALL,
        SAME,
        &[Who::Reporter, Who::StaffInScope, Who::ChosenDeputy, Who::CoLiaison],
        "反映人看不到内部记录",
        &[],
    ),
];

/// Lets go of what waited for an answer that can no longer be given in the ticket's state: more time asked for, a matter of two
/// persons.
pub fn let_go(ticket: &mut Ticket) {
    let answered = |verb, when| rows_in(verb, ticket.state).any(|row| row.when == when);
    if ticket.extension_days.is_some() && !answered(Verb::ExtendOk, When::ExtensionPending) {
        ticket.extension_days = None;
    }
    let Some(matter) = ticket.proposal.as_ref().map(|proposal| proposal.matter) else { return };
    if !answered(Verb::Agree, When::Proposed(matter)) {
        ticket.proposal = None;
        if matter == Matter::Unreasonable {
            ticket.unreasonable = None;
        }
    }
}

impl When {
    /// Does it hold for this ticket?
    pub fn holds(self, ticket: &Ticket) -> bool {
        let needs_consent = ticket.kind == super::Kind::Accusation || ticket.urgent() || ticket.sealed != Sealed::Open;
        // The inspectors are the unit of what is sealed.
        let had = ticket.unit.is_some() || ticket.sealed != Sealed::Open;
        match self {
            When::Always => true,
            When::FirstSendBack => ticket.send_backs == 0 && !ticket.arbitrated,
            When::SecondSendBack => ticket.send_backs > 0 && !ticket.arbitrated,
            When::NeedsNoConsent => !needs_consent,
            When::NeedsConsent => needs_consent && ticket.proposal.is_none(),
            When::Proposed(matter) => ticket.proposal.as_ref().is_some_and(|proposal| proposal.matter == matter),
            When::NothingProposed => ticket.proposal.is_none(),
            When::ExtensionPending => ticket.extension_days.is_some(),
            When::NoExtensionPending => ticket.extension_days.is_none(),
            When::Supervised => ticket.supervised,
            When::NeedsNoReview => ticket.kind == super::Kind::Consult && ticket.sealed == Sealed::Open,
            When::NotSignedOff => !ticket.signed_off,
            When::NotAppealed => !ticket.appealed,
            When::NotRestored => !ticket.restored,
            When::Given => ticket.given_to.is_some(),
            When::HasLeader => ticket.merged_into.is_some(),
            When::Sealed => ticket.sealed != Sealed::Open,
            // A matter that no unit ever had goes back to the centre instead.
            When::ReopensLeft => ticket.reopens < REOPENS && had,
            When::ReopensUsedUp => ticket.reopens >= REOPENS && had,
            When::HasUnit => had,
            When::NoUnit => !had,
            When::FromDeputy => ticket.source == "deputy",
        }
    }
}

/// Can this be done to a sealed ticket? All that would show it to somebody but its reporter and the inspectors cannot; a verb
/// that is not named here is refused.
pub fn on_sealed(verb: Verb) -> bool {
    matches!(
        verb,
        Verb::Ask
            | Verb::Fix
            | Verb::Add
            | Verb::Accept
            | Verb::Reject
            | Verb::Appeal
            | Verb::Note
            | Verb::Contact
            | Verb::Relay
            | Verb::Done
            | Verb::Rate
            | Verb::Callback
            | Verb::Reopen
            | Verb::Restore
            | Verb::Undo
            | Verb::Agree
            | Verb::Disagree
            | Verb::Reveal
            | Verb::Withdraw
            | Verb::Urge
            | Verb::Status
    )
}

/// The rows for doing this in this state, in order; conditions are not looked at.
pub fn rows_in(verb: Verb, state: State) -> impl Iterator<Item = &'static Row> {
    ROWS.iter().filter(move |row| row.verb == verb && row.from.contains(&state))
}

/// All rows of a verb.
pub fn rows_of(verb: Verb) -> impl Iterator<Item = &'static Row> {
    ROWS.iter().filter(move |row| row.verb == verb)
}

/// May whoever reported do this, in any of its rows?
pub fn by_reporter(verb: Verb) -> bool {
    rows_of(verb).any(|row| row.who.contains(&Who::Reporter))
}

/// The states from which this can be done, in any of its rows.
pub fn states_for(verb: Verb) -> Vec<State> {
    let mut states: Vec<State> = rows_of(verb).flat_map(|row| row.from.iter().copied()).collect();
    states.sort();
    states.dedup();
    states
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
    fn what_waits_for_an_answer_goes_with_the_state_in_which_it_can_be_given() {
        use crate::tickets::{Proposal, Unreasonable, Voice};
        for (matter, state, stays) in [
            (Matter::Shelve, Working, true),
            (Matter::Shelve, InReview, false),
            (Matter::Shelve, Dispatched, false),
            (Matter::Withdraw, Accepted, true),
            (Matter::Withdraw, Working, true),
            (Matter::Withdraw, InReview, false),
            (Matter::Unreasonable, Callback, true),
            (Matter::Unreasonable, Closed, true),
            (Matter::Unreasonable, Working, false),
        ] {
            let by = Voice { holder: "h".into(), role: "dispatcher".into() };
            let proposal = Proposal { matter, by, agreed: Vec::new(), words: String::new(), until: None };
            let unreasonable = Some(Unreasonable::Proposed).filter(|_| matter == Matter::Unreasonable);
            let mut ticket =
                Ticket { state, proposal: Some(proposal), unreasonable, extension_days: Some(3), ..Ticket::blank(0) };
            let_go(&mut ticket);
            assert_eq!(ticket.proposal.is_some(), stays, "{matter:?} {state:?}");
            assert_eq!(ticket.unreasonable, unreasonable.filter(|_| stays), "{matter:?} {state:?}");
            assert_eq!(ticket.extension_days.is_some(), state == Working, "{state:?}");
        }
    }

    #[test]
    fn nothing_leaves_an_end_but_the_ways_that_are_named() {
        for (state, ways) in [
            (Rejected, &[Verb::Appeal][..]),
            (Cancelled, &[Verb::Restore]),
            (Merged, &[Verb::Unmerge, Verb::Withdraw]),
            (HandedOver, &[]),
        ] {
            let out: Vec<Verb> = ROWS
                .iter()
                .filter(|row| row.to != To::Same && row.verb != Verb::Undo && row.from.contains(&state))
                .map(|row| row.verb)
                .collect();
            assert_eq!(out, ways, "{state:?}");
        }
    }
}
