//! Requests and answers, items, instances.

use std::{sync::atomic::Ordering, time::Duration};

use super::fixture::{DAEMON, Edge, good, scores};
use lockstep_tests::http::request;
use lockstep_tests::places::{component_without_model, need};
use lockstep_tests::texts::hostile;
use lockstep_tests_spin::{Component, Settings};
use serde_json::{Value, json};

#[test]
fn answers_are_the_daemons() {
    let edge = Edge::start(Settings::default());
    let info = edge.ask("GET", "/info", "");
    let digest = info.json()["model_digest"].as_str().unwrap().to_owned();
    assert_eq!(info.header("x-lockstep-model-digest"), Some(digest.as_str()));
    let mut other = good();
    other["diversity"] = json!(0.7);
    other["explain"] = json!(false);
    for (path, body) in [
        ("/v1/rank", good()),
        ("/v1/rank", other),
        ("/embed", json!({"inputs": ["hello world", "a red bicycle"]})),
        ("/embed", json!({"inputs": hostile(), "normalize": false})),
        (
            "/rerank",
            json!({"query": "a red bicycle", "texts": ["good bread", "a red bicycle"], "return_text": true}),
        ),
        ("/v1/embeddings", json!({"input": "hello world", "encoding_format": "base64"})),
        ("/lockstep/encode", json!({"inputs": hostile()})),
    ] {
        let here = edge.post(path, &body);
        let there = lockstep_tests::http::post(DAEMON.address, path, &body);
        assert_eq!(here.status, 200, "{path}: {}", here.body);
        assert_eq!((here.status, scores(&here.json())), (there.0, scores(&there.1)), "{path}");
        assert_eq!(here.header("x-lockstep-backend"), Some("wasm-relaxed"), "{path}");
        assert_eq!(here.header("x-lockstep-offload"), None);
        assert_eq!(here.header("x-lockstep-model-digest"), Some(digest.as_str()), "{path}");
    }
    let mut info = edge.ask("GET", "/info", "").json();
    let (_, _, there) = request(DAEMON.address, "GET", "/info", b"");
    let mut there: Value = serde_json::from_str(&there).unwrap();
    // The daemon promises the tokens that its engines run in time.
    assert_eq!(info["max_batch_tokens"], json!(32_768));
    for one in [&mut info, &mut there] {
        assert!(one["max_batch_tokens"].take().as_u64().unwrap() > 0);
    }
    assert_eq!(info, there);
    assert_eq!(edge.ask("GET", "/health", "").body, r#"{"status":"ok"}"#);
    let head = edge.ask("HEAD", "/health", "");
    assert_eq!((head.status, head.body.as_str()), (200, ""));
}

/// The test never opens a model, so the component that answers was built with the model inside.
#[test]
fn a_component_without_a_model_says_so() {
    need(&component_without_model());
    let without = Component::from_file(&component_without_model()).unwrap();
    let answer = Edge::of(&without, Settings::default()).post("/v1/rank", &good());
    assert!(answer.status == 503 && answer.body.contains("has no model"), "{}", answer.body);
}

#[test]
fn refusals_are_the_daemons() {
    let edge = Edge::start(Settings::default());
    let mut many = good();
    many["candidates"] = (0..1_001).map(|i| json!({"id": i.to_string(), "text": "x"})).collect();
    let mut id = good();
    id["user"] = json!({"history": [{"text": "a"}], "id": "7"});
    let cases = [
        ("POST", "/v1/rank", "{".to_owned(), 422),
        ("POST", "/v1/rank", String::new(), 400),
        ("POST", "/v1/rank", r#"{"user": {"history": [{"text": "\ud800"}]}}"#.into(), 422),
        ("POST", "/v1/rank", many.to_string(), 413),
        ("POST", "/v1/rank", id.to_string(), 422),
        ("POST", "/embed", r#"{"inputs": ""}"#.into(), 400),
        ("POST", "/rerank", r#"{"query": "a", "texts": []}"#.into(), 400),
        ("POST", "/v1/embeddings", r#"{"input": 7}"#.into(), 422),
        ("GET", "/v1/rank", String::new(), 405),
        ("POST", "/nothing/here", String::new(), 404),
    ];
    for (method, path, body, status) in cases {
        let here = edge.ask(method, path, &body);
        let (there, _, text) = request(DAEMON.address, method, path, body.as_bytes());
        assert_eq!((here.status, here.status), (status, there), "{path}: {}", here.body);
        assert_eq!(here.body, text);
        assert_eq!(here.header("x-lockstep-backend"), None, "nothing was scored");
    }
    let large = edge.ask("POST", "/v1/rank", &" ".repeat(5 << 20));
    assert!(large.status == 413 && large.body.contains("4194304"), "{} {}", large.status, large.body);
    assert_eq!(edge.post("/v1/rank", &good()).status, 200, "and it still works");
}

#[test]
fn a_store_that_is_down_costs_histories_and_no_scores() {
    let edge = Edge::start(Settings::default());
    let first = scores(&edge.post("/v1/rank", &good()).json());
    edge.settings.store.faults().down.store(true, Ordering::SeqCst);
    assert_eq!(scores(&edge.post("/v1/rank", &good()).json()), first);
    let mut by_id = good();
    by_id["user"] = json!({"id": "7"});
    for answer in [
        edge.post("/v1/rank", &by_id),
        edge.post("/v1/users/7/events", &json!({"events": [{"text": "a"}]})),
        edge.ask("GET", "/v1/users/7/events", ""),
        edge.ask("DELETE", "/v1/users/7", ""),
    ] {
        assert!(answer.status == 424 && answer.body.contains("key-value store"), "{}", answer.body);
    }
}

#[test]
fn a_heavy_request_lets_small_ones_pass() {
    let mut settings = Settings::default();
    settings.variables.insert("max_tokens".into(), "1000000".into());
    settings.variables.insert("deadline_ms".into(), "600000".into());
    settings.reuse.request_timeout = Duration::from_secs(600);
    settings.reuse.max_instance_reuse_count = usize::MAX;
    let edge = Edge::start(settings);
    let expected = scores(&edge.post("/v1/rank", &good()).json());
    let texts: Vec<String> = (0..300).map(|number| format!("bicycle {number} ").repeat(60)).collect();
    let heavy = json!({"inputs": texts, "normalize": false});
    std::thread::scope(|scope| {
        let heavy = scope.spawn(|| edge.post("/embed", &heavy));
        let mut passed = 0;
        while !heavy.is_finished() {
            assert_eq!(edge.ask("GET", "/health", "").status, 200);
            assert_eq!(scores(&edge.post("/v1/rank", &good()).json()), expected);
            passed += usize::from(!heavy.is_finished());
        }
        let answer = heavy.join().unwrap();
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.json().as_array().unwrap().len(), 300);
        assert!(passed >= 3, "{passed} small requests were answered beside the heavy one");
    });
    assert_eq!(edge.server.instances(), 1);
}

#[test]
fn a_request_beyond_the_bounds_is_refused_and_says_how_much_is_allowed() {
    let mut settings = Settings::default();
    settings.variables.insert("max_tokens".into(), "20".into());
    let edge = Edge::start(settings);
    assert_eq!(edge.post("/embed", &json!({"inputs": "a red bicycle"})).status, 200);
    let heavy = edge.post("/embed", &json!({"inputs": "a red bicycle ".repeat(20)}));
    assert!(heavy.status == 413 && heavy.body.contains("20"), "{} {}", heavy.status, heavy.body);
    assert_eq!(edge.ask("GET", "/info", "").json()["max_batch_tokens"], json!(20));

    let mut settings = Settings::default();
    settings.variables.insert("deadline_ms".into(), "1".into());
    let edge = Edge::start(settings);
    let texts: Vec<String> = (0..200).map(|number| format!("bicycle {number} ").repeat(20)).collect();
    let late = edge.post("/embed", &json!({"inputs": texts}));
    assert!(late.status == 504 && late.body.contains("1ms"), "{} {}", late.status, late.body);
}

#[test]
fn an_instance_answers_many_requests_and_several_at_once() {
    let edge = Edge::start(Settings::default());
    let expected = scores(&edge.post("/v1/rank", &good()).json());
    for _ in 0..3 {
        edge.post("/v1/rank", &good());
    }
    assert_eq!(edge.server.instances(), 1);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert_eq!(scores(&edge.post("/v1/rank", &good()).json()), expected));
        }
    });

    let mut settings = Settings::default();
    settings.reuse.max_instance_reuse_count = 2;
    let edge = Edge::start(settings);
    for _ in 0..5 {
        assert_eq!(scores(&edge.post("/v1/rank", &good()).json()), expected);
    }
    assert_eq!(edge.server.instances(), 3, "an instance for every two requests");
}
