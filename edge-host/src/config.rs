//! The daemon's settings.

use std::{num::NonZeroUsize, path::PathBuf, thread::available_parallelism, time::Duration};

pub use lockstep_accel_driver::CardAddress;

use crate::collector::Collector;

/// The engine that encodes texts on the CPU. All engines give the same answers, except for the name
/// of the backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Backend {
    /// The engine inside the daemon, with the processor's fastest instructions, on all cores.
    Native,
    /// Instances of the WebAssembly module, each in a sandbox.
    Wasm,
}

/// Where a certificate and its key are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate chain in PEM, the daemon's own certificate first.
    pub cert: PathBuf,
    /// The private key of the first certificate, in PEM: PKCS #8, SEC 1 or PKCS #1.
    pub key: PathBuf,
}

/// The settings. [`Config::new`] gives the defaults that are named here.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Folder with `model.lockstep`, `tokenizer.json` and `lockstep.json`.
    pub model: PathBuf,
    /// The engine that encodes texts on the CPU.
    pub backend: Backend,
    /// File of the WebAssembly module. The native engine ignores it.
    pub module: PathBuf,
    /// Whether every loop of the module looks at the deadline; for a module that may loop for ever.
    /// It costs a third of the speed or more. Otherwise a call ends only where the module asks for
    /// the time, as Lockstep's module does before each piece of a batch. Off by default.
    pub untrusted_module: bool,
    /// Folder that keeps compiled modules between starts; the daemon makes it if it is missing. It
    /// must belong to the daemon's user, and nobody else may be able to write it. None by default.
    pub cache_dir: Option<PathBuf>,
    /// Instances of the module, each on a thread of its own, or threads of the native engine. As
    /// many as there are cores by default.
    pub instances: NonZeroUsize,
    /// Accelerator cards, each with a copy of the model. None by default.
    pub accels: Vec<CardAddress>,
    /// Whether work that is not urgent goes to the cards even where the CPU would be faster, for
    /// tests of cards and of their simulation. Off by default.
    pub prefer_cards: bool,
    /// The share of the cards' vectors that the daemon computes again on the CPU and compares, from
    /// 0 to 1; 0.
    pub check_share: f64,
    /// Bytes of vectors that the daemon keeps, so that it need not encode a text again; 64 MiB.
    pub vector_bytes: u64,
    /// How many requests may be under way beyond the number of instances; 64.
    pub queue: usize,
    /// Largest body of a request, in bytes; 4 MiB. Requests under way take up to `queue` times as
    /// much memory.
    pub max_body_bytes: usize,
    /// Time from a request's last byte to its answer; 10 s. A call that takes longer is ended.
    pub deadline: Duration,
    /// Time for a client to send a head or a body, to start its next request, or to read a part of
    /// its answer; 20 s.
    pub read_timeout: Duration,
    /// Time to make an instance, including the opening of the model; 2 min.
    pub open_deadline: Duration,
    /// How long a shutdown waits for requests under way; 15 s.
    pub drain: Duration,
    /// Connections at the same time; 512. One more closes the one that has no request under way
    /// and has been still for the longest time; without such a one it waits.
    pub max_connections: NonZeroUsize,
    /// Address and port of a listener that tells health, `/info` and metrics alone, to everybody
    /// who reaches it. None by default.
    pub status_listen: Option<String>,
    /// Largest linear memory of one instance, in bytes; 2 GiB.
    pub max_memory_bytes: usize,
    /// Origins whose pages may read the answers, for example `https://shop.example`; `*` stands for
    /// all. None by default.
    pub allow_origins: Vec<String>,
    /// Names of hosts, as clients send them in `Host`, for which the daemon answers; with a port
    /// for this port alone. Empty by default: for all.
    pub allow_hosts: Vec<String>,
    /// Largest sum of the bodies of all requests under way, in bytes; 256 MiB.
    pub max_bodies_bytes: usize,
    /// Whether to write a line to stderr for each request. Off by default.
    pub log: bool,
    /// Whether the lines of the log are JSON objects. Off by default.
    pub log_json: bool,
    /// File of the keys that may ask, which `keys/file.rs` describes. None by default: everybody
    /// who reaches the daemon may ask.
    pub keys: Option<PathBuf>,
    /// Folder of the items that the daemon keeps; the daemon makes it if it is missing. None by
    /// default: no items are kept.
    pub items: Option<PathBuf>,
    /// The certificate with which the daemon speaks TLS. None by default: the daemon speaks plain
    /// HTTP.
    pub tls: Option<TlsFiles>,
    /// Where traces go. None by default: nothing is traced.
    pub otlp: Option<Collector>,
    /// The share of the requests without a trace of their own that are traced, from 0 to 1; 0.01.
    pub otlp_share: f64,
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
            accels: Vec::new(),
            prefer_cards: false,
            check_share: 0.0,
            vector_bytes: 64 << 20,
            queue: 64,
            max_body_bytes: 4 << 20,
            deadline: Duration::from_secs(10),
            read_timeout: Duration::from_secs(20),
            open_deadline: Duration::from_secs(120),
            drain: Duration::from_secs(15),
            max_connections: NonZeroUsize::MIN.saturating_add(511),
            status_listen: None,
            max_memory_bytes: 2 << 30,
            allow_origins: Vec::new(),
            allow_hosts: Vec::new(),
            max_bodies_bytes: 256 << 20,
            log: false,
            log_json: false,
            keys: None,
            items: None,
            tls: None,
            otlp: None,
            otlp_share: 0.01,
        }
    }
}
