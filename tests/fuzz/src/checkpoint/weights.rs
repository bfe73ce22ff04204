//! A safetensors file of a small model, changed as a script says.

use serde_json::{Map, Value, json};

use crate::edits::{JSON, splice};
use crate::script::Script;

/// Channels of the hidden stream and of the feed-forward layer.
pub(super) const HIDDEN: usize = 32;

/// The names and shapes of the tensors of a model with one layer.
pub(super) fn names(classifier: bool) -> Vec<(String, Vec<usize>)> {
    let d = HIDDEN;
    let mut names = vec![
        ("embeddings.word_embeddings.weight".to_owned(), vec![3, d]),
        ("embeddings.position_embeddings.weight".to_owned(), vec![4, d]),
        ("embeddings.token_type_embeddings.weight".to_owned(), vec![2, d]),
    ];
    let mut module = |name: &str, weight: &[usize]| {
        names.push((format!("{name}.weight"), weight.to_vec()));
        names.push((format!("{name}.bias"), vec![weight[0]]));
    };
    module("embeddings.LayerNorm", &[d]);
    for part in
        ["attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"]
    {
        module(&format!("encoder.layer.0.{part}"), &[d, d]);
    }
    for part in ["intermediate.dense", "output.dense"] {
        module(&format!("encoder.layer.0.{part}"), &[d, d]);
    }
    for part in ["attention.output.LayerNorm", "output.LayerNorm"] {
        module(&format!("encoder.layer.0.{part}"), &[d]);
    }
    if classifier {
        module("pooler.dense", &[d, d]);
        module("classifier", &[3, d]);
    }
    names
}

/// The bytes of the file.
pub(super) fn file(script: &mut Script<'_>, classifier: bool) -> Vec<u8> {
    let mut header = Map::new();
    let mut end = 0;
    for (name, shape) in names(classifier) {
        // Numbers of 16 bits, so that the file is short.
        let begin = end;
        end += 2 * shape.iter().product::<usize>();
        header.insert(name, json!({ "dtype": "F16", "shape": shape, "data_offsets": [begin, end] }));
    }
    let mut data = vec![0x10; end];
    for _ in 0..script.below(4) {
        change(&mut header, &mut data, script);
    }
    let mut text = Value::from(header).to_string().into_bytes();
    if script.chance(32) {
        splice(&mut text, script, &JSON, 3);
    }
    let length = if script.chance(12) { script.number() } else { text.len() as u64 };
    [&length.to_le_bytes()[..], &text, &data].concat()
}

fn change(header: &mut Map<String, Value>, data: &mut Vec<u8>, script: &mut Script<'_>) {
    let names: Vec<String> = header.keys().cloned().collect();
    let name = &names[script.below(names.len())];
    match script.below(7) {
        0 => drop(header.remove(name)),
        1 => {
            if let Some(tensor) = header.remove(name) {
                header.insert(format!("bert.{name}"), tensor);
            }
        }
        2 => header[name]["dtype"] = script.pick(&["F32", "BF16", "I64", "U8", "F64", "?"]).into(),
        3 => header[name]["shape"][script.below(1)] = script.number().into(),
        4 => header[name]["shape"] = json!([script.number(), script.number()]),
        5 => header[name]["data_offsets"] = json!([script.number(), script.number()]),
        _ => {
            // An infinity or a NaN, somewhere.
            let at = script.below(data.len() / 2) * 2 + 1;
            data[at] = script.pick(&[0x7c, 0x7e, 0xfc]);
            data.truncate(data.len() - if script.chance(64) { script.below(64) } else { 0 });
        }
    }
}
