//! How often somebody may write: `[limits]`.

use super::read::{Fields, Problem, Table};
use std::{num::NonZeroU32, time::Duration};

/// Rates above which messages are not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Of one person on one channel; `None` is without limit.
    pub person: Option<Rate>,
    /// Of all persons of one channel together.
    pub channel: Option<Rate>,
}

/// So many at once, and as many again in this time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub count: NonZeroU32,
    /// In which time.
    pub per: Duration,
}

impl Default for Limits {
    /// A person types one message a second at the most; the quickest dispatcher pastes a few more at once. All together may be
    /// as many as one small machine stores with ease.
    fn default() -> Self {
        Limits { person: rate("60/1m").flatten(), channel: rate("1000/1s").flatten() }
    }
}

/// The table `[limits]`; what is wrong becomes a problem.
pub(super) fn limits(table: &Table, problems: &mut Vec<Problem>) -> Limits {
    let mut fields = Fields::new("limits", table, problems);
    let mut limits = Limits::default();
    for (key, place) in [("person", &mut limits.person), ("channel", &mut limits.channel)] {
        let Some(text) = fields.text(key) else { continue };
        match rate(&text) {
            Some(rate) => *place = rate,
            None => fields.wrong(key, "应当是 条数/时间，比如 60/1m、1000/1s；写 none 就是不限"),
        }
    }
    fields.finish();
    limits
}

/// `60/1m`, `1000/1s`, `none`. The outer `None`: it cannot be read.
fn rate(text: &str) -> Option<Option<Rate>> {
    if text == "none" {
        return Some(None);
    }
    let (count, per) = text.split_once('/')?;
    let digits = per.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &per[digits.len()..] {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        _ => return None,
    };
    let (count, units): (NonZeroU32, NonZeroU32) = (count.parse().ok()?, digits.parse().ok()?);
    let per = Duration::from_secs(u64::from(units.get()) * unit);
    // Less than a nanosecond apart, or more than a day, is a slip of the pen.
    (count.get() <= 1_000_000 && per <= Duration::from_secs(86_400)).then_some(Some(Rate { count, per }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_and_nonsense_is_not() {
        let is = |count, seconds| Some(Some(Rate { count: NonZeroU32::new(count).unwrap(), per: Duration::from_secs(seconds) }));
        for (text, wanted) in [
            ("60/1m", is(60, 60)),
            ("1000/1s", is(1_000, 1)),
            ("5/2h", is(5, 7_200)),
            ("none", Some(None)),
            ("0/1m", None),
            ("60/0m", None),
            ("60", None),
            ("60/m", None),
            ("60/1d", None),
            ("-1/1s", None),
            ("60/25h", None),
            ("99999999999/1s", None),
            ("", None),
        ] {
            assert_eq!(rate(text), wanted, "{text}");
        }
        assert_eq!(Limits::default().person, is(60, 60).unwrap());
        assert_eq!(Limits::default().channel, is(1_000, 1).unwrap());
    }
}
