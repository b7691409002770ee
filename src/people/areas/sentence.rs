//! Places in the middle of a free text: only what is certain, and what is worth asking about.

use super::{Areas, VILLAGE_ENDINGS, bare, plain};
use crate::people::{Area, Level, contains};
use std::ops::Range;

/// Before one of these a shorter name is only the beginning of a longer one that is not ours.
pub(super) const LENGTHENS: &str = "庄屯营寨家店疃市县区镇乡";
/// After one of these a name is only the end of a longer one that is not ours.
const PRECEDES_NAME: &str = "大小东西南北前后中新老上下";
/// Words that end in one of these and lengthen nothing.
const WORDS_BEFORE: [&str; 18] = [
    "晚上", "早上", "路上", "街上", "地上", "一下", "乡下", "这下", "以后", "以前", "之后", "之前", "目前", "家中", "当中",
    "其中", "重新", "最后",
];
/// What may stand directly before a short name that is followed by 村.
const BEFORE_SHORT: &str = "在到去是住从往于由回过来离给让和与跟及叫说问映诉报知找们咱俺我县市的";
/// What may stand before a name that has no 村 behind it and is a word of everyday life or very short.
const IN_PLACE: &str = "在住们咱俺是到问";
/// What may stand behind a short name that has no 村 behind it.
const AFTER_SHORT: &str = "的有东西南北里头这那附";
/// Endings that make a word of two characters a village name beyond doubt.
const SETTLEMENT: &str = "庄屯寨疃营";
/// Village names that are everyday words too: they need 村, a township, 我们 or 在 before them, or the beginning of a sentence.
const COMMON: [&str; 3] = ["白石槽", "太平庄", "和谐社区"];
/// Village names that mean something else nearly always: they need 村 or a township.
const ELSEWHERE: [&str; 2] = ["石家庄", "甜水井"];

/// A village's name in a text.
struct Mention {
    at: Range<usize>,
    /// All villages of this name.
    called: Vec<usize>,
    /// Those of them that it may mean: in the township directly before it.
    places: Vec<usize>,
    /// The township directly before it.
    town: Option<usize>,
}

impl Areas {
    /// The one place that a free text surely names, and where it stands in the text (bytes). A township when only that is
    /// named.
    pub fn in_sentence(&self, sentence: &str) -> Option<(&Area, Range<usize>)> {
        let chars: Vec<char> = sentence.chars().map(plain).collect();
        let mentions = self.mentions(&chars);
        let mut towns = self.townships_in(&chars);
        towns.extend(mentions.iter().filter_map(|mention| mention.town.map(|town| (town, mention.at.clone()))));
        towns.sort_by_key(|(town, _)| *town);
        towns.dedup_by_key(|(town, _)| *town);
        let (place, range) = match (&mentions[..], &towns[..]) {
            ([], [(town, range)]) => (*town, range.clone()),
            // Who names two townships may mean either.
            ([], _) | (_, [_, _, ..]) => return None,
            ([first, others @ ..], towns) => {
                let [one] = self.within(&first.places, towns)[..] else { return None };
                if others.iter().any(|other| self.within(&other.places, towns) != [one]) {
                    return None;
                }
                (one, first.at.clone())
            }
        };
        let mut offsets: Vec<usize> = sentence.char_indices().map(|(at, _)| at).collect();
        offsets.push(sentence.len());
        Some((self.list.get(place)?, *offsets.get(range.start)?..*offsets.get(range.end)?))
    }

    /// The villages to ask about when a free text names several, or one whose name several have; in the order of the text.
    pub fn several_in(&self, sentence: &str) -> Vec<&Area> {
        if self.in_sentence(sentence).is_some_and(|(area, _)| area.level() == Level::Village) {
            return Vec::new();
        }
        let chars: Vec<char> = sentence.chars().map(plain).collect();
        let towns = self.townships_in(&chars);
        let mut found: Vec<usize> = Vec::new();
        for mention in self.mentions(&chars) {
            // 龙店镇和清凉店镇的刘家庄 are two villages.
            let within = self.within(if towns.len() > 1 { &mention.called } else { &mention.places }, &towns);
            let meant = if within.is_empty() { mention.places } else { within };
            found.extend(meant.into_iter().filter(|place| !found.contains(place)).collect::<Vec<_>>());
        }
        if found.is_empty() {
            // A name that stands for several is asked about even where it may be a piece of another.
            let text: String = chars.iter().collect();
            let several = self.villages.iter().filter(|(_, places)| places.len() > 1);
            let named = several.filter(|(name, _)| name.chars().count() >= 2 && text.contains(*name));
            found = named.max_by_key(|(name, _)| name.len()).map(|(_, places)| places.clone()).unwrap_or_default();
        }
        if found.len() > 1 { self.at(&found) } else { Vec::new() }
    }

