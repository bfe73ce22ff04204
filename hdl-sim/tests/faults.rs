//! Errors of the command processor: every status, aborts and resets in any cycle, the watchdog.
#![allow(clippy::unwrap_used)]

mod stand_in;

use std::collections::BTreeSet;

use lockstep_accel_abi::events::Event;
use lockstep_accel_abi::registers::{self, fields};
use lockstep_accel_abi::{Descriptor, EngineError, ErrorBits, Status, codes};
use lockstep_hdl_sim::{Card, Fault, Stalls};
use stand_in::{DATA, Program, RESULTS, card, outcome, quick, run_job};

const GOOD: Program = Program { behave: 0, length: 3, input: 40, output: 12, runs: 2 };
const CARD_BYTES: u64 = 0x10_0000;

/// Runs a bad command between two good jobs. It must end with a status and an address, and the good
/// jobs must end well.
fn between_good_ones(card: &mut Card, bad: Descriptor, status: Status, address: u64) {
    let (first, first_results) = run_job(card, 1, GOOD);
    let (last, last_results) = run_job(card, 2, GOOD);
    card.submit(&[first, bad, last]).unwrap();
    let records = card.wait(3, 20_000).unwrap();
    let found: Vec<Status> = records.iter().map(outcome).collect();
    assert_eq!(found, [Status::Ok, status, Status::Ok], "{bad:?}");
    let tag = if status == Status::DescriptorRead { codes::NO_TAG } else { bad.tag };
    assert_eq!((records[1].tag, records[1].address), (tag, address), "{bad:?}");
    for (job, results) in [(first, first_results), (last, last_results)] {
        assert_eq!(card.host_read(job.output_address, results.len()), results, "beside {bad:?}");
        card.host_write(job.output_address, &vec![0; results.len()]);
    }
}

