//! Compares every kernel of this processor with `lockstep_arith`, by `==`.

use lockstep_arith::activation::{Activation, SEGMENTS, Table, least_offset};
use lockstep_arith::attention::{HeadScale, ScoreScale, attend, exp2};
use lockstep_arith::fixed::{mul_q15, sat16};
use lockstep_arith::layer_norm::{Affine, LayerNorm, SUM_LIMIT};
use lockstep_arith::linear::Linear;
use lockstep_arith::rows::{Scale, Sign, quantize_row};
use lockstep_arith::sample::Random;
use lockstep_kernels::{Attention, Kernel, PackedLinear, PackedPairs, PackedWeights, Scratch};

/// Numbers of rows, below, at and above the heights of all tiles.
const ROWS: [usize; 12] = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 25];
/// Numbers of columns, below, at and above the widths of all tiles and vectors.
const COLUMNS: [usize; 14] = [1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 48, 49, 77];
/// Numbers of inputs, below, at and above whole groups of them.
const INPUTS: [usize; 12] = [1, 2, 3, 4, 5, 7, 8, 31, 32, 33, 64, 96];

fn bytes(random: &mut Random, n: usize, lo: i32, hi: i32) -> Vec<i8> {
    (0..n).map(|_| random.within(lo, hi) as i8).collect()
}

fn shorts(random: &mut Random, n: usize, lo: i32, hi: i32) -> Vec<i16> {
    (0..n).map(|_| random.within(lo, hi) as i16).collect()
}

/// `sum_k (q + z) * w`, by plain loops.
fn plain_products(q: &[i8], w: &[i8], (k, n): (usize, usize), z: i32) -> Vec<i32> {
    let dot = |q: &[i8], j: usize| (0..k).map(|k| (i32::from(q[k]) + z) * i32::from(w[k * n + j])).sum();
    q.chunks_exact(k).flat_map(|q| (0..n).map(move |j| dot(q, j))).collect()
}

/// The kernel's products of the same operands. The padding of the rows holds other numbers than 0.
fn products(kernel: Kernel, q: &[i8], w: &[i8], (k, n): (usize, usize), z: i32) -> Vec<i32> {
    let sign = if z == 0 { Sign::Signed } else { Sign::Unsigned };
    let packed = PackedWeights::pack(w, k, n, sign);
    let mut padded = vec![-77; q.len() / k * packed.row_len()];
    for (padded, q) in padded.chunks_exact_mut(packed.row_len()).zip(q.chunks_exact(k)) {
        padded[..k].copy_from_slice(q);
    }
    let mut out = vec![0x5a5a_5a5a; q.len() / k * n];
    kernel.products(&padded, &packed, &mut out);
    out
}

#[test]
fn products_equal_plain_sums_around_all_edges() {
    let mut random = Random::new(1);
    for rows in ROWS {
        for n in COLUMNS {
            for k in INPUTS {
                let q = bytes(&mut random, rows * k, -128, 127);
                let w = bytes(&mut random, k * n, -63, 63);
                let z = random.within(0, 1) * 128;
                let expected = plain_products(&q, &w, (k, n), z);
                for kernel in Kernel::available() {
                    assert_eq!(
                        products(kernel, &q, &w, (k, n), z),
                        expected,
                        "{} {rows} x {k} x {n}, zero point {z}",
                        kernel.name()
                    );
                }
            }
        }
    }
}

#[test]
fn products_of_extremes_do_not_saturate() {
    let (k, n) = (4096, 17);
    for (q, w) in [(-128, -63), (-128, 63), (127, -63), (127, 63)] {
        for z in [0, 128] {
            for rows in [1, 5] {
                let expected = vec![(i32::from(q) + z) * i32::from(w) * k as i32; rows * n];
                for kernel in Kernel::available() {
                    let out = products(kernel, &vec![q; rows * k], &vec![w; k * n], (k, n), z);
                    assert_eq!(out, expected, "{} q {q} w {w} z {z}", kernel.name());
                }
            }
        }
    }
}

