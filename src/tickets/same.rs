//! Is it the same matter? (`docs/domain.md` 6.4)
//!
//! A pure comparison of two matters. The place counts more than the words: equal words about two places are two matters, and a
//! place that both name makes up for words that differ. Nothing is ever joined by this alone; the reporter is asked.

mod named;

use crate::{clock::DAY, message::Millis, people::areas::metres};
use named::Named;

/// Older matters are not compared.
pub const WINDOW: Millis = 90 * DAY;
/// Two points this near are one place, where the field says nothing else.
pub const RADIUS_M: f64 = 200.0;
/// Two points this many times farther apart than that are two places, in one village too.
const FAR: f64 = 5.0;

/// Likeness of words that is enough where the place is the same and the field too.
const ENOUGH_HERE: f64 = 0.10;
/// The same, where both name the same place within the village.
const ENOUGH_AT_THE_SPOT: f64 = 0.07;
/// The same, where the field of one is not known.
const ENOUGH_WITHOUT_FIELD: f64 = 0.20;
/// Enough where nothing is known of the place.
const ENOUGH_ANYWHERE: f64 = 0.15;

/// What is compared of a matter.
#[derive(Debug, Clone, Default)]
pub struct Matter {
    /// Field or topic; none is not known.
    pub field: Option<String>,
    /// The village's code; empty is not known.
    pub area: String,
    /// Latitude and longitude.
    pub point: Option<(f64, f64)>,
    /// The words.
    pub words: Words,
}

/// A text taken apart for comparing.
#[derive(Debug, Clone, Default)]
pub struct Words {
    /// Pieces of one, two and three characters, sorted, each once.
    pieces: Vec<[char; 3]>,
    named: Named,
}

/// What is known of the places of two matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ground {
    Different,
    Unknown,
    Same,
    /// A name or a spot inside the village that both have.
    SameSpot,
}

impl Words {
    /// Takes a text apart. `place` is the name of the matter's own village: it says nothing about which matter it is.
    pub fn read(text: &str, place: &str) -> Words {
        let bare = place.trim_end_matches('村');
        let text = if bare.chars().count() > 1 { text.replace(place, "，").replace(bare, "，") } else { text.to_owned() };
        let chars: Vec<char> = text.chars().map(crate::text::narrow).collect();
        let mut pieces = Vec::new();
        for run in chars.split(|c| !c.is_alphanumeric() || EMPTY.contains(*c)) {
            for length in 1..=3 {
                for piece in run.windows(length) {
                    let mut whole = ['\0'; 3];
                    whole[..length].copy_from_slice(piece);
                    pieces.push(whole);
                }
            }
        }
        pieces.sort_unstable();
        pieces.dedup();
        Words { pieces, named: Named::read(&chars) }
    }

    /// How alike the words are, from 0 to 1: the cosine of their pieces.
    fn likeness(&self, other: &Words) -> f64 {
        let norm = |words: &Words| words.pieces.iter().map(weight).sum::<f64>().sqrt();
        let (mut both, mut pair) = (0.0, false);
        let mut theirs = other.pieces.iter().peekable();
        for piece in &self.pieces {
            while theirs.next_if(|theirs| *theirs < piece).is_some() {}
            if theirs.next_if_eq(&piece).is_some() {
                both += weight(piece);
                pair |= piece[1] != '\0';
            }
        }
        // Characters alone are no likeness.
        if pair { both / (norm(self) * norm(other)) } else { 0.0 }
    }
}

/// Characters that carry no matter.
const EMPTY: &str = "的了我们是在有不和也都就这那您好请望你他她它吗呢吧啊呀嘛与及";

/// A single character says little.
fn weight(piece: &[char; 3]) -> f64 {
    if piece[1] == '\0' { 0.09 } else { 1.0 }
}

/// How surely the new matter is one that is known: `None` when it is another, or when nothing speaks for it; the higher the surer.
/// `radius_m` is that of the field, in metres.
pub fn likeness(new: &Matter, known: &Matter, radius_m: f64) -> Option<f64> {
    if let (Some(one), Some(other)) = (&new.field, &known.field)
        && one != other
    {
        return None;
    }
    let fields_known = new.field.is_some() && known.field.is_some();
    let (enough, sure) = match ground(new, known, radius_m) {
        Ground::Different => return None,
        Ground::Unknown => (ENOUGH_ANYWHERE, 0.0),
        Ground::Same if fields_known => (ENOUGH_HERE, 0.1),
        Ground::Same => (ENOUGH_WITHOUT_FIELD, 0.0),
        Ground::SameSpot if fields_known || new.area.is_empty() => (ENOUGH_AT_THE_SPOT.max(anywhere(new)), 0.2),
        Ground::SameSpot => (ENOUGH_HERE, 0.1),
    };
    let words = new.words.likeness(&known.words);
    (words >= enough).then_some(words + sure)
}

/// A name alone, without a village, is not yet a place.
fn anywhere(new: &Matter) -> f64 {
    if new.area.is_empty() && new.point.is_none() { ENOUGH_HERE } else { 0.0 }
}

