//! The driver over vfio-user on the mock and on the RTL: the stories of a card without faults, a
//! job that takes too long, a device process that ends.
#![allow(clippy::unwrap_used)]

mod support;

use std::time::Duration;

use lockstep_accel_abi::{Descriptor, Status};
use lockstep_accel_driver::{Card, CardEncoder, Error, Options};
use lockstep_accel_program::ArrayShape;
use lockstep_accel_stories::{Bench, Texts, encoding, model};
use support::{LANES, OPTIONS, endless, served, with_device};

#[test]
fn a_card_without_faults() {
    for card in served() {
        let capabilities = *card.open().unwrap().capabilities();
        assert_eq!((capabilities.engine, capabilities.tokens), (ArrayShape::new(LANES), 512));
        encoding::vectors(&card).unwrap();
        encoding::logits(&card).unwrap();
        encoding::outside_of_the_map(&card).unwrap();
        encoding::bad_sequences(&card).unwrap();
    }
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
        assert_eq!(encoder.encode(&texts.batch()).unwrap(), texts.reference(&model).unwrap());
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
