//! The endpoints, one file each.
//!
//! # How to add an endpoint
//!
//! 1. Write `api/NAME.rs`: a struct for a valid request, and [`Endpoint`] for that struct.
//!    `health.rs` is the smallest example, `embed.rs` reads texts and runs the model.
//! 2. Add the struct to [`ENDPOINTS`] below, with its `mod` line. If the line in the list is
//!    missing, the compiler reports the struct as unused; a route cannot be listed without the code
//!    that answers it.
//!
//! 3. Describe it in `api/described/`: a build with the feature `openapi` does not compile without.
//!
//! Nothing else changes: the daemon, the Spin component and the browser pass method, path and body
//! to the service, and get an HTTP status and JSON back. The tests below add an endpoint this way.

mod call;
mod cohere_embed;
mod cohere_rerank;
mod comparison;
mod decode;
#[cfg(feature = "openapi")]
mod described;
mod embed;
mod embeddings;
mod encode;
mod endpoint;
mod health;
mod inference;
mod info;
mod items;
mod models;
mod predict;
mod rank;
mod recommend;
mod rerank;
mod root;
mod similarity;
mod sources;
mod tokenize;
#[cfg(not(feature = "openapi"))]
mod undescribed;
mod unpooled;

pub(crate) use call::Call;
pub(crate) use endpoint::{Endpoint, Entry, Request};
pub use inference::unpacked;

use endpoint::Route;

/// All endpoints. The answer to an unknown path lists the paths in this order.
pub(crate) const ENDPOINTS: &[Entry] = &[
    Entry::of::<rank::Rank>(),
    Entry::of::<recommend::Recommend>(),
    Entry::of::<items::Put>(),
    Entry::of::<items::Bulk>(),
    Entry::of::<items::Get>(),
    Entry::of::<items::Delete>(),
    Entry::of::<embed::Embed>(),
    Entry::of::<rerank::Rerank>(),
    Entry::of::<similarity::Similarity>(),
    Entry::of::<predict::Predict>(),
    Entry::of::<tokenize::Tokenize>(),
    Entry::of::<decode::Decode>(),
    Entry::of::<unpooled::EmbedAll>(),
    Entry::of::<unpooled::EmbedSparse>(),
    Entry::of::<embeddings::Embeddings>(),
    Entry::at::<embeddings::Embeddings>(|| Route::post("/embeddings")),
    Entry::of::<models::Models>(),
    Entry::of::<cohere_rerank::CohereRerank>(),
    Entry::at::<cohere_rerank::CohereRerank>(|| Route::post("/v1/rerank")),
    Entry::of::<cohere_embed::CohereEmbed>(),
    Entry::at::<cohere_embed::CohereEmbed>(|| Route::post("/v1/embed")),
    Entry::of::<inference::Infer>(),
    Entry::at::<inference::Infer>(|| Route::post("/v2/models/{}/versions/{}/infer")),
    Entry::of::<inference::Metadata>(),
    Entry::at::<inference::Metadata>(|| Route::get("/v2/models/{}/versions/{}")),
    Entry::of::<inference::Ready>(),
    Entry::at::<inference::Ready>(|| Route::get("/v2/models/{}/versions/{}/ready")),
    Entry::of::<inference::Server>(),
    Entry::of::<inference::Live>(),
    Entry::at::<inference::Live>(|| Route::get("/v2/health/ready")),
    Entry::of::<encode::Encode>(),
    Entry::of::<info::Info>(),
    Entry::of::<health::Health>(),
    Entry::at::<health::Health>(|| Route::get("/ping")),
    Entry::of::<root::Root>(),
    Entry::at::<health::Health>(|| Route::get("/")),
    Entry::at::<root::Root>(|| Route::post("/invocations")),
];

/// The path of the route that answers a path, with `{}` for the parts that the route leaves open;
/// `None` for a path that no endpoint has.
#[must_use]
pub fn route(path: &str) -> Option<&'static str> {
    let routes = ENDPOINTS.iter().map(|endpoint| (endpoint.route)());
    routes.into_iter().find(|route| route.parts(path).is_some()).map(|route| route.path)
}

#[cfg(test)]
mod tests;
