//! Tokenizes the calibration text.

use lockstep_tokenizer::{Encoding, Tokenizer, TokenizerError};

/// The calibration text that is used if the user gives none.
pub const BUNDLED: &str = include_str!("../data/calibration.txt");

/// One passage a line; empty lines and lines that begin with `#` are skipped.
pub fn passages(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#'))
}

/// Tokenizes passages, at most `limit` tokens each. With `pairs`, every other sequence is a pair of
/// neighbouring passages.
///
/// # Errors
/// The error of the tokenizer, if `limit` leaves no room for the special tokens.
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
