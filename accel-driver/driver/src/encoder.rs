//! A model in the card's memory.

use std::collections::{BTreeMap, HashMap};

use lockstep_accel_abi::codes::{COPY_MAX, PROGRAM_ALIGN};
use lockstep_accel_abi::{Completion, Descriptor, Opcode, Status, descriptor};
use lockstep_accel_program::{Image, Program};
use lockstep_arith::encoder::{Encoder, InputLimits, Sequence};

use crate::{Card, Error, Transport};

/// Where a program is in card memory.
#[derive(Clone, Copy, Debug)]
struct Placed {
    address: u64,
    instructions: u32,
}

/// An encoder on a card. Programs are compiled for the lengths that come, and stay as long as there is room for them.
#[derive(Debug)]
pub struct CardEncoder {
    image: Image,
    hidden: usize,
    limits: InputLimits,
    programs: HashMap<usize, Placed>,
    /// Where the next program goes.
    free: u64,
    /// What [`Card::resets`] was when the image was copied; nothing before.
    loaded: Option<u64>,
}

impl CardEncoder {
    /// Lays a model out for a card; it is copied there when it is first used.
    ///
    /// # Errors
    /// The card is too small for the model, or of a size that it does not suit.
    pub fn new<T: Transport>(card: &Card<T>, model: &Encoder) -> Result<Self, Error> {
        let capabilities = card.capabilities();
        let image = Image::new(model, &capabilities.engine)?;
        let (needed, available) = (image.bytes.len() as u64, capabilities.card_bytes);
        if needed > available {
            return Err(Error::CardMemory { what: "the model", needed, available });
        }
        let limits = model.input_limits();
        let limits = InputLimits { positions: limits.positions.min(capabilities.tokens), ..limits };
        Ok(Self { image, hidden: model.hidden(), limits, programs: HashMap::new(), free: 0, loaded: None })
    }

