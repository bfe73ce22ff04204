//! The integer arithmetic of `SPEC.md`, fast: one file an instruction set.
//!
//! A [`Kernel`] is the best instruction set of this processor. Its methods work on blocks of rows and equal
//! the functions of `lockstep_arith` by `==`: products ([`Kernel::products`], equation (10)), and the steps
//! between them. Numbers in parentheses are the equations of `SPEC.md`.
//!
//! Beside `kernel.rs`, which chooses, a new instruction set needs one file that implements `Isa`. Products
//! and whatever needs shuffles are written with intrinsics; the other steps are the loops of `vector.rs`,
//! compiled with the features of the instruction set.
#![no_std]

extern crate alloc;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
extern crate std;

#[cfg(target_arch = "aarch64")]
mod arm_dotprod;
mod attention;
mod isa;
mod kernel;
mod linear;
mod packed;
#[cfg(any(
    target_arch = "x86_64",
    target_arch = "aarch64",
    all(target_arch = "wasm32", target_feature = "simd128")
))]
mod product;
mod scalar;
mod scratch;
mod shared;
#[cfg(any(
    target_arch = "x86_64",
    all(target_arch = "wasm32", target_feature = "simd128", feature = "relaxed-simd")
))]
mod strip;
mod vector;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128", feature = "relaxed-simd"))]
mod wasm_relaxed;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod wasm_simd;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod wasm_strict;
#[cfg(target_arch = "x86_64")]
mod x86_avx2;
#[cfg(target_arch = "x86_64")]
mod x86_avx512;
#[cfg(target_arch = "x86_64")]
mod x86_avx512_attention;
#[cfg(target_arch = "x86_64")]
mod x86_avx512_linear;
#[cfg(target_arch = "x86_64")]
mod x86_avx512_rows;
#[cfg(target_arch = "x86_64")]
mod x86_avx512_tile;
#[cfg(target_arch = "x86_64")]
mod x86_vnni256;

pub use attention::Attention;
pub use kernel::Kernel;
pub use linear::{PackedLinear, Requantizer};
pub use packed::{Line, PackedError, PackedPairs, PackedWeights, bytes_of_lines};
pub use scratch::Scratch;
pub use shared::Shared;
