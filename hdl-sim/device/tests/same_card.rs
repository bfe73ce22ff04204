//! The mock and the RTL side by side: the same writes give the same registers, the same descriptors
//! the same records.
#![allow(clippy::unwrap_used)]

mod support;

use std::time::{Duration, Instant};

use lockstep_accel_abi::instructions::{End, Gather, Instruction, Pass, When};
use lockstep_accel_abi::registers::{self as map, fields};
use lockstep_accel_abi::{Completion, Descriptor, ErrorBits, Opcode, Status};
use lockstep_accel_device::ServedCard;
use lockstep_arith::sample::Random;
use lockstep_vfio_user::{Client, region};
use support::raw::{COMMAND, Raw, read, write};
use support::{BUILT, LANES, endless_job, setups, socket};

/// Clients of the mock and of the RTL, with the devices that they need.
fn both() -> [(Client, ServedCard); 2] {
    setups().map(|setup| {
        let path = socket();
        let device = ServedCard::start(&path, setup).unwrap();
        (Client::connect(&path, BUILT).unwrap(), device)
    })
}

/// What both cards must agree about. A mock has one job at a time, its memory is as large as it
/// says, it has a clock of its own, and it fetches no descriptor ahead.
fn told(client: &Client) -> Vec<(&'static str, u32)> {
    let differ = ["BUILD_ID", "CAP_CARD_BYTES_LO", "CAP_CARD_BYTES_HI", "CAP_CLOCK_KHZ", "SUBMIT_INDEX"];
    let registers = map::REGISTERS.iter().filter(|register| !differ.contains(&register.name));
    let jobs = fields::CAP_QUEUE::JOBS;
    let read = |register: &lockstep_accel_abi::Register| match register.offset {
        map::CAP_QUEUE => jobs.set(read(client, map::CAP_QUEUE), 0),
        offset => read(client, offset),
    };
    registers.map(|register| (register.name, read(register))).collect()
}

fn settle(client: &Client) {
    let begin = Instant::now();
    loop {
        let status = read(client, map::STATUS);
        let working = [fields::STATUS::RESETTING, fields::STATUS::ABORTING, fields::STATUS::JOBS];
        let halted = fields::STATUS::HALTED.get(status) == 1;
        if working.iter().all(|field| field.get(status) == 0 || halted) {
            return;
        }
        assert!(begin.elapsed() < Duration::from_secs(60), "{status:#x}");
    }
}

#[test]
fn the_same_writes_give_the_same_registers() {
    let cards = both();
    let mut random = Random::new(3);
    let offsets: Vec<u32> = map::REGISTERS.iter().map(|r| r.offset).chain([0x6c, 0x1ffc]).collect();
    for round in 0..12 {
        for (client, _) in &cards {
            client.reset().unwrap();
            client.write(region::CONFIG, COMMAND, &[2, 0]).unwrap();
        }
        for step in 0..40 {
            let offset = offsets[random.within(0, offsets.len() as i32 - 1) as usize];
            let value = match offset {
                // Small numbers reach more: indices, sizes, the bits of CONTROL and of interrupts.
                map::SUBMIT_BASE_LO | map::COMPLETE_BASE_LO => (random.within(0, 8) << 5) as u32,
                // A watchdog would see two different clocks. A card without work has no job to end.
                map::WATCHDOG => 0,
                // No descriptor waits, so that no card is ahead of the other.
                map::DOORBELL_SUBMIT => (random.within(0, 1) << 16) as u32,
                _ if random.within(0, 3) == 0 => random.next() as u32,
                _ => random.within(0, 17) as u32,
            };
            cards.iter().for_each(|(client, _)| write(client, offset, value));
            cards.iter().for_each(|(client, _)| settle(client));
            let [mock, rtl] = [0, 1].map(|card| told(&cards[card].0));
            assert_eq!(mock, rtl, "round {round}, step {step}: {value:#x} at {offset:#x}");
        }
    }
}

/// A job that never ends; its program is at address 0 of card memory.
fn endless(raw: &mut Raw, tag: u16) -> Descriptor {
    raw.write_data(&Instruction::from(Pass::default()).to_bytes().unwrap());
    raw.submit(&[Descriptor::copy_to_card(0, raw.data(0), 0, 32)]);
    assert_eq!(raw.wait().outcome(), Ok(Status::Ok));
    raw.acknowledge();
    Descriptor { tag, ..endless_job(0) }
}

fn started(raw: &Raw) {
    let begin = Instant::now();
    while fields::STATUS::JOBS.get(read(&raw.client, map::STATUS)) == 0 {
        assert!(begin.elapsed() < Duration::from_secs(60), "the job does not start");
    }
}

