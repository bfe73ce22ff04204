//! Encodes on an accelerator card, through the user-space driver.
//!
//! A card is trusted as little as any hardware: when it is opened, and for a share of its vectors
//! later, the daemon computes the same vectors on the CPU. A card that differs is never used again.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use lockstep_accel_driver::{Card, CardAddress, CardEncoder, Options, RecoveryPolicy, Transport};
use lockstep_arith::encoder::Encoder;
use lockstep_module::{Sequence, TextModel};

use crate::engine::interface::{Engine, EngineError, Engines};

/// How long a device process may take to answer a call. Its card may still be being built.
const ANSWER: Duration = Duration::from_secs(10);

/// One card, the model that it shall hold, and the same model on the CPU.
pub(crate) struct CardEngines {
    address: CardAddress,
    model: Arc<Encoder>,
    options: Options,
    check: Arc<Check>,
}

/// Compares vectors of a card with those of the CPU.
struct Check {
    model: Arc<TextModel>,
    /// One vector of so many is compared; 0 for none.
    every: u64,
    /// How many vectors the card gave.
    seen: AtomicU64,
    /// Whether a vector differed.
    distrusted: AtomicBool,
}

impl CardEngines {
    /// `share` is the share of the vectors to compare, from 0 to 1; `limit` is the time that a
    /// client waits for its answer.
    pub(crate) fn new(
        address: CardAddress,
        model: Arc<Encoder>,
        cpu: Arc<TextModel>,
        share: f64,
        limit: Duration,
    ) -> Self {
        let every = if share > 0.0 { (1.0 / share).round().max(1.0) as u64 } else { 0 };
        let (seen, distrusted) = (AtomicU64::new(0), AtomicBool::new(false));
        // The CPU takes over what a card does not do at once, and needs time for it.
        let recovery = RecoveryPolicy { job_tries: 1, ..RecoveryPolicy::DEFAULT };
        let options = Options { job_time: limit / 4, recovery, ..Options::DEFAULT };
        Self { address, model, options, check: Arc::new(Check { model: cpu, every, seen, distrusted }) }
    }
}

impl Engines for CardEngines {
    fn open(&self) -> Result<Box<dyn Engine>, EngineError> {
        if self.check.distrusted.load(Ordering::Relaxed) {
            return Err(EngineError::Wrong(self.address.to_string()));
        }
        let failed = |error: &dyn std::fmt::Display| failed(&self.address, error);
        let transport = self.address.open(ANSWER).map_err(|error| failed(&error))?;
        let card = Card::open(transport, self.options).map_err(|error| failed(&error))?;
        let encoder = CardEncoder::new(card, &self.model).map_err(|error| failed(&error))?;
        let mut engine =
            CardEngine { address: self.address.clone(), encoder, check: Arc::clone(&self.check) };
        engine.known_answer()?;
        Ok(Box::new(engine))
    }
}

fn failed(address: &CardAddress, error: &dyn std::fmt::Display) -> EngineError {
    EngineError::Card { name: address.to_string(), error: error.to_string() }
}

/// A card with its model.
struct CardEngine {
    address: CardAddress,
    encoder: CardEncoder<Box<dyn Transport>>,
    check: Arc<Check>,
}

impl CardEngine {
    /// Encodes one short sequence and compares its vector. This copies the model to the card.
    fn known_answer(&mut self) -> Result<(), EngineError> {
        let probe = Sequence { ids: &[0, 1, 2, 3], type_ids: &[0; 4] };
        let vectors = self.encoder.encode(&[probe]).map_err(|error| failed(&self.address, &error))?;
        self.compare(&[probe], &vectors, 1)
    }

    /// Compares every `every`th vector that the card gave.
    fn compare(&self, batch: &[Sequence<'_>], vectors: &[Vec<i32>], every: u64) -> Result<(), EngineError> {
        let first = self.check.seen.fetch_add(batch.len() as u64, Ordering::Relaxed);
        let chosen = (first..).zip(batch).zip(vectors);
        for ((_, sequence), vector) in chosen.filter(|((number, _), _)| number.checked_rem(every) == Some(0))
        {
            let right = self.check.model.run(&[*sequence]);
            let right = right.map_err(|error| EngineError::Refused(error.to_string()))?;
            if right.first() != Some(vector) {
                self.check.distrusted.store(true, Ordering::Relaxed);
                return Err(EngineError::Wrong(self.address.to_string()));
            }
        }
        Ok(())
    }
}

impl Engine for CardEngine {
    fn kernel(&mut self) -> Result<String, EngineError> {
        Ok(self.address.to_string())
    }

    fn longest(&self) -> usize {
        self.encoder.card().capabilities().tokens
    }

    fn look(&mut self) -> Result<(), EngineError> {
        self.encoder.look().map_err(|error| failed(&self.address, &error))
    }

    /// The driver's own deadlines bound the call.
    fn encode(&mut self, batch: &[Sequence<'_>], _: Instant) -> Result<Vec<Vec<i32>>, EngineError> {
        let vectors = self.encoder.encode(batch).map_err(|error| failed(&self.address, &error))?;
        self.compare(batch, &vectors, self.check.every)?;
        Ok(vectors)
    }
}
