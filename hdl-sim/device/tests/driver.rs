//! The driver over vfio-user on the RTL: vectors of an encoder, and what happens when a job or the device process ends too early.
#![allow(clippy::unwrap_used)]

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use lockstep_accel_abi::events::Event;
use lockstep_accel_device::{ServedCard, SimulationSetup};
use lockstep_accel_driver::{Card, CardEncoder, Error, Options, Sequence};
use lockstep_accel_program::Engine;
use lockstep_arith::encoder::{Encoder, Pooling};
use lockstep_arith::sample::{self, Random, Shape};
use lockstep_vfio_user::Client;

const LANES: usize = 8;

/// Runs `client` with a device that serves the RTL.
fn with_device(client: impl FnOnce(Client, ServedCard)) {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let name = format!("lockstep-driver-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let path = std::env::temp_dir().join(name);
    let setup = SimulationSetup::of_engine(LANES, 4 << 20);
    let device = ServedCard::start(&path, setup).unwrap();
    // The design may have to be built first.
    client(Client::connect(&path, Duration::from_secs(600)).unwrap(), device);
}

fn model() -> Encoder {
    sample::encoder(&Shape { layers: 1, pooling: Pooling::Mean, ..Shape::SMALL }, 5)
}

/// Random sequences of some lengths.
fn texts(model: &Encoder, lengths: &[usize]) -> Vec<(Vec<u32>, Vec<u8>)> {
    let mut random = Random::new(9);
    lengths.iter().map(|&n| sample::sequence(model, n, &mut random)).collect()
}

fn batch(texts: &[(Vec<u32>, Vec<u8>)]) -> Vec<Sequence<'_>> {
    texts.iter().map(|(ids, type_ids)| Sequence { ids, type_ids }).collect()
}

fn expected(model: &Encoder, texts: &[(Vec<u32>, Vec<u8>)]) -> Vec<Vec<i32>> {
    texts.iter().map(|(ids, types)| model.forward(ids, types).unwrap()).collect()
}

/// Little memory for data, so that copies and batches come in pieces.
const OPTIONS: Options =
    Options { ring_log2: 1, memory: 6000, iova: 0x7_0000_0000, job_time: Duration::from_secs(60) };

#[test]
fn a_ragged_batch_is_the_reference_s() {
    with_device(|client, _device| {
        let model = model();
        let mut card = Card::open(client, OPTIONS).unwrap();
        assert_eq!(card.capabilities().engine, Engine::new(LANES));
        assert_eq!(card.capabilities().tokens, 512);
        let mut encoder = CardEncoder::new(&card, &model).unwrap();
        assert_eq!(encoder.encode(&mut card, &[]).unwrap(), Vec::<Vec<i32>>::new());
        let lengths = [&[3, 9, 1, 3, 9][..], &[3; 30]].concat();
        let texts = texts(&model, &lengths);
        assert_eq!(encoder.encode(&mut card, &batch(&texts)).unwrap(), expected(&model, &texts));

        // What was in card memory counts as lost with a reset, and is copied again.
        card.reset().unwrap();
        assert_eq!(encoder.encode(&mut card, &batch(&texts[..2])).unwrap(), expected(&model, &texts[..2]));
        assert_eq!(card.counter(Event::JobsFailed).unwrap(), 0);
        assert!(card.interrupts() > 0);
    });
}

#[test]
fn bad_sequences_are_named_before_the_card_sees_them() {
    with_device(|client, _device| {
        let model = model();
        let mut card = Card::open(client, OPTIONS).unwrap();
        let mut encoder = CardEncoder::new(&card, &model).unwrap();
        let mut refused = |ids: &[u32], types: &[u8]| {
            let good = Sequence { ids: &[1], type_ids: &[0] };
            encoder.encode(&mut card, &[good, Sequence { ids, type_ids: types }]).unwrap_err().to_string()
        };
        assert!(refused(&[], &[]).starts_with("sequence 1: a sequence of 0 tokens"));
        assert_eq!(refused(&[1, 2], &[0]), "sequence 1: 1 type ids for 2 tokens");
        assert!(refused(&[1 << 24], &[0]).starts_with("sequence 1: token id 16777216"));
        assert!(refused(&[1], &[9]).starts_with("sequence 1: token type 9"));
    });
}

#[test]
fn a_job_that_takes_too_long_is_aborted() {
    with_device(|client, _device| {
        let model = model();
        let options = Options { memory: 1 << 20, job_time: Duration::from_secs(4), ..OPTIONS };
        let mut card = Card::open(client, options).unwrap();
        let mut encoder = CardEncoder::new(&card, &model).unwrap();
        // Minutes beside a fraction of a second.
        let (long, short) = (texts(&model, &[20; 1000]), texts(&model, &[3]));
        let error = encoder.encode(&mut card, &batch(&long)).unwrap_err();
        assert!(error.to_string().contains("Aborted"), "{error}");
        assert_eq!(card.resets(), 0);
        assert_eq!(encoder.encode(&mut card, &batch(&short)).unwrap(), expected(&model, &short));
    });
}

#[test]
fn a_device_process_that_ends_is_an_error() {
    with_device(|client, device| {
        let model = model();
        let mut card = Card::open(client, OPTIONS).unwrap();
        let mut encoder = CardEncoder::new(&card, &model).unwrap();
        device.stop().unwrap();
        let texts = texts(&model, &[3]);
        let error = encoder.encode(&mut card, &batch(&texts)).unwrap_err();
        assert!(matches!(error, Error::Transport { .. }), "{error}");
    });
}
