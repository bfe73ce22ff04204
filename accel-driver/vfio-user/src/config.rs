//! The PCI configuration space of a device: a type 0 header, MSI-X, and PCI Express with a function
//! level reset.

use crate::{Errno, region};

/// Offsets of the header (PCI Local Bus Specification 3.0, 6.1).
mod header {
    pub(super) const VENDOR: usize = 0x00;
    pub(super) const DEVICE: usize = 0x02;
    pub(super) const COMMAND: usize = 0x04;
    pub(super) const STATUS: usize = 0x06;
    pub(super) const REVISION: usize = 0x08;
    pub(super) const CLASS: usize = 0x09;
    pub(super) const CACHE_LINE: usize = 0x0c;
    pub(super) const BARS: usize = 0x10;
    pub(super) const SUBSYSTEM_VENDOR: usize = 0x2c;
    pub(super) const SUBSYSTEM: usize = 0x2e;
    pub(super) const CAPABILITIES: usize = 0x34;
    pub(super) const INTERRUPT_LINE: usize = 0x3c;
}

/// Bits of the command register.
const MEMORY: u8 = 1 << 1;
const MASTER: u8 = 1 << 2;
/// Bit of the status register: the device has a list of capabilities.
const HAS_CAPABILITIES: u8 = 1 << 4;

/// Offsets of the capabilities, and their ids.
const MSIX: usize = 0x40;
const MSIX_ID: u8 = 0x11;
const EXPRESS: usize = 0x60;
const EXPRESS_ID: u8 = 0x10;
/// The device control register (PCI Express Base Specification, 7.5.3.4). Its high bit starts a
/// function level reset.
const DEVICE_CONTROL: usize = EXPRESS + 8;
const INITIATE_RESET: u8 = 1 << 7;

/// The ids of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Vendor id, also of the subsystem.
    pub vendor: u16,
    /// Device id.
    pub device: u16,
    /// Base class, subclass and programming interface, 8 bits each.
    pub class: u32,
    /// Revision.
    pub revision: u8,
    /// Subsystem id.
    pub subsystem: u16,
}

/// What the device must do after a write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effect {
    /// The write started a function level reset.
    pub reset: bool,
}

/// The 256 bytes of a configuration space, and a mask of the bits that a client can write.
#[derive(Clone, Debug)]
pub struct ConfigSpace {
    bytes: [u8; Self::BYTES],
    writable: [u8; Self::BYTES],
    initial: [u8; Self::BYTES],
    bars: [u32; 6],
}

impl ConfigSpace {
    /// Bytes of a configuration space.
    pub const BYTES: usize = 256;
    /// Bytes of one vector in the MSI-X table.
    const VECTOR: u32 = 16;