    /// Encodes a ragged batch: the pooled integers of each sequence, in its order. They are those of [`Encoder::forward`]. Sequences of one length go as one job.
    ///
    /// # Errors
    /// A sequence that the model does not take, a job that ended with an error, or a failure of the card.
    pub fn encode<T: Transport>(
        &mut self,
        card: &mut Card<T>,
        batch: &[Sequence<'_>],
    ) -> Result<Vec<Vec<i32>>, Error> {
        let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (i, sequence) in batch.iter().enumerate() {
            let refused = |why| Error::Sequence { sequence: i, why };
            self.limits.check(*sequence).map_err(refused)?;
            groups.entry(sequence.ids.len()).or_default().push(i);
        }
        self.load(card)?;
        for &tokens in groups.keys() {
            self.program(card, tokens)?;
        }
        let mut vectors = vec![Vec::new(); batch.len()];
        let mut pending = Vec::new();
        let mut used = 0;
        for (tokens, members) in groups {
            let bytes = (4 * (tokens + self.hidden)) as u64;
            let mut members = members.as_slice();
            while !members.is_empty() {
                let room = ((card.data_bytes() - used) / bytes) as usize;
                let n = members.len().min(card.capabilities().runs).min(room);
                if n == 0 {
                    if used == 0 {
                        let (what, allowed) =
                            ("memory", format!("{bytes} bytes of data for {tokens} tokens"));
                        return Err(Error::Option { what, value: card.data_bytes(), allowed });
                    }
                    Self::run(card, &mut pending, self.hidden, &mut vectors)?;
                    used = 0;
                    continue;
                }
                let (some, rest) = members.split_at(n);
                pending.push(self.job(card, batch, some, tokens, used)?);
                used += n as u64 * bytes;
                members = rest;
            }
        }
        Self::run(card, &mut pending, self.hidden, &mut vectors)?;
        Ok(vectors)
    }

    /// Writes the inputs of sequences of one length, and the command for them.
    fn job<T: Transport>(
        &self,
        card: &Card<T>,
        batch: &[Sequence<'_>],
        members: &[usize],
        tokens: usize,
        at: u64,
    ) -> Result<Pending, Error> {
        let mut inputs = Vec::with_capacity(4 * tokens * members.len());
        for &member in members {
            let Sequence { ids, type_ids: types } = batch[member];
            inputs.extend(descriptor::inputs(ids, types));
        }
        let outputs = at + inputs.len() as u64;
        card.write_data(at, &inputs).map_err(|e| outside(&e))?;
        let placed = self.programs[&tokens];
        let command = Descriptor {
            opcode: Opcode::Run as u8,
            program_length: placed.instructions,
            card_address: placed.address,
            host_address: card.data_iova(at),
            output_address: card.data_iova(outputs),
            runs: members.len() as u16,
            array: card.capabilities().engine.lanes as u16,
            tokens: tokens as u16,
            hidden: self.hidden as u16,
            input_stride: 4 * tokens as u32,
            output_stride: 4 * self.hidden as u32,
            ..Descriptor::default()
        };
        Ok(Pending { command, members: members.into(), outputs })
    }

    /// Runs what is pending and takes the vectors.
    fn run<T: Transport>(
        card: &mut Card<T>,
        pending: &mut Vec<Pending>,
        hidden: usize,
        vectors: &mut [Vec<i32>],
    ) -> Result<(), Error> {
        let commands: Vec<Descriptor> = pending.iter().map(|p| p.command).collect();
        all_well(&card.execute(&commands)?)?;
        for Pending { members, outputs, .. } in pending.drain(..) {
            let mut bytes = vec![0; 4 * hidden * members.len()];
            card.read_data(outputs, &mut bytes).map_err(|e| outside(&e))?;
            for (member, vector) in members.iter().zip(bytes.chunks_exact(4 * hidden)) {
                vectors[*member] = vector.as_chunks::<4>().0.iter().map(|b| i32::from_le_bytes(*b)).collect();
            }
        }
        Ok(())
    }

    /// Copies the image to the card, unless it is there.
    fn load<T: Transport>(&mut self, card: &mut Card<T>) -> Result<(), Error> {
        if self.loaded == Some(card.resets()) {
            return Ok(());
        }
        self.loaded = None;
        self.programs.clear();
        copy(card, &self.image.bytes, 0)?;
        self.free = self.image.bytes.len() as u64;
        self.loaded = Some(card.resets());
        Ok(())
    }

    /// Compiles for a number of tokens, unless that is there.
    fn program<T: Transport>(&mut self, card: &mut Card<T>, tokens: usize) -> Result<(), Error> {
        if self.programs.contains_key(&tokens) {
            return Ok(());
        }
        let program = Program::new(&self.image, &card.capabilities().engine, tokens, 0)?;
        let bytes = program.bytes();
        let available = card.capabilities().card_bytes;
        let address = self.free.next_multiple_of(PROGRAM_ALIGN);
        let needed = address + bytes.len() as u64;
        if needed > available {
            return Err(Error::CardMemory { what: "the model with its programs", needed, available });
        }
        copy(card, &bytes, address)?;
        self.free = needed;
        self.programs.insert(tokens, Placed { address, instructions: program.len() as u32 });
        Ok(())
    }
}

/// A job that is not yet run.
#[derive(Debug)]
struct Pending {
    command: Descriptor,
    /// Sequences of the batch, in the job's order.
    members: Vec<usize>,
    /// Where their vectors will be.
    outputs: u64,
}

/// Copies bytes to card memory, as many at once as the memory for data holds.
fn copy<T: Transport>(card: &mut Card<T>, bytes: &[u8], address: u64) -> Result<(), Error> {
    let most = card.data_bytes().min(COPY_MAX.into()) as usize & !3;
    for (piece, at) in bytes.chunks(most).zip((address..).step_by(most)) {
        let mut piece = piece.to_vec();
        piece.resize(piece.len().next_multiple_of(4), 0);
        card.write_data(0, &piece).map_err(|e| outside(&e))?;
        let command = Descriptor::copy_to_card(0, card.data_iova(0), at, piece.len() as u32);
        all_well(&card.execute(&[command])?)?;
    }
    Ok(())
}

/// The first record that is not well. [`Card::execute`] gives none with a status that there is not.
fn all_well(records: &[Completion]) -> Result<(), Error> {
    for record in records {
        match record.outcome() {
            Ok(Status::Ok) | Err(_) => {}
            Ok(status) => {
                let Completion { tag, address, detail, .. } = *record;
                return Err(Error::Job { tag, status, address, detail });
            }
        }
    }
    Ok(())
}

/// What is placed within the data is within the data.
fn outside(range: &lockstep_accel_memory::OutOfRange) -> Error {
    Error::System { what: "memory for data", source: std::io::Error::other(*range) }
}
