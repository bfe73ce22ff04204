//! The model in a run-time file: the tree of `lockstep_arith::encoder` over packed weights and over
//! tables in shared bytes. Every parameter is in the range that `SPEC.md` declares.

use lockstep_arith::embedding::Embedding;
use lockstep_arith::encoder::{Dense, Encoder, Head, Layer};
use lockstep_kernels::{PackedLinear, Shared};

/// A whole model.
pub type PackedEncoder = Encoder<PackedLinear, PackedEmbedding>;

/// The embedding tables, in the bytes of the file.
pub type PackedEmbedding = Embedding<Shared<i8>, Shared<i16>>;

/// One transformer layer.
pub type PackedLayer = Layer<PackedLinear>;

/// A dense layer behind the pooling.
pub type PackedDense = Dense<PackedLinear>;

/// The classification head.
pub type PackedHead = Head<PackedLinear>;
