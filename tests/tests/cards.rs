//! The daemon with accelerator cards. The mock card computes as the RTL does, bit for bit, and
//! plays faults at chosen jobs.
#![allow(clippy::unwrap_used)]

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use lockstep_accel_device::{MockSetup, ServedCard};
use lockstep_edge_host::{CardAddress, Config};
use lockstep_tests::daemon::Daemon;
use lockstep_tests::folder;
use lockstep_tests::http::request;
use lockstep_tests::places::{need, tiny_model};
use lockstep_tests::texts;
use serde_json::{Value, json};

/// Only a hang takes this long, even on a busy machine.
const HANG: Duration = Duration::from_secs(120);
/// Rows and columns of the array, and bytes of card memory.
const LANES: usize = 8;
const CARD_BYTES: usize = 64 << 20;

fn socket() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("lockstep-cards-{}-{number}", std::process::id()))
}

/// A mock that plays faults, for example `hang@3`.
fn card(path: &PathBuf, faults: &str) -> ServedCard {
    let _ = std::fs::remove_file(path);
    let mut setup = MockSetup::new(LANES, CARD_BYTES);
    if !faults.is_empty() {
        setup.faults = faults.parse().unwrap();
    }
    ServedCard::start(path, setup).unwrap()
}

/// A daemon with one native thread and these cards, which get all work that is not urgent.
fn daemon(cards: &[&PathBuf], set: impl FnOnce(&mut Config)) -> Daemon {
    need(&tiny_model());
    let mut config = Config { instances: NonZeroUsize::MIN, ..Config::native(tiny_model()) };
    config.accels = cards.iter().map(|path| CardAddress::VfioUser((*path).clone())).collect();
    config.prefer_cards = true;
    config.deadline = Duration::from_secs(20);
    set(&mut config);
    Daemon::with(config)
}

/// Requests, each with more tokens than urgent work has.
fn bodies(count: usize) -> Vec<String> {
    // Each request has short and long texts.
    let texts = texts::graded(12 * count, 100);
    let body = |first: usize| texts.iter().skip(first).step_by(count).collect::<Vec<_>>();
    (0..count).map(|first| json!({ "inputs": body(first) }).to_string()).collect()
}

/// The vectors of a request, and the engines that gave them.
fn ask(daemon: &Daemon, body: &str) -> (Value, String) {
    let (status, head, answer) = request(daemon.address, "POST", "/lockstep/encode", body.as_bytes());
    assert_eq!(status, 200, "{answer}");
    let engines = head.lines().find_map(|line| line.strip_prefix("x-lockstep-engine: ")).unwrap();
    (serde_json::from_str(&answer).unwrap(), engines.trim().to_owned())
}

/// Asks until a card has encoded texts.
fn until_a_card_works(daemon: &Daemon, body: &str) {
    let started = Instant::now();
    while !ask(daemon, body).1.contains("vfio-user:") {
        assert!(started.elapsed() < HANG, "no card is used");
        thread::sleep(Duration::from_millis(20));
    }
}

/// The answers of a daemon without cards.
fn expected(bodies: &[String]) -> Vec<Value> {
    let plain = daemon(&[], |_| {});
    bodies.iter().map(|body| ask(&plain, body).0).collect()
}

#[test]
fn a_card_encodes_heavy_work_and_the_bits_are_the_same() {
    let (first, second) = (socket(), socket());
    let (_one, _two) = (card(&first, ""), card(&second, ""));
    let bodies = bodies(10);
    let daemon = daemon(&[&first, &second], |config| config.check_share = 1.0);
    until_a_card_works(&daemon, &bodies[0]);
    for (body, right) in bodies.iter().zip(expected(&bodies)) {
        let (found, engines) = ask(&daemon, body);
        assert_eq!(found, right);
        assert!(engines.contains("vfio-user:"), "{engines}");
    }
    let (_, engines) = ask(&daemon, &json!({"inputs": ["a short text"]}).to_string());
    assert_eq!(engines, "native-0", "a person waits for this one");
}

