//! Compiles an encoder for the accelerator.
//!
//! [`Image`] lays the weights out in the order in which the engine reads them. [`Program`] is the
//! list of instructions for sequences of one length. `hdl-sim/DESIGN.md` describes the engine, and
//! `accel-driver/abi/INSTRUCTIONS.md` its instructions.
#![forbid(unsafe_code)]

mod array;
mod error;
mod image;
mod layout;
mod program;
mod shape;

pub use array::ArrayShape;
pub use error::Error;
pub use image::Image;
pub use program::Program;
