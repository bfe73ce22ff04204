//! Reads the interchange file `model.onnx` by tract-onnx, for tools and tests. The engines read
//! `model.lockstep` instead, so none of them links tract-onnx.

mod error;
mod format;

use std::collections::HashMap;

use lockstep_arith::activation::{Activation, SEGMENTS, Table};
use lockstep_arith::attention::ScoreScale;
use lockstep_arith::embedding::Embedding;
use lockstep_arith::encoder::{Dense, Encoder, Head, Layer, Pooling};
use lockstep_arith::layer_norm::{Affine, LayerNorm};
use lockstep_arith::linear::Linear;
use lockstep_arith::range::{check, check_len};
use lockstep_arith::rows::Sign;
use prost::Message;
use tract_onnx::pb::{GraphProto, ModelProto, NodeProto, TensorProto};

pub use error::OnnxError;
use format::{Operator, Outline};

/// Makes the run-time file of a `model.onnx`. It does not check the ranges of the parameters;
/// opening the result does.
///
/// # Errors
/// Names the part of the file that differs from `FORMAT.md`.
pub fn pack(onnx: &[u8]) -> Result<Vec<u8>, OnnxError> {
    Ok(lockstep_folder::runtime::write(&read(onnx)?))
}

/// The encoder in the bytes of a `model.onnx`. Its sizes agree with `FORMAT.md`; the ranges of the
/// parameters are not checked.
fn read(onnx: &[u8]) -> Result<Encoder, OnnxError> {
    let file = ModelProto::decode(onnx)?;
    let outline = format::examine(&file)?;
    let graph = file.graph.unwrap_or_default();
    let parts = Parts::of(&graph);
    let hidden = outline.hidden;

    let embed = parts.part("embedding")?;
    let embedding = Embedding {
        hidden,
        words: parts.tensor("embedding.words", outline.vocabulary * hidden)?,
        word_scales: parts.tensor("embedding.word_scales", outline.vocabulary)?,
        positions: parts.tensor("embedding.positions", outline.positions * hidden)?,
        types: parts.tensor("embedding.types", outline.types * hidden)?,
        table_shift: embed.scalar(0)?,
    };
    let embedding_norm = embed.norm(hidden, 0)?;
    let heads = parts.part("layer.0.attention")?.scalar(0)?;
    let layer = |i| layer(&parts, i, hidden, heads);
    let layers = (0..outline.layers).map(layer).collect::<Result<_, _>>()?;
    let head = outline.has_head.then(|| head(&parts, &outline)).transpose()?;
    let dense = (0..outline.dense).map(|i| dense(&parts, i)).collect::<Result<_, _>>()?;
    let pooling = match parts.operator("pool") {
        "PoolMean" | "MeanRow" => Pooling::Mean,
        "MaxRow" => Pooling::Max,
        "WeightedRow" => Pooling::WeightedMean,
        _ => Pooling::Cls,
    };
    check("encoder", "heads", heads.into(), 1, hidden as i64)?;
    Ok(Encoder { heads: heads as usize, embedding, embedding_norm, layers, pooling, dense, head })
}

fn layer(parts: &Parts<'_>, index: usize, hidden: usize, heads: i32) -> Result<Layer, OnnxError> {
    let part = |part: &str| parts.part(&format!("layer.{index}.{part}"));
    let (projection, attention, output) = (part("projection")?, part("attention")?, part("output")?);
    let (expand, contract) = (part("expand")?, part("contract")?);
    check(&attention.name, "heads", attention.scalar(0)?.into(), heads.into(), heads.into())?;
    check(&output.name, "unsigned", output.scalar(3)?.into(), 0, 0)?;
    // The outputs of an activation are never negative, and use all 8 bits.
    check(&contract.name, "unsigned", contract.scalar(3)?.into(), 1, 1)?;
    let [_, width] = parts.shape(&format!("{}.w", expand.name));
    Ok(Layer {
        projection: projection.linear(hidden, 3 * hidden, Sign::Signed)?,
        score: ScoreScale { multiplier: attention.short(1)?, shift: attention.scalar(2)? },
        output: output.linear(hidden, hidden, Sign::Signed)?,
        attention_norm: output.norm(hidden, output.scalar(2)?)?,
        activation: Activation {
            bump: expand.table("bump", expand.scalar(2)?)?,
            offset: expand.short(3)?,
            equaliser: expand.tensor("equaliser", width)?,
        },
        expand: expand.linear(hidden, width, Sign::Signed)?,
        contract: contract.linear(width, hidden, Sign::Unsigned)?,
        output_norm: contract.norm(hidden, contract.scalar(2)?)?,
    })
}

fn dense(parts: &Parts<'_>, index: usize) -> Result<Dense, OnnxError> {
    let part = parts.part(&format!("dense.{index}"))?;
    let [inputs, outputs] = parts.shape(&format!("{}.w", part.name));
    let tanh = if part.has("table") { Some(part.table("table", part.scalar(2)?)?) } else { None };
    Ok(Dense { linear: part.linear(inputs, outputs, Sign::Signed)?, tanh })
}

fn head(parts: &Parts<'_>, outline: &Outline) -> Result<Head, OnnxError> {
    let (pooler, classifier) = (parts.part("head.pooler")?, parts.part("head.classifier")?);
    Ok(Head {
        tanh: pooler.table("table", pooler.scalar(2)?)?,
        pooler: pooler.linear(outline.hidden, outline.hidden, Sign::Signed)?,
        classifier: classifier.linear(outline.hidden, outline.outputs, Sign::Signed)?,
    })
}

