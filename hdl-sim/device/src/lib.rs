//! The accelerator as a device process: a PCI function behind vfio-user. Verilator simulates the
//! RTL, which answers at BAR 0, uses DMA and raises interrupts.
//!
//! The calls of the client arrive on the thread of [`lockstep_vfio_user::Server`]. The simulation
//! has a thread of its own; its clock runs only while the card has work. `pci.rs` takes the part of
//! the bridge of a board (`hdl-sim/BRIDGES.md`).

mod host;
mod pci;
mod served;
mod simulation;

pub use served::{Error, ServedCard};
pub use simulation::SimulationSetup;
