//! The kernels of aarch64.

use std::vec::Vec;

use crate::isa::Isa;

mod dotprod;

/// The kernels that this processor has, the fastest first.
pub(crate) fn kernels() -> Vec<&'static dyn Isa> {
    dotprod::DotProd::find().into_iter().collect()
}