#[test]
fn every_status_is_provoked_and_stays_with_its_job() {
    let mut provoked = BTreeSet::from([Status::Ok]);
    for (width, stalls) in [(64, Stalls::NONE), (128, Stalls { idle: 40, back_pressure: 40, seed: 3 })] {
        let mut card = card(width, quick(), stalls, 4);
        card.enable().unwrap();
        let job = |card: &Card, behave| run_job(card, 9, Program { behave, ..GOOD }).0;
        let good = job(&card, 0);
        let copy = Descriptor::copy_to_card(9, DATA, 0x1000, 64);
        let bad_array = good.array * 2;
        let mut check = |card: &mut Card, bad, status, address| {
            between_good_ones(card, bad, status, address);
            provoked.insert(status);
        };
        for opcode in [0, 5, 255] {
            check(&mut card, Descriptor { opcode, ..copy }, Status::BadOpcode, 0);
        }
        for bad in [
            Descriptor { flags: 4, ..copy },
            Descriptor { reserved_0: 1, ..copy },
            Descriptor { reserved_1: 1, ..good },
            Descriptor { tokens: 1, ..copy },
            Descriptor { bytes: 4, ..good },
            Descriptor { input_stride: 4, ..copy },
            Descriptor { card_address: 4, ..Descriptor::nop(9) },
        ] {
            check(&mut card, bad, Status::BadReserved, 0);
        }
        for (bad, address) in [
            (Descriptor { card_address: 0x1002, ..copy }, 0x1002),
            (Descriptor { host_address: DATA + 1, ..copy }, DATA + 1),
            (Descriptor { bytes: 62, ..copy }, 0x1000 + 62),
            (Descriptor { card_address: good.card_address + 32, ..good }, good.card_address + 32),
            (Descriptor { host_address: DATA + 2, ..good }, DATA + 2),
            (Descriptor { output_address: DATA + 3, ..good }, DATA + 3),
            (Descriptor { input_stride: 42, ..good }, good.host_address + 42),
            (Descriptor { output_stride: 43, ..good }, good.output_address + 43),
        ] {
            check(&mut card, bad, Status::Misaligned, address);
        }
        for bad in [
            Descriptor { bytes: 0, ..copy },
            Descriptor { bytes: codes::COPY_MAX + 4, ..copy },
            Descriptor { program_length: 0, ..good },
            Descriptor { program_length: 65536, ..good },
        ] {
            check(&mut card, bad, Status::BadLength, 0);
        }
        for (bad, address) in [
            (Descriptor { card_address: CARD_BYTES - 60, ..copy }, CARD_BYTES - 60),
            (Descriptor { card_address: u64::MAX - 3, ..copy }, u64::MAX - 3),
            (Descriptor { card_address: CARD_BYTES - 64, ..good }, CARD_BYTES - 64),
        ] {
            check(&mut card, bad, Status::CardRange, address);
        }
        for bad in [
            Descriptor { array: bad_array, ..good },
            Descriptor { tokens: 0, ..good },
            Descriptor { tokens: 513, ..good },
            Descriptor { hidden: 0, ..good },
            Descriptor { hidden: 1025, ..good },
            Descriptor { runs: 0, ..good },
        ] {
            check(&mut card, bad, Status::UnsupportedShape, 0);
        }
        for (error, status) in [
            (EngineError::IllegalInstruction, Status::BadInstruction),
            (EngineError::BadInput, Status::BadInput),
        ] {
            let bad = job(&card, error as u32);
            check(&mut card, bad, status, 0);
        }
        assert_eq!(
            card.top.read(registers::ERROR_STATUS).unwrap(),
            0,
            "none of these is an error of the card"
        );

        // Errors of the buses, met by a job and by a copy. The record's address is that of the beat
        // of a read, or of the burst of a write.
        let beat = |address: u64| address & !(width as u64 / 8 - 1);
        let good = job(&card, 0);
        card.card_memory().borrow_mut().fail(good.card_address + 64..good.card_address + 65, Fault::Slave);
        check(&mut card, good, Status::CardRead, good.card_address + 64);
        card.card_memory().borrow_mut().heal();
        card.card_memory().borrow_mut().fail(0x2020..0x2021, Fault::Slave);
        let back = Descriptor::copy_from_card(9, 0x2004, RESULTS + 0x8000, 64);
        check(&mut card, back, Status::CardRead, 0x2020);
        let forth = Descriptor::copy_to_card(9, DATA, 0x2004, 64);
        check(&mut card, forth, Status::CardWrite, beat(0x2004));
        card.card_memory().borrow_mut().heal();
        card.host_memory().borrow_mut().fail(good.host_address + 20..good.host_address + 21, Fault::Slave);
        check(&mut card, good, Status::HostRead, beat(good.host_address + 20));
        let forth = Descriptor::copy_to_card(9, good.host_address, 0x2004, 64);
        check(&mut card, forth, Status::HostRead, beat(good.host_address + 20));
        card.host_memory().borrow_mut().heal();
        card.host_memory().borrow_mut().fail(good.output_address..good.output_address + 4, Fault::Slave);
        check(&mut card, good, Status::HostWrite, beat(good.output_address));
        let back = Descriptor::copy_from_card(9, 0x2004, good.output_address, 64);
        check(&mut card, back, Status::HostWrite, beat(good.output_address));
        card.host_memory().borrow_mut().heal();
        let bus = ErrorBits::HOST_READ | ErrorBits::HOST_WRITE | ErrorBits::CARD_READ | ErrorBits::CARD_WRITE;
        assert_eq!(card.top.read(registers::ERROR_STATUS).unwrap(), bus);
        assert_eq!(card.top.read(registers::ERROR_INFO).unwrap(), 2 << 8 | 2, "the first: card read, SLVERR");
        assert_eq!(u64::from(card.top.read(registers::ERROR_ADDRESS_LO).unwrap()), good.card_address + 64);
        card.top.write(registers::ERROR_STATUS, bus).unwrap();

        // An address without memory: DECERR.
        let lost = Descriptor::copy_to_card(9, 0x5000, 0x1000, 16);
        check(&mut card, lost, Status::HostRead, 0x5000);
        assert_eq!(card.top.read(registers::ERROR_INFO).unwrap(), 3 << 8);

        // The card cannot read one descriptor of a request; the others are not affected.
        let index = fields::SUBMIT_INDEX::PRODUCER.get(card.top.read(registers::SUBMIT_INDEX).unwrap());
        let slot = Card::SUBMIT_BASE + 64 * u64::from((index + 1) % 16);
        card.host_memory().borrow_mut().fail(slot..slot + 1, Fault::Slave);
        check(&mut card, Descriptor::nop(9), Status::DescriptorRead, slot);
        card.host_memory().borrow_mut().heal();
        let errors = card.top.read(registers::ERROR_STATUS).unwrap();
        assert_eq!(errors, ErrorBits::HOST_READ | ErrorBits::DESCRIPTOR_READ);
        assert!(card.top.read(registers::INT_STATUS).unwrap() & 2 != 0);

        // The watchdog stops only the job that hangs.
        card.top.write(registers::WATCHDOG, 5000).unwrap();
        let hangs = job(&card, 16);
        check(&mut card, hangs, Status::Watchdog, 0);
        assert!(card.top.read(registers::ERROR_STATUS).unwrap() & ErrorBits::WATCHDOG != 0);
        card.top.write(registers::WATCHDOG, 0).unwrap();
        assert!(card.top.counter(Event::JobsFailed).unwrap() > 40);

        // An abort.
        let hangs = job(&card, 16);
        card.submit(&[hangs]).unwrap();
        card.top.run(1000).unwrap();
        card.top.write(registers::ABORT, 9).unwrap();
        assert_eq!(outcome(&card.wait(1, 1000).unwrap()[0]), Status::Aborted);
        provoked.insert(Status::Aborted);
    }
    let all: BTreeSet<Status> = Status::ALL.iter().copied().collect();
    assert_eq!(provoked, all);
}

