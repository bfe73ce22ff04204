//! The subcommands.

pub(crate) mod bench;
pub(crate) mod bind;
pub(crate) mod generate;
pub(crate) mod info;
pub(crate) mod list;
pub(crate) mod regs;
pub(crate) mod run;
pub(crate) mod top;
pub(crate) mod trace;
