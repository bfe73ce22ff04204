//! The tokens of a text, or of a pair of texts.

/// The tokens of a text or of a pair of texts, as a model takes them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Encoding {
    /// Token ids, special tokens included.
    pub ids: Vec<u32>,
    /// Type id of each token, as the template gives it: for BERT 0 in the first text, 1 in the
    /// second.
    pub type_ids: Vec<u8>,
    /// Whether tokens were dropped because of the limit.
    pub truncated: bool,
    /// The number of tokens, special tokens included, that there would be without the limit.
    pub total_tokens: usize,
}