fn ground(new: &Matter, known: &Matter, radius_m: f64) -> Ground {
    let apart = new.point.zip(known.point).map(|(one, other)| metres(one, other));
    let near = apart.is_some_and(|apart| apart <= radius_m);
    let areas_known = !new.area.is_empty() && !known.area.is_empty();
    if !near && (areas_known && new.area != known.area || apart.is_some_and(|apart| apart > FAR * radius_m)) {
        return Ground::Different;
    }
    match new.words.named.compare(&known.words.named) {
        // Two who stand at the same point call it by two names; two who only live in one village mean two things.
        Some(false) if !near => Ground::Different,
        Some(true) => Ground::SameSpot,
        _ if near || areas_known => Ground::Same,
        _ => Ground::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn matter(field: &str, area: &str, text: &str) -> Matter {
        Matter {
            field: (!field.is_empty()).then(|| field.to_owned()),
            area: area.to_owned(),
            point: None,
            words: Words::read(text, "前观津村"),
        }
    }

    #[test]
    fn words_and_place_decide_together() {
        for (one, other, same) in [
            // Told in other words.
            (("groundwater", "214", "前观津夜里有人打井抽水卖"), ("groundwater", "214", "有人半夜偷着抽水，打了好几眼井"), true),
            (("road", "214", "前观津村的路灯坏了半个月没人管"), ("road", "214", "路灯不亮，晚上看不见"), true),
            (("water", "214", "自来水停了三天，没人管"), ("water", "214", "停水三天了，吃水都没有"), true),
            // One village, another matter.
            (("road", "214", "前观津村的路灯坏了半个月没人管"), ("road", "214", "前观津村口桥面塌了个坑"), false),
            (("road", "214", "路灯不亮"), ("water", "214", "路灯不亮"), false),
            // Equal words in another village.
            (("road", "214", "村口的路灯坏了半个月"), ("road", "215", "村口的路灯坏了半个月"), false),
            // Equal words at another spot of the village.
            (("road", "214", "村东头的路灯坏了半个月"), ("road", "214", "村西头的路灯坏了半个月"), false),
            (("property", "001", "康泰花园3号楼电梯坏了"), ("property", "001", "康泰花园5号楼电梯坏了"), false),
            (("property", "001", "康泰花园的电梯坏了"), ("property", "001", "文昌小区的电梯坏了"), false),
            // A spot that both name makes up for other words.
            (("sewage", "001", "康泰花园门口臭水流了一地"), ("sewage", "001", "康泰花园下水道又冒了，熏人"), true),
            // The field of one is not known: the words must say more.
            (("", "214", "村头井盖丢了，晚上走路害怕"), ("road", "214", "村头的井盖丢了，怕孩子掉下去"), true),
            (("", "214", "有人在地里堆了好多石子"), ("road", "214", "路上有人停车"), false),
            // Nothing was said.
            (("road", "214", ""), ("road", "214", "路灯不亮"), false),
            (("road", "214", "前观津村"), ("road", "214", "前观津村"), false),
        ] {
            let (one, other) = (matter(one.0, one.1, one.2), matter(other.0, other.1, other.2));
            assert_eq!(likeness(&one, &other, RADIUS_M).is_some(), same, "{one:?} {other:?}");
            assert_eq!(likeness(&other, &one, RADIUS_M).is_some(), same, "{other:?} {one:?}");
        }
    }

    #[test]
    fn points_decide_before_villages() {
        let at = |area: &str, north: f64| Matter {
            point: Some((37.80 + north / 111_195.0, 115.90)),
            ..matter("road", area, "路灯不亮，好几天了")
        };
        let asked = |one: &Matter, other: &Matter, radius| likeness(one, other, radius).is_some();
        assert!(asked(&at("214", 0.0), &at("215", 150.0), RADIUS_M), "one lamp between two villages");
        assert!(!asked(&at("214", 0.0), &at("215", 250.0), RADIUS_M));
        assert!(asked(&at("214", 0.0), &at("215", 250.0), 300.0), "the field's own radius");
        assert!(asked(&at("214", 0.0), &at("214", 900.0), RADIUS_M), "one village");
        assert!(!asked(&at("214", 0.0), &at("214", 1500.0), RADIUS_M), "two ends of a long village");
    }

    #[test]
    fn the_nearer_words_come_first() {
        let new = matter("road", "214", "村口的路灯坏了半个月没人管");
        let near = likeness(&new, &matter("road", "214", "村口的路灯坏了"), RADIUS_M);
        let far = likeness(&new, &matter("road", "214", "路灯全都不亮"), RADIUS_M);
        assert!(near > far && far.is_some());
    }

    proptest! {
        #[test]
        fn no_text_panics_and_a_text_is_like_itself(one in "\\PC{0,60}", other in "\\PC{0,60}") {
            let (one, other) = (Words::read(&one, "前观津村"), Words::read(&other, ""));
            let likeness = one.likeness(&other);
            prop_assert!((0.0..=1.001).contains(&likeness));
            prop_assert!(one.pieces.iter().all(|piece| piece[1] == '\0') || one.likeness(&one) > 0.999);
            prop_assert_ne!(one.named.compare(&one.named), Some(false));
        }
    }
}
