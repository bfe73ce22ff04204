//! Bad input gets the right status, and a message that names the field and the value.
#![allow(clippy::unwrap_used, missing_docs)]

mod fake;

use fake::{Fake, Sabotage, post, refused, served, service};
use lockstep_rank::EncodeError;
use serde_json::{Value, json};

fn good() -> Value {
    json!({
        "user": {"history": [{"text": "red shoes", "weight": 2.0}, {"text": "blue hat"}]},
        "candidates": [{"id": "a", "text": "red hat"}, {"id": "b", "text": "green tea"}],
        "top_n": 2, "diversity": 0.5, "explain": true
    })
}

/// The good request with one value replaced.
fn with(pointer: &str, value: Value) -> String {
    let mut body = good();
    *body.pointer_mut(pointer).unwrap() = value;
    body.to_string()
}

#[track_caller]
fn rank_refuses(body: impl AsRef<[u8]>, status: u16, error_type: &str, parts: &[&str]) {
    refused(&post("/v1/rank", body), status, error_type, parts);
}

#[test]
fn the_good_request_is_served() {
    served("/v1/rank", &good());
}

#[test]
fn texts_of_nothing() {
    // As text-embeddings-inference and OpenAI refuse them. The other blank texts have vectors.
    for (path, field) in [("/embed", "inputs"), ("/v1/embeddings", "input")] {
        let refuses = |value: Value, detail: &str| {
            let parts = [format!("{field}: "), detail.to_owned()];
            let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
            refused(&post(path, json!({ field: value }).to_string()), 400, "Empty", &parts);
        };
        refuses(json!(""), "the text is \"\"");
        refuses(json!([]), "no texts");
    }
}

#[test]
fn odd_characters_beside_others_are_served() {
    for text in ["a\0b", "\u{1}a", "a\u{fffd}", "👩\u{200d}👩", "\u{1f600}"] {
        let body: Value = serde_json::from_str(&with("/candidates/0/text", json!(text))).unwrap();
        served("/v1/rank", &body);
    }
}

#[test]
fn texts_too_long() {
    let long = "a ".repeat(1 << 19);
    let body = with("/candidates/0/text", json!(long));
    let parts = ["candidates[0].text: 1048576 bytes of text, the limit is 65536"];
    rank_refuses(body, 413, "Validation", &parts);
    let body = with("/candidates/0/text", json!("a".repeat(65_536)));
    served("/v1/rank", &serde_json::from_str(&body).unwrap());
    let body = with("/candidates/0/text", json!("a".repeat(65_537)));
    rank_refuses(body, 413, "Validation", &["65537 bytes"]);
    let body = with("/candidates/0/id", json!("a".repeat(257)));
    rank_refuses(body, 413, "Validation", &["candidates[0].id: 257", "256"]);
}

#[test]
fn too_many_and_too_few() {
    let candidates =
        |count: usize| -> Value { (0..count).map(|at| json!({"id": at.to_string(), "text": "a"})).collect() };
    let body = with("/candidates", candidates(10_000));
    let parts = ["candidates: 10000 entries, the limit is 1000"];
    rank_refuses(body, 413, "Validation", &parts);
    rank_refuses(with("/candidates", candidates(1_001)), 413, "Validation", &["1001"]);
    rank_refuses(with("/candidates", json!([])), 400, "Empty", &["candidates: no candidates"]);
    rank_refuses(with("/user/history", json!([])), 400, "Empty", &["user.history: a history of nothing"]);
    let history: Value = (0..1_001).map(|_| json!({"text": "a"})).collect();
    let parts = ["user.history: 1001 entries, the limit is 1000"];
    rank_refuses(with("/user/history", history), 413, "Validation", &parts);
    let texts: Value = (0..1_001).map(|_| json!("a")).collect();
    let body = json!({"inputs": texts}).to_string();
    refused(&post("/embed", body), 413, "Validation", &["inputs: 1001"]);
    let body = json!({"query": "a", "texts": []}).to_string();
    refused(&post("/rerank", body), 400, "Empty", &["texts: no texts"]);
    refused(&post("/embed", "{\"inputs\":[]}"), 400, "Empty", &["inputs: no texts"]);
    let body = format!("[{}1]", "1,".repeat(70_000));
    rank_refuses(body.replace('1', "null"), 413, "Validation", &["body[65535]", "65537 JSON values"]);
    let body = format!("[{}1]", "1,".repeat(1 << 18));
    rank_refuses(body, 413, "Validation", &["body[262144]: 262145 numbers"]);
}

