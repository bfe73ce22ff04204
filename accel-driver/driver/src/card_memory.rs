//! Card memory: which model and which program lies where. Nothing here touches the card.

use std::collections::BTreeMap;

use lockstep_accel_program::{ArrayShape, Image};

use crate::model_id::ModelId;
use crate::part::Part;
use crate::resident::{Presence, Resident, Slot};
use crate::spans::{Span, Spans};
use crate::{Capabilities, Error};

/// A program in card memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Placed {
    pub(crate) address: u64,
    pub(crate) instructions: u32,
}

/// What a job must wait for.
#[derive(Debug)]
pub(crate) enum Want {
    /// Nothing: the program and its model are there.
    Ready(Placed),
    /// The caller must copy this part first, and then call [`CardMemory::arrived`] or
    /// [`CardMemory::failed`].
    Upload(Part),
    /// A part is being copied.
    Coming,
    /// Card memory is full of programs that are in use.
    Full,
}

/// The contents of card memory: weight images, and programs for the lengths that were asked for.
/// A program that was not used for the longest time makes room for others.
#[derive(Debug)]
pub(crate) struct CardMemory {
    /// The name of the card, for errors.
    device: String,
    spans: Spans,
    engine: ArrayShape,
    /// How often a part is copied before its jobs fail.
    tries: u32,
    models: BTreeMap<ModelId, Resident>,
    next: u32,
    /// Counts uses of programs.
    clock: u64,
}

impl CardMemory {
    pub(crate) fn new(device: String, capabilities: &Capabilities, tries: u32) -> Self {
        let (spans, engine) = (Spans::new(capabilities.card_bytes), capabilities.engine);
        Self { device, spans, engine, tries, models: BTreeMap::new(), next: 0, clock: 0 }
    }

    /// Adds a model. Its image is placed when the first job wants it.
    ///
    /// # Errors
    /// The images of all models do not fit.
    pub(crate) fn add(&mut self, image: Image) -> Result<ModelId, Error> {
        let bytes = |image: &Image| (image.bytes.len() as u64).next_multiple_of(Spans::BLOCK);
        let others: u64 = self.models.values().filter(|m| !m.retired).map(|m| bytes(&m.image)).sum();
        let (needed, available) = (bytes(&image), self.spans.size().saturating_sub(others));
        if needed > available {
            let (device, what) = (self.device.clone(), "the model".into());
            return Err(Error::CardMemory { device, what, needed, available });
        }
        let id = ModelId::number(self.next);
        self.next += 1;
        self.models.insert(id, Resident::new(image));
        Ok(id)
    }

    /// Takes a model out. Its memory is free when no job uses the model any more.
    pub(crate) fn retire(&mut self, id: ModelId) {
        if let Some(model) = self.models.get_mut(&id) {
            model.retired = true;
        }
        self.sweep();
    }

    /// Says what a job of a model for `tokens` tokens must wait for.
    ///
    /// # Errors
    /// The model was taken out, the engine does not take the length, the program does not fit, or
    /// the part could not be copied.
    pub(crate) fn want(&mut self, id: ModelId, tokens: usize) -> Result<Want, Error> {
        let tries = self.tries;
        let model = self.model(id)?;
        if model.failures >= tries {
            model.failures = 0;
            if let Some(error) = model.failure.take() {
                return Err(error);
            }
        }
        let part = match model.image_presence {
            Presence::Ready => Part::Program(id, tokens),
            Presence::Coming => return Ok(Want::Coming),
            Presence::Absent => Part::Image(id),
        };
        if let Part::Program(..) = part {
            let engine = self.engine;
            let device = self.device.clone();
            let slot = self.model(id)?.program(&engine, tokens);
            let slot = slot.map_err(|source| Error::Program { device, source })?;
            match (slot.presence, slot.span) {
                (Presence::Ready, Some(span)) => {
                    return Ok(Want::Ready(Placed { address: span.at, instructions: slot.instructions }));
                }
                (Presence::Coming, _) => return Ok(Want::Coming),
                _ => {}
            }
        }
        if !self.place(part)? {
            return Ok(Want::Full);
        }
        self.set(part, Presence::Coming);
        Ok(Want::Upload(part))
    }

    /// The bytes of a part and their card address, while the part is being copied.
    pub(crate) fn contents(&self, part: Part) -> Option<(&[u8], u64)> {
        let model = self.models.get(&part.model())?;
        let (bytes, span) = match part {
            Part::Image(_) => (&model.image.bytes, model.image_span),
            Part::Program(_, tokens) => {
                let slot = model.programs.get(&tokens)?;
                (&slot.bytes, slot.span)
            }
        };
        Some((bytes, span?.at))
    }

    /// A part was copied and compared.
    pub(crate) fn arrived(&mut self, part: Part) {
        self.set(part, Presence::Ready);
        self.sweep();
    }

    /// A part could not be copied.
    pub(crate) fn failed(&mut self, part: Part, error: Error) {
        self.set(part, Presence::Absent);
        if let Some(model) = self.models.get_mut(&part.model()) {
            model.failures += 1;
            model.failure = Some(error);
        }
        self.sweep();
    }

