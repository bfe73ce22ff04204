//! What can be set.

use std::{num::NonZeroUsize, path::PathBuf, thread::available_parallelism, time::Duration};

/// Where requests are scored. The answers are the same but for the name of the backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// In this process, with the fastest instruction set of the processor; a batch uses all cores.
    Native,
    /// In instances of the WebAssembly module: each sealed off.
    Wasm,
}

/// Settings of the daemon. [`Config::new`] gives the defaults named here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Folder with `model.lockstep`, `tokenizer.json` and `lockstep.json`.
    pub model: PathBuf,
    /// Where requests are scored.
    pub backend: Backend,
    /// The WebAssembly module; not looked at by the native backend.
    pub module: PathBuf,
    /// Whether every loop of the module looks at the deadline, for a module that may never come back. It costs a third of
    /// the speed and more; else a call ends where the module asks for the time, as ours does before each piece of a
    /// batch. Not by default.
    pub untrusted_module: bool,
    /// Where compiled modules are kept between starts; nowhere by default.
    pub cache_dir: Option<PathBuf>,
    /// Instances of the module, each on a thread of its own, or threads of the native backend; as many as
    /// there are cores.
    pub instances: NonZeroUsize,
    /// Requests that may wait for an instance; 64.
    pub queue: usize,
    /// Bytes of a request's body; 4 MiB. What may wait at most takes `queue` times as much memory.
    pub max_body_bytes: usize,
    /// From a request's last byte to its answer; 10 s. A call that takes as long is ended.
    pub deadline: Duration,
    /// For a request's head, for its body, between requests of one connection, and for a client
    /// to read some of its answer; 20 s.
    pub read_timeout: Duration,
    /// For building an instance, the model's loading included; 2 min.
    pub open_deadline: Duration,
    /// Requests under way are waited for this long at shutdown; 15 s.
    pub drain: Duration,
    /// Connections at one time; those beyond wait in the kernel's backlog; 512.
    pub max_connections: NonZeroUsize,
    /// Bytes of one instance's linear memory; 2 GiB.
    pub max_memory_bytes: usize,
    /// Origins whose pages may read the answers, for example `https://shop.example`, or `*` for all; none by default.
    pub allow_origins: Vec<String>,
    /// Whether to write a line a request to stderr; not by default.
    pub log: bool,
}

impl Config {
    /// The defaults, for a model folder and the native backend.
    pub fn native(model: impl Into<PathBuf>) -> Self {
        Self { backend: Backend::Native, ..Self::new(model, "") }
    }

    /// The defaults, for a model folder and a module.
    pub fn new(model: impl Into<PathBuf>, module: impl Into<PathBuf>) -> Self {
        Self {
            model: model.into(),
            backend: Backend::Wasm,
            module: module.into(),
            untrusted_module: false,
            cache_dir: None,
            instances: available_parallelism().unwrap_or(NonZeroUsize::MIN),
            queue: 64,
            max_body_bytes: 4 << 20,
            deadline: Duration::from_secs(10),
            read_timeout: Duration::from_secs(20),
            open_deadline: Duration::from_secs(120),
            drain: Duration::from_secs(15),
            max_connections: NonZeroUsize::MIN.saturating_add(511),
            max_memory_bytes: 2 << 30,
            allow_origins: Vec::new(),
            log: false,
        }
    }
}
