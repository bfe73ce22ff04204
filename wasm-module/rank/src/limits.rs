//! How much one request may ask for.

/// What is too much for one request; beyond any of these the answer is 413.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the request's body.
    pub max_body_bytes: usize,
    /// Bytes of UTF-8 in one text. The default is some twenty times what 512 tokens of prose hold,
    /// so that truncation has room and the tokenizer's work stays bounded.
    pub max_text_bytes: usize,
    /// Bytes of UTF-8 in one candidate's `id`.
    pub max_id_bytes: usize,
    /// Entries of `candidates`.
    pub max_candidates: usize,
    /// Entries of `user.history`.
    pub max_history: usize,
    /// Bytes of UTF-8 in all texts of a history that is kept; the oldest go first.
    pub max_history_bytes: usize,
    /// Entries of `inputs` of `/embed` and of `texts` of `/rerank`.
    pub max_inputs: usize,
    /// JSON values in the body, nested ones included; bounds the memory that parsing takes.
    pub max_json_values: usize,
    /// What `truncate` means when a request leaves it out.
    pub auto_truncate: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_body_bytes: 4 << 20,
            max_text_bytes: 64 << 10,
            max_id_bytes: 256,
            max_candidates: 1_000,
            max_history: 1_000,
            max_history_bytes: 512 << 10,
            max_inputs: 1_000,
            max_json_values: 1 << 16,
            auto_truncate: true,
        }
    }
}
