//! The items that a host keeps.

mod one;
mod put;

pub(crate) use one::{Delete, Get};
pub(crate) use put::Put;
