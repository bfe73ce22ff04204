//! The scalars of rows and heads: each operation against the reference, and the tables that keep
//! the results.

use lockstep_accel_abi::instructions::{Instruction, Pass, Scalar};
use lockstep_arith::attention::{ContextScale, HeadScale, ScoreScale};
use lockstep_arith::fixed::floor_sqrt;
use lockstep_arith::layer_norm::{
    SUM_LIMIT, deviation_shift, mean, reciprocal_deviation, reciprocal_of_width, variance,
};
use lockstep_arith::rows::{Scale, Sign};
use lockstep_arith::sample::Random;
use lockstep_hdl_sim::Bits;

use crate::{BLOCK_MAX, Bench, N, instruction, once, unit};

/// Entries of the table of row scales.
const ROWS: usize = 16;
/// Entries of the table of block maxima.
const HEADS: usize = 64;

/// The fields of a pass that matter here, and the statistics: a number for each lane.
struct Step {
    scalar: Scalar,
    width: usize,
    own: bool,
    block: bool,
    halves: bool,
    sign: Sign,
    write_scale: bool,
    row: usize,
    head: usize,
    slot: usize,
    score: ScoreScale,
    hi: Vec<i64>,
    lo: Vec<i64>,
    own_max: Vec<i64>,
    /// The sums of the statistics, and those of the pass itself.
    sums: [Vec<i64>; 2],
}

/// A random number up to a limit. All numbers of bits are about equally likely.
fn magnitude(random: &mut Random, limit: i64) -> i64 {
    ((random.next() as i64 & 0xffff_ffff) % (limit + 1)) >> random.within(0, 20)
}

impl Step {
    fn draw(random: &mut Random, scalar: Scalar) -> Self {
        let width = [32, 384, 768, 1024][random.within(0, 3) as usize];
        let mut lanes =
            |limit: i64| -> Vec<i64> { (0..N).map(|_| magnitude(random, limit)).collect::<Vec<i64>>() };
        let (hi, lo) = match scalar {
            Scalar::Mean => {
                let lo: Vec<i64> = lanes(2 * SUM_LIMIT as i64).iter().map(|x| x - SUM_LIMIT as i64).collect();
                let up = lanes(SUM_LIMIT.into());
                (lo.iter().zip(up).map(|(lo, up)| (lo + up).min(SUM_LIMIT.into())).collect(), lo)
            }
            _ => (lanes(65535), lanes(65535)),
        };
        let own_max = lanes(65535);
        let sums = [(); 2].map(|()| {
            let sum = |lane: usize| match scalar {
                // A mean lies between the least and the greatest sum.
                Scalar::Mean => (lo[lane] + magnitude(random, hi[lane] - lo[lane])) * width as i64,
                Scalar::Rho => magnitude(random, (width as i64) << 22),
                _ => 16383 + magnitude(random, 511 * 16383),
            };
            (0..N).map(sum).collect()
        });
        let mut draw = |hi: usize| random.within(0, hi as i32) as usize;
        Self {
            scalar,
            width,
            own: draw(1) == 1,
            block: draw(1) == 1,
            halves: draw(1) == 1,
            sign: [Sign::Signed, Sign::Unsigned][draw(1)],
            write_scale: draw(1) == 1,
            row: draw(ROWS - 1),
            head: draw(HEADS - 1),
            slot: draw(3),
            score: ScoreScale { multiplier: 16384 + draw(16383) as i16, shift: 37 + draw(37) as i32 },
            hi,
            lo,
            own_max,
            sums,
        }
    }

    fn instruction(&self) -> Instruction {
        let constant = match self.scalar {
            Scalar::Head => self.score.multiplier as usize | (self.score.shift as usize) << 15,
            _ => reciprocal_of_width(self.width) as usize,
        };
        Instruction::from(Pass {
            scalar: self.scalar,
            constant,
            own: self.own,
            block: self.block,
            halves: self.halves,
            unsigned: self.sign == Sign::Unsigned,
            write_scale: self.write_scale,
            row_scale: self.row,
            head: self.head,
            slot: self.slot,
            ..Pass::default()
        })
    }

    fn sum(&self, lane: usize) -> i64 {
        self.sums[usize::from(self.own)][lane]
    }

    /// (5) and (6) of a lane, of all lanes, or of each half of the lanes.
    fn scale(&self, lane: usize) -> Scale {
        let max = match (self.block, self.halves, self.own) {
            (false, _, true) => self.own_max[lane],
            (false, _, false) => self.hi[lane],
            (true, false, _) => *self.hi.iter().max().unwrap(),
            (true, true, _) => *self.hi.chunks(N / 2).nth(lane / (N / 2)).unwrap().iter().max().unwrap(),
        };
        Scale::of_max(max as u16)
    }
}

/// A model of the results that the unit keeps; `None` before the first result.
struct Kept {
    mean: Option<[Vec<i32>; 2]>,
    rho: Option<Vec<i16>>,
    scales: Option<(Vec<Scale>, Sign)>,
    rows: [Option<Vec<Scale>>; ROWS],
    heads: [Scale; HEADS],
    head: Option<HeadScale>,
    soft: [Option<Vec<ContextScale>>; 4],
}

impl Kept {
    fn new() -> Self {
        let heads = [Scale::of_max(0); HEADS];
        let (rows, soft) = (std::array::from_fn(|_| None), std::array::from_fn(|_| None));
        Self { mean: None, rho: None, scales: None, rows, heads, head: None, soft }
    }

