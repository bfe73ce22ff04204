//! Runs sequences on the whole card as one job, from the doorbell to the completion record.

use std::time::{Duration, Instant};

use lockstep_accel_abi::events::Event;
use lockstep_accel_abi::{Completion, Descriptor, Opcode, descriptor};

use crate::{AxiTiming, Card, CardSetup, Design, Error, Optimize, Stalls, TopSetup};

/// Token ids and token types of one sequence.
pub type Sequence = (Vec<u32>, Vec<u8>);

/// A model and a program for one number of tokens.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// Side of the array: 8, 16, 32 or 64.
    pub lanes: usize,
    /// The model's image, for address 0 of card memory.
    pub image: &'a [u8],
    /// The program's bytes and its number of instructions.
    pub program: (&'a [u8], usize),
    /// The model's hidden size.
    pub hidden: usize,
    /// 32-bit integers that the program writes for a sequence.
    pub outputs: usize,
    /// Random pauses on all buses, in addition to the latency of 120 cycles.
    pub stalls: Stalls,
}

/// The results of a batch.
#[derive(Clone, Debug)]
pub struct BatchResult {
    /// The integers of each sequence. They have a meaning only if the record says `Ok`.
    pub outputs: Vec<Vec<i32>>,
    /// The completion record of the job.
    pub record: Completion,
    /// Cycles from the first one of the doorbell's write to the one in which the record lies in
    /// host memory.
    pub cycles: u64,
    /// The time that the simulation of these cycles took, and about how much of it the verilated
    /// code took.
    pub time: (Duration, Duration),
    /// All counters, in the order of [`Event`].
    pub counters: Vec<u64>,
}

impl BatchResult {
    /// One of the counters.
    #[must_use]
    pub fn counter(&self, event: Event) -> u64 {
        self.counters[event as usize]
    }
}

impl Batch<'_> {
    /// Cycles between two calls of `progress`.
    const REPORT: u64 = 1 << 17;

    /// Runs sequences of one length as one job on a new card. The memories answer after 120 cycles,
    /// and then move a word of `lanes` bytes in each cycle. The model is in card memory before the
    /// doorbell. From time to time `progress` is called with the cycles so far.
    ///
    /// # Errors
    /// The design does not build, or the job does not end within `limit` cycles.
    ///
    /// # Panics
    /// There is no sequence, or their lengths differ.
    pub fn run(
        &self,
        sequences: &[Sequence],
        limit: u64,
        mut progress: impl FnMut(u64),
    ) -> Result<BatchResult, Error> {
        let tokens = sequences[0].0.len();
        let (input, output) = (4 * tokens, 4 * self.outputs);
        let program_at = self.image.len().next_multiple_of(64);
        let timing = AxiTiming::default();
        let mut card = Card::new(&CardSetup {
            top: TopSetup {
                design: Design::new("ls_top").parameter("N", self.lanes).optimize(Optimize::Run),
                host: timing,
                card: timing,
                stalls: self.stalls,
            },
            host_bytes: (sequences.len() * (input + output)).next_multiple_of(4096),
            card_bytes: (program_at + self.program.0.len()).next_multiple_of(4096),
            ring_log2: 1,
        })?;
        card.enable()?;
        {
            let memory = card.card_memory();
            memory.borrow_mut().poke(0, self.image);
            memory.borrow_mut().poke(program_at as u64, self.program.0);
        }
        let outputs_at = Card::DATA_BASE + (sequences.len() * input) as u64;
        for ((ids, types), at) in sequences.iter().zip((Card::DATA_BASE..).step_by(input)) {
            assert_eq!(ids.len(), tokens, "sequences of a batch have one length");
            card.host_write(at, &descriptor::inputs(ids, types).collect::<Vec<u8>>());
        }
        card.queue(&[Descriptor {
            opcode: Opcode::Run as u8,
            tag: 1,
            card_address: program_at as u64,
            program_length: self.program.1 as u32,
            host_address: Card::DATA_BASE,
            output_address: outputs_at,
            runs: sequences.len() as u16,
            array: self.lanes as u16,
            tokens: tokens as u16,
            hidden: self.hidden as u16,
            input_stride: input as u32,
            output_stride: output as u32,
            ..Descriptor::default()
        }]);

        let (clock, evaluated) = (Instant::now(), card.top.sim().evaluating());
        let begin = card.top.sim().cycles();
        card.submit(&[])?;
        let record = loop {
            if let Some(record) = card.poll() {
                break record;
            }
            let cycles = card.top.sim().cycles() - begin;
            if cycles >= limit {
                let waiting = "the completion record".into();
                return Err(Error::Deadline { cycle: card.top.sim().cycles(), limit, waiting });
            }
            if cycles.is_multiple_of(Self::REPORT) {
                progress(cycles);
            }
            card.top.run(1)?;
        };
        let cycles = card.top.sim().cycles() - begin;
        let time = (clock.elapsed(), card.top.sim().evaluating().saturating_sub(evaluated));
        card.acknowledge()?;
        let counters = Event::ALL.iter().map(|&e| card.top.counter(e)).collect::<Result<_, _>>()?;
        let integers = |i: usize| {
            let bytes = card.host_read(outputs_at + (i * output) as u64, output);
            bytes.chunks_exact(4).map(|b| i32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
        };
        let outputs = (0..sequences.len()).map(integers).collect();
        Ok(BatchResult { outputs, record, cycles, time, counters })
    }
}
