//! `config.json` as transformers takes it: what is another network is refused, what is none is not.

use serde_json::{Value, json};

use super::Folder;
use super::agreement::mean_cosine;

#[test]
fn keys_that_change_nothing_change_nothing() {
    let folder = Folder::small();
    let expected = folder.quantize_with(&["--model-id", "same"]).bytes("model.onnx");
    let same = |what: &str| {
        let outcome = folder.quantize_with(&["--model-id", "same"]);
        outcome.encoder();
        assert!(outcome.bytes("model.onnx") == expected, "{what}");
    };
    folder.json("config.json", |config| {
        let more = json!({
            "is_decoder": false, "add_cross_attention": false, "position_embedding_type": null,
            "model_type": null, "pruned_heads": {}, "chunk_size_feed_forward": 4, "use_cache": false,
            "quantization_config": null, "auto_map": {"AutoConfig": "configuration.BertConfig"},
            "torch_dtype": "float16", "dtype": null, "hidden_dropout_prob": 0.5, "pad_token_id": null,
            "classifier_dropout": null, "tie_word_embeddings": true, "gradient_checkpointing": false,
            "output_hidden_states": true, "id2label": null, "label2id": null, "num_labels": null,
            "layer_norm_eps": null, "type_vocab_size": null, "hidden_act": null, "architectures": null,
            "_name_or_path": null,
        });
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    });
    same("null is absent");
    folder.write("config.json", [b"\xef\xbb\xbf".as_slice(), &folder.read("config.json")].concat());
    same("a byte order mark");
    for act in ["gelu", "gelu_python"] {
        let text = String::from_utf8(folder.read("config.json")).unwrap();
        folder.write("config.json", text.trim_start_matches('\u{feff}'));
        folder.set("hidden_act", act);
        same(act);
    }
}

/// The names of one function give one model.
#[test]
fn activations_have_several_names() {
    let folder = Folder::small();
    let model = |act: &str| {
        folder.set("hidden_act", act);
        folder.quantize_with(&["--model-id", "same"]).bytes("model.onnx")
    };
    let expected = model("gelu_new");
    for act in ["gelu_fast", "gelu_accurate", "gelu_pytorch_tanh", "gelu_python_tanh"] {
        assert!(model(act) == expected, "{act}");
    }
    assert!(model("gelu") != expected);
    for act in ["gelu_10", "quick_gelu", "silu", "tanh", "relu2", "GELU"] {
        folder.set("hidden_act", act);
        folder.quantize().refused(&["config.json", &format!("hidden_act is \"{act}\""), "gelu"]);
    }
}

/// The integers have no epsilon; a large one makes the gains smaller.
#[test]
fn a_large_epsilon_is_carried_or_refused() {
    let folder = Folder::small();
    let encoder = |epsilon: f64| {
        folder.set("layer_norm_eps", epsilon);
        folder.quantize_with(&["--pooling", "mean"]).encoder()
    };
    let small = encoder(1e-5);
    assert!(mean_cosine(&folder, &small) > 0.999);
    for epsilon in [1e-3, 0.1] {
        folder.set("layer_norm_eps", epsilon);
        folder.quantize().refused(&[&format!("LayerNorm: layer_norm_eps is {epsilon}"), "variances"]);
    }
}

#[test]
fn other_networks_are_refused() {
    let cases: [(&str, Value, &str); 10] = [
        ("is_decoder", json!(true), "is_decoder is true"),
        ("add_cross_attention", json!(true), "add_cross_attention is true"),
        (
            "position_embedding_type",
            json!("relative_key_query"),
            "position_embedding_type is \"relative_key_query\"",
        ),
        ("pruned_heads", json!({"0": [1]}), "pruned_heads is {\"0\":[1]}"),
        ("quantization_config", json!({"quant_method": "gptq"}), "quantization_config is {"),
        ("auto_map", json!({"AutoModel": "modeling.JinaBertModel"}), "auto_map is {\"AutoModel\""),
        ("model_type", json!("gpt2"), "model_type is \"gpt2\""),
        ("is_decoder", json!("yes"), "is_decoder is \"yes\""),
        ("architectures", json!("BertModel"), "architectures is \"BertModel\""),
        ("layer_norm_eps", json!("1e-12"), "layer_norm_eps is \"1e-12\""),
    ];
    for (key, value, words) in cases {
        let folder = Folder::small();
        folder.set(key, value);
        folder.quantize().refused(&["config.json", words]);
    }
}

#[test]
fn labels_are_named_as_transformers_names_them() {
    let folder = Folder::classifier();
    let labels = |names: Value, count: Value| {
        folder.set("id2label", names);
        folder.set("num_labels", count);
        folder.quantize().manifest()["labels"].clone()
    };
    let plain = json!(["LABEL_0", "LABEL_1", "LABEL_2"]);
    assert_eq!(labels(json!({"0": "a", "1": "b", "2": "c"}), Value::Null), json!(["a", "b", "c"]));
    assert_eq!(labels(json!({"2": 2, "1": 1, "0": 0}), Value::Null), json!(["0", "1", "2"]));
    assert_eq!(labels(Value::Null, json!(3)), plain);
    // A number of labels that the names contradict wins.
    assert_eq!(labels(json!({"0": "a"}), json!(3)), plain);
}

#[test]
fn the_scores_of_labels_are_those_of_the_problem_type() {
    let folder = Folder::classifier();
    for (stated, carried) in [
        (Value::Null, Value::Null),
        (json!("single_label_classification"), json!("softmax")),
        (json!("multi_label_classification"), json!("sigmoid")),
        (json!("regression"), json!("logits")),
    ] {
        folder.set("problem_type", stated.clone());
        assert_eq!(folder.quantize().manifest()["label_scores"], carried, "{stated}");
    }
    folder.set("problem_type", "ranking");
    folder.quantize().refused(&["config.json", "problem_type", "ranking", "multi_label_classification"]);
}

#[test]
fn a_head_that_is_left_out_is_named() {
    let folder = Folder::small();
    folder.set("architectures", json!(["BertForTokenClassification"]));
    folder.quantize().noted(&["BertForTokenClassification", "left out"]);
    for name in ["BertForMaskedLM", "BertForPreTraining", "BertModel"] {
        folder.set("architectures", json!([name]));
        let outcome = folder.quantize();
        assert!(outcome.notes().iter().all(|note| !note.contains("head")), "{}", outcome.stderr);
    }
}
