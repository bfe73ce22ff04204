//! Puts load on the component, in the host that behaves as Spin: `make spin-load`.
//!
//! `spin_load COMPONENT.wasm [APPENDS [REQUESTS]]` appends events to users in parallel and counts
//! those that are lost, though they were acknowledged; asks many requests on a kept connection and
//! counts those that take 35 ms or more; asks small requests beside heavy ones.
#![allow(clippy::unwrap_used, reason = "a measurement that cannot go on ends")]

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    path::PathBuf,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use clap::Parser;
use lockstep_tests::http::Kept;
use lockstep_tests_spin::{Component, Server, Settings};
use serde_json::{Value, json};

/// Puts load on the component
#[derive(Parser)]
struct Arguments {
    /// The component, with a model open in it
    component: PathBuf,
    /// Events to append
    #[arg(default_value_t = 100_000)]
    appends: usize,
    /// Requests on kept connections
    #[arg(default_value_t = 10_000)]
    requests: usize,
}

/// Clients at the same time.
const CLIENTS: usize = 16;
/// Events of each new user. The clients append them at the same time.
const BURST: usize = 50;
/// Users that get half of all events.
const OLD: usize = 128;
/// A stall of the kernel takes 40 ms.
const STALL: Duration = Duration::from_millis(35);

fn main() {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let component = Component::from_file(&arguments.component).unwrap();
    let variables = [("max_tokens", "1000000"), ("deadline_ms", "600000")];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let mut settings = Settings { variables, ..Settings::default() };
    settings.reuse.request_timeout = Duration::from_secs(600);
    let server = runtime.block_on(Server::start(&component, settings.clone())).unwrap();
    settings.store.faults().delay_us.store(50, Ordering::SeqCst);
    appends(server.address, arguments.appends);
    settings.store.faults().delay_us.store(0, Ordering::SeqCst);
    kept(server.address, arguments.requests);
    for heavy in [0, 1, 4] {
        beside(server.address, heavy);
    }
}

/// The user of an event: every other event is of an old user.
fn user(event: usize) -> String {
    if event.is_multiple_of(2) {
        format!("new.{}", event / (2 * BURST))
    } else {
        format!("old.{}", event / 2 % OLD)
    }
}

fn appends(address: SocketAddr, count: usize) {
    let (next, busy) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                let mut connection = Kept::to(address);
                loop {
                    let event = next.fetch_add(1, Ordering::SeqCst);
                    if event >= count {
                        return;
                    }
                    let path = format!("/v1/users/{}/events", user(event));
                    let body = json!({"events": [{"text": event.to_string()}]}).to_string();
                    // An append that the component could not do in time is tried again.
                    loop {
                        match connection.ask("POST", &path, body.as_bytes()) {
                            (200, _) => break,
                            (429, _) => busy.fetch_add(1, Ordering::SeqCst),
                            (status, answer) => panic!("{status} {answer}"),
                        };
                    }
                }
            });
        }
    });
    let seconds = began.elapsed().as_secs_f64();
    let mut connection = Kept::to(address);
    let users: BTreeSet<String> = (0..count).map(user).collect();
    let (mut lost, mut more) = (count, 0);
    for user in &users {
        let (_, answer) = connection.ask("GET", &format!("/v1/users/{user}/events"), b"");
        let answer: Value = serde_json::from_str(&answer).unwrap();
        let events = answer["events"].as_array().unwrap();
        let different: BTreeSet<&str> = events.iter().map(|event| event["text"].as_str().unwrap()).collect();
        lost -= different.len();
        more += events.len() - different.len();
    }
    println!(
        "{count} appends to {} users by {CLIENTS} clients: {lost} lost, {more} doubled, {} refused with 429, \
         {:.0} a second",
        users.len(),
        busy.into_inner(),
        count as f64 / seconds
    );
}

/// The time of small requests beside heavy ones.
fn beside(address: SocketAddr, heavy: usize) {
    const SMALL: &[u8] = br#"{"inputs":"the red house of my old friend is near a river and we like"}"#;
    let texts: Vec<String> = (0..500).map(|number| format!("{number} {}", "bicycle ".repeat(106))).collect();
    let body = json!({ "inputs": texts }).to_string();
    let stop = AtomicBool::new(false);
    let mut times = std::thread::scope(|scope| {
        for _ in 0..heavy {
            scope.spawn(|| {
                while !stop.load(Ordering::SeqCst) {
                    let (status, answer) = Kept::to(address).ask("POST", "/embed", body.as_bytes());
                    assert_eq!(status, 200, "{answer}");
                }
            });
        }
        if heavy > 0 {
            std::thread::sleep(Duration::from_secs(1));
        }
        let mut connection = Kept::to(address);
        let times: Vec<Duration> = (0..200)
            .map(|_| {
                let began = Instant::now();
                assert_eq!(connection.ask("POST", "/embed", SMALL).0, 200);
                began.elapsed()
            })
            .collect();
        stop.store(true, Ordering::SeqCst);
        times
    });
    times.sort_unstable();
    let [half, most, all] = [times.len() / 2, times.len() * 99 / 100, times.len() - 1].map(|at| times[at]);
    println!("small requests beside {heavy} heavy ones: p50 {half:.1?}, p99 {most:.1?}, slowest {all:.1?}");
}

/// Many requests on kept connections.
fn kept(address: SocketAddr, count: usize) {
    let rank = json!({
        "user": {"id": "old.1"}, "candidates": [{"id": "a", "text": "new lamps"}, {"id": "b", "text": "bread"}]
    })
    .to_string();
    let event = json!({"events": [{"text": "a red bicycle"}]}).to_string();
    let requests = [
        ("POST", "/v1/users/kept/events", event.as_bytes()),
        ("GET", "/v1/users/kept/events", b""),
        ("POST", "/v1/rank", rank.as_bytes()),
        ("GET", "/info", b""),
        ("POST", "/embed", br#"{"inputs":"hello"}"#),
    ];
    let mut times = Vec::new();
    let mut stalled = [0; 5];
    let mut connection = Kept::to(address);
    for (number, (method, path, body)) in requests.iter().enumerate().cycle().take(count) {
        let began = Instant::now();
        assert_eq!(connection.ask(method, path, body).0, 200, "{path}");
        times.push(began.elapsed());
        stalled[number] += usize::from(began.elapsed() >= STALL);
    }
    for ((method, path, _), stalled) in requests.iter().zip(stalled).filter(|(_, stalled)| *stalled > 0) {
        println!("{method} {path}: {stalled} took {STALL:?} or more");
    }
    times.sort_unstable();
    let stalls = times.iter().filter(|time| **time >= STALL).count();
    let [half, most] = [times.len() / 2, times.len() * 99 / 100].map(|at| times[at]);
    println!(
        "{count} requests on one connection: {stalls} took {STALL:?} or more; p50 {half:.1?}, p99 {most:.1?}"
    );
}
