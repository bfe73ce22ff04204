//! `/rerank` and `/predict`: scores of texts against a query, and labels of texts.

use serde_json::{Value, json};

use super::{
    super::{predict::Predict, rerank::Rerank},
    fields::{array, closed, count, flag, list, open, parameters},
};
use crate::openapi::operation::{Body, Described, Operation, Surroundings};

const TAG: &str = "text-embeddings-inference";

impl Described for Rerank {
    fn describe(at: &Surroundings<'_>) -> Operation {
        let example = json!({"query": "What is deep learning?", "texts": ["Deep learning is …", "Bread"]});
        let request = Body::json(rerank_fields(at), vec![("two texts", example)]);
        let answer = json!([{"index": 0, "score": 0.83}, {"index": 1, "score": 0.02}]);
        let answer = Body::json(lines(), vec![("two texts", answer)]);
        Operation::with_body(TAG, "Texts in the order of their score against a query", request, answer)
    }
}

/// The body of `/rerank`.
pub(super) fn rerank_fields(at: &Surroundings<'_>) -> Value {
    let own = json!({
        "query": at.text(),
        "texts": at.inputs(at.text()),
        "raw_scores": flag(false, "Whether scores of a cross-encoder are logits."),
        "return_text": flag(false, "Whether the answer repeats the texts."),
        "top_n": count("How many of the best texts the answer has."),
    });
    open(&["query", "texts"], [at.truncation(), own])
}

/// The answer of `/rerank`.
pub(super) fn lines() -> Value {
    let fields = json!({
        "index": {"type": "integer", "minimum": 0},
        "score": {"type": "number"},
        "text": {"type": "string"},
    });
    list(closed(&["index", "score"], fields))
}

impl Described for Predict {
    fn describe(at: &Surroundings<'_>) -> Operation {
        let examples = vec![
            ("one text", json!({"inputs": "What is deep learning?"})),
            ("a pair", json!({"inputs": ["What is deep learning?", "Deep learning is …"]})),
            ("a batch", json!({"inputs": [["What is deep learning?"], ["Bread", "Fish"]]})),
        ];
        let request = Body::json(predict_inputs(at), examples);
        let answer = Body::json(
            json!({"anyOf": [labels(), list(labels())]}),
            vec![("one text", json!([{"score": 0.9, "label": "POSITIVE"}]))],
        );
        Operation::with_body(TAG, "The labels of a classifier, the best first", request, answer)
    }
}

/// The body of `/predict`.
pub(super) fn predict_inputs(at: &Surroundings<'_>) -> Value {
    let one = array(at.text(), 1, 2);
    let own = json!({
        "inputs": {"anyOf": [at.some_text(), one, at.inputs(one.clone())]},
        "raw_scores": flag(false, "Whether scores are logits."),
        "function_to_apply": {"enum": ["softmax", "sigmoid", "none", null]},
        "top_k": count("How many of the best labels the answer has."),
    });
    open(&["inputs"], [at.truncation(), parameters(), own])
}

/// The labels of one text.
pub(super) fn labels() -> Value {
    let fields = json!({"score": {"type": "number"}, "label": {"type": "string"}});
    list(closed(&["score", "label"], fields))
}
