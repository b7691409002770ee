//! Areas and recognising them: in an answer to “哪个村？” generously, in the middle of a free text only when it is certain.
//!
//! Rules of `docs/domain.md` section 3. A wrong village sends somebody to the wrong place, a missing one costs one question.

use super::{Area, Level, contains};
use crate::text;
use std::{collections::HashMap, ops::Range};

/// All areas with an index of their names.
#[derive(Debug, Default)]
pub struct Areas {
    /// Sorted by code.
    list: Vec<Area>,
    by_code: HashMap<String, usize>,
    /// Names of villages without their ending, in plain characters.
    villages: HashMap<String, Vec<usize>>,
    /// Names of larger areas with and without their ending, in plain characters.
    larger: HashMap<String, Vec<usize>>,
    /// The longest village name, in characters.
    longest: usize,
}

/// Endings of official village names and of what people say for them, longest first.
const VILLAGE_ENDINGS: [&str; 6] = ["村民委员会", "居民委员会", "村委会", "居委会", "大队", "村"];
/// Endings of larger areas.
const LARGER_ENDINGS: [&str; 7] = ["街道", "镇", "乡", "县", "区", "市", "省"];
/// What people put before a place in an answer.
const BEFORE: [&str; 12] = ["我们村是", "我是", "我们是", "我们", "咱们", "就在", "住在", "在", "是", "到", "咱", "俺们"];
/// What people put after a place in an answer.
const AFTER: [&str; 9] = ["这边", "那边", "附近", "旁边", "村里", "的人", "里", "的", "人"];
/// Before one of these a shorter name is only the beginning of a longer one that is not ours.
const LENGTHENS: &str = "庄屯营寨家店疃市县区镇乡";
/// After one of these a name is only the end of a longer one that is not ours.
const PRECEDES_NAME: &str = "大小东西南北前后中新老上下";
/// What may stand directly before a short name that is followed by 村.
const BEFORE_SHORT: &str = "在到去是住从往于由回过来离给让和与跟及叫说们咱俺我县市的";
/// Endings that make a word of two characters a village name beyond doubt.
const SETTLEMENT: &str = "庄屯寨疃营";
/// Village names that are everyday words or bigger places too.
const COMMON: [&str; 5] = ["石家庄", "甜水井", "白石槽", "太平庄", "和谐社区"];

impl Areas {
    /// Indexes areas; retired ones are kept for display alone.
    pub fn new(mut list: Vec<Area>) -> Self {
        list.sort_by(|a, b| a.code.cmp(&b.code));
        let mut areas = Areas::default();
        for (index, area) in list.iter().enumerate() {
            areas.by_code.insert(area.code.clone(), index);
            if area.retired {
                continue;
            }
            for name in std::iter::once(&area.name).chain(&area.aliases) {
                let name = squeeze(name);
                let bare = bare(&name, area.level());
                if area.level() == Level::Village {
                    areas.longest = areas.longest.max(bare.chars().count());
                    push(&mut areas.villages, bare, index);
                } else {
                    push(&mut areas.larger, bare, index);
                    push(&mut areas.larger, &name, index);
                }
            }
        }
        areas.list = list;
        areas
    }

    /// An area by code, a retired one too.
    pub fn get(&self, code: &str) -> Option<&Area> {
        self.by_code.get(code).and_then(|index| self.list.get(*index))
    }

    /// All areas in use, by code.
    pub fn all(&self) -> impl Iterator<Item = &Area> {
        self.list.iter().filter(|area| !area.retired)
    }

    /// The areas in use one level below, by code.
    pub fn children<'a>(&'a self, code: &'a str) -> impl Iterator<Item = &'a Area> {
        self.all().filter(move |area| super::parent(&area.code) == Some(code))
    }

    /// The area of this level that contains a code, for example the township of a village.
    pub fn above(&self, code: &str, level: Level) -> Option<&Area> {
        self.get(code.get(..level.digits())?)
    }

    /// `审坡镇前观津村`: a village with its township, anything else alone. An unknown code stays as it is.
    pub fn display(&self, code: &str) -> String {
        let Some(area) = self.get(code) else { return code.to_owned() };
        match (area.level(), self.above(code, Level::Township)) {
            (Level::Village, Some(township)) => format!("{}{}", township.name, short(area)),
            _ => short(area),
        }
    }

