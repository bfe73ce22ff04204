//! Card memory, and the client's memory behind the bus.

use std::cell::Cell;
use std::sync::Arc;

use lockstep_accel_abi::Port;
use lockstep_accel_model::{Fault, Memories};
use lockstep_vfio_user::Bus;

/// What a job reaches. It counts the bytes, in whole beats of the ports.
#[derive(Debug)]
pub(crate) struct Reach {
    pub(crate) bus: Arc<Bus>,
    pub(crate) card: Vec<u8>,
    pub(crate) beat: usize,
    pub(crate) traffic: Traffic,
    /// A bit of the next bytes that go to the host is wrong.
    pub(crate) wrong: bool,
}

/// Bytes since the job began.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    pub(crate) host_read: u64,
    pub(crate) host_write: u64,
    pub(crate) card_read: Cell<u64>,
    pub(crate) card_write: u64,
}

impl Reach {
    fn beats(&self, bytes: usize) -> u64 {
        bytes.next_multiple_of(self.beat) as u64
    }

    /// The place of bytes of card memory.
    fn place(&self, address: u64, bytes: usize) -> Result<std::ops::Range<usize>, Fault> {
        let size = self.card.len() as u64;
        let end = address.checked_add(bytes as u64);
        if end.is_none_or(|end| end > size) {
            return Err(Fault { address: address.max(size) });
        }
        Ok(address as usize..address as usize + bytes)
    }

    /// Copies host memory to card memory.
    ///
    /// # Errors
    /// The port that got the error.
    pub(crate) fn bring(&mut self, host: u64, card: u64, bytes: usize) -> Result<(), (Port, Fault)> {
        let place = self.place(card, bytes).map_err(|fault| (Port::CardWrite, fault))?;
        let read = self.bus.read(host, &mut self.card[place]);
        read.map_err(|fault| (Port::HostRead, Fault { address: fault.iova }))?;
        self.traffic.host_read += self.beats(bytes);
        self.traffic.card_write += self.beats(bytes);
        Ok(())
    }
}

impl Memories for Reach {
    fn card(&self, address: u64, bytes: usize) -> Result<&[u8], Fault> {
        let bytes_read = &self.card[self.place(address, bytes)?];
        self.traffic.card_read.set(self.traffic.card_read.get() + self.beats(bytes));
        Ok(bytes_read)
    }

    fn read_host(&mut self, address: u64, to: &mut [u8]) -> Result<(), Fault> {
        self.bus.read(address, to).map_err(|fault| Fault { address: fault.iova })?;
        self.traffic.host_read += self.beats(to.len());
        Ok(())
    }

    fn write_host(&mut self, address: u64, from: &[u8]) -> Result<(), Fault> {
        let mut spoilt = Vec::new();
        if std::mem::take(&mut self.wrong) {
            spoilt.extend_from_slice(from);
            spoilt.iter_mut().take(1).for_each(|byte| *byte ^= 1);
        }
        let from = if spoilt.is_empty() { from } else { &spoilt };
        self.bus.write(address, from).map_err(|fault| Fault { address: fault.iova })?;
        self.traffic.host_write += self.beats(from.len());
        Ok(())
    }
}
