//! Every input gets an answer in JSON; no input causes a panic.
#![allow(clippy::unwrap_used, missing_docs)]

mod fake;

use fake::{Fake, post, service};
use lockstep_rank::Reply;
use proptest::prelude::*;
use serde_json::Value;

const PATHS: [&str; 9] = [
    "/v1/rank",
    "/embed",
    "/rerank",
    "/lockstep/encode",
    "/v1/embeddings",
    "/similarity",
    "/",
    "/tokenize",
    "/decode",
];

/// Valid requests to spoil: one for each path, with all of its fields.
const GOOD: [&str; 9] = [
    r#"{"user":{"history":[{"text":"red shoes","weight":1.5},{"text":"caf\u00e9 ☕"}]},"candidates":[{"id":"a","text":"hat"},{"id":"b","text":"tea"}],"top_n":1,"diversity":0.25,"explain":true}"#,
    r#"{"inputs":["red shoes","\ud83d\ude00"],"truncate":false,"truncation_direction":"right","normalize":false,"dimensions":4}"#,
    r#"{"query":"red","texts":["red shoes","tea"],"raw_scores":true,"return_text":true,"truncate":true}"#,
    r#"{"inputs":["red shoes",["a","b"]]}"#,
    r#"{"input":[[1,2,999],[7]],"model":"m","encoding_format":"base64","truncate_prompt_tokens":-1}"#,
    r#"{"inputs":{"source_sentence":"red shoes","sentences":["tea",""]},"parameters":{"truncate":true}}"#,
    r#"{"inputs":"red \ud83d shoes","parameters":{"top_k":1,"function_to_apply":"none","normalize":false}}"#,
    r#"{"inputs":["red \ud83d shoes",""],"add_special_tokens":false,"prompt_name":null}"#,
    r#"{"ids":[[1,2,999],[7]],"skip_special_tokens":false}"#,
];

/// The pieces that spoil a request: JSON syntax, extreme numbers, unusual characters.
const PIECES: [&[u8]; 24] = [
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\"",
    b"\\",
    b"null",
    b"true",
    b"-1",
    b"1e999",
    b"1e-999",
    b"0.1",
    b"18446744073709551616",
    b"\\u0000",
    b"\\ud800",
    b"\0",
    b"\xff",
    b"\xc3",
    b"\xef\xbb\xbf",
    b"\"text\"",
    b"NaN",
    b"\xf0\x9f\x98\x80",
];

#[track_caller]
fn well_formed(reply: &Reply) {
    let answer: Value = serde_json::from_str(&reply.body).unwrap();
    if reply.status == 200 {
        assert!(answer.get("error").is_none(), "{answer}");
    } else {
        assert!((400..500).contains(&reply.status), "{}", reply.status);
        let plain = answer["error"].is_string() && answer["error_type"].is_string();
        assert!(plain || answer["error"]["message"].is_string(), "{answer}");
    }
}

#[test]
fn the_requests_to_spoil_are_good() {
    for (path, body) in PATHS.iter().zip(GOOD) {
        let reply = post(path, body);
        assert_eq!(reply.status, 200, "{path} {}", reply.body);
    }
}

#[test]
fn every_cut_of_a_good_request_is_refused() {
    for (path, body) in PATHS.iter().zip(GOOD) {
        for end in 0..body.len() {
            let reply = post(path, &body.as_bytes()[..end]);
            well_formed(&reply);
            assert_ne!(reply.status, 200, "{path} cut at {end}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn arbitrary_bytes(path in 0..7usize, body in prop::collection::vec(any::<u8>(), 0..200)) {
        let reply = post(PATHS[path], &body);
        well_formed(&reply);
        prop_assert_ne!(reply.status, 200);
    }

    #[test]
    fn arbitrary_methods_and_paths(method in ".{0,9}", path in "[/a-z0-9?é\0]{0,20}") {
        well_formed(&service(Fake::embedding()).handle(&method, &path, b"{}"));
    }

    #[test]
    fn spoiled_requests(
        which in 0..7usize,
        cuts in prop::collection::vec((any::<prop::sample::Index>(), 0..6usize, 0..PIECES.len()), 1..4),
        classifier in any::<bool>(),
    ) {
        let mut body = GOOD[which].as_bytes().to_vec();
        for (at, remove, piece) in cuts {
            let at = at.index(body.len() + 1);
            let end = (at + remove).min(body.len());
            body.splice(at..end, PIECES[piece].iter().copied());
        }
        let encoder = if classifier { Fake::classifier(&["score"]) } else { Fake::embedding() };
        well_formed(&service(encoder).handle("POST", PATHS[which], &body));
    }
}
