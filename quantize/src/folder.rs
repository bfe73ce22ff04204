//! Checkpoint folder in, model folder out.

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

/// A vocabulary may be padded by less than this many unused rows.
const VOCABULARY_PADDING: usize = 128;

/// Why a folder was not quantised.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The tokenizer.
    #[error("{TOKENIZER}: {}", .0.to_string().trim_start_matches("tokenizer.json: "))]
    Tokenizer(#[from] TokenizerError),
    /// The tokenizer belongs to another model.
    #[error("{TOKENIZER} has {tokens} tokens, config.json has vocab_size {vocabulary}")]
    Vocabulary {
        /// Tokens of the tokenizer.
        tokens: usize,
        /// Rows of the embedding.
        vocabulary: usize,
    },
    /// The tokenizer gives a token type that the model does not have.
    #[error("{TOKENIZER} gives token type {id}, config.json has type_vocab_size {types}")]
    TokenType {
        /// The type.
        id: u8,
        /// Rows of the type table.
        types: usize,
    },
    /// The calibration text is not UTF-8.
    #[error("{0}: not UTF-8 text")]
    Calibration(PathBuf),
    /// Pooling that is not known.
    #[error("{path}: pooling is neither mean nor CLS; give --pooling")]
    Pooling {
        /// The file that says so.
        path: PathBuf,
    },
    /// The arithmetic does not hold the model.
    #[error(transparent)]
    Quantize(#[from] QuantizeError),
    /// The result cannot be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}

/// What the user may choose.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Calibration text; the bundled one where there is none.
    pub calibration: Option<PathBuf>,
    /// Pooling; else `1_Pooling/config.json`, else mean.
    pub pooling: Option<Pooling>,
    /// Name of the model; else the checkpoint's, else the folder's.
    pub model_id: Option<String>,
}

/// Quantises the checkpoint in `input` and writes the model folder `output`.
///
/// # Errors
/// [`FolderError`] names the file, tensor or parameter.
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
    // The manifest goes first and comes last: a folder that has one is whole.
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

/// Writes beside the file and renames: whoever has mapped the old file keeps it whole.
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

/// Pooling as sentence-transformers writes it; mean where it says nothing. Several modes at once make longer vectors.
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
