//! A card and the host memory that it reaches, from the opening to the last reset.

use lockstep_accel_abi::codes::InterruptBits;
use lockstep_accel_abi::registers::{self, fields};
use lockstep_accel_abi::{PCI_DEVICE, PCI_VENDOR};

use crate::host_memory::{HostMemory, outside};
use crate::interrupts::Interrupts;
use crate::registers::Registers;
use crate::rings::Rings;
use crate::transport::COMMAND;
use crate::{Capabilities, Error, Options, Transport, TransportError};

/// Bits of the PCI command register: the card answers at its BARs; the card may use DMA.
pub(crate) const MEMORY: u16 = 1 << 1;
const MASTER: u16 = 1 << 2;

/// A card, mapped memory, and eventfds for its interrupts.
#[derive(Debug)]
pub(crate) struct Device<T: Transport> {
    transport: T,
    pub(crate) options: Options,
    pub(crate) capabilities: Capabilities,
    pub(crate) memory: HostMemory,
    pub(crate) interrupts: Interrupts,
}

impl<T: Transport> Device<T> {
    /// Resets the card, checks its identity and version, and maps the memory.
    pub(crate) fn open(transport: T, options: Options) -> Result<Self, Error> {
        identify(&transport)?;
        let capabilities = restart(&transport)?;
        options.check(&capabilities)?;
        let memory = HostMemory::new(&options, Rings::new(options.ring_log2).bytes())?;
        let interrupts = Interrupts::new()?;
        transport.map(options.iova, &memory.shared).map_err(failed("mapping memory for the card"))?;
        // From here on, dropping the value unmaps the memory.
        let device = Self { transport, options, capabilities, memory, interrupts };
        let recall = device.transport.set_recall(device.interrupts.recall());
        recall.map_err(failed("connecting the card's recall"))?;
        Ok(device)
    }

    /// The name of the card, for errors.
    pub(crate) fn name(&self) -> String {
        self.transport.device()
    }

    pub(crate) fn registers(&self) -> Registers<'_, T> {
        Registers(&self.transport)
    }

    /// Resets the card and checks that it is the same one.
    pub(crate) fn reset(&self) -> Result<(), Error> {
        let found = restart(&self.transport)?;
        if found == self.capabilities {
            return Ok(());
        }
        let (device, needed) = (self.transport.device(), self.capabilities.build);
        let help = "another card answers at this address: open it anew";
        Err(Error::Foreign { device, what: "BUILD_ID", value: found.build, needed, help })
    }

    /// Empties the rings and enables the queue after a reset. The card is then about to be ready.
    pub(crate) fn enable(&self, rings: &mut Rings) -> Result<(), Error> {
        rings.clear(&self.memory.shared).map_err(outside)?;
        command(&self.transport, MEMORY | MASTER)?;
        let interrupts = self.interrupts.fds();
        self.transport.set_interrupts(&interrupts).map_err(failed("setting the card's interrupts"))?;
        let (registers, iova) = (self.registers(), self.memory.iova);
        registers.write_long(registers::SUBMIT_BASE_LO, iova)?;
        registers.write_long(registers::COMPLETE_BASE_LO, iova + rings.completions_at())?;
        registers.write(registers::RING_LOG2, rings.log2())?;
        registers.write(registers::INT_ENABLE, InterruptBits::COMPLETION | InterruptBits::ERROR)?;
        registers.write(registers::CONTROL, fields::CONTROL::ENABLE.mask())
    }

    /// Switches the bus master off, if the card can still be reached, and empties the rings.
    pub(crate) fn silence(&self, rings: &mut Rings) {
        let _ = command(&self.transport, MEMORY);
        let _ = rings.clear(&self.memory.shared);
    }
}

/// Stops the card's DMA and resets the card before the memory is unmapped: a pending job must not
/// write to pages that belong to another owner by then.
impl<T: Transport> Drop for Device<T> {
    fn drop(&mut self) {
        let _ = command(&self.transport, MEMORY);
        let _ = self.transport.reset();
        let _ = self.transport.unmap(self.options.iova, &self.memory.shared);
    }
}

/// Checks the PCI id.
pub(crate) fn identify<T: Transport>(transport: &T) -> Result<(), Error> {
    let mut ids = [0; 4];
    transport.read_config(0, &mut ids).map_err(failed("reading the card's ids"))?;
    let (value, needed) = (u32::from_le_bytes(ids), u32::from(PCI_DEVICE) << 16 | u32::from(PCI_VENDOR));
    if value == needed {
        return Ok(());
    }
    let help = "name the address of a Lockstep card; `lspci -nn` lists the ids";
    Err(Error::Foreign { device: transport.device(), what: "PCI id", value, needed, help })
}

/// Resets the card and reads its capabilities.
fn restart<T: Transport>(transport: &T) -> Result<Capabilities, Error> {
    transport.reset().map_err(failed("resetting the card"))?;
    command(transport, MEMORY)?;
    Capabilities::read(&Registers(transport))
}

/// Writes the PCI command register.
pub(crate) fn command<T: Transport>(transport: &T, value: u16) -> Result<(), Error> {
    transport.write_config(COMMAND, &value.to_le_bytes()).map_err(failed("writing the command register"))
}

fn failed(action: &'static str) -> impl FnOnce(TransportError) -> Error {
    move |source| Error::Transport { action: action.into(), source }
}
