//! A card in a PCI slot, reached through the kernel's VFIO. The IOMMU limits the card's DMA to the
//! mapped memory.
#![allow(unsafe_code)]

use std::fs::File;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, IntoRawFd};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use lockstep_accel_abi::BAR_BYTES;
use lockstep_accel_memory::SharedMemory;
use lockstep_vfio_user::{irq, region};
use vfio_ioctls::{VfioContainer, VfioDevice};
use vmm_sys_util::eventfd::EventFd;

use super::function::{self, Places};
use super::lock_limit::LockLimit;
use super::open_error::OpenError;
use super::pci_function::{COMMAND, Transport, TransportError};

/// A PCI function that is bound to the kernel driver `vfio-pci`.
pub struct KernelVfio {
    // Rust drops fields from top to bottom. The container comes after the device, because the
    // kernel keeps a container busy while a device of it is open. The file, a second handle of the
    // device, comes last: while it is open, the kernel does not remove a function that it recalls,
    // and the drop of `VfioDevice` reads the function's folder in sysfs, and panics without it.
    device: VfioDevice,
    container: Arc<VfioContainer>,
    file: File,
    config: Region,
    bar: Region,
    /// The address, for errors.
    name: String,
}

/// The position of a region in the device's file, in bytes.
#[derive(Clone, Copy)]
struct Region {
    offset: u64,
    size: u64,
}

impl KernelVfio {
    /// The folder with the files of the IOMMU groups.
    const GROUPS: &'static str = "/dev/vfio";

    /// Opens the function with the sysfs path `sysfs`, for example
    /// `/sys/bus/pci/devices/0000:03:00.0`. The user must own the file of the function's IOMMU
    /// group, `/dev/vfio/GROUP`; root is not needed.
    ///
    /// # Errors
    /// [`OpenError`] says which step failed and what to do next.
    pub fn open(sysfs: &Path) -> Result<Self, OpenError> {
        let function = sysfs.file_name().unwrap_or_default().to_string_lossy();
        let functions = sysfs.parent().unwrap_or(Path::new("")).to_path_buf();
        Self::open_at(&Places { functions, groups: Self::GROUPS.into() }, &function)
    }

    /// Opens a function by its address, for example `0000:03:00.0`; as [`Self::open`].
    pub(crate) fn open_function(function: &str) -> Result<Self, OpenError> {
        Self::open_at(&Places::below(Path::new("/")), function)
    }

    fn open_at(places: &Places, function: &str) -> Result<Self, OpenError> {
        let name = format!("vfio:{function}");
        function::check(places, &name, function)?;
        let opened = Self::open_checked(&places.functions.join(function), name.clone())
            .map_err(|source| OpenError::Vfio { device: name.clone(), source })?;
        let (bytes, needed) = (opened.bar.size, BAR_BYTES.into());
        if bytes < needed {
            return Err(OpenError::SmallBar { device: name, bytes, needed });
        }
        Ok(opened)
    }

    fn open_checked(sysfs: &Path, name: String) -> Result<Self, TransportError> {
        let container = Arc::new(VfioContainer::new(None)?);
        let device = VfioDevice::new(sysfs, container.clone(), false)?;
        // SAFETY: `device` keeps its file open until after the end of this borrow.
        let file = unsafe { BorrowedFd::borrow_raw(device.as_raw_fd()) }.try_clone_to_owned()?.into();
        let find =
            |index| Region { offset: device.get_region_offset(index), size: device.get_region_size(index) };
        let (config, bar) = (find(region::CONFIG), find(region::BAR0));
        Ok(Self { device, container, file, config, bar, name })
    }

    /// Where `bytes` bytes at `offset` of a region are in the device's file. The driver reads and
    /// writes the file itself, because `VfioDevice::region_read` only logs a failure.
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
    fn device(&self) -> String {
        self.name.clone()
    }

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
        // SAFETY: this process accesses the memory by atomics only, and `Card` unmaps the memory
        // before it drops it.
        let mapped = unsafe { self.container.vfio_dma_map(iova, memory.size(), address) };
        mapped.map_err(|error| match LockLimit::of_this_process(memory.size() as u64) {
            Some(limit) => limit.into(),
            None => error.into(),
        })
    }

    fn unmap(&self, iova: u64, memory: &SharedMemory) -> Result<(), TransportError> {
        Ok(self.container.vfio_dma_unmap(iova, memory.size())?)
    }

    fn set_interrupts(&self, eventfds: &[BorrowedFd<'_>]) -> Result<(), TransportError> {
        let copies = eventfds.iter().map(copied).collect::<Result<Vec<_>, _>>()?;
        Ok(self.device.enable_msix(copies.iter().collect())?)
    }

    fn set_recall(&self, eventfd: BorrowedFd<'_>) -> Result<(), TransportError> {
        Ok(self.device.enable_irq(irq::REQUEST, vec![&copied(&eventfd)?])?)
    }

    /// The kernel restores the configuration space after the reset, so the command register is
    /// cleared before and after.
    fn reset(&self) -> Result<(), TransportError> {
        const RESET: rustix::ioctl::Opcode = rustix::ioctl::opcode::none(b';', 100 + 11);
        self.write_config(COMMAND, &[0, 0])?;
        // SAFETY: VFIO_DEVICE_RESET takes no argument. `VfioDevice::reset` is not used, because it
        // drops the result.
        unsafe { rustix::ioctl::ioctl(&self.file, rustix::ioctl::NoArg::<RESET>::new()) }?;
        self.write_config(COMMAND, &[0, 0])
    }
}

/// A copy of an eventfd, in the type of `VfioDevice`.
fn copied(fd: &BorrowedFd<'_>) -> Result<EventFd, TransportError> {
    let copy = fd.try_clone_to_owned()?;
    // SAFETY: `into_raw_fd` gives the file descriptor away, so `EventFd` is its only owner.
    Ok(unsafe { EventFd::from_raw_fd(copy.into_raw_fd()) })
}
