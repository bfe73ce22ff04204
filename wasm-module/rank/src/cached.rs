//! Vectors that a place has already, put before a model.
//!
//! A text's integers depend on the text and on the model alone, so what was computed once, anywhere, answers for the model.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use crate::encoder::{EncodeError, Encoded, ModelInfo, ModelKind, Text, TextEncoder};

/// A model that is asked only for what is not known. What it computes for texts that were looked for is kept until
/// [`Self::learned`] takes it.
pub struct CachedEncoder<E> {
    encoder: E,
    /// What was looked for: its vector, where one was found or computed since.
    known: HashMap<String, Entry>,
}

struct Entry {
    encoded: Option<Encoded>,
    computed: bool,
}

/// Length of the head of a record: the number of tokens in 4 bytes, and whether the text was cut in one.
const HEAD: usize = 5;

impl<E: TextEncoder> CachedEncoder<E> {
    /// Around a model, knowing nothing.
    pub fn new(encoder: E) -> Self {
        Self { encoder, known: HashMap::new() }
    }

    /// The model.
    pub fn encoder(&self) -> &E {
        &self.encoder
    }

    /// The model.
    pub fn encoder_mut(&mut self) -> &mut E {
        &mut self.encoder
    }

    /// The key under which a text's vector is stored: equal keys mean equal integers, on every machine and for every place
    /// that writes records. 64 hexadecimal digits of a SHA-256 over the model's digest, its longest input and the text.
    pub fn key(&self, text: &str) -> String {
        let info = self.encoder.info();
        let mut hash = Sha256::new();
        hash.update(&info.model_digest);
        hash.update((info.max_input_length as u64).to_le_bytes());
        hash.update(text);
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Looks a text up: `record` is what is stored under its key. A record that is none of this model's is as good as
    /// none.
    pub fn look_up(&mut self, text: &str, record: Option<&[u8]>) {
        let encoded = record.and_then(|record| self.decode(record));
        self.known.insert(text.to_owned(), Entry { encoded, computed: false });
    }

    /// Whether the model need not be asked for a text.
    pub fn knows(&self, text: &str) -> bool {
        self.known.get(text).is_some_and(|entry| entry.encoded.is_some())
    }

    /// Forgets all that was looked up; gives the keys and records of what was computed meanwhile.
    pub fn learned(&mut self) -> Vec<(String, Vec<u8>)> {
        let known = std::mem::take(&mut self.known);
        let computed = known.into_iter().filter(|(_, entry)| entry.computed);
        computed.filter_map(|(text, entry)| Some((self.key(&text), record(&entry.encoded?)))).collect()
    }

    fn decode(&self, record: &[u8]) -> Option<Encoded> {
        let ModelKind::Embedding { dimensions } = self.encoder.info().kind else { return None };
        let (head, numbers) = record.split_first_chunk::<HEAD>()?;
        let ([t0, t1, t2, t3, truncated @ (0 | 1)], true) = (*head, numbers.len() == 4 * dimensions) else {
            return None;
        };
        let (numbers, _) = numbers.as_chunks();
        Some(Encoded {
            vector: numbers.iter().map(|number| i32::from_le_bytes(*number)).collect(),
            tokens: u32::from_le_bytes([t0, t1, t2, t3]) as usize,
            truncated: truncated == 1,
        })
    }
}

fn record(encoded: &Encoded) -> Vec<u8> {
    let mut record = (encoded.tokens as u32).to_le_bytes().to_vec();
    record.push(u8::from(encoded.truncated));
    record.extend(encoded.vector.iter().flat_map(|number| number.to_le_bytes()));
    record
}

impl<E: TextEncoder> TextEncoder for CachedEncoder<E> {
    fn info(&self) -> &ModelInfo {
        self.encoder.info()
    }

    fn encode(&mut self, inputs: &[Text<'_>]) -> Result<Vec<Encoded>, EncodeError> {
        let known = |input: &Text<'_>| match input.pair {
            None => self.known.get(input.text).and_then(|entry| entry.encoded.clone()),
            Some(_) => None,
        };
        let answers = inputs.iter().map(known).collect();
        let looked_for = &mut self.known;
        encode_missing(&mut self.encoder, inputs, answers, |text, encoded| {
            if let Some(entry) = looked_for.get_mut(text) {
                *entry = Entry { encoded: Some(encoded.clone()), computed: true };
            }
        })
    }

    fn count_tokens(&mut self, input: Text<'_>) -> Result<usize, EncodeError> {
        self.encoder.count_tokens(input)
    }
}

/// Fills in the answers that are not known: the model is asked for these inputs alone, and `keep` sees the vector of each
/// that is a single text.
///
/// # Errors
/// Those of the model, about the input at its place in `inputs`.
pub fn encode_missing(
    encoder: &mut impl TextEncoder,
    inputs: &[Text<'_>],
    mut answers: Vec<Option<Encoded>>,
    mut keep: impl FnMut(&str, &Encoded),
) -> Result<Vec<Encoded>, EncodeError> {
    let missing: Vec<usize> = (0..inputs.len()).filter(|&at| answers[at].is_none()).collect();
    if !missing.is_empty() {
        let texts: Vec<Text<'_>> = missing.iter().map(|&at| inputs[at]).collect();
        let encoded = encoder.encode(&texts).map_err(|error| renumbered(error, &missing))?;
        for (&at, encoded) in missing.iter().zip(encoded) {
            if inputs[at].pair.is_none() {
                keep(inputs[at].text, &encoded);
            }
            answers[at] = Some(encoded);
        }
    }
    // A model that gives too few vectors gives too few here too.
    Ok(answers.into_iter().flatten().collect())
}

/// The same error about the input at the place it has in the request.
fn renumbered(error: EncodeError, missing: &[usize]) -> EncodeError {
    let place = |index: usize| missing.get(index).copied().unwrap_or(index);
    match error {
        EncodeError::Empty { index } => EncodeError::Empty { index: place(index) },
        EncodeError::Tokenizer { index, message } => EncodeError::Tokenizer { index: place(index), message },
        EncodeError::Backend(message) => EncodeError::Backend(message),
    }
}
