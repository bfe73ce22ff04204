//! The running statistics of rows: maximum, minimum, sum, squares.

use lockstep_arith::sample::Random;
use lockstep_hdl_sim::Bits;

use crate::{N, slot, unit};

// `slot_kind_e`.
const LINEAR: u64 = 0;
const ACT: u64 = 2;
const CONTEXT: u64 = 4;
const EMBED: u64 = 5;
const SQUARE: u64 = 6;
const NORM: u64 = 7;
const QUANTIZE: u64 = 8;
const EXP: u64 = 9;
const POOL: u64 = 10;

fn signed(random: &mut Random, bits: u32) -> Vec<i64> {
    let limit = 1 << (bits - 1);
    let edge = |random: &mut Random| match random.within(0, 9) {
        0 => -limit,
        1 => limit - 1,
        2 => 0,
        _ => random.within(-limit, limit - 1),
    };
    (0..N).map(|_| edge(random).into()).collect()
}

/// Compares the statistics of the drain with a model: words of all kinds, masked lanes, gaps, one
/// entry many times in a row. The bench latches entries that are not being written; an entry is
/// written in the cycle after its word.
#[test]
fn statistics() {
    let mut bench = unit("ls_statistics", &[("N", N), ("Stats", 8)]);
    let mut random = Random::new(121);
    // For each entry and lane: maximum, minimum, sum. They are unknown until the entry is cleared.
    let mut entries: Vec<Option<Vec<[i64; 3]>>> = vec![None; 8];
    let mut latched: Option<Vec<[i64; 3]>> = None;
    let mut writing: Option<(usize, Option<Vec<[i64; 3]>>)> = None;
    // Valid, kind, entry, masked, lanes, clear.
    let mut next = [0; 6];
    for _ in 0..6000 {
        let mut pick = |n: i32| random.within(0, n - 1) as u64;
        let names = ["valid", "kind", "stat", "masked", "lanes", "clear"];
        let [valid, kind, entry, masked, lanes, clear] = next;
        bench.set_bits("slot_i", &slot(&names.iter().copied().zip(next).collect::<Vec<_>>()));
        let again = if pick(2) == 0 { entry } else { pick(8) };
        next = [u64::from(pick(4) > 0), pick(11), again, pick(2), pick(9), u64::from(pick(12) == 0)];
        bench.set_bits("next_i", &slot(&names.iter().copied().zip(next).collect::<Vec<_>>()));
        let drained = kind <= CONTEXT;
        let written = valid == 1 && (drained || kind == EMBED);
        let shown = pick(8);
        let latch = if writing.as_ref().is_some_and(|w| w.0 as u64 == shown) { 0 } else { pick(2) };
        let (v, y) = (signed(&mut random, 16), signed(&mut random, 22));
        bench.set_bits("v_i", &Bits::pack(16, v.iter().copied()));
        bench.set_bits("y_i", &Bits::pack(24, y.iter().copied()));
        bench.set("latch_i", latch);
        bench.set("stat_i", shown);
        bench.clock();
        if latch == 1 {
            latched = entries[shown as usize].clone();
        }
        if let Some((entry, lanes)) = writing.take() {
            entries[entry] = lanes;
        }
        if written {
            let before = entries[entry as usize].clone().or((clear == 1).then(|| vec![[0; 3]; N]));
            let after = before.map(|mut entry| {
                for (lane, kept) in entry.iter_mut().enumerate() {
                    let x = if [LINEAR, ACT, CONTEXT].contains(&kind) { v[lane].abs() } else { y[lane] };
                    let outside = masked == 1 && drained && lane as u64 >= lanes;
                    *kept = match (outside, clear == 1) {
                        (true, true) => [0; 3],
                        (true, false) => *kept,
                        (false, true) => [x; 3],
                        (false, false) => [kept[0].max(x), kept[1].min(x), kept[2] + x],
                    };
                }
                entry
            });
            writing = Some((entry as usize, after));
        }
        bench.settle();
        if let Some(latched) = &latched {
            let column = |i: usize| latched.iter().map(|l| l[i]).collect::<Vec<i64>>();
            assert_eq!(bench.bits("hi_o").signed(22), column(0));
            assert_eq!(bench.bits("lo_o").signed(22), column(1));
            assert_eq!(bench.bits("total_o").signed(32), column(2));
        }
    }
}

/// The sums of a pass: pairs of squares, weights of the softmax, the greatest magnitude. Gaps and
/// other words come in between. A word counts two cycles later.
#[test]
fn pass_sums() {
    let mut bench = unit("ls_pass_sums", &[("N", N)]);
    let mut random = Random::new(131);
    let (mut sums, mut max, mut known) = (vec![0_i64; N], vec![0_i64; N], false);
    for round in 0..60 {
        let squares = round % 2 == 0;
        let words = 2 * random.within(1, 20);
        let mut even = [0_i64; N];
        for index in 0..words {
            // Words of other kinds and empty slots in between do not count.
            let mut gaps = random.within(0, 3);
            loop {
                let here = gaps == 0;
                let (t, x, p) = (signed(&mut random, 16), signed(&mut random, 16), signed(&mut random, 14));
                let p: Vec<i64> = p.iter().map(|p| p + (1 << 13)).collect();
                let other = [LINEAR, EMBED, QUANTIZE, POOL][random.within(0, 3) as usize];
                let slot = |kind: u64, taken: bool, random: &mut Random| {
                    let kind = if taken { kind } else { [other, kind][random.within(0, 1) as usize] };
                    let valid = u64::from(taken || kind == other);
                    slot(&[
                        ("valid", valid),
                        ("kind", kind),
                        ("first", u64::from(index == 0)),
                        ("odd", index as u64 % 2),
                    ])
                };
                bench.set_bits("square_i", &slot(SQUARE, here && squares, &mut random));
                bench.set_bits("norm_i", &slot(NORM, here, &mut random));
                bench.set_bits("exp_i", &slot(EXP, here && !squares, &mut random));
                bench.set_bits("t2_i", &Bits::pack(32, t.iter().map(|t| t * t)));
                bench.set_bits("x2_i", &Bits::pack(16, x.iter().copied()));
                bench.set_bits("p_i", &Bits::pack(14, p.iter().copied()));
                let unsigned = |values: &[i64]| values.iter().map(|&v| v as u64).collect::<Vec<u64>>();
                bench.clock();
                bench.settle();
                if known {
                    assert_eq!(bench.bits("sum_o").unsigned(32), unsigned(&sums), "word {index} of {words}");
                    assert_eq!(bench.bits("max_o").unsigned(16), unsigned(&max), "word {index} of {words}");
                }
                known |= here;
                if here {
                    for lane in 0..N {
                        let sum = &mut sums[lane];
                        if squares && index % 2 == 0 {
                            even[lane] = t[lane] * t[lane];
                            *sum = if index == 0 { 0 } else { *sum };
                        } else if squares {
                            *sum += (even[lane] + t[lane] * t[lane] + 128) >> 8;
                        } else {
                            *sum = p[lane] + if index == 0 { 0 } else { *sum };
                        }
                        let magnitude = x[lane].abs();
                        max[lane] = if index == 0 { magnitude } else { max[lane].max(magnitude) };
                    }
                    break;
                }
                gaps -= 1;
            }
        }
    }
}