    /// The places that an answer may mean: one when it is clear, several when the name is (ask), none when it is not known.
    /// A name is taken whole or, failing that, by a part of it. `within` is a place chosen before.
    pub fn find(&self, answer: &str, within: Option<&str>) -> Vec<&Area> {
        let within = within.unwrap_or_default();
        let squeezed = squeeze(answer);
        let asked = self.without_county(&squeezed);
        let bare = without_chatter(asked);
        let both = |look: &dyn Fn(&str) -> Vec<usize>| [asked, bare].into_iter().map(look).find(|found| !found.is_empty());
        let found = both(&|asked| self.exact(asked, within))
            .or_else(|| both(&|asked| self.after_township(asked, within, |rest, town| self.exact(rest, town))))
            .or_else(|| both(&|asked| self.inside(asked, within)))
            .or_else(|| both(&|asked| self.after_township(asked, within, |rest, town| self.by_part(rest, town))))
            .unwrap_or_else(|| self.by_part(bare, within));
        self.at(&found)
    }

    /// The nearest names for an answer that was not found, at most five: one character is wrong, missing or too many.
    pub fn nearest(&self, answer: &str, within: Option<&str>) -> Vec<&Area> {
        let squeezed = squeeze(answer);
        let asked = bare(without_chatter(self.without_county(&squeezed)), Level::Village);
        if asked.chars().count() < 3 {
            return Vec::new();
        }
        let near = self.villages.iter().filter(|(name, _)| name.chars().count() >= 2 && strsim::osa_distance(name, asked) == 1);
        let mut found = self.keep(near.flat_map(|(_, places)| places.iter().copied()), within.unwrap_or_default());
        found.truncate(5);
        self.at(&found)
    }

    /// The longest village name in a free text that stands for several villages, as it stands there.
    pub fn several_in(&self, sentence: &str) -> Option<String> {
        let plain: String = sentence.chars().map(plain).collect();
        let several =
            self.villages.iter().filter(|(name, places)| places.len() > 1 && name.chars().count() >= 2 && plain.contains(*name));
        several.map(|(name, _)| name).max_by_key(|name| name.len()).cloned()
    }

    /// The one place that a free text surely names, and where it stands in the text (bytes). A township when only that is
    /// named.
    pub fn in_sentence(&self, sentence: &str) -> Option<(&Area, Range<usize>)> {
        let chars: Vec<char> = sentence.chars().map(plain).collect();
        let mut offsets: Vec<usize> = sentence.char_indices().map(|(at, _)| at).collect();
        offsets.push(sentence.len());
        let mut towns = self.townships_in(&chars);
        let mut named: Option<(String, Range<usize>)> = None;
        let mut at = 0;
        while at < chars.len() {
            let Some((name, town)) = self.certain_at(&chars, at) else {
                at += 1;
                continue;
            };
            let end = at + name.chars().count();
            if named.as_ref().is_some_and(|(other, _)| *other != name) {
                return None;
            }
            towns.extend(town.map(|town| (town, at..end)));
            named.get_or_insert((name, at..end));
            at = end;
        }
        towns.sort_by_key(|(town, _)| *town);
        towns.dedup_by_key(|(town, _)| *town);
        let (place, range) = match (named, &towns[..]) {
            (None, [(town, range)]) => (*town, range.clone()),
            // Who names two townships may mean either.
            (None, _) | (_, [_, _, ..]) => return None,
            (Some((name, range)), towns) => {
                let places = self.villages.get(&name)?;
                let among = |place: &&usize| towns.iter().all(|(town, _)| contains(self.code(*town), self.code(**place)));
                let mut left = places.iter().filter(among);
                let one = *left.next()?;
                if left.next().is_some() {
                    return None;
                }
                (one, range)
            }
        };
        Some((self.list.get(place)?, *offsets.get(range.start)?..*offsets.get(range.end)?))
    }

    fn code(&self, index: usize) -> &str {
        self.list.get(index).map_or("", |area| &area.code)
    }

    fn at(&self, places: &[usize]) -> Vec<&Area> {
        places.iter().filter_map(|index| self.list.get(*index)).collect()
    }

