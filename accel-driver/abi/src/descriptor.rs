//! The command: 64 bytes in the submission ring.

use crate::codes::{DescriptorFlags, Opcode};

record! {
    /// A command. Members that its opcode does not use are zero.
    pub struct Descriptor, 64 bytes {
        /// The command: an [`Opcode`].
        0 opcode: u8,
        /// Bits of [`DescriptorFlags`].
        1 flags: u8,
        /// The driver's number for the job. The completion record has the same tag. The driver uses
        /// a tag for one job at a time.
        2 tag: u16,
        /// `Run`: instructions of the program, at most 65,535. Copies: zero.
        4 program_length: u32,
        /// `Run`: the address of the program in card memory, a multiple of 64. Copies: the address
        /// in card memory.
        8 card_address: u64,
        /// `Run`: IOVA of the inputs. Copies: the address in host memory.
        16 host_address: u64,
        /// `Run`: IOVA of the results. Copies: zero.
        24 output_address: u64,
        /// `Run`: zero. Copies: bytes.
        32 bytes: u32,
        /// `Run`: how often the program runs, at least once. After each run the addresses of inputs
        /// and results grow by their strides. Copies: zero.
        36 runs: u16,
        /// `Run`: the side of the array that the program was compiled for. Copies: zero.
        38 array: u16,
        /// `Run`: tokens of a sequence. Copies: zero.
        40 tokens: u16,
        /// `Run`: the hidden size of the model. Copies: zero.
        42 hidden: u16,
        /// Zero.
        44 reserved_0: u32,
        /// `Run`: bytes from the inputs of one run to those of the next. Copies: zero.
        48 input_stride: u32,
        /// `Run`: bytes from the results of one run to those of the next. Copies: zero.
        52 output_stride: u32,
        /// Zero.
        56 reserved_1: u64,
    }
}

/// The inputs of one sequence as `Run` reads them: for each token 32 bits, the type in the highest
/// byte and the id in the others.
pub fn inputs(ids: &[u32], types: &[u8]) -> impl Iterator<Item = u8> {
    ids.iter().zip(types).flat_map(|(id, kind)| (id | u32::from(*kind) << 24).to_le_bytes())
}

impl Descriptor {
    /// A command that completes at once.
    pub fn nop(tag: u16) -> Self {
        Self { opcode: Opcode::Nop as u8, tag, ..Self::default() }
    }
    /// Copies host memory to card memory. Both addresses and `bytes` are multiples of 4, and
    /// `bytes` is at least 4.
    pub fn copy_to_card(tag: u16, host_address: u64, card_address: u64, bytes: u32) -> Self {
        Self { opcode: Opcode::CopyToCard as u8, tag, host_address, card_address, bytes, ..Self::default() }
    }
    /// Copies card memory to host memory. Both addresses and `bytes` are multiples of 4, and
    /// `bytes` is at least 4.
    pub fn copy_from_card(tag: u16, card_address: u64, host_address: u64, bytes: u32) -> Self {
        Self { opcode: Opcode::CopyFromCard as u8, tag, host_address, card_address, bytes, ..Self::default() }
    }
    /// The same command; the card raises an interrupt when it is done.
    pub fn with_interrupt(mut self) -> Self {
        self.flags |= DescriptorFlags::INTERRUPT as u8;
        self
    }
    /// The same command; it starts only when all earlier ones are done.
    pub fn with_fence(mut self) -> Self {
        self.flags |= DescriptorFlags::FENCE as u8;
        self
    }
}
