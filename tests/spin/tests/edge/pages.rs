//! Requests of web pages, and of clients that were made for other services.

use super::fixture::{DAEMON, Edge};
use lockstep_tests::http::post;
use lockstep_tests_spin::Settings;
use serde_json::json;

const PAGE: &str = "https://shop.example";

fn open_to(origins: &str) -> Edge {
    let variables = [("allow_origins".to_owned(), origins.to_owned())].into();
    Edge::start(Settings { variables, ..Settings::default() })
}

#[test]
fn pages_of_allowed_origins_may_call() {
    let edge = open_to("https://shop.example, chrome-extension://abc null");
    let preflight = [
        ("origin", PAGE),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization,content-type,x-stainless-os"),
        ("access-control-request-private-network", "true"),
    ];
    let answer = edge.send("OPTIONS", "/v1/embeddings", &preflight, "");
    assert_eq!((answer.status, answer.body.as_str()), (204, ""));
    assert_eq!(answer.header("access-control-allow-origin"), Some(PAGE));
    assert_eq!(answer.header("access-control-allow-methods"), Some("GET, POST, DELETE"));
    let taken = answer.header("access-control-allow-headers").unwrap();
    assert!(taken.contains("authorization") && taken.ends_with("x-stainless-os"), "{taken}");
    assert_eq!(answer.header("access-control-allow-private-network"), Some("true"));

    for (path, status) in [("/embed", 200), ("/nothing", 404)] {
        let body = json!({"inputs": "hello"}).to_string();
        let answer = edge.send("POST", path, &[("origin", "null")], &body);
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (status, Some("null")));
        assert!(answer.header("access-control-expose-headers").unwrap().contains("x-lockstep-backend"));
    }
    let other = edge.send("POST", "/embed", &[("origin", "https://other.example")], r#"{"inputs": "a"}"#);
    let seen = (other.header("access-control-allow-origin"), other.header("vary"));
    assert_eq!((other.status, seen), (200, (None, Some("origin"))));
    assert_eq!(edge.send("OPTIONS", "/embed", &[("origin", "https://b.example")], "").status, 405);

    let closed = Edge::start(Settings::default());
    let answer = closed.send("OPTIONS", "/embed", &preflight, "");
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (405, None));
    assert_eq!(answer.header("allow"), Some("POST"));
    let wrong = open_to("shop.example").ask("GET", "/health", "");
    assert_eq!(wrong.status, 503);
    assert!(wrong.body.contains(r#"allow_origins: expected *, null, or origins"#), "{}", wrong.body);
}

#[test]
fn clients_of_other_services_get_the_daemons_answers() {
    let edge = Edge::start(Settings::default());
    for (path, body) in [
        ("/", json!({"inputs": ["hello", ""], "options": {"wait_for_model": true}})),
        ("/", json!({"inputs": {"source_sentence": "a", "sentences": ["a", "b", " "]}})),
        ("/similarity", json!({"inputs": {"source_sentence": "a", "sentences": ["b"]}})),
        ("/v1/embeddings", json!({"input": [[2, 9, 8, 3], [7]], "input_type": "query"})),
        ("/embeddings", json!({"input": [7, 8, 9]})),
        ("/embed", json!({"inputs": [[7, 8], "a", [9]]})),
    ] {
        let here = edge.post(path, &body);
        assert_eq!(here.status, 200, "{path}: {}", here.body);
        assert_eq!((here.status, here.json()), post(DAEMON.address, path, &body), "{path}");
    }
    let half = edge.ask("POST", "/embed", r#"{"inputs": "half \ud83d"}"#);
    assert_eq!(half.json(), edge.post("/embed", &json!({"inputs": "half \u{fffd}"})).json());
    for (body, status) in [(json!({"input": ""}), 400), (json!({"input": [400]}), 422)] {
        let here = edge.post("/v1/embeddings", &body);
        assert_eq!((here.status, here.json()), post(DAEMON.address, "/v1/embeddings", &body));
        assert_eq!((here.status, &here.json()["error"]["type"]), (status, &json!("invalid_request_error")));
    }
    assert_eq!(edge.send("POST", "/embed", &[("content-encoding", "br")], "x").status, 415);
}

/// Many token ids count as many tokens.
#[test]
fn token_ids_count() {
    let variables = [("max_tokens".to_owned(), "64".to_owned())].into();
    let edge = Edge::start(Settings { variables, ..Settings::default() });
    let ids = vec![7; 40];
    assert_eq!(edge.post("/v1/embeddings", &json!({"input": [ids]})).status, 200);
    let answer = edge.post("/v1/embeddings", &json!({"input": [ids, ids[1..]]}));
    assert!(answer.status == 413 && answer.body.contains("79 tokens"), "{} {}", answer.status, answer.body);
}
