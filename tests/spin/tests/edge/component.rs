//! Requests and answers, histories and items, instances.

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
    let left = edge.settings.store.records();
    assert!(left.keys().all(|key| key.starts_with("item.")), "nothing of the user is left: {left:?}");
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

/// Spin's store writes a swap that saw no record, whatever other instances have written since.
#[test]
fn no_event_of_a_new_user_is_lost() {
    let mut settings = Settings::default();
    settings.reuse.max_instance_concurrent_reuse_count = 1;
    let edge = Edge::start(settings);
    edge.settings.store.faults().delay_us.store(300, Ordering::SeqCst);
    const WRITERS: usize = 8;
    for user in 0..25 {
        // Some users are deleted once, so that they are new a second time.
        let rounds = if user % 5 == 0 { 2 } else { 1 };
        for _ in 0..rounds {
            let path = format!("/v1/users/{user}/events");
            std::thread::scope(|scope| {
                for writer in 0..WRITERS {
                    let (edge, path) = (&edge, &path);
                    scope.spawn(move || {
                        let body = json!({"events": [{"text": writer.to_string()}]});
                        let answer = edge.post(path, &body);
                        assert_eq!(answer.status, 200, "{}", answer.body);
                    });
                }
            });
            let events = edge.ask("GET", &path, "").json()["events"].clone();
            let mut texts: Vec<&str> =
                events.as_array().unwrap().iter().map(|event| event["text"].as_str().unwrap()).collect();
            texts.sort_unstable();
            assert_eq!(texts, ["0", "1", "2", "3", "4", "5", "6", "7"], "user {user}");
            if rounds == 2 {
                assert_eq!(edge.ask("DELETE", &format!("/v1/users/{user}"), "").status, 200);
            }
        }
    }
    assert!(edge.server.instances() > 1, "several instances wrote");
}

/// The instance that was to make a user's record has died.
#[test]
fn a_record_that_nobody_makes_is_made_in_the_end() {
    let edge = Edge::start(Settings::default());
    edge.settings.store.set("new-user.7".into(), 4_000_i64.to_le_bytes().to_vec()).unwrap();
    let body = json!({"events": [{"text": "a"}]});
    let mut answer = edge.post("/v1/users/7/events", &body);
    for _ in 0..10 {
        if answer.status != 429 {
            break;
        }
        answer = edge.post("/v1/users/7/events", &body);
    }
    assert_eq!((answer.status, answer.json()["events"].clone()), (200, json!(1)), "{}", answer.body);
}

#[test]
fn vectors_of_items_are_kept_and_used() {
    let edge = Edge::start(Settings::default());
    let first = scores(&edge.post("/v1/rank", &good()).json());
    let items: Vec<_> = edge.settings.store.records().into_iter().collect();
    assert_eq!(items.len(), 3, "a record a candidate, none for the history");
    assert!(items.iter().all(|(key, _)| key.starts_with("item.")));
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
