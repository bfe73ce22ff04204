//! `GET /health`: tells that the service runs.

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
pub(crate) struct Health;

impl Endpoint for Health {
    fn route() -> Route {
        Route::get("/health")
    }

    fn read(_: &Request<'_>) -> Result<Self, Problem> {
        Ok(Self)
    }

    fn run(&self, _: &mut Call<'_>) -> Result<Reply, Problem> {
        Reply::answer(&json!({ "status": "ok" }), Usage::default())
    }
}
