//! `/v2/rerank`, `/v2/embed` and their older forms, as Cohere, Jina and Voyage have them.

use serde_json::{Value, json};

use super::{
    super::{cohere_embed::CohereEmbed, cohere_rerank::CohereRerank},
    fields::{array, closed, count, flag, list, open, unchanged, vector, whole},
};
use crate::openapi::operation::{Body, Described, Operation, Surroundings};

const TAG: &str = "Cohere";

impl Described for CohereRerank {
    fn describe(at: &Surroundings<'_>) -> Operation {
        let document = open(&["text"], [json!({"text": at.text()})]);
        let own = json!({
            "model": {"description": "Ignored: there is one model."},
            "query": at.text(),
            "documents": at.inputs(json!({"anyOf": [at.text(), document]})),
            "top_n": count("How many of the best documents the answer has."),
            "top_k": count("As `top_n`, by Voyage's clients, who get another form of answer."),
            "return_documents": flag(false, "Whether the answer repeats the documents."),
            "max_tokens_per_doc": {
                "anyOf": [{"type": "null"}, {"const": -1}, {"type": "integer", "minimum": 1}],
                "description": "A document of more tokens is refused if it would have to be cut here.",
            },
            "rank_fields": {"enum": [["text"], null]},
        });
        let request = open(&["query", "documents"], [unchanged(), at.truncation(), own]);
        let example =
            json!({"query": "What is deep learning?", "documents": ["Deep learning is …", "Bread"]});
        let voyage = json!({"query": "What is deep learning?", "documents": ["Bread"], "top_k": null});
        let answer = json!({
            "id": "",
            "model": "all-MiniLM-L6-v2",
            "results": [{"index": 0, "relevance_score": 0.83}, {"index": 1, "relevance_score": 0.02}],
            "usage": {"total_tokens": 16},
            "meta": {
                "api_version": {"version": "2"},
                "billed_units": {"input_tokens": 16},
                "tokens": {"input_tokens": 16},
            },
        });
        Operation::with_body(
            TAG,
            "Documents in the order of their relevance to a query",
            Body::json(request, vec![("Cohere and Jina", example), ("Voyage", voyage)]),
            Body::json(json!({"anyOf": [ranked(), of_voyage()]}), vec![("Cohere and Jina", answer)]),
        )
    }
}

fn ranked() -> Value {
    let fields = json!({
        "id": {"const": ""},
        "model": {"type": "string"},
        "results": results(closed(&["text"], json!({"text": {"type": "string"}}))),
        "usage": usage(),
        "meta": meta(),
    });
    closed(&["id", "model", "results", "usage", "meta"], fields)
}

fn of_voyage() -> Value {
    let fields = json!({
        "object": {"const": "list"},
        "data": results(json!({"type": "string"})),
        "model": {"type": "string"},
        "usage": usage(),
    });
    closed(&["object", "data", "model", "usage"], fields)
}

fn results(document: Value) -> Value {
    let fields = json!({"index": whole(), "relevance_score": {"type": "number"}, "document": document});
    list(closed(&["index", "relevance_score"], fields))
}

fn usage() -> Value {
    closed(&["total_tokens"], json!({"total_tokens": whole()}))
}

fn meta() -> Value {
    let tokens = closed(&["input_tokens"], json!({"input_tokens": whole()}));
    let version = closed(&["version"], json!({"version": {"enum": ["1", "2"]}}));
    let fields = json!({"api_version": version, "billed_units": tokens, "tokens": tokens});
    closed(&["api_version", "billed_units", "tokens"], fields)
}

impl Described for CohereEmbed {
    fn describe(at: &Surroundings<'_>) -> Operation {
        let mut same = unchanged();
        if let Some(fields) = same.as_object_mut() {
            fields.remove("embedding_types");
            fields.remove("output_dimension");
        }
        let nothing = json!({"type": "null", "description": "The model reads texts alone."});
        let own = json!({
            "model": {"description": "Ignored: there is one model."},
            "texts": at.inputs(at.text()),
            "embedding_types": with_null(array(json!({"enum": ["float", "base64"]}), 1, 6)),
            "output_dimension": at.dimensions(),
            "images": nothing,
            "inputs": nothing,
        });
        let request = open(&["texts"], [same, at.truncation(), at.prompt(), own]);
        let example = json!({
            "texts": ["What is deep learning?"], "input_type": "search_query", "embedding_types": ["float"],
        });
        let vectors =
            closed(&[], json!({"float": list(vector()), "base64": list(json!({"type": "string"}))}));
        let fields = json!({
            "id": {"const": ""},
            "response_type": {"enum": ["embeddings_floats", "embeddings_by_type"]},
            "embeddings": {"anyOf": [list(vector()), vectors]},
            "texts": list(json!({"type": "string"})),
            "meta": meta(),
        });
        let answer = json!({
            "id": "",
            "response_type": "embeddings_by_type",
            "embeddings": {"float": [[0.6, 0.8]]},
            "texts": ["What is deep learning?"],
            "meta": {
                "api_version": {"version": "2"},
                "billed_units": {"input_tokens": 7},
                "tokens": {"input_tokens": 7},
            },
        });
        let required = ["id", "response_type", "embeddings", "texts", "meta"];
        Operation::with_body(
            TAG,
            "A vector for each text, in each of some number formats",
            Body::json(request, vec![("a query", example)]),
            Body::json(closed(&required, fields), vec![("a query", answer)]),
        )
    }
}

fn with_null(schema: Value) -> Value {
    json!({"anyOf": [schema, {"type": "null"}]})
}
