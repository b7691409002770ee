//! Places that a text names by itself: estates, schools, roads, companies, and spots such as 村东头 or 3 号楼.
//!
//! By rules alone, so that a county needs no list: a name is what stands before a word such as 小区, up to a word that cannot be
//! part of a name. What is taken too long is harmless, because a name that contains another counts as the same.

/// What a text names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Named {
    /// Names without the word behind them: 康泰 of 康泰小区.
    names: Vec<Vec<char>>,
    /// Sides of a village: one of 东西南北.
    sides: Vec<char>,
    /// Numbers of houses.
    numbers: Vec<Vec<char>>,
}

/// Words behind a name, longer ones before those they contain.
const KINDS: &[&str] = &[
    "卫生院",
    "卫生室",
    "幼儿园",
    "小区",
    "新城",
    "花园",
    "家园",
    "公寓",
    "社区",
    "学院",
    "大学",
    "中学",
    "小学",
    "学校",
    "医院",
    "大道",
    "国道",
    "省道",
    "高速",
    "大桥",
    "工地",
    "公司",
    "工厂",
    "超市",
    "市场",
    "商场",
    "广场",
    "水库",
    "公园",
    "山庄",
    "村",
    "路",
    "街",
    "巷",
    "苑",
    "庄",
    "屯",
    "渠",
    "河",
];
/// Words behind the names of large areas, which end a name and are none themselves.
const LARGER: &[&str] = &["街道", "镇", "乡", "县", "区", "市", "省"];
/// Behind a kind these make another word of it.
const OTHER_WORD: &[(&str, &str)] = &[
    ("广场", "舞"),
    ("小学", "生"),
    ("中学", "生"),
    ("大学", "生"),
    ("大学", "毕"),
    ("村", "民"),
    ("村", "委"),
    ("村", "干"),
    ("村", "支"),
    ("村", "长"),
    ("村", "医"),
    ("路", "灯"),
    ("路", "面"),
    ("路", "边"),
    ("路", "口"),
    ("路", "上"),
    ("街", "道"),
    ("街", "坊"),
    ("街", "上"),
    ("河", "北"),
    ("河", "道"),
];
/// Before a kind these name no place: 水泥路, 物业公司.
const GENERAL: &[&str] = &[
    "水泥",
    "柏油",
    "生产",
    "乡村",
    "农村",
    "进村",
    "出村",
    "通村",
    "田间",
    "沥青",
    "石子",
    "铁",
    "公",
    "道",
    "马",
    "土",
    "修",
    "物业",
    "自来水",
    "热力",
    "燃气",
    "电力",
    "供电",
    "供水",
    "建筑",
    "建设",
    "公交",
    "保险",
    "开发",
    "有限",
    "责任",
    "农贸",
    "全",
    "本",
    "各",
    "整",
    "邻",
    "外",
    "孩子",
    "农",
    "菜",
    "大",
];
/// What cannot be part of a name.
const ENDS: &str = "的在是我了和与到从向被对有们这那个由把将请求及附近旁边里内外上下不但就也都又以为让使给去来往本该此某各每一名位您好你他她它于因所而且或者后没未要会能可其处两几至沿过距离住等多很已说叫看听";
/// The longest name.
const LONGEST: usize = 10;

impl Named {
    /// The places in a text of plain characters.
    pub fn read(chars: &[char]) -> Named {
        let mut named = Named::default();
        let mut start = 0;
        let mut at = 0;
        while at < chars.len() {
            if let Some(end) = house(chars, at) {
                named.numbers.push(chars[at..end].to_vec());
            }
            if let Some(side) = side(chars, at) {
                named.sides.push(side);
            }
            if !chars[at].is_alphanumeric() || ENDS.contains(chars[at]) {
                at += 1;
                start = at;
            } else if let Some(length) = word(chars, at, LARGER) {
                at += length;
                start = at;
            } else if let Some(length) = word(chars, at, KINDS) {
                let name = &chars[start.max(at.saturating_sub(LONGEST))..at];
                if is_name(name) && !is_other_word(chars, at, length) {
                    named.names.push(name.to_vec());
                }
                at += length;
                start = at;
            } else {
                at += 1;
            }
        }
        for list in [&mut named.names, &mut named.numbers] {
            list.sort();
            list.dedup();
        }
        named
    }

