//! Deltas go on from a pack.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use lockstep_pack::{Head, Origin, PackError, Packs};
use support::{hash, head, pack};

fn delta(base: u64, sequence: u64) -> Head {
    Head { base, sequence, ..head(0) }
}

fn first(packs: &Packs<Vec<u8>>, id: &str) -> Option<i16> {
    packs.of_id(id).and_then(|row| row.numbers().next())
}

#[test]
fn the_newest_word_about_an_item_counts() {
    let mut packs = Packs::default();
    assert!(packs.is_empty() && packs.of_id("a").is_none());
    packs.load(pack(head(0), &[("a", "x", 1), ("b", "y", 2), ("c", "z", 3)], &[])).unwrap();
    packs.load(pack(delta(7, 9), &[("b", "v", 20), ("d", "w", 4)], &["a"])).unwrap();
    packs.load(pack(delta(9, 10), &[("a", "u", 10)], &["c", "never there"])).unwrap();
    let found = ["a", "b", "c", "d", "e"].map(|id| first(&packs, id));
    assert_eq!(found, [Some(10), Some(20), None, Some(4), None]);
    // The text of a removed item has its vector still.
    let texts =
        ["x", "z", "w", "q"].map(|text| packs.of_text(&hash(text)).and_then(|row| row.numbers().next()));
    assert_eq!(texts, [Some(1), Some(3), Some(4), None]);
    assert_eq!(packs.last().unwrap().head().sequence, 10);

    packs.load(pack(head(0), &[("z", "x", 5)], &[])).unwrap();
    assert_eq!((first(&packs, "a"), first(&packs, "z")), (None, Some(5)));
}

#[test]
fn a_delta_of_another_base_is_refused_and_both_are_named() {
    let mut packs = Packs::default();
    let refused = |packs: &mut Packs<Vec<u8>>, head: Head| {
        let error = packs.load(pack(head, &[], &[])).unwrap_err();
        assert!(matches!(error, PackError::OtherBase(_)), "{error}");
        error.to_string()
    };
    assert!(refused(&mut packs, delta(7, 8)).contains("loaded is no pack"));
    packs.load(pack(head(0), &[("a", "x", 1)], &[])).unwrap();
    let error = refused(&mut packs, delta(6, 8));
    assert!(
        error.contains("sequence 6 of series 0303") && error.contains("sequence 7 of series 0303"),
        "{error}"
    );
    let error = refused(&mut packs, Head { series: [4; 16], ..delta(7, 8) });
    assert!(error.contains("series 0404") && error.contains("series 0303"), "{error}");
    let origin = Origin { model: [9; 32], ..head(0).origin };
    let other = packs.load(pack(Head { origin, ..delta(7, 8) }, &[], &[])).unwrap_err();
    assert!(matches!(other, PackError::OtherModel(_)), "{other}");
    assert_eq!(first(&packs, "a"), Some(1));
}

#[test]
fn the_number_of_deltas_is_bounded() {
    let mut packs = Packs::default();
    packs.load(pack(head(0), &[], &[])).unwrap();
    for sequence in 7..71 {
        packs.load(pack(delta(sequence, sequence + 1), &[], &[])).unwrap();
    }
    assert_eq!(packs.load(pack(delta(71, 72), &[], &[])).unwrap_err(), PackError::TooManyDeltas(64));
}
