//! A card that makes every mistake at random, callers that go away at random: no caller gets wrong
//! vectors, no caller waits for ever, and the card works in the end.
#![allow(clippy::unwrap_used)]

mod fake;
mod texts;

use std::sync::Arc;
use std::time::Duration;

use fake::{Fake, Fate, expected};
use lockstep_accel_abi::Status;
use lockstep_accel_driver::{AsyncEncoder, Options, RecoveryPolicy};
use lockstep_arith::encoder::Encoder;
use lockstep_arith::sample::Random;
use texts::{Texts, model};

const LONG: Duration = Duration::from_secs(120);

fn options() -> Options {
    let pause = Duration::from_millis(1);
    let recovery = RecoveryPolicy { pause, longest_pause: 4 * pause, ..RecoveryPolicy::DEFAULT };
    let job_time = Duration::from_millis(10);
    Options { ring_log2: 3, memory: 1 << 15, job_time, batches: 16, recovery, ..Options::DEFAULT }
}

fn fates(random: &mut Random) -> Vec<Fate> {
    let bad = [
        Fate::Ends(Status::Ok),
        Fate::Ends(Status::HostRead),
        Fate::Ends(Status::CardRead),
        Fate::Ends(Status::BadInput),
        Fate::Ends(Status::DescriptorRead),
        Fate::WrongTag,
        Fate::NoStatus,
        Fate::Halts,
        Fate::Hangs,
    ];
    let mut one = || match random.within(0, 99) {
        i @ 0..9 => bad[i as usize],
        _ => Fate::Works,
    };
    (0..600).map(|_| one()).collect()
}

/// One caller with a batch of its own. Some callers go away after a while.
async fn call(encoder: Arc<AsyncEncoder>, model: Arc<Encoder>, seed: u64) -> Option<bool> {
    let mut random = Random::new(seed);
    let lengths: Vec<usize> = (0..random.within(1, 9)).map(|_| random.within(1, 20) as usize).collect();
    let texts = Texts::new(&model, lengths, seed);
    let vectors = texts.vectors(|ids, types| expected(&model, ids, types));
    let patience =
        if random.within(0, 3) == 0 { Duration::from_micros(random.within(0, 20_000) as u64) } else { LONG };
    match tokio::time::timeout(patience, encoder.encode(texts.0)).await {
        Ok(Ok(found)) => {
            assert_eq!(found, vectors, "caller {seed}");
            Some(true)
        }
        Ok(Err(_)) => Some(false),
        Err(_) => {
            assert!(patience < LONG, "caller {seed} waits for ever");
            None
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_caller_gets_wrong_vectors_or_waits_for_ever() {
    let (mut answered, mut refused, mut gone) = (0, 0, 0);
    for turn in 0..12 {
        let mut random = Random::new(turn);
        let (fake, model) = (Fake::new(), Arc::new(model(1)));
        let encoder = Arc::new(AsyncEncoder::open(fake.clone(), options(), &model).unwrap());
        fake.fates(&fates(&mut random));
        fake.run_fates(&fates(&mut random));
        let calls: Vec<_> =
            (0..150).map(|i| tokio::spawn(call(encoder.clone(), model.clone(), 1000 * turn + i))).collect();
        for task in calls {
            match task.await.unwrap() {
                Some(true) => answered += 1,
                Some(false) => refused += 1,
                None => gone += 1,
            }
        }
        fake.fates(&[]);
        fake.run_fates(&[]);
        encoder.reset().await.unwrap();
        // Most of the memory for data is needed, so none of it was lost.
        let texts = Texts::new(&model, [20; 200], turn);
        let vectors = texts.vectors(|ids, types| expected(&model, ids, types));
        assert_eq!(encoder.encode(texts.0).await.unwrap(), vectors);
    }
    assert!(answered > 0 && refused > 0 && gone > 0, "{answered} {refused} {gone}");
}
