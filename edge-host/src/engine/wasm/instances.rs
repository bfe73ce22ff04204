//! Makes instances of the module, with no daemon around them.

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::{Duration, Instant},
};

use lockstep_module::TextReader;

use super::{
    instance::Instance,
    module::{self, Prepared, Ticker},
    sandbox::Sandbox,
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
    outputs: usize,
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
        Ok(Self::stoppable(config, Arc::default())?.1)
    }

    /// The same, with the reader of the model's texts. Setting `stop` ends the opening, and later
    /// any call of any instance.
    pub(crate) fn stoppable(config: &Config, stop: Arc<AtomicBool>) -> Result<(TextReader, Self), HostError> {
        let engine = module::engine(config).map_err(|error| HostError::Module {
            path: config.module.clone(),
            detail: format!("{error:#}"),
        })?;
        let files = ModelFiles::read(&config.model)?;
        let reader = files.reader()?;
        let outputs = reader.outputs();
        let sandbox = Sandbox { engine, max_memory_bytes: config.max_memory_bytes, stop };
        let prepared = module::prepare(&sandbox, config, files)?;
        let ticker = config.untrusted_module.then(|| Ticker::start(&sandbox.engine)).transpose();
        let ticker = ticker.map_err(HostError::Thread)?;
        let open_deadline = config.open_deadline;
        Ok((reader, Self { sandbox, prepared, outputs, open_deadline, _ticker: ticker }))
    }

    /// Makes an instance that is ready to answer.
    ///
    /// # Errors
    ///
    /// A module that breaks its interface. If a snapshot cannot hold the open model, each instance
    /// opens the model itself, and may fail to.
    pub fn open(&self) -> Result<Instance, EngineError> {
        let deadline = Instant::now() + self.open_deadline;
        let Prepared { module, unopened } = &self.prepared;
        Instance::open(&self.sandbox, module, unopened.as_ref(), self.outputs, deadline)
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
