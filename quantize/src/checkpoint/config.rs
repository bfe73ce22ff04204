//! The configuration of a checkpoint: `config.json`, as transformers' `BertConfig` takes it.
//!
//! Every key of `BertConfig` is one of these:
//!
//! | key | |
//! |---|---|
//! | sizes, `hidden_act`, `layer_norm_eps`, `id2label`, `num_labels` | read here |
//! | `model_type`, `position_embedding_type`, `is_decoder`, `add_cross_attention`, `pruned_heads`, `quantization_config`, `auto_map` | another network: refused unless they say that it is none |
//! | dropouts, `initializer_range`, `pad_token_id` and other token ids, `use_cache`, `tie_word_embeddings`, `gradient_checkpointing`, `output_*`, `return_dict`, `torch_dtype`, `dtype`, `chunk_size_feed_forward` | no effect on the vectors |

use std::path::Path;

use super::activation::Activation;
use super::error::CheckpointError;
use super::json::Json;
use super::labels;

/// The fields of `config.json` that the quantisation needs.
#[derive(Clone, Debug)]
pub struct Config {
    /// Hidden size.
    pub hidden: usize,
    /// Number of layers.
    pub layers: usize,
    /// Number of heads.
    pub heads: usize,
    /// Intermediate size.
    pub intermediate: usize,
    /// Size of the vocabulary.
    pub vocabulary: usize,
    /// Longest sequence, at most 512.
    pub positions: usize,
    /// Number of token types.
    pub types: usize,
    /// The activation between the feed-forward layers.
    pub activation: Activation,
    /// The epsilon of every LayerNorm.
    pub epsilon: f32,
    /// The labels in the order of their indices, if the checkpoint is a classifier.
    pub labels: Option<Vec<String>>,
    /// A head of the architecture that is not carried, if there is one.
    pub unused_head: Option<String>,
}

/// Architectures without a head, or with one that no sentence vector uses.
const ENCODERS: [&str; 6] = [
    "BertModel",
    "BertForMaskedLM",
    "BertForPreTraining",
    "BertForNextSentencePrediction",
    "BertLMHeadModel",
    "BertEncoder",
];
const CLASSIFIER: &str = "BertForSequenceClassification";

impl Config {
    /// Reads and checks `config.json`.
    ///
    /// # Errors
    /// [`CheckpointError::Config`] names the key and its value.
    pub fn load(path: &Path) -> Result<Self, CheckpointError> {
        let json = Json::read(path)?;
        refuse_other_networks(&json)?;
        let hidden = size(&json, "hidden_size", 32, 1024, None)?;
        let heads = size(&json, "num_attention_heads", 1, 1024, None)?;
        let intermediate = size(&json, "intermediate_size", 32, 4096, None)?;
        for (name, value) in [("hidden_size", hidden), ("intermediate_size", intermediate)] {
            if value % 2 == 1 {
                return Err(json.refuse(name, "allowed: even numbers"));
            }
        }
        if hidden % heads != 0 || hidden / heads > 128 {
            return Err(json.error(format!(
                "hidden_size {hidden} with num_attention_heads {heads}: heads must divide it into widths of at most 128"
            )));
        }
        let architecture = architecture(&json)?;
        let classifier = architecture == Some(CLASSIFIER);
        Ok(Self {
            hidden,
            layers: size(&json, "num_hidden_layers", 1, 64, None)?,
            heads,
            intermediate,
            vocabulary: size(&json, "vocab_size", 1, 1 << 24, None)?,
            positions: size(&json, "max_position_embeddings", 1, 1 << 16, None)?.min(512),
            types: size(&json, "type_vocab_size", 1, 16, Some(2))?,
            activation: activation(&json)?,
            epsilon: epsilon(&json)?,
            labels: classifier.then(|| labels::read(&json)).transpose()?,
            unused_head: architecture
                .filter(|name| !classifier && !ENCODERS.contains(name))
                .map(str::to_owned),
        })
    }
}

/// Refuses the keys that make another network of the same weights.
fn refuse_other_networks(json: &Json) -> Result<(), CheckpointError> {
    for (key, allowed) in [("model_type", "bert"), ("position_embedding_type", "absolute")] {
        if json.text(key)?.is_some_and(|value| value != allowed) {
            return Err(json.refuse(key, &format!("allowed: \"{allowed}\"")));
        }
    }
    for (key, why) in [
        ("is_decoder", "which masks the tokens that follow; allowed: false"),
        ("add_cross_attention", "which attends to a second network; allowed: false"),
    ] {
        if json.flag(key)? == Some(true) {
            return Err(json.refuse(key, why));
        }
    }
    let pruned = json.object("pruned_heads")?;
    if pruned.is_some_and(|heads| heads.entries().next().is_some()) {
        return Err(json.refuse("pruned_heads", "allowed: {}; every layer has all heads"));
    }
    if json.get("quantization_config").is_some() {
        let advice = "the weights are quantised already; give the float checkpoint";
        return Err(json.refuse("quantization_config", advice));
    }
    let code = json.object("auto_map")?;
    if code.is_some_and(|code| code.entries().any(|(class, _)| class.starts_with("AutoModel"))) {
        let advice = "the model has code of its own, which may compute something else; \
                      remove the key if the network is transformers' BERT";
        return Err(json.refuse("auto_map", advice));
    }
    Ok(())
}

/// A whole number of a range.
fn size(
    json: &Json,
    key: &str,
    least: usize,
    most: usize,
    absent: Option<usize>,
) -> Result<usize, CheckpointError> {
    let value = json.count(key)?.or(absent);
    value
        .filter(|value| (least..=most).contains(value))
        .ok_or_else(|| json.refuse(key, &format!("allowed: {least} to {most}")))
}

fn activation(json: &Json) -> Result<Activation, CheckpointError> {
    Ok(match json.text("hidden_act")?.unwrap_or("gelu") {
        "gelu" | "gelu_python" => Activation::Gelu,
        "gelu_new" | "gelu_pytorch_tanh" | "gelu_python_tanh" | "gelu_fast" | "gelu_accurate" => {
            Activation::GeluTanh
        }
        "relu" => Activation::Relu,
        _ => {
            let allowed = "allowed: gelu, gelu_python, gelu_new, gelu_pytorch_tanh, gelu_python_tanh, \
                           gelu_fast, gelu_accurate, relu";
            return Err(json.refuse("hidden_act", allowed));
        }
    })
}

fn epsilon(json: &Json) -> Result<f32, CheckpointError> {
    let epsilon = json.number("layer_norm_eps")?.unwrap_or(1e-12);
    if !(0.0..=0.1).contains(&epsilon) {
        return Err(json.refuse("layer_norm_eps", "allowed: 0 to 0.1"));
    }
    Ok(epsilon as f32)
}

/// The architecture whose weights the checkpoint has.
fn architecture(json: &Json) -> Result<Option<&str>, CheckpointError> {
    let Some(list) = json.get("architectures") else { return Ok(None) };
    let names = list.as_array().map(|names| names.iter().filter_map(|name| name.as_str()));
    let names: Vec<&str> =
        names.ok_or_else(|| json.refuse("architectures", "allowed: an array of names"))?.collect();
    let classifier = names.iter().find(|name| **name == CLASSIFIER);
    Ok(classifier.or(names.first()).copied())
}
