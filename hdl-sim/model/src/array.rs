//! The unit of the array: tiles of products, and words of the ring for memories V and G.

use lockstep_accel_abi::engine::WEIGHT_RING;
use lockstep_accel_abi::instructions::{Instruction, Mac, Move, When};

use crate::job::{Failure, Outside};
use crate::products::{Operand, multiply};
use crate::queue::Queue;
use crate::requantise::Header;
use crate::ring::Ring;
use crate::semaphores::{Semaphores, once};
use crate::state::State;

/// The most numbers of left operands that are kept turned around during a `mac`.
const KEPT: usize = 1 << 22;

/// An instruction of the unit.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ArrayTask {
    Mac(Mac),
    Move(Move),
}

/// The sums of a tile, which the drain has not taken yet.
#[derive(Debug)]
pub(crate) struct Plane {
    pub(crate) full: bool,
    /// `sums[column * lanes + row]`.
    pub(crate) sums: Vec<i32>,
    /// The header of the panel that the tile belongs to.
    pub(crate) header: Header,
}

/// The unit with its queue.
#[derive(Debug)]
pub(crate) struct Array {
    pub(crate) queue: Queue<ArrayTask>,
    pub(crate) plane: Plane,
    /// Steps since the job began.
    pub(crate) busy: u64,
    /// The outer and the inner turn of the `mac` at work.
    turn: (usize, usize),
    /// Whether the panel of the outer turn has been taken from the ring.
    loaded: bool,
    header: Header,
    /// Left operands by inner turn.
    left: Vec<Operand>,
    right: Operand,
}

impl Array {
    pub(crate) fn new(lanes: usize) -> Self {
        let header = Header::new(lanes);
        let plane = Plane { full: false, sums: vec![0; lanes * lanes], header: header.clone() };
        Self {
            queue: Queue::default(),
            plane,
            busy: 0,
            turn: (0, 0),
            loaded: false,
            header,
            left: Vec::new(),
            right: Operand::default(),
        }
    }

    /// Forgets the job before.
    pub(crate) fn reset(&mut self) {
        self.queue.clear();
        self.plane.full = false;
        self.busy = 0;
        self.turn = (0, 0);
        self.loaded = false;
    }

    /// Does a tile or a `move`. Returns whether it could.
    pub(crate) fn step(
        &mut self,
        state: &mut State,
        ring: &mut Ring,
        semaphores: &mut Semaphores,
        outside: &Outside<'_>,
    ) -> Result<bool, Failure> {
        let Some((task, instruction)) = self.queue.front() else { return Ok(false) };
        let done = match task {
            ArrayTask::Mac(mac) => self.tile(&mac, &instruction, state, ring, semaphores, outside)?,
            ArrayTask::Move(moving) => {
                let ready = ring.holds(moving.words) && semaphores.take(&instruction, once);
                if !ready {
                    return Ok(false);
                }
                let bytes = ring.take(moving.words, state.lanes, outside.memories)?;
                move_words(&moving, &bytes, state);
                semaphores.signal(&instruction, once);
                Some(true)
            }
        };
        if done == Some(true) {
            self.queue.pop();
        }
        Ok(done.is_some())
    }

    /// Computes the next tile. Returns whether it was the last one; `None` if it must wait.
    fn tile(
        &mut self,
        mac: &Mac,
        instruction: &Instruction,
        state: &State,
        ring: &mut Ring,
        semaphores: &mut Semaphores,
        outside: &Outside<'_>,
    ) -> Result<Option<bool>, Failure> {
        let lanes = state.lanes;
        let (outer, inner) = self.turn;
        let panel = Header::WORDS + mac.k;
        let waits = mac.ring && !self.loaded && (panel > WEIGHT_RING.words(lanes) || !ring.holds(panel));
        let due = |when| match when {
            When::Once => (outer, inner) == (0, 0),
            When::Inner => outer == 0,
            When::Outer => inner == 0,
        };
        if self.plane.full || waits || !semaphores.take(instruction, due) {
            return Ok(None);
        }
        if mac.ring && !self.loaded {
            let bytes = ring.take(panel, lanes, outside.memories)?;
            let (header, weights) = bytes.split_at(Header::WORDS * lanes);
            self.header = Header::read(header, lanes);
            let weights: Vec<i8> = weights.iter().map(|b| b.cast_signed()).collect();
            self.right.fill(mac.k, lanes, |k| &weights[k * lanes..][..lanes]);
            self.loaded = true;
        }
        let left = self.left(mac, state);
        if !mac.ring {
            let first = mac.b + outer * mac.b_outer + inner * mac.b_inner;
            self.right.fill(mac.k, lanes, |k| state.b.word(first + k));
        }
        multiply(&self.left[left], &self.right, lanes, &mut self.plane.sums);
        self.plane.header.clone_from(&self.header);
        self.plane.full = true;
        self.busy += mac.k as u64 * if mac.planes { 2 } else { 1 };

        let (outer_last, inner_last) = (outer + 1 == mac.outer, inner + 1 == mac.inner);
        semaphores.signal(instruction, |when| match when {
            When::Once => outer_last && inner_last,
            When::Inner => outer_last,
            When::Outer => inner_last,
        });
        self.turn = match (outer_last, inner_last) {
            (_, false) => (outer, inner + 1),
            (false, true) => (outer + 1, 0),
            (true, true) => (0, 0),
        };
        self.loaded &= !inner_last;
        Ok(Some(outer_last && inner_last))
    }

    /// Turns the left operand of a tile around. Returns its place in `left`. Without an outer
    /// stride the operands of the first outer turn serve all others.
    fn left(&mut self, mac: &Mac, state: &State) -> usize {
        let (outer, inner) = self.turn;
        let kept = mac.a_outer == 0 && mac.inner * mac.k * state.lanes <= KEPT;
        let place = if kept { inner } else { 0 };
        if outer == 0 || !kept {
            if self.left.len() <= place {
                self.left.resize_with(place + 1, Operand::default);
            }
            let first = mac.a + outer * mac.a_outer + inner * mac.a_inner;
            let operand = &mut self.left[place];
            if mac.planes {
                // 128 * hi + lo is the weight itself, so one sum of products serves both planes.
                operand.fill(mac.k, state.lanes, |k| state.p.word(first + k));
            } else {
                operand.fill(mac.k, state.lanes, |k| state.a.word(first + k));
            }
        }
        place
    }
}

fn move_words(moving: &Move, bytes: &[u8], state: &mut State) {
    let lanes = state.lanes;
    if moving.to_v {
        for (i, pair) in bytes.chunks_exact(2 * lanes).enumerate() {
            let word = state.v.word_mut(moving.destination + i);
            for (to, from) in word.iter_mut().zip(pair.as_chunks::<2>().0) {
                *to = i16::from_le_bytes(*from);
            }
        }
    } else {
        for (i, word) in bytes.chunks_exact(lanes).enumerate() {
            let channels = state.g.word_mut(moving.destination + i);
            for (to, from) in channels.iter_mut().zip(word.as_chunks::<8>().0) {
                *to = std::array::from_fn(|t| i16::from_le_bytes([from[2 * t], from[2 * t + 1]]));
            }
        }
    }
}
