//! Who there is: areas, units, fields, rules, people with their rights, deputy groups and work groups.
//!
//! [`Directory`] is the picture in memory that everything asks; it never changes. The tables are written by [`import`] and
//! [`store`], each change raises the version, and a service that sees a newer version loads a new picture.

mod actor;
pub mod areas;
pub mod codes;
pub mod desk;
mod directory;
pub mod import;
pub mod org;
pub mod phones;
pub mod rights;
mod rights_store;
mod role;
pub mod sheet;
pub mod store;
pub mod wording;

pub use actor::{Actor, Office, person_holder, reporter_place};
pub use areas::Areas;
pub use directory::{Directory, Named, Proposal, Scope, may_be_only_unit, may_judge};
pub use role::{Needs, Role};

/// An area of the National Bureau of Statistics scheme.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Area {
    /// 2, 4, 6, 9 or 12 digits; an area lies within another whose code begins its own.
    pub code: String,
    /// The official name, for example 前观津村民委员会.
    pub name: String,
    /// What begins the ticket numbers of a county.
    pub prefix: Option<String>,
    /// Other names that people use.
    pub aliases: Vec<String>,
    /// Where it is.
    pub point: Option<Coordinates>,
    /// Counties next to this one: matters there are not ours.
    pub neighbours: Vec<String>,
    /// No longer in use: shown on old tickets, not recognised.
    pub retired: bool,
}

/// Latitude and longitude in millionths of a degree, about a tenth of a metre.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Coordinates {
    /// North.
    pub lat_millionths: i64,
    /// East.
    pub lng_millionths: i64,
}

impl Coordinates {
    /// Of degrees.
    pub fn of(lat: f64, lng: f64) -> Self {
        let millionths = |degrees: f64| (degrees * 1e6).round() as i64;
        Coordinates { lat_millionths: millionths(lat), lng_millionths: millionths(lng) }
    }

    /// Degrees north.
    pub fn lat(self) -> f64 {
        self.lat_millionths as f64 / 1e6
    }

    /// Degrees east.
    pub fn lng(self) -> f64 {
        self.lng_millionths as f64 / 1e6
    }
}

/// The size of an area.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// 省, 2 digits.
    Province,
    /// 市, 4 digits.
    City,
    /// 县, 6 digits.
    County,
    /// 乡镇, 9 digits.
    Township,
    /// 村, 12 digits.
    Village,
}

impl Level {
    /// All levels from large to small.
    pub const ALL: [Level; 5] = [Level::Province, Level::City, Level::County, Level::Township, Level::Village];

    /// The level that a code has by its length.
    pub fn of(code: &str) -> Option<Level> {
        if !code.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        Level::ALL.into_iter().find(|level| level.digits() == code.len())
    }

    /// The number of digits of its codes.
    pub fn digits(self) -> usize {
        match self {
            Level::Province => 2,
            Level::City => 4,
            Level::County => 6,
            Level::Township => 9,
            Level::Village => 12,
        }
    }

    /// The word in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Province => "province",
            Level::City => "city",
            Level::County => "county",
            Level::Township => "township",
            Level::Village => "village",
        }
    }
}

impl Area {
    /// Its level; a code that was checked always has one.
    pub fn level(&self) -> Level {
        Level::of(&self.code).unwrap_or(Level::Village)
    }
}

/// Does the area `outer` contain `inner` (or equal it)? The empty code contains everything.
pub fn contains(outer: &str, inner: &str) -> bool {
    inner.starts_with(outer)
}

/// The code one level up, `None` for a province.
pub fn parent(code: &str) -> Option<&str> {
    let level = Level::of(code)?;
    let above = Level::ALL.into_iter().rev().find(|other| *other < level)?;
    code.get(..above.digits())
}

/// An office that handles tickets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// The id in files and commands.
    pub id: String,
    /// 水务局.
    pub name: String,
    /// Other names that people use.
    pub aliases: Vec<String>,
    /// The area it works for.
    pub area: String,
    /// The unit it belongs to (a station of a township).
    pub parent: Option<String>,
    /// No longer in use: shown on old tickets, not recognised.
    pub retired: bool,
}

