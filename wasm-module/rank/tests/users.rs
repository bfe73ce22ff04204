//! Histories stored under a user's id.
#![allow(clippy::unwrap_used, missing_docs)]

mod fake;

use fake::{Fake, post, read, refused, served, service};
use lockstep_rank::{Event, History, Limits, Reply, Text, UserRequest};
use serde_json::{Value, json};

fn event(text: &str, weight: f64) -> Event {
    Event { text: text.into(), weight }
}

fn ask(method: &str, path: &str, body: &str) -> Result<UserRequest, Reply> {
    UserRequest::read(method, path, body.as_bytes(), &Limits::default()).expect("a path of a user")
}

#[test]
fn requests_name_their_user() {
    let events = r#"{"events": [{"text": "a"}, {"text": "b", "weight": 0.5}]}"#;
    let append = UserRequest::Append { id: "Zoë/1".into(), events: vec![event("a", 1.0), event("b", 0.5)] };
    assert_eq!(ask("POST", "/v1/users/Zo%C3%AB%2F1/events?x", events), Ok(append));
    assert_eq!(ask("GET", "/v1/users/7/events", ""), Ok(UserRequest::Read { id: "7".into() }));
    assert_eq!(ask("DELETE", "/v1/users/7", ""), Ok(UserRequest::Delete { id: "7".into() }));
    assert_eq!(UserRequest::read("GET", "/v1/rank", b"", &Limits::default()), None);
}

#[test]
fn requests_that_are_refused() {
    let refuse = |method: &str, path: &str, body: &str, status, error_type, part: &str| {
        let reply = ask(method, path, body).expect_err(path);
        refused(&reply, status, error_type, &[part]);
    };
    refuse("POST", "/v1/users//events", "{}", 400, "Empty", "the id is \"\"");
    refuse("GET", &format!("/v1/users/{}/events", "x".repeat(257)), "", 413, "Validation", "257 bytes");
    refuse("GET", "/v1/users/%F/events", "", 422, "Validation", "\"%F\"");
    refuse("GET", "/v1/users/%ff/events", "", 422, "Validation", "no UTF-8 in \"%ff\"");
    refuse("GET", "/v1/users/7/event", "", 404, "Validation", "/v1/users/{id}/events");
    refuse("GET", "/v1/users/7", "", 405, "Validation", "takes DELETE, not \"GET\"");
    refuse("PUT", "/v1/users/7/events", "", 405, "Validation", "takes GET or POST, not \"PUT\"");
    refuse("POST", "/v1/users/7/events", "{}", 422, "Validation", "events: this field is missing");
    refuse("POST", "/v1/users/7/events", r#"{"events": []}"#, 400, "Empty", "events");
    let weight = r#"{"events": [{"text": "a", "weight": -1}]}"#;
    refuse("POST", "/v1/users/7/events", weight, 422, "Validation", "events[0].weight");
}

#[test]
fn a_record_is_what_was_appended_and_loses_its_oldest() {
    let limits = Limits { max_history: 3, max_history_bytes: 10, ..Limits::default() };
    let mut history = History::of_record(None).unwrap();
    let texts = |history: &History| history.events.iter().map(|e| e.text.clone()).collect::<Vec<_>>();

    let reply = history.append("7", &[event("aa", 1.0), event("bb", 0.25)], &limits);
    assert_eq!(read(&reply), json!({"user": "7", "events": 2, "dropped": 0}));
    let reply = history.append("7", &[event("cc", 1.0), event("dd", 1.0)], &limits);
    assert_eq!(read(&reply), json!({"user": "7", "events": 3, "dropped": 1}));
    assert_eq!(texts(&history), ["bb", "cc", "dd"]);
    assert_eq!(History::of_record(Some(&history.record())), Ok(history.clone()));

    history.append("7", &[event("seven b", 1.0)], &limits);
    assert_eq!(texts(&history), ["dd", "seven b"], "ten bytes hold nine");
    history.append("7", &[event("more than ten", 1.0)], &limits);
    assert_eq!(texts(&history), ["more than ten"], "the newest stays");

    let asked = ask("GET", "/v1/users/7/events", "").unwrap();
    let events = json!([{"text": "more than ten", "weight": 1.0}]);
    assert_eq!(read(&asked.answer(&history)), json!({"user": "7", "events": events}));
    let asked = ask("DELETE", "/v1/users/7", "").unwrap();
    assert_eq!(read(&asked.answer(&history)), json!({"user": "7", "deleted": 1}));
    refused(&History::of_record(Some(b"[")).unwrap_err(), 424, "Backend", &["stored history"]);
}

fn rank(user: &Value) -> String {
    let candidates = [json!({"id": "x", "text": "wool socks"}), json!({"id": "y", "text": "green tea"})];
    json!({"user": user, "candidates": candidates, "explain": true}).to_string()
}

#[test]
fn a_stored_history_ranks_as_the_same_history_sent() {
    let events = [event("red shoes", 1.0), event("left out", 0.0), event("green tea", 0.5)];
    let sent: Vec<Value> = events.iter().map(|e| json!({"text": e.text, "weight": e.weight})).collect();
    let sent: Value = serde_json::from_str(&rank(&json!({ "history": sent }))).unwrap();

    let mut service = service(Fake::embedding());
    let mut job = service.read("POST", "/v1/rank", rank(&json!({"id": "7"})).as_bytes()).ok().unwrap();
    assert_eq!(job.user(), Some("7"));
    assert_eq!(job.inputs(), ["wool socks", "green tea"].map(Text::single));
    job.set_history(events.to_vec()).unwrap();
    assert_eq!(job.user(), None);
    assert_eq!(job.inputs(), ["red shoes", "green tea", "wool socks", "green tea"].map(Text::single));
    assert_eq!(read(&service.run(&job)), served("/v1/rank", &sent));
}

#[test]
fn a_user_of_whom_nothing_is_known_is_refused() {
    let body = rank(&json!({"id": "7"}));
    refused(&post("/v1/rank", &body), 422, "Validation", &["user.id", "\"7\"", "no histories are kept here"]);
    let job = || service(Fake::embedding()).read("POST", "/v1/rank", body.as_bytes()).ok().unwrap();
    refused(&job().set_history(Vec::new()).unwrap_err(), 400, "Empty", &["user.id", "\"7\""]);
    let weightless = job().set_history(vec![event("a", 0.0)]).unwrap_err();
    refused(&weightless, 422, "Validation", &["user.id", "all 1 weights are 0"]);

    let both = rank(&json!({"id": "7", "history": [{"text": "a"}]}));
    refused(&post("/v1/rank", both), 422, "Validation", &["user: both id and history"]);
    refused(&post("/v1/rank", rank(&json!({"id": ""}))), 400, "Empty", &["user.id"]);
}
