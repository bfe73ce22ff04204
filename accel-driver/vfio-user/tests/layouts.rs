//! The bytes on the wire. The expected bytes are written by hand after the specification.
#![allow(clippy::unwrap_used)]

mod support;

use support::Served;

#[test]
fn replies_are_laid_out_as_specified() {
    let served = Served::start();
    let mut raw = served.raw();

    let (header, payload) = raw.ask(0x0102, 1, b"\0\0\x01\0{\"capabilities\":{\"max_msg_fds\":1}}\0");
    assert_eq!(header[..4], [2, 1, 1, 0], "id and command are echoed");
    assert_eq!(header[8..], [1, 0, 0, 0, 0, 0, 0, 0], "a reply, no error");
    assert_eq!(payload[..4], [0, 0, 1, 0]);
    assert_eq!(payload.last(), Some(&0));
    let json: serde_json::Value = serde_json::from_slice(&payload[4..payload.len() - 1]).unwrap();
    assert_eq!(json["capabilities"]["max_msg_fds"], 8);
    assert_eq!(json["capabilities"]["max_data_xfer_size"], 1 << 20);
    assert_eq!(json["capabilities"]["pgsizes"], 4096);

    let (_, info) = raw.ask(1, 4, &[16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(info, [16, 0, 0, 0, 3, 0, 0, 0, 9, 0, 0, 0, 5, 0, 0, 0]);

    let mut ask = vec![32, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0];
    ask.resize(32, 0);
    let (_, region) = raw.ask(2, 5, &ask);
    assert_eq!(region[..16], [32, 0, 0, 0, 3, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(region[16..], [0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);

    let (_, irq) = raw.ask(3, 7, &[16, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(irq, [16, 0, 0, 0, 9, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0]);

    let place = [0, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 4, 0, 0, 0];
    let (_, read) = raw.ask(4, 9, &place);
    assert_eq!(read[..16], place);
    assert_eq!(read[16..], [0x34, 0x12, 1, 0]);

    let place = [4, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 2, 0, 0, 0];
    let (header, written) = raw.ask(5, 10, &[&place[..], &[2, 0]].concat());
    assert_eq!((header[4], written.as_slice()), (32, &place[..]));

    let unmap = [24, 0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0, 0, 0x20, 0, 0, 0, 0, 0, 0];
    assert_eq!(raw.ask(6, 3, &unmap).1, unmap, "what was never mapped can be unmapped");

    let (header, payload) = raw.ask(7, 13, &[]);
    assert_eq!((header, payload), ([7, 0, 13, 0, 16, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0], vec![]));
}

/// The server refuses unknown and incomplete commands with an errno, and answers the next command.
#[test]
fn refusals_carry_an_errno() {
    let served = Served::start();
    let mut raw = served.raw().greeted();
    const EINVAL: u8 = 22;
    const ENOTSUP: u8 = 95;
    let dirty = [24, 0, 0, 0, 1, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0, 0, 0x20, 0, 0, 0, 0, 0, 0];
    let no_read =
        [32, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0];
    let mask = [20, 0, 0, 0, 9, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0];
    let beyond = [20, 0, 0, 0, 33, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 255, 255, 255, 255];
    let short_write = [0, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 4, 0, 0, 0, 1, 2, 3];
    for (command, payload, errno) in [
        (6, &[][..], ENOTSUP),
        (11, &[], ENOTSUP),
        (0xffff, &[], ENOTSUP),
        (1, &[0, 0, 1, 0], EINVAL),
        (2, &[0; 31], EINVAL),
        (2, &no_read, EINVAL),
        (3, &dirty, ENOTSUP),
        (4, &[0; 15], EINVAL),
        (8, &mask, ENOTSUP),
        (8, &beyond, EINVAL),
        (9, &[0; 15], EINVAL),
        (10, &short_write, EINVAL),
    ] {
        let (header, rest) = raw.ask(9, command, payload);
        assert_eq!(header[8..], [0x21, 0, 0, 0, errno, 0, 0, 0], "command {command} with {payload:?}");
        assert!(rest.is_empty());
    }
    assert_eq!(raw.ask(10, 13, &[]).0[8], 1);
}

/// A command without a reply has its effect before the server answers the next command.
#[test]
fn commands_without_a_reply() {
    let served = Served::start();
    let mut raw = served.raw().greeted();
    let place = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0];
    raw.send(1, 10, 0x10, &[&place[..], &[0x77]].concat());
    raw.send(2, 99, 0x10, &[]);
    let (header, read) = raw.ask(3, 9, &place);
    assert_eq!((header[0], read[16]), (3, 0x77));
}
