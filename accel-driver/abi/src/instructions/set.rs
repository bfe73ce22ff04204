//! The instructions of the engine. Numbers in parentheses are equations of SPEC.md.

use super::bits::Bits;
use super::field::{FieldValue, InstructionError, InstructionField};
use super::format::{Format, PAYLOAD_BITS};
use super::values::{DrainMode, Kind, Scalar, Unit};

instructions! {
    /// Streams words of card memory into the ring of weights.
    pub struct Load("load", Loader, waits 0, signals 0) = 1 {
        /// Card address of the first word, in bytes.
        address: u64, 40;
        /// Words of N bytes.
        words: usize, 28 from 1;
    }

    /// Reads token ids from the host, and the rows of these words from card memory.
    pub struct Gather("gather", Gather, waits 1, signals 1) = 2 {
        /// Card address of the row of word 0.
        rows: u64, 40;
        /// Words of N bytes from one row to the next.
        row_words: usize, 12 from 1;
        /// The first token of the sequence that is read.
        first: usize, 16;
        /// How many tokens are read: at most N.
        count: usize, 7 from 1;
        /// Ids from this number on are out of range.
        vocabulary: usize, 25;
        /// Types from this number on are out of range.
        types: usize, 3;
    }

    /// Multiplies: `outer` x `inner` tiles of `k` steps.
    pub struct Mac("mac", Array, waits 2, signals 2) = 3 {
        /// Steps of a tile, each a word of both operands.
        k: usize, 13 from 1;
        /// Turns of the outer loop.
        outer: usize, 10 from 1;
        /// Turns of the inner loop.
        inner: usize, 8 from 1;
        /// The first word of the left operand: in A, or with `planes` in P.
        a: usize, 20;
        /// Words of the left operand from one outer turn to the next.
        a_outer: usize, 16;
        /// Words of the left operand from one inner turn to the next.
        a_inner: usize, 16;
        /// The first word of the right operand in B; not used with `ring`.
        b: usize, 20;
        /// Words of the right operand from one outer turn to the next.
        b_outer: usize, 16;
        /// Words of the right operand from one inner turn to the next.
        b_inner: usize, 16;
        /// The right operand is the panel at the head of the ring; each outer turn takes one.
        ring: bool, 1;
        /// The left operand is a softmax weight of two planes of 7 bits, (24): a tile is read
        /// twice.
        planes: bool, 1;
    }

    /// Moves words from the ring to memory G, or pairs of words to memory V.
    pub struct Move("move", Array, waits 2, signals 2) = 4 {
        /// To memory V.
        to_v: bool, 1;
        /// The first word there.
        destination: usize, 20;
        /// Words of the ring.
        words: usize, 20 from 1;
    }

    /// Drains planes of sums: `outer` x `inner` planes, in the order of the `mac`.
    pub struct Drain("drain", Drain, waits 1, signals 2) = 5 {
        /// What becomes of the sums.
        mode: DrainMode, 3;
        /// A word is a row of the plane (a token), not a column (a channel).
        by_row: bool, 1;
        /// `last_columns` are those of the last outer turn, not those of the last inner turn.
        by_panel: bool, 1;
        /// Turns of the outer loop.
        outer: usize, 10 from 1;
        /// Turns of the inner loop.
        inner: usize, 8 from 1;
        /// Columns of a plane, or rows: at most N.
        columns: usize, 7 from 1;
        /// Columns of the last plane, or rows: at most N.
        last_columns: usize, 7 from 1;
        /// Lanes of the last inner turn that count for statistics.
        last_lanes: usize, 7;
        /// The first column that is read.
        start: usize, 7;
        /// The first word that is written.
        destination: usize, 20;
        /// Words from one outer turn to the next.
        d_outer: usize, 16;
        /// Words from one inner turn to the next.
        d_inner: usize, 16;
        /// The first word of the residual in V.
        residual: usize, 20;
        /// `acc_shift` of (11).
        acc_shift: i32, 4;
        /// `out_shift` of (11).
        out_shift: i32, 5;
        /// The shift of (12).
        residual_shift: i32, 3;
        /// The scales of the first tile's rows.
        row_scale: usize, 8;
        /// The first entry of the statistics that is updated.
        stat: usize, 9;
        /// Each inner turn has an entry of its own.
        stat_inner: bool, 1;
        /// Each group of 2^`stat_group` channels has an entry of its own.
        stat_group: usize, 4;
        /// Each entry is cleared before its first word.
        clear: bool, 1;
        /// The softmax slot whose scales `Context` uses.
        slot: usize, 2;
    }

    /// Sets half of the activation's table: twelve of its 24 coefficients.
    pub struct Table("table", Drain, waits 0, signals 0) = 6 {
        /// The first four coefficients.
        low: [i16; 4], 64;
        /// The next four.
        middle: [i16; 4], 64;
        /// The last four.
        high: [i16; 4], 64;
        /// The second half.
        half: bool, 1;
        /// Fraction bits of (29).
        fraction_bits: i32, 4;
        /// The offset of (30).
        offset: i16, 16;
    }

    /// Runs a scalar step, then a pass of `turns` x `length` words.
    pub struct Pass("pass", Pass, waits 2, signals 2) = 7 {
        /// The scalar step.
        scalar: Scalar, 3;
        /// What the pass does.
        kind: Kind, 3;
        /// Words of a turn.
        length: usize, 13 from 1;
        /// Turns.
        turns: usize, 8 from 1;
        /// The first word that is read: in V, or with `from_y`, `Square`, `Norm` and `Exp` in Y.
        source: usize, 20;
        /// Words that are read from one turn to the next.
        s_turn: usize, 16;
        /// The first word that is written.
        destination: usize, 20;
        /// Words that are written from one turn to the next.
        d_turn: usize, 16;
        /// The first word of the stream that `Norm` writes in V.
        second: usize, 20;
        /// The first channel of the parameters in G.
        g: usize, 12;
        /// The entry of the drain's statistics.
        stat: usize, 9;
        /// Where `Scale` keeps the scales of the rows.
        row_scale: usize, 8;
        /// `Scale` keeps the scales of the rows.
        write_scale: bool, 1;
        /// The rows have no sign.
        unsigned: bool, 1;
        /// `Quantize` reads Y.
        from_y: bool, 1;
        /// `Quantize` writes B.
        to_b: bool, 1;
        /// The scalar step takes the sum and the maximum of the pass before, not the drain's.
        own: bool, 1;
        /// `Scale` takes the greatest maximum of all lanes.
        block: bool, 1;
        /// The block's scale of a head: the first of the head's three, or the one to write.
        head: usize, 6;
        /// Each half of the lanes is a block of its own; the second one's scale goes to `head` + 3.
        halves: bool, 1;
        /// Lanes of the last turn that `Pool` sums.
        lanes: usize, 7;
        /// `Mean`, `Rho`: the reciprocal of the width. `Head`: the score's multiplier, and its
        /// shift from bit 15 on.
        constant: usize, 28;
        /// The softmax slot of `Soft`.
        slot: usize, 2;
        /// The shift of `Embed`.
        shift: i32, 3;
    }

    /// Ends the sequence when everything before it is done.
    pub struct End("end", Pass, waits 2, signals 2) = 8 {}
}
