//! Who may ask about users, and what the log says.

use super::fixture::{Edge, good};
use lockstep_tests_spin::Settings;
use serde_json::json;

fn with(name: &str, value: &str) -> Edge {
    let variables = [(name.to_owned(), value.to_owned())].into();
    Edge::start(Settings { variables, keep_log: true, ..Settings::default() })
}

#[test]
fn histories_need_a_key_if_there_are_keys() {
    let edge = with("history_keys", "first second-key");
    let events = json!({"events": [{"text": "a red bicycle"}]}).to_string();
    let mut by_id = good();
    by_id["user"] = json!({"id": "7"});
    let by_id = by_id.to_string();
    let requests = [
        ("POST", "/v1/users/7/events", events.as_str()),
        ("GET", "/v1/users/7/events", ""),
        ("POST", "/v1/rank", by_id.as_str()),
        ("DELETE", "/v1/users/7", ""),
    ];
    for (method, path, body) in requests {
        for key in
            [None, Some("Bearer "), Some("Bearer firs"), Some("Bearer first second-key"), Some("Basic first")]
        {
            let headers: Vec<_> = key.map(|key| ("authorization", key)).into_iter().collect();
            let answer = edge.send(method, path, &headers, body);
            assert_eq!((answer.status, answer.header("www-authenticate")), (401, Some("Bearer")), "{key:?}");
            assert!(answer.json()["error"].as_str().unwrap().contains("authorization"), "{}", answer.body);
        }
        for key in ["Bearer first", "bearer second-key"] {
            let status = edge.send(method, path, &[("authorization", key)], body).status;
            assert_eq!(status, 200, "{method} {path} {key}");
        }
    }
    assert_eq!(edge.post("/v1/rank", &good()).status, 200, "a history that is sent needs no key");
}

#[test]
fn the_log_has_a_line_for_each_request_and_no_user() {
    for (wanted, lines) in [("all", 3), ("failures", 1), ("none", 0), ("", 1)] {
        let edge = with("log", wanted);
        edge.post("/embed", &json!({"inputs": "a red bicycle"}));
        edge.ask("GET", "/v1/users/secret-name/events", "");
        edge.settings.store.faults().down.store(true, std::sync::atomic::Ordering::SeqCst);
        edge.ask("GET", "/v1/users/secret-name/events", "");
        let log = edge.server.log();
        let written: Vec<&str> = log.lines().collect();
        assert_eq!(written.len(), lines, "{wanted}: {log}");
        assert!(!log.contains("secret-name") && !log.contains("bicycle"), "{log}");
        if wanted == "all" {
            assert!(written[0].starts_with("lockstep: POST \"/embed\" 200, 11 tokens, "), "{log}");
            assert!(
                written[1].starts_with("lockstep: GET \"/v1/users/{id}/events\" 200, 0 tokens, "),
                "{log}"
            );
        }
        if lines > 0 {
            assert!(written[lines - 1].contains(" 424, ") && log.contains("key-value store"), "{log}");
        }
    }
    let wrong = with("log", "some").ask("GET", "/health", "");
    assert!(
        wrong.status == 503 && wrong.body.contains("log: expected none, failures or all"),
        "{}",
        wrong.body
    );
}
