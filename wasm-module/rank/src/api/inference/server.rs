//! `GET /v2`, `/v2/health/live` and `/v2/health/ready`: the service.

use serde_json::json;

use super::super::{
    call::Call,
    endpoint::{Endpoint, Request, Route},
};
use crate::{
    problem::Problem,
    reply::{Reply, Usage},
};

/// A request for the description of the service.
pub(crate) struct Server;

impl Endpoint for Server {
    fn route() -> Route {
        Route::get("/v2")
    }

    fn read(_: &Request<'_>) -> Result<Self, Problem> {
        Ok(Self)
    }

    fn run(&self, call: &mut Call<'_>) -> Result<Reply, Problem> {
        let server = json!({
            "name": "lockstep", "version": call.model().version, "extensions": ["binary_tensor_data"],
        });
        Reply::answer(&server, Usage::default())
    }
}

/// A request whether the service lives. A service that answers lives, and is ready.
pub(crate) struct Live;

impl Endpoint for Live {
    fn route() -> Route {
        Route::get("/v2/health/live")
    }

    fn read(_: &Request<'_>) -> Result<Self, Problem> {
        Ok(Self)
    }

    fn run(&self, _: &mut Call<'_>) -> Result<Reply, Problem> {
        Reply::answer(&json!({ "live": true, "ready": true }), Usage::default())
    }
}
