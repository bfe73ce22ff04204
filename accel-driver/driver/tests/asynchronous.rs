//! Many callers at once on the fake card.
#![allow(clippy::unwrap_used)]

mod fake;
mod texts;

use std::sync::Arc;
use std::time::Duration;

use fake::{Fake, Fate, expected};
use lockstep_accel_abi::Opcode;
use lockstep_accel_abi::events::Event;
use lockstep_accel_driver::{AsyncEncoder, CardState, Error, Options, Transition};
use lockstep_arith::encoder::Encoder;
use lockstep_arith::sample::{self, Random, Shape};
use texts::{Texts, model};

/// Far longer than anything in these tests takes.
const LONG: Duration = Duration::from_secs(60);
/// Long enough for a future to get to its wait.
const SHORT: Duration = Duration::from_millis(20);

type Call = tokio::task::JoinHandle<Result<Vec<Vec<i32>>, Error>>;

fn options() -> Options {
    Options { memory: 1 << 16, job_time: Duration::from_secs(5), ..Options::DEFAULT }
}

fn open(fake: &Fake, options: Options, model: &Encoder) -> Arc<AsyncEncoder> {
    Arc::new(AsyncEncoder::open(fake.clone(), options, model).unwrap())
}

/// Encodes random texts, within a time, and compares.
async fn check(encoder: &AsyncEncoder, model: &Encoder, seed: u64) {
    let mut random = Random::new(seed);
    let lengths: Vec<usize> = (0..random.within(1, 6)).map(|_| random.within(1, 12) as usize).collect();
    let texts = Texts::new(model, lengths, seed);
    let vectors = texts.vectors(|ids, types| expected(model, ids, types));
    assert_eq!(tokio::time::timeout(LONG, encoder.encode(texts.0)).await.unwrap().unwrap(), vectors);
}

