//! The answers to valid requests.
#![allow(clippy::unwrap_used, missing_docs)]

mod fake;

use fake::{Fake, post, read, served, service, stopped};
use lockstep_arith::item::{compact, dot};
use lockstep_rank::{Limits, Service, cosine, exp};
use proptest::prelude::*;
use serde_json::{Value, json};

fn integers(text: &str) -> Vec<i32> {
    let answer = served("/lockstep/encode", &json!({"inputs": [text]}));
    let vector = answer["vectors"][0].as_array().unwrap();
    vector.iter().map(|value| value.as_i64().unwrap() as i32).collect()
}

fn similarity(a: &str, b: &str) -> f64 {
    let (a, b) = (compact(&integers(a)), compact(&integers(b)));
    cosine(dot(&a, &b), dot(&a, &a), dot(&b, &b))
}

fn indexes(answer: &Value) -> Vec<u64> {
    let lines = answer["items"].as_array().or(answer.as_array()).unwrap();
    lines.iter().map(|line| line["index"].as_u64().unwrap()).collect()
}

#[test]
fn a_rank_answer_in_full() {
    let body = json!({
        "user": {"history": [
            {"text": "red shoes"}, {"text": "left out", "weight": 0}, {"text": "green tea", "weight": 0.5},
        ]},
        "candidates": [{"id": "x", "text": "wool socks"}, {"id": "y", "text": "green tea"}],
        "explain": true,
    });
    let answer = served("/v1/rank", &body);
    let far = [similarity("wool socks", "red shoes"), similarity("wool socks", "green tea")];
    let near = [similarity("green tea", "red shoes"), 1.0];
    let score = |of: [f64; 2]| {
        let weighted = [of[0], of[1] * 0.5];
        (weighted[0].max(weighted[1]) + weighted[0].min(weighted[1])) / 2.0
    };
    assert!(score(near) > score(far), "the example needs a clear winner");
    let item = |id: &str, index: usize, of: [f64; 2]| {
        let mut because =
            vec![json!({"history": 0, "similarity": of[0]}), json!({"history": 2, "similarity": of[1]})];
        if of[1] * 0.5 > of[0] {
            because.reverse();
        }
        json!({"id": id, "index": index, "score": score(of), "because": because})
    };
    let expected = json!({
        "model": "fake/words", "model_digest": "00ff".repeat(16), "backend": "fake",
        "items": [item("y", 1, near), item("x", 0, far)],
        "usage": {"tokens": 16}, "took_ms": 0.0,
    });
    assert_eq!(answer, expected);
}

#[test]
fn reasons_come_on_request_and_top_n_cuts() {
    let mut body = json!({
        "user": {"history": [{"text": "a"}]},
        "candidates": [{"id": "1", "text": "b"}, {"id": "2", "text": "a"}],
        "top_n": 1, "diversity": null,
    });
    let answer = served("/v1/rank", &body);
    assert_eq!(answer["items"], json!([{"id": "2", "index": 1, "score": 1.0}]));
    body["top_n"] = Value::Null;
    assert_eq!(indexes(&served("/v1/rank", &body)), [1, 0]);
}

#[test]
fn diversity_brings_in_what_top_n_would_have_cut() {
    let mut body = json!({
        "user": {"history": [{"text": "red shoes"}]},
        "candidates": [
            {"id": "a", "text": "red shoes"}, {"id": "b", "text": "red shoes"},
            {"id": "c", "text": "red shoes"}, {"id": "d", "text": "slow train"},
        ],
        "top_n": 2,
    });
    assert_eq!(indexes(&served("/v1/rank", &body)), [0, 1]);
    body["diversity"] = json!(1.0);
    assert_eq!(indexes(&served("/v1/rank", &body)), [0, 3]);
}

