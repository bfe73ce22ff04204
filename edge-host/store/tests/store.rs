//! The store as callers use it.
#![allow(clippy::unwrap_used)]

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use lockstep_arith::item::compact;
use lockstep_search::{History, Wanted, best};
use lockstep_store::{Item, ModelName, Settings, Store, StoreError, VectorOf, text_hash};

/// Not a number of rows of a segment's worth of bytes, nor of a vector register.
const WIDTH: usize = 19;

fn model(digest: &str) -> ModelName {
    ModelName { digest: digest.into(), width: WIDTH }
}

fn item(id: &str, text: &str) -> Item {
    Item { id: id.into(), text: text.into(), attributes: r#"{"kind":"news"}"#.into(), expires: None }
}

/// The vector of a text, different for each model.
fn vector(digest: &str, text: &str) -> VectorOf {
    let hash = text_hash(&format!("{digest} {text}"));
    let pooled: Vec<i32> = (0..WIDTH).map(|at| i32::from(hash[at] as i8)).collect();
    VectorOf { text: text_hash(text), compact: compact(&pooled) }
}

fn open(folder: &Path) -> Store {
    Store::open(folder, Settings::default()).unwrap()
}

fn put(store: &Store, digest: &str, items: &[(&str, &str)]) {
    let vectors = items.iter().map(|(_, text)| vector(digest, text)).collect();
    let items = items.iter().map(|(id, text)| item(id, text)).collect();
    store.put(model(digest), items, vectors).unwrap();
}

/// The ids and the vectors of the items of a view, in the order of the ids.
fn shown(store: &Store, digest: &str) -> Vec<(String, Vec<i16>)> {
    let view = store.view(digest);
    let mut vector = vec![0; WIDTH];
    let mut shown = Vec::new();
    for row in 0..view.catalogue().rows() {
        let slot = view.slot(row);
        if slot.lives(0) {
            view.catalogue().read(row, &mut vector);
            shown.push((store.item(slot.item).unwrap().unwrap().id, vector.clone()));
        }
    }
    shown.sort();
    shown
}

fn expected(digest: &str, items: &[(&str, &str)]) -> Vec<(String, Vec<i16>)> {
    items.iter().map(|(id, text)| ((*id).to_owned(), vector(digest, text).compact)).collect()
}

#[test]
fn what_is_put_is_there_also_after_a_new_start() {
    let folder = tempfile::tempdir().unwrap();
    let items = [("a", "red shoes"), ("b", "green tea"), ("c", "green tea")];
    for _ in 0..3 {
        let store = open(folder.path());
        put(&store, "m", &items);
        assert_eq!(store.get("b").unwrap(), Some(item("b", "green tea")));
        assert_eq!(store.get("d").unwrap(), None);
        assert_eq!(shown(&store, "m"), expected("m", &items), "two items may have one text");
        drop(store);
        assert_eq!(shown(&open(folder.path()), "m"), expected("m", &items));
    }
    assert_eq!(open(folder.path()).view("m").catalogue().rows(), 3, "the same items need no new rows");
}

#[test]
fn a_new_text_has_a_new_vector_and_the_old_one_stays_known() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    put(&store, "m", &[("a", "red shoes"), ("b", "green tea")]);
    put(&store, "m", &[("a", "blue shoes")]);
    assert_eq!(shown(&store, "m"), expected("m", &[("a", "blue shoes"), ("b", "green tea")]));
    assert_eq!(store.delete(vec!["a".into(), "nobody".into()]).unwrap(), 1);
    assert_eq!(shown(&store, "m"), expected("m", &[("b", "green tea")]));
    for text in ["red shoes", "blue shoes"] {
        assert!(store.knows("m", &text_hash(text)).unwrap());
        assert!(!store.knows("n", &text_hash(text)).unwrap());
    }
    // Without a vector: the store has it.
    assert_eq!(store.put(model("m"), vec![item("z", "red shoes")], vec![]).unwrap(), 0);
    let now = [("b", "green tea"), ("z", "red shoes")];
    assert_eq!(shown(&store, "m"), expected("m", &now));
    drop(store);
    assert_eq!(shown(&open(folder.path()), "m"), expected("m", &now));
}

