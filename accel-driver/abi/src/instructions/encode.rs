//! An instruction with its semaphores: to and from the bytes in card memory.

use super::bits::{BYTES, Bits};
use super::field::InstructionError;
use super::format::{Format, OPCODE_BITS, REFERENCE_BITS, SEMAPHORES};
use super::set::Operation;
use super::values::When;

/// Semaphores that an instruction waits for, or that it signals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct References {
    first: [Option<(u8, When)>; 2],
    count: usize,
}

impl References {
    fn push(&mut self, semaphore: u8, when: When) {
        if let Some(free) = self.first.get_mut(self.count) {
            *free = Some((semaphore, when));
        }
        self.count += 1;
    }

    /// The references of an instruction's bits from bit `low` on. `None` if one has a `When` that
    /// is none.
    fn take(bits: &Bits, low: u32) -> Option<Self> {
        let mut references = Self::default();
        for (i, place) in references.first.iter_mut().enumerate() {
            let reference = bits.get(low + i as u32 * REFERENCE_BITS, REFERENCE_BITS);
            let when = When::try_from(reference as u8 & 3).ok()?;
            if reference >> 7 == 1 {
                *place = Some(((reference >> 2 & 31) as u8, when));
                references.count = i + 1;
            }
        }
        Some(references)
    }

    fn iter(&self) -> impl Iterator<Item = (u8, When)> {
        self.first.into_iter().flatten()
    }
}

/// An operation, the semaphores that it waits for and those that it signals.
///
/// ```
/// use lockstep_accel_abi::instructions::{Instruction, Move, When};
/// let instruction = Instruction::from(Move { destination: 64, words: 48, ..Move::default() })
///     .wait(1, When::Once)
///     .signal(5, When::Once);
/// assert_eq!(instruction.to_bytes()?[0], 4);
/// # Ok::<(), lockstep_accel_abi::instructions::InstructionError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// What it does.
    pub operation: Operation,
    waits: References,
    signals: References,
}

impl<T: Into<Operation>> From<T> for Instruction {
    fn from(operation: T) -> Self {
        let none = References::default();
        Self { operation: operation.into(), waits: none, signals: none }
    }
}

impl Instruction {
    /// The same instruction, which also waits for a semaphore.
    #[must_use]
    pub fn wait(mut self, semaphore: u8, when: When) -> Self {
        self.waits.push(semaphore, when);
        self
    }

    /// The same instruction, which also signals a semaphore.
    #[must_use]
    pub fn signal(mut self, semaphore: u8, when: When) -> Self {
        self.signals.push(semaphore, when);
        self
    }

    /// The semaphores that it waits for.
    pub fn waits(&self) -> impl Iterator<Item = (u8, When)> {
        self.waits.iter()
    }

    /// The semaphores that it signals.
    pub fn signals(&self) -> impl Iterator<Item = (u8, When)> {
        self.signals.iter()
    }

    /// Reads an instruction as it stands in card memory. `None` if the engine refuses it: the
    /// opcode is none, a field does not take its value, or its unit cannot use so many semaphores.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; BYTES]) -> Option<Self> {
        let bits = Bits::from_bytes(bytes);
        let waits = References::take(&bits, OPCODE_BITS)?;
        let signals = References::take(&bits, OPCODE_BITS + 2 * REFERENCE_BITS)?;
        let operation = Operation::take(bytes[0], &bits)?;
        let format = operation.format();
        let possible = waits.count <= format.waits && signals.count <= format.signals;
        possible.then_some(Self { operation, waits, signals })
    }

    /// The instruction as it stands in card memory.
    ///
    /// # Errors
    /// A field does not take its value, or the instruction's unit cannot wait for so many
    /// semaphores or signal so many of them.
    pub fn to_bytes(&self) -> Result<[u8; BYTES], InstructionError> {
        let format = self.operation.format();
        let mut bits = Bits::default();
        bits.put(0, OPCODE_BITS, format.code as u64);
        let groups = [("waits for", &self.waits, format.waits), ("signals", &self.signals, format.signals)];
        let mut low = OPCODE_BITS;
        for (action, references, most) in groups {
            let count = references.count;
            if count > most {
                let instruction = format.name;
                return Err(InstructionError::Semaphores { instruction, action, count, most });
            }
            for reference in references.first {
                bits.put(low, REFERENCE_BITS, self::reference(format, reference)?);
                low += REFERENCE_BITS;
            }
        }
        self.operation.put(&mut bits)?;
        Ok(bits.to_bytes())
    }
}

/// The bits that name a semaphore and when it is used; all zero for none.
fn reference(format: &Format, reference: Option<(u8, When)>) -> Result<u64, InstructionError> {
    let Some((semaphore, when)) = reference else { return Ok(0) };
    if semaphore >= SEMAPHORES {
        let (instruction, last) = (format.name, SEMAPHORES - 1);
        return Err(InstructionError::Semaphore { instruction, semaphore, last });
    }
    Ok(1 << 7 | u64::from(semaphore) << 2 | when as u64)
}
