//! The interface of the accelerator: everything that the card, its driver and its simulation must
//! agree on.
//!
//! | module | what |
//! |---|---|
//! | [`registers`] | the register map of BAR 0 and the bits of each register |
//! | [`descriptor`] | a command, 64 bytes, in the submission ring |
//! | [`completion`] | the answer to a command, 32 bytes, in the completion ring |
//! | [`codes`] | opcodes and flags of descriptors, statuses, ports, errors, interrupts |
//! | [`engine`] | how the engine ends a job, its limits, the depths of its memories |
//! | [`instructions`] | the instructions of the engine |
//! | [`ring`] | the arithmetic of ring indices, shared by driver and device |
//! | [`events`] | the counters |
//! | [`generate`] | the same facts as two SystemVerilog packages and two documents |
//!
//! All numbers in memory are little-endian. The crate has no state, allocates no memory and
//! accesses no memory of the card.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

#[macro_use]
mod describe;

pub mod codes;
pub mod completion;
pub mod descriptor;
pub mod engine;
pub mod events;
pub mod generate;
pub mod instructions;
pub mod registers;
pub mod ring;

pub use codes::{ErrorBits, Opcode, Port, Status};
pub use completion::Completion;
pub use describe::{Access, Code, Constant, Field, Member, Register};
pub use descriptor::Descriptor;
pub use engine::EngineError;

/// PCI vendor id of the development card. The PCI-SIG has not assigned it for this use.
pub const PCI_VENDOR: u16 = 0x1234;
/// PCI device id of the development card.
pub const PCI_DEVICE: u16 = 0x4c53;
/// PCI class code: processing accelerator (base class 0x12, subclass 0).
pub const PCI_CLASS: u32 = 0x12_0000;
/// The BAR that holds the registers.
pub const BAR: u8 = 0;
/// The size of that BAR in bytes.
pub const BAR_BYTES: u32 = 0x2000;
/// The value of every read from a card that is gone.
pub const ALL_ONES: u32 = u32::MAX;
