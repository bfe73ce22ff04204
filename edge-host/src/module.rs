//! Compiles the module with its model open, or takes it from the cache.

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

use crate::{
    cache::Cache,
    config::Config,
    error::HostError,
    files::{self, ModelFiles},
    snapshot,
};

/// How often a module that is not trusted looks at its deadline.
pub(crate) const TICK: Duration = Duration::from_millis(5);

/// Stack of the module, in bytes; a worker's thread has room for it and for the host's part.
pub(crate) const WASM_STACK: usize = 1 << 20;

/// Bytes of a first memory that is mapped as a whole, whatever part of it is zero; the weights of every model are below.
const IMAGE: u64 = 1 << 30;

/// A compiled module.
pub(crate) struct Prepared {
    pub(crate) module: Module,
    /// The model that every instance has to open by itself, where the module does not hold it open.
    pub(crate) unopened: Option<ModelFiles>,
}

/// An engine for the instances of a daemon.
pub(crate) fn engine(daemon: &Config) -> Result<Engine, wasmtime::Error> {
    let Config { max_memory_bytes, untrusted_module: epochs, instances, .. } = *daemon;
    let mut config = settings(OptLevel::Speed, epochs);
    // The places of all instances are reserved at once, and memory is given back by replacing pages, not by unmapping.
    let mut pool = PoolingAllocationConfig::default();
    let places = u32::try_from(instances.get()).unwrap_or(u32::MAX);
    pool.total_core_instances(places).total_memories(places).total_tables(places);
    pool.max_memory_size(max_memory_bytes.min(4 << 30)).table_elements(1 << 16);
    config.allocation_strategy(pool);
    Engine::new(&config).or_else(|error| {
        eprintln!("edge-host: no pool of {instances} instances: {error:#}");
        Engine::new(&settings(OptLevel::Speed, epochs))
    })
}

/// With `epochs` every loop of a module looks at the engine's epoch. That keeps the kernels' sums in memory: a call may
/// stand in each loop.
fn settings(level: OptLevel, epochs: bool) -> wasmtime::Config {
    let mut config = wasmtime::Config::new();
    config.wasm_simd(true);
    config.wasm_relaxed_simd(true);
    config.epoch_interruption(epochs);
    config.max_wasm_stack(WASM_STACK);
    config.memory_init_cow(true);
    config.memory_guaranteed_dense_image_size(IMAGE);
    config.cranelift_opt_level(level);
    config
}

/// Increments the epoch of an engine while it is held.
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

/// Compiles the module with the model open in it. With a cache folder, what is found there is used instead, and the result
/// is left there for the next start; a cache that cannot be used costs a line on stderr.
pub(crate) fn prepare(
    engine: &Engine,
    config: &Config,
    files: ModelFiles,
    stop: &Arc<AtomicBool>,
) -> Result<Prepared, HostError> {
    let path = &config.module;
    let wasm = files::read(path)?;
    let cache = config.cache_dir.as_ref().and_then(|folder| {
        Cache::open(folder)
            .map_err(|error| eprintln!("edge-host: no cache: {}: {error}", folder.display()))
            .ok()
    });
    let name = cache_name(engine, &[&wasm, &files.model, &files.tokenizer, &files.manifest]);
    if let Some(module) = cache.as_ref().and_then(|cache| cache.load(engine, &name)) {
        return Ok(Prepared { module, unopened: None });
    }
    let unusable =
        |error: wasmtime::Error| HostError::Module { path: path.clone(), detail: format!("{error:#}") };
    // Opening runs once: code that is compiled soon is better than code that is fast.
    let quick = Engine::new(&settings(OptLevel::None, true)).map_err(unusable)?;
    let ticker = Ticker::start(&quick).map_err(HostError::Thread)?;
    let deadline = Instant::now() + config.open_deadline;
    let opened = snapshot::open(&quick, &wasm, &files, config.max_memory_bytes, deadline, Arc::clone(stop));
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
            eprintln!("edge-host: the compiled module is not cached: {error}");
        }
    }
    Ok(Prepared { module, unopened: None })
}

/// One name for each module, model, compiler version and compiler setting.
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
