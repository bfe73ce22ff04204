//! The engine's instructions: 256 bits each, fields from the lowest bit up. The one source of `hdl-sim/rtl/engine/ls_isa_pkg.sv`.

use core::fmt::Write as _;

use crate::Error;

/// Bits of the part that all instructions share.
const COMMON_BITS: u32 = 40;
/// Bits of an instruction.
const BITS: u32 = 256;

/// A format: its name in the package, its queue, its opcode and its fields with their widths.
#[derive(Debug)]
pub struct Format {
    /// Name of the SystemVerilog type, without `_t`.
    pub name: &'static str,
    /// The queue it goes to.
    pub queue: Queue,
    /// Opcode within the queue.
    pub opcode: u8,
    /// Fields from the lowest bit of the payload up.
    pub fields: &'static [(&'static str, u32)],
}

/// The unit that executes an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queue {
    /// Streams weights into the ring.
    Load = 0,
    /// Fetches token ids and word rows.
    Gather = 1,
    /// The array.
    Array = 2,
    /// Drains sums.
    Drain = 3,
    /// Passes over the scratchpads.
    Pass = 4,
}

/// When a semaphore is waited for or signalled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Waits before everything, signals after everything.
    Once = 0,
    /// Waits for each inner turn of the first outer one, signals after each inner turn of the last outer one.
    Inner = 1,
    /// Each outer turn.
    Outer = 2,
}

/// Streams `words` words from the card address `address`.
pub static LOAD: Format =
    Format { name: "load", queue: Queue::Load, opcode: 0, fields: &[("address", 40), ("words", 28)] };

/// Ids `[first, first + count)` of the job's input, each `id | type << 24`; their rows are `row_words` words from `rows` on.
pub static GATHER: Format = Format {
    name: "gather",
    queue: Queue::Gather,
    opcode: 0,
    fields: &[("rows", 40), ("row_words", 12), ("first", 16), ("count", 7), ("vocabulary", 25), ("types", 3)],
};

/// `outer` x `inner` tiles of `k` steps.
pub static MAC: Format = Format {
    name: "mac",
    queue: Queue::Array,
    opcode: 0,
    fields: &[
        ("k", 13),
        ("outer", 10),
        ("inner", 8),
        ("a", 20),
        ("a_outer", 16),
        ("a_inner", 16),
        ("b", 20),
        ("b_outer", 16),
        ("b_inner", 16),
        ("ring", 1),
        ("planes", 1),
    ],
};

/// `words` ring words to memory G, or pairs of them to memory V.
pub static MOVE: Format = Format {
    name: "move",
    queue: Queue::Array,
    opcode: 1,
    fields: &[("to_v", 1), ("destination", 20), ("words", 20)],
};

const DRAIN_FIELDS: &[(&str, u32)] = &[
    ("mode", 2),
    ("by_row", 1),
    ("by_panel", 1),
    ("outer", 10),
    ("inner", 8),
    ("columns", 7),
    ("last_columns", 7),
    ("last_lanes", 7),
    ("start", 7),
    ("destination", 20),
    ("d_outer", 16),
    ("d_inner", 16),
    ("residual", 20),
    ("acc_shift", 4),
    ("out_shift", 5),
    ("residual_shift", 3),
    ("row_scale", 8),
    ("stat", 9),
    ("stat_inner", 1),
    ("stat_group", 4),
    ("clear", 1),
    ("slot", 2),
];

/// (11) and what follows: `mode` 0 to 16 bits, 1 with the residual sum, 2 through the activation. `last_columns` are those
/// of the last inner turn, or with `by_panel` those of the last outer one.
pub static LINEAR: Format = Format { name: "drain", queue: Queue::Drain, opcode: 0, fields: DRAIN_FIELDS };
/// Scores to memory Y.
pub static SCORE: Format = Format { name: "score", queue: Queue::Drain, opcode: 1, fields: DRAIN_FIELDS };
/// (25), (27).
pub static CONTEXT: Format = Format { name: "context", queue: Queue::Drain, opcode: 2, fields: DRAIN_FIELDS };

/// Half of an activation's table: twelve coefficients.
pub static TABLE: Format = Format {
    name: "table",
    queue: Queue::Drain,
    opcode: 3,
    fields: &[("low", 64), ("middle", 64), ("high", 64), ("half", 1), ("fraction_bits", 4), ("offset", 16)],
};

/// A scalar step, then a pass.
pub static PASS: Format = Format {
    name: "pass",
    queue: Queue::Pass,
    opcode: 0,
    fields: &[
        ("scalar", 3),
        ("kind", 3),
        ("length", 13),
        ("turns", 8),
        ("source", 20),
        ("s_turn", 16),
        ("destination", 20),
        ("d_turn", 16),
        ("second", 20),
        ("g", 12),
        ("stat", 9),
        ("row_scale", 8),
        ("write_scale", 1),
        ("unsigned", 1),
        ("from_y", 1),
        ("to_b", 1),
        ("own", 1),
        ("block", 1),
        ("head", 6),
        ("halves", 1),
        ("lanes", 7),
        ("constant", 28),
        ("slot", 2),
        ("shift", 3),
    ],
};