/// If the variable `LOCKSTEP_EXPECT_KERNEL` names a kernel, this processor must have it.
#[test]
fn the_kernel_that_the_run_is_for_is_compared() {
    if let Ok(expected) = std::env::var("LOCKSTEP_EXPECT_KERNEL") {
        let names: Vec<_> = Kernel::available().into_iter().map(|kernel| kernel.name()).collect();
        assert!(names.contains(&expected.as_str()), "{expected} is not among {names:?}");
    }
}

#[test]
fn a_product_of_no_rows_is_empty() {
    for kernel in Kernel::available() {
        assert!(products(kernel, &[], &[1; 12], (4, 3), 0).is_empty());
    }
}

#[test]
fn linear_layers_equal_the_reference_on_any_number_of_rows() {
    let mut random = Random::new(13);
    let mut scratch = Scratch::default();
    for (inputs, outputs, sign) in
        [(96, 33, Sign::Signed), (50, 64, Sign::Unsigned), (70, 200, Sign::Signed), (98, 256, Sign::Unsigned)]
    {
        let linear = Linear {
            inputs,
            outputs,
            weights: bytes(&mut random, inputs * outputs, -63, 63),
            multipliers: shorts(&mut random, outputs, 0, 32767),
            biases: (0..outputs).map(|_| random.within(-300, 300)).collect(),
            acc_shift: 2,
            out_shift: 12,
            sign,
        };
        let packed = PackedLinear::from(linear.clone());
        for rows in [0, 1, 4, 6, 11, 31, 32, 33, 70] {
            let least = if sign == Sign::Signed { -32768 } else { 0 };
            let x = shorts(&mut random, rows * inputs, least, 32767);
            let expected: Vec<i32> = x.chunks_exact(inputs).flat_map(|x| linear.forward(x)).collect();
            let narrow: Vec<i16> = expected.iter().map(|&y| sat16(y)).collect();
            for kernel in Kernel::available() {
                let mut out = vec![0; rows * outputs];
                packed.forward(kernel, &x, &mut scratch, &mut out);
                assert_eq!(out, expected, "{} {rows} rows", kernel.name());
                let mut out = vec![0; rows * outputs];
                packed.forward16(kernel, &x, &mut scratch, &mut out);
                assert_eq!(out, narrow, "{} {rows} rows", kernel.name());
            }
        }
    }
}

#[test]
fn fused_layers_equal_the_reference_on_any_width() {
    let mut random = Random::new(14);
    let mut scratch = Scratch::default();
    let bump = Table { coefficients: [[300; SEGMENTS], [-200; SEGMENTS], [90; SEGMENTS]], fraction_bits: 9 };
    for outputs in [1, 15, 16, 17, 31, 32, 33, 63, 64, 65, 130] {
        let inputs = 40;
        let linear = Linear {
            inputs,
            outputs,
            weights: bytes(&mut random, inputs * outputs, -63, 63),
            multipliers: shorts(&mut random, outputs, 0, 32767),
            biases: (0..outputs).map(|_| random.within(-(1 << 16), 1 << 16)).collect(),
            acc_shift: 2,
            out_shift: 9,
            sign: Sign::Signed,
        };
        let equaliser = shorts(&mut random, outputs, 0, 32767);
        let activation = Activation { bump: bump.clone(), offset: least_offset(&bump), equaliser };
        let packed = PackedLinear::from(linear.clone());
        for rows in [1, 5, 6, 7, 16, 33] {
            let x = shorts(&mut random, rows * inputs, -32768, 32767);
            let stream = shorts(&mut random, rows * outputs, -32768, 32767);
            let wide: Vec<i32> = x.chunks_exact(inputs).flat_map(|x| linear.forward(x)).collect();
            let expected = wide
                .chunks_exact(outputs)
                .flat_map(|y| activation.forward(&y.iter().map(|&y| sat16(y)).collect::<Vec<_>>()));
            let expected: Vec<i16> = expected.collect();
            let sum = |(&x, &y): (&i16, &i32)| ((i32::from(x) << 3) + y).clamp(-SUM_LIMIT, SUM_LIMIT);
            let sums: Vec<i32> = stream.iter().zip(&wide).map(sum).collect();
            for kernel in Kernel::available() {
                let mut out = vec![0; rows * outputs];
                packed.forward_activate(kernel, &x, &activation, &mut scratch, &mut out);
                assert_eq!(out, expected, "{} {rows} x {outputs}", kernel.name());
                let mut found = vec![0; rows * outputs];
                packed.forward_sum(kernel, &x, (&stream, 3), &mut scratch, |range, sums| {
                    found[range.start * outputs..range.end * outputs].copy_from_slice(sums);
                });
                assert_eq!(found, sums, "{} {rows} x {outputs}", kernel.name());
            }
        }
    }
}

