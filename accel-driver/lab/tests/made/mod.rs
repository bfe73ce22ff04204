//! A machine that is made of files in a temporary folder.
#![allow(clippy::unwrap_used)]

use std::ffi::OsString;
use std::fs::{create_dir_all, read_to_string, remove_dir_all, remove_file, write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;

/// A machine whose files are in a folder of their own.
pub(crate) struct Machine(pub(crate) PathBuf);

impl Machine {
    /// A machine with the module vfio-pci, and a user who may lock much memory.
    pub(crate) fn new(name: &str) -> Self {
        let root = std::env::temp_dir().join(format!("lockstep-lab-{}-{name}", std::process::id()));
        let _ = remove_dir_all(&root);
        for folder in
            ["sys/bus/pci/devices", "sys/bus/pci/drivers/vfio-pci", "dev/vfio", "proc/self", "proc/net"]
        {
            create_dir_all(root.join(folder)).unwrap();
        }
        write(root.join("sys/bus/pci/drivers_probe"), "").unwrap();
        let machine = Self(root);
        machine.locked_memory("67108864", "0000000000000000");
        machine
    }

    pub(crate) fn locked_memory(&self, bytes: &str, capabilities: &str) {
        let limits = format!("Limit\nMax locked memory         {bytes}    {bytes}    bytes\n");
        write(self.0.join("proc/self/limits"), limits).unwrap();
        write(self.0.join("proc/self/status"), format!("Name:\tx\nCapEff:\t{capabilities}\n")).unwrap();
    }

    pub(crate) fn function(&self, function: &str) -> PathBuf {
        self.0.join("sys/bus/pci/devices").join(function)
    }

    pub(crate) fn add(&self, function: &str, id: [&str; 2], driver: Option<&str>, group: Option<u32>) {
        let folder = self.function(function);
        create_dir_all(&folder).unwrap();
        write(folder.join("vendor"), format!("0x{}\n", id[0])).unwrap();
        write(folder.join("device"), format!("0x{}\n", id[1])).unwrap();
        write(folder.join("driver_override"), "(null)\n").unwrap();
        if let Some(group) = group {
            let devices = self.0.join(format!("sys/kernel/iommu_groups/{group}/devices"));
            create_dir_all(&devices).unwrap();
            symlink(&folder, devices.join(function)).unwrap();
            symlink(devices.parent().unwrap(), folder.join("iommu_group")).unwrap();
        }
        if let Some(driver) = driver {
            self.set_driver(function, driver);
        }
    }

    /// A card behind vfio-pci in group 7, whose file this user may open.
    pub(crate) fn ready(name: &str) -> Self {
        let machine = Self::new(name);
        machine.add("0000:04:00.0", ["1234", "4c53"], Some("vfio-pci"), Some(7));
        write(machine.0.join("dev/vfio/7"), "").unwrap();
        machine
    }

    pub(crate) fn set_driver(&self, function: &str, driver: &str) {
        let folder = self.0.join("sys/bus/pci/drivers").join(driver);
        create_dir_all(&folder).unwrap();
        write(folder.join("unbind"), "").unwrap();
        let link = self.function(function).join("driver");
        let _ = remove_file(&link);
        symlink(folder, link).unwrap();
    }

    pub(crate) fn process(&self, pid: u32, command: &str, files: &[&str]) {
        let folder = self.0.join(format!("proc/{pid}"));
        create_dir_all(folder.join("fd")).unwrap();
        write(folder.join("comm"), format!("{command}\n")).unwrap();
        for (i, file) in files.iter().enumerate() {
            symlink(file, folder.join(format!("fd/{i}"))).unwrap();
        }
    }

    /// Runs a command with `--json`: the exit code, and what it printed.
    pub(crate) fn lab(&self, line: &str) -> (u8, Value) {
        let (code, text) = self.run(&format!("--json {line}"));
        (code, serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}")))
    }

    pub(crate) fn run(&self, line: &str) -> (u8, String) {
        let root = self.0.to_str().unwrap();
        let words = ["lockstep-lab"].into_iter().chain(line.split(' ')).chain(["--root", root]);
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let code = lockstep_accel_lab::run(words.map(OsString::from), &mut out, &mut err);
        (code, String::from_utf8([out, err].concat()).unwrap())
    }

    /// Runs a command while a thread does the kernel's part: it binds a function that is written to
    /// `drivers_probe` to the driver of its `driver_override`, or to `otherwise`.
    pub(crate) fn with_kernel(&self, line: &str, otherwise: &str) -> (u8, Value) {
        let ended = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let probe = self.0.join("sys/bus/pci/drivers_probe");
                while !ended.load(Ordering::Acquire) {
                    let function = read_to_string(&probe).unwrap();
                    if let Some(function) = function.strip_suffix('\n').filter(|f| !f.is_empty()) {
                        let named = read_to_string(self.function(function).join("driver_override")).unwrap();
                        let driver = if named.trim().is_empty() { otherwise } else { named.trim() };
                        self.set_driver(function, driver);
                        write(&probe, "").unwrap();
                    }
                    std::thread::sleep(Duration::from_millis(1));
                }
            });
            let done = self.lab(line);
            ended.store(true, Ordering::Release);
            done
        })
    }

    pub(crate) fn text(&self, file: impl AsRef<Path>) -> String {
        read_to_string(self.0.join(file)).unwrap()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = remove_dir_all(&self.0);
    }
}
