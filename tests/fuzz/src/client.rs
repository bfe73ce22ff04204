//! The vfio-user client against a hostile server, whose answers are there before the questions. A
//! call ends with an answer of the right size, or with an error, after which no byte is believed.

use std::io::Write;
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use lockstep_accel_memory::SharedMemory;
use lockstep_vfio_user::{Client, Error, MAX_DATA};

use crate::script::Script;

/// Longer than any answer takes: the server's bytes are there, and then the stream's end.
const TIME: Duration = Duration::from_secs(5);
/// Calls of a session, and bytes of a read or write.
const CALLS: usize = 12;
const BYTES: usize = 64;

thread_local! {
    static MEMORY: SharedMemory = SharedMemory::create("lockstep-fuzz", 4096).expect("memory");
}

/// A call of the client, with the command of its messages.
#[derive(Clone, Copy)]
enum Call {
    Region(u32),
    Interrupt(u32),
    Read(u32, u64, usize),
    Write(u32, u64, usize),
    Map(u64),
    Unmap(u64),
    SetInterrupts(usize),
    Disable,
    Reset,
}

impl Call {
    fn new(script: &mut Script<'_>) -> Self {
        let index = script.below(10) as u32;
        match script.below(9) {
            0 => Self::Region(index),
            1 => Self::Interrupt(index),
            2 | 3 => Self::Read(index, script.number(), script.below(BYTES)),
            4 => Self::Write(index, script.number(), script.below(BYTES)),
            5 => Self::Map(script.number()),
            6 => Self::Unmap(script.number()),
            7 => Self::SetInterrupts(script.below(12)),
            _ if index == 0 => Self::Disable,
            _ => Self::Reset,
        }
    }

    /// The number of the command, and the payload of an honest answer to its first message.
    fn honest(self) -> (u16, Vec<u8>) {
        let words = |numbers: &[u32]| numbers.iter().flat_map(|n| n.to_le_bytes()).collect::<Vec<u8>>();
        let access = |region, offset: u64, count: usize| {
            words(&[offset as u32, (offset >> 32) as u32, region, count as u32])
        };
        match self {
            Self::Region(index) => (5, words(&[32, 3, index, 0, 4096, 0, 0, 0])),
            Self::Interrupt(index) => (7, words(&[16, 1, index, 2])),
            Self::Read(region, offset, n) => (9, [access(region, offset, n), vec![7; n]].concat()),
            Self::Write(region, offset, n) => (10, access(region, offset, n)),
            Self::Map(_) => (2, Vec::new()),
            Self::Unmap(iova) => (3, words(&[24, 0, iova as u32, (iova >> 32) as u32, 64, 0])),
            Self::SetInterrupts(_) | Self::Disable => (8, Vec::new()),
            Self::Reset => (13, Vec::new()),
        }
    }

    fn make(self, client: &Client, memory: &SharedMemory) -> Result<(), Error> {
        match self {
            Self::Region(index) => client.region(index).map(drop),
            Self::Interrupt(index) => client.interrupt(index).map(drop),
            Self::Read(region, offset, n) => client.read(region, offset, &mut [0; BYTES][..n]),
            Self::Write(region, offset, n) => client.write(region, offset, &[9; BYTES][..n]),
            Self::Map(iova) => client.map(iova, 64, memory.as_fd(), 0),
            Self::Unmap(iova) => client.unmap(iova, 64),
            Self::SetInterrupts(n) => client.set_interrupts(2, &vec![memory.as_fd(); n]),
            Self::Disable => client.disable_interrupts(2),
            Self::Reset => client.reset(),
        }
    }
}

