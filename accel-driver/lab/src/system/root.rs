//! The root folder of the system's files.

use std::path::{Path, PathBuf};

use clap::Args;

/// The root folder on the command line.
#[derive(Debug, Args)]
pub(crate) struct RootArguments {
    /// The folder that holds sys, proc and dev of the machine.
    #[arg(long, value_name = "FOLDER", default_value = "/")]
    root: PathBuf,
}

impl RootArguments {
    pub(crate) fn root(&self) -> Root {
        Root(self.root.clone())
    }
}

/// The root folder of the system's files. A part that is not there is like an empty one.
#[derive(Clone, Debug)]
pub(crate) struct Root(PathBuf);

impl Root {
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// The folder of a PCI function.
    pub(crate) fn function(&self, function: &str) -> PathBuf {
        self.0.join("sys/bus/pci/devices").join(function)
    }

    /// The folder of the PCI bus.
    pub(crate) fn pci(&self) -> PathBuf {
        self.0.join("sys/bus/pci")
    }

    /// The file of an IOMMU group.
    pub(crate) fn group(&self, group: u32) -> PathBuf {
        self.0.join("dev/vfio").join(group.to_string())
    }

    /// The folder of the processes.
    pub(crate) fn processes(&self) -> PathBuf {
        self.0.join("proc")
    }

    /// The names in a folder, sorted.
    pub(crate) fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let mut names: Vec<String> =
            entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// The text of a file without white space around it.
    pub(crate) fn text(file: &Path) -> Option<String> {
        Some(String::from_utf8_lossy(&std::fs::read(file).ok()?).trim().to_owned())
    }

    /// The last part of where a link leads.
    pub(crate) fn link(path: &Path) -> Option<String> {
        Some(std::fs::read_link(path).ok()?.file_name()?.to_string_lossy().into_owned())
    }
}
