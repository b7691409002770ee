//! Everything that is to be said to anybody, each message a row until a platform has taken it.
//!
//! Rows are written in the transaction that causes them. The reply to an update is a row like any other; where the platform
//! takes it in the HTTP response it is `held` until it has been handed over, and whatever dies in between, the courier
//! delivers it.

pub(crate) mod courier;
mod ends;
#[cfg(test)]
mod list_tests;
mod queue;
mod store;
mod traffic;
#[cfg(test)]
mod trials;
mod wake;
mod way;

pub use courier::{Courier, Found, Post};
pub(crate) use store::sealed;
pub use store::{
    Waiting, forget_said, handed, list, marked_pending, release_kept, retry, stored_answer, take_back, withhold, write,
};
pub use traffic::Circuit;
pub use wake::{Settled, Wake};

use crate::{
    clock::{DAY, HOUR, MINUTE, local, start_of},
    message::{Millis, Reply},
};
use chrono::Timelike;
use std::{fmt, str::FromStr};

/// Whom a message is for: never an address, so that rows name nobody who must not be named.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Target {
    /// The chat somebody wrote from, by its conversation's id.
    Chat(i64),
    /// A person known by name, in private.
    Person(i64),
    /// Whoever reported a ticket, by the id of the entry that hides or shows the person.
    Reporter(i64),
    /// A bound group, by its id in the organisation.
    Group(String),
    /// Whoever holds a role in an area and unit when the message leaves.
    Role {
        /// The role's identifier.
        role: String,
        /// Area code.
        area: String,
        /// Unit id, where the role belongs to one.
        unit: Option<String>,
    },
}

/// When a message goes out (`domain.md` 6.5; what is only looked up has no row).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// The answer to a person's own message: always at once.
    Reply,
    /// At once, but not in quiet hours unless urgent and for staff.
    Now,
    /// In one list per recipient and ten minutes.
    Batch,
}

/// A message to be written into the outbox.
#[derive(Debug, Clone)]
pub struct Push {
    /// Whom it is for.
    pub target: Target,
    /// The ticket it speaks of.
    pub ticket: Option<i64>,
    /// When it goes.
    pub class: Class,
    /// What it says.
    pub reply: Reply,
    /// A person who caused it and therefore does not get it by way of a role.
    pub except: Option<i64>,
    /// About an urgent ticket: quiet hours do not hold it back from staff.
    pub urgent: bool,
}

/// How long a push is worth sending.
pub const WORTH: Millis = 7 * DAY;
/// A held reply is taken over by the courier this long after its update came in.
pub const HOLD: Millis = 20_000;
/// At most one list per recipient in this time.
pub const BATCH_EVERY: Millis = 10 * MINUTE;

impl Class {
    /// The name in the database.
    pub fn name(self) -> &'static str {
        match self {
            Class::Reply => "reply",
            Class::Now => "now",
            Class::Batch => "batch",
        }
    }
}

impl Target {
    /// The recipient's lane: messages of one lane leave one after another. A role has none until it is resolved.
    pub fn lane(&self) -> String {
        match self {
            Target::Role { .. } => String::new(),
            other => other.to_string(),
        }
    }

    /// Is this somebody in office rather than whoever reported something?
    fn is_staff(&self) -> bool {
        match self {
            Target::Person(_) | Target::Group(_) | Target::Role { .. } => true,
            Target::Chat(_) | Target::Reporter(_) => false,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Chat(id) => write!(f, "c:{id}"),
            Target::Person(id) => write!(f, "p:{id}"),
            Target::Reporter(id) => write!(f, "r:{id}"),
            Target::Group(id) => write!(f, "g:{id}"),
            Target::Role { role, area, unit } => write!(f, "role:{role}:{area}:{}", unit.as_deref().unwrap_or_default()),
        }
    }
}

