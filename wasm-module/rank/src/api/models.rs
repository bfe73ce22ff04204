//! `GET /v1/models`, as OpenAI has it: the one model.

use serde_json::json;

use super::{
    call::Call,
    endpoint::{Endpoint, Request, Route},
};
use crate::{
    problem::Problem,
    reply::{Reply, Usage},
};

/// A request without fields.
pub(crate) struct Models;

impl Endpoint for Models {
    fn route() -> Route {
        Route::get("/v1/models")
    }

    fn read(_: &Request<'_>) -> Result<Self, Problem> {
        Ok(Self)
    }

    fn run(&self, call: &mut Call<'_>) -> Result<Reply, Problem> {
        let model = json!({
            "id": call.model().model_id, "object": "model", "created": 0, "owned_by": "lockstep",
        });
        Reply::answer(&json!({ "object": "list", "data": [model] }), Usage::default())
    }
}
