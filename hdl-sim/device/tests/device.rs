//! The device behind the socket, on the mock and on the RTL, where the driver alone does not reach:
//! single registers, a bus master that is switched off, faults, a reset by another program.
#![allow(clippy::unwrap_used)]

mod support;

use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use lockstep_accel_abi::registers::{self, fields};
use lockstep_accel_abi::{self as abi, Descriptor, ErrorBits, Status};
use lockstep_accel_driver::{Card, Error, Options};
use lockstep_vfio_user::{self as vfio_user, Client, Errno, irq, region};
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use support::{OPTIONS, endless, with_device};

const TIME: Duration = Duration::from_secs(60);
/// Room for long copies. The rings have 8 entries.
const ROOMY: Options = Options { ring_log2: 3, memory: 1 << 20, ..OPTIONS };
/// The PCI command register, with bit 1 for memory and bit 2 for the bus master.
const COMMAND: u64 = 4;

fn read(client: &Client, register: u32) -> u32 {
    let mut bytes = [0; 4];
    client.read(region::BAR0, register.into(), &mut bytes).unwrap();
    u32::from_le_bytes(bytes)
}

fn write(client: &Client, register: u32, value: u32) {
    client.write(region::BAR0, register.into(), &value.to_le_bytes()).unwrap();
}

/// Whether an eventfd gets an interrupt within some time.
fn heard(eventfd: &OwnedFd, time: Duration) -> bool {
    let time = Timespec { tv_sec: time.as_secs() as i64, tv_nsec: time.subsec_nanos().into() };
    poll(&mut [PollFd::new(eventfd, PollFlags::IN)], Some(&time)).unwrap() == 1
        && rustix::io::read(eventfd, &mut [0; 8]).unwrap() == 8
}

#[test]
fn the_card_is_found_and_switched_on() {
    with_device(|client, device| {
        let client = &client;
        let mut ids = [0; 4];
        client.read(region::CONFIG, 0, &mut ids).unwrap();
        assert_eq!(u32::from_le_bytes(ids), u32::from(abi::PCI_DEVICE) << 16 | u32::from(abi::PCI_VENDOR));
        assert_eq!(client.region(region::BAR0).unwrap().size, u64::from(abi::BAR_BYTES));
        assert_eq!(client.interrupt(irq::MSIX).unwrap().count, 2);

        assert_eq!(read(client, registers::ID), abi::ALL_ONES, "memory is off");
        client.write(region::CONFIG, COMMAND, &[2, 0]).unwrap();
        assert_eq!(read(client, registers::ID), abi::codes::ID_VALUE);
        write(client, registers::SCRATCH, 0x1234_5678);
        let mut two = [0; 8];
        client.read(region::BAR0, registers::BUILD_ID.into(), &mut two).unwrap();
        assert_eq!(two[4..], 0x1234_5678_u32.to_le_bytes(), "eight bytes are two registers");
        // Parts of registers, as the kernel's VFIO splits the accesses of a program.
        let mut whole = [0; 24];
        let first = u64::from(registers::BUILD_ID) - 4;
        client.read(region::BAR0, first, &mut whole).unwrap();
        assert_eq!(whole[8..12], 0x1234_5678_u32.to_le_bytes());
        for (at, bytes) in (0..12).flat_map(|at| [1, 2, 3, 4, 7, 8].map(|bytes| (at, bytes))) {
            let mut part = vec![0; bytes];
            client.read(region::BAR0, first + at as u64, &mut part).unwrap();
            assert_eq!(part, whole[at..at + bytes], "{bytes} bytes at {at}");
        }
        for (offset, bytes) in [(0, 1), (0, 2), (2, 4), (0, 6)] {
            let narrow = client.write(region::BAR0, u64::from(registers::SCRATCH) + offset, &vec![0; bytes]);
            assert!(
                matches!(narrow, Err(vfio_user::Error::Refused { errno: Errno::INVAL, .. })),
                "{bytes} bytes at {offset}"
            );
        }
        client.reset().unwrap();
        assert_eq!(read(client, registers::ID), abi::ALL_ONES, "a reset switches memory off");
        client.write(region::CONFIG, COMMAND, &[2, 0]).unwrap();
        assert_eq!(read(client, registers::SCRATCH), 0);
        device.stop().unwrap();
    });
}

