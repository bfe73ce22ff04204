//! `/tokenize` and `/decode`, and the two routes that are refused by name.

use serde_json::{Value, json};

use super::{
    super::{
        decode::Decode,
        tokenize::Tokenize,
        unpooled::{EmbedAll, EmbedSparse},
    },
    fields::{closed, flag, list, open, whole},
};
use crate::openapi::operation::{Body, Described, Operation, Surroundings};

const TAG: &str = "text-embeddings-inference";

impl Described for Tokenize {
    fn describe(at: &Surroundings<'_>) -> Operation {
        let own = json!({
            "inputs": {"anyOf": [at.some_text(), at.inputs(at.text())]},
            "add_special_tokens": flag(true, "Whether the special tokens of the model are added."),
        });
        let example = json!({"inputs": ["What is deep learning?"], "add_special_tokens": true});
        let place = |description: &str| json!({"type": ["integer", "null"], "minimum": 0, "description": description});
        let token = json!({
            "id": whole(),
            "text": {"type": "string"},
            "special": {"type": "boolean"},
            "start": place("Bytes of UTF-8 before the token, the prompt included."),
            "stop": place("Bytes up to its end."),
        });
        let token = closed(&["id", "text", "special", "start", "stop"], token);
        let told = json!([[
            {"id": 101, "text": "[CLS]", "special": true, "start": null, "stop": null},
            {"id": 2054, "text": "What", "special": false, "start": 0, "stop": 4},
        ]]);
        let request = Body::json(open(&["inputs"], [at.prompt(), own]), vec![("a text", example)]);
        let answer = Body::json(list(list(token)), vec![("the first tokens", told)]);
        Operation::with_body(TAG, "The tokens of each text, and where they are", request, answer)
    }
}

impl Described for Decode {
    fn describe(at: &Surroundings<'_>) -> Operation {
        let ids = at.ids();
        let own = json!({
            "ids": {"anyOf": [ids, at.inputs(ids.clone())]},
            "skip_special_tokens": flag(true, "Whether special tokens are left out."),
        });
        let examples = vec![("one text", json!({"ids": [5, 6, 7]})), ("two", json!({"ids": [[5, 6], [7]]}))];
        let request = Body::json(open(&["ids"], [own]), examples);
        let answer = Body::json(list(json!({"type": "string"})), vec![("one text", json!(["what is"]))]);
        Operation::with_body(TAG, "The text of each list of token ids", request, answer)
    }
}

impl Described for EmbedAll {
    fn describe(at: &Surroundings<'_>) -> Operation {
        refused("Refused: each engine pools the vectors of tokens before it gives them away", at)
    }
}

impl Described for EmbedSparse {
    fn describe(at: &Surroundings<'_>) -> Operation {
        refused("Refused: no model here has SPLADE's head", at)
    }
}

fn refused(summary: &'static str, at: &Surroundings<'_>) -> Operation {
    let inputs: Value = json!({"inputs": at.texts_or_ids()});
    let request = Body::json(open(&["inputs"], [inputs]), vec![("a text", json!({"inputs": "a"}))]);
    Operation {
        answer: None,
        ..Operation::with_body(TAG, summary, request, Body::json(json!({}), Vec::new()))
    }
}
