//! `quantize` on whole checkpoint folders: shapes, sources of weights, pooling.
//! `checkpoint_folders/` has the tests of damaged folders and of extreme weights.
#![allow(clippy::unwrap_used)]

mod checkpoint_folders;

use checkpoint_folders::agreement::{logit_error, mean_cosine};
use checkpoint_folders::{Folder, Outcome, run};
use safetensors::tensor::Dtype;

const EMBEDDERS: [&[&str]; 10] = [
    &[],
    &["--dtype", "f32"],
    &["--hidden", "96", "--heads", "3", "--layers", "3"],
    &["--hidden", "312", "--heads", "12", "--layers", "1"],
    &["--hidden", "32", "--heads", "1", "--intermediate", "32"],
    &["--hidden", "128", "--heads", "1", "--intermediate", "512", "--seed", "2"],
    &["--act", "gelu_new", "--positions", "16"],
    &["--act", "gelu_pytorch_tanh", "--intermediate", "100"],
    &["--act", "relu", "--positions", "512"],
    &["--hidden", "66", "--heads", "33", "--layers", "1", "--positions", "2"],
];

#[test]
fn embedders_of_many_shapes_agree_with_the_teacher() {
    for arguments in EMBEDDERS {
        let folder = Folder::made(arguments);
        let outcome = folder.quantize();
        let cosine = mean_cosine(&folder, &outcome.encoder());
        assert!(cosine > 0.999, "{arguments:?}: {cosine}");
    }
}

#[test]
fn classifiers_agree_with_the_teacher() {
    for arguments in
        [&["--labels", "3"][..], &["--labels", "1", "--dtype", "f32"], &["--labels", "2", "--act", "relu"]]
    {
        let folder = Folder::made(arguments);
        let outcome = folder.quantize();
        let error = logit_error(&folder, &outcome);
        assert!(error < 0.2, "{arguments:?}: {error}");
    }
}

/// With one token type, the calibration uses no pairs.
#[test]
fn a_classifier_may_have_one_token_type() {
    let folder = Folder::classifier();
    folder.set("type_vocab_size", 1);
    folder.tensors(|tensors| {
        let (_, shape, bytes) = tensors.get_mut("bert.embeddings.token_type_embeddings.weight").unwrap();
        shape[0] = 1;
        bytes.truncate(32 * 4);
    });
    folder.quantize().encoder();
}

/// The measures of agreement notice a model with other weights.
#[test]
fn the_measures_see_other_weights() {
    let folder = Folder::small();
    let other = Folder::small();
    other.numbers("layer.0.attention.output.dense.weight", |w| w.iter_mut().for_each(|w| *w = -*w));
    let cosine = mean_cosine(&folder, &other.quantize().encoder());
    assert!(cosine < 0.98, "{cosine}");
    let folder = Folder::classifier();
    let other = Folder::classifier();
    other.numbers("classifier.weight", |w| w.reverse());
    let error = logit_error(&folder, &other.quantize());
    assert!(error > 0.5, "{error}");
}

#[test]
fn the_built_in_calibration_text_serves() {
    let folder = Folder::small();
    let outcome = run(folder.path("").to_str().unwrap(), &[]);
    assert!(outcome.stdout.contains("worst layer: "), "{}", outcome.stdout);
    let cosine = mean_cosine(&folder, &outcome.encoder());
    assert!(cosine > 0.99, "{cosine}");
}

#[test]
fn an_fp32_onnx_file_gives_the_bytes_of_its_checkpoint() {
    for arguments in [&[][..], &["--labels", "3", "--layers", "1"], &["--dtype", "f32", "--act", "gelu_new"]]
    {
        let folder = Folder::made(arguments);
        let expected = folder.quantize_with(&["--model-id", "same"]);
        let exported = folder.exported();
        let found = exported.quantize_with(&["--model-id", "same"]);
        let files = |o: &Outcome| ["model.onnx", "lockstep.json", "report.json"].map(|name| o.bytes(name));
        found.encoder();
        assert!(files(&found) == files(&expected), "{arguments:?}");
    }
}

