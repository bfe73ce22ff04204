//! Reads requests, validates them and ranks texts for a person. JSON in, JSON out.
//!
//! The crate uses no operating system. It is compiled into the WebAssembly module that the browser,
//! the Spin component and the daemon run, and linked by the daemon's native engine. So a request
//! gets the same answer, and a bad request the same refusal, on every host. The host adds the
//! model, behind the trait [`TextEncoder`], and a [`Clock`].
//!
//! | path | answer |
//! |---|---|
//! | `POST /v1/rank` | candidates in the order that suits a person, with reasons: [`rank`] |
//! | `POST /v1/recommend` | the best of the items that a host keeps, scored as by `/v1/rank` |
//! | `POST /v1/items/bulk` | items to keep, one a line, and a line of the answer for each |
//! | `PUT /v1/items`, `GET`, `DELETE /v1/items/{id}` | the items that a host keeps: [`ItemStore`] |
//! | `POST /embed` | text-embeddings-inference: one vector of `f32` for each text |
//! | `POST /rerank` | text-embeddings-inference: texts by their score against a query |
//! | `POST /v1/embeddings` | OpenAI: one unit vector for each text, as numbers or base64 |
//! | `GET /v1/models` | OpenAI: the one model |
//! | `POST /predict` | text-embeddings-inference: the labels of a classifier |
//! | `POST /similarity` | text-embeddings-inference: cosines with one sentence |
//! | `POST /tokenize`, `/decode` | text-embeddings-inference: tokens and their places; texts of ids |
//! | `POST /embed_all`, `/embed_sparse` | text-embeddings-inference: refused by name |
//! | `POST /`, `/invocations` | Hugging Face's clients and SageMaker: the task of the model |
//! | `POST /lockstep/encode` | the model's integers, to compare runtimes bit by bit |
//! | `GET /info` | the model and the limits |
//! | `GET /health`, `/ping`, `/` | `{"status": "ok"}` |
//!
//! Each endpoint is one file of `api/`; `api/mod.rs` tells how to add one. [`Service::handle`]
//! reads and answers a request. A host that must look at a valid request first calls
//! [`Service::read`] and [`Service::run`]. [`UserRequest`] and [`Stored`] are for hosts that store
//! histories under a user's id. [`Service::load_pack`] is for hosts that have a file with the
//! vectors of a catalogue.
//!
//! # Numbers
//!
//! Texts are compared by their compact vectors (section 11 of `SPEC.md`), wherever these come from.
//! Dot products and squared norms are exact integers. From there on the code uses only `+ - * /`
//! and `sqrt` in `f64`, in a written order; IEEE 754 defines each of them to the last bit. [`exp`]
//! is this crate's own. JSON carries the shortest decimal that reads back as the same number.
//!
//! # Refusals
//!
//! Every refusal is `{"error", "error_type"}`, or `{"error": {"message", …}}` on OpenAI's paths,
//! and names the field and the value. [`Problem`] lists the reasons and their statuses, also those
//! of the hosts; [`Limits`] lists the limits.
#![forbid(unsafe_code)]

mod api;
mod attributes;
mod cached;
mod clock;
mod coding;
mod compact;
pub mod cors;
mod encoder;
mod exact;
mod fields;
mod filling;
mod foreign;
mod inputs;
mod items;
mod job;
mod json;
mod label_scores;
mod limits;
#[cfg(feature = "openapi")]
mod openapi;
mod packs;
mod percent;
mod person;
mod problem;
mod prompts;
mod reply;
mod service;
mod sigmoid;
mod stored;
mod surrogates;
mod texts;
mod users;

pub mod rank;

pub use api::{route, unpacked};
pub use cached::{CachedEncoder, Known, encode_missing};
pub use clock::Clock;
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
pub use clock::monotonic_ms;
pub use coding::decoded;
pub use encoder::{EncodeError, Encoded, ModelInfo, ModelKind, Text, TextEncoder, Token};
pub use exact::{cosine, scaled_vector, unit_vector};
pub use filling::fill;
pub use items::{Best, Choice, Item, ItemStore, Liked, Space};
pub use job::Job;
pub use label_scores::LabelScores;
pub use limits::Limits;
#[cfg(feature = "openapi")]
pub use openapi::openapi;
pub use packs::origin;
pub use person::Event;
pub use problem::Problem;
pub use prompts::Prompts;
pub use reply::{Reply, Usage};
pub use service::Service;
pub use sigmoid::{exp, sigmoid};
pub use stored::{Appended, Stored};
pub use surrogates::whole_characters;
pub use users::UserRequest;
