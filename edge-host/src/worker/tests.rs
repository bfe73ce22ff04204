#![allow(clippy::unwrap_used)]

use std::{
    collections::HashSet,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use lockstep_module::{Encoding, Sequence};

use super::*;
use crate::core::{route::Priority, ticket::Ticket};

/// Only a hang takes this long, even on a busy machine.
const HANG: Duration = Duration::from_secs(60);
/// Integers of a vector.
const OUTPUTS: usize = 2;
/// The first id of the long text of a request exceeds that of its short text by this number.
const LONG: u32 = 1_000;

/// Engines that panic once for each doomed text. The scheduler tries each text of such a batch
/// again alone, so no text can meet two panics, whatever the order of the batches is.
#[derive(Default)]
struct Panicking {
    opened: AtomicUsize,
    panics: AtomicUsize,
    /// First ids of the doomed texts that an engine has seen.
    seen: Mutex<HashSet<u32>>,
}

struct PanickingEngine<'a>(&'a Panicking);

fn vector(sequence: &Sequence<'_>) -> Vec<i32> {
    vec![sequence.ids[0] as i32, sequence.ids.len() as i32]
}

/// Whether the first engine that gets the text with this first id panics: one text of ten requests.
const fn doomed(mark: u32) -> bool {
    mark < LONG && mark % 10 == 3
}

impl Engines for &'static Panicking {
    fn open(&self) -> Result<Box<dyn Engine>, EngineError> {
        self.opened.fetch_add(1, Ordering::SeqCst);
        Ok(Box::new(PanickingEngine(self)))
    }
}

impl Engine for PanickingEngine<'_> {
    fn kernel(&mut self) -> Result<String, EngineError> {
        Ok("plain".into())
    }

    fn encode(&mut self, batch: &[Sequence<'_>], _: Instant) -> Result<Vec<Vec<i32>>, EngineError> {
        let marks = batch.iter().map(|sequence| sequence.ids[0]).filter(|&mark| doomed(mark));
        let fresh = marks.filter(|&mark| self.0.seen.lock().unwrap().insert(mark)).count();
        if fresh > 0 {
            self.0.panics.fetch_add(1, Ordering::SeqCst);
            panic!("as the test wants");
        }
        Ok(batch.iter().map(vector).collect())
    }
}

/// One text of `length` tokens, whose first id is `mark`.
fn text(mark: u32, length: usize) -> Encoding {
    let ids = (0..length as u32).map(|place| if place == 0 { mark } else { place }).collect();
    Encoding { ids, type_ids: vec![0; length], truncated: false, total_tokens: length }
}

#[test]
fn two_hundred_requests_outlive_the_panics_of_their_engines() {
    let engines: &'static Panicking = Box::leak(Box::default());
    let plan =
        |number| SeatPlan { name: format!("cpu-{number}"), kind: Kind::Cpu, longest: 512, preferred: false };
    let plans = [plan(0), plan(1)];
    let (pool, scheduler) = (Pool::new(8), Scheduler::new(plans.to_vec()));
    let wrong = Mutex::new(Vec::new());
    thread::scope(|scope| {
        let workers: Vec<_> = plans
            .iter()
            .enumerate()
            .map(|(seat, plan)| {
                let (pool, scheduler) = (&pool, &scheduler);
                let worker =
                    Worker { pool, scheduler, engines: &engines, seat, plan, outputs: OUTPUTS, limit: HANG };
                scope.spawn(move || worker.work(|kernel| assert_eq!(kernel, "plain")))
            })
            .collect();
        let clients: Vec<_> = (0..4_u32)
            .map(|client| {
                let (scheduler, wrong) = (&scheduler, &wrong);
                scope.spawn(move || {
                    for request in 0..50 {
                        let (mark, length) = (100 * client + request, 1 + request as usize % 40);
                        let texts = vec![text(mark, length), text(LONG + mark, 200)];
                        let call = std::sync::Arc::new(Ticket::new(
                            texts,
                            Instant::now() + HANG,
                            Priority::Interactive,
                        ));
                        scheduler.submit(&call).unwrap();
                        let right = vec![vec![mark as i32, length as i32], vec![(LONG + mark) as i32, 200]];
                        let answer = call.wait();
                        if answer.as_ref().ok() != Some(&right) {
                            wrong.lock().unwrap().push(format!("{mark}: {answer:?}"));
                        }
                    }
                })
            })
            .collect();
        for client in clients {
            client.join().unwrap();
        }
        pool.stop();
        scheduler.close();
        for worker in workers {
            worker.join().unwrap().unwrap();
        }
    });
    assert_eq!(*wrong.lock().unwrap(), Vec::<String>::new());
    // Doomed texts of different clients may share a batch, those of one client never do.
    let panics = engines.panics.load(Ordering::SeqCst);
    assert!((5..=20).contains(&panics), "{panics} panics");
    let opened = engines.opened.load(Ordering::SeqCst);
    assert!(opened > panics, "a new engine after each of {panics} panics: {opened}");
}

/// A card that the system recalls while it has no work.
#[derive(Default)]
struct Recalled {
    opened: AtomicUsize,
}

struct RecalledEngine {
    recalled: bool,
}

impl Engines for &'static Recalled {
    fn open(&self) -> Result<Box<dyn Engine>, EngineError> {
        let first = self.opened.fetch_add(1, Ordering::SeqCst) == 0;
        Ok(Box::new(RecalledEngine { recalled: first }))
    }
}

impl Engine for RecalledEngine {
    fn kernel(&mut self) -> Result<String, EngineError> {
        Ok("card".into())
    }

    fn look(&mut self) -> Result<(), EngineError> {
        let error = EngineError::Card { name: "card".into(), error: "the system recalls it".into() };
        if self.recalled { Err(error) } else { Ok(()) }
    }

    fn encode(&mut self, batch: &[Sequence<'_>], _: Instant) -> Result<Vec<Vec<i32>>, EngineError> {
        assert!(!self.recalled);
        Ok(batch.iter().map(vector).collect())
    }
}

/// Nobody asks for anything, and the worker gives the card back all the same.
#[test]
fn an_idle_card_is_given_back_and_opened_again() {
    let engines: &'static Recalled = Box::leak(Box::default());
    let plan = SeatPlan { name: "card".into(), kind: Kind::Card, longest: 512, preferred: true };
    let (pool, scheduler) = (Pool::new(8), Scheduler::new(vec![plan.clone()]));
    thread::scope(|scope| {
        let worker = Worker {
            pool: &pool,
            scheduler: &scheduler,
            engines: &engines,
            seat: 0,
            plan: &plan,
            outputs: OUTPUTS,
            limit: HANG,
        };
        let worker = scope.spawn(move || worker.work(|_| ()));
        let begin = Instant::now();
        while engines.opened.load(Ordering::SeqCst) < 2 {
            assert!(begin.elapsed() < HANG, "the card is kept");
            thread::sleep(Duration::from_millis(1));
        }
        let call = std::sync::Arc::new(Ticket::new(vec![text(7, 3)], Instant::now() + HANG, Priority::Batch));
        scheduler.submit(&call).unwrap();
        assert_eq!(call.wait().unwrap(), [[7, 3]]);
        pool.stop();
        scheduler.close();
        worker.join().unwrap().unwrap();
    });
}
