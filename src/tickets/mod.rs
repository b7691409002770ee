//! Tickets: a clue under handling, from the report to the rating.
//!
//! `life` is the table of what may happen when and by whom; `desk` holds the use cases; `store` the statements; `show` what
//! each viewer may see; `wording` every sentence; `commands` the words that staff type; `opening` what free words begin.

pub mod calendar;
mod calls;
pub mod chain;
pub mod co_units;
pub(crate) mod columns;
pub mod commands;
pub mod desk;
pub mod diagram;
pub mod docs;
pub mod group;
pub mod kept;
pub mod life;
pub mod lists;
mod looks;
pub mod opening;
pub mod oversight;
pub mod proposed;
pub mod refs;
pub mod same;
pub mod show;
pub mod sources;
pub mod store;
pub mod suggestion;
mod taken_back;
pub mod term;
mod together;
mod veil;
pub mod wording;
pub mod words;

use crate::message::Millis;
use std::fmt;

/// Makes an enum that is stored under a name and shown in Chinese.
macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $code:literal $chinese:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$vdoc])* $variant,)+ }

        impl $name {
            /// All, in order.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// The name in the database, in files and in the API.
            pub fn code(self) -> &'static str {
                match self { $($name::$variant => $code,)+ }
            }

            /// The words for people.
            pub fn chinese(self) -> &'static str {
                match self { $($name::$variant => $chinese,)+ }
            }

            /// The variant of a stored name.
            pub fn from_code(code: &str) -> Option<Self> {
                match code { $($code => Some($name::$variant),)+ _ => None }
            }
        }
    };
}
pub(crate) use named;

named! {
    /// Where a ticket stands (`domain.md` 6.1).
    State {
        /// Waits for intake.
        Submitted = "submitted" "待受理",
        /// Waits for the reporter's answer; the clock is paused.
        NeedInfo = "need_info" "待补充",
        /// Waits for a dispatcher.
        Accepted = "accepted" "待派单",
        /// Waits for the unit's signature.
        Dispatched = "dispatched" "待签收",
        /// The unit says it is not theirs.
        SentBack = "sent_back" "退回待改派",
        /// Sent back twice; the parent area decides.
        Disputed = "disputed" "派单异议",
        /// Being worked on.
        Working = "working" "办理中",
        /// The unit reports a result, which is being checked.
        InReview = "in_review" "办结待审",
        /// The reporter is asked.
        Callback = "callback" "待评价",
        /// Over.
        Closed = "closed" "已归档",
        /// A long-term matter with a plan.
        Shelved = "shelved" "挂账",
        /// Not taken, with the lawful way named.
        Rejected = "rejected" "不予受理",
        /// Withdrawn by the reporter.
        Cancelled = "cancelled" "已撤回",
        /// Handled as part of another ticket.
        Merged = "merged" "已并单",
        /// Given to somebody outside.
        HandedOver = "handed_over" "已移交",
    }
}

named! {
    /// Kinds of tickets (`domain.md` 5).
    Kind {
        /// A question.
        Consult = "consult" "咨询",
        /// A request for help.
        Help = "help" "求助",
        /// A complaint.
        Complaint = "complaint" "投诉",
        /// An accusation.
        Accusation = "accusation" "举报",
        /// Advice.
        Advice = "advice" "建议",
        /// A clue in a campaign field.
        Clue = "clue" "问题线索",
        /// Thanks.
        Thanks = "thanks" "感谢",
    }
}

named! {
    /// How urgent.
    Priority {
        /// Danger to life, many people, now.
        Urgent = "urgent" "特急",
        /// Within days.
        High = "high" "紧急",
        /// The ordinary case.
        Normal = "normal" "一般",
        /// Takes long.
        Complex = "complex" "疑难",
    }
}

named! {
    /// Who may know the reporter (`domain.md` 16).
    Mode {
        /// The unit knows name and phone.
        RealName = "real_name" "实名",
        /// Only intake can look, and each look is logged.
        Confidential = "confidential" "保密",
        /// Nobody.
        Anonymous = "anonymous" "匿名",
    }
}

named! {
    /// Is it true? Most screened items prove lawful on re-check, so this is no formality (`domain.md` 5).
    Verification {
        /// True.
        True = "true" "属实",
        /// Partly true.
        Partly = "partly" "部分属实",
        /// Not true.
        False = "false" "不属实",
    }
}

