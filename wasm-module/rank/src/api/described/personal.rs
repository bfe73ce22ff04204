//! `/v1/rank` and `/v1/recommend`: what suits a person.

use serde_json::{Value, json};

use super::{
    super::{rank::Rank, recommend::Recommend},
    fields::{array, closed, flag, list, whole},
    items::tokens,
};
use crate::openapi::operation::{Body, Described, Operation, Surroundings};

const TAG: &str = "Lockstep";

impl Described for Rank {
    fn describe(at: &Surroundings<'_>) -> Operation {
        let entry = closed(&["text"], json!({"text": at.text(), "weight": weight()}));
        let given = json!({"history": array(entry, 1, at.limits.max_history)});
        let user = json!({
            "anyOf": [closed(&["history"], given), closed(&["id"], json!({"id": at.id()}))],
            "description": "What the person has read, at least one entry with a weight above 0; or the \
                            id of a history that the host keeps, as the Spin component does.",
        });
        let candidate = closed(&["id", "text"], json!({"id": at.id(), "text": at.text()}));
        let fields = json!({
            "user": user,
            "candidates": array(candidate, 1, at.limits.max_candidates),
            "top_n": {
                "type": ["integer", "null"], "minimum": 1, "maximum": at.limits.max_candidates,
                "description": "How many of the best candidates the answer has; at most as many as there are.",
            },
            "diversity": diversity(),
            "explain": explain(),
        });
        let example = json!({
            "user": {"history": [{"text": "A bicycle lamp for dark roads"}]},
            "candidates": [{"id": "a", "text": "Helmets compared"}, {"id": "b", "text": "Sourdough"}],
            "explain": true,
        });
        let item = json!({
            "id": {"type": "string"}, "index": whole(), "score": {"type": "number"}, "because": because(),
        });
        let cut = closed(
            &["history", "candidates"],
            json!({"history": list(whole()), "candidates": list(whole())}),
        );
        let answer =
            answered(json!({"items": list(closed(&["id", "index", "score"], item)), "truncated": cut}));
        let told = json!({
            "model": "all-MiniLM-L6-v2", "model_digest": "5f…", "backend": "native-avx512",
            "items": [
                {"id": "a", "index": 0, "score": 0.34, "because": [{"history": 0, "similarity": 0.34}]},
                {"id": "b", "index": 1, "score": 0.02, "because": [{"history": 0, "similarity": 0.02}]},
            ],
            "usage": {"tokens": 19}, "took_ms": 2.5,
        });
        Operation::with_body(
            TAG,
            "Candidates in the order that suits a person",
            Body::json(closed(&["user", "candidates"], fields), vec![("two candidates", example)]),
            Body::json(answer, vec![("two candidates", told)]),
        )
    }
}

impl Described for Recommend {
    fn describe(at: &Surroundings<'_>) -> Operation {
        let most = at.limits.max_candidates;
        let text = closed(&["text"], json!({"text": at.text(), "item": null_only(), "weight": weight()}));
        let item = closed(&["item"], json!({"item": at.id(), "text": null_only(), "weight": weight()}));
        let history = array(json!({"anyOf": [text, item]}), 0, at.limits.max_history);
        let one = json!({"type": ["string", "number", "boolean"]});
        let values = json!({"anyOf": [one, array(one.clone(), 1, most)]});
        let fields = json!({
            "user": closed(&["history"], json!({"history": history})),
            "top_n": {"type": ["integer", "null"], "minimum": 1, "maximum": most, "default": most.min(10)},
            "filter": {
                "type": ["object", "null"], "additionalProperties": values,
                "description": "Attributes; an item has one of the values of each.",
            },
            "exclude": {"anyOf": [array(at.id(), 0, most), {"type": "null"}]},
            "pinned": {
                "anyOf": [array(at.id(), 0, most), {"type": "null"}],
                "description": "Ids of items that come first, in this order, whatever the filter says; each \
                                once, none of `exclude`, and at most `top_n`.",
            },
            "seen": flag(false, "Whether items of the history may be in the answer."),
            "diversity": diversity(),
            "explain": explain(),
            "with": {"anyOf": [array(json!({"enum": ["text", "attributes", "expires"]}), 0, 3), {"type": "null"}]},
        });
        let item = json!({
            "id": {"type": "string"}, "score": {"type": "number"}, "because": because(),
            "pinned": {"const": true},
            "text": {"type": "string"}, "attributes": {"type": "object"}, "expires": {"type": "integer"},
        });
        let skipped = closed(&["history"], json!({"history": list(whole())}));
        let unknown = closed(&["history"], json!({"history": list(whole()), "pinned": list(whole())}));
        let answer = answered(json!({
            "items": list(closed(&["id", "score"], item)),
            "cold_start": {"type": "string"},
            "truncated": skipped,
            "unknown": unknown,
        }));
        let told = json!({
            "model": "all-MiniLM-L6-v2", "model_digest": "5f…", "backend": "native-avx512",
            "items": [{"id": "a", "score": 0.34, "text": "Helmets compared"}],
            "usage": {"tokens": 9}, "took_ms": 1.5,
        });
        let examples = vec![
            ("a history", json!({"user": {"history": [{"text": "A bicycle lamp"}]}, "with": ["text"]})),
            ("nothing known", json!({"user": {"history": []}, "top_n": 3})),
        ];
        Operation::with_body(
            TAG,
            "The best of the items that the host keeps",
            Body::json(closed(&["user"], fields), examples),
            Body::json(answer, vec![("one item", told)]),
        )
    }
}

fn null_only() -> Value {
    json!({"type": "null"})
}

fn weight() -> Value {
    json!({"type": ["number", "null"], "minimum": 0, "default": 1})
}

fn diversity() -> Value {
    json!({
        "type": ["number", "null"], "minimum": 0, "maximum": 1, "default": 0,
        "description": "From 0, relevance alone, to 1, novelty alone.",
    })
}

fn explain() -> Value {
    flag(false, "Whether the answer names the history entries behind each score.")
}

fn because() -> Value {
    let fields = json!({"history": whole(), "similarity": {"type": "number"}});
    list(closed(&["history", "similarity"], fields))
}

/// An answer with these fields and those of the model.
fn answered(own: Value) -> Value {
    let mut fields = json!({
        "model": {"type": "string"},
        "model_digest": {"type": "string"},
        "backend": {"type": "string", "description": "The kernels; they never change a score."},
        "usage": tokens(),
        "took_ms": {"type": "number"},
    });
    if let (Value::Object(fields), Value::Object(mut own)) = (&mut fields, own) {
        fields.append(&mut own);
    }
    closed(&["model", "model_digest", "backend", "items", "usage", "took_ms"], fields)
}
