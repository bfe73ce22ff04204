//! The vfio-user server: a client that sends any messages, with any files. The server answers each
//! command that wants an answer, in order, and its device reaches only what the client mapped.
//!
//! Server and client are on one thread: the client sends all it has and closes its side, the server
//! serves, the client reads the answers. The socket's buffer holds them all.

mod device;

use std::io::{IoSlice, Read};
use std::mem::MaybeUninit;
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;

use lockstep_accel_memory::SharedMemory;
use lockstep_vfio_user::{Bus, Ended, Server};
use rustix::event::{EventfdFlags, eventfd};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags};

use crate::script::Script;
use device::{Board, REGIONS};

/// Bytes of each of the client's files. Only part of them is ever mapped.
const FILE: usize = 8192;
const HEADER: usize = 16;
/// Messages of a session, and bytes of a payload: the answers must fit into a socket's buffer.
const MESSAGES: usize = 20;
const PAYLOAD: usize = 200;
/// More files than a message may have.
const FILES: usize = 10;

/// What is made once.
struct Bench {
    server: Server,
    path: PathBuf,
    board: Board,
    memory: [SharedMemory; 2],
    stop: OwnedFd,
}

impl Bench {
    fn new() -> Self {
        let name = format!("lockstep-fuzz-{}-{:?}", std::process::id(), std::thread::current().id());
        let path = std::env::temp_dir().join(name);
        let bus = Arc::new(Bus::new(2));
        let server = Server::bind(&path, bus.clone()).expect("a socket");
        let memory = [(); 2].map(|()| SharedMemory::create("lockstep-fuzz", FILE).expect("memory"));
        Self { server, path, board: Board::new(bus), memory, stop: event() }
    }
}

thread_local! {
    static BENCH: std::cell::RefCell<Bench> = std::cell::RefCell::new(Bench::new());
}

fn event() -> OwnedFd {
    eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).expect("an eventfd")
}

/// Reads a script as a client's session. Returns whether it ended in order.
pub fn run(bytes: &[u8]) -> bool {
    BENCH.with_borrow_mut(|bench| session(&mut Script::new(bytes), bench))
}

fn session(script: &mut Script<'_>, bench: &mut Bench) -> bool {
    let Bench { server, path, board, memory, stop } = bench;
    let mut client = UnixStream::connect(&*path).expect("the server listens");
    let events = [event(), event()];
    let files = [memory[0].as_fd(), memory[1].as_fd(), events[0].as_fd(), events[1].as_fd(), stop.as_fd()];
    let (mut wanted, mut lied) = (Vec::new(), false);
    if !script.chance(8) {
        send(&client, &message(0, 1, 0, b"\0\0\x01\0{}\0", None), &[]);
        wanted.push((0, 1));
    }
    for id in 1..=MESSAGES as u16 {
        if script.is_over() {
            break;
        }
        let command =
            if script.chance(16) { script.short() } else { script.pick(&[2, 3, 4, 5, 7, 8, 9, 10, 10, 13]) };
        let flags = if script.chance(16) { script.word() } else { u32::from(script.chance(16)) << 4 };
        let payload = payload(command, script);
        let size = script.chance(8).then(|| script.number() as u32);
        let carried = carried(command, script, &files);
        send(&client, &message(id, command, flags, &payload, size), &carried);
        lied |= size.is_some();
        if flags >> 4 & 1 == 0 && !lied {
            wanted.push((id, command));
        }
    }
    client.shutdown(Shutdown::Write).expect("the socket is open");
    let ended = server.serve(board, events_never(stop));
    assert!(!matches!(ended, Ok(Ended::Stopped)), "nobody stopped the server");
    let answered = answers(&mut client, &wanted, lied);
    if matches!(ended, Ok(Ended::Disconnected)) {
        assert!(answered == wanted.len() || lied && answered > wanted.len(), "a command without an answer");
    }
    board.check();
    for memory in memory {
        board.untouched(memory);
    }
    ended.is_ok()
}

/// The file descriptor that would stop the server; no script writes it.
fn events_never(stop: &OwnedFd) -> BorrowedFd<'_> {
    stop.as_fd()
}

/// A message; `size` lies about its length.
fn message(id: u16, command: u16, flags: u32, payload: &[u8], size: Option<u32>) -> Vec<u8> {
    let size = size.unwrap_or((HEADER + payload.len()) as u32);
    let mut bytes = [id.to_le_bytes(), command.to_le_bytes()].concat();
    [size, flags, 0].iter().for_each(|number| bytes.extend(number.to_le_bytes()));
    bytes.extend(payload);
    bytes
}

