//! A model folder's files.

use std::path::Path;

use lockstep_arith::encoder::Encoder;
use lockstep_manifest::{MANIFEST, MODEL, TOKENIZER};
use lockstep_module::TextModel;

/// The bytes of `model.onnx`, `tokenizer.json` and `lockstep.json`.
///
/// # Errors
/// Names the file that cannot be read.
pub fn files(folder: &Path) -> Result<[Vec<u8>; 3], String> {
    let read = |name: &str| {
        let path = folder.join(name);
        std::fs::read(&path).map_err(|e| format!("cannot read {}: {e}", path.display()))
    };
    Ok([read(MODEL)?, read(TOKENIZER)?, read(MANIFEST)?])
}

/// The native engine: tokenizer, tract graph, fused operators.
///
/// # Panics
/// Where the folder is not a model's.
#[must_use]
pub fn open(folder: &Path) -> TextModel {
    let [model, tokenizer, manifest] = files(folder).expect("`make test` makes the model folder");
    TextModel::open(model, &tokenizer, &manifest).expect("the model opens")
}

/// The reference implementation, with the parameters of the same file.
///
/// # Panics
/// Where the folder is not a model's.
#[must_use]
pub fn reference(folder: &Path) -> Encoder {
    let [model, ..] = files(folder).expect("`make test` makes the model folder");
    lockstep_quantize::onnx::read(&model).expect("the model is read")
}
