//! `docs/life-cycle.svg`: the table in `life` as a drawing.
//!
//! Where the boxes stand and which way the arrows take is laid by hand; which arrows there are and what stands beside them
//! comes from the table. A way that is missing here or has no row any more fails the test.

use super::{
    State,
    life::{ROWS, Row, To, Verb, When, Who},
};
use State::{
    Accepted, Callback, Cancelled, Closed, Dispatched, Disputed, HandedOver, InReview, Merged, NeedInfo, Rejected, SentBack,
    Shelved, Submitted, Working,
};
use std::fmt::Write;

type Point = (i32, i32);

const WIDTH: i32 = 900;
const HEIGHT: i32 = 684;
/// Half a box.
const HALF: Point = (44, 20);

/// The straight way through the middle, then what lies beside it, then the ends.
const BOXES: &[(State, Point, &str)] = &[
    (Submitted, (92, 246), "main"),
    (Accepted, (214, 246), "main"),
    (Dispatched, (336, 246), "main"),
    (Working, (458, 246), "main"),
    (InReview, (580, 246), "main"),
    (Callback, (702, 246), "main"),
    (Closed, (824, 246), "main"),
    (NeedInfo, (92, 136), "side"),
    (SentBack, (336, 136), "side"),
    (Shelved, (580, 136), "side"),
    (Disputed, (336, 366), "side"),
    (Rejected, (92, 476), "end"),
    (Cancelled, (230, 476), "end"),
    (HandedOver, (400, 476), "end"),
    (Merged, (580, 476), "end"),
];

/// A way from box to box: its corners, where its words stand, and how they are set.
struct Way {
    from: State,
    to: State,
    corners: &'static [Point],
    words: Point,
    anchor: Anchor,
}

/// How words stand to their point.
#[derive(Clone, Copy, PartialEq)]
enum Anchor {
    Before,
    Over,
    After,
    /// In the narrow gap of the straight way: the first word above the arrow, the others below it.
    Gap,
}

const fn way(from: State, to: State, corners: &'static [Point], words: Point, anchor: Anchor) -> Way {
    Way { from, to, corners, words, anchor }
}

const WAYS: &[Way] = &[
    way(Submitted, Accepted, &[(136, 246), (170, 246)], (152, 246), Anchor::Gap),
    way(Accepted, Dispatched, &[(258, 246), (292, 246)], (274, 246), Anchor::Gap),
    way(Dispatched, Working, &[(380, 246), (414, 246)], (396, 246), Anchor::Gap),
    way(Working, Callback, &[(496, 226), (496, 206), (682, 206), (682, 226)], (589, 200), Anchor::Over),
    way(Working, InReview, &[(502, 246), (536, 246)], (518, 246), Anchor::Gap),
    way(InReview, Callback, &[(624, 246), (658, 246)], (640, 246), Anchor::Gap),
    way(Callback, Closed, &[(746, 246), (780, 246)], (762, 246), Anchor::Gap),
    way(Submitted, NeedInfo, &[(80, 226), (80, 156)], (74, 187), Anchor::Before),
    way(NeedInfo, Submitted, &[(104, 156), (104, 226)], (110, 187), Anchor::After),
    way(Submitted, Dispatched, &[(124, 226), (124, 206), (304, 206), (304, 226)], (214, 200), Anchor::Over),
    way(Submitted, Callback, &[(48, 236), (24, 236), (24, 92), (702, 92), (702, 226)], (458, 86), Anchor::Over),
    way(Dispatched, SentBack, &[(324, 226), (324, 156)], (318, 187), Anchor::Before),
    way(SentBack, Dispatched, &[(348, 156), (348, 226)], (354, 187), Anchor::After),
    way(Working, SentBack, &[(442, 226), (442, 136), (380, 136)], (414, 130), Anchor::Over),
    way(Working, Shelved, &[(464, 226), (464, 128), (536, 128)], (500, 122), Anchor::Over),
    way(Shelved, Working, &[(536, 146), (486, 146), (486, 226)], (492, 187), Anchor::After),
    way(Dispatched, Disputed, &[(324, 266), (324, 346)], (318, 322), Anchor::Before),
    way(Disputed, Dispatched, &[(348, 346), (348, 266)], (354, 330), Anchor::After),
    way(Working, Dispatched, &[(424, 266), (424, 286), (368, 286), (368, 266)], (396, 301), Anchor::Over),
    way(Working, Disputed, &[(440, 266), (440, 366), (380, 366)], (410, 360), Anchor::Over),
    way(InReview, Working, &[(564, 266), (564, 288), (494, 288), (494, 266)], (546, 304), Anchor::Over),
    way(Callback, Working, &[(686, 266), (686, 322), (476, 322), (476, 266)], (586, 337), Anchor::Over),
    way(Closed, Working, &[(824, 266), (824, 356), (458, 356), (458, 266)], (646, 371), Anchor::Over),
    way(Callback, Submitted, &[(712, 266), (712, 394), (126, 394), (126, 266)], (546, 389), Anchor::Over),
    way(Closed, Submitted, &[(840, 266), (840, 394), (126, 394), (126, 266)], (790, 389), Anchor::Over),
    way(Submitted, Rejected, &[(64, 266), (64, 456)], (58, 430), Anchor::Before),
    way(Rejected, Submitted, &[(84, 456), (84, 266)], (90, 446), Anchor::After),
    way(Cancelled, Submitted, &[(216, 456), (216, 430), (106, 430), (106, 266)], (162, 425), Anchor::Over),
];

