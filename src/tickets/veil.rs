//! What reporters give away of themselves in their own words, hidden from those who must not know them (`domain.md` 16).
//!
//! Numbers of telephones and identity cards always; a name, a plate, a home only where it is surely the writer's own: the words of
//! a report are evidence, and a name or a plate in them is mostly somebody else's.

use super::wording;
use crate::text::narrow;
use regex::Regex;
use std::sync::LazyLock;

/// How a number is divided when it is written: each list is one way, the parts parted by a blank or a hyphen.
const MOBILE: &[&[usize]] = &[&[11], &[3, 4, 4]];
const LANDLINE: &[&[usize]] = &[&[10], &[11], &[12], &[3, 8], &[4, 7], &[4, 8]];
const CARD: &[&[usize]] = &[&[18], &[6, 8, 4]];

/// Beginnings after which a surname begins the writer's name.
const I_AM_CALLED: &[&str] = &["我叫", "我名叫", "本人叫", "我的名字叫", "我的名字是", "姓名"];
/// Beginnings after which it is a name only when nothing but the name follows: 我是高中老师 is none.
const I_AM: &[&str] = &["我是", "本人"];

/// The most frequent surnames.
const SURNAMES: &str = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤耿齐庞樊葛";

/// Phrases in which a writer gives himself away; what is hidden is the group. Numbers, plates and places of others are evidence:
/// each phrase says plainly that it is the writer's own, or how to reach somebody.
static GIVEN_AWAY: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    [
        r"(?:微信号?|vx|VX|wx|WX)(?:号)?(?:是|为)?[ :,]*([A-Za-z][A-Za-z0-9_-]{5,19}|[0-9]{5,12})",
        r"(?:QQ|qq|扣扣)(?:号码?)?(?:是|为)?[ :,]*([0-9]{5,12})",
        r"([A-Za-z0-9._+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)",
        // A plate of five characters, or of six for new energy.
        r"我(?:的|家的?|开的)?(?:小?汽?车|面包车|三轮车|摩托车?|货车|电动车)?(?:的)?(?:车牌号?|车号|车)(?:就?是|为)?[ :,]*([京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-Za-z][ ·•.-]?[A-Za-z0-9]{5,6})",
        r"我家门牌号?(?:就?是|为)?[ :,]*([^,.;!?\n ]{1,12})",
        r"(?:我家就?住?在|我家就?住|我就?住在|我就?住)[ :,]*([^,.;!?\n 的了着过不院这那在]{1}[^,.;!?\n ]{1,19})",
        r"我家(?:就?是|在)?[ ]*((?:[0-9一二三四五六七八九十]+(?:号院?|排|栋|单元|室))+)",
        r"我就?是(?:[^,.;!?\n ]{1,6}[村镇庄屯])?([^,.;!?\n 国人厂商农自村镇庄屯]{0,3}[^,.;!?\n 国人大厂商农自村镇庄屯])家(?:的(?:[,.;!?\n ]|$)|(?:媳妇|老大|老二|老三|儿子|闺女|女儿|老人|当家的)(?:[,.;!?\n ]|$))",
    ]
    .iter()
    .filter_map(|pattern| Regex::new(pattern).ok())
    .collect()
});

/// The words without the writer's numbers, name, plate and home; `names` are what the writer is known to be called.
pub fn hidden(text: &str, names: &[String]) -> String {
    let chars: Vec<char> = text.chars().collect();
    let plain: Vec<char> = chars.iter().copied().map(narrow).collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for (start, end) in given_away(&plain, names) {
        // What two rules find in one place is hidden once.
        if end <= at {
            continue;
        }
        if start >= at {
            out.extend(&chars[at..start]);
            out.push_str(wording::HIDDEN);
        }
        at = end;
    }
    out.extend(&chars[at..]);
    out
}

/// From where to where something is to be hidden, in characters, from left to right.
fn given_away(plain: &[char], names: &[String]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < plain.len() {
        let here = number(plain, at).map(|end| (at, end)).or_else(|| name(plain, at));
        found.extend(here);
        at = here.map_or(at + 1, |(_, end)| end);
    }
    let text: String = plain.iter().collect();
    let place = |byte: usize| text[..byte].chars().count();
    for pattern in GIVEN_AWAY.iter() {
        found.extend(
            pattern.captures_iter(&text).filter_map(|all| all.get(1)).map(|group| (place(group.start()), place(group.end()))),
        );
    }
    for name in names.iter().filter(|name| name.chars().count() >= 2) {
        let name: String = name.chars().map(narrow).collect();
        found.extend(text.match_indices(&name).map(|(byte, word)| (place(byte), place(byte + word.len()))));
    }
    found.sort_unstable();
    found
}

/// Where a number that begins here ends.
fn number(plain: &[char], at: usize) -> Option<usize> {
    if at > 0 && plain[at - 1].is_ascii_digit() {
        return None;
    }
    let after_country = if plain[at..].starts_with(&['8', '6']) { at + 2 } else { at };
    let mobile = parts(plain, after_country, MOBILE)
        .filter(|_| plain[after_country] == '1' && plain.get(after_country + 1).is_some_and(|digit| ('3'..='9').contains(digit)));
    let landline = || parts(plain, at, LANDLINE).filter(|_| plain[at] == '0');
    mobile.or_else(landline).or_else(|| parts(plain, at, CARD))
}

