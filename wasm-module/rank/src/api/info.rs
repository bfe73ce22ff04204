//! `GET /info`: describes the model and the limits, with the fields of text-embeddings-inference
//! and some more.

use serde_json::{Map, Value, json};

use super::{
    call::Call,
    endpoint::{Endpoint, Request, Route},
};
use crate::{
    encoder::ModelKind,
    problem::Problem,
    reply::{Reply, Usage},
};

/// A request without fields.
pub(crate) struct Info;

impl Endpoint for Info {
    fn route() -> Route {
        Route::get("/info")
    }

    fn read(_: &Request<'_>) -> Result<Self, Problem> {
        Ok(Self)
    }

    fn run(&self, call: &mut Call<'_>) -> Result<Reply, Problem> {
        let (model, limits) = (call.model(), call.limits);
        let (model_type, dimensions) = match &model.kind {
            ModelKind::Embedding { dimensions } => {
                (json!({ "embedding": { "pooling": model.pooling } }), Some(dimensions))
            }
            ModelKind::Classifier { labels, .. } if labels.len() == 1 => {
                (json!({ "reranker": label_maps(labels) }), None)
            }
            ModelKind::Classifier { labels, .. } => (json!({ "classifier": label_maps(labels) }), None),
        };
        let tokens = model.max_input_length.saturating_mul(limits.max_inputs).min(limits.max_batch_tokens);
        let info = json!({
            "model_id": model.model_id,
            "model_sha": null,
            "model_digest": model.model_digest,
            "model_dtype": model.model_dtype,
            "model_type": model_type,
            "dimensions": dimensions,
            "backend": model.backend,
            "max_input_length": model.max_input_length,
            "prompts": model.prompts.texts,
            "default_prompt_name": model.prompts.default,
            "max_batch_tokens": tokens,
            "max_client_batch_size": limits.max_inputs,
            "max_candidates": limits.max_candidates,
            "max_history": limits.max_history,
            "max_text_bytes": limits.max_text_bytes,
            "max_body_bytes": limits.max_body_bytes,
            "auto_truncate": limits.auto_truncate,
            "version": model.version,
        });
        Reply::answer(&info, Usage::default())
    }
}

/// The labels by their index, and the indexes by their label.
fn label_maps(labels: &[String]) -> Value {
    let labels = || labels.iter().enumerate();
    let names: Map<_, _> = labels().map(|(id, label)| (id.to_string(), json!(label))).collect();
    let ids: Map<_, _> = labels().map(|(id, label)| (label.clone(), json!(id))).collect();
    json!({ "id2label": names, "label2id": ids })
}
