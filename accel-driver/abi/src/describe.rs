//! Tables about the interface, and the macros that write each fact once as a Rust item and once as a row of its table.

/// Who may do what with a register or a bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Written values are ignored.
    ReadOnly,
    /// Reads return what was written.
    ReadWrite,
    /// A one clears the bit, a zero leaves it.
    WriteOneToClear,
    /// A write is an order; reads are described with the register.
    Command,
}

impl Access {
    /// The short form that tables use.
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
    /// Who may do what.
    pub access: Access,
    /// What it means.
    pub about: &'static str,
    /// Its parts; empty where it is one number.
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
    /// The bits of the field as a mask of the register.
    pub const fn mask(&self) -> u32 {
        (((1u64 << self.bits) - 1) << self.low) as u32
    }
    /// The field's value in a register's value.
    pub const fn get(&self, register: u32) -> u32 {
        (register & self.mask()) >> self.low
    }
    /// The register's value with the field replaced; bits of `value` beyond the field are dropped.
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

/// Registers: a constant for each offset, a module of fields, and the table of all.
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

/// A record in memory: the structure, its bytes in both directions, its table, and its size and offsets asserted.
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
            /// The record that stands in memory as `bytes`. Every value is accepted; members are judged where they are used.
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
            /// The unknown byte is the error.
            fn try_from(value: u8) -> Result<Self, u8> {
                match value { $($value => Ok(Self::$code),)+ other => Err(other) }
            }
        }
    };
}

/// Single bits of a mask: constants for each, and the table.
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
