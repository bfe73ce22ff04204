//! Messages: a header of 16 bytes and a payload, numbers little-endian. The layouts are those of `struct vfio_*` in `<linux/vfio.h>`
//! where there is one.

/// A record of numbers one after the other.
macro_rules! wire {
    ($($(#[$about:meta])* struct $name:ident { $($(#[$note:meta])* $field:ident: $type:ty,)* })*) => {$(
        $(#[$about])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub(crate) struct $name { $($(#[$note])* pub(crate) $field: $type,)* }

        impl $name {
            /// Bytes of the record.
            pub(crate) const BYTES: usize = 0 $(+ size_of::<$type>())*;

            pub(crate) fn to_bytes(self) -> Vec<u8> {
                let mut bytes = Vec::with_capacity(Self::BYTES);
                $(bytes.extend_from_slice(&self.$field.to_le_bytes());)*
                bytes
            }

            /// The record at the beginning of some bytes, and the bytes behind it.
            pub(crate) fn parse(bytes: &[u8]) -> Option<(Self, &[u8])> {
                let rest = bytes;
                $(let ($field, rest) = rest.split_first_chunk()?;)*
                Some((Self { $($field: <$type>::from_le_bytes(*$field),)* }, rest))
            }
        }
    )*};
}

wire! {
    /// What every message begins with.
    struct Header {
        /// Echoed by the reply.
        id: u16,
        /// [`Command`].
        command: u16,
        /// Bytes of the message, the header among them.
        size: u32,
        /// [`flags`].
        flags: u32,
        /// Of a reply with [`flags::ERROR`]: the errno.
        error: u32,
    }
    /// Of [`Command::Version`]; JSON that ends with a zero byte follows.
    struct Version { major: u16, minor: u16, }
    /// Of [`Command::DmaMap`]; the memory's file comes with it.
    struct DmaMap {
        argsz: u32,
        /// [`dma`].
        flags: u32,
        /// In the file.
        offset: u64,
        iova: u64,
        size: u64,
    }
    /// Of [`Command::DmaUnmap`] and its reply.
    struct DmaUnmap {
        argsz: u32,
        /// [`dma`].
        flags: u32,
        iova: u64,
        size: u64,
    }
    /// Of [`Command::DeviceInfo`] and its reply.
    struct DeviceInfo {
        argsz: u32,
        /// [`device`].
        flags: u32,
        regions: u32,
        irqs: u32,
    }
    /// Of [`Command::RegionInfo`] and its reply.
    struct RegionInfo {
        argsz: u32,
        /// [`region_flags`].
        flags: u32,
        index: u32,
        cap_offset: u32,
        size: u64,
        offset: u64,
    }
    /// Of [`Command::IrqInfo`] and its reply.
    struct IrqInfo {
        argsz: u32,
        /// [`irq_flags`].
        flags: u32,
        index: u32,
        count: u32,
    }
    /// Of [`Command::SetIrqs`]; eventfds come with it.
    struct SetIrqs {
        argsz: u32,
        /// [`irq_set`].
        flags: u32,
        index: u32,
        start: u32,
        count: u32,
    }
    /// Of [`Command::RegionRead`] and [`Command::RegionWrite`] and their replies; data follow.
    struct Access { offset: u64, region: u32, count: u32, }
}

/// What a message asks for.
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

/// Of a header.
pub(crate) mod flags {
    /// The bits that tell a command, 0, from a reply, 1.
    pub(crate) const TYPE: u32 = 0xf;
    pub(crate) const REPLY: u32 = 1;
    /// Of a command: no reply is wanted.
    pub(crate) const NO_REPLY: u32 = 1 << 4;
    /// Of a reply: the command failed, and `error` says why.
    pub(crate) const ERROR: u32 = 1 << 5;
}

/// Of maps and unmaps.
pub(crate) mod dma {
    pub(crate) const READ: u32 = 1;
    pub(crate) const WRITE: u32 = 1 << 1;
    /// Of an unmap: all that is mapped.
    pub(crate) const ALL: u32 = 1 << 1;
}

/// Of a device.
pub(crate) mod device {
    pub(crate) const RESET: u32 = 1;
    pub(crate) const PCI: u32 = 1 << 1;
}

/// Of a region.
pub(crate) mod region_flags {
    pub(crate) const READ: u32 = 1;
    pub(crate) const WRITE: u32 = 1 << 1;
}

/// Of a kind of interrupts.
pub(crate) mod irq_flags {
    pub(crate) const EVENTFD: u32 = 1;
    /// The number of vectors in use is fixed once they are set.
    pub(crate) const NORESIZE: u32 = 1 << 3;
}

/// Of [`SetIrqs`].
pub(crate) mod irq_set {
    pub(crate) const DATA_NONE: u32 = 1;
    pub(crate) const DATA_EVENTFD: u32 = 1 << 2;
    pub(crate) const TRIGGER: u32 = 1 << 5;
}
