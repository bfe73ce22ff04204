#![allow(clippy::unwrap_used)]

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use lockstep_module::Encoding;

use super::*;

/// Only a hang takes this long, even on a busy machine.
const HANG: Duration = Duration::from_secs(60);

fn plan(name: &str, kind: Kind) -> SeatPlan {
    SeatPlan { name: name.into(), kind, longest: 512, preferred: false }
}

/// CPUs that are fast enough for batches of 512 tokens.
fn cpus(count: usize) -> Scheduler {
    let scheduler =
        Scheduler::new((0..count).map(|number| plan(&format!("cpu-{number}"), Kind::Cpu)).collect());
    scheduler.lock().seats.iter_mut().for_each(|seat| seat.rate = Some(1e6));
    scheduler
}

/// Texts of the given lengths; the first id of text `i` is `mark + i`.
fn texts(mark: u32, lengths: &[usize]) -> Vec<Encoding> {
    let text = |(index, &length): (usize, &usize)| Encoding {
        ids: (0..length as u32).map(|place| if place == 0 { mark + index as u32 } else { place }).collect(),
        type_ids: vec![0; length],
        truncated: false,
        total_tokens: length,
    };
    lengths.iter().enumerate().map(text).collect()
}

fn ticket(texts: Vec<Encoding>) -> Arc<Ticket> {
    Arc::new(Ticket::new(texts, Instant::now() + HANG, Priority::Interactive))
}

/// The vector of a sequence: it depends on all its ids.
fn vector(ids: &[u32]) -> Vec<i32> {
    vec![ids[0] as i32, ids.len() as i32, ids.iter().sum::<u32>() as i32]
}

fn right(texts: &[Encoding]) -> Vec<Vec<i32>> {
    texts.iter().map(|text| vector(&text.ids)).collect()
}

/// Works on a seat. `fails` says whether the engine fails on a batch of these first ids.
fn work(scheduler: &Scheduler, seat: usize, fails: impl Fn(&[u32]) -> Option<EngineError>) {
    while let Turn::Work(batch) = scheduler.next(seat, HANG) {
        let sequences = batch.sequences();
        let marks: Vec<u32> = sequences.iter().map(|sequence| sequence.ids[0]).collect();
        let vectors = sequences.iter().map(|sequence| vector(sequence.ids)).collect();
        drop(sequences);
        match fails(&marks) {
            Some(error) => scheduler.failed(seat, batch, &error),
            None => scheduler.done(seat, batch, vectors, Duration::from_millis(1)),
        }
    }
}

/// Runs `clients` while a thread works on each seat.
fn serving<T>(
    scheduler: &Scheduler,
    fails: impl Fn(usize, &[u32]) -> Option<EngineError> + Sync,
    clients: impl FnOnce() -> T,
) -> T {
    let seats = scheduler.lock().seats.len();
    thread::scope(|scope| {
        for seat in 0..seats {
            let fails = &fails;
            scope.spawn(move || work(scheduler, seat, |marks| fails(seat, marks)));
        }
        while scheduler.ready() < seats {
            thread::sleep(Duration::from_millis(1));
        }
        let result = clients();
        scheduler.close();
        result
    })
}

fn never(_: usize, _: &[u32]) -> Option<EngineError> {
    None
}

/// Takes the next batch of a seat that has work, and gives its first ids.
fn take(scheduler: &Scheduler, seat: usize) -> (Batch, Vec<u32>) {
    let Turn::Work(batch) = scheduler.next(seat, HANG) else { panic!("the seat has no work") };
    let marks = batch.sequences().iter().map(|sequence| sequence.ids[0]).collect();
    (batch, marks)
}

#[test]
fn every_call_gets_its_own_vectors_in_order() {
    let scheduler = cpus(3);
    serving(&scheduler, never, || {
        thread::scope(|scope| {
            for client in 0..8_u32 {
                let scheduler = &scheduler;
                scope.spawn(move || {
                    for round in 0..20 {
                        let lengths: Vec<usize> =
                            (0..30).map(|i| 1 + (i * 37 + round * 11 + client as usize) % 90).collect();
                        let texts = texts(1_000 * client, &lengths);
                        let call = ticket(texts.clone());
                        scheduler.submit(&call).unwrap();
                        assert_eq!(call.wait().unwrap(), right(&texts));
                    }
                });
            }
        });
    });
    assert_eq!(scheduler.lock().queue.flows().count(), 0);
}

#[test]
fn a_big_call_is_cut_for_all_idle_engines() {
    let scheduler = cpus(2);
    let call = ticket(texts(0, &[60; 10]));
    scheduler.submit(&call).unwrap();
    // No engine is ready yet; each takes its share when it becomes so.
    let (first, marks) = take(&scheduler, 0);
    assert_eq!((first.tokens, marks.len()), (480, 8), "alone it takes a slice of 512 tokens at most");
    let (second, marks) = take(&scheduler, 1);
    assert_eq!((second.tokens, marks.len()), (120, 2));

    let scheduler = cpus(2);
    thread::scope(|scope| {
        let waiting: Vec<_> = (0..2)
            .map(|seat| {
                scope.spawn({
                    let scheduler = &scheduler;
                    move || take(scheduler, seat).1.len()
                })
            })
            .collect();
        while scheduler.lock().seats.iter().any(|seat| !seat.is_idle()) {
            thread::sleep(Duration::from_millis(1));
        }
        scheduler.submit(&ticket(texts(0, &[60; 10]))).unwrap();
        let mut counts: Vec<usize> = waiting.into_iter().map(|worker| worker.join().unwrap()).collect();
        counts.sort_unstable();
        assert_eq!(counts, [5, 5], "two idle engines share it");
    });
}

