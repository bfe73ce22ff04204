//! Measures how long an engine takes until it can score: a new instance of the module, beside the
//! time that it takes to score 16 tokens, and the native engine. `make start-up` runs it.
#![allow(clippy::unwrap_used, reason = "a measurement that cannot go on ends")]

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use clap::Parser;
use lockstep_edge_host::{Config, Instance, Instances};
use lockstep_module::{Sequence, TextModel};
use lockstep_tests::times::{self, Times};

/// Encodes one sequence of `tokens` tokens.
fn score(instance: &mut Instance, tokens: u32) {
    let deadline = Instant::now() + Duration::from_secs(60);
    let (ids, type_ids): (Vec<u32>, Vec<u8>) = (0..tokens).map(|id| (id, 0)).unzip();
    let vectors = instance.encode(&[Sequence { ids: &ids, type_ids: &type_ids }], deadline).unwrap();
    assert_eq!(vectors.len(), 1);
}

/// Measures how long a new instance takes until it can score, beside the scores themselves.
#[derive(Parser)]
struct Arguments {
    /// The model folder.
    model: PathBuf,
    /// The WebAssembly module.
    module: PathBuf,
    /// How often each time is taken.
    #[arg(default_value_t = 50)]
    rounds: usize,
    /// A JSON file to write the times to.
    report: Option<PathBuf>,
}

fn main() {
    let Arguments { model, module, rounds, report } = Arguments::parse();
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
        drop(native.time(|| TextModel::open_folder(&model).unwrap()));
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
