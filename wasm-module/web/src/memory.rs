//! Keeps the vectors of texts that the model has run.

use std::collections::{HashMap, VecDeque};

use lockstep_rank::{EncodeError, Encoded, ModelInfo, Text, TextEncoder, Token, encode_missing};

/// Bytes of texts and vectors that are kept between requests. During a request there may be more.
const KEPT: usize = 16 << 20;

/// A model that runs once on each text: a text's integers depend only on the text and on the
/// model.
#[derive(Debug)]
pub struct Memory<E> {
    encoder: E,
    known: HashMap<String, Encoded>,
    /// The texts of `known`, the oldest first.
    order: VecDeque<String>,
    bytes: usize,
    kept: usize,
}

impl<E: TextEncoder> Memory<E> {
    /// Wraps a model. No vectors are known yet.
    pub fn new(encoder: E) -> Self {
        Self { encoder, known: HashMap::new(), order: VecDeque::new(), bytes: 0, kept: KEPT }
    }

    /// The texts whose vectors are not known: each text once, in reverse order.
    pub fn unknown<'a>(&self, texts: impl IntoIterator<Item = &'a str>) -> Vec<String> {
        let mut seen = std::collections::HashSet::new();
        let texts = texts.into_iter().filter(|&text| !self.known.contains_key(text) && seen.insert(text));
        let mut texts: Vec<String> = texts.map(str::to_owned).collect();
        texts.reverse();
        texts
    }

    /// Drops the oldest vectors until the rest fits into the memory kept between requests.
    pub fn trim(&mut self) {
        while self.bytes > self.kept {
            let Some(text) = self.order.pop_front() else { break };
            if let Some(encoded) = self.known.remove(&text) {
                self.bytes -= size(&text, &encoded);
            }
        }
    }

    /// Drops all vectors.
    pub fn forget(&mut self) {
        self.known.clear();
        self.order.clear();
        self.bytes = 0;
    }
}

fn size(text: &str, encoded: &Encoded) -> usize {
    2 * text.len() + 4 * encoded.vector.len()
}

impl<E: TextEncoder> TextEncoder for Memory<E> {
    fn info(&self) -> &ModelInfo {
        self.encoder.info()
    }

    fn encode(&mut self, inputs: &[Text<'_>]) -> Result<Vec<Encoded>, EncodeError> {
        let known = |input: &Text<'_>| self.known.get(input.alone()?).cloned();
        let answers = inputs.iter().map(known).collect();
        let Self { encoder, known, order, bytes, .. } = self;
        encode_missing(encoder, inputs, answers, |input, encoded| {
            if let Some(text) = input.alone()
                && known.insert(text.to_owned(), encoded.clone()).is_none()
            {
                *bytes += size(text, encoded);
                order.push_back(text.to_owned());
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use lockstep_rank::ModelKind;

    use super::*;

    /// Gives each text a vector of its length, and counts the texts. The text "!" fails.
    struct Fake(ModelInfo, usize);

    fn fake() -> Memory<Fake> {
        let info = ModelInfo {
            model_id: String::new(),
            model_digest: String::new(),
            model_dtype: String::new(),
            kind: ModelKind::Embedding { dimensions: 1 },
            pooling: String::new(),
            max_input_length: 8,
            vocabulary: 1,
            prompts: Default::default(),
            vector_scale: 1.0,
            backend: String::new(),
            version: String::new(),
        };
        Memory::new(Fake(info, 0))
    }

    impl TextEncoder for Fake {
        fn info(&self) -> &ModelInfo {
            &self.0
        }

        fn encode(&mut self, inputs: &[Text<'_>]) -> Result<Vec<Encoded>, EncodeError> {
            self.1 += inputs.len();
            if let Some(index) = inputs.iter().position(|input| *input == Text::Single("!")) {
                return Err(EncodeError::Empty { index });
            }
            let vector = |input: &Text<'_>| vec![input.alone().unwrap().len() as i32];
            Ok(inputs.iter().map(|i| Encoded { vector: vector(i), tokens: 1, truncated: false }).collect())
        }

        fn count_tokens(&mut self, _: Text<'_>) -> Result<usize, EncodeError> {
            Ok(1)
        }
    }

    fn lengths(memory: &mut Memory<Fake>, texts: &[&str]) -> Vec<i32> {
        let inputs: Vec<Text<'_>> = texts.iter().map(|text| Text::single(text)).collect();
        memory.encode(&inputs).unwrap().iter().map(|encoded| encoded.vector[0]).collect()
    }

    #[test]
    fn a_text_is_run_once_and_answers_keep_their_places() {
        let mut memory = fake();
        assert_eq!(lengths(&mut memory, &["a", "bbb"]), [1, 3]);
        assert_eq!(lengths(&mut memory, &["bbb", "cc", "a"]), [3, 2, 1]);
        assert_eq!(memory.encoder.1, 3);
        assert_eq!(memory.unknown(["a", "x", "y", "x"]), ["y", "x"]);
        memory.forget();
        assert_eq!(memory.unknown(["a"]), ["a"]);
    }

    #[test]
    fn an_error_names_the_place_in_the_request() {
        let mut memory = fake();
        lengths(&mut memory, &["a"]);
        let error = memory.encode(&[Text::single("a"), Text::single("!")]).unwrap_err();
        assert_eq!(error, EncodeError::Empty { index: 1 });
    }

    #[test]
    fn the_oldest_go_first() {
        let mut memory = fake();
        memory.kept = 12;
        lengths(&mut memory, &["a", "b"]);
        lengths(&mut memory, &["c"]);
        memory.trim();
        assert_eq!(memory.unknown(["a", "b", "c"]), ["a"]);
    }
}
