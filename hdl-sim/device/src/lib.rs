//! The accelerator as a device process: a PCI function behind vfio-user. A card answers at BAR 0,
//! uses DMA and raises interrupts: the RTL, which Verilator simulates, or the mock, which has the
//! functional model of the engine.
//!
//! The calls of the client arrive on the thread of [`lockstep_vfio_user::Server`]. The card has a
//! thread of its own; the clock of the simulation runs only while the card has work. `pci.rs` takes
//! the part of the bridge of a board (`hdl-sim/BRIDGES.md`).

mod answers;
mod check;
mod disturb;
mod error;
mod faults;
mod host;
mod mock;
mod pci;
mod program;
mod served;
mod simulation;
mod trace;
mod watch;

pub use error::Error;
pub use faults::{DEATH, Fault, Faults, LATE};
pub use mock::{MockSetup, SteppedMock};
pub use served::{CardSetup, ServedCard, Stopper};
pub use simulation::SimulationSetup;
pub use trace::Trace;
