//! Transcripts as text: reading, writing in columns, and comparing what was expected with what was said.
//!
//! Pure: nothing here knows the program or the platforms. `CONTRIBUTING.md` shows the notation.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// Text of no interest: within a line any characters, as a whole line any number of lines.
pub const ANYTHING: &str = "…";
/// Where the marks stand at least, in columns.
const MARK_COLUMN: usize = 20;

/// Values caught by `{名字}` in something heard, to be said later.
pub type Caught = BTreeMap<String, String>;

/// A whole file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chat {
    /// What happens, in order.
    pub steps: Vec<Step>,
    /// Comments and blank lines at the end.
    pub tail: Vec<String>,
}

/// Something that happens, and all that is heard because of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Comments and blank lines before it.
    pub before: Vec<String>,
    /// The line of the file, from 1.
    pub line: usize,
    /// What happens.
    pub act: Act,
    /// What everybody receives until the program is quiet.
    pub heard: Vec<Heard>,
}

/// What makes a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// `~`: the clock is set or moved.
    Clock(String),
    /// `!`: a stage direction.
    Stage(String),
    /// `>`: somebody says something.
    Say(Who, String),
}

/// Somebody in a channel, or a group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Who {
    /// The name in the story.
    pub name: String,
    /// The channel's id.
    pub channel: String,
    /// The group it is said in.
    pub group: Option<String>,
}

/// A message that was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// `None` for the answer to whoever spoke.
    pub by: Option<Who>,
    /// Lines joined by `\n`; as an expectation with `…` and `{名字}`.
    pub words: String,
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} @{}", self.name, self.channel)?;
        self.group.as_ref().map_or(Ok(()), |group| write!(f, "/{group}"))
    }
}

impl Who {
    fn parse(text: &str) -> Option<Who> {
        let (name, channel) = text.trim().split_once('@')?;
        let (channel, group) = match channel.split_once('/') {
            Some((channel, group)) => (channel, Some(group.trim().to_owned())),
            None => (channel, None),
        };
        let (name, channel) = (name.trim().to_owned(), channel.trim().to_owned());
        (!name.is_empty() && !channel.is_empty()).then_some(Who { name, channel, group })
    }
}

impl Chat {
    /// Reads a file.
    ///
    /// # Errors
    /// The first line that cannot be understood, with its number.
    pub fn parse(source: &str) -> Result<Chat, String> {
        let mut steps: Vec<Step> = Vec::new();
        let mut before = Vec::new();
        for (index, raw) in source.lines().enumerate() {
            let line = index + 1;
            let text = raw.trim();
            let wrong = |what: &str| format!("line {line}: {what}: {text}");
            if text.is_empty() || text.starts_with('#') {
                before.push(text.to_owned());
                continue;
            }
            if let Some(more) = text.strip_prefix('|') {
                let last = steps.last_mut().filter(|_| before.is_empty()).ok_or_else(|| wrong("a line of nothing"))?;
                let words = match (last.heard.last_mut(), &mut last.act) {
                    (Some(heard), _) => &mut heard.words,
                    (None, Act::Say(_, words)) => words,
                    (None, Act::Clock(_) | Act::Stage(_)) => return Err(wrong("a second line of no message")),
                };
                words.push('\n');
                words.push_str(more.strip_prefix(' ').unwrap_or(more));
                continue;
            }
            let mut begin = |act| {
                steps.push(Step { before: std::mem::take(&mut before), line, act, heard: Vec::new() });
            };
            if let Some(rest) = text.strip_prefix('~') {
                begin(Act::Clock(rest.trim().to_owned()));
                continue;
            }
            if let Some(rest) = text.strip_prefix('!') {
                begin(Act::Stage(rest.trim().to_owned()));
                continue;
            }
            let (who, mark, words) = marked(text).ok_or_else(|| wrong("no mark >, < or <<"))?;
            let named = || Who::parse(who).ok_or_else(|| wrong("nobody is named as 名字 @渠道"));
            match mark {
                ">" => begin(Act::Say(named()?, words.to_owned())),
                _ => {
                    let by = match (mark, who.is_empty()) {
                        ("<", true) => None,
                        ("<<", false) => Some(named()?),
                        _ => return Err(wrong("< answers the speaker, << names whom it is for")),
                    };
                    let step = steps.last_mut().ok_or_else(|| wrong("nothing has happened yet"))?;
                    if by.is_none() && !matches!(step.act, Act::Say(..)) {
                        return Err(wrong("nobody spoke who could be answered"));
                    }
                    step.before.append(&mut before);
                    step.heard.push(Heard { by, words: words.to_owned() });
                }
            }
        }
        Ok(Chat { steps, tail: before })
    }

