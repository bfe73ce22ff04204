//! Why a card cannot be opened, and what to do next.

use std::io;

/// Why a card cannot be opened. Each message names the device, the value, and what to do next.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is no such PCI function.
    #[error("{device}: there is no such PCI function; `lspci -D -nn` lists the functions")]
    NoDevice {
        /// The address of the card.
        device: String,
    },
    /// The function is in no IOMMU group.
    #[error(
        "{device}: the function has no IOMMU group; switch the IOMMU on, in the firmware (VT-d, AMD-Vi) and by \
         the kernel's option intel_iommu=on or amd_iommu=on"
    )]
    NoIommu {
        /// The address of the card.
        device: String,
    },
    /// Another kernel driver has the function, or none has it.
    #[error(
        "{device}: the kernel driver is {driver}, not vfio-pci; as root write vfio-pci to {sysfs}/driver_override, \
         unbind the driver if there is one, and write the function's address to /sys/bus/pci/drivers_probe"
    )]
    WrongDriver {
        /// The address of the card.
        device: String,
        /// The driver, or "none".
        driver: String,
        /// The function's folder in sysfs.
        sysfs: String,
    },
    /// Another function of the group is used by a kernel driver, so the group is not safe to use.
    #[error(
        "{device}: IOMMU group {group} is not viable: {others}; bind these functions to vfio-pci as well, or \
         unbind them from their drivers"
    )]
    NotViable {
        /// The address of the card.
        device: String,
        /// The group's number.
        group: u32,
        /// The functions and their drivers.
        others: String,
    },
    /// The kernel offers no file for the group.
    #[error("{device}: {path} does not exist; load the kernel module vfio-pci")]
    NoVfio {
        /// The address of the card.
        device: String,
        /// The file.
        path: String,
    },
    /// The user may not open the file of the group.
    #[error(
        "{device}: no access to {path}; as root give the file to the user who runs this program (chown, or a udev \
         rule for SUBSYSTEM==\"vfio\")"
    )]
    NoAccess {
        /// The address of the card.
        device: String,
        /// The file or the socket.
        path: String,
    },
    /// Another process has the card.
    #[error(
        "{device}: another process holds {path}; `fuser -v {path}` names the process: end it, or use another card"
    )]
    Held {
        /// The address of the card.
        device: String,
        /// The file of the group.
        path: String,
    },
    /// BAR 0 is too small for the registers.
    #[error(
        "{device}: BAR 0 has {bytes} bytes, the registers take {needed}; the device is no Lockstep card, or its \
         firmware is of another version: install the firmware of this release"
    )]
    SmallBar {
        /// The address of the card.
        device: String,
        /// Bytes of the BAR.
        bytes: u64,
        /// Bytes of the registers.
        needed: u64,
    },
    /// No process listens at the socket.
    #[error(
        "{device}: no device process listens at the socket ({source}); start one, for example by `make card`"
    )]
    NoProcess {
        /// The address of the card.
        device: String,
        /// The system's error.
        source: io::Error,
    },
    /// The device process did not speak to this program.
    #[error(
        "{device}: {source}; a device process serves one client at a time and may still be starting: end the other \
         client, or wait"
    )]
    Refused {
        /// The address of the card.
        device: String,
        /// Why.
        source: lockstep_vfio_user::Error,
    },
    /// The kernel's VFIO refused.
    #[error("{device}: {source}; `dmesg` may say why")]
    Vfio {
        /// The address of the card.
        device: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}
