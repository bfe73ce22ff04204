//! The lab tool's `selftest`: good cards pass each step, and a faulty one fails at the step that
//! tells the fault.
#![allow(clippy::unwrap_used)]

mod lab_bench;
mod support;

use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use lab_bench::{Bench, lab};
use lockstep_accel_abi::registers;
use lockstep_accel_abi::{PCI_DEVICE, PCI_VENDOR, codes};
use lockstep_vfio_user::{Bus, Device, Ended, Errno, Server, region};
use serde_json::json;
use support::{MIB, mock, rtl, socket};

const STEPS: [&str; 8] =
    ["identity", "registers", "clock", "interrupts", "queue", "copies", "memory", "answers"];

#[test]
fn a_good_card_passes_each_step() {
    for (setup, mib) in [(mock(), MIB), (rtl(), 1024)] {
        println!("{setup:?}");
        let (code, report) = Bench::new(setup).json("selftest", &[]);
        assert_eq!((code, &report["passed"]), (0, &json!(true)), "{report}");
        let steps = report["steps"].as_array().unwrap();
        assert_eq!(steps.iter().map(|step| step["name"].as_str().unwrap()).collect::<Vec<_>>(), STEPS);
        for step in steps {
            assert_eq!(step["result"], "ok", "{step}");
        }
        assert_eq!(steps[4]["facts"], "300 jobs; 5 wrong commands refused");
        assert_eq!(steps[5]["facts"], "84 copies at page borders");
        let blocks = (mib << 20).ilog2() - 4;
        assert_eq!(steps[6]["facts"], format!("{blocks} blocks of {mib} MiB"));
        assert_eq!(steps[7]["facts"], "14 vectors of 2 models are the reference's");
    }
}

/// The interrupts take one job, the rings 305, the copies 84, card memory 36.
#[test]
fn a_faulty_card_fails_at_the_step_that_tells_the_fault() {
    for (faults, failed, error, next) in [
        ("lost-interrupt@1", "interrupts", "its interrupt did not come", "INT_STATUS"),
        ("all-ones@3", "queue", "the card is gone", "lspci"),
        ("garbled-record@4", "queue", "is impossible", "order of the bridge's writes"),
        ("dma-error@307", "copies", "HostRead", "IOMMU"),
        ("wrong-result@308", "copies", "is 0x", "bursts that end at 4 KiB"),
        ("wrong-result@409", "memory", "does not hold what was written", "controller of card memory"),
        ("wrong-result@428", "answers", "card memory differs from", "step memory"),
    ] {
        let bench = Bench::faulty(faults);
        let (code, report) = bench.json("selftest", &[]);
        assert_eq!((code, &report["passed"]), (1, &json!(false)), "{faults}: {report}");
        let at = STEPS.iter().position(|step| *step == failed).unwrap();
        for (i, step) in report["steps"].as_array().unwrap().iter().enumerate() {
            let expected = ["ok", "failed", "skipped"][(i >= at) as usize + (i > at) as usize];
            assert_eq!(step["result"], expected, "{faults}: {report}");
        }
        let problem = &report["steps"][at]["problem"];
        assert!(problem["error"].as_str().unwrap().contains(error), "{faults}: {problem}");
        assert!(problem["next"].as_str().unwrap().contains(next), "{faults}: {problem}");
    }
}

#[test]
fn a_wrong_vector_is_noticed_and_the_other_steps_can_go_on() {
    let wrong = (429..450).find_map(|job| {
        let (code, text) = Bench::faulty(&format!("wrong-result@{job}")).text(&["selftest"], &[]);
        assert_eq!(code, u8::from(text.contains("FAILED")), "{text}");
        text.contains("of 64 elements differ; element 0 is ").then_some(text)
    });
    let wrong = wrong.expect("one of these jobs runs a program");
    assert!(wrong.contains("next: ") && wrong.contains(" the timing of the design"), "{wrong}");

    let (code, text) = Bench::faulty("dma-error@307").text(&["selftest"], &["--keep-going"]);
    assert_eq!(code, 1);
    assert!(text.contains("copies      FAILED") && text.contains("answers     ok"), "{text}");
}

/// A card with the firmware of another release.
struct OldCard;

impl Device for OldCard {
    fn regions(&self) -> [u64; region::COUNT as usize] {
        let mut regions = [0; region::COUNT as usize];
        regions[region::BAR0 as usize] = 8192;
        regions[region::CONFIG as usize] = 256;
        regions
    }

    fn read(&mut self, region: u32, offset: u64, to: &mut [u8]) -> Result<(), Errno> {
        let value = match (region, offset as u32) {
            (region::CONFIG, 0) => u32::from(PCI_DEVICE) << 16 | u32::from(PCI_VENDOR),
            (region::BAR0, registers::ID) => codes::ID_VALUE,
            (region::BAR0, registers::VERSION) => 7 << 16 | 3,
            _ => 0,
        };
        to.copy_from_slice(&value.to_le_bytes()[..to.len()]);
        Ok(())
    }

    fn write(&mut self, _: u32, _: u64, _: &[u8]) -> Result<(), Errno> {
        Ok(())
    }

    fn reset(&mut self) -> Result<(), Errno> {
        Ok(())
    }
}

#[test]
fn a_card_of_another_release_is_refused_and_its_registers_are_printed() {
    let path = socket();
    let server = Server::bind(&path, Arc::new(Bus::new(2))).unwrap();
    let (stop, stopped) = UnixStream::pair().unwrap();
    let address = format!("vfio-user:{}", path.display());
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let serve = || server.serve(&mut OldCard, stopped.as_fd());
            while matches!(serve(), Ok(Ended::Disconnected)) {}
        });
        let (code, text) = lab(&["info", &address]);
        assert_eq!(code, 1);
        assert!(
            text.contains("VERSION is 0x70003; this driver needs 0x10000; install the firmware"),
            "{text}"
        );
        assert!(text.contains("next: `lockstep-lab regs` prints ID, VERSION and BUILD_ID"), "{text}");
        let (code, text) = lab(&["regs", &address, "VERSION"]);
        assert_eq!(code, 0, "{text}");
        assert!(text.contains("MAJOR = 7:"), "{text}");
        drop(stop);
    });
    let (code, text) = lab(&["selftest", &address]);
    assert_eq!(code, 1);
    assert!(text.contains("identity    FAILED") && text.contains("no device process listens"), "{text}");
}