    /// Sorted, each once, only those within an area.
    fn keep(&self, places: impl IntoIterator<Item = usize>, within: &str) -> Vec<usize> {
        let mut places: Vec<usize> = places.into_iter().filter(|place| contains(within, self.code(*place))).collect();
        places.sort_unstable();
        places.dedup();
        places
    }

    fn exact(&self, asked: &str, within: &str) -> Vec<usize> {
        let larger = self.larger.get(asked).into_iter().flatten().copied();
        let without_community = asked.strip_suffix("社区").unwrap_or(asked);
        let village = self.villages.get(asked).or_else(|| self.villages.get(bare(asked, Level::Village)));
        let village = village.or_else(|| self.villages.get(without_community));
        self.keep(larger.chain(village.into_iter().flatten().copied()), within)
    }

    /// What stands behind a township's name, looked for in that township.
    fn after_township(&self, asked: &str, within: &str, look: impl Fn(&str, &str) -> Vec<usize>) -> Vec<usize> {
        let rest_in_town = |(name, places): (&String, &Vec<usize>)| {
            let rest = asked.strip_prefix(name.as_str()).filter(|rest| !rest.is_empty())?;
            let town = places.iter().copied().find(|place| self.level(*place) == Some(Level::Township))?;
            let mut found = look(rest, self.code(town));
            found.retain(|place| *place != town);
            contains(within, self.code(town)).then_some((name.len(), found))
        };
        let found = self.larger.iter().filter_map(rest_in_town).filter(|(_, found)| !found.is_empty());
        found.max_by_key(|(length, _)| *length).map(|(_, found)| found).unwrap_or_default()
    }

    fn level(&self, index: usize) -> Option<Level> {
        self.list.get(index).map(Area::level)
    }

