//! A client and a server with real sockets, memory and eventfds.
#![allow(clippy::unwrap_used)]

mod support;

use std::os::fd::{AsFd, OwnedFd};

use lockstep_accel_memory::SharedMemory;
use lockstep_vfio_user::{Client, Ended, Errno, Error, irq, region};
use rustix::event::{EventfdFlags, eventfd};
use rustix::fs::OFlags;
use support::{BYTES, FAULTS, FROM, REFUSES, SLEEPS, Served, TO, counted};

const IOVA: u64 = 0x40_0000_0000;

fn event() -> OwnedFd {
    eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).unwrap()
}

fn word(client: &Client, region: u32, at: u64) -> u32 {
    let mut bytes = [0; 4];
    client.read(region, at, &mut bytes).unwrap();
    u32::from_le_bytes(bytes)
}

/// Switches memory and bus master on.
fn switch_on(client: &Client) {
    client.write(region::CONFIG, 4, &[6, 0]).unwrap();
}

fn copy(client: &Client, from: u64, to: u64, bytes: u32) -> u32 {
    client.write(region::BAR0, FROM, &from.to_le_bytes()).unwrap();
    client.write(region::BAR0, TO, &to.to_le_bytes()).unwrap();
    client.write(region::BAR0, BYTES, &bytes.to_le_bytes()).unwrap();
    word(client, region::BAR0, FAULTS)
}

#[test]
fn the_device_is_described() {
    let served = Served::start();
    let client = served.client();
    assert_eq!(word(&client, region::CONFIG, 0), 0x0001_1234);
    assert_eq!(client.region(region::BAR0).unwrap().size, 0x1000);
    assert_eq!(client.region(region::CONFIG).unwrap().size, 256);
    assert_eq!(client.region(1).unwrap().size, 0);
    assert!(matches!(client.region(9), Err(Error::Refused { errno: Errno::INVAL, .. })));
    assert_eq!(client.interrupt(irq::MSIX).unwrap().count, 2);
    assert_eq!(client.interrupt(irq::ERROR).unwrap().count, 1);
    assert_eq!(client.interrupt(0).unwrap().count, 0);
}

/// Copies across the border of two maps and at odd addresses, then after an unmap.
#[test]
fn memory_is_reached_while_it_is_mapped() {
    let served = Served::start();
    let client = served.client();
    switch_on(&client);
    let (first, second) =
        (SharedMemory::create("a", 8192).unwrap(), SharedMemory::create("b", 4096).unwrap());
    client.map(IOVA, 4096, first.as_fd(), 4096).unwrap();
    client.map(IOVA + 4096, 4096, second.as_fd(), 0).unwrap();
    let vector = event();
    client.set_interrupts(irq::MSIX, &[vector.as_fd()]).unwrap();

    let pattern: Vec<u8> = (0..3001_u32).map(|i| (i * 7 + i / 251) as u8).collect();
    first.write(4096 + 3, &pattern).unwrap();
    assert_eq!(copy(&client, IOVA + 3, IOVA + 3500, 3001), 0);
    assert_eq!(counted(&vector), 1);
    let mut copied = vec![0; 3001];
    first.read(4096 + 3500, &mut copied[..596]).unwrap();
    second.read(0, &mut copied[596..]).unwrap();
    assert!(copied == pattern);

    assert_eq!(copy(&client, IOVA + 8190, IOVA, 4), 1, "the last two bytes are not mapped");
    client.unmap(IOVA + 4096, 4096).unwrap();
    assert_eq!(copy(&client, IOVA + 4095, IOVA, 2), 2);
    assert_eq!(copy(&client, IOVA, IOVA + 100, 2), 2, "what is left still works");
    assert!(matches!(
        client.map(IOVA + 1, 1, first.as_fd(), 0),
        Err(Error::Refused { errno: Errno::EXIST, .. })
    ));
}

#[test]
fn without_bus_master_there_is_no_dma_and_no_interrupt() {
    let served = Served::start();
    let client = served.client();
    let memory = SharedMemory::create("a", 4096).unwrap();
    client.map(IOVA, 4096, memory.as_fd(), 0).unwrap();
    let vector = event();
    client.set_interrupts(irq::MSIX, &[vector.as_fd()]).unwrap();
    assert_eq!(copy(&client, IOVA, IOVA + 8, 4), 1);
    assert_eq!(rustix::io::read(&vector, &mut [0; 8]), Err(Errno::AGAIN));
    switch_on(&client);
    assert_eq!(copy(&client, IOVA, IOVA + 8, 4), 1);
    assert_eq!(counted(&vector), 1);
}

