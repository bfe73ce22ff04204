//! Reads the encoder in the bytes of an ONNX file.

use std::collections::HashMap;

use lockstep_arith::activation::{Activation, SEGMENTS, Table};
use lockstep_arith::attention::ScoreScale;
use lockstep_arith::embedding::Embedding;
use lockstep_arith::encoder::{Dense, Encoder, Head, Layer, Pooling};
use lockstep_arith::layer_norm::{Affine, LayerNorm};
use lockstep_arith::linear::Linear;
use lockstep_arith::range::RangeError;
use lockstep_arith::rows::Sign;
use lockstep_quantize::onnx::proto::{DOMAIN, Element, Graph, Model, Node, OperatorSet, Tensor};
use lockstep_quantize::onnx::{functions_of, graph};
use prost::Message;

/// Why a file is not a quantised encoder in this format.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The bytes are not a complete ONNX file.
    #[error("not an ONNX file: {0}")]
    Decode(#[from] prost::DecodeError),
    /// The file is an ONNX file of another kind.
    #[error("{0}")]
    Model(String),
    /// A node is missing, or differs from the node that the format requires.
    #[error("node {name}: {problem}")]
    Node {
        /// The node's name.
        name: String,
        /// The problem.
        problem: String,
    },
    /// An initializer is missing or has another type or shape.
    #[error("initializer {name}: {problem}")]
    Tensor {
        /// The initializer's name.
        name: String,
        /// The problem.
        problem: String,
    },
    /// A parameter is outside the range that SPEC.md declares.
    #[error(transparent)]
    Range(#[from] RangeError),
}

/// Reads a file that [`write`](lockstep_quantize::onnx::write) wrote. The encoder passes
/// [`Encoder::validate`], and every node of the graph equals the node that `write` gives for this
/// encoder. The reader compares only the names of the functions, not their bodies.
///
/// # Errors
/// [`ReadError`] names the node or the initializer.
pub fn read(bytes: &[u8]) -> Result<Encoder, ReadError> {
    let model = Model::decode(bytes)?;
    for expected in [OperatorSet::standard(), OperatorSet::lockstep()] {
        if !model.opset_import.contains(&expected) {
            let OperatorSet { domain, version } = expected;
            return Err(ReadError::Model(format!(
                "operators of domain \"{domain}\" version {version} expected"
            )));
        }
    }
    let found = model.graph.ok_or_else(|| ReadError::Model("the file has no graph".to_owned()))?;
    let encoder = Reader::of(&found)?.encoder()?;
    encoder.validate()?;
    compare(&found, &graph(&encoder))?;
    for function in functions_of(&encoder) {
        if !model.functions.iter().any(|f| f.name == function.name && f.domain == function.domain) {
            return Err(ReadError::Model(format!("the function {} is missing", function.name)));
        }
    }
    Ok(encoder)
}

/// Compares two graphs, except for the contents of the initializers: those made the encoder.
fn compare(found: &Graph, expected: &Graph) -> Result<(), ReadError> {
    for (i, expected) in expected.node.iter().enumerate() {
        if found.node.get(i).is_none_or(|found| !same_node(found, expected)) {
            return Err(node_error(&expected.name, "not the node that the format has here"));
        }
    }
    if let Some(more) = found.node.get(expected.node.len()) {
        return Err(node_error(&more.name, "not expected"));
    }
    if found.input != expected.input || found.output != expected.output {
        return Err(ReadError::Model("the graph's inputs or outputs are not those of the format".to_owned()));
    }
    match found.initializer.iter().find(|f| expected.initializer.iter().all(|e| e.name != f.name)) {
        Some(more) => Err(tensor_error(&more.name, "not expected")),
        None => Ok(()),
    }
}

/// Whether two nodes are equal, with their attributes in any order.
fn same_node(found: &Node, expected: &Node) -> bool {
    let mut found = found.clone();
    let mut expected = expected.clone();
    found.attribute.sort_by(|a, b| a.name.cmp(&b.name));
    expected.attribute.sort_by(|a, b| a.name.cmp(&b.name));
    found == expected
}

fn node_error(name: &str, problem: impl Into<String>) -> ReadError {
    ReadError::Node { name: name.to_owned(), problem: problem.into() }
}

fn tensor_error(name: &str, problem: impl Into<String>) -> ReadError {
    ReadError::Tensor { name: name.to_owned(), problem: problem.into() }
}

struct Reader<'a> {
    nodes: HashMap<&'a str, &'a Node>,
    tensors: HashMap<&'a str, &'a Tensor>,
}

