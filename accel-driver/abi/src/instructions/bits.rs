//! The 256 bits of an instruction while they are written.

use super::field::{FieldValue, InstructionError};
use super::format::{Format, PAYLOAD_LOW};

/// Bytes of an instruction.
pub(super) const BYTES: usize = crate::codes::INSTRUCTION_BYTES as usize;

/// The bits of an instruction, lowest first.
#[derive(Default)]
pub(super) struct Bits([u64; 4]);

impl Bits {
    /// Writes `bits` bits from bit `low` on; they are zero before.
    pub(super) fn put(&mut self, low: u32, bits: u32, value: u64) {
        for bit in 0..bits {
            let at = low + bit;
            self.0[(at / 64) as usize] |= (value >> bit & 1) << (at % 64);
        }
    }

    /// Writes field `index` of a format.
    pub(super) fn put_field<T: FieldValue>(
        &mut self,
        format: &Format,
        index: usize,
        least: u64,
        value: T,
    ) -> Result<(), InstructionError> {
        let field = &format.fields[index];
        let bits = value.to_bits(least, field.bits).map_err(|value| InstructionError::Field {
            instruction: format.name,
            field: field.name,
            value,
            least,
            most: (1 << field.bits) - 1,
        })?;
        self.put(PAYLOAD_LOW + field.low, field.bits, bits);
        Ok(())
    }

    /// The bytes of the instruction, lowest first.
    pub(super) fn to_bytes(&self) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        for (to, word) in bytes.chunks_exact_mut(8).zip(self.0) {
            to.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }
}
