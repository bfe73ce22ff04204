//! Small graphs of every kind of export, and files that are none.

use std::collections::BTreeMap;
use std::path::Path;

use proptest::prelude::*;
use prost::Message;

use super::super::tensor::Tensor;
use crate::onnx::proto::{
    Attribute, BFLOAT16, EXTERNAL, FLOAT, FLOAT16, Graph, Model, Node, OperatorSet, Tensor as Values,
};

/// Reads a file without external data.
fn read(bytes: &[u8]) -> Result<BTreeMap<String, Tensor>, String> {
    super::read(bytes, Path::new("/nowhere"))
}

/// `[2, 3]`, as exporters store it: two inputs, three outputs.
const STORED: [f32; 6] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
/// The same as the checkpoint has it: `[3, 2]`.
const WEIGHT: [f32; 6] = [1.0, 4.0, 2.0, 5.0, 3.0, 6.0];
const BIAS: [f32; 3] = [7.0, 8.0, 9.0];

fn tensor(name: &str, dims: &[i64], data: &[f32]) -> Values {
    let raw_data = data.iter().flat_map(|x| x.to_le_bytes()).collect();
    Values { name: name.into(), dims: dims.to_vec(), data_type: FLOAT, raw_data, ..Values::default() }
}

fn stored(name: &str) -> Values {
    tensor(name, &[2, 3], &STORED)
}

fn bias(name: &str) -> Values {
    tensor(name, &[3], &BIAS)
}

fn node(op_type: &str, name: &str, inputs: &[&str], output: &str) -> Node {
    let input = inputs.iter().map(|&i| i.to_owned()).collect();
    Node { op_type: op_type.into(), name: name.into(), input, output: vec![output.into()], ..Node::default() }
}

fn with(mut node: Node, attribute: Attribute) -> Node {
    node.attribute.push(attribute);
    node
}

fn integer(name: &str, i: i64) -> Attribute {
    Attribute { name: name.into(), i: Some(i), ..Attribute::default() }
}

fn constant(value: Values) -> Node {
    let output = value.name.clone();
    with(
        node("Constant", "", &[], &output),
        Attribute { name: "value".into(), t: Some(value), ..Attribute::default() },
    )
}

fn file(node: Vec<Node>, initializer: Vec<Values>) -> Vec<u8> {
    let opset_import = vec![OperatorSet { domain: String::new(), version: 17 }];
    let graph = Graph { node, initializer, ..Graph::default() };
    Model { graph: Some(graph), opset_import, ..Model::default() }.encode_to_vec()
}

/// The tensors of a file that is read: name, shape, numbers.
fn tensors(node: Vec<Node>, initializer: Vec<Values>) -> Vec<(String, Vec<usize>, Vec<f32>)> {
    let tensors = read(&file(node, initializer)).expect("a float export");
    tensors.into_iter().map(|(name, t)| (name, t.shape, t.data)).collect()
}

fn refusal(node: Vec<Node>, initializer: Vec<Values>) -> String {
    read(&file(node, initializer)).err().expect("a refusal")
}

fn whole(module: &str) -> Vec<(String, Vec<usize>, Vec<f32>)> {
    vec![
        (format!("{module}.bias"), vec![3], BIAS.to_vec()),
        (format!("{module}.weight"), vec![3, 2], WEIGHT.to_vec()),
    ]
}

#[test]
fn a_weight_belongs_to_the_bias_that_is_added() {
    for added in [["xw", "a.b.bias"], ["a.b.bias", "xw"]] {
        let nodes = vec![node("MatMul", "", &["x", "onnx::MatMul_7"], "xw"), node("Add", "", &added, "y")];
        assert_eq!(tensors(nodes, vec![stored("onnx::MatMul_7"), bias("a.b.bias")]), whole("a.b"));
    }
    let nodes = vec![
        node("Cast", "", &["weight"], "cast"),
        node("MatMul", "", &["x", "cast"], "xw"),
        node("Cast", "", &["xw"], "half"),
        node("Add", "", &["half", "a.b.bias"], "y"),
    ];
    assert_eq!(tensors(nodes, vec![stored("weight"), bias("a.b.bias")]), whole("a.b"));
}

