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
    pub(crate) pooling: Pooling,
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
        let out = matrix(starts.len(), self.width, |out: &mut [i32]| {
            let vectors = out.chunks_exact_mut(self.width);
            for (vector, sequence) in vectors.zip(sequences(starts, inputs[0].shape()[0])) {
                pool(kernel, self.pooling, stream, sequence, vector);
            }
        });
        Ok(tvec![out?])
    }
}

/// Pooling to 16 bits: (33), then (35).
#[derive(Debug)]
pub(crate) struct RowStep {
    pub(crate) width: usize,
    pub(crate) pooling: Pooling,
}

impl Step for RowStep {
    fn outputs(&self) -> TVec<(DatumType, usize)> {
        tvec![(i16::datum_type(), self.width)]
    }

    fn rows_of(&self) -> usize {
        1
    }

    fn eval(&self, kernel: Kernel, inputs: &[TValue]) -> TractResult<TVec<TValue>> {
        let (stream, starts): (&[i16], &[i64]) = (slice(&inputs[0])?, slice(&inputs[1])?);
        let mut vector = vec![0; self.width];
        let out = matrix(starts.len(), self.width, |out: &mut [i16]| {
            let rows = out.chunks_exact_mut(self.width);
            for (row, sequence) in rows.zip(sequences(starts, inputs[0].shape()[0])) {
                let tokens = sequence.len();
                pool(kernel, self.pooling, stream, sequence, &mut vector);
                for (x, &pooled) in row.iter_mut().zip(&vector) {
                    // (35) always fits.
                    *x = self.pooling.row(pooled, tokens) as i16;
                }
            }
        });
        Ok(tvec![out?])
    }
}

/// The vector behind the pooling or the last dense layer, in 32 bits.
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

/// (33) of these rows of the stream, into `vector`, which has their width.
fn pool(kernel: Kernel, pooling: Pooling, stream: &[i16], tokens: Range<usize>, vector: &mut [i32]) {
    let (width, count) = (vector.len(), tokens.len());
    let rows = stream[tokens.start * width..tokens.end * width].chunks_exact(width);
    match pooling {
        Pooling::Mean | Pooling::Cls => {
            vector.fill(0);
            let read = if pooling == Pooling::Mean { count } else { 1 };
            rows.take(read).for_each(|row| kernel.accumulate(row, vector));
        }
        Pooling::Max => {
            vector.fill(i16::MIN.into());
            for row in rows {
                vector.iter_mut().zip(row).for_each(|(most, &x)| *most = (*most).max(x.into()));
            }
        }
        Pooling::WeightedMean => {
            let mut sums = vec![0; width];
            for (weight, row) in (1..).zip(rows) {
                sums.iter_mut().zip(row).for_each(|(sum, &x)| *sum += weight * i64::from(x));
            }
            let means = sums.into_iter().map(|sum| Pooling::weighted(sum, count));
            vector.iter_mut().zip(means).for_each(|(x, mean)| *x = mean);
        }
    }
}