/// A payload with the layout of its command, or any bytes.
fn payload(command: u16, script: &mut Script<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut words = |numbers: &[u64]| numbers.iter().for_each(|&n| bytes.extend((n as u32).to_le_bytes()));
    match command {
        2 => {
            words(&[32, if script.chance(32) { script.number() } else { 3 }]);
            let offset = if script.chance(64) { script.number() } else { 64 * script.below(8) as u64 };
            let (iova, size) = (address(script), 1 + script.number() % 512);
            [offset, iova, size].iter().for_each(|n| bytes.extend(n.to_le_bytes()));
        }
        3 => {
            words(&[24, if script.chance(64) { 2 } else { 0 }]);
            [address(script), script.number()].iter().for_each(|n| bytes.extend(n.to_le_bytes()));
        }
        4 | 5 | 7 => words(&[16, 0, script.number(), script.number(), 0, 0, 0, 0]),
        8 => {
            let flags = script.pick(&[0x24, 0x21, 0x24, 0x01]);
            words(&[20, flags, if script.chance(64) { script.number() } else { 2 }]);
            words(&[script.number() % 4, script.number() % 4]);
        }
        9 | 10 => {
            let region = if script.chance(16) { script.number() } else { script.pick(&REGIONS) };
            let offset = if script.chance(16) { script.number() } else { 4 * script.below(10) as u64 };
            bytes.extend(offset.to_le_bytes());
            let data = script.pick(&[4, 8, 1, 2, 16]).min(PAYLOAD);
            let count = if script.chance(16) { script.number() } else { data as u64 };
            bytes.extend((region as u32).to_le_bytes());
            bytes.extend((count as u32).to_le_bytes());
            if command == 10 {
                let value = if script.chance(128) { address(script) } else { script.number() };
                bytes.extend(value.to_le_bytes().iter().cycle().take(data));
            }
        }
        13 => {}
        _ => bytes.extend(script.bytes(40)),
    }
    if script.chance(8) {
        bytes.truncate(script.below(PAYLOAD));
    }
    bytes
}

/// An address near those of the other maps.
fn address(script: &mut Script<'_>) -> u64 {
    if script.chance(32) { script.number() } else { 0x1000 + 64 * script.below(16) as u64 }
}

/// The files that go with a message: those that its command wants, or any.
fn carried<'a>(command: u16, script: &mut Script<'_>, files: &[BorrowedFd<'a>]) -> Vec<BorrowedFd<'a>> {
    let some = |script: &mut Script<'_>, n| (0..n).map(|_| files[script.below(files.len() - 1)]).collect();
    match command {
        _ if script.chance(16) => {
            let n = script.below(FILES + 1);
            some(script, n)
        }
        2 => vec![files[script.below(2)]],
        8 => {
            let n = script.below(3);
            (0..n).map(|i| files[2 + i]).collect()
        }
        _ => Vec::new(),
    }
}

fn send(client: &UnixStream, bytes: &[u8], files: &[BorrowedFd<'_>]) {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FILES))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    assert!(files.is_empty() || ancillary.push(SendAncillaryMessage::ScmRights(files)));
    let sent = rustix::net::sendmsg(client, &[IoSlice::new(bytes)], &mut ancillary, SendFlags::NOSIGNAL);
    assert_eq!(sent, Ok(bytes.len()), "the socket's buffer is large enough");
}

/// Reads the answers, and compares them with the commands. Returns how many there are. Behind a
/// message that `lied` about its size, other commands are answered than were meant.
fn answers(client: &mut UnixStream, wanted: &[(u16, u16)], lied: bool) -> usize {
    let mut bytes = Vec::new();
    // A server that left bytes unread resets the connection, after the answers.
    let _ = client.read_to_end(&mut bytes);
    let (mut rest, mut count) = (&bytes[..], 0);
    while let Some((header, behind)) = rest.split_first_chunk::<HEADER>() {
        let word =
            |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
        let (id, command) = (word(0) as u16, (word(0) >> 16) as u16);
        let asked = wanted.get(count).map_or(lied, |asked| *asked == (id, command));
        assert!(asked, "answers in order, to what was asked");
        let payload = (word(4) as usize).checked_sub(HEADER).expect("a size with the header");
        assert_eq!(word(8) & 0xf, 1, "an answer");
        match word(8) & 0x20 {
            0 => assert_eq!(word(12), 0),
            _ => assert!((1..4096).contains(&word(12)) && payload == 0, "an error number"),
        }
        rest = behind.get(payload..).expect("the whole payload");
        count += 1;
    }
    assert!(rest.is_empty(), "half a header");
    count
}

/// Random sessions.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    crate::random::scripts(24, 250)
}
