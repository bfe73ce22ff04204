//! Reads the files of a model folder.

use std::path::Path;

use lockstep_arith::encoder::Encoder;
use lockstep_folder::{MANIFEST, ONNX, RUNTIME, TOKENIZER};
use lockstep_module::TextModel;

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
