//! A model whose integers can be computed by hand: a text's vector is the sum of its words'
//! vectors, and a word's vector comes from a hash of its letters.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

pub mod memory;

use lockstep_rank::{
    EncodeError, Encoded, LabelScores, Limits, ModelInfo, ModelKind, Prompts, Reply, Service, Text,
    TextEncoder, Token,
};
use serde_json::Value;

pub const DIMENSIONS: usize = 8;
/// Most tokens of an input: one for each word, two special ones, and one more between the two texts
/// of a pair.
pub const MAX_INPUT: usize = 10;

pub const VOCABULARY: usize = 1000;

pub struct Fake {
    info: ModelInfo,
    /// The number of inputs of every call so far.
    pub calls: Vec<usize>,
    /// The fault of the next call.
    pub sabotage: Option<Sabotage>,
}

pub enum Sabotage {
    Fail(EncodeError),
    OneVectorTooFew,
    ShortVector,
}

impl Fake {
    pub fn embedding() -> Self {
        Self::of(ModelKind::Embedding { dimensions: DIMENSIONS })
    }

    pub fn other_model() -> Self {
        let mut fake = Self::embedding();
        fake.info.model_digest = "ff00".repeat(16);
        fake
    }

    pub fn classifier(labels: &[&str]) -> Self {
        Self::scored(labels, LabelScores::usual(labels.len()))
    }

    /// The logit of label `n` is `n` more than that of the first one.
    pub fn scored(labels: &[&str], scores: LabelScores) -> Self {
        let labels = labels.iter().map(|&label| label.to_owned()).collect();
        Self::of(ModelKind::Classifier { labels, logit_scale: 0.25, scores })
    }

    pub fn prompted(prompts: Prompts) -> Self {
        let mut fake = Self::embedding();
        fake.info.prompts = prompts;
        fake
    }

    fn of(kind: ModelKind) -> Self {
        Self {
            info: ModelInfo {
                model_id: "fake/words".into(),
                model_digest: "00ff".repeat(16),
                model_dtype: "lockstep-i8".into(),
                kind,
                pooling: "mean".into(),
                max_input_length: MAX_INPUT,
                vocabulary: VOCABULARY,
                prompts: Prompts::default(),
                vector_scale: 0.5,
                backend: "fake".into(),
                version: "0.0.0".into(),
            },
            calls: Vec::new(),
            sabotage: None,
        }
    }
}

