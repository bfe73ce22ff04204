//! `model.lockstep`, the run-time file (see `../model/FORMAT.md`): all parameters of an encoder, the weights packed
//! as the kernels read them.
//!
//! [`write()`] makes the bytes of a file from an encoder. [`read`] takes such bytes, checks them in one pass, and gives
//! the parts of a model, whose weights and tables lie where they were: nothing large is copied. [`Buffer`] is where
//! bytes come from: a file that is mapped, a host that fills a module's memory, or any bytes at all.

mod buffer;
mod header;
#[cfg(not(target_family = "wasm"))]
mod mapped;
mod parts;
mod read;
mod write;

pub use buffer::Buffer;
pub use header::FORMAT;
pub use lockstep_kernels::Line;
#[cfg(not(target_family = "wasm"))]
pub use mapped::map;
pub use parts::{HeadParts, LayerParts, Parts, Tables};
pub use read::{FileError, read};
pub use write::write;
