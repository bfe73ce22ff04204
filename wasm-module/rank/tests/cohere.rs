//! The requests of Cohere's, Jina's and Voyage's clients, with texts like those of the other paths:
//! equal scores and vectors, in another shape.
#![allow(clippy::unwrap_used, missing_docs)]

mod fake;

use fake::{Fake, post, read, refused, served, service};
use lockstep_rank::{Limits, Prompts, Service, monotonic_ms};
use serde_json::{Value, json};

const TEXTS: [&str; 4] = ["red hat", "green tea", "", "blue shoes and a red hat"];

/// Index and score of each line of an answer.
fn lines(answer: &Value, score: &str) -> Vec<(u64, f64)> {
    let line = |line: &Value| (line["index"].as_u64().unwrap(), line[score].as_f64().unwrap());
    answer.as_array().unwrap().iter().map(line).collect()
}

/// The answer of `/rerank`.
fn expected() -> Vec<(u64, f64)> {
    lines(&served("/rerank", &json!({"query": "red shoes", "texts": TEXTS})), "score")
}

#[test]
fn documents_have_the_scores_of_rerank() {
    for (path, version) in [("/v1/rerank", "1"), ("/v2/rerank", "2")] {
        for body in [
            json!({"query": "red shoes", "documents": TEXTS}),
            json!({"model": "rerank-v3.5", "query": "red shoes", "documents": TEXTS, "top_n": null,
                   "max_tokens_per_doc": 4096, "return_documents": false, "rank_fields": ["text"]}),
            json!({"query": "red shoes", "documents": TEXTS.map(|text| json!({"text": text, "id": 7}))}),
        ] {
            let answer = served(path, &body);
            assert_eq!(lines(&answer["results"], "relevance_score"), expected());
            assert_eq!(answer["model"], "fake/words");
            assert_eq!(answer["meta"]["api_version"], json!({ "version": version }));
            let tokens = &answer["usage"]["total_tokens"];
            assert_eq!(answer["meta"]["billed_units"]["input_tokens"], *tokens);
            assert!(tokens.as_u64().unwrap() > 0);
            assert!(answer["results"][0].get("document").is_none());
        }
    }
    let answer = served(
        "/v2/rerank",
        &json!({"query": "red shoes", "documents": TEXTS, "top_n": 2, "return_documents": true}),
    );
    assert_eq!(lines(&answer["results"], "relevance_score"), expected()[..2]);
    for line in answer["results"].as_array().unwrap() {
        let index = line["index"].as_u64().unwrap() as usize;
        assert_eq!(line["document"], json!({"text": TEXTS[index]}));
    }
}

#[test]
fn voyage_reads_data() {
    for top_k in [json!(null), json!(9)] {
        let answer = served("/v1/rerank", &json!({"query": "red shoes", "documents": TEXTS, "top_k": top_k}));
        assert_eq!(lines(&answer["data"], "relevance_score"), expected());
        assert_eq!((&answer["object"], answer.get("results")), (&json!("list"), None));
    }
    let body = json!({"query": "red shoes", "documents": TEXTS, "top_k": 1, "return_documents": true});
    let answer = served("/v1/rerank", &body);
    assert_eq!(lines(&answer["data"], "relevance_score"), expected()[..1]);
    assert_eq!(answer["data"][0]["document"], TEXTS[expected()[0].0 as usize]);
}

#[test]
fn a_cross_encoder_scores_the_pairs() {
    let asked = |path: &str, field: &str| {
        let body = json!({"query": "red shoes", field: TEXTS});
        read(&service(Fake::classifier(&["score"])).handle("POST", path, body.to_string().as_bytes()))
    };
    let expected = lines(&asked("/rerank", "texts"), "score");
    assert_eq!(lines(&asked("/v2/rerank", "documents")["results"], "relevance_score"), expected);
    let reply = service(Fake::classifier(&["a", "b"])).handle("POST", "/v2/rerank", b"{}");
    refused(&reply, 424, "Backend", &["/v2/rerank needs an embedding model or a classifier of one label"]);
}

#[test]
fn typed_vectors_are_those_of_embed() {
    let expected = served("/embed", &json!({"inputs": TEXTS}));
    let first = |dimensions: usize| served("/embed", &json!({"inputs": TEXTS, "dimensions": dimensions}));
    for (path, version) in [("/v1/embed", "1"), ("/v2/embed", "2")] {
        let body = json!({"model": "embed-v4.0", "texts": TEXTS, "input_type": "search_document",
                          "embedding_types": ["float", "base64"], "truncate": "END", "images": null});
        let answer = served(path, &body);
        assert_eq!((&answer["embeddings"]["float"], &answer["texts"]), (&expected, &json!(TEXTS)));
        let openai = served("/v1/embeddings", &json!({"input": TEXTS, "encoding_format": "base64"}));
        let base64: Vec<&Value> =
            openai["data"].as_array().unwrap().iter().map(|one| &one["embedding"]).collect();
        assert_eq!(answer["embeddings"]["base64"], json!(base64));
        assert_eq!(answer["response_type"], "embeddings_by_type");
        assert_eq!(answer["meta"]["api_version"]["version"], version);
    }
    let answer = served("/v2/embed", &json!({"texts": TEXTS, "output_dimension": 3}));
    assert_eq!(answer["embeddings"], json!({ "float": first(3) }));
    let answer = served("/v1/embed", &json!({"texts": TEXTS}));
    assert_eq!((&answer["embeddings"], &answer["response_type"]), (&expected, &json!("embeddings_floats")));
}

