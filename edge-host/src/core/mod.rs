//! The daemon's core: all requests become one stream of texts, and every engine takes from it.
//!
//! ```text
//! request -> front.rs: rank reads and validates it, on a thread of its own
//!   -> encoder.rs: known vectors from vectors.rs; the other texts are tokenized
//!   -> ticket.rs: the texts of one call, and the thread that waits for their vectors
//!   -> scheduler.rs: admission (forecast.rs), turns (fair.rs), choice of the engine (route.rs)
//!   -> worker.rs: a thread with an engine takes a batch, encodes it, and gives the vectors back
//! -> rank makes the answer
//! ```
//!
//! An engine that is idle takes work at once, so a batch never waits for more texts: batches form
//! by themselves while all engines are busy.
//!
//! A vector depends only on its own text. So neither the batch, nor the engine, nor a second try on
//! another engine can change an answer.

pub(crate) mod batch;
pub(crate) mod context;
mod encoder;
mod fair;
mod forecast;
pub(crate) mod front;
pub(crate) mod report;
pub(crate) mod route;
pub(crate) mod scheduler;
mod seat;
pub(crate) mod ticket;
pub(crate) mod timing;
mod vectors;
