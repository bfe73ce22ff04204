//! One float tensor.

/// A tensor of f32.
pub(super) struct Tensor {
    /// Its shape.
    pub(super) shape: Vec<usize>,
    /// Its elements in row-major order.
    pub(super) data: Vec<f32>,
}

/// Whether a tensor of this name is a weight of the model. Checkpoints also hold other buffers, for
/// example `position_ids`.
pub(super) fn is_parameter(name: &str) -> bool {
    [".weight", ".bias", ".gamma", ".beta"].iter().any(|end| name.ends_with(end))
}
