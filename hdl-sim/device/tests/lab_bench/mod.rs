//! The lab tool on a card of this process, and a small model folder.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use lockstep_accel_device::{CardSetup, MockSetup, ServedCard};
use lockstep_arith::encoder::Encoder;
use lockstep_arith::sample::{self, Shape};
use lockstep_folder::manifest::{FORMAT, Manifest, sha256};
use lockstep_folder::{MANIFEST, RUNTIME, TOKENIZER, runtime};
use serde_json::{Value, json};

use crate::support::{LANES, MIB, socket};

/// A card behind a socket, for one command after the other.
pub struct Bench {
    pub address: String,
    path: PathBuf,
    _device: ServedCard,
}

impl Bench {
    pub fn new(setup: impl Into<CardSetup>) -> Self {
        let path = socket();
        let device = ServedCard::start(&path, setup).unwrap();
        Self { address: format!("vfio-user:{}", path.display()), path, _device: device }
    }

    /// A mock that plays faults.
    pub fn faulty(faults: &str) -> Self {
        Self::new(MockSetup { faults: faults.parse().unwrap(), ..MockSetup::new(LANES, MIB << 20) })
    }

    /// Runs a command on the card: the exit code, and the text that it printed.
    pub fn text(&self, command: &[&str], more: &[&str]) -> (u8, String) {
        lab(&[command, &[&self.address], more].concat())
    }

    /// Runs a command with `--json`: the exit code, and its report.
    pub fn json(&self, command: &str, more: &[&str]) -> (u8, Value) {
        let (code, text) = self.text(&["--json", command], more);
        (code, serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}")))
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Runs the tool: the exit code, and all that it printed.
pub fn lab(arguments: &[&str]) -> (u8, String) {
    let words = ["lockstep-lab"].iter().chain(arguments).map(OsString::from);
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let code = lockstep_accel_lab::run(words, &mut out, &mut err);
    (code, String::from_utf8([out, err].concat()).unwrap())
}

/// A model folder, which is deleted in the end.
pub struct ModelFolder {
    pub path: PathBuf,
    pub encoder: Encoder,
}

impl ModelFolder {
    pub fn new() -> Self {
        let path = socket().with_extension("model");
        std::fs::create_dir_all(&path).unwrap();
        let encoder = sample::encoder(&Shape { layers: 1, ..Shape::SMALL }, 5);
        let (model, tokenizer) = (runtime::write(&encoder), tokenizer().to_string().into_bytes());
        let digests = [(RUNTIME, &model), (TOKENIZER, &tokenizer)];
        let manifest = Manifest {
            dimensions: None,
            format: FORMAT,
            model_id: "tiny".into(),
            model_type: "bert".into(),
            pooling: "mean".into(),
            hidden_size: Shape::SMALL.hidden,
            layers: 1,
            max_input_length: Shape::SMALL.positions,
            vocabulary: Shape::SMALL.vocabulary,
            vector_unit: Some(1.0),
            labels: None,
            logit_unit: None,
            label_scores: None,
            prompts: BTreeMap::new(),
            default_prompt: None,
            digests: digests.map(|(name, bytes)| (name.to_owned(), sha256(bytes))).into(),
            sizes: BTreeMap::new(),
            pieces: BTreeMap::new(),
        };
        std::fs::write(path.join(RUNTIME), model).unwrap();
        std::fs::write(path.join(TOKENIZER), tokenizer).unwrap();
        std::fs::write(path.join(MANIFEST), serde_json::to_vec(&manifest).unwrap()).unwrap();
        Self { path, encoder }
    }

    pub fn name(&self) -> &str {
        self.path.to_str().unwrap()
    }

    /// Writes a file into the folder, and returns its path.
    pub fn file(&self, name: &str, text: &str) -> String {
        let path = self.path.join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

impl Drop for ModelFolder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

/// Token 2 begins a text, token 3 ends it; the letters follow from token 4 on.
fn tokenizer() -> Value {
    let letters = (b'a'..=b'z').map(|letter| char::from(letter).to_string());
    let words: Vec<String> = letters.clone().chain(letters.map(|letter| format!("##{letter}"))).collect();
    let special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"].map(str::to_owned);
    let vocabulary: BTreeMap<String, usize> =
        special.into_iter().chain(words).enumerate().map(|(id, word)| (word, id)).collect();
    json!({
        "version": "1.0",
        "added_tokens": [],
        "normalizer": {
            "type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
            "strip_accents": null, "lowercase": true,
        },
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]},
        "model": {
            "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100, "vocab": vocabulary,
        },
    })
}

/// The lines of a file as JSON.
pub fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
