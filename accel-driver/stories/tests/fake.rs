//! The stories on the fake card of the driver's tests.
#![allow(clippy::unwrap_used)]

#[path = "../../driver/tests/fake/mod.rs"]
mod fake;

use std::time::Duration;

use fake::{Fake, expected};
use lockstep_accel_stories::{Bench, Moment, Result, encoding, matrix};
use lockstep_arith::encoder::Encoder;

impl Bench for Fake {
    type Transport = Self;

    fn connect(&self) -> Result<Self> {
        Ok(self.clone())
    }

    fn job_time(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn vector(&self, model: &Encoder, ids: &[u32], type_ids: &[u8]) -> Result<Vec<i32>> {
        Ok(expected(model, ids, type_ids))
    }
}

/// One test, because the matrix counts the open files of the process.
#[test]
fn a_card_without_faults_and_with_each_fault_at_each_moment() {
    encoding::vectors(&Fake::new()).unwrap();
    encoding::outside_of_the_map(&Fake::new()).unwrap();
    encoding::bad_sequences(&Fake::new()).unwrap();
    matrix::play(&Fake::new(), &Moment::ALL).unwrap();
}
