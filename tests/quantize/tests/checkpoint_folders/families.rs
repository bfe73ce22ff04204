//! Families of encoders: the same weights under the names of another family give the same model.
//! The table of README.md says which families there are.

use safetensors::tensor::Dtype;
use serde_json::json;

use super::outcome::workspace;
use super::{Folder, Outcome};

const WORDS: &str = "embeddings.word_embeddings.weight";

/// Renames all tensors.
fn rename(folder: &Folder, name: impl Fn(&str) -> String) {
    folder.tensors(|tensors| {
        *tensors = std::mem::take(tensors).into_iter().map(|(old, tensor)| (name(&old), tensor)).collect();
    });
}

/// The same network as RoBERTa has it: positions behind the padding's, a head of other names.
fn as_roberta(folder: &Folder, kind: &str, padding: usize) {
    folder.json("config.json", |config| {
        let positions = config["max_position_embeddings"].as_u64().unwrap() + padding as u64 + 1;
        config["max_position_embeddings"] = positions.into();
        (config["model_type"], config["pad_token_id"]) = (kind.into(), padding.into());
        let head = config["architectures"][0].as_str().is_some_and(|name| name.contains("Classification"));
        let class = if head { "XLMRobertaForSequenceClassification" } else { "XLMRobertaModel" };
        config["architectures"] = json!([class]);
    });
    folder.tensors(|tensors| {
        let (_, (dtype, shape, bytes)) =
            tensors.iter_mut().find(|(name, _)| name.ends_with("position_embeddings.weight")).unwrap();
        assert_eq!(*dtype, Dtype::F32);
        let rows = padding + 1;
        let junk: Vec<u8> = (0..rows * shape[1]).flat_map(|i| (i as f32).to_le_bytes()).collect();
        shape[0] += rows;
        *bytes = [junk, std::mem::take(bytes)].concat();
    });
    rename(folder, |name| {
        let name = name.trim_start_matches("bert.");
        let head = [("pooler.dense", "classifier.dense"), ("classifier", "classifier.out_proj")];
        match head.iter().find_map(|(old, new)| Some((new, name.strip_prefix(old)?))) {
            Some((new, rest)) => format!("{new}{rest}"),
            None => format!("roberta.{name}"),
        }
    });
}

/// The same network as DistilBERT has it, which must not use its token types.
fn as_distilbert(folder: &Folder) {
    folder.json("config.json", |config| {
        for (old, new) in [
            ("hidden_size", "dim"),
            ("num_attention_heads", "n_heads"),
            ("num_hidden_layers", "n_layers"),
            ("intermediate_size", "hidden_dim"),
            ("hidden_act", "activation"),
        ] {
            config[new] = config[old].take();
            config.as_object_mut().unwrap().remove(old);
        }
        config["model_type"] = "distilbert".into();
        config["architectures"] = json!(["DistilBertModel"]);
        for key in ["type_vocab_size", "layer_norm_eps"] {
            config.as_object_mut().unwrap().remove(key);
        }
    });
    folder.tensors(|tensors| {
        tensors.retain(|name, _| !name.contains("token_type") && !name.contains("pooler"))
    });
    let names = [
        ("encoder.layer", "transformer.layer"),
        ("attention.self.query", "attention.q_lin"),
        ("attention.self.key", "attention.k_lin"),
        ("attention.self.value", "attention.v_lin"),
        ("attention.output.dense", "attention.out_lin"),
        ("attention.output.LayerNorm", "sa_layer_norm"),
        ("intermediate.dense", "ffn.lin1"),
        ("output.dense", "ffn.lin2"),
        ("output.LayerNorm", "output_layer_norm"),
    ];
    rename(folder, |name| {
        let name = name.trim_start_matches("bert.");
        format!(
            "distilbert.{}",
            names.iter().fold(name.to_owned(), |name, (old, new)| name.replace(old, new))
        )
    });
}

fn model(folder: &Folder) -> Vec<u8> {
    let outcome = folder.quantize_with(&["--model-id", "same", "--pooling", "mean"]);
    outcome.encoder();
    outcome.bytes("model.onnx")
}

fn without_types(folder: &Folder) {
    folder.numbers("token_type_embeddings.weight", |numbers| numbers.fill(0.0));
}

#[test]
fn positions_of_roberta_begin_behind_the_padding() {
    for padding in [0, 1, 5] {
        let folder = Folder::small();
        let expected = model(&folder);
        as_roberta(&folder, "xlm-roberta", padding);
        assert!(model(&folder) == expected, "{padding}");
        folder.set("pad_token_id", padding + 1);
        assert!(model(&folder) != expected, "{padding}");
        folder.set("pad_token_id", 60);
        folder.quantize().refused(&["config.json", "max_position_embeddings is", "allowed: 62 to"]);
        folder.set("pad_token_id", 1 << 20);
        folder.quantize().refused(&["config.json", "pad_token_id is 1048576"]);
    }
    // The file may leave the family to the architecture, and the padding to its default.
    let folder = Folder::small();
    let expected = model(&folder);
    as_roberta(&folder, "xlm-roberta", 1);
    folder.json("config.json", |config| {
        config["model_type"].take();
        config["pad_token_id"].take();
    });
    assert!(model(&folder) == expected);
}

