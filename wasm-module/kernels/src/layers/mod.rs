//! Whole layers, evaluated with any kernel.

mod attention;
mod linear;

pub use attention::Attention;
