//! Reads float weights from the fp32 ONNX files that people export from Hugging Face.
//!
//! Exporters keep the names of biases, LayerNorms and embedding tables. They store the weights of
//! linear layers transposed, under names of their own, for example `onnx::MatMul_123`. Such a
//! weight belongs to the module whose bias is added to the product. If several layers share that
//! bias, or if it has no name, the name of the node gives the module:
//!
//! ```text
//! x -> MatMul(x, onnx::MatMul_123 [in, out]) -> Add(.., encoder.layer.0.output.dense.bias [out])
//!   => encoder.layer.0.output.dense.weight [out, in]
//! ```

mod external;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use prost::Message;

use super::tensor::{Tensor, is_parameter};
use crate::onnx::proto::{self, Attribute, Graph, Model, Node, Tensor as Values};

/// The most `Identity`, `Cast` and `Transpose` nodes between a constant or a bias and its user.
const CHAIN: usize = 8;

/// Operators that only files that are already quantised contain.
const QUANTISED: [&str; 8] = [
    "DynamicQuantizeLinear",
    "QuantizeLinear",
    "DequantizeLinear",
    "MatMulInteger",
    "QLinearMatMul",
    "ConvInteger",
    "QGemm",
    "MatMulNBits",
];

/// Reads the float weights of an ONNX file, under the names of the checkpoint that it was exported
/// from. Weights of linear layers are `[out, in]`. Weights that the graph does not name are left
/// out. Tensors in other files (external data) are read from `folder`, where the ONNX file is.
///
/// # Errors
/// Says why the file cannot be used, with the tensor or the operator.
pub(super) fn read(bytes: &[u8], folder: &Path) -> Result<BTreeMap<String, Tensor>, String> {
    let model = Model::decode(bytes).map_err(|e| format!("not an ONNX file: {e}"))?;
    let mut graph = model.graph.ok_or("not an ONNX file: it has no graph")?;
    if model.opset_import.is_empty() {
        return Err("not a whole ONNX file: it has no opset_import".into());
    }
    graph.node.iter().try_for_each(refuse_operator)?;
    external::load(&mut graph, folder)?;
    Weights::of(&graph)?.collect()
}

/// Refuses an operator that hides the float weights.
fn refuse_operator(node: &Node) -> Result<(), String> {
    let (kind, name) = (&node.op_type, &node.name);
    let advice = "export the float model (fp32, no quantisation, no graph optimisation)";
    if node.domain == "lockstep" {
        return Err(format!(
            "operator {kind} of domain lockstep (node {name}): quantised by this program; {advice}"
        ));
    }
    if QUANTISED.contains(&kind.as_str()) {
        return Err(format!("operator {kind} (node {name}): the file is quantised already; {advice}"));
    }
    if node.domain.starts_with("com.microsoft") {
        return Err(format!(
            "operator {kind} of domain {} (node {name}): weights are fused; {advice}",
            node.domain
        ));
    }
    Ok(())
}

/// A graph, indexed by the names of its values, and the weights found in it.
struct Weights<'a> {
    nodes: &'a [Node],
    /// Initializers and the values of Constant nodes.
    constants: HashMap<&'a str, &'a Values>,
    /// The node that computes a value.
    makers: HashMap<&'a str, &'a Node>,
    /// The nodes that use a value.
    takers: HashMap<&'a str, Vec<&'a Node>>,
    found: BTreeMap<String, Tensor>,
}

/// A linear layer of the graph.
struct Linear<'a> {
    node: &'a Node,
    /// Name of the weight.
    weight: &'a str,
    /// Whether the weight is `[in, out]`.
    transposed: bool,
    /// Name of the bias.
    bias: Option<&'a str>,
}

