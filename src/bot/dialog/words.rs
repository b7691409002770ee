//! Understanding single answers: numbers, days, and which choice is meant.

use super::Item;
use super::controls::whole;
use crate::text;
use chrono::{Datelike, Days, NaiveDate};

/// In a longer message a choice may be mentioned without being meant.
const MENTION_CHARS: usize = 12;

/// Which choices an answer may mean.
#[derive(Debug, PartialEq)]
pub(super) enum Meant<'i> {
    /// Exactly this one.
    One(&'i Item),
    /// One of these.
    Several(Vec<&'i Item>),
    /// None.
    None,
}

/// The choice whose words or key are this whole message.
pub(super) fn exactly<'i>(said: &str, items: &'i [Item]) -> Meant<'i> {
    let said = whole(said);
    among(items.iter().filter(|item| item_words(item).any(|word| word == said) || text::fold(&item.key) == said).collect())
}

/// The choice that is meant: by its whole words, else by a part that only one has, else because only its words are in what
/// was said. 不满意 contains 满意 and means the opposite, so a part right behind a denial is none.
pub(super) fn meant<'i>(said: &str, items: &'i [Item]) -> Meant<'i> {
    let exact = exactly(said, items);
    if exact != Meant::None {
        return exact;
    }
    let by_part = part(said, items);
    let said = whole(said);
    if by_part != Meant::None || said.chars().count() > MENTION_CHARS {
        return by_part;
    }
    among(items.iter().filter(|item| item_words(item).any(|word| says(&said, &word))).collect())
}

/// The choice of whose words this is a part.
pub(super) fn part<'i>(said: &str, items: &'i [Item]) -> Meant<'i> {
    let said = whole(said);
    among(items.iter().filter(|item| item_words(item).any(|word| says(&word, &said))).collect())
}

/// Is the shorter text, of two characters at least, a part of the longer one that is not denied there?
fn says(longer: &str, shorter: &str) -> bool {
    let denied = |before: &str| before.chars().rev().take(2).any(|c| "不没未无别非".contains(c));
    shorter.chars().nth(1).is_some() && longer.match_indices(shorter).any(|(at, _)| !denied(&longer[..at]))
}

fn among(found: Vec<&Item>) -> Meant<'_> {
    match found[..] {
        [] => Meant::None,
        [one] => Meant::One(one),
        _ => Meant::Several(found),
    }
}

fn item_words(item: &Item) -> impl Iterator<Item = String> {
    std::iter::once(&item.text).chain(&item.also).map(|word| whole(word))
}

/// The number of a line that somebody answers with: `二`, `第二个`, `2、`, `选2`, `2吧`.
pub(super) fn line_number(said: &str) -> Option<u32> {
    let said = whole(said);
    let bare = ["我选", "选", "回"].iter().find_map(|word| said.strip_prefix(word)).unwrap_or(&said);
    text::number(bare.strip_suffix('吧').unwrap_or(bare))
}

/// An amount as people say it: `3`, `大约3户`, `一百二十`, `两万多`.
pub(super) fn amount(said: &str) -> Option<i64> {
    let said = whole(said);
    let about = ["大约", "大概", "差不多", "约", "有", "共", "第"];
    let mut bare = said.as_str();
    while let Some(rest) = about.iter().find_map(|word| bare.strip_prefix(word)) {
        bare = rest.trim_start();
    }
    let negative = bare.starts_with('-');
    let bare = bare.trim_start_matches('-');
    let digits = bare.chars().take_while(char::is_ascii_digit).count();
    let (number, unit) = if digits > 0 {
        (bare[..digits].parse::<i64>().ok()?, &bare[digits..])
    } else {
        let end = bare.find(|c| chinese(c).is_none()).unwrap_or(bare.len());
        (chinese_amount(&bare[..end])?, &bare[end..])
    };
    let (number, unit) = match unit.strip_prefix('万') {
        Some(rest) if digits > 0 => (number.checked_mul(10_000)?, rest),
        _ => (number, unit),
    };
    // A unit word of up to four characters (个工作日) may follow, nothing that would change the number.
    let plain = unit.chars().count() <= 4
        && !unit.contains(|c: char| c.is_ascii_digit() || c == '.' || chinese(c).is_some() || c == '半');
    plain.then_some(if negative { -number } else { number })
}

fn chinese(c: char) -> Option<i64> {
    Some(match c {
        '零' | '〇' => 0,
        '一' => 1,
        '二' | '两' => 2,
        '三' => 3,
        '四' => 4,
        '五' => 5,
        '六' => 6,
        '七' => 7,
        '八' => 8,
        '九' => 9,
        '十' => 10,
        '百' => 100,
        '千' => 1_000,
        '万' => 10_000,
        _ => return None,
    })
}

