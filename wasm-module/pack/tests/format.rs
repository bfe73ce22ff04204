//! Files are written and read back; a file that breaks a rule is refused by name.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use lockstep_pack::{Head, Origin, Pack, PackError, Plan, WriteError, Writer, of_hex};
use proptest::prelude::*;
use support::{WIDTH, hash, head, pack, vector, written};

const ITEMS: [(&str, &str, i16); 4] = [("a", "x", 1), ("b", "z", 2), ("é/日本", "y", 3), ("🚲", "x", 1)];

#[test]
fn what_is_written_is_read() {
    let (file, seal) = written(head(0), &ITEMS, &[]);
    assert_eq!(seal.bytes, file.len() as u64);
    let pack = Pack::open(&file).unwrap();
    assert_eq!(pack.head(), &head(4));
    assert_eq!((pack.digest(), pack.bytes()), (&seal.digest, file.len()));
    for (item, (id, text, number)) in ITEMS.into_iter().enumerate() {
        assert_eq!((pack.find(id), pack.id(item)), (Some(item), id));
        assert_eq!(pack.text_hash(item), &hash(text));
        assert_eq!(pack.vector(item).numbers().collect::<Vec<_>>(), vector(number));
        let same_text = pack.find_text(&hash(text)).unwrap();
        assert_eq!(pack.vector(same_text), pack.vector(item));
    }
    for id in ["", "A", "aa", "é", "🚲🚲"] {
        assert_eq!(pack.find(id), None, "{id}");
    }
    assert_eq!(pack.find_text(&hash("w")), None);
}

#[test]
fn a_pack_and_a_delta_may_be_empty() {
    let empty = pack(head(0), &[], &[]);
    assert_eq!((empty.find("a"), empty.find_text(&[0; 32])), (None, None));
    let delta = Head { base: 7, ..head(0) };
    assert_eq!(pack(delta, &[], &[]).head(), &delta);
    assert!(pack(delta, &[], &["a", "b"]).is_removed("b"));
}

#[test]
fn sections_begin_at_lines_and_lie_in_the_documented_places() {
    let (file, _) = written(head(0), &ITEMS, &[]);
    let number = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap()) as usize;
    assert_eq!(&file[..8], b"LOCKPACK");
    assert_eq!([8, 12, 80, 84, 88, 92].map(number), [1, 1, WIDTH, 4, 0, 4]);
    assert_eq!((&file[16..48], &file[48..80], &file[96..112]), (&[1; 32][..], &[2; 32][..], &[3; 16][..]));
    assert_eq!((number(112), number(120)), (7, 0));
    let lines = [0, 1, 2, 3].map(|line| 128 + 64 * line);
    assert_eq!(lines.map(number), [1, 2, 3, 4]);
    let starts = lines.map(|line| number(line + 8));
    assert_eq!(starts[0], 128 + 5 * 64);
    assert!(starts.iter().all(|start| start % 64 == 0));
    assert_eq!(lines.map(|line| number(line + 16)), [16, 15, 128, 24]);
    assert_eq!(&file[starts[1]..starts[1] + 15], "abé/日本🚲".as_bytes());
    assert_eq!(file.len(), starts[3] + 24);
}

#[test]
fn another_model_and_another_space_are_named() {
    let Origin { model, space, width } = head(0).origin;
    let check = |here: Origin| head(0).check(&here).map_err(|error| error.to_string());
    assert_eq!(check(head(0).origin), Ok(()));
    let other = check(Origin { model: [0xab; 32], space, width }).unwrap_err();
    assert!(other.contains(&"01".repeat(32)) && other.contains(&"ab".repeat(32)), "{other}");
    for here in [Origin { model, space: [9; 32], width }, Origin { model, space, width: 4 }] {
        assert!(check(here).unwrap_err().contains("another length limit or prompt"));
    }
}