/// The job is done.
pub static END: Format = Format { name: "end", queue: Queue::Pass, opcode: 1, fields: &[] };

/// Values of the field `scalar` of [`PASS`].
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "the names are those of DESIGN.md's table")]
pub enum Scalar {
    Mean = 0,
    Rho = 1,
    Scale = 2,
    Soft = 3,
    Head = 4,
    None = 7,
}

/// Values of the field `kind` of [`PASS`].
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "the names are those of DESIGN.md's table")]
pub enum Kind {
    None = 0,
    Embed = 1,
    Square = 2,
    Norm = 3,
    Quantize = 4,
    Exp = 5,
    Pool = 6,
}

/// An instruction under construction.
#[derive(Clone, Debug)]
pub struct Instruction {
    format: &'static Format,
    bits: [u64; 4],
    waits: u32,
    signals: u32,
}

impl Instruction {
    /// All fields 0.
    #[must_use]
    pub fn new(format: &'static Format) -> Self {
        let head = u64::from(format.opcode) << 3 | format.queue as u64;
        Self { format, bits: [head, 0, 0, 0], waits: 0, signals: 0 }
    }

    /// The four words, lowest first.
    #[must_use]
    pub const fn words(&self) -> [u64; 4] {
        self.bits
    }

    /// Sets a field.
    ///
    /// # Errors
    /// A value that the field cannot hold, or a field that the format does not have.
    pub fn set(mut self, field: &'static str, value: u64) -> Result<Self, Error> {
        let mut low = COMMON_BITS;
        for &(name, width) in self.format.fields {
            if name == field {
                if width < 64 && value >> width != 0 {
                    return Err(Error::Field { format: self.format.name, field, value, width });
                }
                self.put(low, width, value);
                return Ok(self);
            }
            low += width;
        }
        Err(Error::NoField { format: self.format.name, field })
    }

    /// Waits for a semaphore; at most two.
    #[must_use]
    pub fn wait(mut self, semaphore: u8, when: When) -> Self {
        assert!(self.waits < 2, "an instruction waits for two semaphores at most");
        self.put(8 + 8 * self.waits, 8, reference(semaphore, when));
        self.waits += 1;
        self
    }

    /// Signals a semaphore; at most two.
    #[must_use]
    pub fn signal(mut self, semaphore: u8, when: When) -> Self {
        assert!(self.signals < 2, "an instruction signals two semaphores at most");
        self.put(24 + 8 * self.signals, 8, reference(semaphore, when));
        self.signals += 1;
        self
    }

    fn put(&mut self, low: u32, width: u32, value: u64) {
        for bit in 0..width {
            let at = low + bit;
            let word = &mut self.bits[(at / 64) as usize];
            *word = *word & !(1 << (at % 64)) | (value >> bit & 1) << (at % 64);
        }
    }
}

fn reference(semaphore: u8, when: When) -> u64 {
    1 << 7 | u64::from(semaphore & 31) << 2 | when as u64
}

/// The SystemVerilog package.
#[must_use]
pub fn package() -> String {
    let mut text = String::from(
        "// Generated from accel-driver/program by `make abi`; changes belong there.\npackage ls_isa_pkg;\n\n\
         \x20 typedef struct packed {\n    logic       enable;\n    logic [4:0] index;\n    logic [1:0] when_;\n  } sem_ref_t;\n\n\
         \x20 typedef struct packed {\n    logic [215:0] payload;\n    sem_ref_t     signal1;\n    sem_ref_t     signal0;\n    \
         sem_ref_t     wait1;\n    sem_ref_t     wait0;\n    logic [4:0]   opcode;\n    logic [2:0]   queue;\n  } instr_t;\n",
    );
    for format in [&LOAD, &GATHER, &MAC, &MOVE, &LINEAR, &TABLE, &PASS] {
        let used: u32 = format.fields.iter().map(|f| f.1).sum();
        let rest = BITS - COMMON_BITS - used;
        let _ = write!(text, "\n  typedef struct packed {{\n");
        if rest > 0 {
            let _ = writeln!(text, "    logic [{}:0] reserved;", rest - 1);
        }
        for (name, width) in format.fields.iter().rev() {
            let range = if *width == 1 { String::new() } else { format!("[{}:0] ", width - 1) };
            let _ = writeln!(text, "    logic {range}{name}{};", if reserved_word(name) { "_" } else { "" });
        }
        let _ = writeln!(text, "  }} {}_t;", format.name);
    }
    text.push_str("\nendpackage\n");
    text
}

fn reserved_word(name: &str) -> bool {
    matches!(name, "unsigned")
}