fn chinese_amount(text: &str) -> Option<i64> {
    let (mut all, mut section, mut digit) = (0i64, 0i64, None);
    let mut any = false;
    for c in text.chars() {
        any = true;
        match chinese(c)? {
            10_000 => {
                all = all.checked_add(section.checked_add(digit.take().unwrap_or(0))?.max(1))?.checked_mul(10_000)?;
                section = 0;
            }
            unit if unit >= 10 => section = section.checked_add(digit.take().unwrap_or(1).checked_mul(unit)?)?,
            0 => {}
            _ if digit.is_some() => return None,
            value => digit = Some(value),
        }
    }
    any.then_some(all.checked_add(section)?.checked_add(digit.unwrap_or(0))?)
}

/// A day as people say it, seen from `today`. Without a year it is the nearest such day.
pub(super) fn day(said: &str, today: NaiveDate) -> Option<NaiveDate> {
    let said = whole(said);
    let ago = [("大前天", 3), ("前天", 2), ("昨天", 1), ("昨晚", 1), ("今天", 0), ("今早", 0), ("今晚", 0)];
    if let Some((_, days)) = ago.iter().find(|(word, _)| said.starts_with(word)) {
        return today.checked_sub_days(Days::new(*days));
    }
    if let Some((_, days)) = [("大后天", 3), ("后天", 2), ("明天", 1)].iter().find(|(word, _)| said.starts_with(word)) {
        return today.checked_add_days(Days::new(*days));
    }
    let (year, rest) = match said.split_once('年') {
        Some(("今", rest)) => (Some(today.year()), rest),
        Some(("去", rest)) => (Some(today.year() - 1), rest),
        Some(("明", rest)) => (Some(today.year() + 1), rest),
        Some((year, rest)) => (Some(year.trim().parse().ok()?), rest),
        None => (None, said.as_str()),
    };
    let parts: Vec<&str> = rest.split(['月', '-', '/', '.', '日', '号']).map(str::trim).filter(|part| !part.is_empty()).collect();
    let number = |part: &str| part.parse::<u32>().ok().or_else(|| text::number(part));
    let (year, month, day) = match (year, &parts[..]) {
        (Some(year), [month, day]) => (Some(year), number(month)?, number(day)?),
        (None, [year, month, day]) => (Some(year.parse().ok()?), number(month)?, number(day)?),
        (None, [month, day]) => (None, number(month)?, number(day)?),
        _ => return None,
    };
    match year {
        Some(year) => NaiveDate::from_ymd_opt(if year < 100 { 2000 + year } else { year }, month, day),
        None => (today.year() - 1..=today.year() + 1)
            .filter_map(|year| NaiveDate::from_ymd_opt(year, month, day))
            .min_by_key(|candidate| (*candidate - today).num_days().abs()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn amounts_as_people_say_them() {
        for (said, number) in [
            ("3", Some(3)),
            ("大约３户", Some(3)),
            ("一百二十", Some(120)),
            ("一百二十三户", Some(123)),
            ("两万", Some(20_000)),
            ("3万", Some(30_000)),
            ("3个工作日", Some(3)),
            ("十几户", Some(10)),
            ("二十一", Some(21)),
            ("一千零五", Some(1005)),
            ("-2", Some(-2)),
            ("3亩半", None),
            ("2.5", None),
            ("很多", None),
            ("", None),
            ("一二三", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(amount(said), number, "{said}");
        }
    }

    #[test]
    fn days_as_people_say_them() {
        let today = NaiveDate::from_ymd_opt(2026, 1, 5).unwrap();
        for (said, expected) in [
            ("今天", Some("2026-01-05")),
            ("昨天夜里", Some("2026-01-04")),
            ("大前天", Some("2026-01-02")),
            ("3月5日", Some("2026-03-05")),
            ("12月30号", Some("2025-12-30")),
            ("2024年2月29日", Some("2024-02-29")),
            ("2026-03-05", Some("2026-03-05")),
            ("去年十月一日", Some("2025-10-01")),
            ("2月30日", None),
            ("上回", None),
            ("3", None),
        ] {
            assert_eq!(day(said, today).map(|day| day.to_string()).as_deref(), expected, "{said}");
        }
    }

    #[test]
    fn a_choice_is_found_by_words_part_or_mention_but_never_against_a_denial() {
        let items = [Item::new("5", "非常满意"), Item::new("4", "满意"), Item::new("2", "不满意"), Item::new("swj", "水务局")];
        let one = |said: &str| match meant(said, &items) {
            Meant::One(item) => item.key.clone(),
            Meant::Several(found) => format!("{}", found.len()),
            Meant::None => "-".into(),
        };
        for (said, key) in [
            ("满意", "4"),
            ("满意。", "4"),
            ("不满意", "2"),
            ("很满意", "4"),
            // Asked again rather than taken for its opposite.
            ("不太满意", "-"),
            ("水务", "swj"),
            ("SWJ", "swj"),
            ("给水务局吧", "swj"),
            ("不是水务局", "-"),
            ("水", "-"),
        ] {
            assert_eq!(one(said), key, "{said}");
        }
    }

    proptest! {
        #[test]
        fn no_words_panic(said in "[零一二两三十百千万年月日号.\\-0-9大约前天户半]{0,24}|\\PC{0,40}") {
            let today = NaiveDate::from_ymd_opt(2026, 11, 22).unwrap();
            let _ = (amount(&said), day(&said, today), line_number(&said));
        }
    }
}
