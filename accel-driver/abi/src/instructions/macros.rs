//! The macros that write each fact about an instruction once: as a Rust item and as a row of its
//! table.

/// A type of `codes!` as a field: its SystemVerilog type, the prefix of its constants, its default.
macro_rules! code_field {
    ($name:ident, $type:literal, $prefix:literal, $default:ident) => {
        impl Default for $name {
            fn default() -> Self {
                Self::$default
            }
        }

        impl $crate::instructions::field::FieldValue for $name {
            const VALUES: $crate::instructions::field::Values =
                $crate::instructions::field::Values::Codes($type, $prefix, Self::CODES);
            // `codes!` lists values in ascending order.
            const BITS: (u32, u32) = (8 - Self::CODES[Self::CODES.len() - 1].value.leading_zeros(), 8);
            fn to_bits(self, _: u64, _: u32) -> Result<u64, i128> {
                Ok(self as u64)
            }
            fn from_bits(bits: u64, _: u64) -> Option<Self> {
                u8::try_from(bits).ok().and_then(|code| Self::try_from(code).ok())
            }
        }
    };
}

/// The default of a field: the least value where there is one, else the default of its type.
macro_rules! field_default {
    ($type:ty) => {
        <$type>::default()
    };
    ($type:ty, $least:literal) => {
        $least
    };
}

/// The least value of a field: zero where none is given.
macro_rules! field_least {
    () => {
        0
    };
    ($least:literal) => {
        $least
    };
}

/// The instructions: a structure for each, the opcodes, the enumeration of all, and their formats.
///
/// `name: type, bits` is a field; `from 1` after it says that the field does not take zero, and
/// makes 1 its default. Fields stand from the lowest bit of the payload up.
macro_rules! instructions {
    ($($(#[doc = $doc:literal])+
        pub struct $name:ident ($text:literal, $unit:ident, waits $waits:literal, signals $signals:literal)
        = $code:literal {
            $($(#[doc = $field_doc:literal])+ $field:ident: $type:ty, $bits:literal $(from $least:literal)?;)*
        })+) => {
        codes! {
            /// The opcodes. Zero is none of them, so memory of zeros is no program.
            pub enum Mnemonic { $($(#[doc = $doc])+ $name = $code),+ }
        }

        /// An instruction without its semaphores.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Operation { $($(#[doc = $doc])+ $name($name)),+ }

        /// The formats, by ascending opcode.
        pub const FORMATS: &[Format] = &[$($name::FORMAT),+];

        impl Operation {
            /// The layout of the instruction.
            #[must_use]
            pub const fn format(&self) -> &'static Format {
                match self { $(Self::$name(_) => &$name::FORMAT),+ }
            }

            /// Writes the fields.
            pub(super) fn put(&self, bits: &mut Bits) -> Result<(), InstructionError> {
                match self { $(Self::$name(operation) => operation.put(bits)),+ }
            }

            /// Reads the fields of an opcode. `None` for an opcode that is none, and for a field
            /// that does not take its value.
            pub(super) fn take(code: u8, bits: &Bits) -> Option<Self> {
                match code { $($code => $name::take(bits).map(Self::$name),)+ _ => None }
            }
        }

        $(
            $(#[doc = $doc])+
            #[derive(Clone, Copy, Debug, PartialEq, Eq)]
            pub struct $name { $($(#[doc = $field_doc])+ pub $field: $type),* }

            impl Default for $name {
                fn default() -> Self {
                    Self { $($field: field_default!($type $(, $least)?)),* }
                }
            }

            impl From<$name> for Operation {
                fn from(operation: $name) -> Self {
                    Self::$name(operation)
                }
            }

            impl $name {
                const NAMES: &[&str] = &[$(stringify!($field)),*];
                /// The layout of the instruction.
                pub const FORMAT: Format = Format {
                    name: $text,
                    mnemonic: stringify!($name),
                    code: $code,
                    unit: Unit::$unit,
                    waits: $waits,
                    signals: $signals,
                    fields: &{
                        let mut fields: [InstructionField; Self::NAMES.len()] = [$(InstructionField {
                            name: stringify!($field),
                            low: 0,
                            bits: $bits,
                            values: <$type as FieldValue>::VALUES.from(field_least!($($least)?)),
                            about: concat!($($field_doc),+),
                        }),*];
                        let mut i = 1;
                        while i < fields.len() {
                            fields[i].low = fields[i - 1].low + fields[i - 1].bits;
                            i += 1;
                        }
                        fields
                    },
                    about: concat!($($doc),+),
                };

                #[allow(unused_variables, unused_mut, unused_assignments, reason = "some have no field")]
                fn put(&self, bits: &mut Bits) -> Result<(), InstructionError> {
                    let mut index = 0;
                    $(
                        bits.put_field(&Self::FORMAT, index, field_least!($($least)?), self.$field)?;
                        index += 1;
                    )*
                    Ok(())
                }

                #[allow(unused_variables, unused_mut, reason = "some have no field")]
                fn take(bits: &Bits) -> Option<Self> {
                    let mut index = 0;
                    Some(Self {
                        $($field: bits.take_field(&Self::FORMAT, &mut index, field_least!($($least)?))?),*
                    })
                }
            }

            // Each field can hold all values of its type, and all fields fit the payload.
            const _: () = {
                $(
                    let (least, most) = <$type as FieldValue>::BITS;
                    assert!(least <= $bits && $bits <= most);
                )*
                let (mut used, mut i) = (0, 0);
                while i < $name::FORMAT.fields.len() {
                    used += $name::FORMAT.fields[i].bits;
                    i += 1;
                }
                assert!(used <= PAYLOAD_BITS);
            };
        )+
    };
}
