//! Each fault at each moment, on the mock and on the RTL. `make test` plays the RTL's in the
//! virtual machine, `make test-faults` plays all. The matrix counts the open files of the process,
//! so no other test runs at the same time.
#![allow(clippy::unwrap_used)]

mod support;

use lockstep_accel_stories::{Moment, matrix};
use support::{Served, setups};

#[test]
fn each_fault_at_each_moment() {
    let [mock, _] = setups();
    matrix::play(&Served::start(mock), &Moment::ALL).unwrap();
}

#[test]
#[ignore = "takes minutes: run `make test-faults`"]
fn each_fault_at_each_moment_on_the_rtl() {
    let [_, rtl] = setups();
    matrix::play(&Served::start(rtl), &Moment::ALL).unwrap();
}
