//! The requests of Hugging Face's clients: the task at `/`, labels, and similarities.
#![allow(clippy::unwrap_used, missing_docs)]

mod fake;

use fake::{Fake, post, read, refused, served, service};
use lockstep_rank::{LabelScores, exp};
use serde_json::{Value, json};

fn asked(model: Fake, path: &str, body: &Value) -> Value {
    let reply = service(model).handle("POST", path, body.to_string().as_bytes());
    assert_eq!(reply.status, 200, "{}", reply.body);
    read(&reply)
}

#[test]
fn the_root_has_the_task_of_an_embedding_model() {
    for root in ["/", "/invocations"] {
        for body in [
            json!({"inputs": "a b"}),
            json!({"inputs": ["a", ""], "normalize": false}),
            json!({"inputs": [1, 2], "prompt_name": null}),
            json!({"inputs": "a b", "parameters": {"normalize": false, "dimensions": 3}}),
            json!({"inputs": "a b", "options": {"use_cache": false}, "parameters": null}),
        ] {
            assert_eq!(served(root, &body), served("/embed", &body));
        }
        let body = json!({"inputs": {"source_sentence": "a b", "sentences": ["a b", "c", ""]}});
        let cosines = served(root, &body);
        assert_eq!(cosines, served("/similarity", &body));
        let ranked = served("/rerank", &json!({"query": "a b", "texts": ["a b", "c", ""]}));
        for line in ranked.as_array().unwrap() {
            assert_eq!(cosines[line["index"].as_u64().unwrap() as usize], line["score"]);
        }
        let body = json!({"query": "a", "texts": ["b", "a"]});
        assert_eq!(served(root, &body), served("/rerank", &body));
    }
    let body = json!({"inputs": "a", "parameters": {"normalize": false}});
    assert_eq!(served("/", &body), served("/embed", &json!({"inputs": "a", "normalize": false})));
}

#[test]
fn health_has_three_names() {
    for path in ["/health", "/ping", "/"] {
        let reply = service(Fake::embedding()).handle("GET", path, b"");
        assert_eq!((reply.status, read(&reply)), (200, json!({"status": "ok"})));
    }
    refused(&post("/ping", "{}"), 405, "Validation", &["/ping takes GET"]);
    let reply = service(Fake::embedding()).handle("PUT", "/", b"");
    refused(&reply, 405, "Validation", &["/ takes POST or GET"]);
}

#[test]
fn similarities_that_are_refused() {
    let refuse = |body: Value, status: u16, error_type: &str, parts: &[&str]| {
        refused(&post("/similarity", body.to_string()), status, error_type, parts);
    };
    let invalid = |body: Value, parts: &[&str]| refuse(body, 422, "Validation", parts);
    invalid(json!({"inputs": "a"}), &["inputs: expected an object with source_sentence and sentences"]);
    invalid(json!({"inputs": {"sentences": ["a"]}}), &["inputs.source_sentence: this field is missing"]);
    invalid(json!({"inputs": {"source_sentence": "a", "sentences": "b"}}), &["inputs.sentences: "]);
    invalid(
        json!({"inputs": {"source_sentence": "a", "sentences": [1]}}),
        &["inputs.sentences[0]: ", "got 1"],
    );
    let long = "one two three four five six seven eight nine";
    let inputs = json!({"source_sentence": "a", "sentences": ["a", long]});
    let strict = json!({"inputs": inputs, "parameters": {"truncate": false}});
    invalid(strict, &["inputs.sentences[1]: 11 tokens"]);
    refuse(json!({"inputs": {"source_sentence": "a", "sentences": []}}), 400, "Empty", &["no texts"]);
    let reply = service(Fake::classifier(&["x"])).handle("POST", "/similarity", b"{}");
    refused(&reply, 424, "Backend", &["/similarity needs an embedding model"]);
}

const LABELS: [&str; 3] = ["low", "middle", "high"];

/// The fake's logits of a text are -2, -1 and 0, those of a pair with one shared word 0, 1 and 2.
fn labels(scores: [f64; 3]) -> Value {
    let lines = LABELS.iter().zip(scores).rev();
    lines.map(|(label, score)| json!({"score": score, "label": label})).collect()
}

fn softmax(logits: [f64; 3]) -> [f64; 3] {
    let powers = logits.map(|logit| exp(logit - logits[2]));
    let sum: f64 = powers.iter().sum();
    powers.map(|power| power / sum)
}