    /// Writes it in columns.
    pub fn format(&self) -> String {
        let mut widest = 0;
        for step in &self.steps {
            if let Act::Say(who, _) = &step.act {
                widest = widest.max(width(&who.to_string()));
            }
            for who in step.heard.iter().filter_map(|heard| heard.by.as_ref()) {
                widest = widest.max(width(&who.to_string()));
            }
        }
        let column = MARK_COLUMN.max(widest + 1);
        let mut out = String::new();
        for step in &self.steps {
            lines_as_they_are(&mut out, &step.before);
            match &step.act {
                Act::Clock(to) => out.push_str(&format!("~ {to}\n")),
                Act::Stage(direction) => out.push_str(&format!("! {direction}\n")),
                Act::Say(who, words) => message(&mut out, column, &who.to_string(), ">", words),
            }
            for heard in &step.heard {
                match &heard.by {
                    None => message(&mut out, column, "", "<", &heard.words),
                    Some(who) => message(&mut out, column, &who.to_string(), "<<", &heard.words),
                }
            }
        }
        lines_as_they_are(&mut out, &self.tail);
        out
    }
}

/// `who > words`; the mark is the first of its kind that stands between blanks or at an end.
fn marked(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    while let Some(found) = text[from..].find(['<', '>']) {
        let at = from + found;
        let length = if text[at..].starts_with("<<") { 2 } else { 1 };
        let (before, after) = (&text[..at], &text[at + length..]);
        if (before.is_empty() || before.ends_with(' ')) && (after.is_empty() || after.starts_with(' ')) {
            return Some((before.trim(), &text[at..at + length], after.strip_prefix(' ').unwrap_or(after)));
        }
        from = at + length;
    }
    None
}

fn lines_as_they_are(out: &mut String, lines: &[String]) {
    for line in lines {
        out.push_str(line);
        out.push('\n');
    }
}

fn message(out: &mut String, column: usize, who: &str, mark: &str, words: &str) {
    let mut lines = words.split('\n');
    let blanks = " ".repeat(column - width(who));
    push_line(out, &format!("{who}{blanks}{mark} {}", lines.next().unwrap_or_default()));
    let blanks = " ".repeat(column + mark.len() - 1);
    for line in lines {
        push_line(out, &format!("{blanks}| {line}"));
    }
}

fn push_line(out: &mut String, line: &str) {
    out.push_str(line.trim_end());
    out.push('\n');
}

/// How many columns a text takes in a terminal: two for Chinese characters, full-width forms and emoji.
pub fn width(text: &str) -> usize {
    text.chars().map(|c| if is_wide(c) { 2 } else { 1 }).sum()
}

fn is_wide(c: char) -> bool {
    matches!(c,
        '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{303e}' | '\u{3041}'..='\u{33ff}' | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}' | '\u{a000}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe4f}' | '\u{ff00}'..='\u{ff60}' | '\u{ffe0}'..='\u{ffe6}' | '\u{1f300}'..='\u{1f64f}'
        | '\u{1f680}'..='\u{1f6ff}' | '\u{1f900}'..='\u{1f9ff}' | '\u{20000}'..='\u{3fffd}')
}

