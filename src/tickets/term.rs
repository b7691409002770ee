//! The last word of a supervision order, when it is a term: `3天`, `3个工作日`, `11月30日前`, `下周五`. Pure.

use super::calendar::{self, Amount};
use crate::{
    clock::{DAY, local, start_of},
    message::Millis,
    text,
};
use chrono::{Datelike, Days, Months, NaiveDate};

/// Without a term the written reply is due after so many working days (`domain.md` 7).
const DEFAULT: Amount = Amount::Days(3);
/// The longest term that makes sense.
const LONGEST: u64 = 366;

/// Why a word that looks like a term is none that can be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// The day is over.
    Past,
    /// There is no such day, or no time at all.
    NoSuchDay,
    /// More than a year.
    TooLong,
}

/// A term, not yet counted from a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Term {
    On(NaiveDate),
    WorkingDays(u32),
}

/// What is demanded, and until when the reply is due.
///
/// # Errors
/// Why the term cannot be kept.
pub fn read(words: &str, now: Millis) -> Result<(String, Millis), Wrong> {
    let today = local(now).date_naive();
    let (demand, word) = split(words, today);
    let due = match word {
        None => calendar::due(now, DEFAULT),
        Some(Err(wrong)) => return Err(wrong),
        Some(Ok(Term::WorkingDays(days))) => calendar::due(now, Amount::Days(days)),
        Some(Ok(Term::On(day))) if day < today => return Err(Wrong::Past),
        Some(Ok(Term::On(day))) => start_of(day) + DAY - 1,
    };
    if due > now + LONGEST as i64 * DAY {
        return Err(Wrong::TooLong);
    }
    Ok((demand, due))
}

/// The words without their term.
pub fn demand(words: &str) -> String {
    split(words, NaiveDate::default()).0
}

fn split(words: &str, today: NaiveDate) -> (String, Option<Result<Term, Wrong>>) {
    let words = words.trim().trim_end_matches(STOPS).trim_end();
    let begin = words
        .rfind(|c: char| c.is_whitespace() || STOPS.contains(&c))
        .map_or(0, |at| at + words[at..].chars().next().map_or(0, char::len_utf8));
    match term(&words[begin..], today) {
        Some(term) => {
            let demand = words[..begin].trim_end_matches(|c: char| c.is_whitespace() || STOPS.contains(&c));
            (demand.to_owned(), Some(term))
        }
        None => (words.to_owned(), None),
    }
}

const STOPS: [char; 8] = ['，', ',', '。', '；', ';', '、', '！', '：'];

/// What a word means as a term; `None` when it is none.
fn term(word: &str, today: NaiveDate) -> Option<Result<Term, Wrong>> {
    let folded = text::fold(word);
    let bare = ["书面回复", "回复", "答复", "办结", "办完"].iter().find_map(|end| folded.strip_suffix(end)).unwrap_or(&folded);
    let within = ["之内", "以内", "内"].iter().find_map(|end| bare.strip_suffix(end));
    let bare = within.or_else(|| ["之前", "以前", "前"].iter().find_map(|end| bare.strip_suffix(end))).unwrap_or(bare);
    by_name(bare, today)
        .or_else(|| amount(bare, within.is_some(), today))
        .or_else(|| weekday(bare, today))
        .or_else(|| date(bare, today))
}

fn on(day: Option<NaiveDate>) -> Result<Term, Wrong> {
    day.map(Term::On).ok_or(Wrong::NoSuchDay)
}

fn by_name(word: &str, today: NaiveDate) -> Option<Result<Term, Wrong>> {
    let days = match word {
        "今天" => 0,
        "明天" => 1,
        "后天" => 2,
        "大后天" => 3,
        "月底" => {
            let next = today.with_day(1).and_then(|first| first.checked_add_months(Months::new(1)));
            return Some(on(next.and_then(|first| first.pred_opt())));
        }
        _ => return None,
    };
    Some(on(today.checked_add_days(Days::new(days))))
}

