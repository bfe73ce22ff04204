//! A model in card memory.

use std::collections::HashMap;

use lockstep_accel_abi::Descriptor;
use lockstep_accel_abi::codes::{COPY_MAX, PROGRAM_ALIGN};
use lockstep_accel_memory::OutOfRange;
use lockstep_accel_program::{Image, Program};
use lockstep_arith::encoder::Encoder;

use crate::{Capabilities, Card, Error, Transport};

/// The position of a program in card memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Placed {
    pub(crate) address: u64,
    pub(crate) instructions: u32,
}

/// The weight image of a model, at card address 0, and behind it one program for each sequence
/// length that was asked for so far.
#[derive(Debug)]
pub(crate) struct ResidentModel {
    image: Image,
    /// Programs by number of tokens.
    programs: HashMap<usize, Placed>,
    /// Card address behind the last program.
    free: u64,
    /// The value of [`Card::resets`] when the image was copied; `None` before the first copy. A
    /// reset may clear card memory.
    loaded: Option<u64>,
}

impl ResidentModel {
    /// Lays a model out for a card. Nothing is copied yet.
    ///
    /// # Errors
    /// The engine does not take the model's shape, or the image is larger than card memory.
    pub(crate) fn new(capabilities: &Capabilities, model: &Encoder) -> Result<Self, Error> {
        let image = Image::new(model, &capabilities.engine)?;
        let (needed, available) = (image.bytes.len() as u64, capabilities.card_bytes);
        if needed > available {
            return Err(Error::CardMemory { what: "the model", needed, available });
        }
        Ok(Self { image, programs: HashMap::new(), free: 0, loaded: None })
    }

    /// Copies the image to the card, unless it is there. The copy overwrites the memory for data.
    ///
    /// # Errors
    /// The card failed.
    pub(crate) fn load<T: Transport>(&mut self, card: &mut Card<T>) -> Result<(), Error> {
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

    /// Returns the program for sequences of `tokens` tokens. Compiles the program and copies it to
    /// the card, unless it is there; the copy overwrites the memory for data.
    ///
    /// # Errors
    /// The program does not fit behind the other ones, or the card failed.
    pub(crate) fn program<T: Transport>(
        &mut self,
        card: &mut Card<T>,
        tokens: usize,
    ) -> Result<Placed, Error> {
        if let Some(placed) = self.programs.get(&tokens) {
            return Ok(*placed);
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
        let placed = Placed { address, instructions: program.len() as u32 };
        self.programs.insert(tokens, placed);
        Ok(placed)
    }
}

/// Copies bytes to card memory from `address` on, in pieces that fit into the memory for data.
fn copy<T: Transport>(card: &mut Card<T>, bytes: &[u8], address: u64) -> Result<(), Error> {
    let most = card.data_bytes().min(COPY_MAX.into()) as usize & !3;
    for (piece, at) in bytes.chunks(most).zip((address..).step_by(most)) {
        let mut piece = piece.to_vec();
        piece.resize(piece.len().next_multiple_of(4), 0);
        card.write_data(0, &piece).map_err(outside)?;
        let command = Descriptor::copy_to_card(0, card.data_iova(0), at, piece.len() as u32);
        card.execute(&[command])?.iter().try_for_each(|outcome| outcome.success())?;
    }
    Ok(())
}

/// The error of an access outside the memory for data. Correct code never causes it.
pub(crate) fn outside(range: OutOfRange) -> Error {
    Error::System { what: "memory for data", source: std::io::Error::other(range) }
}
