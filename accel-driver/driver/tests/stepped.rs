//! An encoder whose clock is the test's.
#![allow(clippy::unwrap_used)]

mod fake;
mod texts;

use std::time::{Duration, Instant};

use fake::{Fake, Fate, expected};
use lockstep_accel_driver::{CardState, Error, Options, RecoveryPolicy, SteppedEncoder};
use lockstep_arith::encoder::Encoder;
use texts::{Texts, model};

const OPTIONS: Options = Options {
    ring_log2: 3,
    memory: 1 << 15,
    recovery: RecoveryPolicy { job_tries: 1, ..RecoveryPolicy::DEFAULT },
    ..Options::DEFAULT
};

/// Polls until a batch has ended, with the time that the encoder wants.
fn ended(encoder: &mut SteppedEncoder<Fake>, now: &mut Instant) -> (u64, Result<Vec<Vec<i32>>, Error>) {
    for _ in 0..100_000 {
        encoder.poll(*now, false);
        if let Some(ended) = encoder.take() {
            return ended;
        }
        *now = encoder.wake_at().expect("a batch is open").max(*now);
    }
    panic!("no batch ended");
}

/// The right vectors of some texts.
fn right(texts: &Texts, model: &Encoder) -> Vec<Vec<i32>> {
    texts.vectors(|ids, types| expected(model, ids, types))
}

/// A job that the card never ends: the encoder asks for a minute of the test's time, and the test
/// takes no longer for that.
#[test]
fn time_is_what_the_caller_says() {
    let (fake, model) = (Fake::new(), model(1));
    let job_time = Duration::from_secs(60);
    let options = Options { job_time, recovery: RecoveryPolicy::DEFAULT, ..OPTIONS };
    let mut encoder = SteppedEncoder::open(fake.clone(), options, &model).unwrap();
    let mut now = Instant::now();
    let begin = now;
    fake.run_fates(&[Fate::Ignores]);
    let texts = Texts::new(&model, [3, 5], 1);
    let number = encoder.submit(&texts.batch()).unwrap();
    let (found, result) = ended(&mut encoder, &mut now);
    assert_eq!((found, result.unwrap()), (number, right(&texts, &model)));
    assert!(now - begin > job_time, "{:?}", now - begin);
    assert_eq!((encoder.card().resets(), encoder.card().state()), (1, CardState::Ready));
    assert_eq!(encoder.wake_at(), None);
}

/// An interrupt that was heard while the card was idle is acknowledged once the card works again:
/// until then the next one is lost, and the driver would hear of the job 20 ms late.
#[test]
fn an_interrupt_is_acknowledged_before_the_next_wait() {
    let (fake, model) = (Fake::new(), model(1));
    let mut encoder = SteppedEncoder::open(fake, OPTIONS, &model).unwrap();
    let mut now = Instant::now();
    for heard in [false, true] {
        let texts = Texts::new(&model, [3], 1);
        encoder.submit(&texts.batch()).unwrap();
        assert_eq!(ended(&mut encoder, &mut now).1.unwrap(), right(&texts, &model));
        encoder.poll(now, heard);
        encoder.submit(&texts.batch()).unwrap();
        encoder.poll(now, false);
        let at_once = encoder.wake_at().is_some_and(|at| at <= now);
        assert_eq!(at_once, heard);
        assert_eq!(ended(&mut encoder, &mut now).1.unwrap(), right(&texts, &model));
    }
}

/// The batch that waited for a copy is gone when the copy fails. The next batch did not ask for
/// that copy, so it gets one of its own.
#[test]
fn a_copy_that_failed_for_another_batch_fails_no_batch() {
    let (fake, model) = (Fake::new(), model(1));
    let mut encoder = SteppedEncoder::open(fake.clone(), OPTIONS, &model).unwrap();
    let mut now = Instant::now();
    let texts = Texts::new(&model, [3], 1);
    fake.state().rotten = Some(9);
    let first = encoder.submit(&texts.batch()).unwrap();
    encoder.poll(now, false);
    encoder.poll(now, false);
    encoder.cancel(first);
    for _ in 0..100 {
        now += Duration::from_millis(1);
        encoder.poll(now, true);
    }
    fake.state().rotten = None;
    let second = encoder.submit(&texts.batch()).unwrap();
    let (found, result) = ended(&mut encoder, &mut now);
    assert_eq!((found, result.unwrap()), (second, right(&texts, &model)));
}
