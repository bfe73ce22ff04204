//! Connections that are kept for many requests, as gateways and browsers keep them.

use super::fixture::{DAEMON, Edge, good};
use lockstep_tests::http::Kept;
use lockstep_tests_spin::Settings;
use serde_json::json;

/// An answer whose head goes out first makes the client wait for 40 ms: the kernel holds the body
/// back until the client's kernel has acknowledged the head.
#[test]
fn the_head_of_an_answer_goes_out_with_its_body() {
    const ROUNDS: usize = 50;
    let edge = Edge::start(Settings::default());
    let mut kept = Kept::to(edge.server.address);
    let event = json!({"events": [{"text": "a red bicycle"}]}).to_string();
    let mut by_id = good();
    by_id["user"] = json!({"id": "7"});
    let requests = [
        ("POST", "/v1/users/7/events", event.clone(), 200),
        ("GET", "/v1/users/7/events", String::new(), 200),
        ("POST", "/v1/rank", by_id.to_string(), 200),
        ("POST", "/embed", json!({"inputs": "hello"}).to_string(), 200),
        ("GET", "/health", String::new(), 200),
        ("GET", "/nothing", String::new(), 404),
        ("POST", "/embed", "{".to_owned(), 422),
    ];
    for (method, path, body, status) in &requests {
        let before = edge.server.writes();
        for _ in 0..ROUNDS {
            assert_eq!(kept.ask(method, path, body.as_bytes()).0, *status, "{path}");
        }
        assert_eq!(edge.server.writes() - before, ROUNDS, "one write an answer: {method} {path}");
    }
}

/// Answers of the daemon, over a connection that the host keeps, have a body in one piece, too.
#[test]
fn an_offloaded_answer_goes_out_in_one_piece() {
    let variables = [
        ("offload_url", format!("http://{}", DAEMON.address)),
        ("offload_min_tokens", "1".to_owned()),
        ("offload_timeout_ms", "60000".to_owned()),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value)).into();
    let edge = Edge::start(Settings { variables, ..Settings::default() });
    let mut kept = Kept::to(edge.server.address);
    for _ in 0..20 {
        assert_eq!(kept.ask("POST", "/v1/rank", good().to_string().as_bytes()).0, 200);
    }
    assert_eq!(edge.server.writes(), 20);
}