#[test]
fn a_weight_under_its_own_name_is_turned_as_it_is_used() {
    let add = || node("Add", "", &["xw", "a.b.bias"], "y");
    let nodes = vec![node("MatMul", "", &["x", "a.b.weight"], "xw"), add()];
    assert_eq!(tensors(nodes, vec![stored("a.b.weight"), bias("a.b.bias")]), whole("a.b"));
    let perm = Attribute { name: "perm".into(), ints: vec![1, 0], ..Attribute::default() };
    let turn = with(node("Transpose", "", &["a.b.weight"], "turned"), perm);
    let nodes = vec![turn, node("MatMul", "", &["x", "turned"], "xw"), add()];
    assert_eq!(tensors(nodes, vec![tensor("a.b.weight", &[3, 2], &WEIGHT), bias("a.b.bias")]), whole("a.b"));
    // A product of two values is no linear layer.
    let nodes = vec![node("MatMul", "", &["x", "y"], "xy")];
    assert_eq!(tensors(nodes, vec![tensor("a.b.weight", &[3, 2], &WEIGHT), bias("a.b.bias")]), whole("a.b"));
}

#[test]
fn gemm_states_how_its_weight_lies() {
    let gemm = |weight: &str| node("Gemm", "g", &["x", weight, "a.b.bias"], "y");
    for plain in [gemm("w"), with(gemm("w"), integer("transB", 0))] {
        assert_eq!(tensors(vec![plain], vec![stored("w"), bias("a.b.bias")]), whole("a.b"));
    }
    for name in ["w", "a.b.weight"] {
        let nodes = vec![with(gemm(name), integer("transB", 1))];
        assert_eq!(tensors(nodes, vec![tensor(name, &[3, 2], &WEIGHT), bias("a.b.bias")]), whole("a.b"));
    }
    let half = Attribute { name: "alpha".into(), f: Some(0.5), ..Attribute::default() };
    let message = refusal(vec![with(gemm("w"), half)], vec![stored("w"), bias("a.b.bias")]);
    assert_eq!(message, "operator Gemm (node g): alpha is 0.5, allowed: 1");
    let message = refusal(vec![with(gemm("w"), integer("transA", 1))], vec![stored("w"), bias("a.b.bias")]);
    assert_eq!(message, "operator Gemm (node g): transA is 1, allowed: 0");
}

#[test]
fn constants_are_as_good_as_initializers() {
    let nodes = vec![
        constant(stored("12")),
        constant(bias("a.b.bias")),
        node("MatMul", "", &["x", "12"], "xw"),
        node("Add", "", &["xw", "a.b.bias"], "y"),
    ];
    assert_eq!(tensors(nodes, vec![]), whole("a.b"));
}

#[test]
fn shared_tensors_are_told_apart_by_the_nodes() {
    // Both layers have the same bias; the exporter kept one.
    let nodes = ["q", "k"].iter().flat_map(|part| {
        let (product, name) = (format!("x{part}"), |kind: &str| format!("/a/{part}/{kind}"));
        let product_node = node("MatMul", &name("MatMul"), &["x", part], &product);
        [product_node, node("Add", &name("Add"), &[&product, "a.q.bias"], &format!("y{part}"))]
    });
    let found = tensors(nodes.collect(), vec![stored("q"), stored("k"), bias("a.q.bias")]);
    let mut expected = [whole("a.k"), whole("a.q")].concat();
    expected.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(found, expected);
    // Or it says so.
    let nodes = vec![node("Identity", "", &["a.q.bias"], "a.k.bias")];
    let found = tensors(nodes, vec![bias("a.q.bias")]);
    assert_eq!(found, [whole("a.k").remove(0), whole("a.q").remove(0)]);
}

#[test]
fn two_layers_of_one_name_are_refused() {
    let nodes = vec![
        node("MatMul", "/a/MatMul", &["x", "v"], "xv"),
        node("MatMul", "/a/MatMul_1", &["x", "w"], "xw"),
    ];
    let other = tensor("w", &[2, 3], &[0.0; 6]);
    let message = refusal(nodes, vec![stored("v"), other]);
    assert!(message.contains("a.weight"), "{message}");
}