named! {
    /// How it was put right (`domain.md` 5).
    Method {
        /// Removed.
        Removed = "removed" "拆除",
        /// Corrected.
        Corrected = "corrected" "整改",
        /// Papers obtained.
        Regularised = "regularised" "补办手续",
        /// Shut.
        Shut = "shut" "关停",
        /// Returned or refunded.
        Returned = "returned" "退还",
        /// Planned.
        Planned = "planned" "列入计划",
        /// Explained.
        Explained = "explained" "解释说明",
        /// Given to somebody else.
        Transferred = "transferred" "移交",
    }
}

impl State {
    /// Still to be dealt with by somebody.
    pub fn is_open(self) -> bool {
        match self {
            State::Submitted
            | State::NeedInfo
            | State::Accepted
            | State::Dispatched
            | State::SentBack
            | State::Disputed
            | State::Working
            | State::InReview
            | State::Callback
            | State::Shelved => true,
            State::Closed | State::Rejected | State::Cancelled | State::Merged | State::HandedOver => false,
        }
    }

    /// Those in which something is still to be done.
    pub fn open() -> impl Iterator<Item = State> {
        State::ALL.iter().copied().filter(|state| state.is_open())
    }

    /// How far on a bar of five steps: reported, with a unit, being worked on, result, over.
    pub fn step(self) -> u8 {
        match self {
            State::Submitted | State::NeedInfo | State::Accepted | State::SentBack | State::Disputed => 1,
            State::Dispatched => 2,
            State::Working | State::Shelved => 3,
            State::InReview | State::Callback => 4,
            State::Closed | State::Rejected | State::Cancelled | State::Merged | State::HandedOver => 5,
        }
    }
}

impl Kind {
    /// Verdict and method are asked for when work on it is reported as finished.
    pub fn needs_verdict(self) -> bool {
        match self {
            Kind::Complaint | Kind::Accusation | Kind::Clue => true,
            Kind::Consult | Kind::Help | Kind::Advice | Kind::Thanks => false,
        }
    }
}

/// What stands before the day in the numbers of sealed clues, which have a series of their own: a gap in the ordinary one would
/// tell that they exist.
pub const SEALED_SERIES: char = 'J';

/// A ticket, without anything that identifies whoever reported it.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the columns of domain.md section 5 under their own names")]
pub struct Ticket {
    pub id: i64,
    pub number: String,
    pub day: String,
    pub seq: i64,
    pub kind: Kind,
    pub field: Option<String>,
    pub title: String,
    pub text: String,
    /// The report's own words, sealed, where `text` holds less of them.
    pub original: Option<String>,
    pub area: String,
    pub place: String,
    pub source: String,
    pub on_behalf: bool,
    pub mode: Mode,
    pub priority: Priority,
    pub state: State,
    pub round: i64,
    pub unit: Option<String>,
    pub handler: Option<i64>,
    pub accept_due: Option<Millis>,
    pub dispatch_due: Option<Millis>,
    pub sign_due: Option<Millis>,
    pub contact_due: Option<Millis>,
    pub resolve_due: Option<Millis>,
    pub submitted_at: Millis,
    pub dispatched_at: Option<Millis>,
    pub first_contact_at: Option<Millis>,
    pub resolved_at: Option<Millis>,
    pub closed_at: Option<Millis>,
    pub signed_off: bool,
    pub result: Option<String>,
    pub verification: Option<Verification>,
    pub method: Option<Method>,
    pub asks: i64,
    pub send_backs: i64,
    pub reopens: i64,
    pub urges: i64,
    pub urged_at: Option<Millis>,
    pub sealed: Sealed,
    pub subject: Option<String>,
    pub extension_days: Option<i64>,
    pub extensions: i64,
    pub extended_days: i64,
    pub supervised: bool,
    pub shelved_until: Option<Millis>,
    pub time_left: Option<Millis>,
    pub merged_into: Option<i64>,
    pub split_from: Option<i64>,
    pub arbitrated: bool,
    pub appealed: bool,
    pub restored: bool,
    pub relapse: bool,
    pub unreasonable: Option<Unreasonable>,
    pub verified_at: Option<Millis>,
    pub struck_off_at: Option<Millis>,
    pub given_to: Option<i64>,
    pub handed_to: Option<String>,
    pub proposal: Option<Proposal>,
    pub version: i64,
    /// How many events there are; counted up by every change.
    pub events: i64,
    /// The units that help, read with the ticket and kept in a table of their own.
    pub co_units: Vec<String>,
}

