//! Tokens of texts, texts of token ids, and the requests of text-embeddings-inference.
#![allow(clippy::unwrap_used, missing_docs)]

mod fake;

use fake::{Fake, Sabotage, VOCABULARY, post, read, refused, served, service};
use lockstep_rank::{EncodeError, Prompts, Reply};
use serde_json::{Value, json};

#[test]
fn tokens_have_their_places_in_bytes() {
    let answer = served("/tokenize", &json!({"inputs": ["é x", ""], "add_special_tokens": true}));
    let special = |text: &str| json!({"id": 1, "text": text, "special": true, "start": null, "stop": null});
    let word = |id: u32, text: &str, start: usize, stop: usize| json!({"id": id, "text": text, "special": false, "start": start, "stop": stop});
    let all = [special("<s>"), word(2, "é", 0, 2), word(1, "x", 3, 4), special("</s>")];
    assert_eq!(answer, json!([all, [special("<s>"), special("</s>")]]));
    let bare = served("/tokenize", &json!({"inputs": "é x", "add_special_tokens": false}));
    assert_eq!(bare, json!([[all[1], all[2]]]));
    // As in text-embeddings-inference, places count the prompt.
    let prompts = Prompts { texts: [("query".into(), "q: ".into())].into(), default: None };
    let mut prompted = service(Fake::prompted(prompts));
    let body = json!({"inputs": "x", "prompt_name": "query", "add_special_tokens": false}).to_string();
    let answer = read(&prompted.handle("POST", "/tokenize", body.as_bytes()));
    assert_eq!(answer, json!([[word(2, "q:", 0, 2), word(1, "x", 3, 4)]]));
    for model in [Fake::classifier(&["one"]), Fake::classifier(&["a", "b"])] {
        assert_eq!(service(model).handle("POST", "/tokenize", br#"{"inputs": "a"}"#).status, 200);
    }
}

#[test]
fn ids_become_texts() {
    assert_eq!(served("/decode", &json!({"ids": [1, 5, 7]})), json!(["5 7"]));
    let all = json!({"ids": [[1, 5], [7]], "skip_special_tokens": false});
    assert_eq!(served("/decode", &all), json!(["1 5", "7"]));
}

#[test]
fn bad_requests_are_refused_by_field() {
    let ask = |path: &str, body: Value| post(path, body.to_string());
    for (body, status, kind, part) in [
        (json!({"inputs": ""}), 400, "Empty", "inputs: the text is \"\""),
        (json!({"inputs": []}), 400, "Empty", "inputs: no texts"),
        (json!({"inputs": ["a", 1]}), 422, "Validation", "inputs[1]: expected a string, got 1"),
        (json!({"inputs": [[1, 2]]}), 422, "Validation", "inputs[0]: expected a string"),
        (json!({"input": "a"}), 422, "Validation", "inputs: this field is missing"),
        (json!({"inputs": "a", "add_special_tokens": 1}), 422, "Validation", "add_special_tokens"),
        (json!({"inputs": "a", "prompt_name": "x"}), 422, "Validation", "prompt_name"),
        (
            json!({"inputs": vec!["a ".repeat(30_000); 12]}),
            413,
            "Validation",
            "inputs[8]: 270018 tokens up to here, the limit is 262144",
        ),
    ] {
        refused(&ask("/tokenize", body), status, kind, &[part]);
    }
    for (body, status, kind, part) in [
        (json!({"ids": []}), 400, "Empty", "ids: no texts"),
        (json!({"ids": [[1], []]}), 400, "Empty", "ids[1]: no token ids"),
        (json!({"ids": [VOCABULARY]}), 422, "Validation", "ids[0]: expected a token id"),
        (json!({"ids": [[1], [2, -1]]}), 422, "Validation", "ids[1][1]: expected a token id"),
        (json!({"ids": "a"}), 422, "Validation", "ids: expected an array of token ids"),
        (json!({"ids": [1], "skip_special_tokens": "no"}), 422, "Validation", "skip_special_tokens"),
    ] {
        refused(&ask("/decode", body), status, kind, &[part]);
    }
}

#[test]
fn a_tokenizer_that_fails_is_named() {
    let ask = |path: &str, body: &str| -> Reply {
        let mut model = Fake::embedding();
        let message = "no decoder".to_owned();
        model.sabotage = Some(Sabotage::Fail(EncodeError::Tokenizer { index: 0, message }));
        service(model).handle("POST", path, body.as_bytes())
    };
    refused(
        &ask("/tokenize", r#"{"inputs": ["a"]}"#),
        422,
        "Tokenizer",
        &["inputs[0]: the tokenizer refuses"],
    );
    refused(
        &ask("/decode", r#"{"ids": [5]}"#),
        422,
        "Tokenizer",
        &["ids: the tokenizer refuses", "no decoder"],
    );
}

/// The fields and the examples of text-embeddings-inference 1.9.3, in `docs/openapi.json`.
#[test]
fn requests_of_text_embeddings_inference() {
    let inputs = || {
        [json!("What is Deep Learning?"), json!(["Deep Learning is ..."]), json!([7, 8]), json!([[7], [8]])]
    };
    let common = json!({"prompt_name": null, "truncate": false, "truncation_direction": "right"});
    let with = |inputs: Value, more: Value| {
        let mut body = json!({"inputs": inputs});
        for part in [&common, &more] {
            body.as_object_mut().unwrap().extend(part.as_object().unwrap().clone());
        }
        body
    };
    for input in inputs() {
        served("/embed", &with(input.clone(), json!({"dimensions": null, "normalize": true})));
        for (path, part) in [("/embed_all", "single tokens"), ("/embed_sparse", "SPLADE pooling")] {
            let body = with(input.clone(), json!({})).to_string();
            refused(&post(path, body), 424, "Backend", &[path, part, "fake/words is an embedding model"]);
        }
        let body = json!({"input": input, "model": null, "user": null, "encoding_format": "float", "dimensions": null});
        served("/v1/embeddings", &body);
    }
    for input in inputs().into_iter().take(2) {
        served("/tokenize", &json!({"inputs": input, "add_special_tokens": true, "prompt_name": null}));
    }
    for ids in inputs().into_iter().skip(2) {
        served("/decode", &json!({"ids": ids, "skip_special_tokens": true}));
    }
    served(
        "/rerank",
        &json!({
            "query": "What is Deep Learning?", "texts": ["Deep Learning is ..."], "raw_scores": false,
            "return_text": false, "truncate": false, "truncation_direction": "Right",
        }),
    );
    served(
        "/similarity",
        &json!({
            "inputs": {"source_sentence": "What is Deep Learning?", "sentences": ["What is Machine Learning?"]},
            "parameters": {"prompt_name": null, "truncate": false, "truncation_direction": "right"},
        }),
    );
    for input in [json!("What is Deep Learning?"), json!(["a", "b"]), json!([["a"], ["a", "b"]])] {
        let body = with(input, json!({"raw_scores": false})).to_string();
        let reply = service(Fake::classifier(&["a", "b"])).handle("POST", "/predict", body.as_bytes());
        assert_eq!(reply.status, 200, "{}", reply.body);
    }
}
