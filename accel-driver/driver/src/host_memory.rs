//! The host memory that a card reaches: the rings, and behind them the memory for data.

use lockstep_accel_memory::{OutOfRange, SharedMemory};

use crate::{Error, Options};

/// Host memory that a card reaches.
#[derive(Debug)]
pub(crate) struct HostMemory {
    pub(crate) shared: SharedMemory,
    /// Bus address of byte 0.
    pub(crate) iova: u64,
    /// Byte offset of the memory for data.
    data: u64,
}

impl HostMemory {
    /// Creates the memory. Its first `rings` bytes are for the rings.
    pub(crate) fn new(options: &Options, rings: u64) -> Result<Self, Error> {
        let shared = SharedMemory::create("lockstep-card", options.memory_bytes())
            .map_err(|source| Error::System { what: "memory for the card", source })?;
        Ok(Self { shared, iova: options.iova, data: rings })
    }

    /// Bytes of the memory for data.
    pub(crate) fn data_bytes(&self) -> u64 {
        self.shared.size() as u64 - self.data
    }

    /// Bus address of byte `offset` of the memory for data.
    pub(crate) const fn data_iova(&self, offset: u64) -> u64 {
        self.iova + self.data + offset
    }

    pub(crate) fn write_data(&self, offset: u64, bytes: &[u8]) -> Result<(), OutOfRange> {
        self.shared.write(self.data_at(offset, bytes.len())?, bytes)
    }

    pub(crate) fn read_data(&self, offset: u64, bytes: &mut [u8]) -> Result<(), OutOfRange> {
        self.shared.read(self.data_at(offset, bytes.len())?, bytes)
    }

    fn data_at(&self, offset: u64, len: usize) -> Result<u64, OutOfRange> {
        let out = OutOfRange { offset, len, size: self.data_bytes() as usize };
        offset.checked_add(self.data).ok_or(out)
    }
}

/// The error of an access outside the memory. Correct code never causes it.
pub(crate) fn outside(range: OutOfRange) -> Error {
    Error::System { what: "memory for the card", source: std::io::Error::other(range) }
}
