//! TLS on the daemon's port, by rustls: versions 1.2 and 1.3, HTTP/1.1, no certificates of clients.
//!
//! `files.rs` reads the chain and the key, `certificate.rs` holds those in force, which a `SIGHUP`
//! replaces while connections go on. `acceptor.rs` does the handshakes, within a deadline, and not
//! too many at once (`crowd.rs`). `greeting.rs` answers clients that do not speak TLS.

mod acceptor;
mod certificate;
mod crowd;
mod expiry;
mod files;
mod greeting;
mod outcome;

pub use self::files::TlsError;
pub(crate) use self::{acceptor::Tls, certificate::note};
