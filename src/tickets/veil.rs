//! What reporters give away of themselves in their own words, hidden from those who must not know them (`domain.md` 16).
//!
//! Numbers of telephones and identity cards always, a name only where it is surely the writer's own: the words of a report are
//! evidence, and a name in them is mostly somebody else's.

use super::wording;
use crate::text::narrow;

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

/// The words without the writer's numbers and name.
pub fn hidden(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let plain: Vec<char> = chars.iter().copied().map(narrow).collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        if let Some(end) = number(&plain, at) {
            out.push_str(wording::HIDDEN);
            at = end;
        } else if let Some((start, end)) = name(&plain, at) {
            out.extend(&chars[at..start]);
            out.push_str(wording::HIDDEN);
            at = end;
        } else {
            out.push(chars[at]);
            at += 1;
        }
    }
    out
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
            assert_eq!(hidden(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_words_panic_and_no_mobile_number_is_left(before in "[^0-9０-９]{0,12}", after in "[^0-9０-９]{0,12}") {
            let words = hidden(&format!("{before}13812345678{after}"));
            prop_assert!(!words.contains("13812345678"), "{}", words);
        }
    }
}
