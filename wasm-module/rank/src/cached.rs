//! Answers from stored vectors instead of running the model.
//!
//! The integers of an input depend only on the input and on the model. So a vector that any host
//! computed once answers for the model everywhere.
//!
//! A store keeps compact vectors, (40) of `SPEC.md`. The compact vector of a compact vector is the
//! vector itself. So whoever compares texts by their compact vectors gets the same bits from a
//! stored vector and from the model. Nobody else asks for the vectors of stored texts:
//! [`Job::items`](crate::Job::items) names only texts that are compared.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use crate::{
    compact::compact,
    encoder::{EncodeError, Encoded, ModelInfo, ModelKind, Text, TextEncoder, Token},
};

/// A model that runs only on inputs whose vectors it does not know. It keeps the vectors that it
/// computes for inputs given to [`Self::look_up`] or [`Self::expect`].
pub struct CachedEncoder<E> {
    encoder: E,
    known: Known,
}

/// The vectors of one request. A host that answers several requests in turns puts the vectors of
/// one of them into the model by [`CachedEncoder::exchange`], and takes them out again.
#[derive(Default)]
pub struct Known(HashMap<Input, Entry>);

/// A [`Text`] that owns its parts.
#[derive(PartialEq, Eq, Hash)]
enum Input {
    Single(String),
    Pair(String, String),
    Ids(Vec<u32>),
}

impl From<Text<'_>> for Input {
    fn from(text: Text<'_>) -> Self {
        match text {
            Text::Single(text) => Self::Single(text.to_owned()),
            Text::Pair(a, b) => Self::Pair(a.to_owned(), b.to_owned()),
            Text::Ids(ids) => Self::Ids(ids.to_vec()),
        }
    }
}

struct Entry {
    encoded: Option<Encoded>,
    /// Whether the model computed the vector, and a store shall get it.
    learned: bool,
    /// Whether a store keeps the vectors of such texts.
    stored: bool,
}

/// The layout of the records. Another layout has other keys, so no record is read as what it is
/// not.
const LAYOUT: &str = "compact-16";

/// Bytes of a record before the vector: 4 for the number of tokens, 1 for whether the text was cut.
const HEAD: usize = 5;

impl<E: TextEncoder> CachedEncoder<E> {
    /// Wraps a model. No vectors are known yet.
    pub fn new(encoder: E) -> Self {
        Self { encoder, known: Known::default() }
    }

    /// The model.
    pub fn encoder(&self) -> &E {
        &self.encoder
    }

    /// The model.
    pub fn encoder_mut(&mut self) -> &mut E {
        &mut self.encoder
    }

    /// The key under which a text's vector is stored: 64 hexadecimal digits of a SHA-256 over the
    /// layout of the records, the model's digest, its longest input and the text. Equal keys mean
    /// equal records, whichever host wrote them.
    pub fn key(&self, text: &str) -> String {
        let info = self.encoder.info();
        let mut hash = Sha256::new();
        hash.update(LAYOUT);
        hash.update(&info.model_digest);
        hash.update((info.max_input_length as u64).to_le_bytes());
        hash.update(text);
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Tells the model the record stored under a text's key, if there is one. A record of another
    /// model counts as a miss.
    pub fn look_up(&mut self, text: &str, record: Option<&[u8]>) {
        let encoded = record.and_then(|record| self.decode(record));
        let input = Text::single(text).into();
        self.known.0.insert(input, Entry { encoded, learned: false, stored: true });
    }

    /// Announces an input that no store knows. Its vector is kept once the model has computed it.
    pub fn expect(&mut self, input: Text<'_>) {
        let entry = Entry { encoded: None, learned: false, stored: false };
        self.known.0.entry(input.into()).or_insert(entry);
    }

    /// Exchanges the vectors of two requests: those in the model for those in `other`.
    pub fn exchange(&mut self, other: &mut Known) {
        std::mem::swap(&mut self.known, other);
    }

    /// Whether the vector of an input is known, so that the model need not run on it.
    pub fn knows(&self, input: Text<'_>) -> bool {
        self.known.0.get(&input.into()).is_some_and(|entry| entry.encoded.is_some())
    }

    /// Forgets all vectors, and gives the keys and records of those that a store shall get.
    pub fn learned(&mut self) -> Vec<(String, Vec<u8>)> {
        let known = std::mem::take(&mut self.known.0);
        let computed = known.into_iter().filter(|(_, entry)| entry.learned);
        let stored = |(input, entry): (Input, Entry)| match input {
            Input::Single(text) => Some((self.key(&text), record(&entry.encoded?))),
            Input::Pair(..) | Input::Ids(_) => None,
        };
        computed.filter_map(stored).collect()
    }

    fn decode(&self, record: &[u8]) -> Option<Encoded> {
        let ModelKind::Embedding { dimensions } = self.encoder.info().kind else { return None };
        let (head, numbers) = record.split_first_chunk::<HEAD>()?;
        let ([t0, t1, t2, t3, truncated @ (0 | 1)], true) = (*head, numbers.len() == 2 * dimensions) else {
            return None;
        };
        let (numbers, _) = numbers.as_chunks();
        Some(Encoded {
            vector: numbers.iter().map(|number| i16::from_le_bytes(*number).into()).collect(),
            tokens: u32::from_le_bytes([t0, t1, t2, t3]) as usize,
            truncated: truncated == 1,
        })
    }
}

/// Tokens, whether the text was cut, and the numbers of the compact vector, the least byte first.
fn record(encoded: &Encoded) -> Vec<u8> {
    let compact = compact(&encoded.vector);
    let mut record = (encoded.tokens as u32).to_le_bytes().to_vec();
    record.push(u8::from(encoded.truncated));
    record.extend(compact.iter().flat_map(|number| number.to_le_bytes()));
    record
}

impl<E: TextEncoder> TextEncoder for CachedEncoder<E> {
    fn info(&self) -> &ModelInfo {
        self.encoder.info()
    }

