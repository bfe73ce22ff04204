//! The command processor with a stand-in for the engine: registers, rings, copies, jobs,
//! interrupts.
#![allow(clippy::unwrap_used)]

mod stand_in;

use lockstep_accel_abi::events::Event;
use lockstep_accel_abi::registers::{self, fields};
use lockstep_accel_abi::{Completion, Descriptor, ErrorBits, Status, codes, ring};
use lockstep_arith::sample::Random;
use lockstep_hdl_sim::{Card, Stalls};
use stand_in::{DATA, PROGRAMS, Program, bytes, card, outcome, program, quick, run_job};

#[test]
fn registers_say_what_the_card_is() {
    let mut card = card(64, quick(), Stalls::NONE, 4);
    assert_eq!(card.top.read(registers::ID).unwrap(), codes::ID_VALUE);
    assert_eq!(card.top.read(registers::VERSION).unwrap(), codes::INTERFACE_VERSION);
    assert_eq!(card.top.read(registers::BUILD_ID).unwrap(), 0x600d_1dea);
    assert_eq!(card.top.read(registers::CAP_ARRAY).unwrap(), 8 << 16 | 8);
    assert_eq!(card.top.read(registers::CAP_LIMITS).unwrap(), 1024 << 16 | 512);
    assert_eq!(card.top.read(registers::CAP_CARD_BYTES_LO).unwrap(), 0x10_0000);
    assert_eq!(card.top.read(registers::CAP_PORTS).unwrap(), 8 << 16 | 8);
    assert_eq!(card.top.read(registers::CAP_COUNTERS).unwrap(), Event::ALL.len() as u32);
    let queue = card.top.read(registers::CAP_QUEUE).unwrap();
    assert_eq!(fields::CAP_QUEUE::VECTORS.get(queue), codes::VECTORS);
    assert_eq!(fields::CAP_QUEUE::RING_LOG2_MAX.get(queue), codes::RING_LOG2.1);
    card.top.write(registers::SCRATCH, 0xdead_beef).unwrap();
    assert_eq!(card.top.read(registers::SCRATCH).unwrap(), 0xdead_beef);
    // Every offset answers: with zero if it has no register, and never with all ones, as a card
    // that is gone does.
    for offset in (0..lockstep_accel_abi::BAR_BYTES).step_by(4) {
        let value = card.top.read(offset).unwrap();
        assert_ne!(value, lockstep_accel_abi::ALL_ONES, "{offset:#x}");
        let counters = registers::COUNTERS..registers::COUNTERS + 8 * Event::ALL.len() as u32;
        if !registers::REGISTERS.iter().any(|r| r.offset == offset) && !counters.contains(&offset) {
            assert_eq!(value, 0, "{offset:#x}");
        }
    }
    assert_eq!(card.top.read(registers::ERROR_STATUS).unwrap(), 0);
}

