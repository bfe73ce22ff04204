//! The vector pipeline alone. In each round the drain writes one part of the memories, with gaps,
//! while passes read the part that the round before wrote. All results must be those of the
//! reference.

mod passes;
mod rig;

use lockstep_accel_abi::instructions::{Kind, Pass, Scalar};
use lockstep_arith::activation::{Activation, Table, least_offset};
use lockstep_arith::attention::ContextScale;
use lockstep_arith::fixed::sat16;
use lockstep_arith::layer_norm::{Affine, LayerNorm};
use lockstep_arith::linear::Linear;
use lockstep_arith::rows::{Scale, Sign};
use lockstep_arith::sample::Random;
use lockstep_hdl_sim::Bits;

use crate::{N, TWO_SIDES};
use rig::{Drain, Rig};

/// Channels of a row.
const LENGTH: usize = 4 * N;
/// Channels of two panels. The other panels have the same parameters.
const PANELS: usize = 2 * N;
/// Words of a part of V and Y.
const PART: u64 = 64;

/// The first word of a part in Y. It differs from that in V.
fn sums(part: usize) -> u64 {
    128 + part as u64 * PART
}

/// What a part of the memories holds.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Content {
    /// V holds a word for each channel.
    Columns,
    /// V holds a word for each token; the lanes are channels.
    Rows,
    /// Y holds sums before a LayerNorm.
    Sums,
    /// Y holds scores.
    Scores,
}

/// Words by address, with a number for each lane.
type Words = Vec<[i32; N]>;

struct World {
    rig: Rig,
    random: Random,
    v: [Words; 2],
    y: [Words; 2],
    /// By entry and lane.
    row_scales: [[Scale; N]; 2],
    /// Greatest magnitudes of a block of queries, keys, values.
    heads: [Scale; 3],
    /// The scales of each softmax slot: one slot for each part.
    soft: [Option<[ContextScale; N]>; 2],
    norm: LayerNorm,
    types: [Vec<i16>; 2],
}

/// A pass over all words of a part.
fn pass(scalar: Scalar, kind: Kind) -> Pass {
    Pass { scalar, kind, length: LENGTH, ..Pass::default() }
}

impl World {
    fn new(seed: u64, pauses: (u8, u8)) -> Self {
        let mut random = Random::new(seed);
        let mut rig = Rig::new(seed + 1, pauses);
        let mut numbers = |n: usize, low: i32, high: i32| -> Vec<i16> {
            (0..n).map(|_| random.within(low, high) as i16).collect()
        };
        let mut affine =
            || Affine { gain: numbers(LENGTH, -32767, 32767), offset: numbers(LENGTH, -9000, 9000) };
        let norm = LayerNorm { stream: affine(), equalised: Some(affine()), residual_shift: 2 };
        let types = [numbers(LENGTH, -32768, 32767), numbers(LENGTH, -32768, 32767)];
        let stream: Vec<[i16; N]> =
            (0..2 * LENGTH).map(|_| numbers(N, -32768, 32767).try_into().unwrap()).collect();
        // Both parts of V, the LayerNorm and the type rows.
        let bytes =
            |words: &[[i16; N]]| words.iter().flatten().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>();
        rig.move_to(true, 0, &bytes(&stream[..LENGTH]));
        rig.move_to(true, PART, &bytes(&stream[LENGTH..]));
        let second = norm.equalised.as_ref().unwrap();
        let channel =
            |i: usize| [norm.stream.gain[i], norm.stream.offset[i], second.gain[i], second.offset[i]];
        let four = |of: &dyn Fn(usize) -> [i16; 4]| -> Vec<u8> {
            (0..LENGTH).flat_map(|i| of(i).into_iter().flat_map(i16::to_le_bytes)).collect()
        };
        rig.move_to(false, 0, &four(&channel));
        rig.move_to(false, LENGTH as u64, &four(&|i| [types[0][i], types[1][i], 0, 0]));
        let wide = |words: &[[i16; N]]| words.iter().map(|w| w.map(i32::from)).collect::<Words>();
        let mut world = Self {
            rig,
            random,
            v: [wide(&stream[..LENGTH]), wide(&stream[LENGTH..])],
            y: [vec![[0; N]; LENGTH], vec![[0; N]; LENGTH]],
            row_scales: [[Scale::of_max(1); N]; 2],
            heads: [Scale::of_max(1); 3],
            soft: [None; 2],
            norm,
            types,
        };
        world.first_scales();
        world
    }

    fn draw(&mut self, low: i32, high: i32) -> i32 {
        self.random.within(low, high)
    }

    /// Sets scales of rows and heads, so that the first round can use them.
    fn first_scales(&mut self) {
        for entry in 0..5 {
            let maxima = [(); N].map(|()| self.random.within(0, 32767));
            let fields = vec![("valid", 1), ("kind", 3), ("stat", 7), ("clear", 1), ("write", 250)];
            self.rig.drains.push_back(Drain { fields, line: maxima });
            self.rig.finish();
            let step = Pass { stat: 7, ..pass(Scalar::Scale, Kind::None) };
            let step = if entry < 2 {
                self.row_scales[entry] = maxima.map(|m| Scale::of_max(m as u16));
                Pass { write_scale: true, row_scale: entry, ..step }
            } else {
                self.heads[entry - 2] = Scale::of_max(maxima.into_iter().max().unwrap() as u16);
                Pass { block: true, head: entry - 2, ..step }
            };
            self.rig.pass(step, true, true, Vec::new());
        }
    }

