//! Folders as every version of sentence-transformers writes them, and their length limits.

use serde_json::{Value, json};

use super::Folder;
use super::outcome::workspace;

/// The Python modules of the three classes, in versions 2 to 5.3 and since version 5.4.
const OLD: [&str; 3] = [
    "sentence_transformers.models.Transformer",
    "sentence_transformers.models.Pooling",
    "sentence_transformers.models.Normalize",
];
const NEW: [&str; 3] = [
    "sentence_transformers.base.modules.transformer.Transformer",
    "sentence_transformers.sentence_transformer.modules.pooling.Pooling",
    "sentence_transformers.base.modules.normalize.Normalize",
];

/// `modules.json` of these classes and folders.
fn modules(folder: &Folder, modules: &[(&str, &str)]) {
    let entry = |(i, (kind, path)): (usize, &(&str, &str))| json!({"idx": i, "name": i.to_string(), "path": path, "type": kind});
    let entries: Vec<Value> = modules.iter().enumerate().map(entry).collect();
    folder.write("modules.json", serde_json::to_vec(&entries).unwrap());
}

/// The six truth values of the old spelling.
fn six(on: &[&str]) -> Value {
    let mut config = json!({"word_embedding_dimension": 32});
    for mode in
        ["cls_token", "mean_tokens", "max_tokens", "mean_sqrt_len_tokens", "weightedmean_tokens", "lasttoken"]
    {
        config[format!("pooling_mode_{mode}")] = json!(on.contains(&mode));
    }
    config
}

fn new(mode: Value) -> Value {
    json!({"embedding_dimension": 32, "pooling_mode": mode, "include_prompt": true})
}

/// A small model with this pooling, with or without `Normalize`.
fn with_pooling(config: &Value, normalize: bool) -> Folder {
    let folder = Folder::small();
    let three = [(OLD[0], ""), (OLD[1], "1_Pooling"), (OLD[2], "2_Normalize")];
    modules(&folder, if normalize { &three } else { &three[..2] });
    folder.write("1_Pooling/config.json", config.to_string());
    folder
}

fn pooling(folder: &Folder, arguments: &[&str]) -> String {
    let outcome = folder.quantize_with(arguments);
    outcome.encoder();
    outcome.manifest()["pooling"].as_str().unwrap().to_owned()
}