    /// The part behind 河北省衡水市武邑县.
    fn without_county<'a>(&self, mut asked: &'a str) -> &'a str {
        for area in self.all().filter(|area| area.level() <= Level::County) {
            match asked.strip_prefix(squeeze(&area.name).as_str()) {
                Some(rest) if !rest.is_empty() => asked = rest,
                _ => {}
            }
        }
        asked
    }

    /// Village names inside a longer answer, where they cannot be a piece of another name.
    fn inside(&self, asked: &str, within: &str) -> Vec<usize> {
        let chars: Vec<char> = asked.chars().collect();
        let mut towns: Vec<usize> = self.townships_in(&chars).into_iter().map(|(town, _)| town).collect();
        let mut places = Vec::new();
        let mut at = 0;
        while at < chars.len() {
            let name = self.names_at(&chars, at).find(|name| {
                let length = name.chars().count();
                let next = chars.get(at + length);
                let ends = match length {
                    0 | 1 => false,
                    2 => next.is_none_or(|next| "村东西南北头里的这那附边中后前旁人".contains(*next)),
                    _ => next.is_none_or(|next| !LENGTHENS.contains(*next)),
                };
                ends && !before(&chars, at).is_some_and(|c| PRECEDES_NAME.contains(c))
            });
            match name {
                Some(name) => {
                    at += name.chars().count();
                    // Of 审坡前观津 the beginning is the township, not the village of the same name.
                    let town = self.larger.get(&name).filter(|_| chars.get(at).is_some_and(|next| *next != '村'));
                    if let Some(town) = town {
                        towns.extend(town);
                        continue;
                    }
                    places.extend(self.villages.get(&name).into_iter().flatten().copied());
                }
                None => at += 1,
            }
        }
        let found = self.keep(places, within);
        let in_town = |place: &usize| towns.iter().any(|town| contains(self.code(*town), self.code(*place)));
        let narrowed: Vec<usize> = found.iter().copied().filter(in_town).collect();
        if narrowed.is_empty() { found } else { narrowed }
    }

    /// Names that contain what was typed, two characters at least.
    fn by_part(&self, asked: &str, within: &str) -> Vec<usize> {
        let asked = bare(asked, Level::Village);
        if asked.chars().count() < 2 {
            return Vec::new();
        }
        let names = self.villages.iter().filter(|(name, _)| name.contains(asked));
        self.keep(names.flat_map(|(_, places)| places.iter().copied()), within)
    }

    /// Village names that stand at a position, the longest first.
    fn names_at<'a>(&'a self, chars: &'a [char], at: usize) -> impl Iterator<Item = String> + 'a {
        let most = self.longest.min(chars.len() - at);
        (1..=most)
            .rev()
            .map(move |length| chars[at..at + length].iter().collect())
            .filter(|name| self.villages.contains_key(name))
    }

    /// Townships named in full.
    fn townships_in(&self, chars: &[char]) -> Vec<(usize, Range<usize>)> {
        let mut found = Vec::new();
        for (index, area) in self.list.iter().enumerate().filter(|(_, area)| area.level() == Level::Township && !area.retired) {
            let name: Vec<char> = squeeze(&area.name).chars().collect();
            if let Some(at) = chars.windows(name.len()).position(|window| window == name) {
                found.push((index, at..at + name.len()));
            }
        }
        found
    }

    /// The township whose name, with or without its ending, stands directly before a position.
    fn township_before(&self, chars: &[char], at: usize) -> Option<usize> {
        let names = self.larger.iter().filter(|(name, _)| ends_with(&chars[..at], name));
        let towns =
            names.filter_map(|(_, places)| places.iter().copied().find(|place| self.level(*place) == Some(Level::Township)));
        towns.min()
    }

    /// The longest village name at a position that cannot be anything else there, with the township directly before it.
    fn certain_at(&self, chars: &[char], at: usize) -> Option<(String, Option<usize>)> {
        self.names_at(chars, at).find_map(|name| {
            let end = at + name.chars().count();
            let town = self.township_before(chars, at).filter(|town| {
                let places = self.villages.get(&name).into_iter().flatten();
                places.into_iter().any(|place| contains(self.code(*town), self.code(*place)))
            });
            let next = chars.get(end).copied();
            let lengthened = next.is_some_and(|next| LENGTHENS.contains(next));
            // Behind a township that is not ours stands a village that is not ours.
            let elsewhere = chars[..at].iter().rev().find(|c| !c.is_whitespace()).is_some_and(|c| "镇乡".contains(*c));
            let certain = !lengthened && (town.is_some() || !elsewhere && self.stands_alone(chars, at, &name, next));
            certain.then_some((name, town))
        })
    }

    fn stands_alone(&self, chars: &[char], at: usize, name: &str, next: Option<char>) -> bool {
        let length = name.chars().count();
        let is_village = next == Some('村');
        let behind = chars.get(at + length + 1).copied();
        let previous = before(chars, at);
        let settlement = name.chars().last().is_some_and(|last| SETTLEMENT.contains(last));
        let free = previous.is_none_or(|c| !c.is_alphanumeric() || BEFORE_SHORT.contains(c));
        match length {
            1 => is_village && free && !behind.is_some_and(|c| "里民长支书主干委医".contains(c)),
            2 if is_village => free && (settlement || !behind.is_some_and(|c| "长支书主干".contains(c))),
            // Alone between marks, “张庄，路灯坏了”.
            2 => settlement && !previous.is_some_and(char::is_alphanumeric) && !next.is_some_and(char::is_alphanumeric),
            _ => {
                let other_meaning = COMMON.contains(&name) || self.larger.contains_key(name);
                !previous.is_some_and(|c| PRECEDES_NAME.contains(c)) && (is_village || !other_meaning)
            }
        }
    }
}

/// The short name of an area by its code; empty when it is not known.
pub fn short_name(directory: &super::Directory, code: &str) -> String {
    directory.areas.get(code).map_or_else(String::new, short)
}

/// `前观津村`, `康泰社区`, `南街居委会`, `审坡镇`.
pub fn short(area: &Area) -> String {
    if area.level() != Level::Village {
        return area.name.clone();
    }
    let name = area.name.as_str();
    if let Some(base) = name.strip_suffix("居民委员会") {
        return if base.ends_with("社区") { base.to_owned() } else { format!("{base}居委会") };
    }
    let base = name.strip_suffix("村民委员会").unwrap_or(name);
    if ["村", "社区", "居委会"].iter().any(|ending| base.ends_with(ending)) {
        base.to_owned()
    } else {
        format!("{base}村")
    }
}

