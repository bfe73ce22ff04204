//! The engine: how a job ends, what it takes at most, and the depths of its memories.

codes! {
    /// How the engine ended a job. The command processor makes a [`crate::Status`] of it; the
    /// completion record holds it as `detail`.
    pub enum EngineError {
        /// The job ended well, or the engine never had it.
        None = 0,
        /// The program holds an instruction that is none: an unknown opcode (0 among them), or a
        /// field with a value that the instruction does not take.
        IllegalInstruction = 1,
        /// A read of card memory was answered with an error.
        CardBus = 2,
        /// A read or a write of host memory was answered with an error.
        HostBus = 3,
        /// A token id or a token type of the inputs is out of range.
        BadInput = 4,
        /// The job was aborted.
        Aborted = 5,
    }
}

/// The longest sequence, in tokens.
pub const TOKENS_MAX: usize = 512;
/// The greatest hidden size.
pub const HIDDEN_MAX: usize = 1024;
/// The greatest width of the feed-forward layer.
pub const INTERMEDIATE_MAX: usize = 4096;
/// The longest program that a job can name, in instructions.
pub const PROGRAM_LENGTH_MAX: usize = 65_535;
/// Heads whose scores and softmax weights the engine holds at once.
pub const SOFTMAX_SLOTS: usize = 4;
/// Version of the instruction set.
pub const PROGRAM_VERSION: u32 = 2;

/// The numbers above for the generated files.
pub const CONSTANTS: &[crate::Constant] = &[
    constant("TOKENS_MAX", TOKENS_MAX, "the longest sequence in tokens"),
    constant("HIDDEN_MAX", HIDDEN_MAX, "the greatest hidden size"),
    constant("PROGRAM_LENGTH_MAX", PROGRAM_LENGTH_MAX, "the longest program in instructions"),
    constant("PROGRAM_VERSION", PROGRAM_VERSION as usize, "version of the instruction set"),
    constant("SOFTMAX_SLOTS", SOFTMAX_SLOTS, "heads whose scores the engine holds at once"),
];

const fn constant(name: &'static str, value: usize, about: &'static str) -> crate::Constant {
    crate::Constant { name, value: value as u64, about }
}

/// The depth of one memory of the engine.
///
/// An array of N x N reads words of N lanes, so the words of most memories are a number of
/// channels times a number of tokens, divided by N.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// Name of the memory: `depth_NAME` in SystemVerilog.
    pub name: &'static str,
    /// Words times lanes.
    pub lane_words: usize,
    /// Words that are there for every number of lanes.
    pub fixed_words: usize,
    /// What it holds.
    pub about: &'static str,
}

impl Memory {
    /// Words of the memory beside an array of `lanes` x `lanes`. No lanes are no words.
    #[must_use]
    pub const fn words(&self, lanes: usize) -> usize {
        match self.lane_words.checked_div(lanes) {
            Some(words) => words + self.fixed_words,
            None => 0,
        }
    }
}

macro_rules! memories {
    ($($(#[doc = $doc:literal])+ $name:ident, $text:literal: $lane_words:expr, $fixed_words:expr;)+) => {
        $($(#[doc = $doc])+ pub const $name: Memory = Memory {
            name: $text,
            lane_words: $lane_words,
            fixed_words: $fixed_words,
            about: concat!($($doc),+),
        };)+
        /// The memories whose depths a program depends on.
        pub const MEMORIES: &[Memory] = &[$($name),+];
    };
}

// The depths hold the largest shape: TOKENS_MAX tokens of HIDDEN_MAX channels, with
// INTERMEDIATE_MAX channels behind the activation.
memories! {
    /// A: 8-bit rows that the array multiplies. Layer inputs, queries, rows behind the activation.
    MEMORY_A, "a": (2 * HIDDEN_MAX + INTERMEDIATE_MAX) * TOKENS_MAX, 0;
    /// B: 8-bit keys and values.
    MEMORY_B, "b": 2 * HIDDEN_MAX * TOKENS_MAX, 0;
    /// P: 14-bit weights of the softmax.
    MEMORY_P, "p": 0, SOFTMAX_SLOTS * TOKENS_MAX;
    /// V: 16-bit rows. The stream, projections or rows behind the activation, contexts.
    MEMORY_V, "v": 5 * HIDDEN_MAX * TOKENS_MAX, 0;
    /// Y: 24-bit sums and scores.
    MEMORY_Y, "y": HIDDEN_MAX * TOKENS_MAX, SOFTMAX_SLOTS * TOKENS_MAX;
    /// G: parameters of two LayerNorms and the type rows, four 16-bit numbers a channel. A word
    /// has 8 bits a lane, so it holds N / 8 channels.
    MEMORY_G, "g": 3 * HIDDEN_MAX * 8, 0;
    /// Scales of rows: four a token.
    ROW_SCALES, "row_scales": 4 * TOKENS_MAX, 0;
    /// Running maxima, minima and sums: three a tile of tokens, three a head, one a softmax slot.
    STATISTICS, "statistics": 3 * TOKENS_MAX, 3 * HIDDEN_MAX / 32 + SOFTMAX_SLOTS;
    /// The ring of weights between card memory and array.
    WEIGHT_RING, "ring": 0, 8192;
}
