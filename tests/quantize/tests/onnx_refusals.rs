//! The reader refuses ONNX files with one error in them, and names the error.

use lockstep_arith::encoder::Pooling;
use lockstep_arith::sample::{Shape, encoder};
use lockstep_quantize::onnx::proto::{Graph, Model, Node, Tensor};
use lockstep_quantize::onnx::write;
use lockstep_tests_quantize::{ReadError, read};
use prost::Message;

fn file() -> Vec<u8> {
    let shape = Shape {
        vocabulary: 5,
        positions: 3,
        layers: 1,
        hidden: 32,
        heads: 1,
        intermediate: 32,
        dense: [0, 0],
        labels: 0,
        pooling: Pooling::Mean,
    };
    write(&encoder(&shape, 1), &[])
}

/// Changes a good file by `harm`, and gives the message with which the reader refuses it.
fn refusal(harm: impl FnOnce(&mut Model, &mut Graph)) -> String {
    let mut model = Model::decode(&file()[..]).expect("own file");
    let mut graph = model.graph.take().expect("own file");
    harm(&mut model, &mut graph);
    model.graph = Some(graph);
    read(&model.encode_to_vec()).expect_err("harm was done").to_string()
}

fn node<'a>(graph: &'a mut Graph, name: &str) -> &'a mut Node {
    graph.node.iter_mut().find(|n| n.name == name).expect("a node of the format")
}

fn tensor<'a>(graph: &'a mut Graph, name: &str) -> &'a mut Tensor {
    graph.initializer.iter_mut().find(|t| t.name == name).expect("an initializer of the format")
}

#[test]
fn errors_name_the_initializer() {
    let each = |harm: fn(&mut Tensor)| refusal(|_, graph| harm(tensor(graph, "layer.0.expand.c")));
    let message = refusal(|_, graph| graph.initializer.retain(|t| t.name != "layer.0.expand.c"));
    assert_eq!(message, "initializer layer.0.expand.c: missing");
    assert_eq!(each(|t| t.data_type = 6), "initializer layer.0.expand.c: element type 6, expected 5");
    assert_eq!(each(|t| t.dims = vec![8, 4]), "initializer layer.0.expand.c: shape [8, 4], expected rank 1");
    assert_eq!(each(|t| t.dims = vec![-32]), "initializer layer.0.expand.c: shape [-32], expected rank 1");
    let huge = each(|t| t.dims = vec![i64::MAX]);
    assert!(huge.starts_with("initializer layer.0.expand.c: 64 bytes of raw data for"), "{huge}");
    let cut = each(|t| {
        t.dims = vec![31];
        t.raw_data.truncate(62);
    });
    assert_eq!(cut, "layer 0 feed-forward 1: length of multipliers is 31, allowed: 32");
    let message = refusal(|_, graph| {
        let again = tensor(graph, "embedding.words").clone();
        graph.initializer.push(again);
    });
    assert_eq!(message, "initializer embedding.words: there are two of this name");
    let message = refusal(|_, graph| {
        let more = Tensor { name: "more".to_owned(), ..tensor(graph, "embedding.words").clone() };
        graph.initializer.push(more);
    });
    assert_eq!(message, "initializer more: not expected");
    let message = refusal(|_, graph| tensor(graph, "embedding.types").dims = vec![16, 4]);
    assert_eq!(message, "initializer embedding.types: shape [16, 4], expected rows of 32");
    let message = refusal(|_, graph| tensor(graph, "layer.0.expand.bump").dims = vec![8, 3]);
    assert_eq!(message, "initializer layer.0.expand.bump: shape [8, 3], expected [3, 8]");
    let message = refusal(|_, graph| tensor(graph, "layer.0.output.w").raw_data[7] = 64);
    assert_eq!(message, "layer 0 attention output: weights[7] is 64, allowed: [-63, 63]");
}

#[test]
fn errors_name_the_node() {
    for name in ["embedding", "layer.0.projection", "layer.0.attention", "layer.0.contract", "pool"] {
        let message = refusal(|_, graph| graph.node.retain(|n| n.name != name));
        assert_eq!(message, format!("node {name}: missing"));
    }
    let message = refusal(|_, graph| node(graph, "layer.0.expand").attribute.retain(|a| a.name != "offset"));
    assert_eq!(message, "node layer.0.expand: the integer attribute offset is missing");
    let message = refusal(|_, graph| node(graph, "layer.0.attention").attribute[1].i = Some(1 << 40));
    assert_eq!(message, "node layer.0.attention: score_multiplier is 1099511627776");
    let message = refusal(|_, graph| node(graph, "layer.0.attention").attribute[0].i = Some(0));
    assert_eq!(message, "encoder: heads is 0, allowed: [1, 32]");
    let message = refusal(|_, graph| node(graph, "pool").op_type = "Pool".to_owned());
    assert_eq!(message, "node pool: the operator is Pool");
    let message = refusal(|_, graph| node(graph, "layer.0.expand").domain = String::new());
    assert_eq!(message, "node layer.0.expand: its domain is not lockstep");
    // Swapped inputs, a node of an inner layer in the last one, swapped nodes.
    let other = |name: &str| format!("node {name}: not the node that the format has here");
    let message = refusal(|_, graph| node(graph, "layer.0.output").input.swap(0, 1));
    assert_eq!(message, other("layer.0.output"));
    let message = refusal(|_, graph| node(graph, "layer.0.contract").op_type = "LinearNorm".to_owned());
    assert_eq!(message, other("layer.0.contract"));
    let message = refusal(|_, graph| graph.node.swap(2, 3));
    assert_eq!(message, other("layer.0.attention"));
    let message = refusal(|_, graph| {
        let again = node(graph, "pool").clone();
        graph.node.push(Node { name: "pool.2".to_owned(), ..again });
    });
    assert_eq!(message, "node pool.2: not expected");
}

#[test]
fn a_file_of_another_kind_is_refused() {
    let message = refusal(|model, _| model.opset_import.truncate(1));
    assert_eq!(message, "operators of domain \"lockstep\" version 1 expected");
    let message = refusal(|model, _| drop(model.functions.pop()));
    assert_eq!(message, "the function FirstRow is missing");
    let message = refusal(|_, graph| graph.output.clear());
    assert_eq!(message, "the graph's inputs or outputs are not those of the format");
    assert!(matches!(read(b"not a model"), Err(ReadError::Decode(_))));
    assert_eq!(read(b"").expect_err("empty").to_string(), "operators of domain \"\" version 18 expected");
}

#[test]
fn attributes_stand_in_any_order() {
    let mut model = Model::decode(&file()[..]).expect("own file");
    for node in model.graph.iter_mut().flat_map(|g| &mut g.node) {
        node.attribute.reverse();
    }
    assert!(read(&model.encode_to_vec()).is_ok());
}
