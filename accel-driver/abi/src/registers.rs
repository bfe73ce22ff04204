//! The register map of BAR 0.
//!
//! Registers are 32 bits wide and are read and written whole. A 64-bit number is two registers, `_LO` before `_HI`. A read never
//! changes anything. Offsets where no register is read as zero. The second page holds only the doorbells, so that it can be
//! mapped apart.

use crate::Constant;

registers! {
    /// What card this is: `ID_VALUE`. A card that is gone reads as all ones.
    ID = 0x000, ReadOnly;
    /// Version of the interface.
    VERSION = 0x004, ReadOnly {
        /// Differences within one major number are additions.
        MINOR = 0 + 16,
        /// Numbers that differ do not work together.
        MAJOR = 16 + 16,
    };
    /// Identifies the build of the hardware; any number.
    BUILD_ID = 0x008, ReadOnly;
    /// Holds what is written, for a driver's first check.
    SCRATCH = 0x00c, ReadWrite;
    /// Size of the array.
    CAP_ARRAY = 0x010, ReadOnly {
        /// Tokens that the array multiplies at once.
        ROWS = 0 + 16,
        /// Outputs that it computes at once.
        COLUMNS = 16 + 16,
    };
    /// Limits of a model.
    CAP_LIMITS = 0x014, ReadOnly {
        /// Most tokens of one sequence.
        TOKENS = 0 + 16,
        /// Greatest hidden size.
        HIDDEN = 16 + 16,
    };
    /// Words of the engine's vector memories.
    CAP_VECTORS = 0x018, ReadOnly {
        /// Memory V: streams, projections, contexts, in units of 64 words.
        V = 0 + 16,
        /// Memory Y: sums and scores, in units of 64 words.
        Y = 16 + 16,
    };
    /// Words of the engine's other memories.
    CAP_BUFFERS = 0x01c, ReadOnly {
        /// Memory P: weights of the softmax, in units of 64 words.
        P = 0 + 16,
        /// The ring of weights, in units of 64 words.
        RING = 16 + 16,
    };
    /// Bytes of card memory, low half.
    CAP_CARD_BYTES_LO = 0x020, ReadOnly;
    /// Bytes of card memory, high half.
    CAP_CARD_BYTES_HI = 0x024, ReadOnly;
    /// Widths of the memory ports.
    CAP_PORTS = 0x028, ReadOnly {
        /// Bytes a cycle of the host port.
        HOST_BYTES = 0 + 16,
        /// Bytes a cycle of the card port.
        CARD_BYTES = 16 + 16,
    };
    /// The queue.
    CAP_QUEUE = 0x02c, ReadOnly {
        /// Greatest base-2 logarithm of the entries of a ring.
        RING_LOG2_MAX = 0 + 8,
        /// Jobs that are under way at once.
        JOBS = 8 + 8,
        /// Interrupt vectors.
        VECTORS = 16 + 8,
    };
    /// The engine's program.
    CAP_PROGRAM = 0x030, ReadOnly {
        /// Version of the instruction set.
        VERSION = 0 + 16,
        /// Most repetitions of one job.
        RUNS = 16 + 16,
    };
    /// Words of the engine's operand memories.
    CAP_OPERANDS = 0x034, ReadOnly {
        /// Memory A: rows that are multiplied, in units of 64 words.
        A = 0 + 16,
        /// Memory B: keys and values, in units of 64 words.
        B = 16 + 16,
    };
    /// Clock frequency in kHz, 0 where it is not known.
    CAP_CLOCK_KHZ = 0x038, ReadOnly;
    /// Number of counters.
    CAP_COUNTERS = 0x03c, ReadOnly;
    /// Enable and reset.
    CONTROL = 0x040, ReadWrite {
        /// Descriptors are fetched. From the first time on that it is set until a reset, writes to base and size registers have no
        /// effect. After a reset both rings begin at index 0; after a pause they go on where they were.
        ENABLE = 0 + 1,
        /// Writing one resets all but SCRATCH and the counters: jobs are dropped without records, transactions on the bus are
        /// finished. Reads as one until that is done.
        RESET = 1 + 1,
    };
    /// What the card is doing.
    STATUS = 0x044, ReadOnly {
        /// The queue is enabled and takes descriptors.
        READY = 0 + 1,
        /// A job is under way or a descriptor waits.
        BUSY = 1 + 1,
        /// A reset waits for transactions on the bus.
        RESETTING = 2 + 1,
        /// An error after which only a reset helps.
        HALTED = 3 + 1,
        /// An abort is being looked for.
        ABORTING = 4 + 1,
        /// Jobs under way.
        JOBS = 8 + 8,
    };
    /// Sticky errors, `ErrorBits`.
    ERROR_STATUS = 0x048, WriteOneToClear;
    /// The first bus error since the four bus bits of ERROR_STATUS were all zero.
    ERROR_INFO = 0x04c, ReadOnly {
        /// `Port`.
        PORT = 0 + 8,
        /// AXI response: 2 from the slave, 3 no slave.
        RESPONSE = 8 + 2,
    };
    /// The address of that error, low half: the beat of a read, the burst of a write.
    ERROR_ADDRESS_LO = 0x050, ReadOnly;
    /// The address of that error, high half.
    ERROR_ADDRESS_HI = 0x054, ReadOnly;
    /// Clock cycles that a job may be the oldest before it is stopped; 0 switches the watchdog off.
    WATCHDOG = 0x058, ReadWrite;
    /// Aborts the job with a tag if its descriptor was submitted before; has no effect if it is done. While
    /// STATUS.ABORTING is set a further abort hits only jobs under way. Reads as the last tag written.
    ABORT = 0x05c, Command {
        /// The job's tag.
        TAG = 0 + 16,
    };
    /// Pending interrupts, `InterruptBits`. A vector is requested while its bit here and in INT_ENABLE is set; clearing a bit
    /// lets the request fall for at least one cycle, so what came in meanwhile is a new edge.
    INT_STATUS = 0x060, WriteOneToClear;
    /// Mask: a one lets the vector through.
    INT_ENABLE = 0x064, ReadWrite;
    /// Written ones set bits of INT_STATUS: a driver's test of its vectors. Reads as zero.
    INT_FORCE = 0x068, Command;
    /// IOVA of the submission ring, a multiple of 64, low half.
    SUBMIT_BASE_LO = 0x080, ReadWrite;
    /// High half.
    SUBMIT_BASE_HI = 0x084, ReadWrite;
    /// IOVA of the completion ring, a multiple of 64, low half.
    COMPLETE_BASE_LO = 0x088, ReadWrite;
    /// High half.
    COMPLETE_BASE_HI = 0x08c, ReadWrite;
    /// Base-2 logarithm of the entries of both rings, 1 to CAP_QUEUE.RING_LOG2_MAX.
    RING_LOG2 = 0x090, ReadWrite;
    /// The submission ring.
    SUBMIT_INDEX = 0x094, ReadOnly {
        /// Producer index: the doorbell's last value.
        PRODUCER = 0 + 16,
        /// Consumer index: descriptors before it have been read.
        CONSUMER = 16 + 16,
    };
    /// The completion ring.
    COMPLETE_INDEX = 0x098, ReadOnly {
        /// Producer index: records before it are written or on their way.
        PRODUCER = 0 + 16,
        /// Consumer index: the doorbell's last value.
        CONSUMER = 16 + 16,
    };
    /// Doorbell of the submission ring: the driver's new producer index. Reads as the last valid one.
    DOORBELL_SUBMIT = 0x1000, Command {
        /// Free-running index.
        INDEX = 0 + 16,
    };
    /// Doorbell of the completion ring: the driver's new consumer index. The card writes no record over one that is not consumed.
    DOORBELL_COMPLETE = 0x1004, Command {
        /// Free-running index.
        INDEX = 0 + 16,
    };
}

