//! The integer arithmetic of `SPEC.md`, fast.
//!
//! A [`Kernel`] is an instruction set of this processor. Its methods, those of [`Isa`], work on
//! blocks of rows. Their results equal those of `lockstep_arith` by `==`. [`PackedLinear`] and
//! [`Attention`] evaluate whole layers with a kernel.
//!
//! The files form levels; each uses only those above it:
//!
//! | level | contents |
//! |---|---|
//! | `operands/` | packed weights, quantised rows, parameters of a layer, buffers |
//! | `plain/` | every step as a plain loop |
//! | `isa.rs` | the trait [`Isa`], with the plain loops as its defaults |
//! | `x86/`, `wasm/`, `arm/` | one file for each instruction set, with intrinsics |
//! | `kernel.rs` | the choice of a kernel |
//! | `layers/` | whole layers |
//!
//! A new instruction set needs one file that implements [`Isa`], and one line in the list of its
//! folder.
#![no_std]

extern crate alloc;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
extern crate std;

mod operands;

mod plain;

mod isa;

#[cfg(target_arch = "aarch64")]
mod arm;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod wasm;
#[cfg(target_arch = "x86_64")]
mod x86;

mod kernel;

mod layers;

pub use isa::Isa;
pub use kernel::Kernel;
pub use layers::Attention;
pub use operands::{
    Head, HeadBuffers, Line, PackedError, PackedLinear, PackedPairs, PackedWeights, Part, QuantizedRows,
    Requantizer, Scratch, Shared, bytes_of_lines,
};
