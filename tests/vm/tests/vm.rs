//! Runs the driver in a virtual machine whose PCI card is the RTL. An access passes through the
//! driver, the guest kernel's VFIO, the emulated IOMMU, QEMU, vfio-user, and the device process.
//!
//! `make test-vm` downloads QEMU and a kernel, builds the guest's program, sets `LOCKSTEP_VM` to
//! their folder and runs this test. `cargo test` alone lists the test as ignored.
#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use lockstep_accel_device::{ServedCard, SimulationSetup};
use lockstep_vfio_user::Client;

const LANES: usize = 8;
/// Longest time from power-up of the machine to its power-off.
const LIMIT: Duration = Duration::from_secs(180);

#[test]
#[ignore = "needs QEMU and a guest: run `make test-vm`"]
fn the_driver_passes_over_the_kernel_s_vfio() {
    let folder = std::env::var_os("LOCKSTEP_VM").map(PathBuf::from);
    let folder = folder.expect("LOCKSTEP_VM names no folder with QEMU and a guest: run `make test-vm`");
    let socket = std::env::temp_dir().join(format!("lockstep-vm-{}", std::process::id()));
    let card = ServedCard::start(&socket, SimulationSetup::of_engine(LANES, 4 << 20)).unwrap();
    // QEMU waits at most five seconds for a reply, so the design must be built before QEMU starts.
    drop(Client::connect(&socket, Duration::from_secs(600)).unwrap());

    let device = format!(
        r#"{{"driver":"vfio-user-pci","id":"card","socket":{{"type":"unix","path":"{}"}}}}"#,
        socket.display()
    );
    let mut qemu = Command::new(folder.join("qemu/qemu"));
    qemu.args(["-machine", "q35,memory-backend=memory", "-accel", "tcg", "-cpu", "qemu64", "-m", "256"])
        .args(["-object", "memory-backend-memfd,id=memory,size=256M,share=on"])
        .args(["-device", "intel-iommu,intremap=on,caching-mode=on", "-device", &device])
        .args(["-nodefaults", "-no-user-config", "-display", "none", "-serial", "stdio", "-no-reboot"])
        .arg("-kernel")
        .arg(folder.join("guest/vmlinux"))
        .arg("-initrd")
        .arg(folder.join("guest/initramfs.gz"))
        .args(["-append", "console=ttyS0 quiet panic=-1 intel_iommu=on"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let begin = Instant::now();
    let mut qemu = qemu.spawn().unwrap();
    let (send, lines) = channel();
    let output = BufReader::new(qemu.stdout.take().unwrap());
    std::thread::spawn(move || {
        output.split(b'\n').map_while(Result::ok).try_for_each(|line| send.send(line))
    });
    let mut passed = false;
    loop {
        match lines.recv_timeout(LIMIT.saturating_sub(begin.elapsed())) {
            Ok(line) => {
                let line = String::from_utf8_lossy(&line).trim_end().to_owned();
                println!("{:6.2} s  {line}", begin.elapsed().as_secs_f64());
                passed |= line == "PASS";
            }
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                qemu.kill().unwrap();
                panic!("the machine did not switch itself off within {LIMIT:?}");
            }
        }
    }
    assert!(qemu.wait().unwrap().success());
    assert!(passed, "the guest's program did not pass");
    card.stop().unwrap();
}
