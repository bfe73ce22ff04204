//! The driver and a fake card that makes the mistakes that a real card should never make.
#![allow(clippy::unwrap_used)]

mod fake;

use std::time::{Duration, Instant};

use fake::{Fake, Fate, statuses};
use lockstep_accel_abi::{Descriptor, Status, codes, registers};
use lockstep_accel_driver::{Card, CardState, Error, Options};

fn options() -> Options {
    Options { ring_log2: 2, memory: 1 << 16, job_time: Duration::from_millis(60), ..Options::default() }
}

fn open(fake: &Fake) -> Card<Fake> {
    Card::open(fake.clone(), options()).unwrap()
}

/// The jobs go round the rings many times, and 70,000 jobs overflow the indices of 16 bits.
#[test]
fn every_job_has_its_record() {
    let fake = Fake::new();
    let mut card = open(&fake);
    for jobs in [0, 1, 3, 4, 5, 64, 70_000] {
        assert!(statuses(&mut card, jobs).iter().all(|s| *s == Status::Ok));
    }
    fake.fates(&[Fate::Ends(Status::Ok), Fate::Ends(Status::HostRead), Fate::Ends(Status::Ok)]);
    assert_eq!(statuses(&mut card, 3), [Status::Ok, Status::HostRead, Status::Ok]);
    assert_eq!(card.resets(), 0);
}

#[test]
fn a_lost_interrupt_costs_time_and_nothing_else() {
    let fake = Fake::new();
    let mut card = open(&fake);
    fake.state().deaf = true;
    assert_eq!(statuses(&mut card, 9).len(), 9);
    assert_eq!((card.resets(), card.interrupts()), (0, 0));
}

#[test]
fn a_job_that_hangs_is_aborted_and_the_others_are_not() {
    let fake = Fake::new();
    let mut card = open(&fake);
    fake.fates(&[Fate::Ends(Status::Ok), Fate::Hangs]);
    let begin = Instant::now();
    assert_eq!(statuses(&mut card, 6), [0, 1, 0, 0, 0, 0].map(|a| [Status::Ok, Status::Aborted][a]));
    assert!(begin.elapsed() >= options().job_time);
    assert_eq!(fake.logged("abort 1"), 1);
    assert_eq!(card.resets(), 0);
}

#[test]
fn a_card_that_does_not_obey_is_reset_and_used_again() {
    for (fate, expected) in [
        (Fate::Ignores, "job 1 took longer than 60ms and could not be aborted; the card was reset"),
        (Fate::Halts, "the card halted with ERROR_STATUS 0x20 and was reset"),
        (
            Fate::WrongTag,
            "the card's record 1 is impossible: its tag is 0, the oldest job's is 1; the card was reset",
        ),
        (Fate::NoStatus, "the card's record 1 is impossible: there is no status 200; the card was reset"),
    ] {
        let fake = Fake::new();
        let mut card = open(&fake);
        fake.fates(&[Fate::Ends(Status::Ok), fate]);
        let error = card.execute(&[Descriptor::nop(0); 3]).unwrap_err();
        assert_eq!(error.to_string(), expected);
        assert_eq!(card.resets(), 1);
        assert_eq!(statuses(&mut card, 9), [Status::Ok; 9], "after {fate:?}");
    }
}

#[test]
fn a_card_that_is_gone_is_not_waited_for() {
    let fake = Fake::new();
    let patient = Options { job_time: Duration::from_secs(3600), ..options() };
    let mut card = Card::open(fake.clone(), patient).unwrap();
    fake.fates(&[Fate::Vanishes]);
    let begin = Instant::now();
    assert!(matches!(card.execute(&[Descriptor::nop(0)]), Err(Error::Gone)));
    assert!(begin.elapsed() < patient.job_time, "registers of ones end the wait");
    assert_eq!(card.state(), CardState::Gone);
    let accesses = fake.state().accesses;
    assert!(matches!(card.execute(&[Descriptor::nop(0)]), Err(Error::Gone)));
    assert_eq!(fake.state().accesses, accesses, "a card that is gone is left alone");
    assert!(matches!(card.reset(), Err(Error::Gone)));
    fake.state().gone = false;
    card.reset().unwrap();
    assert_eq!(statuses(&mut card, 9), [Status::Ok; 9], "the caller opened the card again");
}

/// The driver switches the bus master off and resets the card before it unmaps the memory.
#[test]
fn the_end_leaves_nothing_behind() {
    let fake = Fake::new();
    let card = open(&fake);
    assert_eq!(fake.state().log.last().unwrap(), "config 4 [6, 0]");
    drop(card);
    let log = &fake.state().log;
    assert_eq!(log[log.len() - 3..], ["config 4 [2, 0]", "reset", "unmap 0x100000000"]);
}

#[test]
fn only_a_card_of_this_kind_is_opened() {
    let message = |change: fn(&mut fake::State), options: Options| {
        let fake = Fake::new();
        change(&mut fake.state());
        Card::open(fake, options).unwrap_err().to_string()
    };
    let with = |register, value| -> String {
        let fake = Fake::new();
        fake.state().registers.insert(register, value);
        Card::open(fake, options()).unwrap_err().to_string()
    };
    assert_eq!(
        message(|s| s.config.extend([(2, 0)]), options()),
        "the card: PCI id is 0x4c001234; this driver needs 0x4c531234; name the address of a Lockstep card; \
         `lspci -nn` lists the ids"
    );
    assert_eq!(with(registers::ID, u32::MAX), "the card is gone");
    let id = format!("the card: ID is 0x7; this driver needs {:#x}; the device ", codes::ID_VALUE);
    assert!(with(registers::ID, 7).starts_with(&id));
    assert_eq!(
        with(registers::VERSION, 2 << 16),
        "the card: VERSION is 0x20000; this driver needs 0x10000; install the firmware and the driver of one \
         release"
    );
    let ring = Options { ring_log2: 11, ..options() };
    assert_eq!(message(|_| {}, ring), "ring_log2 is 11; the card takes 1 to 10");
    let memory = Options { memory: 4096, ..options() };
    assert_eq!(message(|_| {}, memory), "memory is 4096; the card takes 4480 bytes and more");
    let memory = Options { memory: usize::MAX, ..options() };
    assert!(message(|_| {}, memory).starts_with("memory for the card: "));
}