#[test]
fn wrong_accesses_are_reported_and_have_no_effect() {
    let mut card = card(64, quick(), Stalls::NONE, 4);
    let expect = |card: &mut Card, bit: u32, what: &str| {
        assert_eq!(card.top.read(registers::ERROR_STATUS).unwrap(), bit, "{what}");
        card.top.write(registers::ERROR_STATUS, 0).unwrap();
        assert_eq!(card.top.read(registers::ERROR_STATUS).unwrap(), bit, "a zero clears nothing");
        card.top.write(registers::ERROR_STATUS, bit).unwrap();
        assert_eq!(card.top.read(registers::ERROR_STATUS).unwrap(), 0);
    };
    card.top.write(registers::ID, 1).unwrap();
    expect(&mut card, ErrorBits::BAD_ACCESS, "a read-only register");
    card.top.write(0x7fc, 1).unwrap();
    expect(&mut card, ErrorBits::BAD_ACCESS, "no register");
    card.top.write(registers::DOORBELL_SUBMIT, 1).unwrap();
    expect(&mut card, ErrorBits::BAD_DOORBELL, "the queue is not enabled");
    card.top.write(registers::CONTROL, 1).unwrap();
    expect(&mut card, ErrorBits::BAD_QUEUE, "no size");
    assert_eq!(card.top.read(registers::CONTROL).unwrap(), 0);
    card.top.write(registers::RING_LOG2, 16).unwrap();
    card.top.write(registers::CONTROL, 1).unwrap();
    expect(&mut card, ErrorBits::BAD_QUEUE, "too large");
    card.top.write(registers::RING_LOG2, 4).unwrap();
    card.top.write(registers::SUBMIT_BASE_LO, 32).unwrap();
    card.top.write(registers::CONTROL, 1).unwrap();
    expect(&mut card, ErrorBits::BAD_QUEUE, "misaligned");

    card.enable().unwrap();
    assert_eq!(card.top.read(registers::STATUS).unwrap(), fields::STATUS::READY.mask());
    for register in [
        registers::SUBMIT_BASE_LO,
        registers::SUBMIT_BASE_HI,
        registers::COMPLETE_BASE_LO,
        registers::COMPLETE_BASE_HI,
        registers::RING_LOG2,
    ] {
        let before = card.top.read(register).unwrap();
        card.top.write(register, before ^ 0x41).unwrap();
        assert_eq!(card.top.read(register).unwrap(), before, "{register:#x} is locked");
    }
    for index in [17, 0xffff, 0x1_0001] {
        card.top.write(registers::DOORBELL_SUBMIT, index).unwrap();
        expect(&mut card, ErrorBits::BAD_DOORBELL, "more than the ring holds");
    }
    card.top.write(registers::DOORBELL_COMPLETE, 1).unwrap();
    expect(&mut card, ErrorBits::BAD_DOORBELL, "no record to consume");
    card.submit(&[Descriptor::nop(1)]).unwrap();
    assert_eq!(card.wait(1, 1000).unwrap()[0].status, 0);

    // A write of two of the four bytes.
    let strobe = card.top.sim().input("regs_wstrb_i").unwrap();
    let ports = ["regs_awvalid_i", "regs_wvalid_i", "regs_awaddr_i", "regs_wdata_i"]
        .map(|p| card.top.sim().input(p).unwrap());
    let sim = card.top.sim_mut();
    for (port, value) in ports.into_iter().zip([1, 1, u64::from(registers::SCRATCH), 0xffff]) {
        sim.poke(port, value);
    }
    sim.poke(strobe, 3);
    let ready = sim.input("regs_bready_i").unwrap();
    sim.poke(ready, 1);
    sim.cycle(&mut []).unwrap();
    sim.poke(ports[0], 0);
    sim.poke(ports[1], 0);
    for _ in 0..4 {
        sim.cycle(&mut []).unwrap();
    }
    assert_eq!(card.top.read(registers::SCRATCH).unwrap(), 0);
    expect(&mut card, ErrorBits::BAD_ACCESS, "a part of a register");
}

/// Copies of small lengths and of some pages, at any offset, to the card and back.
#[test]
fn copies_keep_every_byte() {
    for (width, seed) in [(64, 1), (128, 2), (512, 3)] {
        for stalls in [Stalls::NONE, Stalls { idle: 30, back_pressure: 60, seed }] {
            let mut card = card(width, quick(), stalls, 6);
            card.enable().unwrap();
            let mut random = Random::new(seed);
            for round in 0..12 {
                let len =
                    if round % 4 == 3 { random.within(1000, 3000) } else { random.within(1, 40) } as u32 * 4;
                let (from, there, back) = (
                    DATA + 4 * random.within(0, 2000) as u64,
                    0x4_0000 + 4 * random.within(0, 2000) as u64,
                    DATA + 0x1_0000 + 4 * random.within(0, 2000) as u64,
                );
                let text = bytes(len as usize, u64::from(len) ^ from);
                card.host_write(from, &text);
                card.host_write(back - 4, &vec![0x11; len as usize + 8]);
                card.card_memory().borrow_mut().poke(there - 4, &vec![0x22; len as usize + 8]);
                card.submit(&[
                    Descriptor::copy_to_card(1, from, there, len),
                    Descriptor::copy_from_card(2, there, back, len).with_fence(),
                ])
                .unwrap();
                let records = card.wait(2, 60_000).unwrap();
                assert!(records.iter().all(|r| outcome(r) == Status::Ok), "{records:?}");
                let card_copy = card.card_memory().borrow().peek(there - 4, len as usize + 8).to_vec();
                let whole = [&[0x22; 4][..], &text, &[0x22; 4]].concat();
                assert!(card_copy == whole, "{width} bits, {len} bytes, {from:#x} to {there:#x}");
                let whole = [&[0x11; 4][..], &text, &[0x11; 4]].concat();
                assert!(card.host_read(back - 4, len as usize + 8) == whole, "{len} bytes back to {back:#x}");
            }
            assert_eq!(card.top.read(registers::ERROR_STATUS).unwrap(), 0);
        }
    }
}

