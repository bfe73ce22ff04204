//! An encoder on the fake card: card memory, mistakes of the card, tries.
#![allow(clippy::unwrap_used)]

mod fake;
mod texts;

use std::time::Duration;

use fake::{Fake, Fate, LANES, expected};
use lockstep_accel_abi::{Opcode, Status};
use lockstep_accel_driver::{Card, CardEncoder, CardState, Error, JobCounts, Options, RecoveryPolicy};
use lockstep_accel_program::{ArrayShape, Image, Program};
use lockstep_arith::encoder::Encoder;
use texts::{Texts, model};

fn options() -> Options {
    let recovery = RecoveryPolicy { pause: Duration::from_secs(3600), ..RecoveryPolicy::DEFAULT };
    let job_time = Duration::from_millis(60);
    Options { ring_log2: 2, memory: 1 << 15, job_time, recovery, ..Options::DEFAULT }
}

fn encoder(fake: &Fake, model: &Encoder) -> CardEncoder<Fake> {
    CardEncoder::new(Card::open(fake.clone(), options()).unwrap(), model).unwrap()
}

/// Encodes random texts of these lengths and compares.
fn check(encoder: &mut CardEncoder<Fake>, model: &Encoder, lengths: &[usize], seed: u64) {
    let texts = Texts::new(model, lengths.iter().copied(), seed);
    let vectors = texts.vectors(|ids, types| expected(model, ids, types));
    assert_eq!(encoder.encode(&texts.batch()).unwrap(), vectors, "{lengths:?}");
}

fn refused(encoder: &mut CardEncoder<Fake>, model: &Encoder) -> Error {
    encoder.encode(&Texts::new(model, [3, 9, 3], 5).batch()).unwrap_err()
}

fn copies(fake: &Fake) -> u64 {
    fake.state().ended[Opcode::CopyToCard as usize]
}

/// Many more sequences than the memory for data holds at once.
#[test]
fn batches_are_ragged_and_jobs_overlap() {
    let (fake, model) = (Fake::new(), model(1));
    let mut encoder = encoder(&fake, &model);
    assert_eq!(encoder.encode(&[]).unwrap(), Vec::<Vec<i32>>::new());
    let lengths: Vec<usize> = (0..700).map(|i| 1 + i % 40).collect();
    check(&mut encoder, &model, &lengths, 1);
    assert!(fake.state().most > 1, "more than one job in flight");
    assert_eq!(encoder.card().resets(), 0);
}

/// The second batch has the memory of the first one, and the card does not write there.
#[test]
fn vectors_of_the_request_before_do_not_pass() {
    let (fake, model) = (Fake::new(), model(1));
    let mut encoder = encoder(&fake, &model);
    check(&mut encoder, &model, &[3, 9, 3], 1);
    fake.run_fates(&[Fate::Works, Fate::Ends(Status::Ok)]);
    check(&mut encoder, &model, &[3, 9, 3], 2);
    assert_eq!(encoder.card().resets(), 1, "a card that lies is reset, and the job is tried again");
    fake.run_fates(&[Fate::Ends(Status::Ok); 4]);
    let error = refused(&mut encoder, &model).to_string();
    assert!(error.ends_with("ended with Ok, but word 0 of its vectors was not written"), "{error}");
}

#[test]
fn a_job_that_the_card_lost_is_tried_again() {
    for fate in [Fate::Ignores, Fate::Halts, Fate::WrongTag, Fate::NoStatus] {
        let (fake, model) = (Fake::new(), model(1));
        let mut encoder = encoder(&fake, &model);
        check(&mut encoder, &model, &[3, 9], 1);
        fake.run_fates(&[Fate::Works, fate]);
        check(&mut encoder, &model, &[3, 9, 5, 3], 2);
        assert_eq!((encoder.card().resets(), encoder.card().state()), (1, CardState::Ready), "{fate:?}");
        // The first batch has two jobs and the second one three. The second of these was lost, and
        // the third one with it if it was in flight.
        let JobCounts { succeeded, retried, failed } = encoder.jobs();
        assert!(succeeded == 5 && (1..=2).contains(&retried) && failed == 0, "{:?}", encoder.jobs());
        // Card memory was lost as well, and was copied again; an upload may be hit like any job.
        fake.fates(&[Fate::Works, fate]);
        encoder.reset().unwrap();
        check(&mut encoder, &model, &[3, 9], 3);
        assert_eq!(encoder.card().resets(), 3, "{fate:?}");
    }
}

