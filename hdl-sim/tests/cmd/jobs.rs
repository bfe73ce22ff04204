//! The table of jobs, cycle by cycle: which job starts when, which one an abort or the watchdog
//! hits, and how and in which order jobs end.

use std::collections::VecDeque;

use lockstep_accel_abi::{Completion, Opcode, Status};
use lockstep_arith::sample::Random;
use lockstep_hdl_sim::Bits;

use crate::endings::Ending;
use crate::{Bench, TWO_SIDES, once, pauses, unit};

/// The greatest number of running jobs.
const JOBS: usize = 4;
/// Jobs that a unit takes before it has ended the first of them.
const AHEAD: usize = 2;
const TIME: u64 = (1 << 48) - 1;

/// `start_t`: the facts about a descriptor that the table needs.
#[derive(Clone, Copy, Debug)]
struct Start {
    status: Status,
    fault: u64,
    opcode: Opcode,
    notify: bool,
    fence: bool,
    tag: u16,
}

impl Start {
    fn draw(random: &mut Random) -> Self {
        Self {
            status: if once(random, 6) { Status::BadLength } else { Status::Ok },
            fault: random.next(),
            opcode: Opcode::ALL[random.within(0, 3) as usize],
            notify: once(random, 2),
            fence: once(random, 6),
            tag: random.within(0, 5) as u16,
        }
    }

    fn bits(&self) -> Bits {
        Bits::concat(&[
            Bits::new(16, self.tag.into()),
            Bits::new(1, self.fence.into()),
            Bits::new(1, self.notify.into()),
            Bits::new(8, self.opcode as u64),
            Bits::new(64, self.fault),
            Bits::new(8, self.status as u64),
        ])
    }
}

/// A job under way, or one that has ended and has no record yet.
struct Job {
    engine: bool,
    begun: u64,
    abort: bool,
    late: bool,
    done: bool,
    ending: Ending,
}

/// An abort that is remembered: its tag, and how many starts there will have been when it is over.
type Aborting = Option<(u16, u16)>;

#[derive(Default)]
struct Table {
    jobs: VecDeque<Job>,
    command: Option<Start>,
    /// The command was offered to a unit that did not take it.
    offered: bool,
    aborting: Aborting,
    started: u16,
    submitted: u16,
    age: u64,
}

impl Table {
    /// The oldest job that the engine, or the copier, has not ended.
    fn oldest(&mut self, engine: bool) -> Option<&mut Job> {
        self.jobs.iter_mut().find(|j| !j.done && j.engine == engine)
    }

    fn open(&self, engine: bool) -> usize {
        self.jobs.iter().filter(|j| !j.done && j.engine == engine).count()
    }
}

/// How a unit ends a job: any way, but mostly as aborted where it was told so.
fn end(random: &mut Random, abort: bool) -> Ending {
    let mut ending = Ending::draw(random);
    if abort && !once(random, 4) {
        ending.record.status = Status::Aborted as u8;
    }
    ending
}

