//! Small packs.
#![allow(clippy::unwrap_used, dead_code, unreachable_pub)]

use lockstep_pack::{Head, Origin, Pack, Plan, Seal, Writer};

pub const WIDTH: usize = 3;

pub fn head(items: usize) -> Head {
    let origin = Origin { model: [1; 32], space: [2; 32], width: WIDTH };
    Head { origin, items, removed: 0, series: [3; 16], sequence: 7, base: 0 }
}

/// The hash of a text, for tests: its first byte everywhere.
pub fn hash(text: &str) -> [u8; 32] {
    [text.as_bytes()[0]; 32]
}

/// A compact vector.
pub fn vector(number: i16) -> [i16; WIDTH] {
    [number, -32767, 5]
}

/// A pack of items (their ids, texts and the first numbers of their vectors) and of removed ids.
pub fn written(head: Head, items: &[(&str, &str, i16)], removed: &[&str]) -> (Vec<u8>, Seal) {
    let head = Head { items: items.len(), removed: removed.len(), ..head };
    let id_bytes = items.iter().map(|item| item.0.len()).sum();
    let removed_bytes = removed.iter().map(|id| id.len()).sum();
    let mut writer = Writer::new(Vec::new(), &Plan { head, id_bytes, removed_bytes }).unwrap();
    for (id, text, number) in items {
        writer.item(id, &hash(text), &vector(*number)).unwrap();
    }
    for id in removed {
        writer.removed(id).unwrap();
    }
    let (seal, file) = writer.finish().unwrap();
    (file, seal)
}

pub fn pack(head: Head, items: &[(&str, &str, i16)], removed: &[&str]) -> Pack<Vec<u8>> {
    Pack::open(written(head, items, removed).0).unwrap()
}
