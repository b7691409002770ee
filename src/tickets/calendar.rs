//! Working days and due times (`domain.md` 7 and 18).
//!
//! Hours run through nights and holidays from the exact second. Of working days the day of the event is not counted; the last
//! one ends at 24:00. The days off and the make-up days are the State Council's notice of 2025-11-04 for 2026, and the
//! statutory days for 2027, whose notice was not out when this was written.

use super::{Kind, Priority};
use crate::{
    clock::{DAY, HOUR, local, start_of},
    message::Millis,
};
use chrono::{Datelike, Days, NaiveDate, Weekday};

/// Days off as (year, from month, day, to month, day).
const OFF: &[(i32, u32, u32, u32, u32)] = &[
    (2026, 1, 1, 1, 3),
    (2026, 2, 15, 2, 23),
    (2026, 4, 4, 4, 6),
    (2026, 5, 1, 5, 5),
    (2026, 6, 19, 6, 21),
    (2026, 9, 25, 9, 27),
    (2026, 10, 1, 10, 7),
    (2027, 1, 1, 1, 1),
    (2027, 2, 5, 2, 8),
    (2027, 4, 5, 4, 5),
    (2027, 5, 1, 5, 2),
    (2027, 6, 9, 6, 9),
    (2027, 9, 15, 9, 15),
    (2027, 10, 1, 10, 3),
];

/// Weekend days that are worked.
const MAKE_UP: &[(i32, u32, u32)] = &[(2026, 1, 4), (2026, 2, 14), (2026, 2, 28), (2026, 5, 9), (2026, 9, 20), (2026, 10, 10)];

/// An amount of time in which something is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Amount {
    /// Natural hours.
    Hours(i64),
    /// Working days.
    Days(u32),
}

/// The clocks of a ticket that start on the main line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// Submitted → accepted or rejected.
    Accept,
    /// Accepted → dispatched.
    Dispatch,
    /// Dispatched → signed.
    Sign,
    /// Dispatched → first contact.
    Contact,
    /// Dispatched → reported as finished.
    Resolve,
}

/// Is this a working day?
pub fn works(day: NaiveDate) -> bool {
    let key = (day.month(), day.day());
    if MAKE_UP.iter().any(|(year, month, date)| (*year, *month, *date) == (day.year(), key.0, key.1)) {
        return true;
    }
    let off = OFF.iter().any(|(year, m1, d1, m2, d2)| *year == day.year() && (*m1, *d1) <= key && key <= (*m2, *d2));
    !off && !matches!(day.weekday(), Weekday::Sat | Weekday::Sun)
}

/// The last moment of an amount that begins at `from`: for working days one millisecond before midnight.
pub fn due(from: Millis, amount: Amount) -> Millis {
    match amount {
        Amount::Hours(hours) => from + hours * HOUR,
        Amount::Days(count) => {
            let mut day = local(from).date_naive();
            let mut left = count;
            while left > 0 {
                let Some(next) = day.checked_add_days(Days::new(1)) else { break };
                day = next;
                if works(day) {
                    left -= 1;
                }
            }
            start_of(day) + DAY - 1
        }
    }
}

/// The default limits of `domain.md` section 7.
pub fn limit(clock: Clock, kind: Kind, priority: Priority) -> Amount {
    use Amount::{Days, Hours};
    use Priority::{Complex, High, Normal, Urgent};
    match (clock, priority) {
        (Clock::Accept | Clock::Dispatch | Clock::Sign, Urgent) => Hours(1),
        (Clock::Accept | Clock::Dispatch, High) => Hours(2),
        (Clock::Accept, Normal | Complex) => Days(1),
        (Clock::Dispatch, Normal | Complex) => Hours(24),
        (Clock::Sign, High) => Hours(4),
        (Clock::Sign, Complex) if kind != Kind::Consult => Days(2),
        (Clock::Sign, Normal | Complex) => Days(1),
        (Clock::Contact, Urgent) => Hours(2),
        (Clock::Contact, High) => Hours(12),
        (Clock::Contact, Normal | Complex) => Hours(24),
        (Clock::Resolve, Urgent) => Hours(24),
        (Clock::Resolve, High) => Days(3),
        (Clock::Resolve, Complex) => Days(15),
        (Clock::Resolve, Normal) => match kind {
            Kind::Clue => Days(15),
            Kind::Complaint | Kind::Advice | Kind::Accusation => Days(10),
            Kind::Consult => Days(2),
            Kind::Help | Kind::Thanks => Days(5),
        },
    }
}

/// Half an amount, rounded up: what a reopened ticket gets.
pub fn half(amount: Amount) -> Amount {
    match amount {
        Amount::Hours(hours) => Amount::Hours((hours + 1) / 2),
        Amount::Days(days) => Amount::Days(days.div_ceil(2)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::parse;

    fn noon(day: &str) -> Millis {
        parse(&format!("{day}T12:00:00+08:00")).unwrap()
    }

    #[test]
    fn working_days_of_2026_as_published() {
        for (from, days, last) in [
            ("2026-02-13", 1, "2026-02-14"),
            ("2026-02-13", 5, "2026-02-27"),
            ("2026-02-18", 5, "2026-02-28"),
            ("2026-04-30", 1, "2026-05-06"),
            ("2026-04-30", 5, "2026-05-11"),
            ("2026-06-18", 3, "2026-06-24"),
            ("2026-09-18", 1, "2026-09-20"),
            ("2026-09-24", 5, "2026-10-09"),
            ("2026-09-30", 15, "2026-10-27"),
            ("2026-10-08", 2, "2026-10-10"),
        ] {
            let due = due(noon(from), Amount::Days(days));
            assert_eq!(local(due).date_naive().to_string(), last, "{from} + {days}");
            assert_eq!(local(due + 1).date_naive().to_string(), local(due + DAY).date_naive().to_string());
        }
    }

    #[test]
    fn the_year_2026_has_248_working_days() {
        let days = NaiveDate::from_ymd_opt(2026, 1, 1).unwrap().iter_days().take(365);
        assert_eq!(days.filter(|day| works(*day)).count(), 248);
    }

    #[test]
    fn hours_run_through_the_night() {
        assert_eq!(due(noon("2026-11-21"), Amount::Hours(24)), noon("2026-11-22"));
    }

    #[test]
    fn halves_are_rounded_up() {
        assert_eq!(half(Amount::Days(15)), Amount::Days(8));
        assert_eq!(half(Amount::Hours(24)), Amount::Hours(12));
    }
}