/// An abort in every phase of a job. The job ends as aborted or well, and its neighbours are not
/// affected.
#[test]
fn aborts_at_any_time_hit_one_job() {
    for stalls in [Stalls::NONE, Stalls { idle: 30, back_pressure: 30, seed: 8 }] {
        let mut card = card(64, quick(), stalls, 4);
        card.enable().unwrap();
        let mut seen = BTreeSet::new();
        for delay in (0..1500).step_by(11) {
            // The third of six jobs, a program or a copy.
            let copy = Descriptor::copy_to_card(3, DATA, 0x1000, 3000);
            let back = Descriptor::copy_from_card(3, 0x1000, RESULTS + 0x8000, 3000);
            let victim = [run_job(&card, 3, GOOD).0, copy, back, Descriptor::nop(3)][delay as usize / 11 % 4];
            let mut commands: Vec<_> = (0..6).map(|tag| run_job(&card, tag, GOOD)).collect();
            commands[2].0 = victim;
            commands[3].0.tag = 33;
            card.submit(&commands.iter().map(|c| c.0).collect::<Vec<_>>()).unwrap();
            card.top.run(delay).unwrap();
            card.top.write(registers::ABORT, 3).unwrap();
            let records = card.wait(6, 20_000).unwrap();
            for (i, (record, (command, results))) in records.iter().zip(&commands).enumerate() {
                assert_eq!(record.tag, command.tag);
                if i == 2 {
                    seen.insert(outcome(record));
                    assert!(matches!(outcome(record), Status::Ok | Status::Aborted));
                    continue;
                }
                assert_eq!(outcome(record), Status::Ok, "delay {delay}, job {i}");
                let found = card.host_read(command.output_address, results.len());
                assert_eq!(&found, results, "delay {delay}, job {i}");
                card.host_write(command.output_address, &vec![0; results.len()]);
            }
            let status = card.top.read(registers::STATUS).unwrap();
            assert_eq!(fields::STATUS::ABORTING.get(status), 0);
            // The abort is over: a new job with the same tag runs.
            card.submit(&[run_job(&card, 3, GOOD).0]).unwrap();
            assert_eq!(outcome(&card.wait(1, 10_000).unwrap()[0]), Status::Ok, "delay {delay}");
        }
        assert_eq!(seen, BTreeSet::from([Status::Ok, Status::Aborted]));
        assert_eq!(card.top.read(registers::ERROR_STATUS).unwrap(), 0);
    }
}

/// An abort also stops a job that has not started, in the card's queue or still in the ring. It
/// does not stop a job that is submitted later.
#[test]
fn an_abort_reaches_jobs_that_wait() {
    for victim in [3, 9] {
        let mut card = card(64, quick(), Stalls::NONE, 4);
        card.enable().unwrap();
        let hang = run_job(&card, 1, Program { behave: 16, ..GOOD }).0;
        let mut commands = vec![hang, Descriptor::nop(2).with_fence()];
        commands.extend((3..11).map(Descriptor::nop));
        card.submit(&commands).unwrap();
        card.top.run(2000).unwrap();
        let index = card.top.read(registers::SUBMIT_INDEX).unwrap();
        assert!((4..9).contains(&fields::SUBMIT_INDEX::CONSUMER.get(index)), "tag 9 is still in the ring");
        card.top.write(registers::ABORT, victim).unwrap();
        assert_eq!(fields::STATUS::ABORTING.get(card.top.read(registers::STATUS).unwrap()), 1);
        card.submit(&[Descriptor::nop(victim as u16)]).unwrap();
        // Meanwhile the driver can abort a running job.
        card.top.write(registers::ABORT, 1).unwrap();
        for record in card.wait(11, 5000).unwrap().iter().enumerate() {
            let (place, record) = record;
            let hit = place < 10 && (record.tag == 1 || u32::from(record.tag) == victim);
            assert_eq!(outcome(record), if hit { Status::Aborted } else { Status::Ok }, "record {place}");
        }
        assert_eq!(fields::STATUS::ABORTING.get(card.top.read(registers::STATUS).unwrap()), 0);
    }
}