    /// Do both name the same place? `None` when one of them names none.
    pub fn compare(&self, other: &Named) -> Option<bool> {
        let apart = |one: &[Vec<char>], other: &[Vec<char>]| {
            !one.is_empty() && !other.is_empty() && !one.iter().any(|name| other.contains(name))
        };
        let other_side =
            !self.sides.is_empty() && !other.sides.is_empty() && !self.sides.iter().any(|side| other.sides.contains(side));
        if other_side || apart(&self.numbers, &other.numbers) {
            return Some(false);
        }
        if self.names.is_empty() || other.names.is_empty() {
            return None;
        }
        let same = |one: &[char], other: &[char]| {
            let (long, short) = if one.len() < other.len() { (other, one) } else { (one, other) };
            long.windows(short.len()).any(|part| part == short)
        };
        Some(self.names.iter().any(|one| other.names.iter().any(|other| same(one, other))))
    }
}

fn is_name(name: &[char]) -> bool {
    let general = || GENERAL.iter().any(|word| name.len() < word.chars().count() + 2 && ends_with(name, word));
    name.len() >= 2 && !name.iter().all(char::is_ascii_alphanumeric) && !general()
}

fn ends_with(name: &[char], word: &str) -> bool {
    let mut end = name.iter().rev();
    word.chars().rev().all(|c| end.next() == Some(&c))
}

fn is_other_word(chars: &[char], at: usize, length: usize) -> bool {
    let starts = |from: usize, word: &str| word.chars().enumerate().all(|(step, c)| chars.get(from + step) == Some(&c));
    OTHER_WORD.iter().any(|(kind, next)| kind.chars().count() == length && starts(at, kind) && starts(at + length, next))
}

/// The length of the first of the words that stands here.
fn word(chars: &[char], at: usize, words: &[&str]) -> Option<usize> {
    words
        .iter()
        .find(|word| word.chars().enumerate().all(|(step, c)| chars.get(at + step) == Some(&c)))
        .map(|word| word.chars().count())
}

/// 村东, 东头: the side of a village that is named here.
fn side(chars: &[char], at: usize) -> Option<char> {
    let next = *chars.get(at + 1)?;
    match chars[at] {
        '村' if "东西南北".contains(next) => Some(next),
        here if "东西南北".contains(here) && "头边侧口".contains(next) => Some(here),
        _ => None,
    }
}

/// Where the number of a house ends that begins here: 3号楼, 12栋.
fn house(chars: &[char], at: usize) -> Option<usize> {
    if at > 0 && chars[at - 1].is_ascii_digit() {
        return None;
    }
    let digits = chars[at..].iter().take_while(|c| c.is_ascii_digit()).count();
    (1..=3).contains(&digits).then_some(())?;
    let after = &chars[at + digits..];
    let house = matches!(after, ['栋' | '幢', ..] | ['号', '楼' | '院' | '井', ..]);
    house.then_some(at + digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Vec<String>, String, Vec<String>) {
        let named = Named::read(&text.chars().collect::<Vec<_>>());
        let words = |list: Vec<Vec<char>>| list.into_iter().map(String::from_iter).collect();
        (words(named.names), named.sides.into_iter().collect(), words(named.numbers))
    }

    #[test]
    fn names_before_a_word_for_a_place() {
        for (text, names) in [
            ("我们康泰花园的电梯坏了", vec!["康泰"]),
            ("武邑县宏远职业学院强制学生打工", vec!["宏远职业"]),
            ("在文昌小学门口，河东路上", vec!["文昌"]),
            ("村口水泥路坏了", vec![]),
            ("物业公司不管，小学生过不去", vec![]),
            ("广场舞太吵", vec![]),
            ("学校门口堵车", vec![]),
            ("刘家庄村的路", vec!["刘家"]),
            ("", vec![]),
        ] {
            assert_eq!(read(text).0, names, "{text}");
        }
    }

    #[test]
    fn sides_and_numbers_of_houses() {
        assert_eq!(read("村东头的路灯").1, "东东");
        assert_eq!(read("西头路灯").1, "西");
        assert_eq!(read("3号楼和12栋").2, ["12", "3"]);
        assert!(read("一共13号，20000号楼").2.is_empty());
    }

    #[test]
    fn a_longer_name_that_contains_a_shorter_is_the_same() {
        let compare = |one: &str, other: &str| {
            let read = |text: &str| Named::read(&text.chars().collect::<Vec<_>>());
            read(one).compare(&read(other))
        };
        assert_eq!(compare("投诉康泰花园", "康泰小区"), Some(true));
        assert_eq!(compare("县宏远职业学院", "职业学院"), Some(true));
        assert_eq!(compare("康泰花园", "文昌花园"), Some(false));
        assert_eq!(compare("康泰花园", "路灯坏了"), None);
        assert_eq!(compare("村东头", "村西头"), Some(false));
        assert_eq!(compare("康泰花园3号楼", "康泰花园5号楼"), Some(false));
    }
}
