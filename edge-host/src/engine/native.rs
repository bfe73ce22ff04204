//! Encodes inside the daemon, with the processor's fastest instructions.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use lockstep_module::{OpenError, Sequence, TextModel};

use crate::{
    engine::interface::{Engine, EngineError, Engines},
    error::HostError,
};

/// The model, which all workers share.
#[derive(Clone)]
pub(crate) struct Native {
    model: Arc<TextModel>,
    stop: Arc<AtomicBool>,
}

impl Native {
    /// Opens a model folder. Setting `stop` ends the calls that begin later.
    pub(crate) fn open(folder: &Path, stop: Arc<AtomicBool>) -> Result<(Self, Arc<TextModel>), HostError> {
        let model = Arc::new(TextModel::open_folder(folder).map_err(unopened)?);
        Ok((Self { model: Arc::clone(&model), stop }, model))
    }
}

/// The daemon's error for a folder that does not open.
pub(crate) fn unopened(error: OpenError) -> HostError {
    match error {
        OpenError::File { path, source } => HostError::File { path, source },
        error => HostError::Open(error.to_string()),
    }
}

impl Engines for Native {
    fn open(&self) -> Result<Box<dyn Engine>, EngineError> {
        Ok(Box::new(self.clone()))
    }
}

impl Engine for Native {
    fn kernel(&mut self) -> Result<String, EngineError> {
        Ok(self.model.kernel_name().into())
    }

    /// A batch is short, so the engine looks at its deadline only before it.
    fn encode(&mut self, batch: &[Sequence<'_>], deadline: Instant) -> Result<Vec<Vec<i32>>, EngineError> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(EngineError::Stopped);
        }
        if Instant::now() >= deadline {
            return Err(EngineError::Deadline);
        }
        self.model.run(batch).map_err(|error| EngineError::Refused(error.to_string()))
    }
}
