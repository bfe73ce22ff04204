//! The configuration of a checkpoint: `config.json`.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::error::{CheckpointError, read_file};

/// The activation between the feed-forward layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// `x * Phi(x)`.
    Gelu,
    /// The `tanh` approximation: `gelu_new`, `gelu_pytorch_tanh`, `gelu_fast`.
    GeluTanh,
    /// `max(x, 0)`.
    Relu,
}

impl Activation {
    /// The function itself.
    #[must_use]
    pub fn apply(self, x: f64) -> f64 {
        match self {
            Self::Gelu => 0.5 * x * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2),
            Self::GeluTanh => {
                let inner = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x * x * x);
                0.5 * x * (1.0 + inner.tanh())
            }
            Self::Relu => x.max(0.0),
        }
    }
}

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
    /// Name of the model, if the configuration has one.
    pub name: Option<String>,
}

#[derive(Deserialize)]
struct RawConfig {
    model_type: Option<String>,
    #[serde(default)]
    architectures: Vec<String>,
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    intermediate_size: usize,
    vocab_size: usize,
    max_position_embeddings: usize,
    #[serde(default = "two")]
    type_vocab_size: usize,
    #[serde(default = "gelu")]
    hidden_act: String,
    #[serde(default = "epsilon")]
    layer_norm_eps: f32,
    position_embedding_type: Option<String>,
    id2label: Option<BTreeMap<String, String>>,
    num_labels: Option<usize>,
    #[serde(rename = "_name_or_path")]
    name: Option<String>,
}

fn two() -> usize {
    2
}
fn gelu() -> String {
    "gelu".into()
}
fn epsilon() -> f32 {
    1e-12
}

impl Config {
    /// Reads and checks `config.json`.
    ///
    /// # Errors
    /// [`CheckpointError::Config`] names the field and its value.
    pub fn load(path: &Path) -> Result<Self, CheckpointError> {
        let fail = |reason: String| CheckpointError::Config { path: path.into(), reason };
        let raw: RawConfig = serde_json::from_slice(&read_file(path)?).map_err(|e| fail(e.to_string()))?;
        raw.check().map_err(fail)
    }
}

impl RawConfig {
    fn check(self) -> Result<Config, String> {
        if let Some(kind) = self.model_type.as_deref().filter(|k| *k != "bert") {
            return Err(format!("model_type is \"{kind}\", allowed: \"bert\""));
        }
        if let Some(kind) = self.position_embedding_type.as_deref().filter(|k| *k != "absolute") {
            return Err(format!("position_embedding_type is \"{kind}\", allowed: \"absolute\""));
        }
        let activation = match self.hidden_act.as_str() {
            "gelu" => Activation::Gelu,
            "gelu_new" | "gelu_pytorch_tanh" | "gelu_fast" => Activation::GeluTanh,
            "relu" => Activation::Relu,
            other => {
                return Err(format!(
                    "hidden_act is \"{other}\", allowed: gelu, gelu_new, gelu_pytorch_tanh, gelu_fast, relu"
                ));
            }
        };
        for (name, value, lo, hi) in [
            ("hidden_size", self.hidden_size, 32, 1024),
            ("num_hidden_layers", self.num_hidden_layers, 1, 64),
            ("num_attention_heads", self.num_attention_heads, 1, 1024),
            ("intermediate_size", self.intermediate_size, 32, 4096),
            ("vocab_size", self.vocab_size, 1, 1 << 24),
            ("max_position_embeddings", self.max_position_embeddings, 1, 1 << 16),
            ("type_vocab_size", self.type_vocab_size, 1, 16),
        ] {
            if !(lo..=hi).contains(&value) {
                return Err(format!("{name} is {value}, allowed: {lo} to {hi}"));
            }
        }
        for (name, value) in
            [("hidden_size", self.hidden_size), ("intermediate_size", self.intermediate_size)]
        {
            if value % 2 == 1 {
                return Err(format!("{name} is {value}, allowed: even numbers"));
            }
        }
        let (d, h) = (self.hidden_size, self.num_attention_heads);
        if d % h != 0 || d / h > 128 {
            return Err(format!(
                "hidden_size {d} with num_attention_heads {h}: heads must divide it into widths of at most 128"
            ));
        }
        if !(0.0..=1e-4).contains(&self.layer_norm_eps) {
            return Err(format!("layer_norm_eps is {}, allowed: 0 to 0.0001", self.layer_norm_eps));
        }
        let classifier = self.architectures.iter().any(|a| a == "BertForSequenceClassification");
        let labels = classifier.then(|| label_names(self.id2label, self.num_labels)).transpose()?;
        Ok(Config {
            hidden: d,
            layers: self.num_hidden_layers,
            heads: h,
            intermediate: self.intermediate_size,
            vocabulary: self.vocab_size,
            positions: self.max_position_embeddings.min(512),
            types: self.type_vocab_size,
            activation,
            epsilon: self.layer_norm_eps,
            labels,
            name: self.name,
        })
    }
}

/// The label of each index. A configuration without labels has two, as in Hugging Face.
fn label_names(names: Option<BTreeMap<String, String>>, count: Option<usize>) -> Result<Vec<String>, String> {
    let count = names.as_ref().map(BTreeMap::len).or(count).unwrap_or(2);
    if !(1..=4096).contains(&count) {
        return Err(format!("the number of labels is {count}, allowed: 1 to 4096"));
    }
    let name = |i: usize| match &names {
        Some(names) => names.get(&i.to_string()).cloned().ok_or_else(|| format!("id2label has no entry {i}")),
        None => Ok(format!("LABEL_{i}")),
    };
    (0..count).map(name).collect()
}
