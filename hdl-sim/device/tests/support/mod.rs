//! Devices on the RTL, small models and random texts.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use lockstep_accel_device::{ServedCard, SimulationSetup};
use lockstep_accel_driver::{Options, Sequence};
use lockstep_arith::encoder::{Encoder, Pooling};
use lockstep_arith::sample::{self, Random, Shape};
use lockstep_vfio_user::Client;

/// Rows and columns of the array.
pub const LANES: usize = 8;
/// MiB of card memory.
pub const MIB: usize = 4;
/// The first client of a design may have to wait until Verilator has built the design.
pub const BUILT: Duration = Duration::from_secs(600);
/// Little memory for data, so that the driver must split copies and batches.
pub const OPTIONS: Options =
    Options { ring_log2: 1, memory: 6000, iova: 0x7_0000_0000, job_time: Duration::from_secs(60) };

/// A path for a socket that no other test uses.
pub fn socket() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let name = format!("lockstep-card-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    std::env::temp_dir().join(name)
}

/// Calls `test` with a client of a device on threads of this process.
pub fn with_device(test: impl FnOnce(Client, ServedCard)) {
    let path = socket();
    let device = ServedCard::start(&path, SimulationSetup::of_engine(LANES, MIB << 20)).unwrap();
    test(Client::connect(&path, BUILT).unwrap(), device);
}

/// A random model with one layer. Models of different seeds give different vectors.
pub fn model(seed: u64) -> Encoder {
    sample::encoder(&Shape { layers: 1, pooling: Pooling::Mean, ..Shape::SMALL }, seed)
}

/// Random token ids and token types.
pub struct Texts(Vec<(Vec<u32>, Vec<u8>)>);

impl Texts {
    /// One sequence for each length.
    pub fn new(model: &Encoder, lengths: &[usize], seed: u64) -> Self {
        let mut random = Random::new(seed);
        Self(lengths.iter().map(|&n| sample::sequence(model, n, &mut random)).collect())
    }

    pub fn batch(&self) -> Vec<Sequence<'_>> {
        self.0.iter().map(|(ids, type_ids)| Sequence { ids, type_ids }).collect()
    }

    /// The reference's vectors.
    pub fn expected(&self, model: &Encoder) -> Vec<Vec<i32>> {
        self.0.iter().map(|(ids, types)| model.forward(ids, types).unwrap()).collect()
    }
}
