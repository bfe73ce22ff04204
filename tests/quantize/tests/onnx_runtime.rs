//! ONNX Runtime runs the file's own function bodies and must give the integers of the reference.

mod onnx_models;

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use lockstep_arith::encoder::{Encoder, Pooling};
use lockstep_arith::sample::{self, Random, Shape};
use lockstep_quantize::onnx::write;
use onnx_models::{SMALL, extreme, model, shapes};
use serde_json::{Value, json};

/// Token ids and type ids of each sequence.
type Batch = Vec<(Vec<u32>, Vec<u8>)>;

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn python() -> PathBuf {
    let python = std::env::var_os("LOCKSTEP_PYTHON")
        .map_or_else(|| workspace().join(".venv/bin/python"), PathBuf::from);
    assert!(python.exists(), "{} does not exist; `make venv` makes .venv", python.display());
    python
}

/// Runs a command to its end; gives its standard output.
fn output(command: &mut Command) -> String {
    let output = command.output().expect("python starts");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{stderr}", output.status);
    String::from_utf8(output.stdout).expect("ASCII")
}

/// The integers of each call, as ONNX Runtime computes them.
fn witness(encoder: &Encoder, calls: &[Batch]) -> Vec<Value> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("model.onnx");
    std::fs::write(&path, write(encoder, &[])).expect("the model is written");
    let requests = folder.path().join("requests.jsonl");
    let mut lines = File::create(&requests).expect("the requests are written");
    for batch in calls {
        let (ids, type_ids): (Vec<_>, Vec<_>) = batch.iter().cloned().unzip();
        writeln!(lines, "{}", json!({ "ids": ids, "type_ids": type_ids })).expect("the requests are written");
    }
    let requests = File::open(&requests).expect("the requests are read");
    let mut command = Command::new(python());
    command.arg(tool()).arg(&path).stdin(Stdio::from(requests));
    let answers: Vec<Value> =
        output(&mut command).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(answers.len(), calls.len(), "one answer a call");
    answers
}

fn tool() -> PathBuf {
    workspace().join("quantize/tools/ort_integers.py")
}

/// The first call in which the two differ, as text.
fn difference(encoder: &Encoder, calls: &[Batch]) -> Option<String> {
    for (i, (batch, found)) in calls.iter().zip(witness(encoder, calls)).enumerate() {
        let expected: Vec<Vec<i32>> =
            batch.iter().map(|(ids, types)| encoder.forward(ids, types).expect("valid input")).collect();
        if found != json!(expected) {
            let lengths: Vec<_> = batch.iter().map(|(ids, _)| ids.len()).collect();
            return Some(format!("call {i}, lengths {lengths:?}: expected {expected:?}, found {found}"));
        }
    }
    None
}

/// Sequences of the given lengths; with all ids in `0..few` where `few` is not 0.
fn sequences(encoder: &Encoder, lengths: &[usize], few: u32, random: &mut Random) -> Batch {
    let mut batch: Vec<_> = lengths.iter().map(|&n| sample::sequence(encoder, n, random)).collect();
    for id in batch.iter_mut().flat_map(|(ids, _)| ids).filter(|_| few > 0) {
        *id %= few;
    }
    batch
}

/// Sequences of one token up to the model's limit, alone and together.
fn calls(encoder: &Encoder, few: u32, random: &mut Random) -> Vec<Batch> {
    let most = encoder.embedding.position_count();
    let lengths: [&[usize]; 9] =
        [&[1], &[2], &[3], &[17], &[most], &[1, 1], &[5, 1, 9], &[most, 2, most - 1], &[3; 7]];
    lengths.into_iter().map(|lengths| sequences(encoder, lengths, few, random)).collect()
}

#[test]
fn models_of_many_shapes() {
    for (seed, shape) in (100..).zip(shapes()) {
        let encoder = model(&shape, seed);
        let calls = calls(&encoder, 0, &mut Random::new(seed));
        assert_eq!(difference(&encoder, &calls), None, "{shape:?}");
    }
}

#[test]
fn long_sequences() {
    let weighted = Shape { pooling: Pooling::WeightedMean, ..SMALL };
    for shape in [SMALL, Shape { dense: [64, 0], ..SMALL }, weighted] {
        let encoder = model(&Shape { positions: 512, layers: 1, ..shape }, 5);
        let mut random = Random::new(5);
        let calls =
            [&[512][..], &[511, 1, 300], &[64]].map(|lengths| sequences(&encoder, lengths, 0, &mut random));
        assert_eq!(difference(&encoder, &calls), None, "{shape:?}");
    }
}

/// Few words and flat scores: equal tokens, sums of weights at their greatest, rows of zeros.
#[test]
fn one_word_over_and_over() {
    let shape = Shape { positions: 512, layers: 1, ..SMALL };
    for seed in 0..3 {
        let mut encoder = extreme(&shape, seed);
        encoder.layers[0].score.shift = 74;
        let mut random = Random::new(seed);
        let calls =
            [&[512][..], &[256, 512], &[33]].map(|lengths| sequences(&encoder, lengths, 1, &mut random));
        assert_eq!(difference(&encoder, &calls), None, "seed {seed}");
    }
}

#[test]
fn parameters_at_the_ends_of_their_ranges() {
    let head = Shape { hidden: 48, heads: 3, labels: 3, pooling: Pooling::Cls, ..SMALL };
    let dense = Shape { dense: [66, 40], ..SMALL };
    for seed in 0..16 {
        let shape = match seed % 4 {
            1 => Shape { pooling: Pooling::WeightedMean, ..SMALL },
            2 => dense,
            3 => head,
            _ => SMALL,
        };
        let encoder = extreme(&shape, seed);
        let random = &mut Random::new(seed);
        let calls = [calls(&encoder, 0, random), calls(&encoder, 4, random)].concat();
        assert_eq!(difference(&encoder, &calls), None, "seed {seed}");
    }
}

/// The longest sums of products that the declared ranges allow.
#[test]
fn the_largest_shape() {
    let shape = Shape { hidden: 1024, heads: 8, intermediate: 4096, layers: 1, ..SMALL };
    let encoder = extreme(&shape, 3);
    let calls = [sequences(&encoder, &[1, 4], 0, &mut Random::new(3))];
    assert_eq!(difference(&encoder, &calls), None);
}

/// A comparison that cannot fail proves nothing: one bias changes, and it must.
#[test]
fn the_comparison_sees_one_changed_bias() {
    let encoder = model(&SMALL, 9);
    let calls = [sequences(&encoder, &[9, 4], 0, &mut Random::new(9))];
    let mut answers = witness(&encoder, &calls);
    let mut changed = encoder.clone();
    changed.layers[1].contract.biases[0] += 40;
    assert_ne!(answers.remove(0), witness(&changed, &calls)[0]);
}

#[test]
fn the_checker_of_onnx_accepts_every_kind_of_graph() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut command = Command::new(python());
    command.args([
        "-c",
        "import sys, onnx\nfor p in sys.argv[1:]: onnx.checker.check_model(p, full_check=True)",
    ]);
    for (i, shape) in shapes().iter().enumerate() {
        let path = folder.path().join(format!("{i}.onnx"));
        let metadata = [("model_id".to_owned(), i.to_string())];
        std::fs::write(&path, write(&model(shape, 0), &metadata)).expect("the model is written");
        command.arg(path);
    }
    output(&mut command);
}
