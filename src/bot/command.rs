//! Commands as forms: a command line fills the steps of a dialog; what it leaves out, the dialog asks for.
//!
//! Parsing is pure and knows no units, people or tickets: it says which words stand for which step, and the dialog's
//! sources decide what they mean.

use crate::text::{self, fold, narrow};

/// A command: its words, and which step of its dialog each part of the line fills.
#[derive(Debug, PartialEq, Eq)]
pub struct Form {
    /// The dialog whose steps the line fills and whose action it runs.
    pub dialog: &'static str,
    /// The Chinese word.
    pub word: &'static str,
    /// Other words for it.
    pub also: &'static [&'static str],
    /// The slash alias, without the slash.
    pub alias: &'static str,
    /// The parts of the line, in order.
    pub slots: &'static [Slot],
    /// How to write it, for example `派单 编号 单位`.
    pub usage: &'static str,
    /// What it does, in a few words.
    pub does: &'static str,
}

/// A part of a command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// One ticket number.
    Ticket(&'static str),
    /// Ticket numbers and ranges.
    Tickets(&'static str),
    /// One word.
    Word(&'static str),
    /// A word of this list if the next one is in it; key and the words for it.
    OneOf(&'static str, &'static [(&'static str, &'static [&'static str])]),
    /// A number from 1 to 5; alone on the line it is this, not a ticket.
    Score(&'static str),
    /// All that is left after this word, if the word comes next.
    After(&'static str, &'static str),
    /// All that is left, with the message's media.
    Rest(&'static str),
    /// The lines under the command's own, as they were written, also those that begin with one of these commands. Stands last.
    Lines(&'static str, &'static [&'static str]),
}

impl Form {
    /// The commands whose lines this one takes when they stand under its own, as it takes lines that are no command; `None`: it
    /// takes no lines.
    pub fn lines(&self) -> Option<&'static [&'static str]> {
        self.slots.iter().find_map(|slot| if let Slot::Lines(_, also) = slot { Some(*also) } else { None })
    }
}

/// A line that was understood as a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    /// Which.
    pub form: &'static Form,
    /// Step id and the words for it.
    pub given: Vec<(&'static str, String)>,
    /// It began with a slash.
    pub slash: bool,
    /// It names a ticket.
    pub numbered: bool,
    /// Words that fitted nowhere, with their position in characters.
    pub left: Option<(usize, String)>,
}

impl Parsed {
    /// Does the line say all that its form needs, and nothing else? What follows a keyword may always be left out, and so may a
    /// word of a list; one that is there says enough without the words that may follow.
    pub fn is_complete(&self) -> bool {
        let chosen = self.form.slots.iter().any(|slot| matches!(slot, Slot::OneOf(step, _) if self.gives(step)));
        let said = |slot: &Slot| match *slot {
            Slot::After(..) | Slot::OneOf(..) => true,
            Slot::Rest(step) => chosen || self.gives(step),
            Slot::Ticket(step) | Slot::Tickets(step) | Slot::Word(step) | Slot::Score(step) | Slot::Lines(step, _) => {
                self.gives(step)
            }
        };
        self.left.is_none() && self.form.slots.iter().all(said)
    }

    fn gives(&self, step: &str) -> bool {
        self.given.iter().any(|(given, _)| *given == step)
    }
}

/// A line that looks like a command and is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// What stands where the command should.
    pub word: String,
    /// The nearest right form among those the person may use.
    pub near: Option<&'static Form>,
}

/// Reads one line as a command.
///
/// `None`: it is not meant as one. A word counts as a command when it is followed by the end, white space, punctuation or
/// a ticket number; for those who use the command daily (`may`) also without a gap, as in 派单7水务局.
pub fn parse(line: &str, forms: &[&'static Form], may: &dyn Fn(&Form) -> bool) -> Option<Result<Parsed, Mistake>> {
    let typed = line.trim();
    let line = narrowed(typed);
    let slash = line.starts_with('/');
    if slash {
        let end = line.find(|c: char| c.is_whitespace()).unwrap_or(line.len());
        let word = line[1..end].to_ascii_lowercase();
        let found = forms.iter().find(|form| form.alias == word || form.word == word || form.also.contains(&word.as_str()));
        return Some(match found {
            Some(form) => Ok(fill(form, (typed, &line[end..]), line[..end].chars().count(), true, true)),
            None => Err(mistake(&word, forms, may, true)),
        });
    }
    let mut best: Option<(&'static Form, &'static str)> = None;
    for form in forms {
        for word in std::iter::once(form.word).chain(form.also.iter().copied()) {
            if line.starts_with(word) && best.is_none_or(|(_, longest)| word.len() > longest.len()) {
                best = Some((form, word));
            }
        }
    }
    if let Some((form, word)) = best {
        let rest = &line[word.len()..];
        let takes_more = !form.slots.is_empty();
        // “我的建议：装个路灯” is a story for whoever has no such command.
        let told = rest.strip_prefix([':', ',', '.']).is_some_and(|rest| ticket_token(rest.trim_start()).is_none());
        if told && !may(form) {
            return None;
        }
        let clear = rest.chars().next().is_none_or(|c| c.is_whitespace() || ":,.#".contains(c))
            || (takes_more && ticket_token(rest).is_some());
        if clear || (takes_more && word.chars().count() >= 2 && may(form) && rest.chars().count() <= 12) {
            return Some(Ok(fill(form, (typed, rest), word.chars().count(), false, true)));
        }
        return None;
    }
    // `派単 7`: a short unknown word before a ticket number is a slip of the finger, not a story.
    let mut words = line.split_whitespace();
    let (Some(first), Some(second), true) = (words.next(), words.next(), line.chars().count() <= 20) else { return None };
    let slip = (2..=4).contains(&first.chars().count()) && ticket_token(second).is_some_and(|(_, rest)| rest.is_empty());
    let mistake = slip.then(|| mistake(first, forms, may, false))?;
    mistake.near.is_some().then_some(Err(mistake))
}

/// The nearest command to a word that is none.
pub fn mistake(word: &str, forms: &[&'static Form], may: &dyn Fn(&Form) -> bool, slash: bool) -> Mistake {
    let allowed: Vec<&&'static Form> = forms.iter().filter(|form| may(form)).collect();
    let name = |form: &&&'static Form| if slash { form.alias } else { form.word };
    let nearest = text::nearest(word, allowed.iter().map(&name));
    let near = nearest.and_then(|near| allowed.iter().find(|form| name(form) == near)).map(|form| **form);
    Mistake { word: text::shorten(word, 20), near }
}

/// The line with full-width forms made plain, character by character.
fn narrowed(line: &str) -> String {
    line.chars().map(|c| if c == '\n' { c } else { narrow(c) }).collect()
}

/// Reads the line again with its numbers as arguments, because the ticket is known from elsewhere.
pub fn reread(line: &str, parsed: &Parsed) -> Parsed {
    let typed = line.trim();
    let line = narrowed(typed);
    let word = std::iter::once(parsed.form.word).chain(parsed.form.also.iter().copied()).filter(|word| line.starts_with(word));
    let end = if parsed.slash {
        line.find(char::is_whitespace).unwrap_or(line.len())
    } else {
        word.map(str::len).max().unwrap_or_default()
    };
    fill(parsed.form, (typed, &line[end..]), line[..end].chars().count(), parsed.slash, false)
}

fn fill(form: &'static Form, (typed, rest): (&str, &str), before: usize, slash: bool, tickets: bool) -> Parsed {
    let (rest, below) = match rest.find('\n') {
        Some(end) if form.lines().is_some() => (&rest[..end], before + rest[..=end].chars().count()),
        _ => (rest, typed.chars().count()),
    };
    let trimmed = rest.trim_start_matches([' ', '\t', '\n', ':', ',', '.', '#']);
    let mut position = before + rest[..rest.len() - trimmed.len()].chars().count();
    let mut rest = trimmed;
    let mut given = Vec::new();
    let mut numbered = false;
    let advance = |rest: &mut &str, position: &mut usize, to: usize| {
        let tail = rest[to..].trim_start_matches([' ', '\t', ',', '.', ':']);
        *position += rest[..rest.len() - tail.len()].chars().count();
        *rest = tail;
    };
    let has_score = form.slots.iter().any(|slot| matches!(slot, Slot::Score(_)));
    for slot in form.slots {
        match *slot {
            Slot::Ticket(_) | Slot::Tickets(_) if !tickets => {}
            Slot::Ticket(step) | Slot::Tickets(step) => {
                let alone = rest.split_whitespace().count() == 1 && text::number(rest).is_some_and(|n| (1..=5).contains(&n));
                if has_score && alone {
                    continue;
                }
                let mut refs = String::new();
                while let Some((token, after)) = ticket_token(rest) {
                    let length = rest.len() - after.len();
                    // 1234 5678 is a query code as it is read over a telephone.
                    let second_half = refs.len() == 4 && token.len() == 4 && matches!(slot, Slot::Ticket(_));
                    if !refs.is_empty() && !second_half {
                        refs.push(' ');
                    }
                    refs.push_str(token);
                    advance(&mut rest, &mut position, length);
                    let half = refs.len() == 4 && form.slots.len() == 1 && rest.trim_end().len() == 4;
                    if matches!(slot, Slot::Ticket(_)) && !half {
                        break;
                    }
                }
                if !refs.is_empty() {
                    numbered = true;
                    given.push((step, refs));
                }
            }
            Slot::Word(step) => {
                let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
                if end > 0 {
                    given.push((step, rest[..end].to_owned()));
                    advance(&mut rest, &mut position, end);
                }
            }
            Slot::OneOf(step, words) => {
                let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
                let word = fold(&rest[..end]);
                if let Some((key, _)) = words.iter().find(|(_, words)| words.contains(&word.as_str())) {
                    given.push((step, (*key).to_owned()));
                    advance(&mut rest, &mut position, end);
                }
            }
            Slot::Score(step) => {
                let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
                if let Some(score) = text::number(&rest[..end]).filter(|n| (1..=5).contains(n)) {
                    given.push((step, score.to_string()));
                    advance(&mut rest, &mut position, end);
                }
            }
            Slot::After(word, step) => {
                let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
                if &rest[..end] == word && !rest[end..].trim().is_empty() {
                    advance(&mut rest, &mut position, end);
                    given.push((step, rest.trim_end().to_owned()));
                    rest = "";
                }
            }
            Slot::Rest(step) => {
                if !rest.is_empty() {
                    // What people write is kept as they wrote it; only the words before were read in their plain form.
                    let kept: String = typed.chars().skip(position).collect();
                    given.push((step, kept.trim_end().to_owned()));
                    rest = "";
                }
            }
            Slot::Lines(step, _) => {
                let lines: String = typed.chars().skip(below).collect();
                if !lines.trim().is_empty() {
                    given.push((step, lines.trim().to_owned()));
                }
            }
        }
    }
    let mut left = (!rest.trim().is_empty()).then(|| (position, rest.trim().to_owned()));
    // 派单 水务局 7: the number may also stand last.
    let place = form.slots.iter().find_map(|slot| match slot {
        Slot::Ticket(step) | Slot::Tickets(step) if tickets && !numbered => Some(*step),
        _ => None,
    });
    if let (Some(step), Some((_, words))) = (place, &left)
        && let Some((token, "")) = ticket_token(words)
    {
        given.insert(0, (step, token.to_owned()));
        (numbered, left) = (true, None);
    }
    Parsed { form, given, slash, numbered, left }
}

/// A ticket number, short number or range at the start of `text`, and what follows it.
///
/// `WY2611220007`, `1122-7`, `7`, `0007`, `1-4`; not `3天`, where the number counts something.
pub fn ticket_token(text: &str) -> Option<(&str, &str)> {
    let letters = text.bytes().take_while(u8::is_ascii_alphabetic).count();
    if letters > 5 {
        return None;
    }
    let digits = |from: usize| text[from..].bytes().take_while(u8::is_ascii_digit).count();
    let first = digits(letters);
    // Of a series of its own a short number has its letter before it: J0007.
    let of_series = letters == 1 && text.starts_with(['J', 'j']);
    if first == 0 || (letters > 0 && first < 9 && !of_series) || first > 20 {
        return None;
    }
    let mut end = letters + first;
    if letters == 0 && matches!(text[end..].chars().next(), Some('-' | '~')) {
        let second = digits(end + 1);
        if second > 0 {
            end += 1 + second;
        }
    }
    if text[end..].starts_with('#') {
        // The version a button was shown with.
        let version = digits(end + 1);
        end += if version > 0 { 1 + version } else { 0 };
    }
    let rest = &text[end..];
    // 7号 alone is how people say a number; in 7号楼 it counts something.
    if let Some(after) = rest.strip_prefix('号')
        && after.chars().next().is_none_or(|c| c.is_whitespace() || ",.:、，。：".contains(c))
    {
        return Some((&text[..end], after));
    }
    const COUNTED: &str = "天个年月日号小时分点次户亩眼米人块万千百里公周楼层栋排组队多几元斤吨头只台辆岁%";
    match rest.chars().next() {
        Some(c) if COUNTED.contains(c) || c.is_ascii_alphanumeric() || c == '-' => None,
        _ => Some((&text[..end], rest)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    static ASSIGN: Form = Form {
        dialog: "assign",
        word: "派单",
        also: &[],
        alias: "assign",
        slots: &[Slot::Tickets("ticket"), Slot::Word("unit"), Slot::After("协办", "co")],
        usage: "派单 编号 单位",
        does: "交给一个单位办",
    };
    static STATUS: Form = Form {
        dialog: "status",
        word: "查",
        also: &["看"],
        alias: "status",
        slots: &[Slot::Ticket("ticket")],
        usage: "查 编号",
        does: "看进展",
    };
    static RATE: Form = Form {
        dialog: "rate",
        word: "评价",
        also: &[],
        alias: "rate",
        slots: &[Slot::Ticket("ticket"), Slot::Score("score")],
        usage: "评价 编号 5",
        does: "评价",
    };
    static NOTE: Form = Form {
        dialog: "note",
        word: "进展",
        also: &[],
        alias: "note",
        slots: &[Slot::Ticket("ticket"), Slot::OneOf("open", &[("yes", &["公开"])]), Slot::Rest("text")],
        usage: "进展 编号 内容",
        does: "记一笔",
    };
    static ASSIGN_ALL: Form = Form {
        dialog: "now.assign_all",
        word: "照派",
        also: &[],
        alias: "assign_all",
        slots: &[Slot::Tickets("ticket"), Slot::Lines("exceptions", &["派单"])],
        usage: "照派",
        does: "都照建议派",
    };
    static FORMS: [&Form; 5] = [&ASSIGN, &STATUS, &RATE, &NOTE, &ASSIGN_ALL];

    fn read(line: &str) -> String {
        match parse(line, &FORMS, &|_| true) {
            None => "-".into(),
            Some(Err(mistake)) => format!("? {} {}", mistake.word, mistake.near.map_or("", |form| form.word)),
            Some(Ok(parsed)) => {
                let given: Vec<String> = parsed.given.iter().map(|(step, words)| format!("{step}={words}")).collect();
                let left = parsed.left.map_or(String::new(), |(at, words)| format!(" !{at}:{words}"));
                format!("{} {}{left}", parsed.form.dialog, given.join(" "))
            }
        }
    }

    #[test]
    fn lines_as_people_type_them() {
        for (line, expected) in [
            ("派单 7 水务局", "assign ticket=7 unit=水务局"),
            ("派单7水务局", "assign ticket=7 unit=水务局"),
            ("派单　７　水务局", "assign ticket=7 unit=水务局"),
            ("派单 1-4 9 水务局", "assign ticket=1-4 9 unit=水务局"),
            ("派单 WY2611220007 swj", "assign ticket=WY2611220007 unit=swj"),
            ("派单 1122-7 swj", "assign ticket=1122-7 unit=swj"),
            ("派单", "assign "),
            ("/assign 7 swj", "assign ticket=7 unit=swj"),
            ("/派单 7", "assign ticket=7"),
            ("派单 7 水务局 快点", "assign ticket=7 unit=水务局 !9:快点"),
            ("派单 7 水务局 协办 住建局 城管局", "assign ticket=7 unit=水务局 co=住建局 城管局"),
            ("派单7水务局 协办　住建局、城管局", "assign ticket=7 unit=水务局 co=住建局,城管局"),
            ("派单 7 水务局 协办", "assign ticket=7 unit=水务局 !9:协办"),
            ("派单 7 水务局 快点 协办 住建局", "assign ticket=7 unit=水务局 !9:快点 协办 住建局"),
            ("派单 7 水务局 协办住建局", "assign ticket=7 unit=水务局 !9:协办住建局"),
            ("查 7", "status ticket=7"),
            ("查 1234 5678", "status ticket=12345678"),
            ("查 J0001", "status ticket=J0001"),
            ("看9", "status ticket=9"),
            ("查一下我的事", "-"),
            ("评价 5", "rate score=5"),
            ("评价 7 5", "rate ticket=7 score=5"),
            ("评价 7", "rate ticket=7"),
            ("进展 7 公开 井已封", "note ticket=7 open=yes text=井已封"),
            ("进展 7 3天后完工", "note ticket=7 text=3天后完工"),
            ("进展 3天后完工", "note text=3天后完工"),
            ("进展　７ 井已封填，水泵已拆走。", "note ticket=7 text=井已封填，水泵已拆走。"),
            ("照派", "now.assign_all "),
            ("照派 1-6 8", "now.assign_all ticket=1-6 8"),
            ("照派\n7 住建局\n９ 城管局", "now.assign_all exceptions=7 住建局\n９ 城管局"),
            ("照派 1-6，8\n7 住建局", "now.assign_all ticket=1-6 8 exceptions=7 住建局"),
            ("照派 7 住建局", "now.assign_all ticket=7 !5:住建局"),
            ("派但 7 水务局", "? 派但 派单"),
            ("/asign 7", "? asign 派单"),
            ("昨天 7点停水", "-"),
            ("夜里有人打井抽水卖", "-"),
            ("", "-"),
        ] {
            assert_eq!(read(line), expected, "{line}");
        }
    }

    #[test]
    fn a_line_is_complete_without_what_may_follow_a_keyword() {
        for (line, complete) in [
            ("派单 7 水务局", true),
            ("派单 7 水务局 协办 住建局", true),
            ("派单 7", false),
            ("派单 水务局", false),
            ("派单 7 水务局 快点", false),
            ("派单 水务局 7", true),
            ("查 7", true),
            ("查7号", true),
        ] {
            let Some(Ok(parsed)) = parse(line, &FORMS, &|_| true) else { panic!("{line}") };
            assert_eq!(parsed.is_complete(), complete, "{line}");
        }
    }

    #[test]
    fn a_command_of_others_before_a_colon_is_a_story() {
        let read = |line: &str, may: bool| parse(line, &FORMS, &|_| may).is_some();
        for (line, may, command) in [
            ("派单：村里没有路灯", false, false),
            ("派单，村里没有路灯", false, false),
            ("派单：村里没有路灯", true, true),
            ("派单：7 水务局", false, true),
            ("派单 7 水务局", false, true),
        ] {
            assert_eq!(read(line, may), command, "{line} {may}");
        }
    }

    proptest! {
        #[test]
        fn no_line_panics(line in "(派单|查|/assign|评价|进展)?[ 　]?\\PC{0,40}") {
            let _ = read(&line);
        }
    }
}