#[test]
fn the_comparison_of_products_can_fail() {
    let mut random = Random::new(2);
    let (k, n) = (32, 16);
    let q = bytes(&mut random, k, -128, 127);
    let mut w = bytes(&mut random, k * n, -63, 62);
    let expected = plain_products(&q, &w, (k, n), 0);
    let at = q.iter().position(|&q| q != 0).expect("random inputs are not all 0");
    w[at * n] += 1;
    assert_ne!(products(Kernel::new(), &q, &w, (k, n), 0), expected);
}

#[test]
fn pair_products_equal_plain_sums_around_all_edges() {
    let mut random = Random::new(3);
    for rows in ROWS {
        for n in COLUMNS {
            for k in INPUTS {
                let a = shorts(&mut random, rows * k, -16383, 16383);
                let b = shorts(&mut random, k * n, -127, 127);
                let dot = |a: &[i16], j: usize| -> i32 {
                    (0..k).map(|k| i32::from(a[k]) * i32::from(b[k * n + j])).sum()
                };
                let expected: Vec<i32> =
                    a.chunks_exact(k).flat_map(|a| (0..n).map(move |j| dot(a, j))).collect();

                let (mut by_rows, mut by_columns) = (PackedPairs::default(), PackedPairs::default());
                by_rows.reset(k, n);
                by_columns.reset(k, n);
                for (k, row) in b.chunks_exact(n).enumerate() {
                    by_rows.set_row(k, row);
                }
                for j in 0..n {
                    let column: Vec<i16> = b[j..].iter().step_by(n).copied().collect();
                    by_columns.set_column(j, &column);
                }
                let mut padded = vec![-4321; rows * by_rows.row_len()];
                for (padded, a) in padded.chunks_exact_mut(by_rows.row_len()).zip(a.chunks_exact(k)) {
                    padded[..k].copy_from_slice(a);
                }
                for kernel in Kernel::available() {
                    for packed in [&by_rows, &by_columns] {
                        let mut out = vec![0x5a5a_5a5a; rows * n];
                        kernel.pair_products(&padded, packed, &mut out);
                        assert_eq!(out, expected, "{} {rows} x {k} x {n}", kernel.name());
                    }
                }
            }
        }
    }
}

/// Rows of every magnitude, with the extremes.
fn rows_of_all_magnitudes(random: &mut Random, width: usize, least: i32) -> Vec<i16> {
    let mut x = Vec::new();
    for bits in 0..=15 {
        let limit = (1 << bits) - 1;
        let mut row = shorts(random, width, (-limit).max(least), limit);
        row[width / 2] = limit as i16;
        x.extend(row);
    }
    x.extend(vec![0; width]);
    x.extend(vec![32767; width]);
    if least < 0 {
        x.extend(vec![-32768; width]);
        x.extend((0..width).map(|i| if i % 3 == 0 { -32768 } else { 32767 }));
    }
    x
}

