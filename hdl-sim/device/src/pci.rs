//! The card as a PCI function.

use std::sync::Arc;

use lockstep_accel_abi as abi;
use lockstep_vfio_user::{Bus, ConfigSpace, Device, Errno, Identity, region};

use crate::Error;
use crate::answers::{Answers, Gone};

/// The BAR of the MSI-X table. It holds nothing else.
const TABLE_BAR: u32 = 2;
const TABLE_BYTES: usize = 4096;

/// A PCI function with a configuration space, the card's registers in BAR 0 and the MSI-X table in
/// BAR 2.
#[derive(Debug)]
pub(crate) struct PciCard {
    config: ConfigSpace,
    table: [u8; TABLE_BYTES],
    bus: Arc<Bus>,
    card: Box<dyn Answers>,
}

impl PciCard {
    /// A bus with the card's interrupt vectors. The card, the function and the server share it.
    pub(crate) fn bus() -> Arc<Bus> {
        Arc::new(Bus::new(abi::codes::VECTORS as u16))
    }

    /// A function with a card after power-up, which has the same bus.
    pub(crate) fn new(card: Box<dyn Answers>, bus: Arc<Bus>) -> Self {
        let identity = Identity {
            vendor: abi::PCI_VENDOR,
            device: abi::PCI_DEVICE,
            class: abi::PCI_CLASS,
            revision: 1,
            subsystem: abi::PCI_DEVICE,
        };
        let mut bars = [0; 6];
        bars[usize::from(abi::BAR)] = abi::BAR_BYTES;
        bars[TABLE_BAR as usize] = TABLE_BYTES as u32;
        let config = ConfigSpace::new(identity, bars, abi::codes::VECTORS as u16, TABLE_BAR as u8);
        // This cannot fail: the sizes are constants that fit.
        let config = config.unwrap_or_else(|why| unreachable!("{why}"));
        Self { config, table: [0; TABLE_BYTES], bus, card }
    }

    /// Ends the card.
    ///
    /// # Errors
    /// The error with which the card ended earlier.
    pub(crate) fn stop(self) -> Result<(), Error> {
        self.card.stop()
    }

    /// The registers that an access covers. A bridge splits an access of eight bytes into two, but
    /// it cannot widen an access of one or two bytes.
    fn registers(offset: u64, bytes: usize) -> Result<impl Iterator<Item = u32>, Errno> {
        let whole = offset.is_multiple_of(4) && matches!(bytes, 4 | 8);
        let first = u32::try_from(offset).ok().filter(|_| whole).ok_or(Errno::INVAL)?;
        Ok((first..).step_by(4).take(bytes / 4))
    }
}

impl Device for PciCard {
    fn regions(&self) -> [u64; region::COUNT as usize] {
        self.config.regions()
    }

    fn read(&mut self, region: u32, offset: u64, to: &mut [u8]) -> Result<(), Errno> {
        match region {
            region::CONFIG => self.config.read(offset, to),
            // A read that no device answers returns ones: the BAR is switched off, or the card is
            // gone.
            _ if !self.config.memory() => {
                to.fill(0xff);
                Ok(())
            }
            TABLE_BAR => {
                to.copy_from_slice(&self.table[offset as usize..][..to.len()]);
                Ok(())
            }
            _ => {
                for (register, word) in Self::registers(offset, to.len())?.zip(to.chunks_exact_mut(4)) {
                    let value = self.card.read(register).unwrap_or(abi::ALL_ONES);
                    word.copy_from_slice(&value.to_le_bytes());
                }
                Ok(())
            }
        }
    }

    fn write(&mut self, region: u32, offset: u64, from: &[u8]) -> Result<(), Errno> {
        match region {
            region::CONFIG => {
                let effect = self.config.write(offset, from)?;
                if effect.reset {
                    return self.reset();
                }
                self.bus.set_master(self.config.bus_master());
                Ok(())
            }
            _ if !self.config.memory() => Ok(()),
            TABLE_BAR => {
                self.table[offset as usize..][..from.len()].copy_from_slice(from);
                Ok(())
            }
            _ => {
                for (register, word) in Self::registers(offset, from.len())?.zip(from.as_chunks::<4>().0) {
                    // A write to a card that is gone is lost, as on a PCI bus.
                    let _ = self.card.write(register, u32::from_le_bytes(*word));
                }
                Ok(())
            }
        }
    }

    fn reset(&mut self) -> Result<(), Errno> {
        // A pending job must raise no interrupt and use no DMA from now on.
        self.bus.set_master(false);
        self.config.reset();
        self.table.fill(0);
        self.card.reset().map_err(|Gone| Errno::IO)
    }
}
