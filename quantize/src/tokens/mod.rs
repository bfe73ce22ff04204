//! The tokenizer of a checkpoint, with all settings that change its tokens written into it.
//!
//! ```text
//! tokenizer.json, or vocabulary.rs makes it of vocab.txt
//!   + tokenizer_config.json -> settings.rs, normalizer.rs (as transformers applies them)
//!   + the length limit      -> limit.rs
//!   = tokenizer.json of the model folder
//! ```

mod error;
mod limit;
mod normalizer;
mod settings;
mod vocabulary;

use std::path::{Path, PathBuf};

use lockstep_folder::TOKENIZER;
use lockstep_tokenizer::Tokenizer;
use serde_json::{Value, json};

use crate::checkpoint::{CheckpointError, read_file};
use crate::layout::Settings;

pub use error::TokensError;

/// The tokenizer as the model folder has it.
#[derive(Debug)]
pub struct Tokens {
    /// The bytes of `tokenizer.json`.
    pub file: Vec<u8>,
    /// The same, opened.
    pub tokenizer: Tokenizer,
    /// Most tokens of a text, special tokens included.
    pub limit: usize,
    /// What the user should know.
    pub notes: Vec<String>,
}

/// Reads the tokenizer in the folder of the transformer. `positions` is the longest sequence of the
/// model, `chosen` the user's own limit.
///
/// # Errors
/// [`TokensError`] names the file, the key and the value.
pub fn read(
    folder: &Path,
    settings: &Settings,
    positions: usize,
    chosen: Option<usize>,
) -> Result<Tokens, TokensError> {
    let config = settings::Config::read(folder)?;
    let mut notes = Vec::new();
    let (path, mut value) = source(folder, config.as_ref(), &mut notes)?;
    let open = |bytes: &[u8]| {
        let fail = |source| TokensError::Tokenizer { path: path.clone(), source };
        Tokenizer::from_json(bytes).map_err(fail)
    };
    normalizer::apply(&mut value, config.as_ref(), settings.lowercase, &mut notes)?;
    let tokenizer = open(&to_vec(&value))?;
    if let Some(config) = &config {
        config.check_file(&value)?;
        config.check_added(&tokenizer)?;
    }
    limit::check_side(&path, &value, config.as_ref())?;
    let stated = limit::stated(settings.limit, config.as_ref(), positions, &mut notes)?;
    let limit = limit::choose(stated, chosen, positions, tokenizer.special_tokens_of_pair(), &mut notes)?;
    value["truncation"] =
        json!({"direction": "Right", "max_length": limit, "strategy": "LongestFirst", "stride": 0});
    value["padding"] = Value::Null;
    let file = to_vec(&value);
    Ok(Tokens { tokenizer: open(&file)?, file, limit, notes })
}

fn to_vec(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}

/// Files of tokenizers that are not read where there is no `tokenizer.json`.
const OTHERS: [&str; 5] =
    ["sentencepiece.bpe.model", "sentencepiece.model", "spiece.model", "tokenizer.model", "vocab.json"];

/// Names the tokenizer of another kind in a folder without `tokenizer.json`, and the way out.
fn refuse_others(folder: &Path, path: &Path) -> Result<(), CheckpointError> {
    let other = OTHERS.iter().map(|name| folder.join(name)).find(|other| other.is_file());
    let Some(other) = other.filter(|_| !path.is_file()) else { return Ok(()) };
    let reason = format!(
        "there is no {TOKENIZER}, and this file alone is not read; convert it where transformers is \
         installed: python -c \"from transformers import AutoTokenizer as T; \
         T.from_pretrained('FOLDER').save_pretrained('FOLDER')\", which writes {TOKENIZER}"
    );
    Err(CheckpointError::Config { path: other, reason })
}

/// The tokenizer before any setting, and the file that it came from.
fn source(
    folder: &Path,
    config: Option<&settings::Config>,
    notes: &mut Vec<String>,
) -> Result<(PathBuf, Value), TokensError> {
    let (path, words) = (folder.join(TOKENIZER), folder.join("vocab.txt"));
    if path.is_file() || !words.is_file() {
        refuse_others(folder, &path)?;
        let bytes = read_file(&path)?;
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        // The reader sees what a JSON value no longer has, such as a piece that is there twice.
        let fail = |source| TokensError::Tokenizer { path: path.clone(), source };
        Tokenizer::from_json(bytes).map_err(fail)?;
        let value = serde_json::from_slice(bytes).map_err(|e| fail(e.into()))?;
        return Ok((path, value));
    }
    notes.push(format!("there is no {TOKENIZER}; the tokenizer is made of vocab.txt"));
    Ok((words.clone(), vocabulary::tokenizer(&words, config)?))
}
