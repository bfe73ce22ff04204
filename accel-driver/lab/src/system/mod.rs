//! The machine, as its files tell it: `/sys`, `/proc` and `/dev`.

pub(crate) mod binding;
pub(crate) mod function;
pub(crate) mod holder;
pub(crate) mod limits;
pub(crate) mod process;
mod root;

pub(crate) use root::{Root, RootArguments};