#[test]
fn a_copy_keeps_the_bus_busy() {
    let mut card = card(128, stand_in::slow(), Stalls::NONE, 4);
    card.enable().unwrap();
    let len = 0x1_0000;
    card.submit(&[Descriptor::copy_to_card(1, DATA, 0, len)]).unwrap();
    let record = card.wait(1, 60_000).unwrap()[0];
    assert_eq!(outcome(&record), Status::Ok);
    // 4096 beats, two latencies of 120 cycles, and up to three cycles for each chunk of 1 KiB.
    assert!(record.cycles < 4096 + 2 * 120 + 64 * 3, "{} cycles", record.cycles);
    assert!(card.top.buses()[0].traffic().most_outstanding[0] >= 3, "{:?}", card.top.buses()[0].traffic());
    assert_eq!(card.top.counter(Event::HostReadBytes).unwrap(), u64::from(len) + 64);
    assert_eq!(card.top.counter(Event::CardWriteBytes).unwrap(), u64::from(len));
    assert_eq!(card.top.counter(Event::HostWriteBytes).unwrap(), Completion::BYTES as u64);
}

#[test]
fn rings_wrap_and_wait_for_the_driver() {
    for log2 in [1, 3] {
        let mut card = card(64, quick(), Stalls { idle: 20, back_pressure: 20, seed: 9 }, log2);
        card.enable().unwrap();
        let size = 1_usize << log2;
        let mut tag = 0_u16;
        for round in 0..100 {
            let n = 1 + round % size;
            let commands: Vec<_> = (0..n).map(|i| Descriptor::nop(tag.wrapping_add(i as u16))).collect();
            card.submit(&commands).unwrap();
            for record in card.wait(n, 4000).unwrap() {
                assert_eq!((record.tag, outcome(&record)), (tag, Status::Ok));
                tag = tag.wrapping_add(1);
            }
        }
        assert_eq!(card.top.read(registers::SUBMIT_INDEX).unwrap(), u32::from(tag) << 16 | u32::from(tag));

        // The driver consumes no record: the card fills the ring, then waits and overwrites
        // nothing.
        let more: Vec<_> = (0..size as u16).map(Descriptor::nop).collect();
        card.submit(&more).unwrap();
        card.top.run(3000).unwrap();
        let again: Vec<_> = (100..100 + size as u16).map(Descriptor::nop).collect();
        card.submit(&again).unwrap();
        card.top.run(3000).unwrap();
        let index = card.top.read(registers::COMPLETE_INDEX).unwrap();
        let filled = ring::used(
            fields::COMPLETE_INDEX::PRODUCER.get(index) as u16,
            fields::COMPLETE_INDEX::CONSUMER.get(index) as u16,
        );
        assert_eq!(usize::from(filled), size);
        assert!(fields::STATUS::BUSY.get(card.top.read(registers::STATUS).unwrap()) != 0);
        let first: Vec<u16> = (0..size).map(|_| card.poll().unwrap().tag).collect();
        assert!(first.iter().copied().eq(0..size as u16), "{first:?}");
        card.acknowledge().unwrap();
        let tags: Vec<u16> = card.wait(size, 4000).unwrap().iter().map(|r| r.tag).collect();
        assert!(tags.iter().copied().eq(100..100 + size as u16), "{tags:?}");
        assert_eq!(card.top.read(registers::ERROR_STATUS).unwrap(), 0);
    }
}

#[test]
fn jobs_run_in_order_and_overlap_copies() {
    for (width, stalls) in [
        (64, Stalls::NONE),
        (64, Stalls { idle: 80, back_pressure: 30, seed: 4 }),
        (128, Stalls { idle: 0, back_pressure: 80, seed: 5 }),
        (512, Stalls { idle: 30, back_pressure: 30, seed: 6 }),
    ] {
        let mut card = card(width, quick(), stalls, 5);
        card.enable().unwrap();
        let mut commands = Vec::new();
        let mut expected = Vec::new();
        for i in 0..10_u16 {
            let shape = Program {
                behave: 0,
                length: 1 + i % 5,
                input: 4 + 12 * u32::from(i),
                output: 4 + 8 * u32::from(i % 4),
                runs: 1 + i % 3,
            };
            let (job, words) = run_job(&card, i, shape);
            expected.push((job.output_address, words));
            commands.push(job);
            if i % 3 == 0 {
                commands.push(Descriptor::copy_to_card(100 + i, DATA, 0x8_0000, 5000));
            }
        }
        card.submit(&commands).unwrap();
        let records = card.wait(commands.len(), 60_000).unwrap();
        for (record, command) in records.iter().zip(&commands) {
            assert_eq!((record.tag, outcome(record)), (command.tag, Status::Ok));
            assert!(record.cycles > 0);
        }
        for (address, words) in expected {
            assert_eq!(card.host_read(address, words.len()), words, "{width} bits");
        }
        assert_eq!(card.top.counter(Event::JobsOk).unwrap(), commands.len() as u64);
        assert_eq!(card.top.counter(Event::JobsFailed).unwrap(), 0);
        assert_eq!(card.top.read(registers::ERROR_STATUS).unwrap(), 0);
    }
}

