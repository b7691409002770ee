//! Cleaning, comparing, cutting of text.

/// Text as it may be stored: U+0000 and other control characters but newline and tab are dropped (PostgreSQL refuses
/// U+0000), `\r\n` becomes `\n`, invisible direction marks are dropped because they let a text show other than it is.
pub fn clean(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut chars = raw.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' => {
                if chars.peek() != Some(&'\n') {
                    out.push('\n');
                }
            }
            '\n' | '\t' => out.push(c),
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' => {}
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

/// The form in which words are compared: full-width letters, digits and punctuation become ASCII, white space at the ends
/// is dropped and inside becomes one blank, ASCII letters become lower case.
pub fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    out.extend(folded(text));
    out
}

/// Does the text have this form? Ends with the first character that differs: a message is compared with very many words.
pub fn folds_to(text: &str, form: &str) -> bool {
    folded(text).eq(form.chars())
}

fn folded(text: &str) -> impl Iterator<Item = char> {
    let mut chars = text.chars().map(narrow).peekable();
    let mut begun = false;
    std::iter::from_fn(move || {
        let mut blank = false;
        while chars.next_if(|c| c.is_whitespace()).is_some() {
            blank = begun;
        }
        chars.peek()?;
        begun = true;
        if blank { Some(' ') } else { chars.next().map(|c| c.to_ascii_lowercase()) }
    })
}

/// The ASCII form of a full-width character; other characters stay.
pub fn narrow(c: char) -> char {
    match c {
        '\u{3000}' => ' ',
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        '。' => '.',
        '、' => ',',
        '“' | '”' => '"',
        c => c,
    }
}

/// Whole words people say for a number: digits (full-width too), `二`, `第二个`, `2、`, `2.`; 0 to 99.
pub fn number(text: &str) -> Option<u32> {
    let folded = fold(text);
    let bare = folded.trim_end_matches(['.', ',', ')', '号']).trim_start_matches('(').trim_start_matches('第');
    let bare = bare.trim_end_matches("个").trim_end_matches('项').trim_end_matches('条').trim();
    if !bare.is_empty() && bare.len() <= 2 && bare.bytes().all(|b| b.is_ascii_digit()) {
        return bare.parse().ok();
    }
    chinese_number(bare)
}

fn chinese_number(text: &str) -> Option<u32> {
    fn digit(c: char) -> Option<u32> {
        "零一二三四五六七八九".chars().position(|d| d == c).or((c == '两').then_some(2)).map(|n| n as u32)
    }
    let chars: Vec<char> = text.chars().collect();
    match chars[..] {
        ['十'] => Some(10),
        [one] => digit(one),
        ['十', ones] => digit(ones).map(|n| 10 + n),
        [tens, '十'] => digit(tens).map(|n| 10 * n),
        [tens, '十', ones] => Some(10 * digit(tens)? + digit(ones)?),
        _ => None,
    }
}

/// Cuts text into pieces of at most `max_bytes` bytes of UTF-8, at a line end where there is one, never inside a character.
pub fn split(text: &str, max_bytes: usize) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while rest.len() > max_bytes {
        let mut end = max_bytes;
        while !rest.is_char_boundary(end) {
            end -= 1;
        }
        let cut = rest[..end].rfind('\n').filter(|at| *at > end / 2).unwrap_or(end);
        if cut == 0 {
            break;
        }
        pieces.push(rest[..cut].to_owned());
        rest = rest[cut..].trim_start_matches('\n');
    }
    if !rest.is_empty() || pieces.is_empty() {
        pieces.push(rest.to_owned());
    }
    pieces
}

/// At most `max` characters, with `…` in place of what was cut.
pub fn shorten(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    text.chars().take(max.saturating_sub(1)).chain(['…']).collect()
}

/// One line: newlines and tabs become blanks.
pub fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The entry nearest to `word`, if it is near enough to be meant.
pub fn nearest<'a>(word: &str, among: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (word.chars().count() / 2).max(1);
    among
        .into_iter()
        .map(|candidate| (strsim::osa_distance(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_as_people_write_them() {
        for (text, value) in [
            ("2", Some(2)),
            ("２", Some(2)),
            ("二", Some(2)),
            ("两", Some(2)),
            ("第二个", Some(2)),
            ("2、", Some(2)),
            ("2.", Some(2)),
            ("十", Some(10)),
            ("十二", Some(12)),
            ("二十", Some(20)),
            ("二十一", Some(21)),
            ("99", Some(99)),
            ("", None),
            ("2个月", None),
            ("第", None),
            ("100", None),
            ("前", None),
        ] {
            assert_eq!(number(text), value, "{text}");
        }
    }

    #[test]
    fn cleaning_drops_what_must_not_be_stored_and_keeps_emoji() {
        assert_eq!(clean("a\0b\r\nc\u{202e}d\te🌾"), "ab\ncd\te🌾");
    }

    proptest! {
        #[test]
        fn pieces_fit_and_lose_nothing_but_line_ends(text in "\\PC{0,400}", max in 8usize..80) {
            let pieces = split(&text, max);
            prop_assert!(pieces.iter().all(|piece| piece.len() <= max));
            prop_assert_eq!(pieces.concat().replace('\n', ""), text.replace('\n', ""));
        }

        #[test]
        fn folding_twice_changes_nothing(text in "\\PC{0,60}") {
            prop_assert_eq!(fold(&fold(&text)), fold(&text));
        }
    }
}
