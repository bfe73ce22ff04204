//! Every step as a plain loop over the formulas of `lockstep_arith`.
//!
//! The loops are the default methods of [`crate::Isa`]. A kernel that keeps a default still gets
//! vector instructions: its file calls the loop from a function with its target features, and the
//! compiler vectorises it there. For that the loops are inlined by force.

pub(crate) mod activation;
pub(crate) mod attention;
mod embedding;
pub(crate) mod item;
pub(crate) mod linear;
mod norm;
mod products;
pub(crate) mod rounding;
pub(crate) mod rows;

pub(crate) use activation::activate;
pub(crate) use attention::{context, softmax};
pub(crate) use embedding::{accumulate, embed};
pub(crate) use item::{compact, dots, high_dots};
pub(crate) use linear::{requantize, requantize16};
pub(crate) use norm::{add_residual, normalize};
pub(crate) use products::{pair_products, products};
pub(crate) use rows::{quantize, quantize_wide, sum};
