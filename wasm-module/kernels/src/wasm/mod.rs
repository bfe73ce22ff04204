//! The kernels of WebAssembly.

use alloc::vec;
use alloc::vec::Vec;

use crate::isa::Isa;

mod items;
#[cfg(feature = "relaxed-simd")]
mod relaxed;
mod rows;
mod simd;
mod steps;
mod strict;
mod tile;
mod unroll;
mod vectors;

/// The kernels that this engine runs, the fastest first.
pub(crate) fn kernels() -> Vec<&'static dyn Isa> {
    [
        #[cfg(feature = "relaxed-simd")]
        relaxed::kernels(),
        vec![&simd::Simd(strict::Strict) as &dyn Isa],
    ]
    .concat()
}
