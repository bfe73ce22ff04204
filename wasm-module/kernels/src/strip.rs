//! Four rows of bytes, cut into lines that are grouped so that the sums of a group stay within 16 bits.
//!
//! Processors without a product of four bytes multiply a byte in [1, 127] by a signed byte and add two such products in
//! 16 bits; widening that sum to 32 bits costs as much as the product. Here one widening serves a whole group of
//! lines. A group ends before the line with which a sum of its products could leave 16 bits, whatever the weights are.
//! The choice looks at the inputs alone, so it is made once and serves all columns.

use alloc::vec;
use alloc::vec::Vec;

use lockstep_arith::rows::Sign;

use crate::packed::{GROUP, Line};

/// Rows of a strip.
pub(crate) const ROWS: usize = 4;

/// [`GROUP`] inputs of each row.
pub(crate) type Inputs = [i8; ROWS * GROUP];

/// Inputs, and where their weights are.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(16))]
pub(crate) struct StripLine {
    pub(crate) inputs: Inputs,
    /// From the start of a panel to the line of weights, in bytes.
    pub(crate) offset: u32,
}

/// How an instruction set adds up what the lines of a group may sum to.
pub(crate) trait Loads: Copy {
    /// For each row and pair of inputs the sum of the positive and of the negative inputs, eight bits each.
    type Sums: Copy;

    /// The sums of one line.
    fn of(self, line: &Inputs) -> Self::Sums;

    /// The sums of both; nothing where one of them is beyond 254. A sum of products is then at most `254 * 127`,
    /// which is below `2^15`, and so is that of one line alone.
    fn add(self, a: Self::Sums, b: Self::Sums) -> Option<Self::Sums>;

    /// Unsigned inputs, less their centre, as signed bytes; and what is left of those beyond one.
    #[inline(always)]
    fn centred(self, line: Inputs) -> (Inputs, Option<Inputs>) {
        let rest = line.map(|q| q.max(GREATEST) - GREATEST);
        let line = line.map(|q| q.min(GREATEST) + (127 - GREATEST));
        (line, (rest != [0; ROWS * GROUP]).then_some(rest))
    }
}

/// Most lines of a group.
pub(crate) const LONGEST: usize = 8;

/// Up to [`ROWS`] rows of inputs; missing rows are zeros.
#[derive(Clone, Debug, Default)]
pub(crate) struct Strip {
    /// Their offsets are inside a panel.
    pub(crate) lines: Vec<StripLine>,
    /// Number of groups of each length. The longest groups come first, so that a processor foresees the loops' ends.
    pub(crate) groups: [u32; LONGEST + 1],
}

/// What is taken off the numbers of an unsigned row, which are in [0, 255]: where most of them are, so that groups are long.
pub(crate) const UNSIGNED_CENTRE: i32 = 20;

/// The greatest byte of an unsigned row, less its centre, that is one signed byte; of a greater one the rest is another.
pub(crate) const GREATEST: i8 = (127 + UNSIGNED_CENTRE - 128) as i8;

/// Lines in their order, cut into groups.
struct Cut<L: Loads> {
    loads: L,
    lines: Vec<StripLine>,
    lengths: Vec<u8>,
    sums: Option<L::Sums>,
}

impl<L: Loads> Cut<L> {
    /// Adds a line to the last group, or begins another.
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
    /// Of up to [`ROWS`] rows of `stride` bytes, a multiple of four.
    #[inline(always)]
    pub(crate) fn new<L: Loads>(loads: L, q: &[i8], stride: usize, sign: Sign) -> Self {
        let count = stride / GROUP;
        let room = count + count / 4;
        let mut cut =
            Cut { loads, lines: Vec::with_capacity(room), lengths: Vec::with_capacity(room), sums: None };
        for g in 0..count {
            let mut line = [0; ROWS * GROUP];
            for (line, q) in line.chunks_exact_mut(GROUP).zip(q.chunks_exact(stride)) {
                line.copy_from_slice(&q[g * GROUP..][..GROUP]);
            }
            if sign == Sign::Unsigned {
                let (centred, rest) = loads.centred(line);
                line = centred;
                if let Some(rest) = rest {
                    cut.push(g, rest);
                }
            }
            cut.push(g, line);
        }
        Self::longest_first(&cut.lines, &cut.lengths)
    }

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
