//! The register map of BAR 0.
//!
//! A register has 32 bits and is read and written whole. A 64-bit number is two registers, `_LO`
//! before `_HI`. A read never changes anything, and reads zero at an offset that has no register.
//! The second page holds only the doorbells, so that a process can map the doorbells alone.

use crate::Constant;

registers! {
    /// The kind of card: `ID_VALUE`. Every read of a card that is gone gives all ones.
    ID = 0x000, ReadOnly;
    /// Version of the interface.
    VERSION = 0x004, ReadOnly {
        /// A greater number adds to the interface and changes nothing else.
        MINOR = 0 + 16,
        /// Driver and card work together only if this number is the same.
        MAJOR = 16 + 16,
    };
    /// A number of the hardware's build.
    BUILD_ID = 0x008, ReadOnly;
    /// Keeps the value that is written. A driver tests its access to the registers with it.
    SCRATCH = 0x00c, ReadWrite;
    /// The size of the array.
    CAP_ARRAY = 0x010, ReadOnly {
        /// Rows: tokens that the array multiplies at once.
        ROWS = 0 + 16,
        /// Columns: outputs that the array computes at once.
        COLUMNS = 16 + 16,
    };
    /// The largest model.
    CAP_LIMITS = 0x014, ReadOnly {
        /// The longest sequence, in tokens.
        TOKENS = 0 + 16,
        /// The greatest hidden size.
        HIDDEN = 16 + 16,
    };
    /// The depths of the engine's vector memories, in units of 64 words.
    CAP_VECTORS = 0x018, ReadOnly {
        /// Memory V: streams, projections, contexts.
        V = 0 + 16,
        /// Memory Y: sums and scores.
        Y = 16 + 16,
    };
    /// The depths of two more memories of the engine, in units of 64 words.
    CAP_BUFFERS = 0x01c, ReadOnly {
        /// Memory P: weights of the softmax.
        P = 0 + 16,
        /// The ring of weights.
        RING = 16 + 16,
    };
    /// The size of the card memory in bytes, low half.
    CAP_CARD_BYTES_LO = 0x020, ReadOnly;
    /// The size of the card memory in bytes, high half.
    CAP_CARD_BYTES_HI = 0x024, ReadOnly;
    /// The widths of the memory ports.
    CAP_PORTS = 0x028, ReadOnly {
        /// Bytes that the host port moves in a cycle.
        HOST_BYTES = 0 + 16,
        /// Bytes that the card port moves in a cycle.
        CARD_BYTES = 16 + 16,
    };
    /// The limits of the queue.
    CAP_QUEUE = 0x02c, ReadOnly {
        /// The greatest `RING_LOG2`.
        RING_LOG2_MAX = 0 + 8,
        /// Jobs that the card works on at once.
        JOBS = 8 + 8,
        /// Number of interrupt vectors.
        VECTORS = 16 + 8,
    };
    /// Programs of the engine.
    CAP_PROGRAM = 0x030, ReadOnly {
        /// The version of the instruction set.
        VERSION = 0 + 16,
        /// The greatest number of runs of one job.
        RUNS = 16 + 16,
    };
    /// The depths of the engine's operand memories, in units of 64 words.
    CAP_OPERANDS = 0x034, ReadOnly {
        /// Memory A: rows that the array multiplies.
        A = 0 + 16,
        /// Memory B: keys and values.
        B = 16 + 16,
    };
    /// The clock frequency in kHz; 0 if the card does not know it.
    CAP_CLOCK_KHZ = 0x038, ReadOnly;
    /// The number of counters.
    CAP_COUNTERS = 0x03c, ReadOnly;
    /// Enables and resets the card.
    CONTROL = 0x040, ReadWrite {
        /// The card fetches descriptors. Once the bit has been set, the base and size registers are
        /// locked until a reset. After a reset both rings begin at index 0. After a pause they go
        /// on where they stopped.
        ENABLE = 0 + 1,
        /// A one resets everything except SCRATCH and the counters. The card finishes its
        /// transactions on the bus, and drops jobs without writing records. The bit reads as one
        /// until the reset is done.
        RESET = 1 + 1,
    };
    /// The state of the card.
    STATUS = 0x044, ReadOnly {
        /// The queue is enabled and takes descriptors.
        READY = 0 + 1,
        /// The card works on a job, or a descriptor waits.
        BUSY = 1 + 1,
        /// A reset waits until the transactions on the bus are finished.
        RESETTING = 2 + 1,
        /// The card stopped after an error and needs a reset.
        HALTED = 3 + 1,
        /// An abort is not yet decided: its job may still be among the descriptors.
        ABORTING = 4 + 1,
        /// Jobs that the card works on.
        JOBS = 8 + 8,
    };
    /// Errors since the bits were cleared, as `ErrorBits`.
    ERROR_STATUS = 0x048, WriteOneToClear;
    /// The first bus error since the four bus bits of ERROR_STATUS were all zero.
    ERROR_INFO = 0x04c, ReadOnly {
        /// The port, as `Port`.
        PORT = 0 + 8,
        /// The AXI response: 2 is an error of the slave, 3 an address without a slave.
        RESPONSE = 8 + 2,
    };
    /// The address of the error in ERROR_INFO, low half: of the beat of a read, or of the burst of
    /// a write.
    ERROR_ADDRESS_LO = 0x050, ReadOnly;
    /// The address of the error in ERROR_INFO, high half.
    ERROR_ADDRESS_HI = 0x054, ReadOnly;
    /// The card aborts a job that has been the oldest for this many clock cycles. 0 switches the
    /// watchdog off.
    WATCHDOG = 0x058, ReadWrite;
    /// Aborts the job with a tag. The job's descriptor must have been submitted before; a job that
    /// is done is not affected. While STATUS.ABORTING is set, a further abort finds only jobs that
    /// the card works on. The register reads as the last tag written.
    ABORT = 0x05c, Command {
        /// The job's tag.
        TAG = 0 + 16,
    };
    /// Pending interrupts, as `InterruptBits`. The card requests a vector while its bit is set here
    /// and in INT_ENABLE. Clearing a bit withdraws the request for at least one cycle, so an event
    /// that came in the meantime is a new edge.
    INT_STATUS = 0x060, WriteOneToClear;
    /// The mask of interrupts: the card requests a vector only if its bit is one.
    INT_ENABLE = 0x064, ReadWrite;
    /// A one sets the bit in INT_STATUS. A driver tests its vectors with it. Reads as zero.
    INT_FORCE = 0x068, Command;
    /// IOVA of the submission ring, a multiple of 64, low half.
    SUBMIT_BASE_LO = 0x080, ReadWrite;
    /// IOVA of the submission ring, high half.
    SUBMIT_BASE_HI = 0x084, ReadWrite;
    /// IOVA of the completion ring, a multiple of 64, low half.
    COMPLETE_BASE_LO = 0x088, ReadWrite;
    /// IOVA of the completion ring, high half.
    COMPLETE_BASE_HI = 0x08c, ReadWrite;
    /// Both rings have 2^RING_LOG2 entries: 1 to CAP_QUEUE.RING_LOG2_MAX.
    RING_LOG2 = 0x090, ReadWrite;
    /// The indices of the submission ring.
    SUBMIT_INDEX = 0x094, ReadOnly {
        /// The producer index: the last value of the doorbell.
        PRODUCER = 0 + 16,
        /// The consumer index: the card has read the descriptors before it.
        CONSUMER = 16 + 16,
    };
    /// The indices of the completion ring.
    COMPLETE_INDEX = 0x098, ReadOnly {
        /// The producer index: records before it are written, or are on their way.
        PRODUCER = 0 + 16,
        /// The consumer index: the last value of the doorbell.
        CONSUMER = 16 + 16,
    };
    /// The doorbell of the submission ring: the driver writes its new producer index. Reads as the
    /// last valid index.
    DOORBELL_SUBMIT = 0x1000, Command {
        /// Free-running index.
        INDEX = 0 + 16,
    };
    /// The doorbell of the completion ring: the driver writes its new consumer index. The card
    /// overwrites a record only after the driver has consumed it.
    DOORBELL_COMPLETE = 0x1004, Command {
        /// Free-running index.
        INDEX = 0 + 16,
    };
}

/// Where the counters begin. Counter `i` of [`crate::events::Event`] is the 64-bit number at
/// `COUNTERS + 8 * i`; [`crate::events::read_counter`] reads it.
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