/// Ends that many states lead to by the same words: one arrow from a list of the states stands for all of them.
const GATHERED: &[State] = &[Cancelled, HandedOver, Merged];

/// Which states lead where, and by which words. What is sealed has a short way of its own, past all units, and is not drawn.
fn moves() -> Vec<((State, State), Vec<&'static str>)> {
    let mut moves: Vec<((State, State), Vec<&'static str>)> = Vec::new();
    for row in ROWS.iter().filter(|row| row.when != When::Sealed) {
        let To::State(to) = row.to else { continue };
        for from in row.from.iter().filter(|from| **from != to) {
            let at = moves.iter().position(|(pair, _)| *pair == (*from, to)).unwrap_or_else(|| {
                moves.push(((*from, to), Vec::new()));
                moves.len() - 1
            });
            for word in words(row) {
                if !moves[at].1.contains(&word) {
                    moves[at].1.push(word);
                }
            }
        }
    }
    moves
}

/// What stands beside a row's arrows: the command, and in a word what makes it lead there.
fn words(row: &Row) -> Vec<&'static str> {
    match (row.verb, row.when) {
        // What is agreed on was proposed before.
        (Verb::Agree, When::Proposed(matter)) => vec![matter.chinese(), row.verb.chinese()],
        (Verb::Reopen | Verb::Verify, When::NoUnit) => vec!["代表办的重办"],
        (Verb::Verify, _) => vec!["查验未整改"],
        (Verb::SendBack, When::SecondSendBack) => vec!["再退单"],
        (Verb::Done, When::NeedsNoReview) => vec!["咨询办结"],
        (Verb::Done, When::Given) => vec!["代表当场办结"],
        (Verb::Assign, _) if row.who == [Who::IntakeAndDispatcher].as_slice() => vec!["派单（受理员兼派单员）"],
        (verb, _) => vec![verb.chinese()],
    }
}

fn place(state: State) -> Point {
    BOXES.iter().find(|(other, ..)| *other == state).map_or((0, 0), |(_, at, _)| *at)
}