#[test]
fn quantize_equals_the_reference() {
    let mut random = Random::new(4);
    for width in [1, 7, 8, 9, 31, 33, 64, 100] {
        for (sign, least) in [(Sign::Signed, -32768), (Sign::Unsigned, 0)] {
            let x = rows_of_all_magnitudes(&mut random, width, least);
            let rows = x.len() / width;
            let stride = width.next_multiple_of(4);
            let mut expected = vec![0; x.len()];
            let scales: Vec<Scale> = x
                .chunks_exact(width)
                .zip(expected.chunks_exact_mut(width))
                .map(|(x, q)| quantize_row(x, sign, q))
                .collect();
            for kernel in Kernel::available() {
                let mut q = vec![0; rows * stride];
                let mut found = vec![Scale::of_max(9); rows];
                kernel.quantize(&x, width, sign, &mut q, stride, &mut found);
                assert_eq!(found, scales, "{}", kernel.name());
                let q: Vec<i8> = q.chunks_exact(stride).flat_map(|q| q[..width].to_vec()).collect();
                assert_eq!(q, expected, "{} width {width} {sign:?}", kernel.name());
            }
        }
    }
}

#[test]
fn quantize_wide_equals_the_reference() {
    let mut random = Random::new(5);
    let x = rows_of_all_magnitudes(&mut random, 67, -32768);
    for row in x.chunks_exact(67) {
        let scale = Scale::of(row.iter().copied());
        let expected: Vec<i16> = row.iter().map(|&x| scale.quantize(x, Sign::Signed).into()).collect();
        for kernel in Kernel::available() {
            let mut q = vec![0; row.len()];
            kernel.quantize_wide(row, scale, &mut q);
            assert_eq!(q, expected, "{}", kernel.name());
        }
    }
}

#[test]
fn requantize_equals_the_reference() {
    let mut random = Random::new(6);
    for width in [1, 7, 8, 9, 16, 33, 77] {
        for (acc_shift, out_shift) in [(0, 1), (2, 13), (4, 11), (12, 17)] {
            let mut multipliers = shorts(&mut random, width, 0, 32767);
            multipliers[0] = 32767;
            let biases: Vec<i32> = (0..width).map(|_| random.within(-(1 << 21), 1 << 21)).collect();
            let linear = Linear {
                inputs: 1,
                outputs: width,
                weights: vec![0; width],
                multipliers,
                biases,
                acc_shift,
                out_shift,
                sign: Sign::Signed,
            };
            let packed = PackedLinear::from(linear.clone());
            for max in [1, 2, 127, 4095, 16384, 32767] {
                let scale = Scale::of_max(max);
                let limit = 4096 * 255 * 63;
                let mut acc: Vec<i32> = (0..3 * width).map(|_| random.within(-limit, limit)).collect();
                acc[0] = limit;
                acc[width] = -limit;
                let expected: Vec<i32> =
                    acc.iter().enumerate().map(|(i, &a)| linear.requantize(a, scale, i % width)).collect();
                let narrow: Vec<i16> = expected.iter().map(|&y| sat16(y)).collect();
                for kernel in Kernel::available() {
                    let mut out = vec![0; acc.len()];
                    kernel.requantize16(&acc, &[scale; 3], &packed.requantizer, &mut out);
                    assert_eq!(out, narrow, "{}", kernel.name());
                    let mut wide = acc.clone();
                    kernel.requantize(&mut wide, &[scale; 3], &packed.requantizer);
                    assert_eq!(wide, expected, "{}", kernel.name());
                }
            }
        }
    }
}

