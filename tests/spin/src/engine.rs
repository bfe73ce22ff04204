//! Compiles the component, and runs its instances, as Spin 4.1 does.

use std::{path::Path, time::Duration};

use wasmtime::{
    Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Store,
    component::{HasSelf, Linker},
};
use wasmtime_wasi_http::p3::bindings::ServicePre;

use crate::{
    host::Host,
    interfaces::{atomics, batch, store, variables},
};

/// How often Spin counts its epoch on.
const TICK: Duration = Duration::from_millis(10);
/// The epochs that Spin gives an instance: it never ends one by them. The checks are there all the
/// same, in each loop and each function.
const FOR_EVER: u64 = u64::MAX / 2;
/// Instances at the same time. Spin has room for 1,000.
const INSTANCES: u32 = 100;

/// A compiled component.
#[derive(Clone)]
pub struct Component {
    pub(crate) engine: Engine,
    component: wasmtime::component::Component,
}

impl Component {
    /// Compiles a component's file.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or is no component.
    pub fn from_file(path: &Path) -> wasmtime::Result<Self> {
        let mut config = Config::new();
        config.wasm_component_model_async(true).epoch_interruption(true).allocation_strategy(pool());
        let engine = Engine::new(&config)?;
        count_epochs(&engine)?;
        let component = wasmtime::component::Component::from_file(&engine, path)?;
        Ok(Self { engine, component })
    }

    /// The component, linked to the interfaces of Spin that it may use.
    pub(crate) fn pre(&self) -> wasmtime::Result<ServicePre<Host>> {
        let mut linker = Linker::<Host>::new(&self.engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
        wasmtime_wasi::p3::add_to_linker(&mut linker)?;
        wasmtime_wasi_http::p3::add_to_linker(&mut linker)?;
        store::add_to_linker::<_, HasSelf<Host>>(&mut linker, |host| host)?;
        atomics::add_to_linker::<_, HasSelf<Host>>(&mut linker, |host| host)?;
        batch::add_to_linker::<_, HasSelf<Host>>(&mut linker, |host| host)?;
        variables::add_to_linker::<_, HasSelf<Host>>(&mut linker, |host| host)?;
        ServicePre::new(linker.instantiate_pre(&self.component)?)
    }
}

/// A pool with the limits that Spin gives each instance.
fn pool() -> InstanceAllocationStrategy {
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(INSTANCES)
        .total_memories(INSTANCES)
        .total_stacks(INSTANCES)
        .total_tables(2 * INSTANCES)
        .total_core_instances(4 * INSTANCES)
        .table_elements(100_000)
        .max_component_instance_size(10 << 20)
        .max_core_instance_size(10 << 20)
        .max_core_instances_per_component(200)
        .max_tables_per_component(64)
        .max_memories_per_component(32)
        .max_tables_per_module(2)
        .max_memories_per_module(2)
        .max_memory_size(4 << 30)
        .linear_memory_keep_resident(2 << 20)
        .table_keep_resident(512 << 10);
    InstanceAllocationStrategy::Pooling(pool)
}

/// Starts the thread that counts the epochs. It ends with the engine.
fn count_epochs(engine: &Engine) -> std::io::Result<()> {
    let engine = engine.weak();
    let count = move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            drop(engine);
            std::thread::sleep(TICK);
        }
    };
    std::thread::Builder::new().name("epochs".into()).spawn(count).map(drop)
}

/// The store of an instance.
pub(crate) fn store_of(engine: &Engine, host: Host) -> Store<Host> {
    let mut store = Store::new(engine, host);
    store.set_epoch_deadline(FOR_EVER);
    store
}
