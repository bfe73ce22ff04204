//! The graph of an ONNX file, checked against `FORMAT.md`.
//!
//! Code that reads the graph afterwards may rely on every name, arity, attribute and size. Only the
//! values of the parameters are still unchecked.

use std::collections::HashMap;

use lockstep_arith::encoder::DENSE_MAX;
use lockstep_arith::range::check;
use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::tensor_proto::DataLocation;
pub(super) use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto, type_proto};

use crate::error::OnnxError;

/// The domain of the fused operators.
const DOMAIN: &str = "lockstep";

/// An operator of the format. Its inputs are the data, then the parameters.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Operator {
    pub(super) name: &'static str,
    /// Number of inputs that are computed.
    pub(super) data: usize,
    /// Initializers, by their names after the part's.
    pub(super) parameters: &'static [&'static str],
    /// Integer attributes.
    pub(super) attributes: &'static [&'static str],
    pub(super) outputs: usize,
}

/// The table of `FORMAT.md`.
pub(super) const OPERATORS: [Operator; 15] = [
    Operator {
        name: "Embed",
        data: 3,
        parameters: &["words", "word_scales", "positions", "types", "gain", "offset", "gain_e", "offset_e"],
        attributes: &["table_shift"],
        outputs: 2,
    },
    Operator {
        name: "Linear",
        data: 1,
        parameters: &["w", "c", "b"],
        attributes: &["acc_shift", "out_shift"],
        outputs: 1,
    },
    Operator {
        name: "Linear16",
        data: 1,
        parameters: &["w", "c", "b"],
        attributes: &["acc_shift", "out_shift"],
        outputs: 1,
    },
    Operator {
        name: "Attention",
        data: 2,
        parameters: &[],
        attributes: &["heads", "score_multiplier", "score_shift"],
        outputs: 1,
    },
    Operator {
        name: "LinearNorm",
        data: 2,
        parameters: &["w", "c", "b", "gain", "offset", "gain_e", "offset_e"],
        attributes: &["acc_shift", "out_shift", "residual_shift", "unsigned"],
        outputs: 2,
    },
    Operator {
        name: "LinearNormLast",
        data: 2,
        parameters: &["w", "c", "b", "gain", "offset"],
        attributes: &["acc_shift", "out_shift", "residual_shift", "unsigned"],
        outputs: 1,
    },
    Operator {
        name: "LinearActivation",
        data: 1,
        parameters: &["w", "c", "b", "bump", "equaliser"],
        attributes: &["acc_shift", "out_shift", "fraction_bits", "offset"],
        outputs: 1,
    },
    Operator { name: "PoolMean", data: 2, parameters: &[], attributes: &[], outputs: 1 },
    Operator { name: "PoolFirst", data: 2, parameters: &[], attributes: &[], outputs: 1 },
    Operator { name: "FirstRow", data: 2, parameters: &[], attributes: &[], outputs: 1 },
    Operator { name: "MeanRow", data: 2, parameters: &[], attributes: &[], outputs: 1 },
    Operator { name: "MaxRow", data: 2, parameters: &[], attributes: &[], outputs: 1 },
    Operator { name: "WeightedRow", data: 2, parameters: &[], attributes: &[], outputs: 1 },
    Operator { name: "Widen", data: 1, parameters: &[], attributes: &[], outputs: 1 },
    Operator {
        name: "LinearTanh",
        data: 1,
        parameters: &["w", "c", "b", "table"],
        attributes: &["acc_shift", "out_shift", "fraction_bits"],
        outputs: 1,
    },
];

impl Operator {
    /// The operator of a name.
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        OPERATORS.iter().find(|operator| operator.name == name)
    }

    /// Values of a node's attributes in the table's order.
    pub(super) fn attribute_values(&self, node: &NodeProto) -> Result<Vec<i64>, OnnxError> {
        if node.attribute.len() != self.attributes.len() {
            return refuse(&node.name, format!("{} attributes", node.attribute.len()));
        }
        let value = |name: &&str| {
            let attribute = node.attribute.iter().find(|a| a.name == *name);
            match attribute.filter(|a| a.r#type == AttributeType::Int as i32) {
                Some(attribute) => Ok(attribute.i),
                None => refuse(&node.name, format!("no integer attribute {name}")),
            }
        };
        self.attributes.iter().map(value).collect()
    }
}

/// What the file says about the model as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Outline {
    pub(super) layers: usize,
    pub(super) hidden: usize,
    pub(super) vocabulary: usize,
    pub(super) positions: usize,
    pub(super) types: usize,
    pub(super) outputs: usize,
    /// Number of dense layers.
    pub(super) dense: usize,
    pub(super) has_head: bool,
}