/// Reads a script as the answers of a server and the calls of its client. Returns whether the
/// client accepted the server.
pub fn run(bytes: &[u8]) -> bool {
    let mut script = Script::new(bytes);
    let (ours, mut theirs) = UnixStream::pair().expect("a pair of sockets");
    let calls: Vec<Call> = (0..script.below(CALLS)).map(|_| Call::new(&mut script)).collect();
    let mut stream = Vec::new();
    let mut id = 0;
    let limits = script.pick(&[
        "{}",
        r#"{"capabilities":{"max_data_xfer_size":16,"max_msg_fds":1}}"#,
        r#"{"capabilities":{"max_data_xfer_size":0,"max_msg_fds":0}}"#,
        r#"{"capabilities":{"max_data_xfer_size":18446744073709551615,"max_msg_fds":18446744073709551615}}"#,
    ]);
    let version = [b"\0\0\x01\0", limits.as_bytes(), b"\0"].concat();
    answer(&mut script, &mut stream, &mut id, 1, &version);
    answer(&mut script, &mut stream, &mut id, 4, &[16, 0, 0, 0, 3, 0, 0, 0, 9, 0, 0, 0, 5, 0, 0, 0]);
    for call in &calls {
        let (command, payload) = call.honest();
        answer(&mut script, &mut stream, &mut id, command, &payload);
    }
    stream.extend(script.bytes(64));
    theirs.write_all(&stream).expect("the socket's buffer is large enough");
    theirs.shutdown(Shutdown::Write).expect("the socket is open");
    MEMORY.with(|memory| {
        let Ok(client) = Client::over(ours, TIME) else { return false };
        let mut broken = false;
        for call in calls {
            let result = call.make(&client, memory);
            assert!(!broken || is_broken(&result) || is_empty(call), "a broken connection was used");
            assert!(!matches!(result, Err(Error::Deadline { .. })), "a wait for what is there");
            broken |=
                matches!(result, Err(Error::Closed(_) | Error::Protocol(_) | Error::Io(_) | Error::Broken))
                    && !is_cut_off(&result);
        }
        true
    })
}

/// A call without a message: there is nothing to read or to set.
const fn is_empty(call: Call) -> bool {
    matches!(call, Call::Read(_, _, 0) | Call::Write(_, _, 0) | Call::SetInterrupts(0))
}

const fn is_broken(result: &Result<(), Error>) -> bool {
    matches!(result, Err(Error::Broken))
}

/// A whole answer that is too short for its record: the stream is still in step.
fn is_cut_off(result: &Result<(), Error>) -> bool {
    matches!(result, Err(Error::Protocol(why)) if why.ends_with("is cut off"))
}

/// Writes the honest answer, with changes as the script says.
fn answer(script: &mut Script<'_>, stream: &mut Vec<u8>, next: &mut u16, command: u16, payload: &[u8]) {
    if script.chance(12) {
        // A command of the server's own.
        let flags = if script.chance(128) { 0x10 } else { 0 };
        message(stream, script.short(), script.short(), flags, None, script.bytes(8));
    }
    let id = if script.chance(4) { script.short() } else { *next };
    *next = next.wrapping_add(1);
    let command = if script.chance(4) { script.short() } else { command };
    let flags = match script.byte() {
        0..=239 => 1,
        240..=251 => 0x21,
        _ => script.word(),
    };
    let mut payload = payload.to_vec();
    if script.chance(24) {
        for _ in 0..=script.below(4) {
            let at = script.below(payload.len().max(1));
            if let Some(byte) = payload.get_mut(at) {
                *byte = script.byte();
            }
        }
    }
    if script.chance(8) {
        payload.truncate(script.below(payload.len() + 1));
    }
    if script.chance(8) {
        payload.extend(script.bytes(32));
    }
    let size = script.chance(6).then(|| script.number() as u32);
    message(stream, id, command, flags, size, &payload);
}

fn message(stream: &mut Vec<u8>, id: u16, command: u16, flags: u32, size: Option<u32>, payload: &[u8]) {
    let whole = 16 + payload.len() as u32;
    stream.extend(id.to_le_bytes());
    stream.extend(command.to_le_bytes());
    let error = if flags & 0x20 == 0 { 0 } else { flags | 22 };
    [size.unwrap_or(whole), flags, error].iter().for_each(|number| stream.extend(number.to_le_bytes()));
    stream.extend(payload);
}

/// An honest server, and random ones.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    const _: () = assert!(BYTES < MAX_DATA);
    crate::random::scripts(24, 160)
}
