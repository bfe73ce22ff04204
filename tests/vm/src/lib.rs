//! What the guest's program and the test outside of the machine have in common: the requests to the
//! daemon, and the lines that the guest prints for the test.

pub mod http;
pub mod lines;
pub mod requests;

/// Why a story failed.
pub type Error = Box<dyn std::error::Error + Send + Sync>;
/// The result of a story.
pub type Result<T> = std::result::Result<T, Error>;
