//! (11) of one number, with the parameters of a panel's header.

use lockstep_arith::fixed::mul_q15;

/// The parameters of the columns of a panel, one of each for a column.
#[derive(Clone, Debug, Default)]
pub(crate) struct Header {
    /// `c`, 15 bits.
    pub(crate) multipliers: Vec<i32>,
    /// `b`.
    pub(crate) biases: Vec<i32>,
    /// The equaliser of (30), 15 bits.
    pub(crate) equalisers: Vec<i16>,
    /// What unsigned rows lack in a sum.
    pub(crate) zeros: Vec<i32>,
}

impl Header {
    /// Words of a header.
    pub(crate) const WORDS: usize = 12;

    /// A header of zeros.
    pub(crate) fn new(lanes: usize) -> Self {
        Self::read(&vec![0; Self::WORDS * lanes], lanes)
    }

    /// The header in the first twelve words of a panel.
    pub(crate) fn read(bytes: &[u8], lanes: usize) -> Self {
        let shorts = |at: usize| {
            let part = bytes[at * lanes..][..2 * lanes].as_chunks::<2>().0;
            part.iter().map(|b| i16::from_le_bytes(*b) & i16::MAX)
        };
        let longs = |at: usize| {
            bytes[at * lanes..][..4 * lanes]
                .as_chunks::<4>()
                .0
                .iter()
                .map(|b| i32::from_le_bytes(*b))
                .collect()
        };
        Self {
            multipliers: shorts(0).map(i32::from).collect(),
            biases: longs(2),
            equalisers: shorts(6).collect(),
            zeros: longs(8),
        }
    }
}

/// The scale of a row for the drain: `m_n` and `h` of (6).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RowScale {
    pub(crate) normalised: i16,
    pub(crate) shift: i32,
}

/// (1) of a number that may need more than 32 bits on the way.
pub(crate) const fn rounded(x: i64, shift: i32) -> i64 {
    if shift > 0 { (x + (1 << (shift - 1))) >> shift } else { x << -shift }
}

/// (3) of a wide number.
pub(crate) fn narrowed(x: i64) -> i16 {
    x.clamp(i16::MIN.into(), i16::MAX.into()) as i16
}

/// (11): `sum` of a row with a scale, in a column of the header.
pub(crate) fn requantise(sum: i32, row: RowScale, header: &Header, column: usize, shifts: (i32, i32)) -> i32 {
    let sum = i64::from(sum.wrapping_add(header.zeros[column]));
    let narrow = narrowed(rounded(sum, shifts.0));
    let product = i32::from(mul_q15(narrow, row.normalised)) * header.multipliers[column];
    let output = rounded(product.into(), (shifts.1 + row.shift) & 31) as i32;
    output.wrapping_add(header.biases[column])
}
