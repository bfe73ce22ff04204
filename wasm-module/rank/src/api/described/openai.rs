//! `/v1/embeddings` and `/v1/models`, as OpenAI has them.

use serde_json::json;

use super::{
    super::{embeddings::Embeddings, models::Models},
    fields::{closed, flag, list, open, unchanged, vector, whole},
};
use crate::openapi::operation::{Body, Described, Operation, Surroundings};

const TAG: &str = "OpenAI";

impl Described for Embeddings {
    fn describe(at: &Surroundings<'_>) -> Operation {
        let ignored = json!({"type": ["string", "null"], "description": "Ignored: there is one model."});
        let own = json!({
            "input": at.texts_or_ids(),
            "model": ignored,
            "user": {"type": ["string", "null"], "description": "Ignored."},
            "encoding_format": {"enum": ["float", "base64", null], "default": "float"},
            "truncate_prompt_tokens": {
                "anyOf": [{"type": "null"}, {"const": -1}, {"type": "integer", "minimum": 1}],
                "description": "An input of more tokens is refused if it would have to be cut here.",
            },
            "normalize": flag(true, "Whether vectors have length 1; otherwise the model's own unit."),
            "dimensions": at.dimensions(),
        });
        let request = open(&["input"], [unchanged(), at.truncation(), at.prompt(), own]);
        let examples = vec![
            ("one text", json!({"model": "any", "input": "What is deep learning?"})),
            ("base64", json!({"model": "any", "input": ["Bread", "Fish"], "encoding_format": "base64"})),
        ];
        let entry = json!({
            "object": {"const": "embedding"},
            "embedding": {"anyOf": [
                vector(),
                {"type": "string", "contentEncoding": "base64", "description": "Little-endian `f32`."},
            ]},
            "index": whole(),
        });
        let answer = json!({
            "object": {"const": "list"},
            "data": list(closed(&["object", "embedding", "index"], entry)),
            "model": {"type": "string"},
            "usage": closed(
                &["prompt_tokens", "total_tokens"],
                json!({"prompt_tokens": whole(), "total_tokens": whole()}),
            ),
        });
        let example = json!({
            "object": "list",
            "data": [{"object": "embedding", "embedding": [0.6, 0.8], "index": 0}],
            "model": "all-MiniLM-L6-v2",
            "usage": {"prompt_tokens": 7, "total_tokens": 7},
        });
        Operation::with_body(
            TAG,
            "A vector for each text",
            Body::json(request, examples),
            Body::json(closed(&["object", "data", "model", "usage"], answer), vec![("one text", example)]),
        )
    }
}

impl Described for Models {
    fn describe(_: &Surroundings<'_>) -> Operation {
        let model = json!({
            "id": {"type": "string"},
            "object": {"const": "model"},
            "created": whole(),
            "owned_by": {"type": "string"},
        });
        let model = closed(&["id", "object", "created", "owned_by"], model);
        let schema = json!({"object": {"const": "list"}, "data": list(model)});
        let one = json!({"id": "all-MiniLM-L6-v2", "object": "model", "created": 0, "owned_by": "lockstep"});
        let example = json!({"object": "list", "data": [one]});
        let answer = Body::json(closed(&["object", "data"], schema), vec![("the model", example)]);
        Operation::without_body(TAG, "The one model", answer)
    }
}
