//! A store as a vector pack, and what changed since.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use lockstep_arith::item::compact;
use lockstep_arith::sample::Random;
use lockstep_pack::{Head, Origin, Out, Pack, Packs, hex};
use lockstep_store::{Item, ModelName, Settings, Store, StoreError, VectorOf, text_hash};

const WIDTH: usize = 6;

struct Memory(Vec<u8>);

impl Out for Memory {
    type Error = io::Error;

    fn put(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        match self.0.put(offset, bytes) {
            Ok(()) => Ok(()),
        }
    }
}

fn origin(space: u8) -> Origin {
    Origin { model: [1; 32], space: [space; 32], width: WIDTH }
}

fn vector(space: u8, text: &str) -> Vec<i16> {
    let hash = text_hash(&format!("{space} {text}"));
    compact(&hash[..WIDTH].iter().map(|&byte| i32::from(byte as i8)).collect::<Vec<_>>())
}

fn put(store: &Store, space: u8, items: &[(&str, &str)], with_vectors: bool) {
    let model = ModelName { digest: hex(&[space; 32]), width: WIDTH };
    let item = |(id, text): &(&str, &str)| Item {
        id: (*id).into(),
        text: (*text).into(),
        attributes: "{}".into(),
        expires: None,
    };
    let of = |(_, text): &(&str, &str)| VectorOf { text: text_hash(text), compact: vector(space, text) };
    let vectors = items.iter().filter(|_| with_vectors).map(of).collect();
    store.put(model, items.iter().map(item).collect(), vectors).unwrap();
}

fn open(folder: &Path) -> Store {
    Store::open(folder, Settings::default()).unwrap()
}

fn packed(store: &Store, space: u8, since: Option<u64>) -> Result<Pack<Vec<u8>>, StoreError> {
    let (packed, out) = store.pack(&origin(space), since, Memory(Vec::new()))?;
    let pack = Pack::open(out.0).unwrap();
    assert_eq!((pack.head(), *pack.digest()), (&packed.head, packed.seal.digest));
    Ok(pack)
}

/// The vector of each id that packs have.
fn found(packs: &Packs<Vec<u8>>, ids: &[&str]) -> Vec<Option<Vec<i16>>> {
    ids.iter().map(|id| packs.of_id(id).map(|row| row.numbers().collect())).collect()
}

#[test]
fn a_pack_has_the_items_with_a_vector_in_the_order_of_their_ids() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    assert_eq!(packed(&store, 1, None).unwrap().head().items, 0);
    put(&store, 1, &[("ü", "tea"), ("b", "hat"), ("a", "tea")], true);
    put(&store, 1, &[("c", "unknown")], false);
    let pack = packed(&store, 1, None).unwrap();
    let ids: Vec<&str> = (0..3).map(|item| pack.id(item)).collect();
    assert_eq!((pack.head().items, ids), (3, vec!["a", "b", "ü"]));
    for (id, text) in [("a", "tea"), ("b", "hat"), ("ü", "tea")] {
        let item = pack.find(id).unwrap();
        assert_eq!(pack.vector(item).numbers().collect::<Vec<_>>(), vector(1, text));
        assert_eq!(pack.text_hash(item), &text_hash(text));
    }
    assert_eq!(packed(&store, 2, None).unwrap().head().items, 0);
    assert_eq!(pack.head().sequence, store.moment().unwrap().sequence);
}

#[test]
fn a_delta_has_what_changed() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    put(&store, 1, &[("a", "tea"), ("b", "hat"), ("c", "cap"), ("d", "mug")], true);
    let mut packs = Packs::default();
    packs.load(packed(&store, 1, None).unwrap()).unwrap();
    let base = store.moment().unwrap().sequence;
    assert_eq!(packed(&store, 1, Some(base)).unwrap().head().items, 0);

    // A new text, a new item, one that goes, one that goes and comes again, one whose new text has
    // no vector; the same text again is no change of a vector.
    put(&store, 1, &[("b", "tea"), ("e", "new")], true);
    store.delete(vec!["a".into(), "d".into()]).unwrap();
    put(&store, 1, &[("d", "mug")], true);
    put(&store, 1, &[("c", "unknown")], false);
    let delta = packed(&store, 1, Some(base)).unwrap();
    let Head { items, removed, series, .. } = *delta.head();
    assert_eq!((items, removed, delta.head().base), (3, 2, base));
    assert_eq!(series, store.moment().unwrap().series);
    packs.load(delta).unwrap();
    let texts = [None, Some("tea"), None, Some("mug"), Some("new")];
    assert_eq!(found(&packs, &["a", "b", "c", "d", "e"]), texts.map(|text| text.map(|text| vector(1, text))));

    let next = packs.last().unwrap().head().sequence;
    // The vector of a text that waited.
    put(&store, 1, &[("f", "unknown")], true);
    packs.load(packed(&store, 1, Some(next)).unwrap()).unwrap();
    assert_eq!(found(&packs, &["c"]), [Some(vector(1, "unknown"))]);
}

