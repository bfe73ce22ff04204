//! A `Dense` module of sentence-transformers: a linear layer and an activation behind the pooling.

use std::path::Path;

use super::error::CheckpointError;
use super::json::Json;
use super::tensors::Tensors;
use super::weights::Dense;

/// Most outputs of a linear layer.
const OUTPUTS: usize = 4096;
/// The weights, and what else the library may have written.
const WEIGHTS: &str = "model.safetensors";
const PICKLE: &str = "pytorch_model.bin";

/// A dense layer.
#[derive(Clone, Debug)]
pub struct DenseModule {
    /// The linear layer; its biases are 0 if the module has none.
    pub linear: Dense,
    /// Whether a `tanh` follows; otherwise the outputs stay as they are.
    pub tanh: bool,
}

impl DenseModule {
    /// Reads the folder of a module that takes vectors of `inputs` numbers.
    ///
    /// # Errors
    /// [`CheckpointError`] names the file, the key or the tensor that is not carried.
    pub fn load(folder: &Path, inputs: usize) -> Result<Self, CheckpointError> {
        let json = Json::read(&folder.join("config.json"))?;
        refuse_others(&json)?;
        if json.count("in_features")? != Some(inputs) {
            let advice = format!("but the vectors in front of it have {inputs} numbers");
            return Err(json.refuse("in_features", &advice));
        }
        let outputs = json.count("out_features")?.filter(|n| (1..=OUTPUTS).contains(n));
        let outputs =
            outputs.ok_or_else(|| json.refuse("out_features", &format!("allowed: 1 to {OUTPUTS}")))?;
        let tanh = has_tanh(&json)?;
        let path = folder.join(WEIGHTS);
        if !path.is_file() && folder.join(PICKLE).is_file() {
            let reason = "a pickle, which can run code when it is opened, so it is not read; where \
                          sentence-transformers is installed, load the model and save it again, which \
                          writes model.safetensors";
            return Err(CheckpointError::Weights { path: folder.join(PICKLE), reason: reason.into() });
        }
        let tensors = Tensors::of_file(&path)?;
        let bias = json.flag("bias")?.unwrap_or(true);
        let known: &[&str] = if bias { &["linear.weight", "linear.bias"] } else { &["linear.weight"] };
        tensors.refuse_others(known)?;
        let weight = tensors.matrix("linear.weight", outputs, inputs)?;
        let bias = if bias { tensors.vector("linear.bias", outputs)? } else { vec![0.0; outputs] };
        Ok(Self { linear: Dense { weight, bias }, tanh })
    }
}

/// Refuses the keys that make another layer of the same weights, and those of unknown meaning.
fn refuse_others(json: &Json) -> Result<(), CheckpointError> {
    for (key, _) in json.entries() {
        match key {
            "in_features" | "out_features" | "bias" | "activation_function" => {}
            "module_input_name" | "module_output_name" => {
                if json.text(key)? != Some("sentence_embedding") {
                    return Err(json.refuse(key, "allowed: \"sentence_embedding\""));
                }
            }
            "use_residual" => {
                if json.flag(key)? == Some(true) {
                    return Err(json.refuse(key, "which adds the inputs to the outputs; allowed: false"));
                }
            }
            _ => return Err(json.refuse(key, "a setting of Dense that this program does not know")),
        }
    }
    Ok(())
}

/// Whether the activation is a `tanh`, which it is if none is stated.
fn has_tanh(json: &Json) -> Result<bool, CheckpointError> {
    const KEY: &str = "activation_function";
    match json.text(KEY)? {
        None => Ok(true),
        Some("torch.nn.modules.activation.Tanh" | "torch.nn.Tanh") => Ok(true),
        Some("torch.nn.modules.linear.Identity" | "torch.nn.Identity") => Ok(false),
        Some(_) => {
            let allowed = "allowed: \"torch.nn.modules.activation.Tanh\", \
                           \"torch.nn.modules.linear.Identity\"";
            Err(json.refuse(KEY, allowed))
        }
    }
}
