//! Layouts of messages: a header of 16 bytes, then a payload. Numbers are little-endian. The
//! payloads of regions, interrupts and the device have the layouts of `struct vfio_*` in
//! `<linux/vfio.h>`.

/// Defines records: numbers one after the other, without gaps.
macro_rules! wire {
    ($($(#[$about:meta])* struct $name:ident { $($(#[$note:meta])* $field:ident: $type:ty,)* })*) => {$(
        $(#[$about])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub(crate) struct $name { $($(#[$note])* pub(crate) $field: $type,)* }

        impl $name {
            /// Size of the record in bytes.
            pub(crate) const BYTES: usize = 0 $(+ size_of::<$type>())*;

            pub(crate) fn to_bytes(self) -> Vec<u8> {
                let mut bytes = Vec::with_capacity(Self::BYTES);
                $(bytes.extend_from_slice(&self.$field.to_le_bytes());)*
                bytes
            }

            /// Splits bytes into the record at their start and the bytes behind it.
            pub(crate) fn parse(bytes: &[u8]) -> Option<(Self, &[u8])> {
                let rest = bytes;
                $(let ($field, rest) = rest.split_first_chunk()?;)*
                Some((Self { $($field: <$type>::from_le_bytes(*$field),)* }, rest))
            }
        }
    )*};
}

wire! {
    /// The start of every message.
    struct Header {
        /// Number of the command. The reply has the same number.
        id: u16,
        /// [`Command`].
        command: u16,
        /// Bytes of the message, with the header.
        size: u32,
        /// [`flags`].
        flags: u32,
        /// The errno of a reply with [`flags::ERROR`].
        error: u32,
    }
    /// Payload of [`Command::Version`]. JSON follows, and a zero byte.
    struct Version { major: u16, minor: u16, }
    /// Payload of [`Command::DmaMap`]. The message carries the memory's file.
    struct DmaMap {
        argsz: u32,
        /// [`dma`].
        flags: u32,
        /// Byte of the file that gets the address `iova`.
        offset: u64,
        iova: u64,
        size: u64,
    }
    /// Payload of [`Command::DmaUnmap`] and its reply.
    struct DmaUnmap {
        argsz: u32,
        /// [`dma`].
        flags: u32,
        iova: u64,
        size: u64,
    }
    /// Payload of [`Command::DeviceInfo`] and its reply.
    struct DeviceInfo {
        argsz: u32,
        /// [`device`].
        flags: u32,
        regions: u32,
        irqs: u32,
    }
    /// Payload of [`Command::RegionInfo`] and its reply.
    struct RegionInfo {
        argsz: u32,
        /// [`region_flags`].
        flags: u32,
        index: u32,
        cap_offset: u32,
        size: u64,
        offset: u64,
    }
    /// Payload of [`Command::IrqInfo`] and its reply.
    struct IrqInfo {
        argsz: u32,
        /// [`irq_flags`].
        flags: u32,
        index: u32,
        count: u32,
    }
    /// Payload of [`Command::SetIrqs`]. The message carries the eventfds.
    struct SetIrqs {
        argsz: u32,
        /// [`irq_set`].
        flags: u32,
        index: u32,
        start: u32,
        count: u32,
    }
    /// Payload of [`Command::RegionRead`], [`Command::RegionWrite`] and their replies. Data follow
    /// in writes and in replies to reads.
    struct Access { offset: u64, region: u32, count: u32, }
}

/// The commands that this crate implements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Version = 1,
    DmaMap = 2,
    DmaUnmap = 3,
    DeviceInfo = 4,
    RegionInfo = 5,
    IrqInfo = 7,
    SetIrqs = 8,
    RegionRead = 9,
    RegionWrite = 10,
    DeviceReset = 13,
}

impl Command {
    pub(crate) const fn from_number(number: u16) -> Option<Self> {
        Some(match number {
            1 => Self::Version,
            2 => Self::DmaMap,
            3 => Self::DmaUnmap,
            4 => Self::DeviceInfo,
            5 => Self::RegionInfo,
            7 => Self::IrqInfo,
            8 => Self::SetIrqs,
            9 => Self::RegionRead,
            10 => Self::RegionWrite,
            13 => Self::DeviceReset,
            _ => return None,
        })
    }
}

/// Flags of a header.
pub(crate) mod flags {
    /// These bits are 0 in a command and 1 in a reply.
    pub(crate) const TYPE: u32 = 0xf;
    pub(crate) const REPLY: u32 = 1;
    /// In a command: the sender wants no reply.
    pub(crate) const NO_REPLY: u32 = 1 << 4;
    /// In a reply: the command failed, and `error` is the reason.
    pub(crate) const ERROR: u32 = 1 << 5;
}

/// Flags of maps and unmaps.
pub(crate) mod dma {
    pub(crate) const READ: u32 = 1;
    pub(crate) const WRITE: u32 = 1 << 1;
    /// In an unmap: remove all maps.
    pub(crate) const ALL: u32 = 1 << 1;
}

/// Flags of a device.
pub(crate) mod device {
    pub(crate) const RESET: u32 = 1;
    pub(crate) const PCI: u32 = 1 << 1;
}

/// Flags of a region.
pub(crate) mod region_flags {
    pub(crate) const READ: u32 = 1;
    pub(crate) const WRITE: u32 = 1 << 1;
}

/// Flags of a kind of interrupts.
pub(crate) mod irq_flags {
    pub(crate) const EVENTFD: u32 = 1;
    /// The client cannot change the number of vectors after it has set them.
    pub(crate) const NORESIZE: u32 = 1 << 3;
}

/// Flags of [`SetIrqs`].
pub(crate) mod irq_set {
    pub(crate) const DATA_NONE: u32 = 1;
    pub(crate) const DATA_EVENTFD: u32 = 1 << 2;
    pub(crate) const TRIGGER: u32 = 1 << 5;
}