#[test]
fn pooling_is_read_in_both_spellings() {
    for (config, expected) in [
        (six(&["mean_tokens"]), "mean"),
        (six(&["cls_token"]), "cls"),
        // All off: the library takes the mean.
        (six(&[]), "mean"),
        (json!({"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false}), "cls"),
        (new(json!("mean")), "mean"),
        (new(json!("cls")), "cls"),
        (new(json!(["cls"])), "cls"),
        (six(&["max_tokens"]), "max"),
        (new(json!("max")), "max"),
        (six(&["weightedmean_tokens"]), "weightedmean"),
        (new(json!(["weightedmean"])), "weightedmean"),
        // The new spelling wins.
        (json!({"pooling_mode": "mean", "pooling_mode_cls_token": true}), "mean"),
    ] {
        let folder = with_pooling(&config, true);
        assert_eq!(pooling(&folder, &[]), expected, "{config}");
        assert_eq!(folder.quantize().notes(), [""; 0], "{config}");
    }
    // The square root of the length is a factor, which the scaling to length 1 removes.
    assert_eq!(pooling(&with_pooling(&six(&["mean_sqrt_len_tokens"]), true), &[]), "mean");
}

#[test]
fn other_poolings_are_refused_by_name() {
    for (config, words) in [
        (six(&["lasttoken"]), ["pooling_mode_lasttoken is true", "lasttoken"]),
        (six(&["mean_sqrt_len_tokens"]), ["pooling_mode_mean_sqrt_len_tokens is true", "mean_sqrt_len"]),
        (six(&["mean_tokens", "cls_token"]), ["several pooling modes", "cls, mean"]),
        (new(json!("lasttoken")), ["pooling_mode is \"lasttoken\"", "mean, cls"]),
        (new(json!(["mean", "max"])), ["several pooling modes", "mean, max"]),
        (new(json!(7)), ["pooling_mode is 7", "mean, cls"]),
        (json!({"pooling_mode_of_tomorrow": true}), ["pooling_mode_of_tomorrow is true", "mean, cls"]),
        (json!({}), ["no pooling mode", "mean, cls"]),
        (json!({"pooling_mode": "mean", "embedding_dimension": 64}), ["embedding_dimension is 64", "32"]),
        (json!([]), ["[] is no JSON object", "config.json"]),
    ] {
        let folder = with_pooling(&config, false);
        folder.quantize().refused(&["1_Pooling/config.json", words[0], words[1]]);
        assert_eq!(pooling(&folder, &["--pooling", "cls"]), "cls");
    }
    let folder = with_pooling(&new(json!("mean")), true);
    folder.write("1_Pooling/config.json", "no JSON");
    folder.quantize().refused(&["1_Pooling/config.json", "not JSON"]);
    assert_eq!(pooling(&folder, &["--pooling", "cls"]), "cls");
    folder.quantize_with(&["--pooling", "nonsense"]).refused_usage(&["nonsense", "mean", "cls"]);
}

#[test]
fn what_was_assumed_is_said() {
    let folder = Folder::small();
    folder.quantize().noted(&["there is no modules.json", "mean pooling is ASSUMED", "--pooling cls"]);
    assert_eq!(folder.quantize_with(&["--pooling", "mean"]).notes(), [""; 0]);
    modules(&folder, &[(OLD[0], "")]);
    folder.quantize().noted(&["modules.json has no Pooling", "mean pooling is ASSUMED"]);
    folder.remove("modules.json");
    folder.write("1_Pooling/config.json", six(&["cls_token"]).to_string());
    assert_eq!(pooling(&folder, &[]), "cls");
    folder.quantize().noted(&["there is no modules.json", "1_Pooling/config.json"]);
    folder.quantize_with(&["--pooling", "mean"]).noted(&["pooling is mean", "the checkpoint says cls"]);
}

/// The folders are those that `modules.json` names, in every version.
#[test]
fn modules_may_lie_anywhere() {
    let expected =
        Folder::small().quantize_with(&["--pooling", "cls", "--model-id", "same"]).bytes("model.onnx");
    for (first, rest, at) in [
        (OLD[0], OLD, "0_Transformer"),
        ("sentence_transformers.models.BERT", OLD, "0_BERT"),
        (NEW[0], NEW, "deep/er"),
    ] {
        let folder = Folder::small();
        for name in ["config.json", "model.safetensors", "tokenizer.json"] {
            folder.write(&format!("{at}/{name}"), folder.read(name));
            folder.remove(name);
        }
        modules(&folder, &[(first, at), (rest[1], "elsewhere"), (rest[2], "2_Normalize")]);
        folder.write("elsewhere/config.json", new(json!("cls")).to_string());
        // Of no module.
        folder.write("1_Pooling/config.json", six(&["lasttoken"]).to_string());
        assert!(folder.quantize_with(&["--model-id", "same"]).bytes("model.onnx") == expected, "{at}");
    }
}

#[test]
fn other_modules_are_refused_by_name() {
    let three = [(NEW[0], ""), (NEW[1], "1_Pooling"), (NEW[2], "2_Normalize")];
    for (index, entry, words) in [
        (
            2,
            ("sentence_transformers.models.LayerNorm", "2_LayerNorm"),
            ["[2].type is a LayerNorm", "carried"],
        ),
        (1, ("sentence_transformers.models.CNN", "1_CNN"), ["[1].type is a CNN", "carried"]),
        (1, ("sentence_transformers.models.WeightedLayerPooling", "1"), ["WeightedLayerPooling", "carried"]),
        (
            0,
            ("sentence_transformers.models.StaticEmbedding", ""),
            ["[0].type is a StaticEmbedding", "Transformer"],
        ),
        (1, (NEW[2], "1_Normalize"), ["[1].type is a Normalize", "in this order"]),
        (2, (NEW[1], "1_Pooling"), ["[2].type is a Pooling", "in this order"]),
        (
            0,
            ("custom_st.Transformer", ""),
            ["[0].type is \"custom_st.Transformer\"", "code of the model's own"],
        ),
        (1, (NEW[1], "../1_Pooling"), ["[1].path is \"../1_Pooling\"", "inside"]),
        (1, (NEW[1], "/1_Pooling"), ["[1].path is \"/1_Pooling\"", "inside"]),
    ] {
        let folder = with_pooling(&new(json!("mean")), true);
        let mut list = three;
        list[index] = entry;
        modules(&folder, &list);
        folder.quantize().refused(&["modules.json", words[0], words[1]]);
    }
    let folder = with_pooling(&new(json!("mean")), true);
    for (text, word) in
        [("{}", "no array"), ("[]", "no module"), ("[{}]", "[0].type is missing"), ("x", "not JSON")]
    {
        folder.write("modules.json", text);
        folder.quantize().refused(&["modules.json", word]);
    }
    modules(&folder, &[three[0], three[1], ("sentence_transformers.models.Dropout", "2_Dropout"), three[2]]);
    folder.quantize().encoder();
    folder.write("2_Normalize/config.json", r#"{"module_input_name": "token_embeddings"}"#);
    folder.quantize().refused(&["2_Normalize/config.json", "module_input_name is \"token_embeddings\""]);
}

/// The rows of README.md say which modules are carried.
#[test]
fn the_table_of_modules_is_true() {
    let text = std::fs::read_to_string(workspace().join("README.md")).unwrap();
    let lines = text.lines().skip_while(|line| !line.starts_with("| module of sentence-transformers |"));
    let mut seen = 0;
    for line in lines.skip(2).take_while(|line| line.starts_with('|')) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        for name in cells[0].split(", ").map(|name| name.trim_matches('`')) {
            seen += 1;
            let folder = with_pooling(&new(json!("mean")), true);
            let class = format!("sentence_transformers.models.{name}");
            let at = match name {
                "Transformer" => 0,
                "Pooling" => 1,
                _ => 2,
            };
            let mut list = [(OLD[0], ""), (OLD[1], "1_Pooling"), (OLD[2], "3_Normalize")];
            list[at] = (&class, if at == 2 { "2_Module" } else { list[at].1 });
            modules(&folder, &list);
            let outcome = folder.quantize();
            match (cells[1], name) {
                // Its folder is not there, but it is read.
                ("yes", "Dense") => outcome.refused(&["2_Module/config.json"]),
                ("yes", _) => drop(outcome.encoder()),
                ("no", _) => outcome.refused(&[&format!("[2].type is a {name}"), "carried: "]),
                (other, _) => panic!("{other:?} in {line}"),
            }
        }
    }
    assert!(seen > 8, "{seen} modules");
}

#[test]
fn the_length_limit_is_that_of_the_checkpoint() {
    let folder = Folder::small();
    let limit = |arguments: &[&str]| folder.quantize_with(arguments).manifest()["max_input_length"].clone();
    assert_eq!(limit(&[]), 40);
    for (length, expected) in
        [("30", 30), ("512", 40), ("1e30", 40), ("1000000000000000019884624838656", 40), ("null", 40)]
    {
        folder.write("tokenizer_config.json", format!("{{\"model_max_length\": {length}}}"));
        assert_eq!(limit(&[]), expected, "{length}");
    }
    // The library's own file goes first, and its old names count.
    for name in ["sentence_xlnet_config.json", "sentence_roberta_config.json", "sentence_bert_config.json"] {
        folder.write(name, r#"{"max_seq_length": 20, "do_lower_case": false}"#);
        assert_eq!(limit(&[]), 20, "{name}");
        folder.write(name, "{}");
    }
    folder.write(
        "sentence_bert_config.json",
        r#"{"max_seq_length": null, "tokenizer_args": {"model_max_length": 25}}"#,
    );
    assert_eq!(limit(&[]), 25);
    folder.write("sentence_bert_config.json", r#"{"max_seq_length": 64}"#);
    folder.quantize().noted(&["max_seq_length is 64", "40 positions"]);
    assert_eq!(limit(&["--max-input-length", "40"]), 40);
    folder.write("sentence_bert_config.json", r#"{"max_seq_length": 20}"#);
    let chosen = folder.quantize_with(&["--max-input-length", "35", "--model-id", "same"]);
    chosen.noted(&["at most 35 tokens", "--max-input-length", "the checkpoint says 20"]);
    let tokenizer: Value = serde_json::from_slice(&chosen.bytes("tokenizer.json")).unwrap();
    assert_eq!(tokenizer["truncation"]["max_length"], 35);
    // The limit is no part of the integers.
    assert!(folder.quantize_with(&["--model-id", "same"]).bytes("model.onnx") == chosen.bytes("model.onnx"));
    for (wrong, allowed) in [("41", "4 to 40"), ("3", "4 to 40"), ("0", "4 to 40")] {
        folder.quantize_with(&["--max-input-length", wrong]).refused(&["--max-input-length", wrong, allowed]);
    }
    folder.write("sentence_bert_config.json", "{}");
    folder.write("tokenizer_config.json", r#"{"model_max_length": 0}"#);
    folder.quantize().refused(&["tokenizer_config.json", "model_max_length is 0"]);
}

/// What version 6 of the library writes for an ordinary model, and settings that are none.
#[test]
fn settings_of_the_transformer_are_carried_or_refused() {
    let folder = Folder::small();
    let write = |change: Value| {
        let mut all = json!({
            "transformer_task": "feature-extraction",
            "modality_config": {"text": {"method": "forward", "method_output_name": "last_hidden_state"}},
            "module_output_name": "token_embeddings",
        });
        all.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        folder.write("sentence_bert_config.json", all.to_string());
        folder.quantize()
    };
    for harmless in [
        json!({}),
        json!({"unpad_inputs": false, "processing_kwargs": {}, "query_length": null}),
        json!({"model_args": {"add_pooling_layer": false, "torch_dtype": "float16", "trust_remote_code": true}}),
    ] {
        write(harmless).encoder();
    }
    for (change, words) in [
        (json!({"transformer_task": "fill-mask"}), "transformer_task is \"fill-mask\""),
        (json!({"module_output_name": "sentence_embedding"}), "module_output_name is \"sentence_embedding\""),
        (
            json!({"modality_config": {"text": {"method_output_name": "pooler_output"}}}),
            "is \"pooler_output\"",
        ),
        (json!({"processing_kwargs": {"text": {"max_length": 8}}}), "processing_kwargs is {"),
        (json!({"query_length": 32}), "query_length is 32"),
        (json!({"tokenizer_args": {"padding_side": "left"}}), "padding_side is not carried"),
        (json!({"max_seq_length": "20"}), "max_seq_length is \"20\""),
    ] {
        write(change).refused(&["sentence_bert_config.json", words]);
    }
}

#[test]
fn prompts_are_carried() {
    let folder = Folder::small();
    let write = |value: &Value| folder.write("config_sentence_transformers.json", value.to_string());
    // As version 6 writes it for a model without prompts.
    write(&json!({"model_type": "SentenceTransformer", "prompts": {"query": "", "document": ""},
        "default_prompt_name": null, "similarity_fn_name": "cosine", "__version__": {}}));
    let manifest = folder.quantize().manifest();
    assert_eq!((manifest.get("prompts"), manifest.get("default_prompt")), (None, None));
    write(&json!({"prompts": {"query": "query: ", "document": ""}, "default_prompt_name": "query"}));
    let manifest = folder.quantize().manifest();
    assert_eq!(manifest["prompts"], json!({"query": "query: ", "document": ""}));
    assert_eq!(manifest["default_prompt"], "query");
    for (value, words) in [
        (json!({"model_type": "SparseEncoder"}), "model_type is \"SparseEncoder\""),
        (json!({"prompts": {"query": 1}}), "query is 1"),
        (json!({"prompts": {"a": "b"}, "default_prompt_name": "c"}), "default_prompt_name is \"c\""),
    ] {
        write(&value);
        folder.quantize().refused(&["config_sentence_transformers.json", words]);
    }
    write(&json!({"similarity_fn_name": "dot"}));
    folder.quantize().noted(&["similarity_fn_name is \"dot\"", "cosine"]);
    // A pooling that leaves the prompt out.
    let folder = with_pooling(
        &json!({"embedding_dimension": 32, "pooling_mode": "mean", "include_prompt": false}),
        true,
    );
    folder.quantize().encoder();
    folder.write("config_sentence_transformers.json", r#"{"prompts": {"query": "query: "}}"#);
    folder.quantize().refused(&["1_Pooling/config.json", "include_prompt is false"]);
    let folder = Folder::classifier();
    folder.write("config_sentence_transformers.json", r#"{"prompts": {"query": "query: "}}"#);
    folder.quantize().refused(&["config_sentence_transformers.json", "prompts is {", "classifier"]);
}
