//! The serial unit of the vector unit, which computes the scalars of rows and heads, against the
//! reference.

use crate::inputs::{Draw, LANES, lanes, sim, soft};
use lockstep_arith::attention::ScoreScale;
use lockstep_arith::fixed::{bit_length, floor_sqrt, mul_q15, round_shift, round_shift_wide};
use lockstep_arith::layer_norm::{SUM_LIMIT, normalise, reciprocal_of_width};
use lockstep_arith::rows::{Scale, Sign};
use lockstep_hdl_sim::{Bits, Error, Sim};

const MEAN: u64 = 0;
const RHO: u64 = 1;
const SCALE: u64 = 2;
const SOFT: u64 = 3;
const HEAD: u64 = 4;

struct Unit(Sim);

impl Unit {
    fn new() -> Self {
        let mut sim = sim("ls_scalar");
        let start = sim.input("start_i").unwrap();
        sim.poke(start, 0);
        Self(sim)
    }

    /// Runs an operation, and checks its cycles.
    fn run(&mut self, op: u64, cycles: u64, inputs: &[(&str, Bits)]) {
        let sim = &mut self.0;
        for (name, value) in inputs.iter().chain([&("op_i", Bits::new(3, op)), &("start_i", Bits::new(1, 1))])
        {
            let port = sim.input(name).unwrap();
            sim.poke_bits(port, value);
        }
        sim.cycle(&mut []).unwrap();
        let (start, done) = (sim.input("start_i").unwrap(), sim.output("done_o").unwrap());
        sim.poke(start, 0);
        let took = sim.run_until(&mut [], 100, "done_o", |sim| sim.high(done)).unwrap();
        assert_eq!(took + 1, cycles, "cycles of operation {op}");
        sim.cycle(&mut []).unwrap();
        assert!(!sim.high(done), "done is longer than a cycle");
    }

    fn result(&self, name: &str) -> Bits {
        self.0.peek_bits(self.0.output(name).unwrap())
    }
}

/// Rows of sums that stress a LayerNorm: random, constant, one outlier, tiny, all at a limit.
fn row(draw: &mut Draw, width: usize) -> Vec<i32> {
    let limit = match draw.within(0, 3) {
        0 => SUM_LIMIT,
        1 => 1,
        _ => draw.magnitude(20) as i32,
    };
    let centre = if draw.chance(3) { 0 } else { draw.edge(limit - SUM_LIMIT, SUM_LIMIT - limit) };
    let mut row: Vec<i32> = (0..width).map(|_| centre + draw.edge(-limit, limit)).collect();
    match draw.within(0, 5) {
        0 => row.fill(centre + limit),
        1 => row[width / 2] = -SUM_LIMIT,
        2 => {
            row.iter_mut().enumerate().for_each(|(i, s)| *s = if i % 2 == 0 { SUM_LIMIT } else { -SUM_LIMIT })
        }
        _ => {}
    }
    row
}

#[test]
fn layer_norm_rows() {
    let mut unit = Unit::new();
    let mut draw = Draw::new(1);
    for turn in 0..400 {
        let width = [32, 34, 384, 768, 1024][turn % 5];
        let recip = reciprocal_of_width(width);
        let rows: Vec<Vec<i32>> = (0..LANES).map(|_| row(&mut draw, width)).collect();
        let sum = |r: &Vec<i32>| r.iter().sum::<i32>();
        unit.run(
            MEAN,
            33,
            &[
                ("sum_i", lanes(32, rows.iter().map(sum))),
                ("hi_i", lanes(22, rows.iter().map(|r| *r.iter().max().unwrap()))),
                ("lo_i", lanes(22, rows.iter().map(|r| *r.iter().min().unwrap()))),
                ("recip_i", Bits::new(28, recip.into())),
            ],
        );
        let means: Vec<i32> =
            rows.iter().map(|r| round_shift_wide(i64::from(sum(r)) * i64::from(recip), 32) as i32).collect();
        assert_eq!(unit.result("mean_o"), lanes(21, means.clone()));
        let exponents: Vec<i32> = rows
            .iter()
            .zip(&means)
            .map(|(r, m)| bit_length(r.iter().map(|s| (s - m).unsigned_abs()).max().unwrap().max(1)))
            .collect();
        assert_eq!(unit.result("e_o"), lanes(5, exponents.clone()));

        let centred: Vec<Vec<i16>> = (0..LANES)
            .map(|i| {
                let t = |s: &i32| round_shift(s - means[i], exponents[i] - 15).clamp(-32767, 32767) as i16;
                rows[i].iter().map(t).collect()
            })
            .collect();
        let square = |t: i16| u32::from(t.unsigned_abs()).pow(2);
        let ss: Vec<u32> = centred
            .iter()
            .map(|t| t.chunks_exact(2).map(|p| (square(p[0]) + square(p[1]) + 128) >> 8).sum())
            .collect();
        unit.run(RHO, 63, &[("sum_i", lanes(32, ss.clone())), ("recip_i", Bits::new(28, recip.into()))]);
        let rho: Vec<i16> = ss
            .iter()
            .map(|&ss| {
                let v = round_shift_wide(i64::from(ss) * i64::from(recip), 22) as u32;
                ((1 << 25) / floor_sqrt(v).max(1)).min(32767) as i16
            })
            .collect();
        assert_eq!(unit.result("rho_o"), lanes(15, rho.clone()));
        // The steps above are the reference's.
        for i in 0..LANES {
            let z: Vec<i16> = centred[i].iter().map(|&t| mul_q15(t, rho[i])).collect();
            assert_eq!(z, normalise(&rows[i]));
        }
    }
}