/// Runs until `count` records are taken. Returns how often each status came, and how often a job
/// was stuck.
fn run(bench: &mut Bench, random: &mut Random, sides: (u8, u8), watchdog: u64, count: usize) -> [usize; 18] {
    let (units, records) = sides;
    let mut met = [0; 18];
    let mut table = Table::default();
    bench.set("watchdog_i", watchdog);
    bench.set("drain_i", 1);
    bench.clock();
    // The time wraps.
    let mut now = TIME - 500;
    let mut ended = 0;
    while ended < count {
        now = (now + 1) & TIME;
        let ahead = table.submitted.wrapping_sub(table.started);
        if ahead < 8 && once(random, 4) {
            table.submitted = table.submitted.wrapping_add(random.within(1, 3) as u16);
        }
        if table.command.is_none() && table.started != table.submitted && !pauses(random, 20) {
            table.command = Some(Start::draw(random));
        }
        let (runs, clear) = (!pauses(random, 5), once(random, 1000));
        let abort = once(random, 25).then(|| random.within(0, 5) as u16);
        let record_ready = !pauses(random, records);
        // Units without a watchdog end their jobs at some time.
        let speed = if watchdog == 0 { 10 } else { 40 };
        let mut unit = |engine: bool| {
            let ready = table.open(engine) < AHEAD && !pauses(random, units);
            let abort = table.oldest(engine).map(|job| job.abort);
            let done = abort.filter(|_| once(random, speed)).map(|abort| end(random, abort));
            (ready, done, abort == Some(true))
        };
        let (engine_ready, engine_done, engine_abort) = unit(true);
        let (copy_ready, copy_done, copy_abort) = unit(false);
        let noise = Completion { status: 0, ..Completion::default() };
        let engine = engine_done.map_or(noise, |e| e.record);
        let copy = copy_done.map_or(noise, |e| e.record);
        for (port, value) in [
            ("drain_i", clear.into()),
            ("run_i", runs.into()),
            ("now_i", now),
            ("command_valid_i", table.command.is_some().into()),
            ("engine_job_ready_i", engine_ready.into()),
            ("engine_end_done_i", engine_done.is_some().into()),
            ("engine_end_status_i", engine.status.into()),
            ("engine_end_detail_i", engine.detail.into()),
            ("engine_end_busy_i", engine.array_busy.into()),
            ("engine_end_address_i", engine.address),
            ("copy_ready_i", copy_ready.into()),
            ("copy_end_done_i", copy_done.is_some().into()),
            ("copy_end_status_i", copy.status.into()),
            ("copy_end_address_i", copy.address),
            ("ending_ready_i", record_ready.into()),
            ("abort_valid_i", abort.is_some().into()),
            ("abort_tag_i", abort.unwrap_or_default().into()),
            ("submit_producer_i", table.submitted.into()),
        ] {
            bench.set(port, value);
        }
        let command = table.command;
        bench.set_bits("command_i", &command.map_or_else(|| Bits::random(98, random), |c| c.bits()));
        bench.settle();

        // Who may start, and whether it is offered to a unit.
        let fits = |c: Start| table.jobs.len() < JOBS && (!c.fence || table.jobs.is_empty());
        let may = runs && command.is_some_and(fits);
        let meant = table
            .aborting
            .is_some_and(|(tag, end)| table.started != end && command.is_some_and(|c| c.tag == tag));
        let idle = |c: Start| c.status != Status::Ok || c.opcode == Opcode::Nop || meant;
        let refused = !table.offered && command.is_some_and(idle);
        let to_engine = command.is_some_and(|c| c.opcode == Opcode::Run);
        let offer = table.offered || may && !refused;
        let taken = offer && if to_engine { engine_ready } else { copy_ready };
        let start = taken || may && refused;
        let waits = table.jobs.front().is_some_and(|j| !j.done);
        let expired = waits && watchdog != 0 && table.age >= watchdog;
        let late = table.jobs.front().is_some_and(|j| j.late);
        let ending = runs && table.jobs.front().is_some_and(|j| j.done);
        let outputs = [
            ("command_ready_o", start),
            ("engine_valid_o", offer && to_engine),
            ("copy_valid_o", offer && !to_engine),
            ("engine_abort_o", engine_abort),
            ("copy_abort_o", copy_abort),
            ("ending_valid_o", ending),
            ("aborting_o", table.aborting.is_some()),
            ("late_o", expired && !late),
            ("stuck_o", expired && late),
        ];
        for (port, expected) in outputs {
            assert_eq!(bench.get(port), expected.into(), "{port} after {ended} records, {command:?}");
        }
        assert_eq!(bench.get("jobs_o"), table.jobs.len() as u64);
        if ending {
            assert_eq!(bench.bits("ending_o"), table.jobs[0].ending.bits(), "record {ended}");
        }
        bench.clock();

        if clear {
            table = Table::default();
            continue;
        }
        // An abort hits what is under way at once.
        let hits = |tag: u16| abort == Some(tag);
        for job in table.jobs.iter_mut().filter(|j| hits(j.ending.record.tag)) {
            job.abort = true;
        }
        table.age = if waits && !expired { table.age + 1 } else { 0 };
        for (engine, done) in [(true, engine_done), (false, copy_done)] {
            let Some(Ending { record, .. }) = done else { continue };
            let job = table.oldest(engine).unwrap();
            job.done = true;
            let kept = &mut job.ending.record;
            kept.address = record.address;
            kept.cycles = now.wrapping_sub(job.begun) & TIME;
            let stopped = record.status == Status::Aborted as u8;
            kept.status = if stopped && job.late { Status::Watchdog as u8 } else { record.status };
            if engine {
                (kept.detail, kept.array_busy) = (record.detail, record.array_busy);
            }
        }
        // A job that ends as aborted when the watchdog expires was aborted by the driver.
        if expired {
            met[17] += usize::from(late);
            let oldest = &mut table.jobs[0];
            (oldest.abort, oldest.late) = (true, true);
        }
        if ending && record_ready {
            let job = table.jobs.pop_front().unwrap();
            met[usize::from(job.ending.record.status)] += 1;
            ended += 1;
        }
        let begun_before = table.started;
        if start && let Some(c) = table.command.take() {
            let status = if c.status == Status::Ok && meant && refused { Status::Aborted } else { c.status };
            let record =
                Completion { status: status as u8, tag: c.tag, address: c.fault, ..Completion::default() };
            table.jobs.push_back(Job {
                engine: to_engine,
                begun: now,
                abort: meant || hits(c.tag),
                late: false,
                done: refused,
                ending: Ending { notify: c.notify, record },
            });
            table.started = table.started.wrapping_add(1);
        }
        table.offered = offer && !start;
        table.aborting = match (table.aborting, abort) {
            (None, Some(tag)) => Some((tag, table.submitted)),
            (Some((_, end)), _) if begun_before == end => None,
            (aborting, _) => aborting,
        };
    }
    met
}

#[test]
fn jobs() {
    let mut bench = unit("ls_jobs", &[("Jobs", JOBS)]);
    let mut random = Random::new(251);
    let mut met = [0; 18];
    for (sides, watchdog) in TWO_SIDES.into_iter().zip([0, 30, 80, 0, 15]) {
        let new = run(&mut bench, &mut random, sides, watchdog, 400);
        met.iter_mut().zip(new).for_each(|(sum, n)| *sum += n);
    }
    assert!(met.iter().all(|&n| n > 0), "{met:?}");
    let [aborted, late, stuck] = [Status::Aborted as usize, Status::Watchdog as usize, 17].map(|i| met[i]);
    assert!(aborted > 50 && late > 50 && stuck > 20, "{met:?}");
}
