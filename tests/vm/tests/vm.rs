//! Runs the driver and the daemon in a virtual machine whose PCI card is the RTL. An access passes
//! through the driver, the guest kernel's VFIO, the emulated IOMMU, QEMU, vfio-user, and the device
//! process. The card's answers are compared with those of a daemon outside of the machine.
//!
//! `make test-vm` and `make test-vm-real` download QEMU and a kernel, build the guest, set the
//! variables below, and run these tests. `cargo test` alone lists them as ignored.
#![allow(clippy::unwrap_used)]

mod machine;
mod native;

use std::path::{Path, PathBuf};
use std::time::Duration;

use lockstep_accel_device::{ServedCard, SimulationSetup};
use lockstep_accel_vm::{lines, requests};
use machine::Machine;
use native::Native;

/// Rows and columns of the array.
const LANES: usize = 8;
/// Longest time from power-up of the machine to its power-off.
const LIMIT: Duration = Duration::from_secs(240);
/// The same of the stories that take minutes.
const LONG: Duration = Duration::from_secs(3600);
/// Memory of the guest in a sealed file, which QEMU cannot cut.
const MEMFD: &str = "memory-backend-memfd";
/// Memory of the guest in a file that QEMU could cut, so each DMA is a copy by the kernel.
const FILE: &str = "memory-backend-file,mem-path=/dev/shm";

/// A folder or program that make names in the environment.
fn made(variable: &str) -> PathBuf {
    let path = std::env::var_os(variable).map(PathBuf::from);
    path.unwrap_or_else(|| panic!("{variable} is not set: run `make test-vm`"))
}

#[test]
#[ignore = "needs QEMU and a guest: run `make test-vm`"]
fn the_daemon_ranks_on_the_card_whatever_happens_to_the_card() {
    let model = made("LOCKSTEP_TINY").join("model");
    // The RTL reports so much card memory, and the lab tool tests whether it is there.
    assert_eq!(run("tiny.cpio", "", MEMFD, 1 << 30, LIMIT, &model), 1);
}

#[test]
#[ignore = "takes minutes: run `make test-faults`"]
fn each_fault_at_each_moment_over_the_kernel_s_vfio() {
    let model = made("LOCKSTEP_TINY").join("model");
    assert_eq!(run("tiny.cpio", "faults", FILE, 4 << 20, LONG, &model), 0);
}

#[test]
#[ignore = "simulates a real model for minutes: run `make test-vm-real`"]
fn a_real_model_ranks_on_the_card() {
    assert_eq!(run("real.cpio", "rank", MEMFD, 64 << 20, LONG, &made("LOCKSTEP_MODEL")), 1);
}

/// Runs a machine to its end. Returns how many answers of its card were compared.
fn run(
    image: &str,
    arguments: &str,
    memory: &str,
    card_bytes: usize,
    limit: Duration,
    model: &Path,
) -> usize {
    let socket = std::env::temp_dir().join(format!("lockstep-vm-{}-{image}", std::process::id()));
    let card = ServedCard::start(&socket, SimulationSetup::of_engine(LANES, card_bytes)).unwrap();

    let native = Native::start(&made("LOCKSTEP_HOST"), model);
    let mut machine = Machine::start(&made("LOCKSTEP_VM"), image, &socket, arguments, memory, limit);
    let (mut passed, mut compared) = (false, 0);
    while let Some(line) = machine.line() {
        println!("{:6.2} s  {line}", machine.age().as_secs_f64());
        match line.as_str() {
            lines::PASS => passed = true,
            line => {
                let Some(answer) = line.strip_prefix(lines::ANSWER) else { continue };
                let (candidates, body) = answer.split_once(' ').unwrap();
                let right = native.rank(candidates.parse().unwrap());
                assert!(requests::ranking(body).is_some(), "no ranking: {body}");
                assert_eq!(requests::ranking(body), requests::ranking(&right), "card and native engine");
                compared += 1;
            }
        }
    }
    assert!(passed, "the guest's program did not pass");
    card.stop().unwrap();
    compared
}
