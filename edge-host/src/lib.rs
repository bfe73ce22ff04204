//! The daemon: runs the WebAssembly module in wasmtime, or the same engine natively, and answers HTTP.
//!
//! The engine holds the model, the validation and the ranking; this crate moves bytes. A request
//! goes `http` -> `queue` -> one of the `pool`'s threads, each with an `instance` of the module of
//! its own or with the `native` engine that they share, and back. Nothing here reads a request,
//! and nothing here can change a score.
//!
//! The module's instances are born with the model open: it is opened once, and what that leaves in the module's memory
//! is the memory that every instance begins with, mapped and copied where it is written (`snapshot`, [`Instances`]).
//!
//! What the daemon adds is that one bad request, client or module stays one bad answer:
//!
//! | what goes wrong | what happens |
//! |---|---|
//! | the queue is full | 429 at once |
//! | a request is not answered by its deadline | 504 |
//! | one call takes as long as that | the module is ended, before its next piece of a batch or at any point, and built anew |
//! | the module traps or breaks its interface | 424; it is built anew |
//! | a body is too large, or too slow | 413, or 408 |
//! | a client does not read its answer | the connection is closed |
//! | a client leaves while its request waits | the request is dropped before it costs anything |
//! | `SIGTERM` | requests under way are answered, for a bounded time |
//!
//! [`run`] takes a listener and a future that ends it, so a test can bind port 0.

mod cache;
mod component;
mod config;
mod cors;
mod error;
mod files;
mod http;
mod info;
mod instance;
mod instances;
mod module;
mod native;
mod pool;
mod queue;
mod server;
mod snapshot;
mod stall;

pub mod args;

pub use component::open_component;
pub use config::{Backend, Config};
pub use error::HostError;
pub use instance::{Answer, Instance, InstanceError};
pub use instances::Instances;
pub use server::run;
