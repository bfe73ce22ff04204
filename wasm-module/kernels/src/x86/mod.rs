//! The kernels of x86-64.

use std::vec::Vec;

use crate::isa::Isa;

mod avx2;
mod avx512;
mod forward;
mod items;
mod vnni256;

/// The kernels that this processor has, the fastest first.
pub(crate) fn kernels() -> Vec<&'static dyn Isa> {
    let all =
        [avx512::Avx512::find(), vnni256::AvxVnni::find(), vnni256::Avx512Vl::find(), avx2::Avx2::find()];
    all.into_iter().flatten().collect()
}
