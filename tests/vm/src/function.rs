//! The card as a PCI function of the guest, as its administrator sees it: files in `/sys` and
//! `/dev`.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use lockstep_accel_abi::{PCI_DEVICE, PCI_VENDOR};
use lockstep_accel_vm::Result;

use crate::wait::{LIMIT, until};

/// A PCI function with the ids of the card.
#[derive(Clone, Debug)]
pub(crate) struct Function {
    /// Domain, bus, device and function: `0000:01:00.0`.
    pub(crate) name: String,
    path: PathBuf,
}

impl Function {
    /// Finds the card.
    pub(crate) fn find() -> Option<Self> {
        fs::read_dir("/sys/bus/pci/devices").ok()?.flatten().find_map(|function| {
            let path = function.path();
            let id = |name| fs::read_to_string(path.join(name)).unwrap_or_default();
            let is = |name, number: u16| id(name).trim() == format!("{number:#06x}");
            let card = is("vendor", PCI_VENDOR) && is("device", PCI_DEVICE);
            card.then(|| Self { name: function.file_name().to_string_lossy().into_owned(), path })
        })
    }

    /// Waits for the card.
    pub(crate) fn await_card() -> Result<Self> {
        until("the card is there", || Self::find().is_some())?;
        Ok(Self::find().ok_or("the card is gone again")?)
    }

    /// Waits for the card, binds it to `vfio-pci`, and gives its IOMMU group to a user.
    pub(crate) fn prepare(user: u32) -> Result<Self> {
        let card = Self::await_card()?;
        fs::write(card.path.join("driver_override"), "vfio-pci")?;
        fs::write("/sys/bus/pci/drivers_probe", &card.name)?;
        let group = fs::read_link(card.path.join("iommu_group"))?;
        let file = PathBuf::from("/dev/vfio").join(group.file_name().unwrap_or_default());
        std::os::unix::fs::chown(&file, Some(user), Some(user))?;
        // The file that opens a container is everybody's on most systems.
        let everybody = <fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o666);
        fs::set_permissions("/dev/vfio/vfio", everybody)?;
        println!("{} is bound to vfio-pci, {} belongs to user {user}", card.name, file.display());
        Ok(card)
    }

    /// The card's address, as an option of the daemon.
    pub(crate) fn address(&self) -> String {
        format!("vfio:{}", self.name)
    }

    /// How many interrupts of the card came to its program.
    pub(crate) fn interrupts() -> u64 {
        let table = fs::read_to_string("/proc/interrupts").unwrap_or_default();
        let counts = table.lines().filter(|line| line.contains("vfio-msix"));
        counts.filter_map(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok()).sum()
    }

    /// Resets the function behind the back of its program.
    pub(crate) fn reset(&self) -> Result<()> {
        Ok(fs::write(self.path.join("reset"), "1")?)
    }

    /// Switches the function's registers off behind the back of its program: all of them read as
    /// ones, as those of a card without power, until the function is reset.
    pub(crate) fn fall_off_the_bus(&self) -> Result<()> {
        const COMMAND: u64 = 4;
        let config = fs::OpenOptions::new().write(true).open(self.path.join("config"))?;
        Ok(config.write_all_at(&[0, 0], COMMAND)?)
    }

    /// Takes the function away from its program, and from the system. The kernel waits until the
    /// program has closed it.
    pub(crate) fn remove(&self) -> Result<Duration> {
        let (path, begin) = (self.path.join("remove"), Instant::now());
        let (done, removed) = channel();
        std::thread::spawn(move || done.send(fs::write(path, "1")));
        removed.recv_timeout(LIMIT).map_err(|_| "the program keeps a card that the system recalls")??;
        Ok(begin.elapsed())
    }

    /// Lets the system look for new functions.
    pub(crate) fn rescan() -> Result<()> {
        Ok(fs::write("/sys/bus/pci/rescan", "1")?)
    }
}
