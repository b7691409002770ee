//! A request's id: by it the log, the answer and the outbox speak of the same message. It is made of nothing that was sent.

use crate::seal::random;
use axum::http::{HeaderMap, HeaderName};
use std::sync::atomic::{AtomicU64, Ordering};

/// Where a proxy says its id, and where the answer repeats it.
pub(super) const HEADER: HeaderName = HeaderName::from_static("x-request-id");
/// The longest id that is taken over.
const LONGEST: usize = 64;

/// Gives out ids that no other process gives out.
pub struct Ids {
    process: String,
    next: AtomicU64,
}

impl Default for Ids {
    fn default() -> Self {
        // Letters alone, so that no id looks like somebody's number.
        let letter = |nibble: u8| char::from(b'a' + nibble);
        let random = random::<6>().unwrap_or_default();
        let process = random.iter().flat_map(|byte| [letter(byte >> 4), letter(byte & 15)]).collect();
        Ids { process, next: AtomicU64::new(1) }
    }
}

impl Ids {
    /// The id that the proxy gave, if it is one, else a new one.
    pub(super) fn of(&self, headers: &HeaderMap) -> String {
        let given = headers.get(HEADER).and_then(|id| id.to_str().ok()).filter(|id| is_sane(id));
        given.map_or_else(|| format!("{}-{}", self.process, self.next.fetch_add(1, Ordering::Relaxed)), str::to_owned)
    }
}

fn is_sane(id: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    (1..=LONGEST).contains(&id.len()) && id.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sane_id_is_taken_over_and_anything_else_replaced() {
        let ids = Ids::default();
        let of = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(HEADER, value.parse().unwrap());
            ids.of(&headers)
        };
        for sane in ["a", "3f2504e0-4f89-11d3-9a0c-0305e82c3301", "a.B_c-9", &"x".repeat(64)] {
            assert_eq!(of(sane), sane);
        }
        for other in ["", " ", "a b", "a;b", "a\"b", "水", &"x".repeat(65)] {
            assert!(of(other) != other && is_sane(&of(other)), "{other}");
        }
        assert!(ids.process.len() == 12 && ids.process.bytes().all(|byte| byte.is_ascii_lowercase()));
        assert_ne!(ids.of(&HeaderMap::new()), ids.of(&HeaderMap::new()));
        assert_ne!(Ids::default().process, Ids::default().process);
    }
}
