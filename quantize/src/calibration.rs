//! Calibration text to token sequences.

use lockstep_tokenizer::{Encoding, Tokenizer, TokenizerError};

/// The text that is used where the user gives none.
pub const BUNDLED: &str = include_str!("../data/calibration.txt");

/// One passage a line; empty lines and lines that begin with `#` are skipped.
pub fn passages(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#'))
}

/// Tokenizes passages, at most `limit` tokens each; with `pairs`, every other sequence is a pair of neighbours.
///
/// # Errors
/// Names the passage that the tokenizer refuses.
pub fn sequences(
    tokenizer: &Tokenizer,
    text: &str,
    limit: usize,
    pairs: bool,
) -> Result<Vec<Encoding>, TokenizerError> {
    let passages: Vec<&str> = passages(text).collect();
    let mut sequences = Vec::with_capacity(passages.len());
    for (i, passage) in passages.iter().enumerate() {
        let encoding = match passages.get(i + 1) {
            Some(next) if pairs && i % 2 == 0 => tokenizer.encode_pair(passage, next, limit)?,
            _ => tokenizer.encode(passage, limit)?,
        };
        sequences.push(encoding);
    }
    Ok(sequences)
}