    /// A job uses a program from now on.
    pub(crate) fn hold(&mut self, id: ModelId, tokens: usize) {
        self.clock += 1;
        let clock = self.clock;
        if let Some(slot) = self.slot(id, tokens) {
            slot.users += 1;
            slot.used = clock;
        }
    }

    /// A job does not use a program any more.
    pub(crate) fn release(&mut self, id: ModelId, tokens: usize) {
        if let Some(slot) = self.slot(id, tokens) {
            slot.users = slot.users.saturating_sub(1);
        }
        self.sweep();
    }

    /// A job of a model succeeded.
    pub(crate) fn succeeded(&mut self, id: ModelId) {
        if let Some(model) = self.models.get_mut(&id) {
            (model.failures, model.failure) = (0, None);
        }
    }

    /// Forgets the copies that failed, because no job that waited for them is left: the next job
    /// gets tries of its own.
    pub(crate) fn forgive(&mut self) {
        for model in self.models.values_mut() {
            (model.failures, model.failure) = (0, None);
        }
    }

    /// The contents of card memory are unknown, and no job uses them.
    pub(crate) fn forget(&mut self) {
        for model in self.models.values_mut() {
            model.image_presence = Presence::Absent;
            let programs = std::mem::take(&mut model.programs);
            programs.into_values().filter_map(|slot| slot.span).for_each(|span| self.spans.give(span));
        }
        self.sweep();
    }

    fn model(&mut self, id: ModelId) -> Result<&mut Resident, Error> {
        self.models.get_mut(&id).filter(|model| !model.retired).ok_or(Error::NoModel { model: id })
    }

    fn slot(&mut self, id: ModelId, tokens: usize) -> Option<&mut Slot> {
        self.models.get_mut(&id)?.programs.get_mut(&tokens)
    }

    fn set(&mut self, part: Part, presence: Presence) {
        match part {
            Part::Image(id) => {
                if let Some(model) = self.models.get_mut(&id) {
                    model.image_presence = presence;
                }
            }
            Part::Program(id, tokens) => {
                if let Some(slot) = self.slot(id, tokens) {
                    slot.presence = presence;
                    if presence == Presence::Ready {
                        slot.bytes = Vec::new();
                    }
                }
            }
        }
    }

    /// Gives a part a place, unless it has one. Returns whether it has one: there is none while
    /// programs that are in use take the room.
    fn place(&mut self, part: Part) -> Result<bool, Error> {
        let Some(model) = self.models.get(&part.model()) else { return Ok(false) };
        let (bytes, placed) = match part {
            Part::Image(_) => (model.image.bytes.len(), model.image_span),
            Part::Program(_, tokens) => {
                model.programs.get(&tokens).map_or((0, None), |slot| (slot.bytes.len(), slot.span))
            }
        };
        if placed.is_some() {
            return Ok(true);
        }
        let span = loop {
            match self.spans.take(bytes as u64) {
                Some(span) => break span,
                None if self.evict() => {}
                None if self.busy() => return Ok(false),
                None => {
                    let (needed, available) = (bytes as u64, self.spans.size());
                    let (device, what) = (self.device.clone(), part.to_string());
                    return Err(Error::CardMemory { device, what, needed, available });
                }
            }
        };
        self.put(part, span);
        Ok(true)
    }

    fn put(&mut self, part: Part, span: Span) {
        let Some(model) = self.models.get_mut(&part.model()) else { return };
        match part {
            Part::Image(_) => model.image_span = Some(span),
            Part::Program(_, tokens) => {
                if let Some(slot) = model.programs.get_mut(&tokens) {
                    slot.span = Some(span);
                }
            }
        }
    }

    /// Frees the program that was not used for the longest time. Returns whether there was one.
    fn evict(&mut self) -> bool {
        let slots = self.models.iter().flat_map(|(id, model)| model.programs.iter().map(move |s| (*id, s)));
        let oldest = slots
            .filter(|(_, (_, slot))| slot.is_idle())
            .min_by_key(|(_, (_, slot))| slot.used)
            .map(|(id, (tokens, _))| (id, *tokens));
        let Some((id, tokens)) = oldest else { return false };
        let slot = self.models.get_mut(&id).and_then(|model| model.programs.remove(&tokens));
        if let Some(span) = slot.and_then(|slot| slot.span) {
            self.spans.give(span);
        }
        true
    }

    /// Whether memory will be free when jobs and copies have ended.
    fn busy(&self) -> bool {
        self.models.values().any(Resident::is_busy)
    }

    /// Frees the models that were taken out and that no job and no copy uses.
    fn sweep(&mut self) {
        let spans = &mut self.spans;
        self.models.retain(|_, model| {
            if !model.retired || model.is_busy() {
                return true;
            }
            let programs = model.programs.values().filter_map(|slot| slot.span);
            programs.chain(model.image_span).for_each(|span| spans.give(span));
            false
        });
    }
}
