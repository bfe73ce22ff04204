//! The units of the command processor one by one. Everything around a unit pauses at random.
#![allow(clippy::unwrap_used)]

mod axi_read;
mod axi_write;
mod axil;
#[path = "../common/mod.rs"]
mod common;
mod control;
mod copy;
mod decode;
mod descriptors;
mod endings;
mod fetch;
mod first_fault;
mod interrupts;
mod jobs;
mod ports;
mod record;
mod regs;
mod reset;
mod rings;
mod transfers;

use common::{Bench, PAUSES, TWO_SIDES, once, pauses, unit};