#[test]
fn labels_have_the_scores_of_the_configuration() {
    let (text, pair) = ([-2.0, -1.0, 0.0], [0.0, 1.0, 2.0]);
    let predict = |body: Value| asked(Fake::classifier(&LABELS), "/predict", &body);
    let one = labels(softmax(text));
    assert_eq!(predict(json!({"inputs": "a"})), one);
    assert_eq!(predict(json!({"inputs": ["a"]})), one);
    assert_eq!(predict(json!({"inputs": ["a", "a b"]})), labels(softmax(pair)));
    let batch = json!({"inputs": [["a"], ["a", "a b"], [""]]});
    assert_eq!(predict(batch), json!([one, labels(softmax(pair)), one]));
    assert_eq!(predict(json!({"inputs": [["a"]]})), json!([one]));
    assert_eq!(predict(json!({"inputs": "a", "raw_scores": true})), labels(text));
    assert_eq!(predict(json!({"inputs": "a", "parameters": {"function_to_apply": "none"}})), labels(text));
    let top = predict(json!({"inputs": "a", "parameters": {"top_k": 1, "function_to_apply": "sigmoid"}}));
    assert_eq!(top, json!([{"score": 0.5, "label": "high"}]));

    let sigmoid = text.map(|logit| 1.0 / (1.0 + exp(-logit)));
    let several = asked(Fake::scored(&LABELS, LabelScores::Sigmoid), "/predict", &json!({"inputs": "a"}));
    for (found, right) in several.as_array().unwrap().iter().zip(sigmoid.iter().rev()) {
        assert!((found["score"].as_f64().unwrap() - right).abs() < 1e-15, "{several}");
    }
    let raw = asked(Fake::scored(&LABELS, LabelScores::Logits), "/predict", &json!({"inputs": "a"}));
    assert_eq!(raw, labels(text));
    // A reranker has one label.
    let one = asked(Fake::classifier(&["score"]), "/predict", &json!({"inputs": ["a", "a b"]}));
    assert_eq!(one, json!([{"score": 0.5, "label": "score"}]));
}

/// Hugging Face's client takes the first entry of the answer.
#[test]
fn the_root_of_a_classifier_lists_the_labels_of_one_text_in_a_list() {
    let ask = |path: &str, body: &Value| asked(Fake::classifier(&LABELS), path, body);
    let one = json!({"inputs": "a"});
    assert_eq!(ask("/", &one), json!([ask("/predict", &one)]));
    for body in [json!({"inputs": ["a", "b"]}), json!({"inputs": [["a"], ["a", "b"]]})] {
        assert_eq!(ask("/", &body), ask("/predict", &body));
    }
    let body = json!({"query": "a", "texts": ["a", "b"]});
    let reranked = asked(Fake::classifier(&["score"]), "/", &body);
    assert_eq!(reranked, asked(Fake::classifier(&["score"]), "/rerank", &body));
}

#[test]
fn predictions_that_are_refused() {
    let refuse = |body: Value, status: u16, error_type: &str, parts: &[&str]| {
        let reply =
            service(Fake::classifier(&LABELS)).handle("POST", "/predict", body.to_string().as_bytes());
        refused(&reply, status, error_type, parts);
    };
    let invalid = |body: Value, parts: &[&str]| refuse(body, 422, "Validation", parts);
    invalid(
        json!({"inputs": ["a", "b", "c"]}),
        &["inputs: expected one text or a pair, got 3 texts", "[[\"a\"]"],
    );
    invalid(json!({"inputs": [["a"], ["a", "b", "c"]]}), &["inputs[1]: ", "got 3 texts"]);
    invalid(json!({"inputs": [["a"], []]}), &["inputs[1]: ", "got 0 texts"]);
    invalid(json!({"inputs": [["a"], "b"]}), &["inputs[1]: ", "an array of one or two strings"]);
    invalid(json!({"inputs": [1]}), &["inputs[0]: expected a string, got 1"]);
    invalid(json!({"inputs": "a", "function_to_apply": "max"}), &["softmax, sigmoid or none, got \"max\""]);
    invalid(json!({"inputs": "a", "parameters": []}), &["parameters: expected an object"]);
    invalid(json!({"inputs": "a", "top_k": 0}), &["top_k: "]);
    let long = "one two three four five six seven eight nine";
    invalid(json!({"inputs": [["a"], [long]], "truncate": false}), &["inputs[1]: 11 tokens"]);
    refuse(json!({"inputs": ""}), 400, "Empty", &["inputs: the text is \"\""]);
    refuse(json!({"inputs": []}), 400, "Empty", &["inputs: no texts"]);
    refused(&post("/predict", "{\"inputs\": \"a\"}"), 424, "Backend", &["/predict needs a classifier"]);
}

#[test]
fn openai_lists_the_model() {
    let answer = read(&service(Fake::embedding()).handle("GET", "/v1/models", b""));
    assert_eq!((&answer["object"], &answer["data"][0]["id"]), (&json!("list"), &json!("fake/words")));
    let body = json!({"input": "a"});
    assert_eq!(served("/embeddings", &body), served("/v1/embeddings", &body));
}