#[test]
fn vectors_are_set_one_by_one_and_switched_off_together() {
    let served = Served::start();
    let client = served.client();
    switch_on(&client);
    let (first, second, error) = (event(), event(), event());
    client.set_interrupts(irq::MSIX, &[first.as_fd(), second.as_fd()]).unwrap();
    client.set_interrupts(irq::ERROR, &[error.as_fd()]).unwrap();
    assert!(served.bus.interrupt(1) && served.bus.interrupt(1) && served.bus.interrupt(0));
    assert!(served.bus.report_error());
    assert!(!served.bus.request_release(), "nobody listens");
    assert!(!served.bus.interrupt(2), "there is no such vector");
    assert_eq!((counted(&first), counted(&second), counted(&error)), (1, 2, 1));
    client.disable_interrupts(irq::MSIX).unwrap();
    assert!(!served.bus.interrupt(0));
    assert!(served.bus.report_error());
    let too_many = [first.as_fd(), second.as_fd(), error.as_fd()];
    let refused = client.set_interrupts(irq::MSIX, &too_many).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "interrupts 2, vectors 0 to 3 was refused: Invalid argument (os error 22)"
    );
}

/// A vector's file takes an interrupt without a wait, whatever file the client has sent.
#[test]
fn no_interrupt_waits_for_a_full_file() {
    let served = Served::start();
    let client = served.client();
    switch_on(&client);
    let waiting = eventfd(0, EventfdFlags::CLOEXEC).unwrap();
    client.set_interrupts(irq::MSIX, &[waiting.as_fd()]).unwrap();
    let flags = rustix::fs::fcntl_getfl(&waiting).unwrap();
    assert!(flags.contains(OFlags::NONBLOCK), "a write that cannot wait: {flags:?}");
    // A client takes the flag back and fills the counter.
    rustix::fs::fcntl_setfl(&waiting, flags - OFlags::NONBLOCK).unwrap();
    rustix::io::write(&waiting, &(u64::MAX - 1).to_ne_bytes()).unwrap();
    assert!(!served.bus.interrupt(0));
    assert_eq!(counted(&waiting), u64::MAX - 1);
    assert!(served.bus.interrupt(0));
}

/// QEMU maps memory without a file unless it has `share=on`, and small ROMs always.
#[test]
fn memory_without_a_file_is_named_once() {
    let served = Served::start();
    let mut raw = served.raw().greeted();
    // argsz, flags (read and write), offset, address, size.
    let words = [32 | 3 << 32, 0, IOVA, 1 << 20];
    let (reply, _) = raw.ask(1, 2, &words.map(u64::to_le_bytes).concat());
    assert_eq!(reply[8..], [1, 0, 0, 0, 0, 0, 0, 0], "a reply without an error");
    assert_eq!(served.bus.take_unreachable(), None);
    served.bus.set_master(true);
    assert!(served.bus.read(IOVA - 1, &mut [0]).is_err());
    assert_eq!(served.bus.take_unreachable(), None, "nothing is mapped there");
    assert!(served.bus.read(IOVA + 5, &mut [0; 4]).is_err());
    assert!(served.bus.write(IOVA, &[0; 4]).is_err());
    assert_eq!(served.bus.take_unreachable(), Some(IOVA + 5));
    assert!(served.bus.write(IOVA, &[0; 4]).is_err());
    assert_eq!(served.bus.take_unreachable(), None);
}

/// A posted write takes effect before the next command. Nobody hears of one that is refused.
#[test]
fn posted_writes_keep_their_order() {
    let served = Served::start();
    let client = served.client();
    for value in 1..200_u32 {
        client.post(region::BAR0, FROM, &value.to_le_bytes()).unwrap();
        client.post(region::BAR0, REFUSES, &[0; 4]).unwrap();
        assert_eq!(word(&client, region::BAR0, FROM), value);
    }
    served.stop();
    let closed = (0..1000).find_map(|_| client.post(region::BAR0, FROM, &[0; 4]).err());
    assert!(matches!(closed, Some(Error::Closed(_))), "{closed:?}");
    let broken = client.post(region::BAR0, FROM, &[0; 4]);
    assert!(matches!(broken, Err(Error::Broken)), "{broken:?}");
}

