//! The errors that end the daemon.

use std::{io, path::PathBuf};

use lockstep_store::StoreError;

use crate::{keys::KeyFileError, tls::TlsError};

/// The reasons why the daemon cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// A file cannot be read.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The file is no WebAssembly module that this daemon can run.
    #[error("{}: not a usable WebAssembly module: {detail}", path.display())]
    Module {
        /// The file.
        path: PathBuf,
        /// The compiler's message.
        detail: String,
    },
    /// Another user could put machine code into the cache folder.
    #[error("--cache-dir {}: {detail}", path.display())]
    Cache {
        /// The folder.
        path: PathBuf,
        /// Who could, and the way out.
        detail: String,
    },
    /// The file is no component that can open a model.
    #[error("{}: not a usable component: {detail}", path.display())]
    Component {
        /// The file.
        path: PathBuf,
        /// What is wrong with the component.
        detail: String,
    },
    /// The file of keys cannot be used.
    #[error("--keys {0}")]
    Keys(#[from] KeyFileError),
    /// The folder of items cannot be used.
    #[error("--items {0}")]
    Items(#[from] StoreError),
    /// The listener of the status cannot listen.
    #[error("--status-listen {address}: {source}")]
    Listen {
        /// The address.
        address: String,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The certificate or its key cannot be used.
    #[error("--tls-cert and --tls-key: {0}")]
    Tls(#[from] TlsError),
    /// A vector pack cannot be written.
    #[error("{0}")]
    Pack(String),
    /// The model does not open.
    #[error("the model does not open: {0}")]
    Open(String),
    /// A thread cannot be started.
    #[error("cannot start a thread: {0}")]
    Thread(io::Error),
}
