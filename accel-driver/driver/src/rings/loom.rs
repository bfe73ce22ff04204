//! Every order in which the loads and stores of driver and card may take effect (`make loom`). Loom
//! knows no store that overtakes an earlier load, so the fence of [`Rings::release`] is not tested.
#![allow(clippy::unwrap_used)]

use std::sync::atomic::Ordering;

use lockstep_accel_abi::{Completion, Descriptor, ring};
use lockstep_accel_memory::SharedMemory;
use loom::sync::{Arc, atomic::AtomicU32};
use loom::thread;

use super::Rings;

/// Two entries: the third record overwrites the first one.
const LOG2: u32 = 1;
const JOBS: u16 = 3;

/// What driver and card share: the memory of the rings, and the doorbells.
struct Shared {
    memory: SharedMemory,
    submit: AtomicU32,
    complete: AtomicU32,
}

/// Waits until a doorbell has rung for `index`, as the card does before it goes on.
fn heard(doorbell: &AtomicU32, index: u16) {
    while doorbell.load(Ordering::Acquire) < u32::from(index) {
        thread::yield_now();
    }
}

/// The card: takes each descriptor and answers it with a record whose members tell of the
/// descriptor. It overwrites a record once the driver has rung for the record.
fn card(shared: &Shared) {
    let memory = &shared.memory;
    let rings = Rings::new(LOG2);
    for index in 0..JOBS {
        heard(&shared.submit, index + 1);
        let slot = u64::from(ring::slot(index, LOG2));
        let mut bytes = [0; Descriptor::BYTES];
        memory.read(slot * Descriptor::BYTES as u64, &mut bytes).unwrap();
        let job = Descriptor::from_bytes(&bytes);
        heard(&shared.complete, (index + 1).saturating_sub(1 << LOG2));
        let flags = ring::phase(index, LOG2);
        let record = Completion { address: job.host_address, tag: job.tag, flags, ..Completion::default() };
        let bytes = record.to_bytes();
        let (first, last) = bytes.split_at(Completion::LAST_WORD);
        let at = rings.completions_at() + slot * Completion::BYTES as u64;
        memory.write(at, first).unwrap();
        let last = u32::from_le_bytes(last.try_into().unwrap());
        memory.store(at + first.len() as u64, last, Ordering::Release).unwrap();
    }
}

/// The card sees each descriptor whole, and the driver sees each record whole and once.
#[test]
fn descriptors_and_records_are_whole_in_every_order() {
    let mut model = loom::model::Builder::new();
    model.max_branches = 100_000;
    model.preemption_bound = None;
    model.check(|| {
        let mut rings = Rings::new(LOG2);
        let memory = SharedMemory::create("loom", rings.bytes() as usize).unwrap();
        let shared = Arc::new(Shared { memory, submit: AtomicU32::new(0), complete: AtomicU32::new(0) });
        let other = shared.clone();
        let device = thread::spawn(move || card(&other));
        for index in 0..JOBS {
            let host_address = 100 + u64::from(index);
            let job = Descriptor { host_address, ..Descriptor::nop(rings.next_tag()) };
            rings.push(&shared.memory, &job).unwrap();
            let ring = |doorbell: &AtomicU32, index: u16| {
                doorbell.store(index.into(), Ordering::Relaxed);
                Ok(())
            };
            rings.publish(|index| ring(&shared.submit, index)).unwrap();
            let (found, record) = loop {
                match rings.take(&shared.memory).unwrap() {
                    Some(taken) => break taken,
                    None => thread::yield_now(),
                }
            };
            assert_eq!((found, record.tag, record.address), (index, job.tag, host_address));
            rings.release(|index| ring(&shared.complete, index)).unwrap();
        }
        device.join().unwrap();
    });
}
