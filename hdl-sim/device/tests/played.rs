//! Each fault that a card plays itself, in each job of a batch, on the mock and on the RTL.
#![allow(clippy::unwrap_used)]

mod support;

use lockstep_accel_device::{CardSetup, Faults, MockSetup, SimulationSetup};
use lockstep_accel_stories::played;
use support::{LANES, MIB, Served};

/// The faults that the mock and the RTL play. The RTL cannot hang, and `death` ends the process:
/// `faults.rs` and the tests of the daemon play it.
const FAULTS: [&str; 8] = [
    "lost-interrupt",
    "late-interrupt",
    "duplicate-interrupt",
    "late-record",
    "garbled-record",
    "dma-error",
    "all-ones",
    "wrong-result",
];

/// A fresh card with these faults.
fn served(list: Option<&str>, setup: impl Fn(Faults) -> CardSetup) -> Served {
    Served::start(setup(list.map_or_else(Faults::default, |list| list.parse().unwrap())))
}

#[test]
fn on_the_mock() {
    let mock = |faults| MockSetup { faults, ..MockSetup::new(LANES, MIB << 20) }.into();
    played::play(&[&FAULTS[..], &["hang"]].concat(), |list| Ok(served(list, mock))).unwrap();
}

#[test]
#[ignore = "takes minutes: run `make test-faults`"]
fn on_the_rtl() {
    let rtl = |faults| SimulationSetup { faults, ..SimulationSetup::of_engine(LANES, MIB << 20) }.into();
    played::play(&FAULTS, |list| Ok(served(list, rtl))).unwrap();
}