#[test]
fn an_onnx_file_may_be_in_its_own_folder() {
    let exported = Folder::small().exported();
    let expected = exported.quantize_with(&["--model-id", "same"]);
    exported.write("onnx/model.onnx", exported.read("model.onnx"));
    exported.remove("model.onnx");
    assert!(
        exported.quantize_with(&["--model-id", "same"]).bytes("model.onnx") == expected.bytes("model.onnx")
    );
}

#[test]
fn onnx_files_that_do_not_serve_are_refused() {
    let folder = Folder::small().exported();
    let whole = folder.read("model.onnx");
    for length in [0, 1, 100, whole.len() / 2, whole.len() - 8, whole.len() - 1] {
        folder.write("model.onnx", &whole[..length]);
        folder.quantize().refused(&["model.onnx", "ONNX"]);
    }
    folder.write("model.onnx", b"<!DOCTYPE html>");
    folder.quantize().refused(&["model.onnx", "ONNX"]);
    let quantised = Folder::small().quantize();
    folder.write("model.onnx", quantised.bytes("model.onnx"));
    folder.quantize().refused(&["model.onnx", "domain lockstep", "fp32"]);
}

#[test]
fn weights_that_f16_and_bf16_hold_exactly_give_the_same_model() {
    let folder = Folder::made(&["--layers", "1"]);
    let halves = folder.quantize_with(&["--model-id", "same"]).bytes("model.onnx");
    folder.tensors(|tensors| {
        for (dtype, _, bytes) in tensors.values_mut() {
            let pairs = bytes.chunks_exact(2).map(|b| half::f16::from_le_bytes([b[0], b[1]]).to_f32());
            *bytes = pairs.flat_map(f32::to_le_bytes).collect();
            *dtype = Dtype::F32;
        }
    });
    assert!(folder.quantize_with(&["--model-id", "same"]).bytes("model.onnx") == halves);
    folder.tensors(|tensors| {
        for (dtype, _, bytes) in tensors.values_mut() {
            *bytes = bytes.chunks_exact(4).flat_map(|b| [b[2], b[3]]).collect();
            *dtype = Dtype::BF16;
        }
    });
    let cosine = mean_cosine(&folder, &folder.quantize().encoder());
    assert!(cosine > 0.99, "{cosine}");
}

#[test]
fn old_and_prefixed_names_are_known() {
    let folder = Folder::small();
    let expected = folder.quantize_with(&["--model-id", "same"]);
    folder.tensors(|tensors| {
        let old = |n: String| {
            n.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")
        };
        *tensors =
            std::mem::take(tensors).into_iter().map(|(n, t)| (format!("bert.{}", old(n)), t)).collect();
        tensors.insert("bert.embeddings.position_ids".into(), (Dtype::I64, vec![1, 1], vec![0; 8]));
    });
    assert!(
        folder.quantize_with(&["--model-id", "same"]).bytes("model.onnx") == expected.bytes("model.onnx")
    );
}

#[test]
fn quantizing_twice_gives_the_same_bytes() {
    for folder in [Folder::made(&["--hidden", "96", "--heads", "3"]), Folder::classifier()] {
        let (a, b) = (folder.quantize(), folder.quantize());
        a.encoder();
        for name in ["model.onnx", "tokenizer.json", "lockstep.json", "report.json"] {
            assert!(a.bytes(name) == b.bytes(name), "{name}");
        }
    }
}

#[test]
fn the_model_is_named_by_the_command_or_the_folder() {
    let folder = Folder::small();
    let name = |arguments: &[&str]| {
        folder.quantize_with(arguments).manifest()["model_id"].as_str().unwrap().to_owned()
    };
    assert_eq!(name(&["--model-id", "mine"]), "mine");
    assert_eq!(name(&[]), folder.path("").file_name().unwrap().to_str().unwrap());
}
