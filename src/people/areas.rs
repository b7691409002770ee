//! Areas and recognising them: in an answer to “哪个村？” generously, in the middle of a free text only when it is certain.
//!
//! Rules of `docs/domain.md` section 3. A wrong village sends somebody to the wrong place, a missing one costs one question.

mod near;
mod sentence;

pub use near::metres;

use super::{Area, Level, contains};
use crate::text;
use sentence::{LENGTHENS, lengthened_before};
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
    /// Names of townships in plain characters, with what is left without the ending.
    towns: Vec<(Vec<char>, Vec<char>, usize)>,
    /// Names of the counties beside ours.
    beside: Vec<Vec<char>>,
    /// The longest village name that begins with a character, in characters.
    longest: HashMap<char, usize>,
}

/// Endings of official village names and of what people say for them, longest first.
const VILLAGE_ENDINGS: [&str; 6] = ["村民委员会", "居民委员会", "村委会", "居委会", "大队", "村"];
/// Endings of larger areas.
const LARGER_ENDINGS: [&str; 7] = ["街道", "镇", "乡", "县", "区", "市", "省"];
/// What people put before a place in an answer.
const BEFORE: [&str; 12] = ["我们村是", "我是", "我们是", "我们", "咱们", "就在", "住在", "在", "是", "到", "咱", "俺们"];
/// What people put after a place in an answer.
const AFTER: [&str; 9] = ["这边", "那边", "附近", "旁边", "村里", "的人", "里", "的", "人"];

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
            areas.beside.extend(area.neighbours.iter().map(|name| name.chars().collect()));
            for name in std::iter::once(&area.name).chain(&area.aliases) {
                let name = squeeze(name);
                let bare = bare(&name, area.level());
                if area.level() == Level::Village {
                    let longest = bare.chars().next().map(|first| areas.longest.entry(first).or_default());
                    if let Some(longest) = longest {
                        *longest = (*longest).max(bare.chars().count());
                    }
                    push(&mut areas.villages, bare, index);
                } else {
                    push(&mut areas.larger, bare, index);
                    push(&mut areas.larger, &name, index);
                    if area.level() == Level::Township {
                        areas.towns.push((name.chars().collect(), bare.chars().collect(), index));
                    }
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
        if answer.contains('、') {
            return self.find_each(answer, within);
        }
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

    /// Several names, `前观津、东观津`: what each of them may mean, in their order.
    fn find_each(&self, answer: &str, within: Option<&str>) -> Vec<&Area> {
        let mut found: Vec<&Area> = Vec::new();
        for name in answer.split('、').filter(|name| !name.trim().is_empty()) {
            for area in self.find(name, within) {
                if !found.iter().any(|known| known.code == area.code) {
                    found.push(area);
                }
            }
        }
        found
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
                ends && !lengthened_before(&chars, at)
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
        let longest = chars.get(at).and_then(|first| self.longest.get(first)).copied().unwrap_or_default();
        let most = longest.min(chars.len() - at);
        (1..=most)
            .rev()
            .map(move |length| chars[at..at + length].iter().collect())
            .filter(|name| self.villages.contains_key(name))
    }

    /// Townships named in full.
    fn townships_in(&self, chars: &[char]) -> Vec<(usize, Range<usize>)> {
        let find = |name: &[char]| chars.windows(name.len()).position(|window| window == name);
        let found = self.towns.iter().filter_map(|(name, _, town)| find(name).map(|at| (*town, at..at + name.len())));
        found.collect()
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

#[cfg(test)]
mod tests;
