//! What the accelerator runs: an encoder becomes a weight image in the order in which the engine reads it and, for a
//! number of tokens, a program of instructions. `hdl-sim/DESIGN.md` describes both.
#![forbid(unsafe_code)]

mod engine;
mod image;
pub mod isa;
mod program;

pub use engine::Engine;
pub use image::Image;
pub use program::Program;

/// Why a program cannot be made.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Error {
    /// A field is too narrow.
    #[error("{format}: {field} is {value}, the field has {width} bits")]
    Field {
        /// The instruction.
        format: &'static str,
        /// The field.
        field: &'static str,
        /// The value.
        value: u64,
        /// Its width.
        width: u32,
    },
    /// No such field.
    #[error("{format} has no field {field}")]
    NoField {
        /// The instruction.
        format: &'static str,
        /// The field.
        field: &'static str,
    },
    /// A shape that the engine does not take.
    #[error("{what} is {value}; the engine takes {allowed}")]
    Shape {
        /// What is out of range.
        what: &'static str,
        /// The value.
        value: usize,
        /// What is allowed.
        allowed: String,
    },
}
