//! The tokenizer: a text through all steps.

use crate::added::Found;
use crate::aligned::{Aligned, Part, Span};
use crate::encoding::Encoding;
use crate::error::TokenizerError;
use crate::file::{self, Contents};
use crate::model::Scratch;
use crate::pieces::Pieces;
use crate::places::Token;
use crate::words;

/// A tokenizer, read from a `tokenizer.json`.
pub struct Tokenizer(Contents);

/// One part of a text: its added tokens and words, in order.
enum Unit<'a> {
    /// An added token, by id, and the text that it takes.
    Token(u32, Part<'a>),
    /// A word, which the model splits into pieces.
    Word(Part<'a>),
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
        self.for_each_unit(text, false, |unit| match unit {
            Unit::Token(id, _) => words.extend(self.token(id).map(str::to_owned)),
            Unit::Word(word) => words.push(word.text.to_owned()),
        });
        words
    }

    /// The tokens of a whole text, and where they are. `special` adds the special tokens of the
    /// template.
    pub fn tokens(&self, text: &str, special: bool) -> Vec<Token> {
        let Contents { model, single, trim, .. } = &self.0;
        let mut found = Vec::new();
        let mut scratch = Scratch::default();
        let mut push = |id: u32, token: &str, place: Option<Span>| {
            let trimmed = |place| trim.map_or(place, |trim| trim.apply(token, found.is_empty(), place));
            found.push(Token { id, place: place.map(trimmed) });
        };
        self.for_each_unit(text, true, |unit| match unit {
            Unit::Token(id, part) => push(id, part.text, part.span(0..part.text.len())),
            Unit::Word(word) => {
                let mut pieces = Pieces { places: Some(Vec::new()), ..Pieces::default() };
                model.tokenize(word.text, &mut scratch, &mut pieces);
                for (&id, place) in pieces.ids.iter().zip(pieces.places.unwrap_or_default()) {
                    push(id, self.token(id).unwrap_or_default(), word.span(place));
                }
            }
        });
        if !special {
            return found;
        }
        let [before, behind] = single.around();
        let added = |id| Token { id, place: None };
        before.into_iter().map(added).chain(found).chain(behind.into_iter().map(added)).collect()
    }

    /// The text of some ids, by the decoder of the file. Ids without a token are skipped;
    /// `skip_special` skips special tokens too.
    ///
    /// # Errors
    /// [`TokenizerError::Decoder`] if the file's decoder is not supported.
    pub fn decode(&self, ids: &[u32], skip_special: bool) -> Result<String, TokenizerError> {
        let Contents { special, decoder, .. } = &self.0;
        let decoder = decoder.as_ref().map_err(|error| TokenizerError::Decoder(error.clone()))?;
        let kept = ids.iter().filter(|id| !skip_special || !special.contains(id));
        let tokens: Vec<String> = kept.filter_map(|&id| self.token(id)).map(str::to_owned).collect();
        Ok(match decoder {
            None => tokens.join(" "),
            Some(steps) => steps.iter().fold(tokens, |tokens, step| step.apply(tokens)).concat(),
        })
    }

    /// The ids of a text, without the template's special tokens.
    fn ids(&self, text: &str) -> Vec<u32> {
        let mut pieces = Pieces::default();
        let mut scratch = Scratch::default();
        self.for_each_unit(text, false, |unit| match unit {
            Unit::Token(id, _) => pieces.ids.push(id),
            Unit::Word(word) => self.0.model.tokenize(word.text, &mut scratch, &mut pieces),
        });
        pieces.ids
    }

    /// Calls `unit` for each part of a text, in order. `aligned` says whether the parts know where
    /// they come from.
    fn for_each_unit(&self, text: &str, aligned: bool, mut unit: impl FnMut(Unit<'_>)) {
        let Contents { raw, normalizer, .. } = &self.0;
        // Whether no part of the text has been taken yet.
        let mut first = true;
        raw.split(text, |found| {
            match found {
                Found::Token(id, range) if aligned => {
                    let token = Aligned::of(&text[range.clone()], range.start);
                    unit(Unit::Token(id, token.part()));
                }
                Found::Token(id, range) => unit(Unit::Token(id, Part::plain(&text[range]))),
                Found::Text(range) if aligned => {
                    let text = normalizer.align(&text[range.clone()], range.start);
                    self.for_each_normalized(text.part(), &mut first, &mut unit);
                }
                Found::Text(range) => {
                    let text = normalizer.normalize(&text[range]);
                    self.for_each_normalized(Part::plain(&text), &mut first, &mut unit);
                }
            }
            first = false;
        });
    }

    fn for_each_normalized(&self, text: Part<'_>, first: &mut bool, unit: &mut impl FnMut(Unit<'_>)) {
        let Contents { normalized, words, .. } = &self.0;
        normalized.split(text.text, |found| {
            match found {
                Found::Token(id, range) => unit(Unit::Token(id, text.slice(range))),
                Found::Text(range) => {
                    words::split(words, text.slice(range), *first, &mut |word| unit(Unit::Word(word)));
                }
            }
            *first = false;
        });
    }
}

impl std::fmt::Debug for Tokenizer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokenizer").field("vocab_size", &self.vocab_size()).finish_non_exhaustive()
    }
}
