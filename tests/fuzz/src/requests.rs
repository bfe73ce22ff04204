//! Requests to `rank`: any method, path and body. Whatever comes, the answer is JSON; a good answer
//! has as many finite numbers as were asked for, and the same request gets it again.

mod toy;

use std::ops::RangeInclusive;

use lockstep_rank::{Limits, Reply, Service, Stored, UserRequest, whole_characters};
use serde_json::Value;

use crate::edits::{JSON, splice};
use crate::script::Script;
use toy::Toy;

/// No answer about a user has scores.
const EVERY: RangeInclusive<f64> = f64::MIN..=f64::MAX;

const METHODS: [&str; 4] = ["POST", "GET", "HEAD", "DELETE"];

/// Paths, and a good body for each.
const GOOD: [(&str, &str); 13] = [
    (
        "/v1/rank",
        r#"{"user":{"history":[{"text":"red shoes","weight":1.5},{"text":"café ☕"}]},"candidates":[{"id":"a","text":"hat"},{"id":"b","text":"tea"},{"id":"c","text":"red hat"}],"top_n":2,"diversity":0.25,"explain":true}"#,
    ),
    (
        "/embed",
        r#"{"inputs":["red shoes","😀"],"truncate":false,"truncation_direction":"right","normalize":false,"dimensions":4}"#,
    ),
    (
        "/rerank",
        r#"{"query":"red","texts":["red shoes","tea"],"raw_scores":true,"return_text":true,"truncate":true}"#,
    ),
    (
        "/v1/embeddings",
        r#"{"model":"toy","input":["a","b"],"encoding_format":"base64","dimensions":8,"user":"u"}"#,
    ),
    ("/v1/embeddings", r#"{"input":[[1,99],[7],"\ud83d"]}"#),
    ("/embed", r#"{"inputs":[1,2,3],"truncate":true}"#),
    ("/predict", r#"{"inputs":[["a"],["a","b"]],"raw_scores":false,"parameters":{"top_k":2}}"#),
    ("/similarity", r#"{"inputs":{"source_sentence":"a","sentences":["a","b"]}}"#),
    ("/", r#"{"inputs":"red shoes","parameters":{"function_to_apply":"softmax"}}"#),
    ("/lockstep/encode", r#"{"inputs":["red shoes",["a","b"]]}"#),
    ("/v1/users/caf%C3%A9/events", r#"{"events":[{"text":"red shoes","weight":2},{"text":"tea"}]}"#),
    ("/info", ""),
    ("/health?deep=1", ""),
];

/// Reads a script as one request, and checks the answer. Returns whether the request was good.
pub fn run(bytes: &[u8]) -> bool {
    let mut script = Script::new(bytes);
    let (kind, small) = (script.byte(), script.chance(64));
    let range = if kind % 4 < 2 { -1.0..=1.0 } else { 0.0..=1.0 };
    let method = METHODS[if script.chance(40) { script.below(METHODS.len()) } else { 0 }];
    let (mut path, good) = {
        let (path, good) = script.pick(&GOOD);
        (path.to_owned(), good)
    };
    if script.chance(30) {
        let mut bytes = path.into_bytes();
        splice(&mut bytes, &mut script, &[b"/", b"%", b"%2", b"%ff", b"?", b"events", b"v1", b"\xc3\xa9"], 4);
        path = String::from_utf8_lossy(&bytes).into_owned();
    }
    let body = if script.chance(64) {
        script.rest().to_vec()
    } else {
        let mut body = good.as_bytes().to_vec();
        splice(&mut body, &mut script, &JSON, 8);
        body
    };
    let limits = if small { SMALL } else { Limits::default() };
    stored(method, &path, &body, &limits);
    let answer = || Service::new(Toy::new(kind), limits, || 0.0).handle(method, &path, &body);
    let reply = answer();
    check(&path, &body, &reply, range);
    assert_eq!(reply, answer(), "the same request gets another answer");
    reply.status == 200
}

/// Limits that a short body can exceed.
const SMALL: Limits = Limits {
    max_body_bytes: 300,
    max_text_bytes: 8,
    max_id_bytes: 2,
    max_candidates: 2,
    max_history: 1,
    max_history_bytes: 6,
    max_inputs: 1,
    max_batch_tokens: usize::MAX,
    max_json_values: 12,
    max_json_numbers: 6,
    auto_truncate: false,
};

/// `range` is that of the scores of pairs.
fn check(path: &str, body: &[u8], reply: &Reply, range: RangeInclusive<f64>) {
    let answer: Value = serde_json::from_str(&reply.body).expect("an answer in JSON");
    if reply.status != 200 {
        assert!((400..500).contains(&reply.status), "status {}: {}", reply.status, reply.body);
        let plain = answer["error"].is_string() && answer["error_type"].is_string();
        assert!(plain || answer["error"]["message"].is_string(), "{answer}");
        // A refusal quotes a part of the request, never all of it.
        assert!(reply.body.len() < 4096, "a refusal of {} bytes", reply.body.len());
        return;
    }
    assert!(answer.get("error").is_none(), "{answer}");
    let asked: Value =
        serde_json::from_str(&whole_characters(&String::from_utf8_lossy(body))).unwrap_or_default();
    match path.split_once('?').map_or(path, |(path, _)| path) {
        "/embed" => vectors(&asked, "inputs", list(&answer)),
        "/v1/embeddings" => assert_eq!(list(&answer["data"]).len(), count(&asked, "input"), "{answer}"),
        "/similarity" => {
            assert_eq!(list(&answer).len(), count(&asked["inputs"], "sentences"), "{answer}");
            assert!(list(&answer).iter().all(Value::is_number), "{answer}");
        }
        "/predict" => {
            let numbers = answer.to_string();
            assert!(!numbers.contains("null"), "a score that is no number: {numbers}");
        }
        "/rerank" => scores(list(&answer), count(&asked, "texts"), range, asked["raw_scores"] == true),
        "/v1/rank" => {
            let (items, candidates) = (list(&answer["items"]), count(&asked, "candidates"));
            let wanted = asked["top_n"].as_u64().map_or(candidates, |n| n as usize);
            assert_eq!(items.len(), wanted, "{answer}");
            scores(items, candidates, -1.0..=1.0, false);
        }
        _ => {}
    }
}

/// A user's stored history: it stays within its limits, and is read back as it was written.
fn stored(method: &str, path: &str, body: &[u8], limits: &Limits) {
    let Some(request) = UserRequest::read(method, path, body, limits) else { return };
    let request = match request {
        Ok(request) => request,
        Err(reply) => return check(path, body, &reply, EVERY),
    };
    assert!(!request.id().is_empty() && request.id().len() <= limits.max_id_bytes);
    let mut stored = Stored::new(7);
    let mut parts = Vec::new();
    if let UserRequest::Append { id, events } = &request {
        for _ in 0..2 {
            let appended = stored.append(id, events, limits);
            check(path, body, &appended.reply, EVERY);
            parts.extend(appended.part);
            parts.retain(|(name, _)| !appended.dropped.contains(name));
        }
        assert!((1..=limits.max_history.max(1)).contains(&stored.count()));
    }
    let (names, parts): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
    assert_eq!(names, stored.part_names());
    let kept = stored.events(&parts).expect("its own parts");
    if let UserRequest::Append { events, .. } = &request {
        assert_eq!(kept.last(), events.last(), "the newest event stays");
    }
    assert_eq!(kept.len(), stored.count());
    assert_eq!(Stored::of_record(&stored.record()), Ok(stored.clone()));
    check(path, body, &request.read_answer(&kept), EVERY);
    check(path, body, &request.delete_answer(kept.len()), EVERY);
    if let Ok(strange) = Stored::of_record(body) {
        let _ = (strange.count(), strange.possible_names(), strange.events(&[]));
    }
}

/// One vector for each input, of numbers.
fn vectors(asked: &Value, field: &str, vectors: &[Value]) {
    assert_eq!(vectors.len(), count(asked, field), "vectors for {asked}");
    for vector in vectors {
        let numbers = list(vector);
        assert!(!numbers.is_empty() && numbers.iter().all(Value::is_number), "{vector}");
    }
}

/// Scores of different candidates, within a range unless they are `raw` logits.
fn scores(items: &[Value], candidates: usize, range: RangeInclusive<f64>, raw: bool) {
    let mut seen = vec![false; candidates];
    for item in items {
        let index = item["index"].as_u64().expect("an index") as usize;
        assert!(!std::mem::replace(&mut seen[index], true), "{index} twice");
        let score = item["score"].as_f64().expect("a finite score");
        assert!(raw || range.contains(&score), "{score} is outside {range:?}");
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("an array")
}

/// How many inputs a request has: one for a single text, and for one list of token ids.
fn count(asked: &Value, field: &str) -> usize {
    match asked[field].as_array() {
        Some(inputs) if !inputs[0].is_number() => inputs.len(),
        _ => 1,
    }
}

/// Every good request, and each again as a body of its own.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for (i, (_, body)) in GOOD.iter().enumerate() {
        for kind in 0..4 {
            seeds.push(vec![kind, 0, 0, i as u8]);
        }
        seeds.push([&[0, 0, 0, i as u8, 0, 255][..], body.as_bytes()].concat());
    }
    seeds
}
