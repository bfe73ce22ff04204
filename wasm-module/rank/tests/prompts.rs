//! Prompts: each text stands behind the prompt of its role, or behind the one that a request names.
#![allow(clippy::unwrap_used)]

mod fake;

use fake::{Fake, read, refused, served, service};
use lockstep_rank::{Event, Prompts, Text};
use serde_json::{Value, json};

fn prompts(default: Option<&str>) -> Prompts {
    let texts = [("query", "ask "), ("passage", "tell "), ("other", "sing ")];
    let texts = texts.map(|(name, text)| (name.to_owned(), text.to_owned()));
    Prompts { texts: texts.into(), default: default.map(str::to_owned) }
}

/// The answer of a model with prompts.
fn prompted(default: Option<&str>, path: &str, body: &Value) -> Value {
    let reply = service(Fake::prompted(prompts(default))).handle("POST", path, body.to_string().as_bytes());
    assert_eq!(reply.status, 200, "{}", reply.body);
    read(&reply)
}

#[test]
fn embeddings_take_the_prompt_that_they_name_or_the_default_one() {
    let plain = |text: &str| served("/embed", &json!({"inputs": [text]}));
    let embed =
        |default, name: Value| prompted(default, "/embed", &json!({"inputs": ["a b"], "prompt_name": name}));
    assert_eq!(embed(None, Value::Null), plain("a b"));
    assert_eq!(embed(Some("other"), Value::Null), plain("sing a b"));
    assert_eq!(embed(Some("other"), json!("query")), plain("ask a b"));
    assert_eq!(embed(None, json!("passage")), plain("tell a b"));
    let vector = |answer: &Value| answer["data"][0]["embedding"].clone();
    let openai = |default| vector(&prompted(default, "/v1/embeddings", &json!({"input": "a b"})));
    let expected = |text: &str| vector(&served("/v1/embeddings", &json!({"input": text})));
    assert_eq!((openai(None), openai(Some("query"))), (expected("a b"), expected("ask a b")));
}

#[test]
fn token_ids_cannot_stand_behind_a_prompt() {
    for (path, body) in [
        ("/v1/embeddings", json!({"input": [[7, 8]]})),
        ("/embed", json!({"inputs": [7, 8]})),
        ("/embed", json!({"inputs": ["a", [7, 8]], "prompt_name": "query"})),
    ] {
        let reply =
            service(Fake::prompted(prompts(Some("other")))).handle("POST", path, body.to_string().as_bytes());
        refused(&reply, 422, "Validation", &["token ids cannot stand behind a prompt", "send the texts"]);
    }
    let body = json!({"inputs": [[7, 8]]});
    assert_eq!(prompted(None, "/embed", &body), served("/embed", &body));
}

#[test]
fn the_role_that_a_client_names_has_its_prompt() {
    let plain = |text: &str| served("/embed", &json!({ "inputs": text }));
    for (role, text) in [
        (json!("query"), "ask a"),
        (json!("search_query"), "ask a"),
        (json!("passage"), "tell a"),
        (json!("search_document"), "tell a"),
        (json!("other"), "sing a"),
        (json!("clustering"), "sing a"),
        (Value::Null, "sing a"),
    ] {
        let body = json!({"inputs": "a", "input_type": role});
        assert_eq!(prompted(Some("other"), "/embed", &body), plain(text), "{role}");
        let body = json!({"input": "a", "input_type": role});
        let vector = &prompted(Some("other"), "/v1/embeddings", &body)["data"][0]["embedding"];
        assert_eq!(vector, &plain(text)[0], "{role}");
    }
    let body = json!({"input": "a", "input_type": "passage", "prompt_name": "query"});
    assert_eq!(prompted(None, "/v1/embeddings", &body)["data"][0]["embedding"], plain("ask a")[0]);
}

#[test]
fn an_unknown_prompt_is_refused() {
    let body = json!({"inputs": "a", "prompt_name": "nonsense"}).to_string();
    let reply = service(Fake::prompted(prompts(None))).handle("POST", "/embed", body.as_bytes());
    refused(&reply, 422, "Validation", &["prompt_name", "\"nonsense\"", "other, passage, query"]);
    refused(&fake::post("/embed", body), 422, "Validation", &["prompt_name", "(none)", "\"nonsense\""]);
}

#[test]
fn a_query_and_documents_have_their_own_prompts() {
    let body = json!({"query": "a b", "texts": ["b c", "d"], "return_text": true});
    let answer = prompted(Some("other"), "/rerank", &body);
    let expected = json!({"query": "ask a b", "texts": ["tell b c", "tell d"], "return_text": true});
    let expected = served("/rerank", &expected);
    for (line, expected) in answer.as_array().unwrap().iter().zip(expected.as_array().unwrap()) {
        assert_eq!((&line["index"], &line["score"]), (&expected["index"], &expected["score"]));
        let text = format!("tell {}", line["text"].as_str().unwrap());
        assert_eq!(text, expected["text"].as_str().unwrap());
    }
}

#[test]
fn a_history_asks_and_candidates_tell() {
    let body = |history: &str, candidates: [&str; 2]| {
        let candidates = candidates.map(|text| json!({"id": text, "text": text}));
        json!({"user": {"history": [{"text": history}]}, "candidates": candidates})
    };
    let scores = |answer: &Value| -> Vec<f64> {
        answer["items"].as_array().unwrap().iter().map(|item| item["score"].as_f64().unwrap()).collect()
    };
    let expected = scores(&served("/v1/rank", &body("ask a b", ["tell b c", "tell d"])));
    let given = body("a b", ["b c", "d"]);
    assert_eq!(scores(&prompted(None, "/v1/rank", &given)), expected);
    assert_ne!(scores(&served("/v1/rank", &given)), expected);

    // A history that the host stores has no prompt until it is ranked for.
    let mut service = service(Fake::prompted(prompts(None)));
    let stored = json!({"user": {"id": "mira"}, "candidates": given["candidates"]}).to_string();
    let mut job = service.read("POST", "/v1/rank", stored.as_bytes()).ok().unwrap();
    job.set_history(vec![Event { text: "a b".into(), weight: 1.0 }]).ok().unwrap();
    assert_eq!(job.inputs(), ["ask a b", "tell b c", "tell d"].map(Text::single));
    assert_eq!(job.items(), ["tell b c", "tell d"]);
    assert_eq!(scores(&read(&service.run(&job))), expected);
}

#[test]
fn info_lists_the_prompts() {
    let info = read(&service(Fake::prompted(prompts(Some("query")))).handle("GET", "/info", b""));
    assert_eq!(info["prompts"], json!({"query": "ask ", "passage": "tell ", "other": "sing "}));
    assert_eq!(info["default_prompt_name"], "query");
    let plain = read(&service(Fake::embedding()).handle("GET", "/info", b""));
    assert_eq!((&plain["prompts"], &plain["default_prompt_name"]), (&json!({}), &Value::Null));
}
