//! Villages by their coordinates.

use super::{Area, Areas};
use crate::people::Level;

/// So many are offered for a location.
const MOST: usize = 3;
/// A village farther away than this is not meant.
const FARTHEST_M: f64 = 5_000.0;

impl Areas {
    /// The villages nearest to a point, of those whose coordinates are known.
    pub fn around(&self, point: (f64, f64)) -> Vec<&Area> {
        let away = |area: &Area| area.point.map(|at| metres((at.lat(), at.lng()), point));
        let villages = self.all().filter(|area| area.level() == Level::Village);
        let mut near: Vec<(f64, &Area)> =
            villages.filter_map(|area| Some((away(area)?, area))).filter(|(away, _)| *away <= FARTHEST_M).collect();
        near.sort_by(|(one, _), (other, _)| one.total_cmp(other));
        near.into_iter().take(MOST).map(|(_, area)| area).collect()
    }

    /// The county beside ours that a text names, with ours.
    pub fn neighbour_in(&self, text: &str) -> Option<(&str, &Area)> {
        let counties = self.all().filter(|area| !area.neighbours.is_empty());
        let mut named = counties.flat_map(|county| county.neighbours.iter().map(move |name| (name.as_str(), county)));
        named.find(|(name, _)| text.contains(name))
    }
}

/// The distance of two points in metres; good enough within a county.
pub fn metres(one: (f64, f64), other: (f64, f64)) -> f64 {
    const PER_DEGREE: f64 = 111_195.0;
    let middle = ((one.0 + other.0) / 2.0).to_radians();
    let (north, east) = (other.0 - one.0, (other.1 - one.1) * middle.cos());
    north.hypot(east) * PER_DEGREE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_metres() {
        assert!((metres((37.80, 115.90), (37.81, 115.90)) - 1112.0).abs() < 2.0);
        assert!((metres((37.80, 115.90), (37.80, 115.91)) - 878.6).abs() < 2.0);
    }
}
