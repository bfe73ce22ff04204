//! Shared by tests and measurements: paths, a daemon, an HTTP client, texts, ONNX Runtime.
//!
//! Models, WebAssembly modules and Python are not in the repository. `make` prepares them and gives
//! their paths in variables `LOCKSTEP_*`.
#![allow(clippy::expect_used)]

pub mod daemon;
pub mod folder;
pub mod http;
pub mod places;
pub mod texts;
pub mod times;
pub mod witness;
