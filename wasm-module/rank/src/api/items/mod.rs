//! The items that a host keeps.

mod bulk;
mod keep;
mod one;
mod put;

pub(crate) use bulk::Bulk;
pub(crate) use one::{Delete, Get};
pub(crate) use put::Put;
