//! The modules of the vector unit must give the bits of the reference: extreme and random words,
//! random gaps.

use crate::inputs::{Draw, LANES, REPEATS, lanes, sim, soft};
use lockstep_arith::activation::{Activation, Table, least_offset};
use lockstep_arith::attention::{ContextScale, HeadScale, exp2};
use lockstep_arith::embedding::Embedding;
use lockstep_arith::fixed::{bit_length, mul_q15, round_shift};
use lockstep_arith::layer_norm::{Affine, LayerNorm, SUM_LIMIT};
use lockstep_arith::linear::Linear;
use lockstep_arith::rows::{Scale, Sign};
use lockstep_hdl_sim::{Bits, Error, Pipeline, Sim, Stalls};

/// Runs all words of a pipeline, with every way of pausing.
fn check(
    module: &str,
    latency: usize,
    inputs: &[&str],
    outputs: &[&str],
    mut word: impl FnMut(&mut Draw) -> (Vec<Bits>, Vec<Bits>),
) {
    for stalls in Stalls::crossed(latency as u64).into_iter().filter(|s| s.back_pressure == 0) {
        let mut sim = sim(module);
        let mut draw = Draw::new(stalls.seed);
        let mut pipeline =
            Pipeline::new(&sim, ("valid_i", inputs), ("valid_o", outputs), latency, stalls).unwrap();
        for _ in 0..REPEATS {
            let (inputs, outputs) = word(&mut draw);
            pipeline.push(inputs, outputs);
        }
        sim.run(&mut [&mut pipeline], 10 * REPEATS).unwrap_or_else(|e| panic!("{module}, {stalls:?}: {e}"));
        assert_eq!(pipeline.passed() as u64, REPEATS);
    }
}

/// (5), (6) of a drawn greatest magnitude.
fn scale(draw: &mut Draw) -> Scale {
    Scale::of_max(draw.magnitude(16) as u16)
}

#[test]
fn requantise() {
    let inputs = ["acc_i", "z_i", "m_n_i", "h_i", "c_i", "b_i", "acc_shift_i", "out_shift_i"];
    check("ls_requant", 7, &inputs, &["y_o"], |draw| {
        let linear = Linear {
            inputs: 1,
            outputs: LANES,
            weights: vec![0; LANES],
            multipliers: draw.lanes(0, 32767),
            biases: draw.lanes(-(1 << 21), 1 << 21),
            acc_shift: draw.within(0, 12),
            out_shift: draw.within(1, 17),
            sign: Sign::Signed,
        };
        let limit = (1 << 26) - 1;
        let sums: Vec<i32> = draw.lanes(-limit, limit);
        let z: Vec<i32> = draw.lanes(-(1 << 25), 1 << 25);
        let acc: Vec<i32> = sums.iter().zip(&z).map(|(s, z)| s - z).collect();
        let scales: Vec<Scale> = (0..LANES).map(|_| scale(draw)).collect();
        let y = (0..LANES).map(|j| linear.requantize(sums[j], scales[j], j));
        let outputs = vec![lanes(32, y)];
        let inputs = vec![
            lanes(32, acc),
            lanes(32, z),
            lanes(15, scales.iter().map(|s| s.normalised())),
            lanes(4, scales.iter().map(|s| s.shift)),
            lanes(15, linear.multipliers),
            lanes(32, linear.biases),
            Bits::new(4, linear.acc_shift as u64),
            Bits::new(5, linear.out_shift as u64),
        ];
        (inputs, outputs)
    });
}

