//! The daemon: answers HTTP, with engines in WebAssembly, natively, or on accelerator cards.
//!
//! `rank` reads and validates each request here, with the code that runs everywhere. Its texts go
//! through one scheduler to the engine that is free: instances of the module, threads of the native
//! engine, or cards. `core/` tells how. A request goes this way:
//!
//! 1. `server.rs` accepts the connection, `http.rs` reads the head and a bounded body.
//! 2. `core/` finds the vectors of the request's texts, and `rank` makes the answer.
//! 3. `worker.rs`, one of the threads that `supervisor.rs` started, encodes texts with its engine:
//!    an instance of the module (`engine/wasm/`), the native engine (`engine/native.rs`) or a card
//!    (`engine/card.rs`).
//! 4. `http.rs` writes the answer; `record.rs` goes to the log and to `metrics/`.
//!
//! The daemon opens the model once and saves the module's memory as a snapshot. Every instance
//! starts from the snapshot, so no request waits for parsing, checking or copying ([`Instances`]).
//!
//! One bad request, client or engine gets one bad answer and does not disturb the others:
//!
//! | event | reaction |
//! |---|---|
//! | too many requests are under way, or too many tokens wait | 429 at once, with `Retry-After` |
//! | a request is not answered by its deadline | 504 |
//! | one call takes longer than a deadline | the daemon ends the call and makes a new engine |
//! | an engine fails | its texts go to another engine; a text that fails alone too gets 424 |
//! | a card fails, is away, or gives a wrong vector | its texts go to a CPU |
//! | a body is too large, or too slow | 413, or 408; the rest is discarded for a bounded time |
//! | a client does not read its answer | the daemon closes the connection |
//! | standard error is full, slow or gone | the daemon counts the lines of its log that are lost |
//! | the bodies under way fill their memory | 429 |
//! | a web page asks by another name, or from another site | 403, unless it is allowed |
//! | a handshake of TLS is slow, or too many are under way | the daemon closes it, or the oldest |
//! | a certificate that is read anew is wrong | the daemon keeps the one in force, and logs |
//! | a request has no key, or one that may not do this | 401, or 403 |
//! | there are too many connections | the longest one without a request under way is closed |
//! | `SIGHUP` with another model | it answers when it can; requests under way keep the old one |
//! | the collector of traces is away or slow | the daemon counts the spans that are lost |
//! | a client leaves | the daemon drops the work of its request that no engine has begun |
//! | `SIGTERM` | the daemon answers the requests under way, for a bounded time |
//!
//! [`run`] takes a listener and a future that ends it, so a test can bind port 0.
#![warn(clippy::print_stderr, clippy::print_stdout, reason = "they panic and block; use `log::line`")]

mod budget;
mod check;
mod collector;
mod config;
mod connections;
mod core;
mod cors;
mod current;
mod docs;
mod engine;
mod error;
mod files;
mod filling;
mod head;
mod http;
mod info;
mod items;
mod kept_packs;
mod live;
mod metrics;
mod notify;
mod pack_answer;
mod pack_file;
mod packing;
mod pool;
mod prompt;
mod random;
mod record;
mod request_id;
mod response;
mod server;
mod settings;
mod shared;
mod stall;
mod status;
mod supervisor;
mod swap;
mod tls;
mod traces;
mod upload;
mod worker;

pub mod args;
pub mod keys;
pub mod log;

pub use check::check;
pub use collector::Collector;
pub use config::{Backend, CardAddress, Config, TlsFiles};
pub use engine::{
    interface::EngineError,
    wasm::{Instance, Instances, open_component},
};
pub use error::HostError;
pub use packing::{PackSource, pack};
pub use server::{run, run_with};
pub use tls::TlsError;
