//! The accelerator as a device process: a PCI function behind vfio-user, whose BAR 0, DMA and interrupts are those of the RTL in Verilator.
//!
//! Calls of the client come on the thread of [`lockstep_vfio_user::Server`]; the simulation has a thread of its own, on which time passes only while
//! the card has something to do. `pci.rs` stands where a board has its bridge (`hdl-sim/BRIDGES.md`).

mod host;
mod pci;
mod served;
mod simulation;

pub use served::{Error, ServedCard};
pub use simulation::SimulationSetup;
