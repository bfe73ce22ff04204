//! Reads a checkpoint folder and writes a model folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lockstep_arith::encoder::Pooling;
use lockstep_folder::manifest::{FORMAT, Manifest, PIECE, sha256};
use lockstep_folder::{MANIFEST, ONNX, RUNTIME, TOKENIZER};
use lockstep_tokenizer::{Tokenizer, TokenizerError};

use crate::calibration;
use crate::checkpoint::{Checkpoint, CheckpointError, Config, DenseModule, read_file};
use crate::layout::{Modules, Prompts, Settings, pooling_name};
use crate::onnx;
use crate::pipeline::{Ending, QuantizeError, Quantized, quantize};
use crate::tokens::{self, Tokens, TokensError};

/// Why a checkpoint folder was not quantised.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The checkpoint cannot be used.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The tokenizer cannot be used.
    #[error(transparent)]
    Tokens(#[from] TokensError),
    /// The tokenizer knows more tokens than the word table.
    #[error("{TOKENIZER} has {tokens} tokens, config.json has vocab_size {vocabulary}")]
    Vocabulary {
        /// One more than the greatest id of the tokenizer.
        tokens: usize,
        /// Number of rows of the word table.
        vocabulary: usize,
    },
    /// The length limit leaves no room for the special tokens.
    #[error("the calibration text: {0}")]
    Sequences(#[from] TokenizerError),
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
    /// The pooling; by default that of the checkpoint, or mean if it states none.
    pub pooling: Option<Pooling>,
    /// Most tokens of a text, special tokens included; by default what the checkpoint states.
    pub max_input_length: Option<usize>,
    /// The name of the model; by default that of the folder.
    pub model_id: Option<String>,
}

/// A model folder that was written.
pub struct Written {
    /// The model.
    pub quantized: Quantized,
    /// What the user should know of the checkpoint: assumptions and contradictions.
    pub notes: Vec<String>,
}

/// A checkpoint folder, read and checked.
struct Source {
    checkpoint: Checkpoint,
    tokens: Tokens,
    pooling: Pooling,
    dense: Vec<DenseModule>,
    prompts: Prompts,
    notes: Vec<String>,
}

impl Source {
    fn read(folder: &Path, options: &Options) -> Result<Self, FolderError> {
        let modules = Modules::read(folder)?;
        let checkpoint = Checkpoint::load(&modules.transformer)?;
        let config = &checkpoint.config;
        let mut notes = head_notes(config);
        let classifier = config.labels.is_some();
        // A classifier reads the first token, whatever the pooling.
        let (pooling, about) = match (classifier, options.pooling) {
            (true, None) => (Pooling::Cls, vec![]),
            (_, chosen) => modules.pooling(config.hidden, chosen)?,
        };
        notes.extend(about);
        let dense = modules.dense(config)?;
        let settings = Settings::read(&modules.transformer)?;
        let tokens =
            tokens::read(&modules.transformer, &settings, config.positions, options.max_input_length)?;
        notes.extend_from_slice(&tokens.notes);
        let prompts = Prompts::read(folder, classifier)?;
        modules.check(&prompts)?;
        notes.extend_from_slice(&prompts.notes);
        let (known, rows) = (tokens.tokenizer.vocab_size(), config.vocabulary);
        if known > rows {
            return Err(FolderError::Vocabulary { tokens: known, vocabulary: rows });
        }
        if known < rows {
            notes.push(format!(
                "the word table has {rows} rows, {} of them beyond the tokenizer's ids",
                rows - known
            ));
        }
        Ok(Self { checkpoint, tokens, pooling, dense, prompts, notes })
    }
}

/// Whether both texts of a pair have the token type 0.
fn has_one_type(tokenizer: &Tokenizer) -> Result<bool, TokenizerError> {
    Ok(tokenizer.encode_pair("", "", usize::MAX)?.type_ids.iter().all(|&id| id == 0))
}

/// A head that the model folder does not have.
fn head_notes(config: &Config) -> Vec<String> {
    let head = config.unused_head.iter();
    head.map(|name| format!("architectures says {name}: its head is left out, the folder gives vectors"))
        .collect()
}

/// Quantises the checkpoint in the folder `input`, and writes the model folder `output`. It calls
/// `step` with a name when it begins with the embedding, with each layer and with the error report,
/// and with the number of these steps.
///
/// # Errors
/// [`FolderError`] names the file, the tensor or the parameter.
pub fn run(
    input: &Path,
    output: &Path,
    options: &Options,
    mut step: impl FnMut(&str, usize),
) -> Result<Written, FolderError> {
    let Source { checkpoint, tokens, pooling, dense, prompts, notes } = Source::read(input, options)?;
    let config = &checkpoint.config;
    let text = match &options.calibration {
        Some(path) => {
            String::from_utf8(read_file(path)?).map_err(|_| FolderError::Calibration(path.clone()))?
        }
        None => calibration::BUNDLED.into(),
    };
    let pairs = config.labels.is_some() && (config.types > 1 || has_one_type(&tokens.tokenizer)?);
    let sequences = calibration::sequences(&tokens.tokenizer, &text, config.positions, pairs)?;
    if let Some(&id) = sequences.iter().flat_map(|s| &s.type_ids).find(|&&id| usize::from(id) >= config.types)
    {
        return Err(FolderError::TokenType { id, types: config.types });
    }
    let steps = config.layers + 2;
    let ending = Ending { pooling, dense: &dense };
    let quantized = quantize(&checkpoint, ending, &sequences, |name| step(name, steps))?;
    let dimensions = quantized.encoder.dense.last().map(|dense| dense.linear.outputs);

    let model_id = options.model_id.clone().or_else(|| folder_name(input)).unwrap_or_else(|| "bert".into());
    let metadata = [("model_id".to_owned(), model_id.clone())];
    let files = [
        (ONNX, onnx::write(&quantized.encoder, &metadata)),
        (RUNTIME, lockstep_folder::runtime::write(&quantized.encoder)),
        (TOKENIZER, tokens.file),
    ];
    let digests: BTreeMap<String, String> =
        files.iter().map(|(name, bytes)| ((*name).to_owned(), sha256(bytes))).collect();
    let sizes = files.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.len() as u64)).collect();
    let pieces = files.iter().filter(|(name, _)| *name == RUNTIME);
    let pieces = pieces.map(|(name, bytes)| ((*name).to_owned(), bytes.chunks(PIECE).map(sha256).collect()));
    let manifest = Manifest {
        format: FORMAT,
        model_id,
        model_type: "bert".into(),
        pooling: pooling_name(pooling).into(),
        prompts: prompts.texts,
        default_prompt: prompts.default,
        hidden_size: config.hidden,
        dimensions: dimensions.filter(|&dimensions| dimensions != config.hidden),
        layers: config.layers,
        max_input_length: tokens.limit,
        vocabulary: config.vocabulary,
        vector_unit: config.labels.is_none().then_some(quantized.vector_unit),
        labels: config.labels.clone(),
        logit_unit: quantized.logit_unit,
        label_scores: config.label_scores,
        digests,
        sizes,
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
    Ok(Written { quantized, notes })
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
