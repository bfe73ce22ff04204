//! Whether this process may open a PCI function through the kernel's VFIO. The files of the system
//! tell it, in the order in which an administrator sets them up.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::open_error::OpenError;

/// Kernel drivers that leave a function alone.
const HARMLESS: [&str; 3] = ["vfio-pci", "pci-stub", "pcieport"];

/// Where the system keeps its files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// A folder for each PCI function.
    pub functions: PathBuf,
    /// A file for each IOMMU group.
    pub groups: PathBuf,
}

impl Places {
    /// The places of a system whose root folder is `root`: `/` for this one.
    #[must_use]
    pub fn below(root: &Path) -> Self {
        Self { functions: root.join("sys/bus/pci/devices"), groups: root.join("dev/vfio") }
    }

    /// Checks whether this process can open a function, for example `0000:04:00.0`, step by step
    /// as an administrator sets them up. The file of the function's group is opened for a moment.
    ///
    /// # Errors
    /// The first step that is missing.
    pub fn check(&self, function: &str) -> Result<(), OpenError> {
        check(self, &format!("vfio:{function}"), function)
    }
}

/// Checks a function, for example `0000:04:00.0`. `device` is its name in errors.
pub(crate) fn check(places: &Places, device: &str, function: &str) -> Result<(), OpenError> {
    let device = || device.to_owned();
    let sysfs = places.functions.join(function);
    if !sysfs.exists() {
        return Err(OpenError::NoDevice { device: device() });
    }
    let group = link(&sysfs.join("iommu_group")).and_then(|name| name.parse().ok());
    let Some(group) = group else { return Err(OpenError::NoIommu { device: device() }) };
    let driver = link(&sysfs.join("driver"));
    if driver.as_deref() != Some("vfio-pci") {
        let (driver, sysfs) = (driver.unwrap_or_else(|| "none".into()), sysfs.display().to_string());
        return Err(OpenError::WrongDriver { device: device(), driver, sysfs });
    }
    let others = busy(&sysfs.join("iommu_group/devices"));
    if !others.is_empty() {
        return Err(OpenError::NotViable { device: device(), group, others: others.join(", ") });
    }
    let path = places.groups.join(group.to_string());
    match OpenOptions::new().read(true).write(true).open(&path) {
        // The kernel opens a group once at a time, so this file is closed again.
        Ok(_) => Ok(()),
        Err(source) => Err(refusal(device(), path.display().to_string(), source)),
    }
}

/// The error of a group's file that cannot be opened.
fn refusal(device: String, path: String, source: std::io::Error) -> OpenError {
    match source.kind() {
        ErrorKind::NotFound => OpenError::NoVfio { device, path },
        ErrorKind::PermissionDenied => OpenError::NoAccess { device, path },
        ErrorKind::ResourceBusy => OpenError::Held { device, path },
        _ => OpenError::Vfio { device, source: source.into() },
    }
}

/// The functions of a group that a kernel driver uses, each with its driver.
fn busy(group: &Path) -> Vec<String> {
    let mut busy: Vec<String> = std::fs::read_dir(group)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|function| {
            let driver = link(&function.path().join("driver"))?;
            let name = function.file_name().to_string_lossy().into_owned();
            (!HARMLESS.contains(&driver.as_str())).then(|| format!("{name} is bound to {driver}"))
        })
        .collect();
    busy.sort();
    busy
}

/// The last part of where a link leads.
fn link(path: &Path) -> Option<String> {
    Some(std::fs::read_link(path).ok()?.file_name()?.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs::{create_dir_all, remove_dir_all, write};
    use std::io::Error;
    use std::os::unix::fs::symlink;
    use std::path::PathBuf;

    use super::{Places, check, refusal};

    const CARD: &str = "0000:04:00.0";
    const OTHER: &str = "0000:04:00.1";

    /// A system with one card, whose files are in a folder of their own.
    struct System(PathBuf);

    impl System {
        fn new(name: &str) -> Self {
            let root = std::env::temp_dir().join(format!("lockstep-vfio-{}-{name}", std::process::id()));
            let system = Self(root);
            create_dir_all(system.0.join("dev")).unwrap();
            create_dir_all(system.0.join("groups/7/devices")).unwrap();
            system
        }

        fn add(&self, function: &str, driver: Option<&str>) {
            let folder = self.0.join("functions").join(function);
            create_dir_all(&folder).unwrap();
            symlink("../../groups/7", folder.join("iommu_group")).unwrap();
            symlink(&folder, self.0.join("groups/7/devices").join(function)).unwrap();
            if let Some(driver) = driver {
                symlink(format!("../../drivers/{driver}"), folder.join("driver")).unwrap();
            }
        }

        fn error(&self) -> String {
            let places = Places { functions: self.0.join("functions"), groups: self.0.join("dev") };
            let error = check(&places, "vfio:0000:04:00.0", CARD).unwrap_err().to_string();
            assert!(error.starts_with("vfio:0000:04:00.0: "), "{error}");
            error["vfio:0000:04:00.0: ".len()..].to_owned()
        }
    }

    impl Drop for System {
        fn drop(&mut self) {
            let _ = remove_dir_all(&self.0);
        }
    }

    #[test]
    fn each_step_that_is_missing_is_named() {
        let system = System::new("steps");
        assert_eq!(system.error(), "there is no such PCI function; `lspci -D -nn` lists the functions");
        create_dir_all(system.0.join("functions").join(CARD)).unwrap();
        assert!(system.error().starts_with("the function has no IOMMU group; switch the IOMMU on"));
        remove_dir_all(system.0.join("functions").join(CARD)).unwrap();
        system.add(CARD, None);
        assert!(system.error().starts_with("the kernel driver is none, not vfio-pci; as root write "));
        symlink("../../drivers/xdma", system.0.join("functions").join(CARD).join("driver")).unwrap();
        assert!(system.error().starts_with("the kernel driver is xdma, not vfio-pci; as root write "));
    }

    #[test]
    fn a_group_is_opened_when_all_is_ready() {
        let system = System::new("group");
        system.add(CARD, Some("vfio-pci"));
        system.add(OTHER, Some("snd_hda_intel"));
        let error = system.error();
        let expected = "IOMMU group 7 is not viable: 0000:04:00.1 is bound to snd_hda_intel; bind ";
        assert!(error.starts_with(expected), "{error}");
        std::fs::remove_file(system.0.join("functions").join(OTHER).join("driver")).unwrap();
        assert!(system.error().ends_with("dev/7 does not exist; load the kernel module vfio-pci"));
        write(system.0.join("dev/7"), "").unwrap();
        let places = Places { functions: system.0.join("functions"), groups: system.0.join("dev") };
        check(&places, "vfio:0000:04:00.0", CARD).unwrap();
    }

    #[test]
    fn the_kernel_s_refusals_have_their_reasons() {
        let message = |errno| {
            refusal("vfio:x".into(), "/dev/vfio/7".into(), Error::from_raw_os_error(errno)).to_string()
        };
        assert!(
            message(13).starts_with("vfio:x: no access to /dev/vfio/7; as root give the file to the user")
        );
        assert!(message(16).starts_with("vfio:x: another process holds /dev/vfio/7; `fuser -v /dev/vfio/7`"));
        assert!(message(5).starts_with("vfio:x: Input/output error"));
    }
}
