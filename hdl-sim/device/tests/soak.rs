//! 100,000 jobs on the mock: memory stays flat, no id drifts, every vector is the reference's.
//! `make soak` runs it; it takes minutes.
#![allow(clippy::unwrap_used)]

mod support;

use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use lockstep_accel_abi::Opcode;
use lockstep_accel_abi::events::Event;
use lockstep_accel_driver::{Card, CardAddress, CardEncoder, JobReport, Options, Sequence, Transport};
use lockstep_arith::encoder::Encoder;
use lockstep_arith::sample::{self, Random, Shape};
use support::{LANES, listening, socket};

/// Programs in all.
const JOBS: u64 = 100_000;
/// Programs between two looks at memory and ids.
const PART: u64 = 10_000;
/// How much memory may grow behind the first part, in bytes. A leak of three bytes a job is more.
const GROWTH: u64 = 1 << 18;
/// Texts, with their vectors by the reference.
type Texts = Vec<(Vec<u32>, Vec<u8>, Vec<i32>)>;

/// What a process uses.
#[derive(Clone, Copy, Debug)]
struct Use {
    resident: u64,
    files: usize,
    threads: usize,
}

impl Use {
    fn of(pid: u32) -> Self {
        let count = |what| std::fs::read_dir(format!("/proc/{pid}/{what}")).unwrap().count();
        let pages = std::fs::read_to_string(format!("/proc/{pid}/statm")).unwrap();
        let pages: u64 = pages.split(' ').nth(1).unwrap().parse().unwrap();
        Self { resident: 4096 * pages, files: count("fd"), threads: count("task") }
    }
}

/// The device process, which ends with this value.
struct Process(Child, std::path::PathBuf);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
        let _ = std::fs::remove_file(&self.1);
    }
}

#[test]
#[ignore = "100,000 jobs take minutes"]
fn a_hundred_thousand_jobs_leave_no_trace() {
    let path = socket();
    let mut command = Command::new(env!("CARGO_BIN_EXE_lockstep-card"));
    command.arg(&path).args(["--mock", "--mib", "4", "--lanes", &LANES.to_string()]);
    let process = Process(listening(&mut command, std::slice::from_ref(&path)), path.clone());
    let pids = [std::process::id(), process.0.id()];

    let transport = CardAddress::VfioUser(path).open(Duration::from_secs(20)).unwrap();
    let mut card = Card::open(transport, Options { memory: 1 << 20, ..Options::DEFAULT }).unwrap();
    let (to, reports) = channel();
    card.observe_jobs(move |report| to.send(*report).unwrap());
    let models = [5, 6].map(|seed| sample::encoder(&Shape { layers: 1, ..Shape::SMALL }, seed));
    let mut encoder = CardEncoder::new(card, &models[0]).unwrap();
    let second = encoder.add(&models[1]).unwrap();
    let ids: Vec<_> = encoder.models().collect();
    let texts = models.each_ref().map(known);

    let (mut soak, mut first) = (Soak { reports, programs: 0, jobs: 0 }, None);
    let mut random = Random::new(1);
    while soak.programs < JOBS {
        let part = soak.programs + PART;
        while soak.programs < part {
            let turn = random.within(0, 1) as usize;
            let chosen: Vec<_> = (0..random.within(1, 8))
                .map(|_| &texts[turn][random.within(0, texts[turn].len() as i32 - 1) as usize])
                .collect();
            let batch: Vec<Sequence<'_>> =
                chosen.iter().map(|(ids, type_ids, _)| Sequence { ids, type_ids }).collect();
            let id = if turn == 0 { ids[0] } else { second };
            let vectors = encoder.encode_by(id, &batch).unwrap();
            assert!(vectors.iter().zip(&chosen).all(|(vector, (.., right))| vector == right));
            soak.look();
        }
        soak.check(&encoder);
        assert_eq!(encoder.models().collect::<Vec<_>>(), ids);
        let now = pids.map(Use::of);
        println!("{} programs, {} jobs: {now:?}", soak.programs, soak.jobs);
        for (now, first) in now.iter().zip(first.get_or_insert(now)) {
            assert!(now.resident <= first.resident + GROWTH, "{now:?}, at first {first:?}");
            assert_eq!((now.files, now.threads), (first.files, first.threads));
        }
    }
}

/// Random texts of few lengths, so that the programs stay in card memory.
fn known(model: &Encoder) -> Texts {
    let mut random = Random::new(9);
    let one = |tokens| {
        let (ids, types) = sample::sequence(model, tokens, &mut random);
        let vector = model.forward(&ids, &types).unwrap();
        (ids, types, vector)
    };
    [1, 2, 3, 5, 9].repeat(4).into_iter().map(one).collect()
}

/// What the driver reported so far.
struct Soak {
    reports: Receiver<JobReport>,
    programs: u64,
    jobs: u64,
}

impl Soak {
    /// Jobs are numbered without a gap, and tags follow the numbers around the rings.
    fn look(&mut self) {
        for report in self.reports.try_iter() {
            assert_eq!(report.number, self.jobs + 1);
            assert_eq!(u64::from(report.descriptor.tag), self.jobs % (1 << Options::DEFAULT.ring_log2));
            assert_eq!(report.outcome.unwrap().tag, report.descriptor.tag);
            self.jobs += 1;
            self.programs += u64::from(report.descriptor.opcode == Opcode::Run as u8);
        }
    }

    /// Driver and card counted the same jobs.
    fn check(&self, encoder: &CardEncoder<Box<dyn Transport>>) {
        assert_eq!(encoder.jobs().succeeded, self.programs);
        assert_eq!((encoder.jobs().retried, encoder.jobs().failed), (0, 0));
        assert_eq!(encoder.card().counter(Event::JobsOk).unwrap(), self.jobs);
        assert_eq!(encoder.card().counter(Event::JobsFailed).unwrap(), 0);
        assert_eq!(encoder.card().resets(), 0);
    }
}
