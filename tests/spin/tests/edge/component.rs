//! Requests and answers, histories and items, instances.

use std::sync::atomic::Ordering;

use super::fixture::{DAEMON, Edge, good, scores};
use lockstep_tests::http::request;
use lockstep_tests::places::{component_without_model, need};
use lockstep_tests::texts::hostile;
use lockstep_tests_spin::{Component, Settings};
use serde_json::{Value, json};

#[test]
fn answers_are_the_daemons() {
    let edge = Edge::start(Settings::default());
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
    }
    let info = edge.ask("GET", "/info", "").json();
    let (_, _, there) = request(DAEMON.address, "GET", "/info", b"");
    assert_eq!(info, serde_json::from_str::<Value>(&there).unwrap());
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
        ("POST", "/embed", r#"{"inputs": ["a", " \u0000"]}"#.into(), 400),
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
fn a_stored_history_ranks_as_the_same_history_sent() {
    let edge = Edge::start(Settings::default());
    let events = good()["user"]["history"].clone();
    let path = "/v1/users/Zo%C3%AB/events";
    let mut by_id = good();
    by_id["user"] = json!({"id": "Zoë"});

    let unknown = edge.post("/v1/rank", &by_id);
    assert!(unknown.status == 400 && unknown.body.contains("user.id"), "{}", unknown.body);
    for (at, event) in events.as_array().unwrap().iter().enumerate() {
        let answer = edge.post(path, &json!({"events": [event]})).json();
        assert_eq!(answer, json!({"user": "Zoë", "events": at + 1, "dropped": 0}));
    }
    let kept = edge.ask("GET", path, "").json();
    assert_eq!(kept["events"][1]["text"], events[1]["text"]);
    let answer = edge.post("/v1/rank", &by_id);
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(scores(&answer.json()), scores(&edge.post("/v1/rank", &good()).json()));

    let deleted = edge.ask("DELETE", "/v1/users/Zo%C3%AB", "").json();
    assert_eq!(deleted, json!({"user": "Zoë", "deleted": 2}));
    assert!(!edge.settings.store.records().keys().any(|key| key.starts_with("user/")), "nothing is left");
    assert_eq!(edge.post("/v1/rank", &by_id).status, 400);
}

#[test]
fn no_event_is_lost_when_many_write_at_once() {
    let edge = Edge::start(Settings::default());
    edge.settings.store.faults().races.store(20, Ordering::SeqCst);
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let edge = &edge;
            scope.spawn(move || {
                for event in 0..10 {
                    let body = json!({"events": [{"text": format!("{writer}.{event}")}]});
                    assert_eq!(edge.post("/v1/users/7/events", &body).status, 200);
                }
            });
        }
    });
    let events = edge.ask("GET", "/v1/users/7/events", "").json()["events"].clone();
    let texts: Vec<&str> =
        events.as_array().unwrap().iter().map(|event| event["text"].as_str().unwrap()).collect();
    for writer in 0..4 {
        let own: Vec<&str> =
            texts.iter().copied().filter(|text| text.starts_with(&writer.to_string())).collect();
        let sent: Vec<String> = (0..10).map(|event| format!("{writer}.{event}")).collect();
        assert_eq!(own, sent, "all, in their order");
    }
    assert_eq!(edge.settings.store.faults().races.load(Ordering::SeqCst), 0, "the races took place");

    edge.settings.store.faults().races.store(1_000, Ordering::SeqCst);
    let beaten = edge.post("/v1/users/7/events", &json!({"events": [{"text": "late"}]}));
    assert!(beaten.status == 429 && beaten.body.contains("Overloaded"), "{}", beaten.body);
}

#[test]
fn vectors_of_items_are_kept_and_used() {
    let edge = Edge::start(Settings::default());
    let first = scores(&edge.post("/v1/rank", &good()).json());
    let items: Vec<_> = edge.settings.store.records().into_iter().collect();
    assert_eq!(items.len(), 3, "a record a candidate, none for the history");
    assert!(items.iter().all(|(key, _)| key.starts_with("item/")));
    assert_eq!(scores(&edge.post("/v1/rank", &good()).json()), first);

    // If the records were not used, exchanging two of them would change nothing.
    for (to, from) in [(0, 1), (1, 0)] {
        edge.settings.store.set(items[to].0.clone(), items[from].1.clone()).unwrap();
    }
    assert_ne!(scores(&edge.post("/v1/rank", &good()).json())["items"], first["items"]);
    for (key, record) in &items {
        edge.settings.store.set(key.clone(), record[1..].to_vec()).unwrap();
    }
    assert_eq!(scores(&edge.post("/v1/rank", &good()).json()), first, "spoiled records are no records");
    assert_eq!(edge.settings.store.records().into_iter().collect::<Vec<_>>(), items, "and are written anew");
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
