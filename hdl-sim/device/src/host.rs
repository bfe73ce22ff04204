//! Host memory on the card's bus: the memory that the client mapped.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use lockstep_hdl_sim::{Fault, Storage};
use lockstep_vfio_user::Bus;

use crate::check::Checker;

/// The client's memory. The bus answers DECERR if an address is not mapped, and at all addresses
/// while the bus master is off.
pub(crate) struct HostMemory(pub(crate) Arc<Bus>);

impl Storage for HostMemory {
    fn read_into(&self, address: u64, to: &mut [u8]) -> Result<(), Fault> {
        self.0.read(address, to).map_err(|_| Fault::Decode)
    }

    /// Writes the strobed bytes only, because the client may change the other bytes at the same
    /// time.
    fn write(&mut self, address: u64, bytes: &[u8], strobe: &dyn Fn(usize) -> bool) -> Result<(), Fault> {
        let mut at = 0;
        while at < bytes.len() {
            let run = (at..bytes.len()).take_while(|&i| strobe(i)).count();
            if run > 0 {
                let to = address.checked_add(at as u64).ok_or(Fault::Decode)?;
                self.0.write(to, &bytes[at..at + run]).map_err(|_| Fault::Decode)?;
            }
            at += run + 1;
        }
        Ok(())
    }
}

/// The same memory; the checker sees what the card reads and writes there.
pub(crate) struct CheckedMemory {
    pub(crate) host: HostMemory,
    pub(crate) checker: Rc<RefCell<Checker>>,
}

impl Storage for CheckedMemory {
    fn read_into(&self, address: u64, to: &mut [u8]) -> Result<(), Fault> {
        self.host.read_into(address, to)?;
        self.checker.borrow_mut().has_read(address, to);
        Ok(())
    }

    /// A record is checked before the client can see it: until then it leaves the inputs and the
    /// results of the job alone.
    fn write(&mut self, address: u64, bytes: &[u8], strobe: &dyn Fn(usize) -> bool) -> Result<(), Fault> {
        self.checker.borrow_mut().writes(&self.host, address, bytes, strobe);
        self.host.write(address, bytes, strobe)
    }
}
