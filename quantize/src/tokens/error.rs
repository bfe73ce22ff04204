//! The errors of a checkpoint's tokenizer.

use std::path::PathBuf;

use lockstep_tokenizer::TokenizerError;

use crate::checkpoint::CheckpointError;

/// Why the tokenizer of a checkpoint cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TokensError {
    /// A file cannot be read, or has a value that is not carried.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The tokenizer is of another kind, or contradicts itself.
    #[error("{}: {}", path.display(), source.to_string().trim_start_matches("tokenizer.json: "))]
    Tokenizer {
        /// The file.
        path: PathBuf,
        /// The error.
        source: TokenizerError,
    },
    /// The user's limit does not fit the model.
    #[error("--max-input-length {limit}: allowed: {least} to {most} tokens")]
    Limit {
        /// The user's limit.
        limit: usize,
        /// The special tokens of a pair, and one more.
        least: usize,
        /// The model's positions.
        most: usize,
    },
}