/// Runs `check` in many tasks at once.
async fn check_many(encoder: &Arc<AsyncEncoder>, model: &Arc<Encoder>, tasks: u64) {
    let tasks: Vec<_> = (0..tasks)
        .map(|seed| {
            let (encoder, model) = (encoder.clone(), model.clone());
            tokio::spawn(async move { check(&encoder, &model, seed).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

/// The fake card gives rows that the head then reads.
#[tokio::test]
async fn a_head_makes_logits_of_the_card_s_rows() {
    let fake = Fake::new();
    let (model, classifier) = (model(1), sample::encoder(&Shape { labels: 3, ..Shape::SMALL }, 1));
    let head = classifier.head.as_ref().unwrap();
    let encoder = open(&fake, options(), &model);
    let beside = encoder.add(&classifier).await.unwrap();
    let texts = Texts::new(&classifier, [3, 9, 3], 5);
    let logits = texts.vectors(|ids, types| {
        let row: Vec<i16> = expected(&classifier, ids, types).iter().map(|&x| x as i16).collect();
        let pooled: Vec<i16> = head.pooler.forward16(&row).into_iter().map(|v| head.tanh.odd(v)).collect();
        head.classifier.forward(&pooled)
    });
    assert_eq!(beside.encode(texts.0).await.unwrap(), logits);
    check(&encoder, &model, 7).await;
}

/// The fake card gives sums, whose means the dense layers then read.
#[tokio::test]
async fn dense_layers_read_the_means_of_the_card_s_sums() {
    let fake = Fake::new();
    let (model, dense) = (model(1), sample::encoder(&Shape { dense: [30, 7], ..Shape::SMALL }, 1));
    let encoder = open(&fake, options(), &model);
    let beside = encoder.add(&dense).await.unwrap();
    let texts = Texts::new(&dense, [3, 9, 1, 3], 5);
    let vectors = texts.vectors(|ids, types| {
        let n = ids.len() as i32;
        // Half up, and far from the limits of 16 bits.
        let mean = |sum: &i32| (2 * sum + n).div_euclid(2 * n) as i16;
        let row: Vec<i16> = expected(&dense, ids, types).iter().map(mean).collect();
        let last = dense.dense.iter().fold(row, |row, layer| layer.forward(&row));
        last.into_iter().map(i32::from).collect()
    });
    assert_eq!(beside.encode(texts.0).await.unwrap(), vectors);
    check(&encoder, &model, 7).await;
}

#[tokio::test]
async fn many_callers_get_their_own_vectors() {
    for deaf in [false, true] {
        let (fake, model) = (Fake::new(), Arc::new(model(1)));
        fake.state().deaf = deaf;
        let encoder = open(&fake, options(), &model);
        assert_eq!(encoder.encode(Vec::new()).await.unwrap(), Vec::<Vec<i32>>::new());
        check(&encoder, &model, 0).await;
        fake.state().held = true;
        let release = fake.clone();
        let (_, ()) = tokio::join!(check_many(&encoder, &model, 300), async {
            tokio::time::sleep(SHORT).await;
            release.release();
        });
        assert!(fake.state().most > 16, "{} jobs in flight", fake.state().most);
        let status = encoder.status();
        assert_eq!((status.state, status.resets), (CardState::Ready, 0));
        assert_eq!(status.interrupts == 0, deaf);
    }
}

/// Jobs of every kind of mistake, while many callers wait: each caller gets its own vectors.
#[tokio::test]
async fn lost_jobs_are_run_again() {
    for fate in [Fate::Halts, Fate::WrongTag, Fate::NoStatus, Fate::Ignores] {
        let (fake, model) = (Fake::new(), Arc::new(model(1)));
        let options = Options { job_time: Duration::from_millis(50), ..options() };
        let encoder = open(&fake, options, &model);
        check(&encoder, &model, 0).await;
        fake.run_fates(&[[Fate::Works; 9].as_slice(), &[fate]].concat().repeat(2));
        check_many(&encoder, &model, 100).await;
        assert!(encoder.status().resets > 0, "{fate:?}");
    }
}

/// A future that is dropped at any time leaves no trace: others get their own vectors, and all
/// memory is free in the end.
#[tokio::test]
async fn a_dropped_future_leaves_nothing() {
    let (fake, model) = (Fake::new(), Arc::new(model(1)));
    let encoder = open(&fake, Options { batches: 8, ..options() }, &model);
    check(&encoder, &model, 0).await;
    for turn in 0..40 {
        fake.state().held = true;
        let texts = Texts::new(&model, [3; 40], turn);
        // Ten callers, of which two find no room: all go away.
        let gone: Vec<_> = (0..10)
            .map(|_| {
                let (encoder, texts) = (encoder.clone(), texts.0.clone());
                tokio::spawn(async move { encoder.encode(texts).await })
            })
            .collect();
        if turn % 2 == 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        gone.iter().for_each(tokio::task::JoinHandle::abort);
        let release = fake.clone();
        let (_, ()) = tokio::join!(check(&encoder, &model, turn), async { release.release() });
    }
    // Most of the memory for data in one job.
    let texts = Texts::new(&model, [40; 600], 1);
    let vectors = texts.vectors(|ids, types| expected(&model, ids, types));
    assert_eq!(encoder.encode(texts.0).await.unwrap(), vectors);
    assert_eq!(encoder.status().resets, 0);
}

/// Of the batches whose callers went away, the card runs those that it had already, and no more.
#[tokio::test]
async fn a_batch_without_its_caller_is_not_run() {
    let (fake, model) = (Fake::new(), Arc::new(model(1)));
    let encoder = open(&fake, Options { ring_log2: 1, ..options() }, &model);
    check(&encoder, &model, 0).await;
    let runs = || fake.state().ended[Opcode::Run as usize];
    let before = runs();
    fake.state().held = true;
    let gone = futures(&encoder, &model, 8);
    tokio::time::sleep(SHORT).await;
    gone.iter().for_each(tokio::task::JoinHandle::abort);
    for task in gone {
        assert!(task.await.unwrap_err().is_cancelled());
    }
    let release = fake.clone();
    let texts = Texts::new(&model, [3], 1).0;
    let (last, ()) = tokio::join!(encoder.encode(texts), async { release.release() });
    last.unwrap();
    assert!((before + 1..=before + 3).contains(&runs()), "{} jobs", runs() - before);
}

/// Callers in tasks, each with a batch of one sequence.
fn futures(encoder: &Arc<AsyncEncoder>, model: &Encoder, callers: u64) -> Vec<Call> {
    let call = |seed| {
        let (encoder, texts) = (encoder.clone(), Texts::new(model, [3], seed));
        tokio::spawn(async move { encoder.encode(texts.0).await })
    };
    (0..callers).map(call).collect()
}

#[tokio::test]
async fn the_number_of_batches_is_bounded() {
    let (fake, model) = (Fake::new(), Arc::new(model(1)));
    let encoder = open(&fake, Options { batches: 2, ..options() }, &model);
    check(&encoder, &model, 0).await;
    fake.state().held = true;
    let before = fake.state().most;
    let one = || encoder.encode(Texts::new(&model, [3], 1).0);
    let all = async { tokio::join!(one(), one(), one(), one()) };
    let mut all = std::pin::pin!(all);
    assert!(tokio::time::timeout(SHORT, &mut all).await.is_err());
    assert!(fake.state().most <= before.max(2), "{} jobs in flight", fake.state().most);
    fake.release();
    let (a, b, c, d) = tokio::time::timeout(LONG, all).await.unwrap();
    assert!([a, b, c, d].iter().all(Result::is_ok));
}

/// The new model is added while the old one works, and takes over; the old one makes room.
#[tokio::test]
async fn a_model_is_swapped_while_the_other_works() {
    let models = [1, 2, 3].map(|seed| Arc::new(model(seed)));
    let (fake, options) = (Fake::with_memory(150 << 10), options());
    let first = open(&fake, options, &models[0]);
    check(&first, &models[0], 1).await;
    let (_, second) = tokio::join!(check_many(&first, &models[0], 20), async {
        let second = Arc::new(first.add(&models[1]).await.unwrap());
        check_many(&second, &models[1], 20).await;
        second
    });
    let full = first.add(&models[2]).await.unwrap_err().to_string();
    assert!(full.starts_with("the card: the model needs "), "{full}");
    drop(first);
    let third = Arc::new(second.add(&models[2]).await.unwrap());
    check_many(&third, &models[2], 20).await;
    check_many(&second, &models[1], 20).await;
    assert_eq!(third.status().resets, 0);
}

#[tokio::test]
async fn a_card_that_is_gone_is_reported_and_can_be_opened_again() {
    let (fake, model) = (Fake::new(), Arc::new(model(1)));
    let (send, mut seen) = tokio::sync::mpsc::unbounded_channel();
    let observer = move |transition: &Transition| send.send(transition.to).unwrap();
    let encoder = Arc::new(AsyncEncoder::open_observed(fake.clone(), options(), &model, observer).unwrap());
    check(&encoder, &model, 0).await;
    assert_eq!(encoder.counter(Event::Cycles).await.unwrap(), 0);
    fake.run_fates(&[Fate::Vanishes]);
    let one = || encoder.encode(Texts::new(&model, [3], 1).0);
    let (a, b) = tokio::time::timeout(LONG, async { tokio::join!(one(), one()) }).await.unwrap();
    assert!(matches!((&a, &b), (Err(Error::Gone), Err(Error::Gone))), "{a:?} {b:?}");
    assert_eq!(seen.recv().await, Some(CardState::Gone));
    assert_eq!(encoder.state(), CardState::Gone);
    assert!(matches!(one().await, Err(Error::Gone)));
    assert!(encoder.reset().await.is_err());
    fake.state().gone = false;
    encoder.reset().await.unwrap();
    check_many(&encoder, &model, 20).await;
}

/// The card is reset before its memory is unmapped, and later calls are errors.
#[tokio::test]
async fn a_closed_card_is_reset_and_refuses() {
    let (fake, model) = (Fake::new(), Arc::new(model(1)));
    let encoder = AsyncEncoder::open(fake.clone(), options(), &model).unwrap();
    let other = encoder.add(&model).await.unwrap();
    check(&other, &model, 1).await;
    fake.state().held = true;
    let texts = Texts::new(&model, [3], 1);
    let (lost, ()) = tokio::join!(other.encode(texts.0.clone()), async {
        tokio::time::sleep(SHORT).await;
        encoder.close().await;
    });
    assert!(matches!(lost, Err(Error::Ended)), "{lost:?}");
    {
        let log = &fake.state().log;
        assert_eq!(log[log.len() - 3..], ["config 4 [2, 0]", "reset", "unmap 0x100000000"]);
    }
    assert!(matches!(other.encode(texts.0).await, Err(Error::Ended)));
}

/// An observer that panics ends the thread of the card, and no caller waits for it.
#[tokio::test]
async fn a_thread_that_panics_lets_no_caller_wait() {
    let (fake, model) = (Fake::new(), Arc::new(model(1)));
    let observer = |transition: &Transition| panic!("{transition:?}");
    let encoder = AsyncEncoder::open_observed(fake.clone(), options(), &model, observer).unwrap();
    fake.fates(&[Fate::Halts]);
    let texts = Texts::new(&model, [3], 1);
    let lost = tokio::time::timeout(LONG, encoder.encode(texts.0.clone())).await.unwrap();
    assert!(matches!(lost, Err(Error::Ended)), "{lost:?}");
    assert!(matches!(encoder.encode(texts.0).await, Err(Error::Ended)));
    assert_eq!(fake.state().log.last().unwrap(), "unmap 0x100000000", "the card was closed");
}
