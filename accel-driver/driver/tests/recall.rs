//! The system recalls the card, or another program resets it.
#![allow(clippy::unwrap_used)]

mod fake;
mod texts;

use std::time::{Duration, Instant};

use fake::{Fake, expected, statuses};
use lockstep_accel_abi::{Descriptor, Status};
use lockstep_accel_driver::{AsyncEncoder, Card, CardEncoder, CardState, Error, Options};
use texts::{Texts, model};

/// Only a hang takes this long, even on a busy machine.
const HANG: Duration = Duration::from_secs(60);

/// No job ends by its deadline.
const OPTIONS: Options = Options { memory: 1 << 16, job_time: HANG, ..Options::DEFAULT };

fn until(reached: impl Fn() -> bool) {
    let begin = Instant::now();
    while !reached() {
        assert!(begin.elapsed() < HANG);
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_recall_ends_the_jobs_and_the_card_is_left_alone() {
    let fake = Fake::new();
    let mut card = Card::open(fake.clone(), OPTIONS).unwrap();
    fake.state().held = true;
    let recaller = fake.clone();
    let thread = std::thread::spawn(move || {
        until(|| recaller.state().most > 0);
        recaller.recall();
    });
    let error = card.execute(&[Descriptor::nop(0)]).unwrap_err();
    thread.join().unwrap();
    let recalled = "the system recalls the card: close the card, and open it again when it is back";
    assert_eq!(error.to_string(), recalled);
    assert_eq!((card.state(), card.recalled(), card.resets()), (CardState::Gone, true, 0));
    let accesses = fake.state().accesses;
    assert_eq!(card.execute(&[Descriptor::nop(0)]).unwrap_err().to_string(), recalled);
    assert_eq!(fake.state().accesses, accesses);
    assert!(matches!(card.reset(), Err(Error::Recalled { .. })), "a recall is for ever");
}

/// The thread of the encoder closes the card, also if no caller asks anything of it.
#[tokio::test]
async fn a_recall_closes_an_encoder_that_many_callers_share() {
    for busy in [false, true] {
        let (fake, model) = (Fake::new(), model(1));
        let encoder = AsyncEncoder::open(fake.clone(), OPTIONS, &model).unwrap();
        let texts = Texts::new(&model, [3, 9], 1);
        let vectors = texts.vectors(|ids, types| expected(&model, ids, types));
        assert_eq!(encoder.encode(texts.0.clone()).await.unwrap(), vectors);
        fake.state().held = busy;
        fake.state().most = 0;
        let recaller = fake.clone();
        let thread = std::thread::spawn(move || {
            until(|| !busy || recaller.state().most > 0);
            recaller.recall();
            until(|| recaller.logged("unmap") == 1);
        });
        if busy {
            let error = encoder.encode(texts.0.clone()).await.unwrap_err();
            assert!(matches!(error, Error::Recalled { .. }), "{error}");
        }
        thread.join().unwrap();
        assert!(matches!(encoder.encode(texts.0).await, Err(Error::Ended)));
        assert_eq!(encoder.state(), CardState::Gone);
    }
}

#[test]
fn a_card_that_another_program_reset_is_noticed_before_the_deadline() {
    let (fake, model) = (Fake::new(), model(1));
    let mut card = Card::open(fake.clone(), OPTIONS).unwrap();
    fake.state().forget();
    let begin = Instant::now();
    let error = card.execute(&[Descriptor::nop(0)]).unwrap_err();
    assert!(begin.elapsed() < HANG);
    assert!(error.to_string().starts_with("the card's queue is off: another program reset"), "{error}");
    assert_eq!((statuses(&mut card, 3), card.resets()), (vec![Status::Ok; 3], 1));

    // An encoder tries the jobs again.
    let mut encoder = CardEncoder::new(card, &model).unwrap();
    let texts = Texts::new(&model, [3, 9, 3], 1);
    for _ in 0..2 {
        let vectors = texts.vectors(|ids, types| expected(&model, ids, types));
        assert_eq!(encoder.encode(&texts.batch()).unwrap(), vectors);
        fake.state().forget();
    }
    assert_eq!(encoder.card().resets(), 2);
}