impl<'a> Reader<'a> {
    fn of(graph: &'a Graph) -> Result<Self, ReadError> {
        let mut nodes = HashMap::new();
        for node in &graph.node {
            if nodes.insert(node.name.as_str(), node).is_some() {
                return Err(node_error(&node.name, "there are two of this name"));
            }
        }
        let mut tensors = HashMap::new();
        for tensor in &graph.initializer {
            if tensors.insert(tensor.name.as_str(), tensor).is_some() {
                return Err(tensor_error(&tensor.name, "there are two of this name"));
            }
        }
        Ok(Self { nodes, tensors })
    }

    fn encoder(&self) -> Result<Encoder, ReadError> {
        let (embedding, embedding_norm) = self.embedding()?;
        let exists = |i: &usize| self.nodes.contains_key(format!("layer.{i}.projection").as_str());
        let count = (0..).take_while(exists).count().max(1);
        let layers = (0..count).map(|i| self.layer(i, i + 1 == count)).collect::<Result<_, _>>()?;
        let heads = self.integer("layer.0.attention", "heads")?;
        let pooling = match self.node("pool")?.op_type.as_str() {
            "PoolMean" | "MeanRow" => Pooling::Mean,
            "PoolFirst" | "FirstRow" => Pooling::Cls,
            "MaxRow" => Pooling::Max,
            "WeightedRow" => Pooling::WeightedMean,
            other => return Err(node_error("pool", format!("the operator is {other}"))),
        };
        let head = if self.nodes.contains_key("head.pooler") { Some(self.head()?) } else { None };
        let exists = |i: &usize| self.nodes.contains_key(format!("dense.{i}").as_str());
        let count = (0..).take_while(exists).count();
        let dense = (0..count).map(|i| self.dense(&format!("dense.{i}"))).collect::<Result<_, _>>()?;
        Ok(Encoder { heads, embedding, embedding_norm, layers, pooling, dense, head })
    }

    fn embedding(&self) -> Result<(Embedding, LayerNorm), ReadError> {
        let ([_, hidden], words) = self.tensor("embedding.words")?;
        let embedding = Embedding {
            hidden,
            words,
            word_scales: self.vector("embedding.word_scales")?,
            positions: self.rows("embedding.positions", hidden)?,
            types: self.rows("embedding.types", hidden)?,
            table_shift: self.integer("embedding", "table_shift")?,
        };
        let norm = LayerNorm {
            stream: self.affine("embedding", "")?,
            equalised: Some(self.affine("embedding", "_e")?),
            // There is no previous stream, so the file has no such attribute.
            residual_shift: 0,
        };
        Ok((embedding, norm))
    }

    fn layer(&self, index: usize, last: bool) -> Result<Layer, ReadError> {
        let part = |what: &str| format!("layer.{index}.{what}");
        let (attention, expand) = (part("attention"), part("expand"));
        Ok(Layer {
            projection: self.linear(&part("projection"), Sign::Signed)?,
            score: ScoreScale {
                multiplier: self.integer(&attention, "score_multiplier")?,
                shift: self.integer(&attention, "score_shift")?,
            },
            output: self.linear(&part("output"), self.sign(&part("output"))?)?,
            attention_norm: self.norm(&part("output"), false)?,
            expand: self.linear(&expand, Sign::Signed)?,
            activation: Activation {
                bump: self.table(&expand, "bump")?,
                offset: self.integer(&expand, "offset")?,
                equaliser: self.vector(&format!("{expand}.equaliser"))?,
            },
            contract: self.linear(&part("contract"), self.sign(&part("contract"))?)?,
            output_norm: self.norm(&part("contract"), last)?,
        })
    }

    fn dense(&self, part: &str) -> Result<Dense, ReadError> {
        let tanh = self.node(part)?.op_type == "LinearTanh";
        Ok(Dense {
            linear: self.linear(part, Sign::Signed)?,
            tanh: if tanh { Some(self.table(part, "table")?) } else { None },
        })
    }

    fn head(&self) -> Result<Head, ReadError> {
        Ok(Head {
            pooler: self.linear("head.pooler", Sign::Signed)?,
            tanh: self.table("head.pooler", "table")?,
            classifier: self.linear("head.classifier", Sign::Signed)?,
        })
    }

    fn linear(&self, part: &str, sign: Sign) -> Result<Linear, ReadError> {
        let ([inputs, outputs], weights) = self.tensor(&format!("{part}.w"))?;
        Ok(Linear {
            inputs,
            outputs,
            weights,
            multipliers: self.vector(&format!("{part}.c"))?,
            biases: self.vector(&format!("{part}.b"))?,
            acc_shift: self.integer(part, "acc_shift")?,
            out_shift: self.integer(part, "out_shift")?,
            sign,
        })
    }

