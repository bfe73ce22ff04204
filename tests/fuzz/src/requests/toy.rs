//! A model that is quick and goes to extremes.

use lockstep_rank::{EncodeError, Encoded, LabelScores, ModelInfo, ModelKind, Prompts, Text, TextEncoder};

/// The greatest pooled number (33): 512 tokens of 16 bits.
const LARGEST: i32 = 512 << 15;
const DIMENSIONS: usize = 8;
/// Most tokens of an input. Each word is a token, and there are two or three special ones.
const TOKENS: usize = 9;

/// The model.
pub(super) struct Toy(ModelInfo);

impl Toy {
    /// An embedding model, or a classifier with one label or more.
    pub(super) fn new(kind: u8) -> Self {
        let labels = |n: usize| (0..n).map(|i| format!("label {i}")).collect();
        let classifier = |n, logit_scale| ModelKind::Classifier {
            labels: labels(n),
            logit_scale,
            scores: LabelScores::usual(n),
        };
        Self(ModelInfo {
            model_id: "toy".into(),
            model_digest: "00ff".repeat(16),
            model_dtype: "lockstep-i8".into(),
            kind: match kind % 4 {
                0 | 1 => ModelKind::Embedding { dimensions: DIMENSIONS },
                2 => classifier(1, 1e-3),
                _ => classifier(3, 1e6),
            },
            pooling: "mean".into(),
            prompts: Prompts { texts: [("query".to_owned(), "ask: ".to_owned())].into(), default: None },
            max_input_length: TOKENS,
            vocabulary: 100,
            vector_scale: 1e-4,
            backend: "toy".into(),
            version: "0.0.0".into(),
        })
    }

    fn outputs(&self) -> usize {
        match &self.0.kind {
            ModelKind::Embedding { dimensions } => *dimensions,
            ModelKind::Classifier { labels, .. } => labels.len(),
        }
    }
}

impl TextEncoder for Toy {
    fn info(&self) -> &ModelInfo {
        &self.0
    }

    fn encode(&mut self, inputs: &[Text<'_>]) -> Result<Vec<Encoded>, EncodeError> {
        let one = |(index, &input): (usize, &Text<'_>)| {
            // Ids are checked before.
            if input.alone().is_some_and(|text| text.trim().is_empty()) {
                return Err(EncodeError::Empty { index });
            }
            let all = self.count_tokens(input)?;
            Ok(Encoded {
                vector: vector(input, self.outputs()),
                tokens: all.min(TOKENS),
                truncated: all > TOKENS,
            })
        };
        // `count_tokens` takes `&mut self` for models that keep buffers; this one keeps none.
        inputs.iter().enumerate().map(one).collect()
    }

    fn count_tokens(&mut self, input: Text<'_>) -> Result<usize, EncodeError> {
        let words = |text: &str| text.split_whitespace().count();
        Ok(match input {
            Text::Single(text) => words(text) + 2,
            Text::Pair(a, b) => words(a) + words(b) + 3,
            Text::Ids(ids) => ids.len(),
        })
    }
}

/// All zeros, the extremes, or numbers that depend on the bytes of the text.
fn vector(input: Text<'_>, outputs: usize) -> Vec<i32> {
    let bytes: Vec<u8> = match input {
        Text::Single(text) => text.bytes().collect(),
        Text::Pair(a, b) => a.bytes().chain(b.bytes()).collect(),
        Text::Ids(ids) => ids.iter().flat_map(|id| id.to_le_bytes()).collect(),
    };
    let hash = bytes
        .into_iter()
        .fold(0xcbf2_9ce4_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    let number = |i: usize| (hash.rotate_left(4 * i as u32) as i32) % (LARGEST + 1);
    match hash % 8 {
        0 => vec![0; outputs],
        1 => vec![LARGEST; outputs],
        2 => vec![-LARGEST; outputs],
        _ => (0..outputs).map(number).collect(),
    }
}
