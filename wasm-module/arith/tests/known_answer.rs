//! Tiny random models with known answers: the whole arithmetic gives the same integers on every
//! machine.
//!
//! These integers fix the contract. They change only if SPEC.md changes, together with every
//! implementation.
#![allow(clippy::unwrap_used)]

use lockstep_arith::encoder::{Encoder, Pooling};
use lockstep_arith::sample::{Random, Shape, encoder, sequence};

/// FNV-1a over the little-endian bytes.
fn digest(vector: &[i32]) -> u64 {
    let bytes = vector.iter().flat_map(|v| v.to_le_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
}

fn answer(model: &Encoder, tokens: usize) -> u64 {
    let (ids, types) = sequence(model, tokens, &mut Random::new(tokens as u64));
    digest(&model.forward(&ids, &types).unwrap())
}

#[test]
fn the_answers_are_known() {
    let mean = encoder(&Shape::SMALL, 2026);
    let first =
        encoder(&Shape { pooling: Pooling::Cls, labels: 3, hidden: 96, heads: 3, ..Shape::SMALL }, 2026);
    let found: Vec<u64> =
        [1, 2, 17, 64].iter().flat_map(|&n| [answer(&mean, n), answer(&first, n)]).collect();
    let known = [
        0xa628_d645_68b3_2b0e,
        0x305f_60c4_7dbe_5024,
        0xeeb9_74b5_c647_1dc1,
        0xfaa5_4374_f776_ce31,
        0x90b1_df3a_0e19_68da,
        0x5917_a173_6f2f_969d,
        0x3d04_233a_7004_b1ea,
        0xbfe1_e24e_b755_6340,
    ];
    assert_eq!(found, known, "found {found:#018x?}");
}

#[test]
fn the_answers_behind_dense_layers_are_known() {
    let mean = encoder(&Shape { dense: [50, 30], ..Shape::SMALL }, 2026);
    let first = encoder(&Shape { pooling: Pooling::Cls, dense: [100, 0], ..Shape::SMALL }, 2026);
    let found: Vec<u64> = [1, 17, 64].iter().flat_map(|&n| [answer(&mean, n), answer(&first, n)]).collect();
    let known = [
        0x80ed_7d33_09d5_fa60,
        0x541b_141a_7b59_5fb1,
        0x884a_a9fb_e9c0_6a86,
        0x5a27_61aa_f8ce_0038,
        0x0d78_c701_4a1e_7e03,
        0xac01_597b_3984_c667,
    ];
    assert_eq!(found, known, "found {found:#018x?}");
}
