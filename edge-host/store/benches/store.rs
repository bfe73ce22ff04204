//! Times a store of many items, and measures the memory that it takes.
//!
//! `cargo bench -p lockstep-store`, with the number of items behind `--`. Each line is one step.
//! The memory is that of the process alone: pages of mapped files belong to the system, which takes
//! them back when it needs them.

use std::hint::black_box;
use std::num::NonZeroUsize;
use std::time::Instant;

use lockstep_arith::item::compact;
use lockstep_arith::sample::Random;
use lockstep_search::{History, Wanted, best};
use lockstep_store::{Item, ModelName, Settings, Store, VectorOf, text_hash};

const WIDTH: usize = 384;
/// Items of a change.
const BULK: usize = 1000;
/// Bytes of a text, about 100 words.
const TEXT: usize = 600;

fn vector(random: &mut Random) -> Vec<i16> {
    compact(&(0..WIDTH).map(|_| random.within(-9999, 9999)).collect::<Vec<_>>())
}

/// MiB of memory of the process that no file backs.
fn own_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(0) >> 10
}

fn main() {
    let items = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(100_000);
    let folder = tempfile::tempdir().expect("a folder");
    let mut random = Random::new(1);
    let store = Store::open(folder.path(), Settings::default()).expect("a store");
    let mut seconds = 0.0;
    for first in (0..items).step_by(BULK) {
        let numbers = first..items.min(first + BULK);
        let text = |number: usize| format!("{number} {}", "x".repeat(TEXT));
        let new = |number: usize| Item {
            id: number.to_string(),
            text: text(number),
            attributes: "{}".into(),
            expires: None,
        };
        let of = |number: usize| VectorOf { text: text_hash(&text(number)), compact: vector(&mut random) };
        let model = ModelName { digest: "m".into(), width: WIDTH };
        let (new, vectors) = (numbers.clone().map(new).collect(), numbers.map(of).collect());
        let started = Instant::now();
        store.put(model, new, vectors).expect("a disk with room");
        seconds += started.elapsed().as_secs_f64();
    }
    println!("put {items} items, {BULK} together: {:.0} a second", items as f64 / seconds);
    drop(store);

    let before = own_memory();
    let started = Instant::now();
    let store = Store::open(folder.path(), Settings::default()).expect("the same store");
    let seconds = started.elapsed().as_secs_f64();
    println!("opened in {seconds:.2} s, {} MiB", own_memory().saturating_sub(before));

    let started = Instant::now();
    const CHANGES: usize = 100;
    for number in 0..CHANGES {
        let model = ModelName { digest: "m".into(), width: WIDTH };
        let item = Item {
            id: format!("late {number}"),
            text: format!("late {number}"),
            attributes: "{}".into(),
            expires: None,
        };
        let vector = VectorOf { text: text_hash(&item.text), compact: vector(&mut random) };
        store.put(model, vec![item], vec![vector]).expect("a disk with room");
    }
    println!("put one item: {:.2} ms", started.elapsed().as_secs_f64() * 1e3 / CHANGES as f64);

    let view = store.view("m");
    let history = History::new(WIDTH, vector(&mut random), vec![1.0]);
    let threads = NonZeroUsize::new(2).expect("two");
    let mut times: Vec<f64> = (0..21)
        .map(|_| {
            let started = Instant::now();
            let allowed = |row| view.slot(row).lives(0);
            let wanted = Wanted { top_n: 10, allowed: &allowed, order: &|a, b| a.cmp(&b), threads };
            for found in black_box(best(view.catalogue(), &history, &wanted)) {
                black_box(store.item(view.slot(found.row).item).expect("a database"));
            }
            started.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    println!("ten best with their texts: median {:.2} ms, least {:.2} ms", times[10], times[0]);
}