#[test]
fn a_thousand_candidates_are_served() {
    let mut body = good();
    body["candidates"] =
        (0..1_000).map(|at| json!({"id": at.to_string(), "text": format!("word{at}")})).collect();
    let answer = served("/v1/rank", &body);
    assert_eq!(answer["items"].as_array().unwrap().len(), 2);
}

#[test]
fn weights_that_cannot_be() {
    let weight = "/user/history/0/weight";
    let field = "user.history[0].weight: ";
    rank_refuses(with(weight, json!(-0.5)), 422, "Validation", &[field, "-0.5"]);
    rank_refuses(with(weight, json!("2")), 422, "Validation", &[field, "the string \"2\""]);
    for (written, parts) in [
        ("1e999", ["number out of range", "1e999"]),
        ("-1e999", ["number out of range", "1e999"]),
        ("NaN", ["expected value", "NaN"]),
        ("Infinity", ["expected value", "Infinity"]),
    ] {
        let body = with(weight, json!(123_456)).replace("123456", written);
        rank_refuses(body, 422, "Validation", &[field, parts[0], parts[1]]);
    }
    let history = json!([{"text": "a", "weight": 0}, {"text": "b", "weight": 0.0}]);
    let parts = ["user.history: all 2 weights are 0"];
    rank_refuses(with("/user/history", history), 422, "Validation", &parts);
}

#[test]
fn numbers_out_of_range() {
    for (value, shown) in [
        (json!(0), "got 0"),
        (json!(3), "got 3"),
        (json!(-1), "got -1"),
        (json!(1.5), "got 1.5"),
        (json!("1"), "got the string \"1\""),
        (json!(u64::MAX), "got 18446744073709551615"),
    ] {
        let parts = ["top_n: expected a whole number from 1 to 2", shown];
        rank_refuses(with("/top_n", value), 422, "Validation", &parts);
    }
    for (value, shown) in [(json!(-0.1), "got -0.1"), (json!(1.01), "got 1.01"), (json!(true), "got true")] {
        rank_refuses(with("/diversity", value), 422, "Validation", &["diversity: ", shown]);
    }
    for value in [0, 9] {
        let body = json!({"inputs": "a", "dimensions": value}).to_string();
        let parts = ["dimensions: expected a whole number from 1 to 8", &format!("got {value}")];
        refused(&post("/embed", body), 422, "Validation", &parts);
    }
}

#[test]
fn fields_that_are_unknown_missing_twice_or_of_another_type() {
    let mut body = good();
    body["candidates"][1]["txet"] = json!("a");
    let parts = ["candidates[1]: unknown field \"txet\"", "known are id, text"];
    rank_refuses(body.to_string(), 422, "Validation", &parts);
    let mut body = good();
    body["diversify"] = json!(1);
    rank_refuses(body.to_string(), 422, "Validation", &["body: unknown field \"diversify\""]);

    let mut body = good();
    body["candidates"][0].as_object_mut().unwrap().remove("id");
    rank_refuses(body.to_string(), 422, "Validation", &["candidates[0].id: this field is missing"]);
    rank_refuses("{}", 422, "Validation", &["user: this field is missing"]);

    let twice = good().to_string().replace("\"top_n\":", "\"top_n\":1,\"top_n\":");
    rank_refuses(twice, 422, "Validation", &["body: field \"top_n\" twice"]);

    for (pointer, value, parts) in [
        ("/user", json!("me"), ["user: ", "an object with history", "\"me\""]),
        ("/user/history", json!({"a": 1}), ["user.history: ", "an array", "\"a\""]),
        ("/user/history/1", json!(["x"]), ["user.history[1]: ", "an object", "an array of 1"]),
        ("/candidates", json!({}), ["candidates: ", "an array", "an empty object"]),
        ("/candidates/0/id", json!(7), ["candidates[0].id: ", "a string", "got 7"]),
        ("/candidates/0/text", Value::Null, ["candidates[0].text: ", "a string", "got null"]),
        ("/explain", json!("yes"), ["explain: ", "true or false", "\"yes\""]),
    ] {
        rank_refuses(with(pointer, value), 422, "Validation", &parts);
    }
    refused(&post("/embed", "[1]"), 422, "Validation", &["body: ", "an array of 1"]);
}