/// Where the digits end when they are divided in one of these ways.
fn parts(plain: &[char], at: usize, ways: &[&[usize]]) -> Option<usize> {
    ways.iter().find_map(|way| {
        let mut end = at;
        for (index, length) in way.iter().enumerate() {
            if index > 0 {
                matches!(plain.get(end), Some(' ' | '-')).then_some(())?;
                end += 1;
            }
            let part = plain.get(end..end + length)?;
            let last = index + 1 == way.len();
            let check_letter = |place: usize, c: char| last && *length != 11 && place + 1 == *length && matches!(c, 'X' | 'x');
            part.iter().enumerate().all(|(place, c)| c.is_ascii_digit() || check_letter(place, *c)).then_some(())?;
            end += length;
        }
        plain.get(end).is_none_or(|c| !c.is_ascii_digit()).then_some(end)
    })
}

/// Where the writer's name stands, when a sentence that gives it begins here.
fn name(plain: &[char], at: usize) -> Option<(usize, usize)> {
    let after = |words: &[&str]| {
        words.iter().find_map(|word| {
            let length = word.chars().count();
            word.chars().eq(plain.get(at..at + length)?.iter().copied()).then_some(at + length)
        })
    };
    let (said, alone) = match (after(I_AM_CALLED), after(I_AM)) {
        (Some(said), _) => (said, false),
        (None, Some(said)) => (said, true),
        (None, None) => return None,
    };
    let start = said + plain[said..].iter().take_while(|c| matches!(c, ' ' | ':' | ',')).count();
    plain.get(start).filter(|c| SURNAMES.contains(**c))?;
    let run = plain[start..].iter().take_while(|c| ('\u{4e00}'..='\u{9fff}').contains(*c)).count();
    match run {
        2 | 3 => Some((start, start + run)),
        4.. if !alone => Some((start, start + 3)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_and_the_writers_own_name_are_hidden_and_nothing_else() {
        for (text, expected) in [
            ("我是周大山13812345678", "我是〔已隐去〕〔已隐去〕"),
            ("电话138 1234 5678，找我", "电话〔已隐去〕，找我"),
            ("１３８１２３４５６７８", "〔已隐去〕"),
            ("+86 138-1234-5678", "+86 〔已隐去〕"),
            ("8613812345678打我", "〔已隐去〕打我"),
            ("家里0318-5712345", "家里〔已隐去〕"),
            ("证号13112219560101001X。", "证号〔已隐去〕。"),
            ("我叫周大山住村东头", "我叫〔已隐去〕住村东头"),
            ("姓名：周大山", "姓名：〔已隐去〕"),
            ("我是高中老师，看见的", "我是高中老师，看见的"),
            ("我叫他别打井他不听", "我叫他别打井他不听"),
            ("我是村民，王老三夜里打井", "我是村民，王老三夜里打井"),
            ("打了3眼井，一共20000元，2026-11-22看到", "打了3眼井，一共20000元，2026-11-22看到"),
            ("编号WY2611220007", "编号WY2611220007"),
            ("", ""),
        ] {
            assert_eq!(hidden(text, &[]), expected, "{text}");
        }
    }

    #[test]
    fn what_says_who_and_where_the_writer_is_goes_and_the_evidence_stays() {
        for (text, expected) in [
            ("我的车冀T12345被他们堵了", "我的车〔已隐去〕被他们堵了"),
            ("我车牌是冀T·12345，天天走这条路", "我车牌是〔已隐去〕，天天走这条路"),
            ("我的车牌号：冀TD12345", "我的车牌号：〔已隐去〕"),
            ("拉土的大车冀T·98765夜里倒垃圾", "拉土的大车冀T·98765夜里倒垃圾"),
            ("他的车牌冀T98765", "他的车牌冀T98765"),
            ("加我微信zhou_dashan1", "加我微信〔已隐去〕"),
            ("微信号：abc12345，QQ 123456789", "微信号：〔已隐去〕，QQ 〔已隐去〕"),
            ("邮箱是zds@example.com谢谢", "邮箱是〔已隐去〕谢谢"),
            ("发个微信也没人理", "发个微信也没人理"),
            ("我是老周家的，井在村西", "我是老周家的，井在村西".replace("老周", "〔已隐去〕").as_str()),
            ("我是前观津村刘大成家的", "我是前观津村〔已隐去〕家的"),
            ("我是大家的代表", "我是大家的代表"),
            ("我是老周家的邻居", "我是老周家的邻居"),
            ("我家在村东头第三家，夜里吵得睡不着", "我家在〔已隐去〕，夜里吵得睡不着"),
            ("我家门牌12号，路灯不亮", "我家门牌〔已隐去〕，路灯不亮"),
            ("我家3排2号停水", "我家〔已隐去〕停水"),
            ("我家3口人没水吃", "我家3口人没水吃"),
            ("我住村东头", "我住〔已隐去〕"),
            ("我住院了没人管", "我住院了没人管"),
            ("我家住的房子漏雨", "我家住的房子漏雨"),
            ("我家门口的路坏了", "我家门口的路坏了"),
            ("我在村西看见他们抽水", "我在村西看见他们抽水"),
            ("他家在村西头打井", "他家在村西头打井"),
        ] {
            assert_eq!(hidden(text, &[]), expected, "{text}");
        }
    }

    #[test]
    fn a_name_that_is_known_is_hidden_wherever_it_stands() {
        let names = ["马代表".to_owned(), "李".to_owned()];
        assert_eq!(hidden("有事找马代表，李家也知道", &names), "有事找〔已隐去〕，李家也知道");
        assert_eq!(hidden("我叫马代表", &names), "我叫〔已隐去〕");
        assert_eq!(GIVEN_AWAY.len(), 8, "a pattern does not compile");
    }

    proptest! {
        #[test]
        fn no_words_panic_and_no_mobile_number_is_left(before in "[^0-9０-９]{0,12}", after in "[^0-9０-９]{0,12}") {
            let words = hidden(&format!("{before}13812345678{after}"), &["周大山".to_owned()]);
            prop_assert!(!words.contains("13812345678"), "{}", words);
        }
    }
}