/// FNV-1a.
fn hash(word: &str) -> u64 {
    word.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Token id 7 stands for the word `7`.
fn words(text: Text<'_>) -> Vec<String> {
    let split = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    match text {
        Text::Single(text) => split(text),
        Text::Pair(a, b) => [split(a), split(b)].concat(),
        Text::Ids(ids) => ids.iter().map(u32::to_string).collect(),
    }
}

impl TextEncoder for Fake {
    fn info(&self) -> &ModelInfo {
        &self.info
    }

    fn encode(&mut self, inputs: &[Text<'_>]) -> Result<Vec<Encoded>, EncodeError> {
        self.calls.push(inputs.len());
        let mut answers = Vec::new();
        for &text in inputs {
            let all = self.count_tokens(text)?;
            let special = all - words(text).len();
            let words: Vec<String> = words(text).into_iter().take(MAX_INPUT - special).collect();
            let vector = match &self.info.kind {
                ModelKind::Embedding { dimensions } => (0..*dimensions)
                    .map(|at| {
                        let signed = |word: &String| (hash(word) >> (at * 8)) as u8 as i8;
                        words.iter().map(|word| i32::from(signed(word))).sum()
                    })
                    .collect(),
                // The logit of a pair counts the words of the first text that the second contains.
                ModelKind::Classifier { labels, .. } => {
                    let shared = match text {
                        Text::Pair(a, b) => a.split_whitespace().filter(|word| b.contains(word)).count(),
                        Text::Single(_) | Text::Ids(_) => 0,
                    };
                    (0..labels.len()).map(|label| shared as i32 * 8 - 8 + 4 * label as i32).collect()
                }
            };
            answers.push(Encoded { vector, tokens: all.min(MAX_INPUT), truncated: all > MAX_INPUT });
        }
        match self.sabotage.take() {
            None => {}
            Some(Sabotage::Fail(error)) => return Err(error),
            Some(Sabotage::OneVectorTooFew) => drop(answers.pop()),
            Some(Sabotage::ShortVector) => drop(answers[0].vector.pop()),
        }
        Ok(answers)
    }

    fn count_tokens(&mut self, input: Text<'_>) -> Result<usize, EncodeError> {
        let special = match input {
            Text::Single(_) => 2,
            Text::Pair(..) => 3,
            Text::Ids(_) => 0,
        };
        Ok(words(input).len() + special)
    }

    /// A token for each word, whose id is its length.
    fn tokens(&mut self, text: &str, special: bool) -> Result<Vec<Token>, EncodeError> {
        if let Some(Sabotage::Fail(error)) = self.sabotage.take() {
            return Err(error);
        }
        let edge = |name: &str| special.then(|| Token { id: 1, name: name.into(), place: None });
        let word = |word: &str| {
            let start = word.as_ptr() as usize - text.as_ptr() as usize;
            Token { id: word.len() as u32, name: word.into(), place: Some((start, start + word.len())) }
        };
        let words = text.split_whitespace().map(word);
        Ok(edge("<s>").into_iter().chain(words).chain(edge("</s>")).collect())
    }

    fn text_of(&mut self, ids: &[u32], skip_special: bool) -> Result<String, EncodeError> {
        if let Some(Sabotage::Fail(error)) = self.sabotage.take() {
            return Err(error);
        }
        let kept = ids.iter().filter(|id| !skip_special || **id != 1);
        Ok(kept.map(u32::to_string).collect::<Vec<_>>().join(" "))
    }
}

/// A clock that stands still.
pub fn stopped() -> f64 {
    0.0
}

pub fn service(encoder: Fake) -> Service<Fake> {
    Service::new(encoder, Limits::default(), stopped)
}

/// Posts to an embedding model.
pub fn post(path: &str, body: impl AsRef<[u8]>) -> Reply {
    service(Fake::embedding()).handle("POST", path, body.as_ref())
}

pub fn read(reply: &Reply) -> Value {
    serde_json::from_str(&reply.body).unwrap()
}

/// The answer to a request that must be served.
pub fn served(path: &str, body: &Value) -> Value {
    let reply = post(path, body.to_string());
    assert_eq!(reply.status, 200, "{}", reply.body);
    read(&reply)
}

/// Asserts a refusal's status, its `error_type`, and parts of its message.
#[track_caller]
pub fn refused(reply: &Reply, status: u16, error_type: &str, parts: &[&str]) {
    let answer = read(reply);
    let fields = answer.as_object().unwrap();
    assert_eq!(reply.status, status, "{answer}");
    // The shapes of OpenAI and of text-embeddings-inference.
    let message = match answer["error"].as_object() {
        Some(error) => {
            assert_eq!((fields.len(), error.len()), (1, 4), "{answer}");
            assert_eq!(error["code"], error_type.to_lowercase(), "{answer}");
            error["message"].as_str().unwrap()
        }
        None => {
            // Cohere's clients read the message as `message` too.
            assert_eq!(answer.get("message").unwrap_or(&answer["error"]), &answer["error"], "{answer}");
            assert_eq!(fields.len(), 2 + usize::from(fields.contains_key("message")), "{answer}");
            assert_eq!(answer["error_type"], error_type, "{answer}");
            answer["error"].as_str().unwrap()
        }
    };
    for part in parts {
        assert!(message.contains(part), "{part:?} is not in {message:?}");
    }
    assert_eq!(reply.usage, lockstep_rank::Usage::default());
}
