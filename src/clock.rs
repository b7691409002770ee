//! The one place that reads the time.
//!
//! Everything else is given a [`Clock`]; a lint forbids the direct call. Tests and the demonstration turn it.

use crate::message::Millis;
use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, Timelike, Utc};
use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

/// A second, in milliseconds.
pub const SECOND: Millis = 1_000;
/// A minute, in milliseconds.
pub const MINUTE: Millis = 60 * SECOND;
/// An hour, in milliseconds.
pub const HOUR: Millis = 60 * MINUTE;
/// A day of 24 hours, in milliseconds.
pub const DAY: Millis = 24 * HOUR;

/// The time, running on from a point that can be moved.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    offset: Arc<AtomicI64>,
}

impl Clock {
    /// The true time.
    pub fn system() -> Self {
        Clock::default()
    }

    /// A clock that shows `start` now and runs on.
    pub fn starting_at(start: Millis) -> Self {
        let clock = Clock::default();
        clock.set(start);
        clock
    }

    /// Now, in milliseconds UTC.
    pub fn now(&self) -> Millis {
        system_millis() + self.offset.load(Ordering::Relaxed)
    }

    /// Moves the clock forward (or back) by `by` milliseconds.
    pub fn advance(&self, by: Millis) {
        self.offset.fetch_add(by, Ordering::Relaxed);
    }

    /// Makes the clock show `to` now.
    pub fn set(&self, to: Millis) {
        self.offset.store(to - system_millis(), Ordering::Relaxed);
    }

    /// How far the clock is from the true time.
    pub fn offset(&self) -> Millis {
        self.offset.load(Ordering::Relaxed)
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the time")]
fn system_millis() -> Millis {
    Utc::now().timestamp_millis()
}

/// Asia/Shanghai, which has had no summer time since 1991.
pub fn zone() -> FixedOffset {
    FixedOffset::east_opt(8 * 3600).unwrap_or_else(|| chrono::Offset::fix(&Utc))
}

/// The local time of a moment.
pub fn local(at: Millis) -> DateTime<FixedOffset> {
    DateTime::<Utc>::from_timestamp_millis(at).unwrap_or_default().with_timezone(&zone())
}

/// The moment at which a local day begins.
pub fn start_of(day: NaiveDate) -> Millis {
    day.and_hms_opt(0, 0, 0).map_or(0, |midnight| midnight.and_utc().timestamp_millis() - 8 * HOUR)
}

/// `11月23日（周一）`, with the year when it is not the one of `now`.
pub fn in_words(at: Millis, now: Millis) -> String {
    day_in_words(local(at).date_naive(), local(now).date_naive())
}

/// A day in words with its weekday, with the year when it is not the one of `today`.
pub fn day_in_words(day: NaiveDate, today: NaiveDate) -> String {
    let year = if day.year() == today.year() { String::new() } else { format!("{}年", day.year()) };
    let weekday = ["一", "二", "三", "四", "五", "六", "日"][day.weekday().num_days_from_monday() as usize];
    format!("{year}{}月{}日（周{weekday}）", day.month(), day.day())
}

/// How many midnights lie between two moments.
pub fn days_between(from: Millis, to: Millis) -> i64 {
    (local(to).date_naive() - local(from).date_naive()).num_days()
}

/// `10:05`.
pub fn time_in_words(at: Millis) -> String {
    let local = local(at);
    format!("{:02}:{:02}", local.hour(), local.minute())
}

/// The moment of an ISO 8601 time with its offset, as `MINHUTEST_CLOCK` gives it.
pub fn parse(iso: &str) -> Option<Millis> {
    DateTime::parse_from_rfc3339(iso.trim()).ok().map(|at| at.timestamp_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_said_with_their_weekday_and_only_a_foreign_year() {
        let now = parse("2026-11-22T10:24:00+08:00").unwrap();
        assert_eq!(in_words(parse("2026-11-23T23:59:59+08:00").unwrap(), now), "11月23日（周一）");
        assert_eq!(in_words(parse("2027-01-01T00:00:00+08:00").unwrap(), now), "2027年1月1日（周五）");
        assert_eq!(time_in_words(now), "10:24");
    }

    #[test]
    fn a_turned_clock_runs_on_from_where_it_was_set() {
        let clock = Clock::starting_at(parse("2026-11-22T10:00:00+08:00").unwrap());
        let before = clock.now();
        clock.advance(3 * DAY);
        assert!(clock.now() - before >= 3 * DAY && clock.now() - before < 3 * DAY + MINUTE);
    }
}
