//! The driver's access to the fake card.

use std::os::fd::BorrowedFd;

use lockstep_accel_abi::registers::{self, fields};
use lockstep_accel_abi::{ALL_ONES, Status};
use lockstep_accel_driver::{Transport, TransportError};
use lockstep_accel_memory::SharedMemory;

use super::{Fake, Fate};

/// Offset of the PCI command register, and its bit MASTER.
const COMMAND: u64 = 4;
const MASTER: u8 = 1 << 2;

impl Transport for Fake {
    fn read_config(&self, offset: u64, to: &mut [u8]) -> Result<(), TransportError> {
        let state = self.state();
        (offset..).zip(to).for_each(|(at, byte)| *byte = state.config.get(&at).copied().unwrap_or(0));
        Ok(())
    }

    fn write_config(&self, offset: u64, from: &[u8]) -> Result<(), TransportError> {
        let mut state = self.state();
        state.log.push(format!("config {offset} {from:?}"));
        if let (COMMAND, [command, ..]) = (offset, from) {
            state.memories.master = command & MASTER != 0;
        }
        Ok(())
    }

    fn read(&self, register: u32) -> Result<u32, TransportError> {
        let mut state = self.state();
        state.accesses += 1;
        let value = state.registers.get(&register).copied().unwrap_or(0);
        Ok(if state.gone { ALL_ONES } else { value })
    }

    fn write(&self, register: u32, value: u32) -> Result<(), TransportError> {
        let mut state = self.state();
        state.accesses += 1;
        match register {
            registers::CONTROL => {
                let enabled = value & fields::CONTROL::ENABLE.mask() != 0 && !state.dead;
                let ready = if enabled { fields::STATUS::READY.mask() } else { 0 };
                state.registers.insert(registers::STATUS, ready);
            }
            registers::DOORBELL_SUBMIT if state.ready() => state.submitted(value as u16),
            registers::DOORBELL_COMPLETE => {
                state.acknowledged = value as u16;
                state.go_on();
            }
            registers::ABORT => {
                state.log.push(format!("abort {value}"));
                let tag = value as u16;
                if state.waiting.front().is_some_and(|(job, fate)| job.tag == tag && *fate == Fate::Hangs) {
                    state.waiting[0].1 = Fate::Ends(Status::Aborted);
                    state.go_on();
                }
            }
            _ => {
                state.registers.insert(register, value);
            }
        }
        Ok(())
    }

    fn map(&self, iova: u64, memory: &SharedMemory) -> Result<(), TransportError> {
        let mut state = self.state();
        state.log.push(format!("map {iova:#x}"));
        state.memories.host = Some((iova, SharedMemory::map(memory.file()?.into(), true)?));
        Ok(())
    }

    fn unmap(&self, iova: u64, _: &SharedMemory) -> Result<(), TransportError> {
        let mut state = self.state();
        state.log.push(format!("unmap {iova:#x}"));
        state.memories.host = None;
        Ok(())
    }

    fn set_interrupts(&self, eventfds: &[BorrowedFd<'_>]) -> Result<(), TransportError> {
        self.state().vectors = eventfds.iter().map(|fd| fd.try_clone_to_owned().unwrap()).collect();
        Ok(())
    }

    fn set_recall(&self, eventfd: BorrowedFd<'_>) -> Result<(), TransportError> {
        self.state().recall = Some(eventfd.try_clone_to_owned().unwrap());
        Ok(())
    }

    fn reset(&self) -> Result<(), TransportError> {
        let mut state = self.state();
        state.log.push("reset".into());
        state.memories.master = false;
        state.forget();
        Ok(())
    }
}