/// Does what was received fit the expectation? Catches values on the way, only if it does.
pub fn fits(expected: &str, received: &str, caught: &mut Caught) -> bool {
    let expected: Vec<&str> = expected.split('\n').collect();
    let received: Vec<&str> = received.split('\n').collect();
    let mut new = caught.clone();
    let fits = lines_fit(&expected, &received, &mut new);
    if fits {
        *caught = new;
    }
    fits
}

fn lines_fit(expected: &[&str], received: &[&str], caught: &mut Caught) -> bool {
    match (expected.split_first(), received.split_first()) {
        (None, None) => true,
        (None, Some(_)) => false,
        (Some((first, rest)), _) if first.trim() == ANYTHING => {
            (0..=received.len()).any(|skipped| lines_fit(rest, &received[skipped..], caught))
        }
        (Some(_), None) => false,
        (Some((first, rest)), Some((line, others))) => {
            let mut new = caught.clone();
            let fits = line_fits(first, line, &mut new) && lines_fit(rest, others, &mut new);
            if fits {
                *caught = new;
            }
            fits
        }
    }
}

fn line_fits(expected: &str, line: &str, caught: &mut Caught) -> bool {
    let mut pattern = String::from("^");
    let mut names = Vec::new();
    for part in parts(expected.trim_end()) {
        match part {
            Part::Words(words) => pattern.push_str(&regex::escape(words)),
            Part::Anything => pattern.push_str(".*"),
            Part::Name(name) => match caught.get(name) {
                Some(value) => pattern.push_str(&regex::escape(value)),
                None => {
                    names.push(name.to_owned());
                    pattern.push_str("(.+?)");
                }
            },
        }
    }
    pattern.push('$');
    let Some(found) = regex::Regex::new(&pattern).unwrap().captures(line.trim_end()) else { return false };
    names.into_iter().enumerate().all(|(index, name)| {
        let value = &found[index + 1];
        caught.entry(name).or_insert_with(|| value.to_owned()) == value
    })
}

enum Part<'a> {
    Words(&'a str),
    Anything,
    Name(&'a str),
}

fn parts(line: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = line;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix(ANYTHING) {
            parts.push(Part::Anything);
            rest = after;
        } else if let Some((name, after)) = braced(rest) {
            parts.push(Part::Name(name));
            rest = after;
        } else {
            let first = rest.chars().next().map_or(0, char::len_utf8);
            let end = rest[first..].find(['…', '{']).map_or(rest.len(), |at| at + first);
            parts.push(Part::Words(&rest[..end]));
            rest = &rest[end..];
        }
    }
    parts
}

