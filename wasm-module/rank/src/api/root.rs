//! `POST /`, and `/invocations` of Amazon SageMaker: the task of the model, as Hugging Face's
//! clients and text-embeddings-inference have it.
//!
//! | model | body | as |
//! |---|---|---|
//! | any | `{"query", "texts"}` | `/rerank` |
//! | an embedding model | `{"inputs": {"source_sentence", "sentences"}}` | `/similarity` |
//! | an embedding model | `{"inputs"}` | `/embed` |
//! | a classifier | `{"inputs"}` | `/predict` |
//!
//! Hugging Face's client reads the labels of one text as a list in a list, so one text gets that.

use super::{
    call::Call,
    embed::Embed,
    endpoint::{Endpoint, Request, Route},
    predict::Predict,
    rerank::Rerank,
    similarity::Similarity,
};
use crate::{
    encoder::{ModelKind, Text},
    problem::Problem,
    reply::Reply,
};

/// The request of the task.
pub(crate) struct Root(Box<dyn Endpoint>);

impl Endpoint for Root {
    fn route() -> Route {
        Route::post("/")
    }

    fn read(request: &Request<'_>) -> Result<Self, Problem> {
        let fields = request.open_fields()?.with_parameters()?;
        if fields.has("query") {
            return Ok(Self(Box::new(Rerank::of(request, fields)?)));
        }
        Ok(Self(match &request.model.kind {
            ModelKind::Embedding { .. } if fields.is_object("inputs") => {
                Box::new(Similarity::of(request, fields)?)
            }
            ModelKind::Embedding { .. } => Box::new(Embed::of(request, fields)?),
            ModelKind::Classifier { .. } => {
                let one = fields.is_string("inputs");
                let predict = Predict::of(request, fields)?;
                Box::new(if one { predict.in_a_list() } else { predict })
            }
        }))
    }

    fn inputs(&self) -> Vec<Text<'_>> {
        self.0.inputs()
    }

    fn items(&self) -> Vec<&str> {
        self.0.items()
    }

    fn run(&self, call: &mut Call<'_>) -> Result<Reply, Problem> {
        self.0.run(call)
    }
}
