//! The processes that hold a file open. Those of other users are visible to root only.

use std::path::Path;

use serde::Serialize;

use super::root::Root;

/// A process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Holder {
    pub(crate) pid: u32,
    /// The name of its program, cut after 15 bytes.
    pub(crate) command: String,
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} (process {})", self.command, self.pid)
    }
}

/// The processes that hold the file of an IOMMU group.
pub(crate) fn of_group(root: &Root, group: u32) -> Vec<Holder> {
    // Links of /proc name files as the processes see them.
    let file = format!("/dev/vfio/{group}");
    all(root).into_iter().filter(|holder| files(root, holder.pid).any(|open| open == file)).collect()
}

/// All processes.
pub(super) fn all(root: &Root) -> Vec<Holder> {
    let folder = root.processes();
    let pids = Root::names(&folder).into_iter().filter_map(|name| name.parse().ok());
    let mut all: Vec<Holder> =
        pids.filter_map(|pid: u32| Some(Holder { pid, command: command(&folder, pid)? })).collect();
    all.sort_by_key(|holder| holder.pid);
    all
}

fn command(processes: &Path, pid: u32) -> Option<String> {
    Root::text(&processes.join(pid.to_string()).join("comm"))
}

/// What the open files of a process are.
pub(super) fn files(root: &Root, pid: u32) -> impl Iterator<Item = String> {
    let folder = root.processes().join(pid.to_string()).join("fd");
    let links = Root::names(&folder).into_iter().map(move |name| std::fs::read_link(folder.join(name)));
    links.flatten().map(|to| to.to_string_lossy().into_owned())
}
