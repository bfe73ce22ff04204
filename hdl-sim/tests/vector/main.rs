//! The vector unit, module by module, against the reference with `==`.
#![allow(clippy::unwrap_used)]

mod inputs;
mod pipelines;
mod scalar;
