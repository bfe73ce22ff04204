//! Vector packs: valid files with changed numbers, bytes and lengths, mostly under a seal that fits
//! again. A file that is accepted keeps every rule: it is written anew as the same bytes.

use std::collections::BTreeSet;

use lockstep_folder::manifest::sha256;
use lockstep_pack::{Head, Origin, Pack, Packs, Plan, Writer, of_hex};

use crate::script::Script;

/// What ids are made of.
const PIECES: [&str; 8] = ["a", "b", "/", "é", "日", "🚲", "\u{300}", "\0"];

/// Where the table begins, and the bytes of its lines.
const TABLE: usize = 128;
const LINE: usize = 64;

/// Reads a script as a file. Returns whether it was accepted.
pub fn run(bytes: &[u8]) -> bool {
    let mut script = Script::new(bytes);
    let mut file = good(&mut script);
    for _ in 0..script.below(4) {
        change(&mut file, &mut script);
    }
    if !script.chance(32) {
        seal(&mut file);
    }
    let Ok(pack) = Pack::open(file.clone()) else { return false };
    let head = *pack.head();
    let known = ids(&pack);
    for (item, id) in known.iter().enumerate() {
        assert_eq!(pack.find(id), Some(item), "an id has a place");
        let text = pack.find_text(pack.text_hash(item)).expect("an item has a text");
        assert_eq!(pack.text_hash(text), pack.text_hash(item));
        assert!(!pack.is_removed(id), "an item is not removed");
    }
    let sections = u32::from_le_bytes(file[92..96].try_into().expect("four bytes"));
    if sections == 4 {
        assert!(written(&head, &pack) == file, "another file of the same items");
    }
    let mut packs = Packs::default();
    assert_eq!(packs.load(pack).is_ok(), !head.is_delta(), "a delta needs a base");
    assert_eq!(known.iter().all(|id| packs.of_id(id).is_some()), !head.is_delta() || known.is_empty());
    true
}

/// A valid file.
fn good(script: &mut Script<'_>) -> Vec<u8> {
    let id =
        |script: &mut Script<'_>| -> String { (0..=script.below(3)).map(|_| script.pick(&PIECES)).collect() };
    let items: BTreeSet<String> = (0..script.below(5)).map(|_| id(script)).collect();
    let removed: BTreeSet<String> = (0..script.below(3)).map(|_| id(script)).collect();
    let delta = script.chance(96);
    let removed: Vec<&String> = removed.iter().filter(|id| delta && !items.contains(*id)).collect();
    let origin = Origin { model: [1; 32], space: [2; 32], width: 1 + script.below(4) };
    let (base, sequence) = (u64::from(delta) * 3, 3 + script.below(4) as u64);
    let head = Head { origin, items: items.len(), removed: removed.len(), series: [4; 16], sequence, base };
    let id_bytes = items.iter().map(String::len).sum();
    let removed_bytes = removed.iter().map(|id| id.len()).sum();
    let plan = Plan { head, id_bytes, removed_bytes };
    let mut writer = Writer::new(Vec::new(), &plan).expect("a plan");
    for id in &items {
        let mut row = vec![i16::MAX; origin.width];
        row[0] = -i16::MAX + i16::from(script.byte());
        if origin.width == 1 {
            row[0] = -i16::MAX;
        }
        writer.item(id, &[script.byte() % 4; 32], &row).expect("an item");
    }
    for id in removed {
        writer.removed(id).expect("a removed id");
    }
    writer.finish().expect("a file").1
}

fn change(file: &mut Vec<u8>, script: &mut Script<'_>) {
    let end = file.len();
    let mut put = |at: usize, bytes: &[u8]| {
        for (at, &byte) in (at..).zip(bytes) {
            if let Some(old) = file.get_mut(at) {
                *old = byte;
            }
        }
    };
    match script.below(6) {
        // A number of the head, of the table, and of the sections.
        0 => put(80 + 4 * script.below(12), &(script.number() as u32).to_le_bytes()),
        1 => put(TABLE + 8 * script.below(48), &script.number().to_le_bytes()),
        2 => put(TABLE + 5 * LINE + 2 * script.below(400), &(script.number() as u16).to_le_bytes()),
        3 => {
            let at = script.below(end);
            put(at, &[script.byte()]);
        }
        4 => file.truncate(script.below(file.len() + 1)),
        _ => {
            let at = script.below(file.len() / LINE + 1) * LINE;
            file.splice(at..at, std::iter::repeat_n(script.byte(), LINE));
        }
    }
}

/// Makes all digests right, as far as the table names places in the file.
fn seal(file: &mut [u8]) {
    let digest = |bytes: &[u8]| of_hex(&sha256(bytes)).expect("a digest");
    let number = |file: &[u8], at: usize| {
        let bytes = file.get(at..at + 8).and_then(<[u8]>::first_chunk);
        bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes))
    };
    let sections = (number(file, 92) as u32).min(32) as usize;
    for line in (0..sections).map(|section| TABLE + section * LINE) {
        let (start, length) = (number(file, line + 8) as usize, number(file, line + 16) as usize);
        let section = start.checked_add(length).and_then(|end| file.get(start..end));
        if let Some(section) = section.map(digest)
            && let Some(place) = file.get_mut(line + 32..line + 64)
        {
            place.copy_from_slice(&section);
        }
    }
    let end = TABLE + sections * LINE;
    if let Some(head) = file.get(..end).map(digest)
        && let Some(place) = file.get_mut(end..end + 32)
    {
        place.copy_from_slice(&head);
    }
}

fn ids(pack: &Pack<Vec<u8>>) -> Vec<String> {
    (0..pack.head().items).map(|item| pack.id(item).to_owned()).collect()
}

/// The same items in a new file.
fn written(head: &Head, pack: &Pack<Vec<u8>>) -> Vec<u8> {
    let id_bytes = ids(pack).iter().map(String::len).sum();
    let plan = Plan { head: *head, id_bytes, removed_bytes: 0 };
    let mut writer = Writer::new(Vec::new(), &plan).expect("a plan that was read");
    for item in 0..head.items {
        let row: Vec<i16> = pack.vector(item).numbers().collect();
        writer.item(pack.id(item), pack.text_hash(item), &row).expect("an item that was read");
    }
    writer.finish().expect("a pack that was read").1
}

/// Packs and deltas, whole and changed.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = vec![vec![], vec![3, 1, 0, 1, 0, 1, 2, 0, 3], vec![2, 1, 0, 4, 0, 1, 2, 0, 5, 255]];
    seeds.extend(crate::random::scripts(40, 60));
    seeds
}