#[test]
fn a_second_model_fills_while_the_first_answers() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let items = [("a", "one"), ("b", "two"), ("c", "two"), ("d", "three")];
    put(&store, "old", &items);
    let (mut after, mut rounds) = (0, 0);
    loop {
        let batch = store.missing("new", after, 2).unwrap();
        let Some(&(last, _)) = batch.last() else { break };
        let vectors = batch.iter().map(|(_, text)| vector("new", text)).collect();
        store.put(model("new"), vec![], vectors).unwrap();
        assert_eq!(shown(&store, "old"), expected("old", &items));
        (after, rounds) = (last, rounds + 1);
    }
    assert_eq!(rounds, 2);
    assert_eq!(shown(&store, "new"), expected("new", &items));
    // An item that comes now has vectors of one model, and waits for the other.
    put(&store, "new", &[("e", "four")]);
    assert_eq!(store.missing("old", 0, 9).unwrap().len(), 1);
    assert_eq!(store.missing("new", 0, 9).unwrap(), []);
    assert_eq!(shown(&store, "old"), expected("old", &items));
    drop(store);
    let store = open(folder.path());
    assert_eq!((shown(&store, "old").len(), shown(&store, "new").len()), (4, 5));
}

#[test]
fn an_old_view_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    put(&store, "m", &[("a", "one"), ("b", "two")]);
    let old = store.view("m");
    put(&store, "m", &[("a", "three")]);
    store.delete(vec!["b".into()]).unwrap();
    assert_eq!((old.items(0), store.view("m").items(0)), (2, 1));
    let mut vector_of_a = vec![0; WIDTH];
    old.catalogue().read(0, &mut vector_of_a);
    assert_eq!(vector_of_a, vector("m", "one").compact);
}

static NOW: AtomicI64 = AtomicI64::new(1000);

#[test]
fn an_item_goes_when_its_time_has_come() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings { now: || NOW.load(Ordering::SeqCst), ..Settings::default() };
    let store = Store::open(folder.path(), settings).unwrap();
    let lasting = |expires| vec![Item { expires, ..item("a", "one") }];
    store.put(model("m"), lasting(Some(2000)), vec![vector("m", "one")]).unwrap();
    assert_eq!((store.view("m").items(1999), store.view("m").items(2000)), (1, 0));
    // A longer time for the same text keeps the row.
    store.put(model("m"), lasting(Some(3000)), vec![]).unwrap();
    assert_eq!((store.view("m").items(2999), store.view("m").catalogue().rows()), (1, 1));
    NOW.store(2999, Ordering::SeqCst);
    assert!(store.get("a").unwrap().is_some());
    NOW.store(3000, Ordering::SeqCst);
    assert_eq!(store.get("a").unwrap(), None);
    // The thread that writes deletes it, so that it does not come back when the clock is set.
    let deadline = Instant::now() + Duration::from_secs(60);
    while store.view("m").items(0) > 0 {
        assert!(Instant::now() < deadline, "the item is still there");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(store.delete(vec!["a".into()]).unwrap(), 0);
}

#[test]
fn a_bad_change_takes_no_other_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    put(&store, "m", &[("a", "one")]);
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let store = &store;
            scope.spawn(move || {
                for round in 0..20 {
                    let (id, text) = (format!("{thread}-{round}"), format!("text {thread} {round}"));
                    let mut bad = vector("m", &text);
                    bad.compact.pop();
                    let bad = store.put(model("m"), vec![item(&id, &text)], vec![vector("m", "x"), bad]);
                    assert!(matches!(bad, Err(StoreError::Width { found: 18, expected: 19, .. })));
                    assert_eq!(store.get(&id).unwrap(), None);
                    put(store, "m", &[(&id, &text)]);
                }
            });
        }
    });
    assert!(!store.knows("m", &text_hash("x")).unwrap(), "a bad change leaves nothing");
    let mut bad = vector("m", "y");
    bad.compact[3] = i16::MIN;
    assert!(matches!(store.put(model("m"), vec![], vec![bad]), Err(StoreError::NotCompact)));
    let wide = ModelName { digest: "m".into(), width: 20 };
    assert!(matches!(store.put(wide, vec![], vec![]), Err(StoreError::Width { found: 20, .. })));
    let texts: Vec<(String, String)> = (0..8)
        .flat_map(|thread| {
            (0..20).map(move |round| (format!("{thread}-{round}"), format!("text {thread} {round}")))
        })
        .chain([("a".to_owned(), "one".to_owned())])
        .collect();
    let mut texts: Vec<(&str, &str)> = texts.iter().map(|(id, text)| (id.as_str(), text.as_str())).collect();
    texts.sort_unstable();
    assert_eq!(shown(&store, "m"), expected("m", &texts));
    assert_eq!(store.view("m").catalogue().rows(), texts.len(), "no row of a bad change");
    drop(store);
    assert_eq!(shown(&open(folder.path()), "m"), expected("m", &texts));
}

