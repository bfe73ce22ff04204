//! The fused operators of `FORMAT.md`, with their parameters and their evaluation.

use std::cell::RefCell;
use std::ops::Range;

use lockstep_arith::activation::{Activation, Table};
use lockstep_arith::layer_norm::LayerNorm;
use lockstep_folder::runtime::PackedEmbedding;
use lockstep_kernels::{Attention, Kernel, PackedLinear, Scratch};
use tract_core::internal::*;

use crate::fused::Step;
use crate::matrix::{matrix, two_matrices};

pub(crate) fn slice<T: Datum>(tensor: &Tensor) -> TractResult<&[T]> {
    tensor.try_as_plain_ram()?.as_slice()
}

thread_local! {
    /// Buffers of this thread. A thread runs one evaluation at a time.
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

fn with_scratch(evaluate: impl FnOnce(&mut Scratch)) {
    SCRATCH.with_borrow_mut(evaluate);
}

/// The rows of each sequence.
pub(crate) fn sequences(starts: &[i64], rows: usize) -> impl Iterator<Item = Range<usize>> + '_ {
    let ends = starts.iter().skip(1).map(|&start| start as usize).chain([rows]);
    starts.iter().zip(ends).map(|(&start, end)| start as usize..end)
}

#[derive(Debug)]
pub(crate) struct EmbedStep {
    pub(crate) embedding: PackedEmbedding,
    pub(crate) norm: LayerNorm,
}

impl Step for EmbedStep {
    fn outputs(&self) -> TVec<(DatumType, usize)> {
        let output = (i16::datum_type(), self.embedding.hidden);
        tvec![output, output]
    }

    fn eval(&self, kernel: Kernel, inputs: &[TValue]) -> TractResult<TVec<TValue>> {
        let PackedEmbedding { hidden, words, word_scales, positions, types, table_shift } = &self.embedding;
        // Once for all tokens: each access to shared numbers checks their alignment.
        let (words, word_scales, positions, types): (&[i8], &[i16], &[i16], &[i16]) =
            (words, word_scales, positions, types);
        let (ids, kinds): (&[i64], &[i64]) = (slice(&inputs[0])?, slice(&inputs[1])?);
        let row = |i: usize| i * hidden..(i + 1) * hidden;
        let mut sums = vec![0; ids.len() * hidden];
        for sequence in sequences(slice(&inputs[2])?, ids.len()) {
            for (position, token) in sequence.enumerate() {
                let (id, kind) = (ids[token] as usize, kinds[token] as usize);
                kernel.embed(
                    &words[row(id)],
                    word_scales[id],
                    &positions[row(position)],
                    &types[row(kind)],
                    *table_shift,
                    &mut sums[row(token)],
                );
            }
        }
        two_matrices(ids.len(), *hidden, |stream, equalised| {
            kernel.normalize(&sums, *hidden, &self.norm, stream, equalised);
        })
    }
}

#[derive(Debug)]
pub(crate) struct LinearStep {
    pub(crate) linear: PackedLinear,
    pub(crate) narrow: bool,
}

impl Step for LinearStep {
    fn outputs(&self) -> TVec<(DatumType, usize)> {
        let kind = if self.narrow { i16::datum_type() } else { i32::datum_type() };
        tvec![(kind, self.linear.weights.outputs())]
    }

    fn eval(&self, kernel: Kernel, inputs: &[TValue]) -> TractResult<TVec<TValue>> {
        let x = slice(&inputs[0])?;
        let (rows, width) = (inputs[0].shape()[0], self.linear.weights.outputs());
        let out = if self.narrow {
            matrix(rows, width, |out| with_scratch(|scratch| self.linear.forward16(kernel, x, scratch, out)))
        } else {
            matrix(rows, width, |out| with_scratch(|scratch| self.linear.forward(kernel, x, scratch, out)))
        };
        Ok(tvec![out?])
    }
}

#[derive(Debug)]
pub(crate) struct AttentionStep(pub(crate) Attention);

