//! The operands of the kernels: packed weights, quantised rows, the parameters of a layer, the
//! buffers.

mod head;
#[cfg(target_arch = "x86_64")]
pub(crate) mod lanes;
mod layer;
mod line;
mod packed;
mod pairs;
#[cfg(any(
    target_arch = "x86_64",
    target_arch = "aarch64",
    all(target_arch = "wasm32", target_feature = "simd128")
))]
pub(crate) mod product;
mod scratch;
mod shared;
#[cfg(any(
    target_arch = "x86_64",
    all(target_arch = "wasm32", target_feature = "simd128", feature = "relaxed-simd")
))]
pub(crate) mod strip;

pub use head::{Head, HeadBuffers, Part};
pub use layer::{PackedLinear, QuantizedRows, Requantizer};
pub(crate) use line::{COLUMNS, GROUP, WEIGHT_OFFSET, weight_index};
pub use line::{Line, bytes_of_lines};
pub use packed::{PackedError, PackedWeights};
pub use pairs::PackedPairs;
pub use scratch::Scratch;
pub(crate) use scratch::room;
pub use shared::Shared;
