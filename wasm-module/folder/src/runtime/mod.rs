//! `model.lockstep`, the run-time file: all parameters of an encoder, with the weights packed as
//! the kernels read them.
//!
//! [`write()`] makes the bytes of the file from an encoder. [`read`] checks such bytes in one pass
//! and gives a [`PackedEncoder`]. It copies nothing large: weights and tables stay where they
//! are. A [`Buffer`] holds the bytes, whether they come from a file, or are memory of a WebAssembly
//! module that the host filled.

mod buffer;
mod header;
mod read;
mod tree;
mod unpack;
mod write;

pub use buffer::Buffer;
pub use header::FORMAT;
pub use lockstep_kernels::Line;
pub use read::{FileError, read};
pub use tree::{PackedDense, PackedEmbedding, PackedEncoder, PackedHead, PackedLayer};
pub use unpack::unpack;
pub use write::write;
