//! Peers that break the protocol. The server goes on with the next client; the client returns an
//! error.
#![allow(clippy::unwrap_used)]

mod support;

use std::io::Write;
use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};

use lockstep_vfio_user::{Client, Ended, Error, MESSAGE_TIME, region};
use proptest::prelude::*;
use support::{Raw, Served};

fn header(id: u16, command: u16, size: u32, flags: u32, error: u32) -> Vec<u8> {
    let mut bytes = [id.to_le_bytes(), command.to_le_bytes()].concat();
    [size, flags, error].iter().for_each(|n| bytes.extend(n.to_le_bytes()));
    bytes
}

/// The server disconnects each of these clients with a reason, and serves the next client.
#[test]
fn a_server_outlives_its_clients() {
    let served = Served::start();
    for (bytes, why) in [
        (header(0, 4, 16, 0, 0), "command 4 before the version"),
        (header(0, 1, 15, 0, 0), "a message of 15 bytes"),
        (header(0, 1, u32::MAX, 0, 0), "a message of 4294967295 bytes"),
        (header(5, 1, 16, 1, 0), "a reply 5 to nothing"),
        ([header(0, 1, 20, 0, 0), vec![1, 0, 0, 0]].concat(), "1.0 is spoken there"),
        ([header(0, 1, 16 + 4 + 3, 0, 0), b"\0\0\x01\0{x}".to_vec()].concat(), "version: key must be"),
    ] {
        let mut raw = served.raw();
        raw.0.write_all(&bytes).unwrap();
        let error = served.ended().unwrap_err().to_string();
        assert!(error.contains(why), "{error}; expected {why}");
    }
    let mut raw = served.raw();
    raw.0.write_all(&header(0, 1, 100, 0, 0)[..7]).unwrap();
    drop(raw);
    assert!(matches!(served.ended(), Err(Error::Closed("a message was under way"))));
    drop(served.client());
    assert_eq!(served.ended().unwrap(), Ended::Disconnected);
}

#[test]
fn a_message_that_stops_halfway_is_given_up() {
    let served = Served::start();
    let mut raw = served.raw().greeted();
    let began = Instant::now();
    raw.0.write_all(&header(0, 9, 32, 0, 0)).unwrap();
    assert!(matches!(served.ended(), Err(Error::Deadline { limit: MESSAGE_TIME, .. })));
    assert!(began.elapsed() >= MESSAGE_TIME);
    drop(served.client());
    assert_eq!(served.ended().unwrap(), Ended::Disconnected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    /// A client sends any commands after the version. The server answers each of them.
    #[test]
    fn any_commands(commands in prop::collection::vec((0_u16..16, prop::collection::vec(prop_oneof![Just(0_u8), Just(1), Just(0xff), any::<u8>()], 0..60)), 1..20)) {
        thread_local!(static SERVED: Served = Served::start());
        SERVED.with(|served| {
            let mut raw = served.raw().greeted();
            for (id, (command, payload)) in commands.iter().enumerate() {
                let (header, _) = raw.ask(id as u16, *command, payload);
                assert_eq!(header[..2], (id as u16).to_le_bytes());
            }
            drop(raw);
            assert_eq!(served.ended().unwrap(), Ended::Disconnected);
        });
    }
}

/// A client of a small server, which answers the first two commands well and all later ones with
/// `bytes`.
fn with_server(bytes: impl Fn(&[u8; 16]) -> Vec<u8> + Send + 'static) -> Client {
    with_peer(move |raw, asked| raw.0.write_all(&bytes(asked)))
}

/// A client of a small server, which answers the first two commands well and all later ones by
/// `answer`.
fn with_peer(answer: impl Fn(&mut Raw, &[u8; 16]) -> std::io::Result<()> + Send + 'static) -> Client {
    let path = std::env::temp_dir().join(format!(
        "lockstep-hostile-{}-{:?}",
        std::process::id(),
        std::thread::current().id()
    ));
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path).unwrap();
    let thread = std::thread::spawn(move || {
        let mut raw = Raw(listener.accept().unwrap().0);
        raw.receive();
        raw.send(0, 1, 1, &[0, 0, 1, 0]);
        raw.receive();
        raw.send(1, 4, 1, &[16, 0, 0, 0, 3, 0, 0, 0, 9, 0, 0, 0, 5, 0, 0, 0]);
        while let Ok((asked, _)) = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| raw.receive())) {
            if answer(&mut raw, &asked).is_err() {
                return;
            }
        }
    });
    drop(thread);
    let client = Client::connect(&path, Duration::from_millis(300)).unwrap();
    std::fs::remove_file(&path).unwrap();
    client
}

#[test]
fn a_client_believes_no_answer_that_it_did_not_ask_for() {
    let read = |client: &Client| client.read(region::BAR0, 0, &mut [0; 4]).unwrap_err();
    let broken = |client: &Client| assert!(matches!(client.reset(), Err(Error::Broken)));

    let client = with_server(|_| header(77, 9, 16, 1, 0));
    assert!(matches!(read(&client), Error::Protocol(_)));
    broken(&client);

    let client = with_server(|asked| header(u16::from_le_bytes([asked[0], asked[1]]), 9, 16, 1, 0));
    assert_eq!(read(&client).to_string(), "protocol: a read is cut off");

    let other_place = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8];
    let client = with_server(move |asked| {
        [header(u16::from_le_bytes([asked[0], asked[1]]), 9, 40, 1, 0), other_place.to_vec()].concat()
    });
    assert!(read(&client).to_string().contains("was answered by 8 bytes"));
    broken(&client);

    let client = with_server(|_| Vec::new());
    assert!(matches!(read(&client), Error::Deadline { .. }));
    broken(&client);

    let client = with_server(|asked| header(u16::from_le_bytes([asked[0], asked[1]]), 9, 16, 0x21, u32::MAX));
    assert!(read(&client).to_string().contains("Input/output error"));
    assert!(matches!(client.reset(), Err(Error::Protocol(_))), "command 13 was answered as 9");
}

/// A device asks for memory by a message. The client refuses the command and goes on waiting for
/// its own reply.
#[test]
fn a_client_refuses_commands() {
    let client = with_server(|asked| {
        let id = u16::from_le_bytes([asked[0], asked[1]]);
        if asked[8] & 1 == 1 {
            assert_eq!((asked[8], asked[12]), (0x21, 95));
            return Vec::new();
        }
        [header(500, 11, 16, 0, 0), header(id, 13, 16, 1, 0)].concat()
    });
    client.reset().unwrap();
    client.reset().unwrap();
}

/// A device that sends commands without an end gains no time by them, whether it wants replies or
/// not.
#[test]
fn a_flood_of_commands_extends_no_deadline() {
    const NO_REPLY: u32 = 0x10;
    for flags in [0, NO_REPLY] {
        let client = with_peer(move |raw, _| {
            let (begin, burst) = (Instant::now(), header(500, 11, 16, flags, 0).repeat(1000));
            while begin.elapsed() < Duration::from_secs(20) {
                raw.0.write_all(&burst)?;
            }
            Ok(())
        });
        let begin = Instant::now();
        let error = client.reset().unwrap_err();
        assert!(matches!(error, Error::Deadline { .. }), "{error}");
        assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
    }
}