#[test]
fn normalize_equals_the_reference() {
    let mut random = Random::new(7);
    for width in [32, 34, 96, 312, 1024] {
        let mut sums = Vec::new();
        for bits in 0..=20 {
            let limit = ((1 << bits) - 1).min(SUM_LIMIT);
            sums.extend((0..width).map(|_| random.within(-limit, limit)));
        }
        sums.extend((0..width).map(|i| if i % 2 == 0 { SUM_LIMIT } else { -SUM_LIMIT }));
        sums.extend((0..width).map(|i| if i == 0 { -SUM_LIMIT } else { SUM_LIMIT }));
        sums.extend(vec![12345; width]);
        // Two values set the scale, the others are pairs of 8 and -8. So every sum of a pair in
        // (14) is a tie of its rounding.
        for greatest in (16384..32767).step_by(499) {
            sums.extend([greatest, -greatest]);
            sums.extend((2..width).map(|i| if i % 2 == 0 { 8 } else { -8 }));
        }
        let mut affine = || Affine {
            gain: shorts(&mut random, width, -32767, 32767),
            offset: shorts(&mut random, width, -32768, 32767),
        };
        let (stream, equalised) = (affine(), affine());
        for equalised in [Some(equalised), None] {
            let norm = LayerNorm { stream: stream.clone(), equalised, residual_shift: 0 };
            let (mut expected, mut expected_e) = (Vec::new(), Vec::new());
            for sums in sums.chunks_exact(width) {
                let (x, e) = norm.forward(sums);
                expected.extend(x);
                expected_e.extend(e.into_iter().flatten());
            }
            for kernel in Kernel::available() {
                let (mut x, mut e) = (vec![0; sums.len()], vec![0; expected_e.len()]);
                kernel.normalize(&sums, width, &norm, &mut x, &mut e);
                assert_eq!(x, expected, "{} width {width}", kernel.name());
                assert_eq!(e, expected_e, "{} width {width}", kernel.name());
            }
        }
    }
}

#[test]
fn add_residual_equals_the_reference() {
    let mut random = Random::new(8);
    for residual_shift in 0..=4 {
        let affine = Affine { gain: vec![], offset: vec![] };
        let norm = LayerNorm { stream: affine, equalised: None, residual_shift };
        let x = shorts(&mut random, 333, -32768, 32767);
        let y: Vec<i32> = (0..333).map(|_| random.within(-(3 << 20), 3 << 20)).collect();
        let expected: Vec<i32> = x.iter().zip(&y).map(|(&x, &y)| norm.sum(x, y)).collect();
        for kernel in Kernel::available() {
            let mut sums = y.clone();
            kernel.add_residual(&x, residual_shift, &mut sums);
            assert_eq!(sums, expected, "{}", kernel.name());
        }
    }
}

#[test]
fn activate_equals_the_reference_for_every_input() {
    let mut random = Random::new(9);
    let all: Vec<i16> = (i16::MIN..=i16::MAX).collect();
    for fraction_bits in 1..=12 {
        for (limit, slack) in [(10922, 0), (10922, 3000), (1000, 0)] {
            let mut coefficients = [[0; SEGMENTS]; 3];
            for c in coefficients.iter_mut().flatten() {
                *c = random.within(-limit, limit) as i16;
            }
            let bump = Table { coefficients, fraction_bits };
            let offset = (i32::from(least_offset(&bump)) + slack).min(32767) as i16;
            for width in [64, 8] {
                let mut equaliser = shorts(&mut random, width, 0, 32767);
                equaliser[0] = 32767;
                let activation = Activation { bump: bump.clone(), offset, equaliser };
                activation.validate("test", width).expect("the parameters are in range");
                let expected: Vec<i16> =
                    all.chunks_exact(width).flat_map(|v| activation.forward(v)).collect();
                for kernel in Kernel::available() {
                    let mut v = all.clone();
                    kernel.activate(&mut v, &activation);
                    assert!(v == expected, "{} fraction bits {fraction_bits}", kernel.name());
                }
            }
        }
    }
}

