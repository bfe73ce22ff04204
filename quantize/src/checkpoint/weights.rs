//! The float weights of a checkpoint, by the part of the model that they belong to.

use std::path::Path;

use super::config::Config;
use super::error::CheckpointError;
use super::family::Family;
use super::tensors::Tensors;
use crate::matrix::Matrix;

/// A linear layer.
#[derive(Clone, Debug)]
pub struct Dense {
    /// Shape `[outputs, inputs]`.
    pub weight: Matrix,
    /// Shape `[outputs]`.
    pub bias: Vec<f32>,
}

/// The parameters of a LayerNorm.
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
    /// Query, key and value, one after the other: `[3 D, D]`.
    pub projection: Dense,
    /// The attention's output layer: `[D, D]`.
    pub output: Dense,
    /// LayerNorm after the attention.
    pub attention_norm: Norm,
    /// First feed-forward layer: `[intermediate, D]`.
    pub expand: Dense,
    /// Second feed-forward layer: `[D, intermediate]`.
    pub contract: Dense,
    /// LayerNorm at the end of the layer.
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

/// A whole float model.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    /// The configuration.
    pub config: Config,
    /// Word embeddings: `[vocabulary, D]`.
    pub words: Matrix,
    /// Position embeddings: `[positions, D]`.
    pub positions: Matrix,
    /// Token type embeddings: `[types, D]`.
    pub types: Matrix,
    /// LayerNorm of the embedding sum.
    pub embedding_norm: Norm,
    /// The layers, first to last.
    pub layers: Vec<LayerWeights>,
    /// The classification head, if the model has one.
    pub head: Option<HeadWeights>,
}

impl Checkpoint {
    /// Reads `config.json` and the weights. The weights are in `model.safetensors`, in its parts
    /// with `model.safetensors.index.json`, or in the fp32 file `model.onnx` or `onnx/model.onnx`.
    ///
    /// # Errors
    /// [`CheckpointError`] names the file, the field or the tensor, and the problem.
    pub fn load(folder: &Path) -> Result<Self, CheckpointError> {
        let config = Config::load(&folder.join("config.json"))?;
        let tensors = Tensors::load(folder)?;
        Self::from_tensors(config, &tensors)
    }

    fn from_tensors(config: Config, t: &Tensors) -> Result<Self, CheckpointError> {
        let (d, m) = (config.hidden, config.intermediate);
        let names = config.family.names();
        let e = |s: &str| format!("embeddings.{s}");
        let words = t.matrix(&e("word_embeddings.weight"), config.vocabulary, d)?;
        let (first, end) = (config.first_position, config.first_position + config.positions);
        let mut positions = t.matrix_at_least(&e("position_embeddings.weight"), end, d)?;
        positions.rows = config.positions;
        positions.data.truncate(end * d);
        positions.data.drain(..first * d);
        let types = match config.family {
            Family::DistilBert => Matrix::zeros(config.types, d),
            Family::Bert | Family::Roberta => {
                t.matrix(&e("token_type_embeddings.weight"), config.types, d)?
            }
        };
        let embedding_norm = norm(t, &e("LayerNorm"), d)?;
        let mut layers = Vec::with_capacity(config.layers);
        for l in 0..config.layers {
            let p = |s: &str| format!("{}.{l}.{s}", names.layers);
            let mut projection = Dense { weight: Matrix::zeros(0, d), bias: Vec::new() };
            for part in names.projection {
                let part = dense(t, &p(part), d, d)?;
                projection.weight.rows += d;
                projection.weight.data.extend(part.weight.data);
                projection.bias.extend(part.bias);
            }
            layers.push(LayerWeights {
                projection,
                output: dense(t, &p(names.output), d, d)?,
                attention_norm: norm(t, &p(names.attention_norm), d)?,
                expand: dense(t, &p(names.expand), m, d)?,
                contract: dense(t, &p(names.contract), d, m)?,
                output_norm: norm(t, &p(names.output_norm), d)?,
            });
        }
        let [pooler, classifier] = names.head;
        let head = match &config.labels {
            Some(labels) => Some(HeadWeights {
                pooler: dense(t, pooler, d, d)?,
                classifier: dense(t, classifier, labels.len(), d)?,
            }),
            None => None,
        };
        Ok(Self { config, words, positions, types, embedding_norm, layers, head })
    }
}

/// Reads `{name}.weight` and `{name}.bias`.
fn dense(t: &Tensors, name: &str, outputs: usize, inputs: usize) -> Result<Dense, CheckpointError> {
    let weight = t.matrix(&format!("{name}.weight"), outputs, inputs)?;
    Ok(Dense { weight, bias: t.vector(&format!("{name}.bias"), outputs)? })
}

/// Reads `{name}.weight` and `{name}.bias`, or the old names `gamma` and `beta`.
fn norm(t: &Tensors, name: &str, len: usize) -> Result<Norm, CheckpointError> {
    let old = t.contains(&format!("{name}.gamma"));
    let (g, b) = if old { ("gamma", "beta") } else { ("weight", "bias") };
    Ok(Norm { gamma: t.vector(&format!("{name}.{g}"), len)?, beta: t.vector(&format!("{name}.{b}"), len)? })
}
