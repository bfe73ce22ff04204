//! The names of the files in a model folder.

/// The quantised encoder as a standard ONNX file, for interchange and for ONNX Runtime.
pub const ONNX: &str = "model.onnx";
/// The same encoder as the engine opens it, with the weights in the order of the kernels.
pub const RUNTIME: &str = "model.lockstep";
/// The tokenizer of the checkpoint, unchanged.
pub const TOKENIZER: &str = "tokenizer.json";
/// The manifest: name, digests, units, pooling and labels.
pub const MANIFEST: &str = "lockstep.json";
