//! Memories behind a bus.

use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

/// Why a memory refuses an access, as an AXI response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// SLVERR: the memory itself fails.
    Slave,
    /// DECERR: there is no memory at the address.
    Decode,
}

impl Fault {
    /// The two bits of `rresp` and `bresp`.
    #[must_use]
    pub const fn response(self) -> u64 {
        match self {
            Self::Slave => 2,
            Self::Decode => 3,
        }
    }
}

/// A memory that a bus reads and writes.
pub trait Storage {
    /// Fills `bytes` from an address.
    ///
    /// # Errors
    /// The memory refuses the access; `bytes` have no meaning then.
    fn read_into(&self, address: u64, to: &mut [u8]) -> Result<(), Fault>;

    /// Writes the bytes whose strobe is true.
    ///
    /// # Errors
    /// The memory refuses the access.
    fn write(&mut self, address: u64, bytes: &[u8], strobe: &dyn Fn(usize) -> bool) -> Result<(), Fault>;
}

/// A memory of regions. An access outside of them gets [`Fault::Decode`].
#[derive(Clone, Debug, Default)]
pub struct Memory {
    regions: Vec<(u64, Vec<u8>)>,
    faults: Vec<(Range<u64>, Fault)>,
}

/// A memory that several agents and the bench share.
pub type SharedMemory = Rc<RefCell<Memory>>;

impl Storage for Memory {
    fn read_into(&self, address: u64, to: &mut [u8]) -> Result<(), Fault> {
        to.copy_from_slice(self.read(address, to.len())?);
        Ok(())
    }

    fn write(&mut self, address: u64, bytes: &[u8], strobe: &dyn Fn(usize) -> bool) -> Result<(), Fault> {
        Self::write(self, address, bytes, strobe)
    }
}

impl Memory {
    /// A memory of one region.
    #[must_use]
    pub fn new(base: u64, bytes: Vec<u8>) -> Self {
        Self { regions: vec![(base, bytes)], faults: Vec::new() }
    }

    /// Adds a region; it must not overlap another.
    pub fn region(&mut self, base: u64, bytes: Vec<u8>) {
        let end = base + bytes.len() as u64;
        let apart = |(b, r): &(u64, Vec<u8>)| end <= *b || *b + r.len() as u64 <= base;
        assert!(self.regions.iter().all(apart), "region at {base:#x} overlaps another");
        self.regions.push((base, bytes));
    }

    /// From now on accesses to these addresses fail.
    pub fn fail(&mut self, addresses: Range<u64>, fault: Fault) {
        self.faults.push((addresses, fault));
    }

    /// From now on accesses within a region succeed.
    pub fn heal(&mut self) {
        self.faults.clear();
    }

    /// The same memory, to be shared.
    #[must_use]
    pub fn share(self) -> SharedMemory {
        Rc::new(RefCell::new(self))
    }

    /// `len` bytes at an address.
    ///
    /// # Errors
    /// The bytes do not all lie in one region, or [`Self::fail`] covers one of them.
    pub fn read(&self, address: u64, len: usize) -> Result<&[u8], Fault> {
        let (region, at) = self.find(address, len)?;
        Ok(&self.regions[region].1[at..at + len])
    }

    /// Writes the bytes whose strobe is true.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn write(&mut self, address: u64, bytes: &[u8], strobe: impl Fn(usize) -> bool) -> Result<(), Fault> {
        let (region, at) = self.find(address, bytes.len())?;
        for (i, (to, &from)) in self.regions[region].1[at..].iter_mut().zip(bytes).enumerate() {
            if strobe(i) {
                *to = from;
            }
        }
        Ok(())
    }

    /// The bytes at an address. Faults do not apply.
    ///
    /// # Panics
    /// The bytes do not all lie in one region.
    #[must_use]
    pub fn peek(&self, address: u64, len: usize) -> &[u8] {
        let (region, at) =
            self.place(address, len).unwrap_or_else(|_| panic!("no {len} bytes at {address:#x}"));
        &self.regions[region].1[at..at + len]
    }

    /// Sets the bytes at an address. Faults do not apply.
    ///
    /// # Panics
    /// The bytes do not all lie in one region.
    pub fn poke(&mut self, address: u64, bytes: &[u8]) {
        let len = bytes.len();
        let (region, at) =
            self.place(address, len).unwrap_or_else(|_| panic!("no {len} bytes at {address:#x}"));
        self.regions[region].1[at..at + len].copy_from_slice(bytes);
    }

    fn find(&self, address: u64, len: usize) -> Result<(usize, usize), Fault> {
        let end = address.checked_add(len as u64).ok_or(Fault::Decode)?;
        if let Some((_, fault)) = self.faults.iter().find(|(r, _)| r.start < end && address < r.end) {
            return Err(*fault);
        }
        self.place(address, len)
    }

    fn place(&self, address: u64, len: usize) -> Result<(usize, usize), Fault> {
        let end = address.checked_add(len as u64).ok_or(Fault::Decode)?;
        let holds = |(base, bytes): &(u64, Vec<u8>)| *base <= address && end <= base + bytes.len() as u64;
        let region = self.regions.iter().position(holds).ok_or(Fault::Decode)?;
        Ok((region, (address - self.regions[region].0) as usize))
    }
}