#[test]
fn small_calls_share_a_batch_and_big_ones_do_not_delay_them() {
    let scheduler = cpus(1);
    for mark in [10, 20, 30] {
        scheduler.submit(&ticket(texts(mark, &[16]))).unwrap();
    }
    scheduler.submit(&ticket(texts(100, &[64; 40]))).unwrap();
    let (batch, mut marks) = take(&scheduler, 0);
    marks.sort_unstable();
    assert_eq!((batch.tokens, marks), (48, vec![10, 20, 30]), "no text of the big call");
    let (batch, marks) = take(&scheduler, 0);
    assert_eq!((batch.tokens, marks.len()), (512, 8));
    scheduler.submit(&ticket(texts(40, &[16]))).unwrap();
    let next = [take(&scheduler, 0).1[0], take(&scheduler, 0).1[0]];
    assert!(next.contains(&40), "at most one more piece of the big call is before it: {next:?}");
}

#[test]
fn one_bad_text_spoils_no_other() {
    let scheduler = cpus(2);
    let trap = || EngineError::Trap("unreachable".into());
    let fails = |_: usize, marks: &[u32]| marks.contains(&666).then(trap);
    serving(&scheduler, fails, || {
        for _ in 0..20 {
            let good: Vec<_> = (0..3).map(|client| ticket(texts(client * 10, &[8, 9, 10]))).collect();
            let bad = ticket(texts(666, &[8]));
            for call in good.iter().chain([&bad]) {
                scheduler.submit(call).unwrap();
            }
            assert_eq!(bad.wait(), Err(End::Failed(trap())));
            for (client, call) in good.iter().enumerate() {
                assert_eq!(call.wait().unwrap(), right(&texts(client as u32 * 10, &[8, 9, 10])));
            }
        }
    });
}

#[test]
fn a_card_that_fails_costs_no_answer() {
    let scheduler = Scheduler::new(vec![plan("cpu", Kind::Cpu), plan("card", Kind::Card)]);
    scheduler.lock().seats[1].rate = Some(1e9);
    let failures = AtomicUsize::new(0);
    let fails = |seat: usize, _: &[u32]| {
        let error = || EngineError::Card { name: "card".into(), error: "gone".into() };
        (seat == 1).then(|| {
            failures.fetch_add(1, Ordering::Relaxed);
            error()
        })
    };
    serving(&scheduler, fails, || {
        for round in 0..50 {
            let texts = texts(round, &[100; 40]);
            let call = ticket(texts.clone());
            scheduler.submit(&call).unwrap();
            assert_eq!(call.wait().unwrap(), right(&texts));
            assert!(call.timing().engines.iter().all(|name| name == "cpu"));
        }
    });
    assert!(failures.into_inner() > 0, "the card had work");
}

#[test]
fn heavy_work_goes_to_the_card_and_urgent_work_to_the_cpu() {
    let scheduler = Scheduler::new(vec![plan("cpu", Kind::Cpu), plan("card", Kind::Card)]);
    {
        let mut inner = scheduler.lock();
        inner.seats[0].rate = Some(1_000.0);
        inner.seats[1].rate = Some(1_000_000.0);
        (inner.seats[0].state, inner.seats[1].state) = (State::Idle, State::Idle);
    }
    scheduler.submit(&ticket(texts(1, &[100; 40]))).unwrap();
    scheduler.submit(&ticket(texts(500, &[100]))).unwrap();
    let (batch, marks) = take(&scheduler, 1);
    assert_eq!((batch.tokens, marks.len()), (2_000, 20));
    let (batch, marks) = take(&scheduler, 0);
    assert_eq!((batch.tokens, marks), (100, vec![500]));
}

#[test]
fn a_sequence_too_long_for_the_card_goes_to_the_cpu() {
    let scheduler = Scheduler::new(vec![plan("cpu", Kind::Cpu), plan("card", Kind::Card)]);
    scheduler.limit(1, 99);
    scheduler.lock().seats[1].rate = Some(1e9);
    serving(&scheduler, never, || {
        let call = ticket(texts(1, &[100; 9]));
        scheduler.submit(&call).unwrap();
        call.wait().unwrap();
        assert_eq!(call.timing().engines, ["cpu"]);
    });
}