    /// The results of a step.
    fn apply(&mut self, step: &Step) {
        let lanes = 0..N;
        let other = |offset: usize| self.heads[(step.head + offset) % HEADS];
        match step.scalar {
            Scalar::Mean => {
                let means: Vec<i32> = lanes.map(|i| mean(step.sum(i) as i32, step.width)).collect();
                let far = |i: usize| {
                    let mean = i64::from(means[i]);
                    ((step.hi[i] - mean).abs()).max((step.lo[i] - mean).abs()) as u32
                };
                let exponents = (0..N).map(|i| deviation_shift(far(i)) + 15).collect();
                self.mean = Some([means, exponents]);
            }
            Scalar::Rho => {
                let rho =
                    |i| reciprocal_deviation(floor_sqrt(variance(step.sum(i) as u32, step.width)) as u32);
                self.rho = Some(lanes.map(rho).collect());
            }
            Scalar::Scale => {
                let scales: Vec<Scale> = lanes.map(|i| step.scale(i)).collect();
                if step.block {
                    self.heads[step.head] = scales[0];
                    if step.halves {
                        self.heads[(step.head + 3) % HEADS] = scales[N - 1];
                    }
                }
                if step.write_scale {
                    self.rows[step.row] = Some(scales.clone());
                }
                self.scales = Some((scales, step.sign));
            }
            Scalar::Soft => {
                let soft = |i| ContextScale::of(step.sum(i) as u32, other(2));
                self.soft[step.slot] = Some(lanes.map(soft).collect());
            }
            Scalar::Head => self.head = Some(step.score.of_head(other(0), other(1))),
            Scalar::None => {}
        }
    }

    /// Checks the outputs that are always valid, and the scales of a slot.
    fn check(&self, bench: &Bench, slot: usize) {
        if let Some([mean, e]) = &self.mean {
            assert_eq!(bench.bits("mean_o"), Bits::pack(21, mean.clone()));
            assert_eq!(bench.bits("e_o"), Bits::pack(5, e.clone()));
        }
        if let Some(rho) = &self.rho {
            assert_eq!(bench.bits("rho_o"), Bits::pack(15, rho.clone()));
        }
        if let Some((scales, sign)) = &self.scales {
            assert_eq!(bench.bits("h_o"), Bits::pack(4, scales.iter().map(|s| s.shift)));
            assert_eq!(bench.bits("r_o"), Bits::pack(15, scales.iter().map(|s| s.reciprocal(*sign))));
        }
        if let Some(head) = self.head {
            assert_eq!(bench.bits("factor_o"), Bits::pack(15, [head.factor]));
            assert_eq!(bench.bits("factor_shift_o"), Bits::pack(6, [head.shift]));
        }
        if let Some(soft) = &self.soft[slot] {
            assert_eq!(bench.bits("soft_e_o"), Bits::pack(5, soft.iter().map(|s| s.shift)));
            assert_eq!(bench.bits("soft_r_o"), Bits::pack(15, soft.iter().map(|s| s.factor)));
        }
    }
}

/// Runs a step while the drain reads row scales at random. Checks all tables in every cycle.
fn run(bench: &mut Bench, random: &mut Random, kept: &mut Kept, step: &Step) {
    bench.set_bits("fields_i", &Bits::from_bytes(216, &instruction(&step.instruction()).bytes()[5..]));
    for (port, each, lanes) in [
        ("hi_i", 22, &step.hi),
        ("lo_i", 22, &step.lo),
        ("own_max_i", 16, &step.own_max),
        ("total_i", 32, &step.sums[0]),
        ("own_sum_i", 32, &step.sums[1]),
    ] {
        bench.set_bits(port, &Bits::pack(each, lanes.iter().copied()));
    }
    // The maximum of a block takes a cycle for each level of comparisons.
    let begin = random.within(0, 2) + if step.block { BLOCK_MAX as i32 } else { 0 };
    let mut row: Option<usize> = None;
    for cycle in 0.. {
        assert!(cycle < 100, "{:?} does not end", step.scalar);
        bench.set("start_i", (cycle == begin).into());
        let slot = random.within(0, 3) as usize;
        bench.set("slot_i", slot as u64);
        let read = random.within(0, ROWS as i32 - 1) as usize;
        // The bench does not read a row whose scales the last cycle may write.
        let reads = once(random, 2) && read != step.row;
        bench.set("row_read_i", reads.into());
        bench.set("row_i", read as u64);
        bench.settle();
        kept.check(bench, slot);
        if let Some(scales) = row.and_then(|row| kept.rows[row].as_ref()) {
            assert_eq!(bench.bits("row_m_o"), Bits::pack(15, scales.iter().map(|s| s.normalised())));
            assert_eq!(bench.bits("row_h_o"), Bits::pack(4, scales.iter().map(|s| s.shift)));
        }
        let done = bench.get("done_o") == 1;
        bench.clock();
        // A value that was read stays until the next read. The bench stops checking a row that is
        // written.
        row = if reads { Some(read) } else { row.filter(|&row| row != step.row) };
        if done {
            kept.apply(step);
            return;
        }
    }
}

#[test]
fn row_scalars() {
    let mut bench = unit("ls_row_scalars", &[("N", N), ("RowScales", ROWS)]);
    let (mut random, mut kept) = (Random::new(171), Kept::new());
    for head in 0..HEADS {
        let step = Step { head, block: true, ..Step::draw(&mut random, Scalar::Scale) };
        run(&mut bench, &mut random, &mut kept, &step);
    }
    for turn in 0..1000 {
        let scalar = [Scalar::Mean, Scalar::Rho, Scalar::Scale, Scalar::Soft, Scalar::Head][turn % 5];
        let step = Step::draw(&mut random, scalar);
        run(&mut bench, &mut random, &mut kept, &step);
    }
}
