//! Instructions to bytes and back.
#![allow(clippy::unwrap_used)]

use lockstep_accel_abi::instructions::{
    Drain, DrainMode, End, Gather, Instruction, Kind, Load, Mac, Move, Pass, Scalar, Table, When,
};

/// One of each, with values at both ends of their fields.
fn all() -> Vec<Instruction> {
    vec![
        Load { address: (1 << 40) - 64, words: (1 << 28) - 1 }.into(),
        Instruction::from(Gather { rows: 3, count: 127, vocabulary: 1 << 24, types: 7, ..Gather::default() })
            .wait(31, When::Once)
            .signal(1, When::Once),
        Instruction::from(Mac { k: 8191, a_outer: 65_535, planes: true, ..Mac::default() })
            .wait(2, When::Inner)
            .wait(3, When::Outer)
            .signal(4, When::Outer),
        Move { to_v: true, destination: (1 << 20) - 1, words: 1 }.into(),
        Drain { mode: DrainMode::Context, slot: 3, clear: true, last_lanes: 127, ..Drain::default() }.into(),
        Table { low: [-1, 2, -32_768, 4], high: [5, 6, 7, 32_767], offset: -3, ..Table::default() }.into(),
        Pass { scalar: Scalar::Head, kind: Kind::Pool, constant: (1 << 28) - 1, shift: 7, ..Pass::default() }
            .into(),
        Instruction::from(End {}).wait(0, When::Once),
    ]
}

#[test]
fn an_instruction_is_read_as_it_was_written() {
    for instruction in all() {
        assert_eq!(Instruction::from_bytes(&instruction.to_bytes().unwrap()), Some(instruction));
    }
}

/// What `make abi` generates as `legal` in SystemVerilog.
#[test]
fn what_the_engine_refuses_is_none() {
    let good = Instruction::from(Mac::default()).to_bytes().unwrap();
    let with = |change: &dyn Fn(&mut [u8; 32])| {
        let mut bytes = good;
        change(&mut bytes);
        Instruction::from_bytes(&bytes)
    };
    assert!(with(&|_| ()).is_some());
    for opcode in [0, 9, 255] {
        assert_eq!(with(&|b| b[0] = opcode), None, "opcode {opcode}");
    }
    assert_eq!(with(&|b| (b[5], b[6]) = (0, b[6] & 0xe0)), None, "products of no steps");
    assert_eq!(with(&|b| b[2] = 3), None, "a reference that is none has a time that is none");
    assert!(with(&|b| b[4] = 0x80).is_some(), "a second signal without a first");
    assert_eq!(with(&|b| b[4] = 0x83), None, "a time that is none");
    let mut load = Instruction::from(Load::default()).to_bytes().unwrap();
    load[1] = 0x80;
    assert_eq!(Instruction::from_bytes(&load), None, "the loader waits for nothing");
    let drain = Instruction::from(Drain::default()).to_bytes().unwrap();
    for (mode, known) in [(4, true), (5, false), (7, false)] {
        let mut bytes = drain;
        bytes[5] = bytes[5] & !7 | mode;
        assert_eq!(Instruction::from_bytes(&bytes).is_some(), known, "mode {mode}");
    }
}