/// Checks a file and describes it.
pub(super) fn examine(model: &ModelProto) -> Result<Outline, OnnxError> {
    let Some(graph) = &model.graph else { return refuse("file", "no graph") };
    let mut versions = model.opset_import.iter().map(|set| (set.domain.as_str(), set.version));
    if !versions.any(|set| set == (DOMAIN, 1)) {
        return refuse("file", format!("does not use version 1 of the operators of {DOMAIN}"));
    }
    let tensors = initializers(graph)?;
    for input in ["input_ids", "token_type_ids", "starts"] {
        check_input(graph, input)?;
    }
    if graph.input.len() != 3 {
        return refuse("graph", format!("{} inputs, not 3", graph.input.len()));
    }
    let mut walk = Walk { nodes: graph.node.iter(), tensors };
    walk.graph(graph)
}

pub(super) fn refuse<T>(part: &str, problem: impl Into<String>) -> Result<T, OnnxError> {
    Err(OnnxError::Format { part: part.to_owned(), problem: problem.into() })
}

/// The initializers by name, with as many bytes as their shapes say.
fn initializers(graph: &GraphProto) -> Result<HashMap<&str, &TensorProto>, OnnxError> {
    if !graph.sparse_initializer.is_empty() {
        return refuse("graph", "sparse initializers");
    }
    let mut tensors = HashMap::new();
    for tensor in &graph.initializer {
        let size = match DataType::try_from(tensor.data_type) {
            Ok(DataType::Int8) => 1,
            Ok(DataType::Int16) => 2,
            Ok(DataType::Int32) => 4,
            _ => return refuse(&tensor.name, format!("element type {}", tensor.data_type)),
        };
        let bytes = tensor
            .dims
            .iter()
            .try_fold(size, |bytes: u64, &dim| bytes.checked_mul(u64::try_from(dim).ok()?))
            .filter(|&bytes| bytes > 0);
        if bytes != Some(tensor.raw_data.len() as u64) {
            let (dims, len) = (&tensor.dims, tensor.raw_data.len());
            return refuse(&tensor.name, format!("{len} bytes of data for the shape {dims:?}"));
        }
        if tensor.data_location == Some(DataLocation::External as i32) {
            return refuse(&tensor.name, "data outside the file");
        }
        if tensors.insert(tensor.name.as_str(), tensor).is_some() {
            return refuse(&tensor.name, "stored twice");
        }
    }
    Ok(tensors)
}

fn check_input(graph: &GraphProto, name: &str) -> Result<(), OnnxError> {
    let Some(input) = graph.input.iter().find(|input| input.name == name) else {
        return refuse(name, "no such input");
    };
    match tensor_type(input) {
        Some((DataType::Int64, 1)) => Ok(()),
        _ => refuse(name, "not a vector of 64-bit integers"),
    }
}

/// Element type and rank.
fn tensor_type(info: &ValueInfoProto) -> Option<(DataType, usize)> {
    let type_proto::Value::TensorType(tensor) = info.r#type.as_ref()?.value.as_ref()?;
    Some((DataType::try_from(tensor.elem_type).ok()?, tensor.shape.as_ref()?.dim.len()))
}

/// The nodes in their order, which is that of evaluation.
struct Walk<'a> {
    nodes: std::slice::Iter<'a, NodeProto>,
    tensors: HashMap<&'a str, &'a TensorProto>,
}

