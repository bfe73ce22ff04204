//! What the tests and the measuring programs share: where things are, a daemon to talk to, texts.
//!
//! `make` prepares what is not in the repository (the models, the WebAssembly modules, Python) and says
//! where it is in `LOCKSTEP_*`.
#![allow(clippy::expect_used)]

pub mod daemon;
pub mod folder;
pub mod http;
pub mod places;
pub mod texts;
pub mod times;
pub mod witness;