#[test]
fn every_changed_byte_is_noticed() {
    for (head, removed) in [(head(0), &[][..]), (Head { base: 3, ..head(0) }, &["c", "d"][..])] {
        let (file, _) = written(head, &ITEMS[..2], removed);
        for at in 0..file.len() {
            let mut file = file.clone();
            file[at] ^= 1;
            assert!(Pack::open(&file).is_err(), "byte {at}");
            file.truncate(at);
            assert!(Pack::open(&file).is_err(), "{at} bytes");
        }
        let longer = [&file[..], &[0]].concat();
        assert!(matches!(Pack::open(longer).unwrap_err(), PackError::Damaged(_)));
    }
    for (bytes, part) in [(&b"{}"[..], "LOCKPACK"), (b"LOCKPACK\x02\0\0\0\x01\0\0\0", "format 2")] {
        let error = Pack::open(bytes).unwrap_err();
        assert!(matches!(&error, PackError::Foreign(why) if why.contains(part)), "{error}");
    }
}

#[test]
fn the_writer_refuses_what_a_reader_would() {
    let plan = |head: Head| Plan { head, id_bytes: 2, removed_bytes: 0 };
    let write = |ids: [&str; 2], row: &[i16]| {
        let mut writer = Writer::new(Vec::new(), &plan(head(2)))?;
        ids.iter().try_for_each(|id| writer.item(id, &[0; 32], row))?;
        writer.finish().map(drop)
    };
    let refused = |result: Result<(), WriteError<_>>| match result {
        Err(WriteError::Wrong(why)) => why,
        other => panic!("{other:?}"),
    };
    assert_eq!(write(["a", "b"], &[0; WIDTH]), Ok(()));
    assert!(refused(write(["b", "a"], &vector(1))).contains(r#""a" behind "b""#));
    assert!(refused(write(["a", "a"], &vector(1))).contains(r#""a" behind "a""#));
    assert!(refused(write(["", "ab"], &vector(1))).contains(r#""" behind """#));
    assert!(refused(write(["a", "bc"], &vector(1))).contains("more than 2 bytes of section 2"));
    for row in [&[1, 2, 3][..], &[i16::MIN, 0, 0], &[32767, 0]] {
        assert!(refused(write(["a", "b"], row)).contains("not compact"));
    }
    let writer = Writer::new(Vec::new(), &plan(head(2))).unwrap();
    assert!(refused(writer.finish().map(drop)).contains("0 of 8 bytes of section 1"));
    let mut writer = Writer::new(Vec::new(), &plan(head(0))).unwrap();
    assert!(refused(writer.removed("a")).contains("full pack"));
    for wrong in [
        Head { base: 9, ..head(0) },
        Head { removed: 1, ..head(0) },
        Head { series: [0; 16], base: 1, ..head(0) },
        Head { origin: Origin { width: 0, ..head(0).origin }, ..head(0) },
        head(1 << 33),
    ] {
        assert!(Writer::new(Vec::new(), &plan(wrong)).is_err(), "{wrong:?}");
    }
}

#[test]
fn hexadecimal_digits_are_read_strictly() {
    assert_eq!(of_hex(&"0f".repeat(32)), Some([15; 32]));
    for wrong in [&"0F".repeat(32), &"0f".repeat(31), &"0g".repeat(32), ""] {
        assert_eq!(of_hex(wrong), None);
    }
}

proptest! {
    #[test]
    fn any_ids_are_found(ids in prop::collection::btree_set("\\PC{1,6}", 0..40)) {
        let items: Vec<(&str, &str, i16)> = (0..).zip(&ids).map(|(n, id)| (id.as_str(), "x", n)).collect();
        let pack = pack(head(0), &items, &[]);
        for (item, (id, _, number)) in items.iter().enumerate() {
            prop_assert_eq!(pack.find(id), Some(item));
            prop_assert_eq!(pack.vector(item).numbers().next(), Some(*number));
        }
    }
}