fn push(index: &mut HashMap<String, Vec<usize>>, name: &str, place: usize) {
    let places = index.entry(name.to_owned()).or_default();
    if !places.contains(&place) {
        places.push(place);
    }
}

/// The name without its endings; what would be left empty stays.
fn bare(name: &str, level: Level) -> &str {
    let cut = |name, endings: &[&str]| {
        let rest = endings.iter().find_map(|ending| str::strip_suffix(name, ending));
        rest.filter(|rest| !rest.is_empty()).unwrap_or(name)
    };
    match level {
        // Twice, for 于寺村村民委员会.
        Level::Village => cut(cut(name, &VILLAGE_ENDINGS), &["村"]),
        _ => cut(name, &LARGER_ENDINGS),
    }
}

fn without_chatter(asked: &str) -> &str {
    let asked = BEFORE.iter().find_map(|word| asked.strip_prefix(word)).unwrap_or(asked);
    AFTER.iter().find_map(|word| asked.strip_suffix(word)).unwrap_or(asked)
}

/// One form for characters that people write in two ways.
fn plain(c: char) -> char {
    match text::narrow(c).to_ascii_lowercase() {
        '闫' | '閆' => '阎',
        '冢' => '塚',
        c => c,
    }
}

/// Letters and digits only, in their plain form.
fn squeeze(text: &str) -> String {
    text.chars().map(plain).filter(|c| c.is_alphanumeric()).collect()
}

fn before(chars: &[char], at: usize) -> Option<char> {
    at.checked_sub(1).and_then(|at| chars.get(at)).copied()
}

