//! The limit of locked memory: what the kernel's VFIO maps for a card is locked.

use lockstep_accel_driver::Options;
use serde::Serialize;

use crate::problem::Problem;

use super::root::Root;

/// How much memory this process may lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct LockedMemory {
    /// Bytes; none for no limit.
    pub(crate) bytes: Option<u64>,
}

/// The capability of a process that no limit of locked memory holds for.
const CAP_IPC_LOCK: u32 = 14;

/// Reads the limit of this process.
pub(crate) fn locked_memory(root: &Root) -> LockedMemory {
    let own = root.processes().join("self");
    let limits = Root::text(&own.join("limits")).unwrap_or_default();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max locked memory"));
    let bytes = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    let status = Root::text(&own.join("status")).unwrap_or_default();
    let capabilities = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let capabilities = capabilities.and_then(|text| u64::from_str_radix(text.trim(), 16).ok());
    let privileged = capabilities.is_some_and(|bits| bits >> CAP_IPC_LOCK & 1 == 1);
    LockedMemory { bytes: bytes.filter(|_| !privileged) }
}

impl LockedMemory {
    /// Whether the memory that the driver maps fits.
    pub(crate) fn check(self) -> Result<(), Problem> {
        let needed = Options::DEFAULT.memory as u64;
        match self.bytes.filter(|bytes| *bytes < needed) {
            None => Ok(()),
            Some(bytes) => Err(Problem::new(
                format_args!(
                    "a process may lock {bytes} bytes of memory; the driver maps {needed} for a card"
                ),
                "raise the limit: `ulimit -l`, memlock in /etc/security/limits.conf, or LimitMEMLOCK= of the service",
            )),
        }
    }
}
