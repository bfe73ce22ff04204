//! Finds the file of weights in a checkpoint folder.

use std::path::{Path, PathBuf};

use super::error::CheckpointError;

/// Where the weights are.
pub(super) enum Source {
    /// One safetensors file.
    Safetensors(PathBuf),
    /// The index of several safetensors files.
    Index(PathBuf),
    /// An fp32 ONNX file.
    Onnx(PathBuf),
}

/// Files of weights that are not read, and the way to weights that are.
const OTHERS: [(&str, &str); 6] = [
    ("pytorch_model.bin", PICKLE),
    ("pytorch_model.bin.index.json", PICKLE),
    (
        "adapter_model.safetensors",
        "an adapter alone; load it with peft, merge_and_unload() and save_pretrained()",
    ),
    ("adapter_model.bin", "an adapter alone; load it with peft, merge_and_unload() and save_pretrained()"),
    (
        "tf_model.h5",
        "weights of TensorFlow; convert them: from_pretrained(FOLDER, from_tf=True).save_pretrained(FOLDER)",
    ),
    (
        "flax_model.msgpack",
        "weights of Flax; convert them: from_pretrained(FOLDER, from_flax=True).save_pretrained(FOLDER)",
    ),
];
const PICKLE: &str = "a pickle, which can run code when it is opened, so it is not read; convert it where \
    transformers is installed: python -c \"from transformers import AutoModel as M; \
    M.from_pretrained('FOLDER').save_pretrained('FOLDER')\" (a classifier: AutoModelForSequenceClassification), \
    which writes model.safetensors";

impl Source {
    /// The weights of a folder: `model.safetensors`, its parts with `model.safetensors.index.json`,
    /// `model.onnx`, or `onnx/model.onnx`, in this order.
    ///
    /// # Errors
    /// There is none. Weights of another kind are named, with the way to convert them.
    pub(super) fn find(folder: &Path) -> Result<Self, CheckpointError> {
        let file = |name: &str| Some(folder.join(name)).filter(|path| path.is_file());
        let found = file("model.safetensors")
            .map(Self::Safetensors)
            .or_else(|| file("model.safetensors.index.json").map(Self::Index))
            .or_else(|| file("model.onnx").or_else(|| file("onnx/model.onnx")).map(Self::Onnx));
        found.ok_or_else(|| match OTHERS.iter().find_map(|(name, way)| Some((file(name)?, way))) {
            Some((path, way)) => CheckpointError::Weights { path, reason: (*way).to_owned() },
            None => CheckpointError::Weights {
                path: folder.into(),
                reason: "no weights: there is no model.safetensors, model.safetensors.index.json, \
                         model.onnx or onnx/model.onnx"
                    .to_owned(),
            },
        })
    }
}