impl<'a> Weights<'a> {
    fn of(graph: &'a Graph) -> Result<Self, String> {
        let mut constants = HashMap::new();
        for values in &graph.initializer {
            if constants.insert(values.name.as_str(), values).is_some() {
                return Err(format!("tensor {} is there twice", values.name));
            }
        }
        let (mut makers, mut takers) = (HashMap::new(), HashMap::<_, Vec<_>>::new());
        for node in &graph.node {
            let value = attribute(node, "value").and_then(|a| a.t.as_ref());
            for output in &node.output {
                if let Some(values) = value.filter(|_| node.op_type == "Constant") {
                    constants.insert(output, values);
                }
                makers.insert(output.as_str(), node);
            }
            for input in &node.input {
                takers.entry(input.as_str()).or_default().push(node);
            }
        }
        Ok(Self { nodes: &graph.node, constants, makers, takers, found: BTreeMap::new() })
    }

    fn collect(mut self) -> Result<BTreeMap<String, Tensor>, String> {
        let linears: Vec<Linear> =
            self.nodes.iter().filter_map(|n| self.linear(n).transpose()).collect::<Result<_, _>>()?;
        let mut uses = HashMap::<&str, usize>::new();
        for value in linears.iter().flat_map(|l| [Some(self.base_name(l.weight)), l.bias]).flatten() {
            *uses.entry(value).or_default() += 1;
        }
        let modules: Vec<Option<String>> = linears.iter().map(|l| self.module(l, &uses)).collect();
        for (linear, module) in linears.iter().zip(modules) {
            let (Some(module), Some(weight)) = (module, self.constant(linear.weight, CHAIN)?) else {
                continue;
            };
            let weight = if linear.transposed { transpose(&weight) } else { weight };
            let name = format!("{module}.weight");
            if self.found.get(&name).is_some_and(|old| old.data != weight.data) {
                return Err(format!("two linear layers claim the name {name}; give model.safetensors"));
            }
            self.found.insert(name, weight);
            if let Some(bias) = linear.bias {
                self.find(&format!("{module}.bias"), bias)?;
            }
        }
        for node in self.nodes {
            self.by_node_name(node)?;
        }
        self.by_own_name()?;
        Ok(self.found)
    }

    /// The module of a linear layer. Its bias or its weight names the module, unless another layer
    /// uses the same tensor; then the name of the node does.
    fn module(&self, linear: &Linear, uses: &HashMap<&str, usize>) -> Option<String> {
        let weight = self.base_name(linear.weight);
        let stem = |value: &str, end: &str| value.strip_suffix(end).map(str::to_owned);
        let own = |value: &&str| uses.get(value) == Some(&1);
        let bias = linear.bias.filter(own).and_then(|b| stem(b, ".bias"));
        bias.or_else(|| Some(weight).filter(own).and_then(|w| stem(w, ".weight")))
            .or_else(|| module_of(linear.node))
            .or_else(|| stem(weight, ".weight"))
    }

