//! The limits that every instance of the module runs under.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use wasmtime::{
    Caller, Engine, Instance, Linker, Module, Store, StoreLimits, StoreLimitsBuilder, UpdateDeadline,
};

use crate::engine::interface::EngineError;

/// The limits, and the compiler's engine that instances are made by.
#[derive(Clone)]
pub(crate) struct Sandbox {
    pub(crate) engine: Engine,
    /// Bytes that the linear memory of one instance may have.
    pub(crate) max_memory_bytes: usize,
    /// When set, every call of every instance ends with [`EngineError::Stopped`].
    pub(crate) stop: Arc<AtomicBool>,
}

/// The data that the host keeps for one instance.
pub(crate) struct Host {
    limits: StoreLimits,
    started: Instant,
    pub(crate) deadline: Instant,
    stop: Arc<AtomicBool>,
}

/// The reasons for the host to end a call.
#[derive(Debug, thiserror::Error)]
enum Interrupt {
    #[error("deadline")]
    Deadline,
    #[error("stopped")]
    Stopped,
}

impl Host {
    /// Ends the call if its deadline has passed or the daemon is shutting down.
    fn check(&self) -> Result<(), Interrupt> {
        if self.stop.load(Ordering::Relaxed) {
            Err(Interrupt::Stopped)
        } else if Instant::now() >= self.deadline {
            Err(Interrupt::Deadline)
        } else {
            Ok(())
        }
    }
}

impl Sandbox {
    /// An instance of the module, in which nothing was called yet. Its start function, if there is
    /// one, must be done by `deadline`.
    pub(crate) fn instantiate(
        &self,
        module: &Module,
        deadline: Instant,
    ) -> Result<(Store<Host>, Instance), EngineError> {
        let host = Host {
            limits: StoreLimitsBuilder::new().memory_size(self.max_memory_bytes).build(),
            started: Instant::now(),
            deadline,
            stop: Arc::clone(&self.stop),
        };
        let mut store = Store::new(&self.engine, host);
        store.limiter(|host| &mut host.limits);
        store.epoch_deadline_callback(|context| {
            context.data().check()?;
            Ok(UpdateDeadline::Continue(1))
        });
        store.set_epoch_deadline(1);

        let mut linker: Linker<Host> = Linker::new(&self.engine);
        linker
            .func_wrap("lockstep", "now_ms", |caller: Caller<'_, Host>| {
                let host = caller.data();
                host.check()?;
                Ok(host.started.elapsed().as_secs_f64() * 1000.0)
            })
            .map_err(interface)?;
        let instance = linker
            .instantiate(&mut store, module)
            .map_err(|error| interrupted(&error).unwrap_or_else(|| interface(error)))?;
        Ok((store, instance))
    }
}

/// The error of a call that the host ended.
fn interrupted(error: &wasmtime::Error) -> Option<EngineError> {
    error.downcast_ref::<Interrupt>().map(|interrupt| match interrupt {
        Interrupt::Deadline => EngineError::Deadline,
        Interrupt::Stopped => EngineError::Stopped,
    })
}

/// The error of a call that did not return.
pub(crate) fn trap(error: wasmtime::Error) -> EngineError {
    // The root cause only: the other lines of the error are a list of addresses.
    interrupted(&error).unwrap_or_else(|| EngineError::Trap(error.root_cause().to_string()))
}

/// The error of a module that lacks an export, or has one of another type.
pub(crate) fn interface(error: wasmtime::Error) -> EngineError {
    EngineError::Interface(format!("{error:#}"))
}