#[test]
fn activation() {
    let mut tables = Draw::new(5);
    let tables: Vec<(Table, i16)> = (1..=12)
        .map(|fraction_bits| {
            let coefficients = [[(); 8]; 3].map(|row| row.map(|()| tables.within(-10900, 10900) as i16));
            let bump = Table { coefficients, fraction_bits };
            bump.validate("table").unwrap();
            (bump.clone(), least_offset(&bump))
        })
        .collect();
    // A table's words are through before the next one comes.
    for stalls in Stalls::crossed(9).into_iter().filter(|s| s.back_pressure == 0) {
        let mut sim = sim("ls_activation");
        let mut draw = Draw::new(stalls.seed);
        for (bump, least) in &tables {
            let offset = draw.edge((*least).into(), 32767) as i16;
            let mut pipeline =
                Pipeline::new(&sim, ("valid_i", &["v_i", "eq_i"]), ("valid_o", &["x_o"]), 9, stalls).unwrap();
            let table = bump.coefficients.into_iter().flatten();
            for (name, value) in [
                ("table_i", Bits::pack(16, table)),
                ("fraction_bits_i", Bits::new(4, bump.fraction_bits as u64)),
                ("offset_i", Bits::pack(16, [offset])),
            ] {
                let port = sim.input(name).unwrap();
                sim.poke_bits(port, &value);
            }
            let words = REPEATS / tables.len() as u64;
            for _ in 0..words {
                let equaliser = vec![draw.edge(0, 32767) as i16; LANES];
                let activation = Activation { bump: bump.clone(), offset, equaliser };
                let v: Vec<i16> = draw.lanes(-32768, 32767);
                let x = activation.forward(&v);
                let inputs = vec![lanes(16, v), Bits::pack(15, [activation.equaliser[0]])];
                pipeline.push(inputs, vec![lanes(16, x)]);
            }
            sim.run(&mut [&mut pipeline], 10 * words + 100).unwrap_or_else(|e| panic!("{stalls:?}: {e}"));
            assert_eq!(pipeline.passed() as u64, words);
        }
    }
}

#[test]
fn residual_sum() {
    check("ls_residual", 1, &["x_i", "y_i", "shift_i"], &["s_o"], |draw| {
        let residual_shift = draw.within(0, 4);
        let affine = Affine { gain: vec![], offset: vec![] };
        let norm = LayerNorm { stream: affine, equalised: None, residual_shift };
        let x: Vec<i16> = draw.lanes(-32768, 32767);
        let y: Vec<i32> = draw.lanes(-(1 << 22), 1 << 22);
        let s = x.iter().zip(&y).map(|(&x, &y)| norm.sum(x, y));
        let outputs = vec![lanes(21, s)];
        (vec![lanes(16, x), lanes(32, y), Bits::new(3, residual_shift as u64)], outputs)
    });
}

#[test]
fn row_quantisation() {
    check("ls_row_product", 4, &["x_i", "h_i", "r_i", "kind_i"], &["q_o"], |draw| {
        let sign = if draw.chance(2) { Sign::Signed } else { Sign::Unsigned };
        let scales: Vec<Scale> = (0..LANES).map(|_| scale(draw)).collect();
        let x: Vec<i16> = scales
            .iter()
            .map(|s| {
                let m = i32::from(s.max);
                match sign {
                    // The one value beyond the greatest magnitude of (5).
                    Sign::Signed if m == 32767 && draw.chance(4) => i16::MIN,
                    Sign::Signed => draw.edge(-m, m) as i16,
                    Sign::Unsigned => draw.edge(0, m) as i16,
                }
            })
            .collect();
        let q = x.iter().zip(&scales).map(|(&x, s)| s.quantize(x, sign));
        let outputs = vec![lanes(8, q)];
        let inputs = vec![
            lanes(16, x),
            lanes(4, scales.iter().map(|s| s.shift)),
            lanes(15, scales.iter().map(|s| s.reciprocal(sign))),
            Bits::new(2, (sign == Sign::Unsigned).into()),
        ];
        (inputs, outputs)
    });
}

