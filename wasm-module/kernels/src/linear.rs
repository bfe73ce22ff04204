//! The parameters of a linear layer, packed.

use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

use lockstep_arith::linear::Linear;
use lockstep_arith::rows::{Scale, Sign};

use crate::kernel::Kernel;
use crate::packed::PackedWeights;

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

impl PackedLinear {
    /// Sections 3 and (10) of rows of 16-bit numbers, a block at a time: `each` gets the range of rows, their
    /// accumulators and their scales.
    ///
    /// # Panics
    /// Where `x` is not a whole number of rows.
    pub fn for_each_block(
        &self,
        kernel: Kernel,
        x: &[i16],
        mut each: impl FnMut(Range<usize>, &mut [i32], &[Scale]),
    ) {
        let weights = &self.weights;
        let (inputs, stride) = (weights.inputs(), weights.row_len());
        assert_eq!(x.len() % inputs, 0, "whole rows of inputs");
        let block = BLOCK.min(x.len() / inputs);
        let mut q = vec![0; block * stride];
        let mut acc = vec![0; block * weights.outputs()];
        let mut scales = [Scale { max: 1, shift: 14 }; BLOCK];
        let mut first = 0;
        for x in x.chunks(BLOCK * inputs) {
            let rows = x.len() / inputs;
            let (q, acc) = (&mut q[..rows * stride], &mut acc[..rows * weights.outputs()]);
            let scales = &mut scales[..rows];
            kernel.quantize(x, inputs, self.sign, q, stride, scales);
            kernel.products(q, weights, acc);
            each(first..first + rows, acc, scales);
            first += rows;
        }
    }

    /// Sections 3 and 4 of rows of 16-bit numbers.
    ///
    /// # Panics
    /// Where `x` and `out` are not the same number of rows.
    pub fn forward(&self, kernel: Kernel, x: &[i16], out: &mut [i32]) {
        let width = self.weights.outputs();
        self.for_each_block(kernel, x, |rows, acc, scales| {
            kernel.requantize(acc, scales, &self.requantizer);
            out[rows.start * width..rows.end * width].copy_from_slice(acc);
        });
    }

    /// [`Self::forward`], narrowed to 16 bits.
    ///
    /// # Panics
    /// As [`Self::forward`].
    pub fn forward16(&self, kernel: Kernel, x: &[i16], out: &mut [i16]) {
        let width = self.weights.outputs();
        self.for_each_block(kernel, x, |rows, acc, scales| {
            let out = &mut out[rows.start * width..rows.end * width];
            kernel.requantize16(acc, scales, &self.requantizer, out);
        });
    }
}