#[test]
fn faults_of_the_bus_reach_the_driver() {
    with_device(|client, device| {
        let mut card = Card::open(&client, ROOMY).unwrap();
        // The vectors now belong to the test. The driver looks at its ring every 20 ms without
        // them.
        let vectors = [(); 2].map(|()| eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).unwrap());
        client.set_interrupts(irq::MSIX, &vectors.each_ref().map(AsFd::as_fd)).unwrap();
        let status = |card: &mut Card<&Client>, job| card.execute(&[job]).unwrap()[0].status;

        assert_eq!(status(&mut card, Descriptor::nop(0)), Status::Ok);
        assert!(heard(&vectors[0], TIME), "vector 0 reports a record");
        assert!(!heard(&vectors[1], Duration::ZERO), "there is no error");
        let beyond = ROOMY.iova + ROOMY.memory as u64;
        assert_eq!(status(&mut card, Descriptor::copy_to_card(0, beyond, 0, 64)), Status::HostRead);
        assert!(heard(&vectors[1], TIME), "vector 1 reports an error");
        assert_eq!(read(&client, registers::ERROR_STATUS), ErrorBits::HOST_READ);
        assert_eq!(read(&client, registers::ERROR_ADDRESS_LO), beyond as u32);
        write(&client, registers::ERROR_STATUS, u32::MAX);
        assert_eq!(status(&mut card, Descriptor::copy_from_card(0, 0, beyond, 64)), Status::HostWrite);
        // The bytes beside a copy keep their values.
        card.write_data(0, &[0x77; 64]).unwrap();
        let copy = Descriptor::copy_from_card(0, 0, card.data_iova(12), 20);
        assert_eq!(status(&mut card, copy), Status::Ok);
        let mut found = [0; 64];
        card.read_data(0, &mut found).unwrap();
        assert_eq!(found.map(|b| b == 0x77), std::array::from_fn(|i| !(12..32).contains(&i)));
        drop(card);
        device.stop().unwrap();
    });
}

/// Without the bus master the card can neither read its ring nor write a record. It halts, and
/// works again after the driver's reset.
#[test]
fn a_card_without_bus_master_halts() {
    with_device(|client, device| {
        let mut card = Card::open(&client, ROOMY).unwrap();
        client.write(region::CONFIG, COMMAND, &[2, 0]).unwrap();
        match card.execute(&[Descriptor::nop(0)]) {
            Err(Error::Halted { errors }) => {
                assert_eq!(errors & ErrorBits::COMPLETION_WRITE, ErrorBits::COMPLETION_WRITE);
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(card.resets(), 1);
        assert_eq!(card.execute(&[Descriptor::nop(0)]).unwrap()[0].status, Status::Ok);
        drop(card);
        device.stop().unwrap();
    });
}

/// A function level reset in the middle of a job: the job never ends, card memory is empty, and the
/// card works after the driver's own reset.
#[test]
fn a_reset_by_another_program_is_noticed() {
    with_device(|client, device| {
        let client = &client;
        let mut card = Card::open(client, ROOMY).unwrap();
        let len = 0x8000;
        card.write_data(0, &vec![0x77; len as usize]).unwrap();
        let copy = Descriptor::copy_to_card(0, card.data_iova(0), 0, len);
        assert_eq!(card.execute(&[copy]).unwrap()[0].status, Status::Ok);
        let endless = endless(&mut card, len.into());
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let begin = Instant::now();
                while fields::STATUS::BUSY.get(read(client, registers::STATUS)) == 0 {
                    assert!(begin.elapsed() < TIME, "the card does not start");
                }
                client.write(region::CONFIG, 0x68, &0x8000_u16.to_le_bytes()).unwrap();
            });
            let error = card.execute(&[endless]).unwrap_err();
            assert!(matches!(error, Error::Gone), "{error}");
        });
        card.reset().unwrap();
        let back = Descriptor::copy_from_card(0, 0, card.data_iova(0), len);
        assert_eq!(card.execute(&[back]).unwrap()[0].status, Status::Ok);
        let mut found = vec![0; len as usize];
        card.read_data(0, &mut found).unwrap();
        assert!(found.iter().all(|byte| *byte == 0));
        drop(card);
        device.stop().unwrap();
    });
}
