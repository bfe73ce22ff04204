//! A module with its model open, as a new module: what opening leaves in its memory and globals becomes its data.
//!
//! An instance of it begins where the opening ended. The memory image is mapped copy-on-write, so instances share the
//! weights, and none parses or copies anything. Nothing has run the model by then: which kernel an instance uses is
//! decided where it runs.

use std::{
    future::Future,
    pin::pin,
    sync::{Arc, atomic::AtomicBool},
    task::{Context, Poll, Waker},
    time::Instant,
};

use wasmtime::{Engine, Instance, Module, Store, Val};
use wasmtime_wizer::{InstanceState, SnapshotVal, ValType, Wizer};

use crate::{
    files::ModelFiles,
    instance::{self, Host, InstanceError},
};

/// Opens the model in an instance of the module, by `deadline`, and gives the module that begins there; `None` where the
/// module does what no snapshot can hold.
pub(crate) fn open(
    engine: &Engine,
    wasm: &[u8],
    files: &ModelFiles,
    max_memory_bytes: usize,
    deadline: Instant,
    stop: Arc<AtomicBool>,
) -> Result<Option<Vec<u8>>, InstanceError> {
    let mut wizer = Wizer::new();
    // What is open cannot be opened again: the new module has no such export.
    wizer.init_func("lockstep_open");
    let Ok((context, instrumented)) = wizer.instrument(wasm) else { return Ok(None) };
    let module = Module::from_binary(engine, &instrumented).map_err(instance::interface)?;
    let (store, instance) = instance::opened(engine, &module, files, max_memory_bytes, deadline, stop)?;
    let mut state = State { store, instance };
    let snapshot = at_once(wizer.snapshot(&context, &mut state));
    snapshot.map(Some).map_err(instance::interface)
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
