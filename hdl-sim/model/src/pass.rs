//! The unit of passes: a scalar step, then `turns` x `length` words of memories V and Y.

use lockstep_accel_abi::engine::HIDDEN_MAX;
use lockstep_accel_abi::instructions::{Kind, Pass};
use lockstep_arith::attention::exp2;
use lockstep_arith::fixed::{mul_q15, round_shift, sat16};
use lockstep_arith::layer_norm::clamp_sum;

use crate::job::{Failure, Outside};
use crate::queue::Queue;
use crate::scalars;
use crate::semaphores::{Semaphores, once};
use crate::state::{State, signed};

/// An instruction of the unit.
#[derive(Clone, Copy, Debug)]
pub(crate) enum PassTask {
    Pass(Pass),
    End,
}

/// What a step of the unit was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stepped {
    Waits,
    Passed,
    /// An `end`: the sequence is done.
    Ended,
}

/// The unit with its queue.
#[derive(Debug, Default)]
pub(crate) struct Passer {
    pub(crate) queue: Queue<PassTask>,
    /// Words since the job began.
    pub(crate) passed: u64,
}

impl Passer {
    /// Forgets the job before.
    pub(crate) fn reset(&mut self) {
        self.queue.clear();
        self.passed = 0;
    }

    /// Does an instruction if it need not wait.
    pub(crate) fn step(
        &mut self,
        state: &mut State,
        semaphores: &mut Semaphores,
        outside: &mut Outside<'_>,
    ) -> Result<Stepped, Failure> {
        let Some((task, instruction)) = self.queue.front() else { return Ok(Stepped::Waits) };
        if !semaphores.take(&instruction, once) {
            return Ok(Stepped::Waits);
        }
        self.queue.pop();
        let stepped = match task {
            PassTask::Pass(pass) => {
                run(&pass, state, outside)?;
                if pass.kind != Kind::None {
                    self.passed += (pass.turns * pass.length) as u64;
                }
                Stepped::Passed
            }
            PassTask::End => Stepped::Ended,
        };
        semaphores.signal(&instruction, once);
        Ok(stepped)
    }
}

fn run(pass: &Pass, state: &mut State, outside: &mut Outside<'_>) -> Result<(), Failure> {
    scalars::latch(pass, state);
    scalars::run(pass, state);
    match pass.kind {
        Kind::None => {}
        Kind::Embed => words(pass, |w| embed(pass, state, w)),
        Kind::Square => {
            let mut even = vec![0; state.lanes];
            words(pass, |w| square(state, w, &mut even));
        }
        Kind::Norm => words(pass, |w| norm(pass, state, w)),
        Kind::Quantize => words(pass, |w| quantize(pass, state, w)),
        Kind::Exp => words(pass, |w| exp(state, w)),
        Kind::Pool => pool(pass, state, outside)?,
    }
    Ok(())
}

/// A word of a pass: its place in its turn, whether it is the first of the pass, its addresses.
#[derive(Clone, Copy)]
struct Word {
    index: usize,
    first: bool,
    from: usize,
    to: usize,
}

fn words(pass: &Pass, mut each: impl FnMut(Word)) {
    for turn in 0..pass.turns {
        for index in 0..pass.length {
            each(Word {
                index,
                first: turn == 0 && index == 0,
                from: (pass.source + turn * pass.s_turn + index) % (1 << 20),
                to: (pass.destination + turn * pass.d_turn + index) % (1 << 20),
            });
        }
    }
}

/// (32): the sum of word, position and type rows.
fn embed(pass: &Pass, state: &mut State, word: Word) {
    let types = state.parameters(pass.g + word.index);
    let State { v, y, words, statistics, lanes, .. } = state;
    let to = y.word_mut(word.to);
    for (lane, (y, &position)) in to.iter_mut().zip(v.word(word.from)).enumerate() {
        let number = i32::from(words.rows[lane * HIDDEN_MAX + word.index % HIDDEN_MAX]);
        let tables = i32::from(position) + i32::from(types[words.types[lane]]);
        *y = clamp_sum(number * words.scales[lane] + (tables << pass.shift));
    }
    statistics.update(pass.stat, to.iter().copied(), word.index == 0, *lanes);
}

