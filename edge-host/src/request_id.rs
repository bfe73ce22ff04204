//! The id of a request, by which a client finds its request in the log.

use std::{
    collections::hash_map::RandomState,
    hash::BuildHasher,
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
};

use hyper::HeaderMap;

/// The header of the id, of requests and answers.
pub(crate) const HEADER: &str = "x-request-id";
/// Longest id that a client may choose, in bytes.
const LONGEST: usize = 128;

/// The client's own id, if it is of 1 to 128 visible ASCII characters; otherwise a new one.
pub(crate) fn of(headers: &HeaderMap) -> String {
    let own = headers.get(HEADER).and_then(|value| value.to_str().ok());
    let usable =
        |id: &&str| (1..=LONGEST).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
    own.filter(usable).map_or_else(new, str::to_owned)
}

/// An id that no other request of this daemon has, and most likely none of another daemon.
fn new() -> String {
    static FIRST: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(()));
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("{:016x}", FIRST.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_client_may_choose_an_id_of_visible_characters() {
        let of = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(HEADER, value.parse().unwrap());
            of(&headers)
        };
        for own in ["7", "0c-f/=", &"x".repeat(128)] {
            assert_eq!(of(own), own);
        }
        let made = ["", "a b", &"x".repeat(129)].map(of);
        assert!(made.iter().all(|id| id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit())));
        assert!(made[0] != made[1] && made[1] != made[2]);
    }
}
