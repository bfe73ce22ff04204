//! The limit of memory that a process may lock. The kernel counts memory that a card reaches as
//! locked.

use rustix::process::{Resource, getrlimit};

/// The memory for a card goes beyond the limit of this process.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{bytes} bytes for the card go beyond the memory that this process may lock, {limit} bytes, of which {locked} are \
     locked; raise the limit (`ulimit -l`, memlock in /etc/security/limits.conf, LimitMEMLOCK= of a service), or use \
     fewer cards or less memory for each"
)]
pub(crate) struct LockLimit {
    /// Bytes of the memory for the card.
    bytes: u64,
    /// Bytes that the process may lock.
    limit: u64,
    /// Bytes that the process has locked.
    locked: u64,
}

impl LockLimit {
    /// The reason why `bytes` bytes cannot be locked, if it is the limit of this process.
    pub(crate) fn of_this_process(bytes: u64) -> Option<Self> {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        Self::exceeded(bytes, getrlimit(Resource::Memlock).current, &status)
    }

    /// `limit` is `None` where there is no limit; `status` is the text of `/proc/self/status`.
    fn exceeded(bytes: u64, limit: Option<u64>, status: &str) -> Option<Self> {
        let line = status.lines().find_map(|line| line.strip_prefix("VmLck:"));
        let kib: Option<u64> = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse().ok());
        let (limit, locked) = (limit?, kib.unwrap_or(0).saturating_mul(1024));
        (locked.saturating_add(bytes) > limit).then_some(Self { bytes, limit, locked })
    }
}

#[cfg(test)]
mod tests {
    use super::LockLimit;

    const STATUS: &str = "Name:\tedge-host\nVmLck:\t    4096 kB\nVmPin:\t       0 kB\n";

    #[test]
    fn only_what_goes_beyond_the_limit_is_its_fault() {
        let mib = |mib: u64| mib << 20;
        assert_eq!(LockLimit::exceeded(mib(4), Some(mib(8)), STATUS), None);
        assert_eq!(LockLimit::exceeded(mib(99), None, STATUS), None);
        assert_eq!(LockLimit::exceeded(mib(8), Some(mib(8)), "Name:\tx\n"), None);
        let reason = LockLimit::exceeded(mib(5), Some(mib(8)), STATUS);
        assert_eq!(reason, Some(LockLimit { bytes: mib(5), limit: mib(8), locked: mib(4) }));
        let text = reason.map(|reason| reason.to_string()).unwrap_or_default();
        assert!(text.starts_with(
            "5242880 bytes for the card go beyond the memory that this process may lock, 8388608 bytes, of which \
             4194304 are locked; raise the limit"
        ));
    }
}
