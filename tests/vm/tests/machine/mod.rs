//! QEMU with a guest whose PCI card is a device process.
#![allow(unreachable_pub)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// A machine that runs. It ends with its drop.
pub struct Machine {
    qemu: Child,
    lines: Receiver<Vec<u8>>,
    begin: Instant,
    limit: Duration,
}

impl Machine {
    /// Starts a machine. Its card is the device process at the socket `card`; `folder` has QEMU and
    /// the kernel; the guest's program gets `arguments`. `memory` is QEMU's object of the guest's
    /// memory. The machine may run for `limit`.
    pub fn start(
        folder: &Path,
        image: &str,
        card: &Path,
        arguments: &str,
        memory: &str,
        limit: Duration,
    ) -> Self {
        let append = format!("console=ttyS0 quiet panic=-1 intel_iommu=on -- {arguments}");
        let mut qemu = Command::new(folder.join("qemu/qemu"));
        qemu.args(["-machine", "q35,memory-backend=memory", "-accel", "tcg", "-cpu", "max", "-m", "512"])
            .args(["-object", &format!("{memory},id=memory,size=512M,share=on")])
            .args(["-device", "intel-iommu,intremap=on,caching-mode=on"])
            .args(["-device", &device(card)])
            .args(["-nodefaults", "-no-user-config", "-display", "none", "-serial", "stdio", "-no-reboot"])
            .args([Path::new("-kernel"), &folder.join("guest/vmlinux")])
            .args([Path::new("-initrd"), &folder.join("guest").join(image)])
            .args(["-append", &append])
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        let mut qemu = qemu.spawn().unwrap();
        let (send, lines) = channel();
        let output = BufReader::new(qemu.stdout.take().unwrap());
        std::thread::spawn(move || {
            output.split(b'\n').map_while(Result::ok).try_for_each(|line| send.send(line))
        });
        Self { qemu, lines, begin: Instant::now(), limit }
    }

    /// The next line that the guest prints; `None` when the machine has switched itself off.
    pub fn line(&mut self) -> Option<String> {
        match self.lines.recv_timeout(self.limit.saturating_sub(self.begin.elapsed())) {
            Ok(line) => Some(String::from_utf8_lossy(&line).trim_end().to_owned()),
            Err(RecvTimeoutError::Disconnected) => {
                assert!(self.qemu.wait().unwrap().success());
                None
            }
            Err(RecvTimeoutError::Timeout) => {
                panic!("the machine did not switch itself off within {:?}", self.limit)
            }
        }
    }

    /// How long the machine has run.
    pub fn age(&self) -> Duration {
        self.begin.elapsed()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.qemu.kill();
        let _ = self.qemu.wait();
    }
}

/// The card as an option of QEMU.
fn device(socket: &Path) -> String {
    let socket = socket.display();
    format!(r#"{{"driver":"vfio-user-pci","id":"card","socket":{{"type":"unix","path":"{socket}"}}}}"#)
}
