//! `POST /embed_all` and `/embed_sparse` of text-embeddings-inference, which no model here answers.

use super::{
    call::Call,
    endpoint::{Endpoint, Request, Route},
};
use crate::{problem::Problem, reply::Reply};

/// A request for the vectors of single tokens. It is refused: each engine, a card too, pools them
/// before it gives them away.
pub(crate) enum EmbedAll {}

/// A request for sparse vectors. It is refused: no model that can be quantised has SPLADE's head.
pub(crate) enum EmbedSparse {}

impl Endpoint for EmbedAll {
    fn route() -> Route {
        Route::post("/embed_all")
    }

    fn read(request: &Request<'_>) -> Result<Self, Problem> {
        Err(request.wrong_model("an engine that gives the vectors of single tokens, as none here does"))
    }

    fn run(&self, _: &mut Call<'_>) -> Result<Reply, Problem> {
        match *self {}
    }
}

impl Endpoint for EmbedSparse {
    fn route() -> Route {
        Route::post("/embed_sparse")
    }

    fn read(request: &Request<'_>) -> Result<Self, Problem> {
        Err(request.wrong_model("an embedding model with SPLADE pooling"))
    }

    fn run(&self, _: &mut Call<'_>) -> Result<Reply, Problem> {
        match *self {}
    }
}
