//! What can go wrong with a connection.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::Errno;

/// Why a connection, or one command on it, failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The socket could not be opened or listened at.
    #[error("{path}: {source}")]
    Socket {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The system refused to send, to receive or to wait.
    #[error("the connection failed: {0}")]
    Io(#[from] io::Error),
    /// The other side closed the connection in the middle of something.
    #[error("the other side closed the connection while {0}")]
    Closed(&'static str),
    /// Something did not come in time. The connection is not used again.
    #[error("{what} took longer than {limit:?}")]
    Deadline {
        /// What was awaited.
        what: &'static str,
        /// How long.
        limit: Duration,
    },
    /// The other side broke the protocol. The connection is not used again.
    #[error("protocol: {0}")]
    Protocol(String),
    /// An earlier command failed in a way that leaves the connection in the middle of a message.
    #[error("the connection broke earlier")]
    Broken,
    /// The other side refused a command.
    #[error("{command} was refused: {errno}")]
    Refused {
        /// The command and what it was about.
        command: String,
        /// The other side's reason.
        errno: Errno,
    },
}

impl From<Errno> for Error {
    fn from(errno: Errno) -> Self {
        Self::Io(errno.into())
    }
}
