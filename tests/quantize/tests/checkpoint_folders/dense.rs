//! `Dense` modules of sentence-transformers behind the pooling.

use lockstep_arith::sample::Random;
use safetensors::serialize;
use safetensors::tensor::{Dtype, TensorView};
use serde_json::{Value, json};

use super::Folder;
use super::agreement::{greatest_difference, mean_cosine};

const TANH: &str = "torch.nn.modules.activation.Tanh";
const IDENTITY: &str = "torch.nn.modules.linear.Identity";

/// A `Dense` module as the library saves it.
#[derive(Clone, Copy)]
struct Module {
    inputs: usize,
    outputs: usize,
    activation: &'static str,
    bias: bool,
}

impl Module {
    const fn new(inputs: usize, outputs: usize, activation: &'static str) -> Self {
        Self { inputs, outputs, activation, bias: true }
    }

    fn config(self) -> Value {
        json!({"in_features": self.inputs, "out_features": self.outputs, "bias": self.bias,
            "activation_function": self.activation})
    }

    /// Random weights of a spread with which a `tanh` bends.
    fn write(self, folder: &Folder, at: &str, seed: u64) {
        folder.write(&format!("{at}/config.json"), self.config().to_string());
        let mut random = Random::new(seed);
        let mut numbers = |count: usize, most: f32| -> Vec<u8> {
            let number = |_| random.within(-1000, 1000) as f32 / 1000.0 * most;
            (0..count).map(number).flat_map(f32::to_le_bytes).collect()
        };
        let weight = numbers(self.outputs * self.inputs, 3.0 / (self.inputs as f32).sqrt());
        let bias = numbers(self.outputs, 0.3);
        let (outputs, inputs) = (self.outputs, self.inputs);
        let mut tensors = vec![("linear.weight", vec![outputs, inputs], weight)];
        tensors.extend(self.bias.then(|| ("linear.bias", vec![outputs], bias)));
        save(folder, at, &tensors);
    }
}

fn save(folder: &Folder, at: &str, tensors: &[(&str, Vec<usize>, Vec<u8>)]) {
    let view = |shape: &Vec<usize>, bytes| TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap();
    let views = tensors.iter().map(|(name, shape, bytes)| (*name, view(shape, bytes)));
    folder.write(&format!("{at}/model.safetensors"), serialize(views, None).unwrap());
}

/// `modules.json` with a transformer, a pooling, and the modules of these classes.
fn list(folder: &Folder, pooling: &str, behind: &[(&str, &str)]) {
    let class = |name: &str| format!("sentence_transformers.models.{name}");
    let modules = [("Transformer", ""), ("Pooling", "1_Pooling")].into_iter().chain(behind.iter().copied());
    let entries = modules
        .enumerate()
        .map(|(i, (name, path))| json!({"idx": i, "name": i.to_string(), "path": path, "type": class(name)}));
    folder.write("modules.json", Value::Array(entries.collect()).to_string());
    folder.write("1_Pooling/config.json", json!({"pooling_mode": pooling}).to_string());
}

/// A checkpoint with these modules behind its pooling, and `Normalize`.
fn with(folder: Folder, pooling: &str, modules: &[Module]) -> Folder {
    let names: Vec<String> = (2..).take(modules.len()).map(|i| format!("{i}_Dense")).collect();
    for (seed, (module, name)) in (1..).zip(modules.iter().zip(&names)) {
        module.write(&folder, name, seed);
    }
    let mut behind: Vec<(&str, &str)> = names.iter().map(|name| ("Dense", name.as_str())).collect();
    behind.push(("Normalize", "9_Normalize"));
    list(&folder, pooling, &behind);
    folder
}

/// A small model with one module behind its pooling.
fn small(module: Module) -> Folder {
    with(Folder::small(), "mean", &[module])
}

#[test]
fn dense_layers_agree_with_the_teacher() {
    let wide = || Folder::made(&["--hidden", "96", "--heads", "3", "--positions", "512"]);
    let no_bias = |module| Module { bias: false, ..module };
    for (folder, pooling, modules) in [
        (Folder::small(), "mean", &[Module::new(32, 32, TANH)][..]),
        (Folder::small(), "cls", &[Module::new(32, 32, TANH)]),
        (Folder::small(), "mean", &[no_bias(Module::new(32, 77, TANH))]),
        (Folder::small(), "mean", &[Module::new(32, 77, IDENTITY)]),
        (Folder::small(), "cls", &[no_bias(Module::new(32, 20, IDENTITY))]),
        (wide(), "mean", &[Module::new(96, 64, TANH)]),
        (wide(), "cls", &[no_bias(Module::new(96, 1792, IDENTITY))]),
        (wide(), "mean", &[Module::new(96, 200, TANH), Module::new(200, 48, IDENTITY)]),
        (wide(), "mean", &[Module::new(96, 200, IDENTITY), no_bias(Module::new(200, 48, TANH))]),
    ] {
        let folder = with(folder, pooling, modules);
        let outcome = folder.quantize();
        let encoder = outcome.encoder();
        let last = modules.last().unwrap();
        let what = modules.iter().map(|m| format!("{pooling} {} {}", m.outputs, m.activation));
        let what: Vec<String> = what.collect();
        assert_eq!(encoder.dense.len(), modules.len());
        let manifest = outcome.manifest();
        let dimensions = Some(last.outputs).filter(|&outputs| outputs != last.inputs);
        assert_eq!(manifest["dimensions"], json!(dimensions), "{what:?}");
        let cosine = mean_cosine(&folder, &encoder);
        assert!(cosine > 0.998, "{what:?}: {cosine}");
        // The unit of the vectors is that of the float model.
        let difference = greatest_difference(&folder, &encoder, manifest["vector_unit"].as_f64().unwrap());
        assert!(difference < 0.15, "{what:?}: {difference}");
        assert!(outcome.stdout.contains("dense layers"), "{}", outcome.stdout);
    }
}