#[test]
fn any_changes_give_the_same_as_a_full_pack() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let (mut random, mut packs) = (Random::new(7), Packs::default());
    let ids = ["a", "b", "c", "d", "e", "f"];
    packs.load(packed(&store, 1, None).unwrap()).unwrap();
    for _ in 0..50 {
        for _ in 0..random.within(0, 3) {
            let id = ids[random.within(0, 5) as usize];
            let text = random.within(0, 9).to_string();
            match random.within(0, 3) {
                0 => drop(store.delete(vec![id.into()]).unwrap()),
                1 => put(&store, 1, &[(id, &text)], false),
                _ => put(&store, 1, &[(id, &text)], true),
            }
        }
        let last = packs.last().unwrap().head().sequence;
        packs.load(packed(&store, 1, Some(last)).unwrap()).unwrap();
        let mut full = Packs::default();
        full.load(packed(&store, 1, None).unwrap()).unwrap();
        assert_eq!(found(&packs, &ids), found(&full, &ids));
    }
}

#[test]
fn changes_of_another_series_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    put(&store, 1, &[("a", "tea")], true);
    let before = store.moment().unwrap();
    let refused = |store: &Store, since| {
        let error = packed(store, 1, Some(since)).unwrap_err();
        assert!(matches!(error, StoreError::Since { .. }), "{error}");
    };
    refused(&store, before.sequence + 1);
    refused(&store, 0);
    drop(store);
    let store = open(folder.path());
    assert_ne!(store.moment().unwrap().series, before.series);
    refused(&store, before.sequence);
    assert_eq!(packed(&store, 1, None).unwrap().head().items, 1);
}

#[test]
fn an_item_that_has_expired_is_in_no_pack() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings { now: || 100, ..Settings::default() };
    let store = Store::open(folder.path(), settings).unwrap();
    let model = ModelName { digest: hex(&[1; 32]), width: WIDTH };
    let items: BTreeMap<&str, i64> = [("new", 101), ("old", 100)].into();
    let item = |(id, expires): (&&str, &i64)| Item {
        id: (*id).into(),
        text: "tea".into(),
        attributes: "{}".into(),
        expires: Some(*expires),
    };
    let vectors = vec![VectorOf { text: text_hash("tea"), compact: vector(1, "tea") }];
    store.put(model, items.iter().map(item).collect(), vectors).unwrap();
    let pack = packed(&store, 1, None).unwrap();
    assert_eq!((pack.find("old"), pack.find("new")), (None, Some(0)));
}

/// A folder of the layout before the log.
#[test]
fn an_older_folder_gets_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    put(&store, 1, &[("a", "tea")], true);
    drop(store);
    let database = rusqlite::Connection::open(folder.path().join("items.sqlite")).unwrap();
    database
        .execute_batch(
            "DROP TRIGGER item_came; DROP TRIGGER item_went; DROP TRIGGER item_placed;
             DROP TRIGGER item_taken; DROP TABLE removed; DROP TABLE log; DROP INDEX items_by_change;
             ALTER TABLE items DROP COLUMN changed; PRAGMA user_version = 2;",
        )
        .unwrap();
    drop(database);
    let store = open(folder.path());
    let base = store.moment().unwrap().sequence;
    assert_eq!(packed(&store, 1, None).unwrap().head().items, 1);
    put(&store, 1, &[("b", "hat")], true);
    assert_eq!(packed(&store, 1, Some(base)).unwrap().head().items, 1);
}
