//! The operators of `FORMAT.md` that make the vector of a text from the vectors of its tokens.

use std::ops::Range;

use lockstep_arith::encoder::Pooling;
use lockstep_kernels::Kernel;
use tract_core::internal::*;

use crate::fused::Step;
use crate::matrix::matrix;
use crate::steps::{sequences, slice};

/// Pooling: (33).
#[derive(Debug)]
pub(crate) struct PoolStep {
    pub(crate) width: usize,
    pub(crate) mean: bool,
}

impl Step for PoolStep {
    fn outputs(&self) -> TVec<(DatumType, usize)> {
        tvec![(i32::datum_type(), self.width)]
    }

    fn rows_of(&self) -> usize {
        1
    }

    fn eval(&self, kernel: Kernel, inputs: &[TValue]) -> TractResult<TVec<TValue>> {
        let (stream, starts): (&[i16], &[i64]) = (slice(&inputs[0])?, slice(&inputs[1])?);
        let out = matrix(starts.len(), self.width, |out| {
            let sums = out.chunks_exact_mut(self.width);
            for (sums, mut sequence) in sums.zip(sequences(starts, inputs[0].shape()[0])) {
                if !self.mean {
                    sequence.end = sequence.start + 1;
                }
                sum(kernel, stream, sequence, sums);
            }
        });
        Ok(tvec![out?])
    }
}

#[derive(Debug)]
pub(crate) struct FirstRowStep {
    pub(crate) width: usize,
}

impl Step for FirstRowStep {
    fn outputs(&self) -> TVec<(DatumType, usize)> {
        tvec![(i16::datum_type(), self.width)]
    }

    fn rows_of(&self) -> usize {
        1
    }

    fn eval(&self, _kernel: Kernel, inputs: &[TValue]) -> TractResult<TVec<TValue>> {
        let (stream, starts): (&[i16], &[i64]) = (slice(&inputs[0])?, slice(&inputs[1])?);
        let out = matrix(starts.len(), self.width, |out: &mut [i16]| {
            for (row, &start) in out.chunks_exact_mut(self.width).zip(starts) {
                row.copy_from_slice(&stream[start as usize * self.width..][..self.width]);
            }
        });
        Ok(tvec![out?])
    }
}

/// The mean of the tokens in 16 bits: (35).
#[derive(Debug)]
pub(crate) struct MeanRowStep {
    pub(crate) width: usize,
}

impl Step for MeanRowStep {
    fn outputs(&self) -> TVec<(DatumType, usize)> {
        tvec![(i16::datum_type(), self.width)]
    }

    fn rows_of(&self) -> usize {
        1
    }

    fn eval(&self, kernel: Kernel, inputs: &[TValue]) -> TractResult<TVec<TValue>> {
        let (stream, starts): (&[i16], &[i64]) = (slice(&inputs[0])?, slice(&inputs[1])?);
        let mut sums = vec![0; self.width];
        let out = matrix(starts.len(), self.width, |out: &mut [i16]| {
            let rows = out.chunks_exact_mut(self.width);
            for (row, sequence) in rows.zip(sequences(starts, inputs[0].shape()[0])) {
                let tokens = sequence.len();
                sum(kernel, stream, sequence, &mut sums);
                for (x, &sum) in row.iter_mut().zip(&sums) {
                    // (35) always fits.
                    *x = Pooling::Mean.row(sum, tokens) as i16;
                }
            }
        });
        Ok(tvec![out?])
    }
}

/// The vector of the last dense layer in 32 bits.
#[derive(Debug)]
pub(crate) struct WidenStep {
    pub(crate) width: usize,
}

impl Step for WidenStep {
    fn outputs(&self) -> TVec<(DatumType, usize)> {
        tvec![(i32::datum_type(), self.width)]
    }

    fn eval(&self, _kernel: Kernel, inputs: &[TValue]) -> TractResult<TVec<TValue>> {
        let x: &[i16] = slice(&inputs[0])?;
        let out = matrix(inputs[0].shape()[0], self.width, |out: &mut [i32]| {
            for (wide, &x) in out.iter_mut().zip(x) {
                *wide = x.into();
            }
        });
        Ok(tvec![out?])
    }
}

/// Writes the sum of these rows of the stream into `sums`, which has their width.
fn sum(kernel: Kernel, stream: &[i16], rows: Range<usize>, sums: &mut [i32]) {
    let width = sums.len();
    sums.fill(0);
    for row in stream[rows.start * width..rows.end * width].chunks_exact(width) {
        kernel.accumulate(row, sums);
    }
}
