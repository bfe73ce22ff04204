//! `GET /v2/models/{model}` and `/v2/models/{model}/ready`: the model.

use serde_json::{Value, json};

use super::super::{
    call::Call,
    endpoint::{Endpoint, Request, Route},
};
use crate::{
    encoder::{ModelInfo, ModelKind},
    problem::{Problem, quote},
    reply::{Reply, Usage},
};

/// The one version of the model.
pub(super) const VERSION: &str = "1";

/// A request for the description of the model.
pub(crate) struct Metadata;

impl Endpoint for Metadata {
    fn route() -> Route {
        Route::get("/v2/models/{}")
    }

    fn read(request: &Request<'_>) -> Result<Self, Problem> {
        check(request)?;
        Ok(Self)
    }

    fn run(&self, call: &mut Call<'_>) -> Result<Reply, Problem> {
        let model = call.model();
        let (output, datatype, length) = output(&model.kind);
        let tensor = |name: &str, datatype: &str, shape: Value| json!({ "name": name, "datatype": datatype, "shape": shape });
        let mut inputs = vec![tensor("text", "BYTES", json!([-1]))];
        if let ModelKind::Classifier { .. } = model.kind {
            inputs.push(tensor("text_pair", "BYTES", json!([-1])));
        }
        let metadata = json!({
            "name": name(model),
            "versions": [VERSION],
            "platform": "lockstep",
            "inputs": inputs,
            "outputs": [tensor(output, datatype, json!([-1, length]))],
        });
        Reply::answer(&metadata, Usage::default())
    }
}

/// A request whether the model is ready.
pub(crate) struct Ready;

impl Endpoint for Ready {
    fn route() -> Route {
        Route::get("/v2/models/{}/ready")
    }

    fn read(request: &Request<'_>) -> Result<Self, Problem> {
        check(request)?;
        Ok(Self)
    }

    fn run(&self, call: &mut Call<'_>) -> Result<Reply, Problem> {
        Reply::answer(&json!({ "name": name(call.model()), "ready": true }), Usage::default())
    }
}

/// The model's name: the last part of its id.
pub(super) fn name(model: &ModelInfo) -> &str {
    model.model_id.rsplit('/').next().unwrap_or_default()
}

/// Name, data type and length of a row of the model's output.
pub(super) fn output(kind: &ModelKind) -> (&'static str, &'static str, usize) {
    match kind {
        ModelKind::Embedding { dimensions } => ("embedding", "FP32", *dimensions),
        ModelKind::Classifier { labels, .. } => ("scores", "FP64", labels.len()),
    }
}

/// Refuses the name of another model, and another version.
pub(super) fn check(request: &Request<'_>) -> Result<(), Problem> {
    let model = request.model;
    let mut parts = request.parts.iter();
    if let Some(asked) = parts.next().filter(|asked| **asked != model.model_id && *asked != name(model)) {
        return Err(Problem::NoModel { asked: quote(asked), known: name(model).to_owned() });
    }
    match parts.next().filter(|version| *version != VERSION) {
        None => Ok(()),
        Some(version) => {
            let known = format!("{}, version {VERSION}", name(model));
            Err(Problem::NoModel { asked: format!("version {}", quote(version)), known })
        }
    }
}
