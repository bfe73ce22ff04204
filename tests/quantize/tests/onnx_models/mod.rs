//! Random models that fit the file format, tame and extreme.

use lockstep_arith::activation::{SEGMENTS, Table, least_offset};
use lockstep_arith::encoder::{Encoder, Pooling};
use lockstep_arith::layer_norm::{Affine, LayerNorm};
use lockstep_arith::linear::Linear;
use lockstep_arith::sample::{self, Random, Shape};

/// Two layers; nothing round about the intermediate size.
pub(crate) const SMALL: Shape = Shape { positions: 32, intermediate: 90, ..Shape::SMALL };

/// A random model; the one parameter that the file does not keep is at its neutral value.
pub(crate) fn model(shape: &Shape, seed: u64) -> Encoder {
    let mut encoder = sample::encoder(shape, seed);
    encoder.embedding_norm.residual_shift = 0;
    encoder
}

/// A random model with many parameters at the ends of their ranges.
pub(crate) fn extreme(shape: &Shape, seed: u64) -> Encoder {
    let mut encoder = model(shape, seed);
    let random = &mut Random::new(!seed);
    embedding(&mut encoder, random);
    for layer in &mut encoder.layers {
        linear(&mut layer.projection, random);
        linear(&mut layer.output, random);
        linear(&mut layer.expand, random);
        linear(&mut layer.contract, random);
        layer.score.multiplier = pick(random, &[16384, 32767, 23170]) as i16;
        layer.score.shift = pick(random, &[37, 38, 42, 50, 74]);
        norm(&mut layer.attention_norm, random);
        norm(&mut layer.output_norm, random);
        table(&mut layer.activation.bump, random);
        let least = least_offset(&layer.activation.bump);
        layer.activation.offset = pick(random, &[least.into(), least.into(), 32767]) as i16;
        for equaliser in &mut layer.activation.equaliser {
            *equaliser = pick(random, &[0, 32767, 32767, 20000]) as i16;
        }
    }
    for dense in &mut encoder.dense {
        linear(&mut dense.linear, random);
        if let Some(tanh) = &mut dense.tanh {
            table(tanh, random);
        }
    }
    if let Some(head) = &mut encoder.head {
        linear(&mut head.pooler, random);
        table(&mut head.tanh, random);
        linear(&mut head.classifier, random);
    }
    encoder.validate().expect("every parameter is inside its range");
    encoder
}

/// Shapes that use every branch of the format: one and three layers, heads of several widths, all
/// poolings, dense layers, a classifier.
pub(crate) fn shapes() -> Vec<Shape> {
    vec![
        SMALL,
        Shape { hidden: 96, heads: 3, intermediate: 200, layers: 3, pooling: Pooling::Cls, ..SMALL },
        Shape { hidden: 312, heads: 12, intermediate: 320, layers: 1, ..SMALL },
        Shape {
            hidden: 48,
            heads: 1,
            intermediate: 34,
            layers: 1,
            labels: 3,
            pooling: Pooling::Cls,
            ..SMALL
        },
        Shape { hidden: 32, heads: 32, intermediate: 32, labels: 1, pooling: Pooling::Cls, ..SMALL },
        Shape { hidden: 128, heads: 1, intermediate: 66, ..SMALL },
        Shape { layers: 1, dense: [48, 0], ..SMALL },
        Shape { layers: 1, dense: [48, 100], pooling: Pooling::Cls, ..SMALL },
        Shape { layers: 1, pooling: Pooling::Max, ..SMALL },
        Shape { layers: 1, pooling: Pooling::WeightedMean, ..SMALL },
        Shape { layers: 1, dense: [32, 0], pooling: Pooling::Max, ..SMALL },
        Shape { layers: 1, dense: [32, 0], pooling: Pooling::WeightedMean, ..SMALL },
    ]
}

fn pick(random: &mut Random, values: &[i32]) -> i32 {
    values[random.within(0, values.len() as i32 - 1) as usize]
}

/// Word rows 0 to 3 are zeros, of full scale, of scale 0, and one lone number.
fn embedding(encoder: &mut Encoder, random: &mut Random) {
    let d = encoder.hidden();
    let embedding = &mut encoder.embedding;
    embedding.words[..d].fill(0);
    embedding.words[d..2 * d].fill(127);
    embedding.word_scales[1] = 4095;
    embedding.word_scales[2] = 0;
    embedding.words[3 * d..4 * d].fill(0);
    embedding.words[3 * d + 5] = -127;
    embedding.table_shift = pick(random, &[0, 3, 7]);
    match random.within(0, 2) {
        0 => {
            embedding.positions.fill(0);
            embedding.types.fill(0);
        }
        1 => {
            for x in embedding.positions.iter_mut().chain(&mut embedding.types) {
                *x = pick(random, &[-32768, 32767, 0]) as i16;
            }
        }
        _ => {}
    }
    norm(&mut encoder.embedding_norm, random);
    encoder.embedding_norm.residual_shift = 0;
}

fn linear(linear: &mut Linear, random: &mut Random) {
    linear.acc_shift = pick(random, &[0, 1, linear.acc_shift, linear.acc_shift, 12]);
    linear.out_shift = pick(random, &[1, linear.out_shift, linear.out_shift, 12, 17]);
    match random.within(0, 3) {
        0 => linear.weights.iter_mut().for_each(|w| *w = if *w < 0 { -63 } else { 63 }),
        1 => linear.weights.iter_mut().step_by(3).for_each(|w| *w = 63),
        _ => {}
    }
    for c in &mut linear.multipliers {
        *c = pick(random, &[0, 1, 32767, 32767, (*c).into(), (*c).into()]) as i16;
    }
    let bias = pick(random, &[0, 40000, 1 << 21]);
    for b in &mut linear.biases {
        *b = pick(random, &[-bias, bias, *b, *b]);
    }
}

fn norm(norm: &mut LayerNorm, random: &mut Random) {
    norm.residual_shift = random.within(0, 4);
    affine(&mut norm.stream, random);
    if let Some(equalised) = &mut norm.equalised {
        affine(equalised, random);
    }
}

fn affine(affine: &mut Affine, random: &mut Random) {
    let most = pick(random, &[0, 300, 32767]);
    for gain in &mut affine.gain {
        *gain = pick(random, &[-32767, 32767, 0, (*gain).into(), (*gain).into()]) as i16;
    }
    for offset in &mut affine.offset {
        *offset = pick(random, &[-most - i32::from(most == 32767), most, 0, (*offset).into()]) as i16;
    }
}

/// Every segment uses up to all 16 bits.
fn table(table: &mut Table, random: &mut Random) {
    table.fraction_bits = pick(random, &[1, 7, 11, 12]);
    for segment in 0..SEGMENTS {
        let shares = pick(random, &[0, 1, 2, 3, 4]);
        let c = match shares {
            0 => [32767, 0, 0],
            1 => [0, 32767, 0],
            2 => [0, 0, -32767],
            3 => [-10000, -12767, 10000],
            _ => [random.within(-9000, 9000), random.within(-9000, 9000), random.within(-9000, 9000)],
        };
        for (row, c) in table.coefficients.iter_mut().zip(c) {
            row[segment] = c as i16;
        }
    }
}