    /// The configuration space of an endpoint with `vectors` MSI-X vectors. The MSI-X table is at
    /// the start of BAR `table`, and the pending bits are in the second half of that BAR. `bars`
    /// are the sizes of the 32-bit memory BARs; size 0 means no BAR.
    ///
    /// # Errors
    /// A size is not a power of two from 4096 on, or the table does not fit into half its BAR, or
    /// `vectors` is 0 or more than 2048.
    pub fn new(identity: Identity, bars: [u32; 6], vectors: u16, table: u8) -> Result<Self, String> {
        if let Some(size) = bars.iter().find(|&&s| s != 0 && (s < 4096 || !s.is_power_of_two())) {
            return Err(format!("a BAR of {size} bytes: it must be a power of two from 4096 on"));
        }
        let room = bars.get(usize::from(table)).map_or(0, |size| size / 2 / Self::VECTOR);
        if vectors == 0 || vectors > 2048 || u32::from(vectors) > room {
            return Err(format!("{vectors} vectors: 1 to {} fit into half of BAR {table}", room.min(2048)));
        }
        let mut space =
            Self { bytes: [0; Self::BYTES], writable: [0; Self::BYTES], initial: [0; Self::BYTES], bars };
        space.set(header::VENDOR, &identity.vendor.to_le_bytes());
        space.set(header::DEVICE, &identity.device.to_le_bytes());
        space.set(header::STATUS, &[HAS_CAPABILITIES]);
        space.set(header::REVISION, &[identity.revision]);
        space.set(header::CLASS, &identity.class.to_le_bytes()[..3]);
        space.set(header::SUBSYSTEM_VENDOR, &identity.vendor.to_le_bytes());
        space.set(header::SUBSYSTEM, &identity.subsystem.to_le_bytes());
        space.set(header::CAPABILITIES, &[MSIX as u8]);
        // Interrupt disable, SERR, parity: without effect, but software reads back what it wrote.
        space.allow(header::COMMAND, &[MEMORY | MASTER | 1 << 6, 0b101]);
        space.allow(header::CACHE_LINE, &[0xff]);
        space.allow(header::INTERRUPT_LINE, &[0xff]);
        for (i, size) in bars.iter().enumerate() {
            space.allow(header::BARS + 4 * i, &size.wrapping_neg().to_le_bytes());
        }

        space.set(MSIX, &[MSIX_ID, EXPRESS as u8]);
        space.set(MSIX + 2, &(vectors - 1).to_le_bytes());
        space.set(MSIX + 4, &u32::from(table).to_le_bytes());
        space.set(MSIX + 8, &((bars[usize::from(table)] / 2) | u32::from(table)).to_le_bytes());
        space.allow(MSIX + 3, &[0xc0]);

        // Version 2, an endpoint, role-based errors, function level reset. The link is a fiction of
        // one lane at 2.5 GT/s: a process has no link.
        space.set(EXPRESS, &[EXPRESS_ID, 0, 0x02]);
        space.set(EXPRESS + 4, &(1_u32 << 28 | 1 << 15).to_le_bytes());
        space.set(EXPRESS + 12, &[0x11]);
        space.set(EXPRESS + 18, &[0x11]);
        space.allow(DEVICE_CONTROL, &[0xff, !INITIATE_RESET]);
        space.initial = space.bytes;
        Ok(space)
    }

    fn set(&mut self, at: usize, bytes: &[u8]) {
        self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
    }

    fn allow(&mut self, at: usize, mask: &[u8]) {
        self.writable[at..at + mask.len()].copy_from_slice(mask);
    }

    /// Reads bytes.
    ///
    /// # Errors
    /// `EINVAL`: the range is outside the space.
    pub fn read(&self, offset: u64, to: &mut [u8]) -> Result<(), Errno> {
        let at = Self::range(offset, to.len())?;
        to.copy_from_slice(&self.bytes[at..at + to.len()]);
        Ok(())
    }

    /// Writes the bits that a client can write; the other bits keep their values.
    ///
    /// # Errors
    /// `EINVAL`: the range is outside the space.
    pub fn write(&mut self, offset: u64, from: &[u8]) -> Result<Effect, Errno> {
        let at = Self::range(offset, from.len())?;
        let mut effect = Effect::default();
        for (i, byte) in (at..).zip(from) {
            self.bytes[i] = self.bytes[i] & !self.writable[i] | byte & self.writable[i];
            effect.reset |= i == DEVICE_CONTROL + 1 && byte & INITIATE_RESET != 0;
        }
        Ok(effect)
    }

    /// Sets all bytes to their first values.
    pub fn reset(&mut self) {
        self.bytes = self.initial;
    }

    /// Whether the device may use DMA and raise interrupts.
    #[must_use]
    pub fn bus_master(&self) -> bool {
        self.bytes[header::COMMAND] & MASTER != 0
    }

    /// Whether the device answers at its BARs.
    #[must_use]
    pub fn memory(&self) -> bool {
        self.bytes[header::COMMAND] & MEMORY != 0
    }

    /// The size of each region of a device with this configuration space, in bytes.
    #[must_use]
    pub fn regions(&self) -> [u64; region::COUNT as usize] {
        let mut regions = [0; region::COUNT as usize];
        regions[..6].copy_from_slice(&self.bars.map(u64::from));
        regions[region::CONFIG as usize] = Self::BYTES as u64;
        regions
    }