    /// A village's name without its ending, when these are all that are called so.
    pub fn common_name<'a>(&self, areas: &[&'a Area]) -> Option<&'a str> {
        let mut names = areas.iter().map(|area| bare(&area.name, Level::Village));
        let first = names.next()?;
        let all = self.villages.get(first).is_some_and(|called| called.len() == areas.len());
        (all && names.all(|name| name == first)).then_some(first)
    }

    /// Those of the places that lie in one of the townships; all where none is named.
    fn within(&self, places: &[usize], towns: &[(usize, Range<usize>)]) -> Vec<usize> {
        let inside = |place: usize| towns.iter().any(|(town, _)| contains(self.code(*town), self.code(place)));
        places.iter().copied().filter(|place| towns.is_empty() || inside(*place)).collect()
    }

    fn mentions(&self, chars: &[char]) -> Vec<Mention> {
        let mut mentions = Vec::new();
        let mut at = 0;
        while at < chars.len() {
            match self.certain_at(chars, at) {
                Some(mention) => {
                    at = mention.at.end;
                    mentions.push(mention);
                }
                None => at += 1,
            }
        }
        mentions
    }

    /// The longest village name at a position that cannot be anything else there.
    fn certain_at(&self, chars: &[char], at: usize) -> Option<Mention> {
        self.names_at(chars, at).find_map(|name| {
            let end = at + name.chars().count();
            let places = self.villages.get(&name)?;
            let town = self
                .township_before(chars, at)
                .filter(|town| places.iter().any(|place| contains(self.code(*town), self.code(*place))));
            let next = chars.get(end).copied();
            let lengthened = next.is_some_and(|next| LENGTHENS.contains(next));
            // Behind a township that is not ours stands a village that is not ours.
            let elsewhere = chars[..at].iter().rev().find(|c| !c.is_whitespace()).is_some_and(|c| "镇乡".contains(*c))
                || self.beside.iter().any(|county| behind_owner(chars, at).ends_with(county));
            let certain = !lengthened && (town.is_some() || !elsewhere && self.stands_alone(chars, at..end, &name));
            let of_town = |place: &usize| town.is_none_or(|town| contains(self.code(town), self.code(*place)));
            certain.then(|| Mention {
                at: at..end,
                called: places.clone(),
                places: places.iter().copied().filter(of_town).collect(),
                town,
            })
        })
    }

    /// The township whose name, with or without its ending, stands directly before a position, or before a 的 there.
    fn township_before(&self, chars: &[char], at: usize) -> Option<usize> {
        let before = behind_owner(chars, at);
        self.towns.iter().find(|(name, bare, _)| before.ends_with(name) || before.ends_with(bare)).map(|(.., town)| *town)
    }

    fn stands_alone(&self, chars: &[char], at: Range<usize>, name: &str) -> bool {
        let length = at.len();
        let behind = &chars[at.end..];
        let ending = VILLAGE_ENDINGS.iter().find(|ending| starts_with(behind, ending));
        let (previous, next) = (before(chars, at.start), behind.first().copied());
        let settlement = name.chars().last().is_some_and(|last| SETTLEMENT.contains(last));
        let begins = !previous.is_some_and(char::is_alphanumeric);
        let free = begins || previous.is_some_and(|c| BEFORE_SHORT.contains(c)) || after_word(chars, at.start);
        let in_place = begins || previous.is_some_and(|c| IN_PLACE.contains(c)) || after_word(chars, at.start);
        match (length, ending) {
            (1, Some(&"村")) => free && !behind.get(1).is_some_and(|c| "里民长支书主干委医".contains(*c)),
            (1, ending) => ending.is_some() && free,
            (2, Some(&"村")) => free && (settlement || !behind.get(1).is_some_and(|c| "长支书主干".contains(*c))),
            (2, Some(_)) => free,
            // 韩庄 in 韩庄西粉张 is the township.
            (_, None) if ELSEWHERE.contains(&name) || self.larger.contains_key(name) => false,
            (2, None) => {
                let ends = next.is_none_or(|next| !next.is_alphanumeric() || AFTER_SHORT.contains(next));
                settlement && in_place && ends
            }
            (_, Some(_)) => !lengthened_before(chars, at.start),
            (_, None) if COMMON.contains(&name) => in_place,
            (_, None) => !lengthened_before(chars, at.start),
        }
    }
}

/// Is what stands before a name the beginning of a longer one, as 大 before 刘家庄?
pub(super) fn lengthened_before(chars: &[char], at: usize) -> bool {
    before(chars, at).is_some_and(|c| PRECEDES_NAME.contains(c)) && !after_word(chars, at)
}

fn after_word(chars: &[char], at: usize) -> bool {
    WORDS_BEFORE.iter().any(|word| ends_with(&chars[..at], word))
}

/// What stands before a position, without a 的 at its end.
fn behind_owner(chars: &[char], at: usize) -> &[char] {
    let before = &chars[..at];
    before.strip_suffix(&['的']).unwrap_or(before)
}

fn before(chars: &[char], at: usize) -> Option<char> {
    at.checked_sub(1).and_then(|at| chars.get(at)).copied()
}

fn starts_with(chars: &[char], word: &str) -> bool {
    let mut start = chars.iter();
    word.chars().all(|c| start.next() == Some(&c))
}

fn ends_with(chars: &[char], name: &str) -> bool {
    let mut end = chars.iter().rev();
    name.chars().rev().all(|c| end.next() == Some(&c))
}