impl Step for AttentionStep {
    fn outputs(&self) -> TVec<(DatumType, usize)> {
        tvec![(i16::datum_type(), self.0.hidden)]
    }

    fn eval(&self, kernel: Kernel, inputs: &[TValue]) -> TractResult<TVec<TValue>> {
        let hidden = self.0.hidden;
        let projected: &[i16] = slice(&inputs[0])?;
        let rows = inputs[0].shape()[0];
        let starts = slice(&inputs[1])?;
        let out = matrix(rows, hidden, |context| {
            with_scratch(|scratch| {
                for Range { start, end } in sequences(starts, rows) {
                    let projected = &projected[start * 3 * hidden..end * 3 * hidden];
                    self.0.forward(kernel, projected, scratch, &mut context[start * hidden..end * hidden]);
                }
            });
        });
        Ok(tvec![out?])
    }
}

#[derive(Debug)]
pub(crate) struct LinearNormStep {
    pub(crate) linear: PackedLinear,
    pub(crate) norm: LayerNorm,
}

impl Step for LinearNormStep {
    fn outputs(&self) -> TVec<(DatumType, usize)> {
        let output = (i16::datum_type(), self.linear.weights.outputs());
        if self.norm.equalised.is_some() { tvec![output, output] } else { tvec![output] }
    }

    fn eval(&self, kernel: Kernel, inputs: &[TValue]) -> TractResult<TVec<TValue>> {
        let hidden = self.linear.weights.outputs();
        let (x, previous): (&[i16], &[i16]) = (slice(&inputs[0])?, slice(&inputs[1])?);
        let rows = inputs[0].shape()[0];
        let evaluate = |stream: &mut [i16], mut equalised: Option<&mut [i16]>| {
            let previous = (previous, self.norm.residual_shift);
            with_scratch(|scratch| {
                self.linear.forward_sum(kernel, x, previous, scratch, |rows, sums| {
                    let range = rows.start * hidden..rows.end * hidden;
                    let equalised = equalised.as_deref_mut().map_or(&mut [][..], |e| &mut e[range.clone()]);
                    kernel.normalize(sums, hidden, &self.norm, &mut stream[range], equalised);
                });
            });
        };
        if self.norm.equalised.is_some() {
            two_matrices(rows, hidden, |stream, equalised| evaluate(stream, Some(equalised)))
        } else {
            Ok(tvec![matrix(rows, hidden, |stream| evaluate(stream, None))?])
        }
    }
}

#[derive(Debug)]
pub(crate) struct LinearActivationStep {
    pub(crate) linear: PackedLinear,
    pub(crate) activation: Activation,
}

impl Step for LinearActivationStep {
    fn outputs(&self) -> TVec<(DatumType, usize)> {
        tvec![(i16::datum_type(), self.linear.weights.outputs())]
    }

    fn eval(&self, kernel: Kernel, inputs: &[TValue]) -> TractResult<TVec<TValue>> {
        let width = self.linear.weights.outputs();
        let x = slice(&inputs[0])?;
        let out = matrix(inputs[0].shape()[0], width, |out| {
            with_scratch(|scratch| {
                self.linear.forward_activate(kernel, x, &self.activation, scratch, out);
            });
        });
        Ok(tvec![out?])
    }
}

/// The pooler of a head, or a dense layer with a `tanh`: (31).
#[derive(Debug)]
pub(crate) struct LinearTanhStep {
    pub(crate) linear: PackedLinear,
    pub(crate) tanh: Table,
}

impl Step for LinearTanhStep {
    fn outputs(&self) -> TVec<(DatumType, usize)> {
        tvec![(i16::datum_type(), self.linear.weights.outputs())]
    }

    fn eval(&self, kernel: Kernel, inputs: &[TValue]) -> TractResult<TVec<TValue>> {
        let x = slice(&inputs[0])?;
        let out = matrix(inputs[0].shape()[0], self.linear.weights.outputs(), |out| {
            with_scratch(|scratch| self.linear.forward16(kernel, x, scratch, out));
            for v in out {
                *v = self.tanh.odd(*v);
            }
        });
        Ok(tvec![out?])
    }
}
