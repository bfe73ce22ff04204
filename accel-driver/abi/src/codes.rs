//! Opcodes and flags of descriptors, statuses, ports, errors, interrupts, and constants.

codes! {
    /// The command of a descriptor. Zero is no opcode, so a ring of zeros starts no job.
    pub enum Opcode {
        /// Completes at once.
        Nop = 1,
        /// Runs a program in card memory: reads its inputs from host memory and writes its results
        /// to host memory.
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
        /// The job ended well; its results are in host memory.
        Ok = 0,
        /// The card could not read the descriptor from host memory. The record's tag is 0xffff, and
        /// its address is that of the descriptor.
        DescriptorRead = 1,
        /// The descriptor has an unknown opcode.
        BadOpcode = 2,
        /// The descriptor has an unknown flag, or a member that must be zero is not.
        BadReserved = 3,
        /// An address or a length is not a multiple of 4, or the address of a program not one of
        /// 64. The record holds the address.
        Misaligned = 4,
        /// A length is zero, or greater than its limit.
        BadLength = 5,
        /// A part of the range lies beyond the card memory. The record holds the address.
        CardRange = 6,
        /// The program is for another array; or its tokens, hidden size or runs are zero or more
        /// than the card takes.
        UnsupportedShape = 7,
        /// The program holds an illegal instruction: an opcode or a field with a value that does
        /// not exist. INSTRUCTIONS.md lists them.
        BadInstruction = 8,
        /// A token id or a token type of the inputs is out of range.
        BadInput = 10,
        /// A read of host memory was answered with an error. The record holds the address.
        HostRead = 11,
        /// A write of host memory was answered with an error. The record holds the address.
        HostWrite = 12,
        /// A read of card memory was answered with an error. The record holds the address.
        CardRead = 13,
        /// A write of card memory was answered with an error. The record holds the address.
        CardWrite = 14,
        /// The job was the oldest for longer than the watchdog's period, so the card aborted it.
        Watchdog = 15,
        /// The driver aborted the job.
        Aborted = 16,
    }
}

codes! {
    /// A port to memory.
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
    /// Bits of `ERROR_STATUS`: errors since they were cleared.
    pub struct ErrorBits {
        /// A read of host memory was answered with an error.
        HOST_READ = 0,
        /// A write of host memory was answered with an error.
        HOST_WRITE = 1,
        /// A read of card memory was answered with an error.
        CARD_READ = 2,
        /// A write of card memory was answered with an error.
        CARD_WRITE = 3,
        /// The card could not read a descriptor.
        DESCRIPTOR_READ = 4,
        /// The card could not write a completion record. It halts until it is reset.
        COMPLETION_WRITE = 5,
        /// The watchdog aborted a job.
        WATCHDOG = 6,
        /// The engine did not end an aborted job within one more period of the watchdog. The card
        /// halts until it is reset.
        ENGINE_STUCK = 7,
        /// A doorbell got an impossible index. The write had no effect.
        BAD_DOORBELL = 8,
        /// A write went to an offset without a register, to a part of a register, or to a read-only
        /// register. It had no effect.
        BAD_ACCESS = 9,
        /// The driver enabled the queue with an impossible base or size. The queue stays disabled.
        BAD_QUEUE = 10,
    }
}

bits! {
    /// Bits of `INT_STATUS`, `INT_ENABLE` and `INT_FORCE`. Bit `i` drives interrupt vector `i`.
    pub struct InterruptBits {
        /// The card wrote the completion record of a job that asked for an interrupt.
        COMPLETION = 0,
        /// A bit of `ERROR_STATUS` was set.
        ERROR = 1,
    }
}

bits! {
    /// Bits of a descriptor's `flags`.
    pub struct DescriptorFlags {
        /// The card raises an interrupt when it has written the completion record.
        INTERRUPT = 0,
        /// The job starts only when all earlier jobs are done. Example: a job behind the copies of
        /// its program.
        FENCE = 1,
    }
}

bits! {
    /// Bits of a completion record's `flags`.
    pub struct CompletionFlags {
        /// One in the first pass over the ring, zero in the second, and so on. A record is new if
        /// its phase is that of the current pass.
        PHASE = 0,
    }
}

/// Number of interrupt vectors: one for each bit of [`InterruptBits`].
pub const VECTORS: u32 = 2;
/// The tag of a record whose descriptor the card could not read.
pub const NO_TAG: u16 = 0xffff;
/// The value of `ID`: the bytes "LSBE".
pub const ID_VALUE: u32 = u32::from_le_bytes(*b"LSBE");
/// The version of this interface. A driver needs a card with the same major number (the high 16
/// bits), and with at least the driver's minor number.
pub const INTERFACE_VERSION: u32 = 1 << 16;
/// The least and the greatest `RING_LOG2`: a ring has 2^`RING_LOG2` entries.
pub const RING_LOG2: (u32, u32) = (1, 15);
/// The base address of a ring is a multiple of this.
pub const RING_ALIGN: u64 = 64;
/// Addresses and lengths in a descriptor are multiples of this.
pub const ALIGN: u64 = 4;
/// The size of an instruction in bytes.
pub const INSTRUCTION_BYTES: u32 = 32;
/// The address of a program is a multiple of this.
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
