//! Measures how long an engine takes until it can score: a new instance of the module, beside the
//! time that it takes to score 16 tokens, and the native engine.
//!
//! `start_up MODEL_FOLDER MODULE.wasm [ROUNDS [REPORT.json]]` prints a table and writes
//! `REPORT.json`.
#![allow(clippy::unwrap_used, reason = "a measurement that cannot go on ends")]

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use lockstep_edge_host::{Config, Instance, Instances};
use lockstep_module::TextModel;
use lockstep_tests::times::{self, Times};

/// Each is one token of every vocabulary of English BERT.
const WORDS: [&str; 14] =
    ["the", "red", "house", "of", "my", "old", "friend", "is", "near", "a", "river", "and", "we", "like"];

/// A request for the vector of one text of so many tokens, the two special ones included.
fn request(tokens: usize) -> String {
    let text: Vec<&str> = WORDS.iter().copied().cycle().take(tokens - 2).collect();
    format!(r#"{{"inputs":"{}"}}"#, text.join(" "))
}

fn score(instance: &mut Instance, tokens: usize) {
    let deadline = Instant::now() + Duration::from_secs(60);
    let answer = instance.handle("POST", "/embed", request(tokens).as_bytes(), deadline).unwrap();
    assert_eq!((answer.status, answer.tokens), (200, Some(tokens as u32)));
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (Some(model), Some(module)) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: start_up MODEL_FOLDER MODULE.wasm [ROUNDS [REPORT.json]]");
        std::process::exit(2);
    };
    let rounds = arguments.next().map_or(50, |rounds| rounds.parse().unwrap());
    let report = arguments.next().map(PathBuf::from);
    let cache = std::env::temp_dir().join(format!("lockstep-start-up-{}", std::process::id()));
    let config = Config { cache_dir: Some(cache.clone()), ..Config::new(&model, &module) };

    let (mut first, mut cached) = (Times::default(), Times::default());
    drop(first.time(|| Instances::prepare(&config).unwrap()));
    for _ in 0..3 {
        drop(cached.time(|| Instances::prepare(&config).unwrap()));
    }
    let instances = Instances::prepare(&config).unwrap();
    assert!(instances.are_born_open());
    let [mut made, mut fresh, mut warm, mut native] = [(); 4].map(|()| Times::default());
    let mut memory = [0; 2];
    for _ in 0..rounds {
        let mut instance = made.time(|| instances.open().unwrap());
        memory[0] = instance.memory_bytes();
        fresh.time(|| score(&mut instance, 16));
        score(&mut instance, 16);
        warm.time(|| score(&mut instance, 16));
        score(&mut instance, 128);
        memory[1] = instance.memory_bytes();
        drop(instance);
        drop(native.time(|| TextModel::open_folder(Path::new(&model)).unwrap()));
    }
    let _ = std::fs::remove_dir_all(&cache);

    let rows = [
        ("wasm: a new instance that is ready to score", made),
        ("wasm: its first score of 16 tokens", fresh),
        ("wasm: a later score of 16 tokens", warm),
        ("wasm: opening the model in the module, compiling, once", first),
        ("wasm: the same from the cache folder", cached),
        ("native: from files to ready", native),
    ];
    times::publish(&rows, report.as_deref()).unwrap();
    let mib = |bytes: usize| bytes as f64 / f64::from(1 << 20);
    println!("linear memory: {:.1} MiB at first, {:.1} MiB after 128 tokens", mib(memory[0]), mib(memory[1]));
}
