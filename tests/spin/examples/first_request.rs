//! What the first request on a fresh instance of the component costs, beside a later one: 16 tokens by `/embed`.
//!
//! `cargo run --release -p lockstep-tests-spin --example first_request -- COMPONENT.wasm [ROUNDS]`
#![allow(clippy::unwrap_used, reason = "a measurement that cannot go on ends")]

use std::{net::SocketAddr, path::Path};

use lockstep_tests::{
    http::request,
    times::{self, Times},
};
use lockstep_tests_spin::{Component, Server, Settings};

const BODY: &[u8] = br#"{"inputs":"the red house of my old friend is near a river and we like"}"#;

/// A request on a connection of its own.
fn embed(address: SocketAddr) {
    let (status, head, body) = request(address, "POST", "/embed", BODY);
    assert!(status == 200 && head.contains("x-compute-tokens: 16"), "{status} {head} {body}");
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

    embed(warm.address);
    embed(fresh.address);
    let made = fresh.instances();
    let (mut first, mut later) = (Times::default(), Times::default());
    for _ in 0..rounds {
        first.time(|| embed(fresh.address));
        later.time(|| embed(warm.address));
    }
    assert_eq!((fresh.instances() - made, warm.instances()), (rounds, 1));
    println!("{}", times::HEAD);
    println!("{}", first.row("component: the first request of an instance"));
    println!("{}", later.row("component: a later request"));
    println!("ratio of the medians: {:.2}", first.median() / later.median());
}
