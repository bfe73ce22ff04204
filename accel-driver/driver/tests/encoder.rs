//! An encoder on the fake card.
#![allow(clippy::unwrap_used)]

mod fake;

use std::time::Duration;

use fake::{Fake, Fate, expected};
use lockstep_accel_abi::Status;
use lockstep_accel_driver::{Card, CardEncoder, Options, Sequence};
use lockstep_arith::encoder::Encoder;
use lockstep_arith::sample::{self, Random, Shape};

type Texts = Vec<(Vec<u32>, Vec<u8>)>;

fn options() -> Options {
    Options { ring_log2: 2, memory: 1 << 15, job_time: Duration::from_millis(60), ..Options::default() }
}

fn model(seed: u64) -> Encoder {
    sample::encoder(&Shape { layers: 1, ..Shape::SMALL }, seed)
}

fn encoder(fake: &Fake, model: &Encoder) -> CardEncoder<Fake> {
    CardEncoder::new(Card::open(fake.clone(), options()).unwrap(), model).unwrap()
}

fn texts(model: &Encoder, lengths: impl IntoIterator<Item = usize>, seed: u64) -> Texts {
    let mut random = Random::new(seed);
    lengths.into_iter().map(|n| sample::sequence(model, n, &mut random)).collect()
}

fn batch(texts: &Texts) -> Vec<Sequence<'_>> {
    texts.iter().map(|(ids, type_ids)| Sequence { ids, type_ids }).collect()
}

fn vectors(model: &Encoder, texts: &Texts) -> Vec<Vec<i32>> {
    texts.iter().map(|(ids, types)| expected(model, ids, types)).collect()
}

/// The second batch has the memory of the first one, and the card does not write there.
#[test]
fn vectors_of_the_request_before_do_not_pass() {
    let (fake, model) = (Fake::new(), model(1));
    let mut encoder = encoder(&fake, &model);
    let (first, second) = (texts(&model, [3, 9, 3], 1), texts(&model, [3, 9, 3], 2));
    assert_eq!(encoder.encode(&batch(&first)).unwrap(), vectors(&model, &first));
    fake.run_fates(&[Fate::Works, Fate::Ends(Status::Ok)]);
    let error = encoder.encode(&batch(&second)).unwrap_err().to_string();
    assert!(error.ends_with("ended with Ok, but word 0 of its vectors was not written"), "{error}");
    assert_eq!(encoder.encode(&batch(&second)).unwrap(), vectors(&model, &second));
}
