//! A virtual machine whose PCI card is the RTL: driver → kernel VFIO → emulated IOMMU → QEMU → vfio-user → device process.
//!
//! `make test-vm` gets QEMU, the kernel and the guest's program, and says where they are in `LOCKSTEP_VM`.
#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use lockstep_accel_device::{ServedCard, SimulationSetup};
use lockstep_vfio_user::Client;

const LANES: usize = 8;
/// The whole run, from power-up to power-off.
const LIMIT: Duration = Duration::from_secs(180);

#[test]
fn the_driver_passes_over_the_kernel_s_vfio() {
    let Some(folder) = std::env::var_os("LOCKSTEP_VM").map(PathBuf::from) else {
        println!("left out: `make test-vm` runs it");
        return;
    };
    let socket = std::env::temp_dir().join(format!("lockstep-vm-{}", std::process::id()));
    let card = ServedCard::start(&socket, SimulationSetup::of_engine(LANES, 4 << 20)).unwrap();
    // QEMU waits five seconds for an answer: the design is built before.
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
