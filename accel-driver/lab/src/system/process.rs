//! Device processes: `lockstep-card` and its sockets.

use serde::Serialize;

use super::holder::{self, Holder};
use super::root::Root;

/// A socket of a device process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct DeviceSocket {
    /// `vfio-user:PATH`, with the path as the process gave it.
    pub(crate) address: String,
    pub(crate) process: Holder,
    /// A client is connected; the next one must wait.
    pub(crate) in_use: bool,
}

/// A line of `/proc/net/unix`.
struct Socket<'a> {
    inode: &'a str,
    path: &'a str,
    listens: bool,
}

impl<'a> Socket<'a> {
    /// The flag of a socket that listens.
    const LISTENS: u32 = 1 << 16;

    /// Reads `address: count protocol flags type state inode path`. A socket without a path is of
    /// no interest.
    fn parse(line: &'a str) -> Option<Self> {
        let mut words = line.split_whitespace().skip(3);
        let flags = u32::from_str_radix(words.next()?, 16).ok()?;
        let inode = words.nth(2)?;
        let path = line.split_once(&format!(" {inode} "))?.1;
        Some(Self { inode, path, listens: flags & Self::LISTENS != 0 })
    }
}

/// The sockets of all device processes that this user may look at.
pub(crate) fn sockets(root: &Root) -> Vec<DeviceSocket> {
    let table = Root::text(&root.processes().join("net/unix")).unwrap_or_default();
    let sockets: Vec<Socket<'_>> = table.lines().skip(1).filter_map(Socket::parse).collect();
    let mut found = Vec::new();
    for process in holder::all(root).into_iter().filter(|process| process.command == "lockstep-card") {
        let files: Vec<String> = holder::files(root, process.pid).collect();
        let own = |socket: &&Socket<'_>| files.contains(&format!("socket:[{}]", socket.inode));
        for listening in sockets.iter().filter(|socket| socket.listens).filter(own) {
            // A connection has the path of the socket that accepted it.
            let in_use = sockets.iter().filter(own).any(|s| !s.listens && s.path == listening.path);
            let address = format!("vfio-user:{}", listening.path);
            found.push(DeviceSocket { address, process: process.clone(), in_use });
        }
    }
    found
}
