//! What the fake card computes: the sum of the word rows of a sequence. It finds the rows by the
//! program's `gather`, so a wrong program, a wrong image or a wrong address gives a wrong sum.

use lockstep_accel_abi::codes::INSTRUCTION_BYTES;
use lockstep_accel_abi::{Descriptor, Opcode, Status};
use lockstep_arith::encoder::Encoder;

use lockstep_accel_memory::SharedMemory;

/// Rows and columns of the array.
pub const LANES: usize = 8;

const GATHER: u8 = 2;
const END: u8 = 8;

/// The vector of the fake card for a sequence: for each channel the sum over the tokens of the word
/// row, times the token type + 1.
pub fn expected(model: &Encoder, ids: &[u32], type_ids: &[u8]) -> Vec<i32> {
    let words = &model.embedding.words;
    let value = |j: usize| {
        let one = |(id, kind): (&u32, &u8)| {
            i32::from(words[*id as usize * model.hidden() + j]) * (i32::from(*kind) + 1)
        };
        ids.iter().zip(type_ids).map(one).sum()
    };
    (0..model.hidden()).map(value).collect()
}

pub fn is_program(job: &Descriptor) -> bool {
    job.opcode == Opcode::Run as u8
}

/// The memories that jobs read and write.
#[derive(Debug, Default)]
pub struct Memories {
    pub card: Vec<u8>,
    /// The host's memory and its bus address.
    pub host: Option<(u64, SharedMemory)>,
    /// The card may use DMA.
    pub master: bool,
}

impl Memories {
    /// The host's memory, if the card reaches it.
    pub fn host(&self) -> Option<&(u64, SharedMemory)> {
        self.host.as_ref().filter(|_| self.master)
    }

    pub fn work(&mut self, job: &Descriptor) -> Status {
        match Opcode::try_from(job.opcode) {
            Ok(Opcode::Nop) => Status::Ok,
            Ok(Opcode::Run) => self.run(job),
            Ok(copy) => self.copy(job, copy == Opcode::CopyToCard),
            Err(_) => Status::BadOpcode,
        }
    }

    fn copy(&mut self, job: &Descriptor, to_card: bool) -> Status {
        let (at, len) = (job.card_address as usize, job.bytes as usize);
        if len == 0 || !(at | len | job.host_address as usize).is_multiple_of(4) {
            return Status::Misaligned;
        }
        let Some(card) = self.card.get_mut(at..at + len) else { return Status::CardRange };
        let Some((iova, memory)) = self.host.as_ref().filter(|_| self.master) else {
            return Status::HostRead;
        };
        let host = job.host_address.wrapping_sub(*iova);
        if to_card {
            if memory.read(host, card).is_err() {
                return Status::HostRead;
            }
        } else if memory.write(host, card).is_err() {
            return Status::HostWrite;
        }
        Status::Ok
    }

    fn run(&mut self, job: &Descriptor) -> Status {
        let size = INSTRUCTION_BYTES as usize;
        let at = job.card_address as usize;
        let program = &self.card[at..at + size * job.program_length as usize];
        let gather = program.chunks_exact(size).find(|instruction| instruction[0] == GATHER);
        let (Some(gather), Some(&[END, ..])) = (gather, program.chunks_exact(size).last()) else {
            return Status::BadInstruction;
        };
        let field = |at: usize, bits: u32| {
            let bytes = gather[at..at + 8].try_into().unwrap();
            (u64::from_le_bytes(bytes) & ((1 << bits) - 1)) as usize
        };
        let (rows, row_bytes) = (field(5, 40), field(10, 12) * LANES);
        let Some((iova, memory)) = self.host() else { return Status::HostRead };
        for run in 0..u64::from(job.runs) {
            let input = job.host_address - iova + run * u64::from(job.input_stride);
            let output = job.output_address - iova + run * u64::from(job.output_stride);
            let mut sums = vec![0_i32; job.hidden.into()];
            for token in 0..u64::from(job.tokens) {
                let mut word = [0; 4];
                if memory.read(input + 4 * token, &mut word).is_err() {
                    return Status::HostRead;
                }
                let [a, b, c, kind] = word;
                let id = u32::from_le_bytes([a, b, c, 0]) as usize;
                let row = &self.card[rows + id * row_bytes..];
                for (sum, &byte) in sums.iter_mut().zip(row) {
                    *sum += i32::from(byte as i8) * (i32::from(kind) + 1);
                }
            }
            let bytes: Vec<u8> = sums.iter().flat_map(|sum| sum.to_le_bytes()).collect();
            if memory.write(output, &bytes).is_err() {
                return Status::HostWrite;
            }
        }
        Status::Ok
    }
}