/// Jobs end while a later copy runs: their records share the bus with the data of the copy.
#[test]
fn records_between_copies_to_the_host() {
    let mut card = card(64, quick(), Stalls { idle: 0, back_pressure: 90, seed: 9 }, 4);
    card.enable().unwrap();
    let text = bytes(6000, 9);
    card.card_memory().borrow_mut().poke(0x2000, &text);
    let (job, results) = run_job(&card, 9, Program { behave: 0, length: 3, input: 40, output: 12, runs: 12 });
    let copy = |i: u16| Descriptor::copy_from_card(i, 0x2000, DATA + 0x1_0000 + 6000 * u64::from(i), 6000);
    let commands: Vec<_> = [job].into_iter().chain((0..4).map(copy)).collect();
    card.submit(&commands).unwrap();
    for (record, command) in card.wait(commands.len(), 200_000).unwrap().iter().zip(&commands) {
        assert_eq!((record.tag, outcome(record)), (command.tag, Status::Ok));
        if command.tag == 9 {
            assert_eq!(card.host_read(command.output_address, results.len()), results);
        } else {
            assert_eq!(card.host_read(command.host_address, text.len()), text);
        }
    }
}

#[test]
fn pausing_the_queue_loses_nothing() {
    let mut card = card(64, quick(), Stalls::NONE, 4);
    card.enable().unwrap();
    let commands: Vec<_> = (0..12).map(Descriptor::nop).collect();
    card.submit(&commands[..6]).unwrap();
    card.top.write(registers::CONTROL, 0).unwrap();
    card.top.run(500).unwrap();
    card.top.write(registers::CONTROL, 1).unwrap();
    card.submit(&commands[6..]).unwrap();
    let tags: Vec<u16> = card.wait(12, 3000).unwrap().iter().map(|r| r.tag).collect();
    assert!(tags.iter().copied().eq(0..12), "{tags:?}");
}

#[test]
fn interrupts_are_masked_and_rearmed() {
    let mut card = card(64, quick(), Stalls::NONE, 4);
    card.enable().unwrap();
    card.submit(&[Descriptor::nop(1)]).unwrap();
    card.wait(1, 1000).unwrap();
    assert_eq!(card.top.read(registers::INT_STATUS).unwrap(), 0, "not asked for");
    card.submit(&[Descriptor::nop(2).with_interrupt()]).unwrap();
    card.wait(1, 1000).unwrap();
    // The driver sees the record before the bus confirms its write.
    card.top.run(20).unwrap();
    assert_eq!((card.top.read(registers::INT_STATUS).unwrap(), card.top.irq()), (1, 0), "masked");
    card.top.write(registers::INT_ENABLE, 3).unwrap();
    card.top.run(1).unwrap();
    assert_eq!(card.top.irq(), 1);
    card.top.write(registers::INT_STATUS, 1).unwrap();
    assert_eq!((card.top.read(registers::INT_STATUS).unwrap(), card.top.irq()), (0, 0));
    card.top.write(registers::INT_FORCE, 2).unwrap();
    card.top.run(2).unwrap();
    assert_eq!((card.top.read(registers::INT_STATUS).unwrap(), card.top.irq()), (2, 2));
    card.top.write(registers::INT_STATUS, 3).unwrap();

    // An acknowledgement in any cycle: a record that comes after it gives the vector a new edge.
    for delay in 0..60 {
        card.submit(&[Descriptor::nop(3).with_interrupt()]).unwrap();
        card.wait(1, 1000).unwrap();
        card.submit(&[Descriptor::nop(4).with_interrupt()]).unwrap();
        card.top.run(delay).unwrap();
        card.top.write(registers::INT_STATUS, 1).unwrap();
        let pending = card.top.read(registers::INT_STATUS).unwrap() == 1;
        card.wait(1, 1000).unwrap();
        card.top.run(20).unwrap();
        let raised = card.top.irq() == 1;
        assert!(raised || !pending, "delay {delay}: {pending} {raised}");
        card.top.write(registers::INT_STATUS, 3).unwrap();
    }
}

#[test]
fn programs_of_the_stand_in_are_where_they_are_looked_for() {
    let card = card(64, quick(), Stalls::NONE, 4);
    let shape = Program { behave: 0, length: 2, input: 16, output: 8, runs: 1 };
    program(&card, 3, shape);
    let stored = card.card_memory().borrow().peek(PROGRAMS + 3 * 1024, 12).to_vec();
    assert_eq!(stored, [0, 0, 0, 0, 16, 0, 0, 0, 8, 0, 0, 0]);
}
