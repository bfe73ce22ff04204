//! The layout of instructions, as tables.

use super::field::InstructionField;
use super::values::Unit;

/// Bits of the opcode, the lowest of an instruction.
pub const OPCODE_BITS: u32 = 8;
/// Bits of a reference to a semaphore. From the lowest on: two bits of `When`, five of
/// the semaphore's number, and one that is set where there is a reference.
pub const REFERENCE_BITS: u32 = 8;
/// The lowest bit of the payload: it follows the opcode, two waits and two signals.
pub const PAYLOAD_LOW: u32 = OPCODE_BITS + 4 * REFERENCE_BITS;
/// Bits of the payload.
pub const PAYLOAD_BITS: u32 = 8 * crate::codes::INSTRUCTION_BYTES - PAYLOAD_LOW;
/// Semaphores of the engine.
pub const SEMAPHORES: u8 = 32;

/// The format of one instruction.
#[derive(Debug)]
pub struct Format {
    /// Name in small letters; the SystemVerilog type of the payload is `NAME_t`.
    pub name: &'static str,
    /// Name of its opcode, in CamelCase.
    pub mnemonic: &'static str,
    /// The opcode.
    pub code: u8,
    /// The unit that executes it.
    pub unit: Unit,
    /// For how many semaphores it can wait.
    pub waits: usize,
    /// How many semaphores it can signal.
    pub signals: usize,
    /// Its fields, from the lowest bit of the payload on.
    pub fields: &'static [InstructionField],
    /// What it does.
    pub about: &'static str,
}
