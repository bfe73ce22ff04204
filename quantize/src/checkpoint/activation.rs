//! The activation between the feed-forward layers.

/// The activation between the feed-forward layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// `x * Phi(x)`: `gelu`, `gelu_python`.
    Gelu,
    /// The `tanh` approximation: `gelu_new`, `gelu_pytorch_tanh`, `gelu_python_tanh`, `gelu_fast`,
    /// `gelu_accurate`.
    GeluTanh,
    /// `max(x, 0)`.
    Relu,
}

impl Activation {
    /// The function itself.
    #[must_use]
    pub fn apply(self, x: f64) -> f64 {
        match self {
            Self::Gelu => 0.5 * x * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2),
            Self::GeluTanh => {
                let inner = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x * x * x);
                0.5 * x * (1.0 + inner.tanh())
            }
            Self::Relu => x.max(0.0),
        }
    }
}
