//! The choice of a kernel.

use alloc::vec::Vec;
use core::ops::Deref;

use crate::isa::Isa;

/// An instruction set that this processor has. It dereferences to [`Isa`], whose methods it has.
#[derive(Clone, Copy, Debug)]
pub struct Kernel(&'static dyn Isa);

/// The plain loops, compiled for the baseline of the target.
#[derive(Debug)]
struct Scalar;

impl Isa for Scalar {
    fn name(&self) -> &'static str {
        "scalar"
    }
}

impl Deref for Kernel {
    type Target = dyn Isa;

    fn deref(&self) -> &Self::Target {
        self.0
    }
}

impl Default for Kernel {
    fn default() -> Self {
        Self::new()
    }
}

impl Kernel {
    /// The fastest kernel of this processor.
    #[must_use]
    pub fn new() -> Self {
        Self::available()[0]
    }

    /// All kernels of this processor, the fastest first, the scalar one last.
    #[must_use]
    pub fn available() -> Vec<Self> {
        let mut all: Vec<&'static dyn Isa> = Vec::new();
        #[cfg(target_arch = "x86_64")]
        all.extend(crate::x86::kernels());
        #[cfg(target_arch = "aarch64")]
        all.extend(crate::arm::kernels());
        #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
        all.extend(crate::wasm::kernels());
        all.push(&Scalar);
        all.into_iter().map(Self).collect()
    }
}