#[test]
fn rows_without_an_item_are_left_behind_at_a_start() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings { compact_from: 8, ..Settings::default() };
    let start = || Store::open(folder.path(), settings).unwrap();
    let store = start();
    put(&store, "m", &[("a", "one"), ("b", "two"), ("c", "three"), ("d", "three")]);
    put(&store, "n", &[("a", "one")]);
    for text in ["x", "y", "z"] {
        put(&store, "m", &[("b", text)]);
    }
    drop(store);
    assert_eq!(start().view("m").catalogue().rows(), 7, "too few rows to look at");
    let store = start();
    put(&store, "m", &[("b", "two again"), ("c", "four"), ("e", "five")]);
    store.delete(vec!["a".into()]).unwrap();
    let now = [("b", "two again"), ("c", "four"), ("d", "three"), ("e", "five")];
    assert_eq!((store.view("m").catalogue().rows(), shown(&store, "m")), (10, expected("m", &now)));
    drop(store);

    // A compaction that was interrupted.
    std::fs::create_dir(folder.path().join("vectors-1-1")).unwrap();
    std::fs::write(folder.path().join("vectors-1-1/000000.high"), [7; 500]).unwrap();
    let store = start();
    assert_eq!((store.view("m").catalogue().rows(), shown(&store, "m")), (4, expected("m", &now)));
    assert_eq!(store.view("n").catalogue().rows(), 1);
    assert!(!folder.path().join("vectors-1-0").exists());
    assert!(store.knows("m", &text_hash("four")).unwrap());
    assert!(!store.knows("m", &text_hash("one")).unwrap(), "nobody has the text any more");
    // The store goes on as before, also with a text that it knows.
    put(&store, "m", &[("f", "six")]);
    store.put(model("m"), vec![item("g", "five")], vec![]).unwrap();
    drop(store);
    let now = [&now[..], &[("f", "six"), ("g", "five")]].concat();
    assert_eq!(shown(&start(), "m"), expected("m", &now));
}

/// More rows than a segment has.
#[test]
fn many_items_are_found_by_a_search() {
    let folder = tempfile::tempdir().unwrap();
    let texts: Vec<String> = (0..20_000).map(|number| format!("text {number}")).collect();
    {
        let store = open(folder.path());
        for texts in texts.chunks(3000) {
            let items: Vec<(&str, &str)> = texts.iter().map(|text| (text.as_str(), text.as_str())).collect();
            put(&store, "m", &items);
        }
        // As many rows that a start leaves behind: those that stay lie in all segments.
        for round in 0..2 {
            for ids in texts.chunks(3000) {
                let other = |id: &String| item(id, &format!("{id} in round {round}"));
                let items: Vec<Item> = ids.iter().map(other).collect();
                let vectors = items.iter().map(|item| vector("m", &item.text)).collect();
                store.put(model("m"), items, vectors).unwrap();
            }
        }
        for ids in texts.chunks(3000) {
            store.put(model("m"), ids.iter().map(|id| item(id, id)).collect(), vec![]).unwrap();
        }
        assert_eq!(store.view("m").catalogue().rows(), 80_000);
    }
    let store = open(folder.path());
    let view = store.view("m");
    assert_eq!((view.items(0), view.catalogue().rows()), (20_000, 20_000));
    for text in ["text 0", "text 16383", "text 16384", "text 19999"] {
        let history = History::new(WIDTH, vector("m", text).compact, vec![1.0]);
        let wanted = Wanted {
            top_n: 1,
            allowed: &|row| view.slot(row).lives(0),
            order: &|a, b| a.cmp(&b),
            threads: NonZeroUsize::new(2).unwrap(),
        };
        let found = best(view.catalogue(), &history, &wanted);
        assert_eq!(store.item(view.slot(found[0].row).item).unwrap().unwrap().text, text);
        assert_eq!(found[0].scored.score, 1.0);
    }
}

