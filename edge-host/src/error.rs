//! Why the daemon cannot start or go on.

use std::{io, path::PathBuf};

/// Why the daemon ends by itself.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// A file that must be there cannot be read.
    #[error("{}: {source}", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The module's file is no WebAssembly that this daemon can run.
    #[error("{}: not a usable WebAssembly module: {detail}", path.display())]
    Module {
        /// Which one.
        path: PathBuf,
        /// What the compiler says.
        detail: String,
    },
    /// The component's file is no component that a model can be opened in.
    #[error("{}: not a usable component: {detail}", path.display())]
    Component {
        /// Which one.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// The model does not open.
    #[error("the model does not open: {0}")]
    Open(String),
    /// A thread cannot be started.
    #[error("cannot start a thread: {0}")]
    Thread(io::Error),
}
