//! A host of the Spin component for tests and benches, where there is no `spin`: the component runs in wasmtime behind
//! `wasi:http` on a real TCP socket, with the interfaces that Spin adds.
//!
//! An instance answers many requests, several at a time, and is dropped when it has been idle or has answered enough, as
//! Spin does it. The key-value store is a map in memory that all instances share; a test may look into it, and have it fail.

mod host;
mod instances;
mod interfaces;
mod outgoing;
mod server;

pub use host::{Faults, Store};
pub use instances::Reuse;
pub use server::{Component, Server, Settings};