fn amount(word: &str, within: bool, today: NaiveDate) -> Option<Result<Term, Wrong>> {
    let mut units = vec!["个工作日", "工作日", "天", "周", "个星期", "个月"];
    if within {
        units.push("日");
    }
    let (count, unit) = units.into_iter().find_map(|unit| Some((count(word.strip_suffix(unit)?)?, unit)))?;
    if count == 0 {
        return Some(Err(Wrong::NoSuchDay));
    }
    if u64::from(count) > LONGEST {
        return Some(Err(Wrong::TooLong));
    }
    Some(match unit {
        "个工作日" | "工作日" => Ok(Term::WorkingDays(count)),
        "周" | "个星期" => on(today.checked_add_days(Days::new(7 * u64::from(count)))),
        "个月" => on(today.checked_add_months(Months::new(count))),
        _ => on(today.checked_add_days(Days::new(u64::from(count)))),
    })
}

/// A number in digits or as it is spoken.
fn count(word: &str) -> Option<u32> {
    let digits = !word.is_empty() && word.len() <= 4 && word.bytes().all(|byte| byte.is_ascii_digit());
    if digits {
        word.parse().ok()
    } else {
        text::number(word).filter(|_| word.chars().all(|c| "一二两三四五六七八九十".contains(c)))
    }
}

fn weekday(word: &str, today: NaiveDate) -> Option<Result<Term, Wrong>> {
    let (ahead, rest) = match word.strip_prefix("下") {
        Some(rest) => (Some(7), rest),
        None => match ["本", "这"].iter().find_map(|this| word.strip_prefix(this)) {
            Some(rest) => (Some(0), rest),
            None => (None, word),
        },
    };
    let name = ["个星期", "星期", "周", "礼拜"].iter().find_map(|week| rest.strip_prefix(week))?;
    let mut letters = name.chars();
    let wanted = match (letters.next()?, letters.next()) {
        (day, None) => "一二三四五六日".chars().position(|c| c == day || (c == '日' && day == '天'))?,
        _ => return None,
    };
    let here = today.weekday().num_days_from_monday() as u64;
    let wanted = wanted as u64;
    let monday = today.checked_sub_days(Days::new(here));
    // Without 本 or 下 the next such day is meant, today included.
    let days = ahead.unwrap_or(if wanted < here { 7 } else { 0 }) + wanted;
    Some(on(monday.and_then(|monday| monday.checked_add_days(Days::new(days)))))
}