/// Checks equation 3 of the ranking with the scores and vectors of the answers.
#[test]
fn diversity_is_the_equation() {
    let texts = ["red shoes", "red hat", "shoes", "slow train", "train", "hat red shoes", "tea"];
    let candidates: Value = texts.iter().map(|text| json!({"id": text, "text": text})).collect();
    for lambda in [0.25, 0.5, 0.75, 1.0] {
        let answer = served(
            "/v1/rank",
            &json!({
                "user": {"history": [{"text": "red"}, {"text": "shoes train"}]},
                "candidates": candidates, "diversity": lambda,
            }),
        );
        let items = answer["items"].as_array().unwrap();
        let mut score = [0.0; 7];
        for item in items {
            score[item["index"].as_u64().unwrap() as usize] = item["score"].as_f64().unwrap();
        }
        let order: Vec<usize> = indexes(&answer).iter().map(|&index| index as usize).collect();
        for next in 1..order.len() {
            let value = |candidate: usize| {
                let chosen = order[..next].iter();
                let nearest = chosen
                    .map(|&chosen| similarity(texts[candidate], texts[chosen]))
                    .fold(f64::NEG_INFINITY, f64::max);
                (1.0 - lambda) * score[candidate] - lambda * nearest
            };
            for &later in &order[next + 1..] {
                assert!(value(order[next]) >= value(later), "{lambda} {order:?}");
            }
        }
    }
}

#[test]
fn cut_texts_are_reported_by_their_place_in_the_request() {
    let long = "a b c d e f g h i j k";
    let body = json!({
        "user": {"history": [{"text": "a", "weight": 0}, {"text": long}]},
        "candidates": [{"id": "1", "text": "b"}, {"id": "2", "text": long}],
    });
    let reply = post("/v1/rank", body.to_string());
    let answer = read(&reply);
    assert_eq!(answer["truncated"], json!({"history": [1], "candidates": [1]}));
    assert_eq!(answer["usage"]["tokens"], 23);
    assert_eq!((reply.usage.tokens, reply.usage.truncated), (23, 2));
}

#[test]
fn embeddings_are_unit_scaled_or_shortened() {
    let numbers = |answer: &Value| -> Vec<f32> {
        let vector = answer[0].as_array().unwrap();
        vector.iter().map(|value| value.as_f64().unwrap() as f32).collect()
    };
    let vector = integers("red shoes");
    let unit = |vector: &[i32]| -> Vec<f32> {
        let length = (vector.iter().map(|&value| value * value).sum::<i32>() as f64).sqrt();
        vector.iter().map(|&value| (f64::from(value) / length) as f32).collect()
    };
    let one = served("/embed", &json!({"inputs": "red shoes"}));
    assert_eq!(numbers(&one), unit(&vector));
    assert_eq!(one, served("/embed", &json!({"inputs": ["red shoes"]})));
    let raw = served("/embed", &json!({"inputs": "red shoes", "normalize": false}));
    let halves: Vec<f32> = vector.iter().map(|&value| value as f32 * 0.5).collect();
    assert_eq!(numbers(&raw), halves);
    let short = served("/embed", &json!({"inputs": "red shoes", "dimensions": 3}));
    assert_eq!(numbers(&short), unit(&vector[..3]));
    let short = json!({"inputs": "red shoes", "dimensions": 3, "normalize": false});
    assert_eq!(numbers(&served("/embed", &short)), halves[..3]);
}

