//! Faults that the mock plays, and what the driver makes of them.
#![allow(clippy::unwrap_used)]

mod support;

use std::process::Command;
use std::time::{Duration, Instant};

use lockstep_accel_abi::registers::{self, fields};
use lockstep_accel_abi::{Descriptor, ErrorBits, Status};
use lockstep_accel_device::{DEATH, Faults, LATE, MockSetup, ServedCard};
use lockstep_accel_driver::{Card, CardEncoder, Error, Options};
use lockstep_vfio_user::Client;
use support::raw::{Raw, read, write};
use support::{BUILT, LANES, MIB, OPTIONS, Texts, model, socket};

/// A client of a mock with faults. The device ends with its value.
fn faulty(list: &str) -> (Client, ServedCard) {
    let path = socket();
    let faults: Faults = list.parse().unwrap();
    let device = ServedCard::start(&path, MockSetup { faults, ..MockSetup::new(LANES, MIB << 20) }).unwrap();
    (Client::connect(&path, BUILT).unwrap(), device)
}

/// A card of the driver that has faults.
fn driven(list: &str, options: Options) -> (Card<Client>, ServedCard) {
    let (client, device) = faulty(list);
    (Card::open(client, options).unwrap(), device)
}

fn nop(card: &mut Card<Client>) -> Result<Status, Error> {
    card.execute(&[Descriptor::nop(0)]).map(|outcomes| outcomes[0].status)
}

#[test]
fn interrupts_get_lost_and_come_twice() {
    let count = |list: &str| {
        let (client, device) = faulty(list);
        let mut raw = Raw::new(client);
        for tag in [1, 2] {
            raw.submit(&[Descriptor::nop(tag).with_interrupt()]);
            assert_eq!(raw.wait().tag, tag);
            raw.settle();
            raw.acknowledge();
        }
        let heard = raw.heard(Duration::ZERO);
        drop(raw);
        device.stop().unwrap();
        heard
    };
    assert_eq!(count("hang@9"), 2);
    assert_eq!(count("lost-interrupt@1"), 1);
    assert_eq!(count("duplicate-interrupt@1"), 3);
}

#[test]
fn interrupts_and_records_come_late() {
    for fault in ["late-interrupt@1", "late-record@1"] {
        let (client, _device) = faulty(fault);
        let mut raw = Raw::new(client);
        let begin = Instant::now();
        raw.submit(&[Descriptor::nop(1).with_interrupt()]);
        assert_eq!(raw.heard(Duration::from_secs(60)), 1, "{fault}");
        assert!(begin.elapsed() >= LATE, "{fault}");
        assert_eq!(raw.wait().tag, 1, "{fault}");
    }
}

/// The driver's recovery: an abort has no effect, so the driver resets the card.
#[test]
fn a_job_hangs_until_the_card_is_reset() {
    let options = Options { job_time: Duration::from_millis(100), ..OPTIONS };
    let (mut card, _device) = driven("hang@2", options);
    assert_eq!(nop(&mut card).unwrap(), Status::Ok);
    let error = nop(&mut card).unwrap_err();
    assert!(matches!(error, Error::Deadline { .. }), "{error}");
    assert_eq!(card.resets(), 1);
    assert_eq!(nop(&mut card).unwrap(), Status::Ok);
}

/// The watchdog's first expiry aborts the job, which has no effect. The second one halts the card.
#[test]
fn the_watchdog_halts_a_card_that_hangs() {
    let (client, _device) = faulty("hang@1");
    let mut raw = Raw::new(client);
    write(&raw.client, registers::WATCHDOG, 1_000_000);
    raw.submit(&[Descriptor::nop(1)]);
    let begin = Instant::now();
    while fields::STATUS::HALTED.get(read(&raw.client, registers::STATUS)) == 0 {
        assert!(begin.elapsed() < Duration::from_secs(60), "the card does not halt");
    }
    let errors = ErrorBits::WATCHDOG | ErrorBits::ENGINE_STUCK;
    assert_eq!(read(&raw.client, registers::ERROR_STATUS), errors);
}

#[test]
fn a_card_falls_off_the_bus_until_it_is_reset() {
    let (mut card, _device) = driven("all-ones@2", OPTIONS);
    assert_eq!(nop(&mut card).unwrap(), Status::Ok);
    let error = nop(&mut card).unwrap_err();
    assert!(matches!(error, Error::Gone), "{error}");
    card.reset().unwrap();
    assert_eq!(nop(&mut card).unwrap(), Status::Ok);
}

#[test]
fn a_record_is_garbled() {
    let (mut card, _device) = driven("garbled-record@2", OPTIONS);
    assert_eq!(nop(&mut card).unwrap(), Status::Ok);
    let error = nop(&mut card).unwrap_err();
    assert!(matches!(error, Error::Record { .. }), "{error}");
    assert_eq!(nop(&mut card).unwrap(), Status::Ok);
}

#[test]
fn a_job_has_an_error_of_dma() {
    let (mut card, _device) = driven("dma-error@1", OPTIONS);
    let copy = Descriptor::copy_to_card(0, card.data_iova(0), 0, 64);
    let outcome = card.execute(&[copy]).unwrap()[0];
    assert_eq!((outcome.status, outcome.address), (Status::HostRead, card.data_iova(0)));
    assert_eq!(card.execute(&[copy]).unwrap()[0].status, Status::Ok);
}

/// Only the vector tells. All jobs but one are copies of image and program to the card, which have
/// no results.
#[test]
fn one_bit_of_a_result_is_wrong() {
    let model = model(5);
    let texts = Texts::new(&model, &[3], 9);
    let expected = texts.expected(&model);
    let mut wrong = 0;
    for job in 1..40 {
        let (card, _device) = driven(&format!("wrong-result@{job}"), OPTIONS);
        let mut encoder = CardEncoder::new(card, &model).unwrap();
        let found = encoder.encode(&texts.batch()).unwrap();
        let bits: u32 = found[0].iter().zip(&expected[0]).map(|(a, b)| (a ^ b).count_ones()).sum();
        assert!(bits < 2, "job {job}");
        wrong += bits;
    }
    assert_eq!(wrong, 1, "one of these jobs runs the program");
}

#[test]
fn the_process_dies() {
    let path = socket();
    let mut child = Command::new(env!("CARGO_BIN_EXE_lockstep-card"))
        .arg(&path)
        .args(["--mock", "--mib", "1", "--fault", "death@2"])
        .spawn()
        .unwrap();
    let begin = Instant::now();
    while !path.exists() {
        assert!(begin.elapsed() < Duration::from_secs(20), "lockstep-card does not listen");
        std::thread::sleep(Duration::from_millis(10));
    }
    let mut card = Card::open(Client::connect(&path, BUILT).unwrap(), OPTIONS).unwrap();
    assert_eq!(nop(&mut card).unwrap(), Status::Ok);
    let error = nop(&mut card).unwrap_err();
    assert!(matches!(error, Error::Transport { .. }), "{error}");
    assert_eq!(child.wait().unwrap().code(), Some(DEATH.into()));
    std::fs::remove_file(&path).unwrap();
}
