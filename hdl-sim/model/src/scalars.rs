//! The scalar step before a pass: one result a lane, or one for a block or a head.

use lockstep_accel_abi::instructions::{Kind, Pass, Scalar};
use lockstep_arith::attention::{ContextScale, ScoreScale};
use lockstep_arith::fixed::{bit_length, floor_sqrt, round_shift_wide};
use lockstep_arith::layer_norm::reciprocal_deviation;
use lockstep_arith::rows::{Scale, Sign};

use crate::requantise::RowScale;
use crate::state::{State, signed};

/// Reads the drain's statistics for the pass, if it takes any.
pub(crate) fn latch(pass: &Pass, state: &mut State) {
    let drains = match pass.scalar {
        Scalar::Mean => true,
        Scalar::Scale => pass.block || !pass.own,
        Scalar::Rho | Scalar::Soft => !pass.own,
        Scalar::Head | Scalar::None => false,
    };
    if drains || pass.kind == Kind::Exp {
        let State { statistics, scalars, .. } = state;
        scalars.latched.copy_from_slice(statistics.entry(pass.stat));
    }
}

/// Runs the scalar step.
pub(crate) fn run(pass: &Pass, state: &mut State) {
    let register = |i: usize| (pass.head + i) % 64;
    match pass.scalar {
        Scalar::Mean => mean(pass, state),
        Scalar::Rho => {
            for lane in 0..state.lanes {
                let squares = sum(pass, state, lane);
                let variance = round_shift_wide(i64::from(squares) * pass.constant as i64, 22) as u32;
                state.scalars.rho[lane] = reciprocal_deviation(floor_sqrt(variance));
            }
        }
        Scalar::Scale => scale(pass, state),
        Scalar::Soft => {
            let value = Scale::of_max(state.scalars.blocks[register(2)].cast_unsigned());
            for lane in 0..state.lanes {
                // A row has a weight of 16383 at least; less than 2^8 has no scale.
                let weights = (sum(pass, state, lane) & 0x7f_ffff).max(1 << 8);
                state.scalars.contexts[pass.slot][lane] = ContextScale::of(weights, value);
            }
        }
        Scalar::Head => {
            let block = |i: usize| Scale::of_max(state.scalars.blocks[register(i)].cast_unsigned());
            let score = ScoreScale {
                multiplier: (pass.constant & 0x7fff) as i16,
                shift: (pass.constant >> 15 & 0x7f) as i32,
            };
            let mut head = score.of_head(block(0), block(1));
            head.shift = head.shift.max(-8);
            state.scalars.head = head;
        }
        Scalar::None => {}
    }
}

/// The sum that a step takes: of the pass before, or of the drain.
fn sum(pass: &Pass, state: &State, lane: usize) -> u32 {
    let scalars = &state.scalars;
    if pass.own { scalars.own_sum[lane] } else { scalars.latched[lane].total.cast_unsigned() }
}

/// The mean of (12), and `e` of (13).
fn mean(pass: &Pass, state: &mut State) {
    for lane in 0..state.lanes {
        let total = i64::from(sum(pass, state, lane).cast_signed());
        let mean = signed(round_shift_wide(total * pass.constant as i64, 32) as i32, 21);
        let entry = state.scalars.latched[lane];
        let spread = signed(entry.greatest - mean, 22).max(signed(mean - entry.least, 22));
        state.scalars.mean[lane] = mean;
        state.scalars.spread[lane] = bit_length(spread.max(1).cast_unsigned());
    }
}

/// (5) to (7) of each row, or of a block.
fn scale(pass: &Pass, state: &mut State) {
    let lanes = state.lanes;
    let scalars = &mut state.scalars;
    let greatest: Vec<u16> = scalars.latched.iter().map(|entry| entry.greatest as u16).collect();
    let greatest_of = |part: &[u16]| part.iter().copied().max().unwrap_or(0);
    let (lower, upper) = greatest.split_at(lanes / 2);
    let (lower, upper) = match pass.halves {
        true => (greatest_of(lower), greatest_of(upper)),
        false => (greatest_of(&greatest), greatest_of(&greatest)),
    };
    let sign = if pass.unsigned { Sign::Unsigned } else { Sign::Signed };
    let rows = state.row_scales.word_mut(pass.row_scale);
    for lane in 0..lanes {
        let max = match (pass.block, pass.own) {
            (true, _) => [lower, upper][usize::from(lane >= lanes / 2)],
            (false, true) => scalars.own_max[lane],
            (false, false) => greatest[lane],
        };
        let scale = Scale::of_max(max);
        scalars.shift[lane] = scale.shift;
        scalars.reciprocal[lane] = scale.reciprocal(sign);
        if pass.write_scale {
            rows[lane] = RowScale { normalised: scale.normalised(), shift: scale.shift };
        }
    }
    if pass.block {
        scalars.blocks[pass.head] = Scale::of_max(lower).max;
        if pass.halves {
            scalars.blocks[(pass.head + 3) % 64] = Scale::of_max(upper).max;
        }
    }
}
