//! Weights as people save them: in parts, under any prefix, with their bytes in another file.

use std::collections::BTreeMap;

use lockstep_quantize::onnx::proto::{EXTERNAL, Model, Property};
use prost::Message;
use safetensors::serialize;
use safetensors::tensor::{Dtype, TensorView};
use serde_json::json;

use super::Folder;

fn model(folder: &Folder) -> Vec<u8> {
    let outcome = folder.quantize_with(&["--model-id", "same"]);
    outcome.encoder();
    outcome.bytes("model.onnx")
}

/// Splits the weights into two parts with an index, as transformers does.
fn split(folder: &Folder) {
    let mut map = BTreeMap::new();
    let mut parts: [BTreeMap<String, super::Stored>; 2] = Default::default();
    folder.tensors(|tensors| {
        for (i, (name, tensor)) in tensors.iter().enumerate() {
            map.insert(name.clone(), format!("model-0000{}-of-00002.safetensors", i % 2 + 1));
            parts[i % 2].insert(name.clone(), tensor.clone());
        }
    });
    for (i, part) in parts.iter().enumerate() {
        let views = part.iter().map(|(n, (d, s, b))| (n, TensorView::new(*d, s.clone(), b).unwrap()));
        folder.write(&format!("model-0000{}-of-00002.safetensors", i + 1), serialize(views, None).unwrap());
    }
    folder.write(
        "model.safetensors.index.json",
        json!({"metadata": {"total_size": 1}, "weight_map": map}).to_string(),
    );
    folder.remove("model.safetensors");
}

#[test]
fn parts_give_the_bytes_of_the_whole() {
    let folder = Folder::small();
    let expected = model(&folder);
    split(&folder);
    assert!(model(&folder) == expected);
    let index = |change: &dyn Fn(&mut serde_json::Value)| {
        let folder = folder.copy();
        folder.json("model.safetensors.index.json", change);
        folder.quantize()
    };
    let name = "embeddings.LayerNorm.bias";
    index(&|i| i["weight_map"][name] = "../model.safetensors".into()).refused(&[
        "index.json",
        name,
        "beside the index",
    ]);
    index(&|i| i["weight_map"][name] = "none.safetensors".into()).refused(&["none.safetensors"]);
    index(&|i| i["weight_map"][name] = 7.into()).refused(&["index.json", name, "7"]);
    index(&|i| *i = json!({})).refused(&["index.json", "weight_map is missing"]);
    // A part that lacks what the index promises.
    index(&|i| {
        i["weight_map"][name] = match i["weight_map"][name].as_str().unwrap() {
            "model-00001-of-00002.safetensors" => "model-00002-of-00002.safetensors".into(),
            _ => "model-00001-of-00002.safetensors".into(),
        }
    })
    .refused(&[name, "missing"]);
}

#[test]
fn any_prefix_is_taken_off() {
    for whole in [Folder::small(), Folder::classifier()] {
        let expected = model(&whole);
        for (encoder, head) in [
            ("", ""),
            ("bert.", ""),
            ("model.bert.", "model."),
            ("module.", "module."),
            ("0.auto_model.", "0."),
        ] {
            let folder = whole.copy();
            folder.tensors(|tensors| {
                let renamed = std::mem::take(tensors).into_iter().map(|(name, tensor)| {
                    let prefix = if name.starts_with("classifier.") { head } else { encoder };
                    (format!("{prefix}{}", name.trim_start_matches("bert.")), tensor)
                });
                *tensors = renamed.collect();
                tensors
                    .insert(format!("{encoder}embeddings.position_ids"), (Dtype::I64, vec![1], vec![0; 8]));
                tensors.insert(format!("{encoder}mask"), (Dtype::BOOL, vec![1], vec![0]));
            });
            assert!(model(&folder) == expected, "{encoder}");
        }
    }
    let folder = Folder::small();
    folder.tensors(|tensors| {
        let twice: Vec<_> =
            tensors.iter().map(|(name, tensor)| (format!("teacher.{name}"), tensor.clone())).collect();
        tensors.extend(twice);
    });
    folder.quantize().refused(&["model.safetensors", "two encoders", "teacher."]);
}

#[test]
fn doubles_are_weights_too() {
    let folder = Folder::small();
    let expected = model(&folder);
    folder.tensors(|tensors| {
        for (dtype, _, bytes) in tensors.values_mut() {
            let wide = bytes.chunks_exact(4).map(|b| f64::from(f32::from_le_bytes(b.try_into().unwrap())));
            *bytes = wide.flat_map(f64::to_le_bytes).collect();
            *dtype = Dtype::F64;
        }
    });
    assert!(model(&folder) == expected);
}

/// The names of nodes are a convenience; the bytes of tensors may lie beside the file.
#[test]
fn an_onnx_file_may_have_external_data_and_no_node_names() {
    let folder = Folder::small().exported();
    let expected = model(&folder);
    let mut file = Model::decode(folder.read("model.onnx").as_slice()).unwrap();
    let graph = file.graph.as_mut().unwrap();
    graph.node.iter_mut().for_each(|node| node.name.clear());
    let mut data = vec![7; 5];
    for tensor in graph.initializer.iter_mut().filter(|tensor| tensor.raw_data.len() > 100) {
        let entry = |key: &str, value: String| Property { key: key.into(), value };
        tensor.external_data = vec![
            entry("location", "model.onnx.data".into()),
            entry("offset", data.len().to_string()),
            entry("length", tensor.raw_data.len().to_string()),
        ];
        data.append(&mut tensor.raw_data);
        tensor.data_location = EXTERNAL;
    }
    folder.write("model.onnx", file.encode_to_vec());
    folder.quantize().refused(&["model.onnx", "external data", "model.onnx.data"]);
    folder.write("model.onnx.data", &data);
    assert!(model(&folder) == expected);
    folder.write("model.onnx.data", &data[..data.len() - 1]);
    folder.quantize().refused(&["model.onnx", "external data", &format!("has {} bytes", data.len() - 1)]);
}

#[test]
fn weights_of_other_kinds_are_named_with_the_way_out() {
    for (name, way) in [
        ("pytorch_model.bin", "save_pretrained"),
        ("pytorch_model.bin.index.json", "save_pretrained"),
        ("tf_model.h5", "from_tf=True"),
        ("flax_model.msgpack", "from_flax=True"),
        ("adapter_model.safetensors", "merge_and_unload"),
    ] {
        let folder = Folder::small();
        folder.remove("model.safetensors");
        folder.write(name, "x");
        folder.quantize().refused(&[name, way]);
    }
    let folder = Folder::small();
    folder.write("model.safetensors", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n");
    folder.quantize().refused(&["model.safetensors", "not a safetensors file", "git lfs pull"]);
}
