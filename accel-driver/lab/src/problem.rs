//! A failure, and what to check next.

use std::fmt;
use std::path::Path;

use lockstep_accel_abi::Status;
use lockstep_accel_driver::{Error, OpenError};
use serde::Serialize;

/// A failure, and what to check next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Problem {
    /// The failure: the thing, its value, why it is wrong.
    pub(crate) error: String,
    /// What to check or to do next.
    pub(crate) next: String,
}

impl Problem {
    pub(crate) fn new(error: impl fmt::Display, next: impl fmt::Display) -> Self {
        Self { error: error.to_string(), next: next.to_string() }
    }

    /// A file that cannot be read or written.
    pub(crate) fn file(path: &Path, error: impl fmt::Display) -> Self {
        Self::new(format_args!("{}: {error}", path.display()), "check the path and its permissions")
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\nnext: {}", self.error, self.next)
    }
}

/// The PCI function of `vfio:0000:04:00.0`.
fn function(device: &str) -> &str {
    device.strip_prefix("vfio:").unwrap_or(device)
}

impl From<&OpenError> for Problem {
    fn from(error: &OpenError) -> Self {
        let next = match error {
            OpenError::NoDevice { .. } => "lockstep-lab list".into(),
            OpenError::NoIommu { .. } => {
                "switch the IOMMU on in the firmware (VT-d, AMD-Vi) and by the kernel's option intel_iommu=on \
                 or amd_iommu=on; `dmesg | grep -i -e dmar -e iommu` shows whether the kernel found one"
                    .into()
            }
            OpenError::WrongDriver { device, .. } => format!("as root: lockstep-lab bind {}", function(device)),
            OpenError::NotViable { others, .. } => {
                let names: Vec<&str> = others.split(", ").filter_map(|o| o.split(' ').next()).collect();
                format!("as root, if nothing else needs them: lockstep-lab bind --any {}", names.join(" "))
            }
            OpenError::NoVfio { .. } => "as root: modprobe vfio-pci".into(),
            OpenError::NoAccess { path, .. } => format!("as root: chown $USER {path}"),
            OpenError::Held { .. } => {
                "`lockstep-lab list`, as root, names the process that holds the group: end it".into()
            }
            OpenError::SmallBar { .. } => {
                "`lspci -vv` shows the BARs: program the card with the firmware of this release".into()
            }
            OpenError::NoProcess { .. } => {
                "`lockstep-lab list` shows the device processes; `lockstep-card SOCKET --mock` starts one".into()
            }
            OpenError::Refused { .. } => {
                "`lockstep-lab list` shows whether the device process has a client; end that client".into()
            }
            OpenError::Vfio { .. } => {
                "`dmesg | grep vfio`; `lockstep-lab list` shows the limit of locked memory".into()
            }
        };
        // What follows the reason says the same as `next`.
        let error = error.to_string();
        Self::new(error.split("; ").next().unwrap_or(&error), next)
    }
}

impl From<&Error> for Problem {
    fn from(error: &Error) -> Self {
        let next = match error {
            Error::Open(error) => return error.into(),
            Error::Transport { .. } => {
                "whether the device process has ended, or `dmesg | grep vfio`; `lockstep-lab list` shows the limit \
                 of locked memory, which maps for DMA need"
            }
            Error::System { .. } => "`ulimit -a`: locked memory and open files; `free -m`",
            Error::Foreign { .. } => "`lockstep-lab regs` prints ID, VERSION and BUILD_ID of the card",
            Error::Option { .. } => "`lockstep-lab info` prints the limits of the card",
            Error::Gone => "power and seat of the card; `lspci -vv`: does the function still answer; `dmesg`",
            Error::Stuck { .. } => {
                "the card's clock and its reset line; `lockstep-lab regs STATUS ERROR_STATUS` explains the bits"
            }
            Error::Deadline { .. } => {
                "a larger --job-time if the card is simulated; else `lockstep-lab top`: which port or stall grows"
            }
            Error::Halted { .. } => {
                "`dmesg` for faults of the IOMMU; the bits of ERROR_STATUS are explained in REGISTERS.md"
            }
            Error::Record { .. } | Error::Unwritten { .. } | Error::LayerInput { .. } => {
                "writes of the card to host memory: `lockstep-lab selftest`, step copies; order of the bridge's writes"
            }
            Error::Counter(_) => "the bridge's register reads: `lockstep-lab selftest`, step registers",
            Error::Job { status, .. } => return Self::new(error, next_of(*status)),
            Error::Program { .. } | Error::CardMemory { .. } => {
                "`lockstep-lab info` prints what the card takes; take a smaller model"
            }
            Error::Sequence { .. } => "the text; `lockstep-lab info` prints the longest sequence",
            Error::Corrupt { .. } => "card memory and its controller: `lockstep-lab selftest`, step memory",
            Error::Fenced { .. } => "the failures before; `lockstep-lab selftest`",
            Error::Recalled { .. } => {
                "who unplugs or binds the card: the end of `dmesg`; then `lockstep-lab list`"
            }
            Error::Disabled => "who resets the card: its power, the end of `dmesg`, another program",
            Error::NoModel { .. } | Error::NoModels | Error::Ended => "open the card again",
        };
        Self::new(error, next)
    }
}

/// What to check when a job ended with a status.
fn next_of(status: Status) -> &'static str {
    match status {
        Status::HostRead | Status::HostWrite | Status::DescriptorRead => {
            "`dmesg` for a fault of the IOMMU at this address; whether the bus master is on (`lspci -vv`)"
        }
        Status::CardRead | Status::CardWrite => {
            "card memory: is its controller calibrated; `lockstep-lab selftest`"
        }
        Status::BadInstruction => {
            "card memory: `lockstep-lab selftest`, step memory; then the version of the firmware"
        }
        Status::Watchdog | Status::Aborted => {
            "a larger --job-time if the card is simulated; else `lockstep-lab top`: which port or stall grows"
        }
        _ => "`lockstep-lab selftest`; the status is explained in REGISTERS.md",
    }
}

impl From<OpenError> for Problem {
    fn from(error: OpenError) -> Self {
        Self::from(&error)
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self::from(&error)
    }
}
