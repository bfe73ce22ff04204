//! What can go wrong in a bench.

use std::path::PathBuf;

/// A bench that failed, or could not be built.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A module that no file of the RTL defines.
    #[error("no file {module}.sv below {folder}")]
    NoModule {
        /// Its name.
        module: String,
        /// Where it was looked for.
        folder: PathBuf,
    },
    /// Two files of one name: one of them would be left out.
    #[error("{first} and {second} define one module")]
    TwoModules {
        /// One file.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// A file or folder could not be used.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A program of the tool chain is missing or refused its input.
    #[error("{command}\n{output}")]
    Tool {
        /// The command line.
        command: String,
        /// What it printed, or why it did not start.
        output: String,
    },
    /// The library of a verilated design could not be loaded.
    #[error("{path}: {message}")]
    Library {
        /// The shared library.
        path: PathBuf,
        /// Why.
        message: String,
    },
    /// The design has no such port.
    #[error("{design} has no {direction} {port}")]
    NoPort {
        /// The top module.
        design: String,
        /// "input" or "output".
        direction: &'static str,
        /// The name asked for.
        port: String,
    },
    /// An assertion of the RTL failed.
    #[error("cycle {cycle}: assertion failed at {place}")]
    Assertion {
        /// When.
        cycle: u64,
        /// File, line and scope.
        place: String,
    },
    /// Something was awaited for too long.
    #[error("cycle {cycle}: nothing came within {limit} cycles; waiting: {waiting}")]
    Deadline {
        /// When the wait ended.
        cycle: u64,
        /// How long it was.
        limit: u64,
        /// Who was waiting for what.
        waiting: String,
    },
    /// The design broke a rule of a bus.
    #[error("cycle {cycle}: {port}: {rule}")]
    Protocol {
        /// When.
        cycle: u64,
        /// The port or channel.
        port: String,
        /// The rule and the values that break it.
        rule: String,
    },
    /// The design gave another value than the reference.
    #[error("cycle {cycle}: {port}, item {item}: {found}, expected {expected}")]
    Mismatch {
        /// When.
        cycle: u64,
        /// The port.
        port: String,
        /// Which transfer, from 0.
        item: usize,
        /// The value in hexadecimal.
        found: String,
        /// The reference's value in hexadecimal.
        expected: String,
    },
}

impl Error {
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }
}