/// Nodes and initializers by name.
struct Parts<'a> {
    nodes: HashMap<&'a str, &'a NodeProto>,
    tensors: HashMap<&'a str, &'a TensorProto>,
}

impl<'a> Parts<'a> {
    fn of(graph: &'a GraphProto) -> Self {
        Self {
            nodes: graph.node.iter().map(|node| (node.name.as_str(), node)).collect(),
            tensors: graph.initializer.iter().map(|tensor| (tensor.name.as_str(), tensor)).collect(),
        }
    }

    fn operator(&self, name: &str) -> &str {
        self.nodes.get(name).map_or("", |node| node.op_type.as_str())
    }

    /// A node with the values of its attributes.
    fn part(&self, name: &str) -> Result<Part<'_>, OnnxError> {
        let node = self.nodes.get(name);
        let operator = Operator::named(self.operator(name));
        let (Some(node), Some(operator)) = (node, operator) else {
            return format::refuse(name, "no such node");
        };
        let scalars = operator.attribute_values(node)?;
        let parameters = operator.parameters.iter().map(|p| format!("{name}.{p}")).collect();
        Ok(Part { name: name.to_owned(), attributes: operator.attributes, scalars, parameters, parts: self })
    }

    /// Rows and columns of an initializer.
    fn shape(&self, name: &str) -> [usize; 2] {
        let dims = self.tensors.get(name).map(|tensor| tensor.dims.as_slice()).unwrap_or_default();
        [0, 1].map(|i| dims.get(i).map_or(0, |&dim| dim as usize))
    }

    /// The elements of an initializer, which must have `len` of them.
    fn tensor<T: Element>(&self, name: &str, len: usize) -> Result<Vec<T>, OnnxError> {
        let Some(tensor) = self.tensors.get(name) else { return format::refuse(name, "no such initializer") };
        if tensor.data_type != T::KIND as i32 {
            return format::refuse(name, format!("element type {}", tensor.data_type));
        }
        let values: Vec<T> = tensor.raw_data.chunks_exact(size_of::<T>()).map(T::of).collect();
        check_len(name, "the initializer", values.len(), len)?;
        Ok(values)
    }
}

/// A node, its attributes and the names of its initializers.
struct Part<'a> {
    name: String,
    attributes: &'static [&'static str],
    scalars: Vec<i64>,
    parameters: Vec<String>,
    parts: &'a Parts<'a>,
}

impl Part<'_> {
    /// An attribute as i32. A value that does not fit is outside every declared range.
    fn scalar(&self, index: usize) -> Result<i32, OnnxError> {
        let value = self.scalars[index];
        check(&self.name, self.attributes[index], value, i32::MIN.into(), i32::MAX.into())?;
        Ok(value as i32)
    }

    fn short(&self, index: usize) -> Result<i16, OnnxError> {
        let value = self.scalars[index];
        check(&self.name, self.attributes[index], value, i16::MIN.into(), i16::MAX.into())?;
        Ok(value as i16)
    }

    /// Whether the operator has this parameter.
    fn has(&self, what: &str) -> bool {
        self.parameters.iter().any(|parameter| parameter.rsplit('.').next() == Some(what))
    }

    fn tensor<T: Element>(&self, what: &str, len: usize) -> Result<Vec<T>, OnnxError> {
        self.parts.tensor(&format!("{}.{what}", self.name), len)
    }

    /// A linear layer from `w`, `c` and `b`, with `acc_shift` and `out_shift` in the first two
    /// attributes.
    fn linear(&self, inputs: usize, outputs: usize, sign: Sign) -> Result<Linear, OnnxError> {
        Ok(Linear {
            inputs,
            outputs,
            weights: self.tensor("w", inputs * outputs)?,
            multipliers: self.tensor("c", outputs)?,
            biases: self.tensor("b", outputs)?,
            acc_shift: self.scalar(0)?,
            out_shift: self.scalar(1)?,
            sign,
        })
    }

    fn norm(&self, hidden: usize, residual_shift: i32) -> Result<LayerNorm, OnnxError> {
        let affine = |suffix: &str| -> Result<Affine, OnnxError> {
            let gain = self.tensor(&format!("gain{suffix}"), hidden)?;
            Ok(Affine { gain, offset: self.tensor(&format!("offset{suffix}"), hidden)? })
        };
        let equalised = self.has("gain_e").then(|| affine("_e")).transpose()?;
        Ok(LayerNorm { stream: affine("")?, equalised, residual_shift })
    }

    fn table(&self, what: &str, fraction_bits: i32) -> Result<Table, OnnxError> {
        let values: Vec<i16> = self.tensor(what, 3 * SEGMENTS)?;
        let mut coefficients = [[0; SEGMENTS]; 3];
        for (row, values) in coefficients.iter_mut().zip(values.chunks_exact(SEGMENTS)) {
            row.copy_from_slice(values);
        }
        Ok(Table { coefficients, fraction_bits })
    }
}

/// An element type of the format.
trait Element: Sized {
    const KIND: format::DataType;

    /// The element in its little-endian bytes.
    fn of(bytes: &[u8]) -> Self;
}

macro_rules! elements {
    ($($type:ty, $kind:ident;)*) => {$(
        impl Element for $type {
            const KIND: format::DataType = format::DataType::$kind;

            fn of(bytes: &[u8]) -> Self {
                bytes.try_into().map_or(0, Self::from_le_bytes)
            }
        }
    )*};
}
elements! { i8, Int8; i16, Int16; i32, Int32; }
