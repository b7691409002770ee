//! What a `~` line means: a moment, or how far the clock moves on.

use minhu::clock::{DAY, HOUR, MINUTE, SECOND, local, start_of};

/// The moment a `~` line leads to, in milliseconds. Time only moves forward.
///
/// # Errors
/// Words that are no time, or a time that is over.
pub fn after(words: &str, now: i64) -> Result<i64, String> {
    let to = moment(words.trim(), now).ok_or_else(|| format!("no time: {words}"))?;
    if to < now { Err(format!("this is over already: {words}")) } else { Ok(to) }
}

fn moment(words: &str, now: i64) -> Option<i64> {
    let midnight = start_of(local(now).date_naive());
    let (first, second) = words.split_once(' ').map_or((words, None), |(first, second)| (first, Some(second)));
    if let (Some((year, rest)), Some(clock)) = (first.split_once('-'), second) {
        let (month, day) = rest.split_once('-')?;
        let day = chrono::NaiveDate::from_ymd_opt(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?)?;
        return Some(start_of(day) + time_of_day(clock)?);
    }
    let day = match first {
        "明天" => Some(1),
        other => other.strip_suffix("天后").and_then(|days| days.parse::<i64>().ok()),
    };
    if let Some(days) = day {
        return match second {
            Some(clock) => Some(midnight + days * DAY + time_of_day(clock)?),
            None => Some(now + days * DAY),
        };
    }
    if second.is_some() {
        return None;
    }
    for (unit, millis) in [("小时后", HOUR), ("分钟后", MINUTE), ("秒后", SECOND)] {
        if let Some(count) = first.strip_suffix(unit) {
            return Some(now + count.parse::<i64>().ok()? * millis);
        }
    }
    Some(midnight + time_of_day(first)?)
}

fn time_of_day(clock: &str) -> Option<i64> {
    let (hour, minute) = clock.split_once(':')?;
    let (hour, minute) = (hour.parse::<i64>().ok()?, minute.parse::<i64>().ok()?);
    ((0..24).contains(&hour) && (0..60).contains(&minute)).then_some(hour * HOUR + minute * MINUTE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use minhu::clock::parse;

    #[test]
    fn times_as_a_story_tells_them() {
        let now = parse("2026-11-23T10:00:00+08:00").unwrap();
        for (words, moment) in [
            ("2026-12-01 08:30", "2026-12-01T08:30:00+08:00"),
            ("3天后", "2026-11-26T10:00:00+08:00"),
            ("3天后 09:00", "2026-11-26T09:00:00+08:00"),
            ("明天 07:30", "2026-11-24T07:30:00+08:00"),
            ("22:15", "2026-11-23T22:15:00+08:00"),
            ("2小时后", "2026-11-23T12:00:00+08:00"),
            ("11分钟后", "2026-11-23T10:11:00+08:00"),
            ("10秒后", "2026-11-23T10:00:10+08:00"),
        ] {
            assert_eq!(after(words, now), Ok(parse(moment).unwrap()), "{words}");
        }
    }

    #[test]
    fn what_is_no_time_or_is_over_is_refused() {
        let now = parse("2026-11-23T10:00:00+08:00").unwrap();
        for words in ["", "下周", "25:00", "3天后 九点", "2小时后 10:00", "09:59", "2026-11-22 10:00", "2026-13-01 10:00"]
        {
            assert!(after(words, now).is_err(), "{words}");
        }
    }
}