    fn encode(&mut self, inputs: &[Text<'_>]) -> Result<Vec<Encoded>, EncodeError> {
        let known = |input: &Text<'_>| self.known.0.get(&(*input).into())?.encoded.clone();
        let answers = inputs.iter().map(known).collect();
        let looked_for = &mut self.known.0;
        encode_missing(&mut self.encoder, inputs, answers, |input, encoded| {
            if let Some(entry) = looked_for.get_mut(&input.into()) {
                entry.encoded = Some(encoded.clone());
                entry.learned = entry.stored;
            }
        })
    }

    fn count_tokens(&mut self, input: Text<'_>) -> Result<usize, EncodeError> {
        self.encoder.count_tokens(input)
    }

    fn tokens(&mut self, text: &str, special: bool) -> Result<Vec<Token>, EncodeError> {
        self.encoder.tokens(text, special)
    }

    fn text_of(&mut self, ids: &[u32], skip_special: bool) -> Result<String, EncodeError> {
        self.encoder.text_of(ids, skip_special)
    }
}

/// Runs the model on the inputs whose answer is `None`, and gives all answers in order. `keep` gets
/// each computed vector.
///
/// # Errors
/// Those of the model. An error's index counts in `inputs`.
pub fn encode_missing(
    encoder: &mut impl TextEncoder,
    inputs: &[Text<'_>],
    mut answers: Vec<Option<Encoded>>,
    mut keep: impl FnMut(Text<'_>, &Encoded),
) -> Result<Vec<Encoded>, EncodeError> {
    let missing: Vec<usize> = (0..inputs.len()).filter(|&at| answers[at].is_none()).collect();
    if !missing.is_empty() {
        let texts: Vec<Text<'_>> = missing.iter().map(|&at| inputs[at]).collect();
        let encoded = encoder.encode(&texts).map_err(|error| renumbered(error, &missing))?;
        for (&at, encoded) in missing.iter().zip(encoded) {
            keep(inputs[at], &encoded);
            answers[at] = Some(encoded);
        }
    }
    // If the model gives too few vectors, so does this function; the service checks the number.
    Ok(answers.into_iter().flatten().collect())
}

/// The same error with the input's index in the request.
fn renumbered(error: EncodeError, missing: &[usize]) -> EncodeError {
    let original = |index: usize| missing.get(index).copied().unwrap_or(index);
    match error {
        EncodeError::Empty { index } => EncodeError::Empty { index: original(index) },
        EncodeError::Tokenizer { index, message } => {
            EncodeError::Tokenizer { index: original(index), message }
        }
        EncodeError::Backend(message) => EncodeError::Backend(message),
    }
}