#[test]
fn the_head_of_roberta_is_that_of_bert() {
    let files = |o: &Outcome| ["model.onnx", "report.json"].map(|name| o.bytes(name));
    let folder = Folder::classifier();
    let expected = folder.quantize_with(&["--model-id", "same"]);
    as_roberta(&folder, "roberta", 1);
    let found = folder.quantize_with(&["--model-id", "same"]);
    found.encoder();
    assert_eq!(found.manifest()["labels"], expected.manifest()["labels"]);
    assert!(files(&found) == files(&expected));
}

/// A classifier without token types is calibrated with pairs, where its tokenizer gives none.
#[test]
fn pairs_without_token_types_are_pairs() {
    let folder = Folder::classifier();
    as_roberta(&folder, "xlm-roberta", 1);
    folder.set("type_vocab_size", 1);
    folder.tensors(|tensors| {
        let (_, shape, bytes) = tensors.get_mut("roberta.embeddings.token_type_embeddings.weight").unwrap();
        shape[0] = 1;
        bytes.truncate(32 * 4);
    });
    let alone = folder.quantize_with(&["--model-id", "same"]).bytes("model.onnx");
    folder.json("tokenizer.json", |tokenizer| {
        for element in tokenizer["post_processor"]["pair"].as_array_mut().unwrap() {
            let part = element.as_object_mut().unwrap().values_mut().next().unwrap();
            part["type_id"] = 0.into();
        }
    });
    let outcome = folder.quantize_with(&["--model-id", "same"]);
    outcome.encoder();
    assert!(outcome.bytes("model.onnx") != alone);
}

#[test]
fn distilbert_is_bert_without_token_types() {
    let folder = Folder::small();
    without_types(&folder);
    folder.set("layer_norm_eps", 1e-12);
    let expected = model(&folder);
    as_distilbert(&folder);
    assert!(model(&folder) == expected);
    folder.set("architectures", json!(["DistilBertForSequenceClassification"]));
    folder.quantize().refused(&["config.json", "architectures is", "ReLU", "encoder alone"]);
    folder.set("architectures", json!(["DistilBertForTokenClassification"]));
    folder.quantize().noted(&["architectures says DistilBertForTokenClassification"]);
    folder.set("dim", 30);
    folder.quantize().refused(&["config.json", "dim is 30"]);
    folder.set("dim", 32);
    folder.set("activation", "tanh");
    folder.quantize().refused(&["config.json", "activation is \"tanh\""]);
}

/// The rows of README.md: the types of a row, whether they are carried, and the remark.
fn rows() -> Vec<(Vec<String>, bool, String)> {
    let text = std::fs::read_to_string(workspace().join("README.md")).unwrap();
    let lines = text.lines().skip_while(|line| !line.starts_with("| `model_type` |")).skip(2);
    let rows = lines.take_while(|line| line.starts_with('|')).map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [types, carried, remark] = cells.as_slice() else { panic!("{line}") };
        let types = types.split(", ").map(|name| name.trim_matches('`').to_owned()).collect();
        assert!(["yes", "no"].contains(carried), "{line}");
        (types, *carried == "yes", (*remark).to_owned())
    });
    rows.collect()
}

#[test]
fn the_table_of_the_readme_is_true() {
    let mut carried = Vec::new();
    for (types, yes, remark) in rows() {
        for kind in types {
            let folder = Folder::small();
            match (yes, kind.as_str()) {
                (true, "bert") => folder.set("model_type", "bert"),
                (true, "distilbert") => as_distilbert(&folder),
                (true, _) => as_roberta(&folder, &kind, 1),
                (false, _) => folder.set("model_type", kind.as_str()),
            }
            let outcome = folder.quantize();
            if yes {
                outcome.encoder();
                carried.push(format!("\"{kind}\""));
            } else {
                outcome.refused(&["config.json", &format!("model_type is \"{kind}\""), &remark]);
            }
        }
    }
    let folder = Folder::small();
    folder.set("model_type", "unheard-of");
    let advice = format!("take a model of one of these types: {}", carried.join(", "));
    folder.quantize().refused(&["config.json", "model_type is \"unheard-of\"", &advice]);
}

#[test]
fn a_tensor_that_is_missing_has_the_name_of_its_family() {
    let folder = Folder::small();
    as_distilbert(&folder);
    folder.tensors(|tensors| {
        assert!(tensors.contains_key(&format!("distilbert.{WORDS}")));
        tensors.remove("distilbert.transformer.layer.0.ffn.lin1.weight").unwrap();
    });
    folder.quantize().refused(&["model.safetensors", "transformer.layer.0.ffn.lin1.weight"]);
}
