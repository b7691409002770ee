//! The one place that reads the time.
//!
//! Everything else is given a [`Clock`]; a lint forbids the direct call. Tests and the demonstration turn it.

use crate::message::Millis;
use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, Timelike, Utc};
use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

/// A second, in milliseconds.
pub const SECOND: Millis = 1_000;
/// A minute, in milliseconds.
pub const MINUTE: Millis = 60 * SECOND;
/// An hour, in milliseconds.
pub const HOUR: Millis = 60 * MINUTE;
/// A day of 24 hours, in milliseconds.
pub const DAY: Millis = 24 * HOUR;

/// A step of the system's time at least this long is a jump; smaller ones harm nothing here.
const JUMP: Millis = MINUTE;
/// After a jump the time is not trusted for so long: nothing is deleted or given up because of it.
const DOUBT: Duration = Duration::from_secs(3_600);

/// The time, running on from a point that can be moved, or standing there.
#[derive(Debug, Clone)]
pub struct Clock {
    /// How far it is ahead of the true time; if it stands, what it shows.
    offset: Arc<AtomicI64>,
    stands: bool,
    watch: Arc<Mutex<Watch>>,
}

/// What the clock should show by a second clock that nobody can set.
#[derive(Debug)]
struct Watch {
    wall: Millis,
    at: Instant,
    jump: Option<(Millis, Instant)>,
}

impl Watch {
    /// How far the time `wall` at `at` is from what it should be.
    fn drift(&self, wall: Millis, at: Instant) -> Millis {
        let passed = at.saturating_duration_since(self.at).as_millis();
        wall - self.wall - Millis::try_from(passed).unwrap_or(Millis::MAX / 4)
    }

    /// Takes the time as it is from here on, and gives back how far it jumped since the last look.
    fn look(&mut self, wall: Millis, at: Instant) -> Option<Millis> {
        let drift = self.drift(wall, at);
        (self.wall, self.at) = (wall, at);
        if drift.abs() < JUMP {
            return None;
        }
        self.jump = Some((drift, at));
        Some(drift)
    }

    /// The last jump, while the time is in doubt because of it.
    fn jumped(&self, wall: Millis, at: Instant) -> Option<Millis> {
        let drift = self.drift(wall, at);
        if drift.abs() >= JUMP {
            return Some(drift);
        }
        self.jump.filter(|(_, jumped)| at.saturating_duration_since(*jumped) < DOUBT).map(|(by, _)| by)
    }
}

impl Default for Clock {
    fn default() -> Self {
        let watch = Watch { wall: system_millis(), at: Instant::now(), jump: None };
        Clock { offset: Arc::default(), stands: false, watch: Arc::new(Mutex::new(watch)) }
    }
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

    /// A clock that shows `start` until it is moved: what is told by it does not depend on how quick the machine is. After a
    /// [`Clock::jump`] it is in doubt for ever.
    pub fn standing_at(start: Millis) -> Self {
        let watch = Watch { wall: start, at: Instant::now(), jump: None };
        Clock { offset: Arc::new(start.into()), stands: true, watch: Arc::new(Mutex::new(watch)) }
    }

    /// Now, in milliseconds UTC.
    pub fn now(&self) -> Millis {
        let offset = self.offset.load(Ordering::Relaxed);
        if self.stands { offset } else { system_millis() + offset }
    }

    /// Moves the clock forward (or back) by `by` milliseconds, on purpose.
    pub fn advance(&self, by: Millis) {
        let mut watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner);
        self.offset.fetch_add(by, Ordering::Relaxed);
        watch.wall += by;
    }

    /// Makes the clock show `to` now, on purpose.
    pub fn set(&self, to: Millis) {
        self.advance(to - self.now());
    }

    /// How far the clock is from the true time.
    pub fn offset(&self) -> Millis {
        let offset = self.offset.load(Ordering::Relaxed);
        if self.stands { offset - system_millis() } else { offset }
    }

    /// Looks whether the system's time has jumped since the last look, and by how much. A machine that slept counts too.
    pub fn look(&self) -> Option<Millis> {
        let mut watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner);
        let at = if self.stands { watch.at } else { Instant::now() };
        watch.look(self.now(), at)
    }

    /// By how much the time has jumped within the last hour. As long as it says something, the time is in doubt: a thing may look old
    /// and be young.
    pub fn jumped(&self) -> Option<Millis> {
        let watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner);
        watch.jumped(self.now(), if self.stands { watch.at } else { Instant::now() })
    }

    /// Makes the time jump as when the system's time is set: for tests, which cannot set that.
    pub fn jump(&self, by: Millis) {
        self.offset.fetch_add(by, Ordering::Relaxed);
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

    #[test]
    fn a_jump_is_seen_at_once_and_doubted_for_an_hour() {
        let (zero, second) = (Instant::now(), Duration::from_secs(1));
        for by in [3 * HOUR, -3 * HOUR, 400 * DAY] {
            let mut watch = Watch { wall: 0, at: zero, jump: None };
            assert_eq!((watch.look(2 * SECOND, zero + 2 * second), watch.jumped(2 * SECOND, zero + 2 * second)), (None, None));
            let jumped = 4 * SECOND + by;
            assert_eq!(watch.jumped(jumped, zero + 4 * second), Some(by), "before anybody looked");
            assert_eq!(watch.look(jumped, zero + 4 * second), Some(by));
            assert_eq!(watch.look(jumped + 2 * SECOND, zero + 6 * second), None, "it is taken as it is from here on");
            assert_eq!(watch.jumped(jumped + 2 * SECOND, zero + 6 * second), Some(by));
            let later = Duration::from_secs(3_700);
            assert_eq!(watch.look(jumped + 3_700 * SECOND, zero + 4 * second + later), None);
            assert_eq!(watch.jumped(jumped + 3_700 * SECOND, zero + 4 * second + later), None);
        }
    }

    #[test]
    fn what_is_turned_on_purpose_is_no_jump() {
        let clock = Clock::starting_at(parse("2026-11-22T10:00:00+08:00").unwrap());
        clock.advance(-9 * DAY);
        assert_eq!((clock.look(), clock.jumped()), (None, None));
        clock.jump(DAY);
        assert!(clock.jumped().is_some_and(|by| (by - DAY).abs() < MINUTE));
    }
}
