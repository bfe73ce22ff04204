//! The Open Inference Protocol.

use serde_json::{Value, json};

use super::{
    super::inference::{Infer, Live, Metadata, Ready, Server},
    fields::{array, closed, list, open, whole},
};
use crate::encoder::ModelKind;
use crate::openapi::operation::{Body, Described, Operation, Part, Surroundings};

const TAG: &str = "Open Inference Protocol";

/// The parts of the paths that name a model and perhaps its version.
fn of_model(at: &Surroundings<'_>) -> Vec<Part> {
    let id = &at.model.model_id;
    let name = id.rsplit('/').next().unwrap_or_default().to_owned();
    vec![
        Part { name: "model", schema: json!({"type": "string", "enum": [&name]}), example: name },
        Part { name: "version", schema: json!({"type": "string", "enum": ["1"]}), example: "1".into() },
    ]
}

impl Described for Infer {
    fn describe(at: &Surroundings<'_>) -> Operation {
        let texts = at.inputs(json!({"anyOf": [at.text(), array(at.text(), 1, 1)]}));
        let tensor = json!({
            "name": {"type": "string"},
            "datatype": {"const": "BYTES"},
            "shape": array(whole(), 1, 2),
            "data": texts,
        });
        let tensor = open(&["name", "datatype", "shape", "data"], [tensor]);
        let (name, datatype) = match at.model.kind {
            ModelKind::Embedding { .. } => ("embedding", "FP32"),
            ModelKind::Classifier { .. } => ("scores", "FP64"),
        };
        let output = open(&["name"], [json!({"name": {"const": name}})]);
        let fields = json!({
            "id": {"type": ["string", "null"]},
            "inputs": array(tensor, 1, 2),
            "outputs": {"anyOf": [array(output, 0, 8), {"type": "null"}]},
        });
        let example = json!({"inputs": [{
            "name": "text", "datatype": "BYTES", "shape": [1], "data": ["What is deep learning?"],
        }]});
        let output = json!({
            "name": {"const": name},
            "datatype": {"const": datatype},
            "shape": array(whole(), 2, 2),
            "data": list(json!({"type": "number"})),
        });
        let answer = json!({
            "model_name": {"type": "string"},
            "model_version": {"const": "1"},
            "id": {"type": "string"},
            "outputs": array(closed(&["name", "datatype", "shape", "data"], output), 1, 1),
        });
        let answer = Body::json(
            closed(&["model_name", "model_version", "outputs"], answer),
            vec![(
                "one text",
                json!({
                    "model_name": "all-MiniLM-L6-v2", "model_version": "1",
                    "outputs": [{"name": name, "datatype": datatype, "shape": [1, 2], "data": [0.6, 0.8]}],
                }),
            )],
        );
        let request = Body::json(open(&["inputs"], [fields]), vec![("one text", example)]);
        Operation::with_body(TAG, "Vectors or scores of a tensor of texts", request, answer)
            .of_parts(of_model(at))
    }
}

impl Described for Metadata {
    fn describe(at: &Surroundings<'_>) -> Operation {
        let number = json!({"type": "integer", "minimum": -1});
        let tensor = json!({
            "name": {"type": "string"}, "datatype": {"type": "string"}, "shape": list(number),
        });
        let tensors = list(closed(&["name", "datatype", "shape"], tensor));
        let schema = json!({
            "name": {"type": "string"},
            "versions": list(json!({"type": "string"})),
            "platform": {"type": "string"},
            "inputs": tensors,
            "outputs": tensors,
        });
        let example = json!({
            "name": "all-MiniLM-L6-v2", "versions": ["1"], "platform": "lockstep",
            "inputs": [{"name": "text", "datatype": "BYTES", "shape": [-1]}],
            "outputs": [{"name": "embedding", "datatype": "FP32", "shape": [-1, 384]}],
        });
        let schema = closed(&["name", "versions", "platform", "inputs", "outputs"], schema);
        let answer = Body::json(schema, vec![("an embedding model", example)]);
        Operation::without_body(TAG, "The model's tensors", answer).of_parts(of_model(at))
    }
}

impl Described for Ready {
    fn describe(at: &Surroundings<'_>) -> Operation {
        let fields = json!({"name": {"type": "string"}, "ready": {"type": "boolean"}});
        let example = json!({"name": "all-MiniLM-L6-v2", "ready": true});
        let answer = Body::json(closed(&["name", "ready"], fields), vec![("ready", example)]);
        Operation::without_body(TAG, "Whether the model is ready", answer).of_parts(of_model(at))
    }
}

impl Described for Server {
    fn describe(_: &Surroundings<'_>) -> Operation {
        let fields = json!({
            "name": {"type": "string"},
            "version": {"type": "string"},
            "extensions": list(json!({"type": "string"})),
        });
        let example = json!({"name": "lockstep", "version": "0.1.0", "extensions": ["binary_tensor_data"]});
        let answer =
            Body::json(closed(&["name", "version", "extensions"], fields), vec![("the server", example)]);
        Operation::without_body(TAG, "The server", answer)
    }
}

impl Described for Live {
    fn describe(_: &Surroundings<'_>) -> Operation {
        let fields: Value = json!({"live": {"type": "boolean"}, "ready": {"type": "boolean"}});
        let answer = Body::json(closed(&[], fields), vec![("live", json!({"live": true}))]);
        Operation::without_body(TAG, "Whether the server lives, and is ready", answer)
    }
}