#[test]
fn a_bus_error_is_tried_again_and_a_mistake_of_the_job_is_not() {
    let (fake, model) = (Fake::new(), model(1));
    let mut encoder = encoder(&fake, &model);
    let runs = |fake: &Fake| fake.state().ended[Opcode::Run as usize];
    fake.run_fates(&[Fate::Ends(Status::CardRead)]);
    check(&mut encoder, &model, &[3], 1);
    assert_eq!((runs(&fake), encoder.card().resets()), (2, 0));
    assert_eq!(encoder.jobs(), JobCounts { succeeded: 1, retried: 1, failed: 0 });
    fake.run_fates(&[Fate::Ends(Status::CardRead); 3]);
    let error = refused(&mut encoder, &model);
    assert!(matches!(error, Error::Job { status: Status::CardRead, .. }), "{error}");
    assert_eq!(encoder.jobs().failed, 1);
    check(&mut encoder, &model, &[3], 2);

    let (before, resets) = (runs(&fake), encoder.card().resets());
    for status in [Status::BadInput, Status::Aborted, Status::Watchdog] {
        fake.run_fates(&[Fate::Ends(status)]);
        let error = encoder.encode(&Texts::new(&model, [3], 3).batch()).unwrap_err();
        assert!(matches!(error, Error::Job { status: found, .. } if found == status), "{error}");
    }
    assert_eq!((runs(&fake), encoder.card().resets()), (before + 3, resets), "each was run once");
}

#[test]
fn a_job_that_takes_too_long_is_aborted_and_the_next_batch_is_right() {
    let (fake, model) = (Fake::new(), model(1));
    let mut encoder = encoder(&fake, &model);
    fake.run_fates(&[Fate::Hangs]);
    let error = refused(&mut encoder, &model);
    assert!(matches!(error, Error::Job { status: Status::Aborted, .. }), "{error}");
    check(&mut encoder, &model, &[3, 9, 3], 2);
    let transitions = encoder.card().transitions();
    assert_eq!(transitions.count(CardState::Ready, CardState::Aborting), 1);
    assert_eq!(transitions.count(CardState::Aborting, CardState::Ready), 1);
    assert_eq!(transitions.into_state(CardState::Resetting), 0);
}

/// Card memory that does not keep a byte: the copy back shows it, whatever the card computes.
#[test]
fn weights_that_did_not_arrive_are_named() {
    let (fake, model) = (Fake::new(), model(1));
    let mut encoder = encoder(&fake, &model);
    fake.state().rotten = Some(3);
    let error = refused(&mut encoder, &model).to_string();
    assert!(error.starts_with("card memory differs from the weights of model 0 at 0x3 to 0x3; "), "{error}");
    fake.state().rotten = None;
    check(&mut encoder, &model, &[3, 9, 3], 2);
    let image = Image::new(&model, &ArrayShape::new(LANES)).unwrap().bytes.len().next_multiple_of(64);
    fake.state().rotten = Some(fake_free(&model, image));
    let error = encoder.encode(&Texts::new(&model, [40], 3).batch()).unwrap_err().to_string();
    assert!(
        error.starts_with("card memory differs from the program of model 0 for 40 tokens at "),
        "{error}"
    );
}

