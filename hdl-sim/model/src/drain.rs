//! The unit of the drain: what becomes of the sums of a tile.

use lockstep_accel_abi::instructions::{Drain, DrainMode, Table, When};
use lockstep_arith::fixed::{mul_q15, round_shift, sat16};
use lockstep_arith::layer_norm::{SUM_LIMIT, clamp_sum};

use crate::array::Plane;
use crate::queue::Queue;
use crate::requantise::{narrowed, requantise, rounded};
use crate::semaphores::{Semaphores, once};
use crate::state::{State, signed};

/// The activation's table: (28) to (30).
#[derive(Debug, Default)]
struct Activation {
    /// `c0`, `c1`, `c2`, eight each.
    coefficients: [i16; 24],
    fraction_bits: i32,
    offset: i16,
}

impl Activation {
    fn set(&mut self, table: &Table) {
        let parts = [table.low, table.middle, table.high];
        let half = if table.half { 12..24 } else { 0..12 };
        self.coefficients[half].copy_from_slice(parts.as_flattened());
        // The reference takes 1 to 12.
        self.fraction_bits = table.fraction_bits.clamp(1, 12);
        self.offset = table.offset;
    }

    /// (28) to (30), without a look at overflow: only a compiler can know that a table is wrong.
    fn apply(&self, v: i16, equaliser: i16) -> i16 {
        let limit = (4 << self.fraction_bits) - 1;
        let t = i32::from(v.unsigned_abs()).min(limit) << (13 - self.fraction_bits);
        let (segment, l) = ((t >> 12) as usize, ((t & 4095) << 3) as i16);
        let [c0, c1, c2] = [0, 8, 16].map(|part| self.coefficients[part + segment]);
        let bump = c0.wrapping_add(mul_q15(l, c1.wrapping_add(mul_q15(l, c2))));
        let rise = i32::from(self.offset) - round_shift(bump.into(), 17 - self.fraction_bits);
        mul_q15(sat16(i32::from(v.max(0)) + rise), equaliser)
    }
}

/// An instruction of the unit.
#[derive(Clone, Copy, Debug)]
pub(crate) enum DrainTask {
    Drain(Drain),
    Table(Table),
}

/// The unit with its queue.
#[derive(Debug, Default)]
pub(crate) struct Drainer {
    pub(crate) queue: Queue<DrainTask>,
    activation: Activation,
    /// The outer and the inner turn of the `drain` at work.
    turn: (usize, usize),
    word: Vec<i32>,
    /// Words since the job began.
    pub(crate) drained: u64,
}

impl Drainer {
    /// Forgets the job before. The activation's table stays, as in the RTL.
    pub(crate) fn reset(&mut self) {
        self.queue.clear();
        self.turn = (0, 0);
        self.drained = 0;
    }

    /// Drains a tile or sets the table. Returns whether it could.
    pub(crate) fn step(&mut self, plane: &mut Plane, state: &mut State, semaphores: &mut Semaphores) -> bool {
        let Some((task, instruction)) = self.queue.front() else { return false };
        let drain = match task {
            DrainTask::Drain(drain) => drain,
            DrainTask::Table(table) => {
                self.activation.set(&table);
                self.queue.pop();
                return true;
            }
        };
        let (outer, inner) = self.turn;
        if !plane.full || (self.turn == (0, 0) && !semaphores.take(&instruction, once)) {
            return false;
        }
        self.tile(&drain, plane, state);
        plane.full = false;
        let (outer_last, inner_last) = (outer + 1 == drain.outer, inner + 1 == drain.inner);
        semaphores.signal(&instruction, |when| match when {
            When::Once => outer_last && inner_last,
            When::Inner => outer_last,
            When::Outer => inner_last,
        });
        self.turn = match (outer_last, inner_last) {
            (_, false) => (outer, inner + 1),
            (false, true) => (outer + 1, 0),
            (true, true) => {
                self.queue.pop();
                (0, 0)
            }
        };
        true
    }

