//! The driver over vfio-user on the mock and on the RTL: vectors of an encoder, a job that takes
//! too long, a device process that ends.
#![allow(clippy::unwrap_used)]

mod support;

use std::time::Duration;

use lockstep_accel_abi::events::Event;
use lockstep_accel_abi::{Descriptor, Status};
use lockstep_accel_driver::{Card, CardEncoder, Error, Options, Sequence};
use lockstep_accel_program::ArrayShape;
use support::{LANES, OPTIONS, Texts, endless, model, with_device};

#[test]
fn a_ragged_batch_is_the_reference_s() {
    with_device(|client, _device| {
        let model = model(5);
        let card = Card::open(client, OPTIONS).unwrap();
        assert_eq!(card.capabilities().engine, ArrayShape::new(LANES));
        assert_eq!(card.capabilities().tokens, 512);
        let mut encoder = CardEncoder::new(card, &model).unwrap();
        assert_eq!(encoder.encode(&[]).unwrap(), Vec::<Vec<i32>>::new());
        let lengths = [&[3, 9, 1, 3, 9][..], &[3; 30]].concat();
        let texts = Texts::new(&model, &lengths, 9);
        assert_eq!(encoder.encode(&texts.batch()).unwrap(), texts.expected(&model));

        // A reset may clear card memory, so the encoder copies the model again.
        encoder.reset().unwrap();
        let texts = Texts::new(&model, &[3, 9], 9);
        assert_eq!(encoder.encode(&texts.batch()).unwrap(), texts.expected(&model));
        assert_eq!(encoder.card().counter(Event::JobsFailed).unwrap(), 0);
        assert!(encoder.card().interrupts() > 0);

        // The card takes another model afterwards.
        let other = support::model(6);
        let mut encoder = CardEncoder::new(encoder.into_card(), &other).unwrap();
        assert_eq!(encoder.encode(&texts.batch()).unwrap(), texts.expected(&other));

        // Two models lie beside each other.
        let beside = encoder.add(&model).unwrap();
        assert_eq!(encoder.encode_by(beside, &texts.batch()).unwrap(), texts.expected(&model));
        assert_eq!(encoder.encode(&texts.batch()).unwrap(), texts.expected(&other));
    });
}

#[test]
fn logits_of_a_classifier_are_the_reference_s() {
    with_device(|client, _device| {
        // The pooling of a model with a head means nothing: the head takes the first row.
        let classifier = support::classifier(7, 3);
        let mut encoder = CardEncoder::new(Card::open(client, OPTIONS).unwrap(), &classifier).unwrap();
        let texts = Texts::new(&classifier, &[3, 9, 1, 12], 9);
        assert_eq!(encoder.encode(&texts.batch()).unwrap(), texts.expected(&classifier));

        // A model without a head beside it keeps its vectors.
        let model = model(5);
        let beside = encoder.add(&model).unwrap();
        assert_eq!(encoder.encode_by(beside, &texts.batch()).unwrap(), texts.expected(&model));
        assert_eq!(encoder.encode(&[]).unwrap(), Vec::<Vec<i32>>::new());
    });
}

#[test]
fn bad_sequences_are_named_before_the_card_sees_them() {
    with_device(|client, _device| {
        let mut encoder = CardEncoder::new(Card::open(client, OPTIONS).unwrap(), &model(5)).unwrap();
        let mut refused = |ids: &[u32], types: &[u8]| {
            let good = Sequence { ids: &[1], type_ids: &[0] };
            let bad = Sequence { ids, type_ids: types };
            encoder.encode(&[good, bad]).unwrap_err().to_string()
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
        let model = model(5);
        let options = Options { job_time: Duration::from_secs(4), ..OPTIONS };
        let mut card = Card::open(client, options).unwrap();
        let endless = endless(&mut card, 0);
        let outcomes = card.execute(&[endless, Descriptor::nop(0)]).unwrap();
        assert_eq!(outcomes[0].status, Status::Aborted);
        assert_eq!(outcomes[1].status, Status::Ok, "the job behind it");
        assert_eq!(card.resets(), 0);
        let mut encoder = CardEncoder::new(card, &model).unwrap();
        let texts = Texts::new(&model, &[3], 9);
        assert_eq!(encoder.encode(&texts.batch()).unwrap(), texts.expected(&model));
    });
}

#[test]
fn a_device_process_that_ends_is_an_error() {
    with_device(|client, device| {
        let model = model(5);
        let mut encoder = CardEncoder::new(Card::open(client, OPTIONS).unwrap(), &model).unwrap();
        device.stop().unwrap();
        let error = encoder.encode(&Texts::new(&model, &[3], 9).batch()).unwrap_err();
        assert!(matches!(error, Error::Transport { .. }), "{error}");
    });
}
