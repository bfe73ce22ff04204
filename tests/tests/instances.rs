//! Instances that start from a snapshot with the model open give the integers of the native engine.
#![allow(clippy::unwrap_used)]

use std::time::{Duration, Instant};

use lockstep_edge_host::{Config, Instances};
use lockstep_module::TextModel;
use lockstep_rank::{Text, TextEncoder};
use lockstep_tests::places::{compiled, module, need, tiny_model};
use lockstep_tests::texts::hostile;
use serde_json::{Value, json};

#[test]
fn the_integers_of_an_instance_that_never_opened_a_model() {
    let texts = hostile();
    let inputs: Vec<Text<'_>> = texts.iter().map(|text| Text::single(text)).collect();
    need(&tiny_model());
    let mut native = TextModel::open_folder(&tiny_model()).unwrap();
    let expected: Vec<Vec<i32>> =
        native.encode(&inputs).unwrap().into_iter().map(|encoded| encoded.vector).collect();
    for kind in ["strict", "relaxed"] {
        need(&module(kind));
        let cache_dir = Some(compiled());
        let config = Config { cache_dir, ..Config::new(tiny_model(), module(kind)) };
        let instances = Instances::prepare(&config).unwrap();
        assert!(instances.are_born_open(), "{kind}");
        for _ in 0..2 {
            let mut instance = instances.open().unwrap();
            let deadline = Instant::now() + Duration::from_secs(120);
            let body = json!({ "inputs": texts }).to_string();
            let answer = instance.handle("POST", "/lockstep/encode", body.as_bytes(), deadline).unwrap();
            let answer: Value = serde_json::from_slice(&answer.body).unwrap();
            let found: Vec<Vec<i32>> =
                serde_json::from_value(answer["vectors"].clone()).unwrap_or_else(|e| panic!("{e}: {answer}"));
            assert_eq!(found, expected, "{kind}");
        }
    }
}
