//! The limits of one request.

/// The limits of one request. A request beyond any of them gets 413.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the request's body.
    pub max_body_bytes: usize,
    /// Bytes of UTF-8 in one text. The default is about twenty times the size of 512 tokens of
    /// prose: a long text may be cut, and the tokenizer's work is bounded.
    pub max_text_bytes: usize,
    /// Bytes of UTF-8 in one candidate's `id`.
    pub max_id_bytes: usize,
    /// Entries of `candidates`.
    pub max_candidates: usize,
    /// Entries of `user.history`.
    pub max_history: usize,
    /// Bytes of UTF-8 in all texts of a stored history. Beyond it, the oldest texts are dropped.
    pub max_history_bytes: usize,
    /// Entries of `inputs` of `/embed` and of `texts` of `/rerank`.
    pub max_inputs: usize,
    /// Tokens that a host can run for one request in time: `/info` promises no more. No request is
    /// refused for it; a host that counts tokens refuses by its own measure.
    pub max_batch_tokens: usize,
    /// JSON values in the body, nested values included, but not numbers. It bounds the memory of
    /// the parser.
    pub max_json_values: usize,
    /// Numbers in the body. A number takes less memory than another value, and token ids are many:
    /// the default is enough for 1,000 texts of 256 tokens.
    pub max_json_numbers: usize,
    /// The value of `truncate` if a request leaves it out.
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
            max_batch_tokens: usize::MAX,
            max_json_values: 1 << 16,
            max_json_numbers: 1 << 18,
            auto_truncate: true,
        }
    }
}
