//! The configuration of a checkpoint: `config.json`, as transformers' `BertConfig` and the
//! configurations of the other families take it.
//!
//! Every key of them is one of these:
//!
//! | key | |
//! |---|---|
//! | `model_type`, sizes, `hidden_act`, `layer_norm_eps`, `id2label`, `num_labels`, `problem_type` | read here and in `family.rs` |
//! | `position_embedding_type`, `is_decoder`, `add_cross_attention`, `pruned_heads`, `quantization_config`, `auto_map` | another network: refused unless they say that it is none |
//! | `pad_token_id` | RoBERTa's first position is behind it; else no effect on the vectors |
//! | dropouts, `initializer_range`, `sinusoidal_pos_embds`, other token ids, `use_cache`, `tie_word_embeddings`, `gradient_checkpointing`, `output_*`, `return_dict`, `torch_dtype`, `dtype`, `chunk_size_feed_forward` | no effect on the vectors |

use std::path::Path;

use lockstep_folder::manifest::LabelScores;

use super::activation::Activation;
use super::error::CheckpointError;
use super::family::Family;
use super::json::Json;
use super::labels;

/// The fields of `config.json` that the quantisation needs.
#[derive(Clone, Debug)]
pub struct Config {
    /// Which names the weights have.
    pub family: Family,
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
    /// The row of the position table that the first token gets.
    pub first_position: usize,
    /// Number of token types.
    pub types: usize,
    /// The activation between the feed-forward layers.
    pub activation: Activation,
    /// The epsilon of every LayerNorm.
    pub epsilon: f32,
    /// The labels in the order of their indices, if the checkpoint is a classifier.
    pub labels: Option<Vec<String>>,
    /// From the logits to the scores of the labels, if a classifier states it.
    pub label_scores: Option<LabelScores>,
    /// A head of the architecture that is not carried, if there is one.
    pub unused_head: Option<String>,
}

impl Config {
    /// Reads and checks `config.json`.
    ///
    /// # Errors
    /// [`CheckpointError::Config`] names the key and its value.
    pub fn load(path: &Path) -> Result<Self, CheckpointError> {
        let json = Json::read(path)?;
        let architecture = architecture(&json)?;
        let family = Family::of(&json, architecture)?;
        refuse_other_networks(&json)?;
        let keys = family.keys();
        let hidden = size(&json, keys.hidden, 32, 1024, None)?;
        let heads = size(&json, keys.heads, 1, 1024, None)?;
        let intermediate = size(&json, keys.intermediate, 32, 4096, None)?;
        for (name, value) in [(keys.hidden, hidden), (keys.intermediate, intermediate)] {
            if value % 2 == 1 {
                return Err(json.refuse(name, "allowed: even numbers"));
            }
        }
        if hidden % heads != 0 || hidden / heads > 128 {
            return Err(json.error(format!(
                "{} {hidden} with {} {heads}: heads must divide it into widths of at most 128",
                keys.hidden, keys.heads
            )));
        }
        let classifier = architecture.is_some_and(|name| family.is_classifier(name));
        if classifier && family == Family::DistilBert {
            let advice = "whose head has a ReLU between its layers, which is not carried; \
                          give the encoder alone, or a classifier of BERT or RoBERTa";
            return Err(json.refuse("architectures", advice));
        }
        let first_position = family.first_position(&json)?;
        let least = first_position + 1;
        let positions = size(&json, "max_position_embeddings", least, 1 << 16, None)? - first_position;
        let unused_head = architecture.filter(|name| !classifier && !family.is_encoder(name));
        Ok(Self {
            family,
            hidden,
            layers: size(&json, keys.layers, 1, 64, None)?,
            heads,
            intermediate,
            vocabulary: size(&json, "vocab_size", 1, 1 << 24, None)?,
            positions: positions.min(512),
            first_position,
            types: match family {
                // It has none; those of the tokenizer change nothing.
                Family::DistilBert => 2,
                Family::Bert | Family::Roberta => size(&json, "type_vocab_size", 1, 16, Some(2))?,
            },
            activation: activation(&json, keys.activation)?,
            epsilon: epsilon(&json, family)?,
            labels: classifier.then(|| labels::read(&json)).transpose()?,
            label_scores: if classifier { labels::scores(&json)? } else { None },
            unused_head: unused_head.map(str::to_owned),
        })
    }
}

/// Refuses the keys that make another network of the same weights.
fn refuse_other_networks(json: &Json) -> Result<(), CheckpointError> {
    const POSITIONS: &str = "position_embedding_type";
    if json.text(POSITIONS)?.is_some_and(|value| value != "absolute") {
        return Err(json.refuse(POSITIONS, "allowed: \"absolute\""));
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

fn activation(json: &Json, key: &str) -> Result<Activation, CheckpointError> {
    Ok(match json.text(key)?.unwrap_or("gelu") {
        "gelu" | "gelu_python" => Activation::Gelu,
        "gelu_new" | "gelu_pytorch_tanh" | "gelu_python_tanh" | "gelu_fast" | "gelu_accurate" => {
            Activation::GeluTanh
        }
        "relu" => Activation::Relu,
        _ => {
            let allowed = "allowed: gelu, gelu_python, gelu_new, gelu_pytorch_tanh, gelu_python_tanh, \
                           gelu_fast, gelu_accurate, relu";
            return Err(json.refuse(key, allowed));
        }
    })
}

fn epsilon(json: &Json, family: Family) -> Result<f32, CheckpointError> {
    if family == Family::DistilBert {
        return Ok(1e-12);
    }
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
    let classifier = names.iter().find(|name| name.ends_with("ForSequenceClassification"));
    Ok(classifier.or(names.first()).copied())
}