#[test]
fn a_vector_is_written_with_the_digits_of_f32() {
    let reply = post("/embed", r#"{"inputs":["red shoes"]}"#);
    for number in reply.body.trim_matches(['[', ']']).split(',') {
        assert_eq!(number, serde_json::to_string(&number.parse::<f32>().unwrap()).unwrap());
    }
}

#[test]
fn blank_texts_are_texts() {
    let vectors = |path: &str, field: &str, texts: &Value| -> Vec<Value> {
        let answer = served(path, &json!({ field: texts }));
        let all = answer.get("data").or(answer.get("vectors")).unwrap_or(&answer).as_array().unwrap();
        all.iter().map(|one| one.get("embedding").unwrap_or(one).clone()).collect()
    };
    let texts = json!(["a", "", " ", "\t\n\u{a0}"]);
    for (path, field) in [("/embed", "inputs"), ("/v1/embeddings", "input"), ("/lockstep/encode", "inputs")] {
        let found = vectors(path, field, &texts);
        assert_eq!((found.len(), &found[1], &found[1]), (4, &found[2], &found[3]), "{path}");
        assert_ne!(found[0], found[1]);
        assert_eq!(vectors(path, field, &json!([""])), found[1..2]);
        if field == "inputs" && path != "/lockstep/encode" {
            assert_eq!(vectors(path, field, &json!(" ")), found[1..2]);
        }
    }
    let body = json!({"query": "a", "texts": ["", "a", "b"]});
    assert_eq!(served("/rerank", &body).as_array().unwrap().len(), 3);
    served("/rerank", &json!({"query": " ", "texts": ["a"]}));
    let mut classifier = service(Fake::classifier(&["score"]));
    assert_eq!(classifier.handle("POST", "/rerank", body.to_string().as_bytes()).status, 200);
    let body = json!({
        "user": {"history": [{"text": ""}, {"text": "a"}]},
        "candidates": [{"id": "1", "text": " "}, {"id": "2", "text": "a"}],
    });
    assert_eq!(indexes(&served("/v1/rank", &body)), [1, 0]);
}

/// As the services ignore them that the endpoints come from.
#[test]
fn unknown_fields_are_ignored_where_the_peer_ignores_them() {
    let unknown = json!({
        "input_type": "query", "prompt_name": null, "truncate_prompt_tokens": null, "priority": 3,
        "options": {"wait_for_model": true}, "metadata": [], "modality": "text", "user": "u", "service_tier": "x",
    });
    for (path, body) in [
        ("/embed", json!({"inputs": ["a", "b"]})),
        ("/v1/embeddings", json!({"input": ["a", "b"]})),
        ("/rerank", json!({"query": "a", "texts": ["a b", "c"]})),
    ] {
        let mut more = unknown.clone();
        more.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
        assert_eq!(served(path, &more), served(path, &body));
    }
    let body = json!({"query": "a", "texts": ["c", "a", "b"], "top_n": 2});
    assert_eq!(served("/rerank", &body).as_array().unwrap().len(), 2);
    let raw = served("/v1/embeddings", &json!({"input": "a b", "normalize": false}));
    assert_eq!(
        raw["data"][0]["embedding"],
        served("/embed", &json!({"inputs": "a b", "normalize": false}))[0]
    );
}

#[test]
fn token_ids_are_the_models_input() {
    let embed = |inputs: Value| served("/embed", &json!({ "inputs": inputs, "normalize": false }));
    // The fake's token 7 is the word `7`, and special tokens add nothing to its vectors.
    let words = embed(json!(["7 8", "999", "7"]));
    assert_eq!(embed(json!([[7, 8], [999], [7]])), words);
    assert_eq!(embed(json!([7, 8])), json!([words[0]]));
    assert_eq!(embed(json!(["7 8", [999]])), json!([words[0], words[1]]));

    let openai = |input: Value| served("/v1/embeddings", &json!({ "input": input }));
    let (ids, texts) = (openai(json!([[7, 8], [999]])), openai(json!(["7 8", "999"])));
    assert_eq!(ids["data"], texts["data"]);
    assert_eq!(ids["usage"], json!({"prompt_tokens": 3, "total_tokens": 3}), "nothing is added");
    assert_eq!(openai(json!([7, 8]))["data"][0], ids["data"][0]);
    // A longer list is cut as a text is.
    let many: Vec<u32> = (1..=12).collect();
    let reply = post("/v1/embeddings", json!({ "input": many }).to_string());
    assert_eq!((reply.usage.tokens, reply.usage.truncated), (10, 1));
    assert_eq!(read(&reply)["data"], openai(json!([many[..10]]))["data"]);
    // As many as LangChain sends at once.
    let batch: Vec<Vec<u32>> =
        (0..1000).map(|first| (0..256).map(|id| (first + id) % 1000).collect()).collect();
    assert_eq!(openai(json!(batch))["data"].as_array().unwrap().len(), 1000);
}

#[test]
fn half_a_character_is_the_replacement_character() {
    let ask = |text: &str| {
        let reply = post("/lockstep/encode", format!(r#"{{"inputs": ["{text}"]}}"#));
        assert_eq!(reply.status, 200, "{}", reply.body);
        read(&reply)
    };
    for (half, whole) in [
        (r"\ud83d", r"\ufffd"),
        (r"a\uDE00b", r"a\ufffdb"),
        (r"a \ud83d\ud83d\ude00", r"a \ufffd\ud83d\ude00"),
    ] {
        assert_eq!(ask(half), ask(whole));
    }
    // Not only in texts: the id comes back as it was read.
    let body = r#"{"user": {"history": [{"text": "a"}]}, "candidates": [{"id": "\ud83d", "text": "a"}]}"#;
    assert_eq!(read(&post("/v1/rank", body))["items"][0]["id"], "\u{fffd}");
}

#[test]
fn reranking_with_an_embedding_model_is_by_cosine() {
    let mut body = json!({"query": "red shoes", "texts": ["slow train", "red shoes", "red hat"]});
    let answer = served("/rerank", &body);
    let mut expected: Vec<(usize, f64)> = ["slow train", "red shoes", "red hat"]
        .iter()
        .map(|text| similarity("red shoes", text))
        .enumerate()
        .collect();
    expected.sort_by(|a, b| b.1.total_cmp(&a.1));
    let lines: Value =
        expected.iter().map(|(index, score)| json!({"index": index, "score": score})).collect();
    assert_eq!(answer, lines);
    body["raw_scores"] = json!(true);
    assert_eq!(served("/rerank", &body), lines);
    body["return_text"] = json!(true);
    assert_eq!(served("/rerank", &body)[0]["text"], "red shoes");
}

#[test]
fn reranking_with_a_cross_encoder_is_by_logit() {
    let mut classifier = service(Fake::classifier(&["score"]));
    let mut post = |body: Value| {
        let reply = classifier.handle("POST", "/rerank", body.to_string().as_bytes());
        assert_eq!(reply.status, 200, "{}", reply.body);
        (read(&reply), reply.usage.tokens)
    };
    let texts = json!(["tea", "red shoes", "a red hat"]);
    let (raw, tokens) = post(json!({"query": "red shoes", "texts": texts, "raw_scores": true}));
    let lines = json!([
        {"index": 1, "score": 2.0}, {"index": 2, "score": 0.0}, {"index": 0, "score": -2.0}
    ]);
    assert_eq!((raw, tokens), (lines, 6 + 7 + 8));
    let (answer, _) = post(json!({"query": "red shoes", "texts": texts}));
    assert_eq!(answer[1]["score"], 0.5);
    assert_eq!(answer[0]["score"], 1.0 / (1.0 + exp(-2.0)));
    assert_eq!(indexes(&answer), [1, 2, 0]);
}

#[test]
fn integers_for_comparing_runtimes() {
    let mut classifier = service(Fake::classifier(&["no", "yes"]));
    let body = br#"{"inputs": ["a b", ["red", "red hat"]]}"#;
    let reply = classifier.handle("POST", "/lockstep/encode", body);
    let expected = json!({
        "vectors": [[-8, -4], [0, 4]], "tokens": [4, 6], "truncated": [false, false]
    });
    assert_eq!(read(&reply), expected);
    for bad in [r#"{"inputs": [["a"]]}"#, r#"{"inputs": [["a", "b", "c"]]}"#, r#"{"inputs": [1]}"#] {
        assert!(classifier.handle("POST", "/lockstep/encode", bad.as_bytes()).status >= 400);
    }
}

#[test]
fn info_and_health() {
    let mut embedding = service(Fake::embedding());
    let info = read(&embedding.handle("GET", "/info", b""));
    assert_eq!(info["model_type"], json!({"embedding": {"pooling": "mean"}}));
    assert_eq!(info["model_digest"], "00ff".repeat(16));
    assert_eq!(info["dimensions"], 8);
    assert_eq!(info["max_input_length"], 10);
    assert_eq!(info["auto_truncate"], true);
    assert_eq!(embedding.handle("HEAD", "/info?x", b"").status, 200);
    assert_eq!(read(&embedding.handle("GET", "/health", b"")), json!({"status": "ok"}));
    let mut reranker = service(Fake::classifier(&["score"]));
    let info = read(&reranker.handle("GET", "/info", b""));
    let names = json!({"id2label": {"0": "score"}, "label2id": {"score": 0}});
    assert_eq!(info["model_type"], json!({"reranker": names}));
}

#[test]
fn the_default_truncation_is_the_servers() {
    let limits = Limits { auto_truncate: false, ..Limits::default() };
    let mut strict = Service::new(Fake::embedding(), limits, stopped);
    let long = "a b c d e f g h i";
    let mut status = |body: Value| strict.handle("POST", "/embed", body.to_string().as_bytes()).status;
    assert_eq!(status(json!({"inputs": long})), 422);
    assert_eq!(status(json!({"inputs": long, "truncate": true})), 200);
}

#[test]
fn time_is_what_the_clock_says() {
    fn ticking() -> f64 {
        use std::sync::atomic::{AtomicU32, Ordering};
        static TICKS: AtomicU32 = AtomicU32::new(0);
        f64::from(TICKS.fetch_add(1, Ordering::Relaxed)) * 1.25
    }
    let body = br#"{"user":{"history":[{"text":"a"}]},"candidates":[{"id":"a","text":"a"}]}"#;
    let mut ticks = Service::new(Fake::embedding(), Limits::default(), ticking);
    assert_eq!(read(&ticks.handle("POST", "/v1/rank", body))["took_ms"], 1.25);
    let mut broken = Service::new(Fake::embedding(), Limits::default(), || f64::NAN);
    assert_eq!(read(&broken.handle("POST", "/v1/rank", body))["took_ms"], 0.0);
}

prop_compose! {
    fn texts()(list in prop::collection::vec("[a-e]{1,2}( [a-e]{1,2}){0,3}", 1..8)) -> Vec<String> {
        list
    }
}

proptest! {
    /// A candidate's score depends on the history and on itself, not on the other candidates.
    #[test]
    fn a_score_does_not_depend_on_the_other_candidates(
        history in texts(),
        texts in texts(),
        weights in prop::collection::vec(0.1..9.0f64, 8),
    ) {
        let history: Vec<Value> = history.iter().zip(weights)
            .map(|(text, weight)| json!({"text": text, "weight": weight})).collect();
        let ask = |texts: &[String]| {
            let candidates: Vec<Value> = texts.iter().enumerate()
                .map(|(at, text)| json!({"id": at.to_string(), "text": text})).collect();
            served("/v1/rank", &json!({"user": {"history": history}, "candidates": candidates}))
        };
        let together = ask(&texts);
        let items = together["items"].as_array().unwrap();
        prop_assert_eq!(items.len(), texts.len());
        for pair in items.windows(2) {
            let score = |item: &Value| item["score"].as_f64().unwrap();
            prop_assert!(score(&pair[0]) >= score(&pair[1]));
            if score(&pair[0]) == score(&pair[1]) {
                prop_assert!(pair[0]["index"].as_u64() < pair[1]["index"].as_u64());
            }
        }
        for item in items {
            let index = item["index"].as_u64().unwrap() as usize;
            let alone = ask(&texts[index..=index]);
            prop_assert_eq!(&alone["items"][0]["score"], &item["score"]);
        }
    }
}

#[test]
fn embeddings_as_openai_has_them() {
    let texts = json!(["red shoes", "green tea"]);
    let units = served("/embed", &json!({"inputs": texts, "dimensions": 4}));
    let body = json!({"input": texts, "model": "any", "user": "u", "dimensions": 4});
    let expected = json!({
        "object": "list", "model": "fake/words", "usage": {"prompt_tokens": 8, "total_tokens": 8},
        "data": [
            {"object": "embedding", "index": 0, "embedding": units[0]},
            {"object": "embedding", "index": 1, "embedding": units[1]},
        ],
    });
    assert_eq!(served("/v1/embeddings", &body), expected);

    let answer = served(
        "/v1/embeddings",
        &json!({"input": "red shoes", "encoding_format": "base64", "dimensions": 1}),
    );
    let first = units[0][0].as_f64().unwrap() as f32;
    let bytes =
        served("/embed", &json!({"inputs": "red shoes", "dimensions": 1}))[0][0].as_f64().unwrap() as f32;
    assert_eq!(bytes.abs(), 1.0, "a unit vector of one number");
    let text = if first > 0.0 { "AACAPw==" } else { "AACAvw==" };
    assert_eq!(answer["data"][0]["embedding"], text, "little-endian f32");
}
