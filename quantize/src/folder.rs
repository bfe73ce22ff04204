//! Reads a checkpoint folder and writes a model folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lockstep_arith::encoder::Pooling;
use lockstep_folder::manifest::{FORMAT, Manifest, PIECE, sha256};
use lockstep_folder::{MANIFEST, ONNX, RUNTIME, TOKENIZER};
use lockstep_tokenizer::{Tokenizer, TokenizerError};
use serde_json::Value;

use crate::calibration;
use crate::checkpoint::{Checkpoint, CheckpointError, read_file};
use crate::onnx;
use crate::pipeline::{QuantizeError, Quantized, quantize};

/// The word table may have unused rows after the vocabulary, but fewer than this number.
const VOCABULARY_PADDING: usize = 128;

/// Why a checkpoint folder was not quantised.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The checkpoint cannot be used.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The tokenizer cannot be used.
    #[error("{TOKENIZER}: {}", .0.to_string().trim_start_matches("tokenizer.json: "))]
    Tokenizer(#[from] TokenizerError),
    /// The tokenizer and the word table have different sizes.
    #[error("{TOKENIZER} has {tokens} tokens, config.json has vocab_size {vocabulary}")]
    Vocabulary {
        /// Number of tokens of the tokenizer.
        tokens: usize,
        /// Number of rows of the word table.
        vocabulary: usize,
    },
    /// The tokenizer gives a token type that the model lacks.
    #[error("{TOKENIZER} gives token type {id}, config.json has type_vocab_size {types}")]
    TokenType {
        /// The token type.
        id: u8,
        /// Number of rows of the type table.
        types: usize,
    },
    /// The calibration text is not UTF-8.
    #[error("{0}: not UTF-8 text")]
    Calibration(PathBuf),
    /// The checkpoint uses a pooling that is not supported.
    #[error("{path}: pooling is neither mean nor CLS; give --pooling")]
    Pooling {
        /// The file that names the pooling.
        path: PathBuf,
    },
    /// The integers cannot represent the model.
    #[error(transparent)]
    Quantize(#[from] QuantizeError),
    /// A file of the model folder cannot be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        source: std::io::Error,
    },
}

/// The choices of the user.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The file with the calibration text; the bundled text by default.
    pub calibration: Option<PathBuf>,
    /// The pooling; by default that of `1_Pooling/config.json`, or mean without that file.
    pub pooling: Option<Pooling>,
    /// The name of the model; by default that of the folder.
    pub model_id: Option<String>,
}

/// Quantises the checkpoint in the folder `input`, and writes the model folder `output`. It calls
/// `step` with a name when it begins with the embedding, with each layer and with the error report.
///
/// # Errors
/// [`FolderError`] names the file, the tensor or the parameter.
pub fn run(
    input: &Path,
    output: &Path,
    options: &Options,
    step: impl FnMut(&str),
) -> Result<Quantized, FolderError> {
    let checkpoint = Checkpoint::load(input)?;
    let config = &checkpoint.config;
    let tokenizer_json = read_file(&input.join(TOKENIZER))?;
    let tokenizer = Tokenizer::from_json(&tokenizer_json)?;
    let (tokens, vocabulary) = (tokenizer.vocab_size(), config.vocabulary);
    if tokens > vocabulary || vocabulary - tokens >= VOCABULARY_PADDING {
        return Err(FolderError::Vocabulary { tokens, vocabulary });
    }
    let pooling = match options.pooling {
        Some(pooling) => pooling,
        None => pooling_of(input)?,
    };
    let text = match &options.calibration {
        Some(path) => {
            String::from_utf8(read_file(path)?).map_err(|_| FolderError::Calibration(path.clone()))?
        }
        None => calibration::BUNDLED.into(),
    };
    let pairs = config.labels.is_some() && config.types > 1;
    let sequences = calibration::sequences(&tokenizer, &text, config.positions, pairs)?;
    if let Some(&id) = sequences.iter().flat_map(|s| &s.type_ids).find(|&&id| usize::from(id) >= config.types)
    {
        return Err(FolderError::TokenType { id, types: config.types });
    }
    let quantized = quantize(&checkpoint, pooling, &sequences, step)?;

    let model_id = options.model_id.clone().or_else(|| folder_name(input)).unwrap_or_else(|| "bert".into());
    let metadata = [("model_id".to_owned(), model_id.clone())];
    let files = [
        (ONNX, onnx::write(&quantized.encoder, &metadata)),
        (RUNTIME, lockstep_folder::runtime::write(&quantized.encoder)),
        (TOKENIZER, tokenizer_json),
    ];
    let digests: BTreeMap<String, String> =
        files.iter().map(|(name, bytes)| ((*name).to_owned(), sha256(bytes))).collect();
    let pieces = files.iter().filter(|(name, _)| *name == RUNTIME);
    let pieces = pieces.map(|(name, bytes)| ((*name).to_owned(), bytes.chunks(PIECE).map(sha256).collect()));
    let manifest = Manifest {
        format: FORMAT,
        model_id,
        model_type: "bert".into(),
        pooling: if pooling == Pooling::Mean { "mean" } else { "cls" }.into(),
        hidden_size: config.hidden,
        layers: config.layers,
        max_input_length: config.positions,
        vocabulary,
        vector_unit: config.labels.is_none().then_some(quantized.vector_unit),
        labels: config.labels.clone(),
        logit_unit: quantized.logit_unit,
        digests,
        pieces: pieces.collect(),
    };
    let cannot_write = |path: &Path, source| FolderError::Write { path: path.into(), source };
    std::fs::create_dir_all(output).map_err(|source| cannot_write(output, source))?;
    // The manifest is removed first and written last, so a folder with a manifest is complete.
    let manifest_path = output.join(MANIFEST);
    if manifest_path.exists() {
        std::fs::remove_file(&manifest_path).map_err(|source| cannot_write(&manifest_path, source))?;
    }
    for (name, bytes) in &files {
        write(&output.join(name), bytes)?;
    }
    let report = serde_json::to_vec_pretty(&quantized.report).unwrap_or_default();
    write(&output.join("report.json"), &report)?;
    write(&manifest_path, &serde_json::to_vec_pretty(&manifest).unwrap_or_default())?;
    Ok(quantized)
}

/// Writes a new file and renames it over the old one. A process that has mapped the old file keeps
/// it.
fn write(path: &Path, bytes: &[u8]) -> Result<(), FolderError> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    std::fs::write(&partial, bytes)
        .and_then(|()| std::fs::rename(&partial, path))
        .map_err(|source| FolderError::Write { path: path.into(), source })
}

fn folder_name(path: &Path) -> Option<String> {
    let name = path.canonicalize().ok()?.file_name()?.to_str()?.to_owned();
    Some(name)
}

/// The pooling that sentence-transformers stored with the checkpoint; mean if it stored none.
/// Several modes at once would make longer vectors, and are refused.
fn pooling_of(folder: &Path) -> Result<Pooling, FolderError> {
    let path = folder.join("1_Pooling/config.json");
    if !path.is_file() {
        return Ok(Pooling::Mean);
    }
    let config: BTreeMap<String, Value> = serde_json::from_slice(&read_file(&path)?).unwrap_or_default();
    let modes = config.iter().filter(|(_, value)| **value == Value::Bool(true));
    let modes: Vec<&str> = modes.filter_map(|(name, _)| name.strip_prefix("pooling_mode_")).collect();
    match modes.as_slice() {
        ["mean_tokens"] => Ok(Pooling::Mean),
        ["cls_token"] => Ok(Pooling::Cls),
        _ => Err(FolderError::Pooling { path }),
    }
}