impl FromStr for Target {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (kind, rest) = text.split_once(':').ok_or(())?;
        let id = || rest.parse::<i64>().map_err(|_| ());
        match kind {
            "c" => Ok(Target::Chat(id()?)),
            "p" => Ok(Target::Person(id()?)),
            "r" => Ok(Target::Reporter(id()?)),
            "g" => Ok(Target::Group(rest.to_owned())),
            "role" => {
                let mut parts = rest.splitn(3, ':');
                let (Some(role), Some(area), Some(unit)) = (parts.next(), parts.next(), parts.next()) else { return Err(()) };
                Ok(Target::Role {
                    role: role.to_owned(),
                    area: area.to_owned(),
                    unit: (!unit.is_empty()).then(|| unit.to_owned()),
                })
            }
            _ => Err(()),
        }
    }
}

/// The earliest moment at which a push may leave: 21:00 to 07:30 are quiet (`domain.md` 6.5).
pub fn not_before(push: &Push, now: Millis) -> Millis {
    let staff_and_urgent = push.urgent && push.target.is_staff();
    if push.class == Class::Reply || staff_and_urgent {
        return now;
    }
    after_quiet(now)
}

/// The moment itself, or the end of the quiet hours that it lies in.
fn after_quiet(at: Millis) -> Millis {
    let local = local(at);
    let minutes = i64::from(local.hour()) * 60 + i64::from(local.minute());
    let morning = 7 * HOUR + 30 * MINUTE;
    if minutes >= 21 * 60 {
        start_of(local.date_naive()) + DAY + morning
    } else if minutes < 7 * 60 + 30 {
        start_of(local.date_naive()) + morning
    } else {
        at
    }
}

/// How long to wait before the next try: 5 s, 30 s, 2 min, 10 min, 30 min, then hourly, each ±20 %.
/// `None` when it has been tried for about a day.
pub fn retry_after(tries: i64, jitter: u8) -> Option<Millis> {
    let base = match tries {
        ..=1 => 5_000,
        2 => 30_000,
        3 => 2 * MINUTE,
        4 => 10 * MINUTE,
        5 => 30 * MINUTE,
        6..=28 => HOUR,
        _ => return None,
    };
    Some(base * (80 + Millis::from(jitter) * 40 / 255) / 100)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::parse;

    fn push(target: Target, class: Class, urgent: bool) -> Push {
        Push { target, ticket: None, class, reply: Reply::default(), except: None, urgent }
    }

    #[test]
    fn targets_read_back() {
        for target in [
            Target::Chat(7),
            Target::Person(8),
            Target::Reporter(9),
            Target::Group("g-swj".into()),
            Target::Role { role: "liaison".into(), area: "131122".into(), unit: Some("swj".into()) },
            Target::Role { role: "intake".into(), area: "131122".into(), unit: None },
        ] {
            assert_eq!(target.to_string().parse(), Ok(target));
        }
        assert_eq!("x:1".parse::<Target>(), Err(()));
    }

    #[test]
    fn nights_are_quiet_except_for_answers_and_urgent_matters_of_staff() {
        let morning = parse("2026-11-23T07:30:00+08:00").unwrap();
        let day = parse("2026-11-22T10:00:00+08:00").unwrap();
        for night in ["2026-11-22T21:00:00+08:00", "2026-11-23T00:10:00+08:00", "2026-11-23T07:29:59+08:00"] {
            let night = parse(night).unwrap();
            assert_eq!(not_before(&push(Target::Reporter(1), Class::Now, false), night), morning);
            assert_eq!(not_before(&push(Target::Reporter(1), Class::Now, true), night), morning);
            assert_eq!(not_before(&push(Target::Person(1), Class::Batch, false), night), morning);
            assert_eq!(not_before(&push(Target::Person(1), Class::Now, true), night), night);
            assert_eq!(not_before(&push(Target::Chat(1), Class::Reply, false), night), night);
        }
        assert_eq!(not_before(&push(Target::Reporter(1), Class::Now, false), day), day);
    }

    #[test]
    fn retries_grow_and_end() {
        assert_eq!(retry_after(1, 0), Some(4_000));
        assert_eq!(retry_after(1, 255), Some(6_000));
        assert_eq!(retry_after(29, 0), None);
    }
}