#[test]
fn layer_norm_outputs() {
    let inputs = ["square_i", "s_i", "mean_i", "e_i", "rho_i", "g_i", "b_i", "g2_i", "b2_i"];
    check("ls_norm", 7, &inputs, &["x_o", "x2_o"], |draw| {
        let (s, mean, e, rho) = norm_operands(draw);
        let gains: [i16; 2] = std::array::from_fn(|_| draw.edge(-32767, 32767) as i16);
        let offsets: [i16; 2] = std::array::from_fn(|_| draw.edge(-32768, 32767) as i16);
        let z: Vec<i16> = (0..LANES).map(|i| mul_q15(centred(s[i], mean[i], e[i]), rho[i])).collect();
        let outputs = (0..2).map(|i| {
            let affine = Affine { gain: vec![gains[i]; LANES], offset: vec![offsets[i]; LANES] };
            lanes(16, affine.apply(&z))
        });
        let outputs = outputs.collect();
        let mut inputs = vec![Bits::pack(1, [0]), lanes(21, s), lanes(21, mean), lanes(5, e), lanes(15, rho)];
        inputs.extend((0..2).flat_map(|i| [Bits::pack(16, [gains[i]]), Bits::pack(16, [offsets[i]])]));
        (inputs, outputs)
    });
}

#[test]
fn squares_of_the_centred_row_come_after_four_cycles() {
    let mut sim = sim("ls_norm");
    let mut pipeline = Pipeline::new(
        &sim,
        ("valid_i", &["s_i", "mean_i", "e_i", "rho_i", "square_i"]),
        ("square_valid_o", &["square_o"]),
        4,
        Stalls { idle: 30, back_pressure: 0, seed: 9 },
    )
    .unwrap();
    let mut draw = Draw::new(9);
    for _ in 0..REPEATS {
        let (s, mean, e, rho) = norm_operands(&mut draw);
        let squares: Vec<i32> = (0..LANES).map(|i| i32::from(centred(s[i], mean[i], e[i])).pow(2)).collect();
        let inputs = vec![lanes(21, s), lanes(21, mean), lanes(5, e), lanes(15, rho), Bits::pack(1, [1])];
        pipeline.push(inputs, vec![lanes(32, squares)]);
    }
    sim.run(&mut [&mut pipeline], 10 * REPEATS).unwrap();
}

/// Sums, means, exponents that cover them, reciprocals.
fn norm_operands(draw: &mut Draw) -> (Vec<i32>, Vec<i32>, Vec<i32>, Vec<i16>) {
    let s: Vec<i32> = draw.lanes(-SUM_LIMIT, SUM_LIMIT);
    let mut mean: Vec<i32> = draw.lanes(-SUM_LIMIT, SUM_LIMIT);
    if draw.chance(2) {
        // Near the sum, so that small exponents come too.
        let near: Vec<i32> = draw.lanes(-5000, 5000);
        mean = s.iter().zip(near).map(|(s, n)| (s + n).clamp(-SUM_LIMIT, SUM_LIMIT)).collect();
    }
    let e = s
        .iter()
        .zip(&mean)
        .map(|(s, m)| {
            let least = bit_length((s - m).unsigned_abs().max(1));
            if draw.chance(2) { least } else { draw.within(least, 21) }
        })
        .collect();
    (s, mean, e, draw.lanes(0, 32767))
}

/// `t` of (13).
fn centred(s: i32, mean: i32, e: i32) -> i16 {
    round_shift(s - mean, e - 15).clamp(-32767, 32767) as i16
}

#[test]
fn softmax_weights() {
    check("ls_exp", 10, &["a_i", "best_i", "factor_i", "shift_i"], &["p_o"], |draw| {
        // 128 products of bytes, and distances of every size.
        let limit = 128 * 127 * 127;
        let best: Vec<i32> = draw.lanes(-limit, limit);
        let a: Vec<i32> = best.iter().map(|b| (b - draw.magnitude(22) as i32).max(-limit)).collect();
        let head = HeadScale { factor: draw.edge(16384, 32767) as i16, shift: draw.edge(-8, 30) };
        let p = a.iter().zip(&best).map(|(a, best)| exp2(head.octaves(best - a)));
        let outputs = vec![lanes(14, p)];
        let inputs =
            vec![lanes(22, a), lanes(22, best), Bits::pack(15, [head.factor]), Bits::pack(6, [head.shift])];
        (inputs, outputs)
    });
}

