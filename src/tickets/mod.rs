//! Tickets: a clue under handling, from the report to the rating.
//!
//! `life` is the table of what may happen when and by whom; `desk` holds the use cases; `store` the statements; `show` what
//! each viewer may see; `wording` every sentence; `commands` the words that staff type; `opening` what free words begin.

pub mod calendar;
pub mod commands;
pub mod desk;
pub mod docs;
pub mod life;
pub mod lists;
pub mod opening;
pub mod refs;
pub mod show;
pub mod sources;
pub mod store;
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
    pub version: i64,
}

impl Ticket {
    /// The short number, `0007`.
    pub fn short(&self) -> String {
        format!("{:04}", self.seq)
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
