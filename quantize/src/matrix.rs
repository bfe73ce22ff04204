//! Row-major matrices of f32 for the float teacher.

use rayon::prelude::*;

/// A matrix `[rows, columns]`, row-major.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Matrix {
    /// Number of rows.
    pub rows: usize,
    /// Number of columns.
    pub columns: usize,
    /// `rows * columns` numbers.
    pub data: Vec<f32>,
}

impl Matrix {
    /// A matrix of zeros.
    #[must_use]
    pub fn zeros(rows: usize, columns: usize) -> Self {
        Self { rows, columns, data: vec![0.0; rows * columns] }
    }

    /// One row.
    #[must_use]
    pub fn row(&self, i: usize) -> &[f32] {
        &self.data[i * self.columns..(i + 1) * self.columns]
    }

    /// One row, to write.
    pub fn row_mut(&mut self, i: usize) -> &mut [f32] {
        &mut self.data[i * self.columns..(i + 1) * self.columns]
    }

    /// All rows.
    pub fn iter_rows(&self) -> impl Iterator<Item = &[f32]> {
        self.data.chunks_exact(self.columns.max(1))
    }

    /// `self [r, k] * other [c, k]^T -> [r, c]`: how the weights of a linear layer are stored.
    #[must_use]
    pub fn times_transposed(&self, other: &Self) -> Self {
        assert_eq!(self.columns, other.columns, "inner dimensions");
        let mut out = Self::zeros(self.rows, other.rows);
        let k = self.columns as isize;
        gemm([self.rows, self.columns, other.rows], (&self.data, [k, 1]), (&other.data, [1, k]), &mut out);
        out
    }

    /// `self^T * self -> [columns, columns]`.
    #[must_use]
    pub fn gram(&self) -> Self {
        let mut out = Self::zeros(self.columns, self.columns);
        let c = self.columns as isize;
        let shape = [self.columns, self.rows, self.columns];
        gemm(shape, (&self.data, [1, c]), (&self.data, [c, 1]), &mut out);
        out
    }

    /// Adds a row vector to every row.
    #[must_use]
    pub fn plus_row(mut self, b: &[f32]) -> Self {
        self.data.par_chunks_exact_mut(self.columns).for_each(|row| {
            for (x, b) in row.iter_mut().zip(b) {
                *x += b;
            }
        });
        self
    }

    /// The mean of each column.
    #[must_use]
    pub fn column_means(&self) -> Vec<f32> {
        let mut sums = vec![0.0_f64; self.columns];
        for row in self.iter_rows() {
            for (s, &x) in sums.iter_mut().zip(row) {
                *s += f64::from(x);
            }
        }
        sums.into_iter().map(|s| (s / self.rows.max(1) as f64) as f32).collect()
    }

    /// The greatest magnitude of each column.
    #[must_use]
    pub fn column_peaks(&self) -> Vec<f32> {
        let mut peaks = vec![0.0_f32; self.columns];
        for row in self.iter_rows() {
            for (p, x) in peaks.iter_mut().zip(row) {
                *p = p.max(x.abs());
            }
        }
        peaks
    }

    /// The greatest magnitude of all.
    #[must_use]
    pub fn peak(&self) -> f32 {
        self.data.iter().fold(0.0, |m, x| m.max(x.abs()))
    }

    /// Multiplies each column by a number.
    pub fn scale_columns(&mut self, factors: &[f32]) {
        let columns = self.columns;
        self.data.par_chunks_exact_mut(columns).for_each(|row| {
            for (x, f) in row.iter_mut().zip(factors) {
                *x *= f;
            }
        });
    }

    /// Multiplies each row by a number.
    pub fn scale_rows(&mut self, factors: &[f32]) {
        for (row, f) in self.data.chunks_exact_mut(self.columns).zip(factors) {
            for x in row {
                *x *= f;
            }
        }
    }

    /// `self * v`.
    #[must_use]
    pub fn times_vector(&self, v: &[f32]) -> Vec<f32> {
        let dot =
            |row: &[f32]| row.iter().zip(v).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum::<f64>() as f32;
        self.iter_rows().map(dot).collect()
    }
}

/// `out [m, n] = a [m, k] * b [k, n]`, each operand with its row and column stride.
fn gemm([m, k, n]: [usize; 3], a: (&[f32], [isize; 2]), b: (&[f32], [isize; 2]), out: &mut Matrix) {
    assert!(a.0.len() == m * k && b.0.len() == k * n && out.data.len() == m * n);
    product::sgemm([m, k, n], a, b, &mut out.data);
}

/// The one call into `matrixmultiply`, whose interface is raw pointers.
#[allow(unsafe_code)]
mod product {
    pub(super) fn sgemm(
        [m, k, n]: [usize; 3],
        a: (&[f32], [isize; 2]),
        b: (&[f32], [isize; 2]),
        out: &mut [f32],
    ) {
        // SAFETY: the caller has checked that `a`, `b` and `out` hold m*k, k*n and m*n numbers, and
        // the strides are those of dense matrices of these shapes, so every address lies inside its
        // slice.
        unsafe {
            matrixmultiply::sgemm(
                m,
                k,
                n,
                1.0,
                a.0.as_ptr(),
                a.1[0],
                a.1[1],
                b.0.as_ptr(),
                b.1[0],
                b.1[1],
                0.0,
                out.as_mut_ptr(),
                n as isize,
                1,
            );
        }
    }
}
