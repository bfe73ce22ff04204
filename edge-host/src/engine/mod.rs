//! The engines that answer requests, behind the traits of `interface.rs`.
//!
//! To add an engine: write its file here, with `Engines` for the part that all workers share and
//! `Engine` for one worker; add a variant to [`Backend`]; add a line to [`prepare`]. The queue,
//! the workers and HTTP do not change.

pub(crate) mod interface;
mod native;
pub(crate) mod wasm;

use std::sync::{Arc, atomic::AtomicBool};

use crate::{
    config::{Backend, Config},
    engine::interface::Engines,
    error::HostError,
};

/// Prepares the engines that the configuration asks for. Setting `stop` ends the preparation, and
/// later every call of every engine.
///
/// # Errors
///
/// Files that cannot be read, a module that does not compile, or a model that does not open.
pub(crate) fn prepare(config: &Config, stop: Arc<AtomicBool>) -> Result<Box<dyn Engines>, HostError> {
    Ok(match config.backend {
        Backend::Native => Box::new(native::Native::open(config, stop)?),
        Backend::Wasm => Box::new(wasm::Instances::stoppable(config, stop)?),
    })
}
