//! A model in card memory.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use lockstep_accel_program::{self as program, ArrayShape, Image, Program};

use crate::Error;
use crate::spans::Span;

/// Whether something is in card memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    Absent,
    /// It is being copied.
    Coming,
    Ready,
}

/// A program of a model.
#[derive(Debug)]
pub(crate) struct Slot {
    /// Empty as soon as the program is in card memory.
    pub(crate) bytes: Vec<u8>,
    pub(crate) instructions: u32,
    pub(crate) span: Option<Span>,
    pub(crate) presence: Presence,
    /// Jobs in flight that use the program.
    pub(crate) users: u32,
    /// When it was used last.
    pub(crate) used: u64,
}

impl Slot {
    /// Whether the program takes room that another one may have.
    pub(crate) fn is_idle(&self) -> bool {
        self.span.is_some() && self.users == 0 && self.presence != Presence::Coming
    }

    fn is_busy(&self) -> bool {
        self.users > 0 || self.presence == Presence::Coming
    }
}

/// The weight image of a model, and one program for each sequence length that was asked for.
#[derive(Debug)]
pub(crate) struct Resident {
    pub(crate) image: Image,
    pub(crate) image_span: Option<Span>,
    pub(crate) image_presence: Presence,
    /// Programs by number of tokens.
    pub(crate) programs: BTreeMap<usize, Slot>,
    /// No new job may use the model.
    pub(crate) retired: bool,
    /// How often a part could not be copied since a job of the model succeeded, and why the last
    /// time.
    pub(crate) failures: u32,
    pub(crate) failure: Option<Error>,
}

impl Resident {
    pub(crate) const fn new(image: Image) -> Self {
        Self {
            image,
            image_span: None,
            image_presence: Presence::Absent,
            programs: BTreeMap::new(),
            retired: false,
            failures: 0,
            failure: None,
        }
    }

    /// Whether jobs or copies use the model's card memory.
    pub(crate) fn is_busy(&self) -> bool {
        self.image_presence == Presence::Coming || self.programs.values().any(Slot::is_busy)
    }

    /// The program for `tokens` tokens. It is compiled, unless it was compiled before. The image
    /// must have a place.
    pub(crate) fn program(
        &mut self,
        engine: &ArrayShape,
        tokens: usize,
    ) -> Result<&mut Slot, program::Error> {
        let base = self.image_span.map_or(0, |span| span.at);
        match self.programs.entry(tokens) {
            Entry::Occupied(slot) => Ok(slot.into_mut()),
            Entry::Vacant(place) => {
                let program = Program::new(&self.image, engine, tokens, base)?;
                let (bytes, instructions) = (program.bytes(), program.len() as u32);
                let presence = Presence::Absent;
                Ok(place.insert(Slot { bytes, instructions, span: None, presence, users: 0, used: 0 }))
            }
        }
    }
}
