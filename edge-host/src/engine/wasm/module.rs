//! Compiles the module with its model open, or loads it from the cache.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use sha2::{Digest, Sha256};
use wasmtime::{Engine, Module, OptLevel, PoolingAllocationConfig};

use super::{cache::Cache, sandbox::Sandbox, snapshot};
use crate::{
    config::Config,
    engine::interface::ENGINE_STACK,
    error::HostError,
    files::{self, ModelFiles},
    log,
};

/// How often an untrusted module looks at its deadline.
const TICK: Duration = Duration::from_millis(5);

/// Wasmtime maps a first memory of up to this many bytes as a whole, even where it is mostly
/// zeros. The weights of every supported model are smaller.
const IMAGE: u64 = 1 << 30;

/// The compiled module.
pub(crate) struct Prepared {
    pub(crate) module: Module,
    /// The model that every instance has to open itself; `None` if the module's memory holds it
    /// open.
    pub(crate) unopened: Option<ModelFiles>,
}

/// The compiler's engine for the daemon's instances.
pub(crate) fn engine(daemon: &Config) -> Result<Engine, wasmtime::Error> {
    let Config { max_memory_bytes, untrusted_module: epochs, instances, .. } = *daemon;
    let mut config = settings(OptLevel::Speed, epochs);
    // The pool reserves address space for all instances at once. When an instance ends, the pool
    // replaces the pages that the instance wrote, and unmaps nothing.
    let mut pool = PoolingAllocationConfig::default();
    let count = u32::try_from(instances.get()).unwrap_or(u32::MAX);
    pool.total_core_instances(count).total_memories(count).total_tables(count);
    pool.max_memory_size(max_memory_bytes.min(4 << 30)).table_elements(1 << 16);
    config.allocation_strategy(pool);
    Engine::new(&config).or_else(|error| {
        log::line(format_args!("no pool of {instances} instances: {error:#}"));
        Engine::new(&settings(OptLevel::Speed, epochs))
    })
}

/// The compiler's settings. With `epochs`, every loop of a module looks at the engine's epoch, so a
/// call can end in any loop. That costs speed: the kernels then keep their sums in memory.
fn settings(level: OptLevel, epochs: bool) -> wasmtime::Config {
    let mut config = wasmtime::Config::new();
    config.wasm_simd(true);
    config.wasm_relaxed_simd(true);
    config.epoch_interruption(epochs);
    config.max_wasm_stack(ENGINE_STACK);
    config.memory_init_cow(true);
    config.memory_guaranteed_dense_image_size(IMAGE);
    config.cranelift_opt_level(level);
    config
}

/// Increments an engine's epoch every [`TICK`] until it is dropped.
pub(crate) struct Ticker(Arc<AtomicBool>);

impl Ticker {
    pub(crate) fn start(engine: &Engine) -> std::io::Result<Self> {
        let done = Arc::new(AtomicBool::new(false));
        let (seen, engine) = (Arc::clone(&done), engine.clone());
        std::thread::Builder::new().name("edge-ticker".into()).spawn(move || {
            while !seen.load(Ordering::Relaxed) {
                std::thread::sleep(TICK);
                engine.increment_epoch();
            }
        })?;
        Ok(Self(done))
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Compiles the module with the model open in it. With a cache folder, it loads the compiled module
/// from there if it can, and stores a newly compiled one for the next start.
///
/// # Errors
///
/// A cache folder that another user could write, and everything that keeps the model from opening.
pub(crate) fn prepare(sandbox: &Sandbox, config: &Config, files: ModelFiles) -> Result<Prepared, HostError> {
    let engine = &sandbox.engine;
    let path = &config.module;
    let wasm = files::read(path)?;
    let cache = match &config.cache_dir {
        Some(folder) => Cache::open(folder)?,
        None => None,
    };
    let name = cache_name(engine, &[&wasm, &files.model, &files.tokenizer, &files.manifest]);
    if let Some(module) = cache.as_ref().and_then(|cache| cache.load(engine, &name)) {
        return Ok(Prepared { module, unopened: None });
    }
    let unusable =
        |error: wasmtime::Error| HostError::Module { path: path.clone(), detail: format!("{error:#}") };
    // The opening runs once, so this engine compiles fast instead of making fast code.
    let quick = Engine::new(&settings(OptLevel::None, true)).map_err(unusable)?;
    let ticker = Ticker::start(&quick).map_err(HostError::Thread)?;
    let deadline = Instant::now() + config.open_deadline;
    let quick = Sandbox { engine: quick, ..sandbox.clone() };
    let opened = snapshot::open(&quick, &wasm, &files, deadline);
    drop(ticker);
    let Some(opened) = opened.map_err(|error| HostError::Open(error.to_string()))? else {
        let module = Module::from_binary(engine, &wasm).map_err(unusable)?;
        return Ok(Prepared { module, unopened: Some(files) });
    };
    drop(files);
    let module = Module::from_binary(engine, &opened).map_err(unusable)?;
    if let Some(cache) = cache {
        let stored = module
            .serialize()
            .map_err(|error| format!("{error:#}"))
            .and_then(|code| cache.store(&name, &code).map_err(|error| error.to_string()));
        if let Err(error) = stored {
            log::line(format_args!("the compiled module is not cached: {error}"));
        }
    }
    Ok(Prepared { module, unopened: None })
}

/// The name of a compiled module in the cache. It differs for each module, model, compiler version
/// and compiler setting.
fn cache_name(engine: &Engine, contents: &[&[u8]]) -> String {
    let mut compiler = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut compiler);
    let mut digest = Sha256::new();
    for content in contents {
        digest.update((content.len() as u64).to_le_bytes());
        digest.update(content);
    }
    let digest: String = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{digest}-{:016x}.cwasm", compiler.finish())
}
