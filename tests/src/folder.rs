//! Reads and writes the files of a model folder.

use std::path::Path;

use lockstep_arith::encoder::{Encoder, Pooling};
use lockstep_arith::sample::{self, Shape};
use lockstep_folder::{MANIFEST, ONNX, RUNTIME, TOKENIZER, manifest};
use lockstep_module::TextModel;
use serde_json::{Value, json};

/// The bytes of `model.lockstep`, `tokenizer.json` and `lockstep.json`.
///
/// # Errors
/// If a file cannot be read; the error names it.
pub fn files(folder: &Path) -> Result<[Vec<u8>; 3], String> {
    Ok([read(folder, RUNTIME)?, read(folder, TOKENIZER)?, read(folder, MANIFEST)?])
}

fn read(folder: &Path, name: &str) -> Result<Vec<u8>, String> {
    let path = folder.join(name);
    std::fs::read(&path).map_err(|e| format!("cannot read {}: {e}", path.display()))
}

/// Opens the native engine.
///
/// # Panics
/// If it is no model folder.
#[must_use]
pub fn open(folder: &Path) -> TextModel {
    TextModel::open_folder(folder).expect("`make test` makes the model folder")
}

/// Reads the parameters of `model.onnx` into the reference implementation.
///
/// # Panics
/// If it is no model folder.
#[must_use]
pub fn reference(folder: &Path) -> Encoder {
    let model = read(folder, ONNX).expect("`make test` makes the model folder");
    lockstep_tests_quantize::read(&model).expect("the model is read")
}

/// Writes a random classifier of three labels into a folder. It has the tokenizer and the size of
/// the vocabulary of the model in `from`.
///
/// # Panics
/// If `from` is no model folder, or `to` cannot be written.
pub fn write_classifier(from: &Path, to: &Path) {
    let fields = [
        ("pooling", json!("cls")),
        ("vector_unit", Value::Null),
        ("labels", json!(["low", "middle", "high"])),
        ("logit_unit", json!(0.001)),
    ];
    write_random(from, to, Shape { labels: 3, ..Shape::SMALL }, &fields);
}

/// Writes a random model into a folder, with mean pooling and two dense layers behind it. It has
/// the tokenizer and the size of the vocabulary of the model in `from`. Its vectors have
/// [`DENSE_OUTPUTS`] numbers.
///
/// # Panics
/// As [`write_classifier`].
pub fn write_dense(from: &Path, to: &Path) {
    let shape = Shape { dense: [100, DENSE_OUTPUTS], ..Shape::SMALL };
    write_random(from, to, shape, &[("pooling", json!("mean")), ("dimensions", json!(DENSE_OUTPUTS))]);
}

/// Writes a random model with weighted mean pooling into a folder. It has the tokenizer and the
/// size of the vocabulary of the model in `from`.
///
/// # Panics
/// As [`write_classifier`].
pub fn write_weighted(from: &Path, to: &Path) {
    let shape = Shape { pooling: Pooling::WeightedMean, ..Shape::SMALL };
    write_random(from, to, shape, &[("pooling", json!("weightedmean"))]);
}

/// Numbers of a vector of the model that [`write_dense`] writes.
pub const DENSE_OUTPUTS: usize = 45;

/// Writes a random model of a shape, with these fields in its manifest.
fn write_random(from: &Path, to: &Path, shape: Shape, fields: &[(&str, Value)]) {
    let [_, tokenizer, old] = files(from).expect("`make test` makes the model folder");
    let mut value: Value = serde_json::from_slice(&old).expect("a manifest");
    let number = |name: &str| value[name].as_u64().expect("a number") as usize;
    let (vocabulary, positions) = (number("vocabulary"), number("max_input_length"));
    let encoder = sample::encoder(&Shape { vocabulary, positions, ..shape }, 1);
    let model = lockstep_folder::runtime::write(&encoder);
    let onnx = lockstep_quantize::onnx::write(&encoder, &[]);
    let digests = json!({
        RUNTIME: manifest::sha256(&model),
        ONNX: manifest::sha256(&onnx),
        TOKENIZER: manifest::sha256(&tokenizer),
    });
    let usual = [
        ("hidden_size", json!(shape.hidden)),
        ("layers", json!(shape.layers)),
        ("pieces", json!({})),
        ("digests", digests),
    ];
    for (name, new) in usual.iter().chain(fields) {
        value[*name] = new.clone();
    }
    std::fs::create_dir_all(to).expect("a folder");
    let manifest = value.to_string().into();
    for (name, bytes) in [(RUNTIME, model), (ONNX, onnx), (TOKENIZER, tokenizer), (MANIFEST, manifest)] {
        std::fs::write(to.join(name), bytes).expect("a file");
    }
}