/// A soft reset in many cycles. The card finishes the bursts on the bus, begins no others, and
/// works again.
#[test]
fn soft_resets_at_any_time_leave_a_clean_card() {
    for (stalls, step) in [(Stalls::NONE, 13), (Stalls { idle: 60, back_pressure: 60, seed: 11 }, 37)] {
        let mut card = card(64, quick(), stalls, 4);
        card.top.write(registers::SCRATCH, 0x1234).unwrap();
        for delay in (0..900).step_by(step) {
            card.enable().unwrap();
            let copies = [
                Descriptor::copy_to_card(1, DATA + 4, 0x1000, 2500),
                run_job(&card, 2, GOOD).0,
                Descriptor::copy_from_card(3, 0x1008, RESULTS + 0x8004, 2500),
                run_job(&card, 4, Program { behave: 17, ..GOOD }).0,
            ];
            card.submit(&copies).unwrap();
            card.top.run(delay).unwrap();
            card.reset(5000).unwrap();
            assert!(card.top.idle(), "delay {delay}: something is still on the bus");
            assert_eq!(card.top.read(registers::STATUS).unwrap(), 0);
            assert_eq!(card.top.read(registers::SUBMIT_INDEX).unwrap(), 0);
            assert_eq!(card.top.read(registers::ERROR_STATUS).unwrap(), 0);
            assert_eq!(card.top.read(registers::SCRATCH).unwrap(), 0x1234);
            card.enable().unwrap();
            let (job, results) = run_job(&card, 5, GOOD);
            card.submit(&[Descriptor::copy_to_card(6, DATA, 0x1000, 700), job]).unwrap();
            let records = card.wait(2, 20_000).unwrap();
            assert!(records.iter().all(|r| outcome(r) == Status::Ok), "delay {delay}: {records:?}");
            assert_eq!(card.host_read(job.output_address, results.len()), results);
            card.reset(5000).unwrap();
        }
    }
}

#[test]
fn a_stuck_engine_halts_the_card_until_it_is_reset() {
    let mut card = card(64, quick(), Stalls::NONE, 4);
    card.enable().unwrap();
    card.top.write(registers::INT_ENABLE, 2).unwrap();
    card.top.write(registers::WATCHDOG, 2000).unwrap();
    card.submit(&[run_job(&card, 1, Program { behave: 17, ..GOOD }).0, Descriptor::nop(2)]).unwrap();
    card.top.run(3000).unwrap();
    assert_eq!(card.top.read(registers::ERROR_STATUS).unwrap(), ErrorBits::WATCHDOG);
    card.top.run(2500).unwrap();
    assert_eq!(
        card.top.read(registers::ERROR_STATUS).unwrap(),
        ErrorBits::WATCHDOG | ErrorBits::ENGINE_STUCK
    );
    assert_eq!(card.top.irq(), 2);
    card.top.write(registers::ERROR_STATUS, u32::MAX).unwrap();
    let status = card.top.read(registers::STATUS).unwrap();
    assert_eq!((fields::STATUS::HALTED.get(status), fields::STATUS::READY.get(status)), (1, 0));
    assert!(card.poll().is_none(), "no record out of turn");
    card.reset(1000).unwrap();
    card.enable().unwrap();
    card.submit(&[Descriptor::nop(3)]).unwrap();
    assert_eq!(card.wait(1, 1000).unwrap()[0].tag, 3);
}

#[test]
fn a_record_that_cannot_be_written_halts_the_card() {
    let mut card = card(64, quick(), Stalls::NONE, 4);
    card.enable().unwrap();
    card.submit(&[Descriptor::nop(1)]).unwrap();
    card.wait(1, 1000).unwrap();
    let slot = Card::COMPLETE_BASE + 32;
    card.host_memory().borrow_mut().fail(slot..slot + 32, Fault::Slave);
    card.submit(&[Descriptor::nop(2), Descriptor::nop(3)]).unwrap();
    card.top.run(1000).unwrap();
    let errors = card.top.read(registers::ERROR_STATUS).unwrap();
    assert_eq!(errors, ErrorBits::HOST_WRITE | ErrorBits::COMPLETION_WRITE);
    assert_eq!(fields::STATUS::HALTED.get(card.top.read(registers::STATUS).unwrap()), 1);
    assert_eq!(u64::from(card.top.read(registers::ERROR_ADDRESS_LO).unwrap()), slot & 0xffff_ffff);
    card.host_memory().borrow_mut().heal();
    assert!(card.poll().is_none());
    card.reset(1000).unwrap();
    card.enable().unwrap();
    card.submit(&[Descriptor::nop(4)]).unwrap();
    assert_eq!(card.wait(1, 1000).unwrap()[0].tag, 4);
}