    fn norm(&self, part: &str, last: bool) -> Result<LayerNorm, ReadError> {
        let equalised = if last { None } else { Some(self.affine(part, "_e")?) };
        let residual_shift = self.integer(part, "residual_shift")?;
        Ok(LayerNorm { stream: self.affine(part, "")?, equalised, residual_shift })
    }

    fn affine(&self, part: &str, suffix: &str) -> Result<Affine, ReadError> {
        Ok(Affine {
            gain: self.vector(&format!("{part}.gain{suffix}"))?,
            offset: self.vector(&format!("{part}.offset{suffix}"))?,
        })
    }

    fn table(&self, part: &str, what: &str) -> Result<Table, ReadError> {
        let name = format!("{part}.{what}");
        let (dims, data): ([usize; 2], Vec<i16>) = self.tensor(&name)?;
        if dims != [3, SEGMENTS] {
            return Err(tensor_error(&name, format!("shape {dims:?}, expected [3, {SEGMENTS}]")));
        }
        let mut coefficients = [[0; SEGMENTS]; 3];
        for (row, data) in coefficients.iter_mut().zip(data.chunks_exact(SEGMENTS)) {
            row.copy_from_slice(data);
        }
        Ok(Table { coefficients, fraction_bits: self.integer(part, "fraction_bits")? })
    }

    fn sign(&self, part: &str) -> Result<Sign, ReadError> {
        match self.integer(part, "unsigned")? {
            0_u8 => Ok(Sign::Signed),
            1 => Ok(Sign::Unsigned),
            other => Err(node_error(part, format!("unsigned is {other}"))),
        }
    }

    fn node(&self, name: &str) -> Result<&'a Node, ReadError> {
        let node = self.nodes.get(name).copied().ok_or_else(|| node_error(name, "missing"))?;
        if node.domain == DOMAIN {
            Ok(node)
        } else {
            Err(node_error(name, format!("its domain is not {DOMAIN}")))
        }
    }

    fn integer<T: TryFrom<i64>>(&self, node: &str, name: &str) -> Result<T, ReadError> {
        let attribute = self.node(node)?.attribute.iter().find(|a| a.name == name);
        let value = attribute
            .and_then(|a| a.i)
            .ok_or_else(|| node_error(node, format!("the integer attribute {name} is missing")))?;
        T::try_from(value).map_err(|_| node_error(node, format!("{name} is {value}")))
    }

    /// An initializer of `RANK` dimensions.
    fn tensor<T: Element, const RANK: usize>(
        &self,
        name: &str,
    ) -> Result<([usize; RANK], Vec<T>), ReadError> {
        let tensor = self.tensors.get(name).ok_or_else(|| tensor_error(name, "missing"))?;
        if tensor.data_type != T::DATA_TYPE {
            let problem = format!("element type {}, expected {}", tensor.data_type, T::DATA_TYPE);
            return Err(tensor_error(name, problem));
        }
        let dims: Vec<usize> = tensor.dims.iter().filter_map(|&d| usize::try_from(d).ok()).collect();
        let dims = <[usize; RANK]>::try_from(dims)
            .ok()
            .filter(|_| tensor.dims.len() == RANK)
            .ok_or_else(|| tensor_error(name, format!("shape {:?}, expected rank {RANK}", tensor.dims)))?;
        let bytes = dims.iter().try_fold(T::BYTES, |bytes, &d| bytes.checked_mul(d));
        if bytes != Some(tensor.raw_data.len()) {
            let problem = format!("{} bytes of raw data for the shape {dims:?}", tensor.raw_data.len());
            return Err(tensor_error(name, problem));
        }
        Ok((dims, tensor.raw_data.chunks_exact(T::BYTES).map(T::take).collect()))
    }

    fn vector<T: Element>(&self, name: &str) -> Result<Vec<T>, ReadError> {
        self.tensor::<T, 1>(name).map(|(_, data)| data)
    }

    /// An initializer of rows of `width` elements.
    fn rows<T: Element>(&self, name: &str, width: usize) -> Result<Vec<T>, ReadError> {
        let ([rows, found], data) = self.tensor(name)?;
        if found == width {
            Ok(data)
        } else {
            Err(tensor_error(name, format!("shape [{rows}, {found}], expected rows of {width}")))
        }
    }
}
