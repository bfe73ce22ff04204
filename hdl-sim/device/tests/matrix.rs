//! Each fault at each moment, on the mock and on the RTL. The matrix counts the open files of the
//! process, so no other test is in this program.
#![allow(clippy::unwrap_used)]

mod support;

use lockstep_accel_stories::{Moment, matrix};
use support::served;

#[test]
fn each_fault_at_each_moment() {
    let [mock, rtl] = served();
    matrix::play(&mock, &Moment::ALL).unwrap();
    matrix::play(&rtl, &[Moment::Running]).unwrap();
}

#[test]
#[ignore = "takes minutes: run `make test-faults`"]
fn each_fault_at_each_moment_on_the_rtl() {
    let [_, rtl] = served();
    matrix::play(&rtl, &Moment::ALL).unwrap();
}
