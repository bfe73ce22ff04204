//! The daemon with the real module and the tiny model, as a client sees it.
#![allow(clippy::unwrap_used)]

use std::num::NonZeroUsize;
use std::sync::LazyLock;

use lockstep_tests::daemon::Daemon;
use lockstep_tests::http::{post, request};
use lockstep_tests::places::{module, need, tiny_model};
use serde_json::{Value, json};

static DAEMON: LazyLock<Daemon> = LazyLock::new(|| {
    need(&module("relaxed"));
    need(&tiny_model());
    Daemon::start(&tiny_model(), &module("relaxed"))
});

fn rank(body: &Value) -> (u16, Value) {
    post(DAEMON.address, "/v1/rank", body)
}

/// A good request; tests change one field and expect a refusal.
fn good() -> Value {
    json!({
        "user": {"history": [{"text": "a red bicycle", "weight": 1.0}, {"text": "good bread"}]},
        "candidates": [{"id": "a", "text": "new bicycle lamps"}, {"id": "b", "text": "bread and butter"}, {"id": "c", "text": "a red bicycle"}],
        "top_n": 3, "diversity": 0.0, "explain": true
    })
}

#[test]
fn it_ranks_and_explains() {
    let (status, answer) = rank(&good());
    assert_eq!(status, 200, "{answer}");
    let items = answer["items"].as_array().unwrap();
    assert_eq!(items.len(), 3);
    assert!(items.windows(2).all(|w| w[0]["score"].as_f64() >= w[1]["score"].as_f64()), "best first");
    let same = items.iter().find(|i| i["id"] == "c").unwrap();
    assert_eq!(
        same["because"][0],
        json!({"history": 0, "similarity": 1.0}),
        "the same text is the same vector"
    );
    assert!(answer["usage"]["tokens"].as_u64() > Some(10));
    assert_eq!(answer["backend"], "wasm-relaxed");
    assert_eq!(answer["model_digest"].as_str().unwrap().len(), 64);
}

#[test]
fn embeddings_have_length_one_and_do_not_see_their_mates() {
    let (status, alone) = post(DAEMON.address, "/embed", &json!({"inputs": "hello world"}));
    assert_eq!(status, 200, "{alone}");
    let (_, together) =
        post(DAEMON.address, "/embed", &json!({"inputs": ["other words first", "hello world"]}));
    assert_eq!(alone[0], together[1]);
    let norm: f64 = alone[0].as_array().unwrap().iter().map(|v| v.as_f64().unwrap().powi(2)).sum();
    assert!((norm - 1.0).abs() < 1e-6, "{norm}");
}

#[test]
fn reranking_puts_the_same_text_first() {
    let body =
        json!({"query": "a red bicycle", "texts": ["good bread", "a red bicycle"], "return_text": true});
    let (status, answer) = post(DAEMON.address, "/rerank", &body);
    assert_eq!(status, 200, "{answer}");
    assert_eq!((&answer[0]["index"], &answer[0]["text"]), (&json!(1), &json!("a red bicycle")));
}

#[test]
fn it_says_what_it_runs() {
    let (status, _, body) = request(DAEMON.address, "GET", "/info", b"");
    let info: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &info["model_id"], &info["max_input_length"]), (200, &json!("tiny"), &json!(128)));
}

#[test]
fn answers_name_the_model_and_what_scored() {
    let (_, answer) = rank(&good());
    let embed = br#"{"inputs": "hello world"}"#;
    let (status, head, _) = request(DAEMON.address, "POST", "/embed", embed);
    let digest = format!("x-lockstep-model-digest: {}\r\n", answer["model_digest"].as_str().unwrap());
    assert!(status == 200 && head.contains(&digest), "{head}");
    assert!(head.contains("x-lockstep-backend: wasm-relaxed\r\n"), "{head}");
    let (status, head, _) = request(DAEMON.address, "POST", "/embed", b"{}");
    assert!(status == 422 && !head.contains("x-lockstep"), "a refusal has no backend: {head}");
}

#[test]
fn truncation_is_reported() {
    let mut body = good();
    body["candidates"][1]["text"] = json!("word ".repeat(400));
    let (status, answer) = rank(&body);
    assert_eq!((status, &answer["truncated"]["candidates"]), (200, &json!([1])), "{answer}");
}