    /// The linear layer that starts with this node, if one does.
    fn linear(&self, node: &'a Node) -> Result<Option<Linear<'a>>, String> {
        let [_, weight, rest @ ..] = node.input.as_slice() else { return Ok(None) };
        if self.rank(weight) != Some(2) {
            return Ok(None);
        }
        match node.op_type.as_str() {
            "MatMul" => {
                let bias = node.output.first().and_then(|product| self.added(product));
                Ok(Some(Linear { node, weight, transposed: true, bias }))
            }
            "Gemm" => {
                for name in ["alpha", "beta"] {
                    if let Some(factor) = attribute(node, name).and_then(|a| a.f).filter(|f| *f != 1.0) {
                        return Err(format!(
                            "operator Gemm (node {}): {name} is {factor}, allowed: 1",
                            node.name
                        ));
                    }
                }
                let flag = |name| attribute(node, name).and_then(|a| a.i).unwrap_or(0) != 0;
                if flag("transA") {
                    return Err(format!("operator Gemm (node {}): transA is 1, allowed: 0", node.name));
                }
                let bias = rest.first().map(String::as_str).filter(|b| self.rank(b) == Some(1));
                Ok(Some(Linear { node, weight, transposed: !flag("transB"), bias }))
            }
            _ => Ok(None),
        }
    }

    /// The name of the constant vector that is added to a value, at most [`CHAIN`] nodes behind it.
    fn added(&self, value: &'a str) -> Option<&'a str> {
        let (mut level, mut seen) = (vec![value], HashSet::from([value]));
        for _ in 0..CHAIN {
            let mut next = Vec::new();
            for value in level {
                for node in self.takers.get(value).into_iter().flatten() {
                    match (node.op_type.as_str(), node.input.as_slice()) {
                        ("Add", [a, b]) => {
                            let other = if a == value { b } else { a };
                            if self.rank(other) == Some(1) {
                                return Some(other);
                            }
                        }
                        // Many paths may lead to one value. Each value is looked at once.
                        ("Identity" | "Cast", _) => {
                            let outputs = node.output.first().map(String::as_str);
                            next.extend(outputs.filter(|output| seen.insert(output)));
                        }
                        _ => {}
                    }
                }
            }
            level = next;
        }
        None
    }

    /// Finds the parameters of LayerNorm and embedding nodes by the name of the node. The names of
    /// the tensors do not suffice: exporters share equal tensors between modules, or keep them in
    /// Constant nodes.
    fn by_node_name(&mut self, node: &'a Node) -> Result<(), String> {
        let Some(module) = module_of(node) else { return Ok(()) };
        let [a, b, rest @ ..] = node.input.as_slice() else { return Ok(()) };
        let norm = module.ends_with("LayerNorm") || module.ends_with("layer_norm");
        match node.op_type.as_str() {
            "LayerNormalization" if norm => {
                self.find(&format!("{module}.weight"), b)?;
                rest.first().map_or(Ok(()), |c| self.find(&format!("{module}.bias"), c))
            }
            kind @ ("Mul" | "Add") if norm => {
                let part = if kind == "Mul" { "weight" } else { "bias" };
                let vector = [a, b].into_iter().find(|v| self.rank(v) == Some(1));
                vector.map_or(Ok(()), |v| self.find(&format!("{module}.{part}"), v))
            }
            "Gather" if module.ends_with("_embeddings") => self.find(&format!("{module}.weight"), a),
            _ => Ok(()),
        }
    }

    /// Finds the tensors that have the name of a weight themselves.
    fn by_own_name(&mut self) -> Result<(), String> {
        let copies = self.nodes.iter().filter(|n| n.op_type == "Identity").flat_map(|n| &n.output);
        let mut names: Vec<&str> = self.constants.keys().copied().chain(copies.map(String::as_str)).collect();
        names.retain(|n| n.contains('.') && !n.starts_with('/'));
        names.sort_unstable();
        names.into_iter().try_for_each(|name| self.find(name, name))
    }

    /// Records a constant under a name, unless the name is already recorded or belongs to another
    /// value.
    fn find(&mut self, name: &str, value: &str) -> Result<(), String> {
        let taken = name != value && self.constants.contains_key(name);
        if taken || self.found.contains_key(name) {
            return Ok(());
        }
        if let Some(tensor) = self.constant(value, CHAIN)? {
            self.found.insert(name.to_owned(), tensor);
        }
        Ok(())
    }

    /// The name of the initializer that a value passes on unchanged.
    fn base_name<'b>(&'b self, value: &'b str) -> &'b str {
        (0..CHAIN).fold(value, |value, _| match self.makers.get(value) {
            Some(node) if passes(node) => node.input.first().map_or(value, String::as_str),
            _ => value,
        })
    }

    /// The number of dimensions of a float constant.
    fn rank(&self, value: &str) -> Option<usize> {
        let values = self.constants.get(self.base_name(value))?;
        let float = matches!(values.data_type, proto::FLOAT | proto::FLOAT16 | proto::BFLOAT16);
        float.then_some(values.dims.len())
    }

    /// The float constant that a value is, directly or through Identity, Cast and Transpose nodes.
    fn constant(&self, value: &str, chain: usize) -> Result<Option<Tensor>, String> {
        if let Some(values) = self.constants.get(value) {
            return floats(value, values);
        }
        let node = self.makers.get(value).filter(|node| passes(node));
        let (Some(input), Some(chain)) = (node.and_then(|n| n.input.first()), chain.checked_sub(1)) else {
            return Ok(None);
        };
        let tensor = self.constant(input, chain)?;
        let turned = node.is_some_and(|n| n.op_type == "Transpose");
        Ok(if turned { tensor.filter(|t| t.shape.len() == 2).map(|t| transpose(&t)) } else { tensor })
    }
}

/// Whether a node passes its input on, up to its precision or the order of its two dimensions.
fn passes(node: &Node) -> bool {
    match node.op_type.as_str() {
        "Identity" | "Cast" => true,
        "Transpose" => attribute(node, "perm").is_none_or(|a| a.ints == [1, 0]),
        _ => false,
    }
}

fn attribute<'a>(node: &'a Node, name: &str) -> Option<&'a Attribute> {
    node.attribute.iter().find(|a| a.name == name)
}

