//! Numbers with names: opcodes, statuses, ports, sticky errors, flags.

codes! {
    /// What a descriptor asks for. Zero is no opcode, so a ring of zeros starts nothing.
    pub enum Opcode {
        /// Does nothing and completes.
        Nop = 1,
        /// Runs a program of the card memory on inputs in host memory, and writes results to host memory.
        Run = 2,
        /// Copies host memory to card memory.
        CopyToCard = 3,
        /// Copies card memory to host memory.
        CopyFromCard = 4,
    }
}

codes! {
    /// How a job ended.
    pub enum Status {
        /// Done; the results are in host memory.
        Ok = 0,
        /// The descriptor could not be read from host memory. The record's tag is 0xffff, its address that of the descriptor.
        DescriptorRead = 1,
        /// The opcode is none of the known ones.
        BadOpcode = 2,
        /// A flag or a reserved byte of the descriptor is set.
        BadReserved = 3,
        /// An address or a length is not a multiple of four, or a program's of 64. The record holds the address.
        Misaligned = 4,
        /// A length is zero or above its limit.
        BadLength = 5,
        /// Part of the range lies beyond the card memory. The record holds the address.
        CardRange = 6,
        /// The program is for another array, or its tokens, hidden size or repetitions are zero or more than the card takes.
        UnsupportedShape = 7,
        /// The program holds an instruction that is none: see INSTRUCTIONS.md.
        BadInstruction = 8,
        /// The inputs are not what the program takes: a token or type id out of range.
        BadInput = 10,
        /// A read of host memory was answered with an error. The record holds the address.
        HostRead = 11,
        /// A write of host memory was answered with an error. The record holds the address.
        HostWrite = 12,
        /// A read of card memory was answered with an error. The record holds the address.
        CardRead = 13,
        /// A write of card memory was answered with an error. The record holds the address.
        CardWrite = 14,
        /// The job was the oldest for longer than the watchdog's period.
        Watchdog = 15,
        /// The driver had the job aborted.
        Aborted = 16,
    }
}

codes! {
    /// A path to memory.
    pub enum Port {
        /// Reads of host memory: descriptors, inputs, copies.
        HostRead = 0,
        /// Writes of host memory: completion records, results, copies.
        HostWrite = 1,
        /// Reads of card memory: programs, weights, copies.
        CardRead = 2,
        /// Writes of card memory: copies.
        CardWrite = 3,
    }
}

bits! {
    /// Bits of `ERROR_STATUS`: what went wrong since they were cleared.
    pub struct ErrorBits {
        /// A read of host memory was answered with an error.
        HOST_READ = 0,
        /// A write of host memory was answered with an error.
        HOST_WRITE = 1,
        /// A read of card memory was answered with an error.
        CARD_READ = 2,
        /// A write of card memory was answered with an error.
        CARD_WRITE = 3,
        /// A descriptor could not be read.
        DESCRIPTOR_READ = 4,
        /// A completion record could not be written. The card halts until it is reset.
        COMPLETION_WRITE = 5,
        /// A job was stopped by the watchdog.
        WATCHDOG = 6,
        /// The engine did not stop a job within one more watchdog period. The card halts until it is reset.
        ENGINE_STUCK = 7,
        /// A doorbell was given an index that is not possible; it had no effect.
        BAD_DOORBELL = 8,
        /// A register was written in part or at an offset where none is, or a read-only one was; it had no effect.
        BAD_ACCESS = 9,
        /// The queue was enabled with a base or size that is not possible; it stays disabled.
        BAD_QUEUE = 10,
    }
}

bits! {
    /// Bits of `INT_STATUS`, `INT_ENABLE`, `INT_FORCE`; bit `i` drives interrupt vector `i`.
    pub struct InterruptBits {
        /// A job that asked for an interrupt has its completion record written.
        COMPLETION = 0,
        /// A bit of `ERROR_STATUS` was set.
        ERROR = 1,
    }
}

bits! {
    /// Bits of a descriptor's `flags`.
    pub struct DescriptorFlags {
        /// Interrupt when the completion record is written. Without it, a driver polls or sets the flag on the last of a group only.
        INTERRUPT = 0,
        /// Starts only when all earlier jobs are done. The job after copies that it needs carries it.
        FENCE = 1,
    }
}

bits! {
    /// Bits of a completion record's `flags`.
    pub struct CompletionFlags {
        /// One in the first pass over the ring, zero in the second, and so on: a record is new when its phase is the pass's.
        PHASE = 0,
    }
}

/// Interrupt vectors, one for each bit of [`InterruptBits`].
pub const VECTORS: u32 = 2;
/// The tag of a record whose descriptor could not be read.
pub const NO_TAG: u16 = 0xffff;
/// `ID` of this kind of card: "LSBE" in the order of the bytes.
pub const ID_VALUE: u32 = u32::from_le_bytes(*b"LSBE");
/// The version of everything in this crate: a driver needs the same major number and at least its own minor one.
pub const INTERFACE_VERSION: u32 = 1 << 16;
/// Least and greatest base-2 logarithm of the entries of a ring.
pub const RING_LOG2: (u32, u32) = (1, 15);
/// Base addresses of rings are a multiple of this.
pub const RING_ALIGN: u64 = 64;
/// Addresses and lengths in descriptors are a multiple of this.
pub const ALIGN: u64 = 4;
/// Bytes of an instruction of the engine.
pub const INSTRUCTION_BYTES: u32 = 32;
/// Addresses of programs are a multiple of this.
pub const PROGRAM_ALIGN: u64 = 64;
/// The longest copy of one descriptor, in bytes.
pub const COPY_MAX: u32 = 1 << 30;

/// The numbers above for the generated files.
pub const CONSTANTS: &[crate::Constant] = &[
    constant("PCI_VENDOR", crate::PCI_VENDOR as u64, "PCI vendor id of the development card"),
    constant("PCI_DEVICE", crate::PCI_DEVICE as u64, "PCI device id of the development card"),
    constant("PCI_CLASS", crate::PCI_CLASS as u64, "PCI class code: processing accelerator"),
    constant("BAR_BYTES", crate::BAR_BYTES as u64, "bytes of BAR 0"),
    constant("VECTORS", VECTORS as u64, "interrupt vectors"),
    constant("NO_TAG", NO_TAG as u64, "tag of a record whose descriptor could not be read"),
    constant("ID_VALUE", ID_VALUE as u64, "value of the register ID"),
    constant("INTERFACE_VERSION", INTERFACE_VERSION as u64, "major number * 65536 + minor number"),
    constant("RING_LOG2_MIN", RING_LOG2.0 as u64, "least logarithm of a ring's entries"),
    constant("RING_LOG2_MAX", RING_LOG2.1 as u64, "greatest logarithm of a ring's entries"),
    constant("RING_ALIGN", RING_ALIGN, "alignment of ring bases in bytes"),
    constant("INSTRUCTION_BYTES", INSTRUCTION_BYTES as u64, "bytes of an instruction of the engine"),
    constant("PROGRAM_ALIGN", PROGRAM_ALIGN, "alignment of programs in bytes"),
    constant("COPY_MAX", COPY_MAX as u64, "longest copy of one descriptor in bytes"),
];

const fn constant(name: &'static str, value: u64, about: &'static str) -> crate::Constant {
    crate::Constant { name, value, about }
}
