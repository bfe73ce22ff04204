//! A model folder's files.

use std::path::Path;

use lockstep_arith::encoder::Encoder;
use lockstep_module::TextModel;

use crate::places::need;

fn read(folder: &Path, name: &str) -> Vec<u8> {
    let path = folder.join(name);
    need(&path);
    std::fs::read(&path).expect("the file can be read")
}

/// The native engine: tokenizer, tract graph, fused operators.
///
/// # Panics
/// Where the folder is not a model's.
#[must_use]
pub fn open(folder: &Path) -> TextModel {
    let [model, tokenizer, manifest] =
        ["model.onnx", "tokenizer.json", "lockstep.json"].map(|f| read(folder, f));
    TextModel::open(model, &tokenizer, &manifest).expect("the model opens")
}

/// The reference implementation, with the parameters of the same file.
///
/// # Panics
/// Where the folder is not a model's.
#[must_use]
pub fn reference(folder: &Path) -> Encoder {
    lockstep_quantize::onnx::read(&read(folder, "model.onnx")).expect("the model is read")
}