#[test]
fn context() {
    check("ls_row_product", 4, &["acc_i", "e_i", "r_v_i", "kind_i"], &["context_o"], |draw| {
        let sums: Vec<u32> = (0..LANES).map(|_| draw.edge(16383, 512 * 16383) as u32).collect();
        let values: Vec<Scale> = (0..LANES).map(|_| scale(draw)).collect();
        let weighted: Vec<i32> = sums.iter().map(|&s| draw.edge(-(s as i32 * 127), s as i32 * 127)).collect();
        let x = (0..LANES).map(|i| ContextScale::of(sums[i], values[i]).apply(weighted[i]));
        let outputs = vec![lanes(16, x)];
        let inputs = vec![
            lanes(32, weighted),
            lanes(5, sums.iter().map(|&s| bit_length(s) - 8)),
            lanes(15, sums.iter().zip(&values).map(|(&s, &v)| soft(s, v.max))),
            Bits::new(2, 2),
        ];
        (inputs, outputs)
    });
}

#[test]
fn embedding_sum() {
    let inputs = ["w_i", "scale_i", "position_i", "type_i", "shift_i", "kind_i"];
    check("ls_row_product", 4, &inputs, &["s_o"], |draw| {
        let words: Vec<Embedding> = {
            let table_shift = draw.within(0, 7);
            let mut word = || Embedding {
                hidden: 1,
                words: vec![draw.edge(-127, 127) as i8],
                word_scales: vec![draw.edge(0, 4095) as i16],
                positions: vec![draw.edge(-32768, 32767) as i16],
                types: vec![draw.edge(-32768, 32767) as i16],
                table_shift,
            };
            (0..LANES).map(|_| word()).collect()
        };
        let outputs = vec![lanes(21, words.iter().map(|w| w.sums(0, 0, 0)[0]))];
        let inputs = vec![
            lanes(8, words.iter().map(|w| w.words[0])),
            lanes(12, words.iter().map(|w| w.word_scales[0])),
            lanes(16, words.iter().map(|w| w.positions[0])),
            lanes(16, words.iter().map(|w| w.types[0])),
            Bits::new(3, words[0].table_shift as u64),
            Bits::new(2, 3),
        ];
        (inputs, outputs)
    });
}

/// The bench notices one wrong bit, one cycle too much, and a parameter out of its range.
#[test]
fn errors_are_noticed() {
    let run = |latency, flip, shift| {
        let mut sim: Sim = sim("ls_residual");
        let ports = (("valid_i", &["x_i", "y_i", "shift_i"][..]), ("valid_o", &["s_o"][..]));
        let mut pipeline = Pipeline::new(&sim, ports.0, ports.1, latency, Stalls::NONE).unwrap();
        let inputs = vec![lanes(16, [100; LANES]), lanes(32, [7; LANES]), Bits::new(3, shift)];
        pipeline.push(inputs, vec![lanes(21, [(100 << shift) + 7, 807, 807, 807 ^ flip])]);
        sim.run(&mut [&mut pipeline], 100)
    };
    assert!(run(1, 0, 3).is_ok());
    assert!(matches!(run(1, 1, 3), Err(Error::Mismatch { .. })));
    assert!(matches!(run(2, 0, 3), Err(Error::Protocol { .. })));
    assert!(matches!(run(1, 0, 5), Err(Error::Assertion { .. })));
}

/// Changing the table while a word is in the pipeline is an error. Changing it behind the last word
/// is none.
#[test]
fn a_table_changes_between_words_only() {
    let run = |cycles: u64| {
        let mut sim = sim("ls_activation");
        let set = |sim: &mut Sim, name: &str, value| {
            let port = sim.input(name).unwrap();
            sim.poke(port, value);
        };
        for (name, value) in [("fraction_bits_i", 9), ("offset_i", 5), ("valid_i", 1)] {
            set(&mut sim, name, value);
        }
        sim.cycle(&mut [])?;
        set(&mut sim, "valid_i", 0);
        for _ in 0..cycles {
            sim.cycle(&mut [])?;
        }
        set(&mut sim, "offset_i", 6);
        sim.cycle(&mut [])
    };
    assert!((0..9).all(|cycles| matches!(run(cycles), Err(Error::Assertion { .. }))));
    assert!(run(9).is_ok());
}
