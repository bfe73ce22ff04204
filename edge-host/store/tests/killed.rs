//! A process that writes is killed in the middle: nothing acknowledged is lost, and nothing
//! half-written is read.
#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use lockstep_arith::item::compact;
use lockstep_arith::sample::Random;
use lockstep_store::{Item, ModelName, Settings, Store, VectorOf, text_hash};

const WIDTH: usize = 384;
/// Times that the process is killed.
const ROUNDS: u64 = 20;
/// Threads of the process that put items.
const THREADS: u64 = 3;
/// Items of a change.
const TOGETHER: u64 = 7;
/// Of these, so many are deleted again.
const DELETED: u64 = 4;
/// Names the folder for the process that writes.
const FOLDER: &str = "LOCKSTEP_KILLED_FOLDER";

fn item(number: u64) -> Item {
    let text = format!("text {number} {}", "word ".repeat(number as usize % 40));
    Item { id: format!("item {number}"), text, attributes: format!("{{\"n\":{number}}}"), expires: None }
}

fn vector(number: u64) -> VectorOf {
    let mut random = Random::new(number);
    let pooled: Vec<i32> = (0..WIDTH).map(|_| random.within(-9999, 9999)).collect();
    VectorOf { text: text_hash(&item(number).text), compact: compact(&pooled) }
}

fn open(folder: &Path) -> Store {
    Store::open(folder, Settings { compact_from: 50, ..Settings::default() }).unwrap()
}

/// Puts items from `first` on until the process is killed, and prints each number when it is
/// acknowledged. Of each change it deletes the first items again, so that most rows have no item,
/// and each start leaves these behind.
fn write(folder: &Path, first: u64) {
    let store = open(folder);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let store = &store;
            scope.spawn(move || {
                for change in 0.. {
                    let start = first + (change * THREADS + thread) * TOGETHER;
                    let numbers = start..start + TOGETHER;
                    let model = ModelName { digest: "m".into(), width: WIDTH };
                    store
                        .put(
                            model,
                            numbers.clone().map(item).collect(),
                            numbers.clone().map(vector).collect(),
                        )
                        .unwrap();
                    println!("\nput {start}");
                    store.delete((start..start + DELETED).map(|number| item(number).id).collect()).unwrap();
                    println!("\ndeleted {start}");
                }
            });
        }
    });
}

#[test]
fn nothing_acknowledged_is_lost_and_nothing_half_written_is_read() {
    if let Ok(folder) = std::env::var(FOLDER) {
        let (folder, first) = folder.split_once('#').unwrap();
        return write(Path::new(folder), first.parse().unwrap());
    }
    let folder = tempfile::tempdir().unwrap();
    let mut random = Random::new(9);
    let (mut put, mut deleted) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let first = round * 1_000_000;
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "nothing_acknowledged_is_lost_and_nothing_half_written_is_read", "--nocapture"])
            .env(FOLDER, format!("{}#{first}", folder.path().display()))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut wanted = random.within(-9, 40);
        let deadline = Instant::now() + Duration::from_secs(120);
        let mut note = |line: String| {
            let number = |line: &str| line.trim().parse::<u64>().unwrap();
            match line.split_once(' ') {
                Some(("put", start)) => put.push(number(start)),
                Some(("deleted", start)) => deleted.push(number(start)),
                _ => return false,
            }
            true
        };
        while wanted > 0 {
            assert!(Instant::now() < deadline, "the process writes nothing");
            wanted -= i32::from(note(lines.next().expect("the process lives").unwrap()));
        }
        // A moment that no acknowledgement marks, in some rounds while the folder is opened.
        let longest = if wanted < 0 { 40_000 } else { 3000 };
        std::thread::sleep(Duration::from_micros(random.within(0, longest) as u64));
        process.kill().unwrap();
        process.wait().unwrap();
        lines.map_while(Result::ok).for_each(|line| {
            note(line);
        });
        check(folder.path(), &put, &deleted);
    }
    assert!(put.len() as u64 > ROUNDS);
    assert!(!folder.path().join("vectors-1-0").exists(), "starts have compacted the folder");
}

/// Opens the folder and compares all that it shows with what was put.
fn check(folder: &Path, put: &[u64], deleted: &[u64]) {
    let store = open(folder);
    let within = |number: u64| number % 1_000_000 % TOGETHER;
    let gone = |number: u64| within(number) < DELETED && deleted.contains(&(number - within(number)));
    for &start in put {
        for number in start + DELETED..start + TOGETHER {
            assert_eq!(store.get(&item(number).id).unwrap(), Some(item(number)), "acknowledged");
        }
    }
    for number in deleted.iter().flat_map(|&start| start..start + DELETED) {
        assert_eq!(store.get(&item(number).id).unwrap(), None, "its deletion was acknowledged");
    }
    // Every item that a search sees is whole, acknowledged or not, and there is no other one.
    let view = store.view("m");
    let mut found = vec![0; WIDTH];
    let mut seen = Vec::new();
    for row in 0..view.catalogue().rows() {
        let slot = view.slot(row);
        if slot.lives(0) {
            let whole = store.item(slot.item).unwrap().expect("an item of the view");
            let number = whole.id.strip_prefix("item ").unwrap().parse().unwrap();
            assert_eq!(whole, item(number));
            view.catalogue().read(row, &mut found);
            assert_eq!(found, vector(number).compact);
            assert!(!gone(number));
            seen.push(number);
        }
    }
    seen.sort_unstable();
    assert!(seen.windows(2).all(|pair| pair[0] != pair[1]), "each item once");
    let there = |mut numbers: std::ops::Range<u64>| {
        let all = numbers.clone().all(|number| seen.binary_search(&number).is_ok());
        (all, all || numbers.any(|number| seen.binary_search(&number).is_ok()))
    };
    for &start in put {
        assert_eq!(there(start + DELETED..start + TOGETHER), (true, true), "searchable");
    }
    // Both changes are there as a whole or not at all.
    for &one in &seen {
        let start = one - within(one);
        assert_eq!(there(start + DELETED..start + TOGETHER), (true, true), "put in part: {start}");
        let (all, any) = there(start..start + DELETED);
        assert_eq!(all, any, "deleted in part: {start}");
    }
    assert_eq!(store.missing("m", 0, 9).unwrap(), []);
}
