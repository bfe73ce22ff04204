//! Strips: four rows of bytes whose lines are grouped so that the sums of a group fit 16 bits.
//!
//! Some processors cannot add four products of bytes into 32 bits. They multiply a byte in [1, 127]
//! by a signed byte and add two such products into 16 bits. To widen that sum to 32 bits costs as
//! much as the product. In a strip, one widening serves a whole group of lines.
//!
//! A group ends before the first line with which a sum of products could leave 16 bits, for any
//! weights. The groups depend on the inputs alone, so they are made once for all columns.

use alloc::vec;
use alloc::vec::Vec;

use lockstep_arith::rows::Sign;

use super::line::{GROUP, Line, WEIGHT_OFFSET};
use super::packed::PackedWeights;
use super::product::Product;

/// Rows of a strip.
pub(crate) const ROWS: usize = 4;

/// [`GROUP`] inputs of each row.
pub(crate) type Inputs = [i8; ROWS * GROUP];

/// One line of a strip: inputs, and the position of their weights.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(16))]
pub(crate) struct StripLine {
    pub(crate) inputs: Inputs,
    /// Bytes from the start of a panel to the line of weights.
    pub(crate) offset: u32,
}

/// How an instruction set computes the greatest sums that the lines of a group can have.
pub(crate) trait Loads: Copy {
    /// For each row and each pair of inputs: the sum of the positive inputs and the sum of the
    /// negative ones, eight bits each.
    type Sums: Copy;

    /// Returns the sums of one line.
    fn of(self, line: &Inputs) -> Self::Sums;

    /// Adds two sums. `None` if one of the results exceeds 254. A sum of products is then at most
    /// `254 * 127`, which is below `2^15`; the sums of a single line always are.
    fn add(self, a: Self::Sums, b: Self::Sums) -> Option<Self::Sums>;

    /// Subtracts [`UNSIGNED_CENTRE`] from unsigned inputs and returns signed bytes. An input that
    /// exceeds a signed byte is divided: the first line holds the greatest signed byte, the second
    /// line the rest.
    #[inline(always)]
    fn centred(self, line: Inputs) -> (Inputs, Option<Inputs>) {
        let rest = line.map(|q| q.max(GREATEST) - GREATEST);
        let line = line.map(|q| q.min(GREATEST) + (127 - GREATEST));
        (line, (rest != [0; ROWS * GROUP]).then_some(rest))
    }
}

/// Greatest number of lines in a group.
pub(crate) const LONGEST: usize = 8;

/// Up to [`ROWS`] rows of inputs. Missing rows are zeros.
#[derive(Clone, Debug, Default)]
pub(crate) struct Strip {
    /// The lines, group after group. Their offsets are inside a panel.
    pub(crate) lines: Vec<StripLine>,
    /// Number of groups of each length. The longest groups come first: then the processor predicts
    /// the ends of the loops.
    pub(crate) groups: [u32; LONGEST + 1],
}

/// The number that is subtracted from an unsigned input in [0, 255]. Most inputs are near it, so
/// the differences are small and the groups are long.
pub(crate) const UNSIGNED_CENTRE: i32 = 20;

/// The greatest stored input of an unsigned row (it is stored -128) whose difference from
/// [`UNSIGNED_CENTRE`] fits a signed byte.
pub(crate) const GREATEST: i8 = (127 + UNSIGNED_CENTRE - 128) as i8;

/// Lines in their order, and the groups that they form.
struct Grouping<L: Loads> {
    loads: L,
    lines: Vec<StripLine>,
    lengths: Vec<u8>,
    sums: Option<L::Sums>,
}

impl<L: Loads> Grouping<L> {
    /// Adds a line to the last group, or to a new one.
    #[inline(always)]
    fn push(&mut self, index: usize, inputs: Inputs) {
        let own = self.loads.of(&inputs);
        self.lines.push(StripLine { inputs, offset: (index * size_of::<Line>()) as u32 });
        let sums = match self.sums {
            Some(sums) => self.loads.add(sums, own),
            None => None,
        };
        match (sums, self.lengths.last_mut()) {
            (Some(sums), Some(length)) if usize::from(*length) < LONGEST => {
                *length += 1;
                self.sums = Some(sums);
            }
            _ => {
                self.lengths.push(1);
                self.sums = Some(own);
            }
        }
    }
}

impl Strip {
    /// The strip of up to [`ROWS`] rows of `stride` bytes each; `stride` is a multiple of four.
    #[inline(always)]
    pub(crate) fn new<L: Loads>(loads: L, q: &[i8], stride: usize, sign: Sign) -> Self {
        let count = stride / GROUP;
        let room = count + count / 4;
        let mut grouping = Grouping {
            loads,
            lines: Vec::with_capacity(room),
            lengths: Vec::with_capacity(room),
            sums: None,
        };
        for g in 0..count {
            let mut line = [0; ROWS * GROUP];
            for (line, q) in line.chunks_exact_mut(GROUP).zip(q.chunks_exact(stride)) {
                line.copy_from_slice(&q[g * GROUP..][..GROUP]);
            }
            if sign == Sign::Unsigned {
                let (centred, rest) = loads.centred(line);
                line = centred;
                if let Some(rest) = rest {
                    grouping.push(g, rest);
                }
            }
            grouping.push(g, line);
        }
        Self::longest_first(&grouping.lines, &grouping.lengths)
    }

    /// Moves whole groups so that the longest ones come first.
    fn longest_first(lines: &[StripLine], lengths: &[u8]) -> Self {
        let mut groups = [0; LONGEST + 1];
        lengths.iter().for_each(|&length| groups[usize::from(length)] += 1);
        let mut starts = [0; LONGEST + 1];
        for length in (0..LONGEST).rev() {
            starts[length] = starts[length + 1] + groups[length + 1] as usize * (length + 1);
        }
        let mut strip =
            Self { lines: vec![StripLine { inputs: [0; ROWS * GROUP], offset: 0 }; lines.len()], groups };
        let mut rest = lines;
        for &length in lengths {
            let length = usize::from(length);
            let (group, tail) = rest.split_at(length);
            rest = tail;
            let to = starts[length]..starts[length] + length;
            starts[length] = to.end;
            strip.lines[to].copy_from_slice(group);
        }
        strip
    }
}

/// Divides the rows of a product of bytes into strips. The numbers that its sums start with become
/// those of the strips' inputs.
#[inline(always)]
pub(crate) fn strips<L: Loads>(
    loads: L,
    product: &mut Product<'_>,
    q: &[i8],
    weights: &PackedWeights,
) -> Vec<Strip> {
    let stride = weights.row_len();
    if weights.sign() == Sign::Unsigned {
        // An input of a strip is `q + z - UNSIGNED_CENTRE`, and the offset of the weights
        // multiplies it.
        let inputs = (Sign::Unsigned.zero_point() - UNSIGNED_CENTRE) * stride as i32;
        product.row_starts.iter_mut().for_each(|start| *start -= WEIGHT_OFFSET * inputs);
        let centre = |start| start / Sign::Unsigned.zero_point() * UNSIGNED_CENTRE;
        product.column_starts = product.column_starts.iter().map(centre).collect();
    }
    let mut strips = Vec::with_capacity(product.rows.div_ceil(ROWS));
    // A loop and no closure: the compiler gives it the instruction set of the caller.
    for q in q.chunks(ROWS * stride) {
        strips.push(Strip::new(loads, q, stride, weights.sign()));
    }
    strips
}
