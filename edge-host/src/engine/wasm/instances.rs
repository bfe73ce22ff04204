//! Makes instances of the module, with no daemon around them.

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::{Duration, Instant},
};

use super::{
    instance::Instance,
    module::{self, Prepared, Ticker},
    sandbox::{Sandbox, max_result_bytes},
};
use crate::{
    config::Config,
    engine::interface::{Engine, EngineError, Engines},
    error::HostError,
    files::ModelFiles,
};

/// The compiled module with the model open in it.
///
/// Every instance starts from a copy-on-write mapping of the same memory, so making an instance
/// parses, checks and copies nothing. At most [`Config::instances`] live at the same time.
pub struct Instances {
    sandbox: Sandbox,
    prepared: Prepared,
    open_deadline: Duration,
    _ticker: Option<Ticker>,
}

impl Instances {
    /// Opens the model in the module and compiles the result, or loads the result from the cache
    /// folder.
    ///
    /// # Errors
    ///
    /// Files that cannot be read, a file that is no module, or a model that does not open by
    /// [`Config::open_deadline`].
    pub fn prepare(config: &Config) -> Result<Self, HostError> {
        Self::stoppable(config, Arc::default())
    }

    /// The same. Setting `stop` ends the opening, and later any call of any instance.
    pub(crate) fn stoppable(config: &Config, stop: Arc<AtomicBool>) -> Result<Self, HostError> {
        let engine = module::engine(config).map_err(|error| HostError::Module {
            path: config.module.clone(),
            detail: format!("{error:#}"),
        })?;
        let files = ModelFiles::read(&config.model)?;
        let sandbox = Sandbox {
            engine,
            max_memory_bytes: config.max_memory_bytes,
            max_result_bytes: max_result_bytes(config.max_body_bytes),
            stop,
        };
        let prepared = module::prepare(&sandbox, config, files)?;
        let ticker = config.untrusted_module.then(|| Ticker::start(&sandbox.engine)).transpose();
        let ticker = ticker.map_err(HostError::Thread)?;
        Ok(Self { sandbox, prepared, open_deadline: config.open_deadline, _ticker: ticker })
    }

    /// Makes an instance that is ready to answer.
    ///
    /// # Errors
    ///
    /// A module that breaks its interface. If a snapshot cannot hold the open model, each instance
    /// opens the model itself, and may fail to.
    pub fn open(&self) -> Result<Instance, EngineError> {
        let deadline = Instant::now() + self.open_deadline;
        Instance::open(&self.sandbox, &self.prepared.module, self.prepared.unopened.as_ref(), deadline)
    }

    /// Whether instances start with the model open. They then have no export to open a model.
    #[must_use]
    pub fn are_born_open(&self) -> bool {
        self.prepared.unopened.is_none() && self.prepared.module.get_export("lockstep_open").is_none()
    }
}

impl Engines for Instances {
    fn open(&self) -> Result<Box<dyn Engine>, EngineError> {
        Ok(Box::new(self.open()?))
    }
}