#[test]
fn ids_that_do_not_name_one_candidate() {
    let parts = ["candidates[1].id: \"a\" is the id of candidates[0]"];
    rank_refuses(with("/candidates/1/id", json!("a")), 422, "Validation", &parts);
    rank_refuses(with("/candidates/1/id", json!("")), 400, "Empty", &["candidates[1].id: "]);
}

#[test]
fn bodies_that_are_not_json() {
    rank_refuses("", 400, "Empty", &["body: 0 bytes"]);
    rank_refuses(" \n", 400, "Empty", &["body: 2 bytes"]);
    rank_refuses(b"{\"user\": \"\xff\"}", 422, "Validation", &["body: not UTF-8: byte 10 is 0xff"]);
    rank_refuses(
        br#"{"user": {"history": [{"text": "\ud80"}]}}"#,
        422,
        "Validation",
        &["user.history[0].text: ", "invalid escape", "ud80"],
    );
    rank_refuses(b"{\"user\": \"a\x01b\"}", 422, "Validation", &["user: control character", "\\u{1}"]);
    let trailing = format!("{}{{}}", good());
    rank_refuses(trailing, 422, "Validation", &["body: trailing characters"]);
    rank_refuses("{\"user\":", 422, "Validation", &["user: EOF while parsing"]);
    let deep = "[".repeat(100_000);
    rank_refuses(deep, 422, "Validation", &["recursion limit exceeded"]);
    let deep = "{\"a\":".repeat(100_000);
    rank_refuses(deep, 422, "Validation", &["a.a.a", "recursion limit exceeded"]);
    let big = vec![b' '; (4 << 20) + 1];
    let parts = ["body: 4194305 bytes, the limit is 4194304"];
    rank_refuses(big, 413, "Validation", &parts);
}

#[test]
fn texts_that_may_not_be_cut() {
    let long = "one two three four five six seven eight nine";
    let body = json!({"inputs": ["a", long], "truncate": false}).to_string();
    let parts = ["inputs[1]: 11 tokens, the model takes 10"];
    refused(&post("/embed", body), 422, "Validation", &parts);
    let body = json!({"query": long, "texts": ["a"], "truncate": false}).to_string();
    refused(&post("/rerank", body), 422, "Validation", &["query: 11 tokens"]);
    let body = json!({"query": "a", "texts": ["a", long], "truncate": false}).to_string();
    refused(&post("/rerank", body.as_str()), 422, "Validation", &["texts[1]: 11 tokens"]);
    let mut classifier = service(Fake::classifier(&["score"]));
    let reply = classifier.handle("POST", "/rerank", body.as_bytes());
    refused(&reply, 422, "Validation", &["texts[1]: 13 tokens"]);
    let fits = "one two three four five six seven eight";
    served("/embed", &json!({"inputs": fits, "truncate": false}));
    let body = json!({"inputs": "a", "truncation_direction": "left"}).to_string();
    let parts = ["truncation_direction: ", "\"left\""];
    refused(&post("/embed", body), 422, "Validation", &parts);
    served("/embed", &json!({"inputs": "a", "truncation_direction": "Right"}));
}

#[test]
fn paths_and_methods() {
    refused(&post("/v1/rang", ""), 404, "Validation", &["\"/v1/rang\"", "/v1/rank"]);
    refused(&post("/embed/", ""), 404, "Validation", &["\"/embed/\""]);
    refused(&post("/info", ""), 405, "Validation", &["/info takes GET, not \"POST\""]);
    let mut embedding = service(Fake::embedding());
    let reply = embedding.handle("GET", "/embed?x=1", b"");
    refused(&reply, 405, "Validation", &["/embed takes POST, not \"GET\""]);
    let reply = embedding.handle("HEAD", "/embed", b"");
    refused(&reply, 405, "Validation", &["\"HEAD\""]);
}

