//! A linear layer, with the steps before and after it: sections 3 and 4 of `SPEC.md`.

use alloc::vec::Vec;
use core::ops::Range;

use lockstep_arith::activation::Activation;
use lockstep_arith::rows::Scale;

use crate::kernel::Kernel;
use crate::operands::{PackedLinear, QuantizedRows, Scratch, room};

/// Rows that are quantised, multiplied and requantised together. Their accumulators stay in the
/// second-level cache.
const BLOCK: usize = 32;

impl PackedLinear {
    /// Quantises rows of 16-bit numbers in blocks. `each` gets the range of a block and its rows.
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

    /// (5) to (11): `x` is `[rows, K]`, `out` is `[rows, N]`.
    ///
    /// # Panics
    /// If `x` is not a whole number of rows, or if `out` does not have as many rows.
    pub fn forward(&self, kernel: Kernel, x: &[i16], scratch: &mut Scratch, out: &mut [i32]) {
        let width = self.weights.outputs();
        self.for_each_block(kernel, x, &mut scratch.q, |range, rows| {
            kernel.linear(rows, self, &mut out[range.start * width..range.end * width]);
        });
    }

    /// [`Self::forward`], narrowed to 16 bits by (3).
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
    /// As [`Self::forward`], and if the activation does not have `N` channels.
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

    /// [`Self::forward`], then the sum and the clamp of (12) with the previous `stream`, which is
    /// `[rows, N]`. `each` gets a range of rows and their sums.
    ///
    /// # Panics
    /// As [`Self::forward`], with `stream` in place of `out`.
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