/// What a ticket is about: one of the campaign's fields, or a topic of everyday life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The id in files.
    pub id: String,
    /// 地下水超采综合治理.
    pub name: String,
    /// Campaign or topic.
    pub kind: FieldKind,
    /// Who handles it when no rule says otherwise.
    pub unit: Option<String>,
    /// A pattern of words that propose it.
    pub words: Option<String>,
    /// 办结 needs a photo.
    pub photo: bool,
    /// How near two reports are one matter, in metres; `None` for the default.
    pub radius_m: Option<i64>,
    /// No longer in use: shown on old tickets, not proposed.
    pub retired: bool,
}

/// The two sorts of field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    /// One of the county's campaign fields.
    Campaign,
    /// A matter of everyday life.
    Topic,
}

/// Who handles what, where the field alone does not say; at least one condition, all of them must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The field.
    pub field: Option<String>,
    /// The area or one around it.
    pub area: Option<String>,
    /// A pattern found in the text.
    pub text: Option<String>,
    /// The unit proposed.
    pub to: String,
}

/// A right: a role in an area, of a unit, for a field.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Grant {
    /// The role.
    pub role: Role,
    /// Where; empty for a unit's people wherever their unit acts.
    pub area: String,
    /// For which unit and those below it; `None` for all.
    pub unit: Option<String>,
    /// For which field; `None` for all.
    pub field: Option<String>,
}

/// Somebody with an office, or who had one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Staff {
    /// The person's id in the database.
    pub id: i64,
    /// The id in files.
    pub reference: String,
    /// The name.
    pub name: String,
    /// What he may do; none once retired.
    pub grants: Vec<Grant>,
    /// Of these, what is his own: not lent to him for a time by 代班.
    pub own: Vec<Grant>,
    /// No longer in office.
    pub retired: bool,
}

/// Deputies of one area with their leader. Members hold the deputy's right there, the leader that of a group leader, without
/// a grant of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeputyGroup {
    /// The id in files.
    pub id: String,
    /// 审坡镇代表小组.
    pub name: String,
    /// Where.
    pub area: String,
    /// The leader's reference.
    pub lead: Option<String>,
    /// The members' references.
    pub members: Vec<String>,
}

/// A group chat in which the bot works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatGroup {
    /// The id in files.
    pub id: String,
    /// 水务局工作群.
    pub name: String,
    /// Channel and the platform's id of the chat, once bound.
    pub chat: Option<(String, String)>,
    /// Whose group it is.
    pub of: GroupOf,
}

/// Whose group a group chat is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupOf {
    /// A unit's.
    Unit(String),
    /// A deputy group's.
    Deputies(String),
    /// The centre that takes in and assigns.
    Centre,
}

/// The digits of a Chinese mobile number, or `None`: blanks, hyphens and +86 are dropped.
pub fn phone(text: &str) -> Option<String> {
    let folded = crate::text::fold(text);
    let bare: String = folded.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
    let bare = bare.strip_prefix("+86").or_else(|| bare.strip_prefix("0086")).unwrap_or(&bare);
    let right = bare.len() == 11 && bare.bytes().all(|b| b.is_ascii_digit()) && bare.starts_with('1') && &bare[1..2] >= "3";
    right.then(|| bare.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_contain_what_they_begin() {
        for (outer, inner, holds) in [
            ("131122", "131122102214", true),
            ("131122102", "131122102", true),
            ("131122102", "131122", false),
            ("131122102", "131122103201", false),
            ("", "131122", true),
        ] {
            assert_eq!(contains(outer, inner), holds, "{outer} {inner}");
        }
        assert_eq!(parent("131122102214"), Some("131122102"));
        assert_eq!(parent("1311"), Some("13"));
        assert_eq!(parent("13"), None);
        assert_eq!(Level::of("13112"), None);
        assert_eq!(Level::of("13112x"), None);
    }

    #[test]
    fn phones_are_reduced_to_their_digits() {
        for (text, expected) in [
            ("138 0000 0001", Some("13800000001")),
            ("+86-13800000001", Some("13800000001")),
            ("１３８００００００００１", None),
            ("１３８０００００００１", Some("13800000001")),
            ("1380000000", None),
            ("12800000001", None),
            ("0318-5712345", None),
            ("", None),
        ] {
            assert_eq!(phone(text).as_deref(), expected, "{text}");
        }
    }
}