#[test]
fn bad_input_is_refused_by_name() {
    let spoiled = |pointer: &str, value: Value| {
        let mut body = good();
        *body.pointer_mut(pointer).unwrap() = value;
        body
    };
    let many: Vec<Value> = (0..10_000).map(|i| json!({"id": i.to_string(), "text": "x"})).collect();
    let mut unknown = good();
    unknown["colour"] = json!(1);
    let cases = [
        (spoiled("/candidates/1/text", json!(7)), "candidates[1].text"),
        (spoiled("/candidates/1/id", json!("")), "candidates[1].id"),
        (spoiled("/candidates/1/text", json!("x".repeat(1 << 20))), "1048576"),
        (spoiled("/candidates", json!(many)), "10000"),
        (spoiled("/candidates", json!([])), "candidates"),
        (spoiled("/user/history", json!([])), "user.history"),
        (spoiled("/user/history/0/weight", json!(-0.5)), "-0.5"),
        (spoiled("/user/history/0/weight", json!("heavy")), "weight"),
        (spoiled("/diversity", json!(1.5)), "1.5"),
        (spoiled("/top_n", json!(0)), "top_n"),
        (unknown, "colour"),
    ];
    for (body, named) in cases {
        let (status, answer) = rank(&body);
        let error = answer["error"].as_str().unwrap_or_else(|| panic!("{answer}"));
        assert!(
            (400..500).contains(&status) && error.contains(named),
            "{status} {error} does not name {named}"
        );
        assert!(answer["error_type"].is_string(), "TEI's error shape: {answer}");
    }
    for raw in [
        &br#"{"user": {"history": [{"text": "\ud800"}]}}"#[..],
        b"{\"user\": \xff}",
        b"",
        b"[1e999]",
        b"{\"user\":",
    ] {
        let (status, _, body) = request(DAEMON.address, "POST", "/v1/rank", raw);
        assert!((400..500).contains(&status) && body.contains("error_type"), "{status} {body}");
    }
    let (status, _, body) = request(DAEMON.address, "POST", "/v1/rank", &vec![b' '; 5 << 20]);
    assert!(status == 413 && body.contains("error_type"), "{status} {body}");
    // After all refusals the daemon still works.
    assert_eq!(rank(&good()).0, 200);
}

#[test]
fn hostile_text_is_scored() {
    for text in lockstep_tests::texts::hostile() {
        let mut body = good();
        body["candidates"][0]["text"] = json!(text);
        let (status, answer) = rank(&body);
        assert_eq!(status, 200, "{text:?}: {answer}");
    }
}

/// An answer without the fields that may differ: the time it took, and the name of the backend.
fn bare(mut answer: Value, backend: &str) -> Value {
    if let Some(fields) = answer.as_object_mut() {
        if let Some(took) = fields.remove("took_ms") {
            assert!(took.as_f64() > Some(0.0), "{took}");
        }
        if let Some(name) = fields.remove("backend") {
            let name = name.as_str().unwrap();
            assert!(name.starts_with("wasm") == (backend == "wasm"), "{name} of the {backend} backend");
        }
    }
    answer
}

#[test]
fn the_native_backend_gives_the_same_answers() {
    let native = Daemon::start_native(&tiny_model(), NonZeroUsize::new(3).unwrap());
    // Together these texts have more tokens than one thread takes at a time.
    let texts = [lockstep_tests::texts::hostile(), lockstep_tests::texts::graded(60, 150)].concat();
    let candidates: Vec<Value> =
        texts.iter().enumerate().map(|(i, text)| json!({"id": i.to_string(), "text": text})).collect();
    let mut whole = good();
    whole["candidates"] = json!(candidates);
    whole["top_n"] = json!(texts.len());
    whole["diversity"] = json!(0.3);
    let mut blank = good();
    blank["candidates"][1]["text"] = json!("\u{0}\u{7}");
    let mut requests = vec![
        ("/v1/rank", good(), 2),
        ("/v1/rank", whole, 2),
        ("/v1/rank", blank, 2),
        ("/embed", json!({"inputs": "hello world"}), 2),
        ("/embed", json!({"inputs": ["good", "\u{0}", ""]}), 2),
        ("/embed", json!({"inputs": ""}), 4),
        ("/embed", json!({"inputs": []}), 4),
        ("/v1/embeddings", json!({"input": ["hello world", "good bread"], "model": "tiny"}), 2),
        ("/rerank", json!({"query": "a red bicycle", "texts": texts[..30]}), 2),
        ("/nowhere", json!({}), 4),
    ];
    requests.extend(texts.chunks(20).map(|texts| ("/embed", json!({"inputs": texts, "truncate": true}), 2)));
    for (path, body, class) in requests {
        let (status, answer) = post(native.address, path, &body);
        let (wasm_status, wasm_answer) = post(DAEMON.address, path, &body);
        assert_eq!((status, status / 100), (wasm_status, class), "{path} {answer} {wasm_answer}");
        assert_eq!(bare(answer, "native"), bare(wasm_answer, "wasm"), "{path}");
    }
    let info =
        |daemon: &Daemon| serde_json::from_str(&request(daemon.address, "GET", "/info", b"").2).unwrap();
    assert_eq!(bare(info(&native), "native"), bare(info(&DAEMON), "wasm"));
    let tokens = |daemon: &Daemon| {
        let (_, head, _) = request(daemon.address, "POST", "/embed", br#"{"inputs": "hello world"}"#);
        let digest =
            head.lines().find(|line| line.starts_with("x-lockstep-model-digest: ")).map(str::to_owned);
        let tokens = head.lines().find(|line| line.contains("tokens: ")).map(str::to_owned);
        assert!(digest.is_some() && tokens.is_some(), "{head}");
        (digest, tokens)
    };
    assert_eq!(tokens(&native), tokens(&DAEMON));
}