#[test]
fn aborts_hit_the_same_jobs() {
    let records = both().map(|(client, _device)| {
        let mut raw = Raw::new(client);
        let endless = endless(&mut raw, 1);
        let behind = [Descriptor::nop(2).with_fence(), Descriptor::nop(3), Descriptor::nop(2)];
        raw.submit(&[&[endless][..], &behind].concat());
        started(&raw);
        // First the job that waits, then the job at work. A job with the tag of neither goes on.
        for tag in [2, 1] {
            write(&raw.client, map::ABORT, tag);
        }
        let mut records = [(); 4].map(|()| raw.wait());
        raw.acknowledge();
        // An abort that comes too late hits no later job.
        write(&raw.client, map::ABORT, 4);
        settle(&raw.client);
        raw.submit(&[Descriptor::nop(4)]);
        records[0].cycles = 0;
        let late = raw.wait();
        records
            .map(|record| (record.tag, record.status, record.detail, record.cycles))
            .into_iter()
            .chain([(late.tag, late.status, late.detail, late.cycles)])
            .collect::<Vec<_>>()
    });
    assert_eq!(records[0], records[1]);
    let aborted = Status::Aborted as u8;
    assert_eq!(records[0].iter().map(|r| r.1).collect::<Vec<_>>(), [aborted, aborted, 0, aborted, 0]);
}

#[test]
fn a_soft_reset_leaves_the_same_registers() {
    let told = both().map(|(client, _device)| {
        let mut raw = Raw::new(client);
        let endless = endless(&mut raw, 1);
        write(&raw.client, map::SCRATCH, 77);
        raw.submit(&[endless]);
        started(&raw);
        write(&raw.client, map::CONTROL, fields::CONTROL::RESET.mask());
        settle(&raw.client);
        assert!(raw.next().is_none(), "the job is dropped without a record");
        told(&raw.client)
    });
    assert_eq!(told[0], told[1]);
    assert!(told[0].contains(&("SCRATCH", 77)));
}

#[test]
fn the_same_descriptors_give_the_same_records() {
    let run = |program: u64, length: u32| Descriptor {
        opcode: Opcode::Run as u8,
        card_address: program,
        program_length: length,
        runs: 1,
        array: LANES as u16,
        tokens: 1,
        hidden: 64,
        host_address: 0x10_2000,
        output_address: 0x10_2000,
        ..Descriptor::default()
    };
    let gather = Gather { vocabulary: 1, row_words: 2, ..Gather::default() };
    let [nop, end, gather, after] = [
        Instruction::from(Pass::default()),
        End {}.into(),
        Instruction::from(gather).signal(0, When::Once),
        Instruction::from(End {}).wait(0, When::Once),
    ]
    .map(|instruction| instruction.to_bytes().unwrap());
    let program = [nop, end, gather, after, [0; 32], end].concat();
    let copy = Descriptor::copy_to_card(3, 0x10_2000, 0, 192);
    let cases = [
        copy,
        Descriptor::nop(1),
        Descriptor::default(),
        Descriptor { opcode: 9, ..copy },
        Descriptor { flags: 8, ..copy },
        Descriptor { host_address: 0x10_2002, ..copy },
        Descriptor { bytes: 0, ..copy },
        Descriptor { array: 3, ..run(0, 2) },
        Descriptor { card_address: 1 << 40, ..copy },
        // A client's memory ends behind 64 KiB. Such a copy leaves anything in card memory.
        Descriptor { host_address: 0x10_2000 + (1 << 20), card_address: 0x1000, ..copy },
        Descriptor::copy_from_card(5, 0, 0x20_0000, 64),
        run(0, 2),
        // A type that is out of range, and an instruction that is none.
        run(64, 2),
        run(128, 2),
        Descriptor { host_address: 0x30_0000, ..run(64, 2) },
    ];
    let records = both().map(|(client, _device)| {
        let mut raw = Raw::new(client);
        raw.write_data(&program);
        let records: Vec<Completion> = cases
            .iter()
            .map(|case| {
                raw.submit(&[*case]);
                let record = raw.wait();
                raw.acknowledge();
                Completion { cycles: 0, ..record }
            })
            .collect();
        (records, read(&raw.client, map::ERROR_STATUS), read(&raw.client, map::ERROR_ADDRESS_LO))
    });
    assert_eq!(records[0], records[1]);
    assert_eq!(records[0].1, ErrorBits::HOST_READ | ErrorBits::HOST_WRITE);
    let count = |status| records[0].0.iter().filter(|record| record.outcome() == Ok(status)).count();
    assert_eq!(count(Status::Ok), 3);
    assert_eq!(count(Status::BadInput) + count(Status::BadInstruction), 2);
}
