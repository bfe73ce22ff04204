//! A model folder's files.

use std::path::Path;

use lockstep_arith::encoder::Encoder;
use lockstep_folder::{MANIFEST, ONNX, RUNTIME, TOKENIZER};
use lockstep_module::TextModel;

/// The bytes of `model.lockstep`, `tokenizer.json` and `lockstep.json`.
///
/// # Errors
/// Names the file that cannot be read.
pub fn files(folder: &Path) -> Result<[Vec<u8>; 3], String> {
    Ok([read(folder, RUNTIME)?, read(folder, TOKENIZER)?, read(folder, MANIFEST)?])
}

fn read(folder: &Path, name: &str) -> Result<Vec<u8>, String> {
    let path = folder.join(name);
    std::fs::read(&path).map_err(|e| format!("cannot read {}: {e}", path.display()))
}

/// The native engine: tokenizer, tract graph, fused operators.
///
/// # Panics
/// Where the folder is not a model's.
#[must_use]
pub fn open(folder: &Path) -> TextModel {
    TextModel::open_folder(folder).expect("`make test` makes the model folder")
}

/// The reference implementation, with the parameters of `model.onnx`.
///
/// # Panics
/// Where the folder is not a model's.
#[must_use]
pub fn reference(folder: &Path) -> Encoder {
    let model = read(folder, ONNX).expect("`make test` makes the model folder");
    lockstep_quantize::onnx::read(&model).expect("the model is read")
}
