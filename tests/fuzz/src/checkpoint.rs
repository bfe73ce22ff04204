//! A checkpoint folder: `config.json`, and weights as safetensors or as an fp32 ONNX export. A
//! folder is refused, or its tensors have the sizes of its configuration and finite numbers.

mod export;
mod weights;

use std::path::PathBuf;

use lockstep_quantize::checkpoint::{Checkpoint, Dense, Norm};
use serde_json::{Value, json};

use crate::edits::{JSON, splice};
use crate::script::Script;

/// A folder that is removed with its thread.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let name = format!("lockstep-fuzz-{}-{:?}", std::process::id(), std::thread::current().id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    /// Writes a file; without bytes it removes the file.
    fn put(&self, name: &str, bytes: Option<&[u8]>) {
        let path = self.0.join(name);
        match bytes {
            Some(bytes) => std::fs::write(path, bytes).expect("a file"),
            None => drop(std::fs::remove_file(path)),
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

thread_local! {
    static FOLDER: Folder = Folder::new();
}

/// Reads a script as a checkpoint folder. Returns whether it was accepted.
pub fn run(bytes: &[u8]) -> bool {
    let mut script = Script::new(bytes);
    let classifier = script.chance(64);
    let config = config(&mut script, classifier);
    let (safetensors, onnx) = match script.below(3) {
        0 => (Some(weights::file(&mut script, classifier)), None),
        1 => (None, Some(export::file(&mut script))),
        _ if script.chance(128) => (None, Some(script.rest().to_vec())),
        _ => (Some(script.rest().to_vec()), None),
    };
    FOLDER.with(|folder| {
        folder.put("config.json", Some(&config));
        folder.put("model.safetensors", safetensors.as_deref());
        folder.put("model.onnx", onnx.as_deref());
        let Ok(checkpoint) = Checkpoint::load(&folder.0) else { return false };
        check(&checkpoint);
        true
    })
}

/// The configuration of a small model, changed as the script says.
fn config(script: &mut Script<'_>, classifier: bool) -> Vec<u8> {
    let architecture = if classifier { "BertForSequenceClassification" } else { "BertModel" };
    let mut config = json!({
        "model_type": "bert", "architectures": [architecture], "hidden_size": weights::HIDDEN,
        "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": weights::HIDDEN, "vocab_size": 3,
        "max_position_embeddings": 4, "type_vocab_size": 2, "hidden_act": "gelu", "layer_norm_eps": 1e-12,
        "id2label": { "0": "a", "1": "b", "2": "c" },
    });
    let names: Vec<String> = config.as_object().expect("an object").keys().cloned().collect();
    if script.chance(48) {
        for _ in 0..=script.below(3) {
            let name = &names[script.below(names.len())];
            config[name] = match script.below(5) {
                0 => Value::Null,
                1 => script.number().into(),
                2 => (-(script.number() as f64)).into(),
                3 => json!({ "0": "x", "7": "y" }),
                _ => script.pick(&["relu", "gelu_new", "absolute", "?"]).into(),
            };
        }
    }
    let mut text = config.to_string().into_bytes();
    if script.chance(32) {
        splice(&mut text, script, &JSON, 3);
    }
    text
}

fn check(checkpoint: &Checkpoint) {
    let config = &checkpoint.config;
    let hidden = config.hidden;
    for (matrix, rows) in [
        (&checkpoint.words, config.vocabulary),
        (&checkpoint.positions, config.positions),
        (&checkpoint.types, config.types),
    ] {
        assert_eq!((matrix.rows, matrix.columns, matrix.data.len()), (rows, hidden, rows * hidden));
        assert!(matrix.data.iter().all(|x| x.is_finite()));
    }
    let dense = |dense: &Dense, outputs: usize, inputs: usize| {
        let Dense { weight, bias } = dense;
        assert_eq!((weight.rows, weight.columns, bias.len()), (outputs, inputs, outputs));
        assert_eq!(weight.data.len(), outputs * inputs);
        assert!(weight.data.iter().chain(bias).all(|x| x.is_finite()));
    };
    let norm = |norm: &Norm| {
        assert_eq!((norm.gamma.len(), norm.beta.len()), (hidden, hidden));
        assert!(norm.gamma.iter().chain(&norm.beta).all(|x| x.is_finite()));
    };
    norm(&checkpoint.embedding_norm);
    assert_eq!(checkpoint.layers.len(), config.layers);
    for layer in &checkpoint.layers {
        dense(&layer.projection, 3 * hidden, hidden);
        dense(&layer.output, hidden, hidden);
        dense(&layer.expand, config.intermediate, hidden);
        dense(&layer.contract, hidden, config.intermediate);
        norm(&layer.attention_norm);
        norm(&layer.output_norm);
    }
    assert_eq!(checkpoint.head.is_some(), config.labels.is_some());
    if let (Some(head), Some(labels)) = (&checkpoint.head, &config.labels) {
        dense(&head.pooler, hidden, hidden);
        dense(&head.classifier, labels.len(), hidden);
    }
}

/// Good folders of both kinds, and random ones.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = vec![vec![0; 4], vec![255, 0, 0, 0], vec![0, 0, 0, 1]];
    seeds.extend((0..12).map(|i| vec![255 * (i % 2), 0, 0, 0, 1, i, 3 * i, i % 5]));
    seeds.extend((0..12).map(|i| vec![0, 0, 0, 1, 1, i, i % 8, i]));
    seeds.extend(crate::random::scripts(8, 120));
    seeds
}