/// Who may know that a ticket exists (`domain.md` 16).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sealed {
    /// All whose scope covers it.
    #[default]
    Open,
    /// Its reporter and the inspectors of its area.
    Area,
    /// Its reporter and the inspectors above the county, because it is about the county's own.
    Above,
}

named! {
    /// What became of the claim that a demand is unreasonable.
    Unreasonable {
        /// The unit says so.
        Proposed = "proposed" "单位提出不合理",
        /// Two persons agreed.
        Confirmed = "confirmed" "认定不合理",
    }
}

named! {
    /// A matter of two persons.
    Matter {
        /// 挂账.
        Shelve = "shelve" "挂账",
        /// 撤回 that needs consent.
        Withdraw = "withdraw" "撤回",
        /// 不合理.
        Unreasonable = "unreasonable" "不合理",
    }
}

/// What waits for a second person's 同意 or 不同意. Kept as JSON in the ticket's row; people stand in it as keyed hashes, because
/// one of them may be the reporter.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Proposal {
    /// What is proposed, by its code.
    pub matter: Matter,
    /// Who proposed it, and in which role.
    pub by: Voice,
    /// Who agreed so far.
    #[serde(default)]
    pub agreed: Vec<Voice>,
    /// The words: a plan, a reason.
    pub words: String,
    /// A moment that belongs to it: the review date of 挂账.
    #[serde(default)]
    pub until: Option<Millis>,
}

/// A person in a matter of two persons.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Voice {
    /// The keyed hash of [`crate::people::person_holder`].
    pub holder: String,
    /// The role's code; `reporter` for whoever reported.
    pub role: String,
}

impl serde::Serialize for Matter {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> serde::Deserialize<'de> for Matter {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Matter::from_code(&code).ok_or_else(|| serde::de::Error::custom("no such matter"))
    }
}

impl Ticket {
    /// A ticket of which nothing is known yet but when it came.
    pub fn blank(now: Millis) -> Self {
        Ticket {
            id: 0,
            number: String::new(),
            day: String::new(),
            seq: 0,
            kind: Kind::Complaint,
            field: None,
            title: String::new(),
            text: String::new(),
            original: None,
            area: String::new(),
            place: String::new(),
            source: String::new(),
            on_behalf: false,
            mode: Mode::Confidential,
            priority: Priority::Normal,
            state: State::Submitted,
            round: 1,
            unit: None,
            handler: None,
            accept_due: None,
            dispatch_due: None,
            sign_due: None,
            contact_due: None,
            resolve_due: None,
            submitted_at: now,
            dispatched_at: None,
            first_contact_at: None,
            resolved_at: None,
            closed_at: None,
            signed_off: false,
            result: None,
            verification: None,
            method: None,
            asks: 0,
            send_backs: 0,
            reopens: 0,
            urges: 0,
            urged_at: None,
            sealed: Sealed::Open,
            subject: None,
            extension_days: None,
            extensions: 0,
            extended_days: 0,
            supervised: false,
            shelved_until: None,
            time_left: None,
            merged_into: None,
            split_from: None,
            arbitrated: false,
            appealed: false,
            restored: false,
            relapse: false,
            unreasonable: None,
            verified_at: None,
            struck_off_at: None,
            given_to: None,
            handed_to: None,
            proposal: None,
            version: 1,
            events: 1,
            co_units: Vec::new(),
        }
    }

    /// The short number, `0007`; `J0007` in the series of sealed clues.
    pub fn short(&self) -> String {
        format!("{}{:04}", if self.day.starts_with(SEALED_SERIES) { "J" } else { "" }, self.seq)
    }

    /// The number as it is typed in a command: `7`, or `J7`.
    pub fn typed(&self) -> String {
        format!("{}{}", if self.day.starts_with(SEALED_SERIES) { "J" } else { "" }, self.seq)
    }

    /// The day of its number, whatever its series.
    pub fn dated(&self) -> &str {
        self.day.trim_start_matches(SEALED_SERIES)
    }

    /// How long one of its clocks runs.
    pub fn limit(&self, clock: calendar::Clock) -> calendar::Amount {
        calendar::limit(clock, self.kind, self.priority)
    }

    /// When one of its clocks ends that begins now.
    pub fn due(&self, clock: calendar::Clock, now: Millis) -> Millis {
        calendar::due(now, self.limit(clock))
    }

    /// Urgent tickets break quiet hours for staff.
    pub fn urgent(&self) -> bool {
        self.priority == Priority::Urgent
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.chinese())
    }
}