fn ends_with(chars: &[char], name: &str) -> bool {
    let mut end = chars.iter().rev();
    name.chars().rev().all(|c| end.next() == Some(&c))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::people::org;

    fn wuyi() -> Areas {
        Areas::new(org::demonstration().unwrap().areas)
    }

    fn codes(found: &[&Area]) -> Vec<String> {
        found.iter().map(|area| area.code.clone()).collect()
    }

    #[test]
    fn every_village_of_wuyi_is_found_by_its_official_short_and_bare_name() {
        let areas = wuyi();
        let villages: Vec<&Area> = areas.all().filter(|area| area.level() == Level::Village).collect();
        assert_eq!(villages.len(), 528);
        for village in villages {
            let town = areas.above(&village.code, Level::Township).unwrap();
            let bare_name = bare(&village.name, Level::Village).to_owned();
            let namesakes = villages_named(&areas, &bare_name);
            for name in [village.name.clone(), short(village), bare_name.clone()] {
                let found =
                    codes(&areas.find(&name, None).into_iter().filter(|a| a.level() == Level::Village).collect::<Vec<_>>());
                assert_eq!(found, namesakes, "{name}");
                for full in
                    [format!("{}{name}", town.name), format!("武邑县{} {name}", town.name), format!("我是{}{name}的", town.name)]
                {
                    let found = codes(&areas.find(&full, None));
                    assert_eq!(found, std::slice::from_ref(&village.code), "{full}");
                }
                let inside: Vec<String> = areas
                    .find(&name, Some(&town.code))
                    .iter()
                    .filter(|a| a.level() == Level::Village)
                    .map(|a| a.code.clone())
                    .collect();
                assert_eq!(inside, std::slice::from_ref(&village.code), "{name} in {}", town.name);
            }
            let sentence = format!("昨天夜里{}{}有人倒垃圾", town.name, short(village));
            assert_eq!(areas.in_sentence(&sentence).map(|(area, _)| &area.code), Some(&village.code), "{sentence}");
        }
    }

    fn villages_named(areas: &Areas, name: &str) -> Vec<String> {
        areas
            .villages
            .get(name)
            .map(|places| places.iter().map(|place| areas.code(*place).to_owned()).collect())
            .unwrap_or_default()
    }

    #[test]
    fn answers_are_understood_generously() {
        let areas = wuyi();
        for (answer, expected) in [
            ("前观津", vec!["131122102214"]),
            ("我是前观津的", vec!["131122102214"]),
            ("就在审坡前观津村东头", vec!["131122102214"]),
            ("审坡 前观津", vec!["131122102214"]),
            ("观津", vec!["131122102214", "131122102215", "131122102216"]),
            ("刘家庄", vec!["131122100223", "131122101240", "131122106253"]),
            ("龙店刘家庄", vec!["131122106253"]),
            ("孙屯", vec!["131122101241", "131122102211"]),
            ("审坡镇", vec!["131122102"]),
            ("审坡", vec!["131122102", "131122102201"]),
            ("审坡村", vec!["131122102201"]),
            ("吕村", vec!["131122100312"]),
            ("闫庄", vec!["131122203209"]),
            ("吴吕音", vec!["131122104258"]),
            ("康泰社区", vec!["131122100001"]),
            ("郝连", vec!["131122101206"]),
            ("李家庄", vec![]),
            ("前关津", vec![]),
            ("不知道", vec![]),
            ("村", vec![]),
            ("", vec![]),
            ("？？", vec![]),
        ] {
            assert_eq!(codes(&areas.find(answer, None)), expected, "{answer}");
        }
        assert_eq!(codes(&areas.find("刘家庄", Some("131122101"))), ["131122101240"]);
        assert_eq!(codes(&areas.nearest("前关津村", None)), ["131122102214"]);
        assert!(areas.nearest("北京", None).is_empty());
    }

    #[test]
    fn a_free_text_names_a_place_only_when_that_is_certain() {
        let areas = wuyi();
        for (sentence, expected) in [
            ("前观津村有人夜里打井", Some("131122102214")),
            ("前观津东头的路灯坏了", Some("131122102214")),
            ("审坡镇刘家庄没有，龙店镇刘家庄有人占地", None),
            ("龙店镇刘家庄有人占地", Some("131122106253")),
            ("我在龙店镇，刘家庄村的路坏了", Some("131122106253")),
            ("刘家庄的路坏了", None),
            ("张庄，路灯坏了", Some("131122102230")),
            ("孙屯，路灯坏了", None),
            ("我们张庄村路灯坏了", Some("131122102230")),
            ("在大兴村", Some("131122102244")),
            ("有人大兴土木", None),
            ("东张庄村有人烧秸秆", Some("131122101248")),
            ("北张家庄村有人烧秸秆", None),
            ("红旗渠边上有垃圾", None),
            ("红旗招展", None),
            ("新营养餐有问题", None),
            ("沙河里都是污水", None),
            ("沙河村有污水", Some("131122101208")),
            ("我刚村里回来", None),
            ("黄村长不公平", None),
            ("在黄村东边有污水", Some("131122104215")),
            ("我去石家庄打工，工资没给", None),
            ("石家庄市的公司欠工资", None),
            ("石家庄村欠工资", Some("131122100269")),
            ("村里的甜水井干了", None),
            ("从前观津村到东观津村的路坏了", None),
            ("清凉店的集市太脏", None),
            ("清凉店村的集市太脏", Some("131122101202")),
            ("清凉店镇的集市太脏", Some("131122101")),
            ("审坡沙河村", None),
            ("大刘家庄有污水", None),
            ("前进的路上有坑", None),
            ("榔梨镇花园村没有路灯", None),
            ("榔梨镇前观津村没有路灯", None),
            ("圈头乡前观津村没有路灯", Some("131122201")),
            ("共建和谐社区，人人有责", None),
            ("武邑镇和谐社区的路灯坏了", Some("131122100003")),
            ("物业不管，楼道灯坏了", None),
            ("", None),
        ] {
            assert_eq!(areas.in_sentence(sentence).map(|(area, _)| area.code.as_str()), expected, "{sentence}");
        }
        let sentence = "听说前观津村有人打井";
        let (_, range) = areas.in_sentence(sentence).unwrap();
        assert_eq!(&sentence[range], "前观津");
    }

    #[test]
    fn places_are_shown_with_their_township() {
        let areas = wuyi();
        for (code, shown) in [
            ("131122102214", "审坡镇前观津村"),
            ("131122100001", "武邑镇康泰社区"),
            ("131122100005", "武邑镇南街居委会"),
            ("131122101209", "清凉店镇于寺村"),
            ("131122102", "审坡镇"),
            ("131122", "武邑县"),
            ("999", "999"),
        ] {
            assert_eq!(areas.display(code), shown);
        }
        assert_eq!(areas.children("131122").count(), 9);
        assert_eq!(areas.children("131122102").count(), 61);
    }
}
