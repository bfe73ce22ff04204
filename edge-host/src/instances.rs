//! Instances of a module, without a daemon around them.

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::{Duration, Instant},
};

use wasmtime::Engine;

use crate::{
    config::Config,
    error::HostError,
    files::ModelFiles,
    instance::{Instance, InstanceError},
    module::{self, Prepared, Ticker},
};

/// What instances of a module are made from: the module, compiled, with the model open in it.
///
/// An instance is a mapping of the same memory, copied where it is written; to make one parses, checks and copies
/// nothing. At most [`Config::instances`] live at a time.
pub struct Instances {
    engine: Engine,
    prepared: Prepared,
    max_memory_bytes: usize,
    open_deadline: Duration,
    stop: Arc<AtomicBool>,
    _ticker: Option<Ticker>,
}

impl Instances {
    /// Opens the model in the module and compiles what comes of it, or takes that from the cache folder.
    ///
    /// # Errors
    ///
    /// Files that cannot be read, a module that is none, a model that does not open by [`Config::open_deadline`].
    pub fn prepare(config: &Config) -> Result<Self, HostError> {
        Self::stoppable(config, Arc::default())
    }

    /// The same; setting `stop` ends the opening, and later any call of any instance.
    pub(crate) fn stoppable(config: &Config, stop: Arc<AtomicBool>) -> Result<Self, HostError> {
        let engine = module::engine(config).map_err(|error| HostError::Module {
            path: config.module.clone(),
            detail: format!("{error:#}"),
        })?;
        let files = ModelFiles::read(&config.model)?;
        let prepared = module::prepare(&engine, config, files, &stop)?;
        let ticker = config.untrusted_module.then(|| Ticker::start(&engine)).transpose();
        let ticker = ticker.map_err(HostError::Thread)?;
        let Config { max_memory_bytes, open_deadline, .. } = *config;
        Ok(Self { engine, prepared, max_memory_bytes, open_deadline, stop, _ticker: ticker })
    }

    /// A new instance, ready to answer.
    ///
    /// # Errors
    ///
    /// A module that breaks its interface. Where it does what no snapshot can hold, each instance opens the model by
    /// itself, and may fail at that.
    pub fn open(&self) -> Result<Instance, InstanceError> {
        let deadline = Instant::now() + self.open_deadline;
        Instance::open(&self.engine, &self.prepared, self.max_memory_bytes, deadline, Arc::clone(&self.stop))
    }

    /// Whether instances are born with the model open: they have no way to open one.
    #[must_use]
    pub fn are_born_open(&self) -> bool {
        self.prepared.unopened.is_none() && self.prepared.module.get_export("lockstep_open").is_none()
    }
}