/// The drawing. A test compares it with the file; `MINHUTEST_UPDATE=1 cargo test` writes it.
pub fn life_cycle() -> String {
    let mut svg = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img" aria-labelledby="title desc">
<title id="title">工单的经过</title>
<desc id="desc">{}</desc>
<style>
text {{ font-family: "PingFang SC", "Noto Sans CJK SC", "Microsoft YaHei", "Source Han Sans SC", sans-serif; fill: #33415c; }}
.box {{ font-size: 14px; text-anchor: middle; dominant-baseline: central; }}
.main-box {{ fill: #e3eefc; stroke: #2b6cb0; stroke-width: 1.8; }}
.side-box {{ fill: #fff6e0; stroke: #c98a1b; stroke-width: 1.4; }}
.end-box {{ fill: #eceff3; stroke: #8794a8; stroke-width: 1.4; }}
.words {{ font-size: 12px; paint-order: stroke; stroke: #f7f9fc; stroke-width: 4px; stroke-linejoin: round; }}
.main-words {{ font-weight: 600; fill: #1d5590; }}
.way {{ fill: none; stroke: #95a1b3; stroke-width: 1.4; stroke-linejoin: round; marker-end: url(#tip); }}
.main-way {{ stroke: #2b6cb0; stroke-width: 2.8; marker-end: url(#main-tip); }}
.list {{ font-size: 11.5px; text-anchor: middle; fill: #5a6880; }}
.note {{ font-size: 12px; fill: #5a6880; }}
</style>
<defs>
<marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" orient="auto-start-reverse"><path d="M0 1 L10 5 L0 9 z" fill="#95a1b3"/></marker>
<marker id="main-tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="10" markerHeight="10" markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0 L10 5 L0 10 z" fill="#2b6cb0"/></marker>
</defs>
<rect width="{WIDTH}" height="{HEIGHT}" rx="12" fill="#f7f9fc"/>
<text x="24" y="36" font-size="20" font-weight="600">工单的经过</text>
<rect x="12" y="54" width="750" height="352" rx="14" fill="#ffffff" stroke="#d9e0ea"/>
<text x="748" y="74" class="note" text-anchor="end">还没完的</text>
"##,
        description()
    );
    let moves = moves();
    for (pair, words) in moves.iter().filter(|((_, to), _)| !GATHERED.contains(to)) {
        draw(&mut svg, *pair, words);
    }
    begin(&mut svg);
    GATHERED.iter().for_each(|end| gathered(&mut svg, *end, &moves));
    for (state, (x, y), class) in BOXES {
        let (left, top) = (x - HALF.0, y - HALF.1);
        let (width, height) = (2 * HALF.0, 2 * HALF.1);
        let round = if *class == "end" { 6 } else { 10 };
        // Writing into a String cannot fail.
        let _ = writeln!(
            svg,
            r#"<g><rect x="{left}" y="{top}" width="{width}" height="{height}" rx="{round}" class="{class}-box"/><text x="{x}" y="{y}" class="box">{}</text></g>"#,
            state.chinese()
        );
    }
    svg.push_str(LEGEND);
    svg.push_str("</svg>\n");
    svg
}

const LEGEND: &str = r#"<path d="M24 612 H62" class="way main-way"/><text x="72" y="616" class="note">顺利的一路</text>
<path d="M172 612 H210" class="way"/><text x="220" y="616" class="note">别的走法</text>
<rect x="308" y="602" width="32" height="20" rx="5" class="side-box"/><text x="348" y="616" class="note">停一停</text>
<rect x="420" y="602" width="32" height="20" rx="4" class="end-box"/><text x="460" y="616" class="note">到此为止</text>
<text x="24" y="644" class="note">撤销：自己刚做的，十分钟内、之后没人动过的，可以收回，回到之前的一步。状态不变的命令不在图上，看表。</text>
<text x="24" y="666" class="note">密封的由纪检监察自己办：受理就办，办结直接给反映人评价，不派单位。</text>
"#;

/// The arrows in words, for those who do not see them.
fn description() -> String {
    let sentences: Vec<String> =
        moves().iter().map(|((from, to), words)| format!("{}到{}：{}", from.chinese(), to.chinese(), words.join("、"))).collect();
    format!("每个方框是一个状态，箭头上是命令。{}。", sentences.join("；"))
}

fn draw(svg: &mut String, (from, to): (State, State), words: &[&str]) {
    let Some(way) = WAYS.iter().find(|way| (way.from, way.to) == (from, to)) else {
        // Still to be laid, which the test says; until then nothing is hidden.
        let ((x, y), (x2, y2)) = (place(from), place(to));
        let _ = writeln!(svg, r#"<path d="M{x} {y} L{x2} {y2}" class="way"/>"#);
        return;
    };
    let main = if way.anchor == Anchor::Gap { " main-way" } else { "" };
    let corners: Vec<String> = way.corners.iter().map(|(x, y)| format!("{x} {y}")).collect();
    let _ = writeln!(svg, r#"<path d="M{}" class="way{main}"/>"#, corners.join(" L"));
    let (x, y) = way.words;
    match (way.anchor, words) {
        (Anchor::Gap, [first, rest @ ..]) => {
            write_words(svg, (x, y - 9), Anchor::Gap, first);
            for (line, word) in (0..).zip(rest) {
                write_words(svg, (x, y + 19 + line * 14), Anchor::Gap, word);
            }
        }
        (anchor, words) => write_words(svg, (x, y), anchor, &words.join("、")),
    }
}

fn write_words(svg: &mut String, (x, y): Point, anchor: Anchor, words: &str) {
    let (anchor, main) = match anchor {
        Anchor::Before => ("end", ""),
        Anchor::Over => ("middle", ""),
        Anchor::After => ("start", ""),
        Anchor::Gap => ("middle", " main-words"),
    };
    let _ = writeln!(svg, r#"<text x="{x}" y="{y}" text-anchor="{anchor}" class="words{main}">{words}</text>"#);
}

/// Where it begins.
fn begin(svg: &mut String) {
    let (x, y) = place(Submitted);
    let (left, y) = (x - HALF.0, y + 8);
    let _ = writeln!(svg, r##"<circle cx="20" cy="{y}" r="4" fill="#2b6cb0"/><path d="M20 {y} H{left}" class="way main-way"/>"##);
    write_words(svg, (31, y + 18), Anchor::Gap, Verb::Report.chinese());
}

/// An end with the list of the states that lead to it.
fn gathered(svg: &mut String, end: State, moves: &[((State, State), Vec<&'static str>)]) {
    let (x, y) = place(end);
    let bottom = y + HALF.1;
    let here: Vec<_> = moves.iter().filter(|((_, to), _)| *to == end).collect();
    let mut words: Vec<&str> = Vec::new();
    here.iter().flat_map(|(_, words)| words).for_each(|word| {
        if !words.contains(word) {
            words.push(word);
        }
    });
    let all = State::ALL.iter().filter(|state| state.is_open()).count() == here.len();
    let lines: Vec<String> = if all {
        vec!["还没完的每一步".to_owned()]
    } else {
        let names: Vec<&str> = here.iter().map(|((from, _), _)| from.chinese()).collect();
        names.chunks(2).map(|pair| pair.join(" · ")).collect()
    };
    let back = ROWS.iter().find(|row| row.to == To::Before && row.from == [end].as_slice());
    let (up, start) = (x - if back.is_some() { 10 } else { 0 }, bottom + 34);
    let _ = writeln!(svg, r#"<path d="M{up} {start} V{bottom}" class="way"/>"#);
    if let Some(back) = back {
        let _ = writeln!(svg, r#"<path d="M{} {bottom} V{start}" class="way"/>"#, x + 10);
        write_words(svg, (up - 6, bottom + 21), Anchor::Before, &words.join("、"));
        write_words(svg, (x + 16, bottom + 21), Anchor::After, back.verb.chinese());
    } else {
        write_words(svg, (x + 6, bottom + 21), Anchor::After, &words.join("、"));
    }
    for (line, text) in (0..).zip(lines) {
        let _ = writeln!(svg, r#"<text x="{x}" y="{}" class="list">{text}</text>"#, start + 15 + line * 16);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_drawing_shows_what_the_table_says() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/life-cycle.svg");
        if std::env::var_os("MINHUTEST_UPDATE").is_some() {
            std::fs::write(path, life_cycle()).unwrap();
        }
        assert_eq!(std::fs::read_to_string(path).unwrap(), life_cycle(), "run with MINHUTEST_UPDATE=1 to write the drawing");
    }

    #[test]
    fn every_move_has_its_way_and_every_way_its_move() {
        let moves: Vec<(State, State)> = moves().into_iter().map(|(pair, _)| pair).collect();
        for (from, to) in &moves {
            let drawn = GATHERED.contains(to) || WAYS.iter().any(|way| (way.from, way.to) == (*from, *to));
            assert!(drawn, "lay a way from {from:?} to {to:?}");
        }
        for way in WAYS {
            assert!(moves.contains(&(way.from, way.to)), "nothing leads from {:?} to {:?} any more", way.from, way.to);
        }
        assert_eq!(BOXES.len(), State::ALL.len());
    }

    /// A way that runs through a box would be read as leading there.
    #[test]
    fn ways_keep_clear_of_boxes() {
        for way in WAYS {
            for corners in way.corners.windows(2) {
                let ((x1, y1), (x2, y2)) = (corners[0], corners[1]);
                assert!(x1 == x2 || y1 == y2, "{:?} to {:?} runs aslant", way.from, way.to);
                for (state, (x, y), _) in BOXES {
                    let apart = x1.max(x2) <= x - HALF.0
                        || x1.min(x2) >= x + HALF.0
                        || y1.max(y2) <= y - HALF.1
                        || y1.min(y2) >= y + HALF.1;
                    assert!(apart, "{:?} to {:?} runs through {state:?}", way.from, way.to);
                }
            }
        }
    }
}
