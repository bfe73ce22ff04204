//! The tokenizer: a text through all steps.

use crate::added::Part;
use crate::encoding::Encoding;
use crate::error::TokenizerError;
use crate::file::{self, Contents};
use crate::model::Scratch;
use crate::words;

/// A tokenizer, read from a `tokenizer.json`.
pub struct Tokenizer(Contents);

/// One part of a text: its added tokens and words, in order.
enum Unit<'a> {
    /// An added token, by id.
    Token(u32),
    /// A word, which the model splits into pieces.
    Word(&'a str),
}

impl Tokenizer {
    /// Reads the bytes of a `tokenizer.json`.
    ///
    /// # Errors
    /// The bytes are no such file, or the file asks for a part that is not supported, or it
    /// contradicts itself.
    pub fn from_json(bytes: &[u8]) -> Result<Tokenizer, TokenizerError> {
        file::read(bytes).map(Tokenizer)
    }

    /// Encodes one text into at most `max_tokens` tokens, special tokens included. A longer text
    /// loses its end; the special tokens stay.
    ///
    /// # Errors
    /// [`TokenizerError::LimitTooSmall`] if `max_tokens` is below [`Tokenizer::special_tokens`].
    pub fn encode(&self, text: &str, max_tokens: usize) -> Result<Encoding, TokenizerError> {
        self.0.single.fill([&self.ids(text), &[]], max_tokens)
    }

    /// Encodes two texts into at most `max_tokens` tokens, special tokens included. The longer
    /// text loses its end first, until both are equally long; then both lose theirs.
    ///
    /// # Errors
    /// [`TokenizerError::LimitTooSmall`] if `max_tokens` is below
    /// [`Tokenizer::special_tokens_of_pair`].
    pub fn encode_pair(&self, a: &str, b: &str, max_tokens: usize) -> Result<Encoding, TokenizerError> {
        self.0.pair.fill([&self.ids(a), &self.ids(b)], max_tokens)
    }

    /// One more than the greatest id. Not every id below it needs to have a token.
    pub fn vocab_size(&self) -> usize {
        self.0.tokens.len()
    }

    /// Number of special tokens around one text: the smallest limit for [`Tokenizer::encode`].
    pub fn special_tokens(&self) -> usize {
        self.0.single.special_tokens()
    }

    /// Number of special tokens around two texts: the smallest limit for
    /// [`Tokenizer::encode_pair`].
    pub fn special_tokens_of_pair(&self) -> usize {
        self.0.pair.special_tokens()
    }

    /// The text of a token, as the vocabulary has it: `##ing` continues a word, `▁the` begins one.
    /// `None` if no token has this id.
    pub fn token(&self, id: u32) -> Option<&str> {
        self.0.tokens.get(id)
    }

    /// The id of a token, whose text is as [`Tokenizer::token`] gives it. It looks at every token.
    pub fn id(&self, token: &str) -> Option<u32> {
        self.0.tokens.iter().find_map(|(text, id)| (text == token).then_some(id))
    }

    /// The normalized words of a text before the model splits them, and its added tokens, in order.
    /// Use it to explain a score; [`Tokenizer::encode`] does not need it.
    pub fn words(&self, text: &str) -> Vec<String> {
        let mut words = Vec::new();
        self.for_each_unit(text, |unit| match unit {
            Unit::Token(id) => words.extend(self.token(id).map(str::to_owned)),
            Unit::Word(word) => words.push(word.to_owned()),
        });
        words
    }

    /// The ids of a text, without the template's special tokens.
    fn ids(&self, text: &str) -> Vec<u32> {
        let mut ids = Vec::new();
        let mut scratch = Scratch::default();
        self.for_each_unit(text, |unit| match unit {
            Unit::Token(id) => ids.push(id),
            Unit::Word(word) => self.0.model.tokenize(word, &mut scratch, &mut ids),
        });
        ids
    }

    fn for_each_unit(&self, text: &str, mut unit: impl FnMut(Unit<'_>)) {
        let Contents { raw, normalizer, normalized, words, .. } = &self.0;
        // Whether no part of the text has been taken yet.
        let mut first = true;
        raw.split(text, |part| match part {
            Part::Token(id) => {
                first = false;
                unit(Unit::Token(id));
            }
            Part::Text(text) => {
                let text = normalizer.normalize(text);
                normalized.split(&text, |part| {
                    match part {
                        Part::Token(id) => unit(Unit::Token(id)),
                        Part::Text(text) => {
                            words::split(words, text, first, &mut |word| unit(Unit::Word(word)));
                        }
                    }
                    first = false;
                });
                first = false;
            }
        });
    }
}

impl std::fmt::Debug for Tokenizer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokenizer").field("vocab_size", &self.vocab_size()).finish_non_exhaustive()
    }
}