#[test]
fn a_folder_has_one_owner() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    assert!(matches!(Store::open(folder.path(), Settings::default()), Err(StoreError::InUse(_))));
    drop(store);
    open(folder.path());
}

#[test]
fn a_damaged_folder_is_named_and_not_used() {
    let folder = tempfile::tempdir().unwrap();
    put(&open(folder.path()), "m", &[("a", "one"), ("b", "two")]);
    let high = folder.path().join("vectors-1-0/000000.high");
    let bytes = std::fs::read(&high).unwrap();
    let refused = || Store::open(folder.path(), Settings::default()).unwrap_err().to_string();
    std::fs::write(&high, &bytes[1..]).unwrap();
    assert!(refused().contains("37 bytes, and the database says 38"), "{}", refused());
    std::fs::remove_file(&high).unwrap();
    assert!(refused().contains("000000.high"), "{}", refused());
    let mut wrong = bytes.clone();
    wrong[WIDTH] = 128;
    std::fs::write(&high, &wrong).unwrap();
    let mut low = std::fs::read(folder.path().join("vectors-1-0/000000.low")).unwrap();
    low[WIDTH] = 0;
    std::fs::write(folder.path().join("vectors-1-0/000000.low"), &low).unwrap();
    assert!(refused().contains("row 1 is no compact vector"), "{}", refused());
    std::fs::write(folder.path().join("items.sqlite"), "no database").unwrap();
    assert!(refused().contains("not a database"), "{}", refused());
}

#[test]
fn items_are_found_by_the_values_of_their_attributes() {
    let folder = tempfile::tempdir().unwrap();
    let with = |id: &str, attributes: &str| Item { attributes: attributes.into(), ..item(id, "one") };
    let found = |store: &Store, name: &str, values: &[&str]| -> Vec<String> {
        let values: Vec<String> = values.iter().map(|&value| value.into()).collect();
        let numbers = store.labelled(name, &values).unwrap();
        numbers.into_iter().map(|number| store.item(number).unwrap().unwrap().id).collect()
    };
    let store = open(folder.path());
    let items = vec![
        with("a", r#"{"kind":"hat","sizes":[1,2,2],"new":true}"#),
        with("b", r#"{"kind":"shoe","sizes":[2.5,3],"new":"true"}"#),
        with("c", r#"{"kind":["hat","shoe"],"sizes":[]}"#),
        with("d", "no JSON"),
    ];
    store.put(model("m"), items, vec![]).unwrap();
    let store = {
        drop(store);
        open(folder.path())
    };
    assert_eq!(found(&store, "kind", &[r#""hat""#]), ["a", "c"]);
    assert_eq!(found(&store, "kind", &[r#""hat""#, r#""shoe""#]), ["a", "b", "c"]);
    assert_eq!(found(&store, "sizes", &["2"]), ["a"]);
    assert_eq!(found(&store, "sizes", &["2.5"]), ["b"]);
    assert_eq!(found(&store, "new", &["true"]), ["a"], "a string is no boolean");
    assert_eq!(found(&store, "new", &[]), [""; 0]);
    store.put(model("m"), vec![with("a", r#"{"kind":"shoe"}"#)], vec![]).unwrap();
    store.delete(vec!["b".into()]).unwrap();
    assert_eq!(found(&store, "kind", &[r#""shoe""#]), ["a", "c"]);
    assert_eq!(found(&store, "sizes", &["2", "2.5", "3"]), [""; 0]);

    let ids = |before: i64, most: usize| -> Vec<String> {
        let numbers = store.newest(before, most).unwrap();
        numbers.into_iter().map(|number| store.item(number).unwrap().unwrap().id).collect()
    };
    assert_eq!(ids(i64::MAX, 9), ["d", "c", "a"]);
    assert_eq!(ids(store.number("d").unwrap().unwrap(), 1), ["c"]);
    assert_eq!(store.number("b").unwrap(), None);
}
