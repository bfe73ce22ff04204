//! Types of the tables about the interface, and the macros that write each fact once: as a Rust
//! item and as a row of its table.

/// How a driver may use a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// The card ignores writes.
    ReadOnly,
    /// Reads return what was written.
    ReadWrite,
    /// A one clears the bit, a zero leaves it.
    WriteOneToClear,
    /// A write is a command. The register's description says what a read gives.
    Command,
}

impl Access {
    /// The short form in tables.
    pub const fn short(self) -> &'static str {
        match self {
            Self::ReadOnly => "RO",
            Self::ReadWrite => "RW",
            Self::WriteOneToClear => "W1C",
            Self::Command => "CMD",
        }
    }
}

/// One 32-bit register.
#[derive(Clone, Copy, Debug)]
pub struct Register {
    /// Name in capitals.
    pub name: &'static str,
    /// Bytes from the start of the BAR, a multiple of four.
    pub offset: u32,
    /// How a driver may use it.
    pub access: Access,
    /// What it means.
    pub about: &'static str,
    /// Its fields; none if the register is one number.
    pub fields: &'static [Field],
}

/// Some bits of a register or of a flags byte.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Name in capitals.
    pub name: &'static str,
    /// The lowest bit.
    pub low: u32,
    /// How many bits.
    pub bits: u32,
    /// What they mean.
    pub about: &'static str,
}

impl Field {
    /// The mask of the field's bits in the register.
    pub const fn mask(&self) -> u32 {
        (((1u64 << self.bits) - 1) << self.low) as u32
    }
    /// The value of the field in the value of a register.
    pub const fn get(&self, register: u32) -> u32 {
        (register & self.mask()) >> self.low
    }
    /// The value of a register with the field replaced. Bits of `value` beyond the field are lost.
    pub const fn set(&self, register: u32, value: u32) -> u32 {
        register & !self.mask() | value << self.low & self.mask()
    }
}

/// A member of a record in memory.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    /// Name in small letters.
    pub name: &'static str,
    /// Bytes from the start of the record.
    pub offset: usize,
    /// Bytes of the member.
    pub bytes: usize,
    /// What it means.
    pub about: &'static str,
}

/// A named value of an enumeration.
#[derive(Clone, Copy, Debug)]
pub struct Code {
    /// Name in CamelCase.
    pub name: &'static str,
    /// Its number.
    pub value: u8,
    /// What it means.
    pub about: &'static str,
}

/// A named number.
#[derive(Clone, Copy, Debug)]
pub struct Constant {
    /// Name in capitals.
    pub name: &'static str,
    /// Its value.
    pub value: u64,
    /// What it means.
    pub about: &'static str,
}

/// The registers: a constant for each offset, a module of fields, and the table of all registers.
macro_rules! registers {
    ($($(#[doc = $doc:literal])+ $name:ident = $offset:literal, $access:ident
        $({ $($(#[doc = $field_doc:literal])+ $field:ident = $low:literal + $bits:literal),+ $(,)? })?;)+) => {
        $($(#[doc = $doc])+ pub const $name: u32 = $offset;)+
        /// The fields of the registers, in a module for each register.
        #[allow(non_snake_case, missing_docs)]
        pub mod fields {
            $(pub mod $name {
                $($($(#[doc = $field_doc])+ pub const $field: $crate::Field = $crate::Field {
                    name: stringify!($field), low: $low, bits: $bits, about: concat!($($field_doc),+),
                };)+)?
            })+
        }
        /// Every register, by ascending offset.
        pub const REGISTERS: &[$crate::Register] = &[$($crate::Register {
            name: stringify!($name),
            offset: $offset,
            access: $crate::Access::$access,
            about: concat!($($doc),+),
            fields: &[$($(fields::$name::$field),+)?],
        }),+];
    };
}

/// A record in memory: the structure, its conversions to and from bytes, and its table. The
/// compiler checks its size and offsets.
macro_rules! record {
    ($(#[doc = $doc:literal])+ pub struct $name:ident, $size:literal bytes {
        $($(#[doc = $member_doc:literal])+ $offset:literal $member:ident: $type:ty),+ $(,)?
    }) => {
        $(#[doc = $doc])+
        #[repr(C)]
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $name { $($(#[doc = $member_doc])+ pub $member: $type),+ }

        const _: () = {
            assert!(core::mem::size_of::<$name>() == $size);
            $(assert!(core::mem::offset_of!($name, $member) == $offset);)+
        };

        impl $name {
            /// Bytes of the record.
            pub const BYTES: usize = $size;
            /// Its members, by ascending offset; there are no gaps.
            pub const MEMBERS: &[$crate::Member] = &[$($crate::Member {
                name: stringify!($member),
                offset: $offset,
                bytes: core::mem::size_of::<$type>(),
                about: concat!($($member_doc),+),
            }),+];
            /// The record as it stands in memory.
            pub fn to_bytes(&self) -> [u8; $size] {
                let mut bytes = [0; $size];
                $(bytes[$offset..$offset + core::mem::size_of::<$type>()].copy_from_slice(&self.$member.to_le_bytes());)+
                bytes
            }
            /// The record that stands in memory as `bytes`. It accepts every value: the code that
            /// uses a member checks it.
            pub fn from_bytes(bytes: &[u8; $size]) -> Self {
                $(let mut $member = [0; core::mem::size_of::<$type>()];
                $member.copy_from_slice(&bytes[$offset..$offset + core::mem::size_of::<$type>()]);)+
                Self { $($member: <$type>::from_le_bytes($member)),+ }
            }
        }
    };
}

/// An enumeration in one byte, and its table.
macro_rules! codes {
    ($(#[doc = $doc:literal])+ pub enum $name:ident { $($(#[doc = $code_doc:literal])+ $code:ident = $value:literal),+ $(,)? }) => {
        $(#[doc = $doc])+
        #[repr(u8)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[doc = $code_doc])+ $code = $value),+ }

        impl $name {
            /// Every value, ascending.
            pub const ALL: &[$name] = &[$($name::$code),+];
            /// The table of the values.
            pub const CODES: &[$crate::Code] = &[$($crate::Code {
                name: stringify!($code), value: $value, about: concat!($($code_doc),+),
            }),+];
            /// What the value means.
            pub const fn about(self) -> &'static str {
                match self { $(Self::$code => concat!($($code_doc),+)),+ }
            }
        }

        impl TryFrom<u8> for $name {
            type Error = u8;
            /// The error is the unknown byte.
            fn try_from(value: u8) -> Result<Self, u8> {
                match value { $($value => Ok(Self::$code),)+ other => Err(other) }
            }
        }
    };
}

/// Single bits of a mask: a constant for each, and the table.
macro_rules! bits {
    ($(#[doc = $doc:literal])+ pub struct $name:ident { $($(#[doc = $bit_doc:literal])+ $bit:ident = $low:literal),+ $(,)? }) => {
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name;

        impl $name {
            $($(#[doc = $bit_doc])+ pub const $bit: u32 = 1 << $low;)+
            /// The table of the bits.
            pub const FIELDS: &[$crate::Field] = &[$($crate::Field {
                name: stringify!($bit), low: $low, bits: 1, about: concat!($($bit_doc),+),
            }),+];
            /// All defined bits.
            pub const ALL: u32 = $(1 << $low)|+;
        }
    };
}
