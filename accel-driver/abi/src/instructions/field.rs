//! Values of the fields of instructions, and what is wrong with one that does not fit.

use core::fmt;

use crate::Code;

/// A field of an instruction.
#[derive(Clone, Copy, Debug)]
pub struct InstructionField {
    /// Name in small letters.
    pub name: &'static str,
    /// The lowest bit of the instruction's payload.
    pub low: u32,
    /// How many bits.
    pub bits: u32,
    /// What values it takes.
    pub values: Values,
    /// What it means.
    pub about: &'static str,
}

/// The values that a field takes.
#[derive(Clone, Copy, Debug)]
pub enum Values {
    /// All values of the field's bits, from a least one.
    From(u64),
    /// Yes or no.
    Flag,
    /// Numbers in two's complement, this many in the field.
    Signed(u32),
    /// Codes: the name of the SystemVerilog type, the prefix of its constants, the values.
    Codes(&'static str, &'static str, &'static [Code]),
}

impl Values {
    /// The same values from a least one on, if they are numbers.
    pub(super) const fn from(self, least: u64) -> Self {
        match self {
            Self::From(_) => Self::From(least),
            other => other,
        }
    }
}

/// A type that can stand in a field.
pub trait FieldValue: Copy {
    /// Which values a field of this type takes.
    const VALUES: Values;
    /// The least and the greatest width of a field that holds the type.
    const BITS: (u32, u32);
    /// The field's bits, or the value if it is not from `least` to the greatest that the bits hold.
    ///
    /// # Errors
    /// The value that does not fit.
    fn to_bits(self, least: u64, bits: u32) -> Result<u64, i128>;
    /// The value of a field's bits; `None` if the field does not take it.
    fn from_bits(bits: u64, least: u64) -> Option<Self>;
}

macro_rules! number_fields {
    ($($type:ty),+) => {$(
        impl FieldValue for $type {
            const VALUES: Values = Values::From(0);
            const BITS: (u32, u32) = (1, 63);
            fn to_bits(self, least: u64, bits: u32) -> Result<u64, i128> {
                let value = self as i128;
                if value < i128::from(least) || value >> bits != 0 { Err(value) } else { Ok(value as u64) }
            }
            fn from_bits(bits: u64, least: u64) -> Option<Self> {
                if bits < least { None } else { Self::try_from(bits).ok() }
            }
        }
    )+};
}
number_fields!(i32, u32, u64, usize);

impl FieldValue for bool {
    const VALUES: Values = Values::Flag;
    const BITS: (u32, u32) = (1, 1);
    fn to_bits(self, _: u64, _: u32) -> Result<u64, i128> {
        Ok(self.into())
    }
    fn from_bits(bits: u64, _: u64) -> Option<Self> {
        Some(bits != 0)
    }
}

impl FieldValue for i16 {
    const VALUES: Values = Values::Signed(1);
    const BITS: (u32, u32) = (16, 16);
    fn to_bits(self, _: u64, _: u32) -> Result<u64, i128> {
        Ok(u64::from(self.cast_unsigned()))
    }
    fn from_bits(bits: u64, _: u64) -> Option<Self> {
        Some(bits as Self)
    }
}

/// The first number lies in the lowest bits.
impl FieldValue for [i16; 4] {
    const VALUES: Values = Values::Signed(4);
    const BITS: (u32, u32) = (64, 64);
    fn to_bits(self, _: u64, _: u32) -> Result<u64, i128> {
        Ok(self.iter().rev().fold(0, |bits, &x| bits << 16 | u64::from(x.cast_unsigned())))
    }
    fn from_bits(bits: u64, _: u64) -> Option<Self> {
        Some(core::array::from_fn(|i| (bits >> (16 * i)) as i16))
    }
}

/// Why an instruction cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstructionError {
    /// A field does not take its value.
    Field {
        /// The instruction.
        instruction: &'static str,
        /// The field.
        field: &'static str,
        /// The value.
        value: i128,
        /// The least value that the field takes.
        least: u64,
        /// The greatest one.
        most: u64,
    },
    /// The instruction waits for more semaphores, or signals more of them, than its unit can.
    Semaphores {
        /// The instruction.
        instruction: &'static str,
        /// "waits for" or "signals".
        action: &'static str,
        /// How many.
        count: usize,
        /// How many the unit can.
        most: usize,
    },
    /// There is no semaphore with this number.
    Semaphore {
        /// The instruction.
        instruction: &'static str,
        /// The number.
        semaphore: u8,
        /// The greatest number.
        last: u8,
    },
}

impl fmt::Display for InstructionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Field { instruction, field, value, least, most } => {
                write!(f, "{instruction}: {field} is {value}; the field takes {least} to {most}")
            }
            Self::Semaphores { instruction, action, count, most } => {
                write!(f, "{instruction}: it {action} {count} semaphores; its unit can {most}")
            }
            Self::Semaphore { instruction, semaphore, last } => {
                write!(f, "{instruction}: semaphore {semaphore}; there are 0 to {last}")
            }
        }
    }
}

impl core::error::Error for InstructionError {}