fn date(word: &str, today: NaiveDate) -> Option<Result<Term, Wrong>> {
    let number = |part: &str| (!part.is_empty() && part.len() <= 4).then(|| part.parse::<u32>().ok()).flatten();
    let dashed: Vec<&str> = word.split(['-', '/', '.']).collect();
    if let [year, month, day] = dashed[..] {
        let year = number(year).filter(|year| *year >= 1000)?;
        return Some(on(NaiveDate::from_ymd_opt(year as i32, number(month)?, number(day)?)));
    }
    let word = word.strip_suffix(['日', '号'])?;
    let Some((front, day)) = word.split_once('月') else {
        // A day of this month, or of the next one when it is over.
        let day = number(word)?;
        let this = today.with_day(day);
        let next = || today.with_day(1)?.checked_add_months(Months::new(1))?.with_day(day);
        return Some(on(this.filter(|day| *day >= today).or_else(next)));
    };
    let day = number(day)?;
    let (year, month) = match front.split_once('年') {
        Some(("今", month)) => (Some(today.year()), number(month)?),
        Some(("明", month)) => (Some(today.year() + 1), number(month)?),
        Some((year, month)) => (Some(number(year)? as i32), number(month)?),
        None => (None, number(front)?),
    };
    if let Some(year) = year {
        return Some(on(NaiveDate::from_ymd_opt(year, month, day)));
    }
    // In December the 5th of January is next year's; in November the 20th of this month, when it is over, is a mistake.
    let this = NaiveDate::from_ymd_opt(today.year(), month, day);
    let long_over = this.is_some_and(|day| (today - day).num_days() > 180);
    Some(on(if long_over { NaiveDate::from_ymd_opt(today.year() + 1, month, day) } else { this }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::parse;
    use proptest::prelude::*;

    /// Monday, 23 November 2026.
    fn now() -> Millis {
        parse("2026-11-23T10:00:00+08:00").unwrap()
    }

    #[test]
    fn the_last_word_may_be_a_term() {
        for (words, demand, day) in [
            ("查清水费怎么收的", "查清水费怎么收的", "2026-11-26"),
            ("查清水费怎么收的 3天", "查清水费怎么收的", "2026-11-26"),
            ("查清水费怎么收的，三天内回复", "查清水费怎么收的", "2026-11-26"),
            ("查清水费怎么收的 5个工作日", "查清水费怎么收的", "2026-11-30"),
            ("查清水费怎么收的 ５工作日内", "查清水费怎么收的", "2026-11-30"),
            ("查清水费怎么收的 两周", "查清水费怎么收的", "2026-12-07"),
            ("查清水费怎么收的 1个月", "查清水费怎么收的", "2026-12-23"),
            ("查清水费怎么收的 11月30日", "查清水费怎么收的", "2026-11-30"),
            ("查清水费怎么收的。11月30号前", "查清水费怎么收的", "2026-11-30"),
            ("查清水费怎么收的 1月5日", "查清水费怎么收的", "2027-01-05"),
            ("查清水费怎么收的 明年1月5日", "查清水费怎么收的", "2027-01-05"),
            ("查清水费怎么收的 2026-12-01", "查清水费怎么收的", "2026-12-01"),
            ("查清水费怎么收的 30日", "查清水费怎么收的", "2026-11-30"),
            ("查清水费怎么收的 5号", "查清水费怎么收的", "2026-12-05"),
            ("查清水费怎么收的 5日内", "查清水费怎么收的", "2026-11-28"),
            ("查清水费怎么收的 周五", "查清水费怎么收的", "2026-11-27"),
            ("查清水费怎么收的 周一", "查清水费怎么收的", "2026-11-23"),
            ("查清水费怎么收的 下周五", "查清水费怎么收的", "2026-12-04"),
            ("查清水费怎么收的 星期天", "查清水费怎么收的", "2026-11-29"),
            ("查清水费怎么收的 今天", "查清水费怎么收的", "2026-11-23"),
            ("查清水费怎么收的 后天前", "查清水费怎么收的", "2026-11-25"),
            ("查清水费怎么收的 月底", "查清水费怎么收的", "2026-11-30"),
            ("现场看一看 写清楚", "现场看一看 写清楚", "2026-11-26"),
            ("看看这3天的水费", "看看这3天的水费", "2026-11-26"),
        ] {
            let (said, due) = read(words, now()).unwrap_or_else(|wrong| panic!("{words}: {wrong:?}"));
            assert_eq!((said.as_str(), local(due).date_naive().to_string().as_str()), (demand, day), "{words}");
            assert_eq!(local(due + 1).date_naive(), local(due).date_naive().succ_opt().unwrap(), "{words}");
        }
    }

    #[test]
    fn a_term_that_cannot_be_kept_is_said_so() {
        for (words, wrong) in [
            ("查清水费 11月20日", Wrong::Past),
            ("查清水费 2026-11-22", Wrong::Past),
            ("查清水费 2月30日", Wrong::NoSuchDay),
            ("查清水费 13月1日", Wrong::NoSuchDay),
            ("查清水费 0天", Wrong::NoSuchDay),
            ("查清水费 999天", Wrong::TooLong),
            ("查清水费 2030年1月1日", Wrong::TooLong),
        ] {
            assert_eq!(read(words, now()), Err(wrong), "{words}");
        }
    }

    #[test]
    fn a_term_alone_demands_nothing() {
        assert_eq!(demand("11月30日"), "");
        assert_eq!(demand("3天"), "");
        assert_eq!(demand("查清 3天"), "查清");
    }

    proptest! {
        #[test]
        fn no_words_panic(words in "(\\PC{0,12} )?[0-9一二三下本周月日天年前内./-]{0,8}") {
            let _ = read(&words, now());
            let _ = demand(&words);
        }
    }
}
