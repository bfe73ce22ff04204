//! Measures the first request to a new instance of the component beside a later request. Both are
//! `POST /embed` with 16 tokens over TCP.
//!
//! `first_request COMPONENT.wasm [ROUNDS [REPORT.json]]` prints a table and writes `REPORT.json`.
#![allow(clippy::unwrap_used, reason = "a measurement that cannot go on ends")]

use std::{net::SocketAddr, path::PathBuf};

use clap::Parser;
use lockstep_tests::{
    http::request,
    times::{self, Times},
};
use lockstep_tests_spin::{Component, Server, Settings};

/// Measures the first request to a new instance
#[derive(Parser)]
struct Arguments {
    /// The component, with a model open in it
    component: PathBuf,
    /// Requests of each kind
    #[arg(default_value_t = 50)]
    rounds: usize,
    /// The report to write
    report: Option<PathBuf>,
}

const BODY: &[u8] = br#"{"inputs":"the red house of my old friend is near a river and we like"}"#;

/// A request on a connection of its own.
fn embed(address: SocketAddr) {
    let (status, head, body) = request(address, "POST", "/embed", BODY);
    assert!(status == 200 && head.contains("x-compute-tokens: 16"), "{status} {head} {body}");
}

fn main() {
    let Arguments { component, rounds, report } = Arguments::parse();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let component = Component::from_file(&component).unwrap();
    let mut once = Settings::default();
    once.reuse.max_instance_reuse_count = 1;
    let mut always = Settings::default();
    always.reuse.max_instance_reuse_count = usize::MAX;
    let fresh = runtime.block_on(Server::start(&component, once)).unwrap();
    let warm = runtime.block_on(Server::start(&component, always)).unwrap();

    embed(warm.address);
    embed(fresh.address);
    let made = fresh.instances();
    let (mut first, mut later) = (Times::default(), Times::default());
    for _ in 0..rounds {
        first.time(|| embed(fresh.address));
        later.time(|| embed(warm.address));
    }
    assert_eq!((fresh.instances() - made, warm.instances()), (rounds, 1));
    let ratio = first.median() / later.median();
    let rows =
        [("component: the first request of an instance", first), ("component: a later request", later)];
    times::publish(&rows, report.as_deref()).unwrap();
    println!("ratio of the medians: {ratio:.2}");
}
