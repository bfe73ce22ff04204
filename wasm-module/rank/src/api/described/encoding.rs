//! `/embed`, `/similarity`, `/` and `/lockstep/encode`: vectors of texts.

use serde_json::{Value, json};

use super::{
    super::{embed::Embed, encode::Encode, root::Root, similarity::Similarity},
    fields::{closed, flag, list, open, parameters, unchanged, vector, whole},
    scores::{labels, lines, predict_inputs, rerank_fields},
};
use crate::{
    encoder::ModelKind,
    openapi::operation::{Body, Described, Operation, Surroundings},
};

const TAG: &str = "text-embeddings-inference";

impl Described for Embed {
    fn describe(at: &Surroundings<'_>) -> Operation {
        let one = json!({"inputs": "What is deep learning?"});
        let many = json!({"inputs": ["What is deep learning?", "A recipe for bread"], "normalize": true});
        let request = Body::json(embed(at), vec![("one text", one), ("several texts", many)]);
        let answer = Body::json(list(vector()), vec![("one text", json!([[0.6, 0.8]]))]);
        Operation::with_body(TAG, "A vector for each text", request, answer)
    }
}

/// The body of `/embed`.
fn embed(at: &Surroundings<'_>) -> Value {
    let own = json!({
        "inputs": at.texts_or_ids(),
        "normalize": flag(true, "Whether vectors have length 1; otherwise the model's own unit."),
        "dimensions": at.dimensions(),
        "encoding_format": {"enum": ["float", null]},
    });
    open(&["inputs"], [unchanged(), at.truncation(), at.prompt(), parameters(), own])
}

impl Described for Similarity {
    fn describe(at: &Surroundings<'_>) -> Operation {
        let request = Body::json(similarity(at), vec![("three sentences", sentences())]);
        let answer = Body::json(list(json!({"type": "number"})), vec![("cosines", json!([0.71, 0.12]))]);
        Operation::with_body(TAG, "The cosine of one sentence with each of others", request, answer)
    }
}

fn similarity(at: &Surroundings<'_>) -> Value {
    let inputs = open(
        &["source_sentence", "sentences"],
        [json!({"source_sentence": at.text(), "sentences": at.inputs(at.text())})],
    );
    open(&["inputs"], [unchanged(), at.truncation(), at.prompt(), parameters(), json!({"inputs": inputs})])
}

fn sentences() -> Value {
    json!({"inputs": {
        "source_sentence": "What is deep learning?",
        "sentences": ["What is machine learning?", "A recipe for bread"],
    }})
}

impl Described for Root {
    fn describe(at: &Surroundings<'_>) -> Operation {
        let query = json!({"query": "What is deep learning?", "texts": ["Deep learning is …", "Bread"]});
        let is_embedding = matches!(at.model.kind, ModelKind::Embedding { .. });
        let (tasks, answers, mut examples) = if is_embedding {
            let one = json!({"inputs": "What is deep learning?"});
            let tasks = vec![embed(at), similarity(at), rerank_fields(at)];
            let answers = vec![list(vector()), list(json!({"type": "number"})), lines()];
            (tasks, answers, vec![("vectors", one), ("cosines", sentences()), ("texts in order", query)])
        } else {
            let one = json!({"inputs": "What is deep learning?"});
            let tasks = vec![predict_inputs(at), rerank_fields(at)];
            (tasks, vec![labels(), list(labels()), lines()], vec![("labels", one), ("texts in order", query)])
        };
        if matches!(&at.model.kind, ModelKind::Classifier { labels, .. } if labels.len() > 1) {
            examples.pop();
        }
        let request = Body::json(json!({"anyOf": tasks}), examples);
        let answer = Body::json(json!({"anyOf": answers}), Vec::new());
        Operation::with_body("Hugging Face", "The task of the model", request, answer)
    }
}

impl Described for Encode {
    fn describe(at: &Surroundings<'_>) -> Operation {
        let pair = json!({"type": "array", "items": at.text(), "minItems": 2, "maxItems": 2});
        let inputs = at.inputs(json!({"anyOf": [at.text(), pair]}));
        let example = json!({"inputs": ["a text", ["one of a pair", "the other one"]]});
        let request =
            Body::json(closed(&["inputs"], json!({"inputs": inputs})), vec![("a text and a pair", example)]);
        let fields = json!({
            "vectors": list(list(json!({"type": "integer"}))),
            "tokens": list(whole()),
            "truncated": list(json!({"type": "boolean"})),
        });
        let answer = Body::json(
            closed(&["vectors", "tokens", "truncated"], fields),
            vec![(
                "two",
                json!({"vectors": [[3, -1], [0, 2]], "tokens": [4, 8], "truncated": [false, false]}),
            )],
        );
        Operation::with_body(
            "Lockstep",
            "The model's integers, to compare runtimes bit by bit",
            request,
            answer,
        )
    }
}
