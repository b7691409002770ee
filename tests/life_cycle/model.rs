//! The life cycle once more, as plainly as it can be said: a ticket is a few fields, a command a function over them. It knows the
//! rules of `domain.md` by itself and asks nothing of the program but the working calendar.

use State::{
    Accepted, Callback, Cancelled, Closed, Dispatched, Disputed, HandedOver, InReview, Merged, NeedInfo, Rejected, SentBack,
    Shelved, Submitted, Working,
};
use minhu::{
    clock::{DAY, MINUTE, parse},
    tickets::{
        State,
        calendar::{self, Amount},
    },
};
use std::collections::{BTreeMap, BTreeSet};

/// Who there is: id, name, rights. The water authority has three people, the city management and the one a level up one who does everything there.
pub const OFFICES: &[(&str, &str, &str)] = &[
    ("intake", "受理甲", r#"{ role = "intake", area = "131122" }"#),
    ("both", "受理乙", r#"{ role = "intake", area = "131122" }, { role = "dispatcher", area = "131122" }"#),
    ("dispatcher", "派单甲", r#"{ role = "dispatcher", area = "131122" }"#),
    ("liaison", "水务联络", r#"{ role = "liaison", unit = "swj" }"#),
    ("handler", "水务承办", r#"{ role = "handler", unit = "swj" }"#),
    ("unit_leader", "水务局长", r#"{ role = "unit_leader", unit = "swj" }"#),
    ("co_liaison", "城管联络", r#"{ role = "liaison", unit = "cgj" }"#),
    ("above", "市水利联络", r#"{ role = "liaison", unit = "hssl" }"#),
    ("clerk", "回访员", r#"{ role = "callback_clerk", area = "131122" }"#),
    ("npc_staff", "人大工委", r#"{ role = "npc_staff", area = "131122" }"#),
    ("deputy", "马代表", r#"{ role = "deputy", area = "131122102" }"#),
    ("inspector", "纪检", r#"{ role = "inspector", area = "131122" }"#),
];
pub const CITIZENS: &[&str] = &["zhou", "xiu", "stranger"];
pub const EVERYBODY: &[&str] = &[
    "zhou",
    "xiu",
    "stranger",
    "intake",
    "both",
    "dispatcher",
    "liaison",
    "handler",
    "unit_leader",
    "co_liaison",
    "above",
    "clerk",
    "npc_staff",
    "deputy",
    "inspector",
];

/// A command with its argument where there is a choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Do {
    Accept,
    Reject,
    Ask,
    Add,
    Assign(Unit),
    Sign,
    SendBack,
    Redispatch(Unit),
    Arbitrate(Unit),
    Note(bool),
    Contact,
    Give(&'static str),
    Relay,
    Join(Unit),
    Opinion,
    Extend,
    ExtendOk,
    ExtendNo,
    Shelve,
    Agree,
    Disagree,
    Resume,
    Done,
    SignOff,
    Redo,
    Pass,
    /// Good; bad; bad and once more.
    Rate(bool, bool),
    Call(bool),
    Reopen,
    Verify(bool),
    Check,
    Unreasonable,
    Appeal,
    Restore,
    Withdraw,
    Fix,
    Handover,
    Supervise,
    Answer,
    Urge,
    /// Into the ticket at this place.
    Merge(usize),
    Unmerge,
    Raise,
    Undo,
    Status,
}

/// The units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Water,
    City,
    /// One level up.
    Above,
}

use Unit::{Above, City, Water};

/// Every command that is tried.
pub const ALL: &[Do] = &[
    Do::Accept,
    Do::Reject,
    Do::Ask,
    Do::Add,
    Do::Assign(Water),
    Do::Assign(City),
    Do::Sign,
    Do::SendBack,
    Do::Redispatch(Water),
    Do::Redispatch(City),
    Do::Arbitrate(Water),
    Do::Arbitrate(City),
    Do::Note(true),
    Do::Note(false),
    Do::Contact,
    Do::Give("liaison"),
    Do::Give("handler"),
    Do::Give("co_liaison"),
    Do::Relay,
    Do::Join(Water),
    Do::Join(City),
    Do::Opinion,
    Do::Extend,
    Do::ExtendOk,
    Do::ExtendNo,
    Do::Shelve,
    Do::Agree,
    Do::Disagree,
    Do::Resume,
    Do::Done,
    Do::SignOff,
    Do::Redo,
    Do::Pass,
    Do::Rate(true, false),
    Do::Rate(false, false),
    Do::Rate(false, true),
    Do::Call(true),
    Do::Call(false),
    Do::Reopen,
    Do::Verify(true),
    Do::Verify(false),
    Do::Check,
    Do::Unreasonable,
    Do::Appeal,
    Do::Restore,
    Do::Withdraw,
    Do::Fix,
    Do::Handover,
    Do::Supervise,
    Do::Answer,
    Do::Urge,
    Do::Merge(0),
    Do::Merge(1),
    Do::Merge(2),
    Do::Unmerge,
    Do::Raise,
    Do::Undo,
    Do::Status,
];

impl Unit {
    pub fn id(self) -> &'static str {
        match self {
            Water => "swj",
            City => "cgj",
            Above => "hssl",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Water => "水务局",
            City => "城管局",
            Above => "衡水市水利局",
        }
    }
}

impl Do {
    /// What is typed about a ticket of this number, and the answers to what is asked then.
    pub fn lines(self, number: i64) -> Vec<String> {
        let n = number;
        let one = |line: String| vec![line];
        let and =
            |first: String, rest: &[&str]| std::iter::once(first).chain(rest.iter().map(|line| (*line).to_owned())).collect();
        match self {
            Do::Accept => one(format!("受理 {n}")),
            Do::Reject => and(format!("不予受理 {n} 外地 这口井在邻县"), &["确定"]),
            Do::Ask => one(format!("追问 {n} 井在村东还是村西？")),
            Do::Add => one(format!("补充 {n} 昨天夜里又抽了")),
            Do::Assign(unit) => one(format!("派单 {n} {}", unit.name())),
            Do::Sign => one(format!("签收 {n}")),
            Do::SendBack => one(format!("退单 {n} 职责 住建局")),
            Do::Redispatch(unit) => one(format!("改派 {n} {} 职责", unit.name())),
            Do::Arbitrate(unit) => one(format!("裁定 {n} {} 按职责该它办", unit.name())),
            Do::Note(open) => one(format!("进展 {n} {}已经到现场看过了", if open { "公开 " } else { "" })),
            Do::Contact => one(format!("联系 {n} 打过电话了")),
            Do::Give(to) => one(format!("转办 {n} {}", name(to))),
            Do::Relay => one(format!("转告 {n} 明天上午到井边见")),
            Do::Join(unit) => one(format!("协办 {n} {}", unit.name())),
            Do::Opinion => one(format!("协办意见 {n} 同意封井，我们拆电线")),
            Do::Extend => one(format!("延期 {n} 3 封井的机器还没到")),
            Do::ExtendOk => one(format!("同意延期 {n}")),
            Do::ExtendNo => one(format!("不同意延期 {n} 机器可以先借")),
            Do::Shelve => one(format!("挂账 {n} 2026-12-30 先封存水泵，开春统一打井，年底复查")),
            Do::Agree => one(format!("同意 {n}")),
            Do::Disagree => one(format!("不同意 {n} 还能接着办")),
            Do::Resume => one(format!("重启 {n}")),
            Do::Done => one(format!("办结 {n} 属实 关停 井已封填，水泵已拆走，电线也拆了，村里贴了公告[照片]")),
            Do::SignOff => one(format!("审核 {n}")),
            Do::Redo => one(format!("退回重办 {n} 没有封井以后的照片")),
            Do::Pass => one(format!("通过 {n}")),
            Do::Rate(true, _) => and(format!("评价 {n} 5"), &["解决了", "联系过", "没有"]),
            Do::Rate(false, false) => and(format!("评价 {n} 1"), &["没解决", "没联系过", "太慢", "不用了", "没有"]),
            Do::Rate(false, true) => and(format!("评价 {n} 1"), &["没解决", "没联系过", "太慢", "再办一次", "没有"]),
            Do::Call(true) => and(format!("回访 {n}"), &["打通了", "联系过", "解决了", "满意", "没有", "没有"]),
            Do::Call(false) => and(format!("回访 {n}"), &["没打通"]),
            Do::Reopen => one(format!("重办 {n} 又开始抽水了")),
            Do::Verify(true) => one(format!("查验 {n} 已整改 井口已经封死了[照片]")),
            Do::Verify(false) => one(format!("查验 {n} 未整改 夜里还在抽水[照片]")),
            Do::Check => one(format!("请查验 {n} 马代表")),
            Do::Unreasonable => one(format!("不合理 {n} 井已经封了，要的赔偿没有依据[照片]")),
            Do::Appeal => one(format!("申诉 {n} 井就在我们村")),
            Do::Restore => one(format!("恢复 {n}")),
            Do::Withdraw => and(format!("撤回 {n}"), &["撤回"]),
            Do::Fix => one(format!("更正 {n} 标题 夜里抽水卖")),
            Do::Handover => and(format!("移交 {n} 市信访局 0318-5700000"), &["确定"]),
            Do::Supervise => one(format!("督办 {n} 到现场核实 三天")),
            Do::Answer => one(format!("回复督办 {n} 已经派人到现场，三天内封井")),
            Do::Urge => one(format!("催办 {n}")),
            Do::Merge(into) => one(format!("并单 {n} {}", into + 1)),
            Do::Unmerge => one(format!("拆回 {n}")),
            Do::Raise => one(format!("提级 {n} {}", Above.name())),
            Do::Undo => one("撤销".to_owned()),
            Do::Status => one(format!("查 {n}")),
        }
    }
}

fn name(id: &str) -> &'static str {
    OFFICES.iter().find(|office| office.0 == id).map_or("", |office| office.1)
}

/// A ticket.
#[derive(Debug, Clone, PartialEq)]
pub struct Ticket {
    pub state: State,
    pub reporters: Vec<&'static str>,
    /// The unit may know the reporter.
    pub by_name: bool,
    pub accusation: bool,
    unit: Option<Unit>,
    handler: Option<&'static str>,
    asks: u32,
    send_backs: u32,
    sent_back_by: Vec<Unit>,
    /// The units that ever had it.
    had: BTreeSet<&'static str>,
    arbitrated: bool,
    reopens: u32,
    urges: u32,
    urged_at: Option<i64>,
    dispatched_at: i64,
    signed_off: bool,
    closed_at: i64,
    cancelled_at: i64,
    /// When somebody rated this round.
    rated_at: Option<i64>,
    /// How often each reporter rated this round.
    ratings: BTreeMap<&'static str, u32>,
    /// The congress staff were asked for a third round.
    congress_asked: bool,
    /// The last words to the reporter were the clerk's.
    clerk_asked: bool,
    appealed: bool,
    rejected_by: Option<&'static str>,
    restored: bool,
    extension: bool,
    extensions: u32,
    proposal: Option<Proposed>,
    /// The helping units, since when, and whether their opinion is in.
    co: Vec<(Unit, i64, bool)>,
    /// Who waits for a reply, since when.
    supervised_by: Vec<(&'static str, i64)>,
    /// The title was corrected.
    titled: bool,
    /// Who asked the deputy to look on the spot.
    checks: Vec<&'static str>,
    /// The place of the ticket that leads, while this one is merged.
    leader: Option<usize>,
    /// As it was before it was merged, and when that was.
    apart: Option<(Box<Ticket>, i64)>,
    passed: bool,
    seen: bool,
    struck_off: bool,
}

#[derive(Debug, Clone, PartialEq)]
struct Proposed {
    matter: &'static str,
    by: &'static str,
    agreed: Vec<&'static str>,
}

impl Ticket {
    pub fn reported(reporters: Vec<&'static str>, by_name: bool, accusation: bool) -> Ticket {
        Ticket {
            state: Submitted,
            reporters,
            by_name,
            accusation,
            unit: None,
            handler: None,
            asks: 0,
            send_backs: 0,
            sent_back_by: Vec::new(),
            had: BTreeSet::new(),
            arbitrated: false,
            reopens: 0,
            urges: 0,
            urged_at: None,
            dispatched_at: 0,
            signed_off: false,
            closed_at: 0,
            cancelled_at: 0,
            rated_at: None,
            ratings: BTreeMap::new(),
            congress_asked: false,
            clerk_asked: false,
            appealed: false,
            rejected_by: None,
            restored: false,
            extension: false,
            extensions: 0,
            proposal: None,
            co: Vec::new(),
            supervised_by: Vec::new(),
            titled: false,
            checks: Vec::new(),
            leader: None,
            apart: None,
            passed: false,
            seen: false,
            struck_off: false,
        }
    }

    /// As the harness lays it in this state; with `much` going on besides, as far as the state allows.
    pub fn standing(state: State, much: bool, now: i64) -> Ticket {
        let assigned = !matches!(state, Submitted | NeedInfo | Accepted | Rejected | HandedOver);
        let finished = matches!(state, InReview | Callback | Closed);
        let send_backs = match state {
            SentBack => 1,
            Disputed => 2,
            _ => 0,
        };
        let working = much && state == Working;
        Ticket {
            state,
            unit: assigned.then_some(Water),
            dispatched_at: now,
            asks: if much { 2 } else { u32::from(state == NeedInfo) },
            send_backs,

            signed_off: finished && !much,
            passed: matches!(state, Callback | Closed),
            closed_at: now,
            cancelled_at: now,
            appealed: much,
            restored: much,
            extension: working,
            proposal: working.then(|| Proposed { matter: "shelve", by: "dispatcher", agreed: Vec::new() }),
            co: if much && assigned { vec![(City, now, false)] } else { Vec::new() },
            leader: (state == Merged).then_some(1),
            supervised_by: if much { vec![("npc_staff", now)] } else { Vec::new() },
            reopens: if much { 2 } else { 0 },
            ..Ticket::reported(vec!["zhou", "xiu"], true, false)
        }
    }

    /// What of a ticket of the program is not as it is here.
    pub fn differences(&self, other: &minhu::tickets::Ticket) -> Vec<String> {
        let unit = self.unit.map(|unit| unit.id().to_owned());
        let leader = self.leader.map(|place| super::county::id_of(i64::try_from(place).unwrap_or_default() + 1));
        let counts = |ticket: [i64; 4]| format!("asks, send-backs, rounds, extensions {ticket:?}");
        let marks = |ticket: [bool; 6]| format!("signed off, arbitrated, appealed, restored, extension, proposal {ticket:?}");
        let here = [self.asks, self.send_backs, self.reopens, self.extensions].map(i64::from);
        let marked = [self.signed_off, self.arbitrated, self.appealed, self.restored, self.extension, self.proposal.is_some()];
        let there = [
            other.signed_off,
            other.arbitrated,
            other.appealed,
            other.restored,
            other.extension_days.is_some(),
            other.proposal.is_some(),
        ];
        let both = [
            (format!("{:?}", self.state), format!("{:?}", other.state)),
            (format!("unit {unit:?}"), format!("unit {:?}", other.unit)),
            (format!("leader {leader:?}"), format!("leader {:?}", other.merged_into)),
            (counts(here), counts([other.asks, other.send_backs, other.reopens, other.extensions])),
            (marks(marked), marks(there)),
            (format!("urges {}", self.urges), format!("urges {}", other.urges)),
        ];
        both.into_iter().filter(|(here, there)| here != there).map(|(here, there)| format!("{there}, foretold {here}")).collect()
    }

    fn open(&self) -> bool {
        !matches!(self.state, Closed | Rejected | Cancelled | Merged | HandedOver)
    }

    fn untouched(&self) -> bool {
        matches!(self.state, Submitted | NeedInfo | Accepted | Dispatched | SentBack | Working)
    }
}

/// What ought to come of a command.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// All tickets as they are then.
    pub tickets: Vec<Ticket>,
    /// The commands of the events that are added, in order, and to which ticket.
    pub events: Vec<(usize, &'static str)>,
    /// Whom it tells: every one of these.
    pub told: BTreeSet<String>,
    /// And perhaps some of these.
    pub may: BTreeSet<String>,
}

impl Outcome {
    /// Nothing.
    pub fn nothing(tickets: &[Ticket]) -> Outcome {
        Outcome { tickets: tickets.to_vec(), events: Vec::new(), told: BTreeSet::new(), may: BTreeSet::new() }
    }

    /// The events of one ticket.
    pub fn events_of(&self, on: usize) -> Vec<&'static str> {
        self.events.iter().filter(|(of, _)| *of == on).map(|(_, event)| *event).collect()
    }
}

/// What a command comes to.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// A sentence; nothing happens.
    Refused,
    /// The rules leave open what is right: not tried.
    Skip,
    Done(Box<Outcome>),
}

/// All tickets, and what each person did last, for 撤销.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    pub now: i64,
    pub tickets: Vec<Ticket>,
    last: BTreeMap<&'static str, Last>,
}

#[derive(Debug, Clone, PartialEq)]
struct Last {
    at: i64,
    /// The places of the tickets it changed, with what they were.
    changed: Vec<(usize, Ticket)>,
    told: BTreeSet<String>,
    undone: bool,
}

/// Is this person one of those who work for the unit in this part? One does everything in the city management.
fn works_as(who: &str, part: &str, unit: Option<Unit>) -> bool {
    match unit {
        Some(City) => who == "co_liaison",
        Some(Above) => who == "above",
        Some(Water) => match part {
            "liaison" => matches!(who, "liaison" | "unit_leader"),
            "handler" => who == "handler",
            "unit_leader" => who == "unit_leader",
            _ => false,
        },
        None => false,
    }
}

fn role(role: &str) -> String {
    format!("role {role}")
}

fn unit_role(role: &str, unit: Unit) -> String {
    format!("role {role} of {}", unit.id())
}

impl Model {
    pub fn new(now: i64, tickets: Vec<Ticket>) -> Model {
        Model { now, tickets, last: BTreeMap::new() }
    }

    /// What this command of this person about this ticket ought to come to.
    pub fn predict(&self, who: &'static str, what: Do, on: usize) -> Verdict {
        if what == Do::Undo {
            return self.undo(who, on);
        }
        let mut turn = Turn {
            who,
            now: self.now,
            on,
            t: self.tickets[on].clone(),
            all: self.tickets.clone(),
            for_merged: false,
            events: Vec::new(),
            told: BTreeSet::new(),
            may: BTreeSet::new(),
        };
        match turn.run(what) {
            Some(true) => {
                turn.put_down();
                let Turn { all: tickets, events, told, may, .. } = turn;
                Verdict::Done(Box::new(Outcome { tickets, events, told, may }))
            }
            Some(false) => Verdict::Refused,
            None => Verdict::Skip,
        }
    }

    /// It happened.
    pub fn happen(&mut self, who: &'static str, what: Do, outcome: Outcome) {
        let before = std::mem::replace(&mut self.tickets, outcome.tickets);
        let places: BTreeSet<usize> = outcome.events.iter().map(|(on, _)| *on).collect();
        // A later event on the ticket is what keeps others from taking theirs back.
        for other in self.last.values_mut().filter(|last| last.changed.iter().any(|(on, _)| places.contains(on))) {
            other.undone = true;
        }
        if places.is_empty() || what == Do::Undo || CITIZENS.contains(&who) {
            return;
        }
        let changed = places.iter().map(|on| (*on, before[*on].clone())).collect();
        let told = outcome.told.union(&outcome.may).cloned().collect();
        self.last.insert(who, Last { at: self.now, changed, told, undone: false });
    }

    fn undo(&self, who: &'static str, on: usize) -> Verdict {
        let Some(last) = self.last.get(who).filter(|last| !last.undone) else { return Verdict::Refused };
        let since = self.now - last.at - 10 * MINUTE;
        // A command whose questions are answered a line a second ends a little later than it begins.
        if !last.changed.iter().any(|(place, _)| *place == on) || (-MINUTE / 2..MINUTE / 2).contains(&since) {
            return Verdict::Skip;
        }
        if since > 0 {
            return Verdict::Refused;
        }
        let mut outcome = Outcome { may: last.told.clone(), ..Outcome::nothing(&self.tickets) };
        for (place, before) in &last.changed {
            outcome.tickets[*place] = before.clone();
            outcome.events.push((*place, "undo"));
        }
        Verdict::Done(Box::new(outcome))
    }
}

/// A command under way; `run` says whether it is carried out, or `None` when it is not tried.
struct Turn {
    who: &'static str,
    now: i64,
    /// The ticket at this place, taken out of all.
    on: usize,
    t: Ticket,
    all: Vec<Ticket>,
    /// A reporter of a ticket that was merged into this one says it, under the number of his own.
    for_merged: bool,
    events: Vec<(usize, &'static str)>,
    told: BTreeSet<String>,
    may: BTreeSet<String>,
}

impl Turn {
    fn put_down(&mut self) {
        self.all[self.on] = self.t.clone();
    }

    /// Turns to another ticket.
    fn turn_to(&mut self, on: usize) {
        self.put_down();
        self.on = on;
        self.t = self.all[on].clone();
    }

    /// The places of the tickets that were merged into this one.
    fn followers(&self) -> Vec<usize> {
        (0..self.all.len()).filter(|place| self.all[*place].leader == Some(self.on)).collect()
    }

    /// Who reported it, or a ticket that was merged into it.
    fn reporters(&self) -> Vec<&'static str> {
        let merged = self.followers().into_iter().flat_map(|place| self.all[place].reporters.clone());
        self.t.reporters.iter().copied().chain(merged).collect()
    }

    fn reporter(&self) -> bool {
        self.for_merged || self.t.reporters.contains(&self.who)
    }

    fn intake(&self) -> bool {
        matches!(self.who, "intake" | "both")
    }

    fn dispatcher(&self) -> bool {
        matches!(self.who, "dispatcher" | "both")
    }

    fn liaison(&self) -> bool {
        works_as(self.who, "liaison", self.t.unit)
    }

    fn handler(&self) -> bool {
        works_as(self.who, "handler", self.t.unit)
    }

    fn leader(&self) -> bool {
        works_as(self.who, "unit_leader", self.t.unit)
    }

    fn co_liaison(&self) -> bool {
        self.t.co.iter().any(|co| works_as(self.who, "liaison", Some(co.0)))
    }

    fn is(&self, who: &str) -> bool {
        self.who == who
    }

    fn to(&mut self, state: State, event: &'static str) -> Option<bool> {
        self.t.state = state;
        self.events.push((self.on, event));
        self.let_go();
        Some(true)
    }

    /// What waits for an answer that can no longer be given.
    fn let_go(&mut self) {
        let state = self.t.state;
        self.t.extension &= state == Working;
        let untouched = self.t.untouched();
        self.t.proposal = self.t.proposal.take().filter(|proposed| match proposed.matter {
            "shelve" => state == Working,
            "withdraw" => untouched,
            _ => matches!(state, Callback | Closed),
        });
    }

    fn same(&mut self, event: &'static str) -> Option<bool> {
        self.to(self.t.state, event)
    }

    fn tell(&mut self, whom: String) {
        self.told.insert(whom);
    }

    fn tell_reporters(&mut self) {
        let others: Vec<String> =
            self.reporters().iter().filter(|name| **name != self.who).map(|name| format!("reporter {name}")).collect();
        self.told.extend(others);
    }

    fn tell_liaison(&mut self, unit: Option<Unit>) {
        if let Some(unit) = unit {
            self.tell(unit_role("liaison", unit));
        }
    }

    /// The person who handles it, or the liaison while nobody else does.
    fn tell_unit(&mut self) {
        match self.t.handler {
            Some(handler) if handler != self.who => self.tell(format!("person {handler}")),
            _ => self.tell_liaison(self.t.unit),
        }
    }

    fn tell_whoever_has_it(&mut self) {
        match self.t.state {
            Submitted | NeedInfo => self.tell(role("intake")),
            Accepted | SentBack | Disputed => self.tell(role("dispatcher")),
            _ if self.t.unit.is_some() => self.tell_unit(),
            _ => self.tell(role("intake")),
        }
    }

    /// The other units that ever had it.
    fn tell_those_before(&mut self, present: Unit) {
        let before = self.t.had.iter().filter(|unit| **unit != present.id()).map(|unit| format!("role liaison of {unit}"));
        self.told.extend(before);
    }

    fn tell_leader(&mut self) {
        if let Some(unit) = self.t.unit {
            self.tell(unit_role("unit_leader", unit));
        }
    }

    /// A unit gets it.
    fn give_to(&mut self, unit: Unit, event: &'static str) -> Option<bool> {
        let old = self.t.unit.filter(|old| *old != unit);
        self.tell_liaison(old);
        self.t.had.insert(unit.id());
        self.t.unit = Some(unit);
        self.t.handler = None;
        self.t.signed_off = false;
        self.t.dispatched_at = self.now;
        self.t.extension = false;
        self.t.co.retain(|co| co.0 != unit);
        self.tell_liaison(Some(unit));
        self.tell_reporters();
        self.to(Dispatched, event)
    }

    /// Another round; the reporter has two in all.
    fn again(&mut self, event: &'static str, of_reporter: bool) -> Option<bool> {
        self.t.reopens += u32::from(of_reporter);
        self.anew();
        self.tell_unit();
        self.tell_leader();
        self.tell(role("dispatcher"));
        self.to(Working, event)
    }

    fn anew(&mut self) {
        self.t.signed_off = false;
        self.t.passed = false;
        self.t.seen = false;
        self.t.struck_off = false;
        self.t.rated_at = None;
        self.t.ratings.clear();
        self.t.congress_asked = false;
    }

    /// The reporter, or the clerk for him, asks for another round: twice in all, and within thirty days of closing. After that
    /// the congress staff decide, and are asked once.
    fn reporter_reopens(&mut self) -> Option<bool> {
        let late = self.t.state == Closed && self.now > self.t.closed_at + 30 * DAY;
        if late {
            return Some(false);
        }
        if self.t.reopens < 2 {
            return self.again("reopen", true);
        }
        if self.t.congress_asked {
            return Some(false);
        }
        self.t.congress_asked = true;
        self.tell(role("npc_staff"));
        self.same("reopen")
    }

    /// The first rating of a reporter closes; it may be changed once, within fifteen days, and other reporters rate too.
    fn rate(&mut self, good: bool, again: bool) -> Option<bool> {
        if self.t.state == Closed && self.now > self.t.closed_at + 15 * DAY {
            return Some(false);
        }
        let times = self.t.ratings.get(self.who).copied().unwrap_or_default();
        let wants = !good && again;
        match times {
            // Whether single answers without the last one keep others from taking theirs back is not said.
            0 if wants && self.t.reopens >= 2 && self.t.congress_asked => None,
            0 if wants => self.reporter_reopens(),
            0 | 1 => {
                self.t.rated_at.get_or_insert(self.now);
                self.t.ratings.insert(self.who, times + 1);
                if self.t.state == Callback {
                    self.t.closed_at = self.now;
                }
                self.to(Closed, "rate")?;
                if wants && !(self.t.reopens >= 2 && self.t.congress_asked) { self.reporter_reopens() } else { Some(true) }
            }
            _ => Some(false),
        }
    }

    /// All that follow move along when a ticket is merged into another one.
    fn merge(&mut self, into: usize) -> Option<bool> {
        let leader = self.all.get(into)?;
        if into == self.on {
            return None;
        }
        if !leader.open() || !self.t.open() {
            return Some(false);
        }
        // One that no unit has does not lead one that a unit has.
        if self.t.unit.is_some() && leader.unit.is_none() {
            return Some(false);
        }
        self.events.push((into, "merge"));
        self.tell_reporters();
        if matches!(self.t.state, Dispatched | Working | InReview | Callback | Shelved) {
            self.tell_unit();
        }
        let followers = self.followers();
        self.t.apart = Some((Box::new(self.t.clone()), self.now));
        self.t.leader = Some(into);
        self.to(Merged, "merge")?;
        for place in followers {
            self.turn_to(place);
            self.t.leader = Some(into);
            self.same("merge")?;
        }
        Some(true)
    }

    fn run(&mut self, what: Do) -> Option<bool> {
        let state = self.t.state;
        // What reporters of a merged ticket say is for the one it is handled with.
        if let (Do::Add | Do::Relay | Do::Urge | Do::Rate(..), Merged, true, Some(leader)) =
            (what, state, self.reporter(), self.t.leader)
        {
            self.turn_to(leader);
            self.for_merged = true;
            return self.run(what);
        }
        match (what, state) {
            (Do::Accept, Submitted) if self.intake() => {
                // Somebody else decides what was appealed.
                if self.t.rejected_by == Some(self.who) {
                    return Some(false);
                }
                self.tell(role("dispatcher"));
                self.to(Accepted, "accept")
            }
            (Do::Reject, Submitted) if self.intake() => {
                // Somebody else decides what was appealed.
                if self.t.rejected_by == Some(self.who) {
                    return Some(false);
                }
                self.t.rejected_by = Some(self.who);
                self.tell_reporters();
                self.to(Rejected, "reject")
            }
            (Do::Ask, Submitted) if self.intake() && self.t.asks < 2 => {
                self.t.asks += 1;
                self.tell_reporters();
                self.to(NeedInfo, "ask")
            }
            (Do::Ask, Working) if self.liaison() || self.handler() => {
                self.tell_reporters();
                self.same("ask")
            }
            (Do::Add, NeedInfo) if self.reporter() => {
                self.t.state = Submitted;
                self.tell_whoever_has_it();
                self.to(Submitted, "add")
            }
            (Do::Add, _) if self.reporter() && (self.t.open() || state == Closed) => {
                self.tell_whoever_has_it();
                self.same("add")
            }
            (Do::Assign(unit), Submitted) if self.intake() && self.dispatcher() => {
                // Somebody else decides what was appealed.
                if self.t.rejected_by == Some(self.who) {
                    return Some(false);
                }
                self.events.push((self.on, "accept"));
                self.give_to(unit, "assign")
            }
            (Do::Assign(unit), Accepted | SentBack) if self.dispatcher() => self.give_to(unit, "assign"),
            (Do::Sign, Dispatched) if self.liaison() => self.to(Working, "sign"),
            (Do::SendBack, Dispatched | Working) if self.liaison() && !self.t.arbitrated => {
                let until = calendar::due(self.t.dispatched_at, Amount::Days(2));
                if self.now > until || self.t.unit.is_some_and(|unit| self.t.sent_back_by.contains(&unit)) {
                    return Some(false);
                }
                self.t.sent_back_by.extend(self.t.unit);
                self.t.send_backs += 1;
                if self.t.send_backs == 1 {
                    self.tell(role("dispatcher"));
                    return self.to(SentBack, "sendback");
                }
                self.tell(role("npc_staff"));
                self.tell_those_before(self.t.unit?);
                self.to(Disputed, "sendback")
            }
            (Do::Redispatch(unit), Dispatched | Working) if self.dispatcher() && self.t.unit != Some(unit) => {
                self.give_to(unit, "redispatch")
            }
            (Do::Arbitrate(unit), Disputed) if self.is("npc_staff") => {
                self.t.arbitrated = true;
                self.tell_those_before(unit);
                self.t.unit = None;
                // What the decision rests on is for the units alone and stands beside it.
                self.give_to(unit, "arbitrate")?;
                self.same("arbitrate")
            }
            (Do::Note(open), Working | InReview)
                if self.liaison() || self.handler() || (state == Working && self.co_liaison()) =>
            {
                if open {
                    self.tell_reporters();
                }
                self.same("note")
            }
            (Do::Contact, Dispatched | Working) if (self.liaison() || self.handler()) && self.t.by_name => self.same("contact"),
            (Do::Give(to), Working) if self.liaison() || self.handler() => {
                let of_unit = ["liaison", "handler", "unit_leader"].iter().any(|part| works_as(to, part, self.t.unit));
                if !of_unit || self.is(to) {
                    return Some(false);
                }
                self.t.handler = Some(to);
                self.tell(format!("person {to}"));
                self.same("give")
            }
            (Do::Relay, Callback) if self.is("clerk") => {
                self.t.clerk_asked = true;
                self.tell_reporters();
                self.same("relay")
            }
            // What the clerk asked is answered to the clerk alone.
            (Do::Relay, Callback) if self.reporter() && self.t.clerk_asked => {
                self.tell("person clerk".to_owned());
                self.same("relay")
            }
            (Do::Relay, _) if self.t.open() && (self.liaison() || self.handler() || self.intake()) => {
                self.t.clerk_asked = false;
                self.tell_reporters();
                self.same("relay")
            }
            (Do::Relay, _) if self.t.open() && self.reporter() => {
                self.tell_whoever_has_it();
                self.same("relay")
            }
            (Do::Join(unit), Dispatched | Working) if self.liaison() || self.dispatcher() => {
                if self.t.unit == Some(unit) || self.t.co.iter().any(|co| co.0 == unit) {
                    return Some(false);
                }
                self.t.co.push((unit, self.now, false));
                self.tell_liaison(Some(unit));
                if !self.liaison() {
                    self.tell_unit();
                }
                self.same("join")
            }
            (Do::Opinion, Dispatched | Working) if self.co_liaison() => {
                let who = self.who;
                let mine = self.t.co.iter_mut().filter(|co| works_as(who, "liaison", Some(co.0)));
                mine.for_each(|co| co.2 = true);
                self.tell_unit();
                self.same("opinion")
            }
            (Do::Extend, Working) if self.liaison() && !self.t.extension => {
                // The dates are the calendar's; here only how often.
                if self.t.extensions >= 2 || self.now > self.t.dispatched_at + 5 * DAY || self.t.reopens > 0 {
                    return None;
                }
                self.t.extension = true;
                self.tell(role("dispatcher"));
                self.same("extend")
            }
            (Do::ExtendOk, Working) if self.dispatcher() && self.t.extension => {
                self.t.extension = false;
                self.t.extensions += 1;
                self.tell_unit();
                self.tell_liaison(self.t.unit);
                self.tell_reporters();
                self.same("extend_ok")
            }
            (Do::ExtendNo, Working) if self.dispatcher() && self.t.extension => {
                self.t.extension = false;
                self.tell_unit();
                self.tell_liaison(self.t.unit);
                self.same("extend_no")
            }
            (Do::Shelve, Working) if (self.dispatcher() || self.is("npc_staff")) && self.t.proposal.is_none() => {
                // The day that is typed is near or over.
                if parse("2026-12-29T00:00:00+08:00").is_some_and(|near| self.now > near) {
                    return None;
                }
                let second = if self.dispatcher() { "npc_staff" } else { "dispatcher" };
                self.tell(role(second));
                self.t.proposal = Some(Proposed { matter: "shelve", by: self.who, agreed: Vec::new() });
                self.same("shelve")
            }
            (Do::Agree | Do::Disagree, _) => self.second(what == Do::Agree),
            (Do::Resume, Shelved) if self.liaison() => {
                self.tell_reporters();
                self.may.extend(self.t.unit.map(|unit| unit_role("liaison", unit)));
                self.may.extend(self.t.handler.map(|handler| format!("person {handler}")));
                self.to(Working, "resume")
            }
            (Do::Done, Working) if self.handler() || self.liaison() => {
                // Once a helping unit's time is over it goes without.
                let awaited = self.t.co.iter().filter(|co| !co.2).map(|co| co.1.min(self.t.dispatched_at)).max();
                if let Some(since) = awaited {
                    return (self.now < since + 2 * DAY).then_some(false);
                }
                self.t.signed_off = false;
                self.tell_leader();
                self.to(InReview, "done")
            }
            (Do::SignOff, InReview) if self.leader() && !self.t.signed_off => {
                self.t.signed_off = true;
                self.tell(role("dispatcher"));
                self.same("signoff")
            }
            (Do::Redo, InReview) if self.leader() || self.dispatcher() => {
                self.t.signed_off = false;
                // What was seen on the spot says nothing of the work that follows.
                self.t.seen = false;
                self.tell_unit();
                self.to(Working, "redo")
            }
            (Do::Pass, InReview) if self.dispatcher() && self.t.signed_off => {
                self.t.passed = true;
                self.tell_reporters();
                self.to(Callback, "pass")?;
                self.strike_off()
            }
            (Do::Rate(good, again), Callback | Closed) if self.reporter() => self.rate(good, again),
            (Do::Call(true), Callback) if self.is("clerk") => {
                self.t.closed_at = self.now;
                self.t.rated_at.get_or_insert(self.now);
                self.to(Closed, "callback")
            }
            (Do::Call(false), Callback) if self.is("clerk") => self.same("callback"),
            (Do::Reopen, Callback) if self.is("npc_staff") => {
                self.tell_reporters();
                self.again("reopen", false)
            }
            (Do::Reopen, Callback) if self.is("clerk") => {
                if self.t.reopens < 2 {
                    self.tell_reporters();
                }
                self.reporter_reopens()
            }
            (Do::Reopen, Closed) if self.is("deputy") || self.is("npc_staff") => {
                self.tell_reporters();
                self.again("reopen", false)
            }
            (Do::Reopen, Callback | Closed) if self.reporter() => self.reporter_reopens(),
            (Do::Verify(good), InReview | Callback | Closed) if self.is("deputy") => {
                self.tell(role("npc_staff"));
                self.tell_unit();
                let askers = std::mem::take(&mut self.t.checks);
                askers.iter().filter(|asker| **asker != "npc_staff").for_each(|asker| self.tell(format!("person {asker}")));
                if good {
                    self.t.seen = true;
                    self.same("verify")?;
                    return self.strike_off();
                }
                self.tell_leader();
                if state == InReview {
                    self.t.signed_off = false;
                    self.t.passed = false;
                    self.t.seen = false;
                } else {
                    self.anew();
                    self.tell_reporters();
                }
                self.to(Working, "verify")
            }
            (Do::Check, InReview | Callback | Closed) if self.is("npc_staff") || self.dispatcher() => {
                if !self.t.checks.is_empty() {
                    return Some(false);
                }
                self.t.checks.push(self.who);
                self.tell("person deputy".to_owned());
                self.same("check")
            }
            (Do::Unreasonable, Callback | Closed) if self.liaison() || self.leader() => {
                if self.t.proposal.is_some() || self.t.rated_at.is_none() {
                    return Some(false);
                }
                if self.t.rated_at.is_some_and(|at| self.now > at + 2 * DAY) {
                    return None;
                }
                self.t.proposal = Some(Proposed { matter: "unreasonable", by: self.who, agreed: Vec::new() });
                self.tell(role("callback_clerk"));
                self.tell(role("npc_staff"));
                self.same("unreasonable")
            }
            (Do::Appeal, Rejected) if self.reporter() && !self.t.appealed => {
                self.t.appealed = true;
                self.tell(role("intake"));
                self.to(Submitted, "appeal")
            }
            (Do::Restore, Cancelled) if self.reporter() && !self.t.restored => {
                if self.now > self.t.cancelled_at + 7 * DAY {
                    return Some(false);
                }
                self.t.restored = true;
                // It begins anew.
                self.t.unit = None;
                self.t.handler = None;
                self.tell(role("intake"));
                self.to(Submitted, "restore")
            }
            (Do::Withdraw, _) if self.reporter() && self.t.untouched() => {
                // The matter of others goes on.
                if self.reporters().len() > 1 {
                    return Some(false);
                }
                if self.t.accusation {
                    if self.t.proposal.is_some() {
                        return Some(false);
                    }
                    self.t.proposal = Some(Proposed { matter: "withdraw", by: self.who, agreed: Vec::new() });
                    self.tell(role("intake"));
                    return self.same("withdraw");
                }
                if !self.followers().is_empty() {
                    return Some(false);
                }
                self.t.cancelled_at = self.now;
                if self.t.unit.is_some() && state != SentBack {
                    self.tell_unit();
                }
                self.tell(role("intake"));
                self.to(Cancelled, "withdraw")
            }
            // One's own part alone; the leading ticket goes on.
            (Do::Withdraw, Merged) if self.reporter() => {
                if self.t.reporters.len() > 1 {
                    return Some(false);
                }
                self.t.cancelled_at = self.now;
                let leader = self.t.leader.take();
                self.to(Cancelled, "withdraw")?;
                self.turn_to(leader?);
                self.tell_whoever_has_it();
                Some(true)
            }
            (Do::Merge(into), _) if self.dispatcher() => self.merge(into),
            (Do::Unmerge, Merged) if self.dispatcher() => {
                let (apart, at) = self.t.apart.clone()?;
                if self.now > at + 30 * DAY {
                    return Some(false);
                }
                self.t = *apart;
                self.events.push((self.on, "unmerge"));
                self.tell_reporters();
                self.tell_whoever_has_it();
                Some(true)
            }
            (Do::Raise, Accepted | Dispatched | SentBack | Working)
                if (self.is("npc_staff") || self.dispatcher()) && self.t.unit != Some(Above) =>
            {
                let old = self.t.unit;
                self.give_to(Above, "raise")?;
                self.t.co.extend(old.map(|old| (old, self.now, false)));
                Some(true)
            }
            (Do::Fix, _) if self.t.open() && (self.intake() || self.dispatcher()) => {
                // What is right already is not corrected.
                if std::mem::replace(&mut self.t.titled, true) {
                    return Some(false);
                }
                self.same("fix")
            }
            (Do::Handover, Submitted | Accepted | SentBack) if self.intake() || self.dispatcher() => {
                self.t.unit = None;
                self.t.handler = None;
                self.tell_reporters();
                self.to(HandedOver, "handover")
            }
            (Do::Supervise, _) if self.t.open() && (self.is("npc_staff") || self.is("inspector")) => {
                self.t.supervised_by.push((self.who, self.now));
                // Where no unit has it, whoever has it is told instead of the unit's leader.
                match state {
                    Submitted | NeedInfo | Accepted | SentBack | Disputed => self.tell_whoever_has_it(),
                    _ => self.tell_leader(),
                }
                self.tell(role("dispatcher"));
                self.tell_reporters();
                self.same("supervise")
            }
            (Do::Answer, _) if self.t.open() && (self.liaison() || self.leader()) => {
                if self.t.supervised_by.is_empty() {
                    return Some(false);
                }
                // The oldest order is answered first; of two given at the same moment, either.
                if let [(one, at), (other, then), ..] = self.t.supervised_by[..]
                    && one != other
                    && at == then
                {
                    return None;
                }
                let (by, _) = self.t.supervised_by.remove(0);
                self.tell(format!("person {by}"));
                self.same("answer")
            }
            (Do::Urge, _) if self.t.open() && (self.is("deputy") || self.dispatcher() || self.reporter()) => {
                if self.reporter() && self.t.urged_at.is_some_and(|at| self.now < at + 3 * DAY) {
                    return Some(false);
                }
                self.t.urges += 1;
                if self.reporter() {
                    self.t.urged_at = Some(self.now);
                }
                self.tell_whoever_has_it();
                if matches!(state, Dispatched | Working) {
                    for co in self.t.co.clone().into_iter().filter(|co| !co.2) {
                        self.tell_liaison(Some(co.0));
                    }
                }
                if self.t.urges >= 3 {
                    self.tell(role("dispatcher"));
                    if self.t.supervised_by.is_empty() {
                        self.tell(role("npc_staff"));
                    }
                }
                self.same("urge")
            }
            (Do::Status, _) if self.sees() => Some(true),
            _ => Some(false),
        }
    }

    /// 同意 and 不同意: another person in another office.
    fn second(&mut self, agree: bool) -> Option<bool> {
        let state = self.t.state;
        let Some(proposed) = self.t.proposal.clone() else { return Some(false) };
        let by_dispatcher = matches!(proposed.by, "dispatcher" | "both");
        let event = if agree { "agree" } else { "disagree" };
        match (proposed.matter, state) {
            ("shelve", Working) => {
                let other = if by_dispatcher { self.is("npc_staff") } else { self.dispatcher() };
                // Whoever proposed it may think better of it, and needs not be told.
                if self.who == proposed.by {
                    self.t.proposal = None;
                    return if agree { Some(false) } else { self.same(event) };
                }
                if !other {
                    return Some(false);
                }
                self.tell(format!("person {}", proposed.by));
                self.t.proposal = None;
                if !agree {
                    return self.same(event);
                }
                self.tell_reporters();
                self.tell_unit();
                self.tell_liaison(self.t.unit);
                self.may.extend(["role deputy".to_owned(), "role group_lead".to_owned()]);
                self.to(Shelved, event)
            }
            ("withdraw", _) if self.t.untouched() && self.intake() => {
                if agree && !self.followers().is_empty() {
                    return Some(false);
                }
                self.t.proposal = None;
                self.tell_reporters();
                if !agree {
                    return self.same(event);
                }
                self.t.cancelled_at = self.now;
                if self.t.unit.is_some() && state != SentBack {
                    self.tell_unit();
                }
                self.to(Cancelled, event)
            }
            ("unreasonable", Callback | Closed) if self.is("clerk") || self.is("npc_staff") => {
                if proposed.agreed.contains(&self.who) {
                    return Some(false);
                }
                let asker = format!("person {}", proposed.by);
                if !agree {
                    self.t.proposal = None;
                    self.tell(asker);
                    return self.same(event);
                }
                let mut agreed = proposed.agreed.clone();
                agreed.push(self.who);
                let both = agreed.len() == 2;
                self.t.proposal = (!both).then_some(Proposed { agreed, ..proposed });
                if both {
                    self.tell(asker);
                } else {
                    self.may.insert(asker);
                }
                self.same(event)
            }
            _ => Some(false),
        }
    }

    /// Off the list by itself: the centre passed the result and a deputy saw it on the spot.
    fn strike_off(&mut self) -> Option<bool> {
        if self.t.passed && self.t.seen && !self.t.struck_off && matches!(self.t.state, Callback | Closed) {
            self.t.struck_off = true;
            self.events.push((self.on, "strike_off"));
        }
        Some(true)
    }

    /// Who may look at it: whoever reported it, the unit, and everybody in office here.
    fn sees(&self) -> bool {
        let of_unit = self.liaison() || self.handler() || self.leader() || self.co_liaison();
        let here = ["intake", "both", "dispatcher", "clerk", "npc_staff", "deputy", "inspector"].contains(&self.who);
        self.reporter() || of_unit || here
    }
}
