//! An observer hears of each job that leaves the rings: of those that ended, and of those that are
//! lost.
#![allow(clippy::unwrap_used)]

mod fake;

use std::sync::mpsc::channel;

use fake::{Fake, Fate};
use lockstep_accel_abi::{Descriptor, Status};
use lockstep_accel_driver::{Card, Error, JobReport, Options};

#[test]
fn each_job_is_reported_once_and_in_order() {
    let fake = Fake::new();
    let options = Options { ring_log2: 2, memory: 1 << 16, ..Options::DEFAULT };
    let mut card = Card::open(fake.clone(), options).unwrap();
    card.execute(&[Descriptor::nop(0); 3]).unwrap();
    let (to, reports) = channel();
    card.observe_jobs(move |report: &JobReport| to.send(*report).unwrap());

    fake.fates(&[Fate::Works, Fate::Ends(Status::CardRead)]);
    let outcomes = card.execute(&[Descriptor::nop(0); 10]).unwrap();
    let seen: Vec<JobReport> = reports.try_iter().collect();
    assert_eq!(
        seen.iter().map(|report| report.outcome).collect::<Vec<_>>(),
        outcomes.into_iter().map(Some).collect::<Vec<_>>()
    );
    assert_eq!(seen[1].outcome.unwrap().status, Status::CardRead);
    for (number, report) in (4..).zip(&seen) {
        assert_eq!((report.number, u64::from(report.descriptor.tag)), (number, (number - 1) % 4));
        assert!(report.submitted <= report.ended);
    }

    // The card halts at the second job. The rings hold four.
    fake.fates(&[Fate::Works, Fate::Halts]);
    let error = card.execute(&[Descriptor::nop(0); 9]).unwrap_err();
    assert!(matches!(error, Error::Halted { .. }), "{error}");
    let seen: Vec<JobReport> = reports.try_iter().collect();
    let lost: Vec<bool> = seen.iter().map(|report| report.outcome.is_none()).collect();
    assert_eq!((seen[0].number, &lost[..2]), (14, &[false, true][..]));
    assert!(lost[1..].iter().all(|lost| *lost) && lost.len() <= 5, "{lost:?}");
    // The counting goes on behind the reset.
    card.execute(&[Descriptor::nop(0)]).unwrap();
    let next = reports.try_iter().next().unwrap();
    assert_eq!((next.number, next.descriptor.tag), (14 + seen.len() as u64, 0));
}
