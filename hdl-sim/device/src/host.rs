//! Host memory on the card's bus: the memory that the client mapped.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use lockstep_hdl_sim::{Fault, Storage};
use lockstep_vfio_user::Bus;

use crate::check::Checker;
use crate::disturb::Disturber;
use crate::watch::{Recorded, Watch, Written};

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

/// The same memory; the checker and the faults see what the card reads and writes there.
pub(crate) struct WatchedMemory {
    pub(crate) host: HostMemory,
    pub(crate) watched: Rc<RefCell<Watched>>,
}

/// What looks at the card's DMA.
pub(crate) struct Watched {
    watch: Watch,
    checker: Option<Checker>,
    pub(crate) disturber: Disturber,
}

impl Watched {
    pub(crate) fn new(checker: Option<Checker>, disturber: Disturber) -> Self {
        Self { watch: Watch::default(), checker, disturber }
    }

    /// A write of the client to a register.
    pub(crate) fn register(&mut self, register: u32, value: u32) {
        if self.watch.register(register, value) == Written::Reset {
            self.disturber.drop_jobs();
        }
    }
}

impl Storage for WatchedMemory {
    fn read_into(&self, address: u64, to: &mut [u8]) -> Result<(), Fault> {
        let mut watched = self.watched.borrow_mut();
        let ring = watched.watch.in_ring(address);
        if watched.disturber.refuses_read(ring) {
            return Err(Fault::Decode);
        }
        self.host.read_into(address, to)?;
        for _ in 0..watched.watch.has_read(address, to) {
            watched.disturber.begin();
        }
        Ok(())
    }

    /// A record is looked at before the client can see it: until then the client leaves the inputs
    /// and the results of the job alone.
    fn write(&mut self, address: u64, bytes: &[u8], strobe: &dyn Fn(usize) -> bool) -> Result<(), Fault> {
        let Watched { watch, checker, disturber } = &mut *self.watched.borrow_mut();
        let mut bytes = bytes.to_vec();
        if let Some(Recorded { descriptor, record, last }) = watch.writes(&self.host, address, &bytes, strobe)
        {
            if let Some(checker) = checker {
                checker.compare(&self.host, &descriptor, &record);
            }
            disturber.record(&mut bytes, last);
        } else if !watch.in_ring(address) {
            disturber.result(&mut bytes, strobe);
        }
        if disturber.gone() {
            return Err(Fault::Decode);
        }
        self.host.write(address, &bytes, strobe)
    }
}