/// A byte inside the third program in card memory, behind those for 3 and 9 tokens.
fn fake_free(model: &Encoder, image: usize) -> usize {
    let engine = ArrayShape::new(LANES);
    let image_of = Image::new(model, &engine).unwrap();
    let program = |tokens| Program::new(&image_of, &engine, tokens, 0).unwrap().bytes().len();
    image + program(3).next_multiple_of(64) + program(9).next_multiple_of(64) + 8
}

/// A copy back that writes nothing must not pass, though the memory held the very bytes before.
#[test]
fn a_copy_back_that_writes_nothing_is_noticed() {
    let (fake, model) = (Fake::new(), model(1));
    let mut encoder = encoder(&fake, &model);
    // Two pieces are on their way at once; the third job is the first copy back.
    fake.fates(&[Fate::Works, Fate::Works, Fate::Ends(Status::Ok)]);
    let before = copies(&fake);
    check(&mut encoder, &model, &[3], 1);
    let once = copies(&fake) - before;
    encoder.reset().unwrap();
    check(&mut encoder, &model, &[3], 1);
    assert!(once > copies(&fake) - before - once, "the first upload was tried again");
}

/// Card memory holds the model and two programs. The program that was not used for the longest time
/// makes room.
#[test]
fn programs_make_room_for_each_other() {
    let model = model(1);
    let engine = ArrayShape::new(LANES);
    let image = Image::new(&model, &engine).unwrap();
    let program = Program::new(&image, &engine, 4, 0).unwrap().bytes().len();
    let fake = Fake::with_memory(image.bytes.len().next_multiple_of(64) + 2 * program.next_multiple_of(64));
    let mut encoder = encoder(&fake, &model);
    let mut copied = |lengths: &[usize]| {
        let before = copies(&fake);
        check(&mut encoder, &model, lengths, 1);
        copies(&fake) - before > 0
    };
    // Lengths of one tile have programs of one size.
    assert!(copied(&[1, 2]));
    assert!(!copied(&[1]), "1 was used last");
    assert!(copied(&[3]), "3 takes the place of 2");
    assert!(!copied(&[1]));
    assert!(copied(&[2]));
    // One batch with more programs than card memory holds.
    assert!(copied(&[1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3]));
    // A program that never fits.
    let long = Texts::new(&model, [60], 2);
    let error = encoder.encode(&long.batch()).unwrap_err().to_string();
    assert!(error.starts_with("the card: the program of model 0 for 60 tokens needs "), "{error}");
    check(&mut encoder, &model, &[1, 2, 3], 3);
}

#[test]
fn models_lie_beside_each_other_and_leave_room() {
    let models = [1, 2, 3].map(model);
    let engine = ArrayShape::new(LANES);
    let image = Image::new(&models[0], &engine).unwrap().bytes.len().next_multiple_of(64);
    let fake = Fake::with_memory(2 * image + image / 2);
    let mut encoder = encoder(&fake, &models[0]);
    let second = encoder.add(&models[1]).unwrap();
    let first = encoder.models().next().unwrap();
    let texts = Texts::new(&models[0], [3, 9, 3], 1);
    let vectors = |model: &Encoder| texts.vectors(|ids, types| expected(model, ids, types));
    for (id, model) in [(first, &models[0]), (second, &models[1]), (first, &models[0])] {
        assert_eq!(encoder.encode_by(id, &texts.batch()).unwrap(), vectors(model), "{id}");
    }
    let error = encoder.add(&models[2]).unwrap_err().to_string();
    assert!(error.starts_with("the card: the model needs "), "{error}");
    encoder.remove(first);
    let third = encoder.add(&models[2]).unwrap();
    assert_eq!(encoder.encode_by(third, &texts.batch()).unwrap(), vectors(&models[2]));
    assert_eq!(encoder.encode_by(second, &texts.batch()).unwrap(), vectors(&models[1]));
    let error = encoder.encode_by(first, &texts.batch()).unwrap_err().to_string();
    assert_eq!(error, "model 0 is not on this card; add it first");
}
