//! Vector packs: the compact vectors of a catalogue as one file. `FORMAT.md` describes the file.
//!
//! [`Pack`] reads a file in place, from any bytes, and refuses one that breaks a rule. [`Packs`] is
//! a full pack with the deltas that go on from it. [`Writer`] writes a file to any [`Out`], in the
//! memory of a few buffers. The crate uses no operating system.
#![forbid(unsafe_code)]

mod error;
mod head;
mod ids;
mod pack;
mod packs;
mod write;

pub use error::{Mismatch, PackError};
pub use head::{Head, Origin, hex, of_hex};
pub use pack::{Pack, Row};
pub use packs::Packs;
pub use write::{Out, Plan, Seal, WriteError, Writer};