#[test]
fn square_roots_at_their_steps() {
    let mut unit = Unit::new();
    let recip = 1 << 27;
    // v = 32 * ss: sums of squares around those where the root steps up.
    for root in (0..=65535_u64).step_by(97).chain([1, 2, 1023, 1024, 1025, 65535]) {
        let ss: Vec<u32> = [0, 1, 2, 3]
            .map(|i| ((root * root + 16) / 32 + i).saturating_sub(1).min(u32::MAX as u64 / 32) as u32)
            .into();
        unit.run(RHO, 63, &[("sum_i", lanes(32, ss.clone())), ("recip_i", Bits::new(28, recip))]);
        let rho = ss.iter().map(|&ss| ((1 << 25) / floor_sqrt(ss * 32).max(1)).min(32767));
        assert_eq!(unit.result("rho_o"), lanes(15, rho));
    }
    // v falls beside a square, and its rounding decides.
    let recip = reciprocal_of_width(384);
    for root in (1025..6000_u64).step_by(7) {
        let near = ((root * root) << 22) / u64::from(recip);
        let ss: Vec<u32> = [0, 1, 2, 3].map(|i| (near + i - 1) as u32).into();
        let inputs = [("sum_i", lanes(32, ss.clone())), ("recip_i", Bits::new(28, recip.into()))];
        unit.run(RHO, 63, &inputs);
        let rho = ss.iter().map(|&ss| {
            let v = round_shift_wide(i64::from(ss) * i64::from(recip), 22) as u32;
            ((1 << 25) / floor_sqrt(v).max(1)).min(32767)
        });
        assert_eq!(unit.result("rho_o"), lanes(15, rho));
    }
}

#[test]
fn row_scales() {
    let mut unit = Unit::new();
    let mut draw = Draw::new(2);
    let ends = [0, 1, 2, 3, 16383, 16384, 16385, 32766, 32767, 32768, 65535];
    for turn in 0..1000 {
        let sign = if turn % 2 == 0 { Sign::Signed } else { Sign::Unsigned };
        let mut drawn =
            |i: usize| ends.get(turn / 2 + i).copied().unwrap_or_else(|| draw.magnitude(16) as u16);
        let max: Vec<u16> = (0..LANES).map(&mut drawn).collect();
        let inputs = [
            ("max_i", lanes(16, max.clone())),
            ("unsigned_i", Bits::new(1, (sign == Sign::Unsigned).into())),
        ];
        unit.run(SCALE, 19, &inputs);
        let scales: Vec<Scale> = max.into_iter().map(Scale::of_max).collect();
        assert_eq!(unit.result("m_o"), lanes(15, scales.iter().map(|s| s.max)));
        assert_eq!(unit.result("h_o"), lanes(4, scales.iter().map(|s| s.shift)));
        assert_eq!(unit.result("m_n_o"), lanes(15, scales.iter().map(|s| s.normalised())));
        assert_eq!(unit.result("r_o"), lanes(15, scales.iter().map(|s| s.reciprocal(sign))));
    }
}

#[test]
fn softmax_rows() {
    let mut unit = Unit::new();
    let mut draw = Draw::new(3);
    let ends = [16383, 16384, 16385, 32767, 32768, 32769, 65535, 65536, 512 * 16383];
    for turn in 0..1000 {
        let mut drawn =
            |i: usize| ends.get(turn + i).copied().unwrap_or_else(|| draw.edge(16383, 512 * 16383));
        let sums: Vec<u32> = (0..LANES).map(|i| drawn(i) as u32).collect();
        let m_v = draw.magnitude(15).clamp(1, 32767) as i16;
        unit.run(SOFT, 36, &[("sum_i", lanes(32, sums.clone())), ("m_v_i", Bits::pack(15, [m_v]))]);
        assert_eq!(unit.result("e_o"), lanes(5, sums.iter().map(|&s| bit_length(s) - 8)));
        assert_eq!(unit.result("r_v_o"), lanes(15, sums.iter().map(|&s| soft(s, m_v))));
    }
}

#[test]
fn head_scales() {
    let mut unit = Unit::new();
    let mut draw = Draw::new(4);
    for turn in 0..2000 {
        let mut max = || if turn < 4 { [1, 32767][turn % 2] } else { draw.magnitude(15).max(1) as u16 };
        let (query, key) = (Scale::of_max(max()), Scale::of_max(max()));
        let score = ScoreScale { multiplier: draw.edge(16384, 32767) as i16, shift: draw.edge(37, 74) };
        let inputs = [
            ("m_q_i", Bits::pack(15, [query.max])),
            ("m_k_i", Bits::pack(15, [key.max])),
            ("mult_i", Bits::pack(15, [score.multiplier])),
            ("sshift_i", Bits::pack(7, [score.shift])),
        ];
        unit.run(HEAD, 7, &inputs);
        let head = score.of_head(query, key);
        assert_eq!(unit.result("factor_o"), Bits::pack(15, [head.factor]));
        assert_eq!(unit.result("shift_o"), Bits::pack(6, [head.shift]));
    }
}

#[test]
fn a_start_while_busy_is_noticed() {
    let mut unit = Unit::new();
    let start = unit.0.input("start_i").unwrap();
    let op = unit.0.input("op_i").unwrap();
    unit.0.poke(op, SCALE);
    unit.0.poke(start, 1);
    unit.0.cycle(&mut []).unwrap();
    assert!(matches!(unit.0.cycle(&mut []), Err(Error::Assertion { .. })));
}
