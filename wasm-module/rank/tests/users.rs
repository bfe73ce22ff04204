//! Histories stored under a user's id.
#![allow(clippy::unwrap_used, missing_docs)]

mod fake;

use std::collections::BTreeMap;

use fake::{Fake, post, read, refused, served, service};
use lockstep_rank::{Event, Limits, Reply, Stored, Text, UserRequest};
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

/// A user's record, its parts, and all that was ever appended and not dropped.
struct User {
    stored: Stored,
    parts: BTreeMap<String, Vec<u8>>,
    expected: Vec<Event>,
}

impl User {
    fn new() -> Self {
        Self { stored: Stored::new(7), parts: BTreeMap::new(), expected: Vec::new() }
    }

    /// Appends, and compares the answer and all events with a plain list.
    fn append(&mut self, events: &[Event], limits: &Limits) {
        let appended = self.stored.append("7", events, limits);
        self.parts.extend(appended.part);
        for name in &appended.dropped {
            self.parts.remove(name).unwrap();
        }
        self.expected.extend_from_slice(events);
        let before = self.expected.len();
        let bytes = |events: &[Event]| events.iter().map(|event| event.text.len()).sum::<usize>();
        while self.expected.len() > 1
            && (self.expected.len() > limits.max_history || bytes(&self.expected) > limits.max_history_bytes)
        {
            self.expected.remove(0);
        }
        let (now, dropped) = (self.expected.len(), before - self.expected.len());
        assert_eq!(read(&appended.reply), json!({"user": "7", "events": now, "dropped": dropped}));
        assert_eq!(self.stored.count(), now);
        self.stored = Stored::of_record(&self.stored.record()).unwrap();
        let named = self.stored.part_names();
        let parts: Vec<_> = named.iter().map(|name| self.parts[name].clone()).collect();
        assert_eq!(parts.len(), self.parts.len(), "nothing else is left");
        assert_eq!(self.stored.events(&parts).unwrap(), self.expected);
        assert!(named.iter().all(|name| self.stored.possible_names().contains(name)));
    }
}

#[test]
fn a_record_is_what_was_appended_and_loses_its_oldest() {
    let limits = Limits { max_history: 3, max_history_bytes: 10, ..Limits::default() };
    let mut user = User::new();
    let texts = |user: &User| user.expected.iter().map(|e| e.text.clone()).collect::<Vec<_>>();
    user.append(&[event("aa", 1.0), event("bb", 0.25)], &limits);
    user.append(&[event("cc", 1.0), event("dd", 1.0)], &limits);
    assert_eq!(texts(&user), ["bb", "cc", "dd"]);
    user.append(&[event("seven b", 1.0)], &limits);
    assert_eq!(texts(&user), ["dd", "seven b"], "ten bytes hold nine");
    user.append(&[event("more than ten", 1.0)], &limits);
    assert_eq!(texts(&user), ["more than ten"], "the newest stays");

    let asked = ask("GET", "/v1/users/7/events", "").unwrap();
    let events = json!([{"text": "more than ten", "weight": 1.0}]);
    assert_eq!(read(&asked.read_answer(&user.expected)), json!({"user": "7", "events": events}));
    let asked = ask("DELETE", "/v1/users/7", "").unwrap();
    assert_eq!(read(&asked.delete_answer(1)), json!({"user": "7", "deleted": 1}));
    refused(&Stored::of_record(b"[").unwrap_err(), 424, "Backend", &["stored history"]);
    refused(&user.stored.events(&[b"{".to_vec()]).unwrap_err(), 424, "Backend", &["part of a history"]);
}

/// However long a history is, its record stays small, so that an append is cheap.
#[test]
fn a_long_history_is_in_parts_that_never_change() {
    let mut user = User::new();
    for (max_history, max_history_bytes) in [(1_000, 512 << 10), (60, 512 << 10), (1_000, 9_000)] {
        let limits = Limits { max_history, max_history_bytes, ..Limits::default() };
        for number in 0..300 {
            let length = 1 + number * 7919 % 600;
            let events = vec![event(&"x".repeat(length), 1.0); 1 + number % 3];
            user.append(&events, &limits);
            assert!(user.stored.record().len() < 16 << 10, "{}", user.stored.record().len());
        }
        assert!(user.stored.part_names().len() > 1);
    }
    user.append(&vec![event("y", 1.0); 999], &Limits { max_history: 10, ..Limits::default() });

    // Two hosts that read the same record write the same part.
    let (mut one, mut other) = (user.stored.clone(), user.stored.clone());
    let [one, other] = [&mut one, &mut other].map(|stored| {
        let text = "z".repeat(5_000);
        stored.append("7", &[event(&text, 1.0)], &Limits::default()).part
    });
    assert!(one.is_some() && one == other);
    assert_ne!(Stored::new(1).record(), Stored::new(2).record());
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