    fn tile(&mut self, drain: &Drain, plane: &Plane, state: &mut State) {
        let (outer, inner) = self.turn;
        let last = if drain.by_panel { outer + 1 == drain.outer } else { inner + 1 == drain.inner };
        let columns = if last { drain.last_columns } else { drain.columns };
        let base = outer * drain.d_outer + inner * drain.d_inner;
        let linear = matches!(drain.mode, DrainMode::Plain | DrainMode::Residual | DrainMode::Activation);
        let masked = linear && !drain.by_row && inner + 1 == drain.inner;
        let counted = if masked { drain.last_lanes } else { state.lanes };
        self.drained += columns as u64;
        for column in 0..columns {
            // A column behind the plane is one that the address bits can name.
            let from = (column + drain.start) % state.lanes;
            self.fill(drain, plane, state, from);
            let at = base + column;
            self.store(drain, plane, state, from, at);

            let channel = outer * state.lanes + if drain.by_row { 0 } else { column };
            let entry = drain.stat + if drain.stat_inner { inner } else { 0 } + (channel >> drain.stat_group);
            let first = channel.is_multiple_of(1 << drain.stat_group)
                && (drain.stat_inner || inner == 0)
                && (!drain.by_row || column == 0);
            let word = self.word.iter().copied();
            state.statistics.update(entry % (1 << 9), word, drain.clear && first, counted);
        }
    }

    /// The sums of a column, or of a row, behind (11) or (27).
    fn fill(&mut self, drain: &Drain, plane: &Plane, state: &State, from: usize) {
        let lanes = state.lanes;
        let sum = |i: usize| plane.sums[if drain.by_row { i * lanes + from } else { from * lanes + i }];
        self.word.clear();
        match drain.mode {
            DrainMode::Scores => self.word.extend((0..lanes).map(sum)),
            DrainMode::Context => {
                let scales = &state.scalars.contexts[drain.slot];
                self.word.extend((0..lanes).zip(scales).map(|(i, scale)| {
                    let narrow = narrowed(rounded(sum(i).into(), scale.shift));
                    i32::from(mul_q15(narrow, scale.factor))
                }));
            }
            DrainMode::Plain | DrainMode::Residual | DrainMode::Activation => {
                let scales = state.row_scales.word((drain.row_scale + self.turn.1) % (1 << 8));
                let shifts = (drain.acc_shift, drain.out_shift);
                self.word.extend((0..lanes).map(|i| {
                    let (row, column) = if drain.by_row { (from, i) } else { (i, from) };
                    requantise(sum(i), scales[row], &plane.header, column, shifts)
                }));
            }
        }
    }

    /// Writes the word, and leaves in it the numbers that count for statistics.
    fn store(&mut self, drain: &Drain, plane: &Plane, state: &mut State, from: usize, at: usize) {
        let to = (drain.destination + at) % (1 << 20);
        match drain.mode {
            DrainMode::Scores => {
                for (y, x) in state.y.word_mut(to).iter_mut().zip(&mut self.word) {
                    *y = signed(*x, 24);
                    *x = signed(*x, 22);
                }
            }
            DrainMode::Residual => {
                let residual = state.v.word((drain.residual + at) % (1 << 20));
                for ((y, x), &r) in state.y.word_mut(to).iter_mut().zip(&mut self.word).zip(residual) {
                    let sum = (i64::from(r) << drain.residual_shift) + i64::from(*x);
                    let limit = i64::from(SUM_LIMIT);
                    *x = clamp_sum(sum.clamp(-limit, limit) as i32);
                    *y = *x;
                }
            }
            DrainMode::Plain | DrainMode::Activation | DrainMode::Context => {
                let activates = drain.mode == DrainMode::Activation;
                let equaliser = plane.header.equalisers[from];
                for (v, x) in state.v.word_mut(to).iter_mut().zip(&mut self.word) {
                    let narrow = sat16(*x);
                    *v = if activates { self.activation.apply(narrow, equaliser) } else { narrow };
                    *x = v.unsigned_abs().into();
                }
            }
        }
    }
}