#[test]
fn roles_have_their_prompts() {
    let texts = [("query", "red "), ("passage", "blue ")].map(|(name, text)| (name.into(), text.into()));
    let prompts = Prompts { texts: texts.into(), default: None };
    let asked = |path: &str, body: Value| {
        let reply =
            service(Fake::prompted(prompts.clone())).handle("POST", path, body.to_string().as_bytes());
        assert_eq!(reply.status, 200, "{}", reply.body);
        read(&reply)
    };
    for (role, behind) in
        [("search_query", "red hat"), ("search_document", "blue hat"), ("clustering", "hat")]
    {
        let answer = asked("/v2/embed", json!({"texts": ["hat"], "input_type": role}));
        assert_eq!(answer["embeddings"]["float"], served("/embed", &json!({"inputs": [behind]})));
        assert_eq!(answer["texts"], json!(["hat"]));
    }
    let body = json!({"query": "hat", "documents": ["hat", "tea"], "return_documents": true});
    let answer = asked("/v2/rerank", body);
    let plain = served("/rerank", &json!({"query": "red hat", "texts": ["blue hat", "blue tea"]}));
    assert_eq!(lines(&answer["results"], "relevance_score"), lines(&plain, "score"));
    let best = answer["results"][0]["index"].as_u64().unwrap() as usize;
    assert_eq!(answer["results"][0]["document"]["text"], ["hat", "tea"][best]);
}

#[test]
fn long_documents_are_cut_or_refused() {
    let long = "one two three four five six seven eight nine";
    let cut = json!({"query": "one", "documents": ["a", long]});
    served("/v2/rerank", &cut);
    for (more, parts) in [
        (json!({"truncation": false}), ["documents[1]: 11 tokens", "the model takes 10"]),
        (json!({"truncate": "NONE"}), ["documents[1]: 11 tokens", "the model takes 10"]),
        (json!({"max_tokens_per_doc": 5}), ["documents[1]: 11 tokens", "not at 5"]),
        (json!({"truncate": "START"}), ["truncate: expected", "got \"START\""]),
    ] {
        let mut body = cut.clone();
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        refused(&post("/v2/rerank", body.to_string()), 422, "Validation", &parts);
    }
    // A service that cuts no text unless the request says so.
    let limits = Limits { auto_truncate: false, ..Limits::default() };
    let mut strict = Service::new(Fake::embedding(), limits, monotonic_ms);
    let reply = strict.handle("POST", "/v2/embed", json!({"texts": ["a", long]}).to_string().as_bytes());
    refused(&reply, 422, "Validation", &["texts[1]: 11 tokens"]);
}

#[test]
fn mistakes_are_named() {
    let refuse = |path: &str, body: Value, status: u16, error_type: &str, parts: &[&str]| {
        let reply = post(path, body.to_string());
        refused(&reply, status, error_type, parts);
        // Cohere's clients show `message`.
        assert_eq!(read(&reply)["message"], read(&reply)["error"]);
    };
    let documents = |value: Value| json!({"query": "a", "documents": value});
    refuse("/v2/rerank", documents(json!([])), 400, "Empty", &["documents: no texts"]);
    refuse("/v2/rerank", documents(json!([1])), 422, "Validation", &["documents[0]: ", "got 1"]);
    let untitled = documents(json!([{"title": "x"}]));
    refuse("/v2/rerank", untitled, 422, "Validation", &["documents[0].text: ", "there is \"title\""]);
    let fields = json!({"query": "a", "documents": ["b"], "rank_fields": ["title"]});
    refuse("/v1/rerank", fields, 422, "Validation", &["rank_fields: expected", "[\"text\"]"]);
    refuse("/v1/rerank", json!({"documents": ["b"]}), 422, "Validation", &["query: this field is missing"]);
    let none = json!({"query": "a", "documents": ["b"], "top_n": 0});
    refuse("/v1/rerank", none, 422, "Validation", &["top_n: ", "got 0"]);
    let typed = |name: &str, value: Value| json!({"texts": ["a"], name: value});
    let types = typed("embedding_types", json!(["float", "int8"]));
    refuse("/v2/embed", types, 422, "Validation", &["embedding_types[1]: ", "got \"int8\""]);
    refuse(
        "/v2/embed",
        typed("embedding_types", json!([])),
        400,
        "Empty",
        &["embedding_types: no number format"],
    );
    refuse(
        "/v2/embed",
        typed("output_dimension", json!(9)),
        422,
        "Validation",
        &["output_dimension: ", "got 9"],
    );
    refuse(
        "/v2/embed",
        typed("images", json!(["data:"])),
        422,
        "Validation",
        &["images: expected no such field"],
    );
    refuse("/v1/embed", json!({"texts": []}), 400, "Empty", &["texts: no texts"]);
}
