//! What reads bytes of strangers, as fuzz targets.
//!
//! A target is a function that reads bytes as a [`script::Script`]: it builds requests, messages or
//! files from them, most of them nearly valid, and checks more than that nothing panics. The same
//! function runs in three places: `tests/replay.rs` runs seeds, findings and some thousand random
//! scripts in `make test`; `targets/` wraps it for libFuzzer, `make fuzz`; and the program
//! `lockstep-fuzz` writes the seeds and replays a file.

pub mod checkpoint;
pub mod client;
pub mod descriptors;
pub mod dma;
pub mod driver;
mod edits;
pub mod manifest;
pub mod onnx_file;
pub mod program;
mod random;
pub mod requests;
pub mod runtime_file;
pub mod script;
pub mod server;
pub mod tokenizer;
pub mod vector_pack;

/// A target: what to run, and from which inputs a fuzzer starts.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, also that of its file in `targets/fuzz_targets` and of its folder in `findings`.
    pub name: &'static str,
    /// Runs one input. It panics if a promise is broken, and returns whether what reads the bytes
    /// accepted them.
    pub run: fn(&[u8]) -> bool,
    /// Inputs that reach every part of the target.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// The target in a module of this crate.
macro_rules! target {
    ($name:ident) => {
        Target { name: stringify!($name), run: $name::run, seeds: $name::seeds }
    };
}

/// All targets.
pub const TARGETS: [Target; 13] = [
    target!(checkpoint),
    target!(client),
    target!(descriptors),
    target!(dma),
    target!(driver),
    target!(manifest),
    target!(onnx_file),
    target!(program),
    target!(requests),
    target!(runtime_file),
    target!(server),
    target!(tokenizer),
    target!(vector_pack),
];
