//! The engine's instructions: 32 bytes each, an opcode, four references to semaphores, a payload.
//!
//! | module | what |
//! |---|---|
//! | `set` | the instructions, a structure each |
//! | `values` | codes that stand in their fields |
//! | `encode` | an instruction with its semaphores, to and from bytes |
//! | `format` | the layout as tables, for the generators |

#[macro_use]
mod macros;

mod bits;
mod encode;
mod field;
mod format;
mod set;
mod values;

pub use encode::Instruction;
pub use field::{FieldValue, InstructionError, InstructionField, Values};
pub use format::{Format, OPCODE_BITS, PAYLOAD_BITS, PAYLOAD_LOW, REFERENCE_BITS, SEMAPHORES};
pub use set::{Drain, End, FORMATS, Gather, Load, Mac, Mnemonic, Move, Operation, Pass, Table};
pub use values::{DrainMode, Kind, Scalar, Unit, When};
