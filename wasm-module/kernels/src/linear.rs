//! The parameters of a linear layer, packed.

use alloc::vec::Vec;
use core::ops::Range;

use lockstep_arith::activation::Activation;
use lockstep_arith::linear::Linear;
use lockstep_arith::rows::{Scale, Sign};

use crate::kernel::Kernel;
use crate::packed::PackedWeights;
use crate::scratch::{Scratch, room};

/// Rows that are quantised, multiplied and requantised at a time: their accumulators stay in the second cache.
const BLOCK: usize = 32;

/// What (11) needs beside the accumulators.
#[derive(Clone, Debug)]
pub struct Requantizer {
    /// `c`, shape `[N]`.
    pub multipliers: Vec<i16>,
    /// `b`, shape `[N]`.
    pub biases: Vec<i32>,
    /// Static shift that brings an accumulator to 16 bits.
    pub acc_shift: i32,
    /// Static part of the output shift.
    pub out_shift: i32,
}

/// A linear layer whose weights lie in the order of the kernels.
#[derive(Clone, Debug)]
pub struct PackedLinear {
    /// Weights and the constants of their columns.
    pub weights: PackedWeights,
    /// From accumulators to outputs.
    pub requantizer: Requantizer,
    /// How the input rows are quantised.
    pub sign: Sign,
}

impl From<Linear> for PackedLinear {
    fn from(linear: Linear) -> Self {
        let Linear { inputs, outputs, weights, multipliers, biases, acc_shift, out_shift, sign } = linear;
        Self {
            weights: PackedWeights::pack(&weights, inputs, outputs, sign),
            requantizer: Requantizer { multipliers, biases, acc_shift, out_shift },
            sign,
        }
    }
}

/// Quantised rows and their scales.
#[derive(Clone, Copy, Debug)]
pub(crate) struct QuantizedRows<'a> {
    /// Rows of [`PackedWeights::row_len`] bytes.
    pub(crate) q: &'a [i8],
    /// As many scales.
    pub(crate) scales: &'a [Scale],
}

impl PackedLinear {
    /// Quantises rows of 16-bit numbers, a block at a time: `each` gets the range of rows, and them.
    fn for_each_block(
        &self,
        kernel: Kernel,
        x: &[i16],
        q: &mut Vec<i8>,
        mut each: impl FnMut(Range<usize>, QuantizedRows<'_>),
    ) {
        let (inputs, stride) = (self.weights.inputs(), self.weights.row_len());
        assert_eq!(x.len() % inputs, 0, "whole rows of inputs");
        let mut scales = [Scale { max: 1, shift: 14 }; BLOCK];
        let mut first = 0;
        for x in x.chunks(BLOCK * inputs) {
            let rows = x.len() / inputs;
            let (q, scales) = (room(q, rows * stride, 0), &mut scales[..rows]);
            kernel.quantize(x, inputs, self.sign, q, stride, scales);
            each(first..first + rows, QuantizedRows { q, scales });
            first += rows;
        }
    }

    /// Sections 3 and 4 of rows of 16-bit numbers.
    ///
    /// # Panics
    /// Where `x` and `out` are not the same number of rows.
    pub fn forward(&self, kernel: Kernel, x: &[i16], scratch: &mut Scratch, out: &mut [i32]) {
        let width = self.weights.outputs();
        self.for_each_block(kernel, x, &mut scratch.q, |range, rows| {
            kernel.linear(rows, self, &mut out[range.start * width..range.end * width]);
        });
    }

    /// [`Self::forward`], narrowed to 16 bits.
    ///
    /// # Panics
    /// As [`Self::forward`].
    pub fn forward16(&self, kernel: Kernel, x: &[i16], scratch: &mut Scratch, out: &mut [i16]) {
        let width = self.weights.outputs();
        let Scratch { q, acc, .. } = scratch;
        self.for_each_block(kernel, x, q, |range, rows| {
            kernel.linear16(rows, self, acc, &mut out[range.start * width..range.end * width]);
        });
    }

    /// [`Self::forward16`], then the activation: (28) to (30).
    ///
    /// # Panics
    /// As [`Self::forward`], and where the activation is not one of as many channels.
    pub fn forward_activate(
        &self,
        kernel: Kernel,
        x: &[i16],
        activation: &Activation,
        scratch: &mut Scratch,
        out: &mut [i16],
    ) {
        let width = self.weights.outputs();
        let Scratch { q, acc, .. } = scratch;
        self.for_each_block(kernel, x, q, |range, rows| {
            let out = &mut out[range.start * width..range.end * width];
            kernel.linear_activate(rows, self, activation, acc, out);
        });
    }

    /// [`Self::forward`] and the sum of (12) with the previous stream: `each` gets a range of rows and their sums.
    ///
    /// # Panics
    /// Where `x` and `stream` are not the same number of rows.
    pub fn forward_sum(
        &self,
        kernel: Kernel,
        x: &[i16],
        (stream, residual_shift): (&[i16], i32),
        scratch: &mut Scratch,
        mut each: impl FnMut(Range<usize>, &[i32]),
    ) {
        let width = self.weights.outputs();
        let Scratch { q, sums, .. } = scratch;
        self.for_each_block(kernel, x, q, |range, rows| {
            let stream = &stream[range.start * width..range.end * width];
            let sums = room(sums, stream.len(), 0);
            kernel.linear_sum(rows, self, stream, residual_shift, sums);
            each(range, sums);
        });
    }
}