/// An interrupt must not write into a file that is no eventfd: it would change the client's memory
/// outside of its maps.
#[test]
fn only_an_eventfd_takes_interrupts() {
    let served = Served::start();
    let client = served.client();
    switch_on(&client);
    let good = event();
    client.set_interrupts(irq::MSIX, &[good.as_fd()]).unwrap();
    let memory = rustix::fs::memfd_create("guest", rustix::fs::MemfdFlags::CLOEXEC).unwrap();
    rustix::io::write(&memory, &[7; 16]).unwrap();
    rustix::fs::seek(&memory, rustix::fs::SeekFrom::Start(0)).unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    for file in [memory.as_fd(), reader.as_fd(), writer.as_fd()] {
        let refused = client.set_interrupts(irq::MSIX, &[file]).unwrap_err();
        let text = "interrupts 2, vectors 0 to 1 was refused: Invalid argument (os error 22)";
        assert_eq!(refused.to_string(), text);
    }
    assert!(served.bus.interrupt(0));
    assert_eq!(counted(&good), 1, "a refusal changes nothing");
    let mut bytes = [0; 16];
    assert_eq!(rustix::io::read(&memory, &mut bytes).unwrap(), 16);
    assert_eq!(bytes, [7; 16]);
}

/// A client resets a device by the message; a guest's kernel uses a bit of the configuration space.
#[test]
fn both_ways_to_reset_reach_the_device() {
    let served = Served::start();
    let client = served.client();
    client.write(region::BAR0, FROM, &[7; 8]).unwrap();
    client.reset().unwrap();
    assert_eq!(word(&client, region::BAR0, FROM), 0);
    client.write(region::CONFIG, 0x68, &0x8000_u16.to_le_bytes()).unwrap();
    drop(client);
    assert_eq!(served.ended().unwrap(), Ended::Disconnected);
    assert_eq!(served.stop(), 2);
}

#[test]
fn a_refusal_leaves_the_connection_whole() {
    let served = Served::start();
    let client = served.client();
    let refused = client.read(region::BAR0, REFUSES, &mut [0; 4]).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "a read of 4 bytes at 0x18 of region 0 was refused: Permission denied (os error 13)"
    );
    for (region, offset, bytes) in
        [(region::BAR0, 0xfff, 2), (region::BAR0, u64::MAX, 1), (1, 0, 1), (99, 0, 1)]
    {
        let refused = client.read(region, offset, &mut vec![0; bytes]);
        assert!(matches!(refused, Err(Error::Refused { errno: Errno::INVAL, .. })), "{refused:?}");
    }
    assert_eq!(word(&client, region::CONFIG, 0), 0x0001_1234);
}

/// The server removes the maps and eventfds of a client that goes. The device keeps its registers.
#[test]
fn the_next_client_begins_with_nothing() {
    let served = Served::start();
    let first = served.client();
    switch_on(&first);
    let memory = SharedMemory::create("a", 4096).unwrap();
    first.map(IOVA, 4096, memory.as_fd(), 0).unwrap();
    let vector = event();
    first.set_interrupts(irq::MSIX, &[vector.as_fd()]).unwrap();
    assert_eq!(copy(&first, IOVA, IOVA + 8, 4), 0);
    drop(first);
    assert_eq!(served.ended().unwrap(), Ended::Disconnected);
    let second = served.client();
    switch_on(&second);
    assert!(!served.bus.interrupt(0));
    assert_eq!(copy(&second, IOVA, IOVA + 8, 4), 1);
    second.map(IOVA, 4096, memory.as_fd(), 0).unwrap();
    assert_eq!(copy(&second, IOVA, IOVA + 8, 4), 1);
}

#[test]
fn a_late_answer_gives_the_connection_up() {
    let served = Served::start();
    let client = Client::connect(&served.path, std::time::Duration::from_millis(100)).unwrap();
    let late = client.read(region::BAR0, SLEEPS, &mut [0; 4]).unwrap_err();
    assert_eq!(late.to_string(), "a reply took longer than 100ms");
    assert!(matches!(client.reset(), Err(Error::Broken)));
}

#[test]
fn a_server_takes_the_place_of_a_dead_one_and_of_nothing_else() {
    let served = Served::start();
    let path = served.path.clone();
    let occupied = lockstep_vfio_user::Server::bind(&path, served.bus.clone()).unwrap_err();
    assert!(occupied.to_string().contains(path.to_str().unwrap()), "{occupied}");
    served.stop();
    assert!(!path.exists());

    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists(), "as a killed process leaves it");
    drop(
        lockstep_vfio_user::Server::bind(&path, std::sync::Arc::new(lockstep_vfio_user::Bus::new(1)))
            .unwrap(),
    );

    std::fs::write(&path, "a file").unwrap();
    assert!(
        lockstep_vfio_user::Server::bind(&path, std::sync::Arc::new(lockstep_vfio_user::Bus::new(1)))
            .is_err()
    );
    assert_eq!(std::fs::read(&path).unwrap(), b"a file");
    std::fs::remove_file(&path).unwrap();
    let nobody = Client::connect(&path, support::TIME).unwrap_err();
    assert!(nobody.to_string().contains(path.to_str().unwrap()), "{nobody}");
}