/// `/encoder/layer.0/output/dense/MatMul` to `encoder.layer.0.output.dense`.
fn module_of(node: &Node) -> Option<String> {
    let (path, _) = node.name.strip_prefix('/')?.rsplit_once('/')?;
    Some(path.replace('/', "."))
}

/// `[rows, columns]` to `[columns, rows]`.
fn transpose(tensor: &Tensor) -> Tensor {
    let &[rows, columns] = tensor.shape.as_slice() else {
        return Tensor { shape: tensor.shape.clone(), data: tensor.data.clone() };
    };
    let column = |c: usize| (0..rows).map(move |r| tensor.data[r * columns + c]);
    let data = if tensor.data.is_empty() { Vec::new() } else { (0..columns).flat_map(column).collect() };
    Tensor { shape: vec![columns, rows], data }
}

/// The elements of a float tensor, or `None` if the tensor holds no floats.
fn floats(name: &str, values: &Values) -> Result<Option<Tensor>, String> {
    let raw = &values.raw_data;
    let halves = |one: fn(u16) -> f32| -> Vec<f32> {
        let bits = values.int32_data.iter().map(|&x| x as u16);
        raw.chunks_exact(2).map(|b| u16::from_le_bytes([b[0], b[1]])).chain(bits).map(one).collect()
    };
    let (width, stored, data) = match values.data_type {
        proto::FLOAT => {
            let mut data: Vec<f32> =
                raw.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
            data.extend_from_slice(&values.float_data);
            (4, values.float_data.len(), data)
        }
        proto::FLOAT16 => (2, values.int32_data.len(), halves(|b| half::f16::from_bits(b).to_f32())),
        proto::BFLOAT16 => (2, values.int32_data.len(), halves(|b| half::bf16::from_bits(b).to_f32())),
        other if is_parameter(name) => {
            return Err(format!("tensor {name} has ONNX type {other}, allowed: FLOAT, FLOAT16, BFLOAT16"));
        }
        _ => return Ok(None),
    };
    let shape: Option<Vec<usize>> = values.dims.iter().map(|&d| usize::try_from(d).ok()).collect();
    let shape = shape.ok_or_else(|| format!("tensor {name} has the shape {:?}", values.dims))?;
    let count = shape.iter().try_fold(1_usize, |count, &d| count.checked_mul(d));
    if count != Some(data.len()) || !raw.len().is_multiple_of(width) || (stored > 0 && !raw.is_empty()) {
        return Err(format!(
            "tensor {name} has {} bytes and {stored} numbers of data for the shape {shape:?}",
            raw.len()
        ));
    }
    Ok(Some(Tensor { shape, data }))
}
