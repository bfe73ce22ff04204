//! What the first request on a fresh instance of the component costs, beside a later one: 16 tokens by `/embed`.
//!
//! `cargo run --release -p lockstep-tests-spin --example first_request -- COMPONENT.wasm [ROUNDS]`
#![allow(clippy::unwrap_used, reason = "a measurement that cannot go on ends")]

use std::{net::SocketAddr, path::Path, time::Instant};

use lockstep_tests::http::request;
use lockstep_tests_spin::{Component, Server, Settings};

const BODY: &[u8] = br#"{"inputs":"the red house of my old friend is near a river and we like"}"#;

/// Milliseconds of a request on a connection of its own.
fn time(address: SocketAddr) -> f64 {
    let start = Instant::now();
    let (status, head, body) = request(address, "POST", "/embed", BODY);
    let time = start.elapsed().as_secs_f64() * 1e3;
    assert!(status == 200 && head.contains("x-compute-tokens: 16"), "{status} {head} {body}");
    time
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let Some(path) = arguments.next() else {
        eprintln!("usage: first_request COMPONENT.wasm [ROUNDS]");
        std::process::exit(2);
    };
    let rounds = arguments.next().map_or(50, |rounds| rounds.parse().unwrap());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let component = Component::from_file(Path::new(&path)).unwrap();
    let mut once = Settings::default();
    once.reuse.max_instance_reuse_count = 1;
    let mut always = Settings::default();
    always.reuse.max_instance_reuse_count = usize::MAX;
    let fresh = runtime.block_on(Server::start(&component, once)).unwrap();
    let warm = runtime.block_on(Server::start(&component, always)).unwrap();

    time(warm.address);
    time(fresh.address);
    let (made, mut times) = (fresh.instances(), [Vec::new(), Vec::new()]);
    for _ in 0..rounds {
        times[0].push(time(fresh.address));
        times[1].push(time(warm.address));
    }
    assert_eq!((fresh.instances() - made, warm.instances()), (rounds, 1));
    println!("{:<58} {:>9} {:>9}", "milliseconds", "median", "least");
    let [first, later] = ["component: the first request of an instance", "component: a later request"]
        .into_iter()
        .zip(times)
        .map(|(what, mut times)| {
            times.sort_by(f64::total_cmp);
            println!("{what:<58} {:>9.3} {:>9.3}", times[times.len() / 2], times[0]);
            times[times.len() / 2]
        })
        .collect::<Vec<_>>()[..]
    else {
        unreachable!("two rows");
    };
    println!("ratio of the medians: {:.2}", first / later);
}
