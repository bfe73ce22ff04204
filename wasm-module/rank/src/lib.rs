//! Requests, validation and ranking for a person, the same on every path.
//!
//! JSON in, JSON out, with no operating system: the crate is compiled into the WebAssembly module
//! that the browser, the Spin component and the daemon run, so a request gets the same answer, and
//! a bad request the same refusal, wherever it arrives. What remains outside is the model, behind
//! [`TextEncoder`], and the clock, a plain function, because the bare WebAssembly target has none.
//!
//! | path | answer |
//! |---|---|
//! | `POST /v1/rank` | candidates in the order that suits a person's history, with reasons: [`rank`] |
//! | `POST /embed` | text-embeddings-inference: one vector of `f32` a text |
//! | `POST /rerank` | text-embeddings-inference: texts by their score against a query |
//! | `POST /v1/embeddings` | OpenAI: one unit vector a text, as numbers or base64 |
//! | `POST /lockstep/encode` | the model's integers, for comparing runtimes bit by bit |
//! | `GET /info`, `GET /health` | what runs here, and that it runs |
//!
//! [`Service::handle`] does all at once; [`Service::read`] and [`Service::run`] let a place look at a valid request in
//! between. Histories kept under a user's id are [`UserRequest`] and [`History`], for places with a store.
//!
//! # Numbers
//!
//! Scores start from the model's integers. Dot products and squared norms are exact integers
//! ([`dot`]); from there on only `+ - * /` and `sqrt` in `f64` are used, in a written order, all
//! of which IEEE 754 defines to the last bit. `exp` is this crate's own ([`exp`]). JSON carries
//! the shortest decimal that reads back as the same number.
//!
//! # Refusals
//!
//! Every refusal is `{"error", "error_type"}` and names the field and the value; see [`Problem`]
//! for the statuses and [`Limits`] for what is too much.
#![forbid(unsafe_code)]

mod answer;
mod cached;
mod encoder;
mod exact;
mod fields;
mod job;
mod json;
mod limits;
mod problem;
mod reply;
mod request;
mod service;
mod sigmoid;
mod users;

pub mod rank;

pub use cached::{CachedEncoder, encode_missing};
pub use encoder::{EncodeError, Encoded, ModelInfo, ModelKind, Text, TextEncoder};
pub use exact::{cosine, dot, scaled_vector, unit_vector};
pub use job::Job;
pub use limits::Limits;
pub use problem::Problem;
pub use reply::{Reply, Usage};
pub use service::{Clock, Service};
pub use sigmoid::{exp, sigmoid};
pub use users::{Event, History, UserRequest};