#[test]
fn activate_takes_rows_of_any_width() {
    let mut random = Random::new(10);
    let bump = Table { coefficients: [[900, -300, 20, 5, 4, 3, 2, 1]; 3], fraction_bits: 11 };
    let offset = least_offset(&bump);
    for width in [1, 7, 9, 15, 17, 31, 33, 47, 65] {
        let equaliser = shorts(&mut random, width, 0, 32767);
        let activation = Activation { bump: bump.clone(), offset, equaliser };
        let v = shorts(&mut random, 3 * width, -32768, 32767);
        let expected: Vec<i16> = v.chunks_exact(width).flat_map(|v| activation.forward(v)).collect();
        for kernel in Kernel::available() {
            let mut v = v.clone();
            kernel.activate(&mut v, &activation);
            assert_eq!(v, expected, "{} width {width}", kernel.name());
        }
    }
}

#[test]
fn softmax_equals_the_reference() {
    let mut random = Random::new(11);
    for n in [1, 2, 7, 8, 9, 17, 33, 100, 512] {
        for shift in -8..=30 {
            let head = HeadScale { factor: random.within(16384, 32767) as i16, shift };
            let limit = 1 << random.within(0, 21);
            let scores: Vec<i32> = (0..3 * n).map(|_| random.within(-limit, limit)).collect();
            let (mut expected, mut expected_sums) = (Vec::new(), Vec::new());
            for scores in scores.chunks_exact(n) {
                let best = *scores.iter().max().expect("a row has a key");
                let p: Vec<i16> = scores.iter().map(|&a| exp2(head.octaves(best - a))).collect();
                expected_sums.push(p.iter().map(|&p| u32::from(p.unsigned_abs())).sum::<u32>());
                expected.extend(p);
            }
            let stride = n.next_multiple_of(2);
            for kernel in Kernel::available() {
                let (mut p, mut sums) = (vec![0; 3 * stride], vec![0; 3]);
                kernel.softmax(&scores, n, head, &mut p, stride, &mut sums);
                let p: Vec<i16> = p.chunks_exact(stride).flat_map(|p| p[..n].to_vec()).collect();
                assert_eq!(p, expected, "{} n {n} shift {shift}", kernel.name());
                assert_eq!(sums, expected_sums, "{} n {n} shift {shift}", kernel.name());
            }
        }
    }
}

#[test]
fn softmax_equals_the_reference_for_every_octave() {
    // With h = 0 and the greatest factor, distances 0 to 32767 reach every u of (21).
    let head = HeadScale { factor: 32767, shift: 0 };
    let scores: Vec<i32> = (0..512 * 65).map(|i| if i % 512 == 0 { 0 } else { -i }).collect();
    let expected: Vec<i16> = scores.iter().map(|&a| exp2(mul_q15(sat16(-a), 32767))).collect();
    for kernel in Kernel::available() {
        let (mut p, mut sums) = (vec![0; scores.len()], vec![0; 65]);
        kernel.softmax(&scores, 512, head, &mut p, 512, &mut sums);
        assert!(p == expected, "{}", kernel.name());
    }
}

#[test]
fn attention_equals_the_reference() {
    let mut random = Random::new(12);
    let mut scratch = Scratch::default();
    for (hidden, heads) in [(32, 1), (64, 2), (96, 3), (34, 2), (312, 12), (256, 2)] {
        for n in [1, 2, 3, 17, 33, 65] {
            let limit = 1 << random.within(6, 15);
            let projected = shorts(&mut random, n * 3 * hidden, -limit, limit - 1);
            let multiplier = random.within(16384, 32767) as i16;
            let score = ScoreScale { multiplier, shift: random.within(37, 48) };
            let mut expected = vec![0; n * hidden];
            let width = hidden / heads;
            for head in 0..heads {
                attend(&projected, hidden, head * width, width, score, &mut expected);
            }
            for kernel in Kernel::available() {
                let mut context = vec![0; n * hidden];
                Attention { hidden, heads, score }.forward(kernel, &projected, &mut scratch, &mut context);
                assert_eq!(context, expected, "{} {hidden} / {heads}, {n} tokens", kernel.name());
            }
        }
    }
}
