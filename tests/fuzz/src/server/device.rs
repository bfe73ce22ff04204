//! The device behind the server. Its registers start copies in the client's memory.

use std::sync::Arc;

use lockstep_accel_memory::SharedMemory;
use lockstep_vfio_user::{Bus, ConfigSpace, Device, Errno, Identity, region};

/// The regions that the device has: registers, an MSI-X table, the configuration space.
pub(super) const REGIONS: [u64; 3] = [region::BAR0 as u64, region::CONFIG as u64, 2];

/// Registers of BAR 0: the addresses of a copy. A write to `COPY` starts one of so many bytes.
const FROM: u64 = 0;
const TO: u64 = 8;
const COPY: u64 = 16;
/// Bytes of a copy: the address may be anything, the size must not fill memory.
const LONGEST: u64 = 1024;
/// What the client's memory is filled with; the device writes other bytes.
const FILL: u8 = 0;

/// The device.
pub(super) struct Board {
    config: ConfigSpace,
    bus: Arc<Bus>,
    registers: [u8; 40],
    /// Bytes that copies wrote, at most.
    written: u64,
}

impl Board {
    pub(super) fn new(bus: Arc<Bus>) -> Self {
        let identity = Identity { vendor: 1, device: 2, class: 3, revision: 4, subsystem: 5 };
        let config = ConfigSpace::new(identity, [0x1000, 0, 0x1000, 0, 0, 0], 2, 2).expect("sizes that fit");
        Self { config, bus, registers: [0; 40], written: 0 }
    }

    /// After a session: the client's maps and its bus master are gone.
    pub(super) fn check(&mut self) {
        for iova in [0, 0x1000, 0x1040, u64::MAX] {
            assert!(self.bus.read(iova, &mut [0]).is_err() && self.bus.write(iova, &[1]).is_err());
        }
        assert!(!self.bus.interrupt(0) && !self.bus.report_error() && !self.bus.request_release());
        self.registers = [0; 40];
        self.config.reset();
    }

    /// The client's file holds no more strange bytes than copies wrote, and is clean afterwards.
    pub(super) fn untouched(&mut self, memory: &SharedMemory) {
        let mut bytes = vec![FILL; memory.size()];
        memory.read(0, &mut bytes).expect("inside");
        let changed = bytes.iter().filter(|&&byte| byte != FILL).count() as u64;
        assert!(changed <= self.written, "{changed} bytes changed, copies wrote {}", self.written);
        if changed > 0 {
            memory.write(0, &vec![FILL; memory.size()]).expect("inside");
        }
    }

    fn long(&self, at: u64) -> u64 {
        let bytes = &self.registers[at as usize..][..8];
        bytes.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte))
    }

    fn copy(&mut self) {
        let mut data = vec![0; (self.long(COPY) % LONGEST) as usize];
        let read = self.bus.read(self.long(FROM), &mut data);
        data.iter_mut().for_each(|byte| *byte ^= 0xa5);
        if read.and_then(|()| self.bus.write(self.long(TO), &data)).is_ok() {
            self.written += data.len() as u64;
        }
        self.bus.interrupt(0);
    }
}

impl Device for Board {
    fn regions(&self) -> [u64; region::COUNT as usize] {
        self.config.regions()
    }

    fn read(&mut self, region: u32, offset: u64, to: &mut [u8]) -> Result<(), Errno> {
        assert!(offset + to.len() as u64 <= self.regions()[region as usize], "a read outside of the region");
        match region {
            region::CONFIG => self.config.read(offset, to),
            _ => {
                for (at, byte) in (offset as usize..).zip(to) {
                    *byte = self.registers.get(at).copied().unwrap_or(0xff);
                }
                Ok(())
            }
        }
    }

    fn write(&mut self, region: u32, offset: u64, from: &[u8]) -> Result<(), Errno> {
        assert!(
            offset + from.len() as u64 <= self.regions()[region as usize],
            "a write outside of the region"
        );
        match region {
            region::CONFIG => {
                let effect = self.config.write(offset, from)?;
                self.bus.set_master(self.config.bus_master());
                if effect.reset { self.reset() } else { Ok(()) }
            }
            _ if from.is_empty() => Err(Errno::INVAL),
            _ => {
                for (at, byte) in (offset as usize..).zip(from) {
                    if let Some(register) = self.registers.get_mut(at) {
                        *register = *byte;
                    }
                }
                if offset == COPY {
                    self.copy();
                }
                Ok(())
            }
        }
    }

    fn reset(&mut self) -> Result<(), Errno> {
        self.config.reset();
        self.bus.set_master(false);
        Ok(())
    }
}
