//! The errors of this crate. Each one names the value that is wrong.

use thiserror::Error;

/// Why a `tokenizer.json` was refused, or a text could not be encoded.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TokenizerError {
    /// The bytes are not JSON, or a field is missing or has the wrong shape.
    #[error("tokenizer.json: {0}")]
    Json(#[from] serde_json::Error),
    /// The file is larger than the tables can address.
    #[error("tokenizer.json: {bytes} bytes, more than the {limit} that can be indexed")]
    TooLarge {
        /// Size of the file.
        bytes: usize,
        /// Largest size accepted.
        limit: usize,
    },
    /// The file asks for a component that this crate does not implement.
    #[error("tokenizer.json: {component} of type {kind:?} is not supported")]
    Unsupported {
        /// The component: `normalizer`, `model`, …
        component: &'static str,
        /// Its `type` in the file.
        kind: String,
    },
    /// The file's decoder is one that this crate does not implement.
    #[error("no text can be made of token ids: {0}")]
    Decoder(String),
    /// Two entries of the vocabulary have the same text.
    #[error("vocabulary: piece {piece:?} is listed twice")]
    DuplicatePiece {
        /// The text.
        piece: String,
    },
    /// Two pieces share an id.
    #[error("vocabulary: id {id} belongs to both {first:?} and {second:?}")]
    DuplicateId {
        /// The shared id.
        id: u32,
        /// One piece.
        first: String,
        /// The other piece.
        second: String,
    },
    /// An id is so large that the table of tokens would be almost empty.
    #[error("vocabulary: {piece:?} has id {id}, allowed: less than {limit}")]
    IdTooLarge {
        /// The piece.
        piece: String,
        /// Its id.
        id: u32,
        /// The number of ids that are allowed.
        limit: u32,
    },
    /// The token for unknown words is not in the vocabulary.
    #[error("vocabulary: the unknown token {token:?} is missing")]
    MissingUnknown {
        /// The model's `unk_token`.
        token: String,
    },
    /// A Unigram model has no unknown token, which a text of any characters needs.
    #[error("model: unk_id is {}, allowed: the index of one of the {pieces} pieces", shown(*.id))]
    UnknownId {
        /// The model's `unk_id`.
        id: Option<u32>,
        /// Number of pieces.
        pieces: usize,
    },
    /// A byte has no piece, so the model cannot write every text.
    #[error(
        "vocabulary: the piece {piece:?} of the byte {byte:#04x} is missing; the BPE must have all bytes"
    )]
    MissingByte {
        /// The byte.
        byte: u8,
        /// The character that stands for it.
        piece: char,
    },
    /// A merge is no pair of pieces, or its pieces or their result are not in the vocabulary.
    #[error("merges: number {rank} is not two pieces that make a piece of the vocabulary")]
    Merge {
        /// The place in the list, from 0.
        rank: usize,
    },
    /// The replacements of the normalizer `Precompiled` contradict their format.
    #[error("normalizer Precompiled: precompiled_charsmap: {0}")]
    Charsmap(&'static str),
    /// `added_tokens` states another id than the vocabulary gives.
    #[error("added token {token:?}: the file says id {stated}, its place in the vocabulary is {id}")]
    AddedTokenId {
        /// The added token.
        token: String,
        /// Id in `added_tokens`.
        stated: u32,
        /// Its id in the vocabulary, or the next free id if it is not there.
        id: u32,
    },
    /// `added_tokens` lists a token twice.
    #[error("added token {token:?} is listed twice")]
    DuplicateAddedToken {
        /// The added token.
        token: String,
    },
    /// The normalizer removes every character of an added token, so it would match everywhere.
    #[error("added token {token:?} is empty after normalization")]
    EmptyAddedToken {
        /// The added token.
        token: String,
    },
    /// A template does not contain each of its sequences exactly once.
    #[error("template {template:?} holds sequence {sequence} {count} times instead of {expected}")]
    TemplateSequence {
        /// `single` or `pair`.
        template: &'static str,
        /// `A` or `B`.
        sequence: char,
        /// How often it occurs.
        count: usize,
        /// How often it must occur.
        expected: usize,
    },
    /// A template names a special token that the post-processor does not define.
    #[error("template {template:?} uses the undefined special token {token:?}")]
    TemplateToken {
        /// `single` or `pair`.
        template: &'static str,
        /// The undefined name.
        token: String,
    },
    /// A special token's id is outside the vocabulary.
    #[error("special token {token:?} has id {id}, outside the vocabulary of {vocab_size}")]
    SpecialTokenId {
        /// The special token.
        token: String,
        /// Its id.
        id: u32,
        /// Number of ids.
        vocab_size: usize,
    },
    /// The limit given to `encode` leaves no room even for the special tokens.
    #[error("a limit of {max_tokens} tokens is below the {special_tokens} special tokens")]
    LimitTooSmall {
        /// The limit given.
        max_tokens: usize,
        /// Special tokens that the template adds.
        special_tokens: usize,
    },
}

fn shown(id: Option<u32>) -> String {
    id.map_or_else(|| "null".to_owned(), |id| id.to_string())
}
