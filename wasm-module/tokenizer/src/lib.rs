//! A tokenizer that gives exactly the ids and type ids of Hugging Face `tokenizers` for the
//! `tokenizer.json` of a BERT, RoBERTa or XLM-RoBERTa model, small enough for WebAssembly.
//!
//! A text becomes ids in five steps, one module each:
//!
//! ```text
//! text -> added: tokens found in the raw text | text between them
//!           -> normalize: clean, strip accents, lower-case, SentencePiece's replacements
//!             -> added: tokens found in the normalized text | text between them
//!               -> words: split at white space and punctuation, or before each `▁`
//!                 -> wordpiece: each word to the ids of its longest pieces, or
//!                    unigram: to those of its pieces with the greatest sum of scores, or
//!                    bpe: its bytes, merged by rank
//! ids -> template: truncation, special tokens, type ids
//! ```
//!
//! [`Tokenizer::tokens`] also tells where each token is in the text. [`Tokenizer::decode`] makes a
//! text of ids. Both do it as `tokenizers` does.
//!
//! The crate supports
//! - the models `WordPiece`, `Unigram` (also with `byte_fallback`), and `BPE` at the level of
//!   bytes;
//! - the normalizers `BertNormalizer`, `NFD`, `StripAccents`, `Lowercase`, `Precompiled`, `Strip`,
//!   `Prepend`, `Replace` of a text or of the regular expressions in `pattern.rs`, a `Sequence` of
//!   these, or none;
//! - the pre-tokenizers `BertPreTokenizer`, `WhitespaceSplit`, `Metaspace` in its old and its new
//!   form, `ByteLevel` before `BPE`, a `Sequence` of these, or none;
//! - the post-processors `TemplateProcessing`, `BertProcessing` and `RobertaProcessing`, or none;
//! - the decoders `WordPiece`, `ByteLevel`, `Metaspace`, `Replace`, `ByteFallback`, `Fuse` and
//!   `Strip`, a `Sequence` of these, or none;
//! - `added_tokens` with all their flags.
//!
//! It refuses everything else by name. It ignores `truncation` and `padding` of the file: the
//! caller gives the limit, and nothing is padded.
//!
//! It differs from `tokenizers` only where `tokenizers` would warn, fail, panic or overflow:
//! - A file that contradicts itself is refused when it is read: two pieces with one id, an added
//!   token whose id differs from the vocabulary's, a template that drops or repeats a text, a
//!   missing unknown token.
//! - An id of 16,777,216 or more is refused. Other holes in the ids are allowed.
//! - A limit below the number of special tokens is an error.
//! - An added token that strips white space on its left only is skipped if an earlier token has
//!   already taken all of that white space.
//!
//! Time and memory are linear in the length of the text. Character categories and decompositions
//! are frozen at the versions that `tokenizers` 0.22 uses. Lower case and white space come from
//! `core`, as they do in `tokenizers`.
#![forbid(unsafe_code)]

mod added;
mod aligned;
mod bert_words;
mod bpe;
mod byte_level;
mod categories;
mod charsmap;
mod decode;
mod encoding;
mod error;
mod file;
mod metaspace;
mod model;
mod normalize;
mod pattern;
mod pieces;
mod places;
mod template;
mod tokenizer;
mod tokens;
mod trie;
mod trim;
mod unigram;
mod wordpiece;
mod words;

pub use encoding::Encoding;
pub use error::TokenizerError;
pub use places::Token;
pub use tokenizer::Tokenizer;
