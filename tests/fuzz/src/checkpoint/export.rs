//! An fp32 ONNX export of a small model, changed as a script says, or a graph of a few nodes that
//! no exporter would write.

use lockstep_quantize::onnx::proto::{self, Attribute, Graph, Model, Node, OperatorSet, Tensor};
use prost::Message;

use super::weights;
use crate::script::Script;

/// Names of a strange graph's values. Few, so that nodes share and repeat them.
const VALUES: [&str; 8] =
    ["a", "b", "x.weight", "x.bias", "onnx::MatMul_1", "embeddings.word_embeddings.weight", "", "c"];
const OPERATORS: [&str; 10] = [
    "MatMul",
    "Add",
    "Gemm",
    "Identity",
    "Cast",
    "Transpose",
    "Constant",
    "Gather",
    "LayerNormalization",
    "Mul",
];

/// The bytes of the file.
pub(super) fn file(script: &mut Script<'_>) -> Vec<u8> {
    let mut graph = if script.chance(96) { strange(script) } else { export() };
    for _ in 0..script.below(5) {
        change(&mut graph, script);
    }
    let opset_import = if script.chance(4) { Vec::new() } else { vec![OperatorSet::default()] };
    let mut bytes = Model { graph: Some(graph), opset_import, ..Model::default() }.encode_to_vec();
    if script.chance(16) {
        let at = script.below(bytes.len());
        bytes[at] ^= 1 << script.below(8);
    }
    bytes
}

/// Exporters store the weights of linear layers transposed, under other names.
fn export() -> Graph {
    let mut graph = Graph::default();
    for (i, (name, shape)) in weights::names(false).into_iter().enumerate() {
        let linear = shape.len() == 2 && !name.starts_with("embeddings");
        let raw_data = vec![0; 4 * shape.iter().product::<usize>()];
        let dims = shape.iter().rev().map(|&n| n as i64);
        let dims = if linear { dims.collect() } else { dims.rev().collect() };
        let stored = if linear { format!("onnx::MatMul_{i}") } else { name.clone() };
        graph.initializer.push(Tensor {
            dims,
            data_type: proto::FLOAT,
            name: stored.clone(),
            raw_data,
            ..Tensor::default()
        });
        if linear {
            let module = name.trim_end_matches(".weight");
            let path = format!("/{}", module.replace('.', "/"));
            let product = format!("{path}/product");
            graph.node.push(node("MatMul", &format!("{path}/MatMul"), &["x", &stored], &product));
            graph.node.push(node(
                "Add",
                &format!("{path}/Add"),
                &[&product, &format!("{module}.bias")],
                &path,
            ));
        }
    }
    graph
}

fn node(kind: &str, name: &str, inputs: &[&str], output: &str) -> Node {
    Node {
        op_type: kind.into(),
        name: name.into(),
        input: inputs.iter().map(|&input| input.into()).collect(),
        output: vec![output.into()],
        ..Node::default()
    }
}

fn strange(script: &mut Script<'_>) -> Graph {
    let mut graph = Graph::default();
    for _ in 0..script.below(6) {
        graph.initializer.push(tensor(script));
    }
    for _ in 0..script.below(40) {
        let mut value = || script.pick(&VALUES);
        let (a, b, c, output) = (value(), value(), value(), value());
        let name = script.pick(&["", "/x/MatMul", "/x/LayerNorm/Add", "/word_embeddings/Gather", "/x/y"]);
        let inputs = [a, b, c];
        let mut node = node(script.pick(&OPERATORS), name, &inputs[..script.below(4)], output);
        if script.chance(64) {
            let name = script.pick(&["value", "alpha", "transA", "transB", "perm"]).into();
            node.attribute.push(Attribute {
                name,
                f: script.chance(64).then(|| script.byte().into()),
                i: script.chance(128).then(|| script.below(3) as i64),
                t: script.chance(128).then(|| tensor(script)),
                ints: (0..script.below(3)).map(|_| script.below(2) as i64).collect(),
                ..Attribute::default()
            });
        }
        graph.node.push(node);
    }
    graph
}

fn tensor(script: &mut Script<'_>) -> Tensor {
    let dims: Vec<i64> = (0..script.below(4)).map(|_| dim(script)).collect();
    let numbers = dims.iter().fold(1_i64, |all, &n| all.saturating_mul(n)).clamp(0, 64) as usize;
    let data_type = script.pick(&[proto::FLOAT, proto::FLOAT16, proto::BFLOAT16, proto::INT64]);
    let bytes = if data_type == proto::FLOAT { 4 } else { 2 };
    Tensor {
        dims,
        data_type,
        name: script.pick(&VALUES).into(),
        raw_data: vec![0; bytes * numbers],
        ..Tensor::default()
    }
}

fn dim(script: &mut Script<'_>) -> i64 {
    if script.chance(24) { script.number() as i64 } else { script.below(4) as i64 }
}

fn change(graph: &mut Graph, script: &mut Script<'_>) {
    if script.chance(128) {
        let at = script.below(graph.node.len().max(1));
        let Some(node) = graph.node.get_mut(at) else { return };
        match script.below(5) {
            0 => node.op_type = script.pick(&OPERATORS).into(),
            1 => node.name = "/x/MatMul".into(),
            2 => node.input.reverse(),
            3 => drop(node.output.pop()),
            _ => drop(graph.node.remove(at)),
        }
        return;
    }
    let at = script.below(graph.initializer.len().max(1));
    let Some(tensor) = graph.initializer.get_mut(at) else { return };
    match script.below(7) {
        0 => tensor.data_type = script.byte().into(),
        1 => tensor.dims.reverse(),
        2 => tensor.dims.push(dim(script)),
        3 => tensor.data_location = proto::EXTERNAL,
        4 => tensor.float_data = vec![f32::NAN; script.below(40)],
        5 => tensor.raw_data.truncate(script.below(tensor.raw_data.len() + 1)),
        _ => tensor.name = script.pick(&VALUES).into(),
    }
}
