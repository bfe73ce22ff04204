//! Histories that the component keeps, also when many write at once.

use std::sync::atomic::Ordering;

use super::fixture::{Edge, good, scores};
use lockstep_tests_spin::Settings;
use serde_json::{Value, json};

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

/// Spin keeps the value of each swapped record until the instance ends.
#[test]
fn appends_to_a_long_history_take_little_memory() {
    const EVENTS: usize = 200;
    let mut settings = Settings::default();
    settings.reuse.max_instance_reuse_count = usize::MAX;
    let edge = Edge::start(settings);
    let path = "/v1/users/7/events";
    let event = |number: usize| json!({"text": format!("{number} {}", "x".repeat(2_000)), "weight": 1.0});
    for number in 0..EVENTS {
        let answer = edge.post(path, &json!({"events": [event(number)]}));
        assert_eq!(answer.json(), json!({"user": "7", "events": number + 1, "dropped": 0}));
    }
    let kept = edge.ask("GET", path, "").json()["events"].clone();
    assert_eq!(kept, Value::from_iter((0..EVENTS).map(event)));
    assert_eq!(edge.server.instances(), 1);
    let (held, history) = (edge.settings.store.held(), kept.to_string().len());
    assert!(held < 4 * history, "{held} bytes are held for {EVENTS} appends to {history} bytes");

    assert_eq!(edge.ask("DELETE", "/v1/users/7", "").json()["deleted"], json!(EVENTS));
    let left: Vec<_> = edge.settings.store.records().into_keys().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_part_that_is_lost_is_reported() {
    let edge = Edge::start(Settings::default());
    let text = "x".repeat(5_000);
    for _ in 0..3 {
        edge.post("/v1/users/7/events", &json!({"events": [{"text": text}]}));
    }
    let part = edge.settings.store.records().into_keys().find(|key| key.starts_with("events.7~.")).unwrap();
    edge.settings.store.set(part, b"{".to_vec()).unwrap();
    let answer = edge.ask("GET", "/v1/users/7/events", "");
    assert!(answer.status == 424 && answer.body.contains("part of a history"), "{}", answer.body);
    assert_eq!(edge.ask("DELETE", "/v1/users/7", "").status, 200, "and the user can be deleted");
    assert!(edge.settings.store.records().is_empty());
}
