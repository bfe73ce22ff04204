//! All items, as segments.

use std::ops::Range;
use std::sync::Arc;

use crate::segment::Segment;

/// The items of several segments, whose rows are numbered through. Copies share the segments.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    segments: Vec<Arc<Segment>>,
    /// The number of the first row of each segment, then the number of all rows.
    starts: Vec<usize>,
}

/// Rows of one segment that are scanned together.
pub(crate) struct Block<'a> {
    pub(crate) segment: &'a Segment,
    /// Rows of the segment.
    pub(crate) rows: Range<usize>,
    /// The number of the first of them in the catalogue.
    pub(crate) first: usize,
}

impl Catalogue {
    /// A catalogue of these segments, in this order.
    ///
    /// # Panics
    /// If the segments' vectors differ in length.
    #[must_use]
    pub fn new(segments: Vec<Arc<Segment>>) -> Self {
        let widths = segments.windows(2).all(|pair| pair[0].width() == pair[1].width());
        assert!(widths, "one length of vectors");
        let mut starts = vec![0];
        for segment in &segments {
            starts.push(starts[starts.len() - 1] + segment.rows());
        }
        Self { segments, starts }
    }

    /// The number of items.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.starts.last().copied().unwrap_or(0)
    }

    /// Writes the compact vector of an item to `out`, which has the length of a vector.
    ///
    /// # Panics
    /// If there is no such row, or `out` has another length.
    pub fn read(&self, row: usize, out: &mut [i16]) {
        assert!(row < self.rows(), "a row of the catalogue");
        // The last segment that starts at or before the row: behind it begins the rest.
        let segment = self.starts.partition_point(|&start| start <= row) - 1;
        self.segments[segment].read(row - self.starts[segment], out);
    }

    /// The length of a vector; `None` without a segment.
    #[must_use]
    pub fn width(&self) -> Option<usize> {
        self.segments.first().map(|segment| segment.width())
    }

    /// All rows, in blocks of at most `size`.
    pub(crate) fn blocks(&self, size: usize) -> Vec<Block<'_>> {
        let mut blocks = Vec::with_capacity(self.rows() / size + self.segments.len());
        for (segment, &start) in self.segments.iter().zip(&self.starts) {
            for first in (0..segment.rows()).step_by(size) {
                let rows = first..segment.rows().min(first + size);
                blocks.push(Block { segment, rows, first: start + first });
            }
        }
        blocks
    }
}
