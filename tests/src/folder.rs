//! Reads and writes the files of a model folder.

use std::path::Path;

use lockstep_arith::encoder::Encoder;
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
    let [_, tokenizer, old] = files(from).expect("`make test` makes the model folder");
    let mut value: Value = serde_json::from_slice(&old).expect("a manifest");
    let number = |name: &str| value[name].as_u64().expect("a number") as usize;
    let (vocabulary, positions) = (number("vocabulary"), number("max_input_length"));
    let shape = Shape { vocabulary, positions, labels: 3, ..Shape::SMALL };
    let encoder = sample::encoder(&shape, 1);
    let model = lockstep_folder::runtime::write(&encoder);
    let digests = json!({
        RUNTIME: manifest::sha256(&model),
        ONNX: manifest::sha256(&lockstep_quantize::onnx::write(&encoder, &[])),
        TOKENIZER: manifest::sha256(&tokenizer),
    });
    for (name, new) in [
        ("pooling", json!("cls")),
        ("hidden_size", json!(shape.hidden)),
        ("layers", json!(shape.layers)),
        ("vector_unit", Value::Null),
        ("labels", json!(["low", "middle", "high"])),
        ("logit_unit", json!(0.001)),
        ("pieces", json!({})),
        ("digests", digests),
    ] {
        value[name] = new;
    }
    std::fs::create_dir_all(to).expect("a folder");
    for (name, bytes) in [(RUNTIME, model), (TOKENIZER, tokenizer), (MANIFEST, value.to_string().into())] {
        std::fs::write(to.join(name), bytes).expect("a file");
    }
}