/// (13): the centred number in the units of its row.
fn centred(y: i32, mean: i32, spread: i32) -> i16 {
    let deviation = signed(signed(y, 21) - mean, 22);
    let shifted = i64::from(deviation) << 14;
    let rounded = if spread > 1 { (shifted + (1 << (spread - 2))) >> (spread - 1) } else { shifted };
    rounded.clamp(-32767, 32767) as i16
}

/// (14): sums of pairs of squares. `even` holds the squares of the word before.
fn square(state: &mut State, word: Word, even: &mut [u32]) {
    let scalars = &mut state.scalars;
    for (lane, &y) in state.y.word(word.from).iter().enumerate() {
        let t = u32::from(centred(y, scalars.mean[lane], scalars.spread[lane]).unsigned_abs());
        if word.first {
            scalars.own_sum[lane] = 0;
        }
        if word.index.is_multiple_of(2) {
            even[lane] = t * t;
        } else {
            let sum = &mut scalars.own_sum[lane];
            *sum = sum.wrapping_add((even[lane] + t * t + 128) >> 8);
        }
    }
}

/// (13), (17), (18): the stream to V, the equalised row to Y, its greatest magnitude.
fn norm(pass: &Pass, state: &mut State, word: Word) {
    let [gain, offset, gain2, offset2] = state.parameters(pass.g + word.index);
    let State { v, y, scalars, .. } = state;
    let stream = v.word_mut((pass.second + word.index) % (1 << 20));
    let from: Vec<i32> = y.word(word.from).to_vec();
    let equalised = y.word_mut(word.to);
    for (lane, &y) in from.iter().enumerate() {
        let z = mul_q15(centred(y, scalars.mean[lane], scalars.spread[lane]), scalars.rho[lane]);
        let affine = |gain, offset| sat16(i32::from(mul_q15(z, gain)) + i32::from(offset));
        stream[lane] = affine(gain, offset);
        let x = affine(gain2, offset2);
        equalised[lane] = x.into();
        let max = &mut scalars.own_max[lane];
        *max = if word.first { x.unsigned_abs() } else { x.unsigned_abs().max(*max) };
    }
}

/// (8), (9): quantised rows to A or B.
fn quantize(pass: &Pass, state: &mut State, word: Word) {
    let State { a, b, v, y, scalars, .. } = state;
    let to = if pass.to_b { b } else { a }.word_mut(word.to);
    let quantized = |lane: usize, x: i16| {
        let wide = i32::from(mul_q15(x << scalars.shift[lane], scalars.reciprocal[lane]));
        if pass.unsigned { (round_shift(wide, 6) - 128) as i8 } else { round_shift(wide, 7) as i8 }
    };
    if pass.from_y {
        for (lane, (to, &x)) in to.iter_mut().zip(y.word(word.from)).enumerate() {
            *to = quantized(lane, x as i16);
        }
    } else {
        for (lane, (to, &x)) in to.iter_mut().zip(v.word(word.from)).enumerate() {
            *to = quantized(lane, x);
        }
    }
}

/// (21) to (23): weights of the softmax, and their sums.
fn exp(state: &mut State, word: Word) {
    let State { p, y, scalars, .. } = state;
    let to = p.word_mut(word.to);
    for (lane, (p, &score)) in to.iter_mut().zip(y.word(word.from)).enumerate() {
        // The drain has kept the greatest score, so the distance is not negative.
        let distance = (scalars.latched[lane].greatest - signed(score, 22)).max(0);
        *p = exp2(scalars.head.octaves(distance));
        let sum = if word.first { 0 } else { scalars.own_sum[lane] };
        scalars.own_sum[lane] = sum.wrapping_add(u32::from(p.unsigned_abs()));
    }
}

/// (33): the sums over the tokens, to the host.
fn pool(pass: &Pass, state: &State, outside: &mut Outside<'_>) -> Result<(), Failure> {
    let mut results = Vec::with_capacity(4 * pass.length);
    for index in 0..pass.length {
        let mut sum = 0_i32;
        for turn in 0..pass.turns {
            let counted = if turn + 1 == pass.turns { pass.lanes.min(state.lanes) } else { state.lanes };
            let word = state.v.word((pass.source + turn * pass.s_turn + index) % (1 << 20));
            sum = sum.wrapping_add(word[..counted].iter().map(|&x| i32::from(x)).sum());
        }
        results.extend(sum.to_le_bytes());
    }
    outside.memories.write_host(outside.output, &results).map_err(Failure::HostWrite)
}
