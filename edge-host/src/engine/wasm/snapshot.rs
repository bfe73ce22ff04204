//! Saves a module with its model open as a new module.
//!
//! An instance opens the model; the memory and the globals that the instance then has become the
//! data of the new module. An instance of the new module starts where the opening ended. Wasmtime
//! maps the memory copy-on-write, so instances share the weights, and none parses or copies them.
//! The opening does not run the model: each instance chooses its kernel on the machine it runs on.

use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
    time::Instant,
};

use wasmtime::{Instance, Module, Store, Val};
use wasmtime_wizer::{InstanceState, SnapshotVal, ValType, Wizer};

use super::{
    instance,
    sandbox::{Host, Sandbox, interface},
};
use crate::{engine::interface::EngineError, files::ModelFiles};

/// Opens the model in an instance of the module, by `deadline`, and gives the new module. `None` if
/// a snapshot cannot hold the module's state, for example because the module changes a table.
pub(crate) fn open(
    sandbox: &Sandbox,
    wasm: &[u8],
    files: &ModelFiles,
    deadline: Instant,
) -> Result<Option<Vec<u8>>, EngineError> {
    let mut wizer = Wizer::new();
    // The new module has no such export, because its model is open already.
    wizer.init_func("lockstep_open");
    let Ok((context, instrumented)) = wizer.instrument(wasm) else { return Ok(None) };
    let module = Module::from_binary(&sandbox.engine, &instrumented).map_err(interface)?;
    let (store, instance) = instance::Instance::open_for_snapshot(sandbox, &module, files, deadline)?;
    let mut state = State { store, instance };
    let snapshot = at_once(wizer.snapshot(&context, &mut state));
    snapshot.map(Some).map_err(interface)
}

struct State {
    store: Store<Host>,
    instance: Instance,
}

impl InstanceState for State {
    async fn global_get(&mut self, name: &str, kind: ValType) -> SnapshotVal {
        match self.instance.get_global(&mut self.store, name).map(|global| global.get(&mut self.store)) {
            Some(Val::I32(x)) => SnapshotVal::I32(x),
            Some(Val::I64(x)) => SnapshotVal::I64(x),
            Some(Val::F32(x)) => SnapshotVal::F32(x),
            Some(Val::F64(x)) => SnapshotVal::F64(x),
            Some(Val::V128(x)) => SnapshotVal::V128(x.as_u128()),
            _ => unreachable!("the instrumented module exports a number as {name}, not {kind:?}"),
        }
    }

    async fn memory_contents(&mut self, name: &str, contents: impl FnOnce(&[u8]) + Send) {
        match self.instance.get_memory(&mut self.store, name) {
            Some(memory) => contents(memory.data(&self.store)),
            None => unreachable!("the instrumented module exports its memory as {name}"),
        }
    }
}

/// The result of a future that never waits.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => unreachable!("the state of an instance is read without waiting"),
    }
}
