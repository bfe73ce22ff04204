//! The daemon: runs the WebAssembly module in wasmtime, or the same engine natively, and answers
//! HTTP.
//!
//! The engine holds the model, the validation and the ranking. The daemon never inspects a request
//! body and cannot change a score. A request goes this way:
//!
//! 1. `server.rs` accepts the connection, `http.rs` reads the head and a bounded body.
//! 2. `queue.rs` holds the request until a worker takes it.
//! 3. `worker.rs`, one of the threads that `supervisor.rs` started, calls its engine: an instance
//!    of the module (`engine/wasm/`) or the native engine (`engine/native.rs`).
//! 4. `http.rs` writes the engine's answer.
//!
//! The daemon opens the model once and saves the module's memory as a snapshot. Every instance
//! starts from the snapshot, so no request waits for parsing, checking or copying ([`Instances`]).
//!
//! One bad request, client or module gets one bad answer and does not disturb the others:
//!
//! | event | reaction |
//! |---|---|
//! | the queue is full | 429 at once |
//! | a request is not answered by its deadline | 504 |
//! | one call takes longer than a deadline | the daemon ends the call and makes a new instance |
//! | the module traps or breaks its interface | 424; the daemon makes a new instance |
//! | a body is too large, or too slow | 413, or 408 |
//! | a client does not read its answer | the daemon closes the connection |
//! | a client leaves while its request waits | the daemon drops the request before it runs |
//! | standard error is full, slow or gone | the daemon counts the lines of its log that are lost |
//! | `SIGTERM` | the daemon answers the requests under way, for a bounded time |
//!
//! [`run`] takes a listener and a future that ends it, so a test can bind port 0.
#![warn(clippy::print_stderr, clippy::print_stdout, reason = "they panic and block; use `log::line`")]

mod config;
mod cors;
mod engine;
mod error;
mod files;
mod http;
mod info;
mod pool;
mod queue;
mod response;
mod server;
mod stall;
mod supervisor;
mod worker;

pub mod args;
pub mod log;

pub use config::{Backend, Config};
pub use engine::{
    interface::{Answer, EngineError},
    wasm::{Instance, Instances, open_component},
};
pub use error::HostError;
pub use server::run;
