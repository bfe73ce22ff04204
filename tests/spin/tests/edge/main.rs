//! The built component, hosted for real: what a client at the edge sees.
#![allow(clippy::unwrap_used)]

mod component;
mod fixture;
mod offload;
