//! The vectors of texts that were encoded before, within a bounded number of bytes.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use lockstep_rank::Encoded;
use quick_cache::{Weighter, sync::Cache};
use sha2::{Digest, Sha256};

/// A text's key: SHA-256 of the text. All vectors are of one model, so the model needs no part in
/// it.
type Key = [u8; 32];

/// Bytes that an entry takes beside its integers: the key, the counts and the cache's own records.
const ENTRY: u64 = 160;

/// The known vectors of one model.
#[derive(Debug)]
pub(super) struct Vectors {
    /// `None` if nothing is kept.
    cache: Option<Cache<Key, Arc<Encoded>, ByBytes>>,
    /// Texts whose vectors were asked for and known.
    known: AtomicU64,
    /// Texts whose vectors were asked for and not known.
    unknown: AtomicU64,
}

#[derive(Debug, Clone)]
struct ByBytes;

impl Weighter<Key, Arc<Encoded>> for ByBytes {
    fn weight(&self, _: &Key, encoded: &Arc<Encoded>) -> u64 {
        4 * encoded.vector.len() as u64 + ENTRY
    }
}

impl Vectors {
    /// Room for `bytes` bytes of vectors with `outputs` integers each. With 0 bytes nothing is
    /// kept.
    pub(super) fn new(bytes: u64, outputs: usize) -> Self {
        let entries = bytes / (4 * outputs as u64 + ENTRY);
        let cache = (entries > 0).then(|| Cache::with_weighter(entries as usize, bytes, ByBytes));
        Self { cache, known: AtomicU64::new(0), unknown: AtomicU64::new(0) }
    }

    /// The vector of a text, if it is known.
    pub(super) fn get(&self, text: &str) -> Option<Encoded> {
        let found = self.cache.as_ref().and_then(|cache| cache.get(&key(text)));
        let count = if found.is_some() { &self.known } else { &self.unknown };
        count.fetch_add(1, Ordering::Relaxed);
        found.map(|found| Encoded::clone(&found))
    }

    /// How many texts were asked for: those whose vectors were known, and the others.
    pub(super) fn found(&self) -> (u64, u64) {
        (self.known.load(Ordering::Relaxed), self.unknown.load(Ordering::Relaxed))
    }

    /// Keeps the vector of a text.
    pub(super) fn keep(&self, text: &str, encoded: &Encoded) {
        if let Some(cache) = &self.cache {
            cache.insert(key(text), Arc::new(encoded.clone()));
        }
    }
}

fn key(text: &str) -> Key {
    Sha256::digest(text.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn encoded(first: i32) -> Encoded {
        Encoded { vector: vec![first, 2, 3, 4], tokens: 5, truncated: true }
    }

    #[test]
    fn a_vector_is_kept_with_all_that_belongs_to_it() {
        let vectors = Vectors::new(1 << 20, 4);
        assert_eq!(vectors.get("a"), None);
        vectors.keep("a", &encoded(1));
        assert_eq!(vectors.get("a"), Some(encoded(1)));
        assert_eq!(vectors.get("a "), None);
        assert_eq!(vectors.found(), (1, 2));
    }

    #[test]
    fn the_bytes_are_bounded() {
        let vectors = Vectors::new(100 * (16 + ENTRY), 4);
        for number in 0..10_000 {
            vectors.keep(&number.to_string(), &encoded(number));
        }
        let cache = vectors.cache.as_ref().unwrap();
        assert!(cache.weight() <= 100 * (16 + ENTRY) && cache.len() >= 50, "{}", cache.len());
        for number in 0..10_000 {
            let found = vectors.get(&number.to_string());
            assert!(found.is_none_or(|found| found == encoded(number)));
        }
        let nothing = Vectors::new(0, 4);
        nothing.keep("a", &encoded(1));
        assert_eq!(nothing.get("a"), None);
    }
}