#[test]
fn who_leaves_or_is_late_costs_nothing() {
    let scheduler = cpus(1);
    let (gone, late, stays) = (
        ticket(texts(1, &[8; 3])),
        Arc::new(Ticket::new(texts(10, &[8]), Instant::now(), Priority::Interactive)),
        ticket(texts(20, &[8])),
    );
    for call in [&gone, &late, &stays] {
        scheduler.submit(call).unwrap();
    }
    assert_eq!(late.wait(), Err(End::Deadline));
    gone.abandon();
    assert_eq!(gone.wait(), Err(End::Abandoned));
    let (batch, marks) = take(&scheduler, 0);
    assert_eq!(marks, [20]);
    // In the middle of a batch, its other calls keep it wanted.
    assert!(batch.is_wanted());
    stays.abandon();
    assert!(!batch.is_wanted());
}

#[test]
fn a_busy_daemon_refuses_what_would_be_late() {
    let scheduler = cpus(1);
    scheduler.lock().seats[0].state = State::Idle;
    scheduler.lock().seats[0].rate = Some(100.0);
    let call = |count| {
        Arc::new(Ticket::new(
            texts(0, &vec![10; count]),
            Instant::now() + Duration::from_secs(10),
            Priority::Batch,
        ))
    };
    assert!(matches!(scheduler.submit(&call(200)), Err(Refused::TooLarge { .. })));
    scheduler.submit(&call(70)).unwrap();
    scheduler.submit(&call(70)).unwrap_err();
    assert_eq!(scheduler.lock().queue.flows().map(|flow| flow.tokens()).sum::<usize>(), 700 - 60);
}

#[test]
fn a_stop_ends_the_waiting_calls_and_the_workers() {
    let scheduler = cpus(2);
    let waiting = ticket(texts(0, &[8]));
    scheduler.submit(&waiting).unwrap();
    thread::scope(|scope| {
        let blocked = scope.spawn(|| waiting.wait());
        scheduler.close();
        assert_eq!(blocked.join().unwrap(), Err(End::Failed(EngineError::Stopped)));
    });
    assert!((0..2).all(|seat| matches!(scheduler.next(seat, HANG), Turn::Closed)));
    let after = ticket(texts(0, &[8]));
    scheduler.submit(&after).unwrap();
    assert_eq!(after.wait(), Err(End::Failed(EngineError::Stopped)));
}

/// The first batch of an engine is slow, because its memory is cold.
#[test]
fn a_slow_first_batch_does_not_keep_an_engine_from_work() {
    let scheduler = cpus(2);
    scheduler.lock().seats[0].rate = Some(10.0);
    scheduler.submit(&ticket(texts(0, &[60; 40]))).unwrap();
    let (busy, _) = take(&scheduler, 1);
    let (batch, _) = take(&scheduler, 0);
    assert!(busy.tokens > 0 && batch.tokens > 0);
}

/// An engine that fails while it rests may have got a batch in this moment.
#[test]
fn a_seat_that_is_left_gives_its_batch_back() {
    let scheduler = cpus(2);
    assert!(matches!(scheduler.next(0, Duration::ZERO), Turn::Rest));
    let waiting = ticket(texts(5, &[8]));
    scheduler.submit(&waiting).unwrap();
    scheduler.leave(0, &EngineError::Trap("as the test wants".into()));
    let (batch, marks) = take(&scheduler, 1);
    scheduler.done(1, batch, vec![vec![1]], Duration::from_millis(1));
    assert_eq!((marks.len(), waiting.wait().unwrap()), (1, vec![vec![1]]));
    assert_eq!(scheduler.ready(), 1);
}

#[test]
fn a_call_tells_its_wait_and_its_share_of_each_batch() {
    let scheduler = Scheduler::new(vec![plan("cpu-0", Kind::Cpu), plan("card-0", Kind::Card)]);
    scheduler.lock().seats.iter_mut().for_each(|seat| seat.rate = Some(1e6));
    let (own, other) = (texts(1, &[5, 3]), texts(9, &[4]));
    let (call, neighbour) = (ticket(own.clone()), ticket(other.clone()));
    let part = |ticket: &Arc<Ticket>, texts: Vec<usize>| Part { ticket: Arc::clone(ticket), texts };
    let shared = Batch { parts: vec![part(&call, vec![0]), part(&neighbour, vec![0])], tokens: 9 };
    let alone = Batch { parts: vec![part(&call, vec![1])], tokens: 3 };
    call.taken();
    let [first, second] = [right(&own)[0].clone(), right(&own)[1].clone()];
    let took = Duration::from_millis(2);
    scheduler.done(1, shared, vec![first.clone(), right(&other)[0].clone()], took);
    scheduler.done(0, alone, vec![second.clone()], took);
    assert_eq!(call.wait().unwrap(), [first, second]);
    let stages = call.stages();
    assert_eq!(stages.iter().map(|stage| stage.name).collect::<Vec<_>>(), ["queue", "batch", "batch"]);
    let share = |stage: usize| {
        let share = stages[stage].batch.clone().unwrap();
        (share.engine, share.is_card, share.texts, share.tokens)
    };
    assert_eq!(share(1), ("card-0".into(), true, 1, 5));
    assert_eq!(share(2), ("cpu-0".into(), false, 1, 3));
    assert!(stages[1..].iter().all(|stage| stage.ended - stage.began == took));
    assert!(stages[0].ended >= stages[0].began && stages[0].batch.is_none());
}