    fn range(offset: u64, len: usize) -> Result<usize, Errno> {
        let inside = |at: &usize| at.checked_add(len).is_some_and(|end| end <= Self::BYTES);
        usize::try_from(offset).ok().filter(inside).ok_or(Errno::INVAL)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const IDENTITY: Identity =
        Identity { vendor: 0x1234, device: 0xabcd, class: 0x12_3456, revision: 7, subsystem: 0x9876 };

    fn space() -> ConfigSpace {
        ConfigSpace::new(IDENTITY, [0x2000, 0, 0x1000, 0, 0, 0], 2, 2).unwrap()
    }

    fn word(space: &ConfigSpace, at: u64) -> u32 {
        let mut bytes = [0; 4];
        space.read(at, &mut bytes).unwrap();
        u32::from_le_bytes(bytes)
    }

    /// The expected words are written by hand after the specification.
    #[test]
    fn the_header_is_where_the_specification_has_it() {
        let space = space();
        assert_eq!(word(&space, 0x00), 0xabcd_1234);
        assert_eq!(word(&space, 0x04), 0x0010_0000);
        assert_eq!(word(&space, 0x08), 0x1234_5607);
        assert_eq!(word(&space, 0x2c), 0x9876_1234);
        assert_eq!(word(&space, 0x34), 0x40);
        assert_eq!(word(&space, 0x40), 0x0001_6011, "two vectors, then PCI Express");
        assert_eq!(word(&space, 0x44), 2, "table at the start of BAR 2");
        assert_eq!(word(&space, 0x48), 0x802, "pending bits in its second half");
        assert_eq!(word(&space, 0x60), 0x0002_0010, "the last capability");
        assert_eq!(word(&space, 0x64) >> 28 & 1, 1, "function level reset");
    }

    /// Software writes ones to a BAR and reads its size back.
    #[test]
    fn bars_show_their_sizes() {
        let mut space = space();
        for (bar, size) in [(0_u64, 0x2000_u32), (1, 0), (2, 0x1000)] {
            space.write(0x10 + 4 * bar, &[0xff; 4]).unwrap();
            assert_eq!(word(&space, 0x10 + 4 * bar), size.wrapping_neg(), "BAR {bar}");
        }
        assert_eq!(space.regions(), [0x2000, 0, 0x1000, 0, 0, 0, 0, 256, 0]);
    }

    #[test]
    fn only_the_switches_can_be_written() {
        let mut space = space();
        space.write(0, &[0xff; 4]).unwrap();
        assert_eq!(word(&space, 0), 0xabcd_1234);
        assert!(!space.memory() && !space.bus_master());
        space.write(4, &[2]).unwrap();
        assert!(space.memory() && !space.bus_master());
        space.write(4, &[6, 0]).unwrap();
        assert!(space.memory() && space.bus_master());
        space.reset();
        assert!(!space.memory() && !space.bus_master());
    }

    #[test]
    fn the_reset_bit_orders_a_reset_and_reads_as_zero() {
        let mut space = space();
        assert_eq!(space.write(0x68, &[0x10, 0x80]), Ok(Effect { reset: true }));
        assert_eq!(word(&space, 0x68), 0x10);
        assert_eq!(space.write(0x68, &[0x10, 0x7f]), Ok(Effect { reset: false }));
    }

    #[test]
    fn what_is_not_there_is_refused() {
        let mut space = space();
        assert_eq!(space.read(255, &mut [0; 2]), Err(Errno::INVAL));
        assert_eq!(space.write(u64::MAX, &[0; 2]), Err(Errno::INVAL));
        let new = |bars, vectors, table| ConfigSpace::new(IDENTITY, bars, vectors, table).unwrap_err();
        assert!(new([0x3000, 0, 0, 0, 0, 0], 1, 0).contains("12288"));
        assert!(new([0x1000, 0, 0, 0, 0, 0], 129, 0).contains("1 to 128"));
        assert!(new([0x1000, 0, 0, 0, 0, 0], 1, 9).contains("1 to 0"));
    }
}
