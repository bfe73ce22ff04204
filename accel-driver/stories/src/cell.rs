//! One cell of a table of faults: a card with a model encodes a batch while a fault strikes.
//!
//! The batch must end within its deadline. When the card is repaired, the next batch must be right.
//! When the card is closed, no memory may be mapped.

use std::time::{Duration, Instant};

use lockstep_accel_driver::{Card, CardEncoder, CardState, Error as CardError};
use lockstep_arith::encoder::Encoder;

use crate::bench::{Bench, Error, Result};
use crate::encoding::check;
use crate::faulty::{Faulty, Hand};
use crate::texts::Texts;

/// Lengths of the batch during which a fault strikes: several jobs.
pub(crate) const DURING: [usize; 3] = [3, 9, 1];
/// Lengths of the batch afterwards: it needs all of the memory for data at once.
const AFTERWARDS: [usize; 24] = [3; 24];
/// How many jobs one after the other may be late in a cell, with all tries of the driver.
const LATE: u32 = 4;
/// What else a cell may take, even on a busy machine.
pub(crate) const REST: Duration = Duration::from_secs(30);

/// An encoder behind a transport with faults, and the hand on the transport.
pub(crate) struct Cell<'a, B: Bench>
where
    B::Transport: Sync,
{
    bench: &'a B,
    model: &'a Encoder,
    pub(crate) encoder: CardEncoder<Faulty<B::Transport>>,
    pub(crate) hand: Hand<B::Transport>,
}

impl<'a, B: Bench> Cell<'a, B>
where
    B::Transport: Sync,
{
    /// Opens the card, calls `prepare` with it, and gives it the model.
    pub(crate) fn open(
        bench: &'a B,
        model: &'a Encoder,
        prepare: impl FnOnce(&mut Card<Faulty<B::Transport>>),
    ) -> Result<Self> {
        let (transport, hand) = Faulty::new(bench.connect()?);
        let mut card = Card::open(transport, bench.options())?;
        prepare(&mut card);
        Ok(Self { bench, model, encoder: CardEncoder::new(card, model)?, hand })
    }

    /// Encodes a batch that must be right.
    pub(crate) fn check(&mut self, lengths: &[usize]) -> Result<()> {
        check(self.bench, &mut self.encoder, self.model, None, lengths)
    }

    /// Encodes the batch during which the fault strikes. Gives the table's word for its end.
    pub(crate) fn strike(&mut self) -> Result<&'static str> {
        let (begin, texts) = (Instant::now(), Texts::new(self.model, &DURING, 7));
        let ended = match self.encoder.encode(&texts.batch()) {
            Ok(found) if found == texts.expected(self.bench, self.model)? => "right",
            Ok(_) => "wrong vectors",
            Err(error) => kind(&error)?,
        };
        let (took, limit) = (begin.elapsed(), LATE * self.bench.job_time() + REST);
        if took > limit {
            return Err(format!("the batch took {took:?}, more than {limit:?}").into());
        }
        Ok(ended)
    }

    /// Repairs the card, encodes one more batch, and closes the card.
    pub(crate) fn end(mut self) -> Result<()> {
        self.hand.repair()?;
        if self.encoder.card().recalled() {
            let (bench, model) = (self.bench, self.model);
            self.close()?;
            self = Self::open(bench, model, |_| ())?;
        } else if self.encoder.card().state() != CardState::Ready {
            self.encoder.reset()?;
        }
        self.check(&AFTERWARDS)?;
        self.close()
    }

    /// Closes the card, and checks that it left no memory mapped.
    fn close(self) -> Result<()> {
        drop(self.encoder);
        self.hand.left().map_or(Ok(()), |left| Err(Error::from(left)))
    }
}

/// The table's word for an error of a card.
fn kind(error: &CardError) -> Result<&'static str> {
    Ok(match error {
        CardError::Gone => "error: gone",
        CardError::Recalled { .. } => "error: recalled",
        CardError::Transport { .. } => "error: transport",
        CardError::Fenced { .. } => "error: fenced",
        CardError::Halted { .. } => "error: halted",
        CardError::Job { .. } => "error: job",
        CardError::Deadline { .. } => "error: deadline",
        CardError::Record { .. } => "error: record",
        other => return Err(format!("the table has no word for: {other}").into()),
    })
}
