//! Hosts the Spin component for tests and benches, without the program `spin`: the component runs
//! in wasmtime behind `wasi:http` on a real TCP socket, with the interfaces that Spin adds.
//!
//! As in Spin, an instance answers many requests, several at a time, and is dropped when it was
//! idle for some time or has answered enough requests. It is compiled with a check of the epoch in
//! each loop, its memory comes from a pool, and its connections are plain: no TCP_NODELAY. All
//! instances share the key-value store, a map in memory; a test can read the map, and can let the
//! store fail.

mod engine;
mod host;
mod instances;
mod interfaces;
mod outgoing;
mod server;
mod store;
mod wire;

pub use engine::Component;
pub use instances::Reuse;
pub use server::{Server, Settings};
pub use store::{Down, Faults, Store};
