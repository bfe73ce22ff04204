//! The 256 bits of an instruction while they are written.

use super::field::{FieldValue, InstructionError};
use super::format::{Format, PAYLOAD_LOW};

/// Bytes of an instruction.
pub(super) const BYTES: usize = crate::codes::INSTRUCTION_BYTES as usize;

/// The bits of an instruction, lowest first.
#[derive(Default)]
pub(super) struct Bits([u64; 4]);

impl Bits {
    /// The bits of an instruction as it stands in card memory.
    pub(super) fn from_bytes(bytes: &[u8; BYTES]) -> Self {
        let word = |i: usize| u64::from_le_bytes(core::array::from_fn(|j| bytes[8 * i + j]));
        Self(core::array::from_fn(word))
    }

    /// Reads `bits` bits, 1 to 64, from bit `low` on.
    pub(super) fn get(&self, low: u32, bits: u32) -> u64 {
        let (word, shift) = ((low / 64) as usize, low % 64);
        let above = self.0.get(word + 1).copied().unwrap_or(0);
        // A shift by 64 in two steps, so that no shift is as wide as its number.
        (self.0[word] >> shift | above << 1 << (63 - shift)) & (u64::MAX >> (64 - bits))
    }

    /// Reads field `index` of a format and moves `index` to the next field. `None` if the field
    /// does not take its value.
    pub(super) fn take_field<T: FieldValue>(
        &self,
        format: &Format,
        index: &mut usize,
        least: u64,
    ) -> Option<T> {
        let field = &format.fields[*index];
        *index += 1;
        T::from_bits(self.get(PAYLOAD_LOW + field.low, field.bits), least)
    }

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