#[test]
fn a_refusal_has_the_shape_and_the_headers_that_clients_expect() {
    let error = |reply: &lockstep_rank::Reply| fake::read(reply)["error"].clone();
    let mut embedding = service(Fake::embedding());
    let reply = embedding.handle("POST", "/v1/embeddings?x", br#"{"input": ["a", 1]}"#);
    let expected = json!({
        "message": "input[1]: expected a string, got 1", "type": "invalid_request_error",
        "param": "input[1]", "code": "validation",
    });
    assert_eq!((reply.status, error(&reply)), (422, expected));
    for path in ["/v1/models", "/embeddings", "/v1/chat/completions", "/v1/embeddings/"] {
        let reply = embedding.handle("DELETE", path, b"");
        assert_eq!(error(&reply)["type"], "invalid_request_error", "{path}");
    }
    for path in ["/embed", "/v1/rank", "/v1/rang", "/v1"] {
        assert!(error(&embedding.handle("DELETE", path, b"")).is_string(), "{path}");
    }
    let mut classifier = service(Fake::classifier(&["a", "b"]));
    let reply = classifier.handle("POST", "/v1/embeddings", b"{}");
    assert_eq!((reply.status, &error(&reply)["type"]), (424, &json!("server_error")));

    let mut allow = |path: &str| embedding.handle("PATCH", path, b"").headers();
    assert_eq!(allow("/embed"), [("allow", "POST".to_owned())]);
    assert_eq!(allow("/info"), [("allow", "GET, HEAD".to_owned())]);
    assert_eq!(allow("/"), [("allow", "POST, GET, HEAD".to_owned())]);
    assert_eq!(allow("/nothing"), []);
}

#[test]
fn models_of_another_kind() {
    let mut two = service(Fake::classifier(&["no", "yes"]));
    for (path, needed) in [
        ("/embed", "an embedding model"),
        ("/v1/rank", "an embedding model"),
        ("/rerank", "a classifier of one label"),
    ] {
        let reply = two.handle("POST", path, b"{}");
        let parts = [path, needed, "fake/words is a classifier with 2 labels"];
        refused(&reply, 424, "Backend", &parts);
    }
}

#[test]
fn models_that_fail() {
    let service_of = |sabotage| {
        let mut encoder = Fake::embedding();
        encoder.sabotage = Some(sabotage);
        service(encoder).handle("POST", "/v1/rank", good().to_string().as_bytes())
    };
    let reply = service_of(Sabotage::Fail(EncodeError::Backend("no memory".into())));
    refused(&reply, 424, "Backend", &["no memory"]);
    let reply = service_of(Sabotage::Fail(EncodeError::Empty { index: 3 }));
    refused(&reply, 400, "Empty", &["candidates[1].text: "]);
    let tokenizer = EncodeError::Tokenizer { index: 1, message: "no".into() };
    let reply = service_of(Sabotage::Fail(tokenizer));
    refused(&reply, 422, "Tokenizer", &["user.history[1].text: "]);
    let reply = service_of(Sabotage::OneVectorTooFew);
    refused(&reply, 424, "Backend", &["3 vectors for 4 texts"]);
    let reply = service_of(Sabotage::ShortVector);
    refused(&reply, 424, "Backend", &["7 integers instead of 8"]);
    let out_of_range = EncodeError::Empty { index: usize::MAX };
    assert_eq!(service_of(Sabotage::Fail(out_of_range)).status, 400);
}

#[test]
fn a_refusal_costs_no_model_run() {
    let mut embedding = service(Fake::embedding());
    embedding.handle("POST", "/v1/rank", with("/top_n", json!(0)).as_bytes());
    embedding.handle("POST", "/embed", b"{\"inputs\": \"a\", \"dimensions\": 0}");
    embedding.handle("POST", "/rerank", b"{\"query\": \"a\", \"texts\": []}");
    assert!(embedding.encoder().calls.is_empty());
}

#[test]
fn token_ids_that_are_refused() {
    let cure = "check_embedding_ctx_length=False";
    for (path, field) in [("/embed", "inputs"), ("/v1/embeddings", "input")] {
        for (value, place, detail) in [
            (json!([1, 1000]), "[1]: ", "below 1000 (a client"),
            (json!([[1], [2, 100_264]]), "[1][1]: ", "got 100264"),
            (json!([[4_294_967_296_u64]]), "[0][0]: ", "got 4294967296"),
            (json!([-1]), "[0]: ", "got -1"),
            (json!([[1.5]]), "[0][0]: ", "got 1.5"),
            (json!([[1, "a"]]), "[0][1]: ", "got the string \"a\""),
            (json!([1, [2]]), "[1]: ", "got an array of 1"),
        ] {
            let body = json!({ field: value }).to_string();
            refused(&post(path, &body), 422, "Validation", &[&format!("{field}{place}"), detail, cure]);
        }
        let body = json!({ field: [[1], []] }).to_string();
        refused(&post(path, &body), 400, "Empty", &[&format!("{field}[1]: no token ids")]);
        for value in [json!([{"a": 1}]), json!(7), json!([null])] {
            assert_eq!(post(path, json!({ field: value }).to_string()).status, 422);
        }
    }
    let body = json!({"inputs": [[1, 2], "a b c d e f g h i j k", [7, 8]], "truncate": false}).to_string();
    refused(&post("/embed", body), 422, "Validation", &["inputs[1]: 13 tokens"]);
    let ids: Vec<u32> = (0..11).collect();
    let body = json!({"inputs": [[1], ids], "truncate": false}).to_string();
    refused(&post("/embed", body), 422, "Validation", &["inputs[1]: 11 tokens"]);
}

/// A setting that would change a vector is refused by name. One that asks for what happens anyway
/// is not.
#[test]
fn settings_of_other_services_that_change_vectors() {
    let long = "one two three four five six seven eight nine";
    for (setting, harmless, harmful, detail) in [
        ("add_special_tokens", json!(true), json!(false), "expected true, because other values are not"),
        ("late_chunking", json!(false), json!(true), "got true"),
        ("embedding_type", json!("float"), json!("binary"), "got the string \"binary\""),
        ("embedding_types", json!(["float"]), json!(["int8"]), "expected [\"float\"]"),
        ("output_dtype", json!("float"), json!("int8"), "expected \"float\""),
        ("output_dimension", Value::Null, json!(4), "not supported, got 4"),
        ("truncate_dim", Value::Null, json!(4), "not supported, got 4"),
        ("prompt", json!(""), json!("query: "), "not supported, got the string"),
        ("instruction", json!(""), json!("find"), "not supported, got the string"),
        ("truncation_direction", json!("RIGHT"), json!("left"), "expected \"right\", got \"left\""),
        ("truncate", json!("END"), json!("START"), "expected true, false, END or NONE, got \"START\""),
        ("prompt_name", Value::Null, json!("query"), "expected a prompt of the model (none)"),
        ("encoding_format", json!("float"), json!("hex"), "expected \"float\""),
    ] {
        for (path, field) in [("/embed", "inputs"), ("/v1/embeddings", "input")] {
            let plain = served(path, &json!({ field: "a b" }));
            for harmless in [&harmless, &Value::Null] {
                assert_eq!(served(path, &json!({ field: "a b", setting: harmless })), plain, "{setting}");
            }
            let body = json!({ field: "a b", setting: harmful }).to_string();
            refused(&post(path, body), 422, "Validation", &[&format!("{setting}: "), detail]);
        }
    }
    let embeddings = |body: Value| post("/v1/embeddings", body.to_string());
    let reply = embeddings(json!({"input": ["a", long], "truncate": "NONE"}));
    refused(&reply, 422, "Validation", &["input[1]: 11 tokens, the model takes 10"]);
    let reply = embeddings(json!({"input": ["a", "b c d"], "truncate_prompt_tokens": 4}));
    refused(&reply, 422, "Validation", &["input[1]: 5 tokens; texts are cut at 10 tokens alone, not at 4"]);
    let reply = embeddings(json!({"input": "a", "truncate_prompt_tokens": 0}));
    refused(&reply, 422, "Validation", &["truncate_prompt_tokens: ", "got 0"]);
    let plain = served("/v1/embeddings", &json!({"input": ["a", long]}));
    for limit in [json!(-1), json!(10), json!(8192)] {
        let body = json!({"input": ["a", long], "truncate_prompt_tokens": limit});
        assert_eq!(served("/v1/embeddings", &body), plain);
    }
    refused(
        &post("/embed", r#"{"inputs": "a", "encoding_format": "base64"}"#),
        422,
        "Validation",
        &["float"],
    );
    refused(&post("/rerank", r#"{"query": "a", "texts": ["b"], "top_n": 0}"#), 422, "Validation", &["top_n"]);
}

#[test]
fn embeddings_that_are_refused() {
    let refuse = |body: serde_json::Value, parts: &[&str]| {
        refused(&post("/v1/embeddings", body.to_string()), 422, "Validation", parts);
    };
    refuse(json!({"input": "a", "encoding_format": "hex"}), &["encoding_format", "\"hex\""]);
    refuse(json!({"input": "a", "model": 7}), &["model", "got 7"]);
    refuse(json!({"inputs": "a"}), &["input: this field is missing; there is \"inputs\""]);
    refuse(json!({}), &["input: this field is missing; there is nothing"]);
    refuse(json!({"input": "a", "dimensions": 0}), &["dimensions", "got 0"]);
}
