//! Errors of a connection.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::Errno;

/// Why a connection or a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The system refused to connect to or to listen at a socket.
    #[error("{path}: {source}")]
    Socket {
        /// Path of the socket.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The system refused to send, to receive or to wait.
    #[error("the connection failed: {0}")]
    Io(#[from] io::Error),
    /// The other side closed the connection too early.
    #[error("the other side closed the connection while {0}")]
    Closed(&'static str),
    /// A message was too slow. The connection is not used again.
    #[error("{what} took longer than {limit:?}")]
    Deadline {
        /// What this side waited for.
        what: &'static str,
        /// How long this side waited.
        limit: Duration,
    },
    /// The other side broke the protocol. The connection is not used again.
    #[error("protocol: {0}")]
    Protocol(String),
    /// An earlier command failed in the middle of a message.
    #[error("the connection broke earlier")]
    Broken,
    /// The other side refused a command.
    #[error("{command} was refused: {errno}")]
    Refused {
        /// The command and its arguments.
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
