//! A Hugging Face BERT checkpoint: configuration and float weights.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::matrix::Matrix;
use crate::tensors::Tensors;

/// Why a checkpoint folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// A file cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// `config.json` is not what it should be.
    #[error("{path}: {reason}")]
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong, with the value.
        reason: String,
    },
    /// The weights file is not what it should be.
    #[error("{path}: {reason}")]
    Weights {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A tensor that the configuration asks for is not there.
    #[error("tensor {name} is missing")]
    Missing {
        /// Its name, without the `bert.` prefix.
        name: String,
    },
    /// A tensor has another shape than the configuration asks for.
    #[error("tensor {name} has shape {found:?}, config.json asks for {expected:?}")]
    Shape {
        /// Its name.
        name: String,
        /// The shape in the file.
        found: Vec<usize>,
        /// The shape wanted.
        expected: Vec<usize>,
    },
    /// A weight is NaN or infinite.
    #[error("tensor {name}: element {index} is {value}")]
    NotFinite {
        /// Its name.
        name: String,
        /// The position in the flattened tensor.
        index: usize,
        /// The value.
        value: f32,
    },
}

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

/// What of `config.json` matters here.
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
    /// Vocabulary.
    pub vocabulary: usize,
    /// Longest sequence, at most 512.
    pub positions: usize,
    /// Token types.
    pub types: usize,
    /// Activation.
    pub activation: Activation,
    /// LayerNorm epsilon.
    pub epsilon: f32,
    /// Labels in order of their index, where the checkpoint is a classifier.
    pub labels: Option<Vec<String>>,
    /// Name of the model, where the configuration has one.
    pub name: Option<String>,
}

/// A linear layer: `[out, in]` and `[out]`.
#[derive(Clone, Debug)]
pub struct Dense {
    /// Weights.
    pub weight: Matrix,
    /// Biases.
    pub bias: Vec<f32>,
}

/// LayerNorm parameters.
#[derive(Clone, Debug)]
pub struct Norm {
    /// Gain.
    pub gamma: Vec<f32>,
    /// Offset.
    pub beta: Vec<f32>,
}

/// One transformer layer.
#[derive(Clone, Debug)]
pub struct LayerWeights {
    /// Query, key and value stacked: `[3 D, D]`.
    pub projection: Dense,
    /// Attention output.
    pub output: Dense,
    /// LayerNorm after attention.
    pub attention_norm: Norm,
    /// First feed-forward layer.
    pub expand: Dense,
    /// Second feed-forward layer.
    pub contract: Dense,
    /// LayerNorm at the end.
    pub output_norm: Norm,
}

/// Pooler and classifier.
#[derive(Clone, Debug)]
pub struct HeadWeights {
    /// `[D, D]`.
    pub pooler: Dense,
    /// `[labels, D]`.
    pub classifier: Dense,
}

/// Everything float.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    /// Configuration.
    pub config: Config,
    /// `[V, D]`.
    pub words: Matrix,
    /// `[P, D]`.
    pub positions: Matrix,
    /// `[T, D]`.
    pub types: Matrix,
    /// LayerNorm of the embedding.
    pub embedding_norm: Norm,
    /// Layers.
    pub layers: Vec<LayerWeights>,
    /// Classification head.
    pub head: Option<HeadWeights>,
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

/// Reads a whole file.
///
/// # Errors
/// [`CheckpointError::Read`] names the file.
pub fn read_file(path: &Path) -> Result<Vec<u8>, CheckpointError> {
    std::fs::read(path).map_err(|source| CheckpointError::Read { path: path.into(), source })
}

impl Config {
    /// Reads and checks `config.json`.
    ///
    /// # Errors
    /// Names the field and its value.
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

/// Labels by index; Hugging Face's default is two labels.
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

impl Checkpoint {
    /// Reads `config.json` and `model.safetensors`, or the fp32 `model.onnx` (also in `onnx/`).
    ///
    /// # Errors
    /// Names the file, field or tensor and what is wrong with it.
    pub fn load(folder: &Path) -> Result<Self, CheckpointError> {
        let config = Config::load(&folder.join("config.json"))?;
        let tensors = Tensors::load(folder)?;
        Self::from_tensors(config, &tensors)
    }

    fn from_tensors(mut config: Config, t: &Tensors) -> Result<Self, CheckpointError> {
        let (d, m) = (config.hidden, config.intermediate);
        let e = |s: &str| format!("embeddings.{s}");
        let words = t.matrix(&e("word_embeddings.weight"), config.vocabulary, d)?;
        let mut positions = t.matrix_at_least(&e("position_embeddings.weight"), config.positions, d)?;
        positions.rows = config.positions;
        positions.data.truncate(config.positions * d);
        let types = t.matrix(&e("token_type_embeddings.weight"), config.types, d)?;
        let embedding_norm = t.norm(&e("LayerNorm"), d)?;
        let mut layers = Vec::with_capacity(config.layers);
        for l in 0..config.layers {
            let p = |s: &str| format!("encoder.layer.{l}.{s}");
            let mut projection = Dense { weight: Matrix::zeros(0, d), bias: Vec::new() };
            for kind in ["query", "key", "value"] {
                let part = t.dense(&p(&format!("attention.self.{kind}")), d, d)?;
                projection.weight.rows += d;
                projection.weight.data.extend(part.weight.data);
                projection.bias.extend(part.bias);
            }
            layers.push(LayerWeights {
                projection,
                output: t.dense(&p("attention.output.dense"), d, d)?,
                attention_norm: t.norm(&p("attention.output.LayerNorm"), d)?,
                expand: t.dense(&p("intermediate.dense"), m, d)?,
                contract: t.dense(&p("output.dense"), d, m)?,
                output_norm: t.norm(&p("output.LayerNorm"), d)?,
            });
        }
        let head = match &config.labels {
            Some(labels) => Some(HeadWeights {
                pooler: t.dense("pooler.dense", d, d)?,
                classifier: t.dense("classifier", labels.len(), d)?,
            }),
            None => None,
        };
        config.name = config.name.filter(|n| !n.is_empty());
        Ok(Self { config, words, positions, types, embedding_norm, layers, head })
    }
}
