//! Faults that the mock and the RTL play, and what the driver makes of them.
#![allow(clippy::unwrap_used)]

mod support;

use std::process::Command;
use std::time::{Duration, Instant};

use lockstep_accel_abi::registers::{self, fields};
use lockstep_accel_abi::{Descriptor, ErrorBits, Status};
use lockstep_accel_device::{CardSetup, DEATH, Faults, LATE, MockSetup, ServedCard, SimulationSetup};
use lockstep_accel_driver::{Card, CardEncoder, Error, Options};
use lockstep_accel_stories::{Texts, model};
use lockstep_vfio_user::Client;
use support::raw::{Raw, read, write};
use support::{BUILT, LANES, MIB, OPTIONS, listening, socket};

/// Cards with faults: the mock, and the RTL whose results are compared with the model.
fn cards(list: &str) -> [CardSetup; 2] {
    let faults: Faults = list.parse().unwrap();
    let mock = MockSetup { faults: faults.clone(), ..MockSetup::new(LANES, MIB << 20) };
    let rtl = SimulationSetup { faults, check: true, ..SimulationSetup::of_engine(LANES, MIB << 20) };
    [mock.into(), rtl.into()]
}

/// A client of a card. The device ends with its value.
fn served(card: CardSetup) -> (Client, ServedCard) {
    println!("{card:?}");
    let path = socket();
    let device = ServedCard::start(&path, card).unwrap();
    (Client::connect(&path, BUILT).unwrap(), device)
}

/// A client of the mock with faults.
fn faulty(list: &str) -> (Client, ServedCard) {
    let [mock, _] = cards(list);
    served(mock)
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
    let count = |card: CardSetup| {
        let (client, device) = served(card);
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
    for (list, heard) in [("death@9", 2), ("lost-interrupt@1", 1), ("duplicate-interrupt@1", 3)] {
        assert_eq!(cards(list).map(count), [heard; 2], "{list}");
    }
}

#[test]
fn interrupts_and_records_come_late() {
    let faults = ["late-interrupt@1", "late-record@1"];
    for (fault, card) in faults.iter().flat_map(|fault| cards(fault).map(|card| (fault, card))) {
        let (client, _device) = served(card);
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
    for card in cards("all-ones@2") {
        let (client, _device) = served(card);
        let mut card = Card::open(client, OPTIONS).unwrap();
        assert_eq!(nop(&mut card).unwrap(), Status::Ok);
        let error = nop(&mut card).unwrap_err();
        assert!(matches!(error, Error::Gone), "{error}");
        card.reset().unwrap();
        assert_eq!(nop(&mut card).unwrap(), Status::Ok);
    }
}

#[test]
fn a_record_is_garbled() {
    for card in cards("garbled-record@2") {
        let (client, _device) = served(card);
        let mut card = Card::open(client, OPTIONS).unwrap();
        assert_eq!(nop(&mut card).unwrap(), Status::Ok);
        let error = nop(&mut card).unwrap_err();
        assert!(matches!(error, Error::Record { .. }), "{error}");
        assert_eq!(nop(&mut card).unwrap(), Status::Ok);
    }
}

#[test]
fn a_job_has_an_error_of_dma() {
    for card in cards("dma-error@1") {
        let (client, _device) = served(card);
        let mut card = Card::open(client, OPTIONS).unwrap();
        let copy = Descriptor::copy_to_card(0, card.data_iova(0), 0, 64);
        let outcome = card.execute(&[copy]).unwrap()[0];
        assert_eq!((outcome.status, outcome.address), (Status::HostRead, card.data_iova(0)));
        assert_eq!(card.execute(&[copy]).unwrap()[0].status, Status::Ok);
    }
}

/// Only the vector tells. All jobs but one copy image and program to the card and back. The driver
/// notices a copy that came back wrong, and copies again.
#[test]
fn one_bit_of_a_result_is_wrong() {
    let model = model(5);
    let texts = Texts::new(&model, &[3], 9);
    let expected = texts.reference(&model).unwrap();
    // Bits that are wrong.
    let encoded = |card: CardSetup| -> u32 {
        let check = matches!(&card, CardSetup::Simulation(setup) if setup.check);
        let (client, device) = served(card);
        let mut encoder = CardEncoder::new(Card::open(client, OPTIONS).unwrap(), &model).unwrap();
        let found = encoder.encode(&texts.batch()).unwrap();
        let wrong = found[0].iter().zip(&expected[0]).map(|(a, b)| (a ^ b).count_ones()).sum();
        drop(encoder);
        match device.stop() {
            Ok(()) => assert!(!check || wrong == 0, "the model notices a wrong bit"),
            Err(why) => assert_eq!(why.to_string(), "1 of 1 jobs differ from the functional model"),
        }
        wrong
    };
    let list = |job: u64| format!("wrong-result@{job}");
    let wrong: Vec<u64> = (1..200).filter(|job| encoded(cards(&list(*job))[0].clone()) == 1).collect();
    let [job] = wrong[..] else { panic!("one of these jobs runs the program: {wrong:?}") };
    assert_eq!(cards(&list(job)).map(encoded), [1, 1]);
    assert_eq!(cards(&list(job + 999)).map(encoded), [0, 0]);
}

#[test]
fn the_process_dies() {
    for mock in [&["--mock"][..], &[]] {
        let path = socket();
        let mut command = Command::new(env!("CARGO_BIN_EXE_lockstep-card"));
        command.arg(&path).args(["--mib", "1", "--fault", "death@2"]).args(mock);
        let mut child = listening(&mut command, std::slice::from_ref(&path));
        let mut card = Card::open(Client::connect(&path, BUILT).unwrap(), OPTIONS).unwrap();
        assert_eq!(nop(&mut card).unwrap(), Status::Ok);
        let error = nop(&mut card).unwrap_err();
        assert!(matches!(error, Error::Transport { .. }), "{error}");
        assert_eq!(child.wait().unwrap().code(), Some(DEATH.into()));
        std::fs::remove_file(&path).unwrap();
    }
}
