//! `model.onnx`: the graph of a small model with changed names, operators, attributes, shapes and
//! data. A file is refused, or it packs; what was packed opens and runs, or opening refuses it.

use std::sync::LazyLock;

use lockstep_arith::sample::encoder;
use lockstep_model::{Model, Sequence};
use lockstep_onnx::pack;
use lockstep_quantize::onnx::{proto, write};
use prost::Message;

use crate::runtime_file::SHAPES;
use crate::script::Script;

/// Graphs without the bodies of their functions, which are most of a file and which `pack` skips.
static GRAPHS: LazyLock<[proto::Model; SHAPES.len()]> = LazyLock::new(|| {
    SHAPES.map(|shape| {
        let file = write(&encoder(&shape, 1), &[]);
        let whole = proto::Model::decode(&file[..]).expect("a file that was just written");
        proto::Model { functions: Vec::new(), ..whole }
    })
});

/// Reads a script as a file. Returns whether it was packed.
pub fn run(bytes: &[u8]) -> bool {
    let mut script = Script::new(bytes);
    if script.chance(24) {
        return check(script.rest());
    }
    let mut file = script.pick(&[0, 1, 2, 3, 4].map(|i| &GRAPHS[i])).clone();
    for _ in 0..script.below(6) {
        change(&mut file, &mut script);
    }
    let mut bytes = file.encode_to_vec();
    if script.chance(24) {
        for _ in 0..=script.below(3) {
            let at = script.below(bytes.len());
            bytes[at] ^= 1 << script.below(8);
        }
        bytes.truncate(bytes.len() - if script.chance(64) { script.below(bytes.len()) } else { 0 });
    }
    check(&bytes)
}

fn check(file: &[u8]) -> bool {
    let Ok(packed) = pack(file) else { return false };
    if let Ok(model) = Model::open(packed) {
        let result = model.run(&[Sequence { ids: &[0], type_ids: &[0] }]).expect("a model that was opened");
        assert_eq!(result[0].len(), model.outputs());
    }
    true
}

fn change(file: &mut proto::Model, script: &mut Script<'_>) {
    let Some(graph) = &mut file.graph else { return };
    match script.below(10) {
        0 => file.ir_version = script.number() as i64,
        1 => {
            if let Some(set) = pick(&mut file.opset_import, script) {
                match script.below(2) {
                    0 => set.version = script.number() as i64,
                    _ => set.domain.clear(),
                }
            }
        }
        2..=4 => node(graph, script),
        5..=7 => initializer(graph, script),
        8 => {
            if script.chance(128) {
                graph.input.pop();
            } else {
                graph.output.extend(graph.output.first().cloned());
            }
        }
        _ => file.graph = if script.chance(16) { None } else { file.graph.take() },
    }
}

fn node(graph: &mut proto::Graph, script: &mut Script<'_>) {
    let names: Vec<String> =
        graph.node.iter().flat_map(|node| [node.name.clone(), node.op_type.clone()]).collect();
    let last = graph.node.len().saturating_sub(1);
    let other = names[script.below(names.len().max(1)).min(names.len() - 1)].clone();
    let Some(node) = pick(&mut graph.node, script) else { return };
    match script.below(9) {
        0 => node.op_type = other,
        1 => node.name = other,
        2 => node.domain.clear(),
        3 => drop(node.input.pop()),
        4 => node.input.push(other),
        5 => {
            if let Some(input) = pick(&mut node.input, script) {
                *input = other;
            }
        }
        6 => {
            if let Some(attribute) = pick(&mut node.attribute, script) {
                match script.below(4) {
                    0 => attribute.i = None,
                    1 => attribute.r#type = script.byte().into(),
                    _ => attribute.i = Some(script.number() as i64),
                }
            }
        }
        7 => drop(graph.node.remove(script.below(last + 1))),
        _ => {
            let copy = node.clone();
            graph.node.insert(script.below(last + 1), copy);
        }
    }
}

fn initializer(graph: &mut proto::Graph, script: &mut Script<'_>) {
    let last = graph.initializer.len().saturating_sub(1);
    let Some(tensor) = pick(&mut graph.initializer, script) else { return };
    match script.below(9) {
        0 => tensor.data_type = script.byte().into(),
        1 | 2 => {
            let number = script.number() as i64;
            if let Some(dim) = pick(&mut tensor.dims, script) {
                *dim = number;
            }
        }
        3 => tensor.dims.push(script.number() as i64),
        4 => drop(tensor.dims.pop()),
        5 => tensor.raw_data.truncate(script.below(tensor.raw_data.len() + 1)),
        6 => {
            let at = script.below(tensor.raw_data.len().max(1));
            let byte = script.byte();
            if let Some(old) = tensor.raw_data.get_mut(at) {
                *old = byte;
            }
        }
        7 => tensor.data_location = script.byte().into(),
        _ => drop(graph.initializer.remove(script.below(last + 1))),
    }
}

fn pick<'t, T>(list: &'t mut [T], script: &mut Script<'_>) -> Option<&'t mut T> {
    let at = script.below(list.len().max(1));
    list.get_mut(at)
}

/// Each shape, one change of each kind, and random ones.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = (0..SHAPES.len() as u8).map(|shape| vec![0, shape, 0]).collect();
    seeds.extend((0..90).map(|i| vec![0, i % 4, 1, i % 10, i * 3, i % 9, i, 1, i]));
    seeds.extend(crate::random::scripts(8, 60));
    seeds
}
