//! The reasons for a model folder not to open.

use lockstep_folder::manifest::ManifestError;
use lockstep_folder::{MANIFEST, RUNTIME, TOKENIZER};
use lockstep_model::ModelError;
use lockstep_tokenizer::TokenizerError;

/// Why a model folder cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A file cannot be read.
    #[cfg(not(target_family = "wasm"))]
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: std::path::PathBuf,
        /// The error of the system.
        source: std::io::Error,
    },
    /// The manifest cannot be used, or a file is not the one that the manifest describes.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The tokenizer cannot be used.
    #[error("{TOKENIZER}: {0}")]
    Tokenizer(#[from] TokenizerError),
    /// The run-time file cannot be used.
    #[error("{RUNTIME}: {0}")]
    Model(#[from] ModelError),
    /// Two files of the folder contradict each other.
    #[error("{what} is {found} in {first}, {expected} in {second}")]
    Mismatch {
        /// The value that differs.
        what: &'static str,
        /// The name of one file.
        first: &'static str,
        /// The value in that file.
        found: usize,
        /// The name of the other file.
        second: &'static str,
        /// The value in the other file.
        expected: usize,
    },
    /// The model cannot truncate texts to this limit.
    #[error("a longest sequence of {limit} tokens, allowed: {least} to {most}")]
    Limit {
        /// The limit that was asked for.
        limit: usize,
        /// The least limit.
        least: usize,
        /// The greatest limit.
        most: usize,
    },
    /// The manifest has neither the unit of vectors, nor labels and the unit of logits.
    #[error("{MANIFEST}: vector_unit is missing, and so are labels or logit_unit")]
    NoUnit,
}