/// Where the counters begin: counter `i` of [`crate::events::Event`] is the 64-bit number at `COUNTERS + 8 * i`.
/// A driver reads the high half, the low half, and the high half again.
pub const COUNTERS: u32 = 0x200;

/// Bits of an offset within the BAR.
pub const OFFSET_BITS: u32 = crate::BAR_BYTES.trailing_zeros();

/// The numbers above for the generated files.
pub const CONSTANTS: &[Constant] = &[
    Constant { name: "COUNTERS", value: COUNTERS as u64, about: "offset of the first counter" },
    Constant { name: "OFFSET_BITS", value: OFFSET_BITS as u64, about: "bits of an offset within the BAR" },
];

const _: () = {
    let mut i = 0;
    while i < REGISTERS.len() {
        let register = &REGISTERS[i];
        assert!(register.offset.is_multiple_of(4) && register.offset < crate::BAR_BYTES);
        assert!(i == 0 || REGISTERS[i - 1].offset < register.offset);
        assert!(register.offset < COUNTERS || register.offset >= 0x1000);
        let mut used = 0;
        let mut j = 0;
        while j < register.fields.len() {
            let mask = register.fields[j].mask();
            assert!(mask != 0 && used & mask == 0);
            used |= mask;
            j += 1;
        }
        i += 1;
    }
};
