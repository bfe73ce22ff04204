//! A card that fails again and again is fenced, and tried again after a growing pause.
#![allow(clippy::unwrap_used)]

mod fake;
mod texts;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use fake::{Fake, Fate, expected};
use lockstep_accel_driver::{
    Card, CardEncoder, CardState, Cause, Error, Options, RecoveryPolicy, Transition,
};
use texts::{Texts, model};

const PAUSE: Duration = Duration::from_millis(20);

fn options() -> Options {
    let (resets, longest_pause) = (2, 2 * PAUSE);
    let recovery = RecoveryPolicy { resets, pause: PAUSE, longest_pause, ..RecoveryPolicy::DEFAULT };
    Options { memory: 1 << 16, recovery, ..Options::DEFAULT }
}

/// Waits until the pause of a fence is over.
fn pause_of(error: &Error) {
    let Error::Fenced { left, .. } = error else { panic!("{error}") };
    std::thread::sleep(*left + Duration::from_millis(1));
}

#[test]
fn a_card_that_stays_dead_is_fenced_and_tried_again() {
    let (fake, model) = (Fake::new(), model(1));
    let mut card = Card::open(fake.clone(), options()).unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let observer = seen.clone();
    card.observe(move |transition: &Transition| observer.lock().unwrap().push(*transition));
    let mut encoder = CardEncoder::new(card, &model).unwrap();
    let texts = Texts::new(&model, [3, 9, 3], 1);

    fake.fates(&[Fate::Halts]);
    fake.state().dead = true;
    // The card halts, and two resets fail.
    let first = encoder.encode(&texts.batch()).unwrap_err();
    assert!(matches!(first, Error::Stuck { .. }), "{first}");
    assert_eq!((encoder.card().state(), encoder.card().resets()), (CardState::Fenced, 2));
    // Each pause is twice as long as the one before, up to the longest one. After a pause there is
    // one more try.
    for (turn, pause) in [PAUSE, 2 * PAUSE, 2 * PAUSE].into_iter().enumerate() {
        let fences: Vec<_> = seen.lock().unwrap().iter().filter_map(|t| t.pause).collect();
        assert_eq!((fences.len(), fences.last()), (turn + 1, Some(&pause)));
        let now = Instant::now();
        let mut refused = encoder.encode(&texts.batch()).unwrap_err();
        if matches!(refused, Error::Fenced { .. }) {
            assert!(refused.to_string().contains("its last failure: the card is not ready"), "{refused}");
            pause_of(&refused);
            refused = encoder.encode(&texts.batch()).unwrap_err();
        }
        assert!(matches!(refused, Error::Stuck { .. }), "{refused} after {:?}", now.elapsed());
    }
    fake.state().dead = false;
    let expected = texts.vectors(|ids, types| expected(&model, ids, types));
    let begin = Instant::now();
    loop {
        match encoder.encode(&texts.batch()) {
            Ok(vectors) => break assert_eq!(vectors, expected),
            Err(error) => pause_of(&error),
        }
        assert!(begin.elapsed() < Duration::from_secs(60));
    }
    assert_eq!(encoder.card().state(), CardState::Ready);

    // The observer saw what the counters count, and every step fits to the one before.
    let seen = seen.lock().unwrap();
    let transitions = *encoder.card().transitions();
    let count = |from, to| seen.iter().filter(|t| (t.from, t.to) == (from, to)).count() as u64;
    for from in CardState::ALL {
        for to in CardState::ALL {
            let opened = u64::from((from, to) == (CardState::Resetting, CardState::Ready));
            assert_eq!(transitions.count(from, to), count(from, to) + opened, "{from:?} to {to:?}");
        }
    }
    assert!(seen.windows(2).all(|pair| pair[0].to == pair[1].from), "{seen:#?}");
    assert_eq!(seen[0].cause, Cause::Fault);
}

/// The caller need not wait for the pause.
#[test]
fn a_reset_ends_the_fence() {
    let (fake, model) = (Fake::new(), model(1));
    let mut options = options();
    options.recovery.pause = Duration::from_secs(3600);
    let mut encoder = CardEncoder::new(Card::open(fake.clone(), options).unwrap(), &model).unwrap();
    let texts = Texts::new(&model, [3], 1);
    fake.fates(&[Fate::Halts]);
    fake.state().dead = true;
    encoder.encode(&texts.batch()).unwrap_err();
    fake.state().dead = false;
    let accesses = fake.state().accesses;
    assert!(matches!(encoder.encode(&texts.batch()), Err(Error::Fenced { .. })));
    assert_eq!(fake.state().accesses, accesses, "a fenced card is left alone");
    encoder.reset().unwrap();
    assert_eq!(encoder.encode(&texts.batch()).unwrap(), texts.vectors(|i, t| expected(&model, i, t)));
}

/// Jobs that hang one after the other do not keep a caller for ever.
#[test]
fn a_batch_ends_whatever_the_card_does() {
    for fate in [Fate::Ignores, Fate::Halts, Fate::NoStatus] {
        let (fake, model) = (Fake::new(), model(1));
        let options = Options { job_time: Duration::from_millis(20), ..options() };
        let mut encoder = CardEncoder::new(Card::open(fake.clone(), options).unwrap(), &model).unwrap();
        fake.run_fates(&[fate; 100]);
        encoder.encode(&Texts::new(&model, [3, 9, 3], 1).batch()).unwrap_err();
        fake.run_fates(&[]);
        fake.fates(&[fate; 100]);
        encoder.reset().unwrap();
        encoder.encode(&Texts::new(&model, [3, 9, 3], 1).batch()).unwrap_err();
    }
}
