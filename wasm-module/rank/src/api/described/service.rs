//! `/health` and `/info`.

use serde_json::json;

use super::{
    super::{health::Health, info::Info},
    fields::{closed, whole},
};
use crate::openapi::operation::{Body, Described, Operation, Surroundings};

const TAG: &str = "Service";

impl Described for Health {
    fn describe(_: &Surroundings<'_>) -> Operation {
        let answer = Body::json(
            closed(&["status"], json!({"status": {"const": "ok"}})),
            vec![("ready", json!({"status": "ok"}))],
        );
        Operation::without_body(TAG, "Whether the service is ready", answer)
    }
}

impl Described for Info {
    fn describe(_: &Surroundings<'_>) -> Operation {
        let text = json!({"type": "string"});
        let fields = json!({
            "model_id": text,
            "model_sha": {"type": "null"},
            "model_digest": {"type": "string", "description": "Equal digests give equal integers."},
            "model_dtype": text,
            "model_type": {
                "type": "object", "minProperties": 1, "maxProperties": 1,
                "propertyNames": {"enum": ["embedding", "classifier", "reranker"]},
            },
            "dimensions": {"type": ["integer", "null"]},
            "backend": text,
            "max_input_length": whole(),
            "prompts": {"type": "object", "additionalProperties": text},
            "default_prompt_name": {"type": ["string", "null"]},
            "max_batch_tokens": whole(),
            "max_client_batch_size": whole(),
            "max_candidates": whole(),
            "max_history": whole(),
            "max_text_bytes": whole(),
            "max_body_bytes": whole(),
            "auto_truncate": {"type": "boolean"},
            "version": text,
        });
        let names: Vec<&str> =
            fields.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
        let schema = closed(&names, fields.clone());
        Operation::without_body(TAG, "The model and the limits", Body::json(schema, Vec::new()))
    }
}
