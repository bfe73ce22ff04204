//! What goes back as JSON. Numbers are written as the shortest decimal that reads back the same.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    encoder::{ModelInfo, ModelKind},
    limits::Limits,
};

/// Answer to `POST /v1/rank`.
#[derive(Serialize)]
pub(crate) struct RankAnswer<'a> {
    pub(crate) model: &'a str,
    pub(crate) model_digest: &'a str,
    pub(crate) backend: &'a str,
    pub(crate) items: Vec<Item<'a>>,
    #[serde(skip_serializing_if = "Truncated::is_empty")]
    pub(crate) truncated: Truncated,
    pub(crate) usage: Tokens,
    pub(crate) took_ms: f64,
}

/// One ranked candidate.
#[derive(Serialize)]
pub(crate) struct Item<'a> {
    pub(crate) id: &'a str,
    pub(crate) index: usize,
    pub(crate) score: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) because: Option<Vec<Because>>,
}

/// A history entry that a score rests on.
#[derive(Serialize)]
pub(crate) struct Because {
    pub(crate) history: usize,
    pub(crate) similarity: f64,
}

/// Positions of the texts whose end was cut off.
#[derive(Default, Serialize)]
pub(crate) struct Truncated {
    pub(crate) history: Vec<usize>,
    pub(crate) candidates: Vec<usize>,
}

impl Truncated {
    fn is_empty(&self) -> bool {
        self.history.is_empty() && self.candidates.is_empty()
    }
}

/// Tokens that went through the model.
#[derive(Serialize)]
pub(crate) struct Tokens {
    pub(crate) tokens: usize,
}

/// One line of the answer to `POST /rerank`.
#[derive(Serialize)]
pub(crate) struct Reranked<'a> {
    pub(crate) index: usize,
    pub(crate) score: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<&'a str>,
}

/// Answer to `POST /v1/embeddings`.
#[derive(Serialize)]
pub(crate) struct EmbeddingsAnswer<'a> {
    object: &'static str,
    data: Vec<Embedding>,
    model: &'a str,
    usage: EmbeddingsUsage,
}

#[derive(Serialize)]
struct Embedding {
    object: &'static str,
    embedding: Numbers,
    index: usize,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Numbers {
    Array(Vec<f32>),
    /// Of little-endian `f32`.
    Base64(String),
}

#[derive(Serialize)]
struct EmbeddingsUsage {
    prompt_tokens: usize,
    total_tokens: usize,
}

impl<'a> EmbeddingsAnswer<'a> {
    pub(crate) fn new(
        model: &'a str,
        vectors: impl Iterator<Item = Vec<f32>>,
        base64: bool,
        tokens: usize,
    ) -> Self {
        let numbers = |vector: Vec<f32>| {
            if !base64 {
                return Numbers::Array(vector);
            }
            let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
            Numbers::Base64(STANDARD.encode(bytes))
        };
        let data = vectors
            .enumerate()
            .map(|(index, vector)| Embedding { object: "embedding", embedding: numbers(vector), index })
            .collect();
        let usage = EmbeddingsUsage { prompt_tokens: tokens, total_tokens: tokens };
        Self { object: "list", data, model, usage }
    }
}

/// Answer to `POST /lockstep/encode`.
#[derive(Serialize)]
pub(crate) struct EncodeAnswer {
    pub(crate) vectors: Vec<Vec<i32>>,
    pub(crate) tokens: Vec<usize>,
    pub(crate) truncated: Vec<bool>,
}

/// Answer to `GET /info`: text-embeddings-inference's fields, and ours.
pub(crate) fn info(model: &ModelInfo, limits: &Limits) -> Value {
    let names = |labels: &[String]| -> Value {
        let ids: serde_json::Map<_, _> =
            labels.iter().enumerate().map(|(id, label)| (id.to_string(), json!(label))).collect();
        let labels: serde_json::Map<_, _> =
            labels.iter().enumerate().map(|(id, label)| (label.clone(), json!(id))).collect();
        json!({ "id2label": ids, "label2id": labels })
    };
    let (model_type, dimensions) = match &model.kind {
        ModelKind::Embedding { dimensions } => {
            (json!({ "embedding": { "pooling": model.pooling } }), Some(dimensions))
        }
        ModelKind::Classifier { labels, .. } if labels.len() == 1 => {
            (json!({ "reranker": names(labels) }), None)
        }
        ModelKind::Classifier { labels, .. } => (json!({ "classifier": names(labels) }), None),
    };
    json!({
        "model_id": model.model_id,
        "model_sha": null,
        "model_digest": model.model_digest,
        "model_dtype": model.model_dtype,
        "model_type": model_type,
        "dimensions": dimensions,
        "backend": model.backend,
        "max_input_length": model.max_input_length,
        "max_batch_tokens": model.max_input_length.saturating_mul(limits.max_inputs),
        "max_client_batch_size": limits.max_inputs,
        "max_candidates": limits.max_candidates,
        "max_history": limits.max_history,
        "max_text_bytes": limits.max_text_bytes,
        "max_body_bytes": limits.max_body_bytes,
        "auto_truncate": limits.auto_truncate,
        "version": model.version,
    })
}
