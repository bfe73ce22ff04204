//! Loads the daemon and measures its scheduler: what it adds to a lone request, how a request of
//! many texts gains from a second instance, and how long short requests wait beside long ones.
//! `make load` runs it.
#![allow(clippy::unwrap_used, reason = "a measurement that cannot go on ends")]

use std::{
    net::SocketAddr,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use clap::Parser;
use lockstep_edge_host::Config;
use lockstep_tests::{daemon::Daemon, http::request};
use serde_json::json;

/// Each word is one token in the vocabulary of every English BERT.
const WORDS: [&str; 14] =
    ["the", "red", "house", "of", "my", "old", "friend", "is", "near", "a", "river", "and", "we", "like"];
/// Texts of a long request, and their tokens.
const MANY: usize = 1_000;
const TOKENS: usize = 64;

#[derive(Parser)]
struct Arguments {
    /// The model folder.
    model: PathBuf,
    /// The WebAssembly module.
    module: PathBuf,
    /// A JSON file to write the figures to.
    report: PathBuf,
    /// How often a lone request is sent.
    #[arg(default_value_t = 300)]
    rounds: usize,
}

/// A text of `tokens` tokens, the two special tokens included. Texts of different numbers differ.
fn text(number: usize, tokens: usize) -> String {
    let digit = |place: u32| WORDS[number / WORDS.len().pow(place) % WORDS.len()];
    let words = (0..tokens - 2).map(|place| if place < 4 { digit(place as u32) } else { WORDS[place % 14] });
    words.collect::<Vec<_>>().join(" ")
}

fn body(texts: impl Iterator<Item = String>) -> Vec<u8> {
    json!({ "inputs": texts.collect::<Vec<_>>() }).to_string().into_bytes()
}

/// Milliseconds of a request, and a header of its answer in milliseconds.
fn ask(address: SocketAddr, body: &[u8], header: &str) -> (f64, f64) {
    let started = Instant::now();
    let (status, head, answer) = request(address, "POST", "/embed", body);
    let took = started.elapsed().as_secs_f64() * 1e3;
    assert_eq!(status, 200, "{answer}");
    let value = head.lines().find_map(|line| line.strip_prefix(header)?.strip_prefix(": "));
    (took, value.unwrap().trim().parse().unwrap())
}

fn quantile(mut samples: Vec<f64>, share: f64) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[((samples.len() - 1) as f64 * share).round() as usize]
}

fn daemon(model: &Path, module: Option<&Path>, instances: usize) -> Daemon {
    let config = module.map_or_else(|| Config::native(model), |module| Config::new(model, module));
    let (instances, deadline) = (NonZeroUsize::new(instances).unwrap(), Duration::from_secs(120));
    Daemon::with(Config { instances, deadline, ..config })
}

/// Sends short requests one after the other; gives the milliseconds of each.
fn short(address: SocketAddr, rounds: usize, first: usize) -> Vec<f64> {
    let bodies = (first..first + rounds).map(|number| body(std::iter::once(text(number, 16))));
    bodies.map(|body| ask(address, &body, "x-total-time").0).collect()
}

fn main() {
    let Arguments { model, module, report, rounds } = Arguments::parse();
    let mut rows = Vec::new();
    let mut row = |name: &str, unit: &str, value: f64| {
        println!("{name:<72} {value:>9.3} {unit}");
        rows.push(json!({ "what": name, "unit": unit, "value": value }));
    };

    let native = daemon(&model, None, 2);
    short(native.address, 50, 0);
    let lone: Vec<(f64, f64)> = (0..rounds)
        .map(|number| ask(native.address, &body(std::iter::once(text(number, 16))), "x-queue-time"))
        .collect();
    let queued = lone.iter().map(|(_, queued)| *queued).collect();
    row("native, a lone request of 16 tokens: wait for an engine, median", "ms", quantile(queued, 0.5));
    let whole = lone.iter().map(|(whole, _)| *whole).collect();
    row("native, the same: whole request, median", "ms", quantile(whole, 0.5));
    drop(native);

    let long = body((0..MANY).map(|number| text(number, TOKENS)));
    let (one, two) = (daemon(&model, Some(&module), 1), daemon(&model, Some(&module), 2));
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..3 {
        for (times, daemon) in times.iter_mut().zip([&one, &two]) {
            times.push(ask(daemon.address, &long, "x-total-time").0);
        }
    }
    let [alone, together] = times.map(|times| quantile(times, 0.5));
    row("wasm, 1,000 texts of 64 tokens: one instance, median of 3", "ms", alone);
    row("wasm, the same: two instances, median of 3", "ms", together);
    row("wasm, the same: one instance / two", "x", alone / together);
    drop(one);

    let quiet = short(two.address, rounds, 0);
    let (quiet50, quiet99) = (quantile(quiet.clone(), 0.5), quantile(quiet, 0.99));
    let (address, stop) = (two.address, AtomicBool::new(false));
    let (beside, heavy) = thread::scope(|scope| {
        let heavy = scope.spawn(|| {
            let mut answered = 0;
            while !stop.load(Ordering::Relaxed) {
                ask(address, &long, "x-total-time");
                answered += 1;
            }
            answered
        });
        let beside = short(address, rounds, rounds);
        stop.store(true, Ordering::Relaxed);
        (beside, heavy.join().unwrap())
    });
    let (beside50, beside99) = (quantile(beside.clone(), 0.5), quantile(beside, 0.99));
    row("wasm, short requests alone, median", "ms", quiet50);
    row("wasm, short requests alone, 99th percentile", "ms", quiet99);
    row("wasm, the same beside a stream of 1,000-text requests, median", "ms", beside50);
    row("wasm, the same beside it, 99th percentile", "ms", beside99);
    row("wasm, 99th percentile beside it / alone", "x", beside99 / quiet99);
    row("wasm, long requests that were answered meanwhile", "", f64::from(heavy));

    std::fs::create_dir_all(report.parent().unwrap()).unwrap();
    std::fs::write(&report, json!({ "rows": rows }).to_string()).unwrap();
}
