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

    /// Reads bytes of the registers: whole registers, and parts of one as the kernel's VFIO splits
    /// accesses. Reading a register changes nothing, so a part of one may be read.
    fn read_registers(&self, offset: u64, to: &mut [u8]) {
        let mut done = 0;
        while done < to.len() {
            let at = offset + done as u64;
            let word = self.card.read((at & !3) as u32).unwrap_or(abi::ALL_ONES).to_le_bytes();
            let part = &word[(at % 4) as usize..];
            let part = &part[..part.len().min(to.len() - done)];
            to[done..done + part.len()].copy_from_slice(part);
            done += part.len();
        }
    }

    /// Says once for each client why the card does not reach memory that the client has mapped.
    fn tell_of_memory(&self) {
        if let Some(iova) = self.bus.take_unreachable() {
            eprintln!(
                "lockstep-card: the client mapped the memory at {iova:#x} without a file, so no other \
                 process can reach it: give the machine's memory share=on, for example `-object \
                 memory-backend-memfd,id=ram,size=4G,share=on -machine memory-backend=ram`"
            );
        }
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
                self.tell_of_memory();
                self.read_registers(offset, to);
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
            // The registers take whole words: a bridge cannot widen a narrow write.
            _ => match (offset % 4, from.as_chunks::<4>()) {
                (0, (words, [])) => {
                    for (register, word) in (offset as u32..).step_by(4).zip(words) {
                        // A write to a card that is gone is lost, as on a PCI bus.
                        let _ = self.card.write(register, u32::from_le_bytes(*word));
                    }
                    Ok(())
                }
                _ => Err(Errno::INVAL),
            },
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
