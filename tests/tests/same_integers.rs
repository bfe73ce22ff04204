//! The promise, by `==`: the reference, the native engine, both WebAssembly modules in wasmtime and
//! ONNX Runtime give the same integers.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use lockstep_arith::encoder::Encoder as Reference;
use lockstep_module::TextModel;
use lockstep_rank::{Text, TextEncoder};
use lockstep_tests::daemon::Daemon;
use lockstep_tests::http::post;
use lockstep_tests::{folder, places, texts, witness};
use rayon::prelude::*;
use serde_json::json;

type Tokens = Vec<(Vec<u32>, Vec<u8>)>;

/// What one implementation gives for all texts.
struct Outcome {
    name: String,
    vectors: Vec<Vec<i32>>,
}

fn tokens(model: &TextModel, texts: &[String]) -> Tokens {
    let encodings = texts.iter().map(|t| model.reader().tokenize(Text::single(t)).unwrap());
    encodings.map(|e| (e.ids, e.type_ids)).collect()
}

fn by_reference(encoder: &Reference, tokens: &Tokens) -> Outcome {
    let vectors = tokens.par_iter().map(|(ids, types)| encoder.forward(ids, types).unwrap()).collect();
    Outcome { name: "reference".into(), vectors }
}

fn natively(model: &mut TextModel, texts: &[String]) -> Outcome {
    let inputs: Vec<Text<'_>> = texts.iter().map(|t| Text::single(t)).collect();
    let vectors = model.encode(&inputs).unwrap().into_iter().map(|e| e.vector).collect();
    Outcome { name: format!("native {}", model.info().backend), vectors }
}

fn by_daemon(folder: &Path, kind: &str, texts: &[String]) -> Outcome {
    let module = places::module(kind);
    places::need(&module);
    let daemon = Daemon::start(folder, &module);
    let mut vectors = Vec::new();
    for batch in texts.chunks(8) {
        let (status, answer) = post(daemon.address, "/lockstep/encode", &json!({"inputs": batch}));
        assert_eq!(status, 200, "{answer}");
        vectors.extend(serde_json::from_value::<Vec<Vec<i32>>>(answer["vectors"].clone()).unwrap());
    }
    Outcome { name: format!("wasmtime {kind}"), vectors }
}

/// The first text for which two implementations differ.
fn difference(a: &Outcome, b: &Outcome) -> Option<String> {
    if a.vectors.len() != b.vectors.len() {
        return Some(format!("{}: {} vectors, {}: {}", a.name, a.vectors.len(), b.name, b.vectors.len()));
    }
    let i = a.vectors.iter().zip(&b.vectors).position(|(a, b)| a != b)?;
    let j = a.vectors[i].iter().zip(&b.vectors[i]).position(|(a, b)| a != b);
    Some(format!("text {i}, element {j:?}: {} differs from {}", a.name, b.name))
}

fn compare(folder: &Path, texts: &[String]) {
    let mut model = folder::open(folder);
    let tokens = tokens(&model, texts);
    let longest = tokens.iter().map(|t| t.0.len()).max();
    assert_eq!(longest, Some(model.info().max_input_length), "the longest sequence is among the texts");
    let reference = by_reference(&folder::reference(folder), &tokens);
    let others = [
        natively(&mut model, texts),
        by_daemon(folder, "strict", texts),
        by_daemon(folder, "relaxed", texts),
        Outcome { name: "ONNX Runtime".into(), vectors: witness::integers(folder, &tokens) },
    ];
    for other in &others {
        assert_eq!(difference(&reference, other), None);
        println!("{}: {} texts, the same integers as the reference", other.name, other.vectors.len());
    }
}

#[test]
fn the_tiny_model_is_the_same_everywhere() {
    let texts = [texts::graded(60, 200), texts::hostile()].concat();
    compare(&places::tiny_model(), &texts);
}

#[test]
fn dense_layers_and_weighted_means_are_the_same_everywhere() {
    let texts = [texts::graded(60, 200), texts::hostile()].concat();
    let model = std::env::temp_dir().join(format!("lockstep-dense-{}", std::process::id()));
    for write in [folder::write_dense, folder::write_weighted] {
        write(&places::tiny_model(), &model);
        compare(&model, &texts);
        std::fs::remove_dir_all(&model).unwrap();
    }
}

#[test]
fn the_real_model_is_the_same_everywhere() {
    let texts = [texts::graded(200, 420), texts::hostile()].concat();
    compare(&places::real_model(), &texts);
}

#[test]
fn batch_mates_and_order_change_nothing() {
    let mut model = folder::open(&places::tiny_model());
    let mut texts = texts::graded(40, 120);
    let together = natively(&mut model, &texts);
    let alone = Outcome {
        name: "alone".into(),
        vectors: texts.iter().flat_map(|t| natively(&mut model, std::slice::from_ref(t)).vectors).collect(),
    };
    assert_eq!(difference(&together, &alone), None);
    texts.reverse();
    let mut reversed = natively(&mut model, &texts);
    reversed.vectors.reverse();
    assert_eq!(difference(&together, &reversed), None);
}

#[test]
fn the_comparison_can_fail() {
    let outcome = |v: Vec<Vec<i32>>| Outcome { name: "x".into(), vectors: v };
    assert!(difference(&outcome(vec![vec![1, 2]]), &outcome(vec![vec![1, 3]])).is_some());
    assert!(difference(&outcome(vec![vec![1]]), &outcome(vec![])).is_some());
    assert_eq!(difference(&outcome(vec![vec![0]]), &outcome(vec![vec![0]])), None);
}
