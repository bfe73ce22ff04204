//! Jobs a second with a fake card in this process, which answers at once: what the driver itself
//! costs. Each job encodes one sequence of 8 tokens with 64 channels.
//!
//! `cargo bench -p lockstep-accel-driver --bench jobs` prints the numbers as JSON. `-- FILE` behind
//! it writes them to a file as well, as `make bench-driver` does.
#![allow(missing_docs, clippy::unwrap_used)]

#[path = "../tests/fake/mod.rs"]
mod fake;
#[path = "../tests/texts/mod.rs"]
mod texts;

use std::sync::Arc;
use std::time::{Duration, Instant};

use fake::{Fake, expected};
use lockstep_accel_abi::Descriptor;
use lockstep_accel_driver::{AsyncEncoder, Card, CardEncoder, Options};
use texts::{Texts, model};

/// How long each measurement takes.
const TIME: Duration = Duration::from_secs(2);

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let report: Vec<_> = [1, 16, 64, 256]
        .into_iter()
        .map(|callers| {
            let rate = runtime.block_on(many(callers));
            serde_json::json!({ "what": "AsyncEncoder::encode", "callers": callers, "jobs_per_second": rate })
        })
        .chain([
            serde_json::json!({ "what": "CardEncoder::encode", "callers": 1, "jobs_per_second": blocking() }),
            serde_json::json!({ "what": "Card::execute, 64 at once", "callers": 1, "jobs_per_second": raw() }),
        ])
        .collect();
    let report = serde_json::to_string_pretty(&report).unwrap();
    println!("{report}");
    // Cargo adds options of its own.
    if let Some(path) = std::env::args().skip(1).find(|argument| !argument.starts_with('-')) {
        std::fs::create_dir_all(std::path::Path::new(&path).parent().unwrap()).unwrap();
        std::fs::write(path, report).unwrap();
    }
}

/// Counts calls within the time and gives the rate, rounded.
fn rate(begin: Instant, calls: u64) -> u64 {
    (calls as f64 / begin.elapsed().as_secs_f64()) as u64
}

async fn many(callers: u64) -> u64 {
    let model = Arc::new(model(1));
    let encoder = Arc::new(AsyncEncoder::open(Fake::new(), Options::DEFAULT, &model).unwrap());
    let texts = Texts::new(&model, [8], 1);
    let vectors = texts.vectors(|ids, types| expected(&model, ids, types));
    assert_eq!(encoder.encode(texts.0.clone()).await.unwrap(), vectors);
    let begin = Instant::now();
    let tasks: Vec<_> = (0..callers)
        .map(|_| {
            let (encoder, texts, vectors) = (encoder.clone(), texts.0.clone(), vectors.clone());
            tokio::spawn(async move {
                let mut calls = 0;
                while begin.elapsed() < TIME {
                    assert_eq!(encoder.encode(texts.clone()).await.unwrap(), vectors);
                    calls += 1;
                }
                calls
            })
        })
        .collect();
    let mut calls = 0;
    for task in tasks {
        calls += task.await.unwrap();
    }
    rate(begin, calls)
}

fn blocking() -> u64 {
    let model = model(1);
    let mut encoder = CardEncoder::new(Card::open(Fake::new(), Options::DEFAULT).unwrap(), &model).unwrap();
    let texts = Texts::new(&model, [8], 1);
    let vectors = texts.vectors(|ids, types| expected(&model, ids, types));
    let (begin, mut calls) = (Instant::now(), 0);
    while begin.elapsed() < TIME {
        assert_eq!(encoder.encode(&texts.batch()).unwrap(), vectors);
        calls += 1;
    }
    rate(begin, calls)
}

fn raw() -> u64 {
    let mut card = Card::open(Fake::new(), Options::DEFAULT).unwrap();
    let (begin, mut calls) = (Instant::now(), 0);
    while begin.elapsed() < TIME {
        calls += card.execute(&[Descriptor::nop(0); 64]).unwrap().len() as u64;
    }
    rate(begin, calls)
}
