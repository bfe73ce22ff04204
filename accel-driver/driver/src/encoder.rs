//! Encodes sequences on a card.

use std::collections::BTreeMap;

use lockstep_accel_abi::{Descriptor, Opcode, descriptor};
use lockstep_arith::encoder::{Encoder, InputLimits, Sequence};

use crate::resident::{Placed, ResidentModel, outside};
use crate::{Card, Error, Transport};

/// The room for vectors is filled with this number before a job. No vector holds it: a pooled
/// number (33) is a sum of at most 512 numbers of 16 bits.
const UNWRITTEN: i32 = i32::MIN;

/// A model on a card. The encoder owns the card: no other code can use the card's memory meanwhile,
/// and a batch cannot go to another card.
///
/// ```compile_fail,E0382
/// # use lockstep_accel_driver::{Card, CardEncoder, Error, Transport};
/// # use lockstep_arith::encoder::Encoder;
/// fn two_models<T: Transport>(card: Card<T>, a: &Encoder, b: &Encoder) -> Result<(), Error> {
///     let first = CardEncoder::new(card, a)?;
///     let second = CardEncoder::new(card, b)?; // The card belongs to `first`.
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct CardEncoder<T: Transport> {
    card: Card<T>,
    model: ResidentModel,
    hidden: usize,
    limits: InputLimits,
}

impl<T: Transport> CardEncoder<T> {
    /// Lays a model out for a card. The first [`Self::encode`] copies the model to the card.
    ///
    /// # Errors
    /// The engine does not take the model's shape, or card memory is too small. The card is then
    /// closed.
    pub fn new(card: Card<T>, model: &Encoder) -> Result<Self, Error> {
        let resident = ResidentModel::new(card.capabilities(), model)?;
        let limits = model.input_limits();
        let limits = InputLimits { positions: limits.positions.min(card.capabilities().tokens), ..limits };
        Ok(Self { card, model: resident, hidden: model.hidden(), limits })
    }

    /// The card, for its capabilities and counters.
    #[must_use]
    pub const fn card(&self) -> &Card<T> {
        &self.card
    }

    /// Gives the card back, for another model.
    #[must_use]
    pub fn into_card(self) -> Card<T> {
        self.card
    }

    /// Resets the card. The next [`Self::encode`] copies the model again.
    ///
    /// # Errors
    /// The card does not become ready.
    pub fn reset(&mut self) -> Result<(), Error> {
        self.card.reset()
    }

    /// Encodes a ragged batch. Vector `i` of the result belongs to sequence `i`; its pooled
    /// integers are those of [`Encoder::forward`]. Sequences of equal length share one job.
    ///
    /// # Errors
    /// The model does not take a sequence, a job failed, or the card failed.
    pub fn encode(&mut self, batch: &[Sequence<'_>]) -> Result<Vec<Vec<i32>>, Error> {
        let groups = self.by_length(batch)?;
        self.model.load(&mut self.card)?;
        // All programs are copied before the first input is written: a copy uses the memory for
        // data.
        let mut programs = Vec::with_capacity(groups.len());
        for &tokens in groups.keys() {
            programs.push(self.model.program(&mut self.card, tokens)?);
        }
        let mut vectors = vec![Vec::new(); batch.len()];
        let mut pending = Vec::new();
        let mut used = 0;
        for ((tokens, members), program) in groups.into_iter().zip(programs) {
            let bytes = (4 * (tokens + self.hidden)) as u64;
            let mut members = members.as_slice();
            while !members.is_empty() {
                let room = ((self.card.data_bytes() - used) / bytes) as usize;
                let n = members.len().min(self.card.capabilities().runs).min(room);
                if n == 0 {
                    if used == 0 {
                        let (what, value) = ("memory", self.card.data_bytes());
                        let allowed = format!("{bytes} bytes of data for {tokens} tokens");
                        return Err(Error::Option { what, value, allowed });
                    }
                    self.run(&mut pending, &mut vectors)?;
                    used = 0;
                    continue;
                }
                let (some, rest) = members.split_at(n);
                pending.push(self.prepare(program, batch, some, tokens, used)?);
                used += n as u64 * bytes;
                members = rest;
            }
        }
        self.run(&mut pending, &mut vectors)?;
        Ok(vectors)
    }

    /// Checks a batch and groups it: the number of tokens, and the indices of the sequences that
    /// have so many.
    fn by_length(&self, batch: &[Sequence<'_>]) -> Result<BTreeMap<usize, Vec<usize>>, Error> {
        let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (i, sequence) in batch.iter().enumerate() {
            let refused = |why| Error::Sequence { sequence: i, why };
            self.limits.check(*sequence).map_err(refused)?;
            groups.entry(sequence.ids.len()).or_default().push(i);
        }
        Ok(groups)
    }

    /// Writes the inputs of sequences of one length at byte `at` of the memory for data, and makes
    /// the command that encodes them. The vectors will be behind the inputs.
    fn prepare(
        &self,
        program: Placed,
        batch: &[Sequence<'_>],
        members: &[usize],
        tokens: usize,
        at: u64,
    ) -> Result<Pending, Error> {
        let mut inputs = Vec::with_capacity(4 * tokens * members.len());
        for &member in members {
            let Sequence { ids, type_ids } = batch[member];
            inputs.extend(descriptor::inputs(ids, type_ids));
        }
        let outputs = at + inputs.len() as u64;
        self.card.write_data(at, &inputs).map_err(outside)?;
        self.card
            .write_data(outputs, &UNWRITTEN.to_le_bytes().repeat(members.len() * self.hidden))
            .map_err(outside)?;
        let command = Descriptor {
            opcode: Opcode::Run as u8,
            program_length: program.instructions,
            card_address: program.address,
            host_address: self.card.data_iova(at),
            output_address: self.card.data_iova(outputs),
            runs: members.len() as u16,
            array: self.card.capabilities().engine.lanes as u16,
            tokens: tokens as u16,
            hidden: self.hidden as u16,
            input_stride: 4 * tokens as u32,
            output_stride: 4 * self.hidden as u32,
            ..Descriptor::default()
        };
        Ok(Pending { command, members: members.into(), outputs })
    }

    /// Runs the pending jobs and copies their vectors to `vectors`.
    fn run(&mut self, pending: &mut Vec<Pending>, vectors: &mut [Vec<i32>]) -> Result<(), Error> {
        let commands: Vec<Descriptor> = pending.iter().map(|p| p.command).collect();
        let outcomes = self.card.execute(&commands)?;
        for (Pending { members, outputs, .. }, outcome) in pending.drain(..).zip(outcomes) {
            outcome.success()?;
            let mut bytes = vec![0; 4 * self.hidden * members.len()];
            self.card.read_data(outputs, &mut bytes).map_err(outside)?;
            let words: Vec<i32> = bytes.as_chunks::<4>().0.iter().map(|b| i32::from_le_bytes(*b)).collect();
            if let Some(word) = words.iter().position(|word| *word == UNWRITTEN) {
                return Err(Error::Unwritten { tag: outcome.tag, word });
            }
            for (member, vector) in members.iter().zip(words.chunks_exact(self.hidden)) {
                vectors[*member] = vector.to_vec();
            }
        }
        Ok(())
    }
}

/// A job whose inputs are in memory and that has not run yet.
#[derive(Debug)]
struct Pending {
    command: Descriptor,
    /// Indices into the batch, in the order of the job.
    members: Vec<usize>,
    /// Byte offset of the vectors in the memory for data.
    outputs: u64,
}