    /// Sends a random drain to a part. Returns what the part then holds.
    fn drain(&mut self, part: usize) -> Content {
        let base = part as u64 * PART;
        // 0 linear, 1 with the residual sum, 2 with the activation, 3 scores, 4 context, 5 linear
        // by row.
        let kind = if self.soft[part].is_some() {
            self.draw(0, 5)
        } else {
            [0, 1, 2, 3, 5][self.draw(0, 4) as usize]
        };
        let by_row = kind == 5;
        let mut numbers =
            |low: i32, high: i32| (0..PANELS).map(|_| self.random.within(low, high)).collect::<Vec<i32>>();
        let narrow = |v: Vec<i32>| v.into_iter().map(|x| x as i16).collect::<Vec<i16>>();
        let linear = Linear {
            inputs: 1,
            outputs: PANELS,
            weights: vec![0; PANELS],
            multipliers: narrow(numbers(0, 32767)),
            biases: numbers(-(1 << 15), 1 << 15),
            acc_shift: 7,
            out_shift: 8,
            sign: Sign::Signed,
        };
        let z = numbers(-(1 << 20), 1 << 20);
        let equaliser = narrow(numbers(0, 32767));
        let table = numbers(-10900, 10900);
        let coefficients =
            [0, 1, 2].map(|row| [0, 1, 2, 3, 4, 5, 6, 7].map(|i| table[(8 * row + i) % PANELS] as i16));
        let bump = Table { coefficients, fraction_bits: 9 };
        let offset = least_offset(&bump);
        let activation = Activation { bump, offset, equaliser: equaliser.clone() };
        self.rig.set("activation_coefficients_i", &Bits::pack(16, coefficients.into_iter().flatten()));
        self.rig.set("activation_fraction_bits_i", &Bits::new(4, 9));
        self.rig.set("activation_offset_i", &Bits::pack(16, [offset]));
        for panel in 0..2 {
            let of = panel * N..panel * N + N;
            let mut header = Vec::new();
            header.extend(linear.multipliers[of.clone()].iter().flat_map(|c| c.to_le_bytes()));
            header.extend(linear.biases[of.clone()].iter().flat_map(|b| b.to_le_bytes()));
            header.extend(equaliser[of.clone()].iter().flat_map(|e| e.to_le_bytes()));
            header.extend(z[of].iter().flat_map(|z| z.to_le_bytes()));
            self.rig.header(panel as u64, &header);
        }
        let limit = [1 << 25, 1 << 25, 1 << 25, (1 << 21) - 1, 1 << 26, 1 << 25][kind as usize];
        for word in 0..LENGTH {
            let equaliser = equaliser[word % PANELS];
            let line = [(); N].map(|()| self.random.within(-limit, limit));
            let y = |lane: usize| {
                let (row, channel) =
                    if by_row { (word % N, word / N % 2 * N + lane) } else { (lane, word % PANELS) };
                linear.requantize(line[lane] + z[channel], self.row_scales[part][row], channel)
            };
            let lanes: [usize; N] = std::array::from_fn(|i| i);
            match kind {
                0 | 5 => self.v[part][word] = lanes.map(|l| sat16(y(l)).into()),
                1 => self.y[part][word] = lanes.map(|l| self.norm.sum(self.v[part][word][l] as i16, y(l))),
                2 => {
                    let one = Activation { equaliser: vec![equaliser; N], ..activation.clone() };
                    let v: Vec<i16> = lanes.map(|l| sat16(y(l))).into();
                    let x = one.forward(&v);
                    self.v[part][word] = lanes.map(|l| x[l].into());
                }
                3 => self.y[part][word] = line,
                _ => {
                    let soft = self.soft[part].unwrap();
                    self.v[part][word] = lanes.map(|l| soft[l].apply(line[l]).into());
                }
            }
            let fields = vec![
                ("valid", 1),
                ("kind", [0, 1, 2, 3, 4, 0][kind as usize]),
                ("by_row", by_row.into()),
                ("column", (word % N) as u64),
                ("bank", (word / N % 2) as u64),
                ("row_scale", part as u64),
                ("slot", part as u64),
                ("stat", part as u64),
                ("clear", u64::from(word == 0)),
                ("write", word as u64 + if matches!(kind, 1 | 3) { sums(part) } else { base }),
                ("read", base + word as u64),
                ("acc_shift", 7),
                ("out_shift", 8),
                ("residual_shift", 2),
                ("signal", if word % 5 == 0 { 1 << (word % 29 + 3) } else { 0 }),
            ];
            self.rig.drains.push_back(Drain { fields, line });
        }
        [Content::Columns, Content::Sums, Content::Columns, Content::Scores, Content::Columns, Content::Rows]
            [kind as usize]
    }
}

#[test]
fn vector() {
    for (seed, pauses) in TWO_SIDES.into_iter().enumerate() {
        let mut world = World::new(seed as u64 + 141, pauses);
        let mut before = None;
        for round in 0..60 {
            let part = round % 2;
            let embed = world.draw(0, 7) == 0;
            let content = if embed { None } else { Some(world.drain(part)) };
            if let Some(content) = before {
                world.passes(1 - part, content, 1 - part);
            }
            let content = content.unwrap_or_else(|| world.embed(part));
            world.rig.finish();
            before = Some(content);
        }
    }
}
