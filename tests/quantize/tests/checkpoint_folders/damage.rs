//! Checkpoints with one thing wrong: each is refused, and the message names it.

use std::process::Command;

use safetensors::tensor::Dtype;
use serde_json::{Value, json};

use super::{Folder, program, run};

/// One thing that is done to a checkpoint, and what the refusal must say.
type Damage = (fn(&Folder), &'static [&'static str]);

fn all_refused(whole: fn() -> Folder, damages: &[Damage]) {
    for (damage, words) in damages {
        let folder = whole();
        damage(&folder);
        folder.quantize().refused(words);
    }
}

#[test]
fn missing_files_are_named() {
    run("/nowhere/at/all", &[]).refused(&["/nowhere/at/all/config.json"]);
    all_refused(
        Folder::small,
        &[
            (|f| f.remove("config.json"), &["config.json"]),
            (
                |f| {
                    f.remove("tokenizer.json");
                    f.remove("vocab.txt");
                },
                &["tokenizer.json"],
            ),
            (|f| f.remove("model.safetensors"), &["no weights", "model.safetensors", "model.onnx"]),
            (|f| f.remove("calibration.text"), &["calibration.text"]),
        ],
    );
    run(Folder::small().path("config.json").to_str().unwrap(), &[]).refused(&["config.json"]);
}

#[test]
fn fields_of_the_configuration_are_named_with_their_values() {
    all_refused(
        Folder::small,
        &[
            (|f| f.write("config.json", "{"), &["config.json"]),
            (|f| f.write("config.json", b"\xff\xfe"), &["config.json"]),
            (|f| f.write("config.json", "[]"), &["config.json"]),
            (
                |f| f.json("config.json", |c| drop(c.as_object_mut().unwrap().remove("hidden_size"))),
                &["hidden_size"],
            ),
            (|f| f.set("hidden_size", "32"), &["config.json", "32"]),
            (|f| f.set("hidden_size", -32), &["config.json", "-32"]),
            (|f| f.set("hidden_size", 30), &["hidden_size is 30", "32 to 1024"]),
            (|f| f.set("hidden_size", 2048), &["hidden_size is 2048", "32 to 1024"]),
            (|f| f.set("hidden_size", 33), &["hidden_size is 33", "even"]),
            (|f| f.set("intermediate_size", 5000), &["intermediate_size is 5000"]),
            (|f| f.set("intermediate_size", 65), &["intermediate_size is 65", "even"]),
            (|f| f.set("num_attention_heads", 5), &["hidden_size 32", "num_attention_heads 5"]),
            (|f| f.set("max_position_embeddings", 1), &["a limit of 1 tokens"]),
            (|f| f.set("num_attention_heads", 0), &["num_attention_heads is 0"]),
            (|f| f.set("num_hidden_layers", 0), &["num_hidden_layers is 0"]),
            (|f| f.set("num_hidden_layers", 3), &["encoder.layer.2.attention.self.query.weight is missing"]),
            (|f| f.set("max_position_embeddings", 0), &["max_position_embeddings is 0"]),
            (
                |f| f.set("max_position_embeddings", 41),
                &["position_embeddings.weight", "[40, 32]", "[41, 32]"],
            ),
            (|f| f.set("type_vocab_size", 17), &["type_vocab_size is 17"]),
            (|f| f.set("vocab_size", 0), &["vocab_size is 0"]),
            (|f| f.set("vocab_size", u64::MAX), &["vocab_size is 18446744073709551615"]),
            (|f| f.set("hidden_act", "swish"), &["hidden_act is \"swish\"", "gelu"]),
            (|f| f.set("model_type", "mpnet"), &["model_type is \"mpnet\"", "bert"]),
            (
                |f| f.set("position_embedding_type", "relative_key"),
                &["position_embedding_type is \"relative_key\"", "absolute"],
            ),
            (|f| f.set("layer_norm_eps", 0.5), &["layer_norm_eps is 0.5"]),
            (|f| f.set("layer_norm_eps", -1e-12), &["layer_norm_eps is -1e-12"]),
        ],
    );
    all_refused(
        Folder::classifier,
        &[
            (|f| f.set("id2label", json!({"0": "a", "2": "b"})), &["id2label has no entry 1"]),
            (|f| f.set("id2label", json!({})), &["number of labels is 0"]),
            (|f| f.set("id2label", json!({"0": "a"})), &["classifier.weight", "[3, 32]", "[1, 32]"]),
            (
                |f| {
                    f.set("id2label", Value::Null);
                    f.set("num_labels", u64::MAX);
                },
                &["number of labels is 18446744073709551615"],
            ),
            (|f| f.set("type_vocab_size", 1), &["token_type_embeddings.weight", "[2, 32]", "[1, 32]"]),
        ],
    );
}