/// Each pooling, alone and in front of a dense layer.
#[test]
fn poolings_agree_with_the_teacher() {
    for pooling in ["mean", "cls", "max", "weightedmean"] {
        for modules in [&[][..], &[Module::new(96, 64, TANH)]] {
            let folder = with(Folder::made(&["--hidden", "96", "--heads", "3"]), pooling, modules);
            let outcome = folder.quantize();
            assert_eq!(outcome.manifest()["pooling"], pooling);
            let cosine = mean_cosine(&folder, &outcome.encoder());
            assert!(cosine > 0.998, "{pooling}, {} layers: {cosine}", modules.len());
        }
    }
}

/// Without the modules the vectors are others, so the measure would see a module that is skipped.
#[test]
fn the_measure_sees_a_missing_layer() {
    let folder = small(Module::new(32, 32, TANH));
    let mut encoder = folder.quantize().encoder();
    encoder.dense.clear();
    let cosine = mean_cosine(&folder, &encoder);
    assert!(cosine < 0.5, "{cosine}");
}

/// The same layer, written in other ways.
#[test]
fn settings_of_a_dense_module_are_read() {
    let folder = small(Module::new(32, 24, TANH));
    let model = |folder: &Folder| folder.quantize_with(&["--model-id", "same"]).bytes("model.onnx");
    let expected = model(&folder);
    let write = |config: &Value| folder.write("2_Dense/config.json", config.to_string());
    for config in [
        // The library's defaults.
        json!({"in_features": 32, "out_features": 24}),
        json!({"in_features": 32, "out_features": 24, "activation_function": "torch.nn.Tanh"}),
        // As version 6 writes it.
        json!({"in_features": 32, "out_features": 24, "bias": true, "activation_function": TANH,
            "module_input_name": "sentence_embedding", "module_output_name": "sentence_embedding"}),
        json!({"in_features": 32, "out_features": 24, "use_residual": false, "module_output_name": null}),
    ] {
        write(&config);
        assert!(model(&folder) == expected, "{config}");
    }
    write(&json!({"in_features": 32, "out_features": 24, "activation_function": IDENTITY}));
    assert!(model(&folder) != expected);
}

#[test]
fn other_dense_modules_are_refused_by_name() {
    let module = Module::new(32, 24, TANH);
    let folder = small(module);
    for (key, value, words) in [
        (
            "activation_function",
            json!("torch.nn.modules.activation.ReLU"),
            "\"torch.nn.modules.activation.ReLU\"",
        ),
        ("activation_function", json!("mine.Tanh"), "\"mine.Tanh\", allowed: "),
        ("in_features", json!(64), "64, but the vectors in front of it have 32 numbers"),
        ("out_features", json!(0), "0, allowed: 1 to 4096"),
        ("out_features", json!(5000), "5000, allowed: 1 to 4096"),
        ("module_input_name", json!("token_embeddings"), "\"token_embeddings\", allowed: "),
        ("module_output_name", json!("other"), "\"other\", allowed: "),
        ("use_residual", json!(true), "true, which adds the inputs"),
        ("dropout", json!(0.5), "0.5, a setting of Dense that this program does not know"),
    ] {
        let mut config = module.config();
        config[key] = value;
        folder.write("2_Dense/config.json", config.to_string());
        folder.quantize().refused(&["2_Dense/config.json", &format!("{key} is {words}")]);
    }
    folder.write("2_Dense/config.json", module.config().to_string());
    let [weight, bias] = [vec![0; 4 * 24 * 32], vec![0; 4 * 24]];
    let whole = ("linear.weight", vec![24, 32], weight.clone());
    for (tensors, words) in [
        (vec![whole.clone()], "linear.bias is missing"),
        (vec![("linear.weight", vec![32, 24], weight), ("linear.bias", vec![24], bias.clone())], "[32, 24]"),
        (
            vec![whole, ("linear.bias", vec![24], bias), ("residual.weight", vec![1], vec![0; 4])],
            "tensor residual.weight, which has no use here",
        ),
    ] {
        save(&folder, "2_Dense", &tensors);
        folder.quantize().refused(&["2_Dense/model.safetensors", words]);
    }
    folder.remove("2_Dense/model.safetensors");
    folder.quantize().refused(&["2_Dense/model.safetensors"]);
    folder.write("2_Dense/pytorch_model.bin", "a pickle");
    folder.quantize().refused(&["2_Dense/pytorch_model.bin", "a pickle", "save it again"]);
}

#[test]
fn dense_modules_stand_between_pooling_and_normalize() {
    let folder = small(Module::new(32, 32, TANH));
    let refused = |behind: &[(&str, &str)], words: &str| {
        list(&folder, "mean", behind);
        folder.quantize().refused(&["modules.json", words]);
    };
    refused(&[("Normalize", "3"), ("Dense", "2_Dense")], "[3].type is a Dense");
    refused(&[("Dense", "2_Dense"); 5], "[6].type is a Dense");
    refused(&[("Dense", "2_Dense"), ("LayerNorm", "3")], "[3].type is a LayerNorm");
    // A factor changes what a tanh gives.
    list(&folder, "mean_sqrt_len_tokens", &[("Dense", "2_Dense"), ("Normalize", "3")]);
    folder.quantize().refused(&["1_Pooling/config.json", "mean_sqrt_len_tokens"]);
    folder.remove("modules.json");
    folder.quantize().refused(&["modules.json", "2_Dense"]);
    let classifier = with(Folder::classifier(), "mean", &[Module::new(32, 32, TANH)]);
    classifier.quantize().refused(&["modules.json", "2_Dense", "classifier"]);
}
