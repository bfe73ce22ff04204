//! The header of the file, and the alignment of its sections.

use lockstep_arith::encoder::Pooling;

/// The version of the run-time file that this crate writes and reads.
pub const FORMAT: u32 = 1;

pub(crate) const MAGIC: [u8; 8] = *b"LOCKSTEP";

/// Every section begins at a multiple of this many bytes, and the file ends at one.
pub(crate) const ALIGNMENT: usize = 64;

/// 32-bit numbers in a line of scalars.
pub(crate) const SCALARS: usize = ALIGNMENT / 4;

/// Each pooling at the index that the header has for it.
pub(crate) const POOLINGS: [Pooling; 4] = [Pooling::Mean, Pooling::Cls, Pooling::Max, Pooling::WeightedMean];

/// The first line of the file, after the magic bytes and the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) layers: u32,
    pub(crate) hidden: u32,
    pub(crate) heads: u32,
    pub(crate) vocabulary: u32,
    pub(crate) positions: u32,
    pub(crate) types: u32,
    /// 0 if the model has no head.
    pub(crate) labels: u32,
    pub(crate) pooling: Pooling,
    pub(crate) table_shift: i32,
    /// Number of dense layers.
    pub(crate) dense: u32,
}

impl Header {
    pub(crate) fn write(&self) -> [u8; ALIGNMENT] {
        let numbers = [
            FORMAT,
            self.layers,
            self.hidden,
            self.heads,
            self.vocabulary,
            self.positions,
            self.types,
            self.labels,
            POOLINGS.iter().position(|pooling| *pooling == self.pooling).unwrap_or(0) as u32,
            self.table_shift as u32,
            self.dense,
        ];
        let mut line = [0; ALIGNMENT];
        line[..MAGIC.len()].copy_from_slice(&MAGIC);
        for (bytes, number) in line[MAGIC.len()..].chunks_exact_mut(4).zip(numbers) {
            bytes.copy_from_slice(&number.to_le_bytes());
        }
        line
    }
}