#[test]
fn tensors_are_named() {
    const QUERY: &str = "encoder.layer.1.attention.self.query.weight";
    all_refused(
        Folder::small,
        &[
            (|f| f.tensors(|t| drop(t.remove(QUERY))), &["tensor", QUERY, "missing"]),
            (
                |f| f.tensors(|t| drop(t.remove("embeddings.LayerNorm.bias"))),
                &["embeddings.LayerNorm.bias", "missing"],
            ),
            (|f| f.tensors(|t| t.get_mut(QUERY).unwrap().1 = vec![16, 64]), &[QUERY, "[16, 64]", "[32, 32]"]),
            (|f| f.tensors(|t| t.get_mut(QUERY).unwrap().1 = vec![1024]), &[QUERY, "[1024]", "[32, 32]"]),
            (
                |f| f.tensors(|t| drop(t.insert(QUERY.into(), (Dtype::F32, vec![], vec![0; 4])))),
                &[QUERY, "[]", "[32, 32]"],
            ),
            (|f| f.numbers(QUERY, |w| w[7] = f32::NAN), &[QUERY, "element 7 is NaN"]),
            (|f| f.numbers(QUERY, |w| w[1023] = f32::NEG_INFINITY), &[QUERY, "element 1023 is -inf"]),
            (
                |f| f.numbers("word_embeddings.weight", |w| w[0] = f32::INFINITY),
                &["word_embeddings.weight", "inf"],
            ),
            (|f| f.tensors(|t| t.get_mut(QUERY).unwrap().0 = Dtype::I32), &[QUERY, "I32", "F16"]),
            (|f| f.tensors(|t| t.get_mut(QUERY).unwrap().0 = Dtype::U32), &[QUERY, "U32", "F16"]),
            (
                |f| f.tensors(|t| drop(t.insert(QUERY.into(), (Dtype::I8, vec![32, 32], vec![1; 1024])))),
                &[QUERY, "I8", "F16"],
            ),
        ],
    );
}

#[test]
fn a_damaged_safetensors_file_is_refused() {
    let folder = Folder::small();
    let whole = folder.read("model.safetensors");
    for length in [0, 1, 7, 8, 9, 500, 4000, whole.len() / 2, whole.len() - 4, whole.len() - 1] {
        folder.write("model.safetensors", &whole[..length]);
        folder.quantize().refused(&["model.safetensors", "not a safetensors file"]);
    }
    let huge_header = [&u64::MAX.to_le_bytes()[..], b"{}"].concat();
    for bytes in [&[whole.as_slice(), b"more"].concat(), &huge_header, &b"version https://git-lfs".to_vec()] {
        folder.write("model.safetensors", bytes);
        folder.quantize().refused(&["model.safetensors", "not a safetensors file"]);
    }
}

#[test]
fn a_tokenizer_of_another_model_is_refused() {
    fn more_words(folder: &Folder, count: usize) {
        folder.json("tokenizer.json", |t| {
            let words = t["model"]["vocab"].as_object_mut().unwrap();
            (0..count).for_each(|i| drop(words.insert(format!("more{i}"), words.len().into())));
        });
    }
    fn fewer_words(folder: &Folder, count: u64) {
        folder.json("tokenizer.json", |t| {
            t["model"]["vocab"].as_object_mut().unwrap().retain(|_, id| id.as_u64().unwrap() < 400 - count);
        });
    }
    all_refused(
        Folder::small,
        &[
            (|f| more_words(f, 1), &["tokenizer.json has 401 tokens", "vocab_size 400"]),
            (
                |f| f.json("tokenizer.json", |t| t["model"]["type"] = "BPE".into()),
                &["tokenizer.json", "model", "BPE"],
            ),
            (|f| f.write("tokenizer.json", "{}"), &["tokenizer.json: missing field"]),
            (|f| f.write("tokenizer.json", ""), &["tokenizer.json"]),
            (
                |f| {
                    f.json("tokenizer.json", |t| {
                        t["post_processor"]["single"][0]["SpecialToken"]["type_id"] = 2.into()
                    })
                },
                &["token type 2", "type_vocab_size 2"],
            ),
        ],
    );
    // A word table may have rows that no token uses, but not silently.
    let folder = Folder::small();
    fewer_words(&folder, 200);
    let outcome = folder.quantize();
    outcome.encoder();
    outcome.noted(&["the word table has 400 rows, 200 of them"]);
}

#[test]
fn calibration_without_use_is_refused() {
    all_refused(
        Folder::small,
        &[
            (|f| f.write("calibration.text", ""), &["calibration"]),
            (|f| f.write("calibration.text", "\n  \n# only a remark\n"), &["calibration"]),
            (|f| f.write("calibration.text", b"caf\xe9"), &["calibration.text", "UTF-8"]),
        ],
    );
    let folder = Folder::small();
    folder.write("calibration.text", "one passage is little, but it serves");
    folder.quantize().encoder();
}

#[test]
fn an_output_that_cannot_be_written_is_named() {
    let folder = Folder::small();
    let file = folder.path("calibration.text");
    folder.quantize_with(&["--calibration", file.to_str().unwrap()]).encoder();
    for out in [file.clone(), file.join("below")] {
        folder.quantize_to(&out).refused(&["cannot write", "calibration.text"]);
    }
    // The manifest of an older model does not stay beside files of which it knows nothing.
    let out = folder.path("out");
    folder.quantize_to(&out);
    assert!(out.join("lockstep.json").exists());
    std::fs::remove_file(out.join("report.json")).unwrap();
    std::fs::create_dir(out.join("report.json")).unwrap();
    folder.quantize_to(&out).refused(&["cannot write", "report.json"]);
    assert!(!out.join("lockstep.json").exists());
}

#[test]
fn wrong_usage_is_explained() {
    let run = Command::new(program()).output().unwrap();
    assert_eq!(run.status.code(), Some(2));
    let text = String::from_utf8(run.stderr).unwrap();
    assert!(text.contains("<CHECKPOINT>") && text.contains("--out") && !text.contains("panicked"), "{text}");
}

/// A check that cannot fail proves nothing.
#[test]
fn the_check_of_refusals_sees_a_success() {
    let folder = Folder::small();
    assert!(folder.quantize().refusal().unwrap_err().starts_with("not refused"));
    folder.remove("config.json");
    assert!(folder.quantize().refusal().is_ok());
}