#[test]
fn norms_and_tables_without_names_are_found_by_their_nodes() {
    let at = |kind: &str| format!("/e/LayerNorm/{kind}");
    let gain = || tensor("1", &[3], &[1.0, 2.0, 3.0]);
    let epsilon = || tensor("3", &[], &[1e-12]);
    let names =
        |found: Vec<(String, Vec<usize>, Vec<f32>)>| found.into_iter().map(|t| t.0).collect::<Vec<_>>();
    let fused = vec![node("LayerNormalization", &at("LayerNormalization"), &["x", "1", "2"], "y")];
    assert_eq!(names(tensors(fused, vec![gain(), bias("2")])), ["e.LayerNorm.bias", "e.LayerNorm.weight"]);
    let decomposed = vec![
        node("ReduceMean", &at("ReduceMean"), &["x"], "m"),
        node("Sub", &at("Sub"), &["x", "m"], "d"),
        node("Add", &at("Add"), &["v", "3"], "ve"),
        node("Sqrt", &at("Sqrt"), &["ve"], "s"),
        node("Div", &at("Div"), &["d", "s"], "z"),
        node("Mul", &at("Mul"), &["z", "1"], "zg"),
        node("Add", &at("Add_1"), &["zg", "2"], "y"),
    ];
    let found = tensors(decomposed, vec![gain(), bias("2"), epsilon()]);
    assert_eq!(found[0], ("e.LayerNorm.bias".into(), vec![3], BIAS.to_vec()));
    assert_eq!(found[1], ("e.LayerNorm.weight".into(), vec![3], vec![1.0, 2.0, 3.0]));
    let gather = vec![node("Gather", "/e/word_embeddings/Gather", &["1", "ids"], "y")];
    assert_eq!(names(tensors(gather, vec![stored("1")])), ["e.word_embeddings.weight"]);
}

#[test]
fn a_table_that_is_also_a_decoder_stays_a_table() {
    let nodes = vec![
        node("Transpose", "", &["bert.embeddings.word_embeddings.weight"], "turned"),
        node("MatMul", "/cls/predictions/decoder/MatMul", &["x", "turned"], "xw"),
        node("Add", "", &["xw", "cls.predictions.bias"], "y"),
    ];
    let found =
        tensors(nodes, vec![stored("bert.embeddings.word_embeddings.weight"), bias("cls.predictions.bias")]);
    assert!(
        found.contains(&("bert.embeddings.word_embeddings.weight".into(), vec![2, 3], STORED.to_vec())),
        "{found:?}"
    );
}

#[test]
fn every_float_type_is_read() {
    let halves = |data_type, bits: [u16; 2], raw: bool| {
        let mut values = Values { name: "a.bias".into(), dims: vec![2], data_type, ..Values::default() };
        match raw {
            true => values.raw_data = bits.iter().flat_map(|b| b.to_le_bytes()).collect(),
            false => values.int32_data = bits.iter().map(|&b| b.into()).collect(),
        }
        values
    };
    let floats = Values { float_data: vec![1.0, -2.5], raw_data: vec![], ..tensor("a.bias", &[2], &[]) };
    let mut all = vec![tensor("a.bias", &[2], &[1.0, -2.5]), floats];
    for raw in [true, false] {
        all.push(halves(FLOAT16, [0x3c00, 0xc100], raw));
        all.push(halves(BFLOAT16, [0x3f80, 0xc020], raw));
    }
    for values in all {
        assert_eq!(tensors(vec![], vec![values]), [("a.bias".into(), vec![2], vec![1.0, -2.5])]);
    }
    // Integers are no weights, whatever they hold; a weight that is an integer is refused.
    let position_ids = Values { name: "e.position_ids".into(), data_type: 7, ..Values::default() };
    assert_eq!(tensors(vec![], vec![position_ids]), []);
    let message = refusal(vec![], vec![Values { data_type: 3, ..bias("a.bias") }]);
    assert_eq!(message, "tensor a.bias has ONNX type 3, allowed: FLOAT, FLOAT16, BFLOAT16");
}

#[test]
fn data_that_does_not_fill_the_shape_is_refused() {
    for dims in [&[4][..], &[2], &[-3], &[1 << 62, 1 << 62], &[1 << 62, 0, 3], &[]] {
        let message = refusal(vec![], vec![tensor("a.bias", dims, &BIAS)]);
        assert!(message.starts_with("tensor a.bias has "), "{message}");
    }
    let both = Values { float_data: vec![1.0], dims: vec![4], ..bias("a.bias") };
    assert!(refusal(vec![], vec![both]).starts_with("tensor a.bias has "));
    let mut ragged = bias("a.bias");
    ragged.raw_data.push(0);
    assert!(refusal(vec![], vec![ragged]).starts_with("tensor a.bias has 13 bytes"));
    // Nothing at all in a shape of many columns.
    let nodes = vec![node("MatMul", "/a/MatMul", &["x", "w"], "xw")];
    let found = tensors(nodes, vec![tensor("w", &[0, 1 << 60], &[])]);
    assert_eq!(found, [("a.weight".into(), vec![1 << 60, 0], vec![])]);
}

