//! Compiles the module, or takes it from the cache.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    path::Path,
};

use sha2::{Digest, Sha256};
use wasmtime::{Config, Engine, Module};

use crate::{cache::Cache, error::HostError, files};

/// Stack of the module, in bytes; a worker's thread has room for it and for the host's part.
pub(crate) const WASM_STACK: usize = 1 << 20;

/// An engine whose modules can be interrupted: every loop of theirs looks at the engine's epoch.
pub(crate) fn engine() -> Result<Engine, wasmtime::Error> {
    let mut config = Config::new();
    config.wasm_simd(true);
    config.wasm_relaxed_simd(true);
    config.epoch_interruption(true);
    config.max_wasm_stack(WASM_STACK);
    Engine::new(&config)
}

/// Compiles the module at `path`. With a cache folder, a compiled form found there is used instead,
/// and one is left there for the next start; a cache that cannot be used costs a line on stderr.
pub(crate) fn compile(engine: &Engine, path: &Path, cache_dir: Option<&Path>) -> Result<Module, HostError> {
    let wasm = files::read(path)?;
    let cache = cache_dir.and_then(|folder| {
        Cache::open(folder)
            .map_err(|error| eprintln!("edge-host: no cache: {}: {error}", folder.display()))
            .ok()
    });
    let name = cache_name(engine, &wasm);
    if let Some(module) = cache.as_ref().and_then(|cache| cache.load(engine, &name)) {
        return Ok(module);
    }
    let module = Module::from_binary(engine, &wasm)
        .map_err(|error| HostError::Module { path: path.to_owned(), detail: format!("{error:#}") })?;
    if let Some(cache) = cache {
        let stored = module
            .serialize()
            .map_err(|error| format!("{error:#}"))
            .and_then(|code| cache.store(&name, &code).map_err(|error| error.to_string()));
        if let Err(error) = stored {
            eprintln!("edge-host: the compiled module is not cached: {error}");
        }
    }
    Ok(module)
}

/// One name for each module, compiler version and compiler setting.
fn cache_name(engine: &Engine, wasm: &[u8]) -> String {
    let mut compiler = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut compiler);
    let digest: String = Sha256::digest(wasm).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{digest}-{:016x}.cwasm", compiler.finish())
}
