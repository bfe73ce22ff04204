//! The reasons for a change or a question to fail.

use std::path::PathBuf;

use lockstep_pack::WriteError;

/// Why the store cannot do as it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The system refuses a file.
    #[error("{path}: {error}")]
    File {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        #[source]
        error: std::io::Error,
    },
    /// Another process has the folder open.
    #[error("{0}: another process uses this folder; give each its own")]
    InUse(PathBuf),
    /// The database refuses.
    #[error("the database of items: {0}")]
    Database(#[from] rusqlite::Error),
    /// The database was written by another version of this program.
    #[error(
        "the database of items has layout {found}, this program writes {expected}; use its program, or an empty folder"
    )]
    Layout {
        /// Its version.
        found: i64,
        /// The version of this program.
        expected: i64,
    },
    /// A file of vectors is shorter than the database says, or holds no compact vectors.
    #[error("{path}: {why}; restore the folder from a copy, or start with an empty one")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The vectors of a model have another length than before.
    #[error("vectors of {found} numbers for model {digest}, whose vectors have {expected}")]
    Width {
        /// The model.
        digest: String,
        /// The length of the vector that was given.
        found: usize,
        /// The length of the model's vectors.
        expected: usize,
    },
    /// A vector that is no compact one.
    #[error("a vector with the number -32768, which no compact vector has")]
    NotCompact,
    /// The queue of changes is full.
    #[error("{0} changes wait already; try again later")]
    Busy(usize),
    /// The change was not acknowledged in time. It may still be made.
    #[error("no acknowledgement within {0} ms; the change may still be made")]
    Late(u128),
    /// The change is on the disk, but the views do not have it yet.
    #[error("the change is made, but searches do not see it yet: {0}")]
    Unseen(String),
    /// The transaction of several changes failed; none of them was made.
    #[error("{0}")]
    Group(String),
    /// The log of changes does not reach back so far, or is of another series.
    #[error("no changes since {since}: the log reaches from {floor} to {sequence}; take a full pack")]
    Since {
        /// The sequence that was asked for.
        since: u64,
        /// Where the log begins.
        floor: u64,
        /// The last change.
        sequence: u64,
    },
    /// A vector pack cannot be written.
    #[error("the vector pack: {0}")]
    Pack(#[from] WriteError<std::io::Error>),
    /// The thread that writes has ended.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    /// Names the file of an error of the system.
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |error| Self::File { path, error }
    }

    /// The same error for another change of the group.
    pub(crate) fn again(&self) -> Self {
        match self {
            Self::File { path, error } => {
                Self::File { path: path.clone(), error: std::io::Error::new(error.kind(), error.to_string()) }
            }
            Self::Unseen(why) => Self::Unseen(why.clone()),
            other => Self::Group(other.to_string()),
        }
    }
}
