//! The kernel's VFIO: a card in a slot, given to its user by the IOMMU.
#![allow(unsafe_code)]

use std::fs::File;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, IntoRawFd};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use lockstep_accel_memory::SharedMemory;
use lockstep_vfio_user::region;
use vfio_ioctls::{VfioContainer, VfioDevice};
use vmm_sys_util::eventfd::EventFd;

use crate::transport::COMMAND;
use crate::{Transport, TransportError};

/// A PCI function that is bound to `vfio-pci`.
pub struct KernelVfio {
    // In the order of the drop: the container is busy as long as the device is open.
    file: File,
    device: VfioDevice,
    container: Arc<VfioContainer>,
    config: Region,
    bar: Region,
}

/// Where a region is in the device's file.
#[derive(Clone, Copy)]
struct Region {
    offset: u64,
    size: u64,
}

impl KernelVfio {
    /// Opens the function at a path such as `/sys/bus/pci/devices/0000:03:00.0`. Its group must belong to the user; root is not needed.
    ///
    /// # Errors
    /// It is not bound to `vfio-pci`, its group is not viable, or the kernel refuses.
    pub fn open(sysfs: &Path) -> Result<Self, TransportError> {
        let container = Arc::new(VfioContainer::new(None)?);
        let device = VfioDevice::new(sysfs, container.clone(), false)?;
        // SAFETY: the device keeps its file open for longer than this borrow.
        let file = unsafe { BorrowedFd::borrow_raw(device.as_raw_fd()) }.try_clone_to_owned()?.into();
        let find =
            |index| Region { offset: device.get_region_offset(index), size: device.get_region_size(index) };
        let (config, bar) = (find(region::CONFIG), find(region::BAR0));
        Ok(Self { file, device, container, config, bar })
    }

    /// The crate's own reads and writes only log what fails.
    fn place(region: Region, offset: u64, bytes: usize) -> Result<u64, TransportError> {
        let inside = offset.checked_add(bytes as u64).is_some_and(|end| end <= region.size);
        if inside {
            Ok(region.offset + offset)
        } else {
            Err(format!("{bytes} bytes at {offset:#x} of a region of {} bytes", region.size).into())
        }
    }
}

impl Transport for KernelVfio {
    fn read_config(&self, offset: u64, to: &mut [u8]) -> Result<(), TransportError> {
        Ok(self.file.read_exact_at(to, Self::place(self.config, offset, to.len())?)?)
    }

    fn write_config(&self, offset: u64, from: &[u8]) -> Result<(), TransportError> {
        Ok(self.file.write_all_at(from, Self::place(self.config, offset, from.len())?)?)
    }

    fn read(&self, register: u32) -> Result<u32, TransportError> {
        let mut bytes = [0; 4];
        self.file.read_exact_at(&mut bytes, Self::place(self.bar, register.into(), 4)?)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn write(&self, register: u32, value: u32) -> Result<(), TransportError> {
        Ok(self.file.write_all_at(&value.to_le_bytes(), Self::place(self.bar, register.into(), 4)?)?)
    }

    fn map(&self, iova: u64, memory: &SharedMemory) -> Result<(), TransportError> {
        let address = std::ptr::with_exposed_provenance_mut(memory.address());
        // SAFETY: the memory is only touched by atomics, and the card takes it away before it is dropped.
        Ok(unsafe { self.container.vfio_dma_map(iova, memory.size(), address) }?)
    }

    fn unmap(&self, iova: u64, memory: &SharedMemory) -> Result<(), TransportError> {
        Ok(self.container.vfio_dma_unmap(iova, memory.size())?)
    }

    fn set_interrupts(&self, eventfds: &[BorrowedFd<'_>]) -> Result<(), TransportError> {
        let mut copies = Vec::with_capacity(eventfds.len());
        for fd in eventfds {
            let copy = fd.try_clone_to_owned()?;
            // SAFETY: the file descriptor is the copy's own.
            copies.push(unsafe { EventFd::from_raw_fd(copy.into_raw_fd()) });
        }
        Ok(self.device.enable_msix(copies.iter().collect())?)
    }

    /// The kernel keeps the configuration space over the reset of the function: the switches are set here.
    fn reset(&self) -> Result<(), TransportError> {
        const RESET: rustix::ioctl::Opcode = rustix::ioctl::opcode::none(b';', 100 + 11);
        self.write_config(COMMAND, &[0, 0])?;
        // SAFETY: VFIO_DEVICE_RESET takes no argument; the crate's call of it drops the result.
        unsafe { rustix::ioctl::ioctl(&self.file, rustix::ioctl::NoArg::<RESET>::new()) }?;
        self.write_config(COMMAND, &[0, 0])
    }
}
