//! Access to registers. An error names the register.

use lockstep_accel_abi::ALL_ONES;
use lockstep_accel_abi::registers::{self, REGISTERS};

use crate::{Error, Transport};

/// The registers of the card behind a transport.
pub(crate) struct Registers<'a, T>(pub(crate) &'a T);

impl<T: Transport> Registers<'_, T> {
    pub(crate) fn read(&self, register: u32) -> Result<u32, Error> {
        self.0
            .read(register)
            .map_err(|source| Error::Transport { action: action("reading", register), source })
    }

    pub(crate) fn write(&self, register: u32, value: u32) -> Result<(), Error> {
        let failed = |source| Error::Transport { action: action("writing", register), source };
        self.0.write(register, value).map_err(failed)
    }

    /// Writes a 64-bit value: its low half to register `low`, its high half to the next register.
    pub(crate) fn write_long(&self, low: u32, value: u64) -> Result<(), Error> {
        self.write(low, value as u32)?;
        self.write(low + 4, (value >> 32) as u32)
    }

    /// Reads `STATUS`. The register is never all ones while the card is there.
    pub(crate) fn status(&self) -> Result<u32, Error> {
        match self.read(registers::STATUS)? {
            ALL_ONES => Err(Error::Gone),
            status => Ok(status),
        }
    }
}

fn action(verb: &str, register: u32) -> String {
    let name = REGISTERS.iter().find(|r| r.offset == register).map_or("a counter", |r| r.name);
    format!("{verb} {name} at {register:#x}")
}