impl<'a> Walk<'a> {
    fn graph(&mut self, graph: &GraphProto) -> Result<Outline, OnnxError> {
        let node = self.next(&["Embed"], "embedding", &["input_ids", "token_type_ids", "starts"])?;
        let [vocabulary, hidden] = self.dims("embedding.words")?;
        let [positions, _] = self.dims("embedding.positions")?;
        let [types, _] = self.dims("embedding.types")?;
        check("encoder", "hidden size", hidden as i64, 32, 1024)?;
        check("encoder", "hidden size modulo 2", (hidden % 2) as i64, 0, 0)?;

        let (mut stream, mut equalised) = (&node.output[0], &node.output[1]);
        let mut layers = 0;
        for layer in 0.. {
            layers += 1;
            check("encoder", "number of layers", layer + 1, 1, 64)?;
            let name = |part: &str| format!("layer.{layer}.{part}");
            let [_, intermediate] = self.dims(&name("expand.w"))?;
            self.check_dims(&name("projection.w"), [hidden, 3 * hidden])?;
            self.check_dims(&name("output.w"), [hidden, hidden])?;
            self.check_dims(&name("expand.w"), [hidden, intermediate])?;
            self.check_dims(&name("contract.w"), [intermediate, hidden])?;
            let node = self.next(&["Linear16"], &name("projection"), &[equalised])?;
            let node = self.next(&["Attention"], &name("attention"), &[&node.output[0], "starts"])?;
            let node = self.next(&["LinearNorm"], &name("output"), &[&node.output[0], stream])?;
            (stream, equalised) = (&node.output[0], &node.output[1]);
            let node = self.next(&["LinearActivation"], &name("expand"), &[equalised])?;
            let data = [node.output[0].as_str(), stream];
            let node = self.next(&["LinearNorm", "LinearNormLast"], &name("contract"), &data)?;
            stream = &node.output[0];
            match node.output.get(1) {
                Some(output) => equalised = output,
                None => break,
            }
        }

        let operators = ["PoolMean", "PoolFirst", "MeanRow", "FirstRow", "MaxRow", "WeightedRow"];
        let node = self.next(&operators, "pool", &[stream, "starts"])?;
        let row = node.op_type.ends_with("Row");
        // These two have a vector of their own without dense layers.
        let needs_dense = ["MeanRow", "FirstRow"].contains(&node.op_type.as_str());
        let has_head = node.op_type == "FirstRow" && self.comes("head.pooler");
        let mut dense = 0;
        let (result, outputs, name) = if has_head {
            let node = self.next(&["LinearTanh"], "head.pooler", &[&node.output[0]])?;
            let node = self.next(&["Linear"], "head.classifier", &[&node.output[0]])?;
            let [_, labels] = self.dims("head.classifier.w")?;
            self.check_dims("head.pooler.w", [hidden, hidden])?;
            self.check_dims("head.classifier.w", [hidden, labels])?;
            (&node.output[0], labels, "logits")
        } else if row {
            let (mut value, mut width) = (&node.output[0], hidden);
            while (needs_dense && dense == 0) || self.comes(&format!("dense.{dense}")) {
                check("encoder", "number of dense layers", dense as i64 + 1, 1, DENSE_MAX as i64)?;
                let name = format!("dense.{dense}");
                let node = self.next(&["LinearTanh", "Linear16"], &name, &[value])?;
                let [_, outputs] = self.dims(&format!("{name}.w"))?;
                self.check_dims(&format!("{name}.w"), [width, outputs])?;
                (value, width, dense) = (&node.output[0], outputs, dense + 1);
            }
            let node = self.next(&["Widen"], "vector", &[value])?;
            (&node.output[0], width, "pooled")
        } else {
            (&node.output[0], hidden, "pooled")
        };
        if let Some(node) = self.nodes.next() {
            return refuse(&node.name, "a node after the last");
        }
        match graph.output.as_slice() {
            [output] if output.name == name && *result == name => {}
            _ => return refuse("graph", format!("does not have the one output {name}")),
        }
        Ok(Outline { layers, hidden, vocabulary, positions, types, outputs, dense, has_head })
    }

    /// Whether the next node has this name.
    fn comes(&self, name: &str) -> bool {
        self.nodes.as_slice().first().is_some_and(|node| node.name == name)
    }

    /// The next node, which must be one of `operators`, with this name and these computed inputs.
    fn next(&mut self, operators: &[&str], name: &str, data: &[&str]) -> Result<&'a NodeProto, OnnxError> {
        let Some(node) = self.nodes.next() else { return refuse(name, "no such node") };
        if node.name != name {
            return refuse(name, format!("in its place is the node {:?}", node.name));
        }
        let known = operators.contains(&node.op_type.as_str()) && node.domain == DOMAIN;
        let Some(operator) = Operator::named(&node.op_type).filter(|_| known) else {
            return refuse(name, format!("operator {:?} of {:?}", node.op_type, node.domain));
        };
        let parameters = operator.parameters.iter().map(|parameter| format!("{name}.{parameter}"));
        let expected: Vec<String> = data.iter().map(|&value| value.to_owned()).chain(parameters).collect();
        if node.input != expected {
            return refuse(name, format!("its inputs are {:?}, not {expected:?}", node.input));
        }
        if let Some(missing) =
            expected[data.len()..].iter().find(|name| !self.tensors.contains_key(name.as_str()))
        {
            return refuse(missing, "no such initializer");
        }
        let clashes = |output: &String| output.is_empty() || self.tensors.contains_key(output.as_str());
        if node.output.len() != operator.outputs || node.output.iter().any(clashes) {
            return refuse(name, format!("its outputs are {:?}", node.output));
        }
        operator.attribute_values(node)?;
        Ok(node)
    }

    /// Rows and columns that an initializer must have.
    fn check_dims(&self, name: &str, expected: [usize; 2]) -> Result<(), OnnxError> {
        match self.dims(name)? {
            dims if dims == expected => Ok(()),
            dims => refuse(name, format!("shape {dims:?}, not {expected:?}")),
        }
    }

    fn dims<const N: usize>(&self, name: &str) -> Result<[usize; N], OnnxError> {
        let dims = self.tensors.get(name).map(|tensor| tensor.dims.as_slice()).unwrap_or_default();
        match <[i64; N]>::try_from(dims) {
            // `initializers` found the shape to be that of the bytes, so no dimension is negative.
            Ok(dims) => Ok(dims.map(|dim| dim as usize)),
            Err(_) => refuse(name, format!("shape {dims:?}")),
        }
    }
}
