//! The errors of a bench.

use std::path::PathBuf;

/// Why a bench failed or could not be built.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The halves of a counter do not fit together.
    #[error(transparent)]
    Counter(#[from] lockstep_accel_abi::events::MovingCounter),
    /// A module that no file of the RTL defines.
    #[error("no file {module}.sv below {folder}")]
    NoModule {
        /// Its name.
        module: String,
        /// The folder that was searched.
        folder: PathBuf,
    },
    /// Two files have the same name, so one of them would be left out.
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
        /// The file or folder.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// A program of the tool chain is missing, or refused its input.
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
        /// The reason.
        message: String,
    },
    /// The design has no such port.
    #[error("{design} has no {direction} {port}")]
    NoPort {
        /// The top module.
        design: String,
        /// "input" or "output".
        direction: &'static str,
        /// The name of the port.
        port: String,
    },
    /// A packed struct of the RTL that a bench cannot use.
    #[error("{name}: {reason}")]
    Layout {
        /// The struct.
        name: String,
        /// Why.
        reason: String,
    },
    /// An assertion of the RTL failed.
    #[error("cycle {cycle}: assertion failed at {place}")]
    Assertion {
        /// The cycle.
        cycle: u64,
        /// File, line and scope.
        place: String,
    },
    /// An event did not come in time.
    #[error("cycle {cycle}: nothing came within {limit} cycles; waiting: {waiting}")]
    Deadline {
        /// The cycle in which the wait ended.
        cycle: u64,
        /// The limit in cycles.
        limit: u64,
        /// Who waited, and for which event.
        waiting: String,
    },
    /// The design broke a rule of a bus.
    #[error("cycle {cycle}: {port}: {rule}")]
    Protocol {
        /// The cycle.
        cycle: u64,
        /// The port or channel.
        port: String,
        /// The rule and the values that break it.
        rule: String,
    },
    /// The design gave another value than the reference.
    #[error("cycle {cycle}: {port}, item {item}: {found}, expected {expected}")]
    Mismatch {
        /// The cycle.
        cycle: u64,
        /// The port.
        port: String,
        /// The number of the transfer, from 0.
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
