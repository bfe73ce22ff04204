//! Instances that start from a snapshot with the model open give the integers of the native engine.
#![allow(clippy::unwrap_used)]

use std::time::{Duration, Instant};

use lockstep_edge_host::{Config, Instances};
use lockstep_module::{Sequence, TextModel};
use lockstep_rank::{Text, TextEncoder};
use lockstep_tests::places::{compiled, module, need, tiny_model};
use lockstep_tests::texts::hostile;

#[test]
fn the_integers_of_an_instance_that_never_opened_a_model() {
    let texts = hostile();
    let inputs: Vec<Text<'_>> = texts.iter().map(|text| Text::single(text)).collect();
    need(&tiny_model());
    let mut native = TextModel::open_folder(&tiny_model()).unwrap();
    let expected: Vec<Vec<i32>> =
        native.encode(&inputs).unwrap().into_iter().map(|encoded| encoded.vector).collect();
    let encodings = native.reader().tokenize_all(&inputs).unwrap();
    let batch: Vec<Sequence<'_>> =
        encodings.iter().map(|e| Sequence { ids: &e.ids, type_ids: &e.type_ids }).collect();
    for kind in ["strict", "relaxed"] {
        need(&module(kind));
        let cache_dir = Some(compiled());
        let config = Config { cache_dir, ..Config::new(tiny_model(), module(kind)) };
        let instances = Instances::prepare(&config).unwrap();
        assert!(instances.are_born_open(), "{kind}");
        for _ in 0..2 {
            let mut instance = instances.open().unwrap();
            let deadline = Instant::now() + Duration::from_secs(120);
            let found = instance.encode(&batch, deadline).unwrap();
            assert_eq!(found, expected, "{kind}");
        }
    }
}