/// `{查询码} and more`: the name and what follows.
fn braced(text: &str) -> Option<(&str, &str)> {
    let (name, after) = text.strip_prefix('{')?.split_once('}')?;
    let is_name = !name.is_empty() && name.chars().all(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
    is_name.then_some((name, after))
}

/// What is really said: `{名字}` becomes the value that was caught, `{10000×水}` is repeated, `\u{0}` becomes that character.
///
/// # Errors
/// A name that has caught nothing, or no character.
pub fn spoken(words: &str, caught: &Caught) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = words;
    while let Some(c) = rest.chars().next() {
        if let Some((name, after)) = braced(rest) {
            out.push_str(caught.get(name).ok_or_else(|| format!("nothing was caught as {{{name}}}"))?);
            rest = after;
        } else if let Some((count, what, after)) = repeated(rest) {
            out.push_str(&what.repeat(count));
            rest = after;
        } else if let Some((code, after)) = rest.strip_prefix(r"\u{").and_then(|rest| rest.split_once('}')) {
            let code = u32::from_str_radix(code, 16).ok().and_then(char::from_u32);
            out.push(code.ok_or_else(|| format!("no character: {rest}"))?);
            rest = after;
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    Ok(out)
}

fn repeated(text: &str) -> Option<(usize, &str, &str)> {
    let (inside, after) = text.strip_prefix('{')?.split_once('}')?;
    let (count, what) = inside.split_once('×')?;
    Some((count.parse().ok()?, what, after))
}

/// What a step's expectations become after what was received: equal to them when each recipient got what was expected in
/// its order; else with the received words where they differ. Expectations that fit are kept as they were written.
pub fn reconciled(expected: &[Heard], received: &[Heard], caught: &mut Caught) -> Vec<Heard> {
    let recipients: BTreeSet<&Option<Who>> = received.iter().map(|heard| &heard.by).collect();
    let mut kept: Vec<((usize, usize), Heard)> = Vec::new();
    for by in recipients {
        let waiting: Vec<(usize, &Heard)> = expected.iter().enumerate().filter(|(_, heard)| &heard.by == by).collect();
        let theirs: Vec<&Heard> = received.iter().filter(|heard| &heard.by == by).collect();
        let mut next = 0;
        // New messages follow the one before them; those of somebody who was not expected at all come last.
        let mut at = (waiting.first().map_or(expected.len(), |(index, _)| *index), 0);
        for (index, message) in theirs.iter().enumerate() {
            let found = (next..waiting.len()).find(|i| fits(&waiting[*i].1.words, &message.words, caught));
            if let Some(found) = found {
                at = (waiting[found].0, 0);
                next = found + 1;
                kept.push((at, waiting[found].1.clone()));
                continue;
            }
            let replaces = next < waiting.len() && {
                let wanted = &waiting[next].1.words;
                !theirs[index + 1..].iter().any(|later| fits(wanted, &later.words, &mut caught.clone()))
            };
            if replaces {
                at = (waiting[next].0, 0);
                next += 1;
            } else {
                at.1 += 1;
            }
            kept.push((at, Heard { by: by.clone(), words: without_chance(&message.words) }));
        }
    }
    kept.sort_by_key(|(at, _)| *at);
    kept.into_iter().map(|(_, heard)| heard).collect()
}

/// A message as it is written down, with dots for what chance made: query codes.
pub fn without_chance(words: &str) -> String {
    let codes = regex::Regex::new(r"(查询码 )\d{4} \d{4}|(查 ?)\d{4} ?\d{4}\b").unwrap();
    codes.replace_all(words, format!("$1$2{ANYTHING}")).into_owned()
}

/// The lines in which two texts differ, with three lines around each difference: `-` expected, `+` received.
pub fn difference(expected: &str, received: &str) -> String {
    let a: Vec<&str> = expected.lines().collect();
    let b: Vec<&str> = received.lines().collect();
    // The length of the longest common sequence of lines from each pair of places on.
    let mut common = vec![vec![0usize; b.len() + 1]; a.len() + 1];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            common[i][j] = if a[i] == b[j] { common[i + 1][j + 1] + 1 } else { common[i + 1][j].max(common[i][j + 1]) };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut lines: Vec<(char, &str)> = Vec::new();
    while i < a.len() || j < b.len() {
        if i < a.len() && j < b.len() && a[i] == b[j] {
            lines.push((' ', a[i]));
            (i, j) = (i + 1, j + 1);
        } else if j == b.len() || (i < a.len() && common[i + 1][j] >= common[i][j + 1]) {
            lines.push(('-', a[i]));
            i += 1;
        } else {
            lines.push(('+', b[j]));
            j += 1;
        }
    }
    let near = |index: usize| lines[index.saturating_sub(3)..lines.len().min(index + 4)].iter().any(|(mark, _)| *mark != ' ');
    let mut out = String::new();
    let mut left_out = false;
    for (index, (mark, line)) in lines.iter().enumerate() {
        if near(index) {
            out.push_str(if std::mem::take(&mut left_out) { "   ⋮\n" } else { "" });
            out.push_str(&format!("{mark} {line}\n"));
        } else {
            left_out = true;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const STORY: &str = "\
# 村民反映机井
~ 2026-11-23 10:00
村民 @mp            > 我要反映
                    < 是哪个村的？
                    | 发村名就行。

# 换个人
李派单 @ding        > 派单 7 水务局
                    < 已派单
水务局工作群 @ding  << 新工单 0007
                     | 前观津
! 重启
";

    fn heard(by: &str, words: &str) -> Heard {
        Heard { by: Who::parse(by), words: words.to_owned() }
    }

    #[test]
    fn a_story_is_read_and_written_back_as_it_was() {
        let chat = Chat::parse(STORY).unwrap();
        assert_eq!(chat.format(), STORY);
        assert_eq!(chat.steps.len(), 4);
        assert_eq!(chat.steps[1].heard, [heard("", "是哪个村的？\n发村名就行。")]);
        assert_eq!(chat.steps[2].before, ["", "# 换个人"]);
        assert_eq!(chat.steps[2].heard[1].words, "新工单 0007\n前观津");
        assert_eq!(chat.steps[3].act, Act::Stage("重启".to_owned()));
    }

    #[test]
    fn columns_need_not_be_aligned_to_be_read() {
        let loose =
            STORY.replace("            >", " >").replace("                    <", "<").replace("                     |", "|");
        assert_eq!(Chat::parse(&loose).unwrap().format(), STORY);
    }

    #[test]
    fn a_long_name_moves_the_marks_of_the_whole_file() {
        let chat = Chat::parse("王联络 @ding/水务局工作群 > 签收 7\n< 已签收\n").unwrap();
        assert_eq!(chat.format(), "王联络 @ding/水务局工作群 > 签收 7\n                          < 已签收\n");
    }

    #[test]
    fn marks_inside_words_are_words() {
        let chat = Chat::parse("甲 @mp > 3<5 > 2\n< a << b\n").unwrap();
        assert_eq!(chat.steps[0].act, Act::Say(Who::parse("甲 @mp").unwrap(), "3<5 > 2".to_owned()));
        assert_eq!(chat.steps[0].heard, [heard("", "a << b")]);
    }

    #[test]
    fn what_cannot_be_understood_is_named_with_its_line() {
        for (source, line) in [
            ("你好", 1),
            ("< 您好", 1),
            ("甲 > 你好", 1),
            ("甲 @mp > 你好\n甲 @mp < 您好", 2),
            ("甲 @mp > 你好\n<< 您好", 2),
            ("~ 明天 09:00\n| 再", 2),
            ("! 重启\n< 您好", 2),
            ("甲 @mp > 你好\n\n| 好", 3),
        ] {
            let said = Chat::parse(source).unwrap_err();
            assert!(said.starts_with(&format!("line {line}:")), "{source}: {said}");
        }
    }

    #[test]
    fn widths_are_those_of_a_terminal() {
        for (text, columns) in [("村民 @mp", 8), ("“a”", 3), ("，。", 4), ("🌾", 2), ("", 0)] {
            assert_eq!(width(text), columns, "{text}");
        }
    }

    #[test]
    fn dots_stand_for_anything_within_a_line_or_for_lines() {
        for (expected, received, fit) in [
            ("好", "好", true),
            ("好", "好的", false),
            ("好…", "好的", true),
            ("好…", "好", true),
            ("…编号 …。", "收到了，编号 WY2611230001。", true),
            ("…编号 …。", "收到了。", false),
            ("好…", "好\n的", false),
            ("好\n…", "好", true),
            ("好\n…", "好\n一\n二", true),
            ("好\n…\n二", "好\n一\n二", true),
            ("好\n…\n三", "好\n一\n二", false),
            ("…", "一\n二", true),
            ("a.c", "abc", false),
            ("", "好", false),
        ] {
            assert_eq!(fits(expected, received, &mut Caught::new()), fit, "{expected:?} {received:?}");
        }
    }

    #[test]
    fn a_name_in_braces_catches_a_value_and_then_stands_for_it() {
        let mut caught = Caught::new();
        assert!(fits("查询码 {码}，收好", "查询码 1234 5678，收好", &mut caught));
        assert_eq!(spoken("查 {码}", &caught).unwrap(), "查 1234 5678");
        assert!(fits("还是 {码}", "还是 1234 5678", &mut caught));
        assert!(!fits("还是 {码}", "还是 1234 0000", &mut caught));
        assert!(spoken("查 {没有}", &caught).is_err());
        assert!(fits("{甲} 和 {甲}", "1 和 1", &mut Caught::new()));
        assert!(!fits("{甲} 和 {甲}", "1 和 2", &mut Caught::new()));
    }

    #[test]
    fn nothing_is_caught_by_what_does_not_fit() {
        let mut caught = Caught::new();
        assert!(!fits("码 {码}\n完", "码 1\n没完", &mut caught));
        assert_eq!(caught, Caught::new());
    }

    #[test]
    fn long_texts_and_odd_characters_can_be_written_down() {
        let said = spoken(r"{3×水}\u{0}]]>{a}", &Caught::new()).unwrap();
        assert_eq!(said, "水水水\0]]>{a}");
        assert!(spoken(r"\u{zz}", &Caught::new()).is_err());
    }

    #[test]
    fn order_counts_for_each_recipient_only() {
        let expected = [heard("", "答"), heard("甲 @ding", "一"), heard("乙 @ding", "二…")];
        let received = [heard("乙 @ding", "二三"), heard("", "答"), heard("甲 @ding", "一")];
        assert_eq!(reconciled(&expected, &received, &mut Caught::new()), expected);
        let expected = [heard("甲 @ding", "一"), heard("甲 @ding", "二")];
        let received = [heard("甲 @ding", "二"), heard("甲 @ding", "一")];
        assert_ne!(reconciled(&expected, &received, &mut Caught::new()), expected);
    }

    #[test]
    fn what_is_missing_goes_what_is_new_comes_what_fits_stays() {
        let expected = [heard("", "答…"), heard("甲 @ding", "旧"), heard("乙 @ding", "不来")];
        let received = [heard("", "答案"), heard("甲 @ding", "新"), heard("甲 @ding", "更新"), heard("丙 @mp", "三")];
        let now = [heard("", "答…"), heard("甲 @ding", "新"), heard("甲 @ding", "更新"), heard("丙 @mp", "三")];
        assert_eq!(reconciled(&expected, &received, &mut Caught::new()), now);
        assert_eq!(
            reconciled(&[], &received, &mut Caught::new()),
            [heard("", "答案"), heard("丙 @mp", "三"), heard("甲 @ding", "新"), heard("甲 @ding", "更新"),]
        );
    }

    #[test]
    fn what_chance_made_is_written_down_as_dots() {
        for (received, written) in [
            ("编号 WY2611230001。\n查询码 1234 5678，回“查 12345678”。", "编号 WY2611230001。\n查询码 …，回“查 …”。"),
            ("回“查 7”，11月23日", "回“查 7”，11月23日"),
        ] {
            let now = reconciled(&[], &[heard("", received)], &mut Caught::new());
            assert_eq!(now, [heard("", written)]);
            assert_eq!(reconciled(&now, &[heard("", received)], &mut Caught::new()), now);
        }
    }

    #[test]
    fn a_difference_shows_the_lines_around_it() {
        let before: String = (0..20).map(|n| format!("{n}\n")).collect();
        let after = before.replace("10\n", "zehn\n");
        assert_eq!(difference(&before, &after), "   ⋮\n  7\n  8\n  9\n- 10\n+ zehn\n  11\n  12\n  13\n");
        assert_eq!(difference(&before, &before), "");
    }
}
