//! Section 4 of `SPEC.md`: the linear layer.

use alloc::vec;
use alloc::vec::Vec;

use crate::fixed::{mul_q15, round_shift, sat16};
use crate::range::{RangeError, check, check_all, check_len};
use crate::rows::{Scale, Sign, quantize_row};

/// The parameters of a linear layer with `K` inputs and `N` outputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Linear {
    /// Number of inputs.
    pub inputs: usize,
    /// Number of outputs.
    pub outputs: usize,
    /// `w`, shape `[K, N]`, row-major, each in [-63, 63].
    pub weights: Vec<i8>,
    /// `c`, shape `[N]`, each in [0, 32767].
    pub multipliers: Vec<i16>,
    /// `b`, shape `[N]`, in units of the output, each in [-2^21, 2^21].
    pub biases: Vec<i32>,
    /// The shift of an accumulator before it is narrowed to 16 bits, in [0, 12].
    pub acc_shift: i32,
    /// The part of the output's shift that does not depend on the row, in [1, 17].
    pub out_shift: i32,
    /// How the input rows are quantised: by (8) or by (9).
    pub sign: Sign,
}

impl Linear {
    /// Checks shapes and the ranges of section 2.
    ///
    /// # Errors
    /// [`RangeError`] with the first parameter that is out of range. `name` is the layer's name in
    /// it.
    pub fn validate(&self, name: &str) -> Result<(), RangeError> {
        check(name, "inputs", self.inputs as i64, 1, 4096)?;
        check(name, "outputs", self.outputs as i64, 1, 4096)?;
        check_len(name, "weights", self.weights.len(), self.inputs * self.outputs)?;
        check_len(name, "multipliers", self.multipliers.len(), self.outputs)?;
        check_len(name, "biases", self.biases.len(), self.outputs)?;
        check(name, "acc_shift", self.acc_shift.into(), 0, 12)?;
        check(name, "out_shift", self.out_shift.into(), 1, 17)?;
        check_all(name, "weights", self.weights.iter().map(|&w| w.into()), -63, 63)?;
        check_all(name, "multipliers", self.multipliers.iter().map(|&c| c.into()), 0, 32767)?;
        check_all(name, "biases", self.biases.iter().map(|&b| b.into()), -(1 << 21), 1 << 21)
    }

    /// [`Self::validate`], and checks that the layer has these inputs and outputs and takes these
    /// rows.
    ///
    /// # Errors
    /// As [`Self::validate`].
    pub fn expect(&self, name: &str, shape: (usize, usize), sign: Sign) -> Result<(), RangeError> {
        check_len(name, "a row of inputs", self.inputs, shape.0)?;
        check_len(name, "a row of outputs", self.outputs, shape.1)?;
        let [found, wanted] = [self.sign, sign].map(|sign| i64::from(sign == Sign::Unsigned));
        check(name, "unsigned rows", found, wanted, wanted)?;
        self.validate(name)
    }

    /// (10) for one quantised row.
    #[must_use]
    pub fn accumulate(&self, q: &[i8]) -> Vec<i32> {
        let mut acc = vec![0_i32; self.outputs];
        for (&q, weights) in q.iter().zip(self.weights.chunks_exact(self.outputs)) {
            let q = i32::from(q) + self.sign.zero_point();
            for (acc, &w) in acc.iter_mut().zip(weights) {
                *acc += q * i32::from(w);
            }
        }
        acc
    }

    /// (11) for one output channel.
    #[must_use]
    pub fn requantize(&self, acc: i32, scale: Scale, channel: usize) -> i32 {
        let a = sat16(round_shift(acc, self.acc_shift));
        let u = i32::from(mul_q15(a, scale.normalised()));
        let product = u * i32::from(self.multipliers[channel]);
        round_shift(product, self.out_shift + scale.shift) + self.biases[channel]
    }

    /// (5) to (11): from one row of 16-bit inputs to one row of 32-bit outputs.
    #[must_use]
    pub fn forward(&self, x: &[i16]) -> Vec<i32> {
        let mut q = vec![0; x.len()];
        let scale = quantize_row(x, self.sign, &mut q);
        let acc = self.accumulate(&q);
        acc.into_iter().enumerate().map(|(j, acc)| self.requantize(acc, scale, j)).collect()
    }

    /// [`Self::forward`], narrowed to 16 bits by (3).
    #[must_use]
    pub fn forward16(&self, x: &[i16]) -> Vec<i16> {
        self.forward(x).into_iter().map(sat16).collect()
    }
}
