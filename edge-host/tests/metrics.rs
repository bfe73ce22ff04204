//! `GET /metrics` tells what happened, in the text format of Prometheus.
#![allow(clippy::unwrap_used, missing_docs)]

mod stand_in;

use std::collections::BTreeMap;

use stand_in::{Daemon, ENCODE, texts};

/// The samples: the name with its labels, and the value.
fn samples(text: &str) -> BTreeMap<&str, f64> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| line.rsplit_once(' ').unwrap())
        .map(|(name, value)| (name, value.parse().unwrap()))
        .collect()
}

#[tokio::test]
async fn answers_texts_and_engines_are_counted() {
    let daemon = Daemon::ready(|config| config.vector_bytes = 1 << 20).await;
    let answer = daemon.ask("POST", ENCODE, &texts(&["hello", "a b"])).await;
    assert_eq!(answer.status, 200);
    daemon.ask("POST", ENCODE, &texts(&["hello"])).await;
    daemon.ask("POST", ENCODE, "{}").await.refuses(422, "Validation", "inputs");
    daemon.ask("GET", "/nowhere/at/all?x=1", "").await.refuses(404, "Validation", "no such path");

    let answer = daemon.ask("GET", "/metrics", "").await;
    assert_eq!(
        (answer.status, answer.header("content-type").unwrap()),
        (200, "text/plain; version=0.0.4; charset=utf-8")
    );
    let found = samples(&answer.body);
    for (name, value) in [
        ("lockstep_answers_total{path=\"/lockstep/encode\",status=\"200\"}", 2.0),
        ("lockstep_answers_total{path=\"/lockstep/encode\",status=\"422\"}", 1.0),
        ("lockstep_answers_total{path=\"other\",status=\"404\"}", 1.0),
        ("lockstep_request_seconds_count{path=\"/lockstep/encode\"}", 3.0),
        ("lockstep_tokens_total", 12.0),
        ("lockstep_vectors_total{found=\"known\"}", 1.0),
        ("lockstep_vectors_total{found=\"computed\"}", 2.0),
        ("lockstep_engine_texts_total{engine=\"wasm-0\",kind=\"cpu\"}", 2.0),
        ("lockstep_engine_tokens_total{engine=\"wasm-0\",kind=\"cpu\"}", 7.0),
        ("lockstep_engine_failures_total{engine=\"wasm-0\",kind=\"cpu\"}", 0.0),
        ("lockstep_engine_up{engine=\"wasm-0\",kind=\"cpu\"}", 1.0),
        ("lockstep_ready", 1.0),
        ("te_request_count", 4.0),
        ("te_request_success", 2.0),
        ("te_request_failure{err=\"Validation\"}", 2.0),
        ("te_request_duration_count", 4.0),
        ("te_request_input_length_sum", 12.0),
        ("te_queue_size", 0.0),
        ("te_batch_next_size_sum", 2.0),
        ("te_batch_next_tokens_sum", 7.0),
    ] {
        assert_eq!(found.get(name), Some(&value), "{name}\n{}", answer.body);
    }
    for name in ["process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds"] {
        assert!(found[name] > 0.0, "{name}");
    }
    assert!(found["process_start_time_seconds"] > 1.7e9);
    assert!(answer.body.contains("lockstep_model_info{digest=\""), "{}", answer.body);
    assert!(answer.body.contains("# TYPE te_request_duration histogram"), "{}", answer.body);

    let head = daemon.ask("HEAD", "/metrics", "").await;
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn a_daemon_that_is_not_ready_says_so() {
    // The model never opens.
    let daemon = Daemon::start("Endless", |_| {}).await;
    let answer = daemon.ask("GET", "/metrics", "").await;
    assert_eq!((answer.status, samples(&answer.body)["lockstep_ready"]), (200, 0.0));
    drop(daemon);
}