/// The driver takes the vectors before the head from the card, and computes the head on the host.
#[test]
fn a_card_runs_a_classifier() {
    need(&tiny_model());
    let (path, model) = (socket(), socket());
    folder::write_classifier(&tiny_model(), &model);
    let _card = card(&path, "");
    let bodies = bodies(3);
    let set = |config: &mut Config| config.model.clone_from(&model);
    let (plain, daemon) = (daemon(&[], set), daemon(&[&path], set));
    until_a_card_works(&daemon, &bodies[0]);
    for body in &bodies {
        let (found, engines) = ask(&daemon, body);
        assert_eq!(found, ask(&plain, body).0);
        assert!(engines.contains("vfio-user:"), "{engines}");
    }
    let (status, _, answer) = request(daemon.address, "GET", "/info", b"");
    assert!(status == 200 && answer.contains("\"middle\""), "{answer}");
    std::fs::remove_dir_all(&model).unwrap();
}

/// The driver divides the card's sums and computes the dense layers on the host.
#[test]
fn a_card_runs_a_model_with_dense_layers() {
    need(&tiny_model());
    let (path, model) = (socket(), socket());
    folder::write_dense(&tiny_model(), &model);
    let _card = card(&path, "");
    let bodies = bodies(3);
    let set = |config: &mut Config| {
        config.model.clone_from(&model);
        config.check_share = 1.0;
    };
    let (plain, daemon) = (daemon(&[], set), daemon(&[&path], set));
    until_a_card_works(&daemon, &bodies[0]);
    for body in &bodies {
        let (found, engines) = ask(&daemon, body);
        assert_eq!(found, ask(&plain, body).0);
        assert_eq!(found["vectors"][0].as_array().map(Vec::len), Some(folder::DENSE_OUTPUTS));
        assert!(engines.contains("vfio-user:"), "{engines}");
    }
    let (status, _, answer) = request(daemon.address, "GET", "/info", b"");
    let info: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!((status, info["dimensions"].as_u64()), (200, Some(folder::DENSE_OUTPUTS as u64)));
    let body = json!({ "inputs": ["a text"] }).to_string();
    let (status, _, answer) = request(daemon.address, "POST", "/embed", body.as_bytes());
    let vectors: Vec<Vec<f64>> = serde_json::from_str(&answer).unwrap();
    assert_eq!((status, vectors[0].len()), (200, folder::DENSE_OUTPUTS));
    std::fs::remove_dir_all(&model).unwrap();
}

/// 200 requests of 4 clients, while `trouble` happens to the card.
fn two_hundred_right_answers(daemon: &Daemon, trouble: impl FnOnce() + Send) {
    let bodies = bodies(20);
    let right = expected(&bodies);
    thread::scope(|scope| {
        for client in 0..4 {
            let (bodies, right) = (&bodies, &right);
            scope.spawn(move || {
                for round in 0..50 {
                    let number = (client * 7 + round) % bodies.len();
                    assert_eq!(ask(daemon, &bodies[number]).0, right[number]);
                }
            });
        }
        scope.spawn(trouble);
    });
}

#[test]
fn a_card_that_dies_costs_no_answer_and_is_used_again_when_it_comes_back() {
    let path = socket();
    let mut served = Some(card(&path, ""));
    let daemon = daemon(&[&path], |_| {});
    until_a_card_works(&daemon, &bodies(1)[0]);
    two_hundred_right_answers(&daemon, || {
        thread::sleep(Duration::from_millis(100));
        served.take().unwrap().stop().unwrap();
    });
    let _again = card(&path, "");
    until_a_card_works(&daemon, &bodies(1)[0]);
}

#[test]
fn no_fault_of_a_card_costs_an_answer() {
    for fault in ["hang", "all-ones", "garbled-record", "dma-error", "lost-interrupt", "late-record"] {
        let path = socket();
        // The first jobs copy the model and encode the known answer.
        let _served = card(&path, &format!("{fault}@30,{fault}@60"));
        let daemon = daemon(&[&path], |_| {});
        until_a_card_works(&daemon, &bodies(1)[0]);
        two_hundred_right_answers(&daemon, || {});
        until_a_card_works(&daemon, &bodies(1)[0]);
    }
}

#[test]
fn a_card_that_answers_wrong_is_not_used_again() {
    let path = socket();
    // Some of these jobs copy programs, whose vectors nobody sees.
    let faults: Vec<String> = (100..150).map(|job| format!("wrong-result@{job}")).collect();
    let _served = card(&path, &faults.join(","));
    let daemon = daemon(&[&path], |config| config.check_share = 1.0);
    until_a_card_works(&daemon, &bodies(1)[0]);
    two_hundred_right_answers(&daemon, || {});
    let (_, engines) = ask(&daemon, &bodies(1)[0]);
    assert_eq!(engines, "native-0");
}
