//! Items whose vectors lie behind each other.

use bytes::Bytes;
use lockstep_kernels::Kernel;

/// More than the errors of all roundings of a bound.
pub const MARGIN: f32 = 1.0 / 65536.0;

/// The greatest length of a vector. Up to it the bounds of the scan hold.
const WIDEST: usize = 1 << 14;

/// Compact vectors of items, in the two parts of (43), and what the scan needs of each.
#[derive(Debug, Clone)]
pub struct Segment {
    width: usize,
    /// `[rows, width]`, as signed bytes.
    high: Bytes,
    /// `[rows, width]`.
    low: Bytes,
    pub(crate) bounds: Vec<Bound>,
}

/// The part of the bounds that depends on the item alone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Bound {
    /// `1 / norm(c)`; 0 for a vector of zeros.
    pub(crate) scale: f32,
    /// `norm(l - 128) / norm(c)` and [`MARGIN`]; the margin alone for a vector of zeros.
    pub(crate) radius: f32,
}

/// Why bytes are no segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SegmentError {
    /// The length of the vectors.
    #[error("vectors of {0} numbers; a segment takes 1 to {WIDEST}")]
    Width(usize),
    /// The two parts are not as long as each other, or no whole number of vectors.
    #[error(
        "{high} bytes of high parts and {low} of low parts are not the same number of vectors of {width}"
    )]
    Length {
        /// Bytes of high parts.
        high: usize,
        /// Bytes of low parts.
        low: usize,
        /// Length of a vector.
        width: usize,
    },
    /// A number that no compact vector has.
    #[error("row {0} is no compact vector: it contains -32768")]
    Row(usize),
}

impl Segment {
    /// Takes the high and the low parts of vectors of `width` numbers, row by row, and reads all of
    /// them once.
    ///
    /// # Errors
    /// Bytes that are no compact vectors of this width.
    pub fn new(width: usize, high: Bytes, low: Bytes) -> Result<Self, SegmentError> {
        Self::with(width, high, low, &[])
    }

    /// The same rows with others behind them. The bytes of the rows that this segment has must be
    /// the same; only the others are read.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn grown(&self, high: Bytes, low: Bytes) -> Result<Self, SegmentError> {
        Self::with(self.width, high, low, &self.bounds)
    }

    /// A segment whose first rows have bounds that are known.
    fn with(width: usize, high: Bytes, low: Bytes, known: &[Bound]) -> Result<Self, SegmentError> {
        if !(1..=WIDEST).contains(&width) {
            return Err(SegmentError::Width(width));
        }
        if high.len() != low.len() || !high.len().is_multiple_of(width) {
            return Err(SegmentError::Length { high: high.len(), low: low.len(), width });
        }
        let mut segment = Self { width, high, low, bounds: Vec::new() };
        let mut vector = vec![0; width];
        let kernel = Kernel::new();
        let rows = segment.high.len() / width;
        let known = &known[..known.len().min(rows)];
        let bounds = (known.len()..rows).map(|row| {
            segment.read(row, &mut vector);
            if vector.contains(&i16::MIN) {
                return Err(SegmentError::Row(row));
            }
            Ok(Bound::of(kernel, &vector))
        });
        let bounds = known.iter().map(|&bound| Ok(bound)).chain(bounds);
        segment.bounds = bounds.collect::<Result<_, _>>()?;
        Ok(segment)
    }

    /// Splits compact vectors of `width` numbers, row by row.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn of(width: usize, compact: &[i16]) -> Result<Self, SegmentError> {
        let high: Vec<u8> = compact.iter().map(|c| c.to_le_bytes()[1]).collect();
        let low: Vec<u8> = compact.iter().map(|c| c.to_le_bytes()[0]).collect();
        Self::new(width, high.into(), low.into())
    }

    /// The number of items.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.bounds.len()
    }

    /// The length of a vector.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Writes the compact vector of an item to `out`, which has the length of a vector.
    ///
    /// # Panics
    /// If there is no such row, or `out` has another length.
    pub fn read(&self, row: usize, out: &mut [i16]) {
        assert_eq!(out.len(), self.width, "one vector");
        let bytes = row * self.width..(row + 1) * self.width;
        for ((c, &high), &low) in out.iter_mut().zip(&self.high[bytes.clone()]).zip(&self.low[bytes]) {
            *c = i16::from_le_bytes([low, high]);
        }
    }

    /// The high parts of some rows.
    pub(crate) fn high(&self, rows: std::ops::Range<usize>) -> &[i8] {
        bytemuck::cast_slice(&self.high[rows.start * self.width..rows.end * self.width])
    }
}

impl Bound {
    fn of(kernel: Kernel, vector: &[i16]) -> Self {
        let mut norm = [0];
        kernel.dots(vector, vector, &mut norm);
        if norm[0] == 0 {
            return Self { scale: 0.0, radius: MARGIN };
        }
        let rest = |c: &i16| i32::from(c.to_le_bytes()[0]) - 128;
        // At most 2^14 squares of at most 2^14.
        let rest: i32 = vector.iter().map(|c| rest(c) * rest(c)).sum();
        let norm = (norm[0] as f64).sqrt();
        Self { scale: (1.0 / norm) as f32, radius: (f64::from(rest).sqrt() / norm) as f32 + MARGIN }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_segment_that_grew_is_the_one_that_is_read_at_once() {
        let numbers: Vec<i16> = (0..60).map(|at| (at * 977 % 30_011 - 15_000) as i16).collect();
        let parts = |rows: usize| {
            let part = |at: usize| numbers[..4 * rows].iter().map(|c| c.to_le_bytes()[at]).collect::<Bytes>();
            (part(1), part(0))
        };
        let (high, low) = parts(15);
        let whole = Segment::new(4, high.clone(), low.clone()).unwrap();
        for rows in [0, 1, 14, 15] {
            let (first_high, first_low) = parts(rows);
            let first = Segment::new(4, first_high, first_low).unwrap();
            assert_eq!(first.bounds, whole.bounds[..rows]);
            let grown = first.grown(high.clone(), low.clone()).unwrap();
            assert_eq!((grown.rows(), &grown.bounds), (15, &whole.bounds));
        }
        let (high, low) = parts(3);
        assert_eq!(whole.grown(high.clone(), low).unwrap().bounds, whole.bounds[..3]);
        assert!(whole.grown(high.clone(), high.slice(1..)).is_err());
        let (bad_high, bad_low) = (vec![128; 4], vec![0; 4]);
        let bad = whole
            .grown([&whole.high[..], &bad_high].concat().into(), [&whole.low[..], &bad_low].concat().into());
        assert_eq!(bad.unwrap_err(), SegmentError::Row(15));
    }
}