#[test]
fn files_that_hide_their_weights_are_refused() {
    let external = Values { data_location: EXTERNAL, raw_data: vec![], ..bias("a.bias") };
    let message = refusal(vec![], vec![external.clone()]);
    assert!(message.starts_with("tensor a.bias is in another file (external data)"), "{message}");
    assert_eq!(refusal(vec![constant(external)], vec![]), message);
    for kind in ["DynamicQuantizeLinear", "MatMulInteger", "DequantizeLinear"] {
        let message = refusal(vec![node(kind, "n", &["x"], "y")], vec![]);
        assert!(
            message.starts_with(&format!("operator {kind} (node n): ")) && message.contains("fp32"),
            "{message}"
        );
    }
    for (kind, domain) in [
        ("EmbedLayerNormalization", "com.microsoft"),
        ("SkipLayerNormalization", "com.microsoft"),
        ("Linear", "lockstep"),
    ] {
        let other = Node { domain: domain.into(), ..node(kind, "n", &["x"], "y") };
        let message = refusal(vec![other], vec![]);
        assert!(message.starts_with(&format!("operator {kind} of domain {domain} (node n): ")), "{message}");
    }
    assert_eq!(refusal(vec![], vec![bias("a.bias"), bias("a.bias")]), "tensor a.bias is there twice");
}

#[test]
fn circles_come_to_an_end() {
    let nodes = vec![
        node("Identity", "", &["b"], "a.weight"),
        node("Identity", "", &["a.weight"], "b"),
        node("MatMul", "/m/MatMul", &["x", "b"], "y"),
        node("Identity", "", &["y"], "y"),
        node("MatMul", "/n/MatMul", &["x", "w"], "y"),
    ];
    assert_eq!(tensors(nodes, vec![stored("w")]), [("n.weight".into(), vec![3, 2], WEIGHT.to_vec())]);
}

/// A thousand Identity nodes take the value that they give: a reader that followed each path would
/// follow 1000 to the power of 8.
#[test]
fn a_web_of_identities_is_walked_once() {
    let mut nodes = vec![node("MatMul", "/m/MatMul", &["x", "w"], "y")];
    nodes.extend((0..1_000).map(|_| node("Identity", "", &["y"], "y")));
    nodes.push(node("Add", "", &["y", "m.bias"], "z"));
    assert_eq!(tensors(nodes, vec![stored("w"), bias("m.bias")]), whole("m"));
}

/// One of each kind of node.
fn sample() -> Vec<u8> {
    let nodes = vec![
        constant(stored("12")),
        node("MatMul", "/a/b/MatMul", &["x", "12"], "xw"),
        node("Add", "/a/b/Add", &["xw", "a.b.bias"], "y"),
        with(node("Gemm", "/g/Gemm", &["y", "g.weight", "g.bias"], "z"), integer("transB", 1)),
        node("LayerNormalization", "/LayerNorm/LayerNormalization", &["z", "1", "g.bias"], "n"),
        node("Transpose", "", &["g.weight"], "turned"),
        node("Identity", "", &["1"], "c.weight"),
    ];
    file(nodes, vec![bias("a.b.bias"), tensor("g.weight", &[3, 2], &WEIGHT), bias("g.bias"), bias("1")])
}

#[test]
fn a_truncated_file_is_refused() {
    let bytes = sample();
    assert!(read(&bytes).is_ok());
    for end in 0..bytes.len() {
        assert!(read(&bytes[..end]).is_err(), "{end} of {} bytes", bytes.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn flipped_bytes_never_panic(flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5)) {
        let mut bytes = sample();
        for (index, byte) in flips {
            let at = index.index(bytes.len());
            bytes[at] = byte;
        }
        for tensor in read(&bytes).unwrap_or_default().values() {
            prop_assert_eq!(tensor.shape.iter().product::<usize>(), tensor.data.len());
        }
    }

    #[test]
    fn any_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(read(&bytes).is_err());
    }
}
