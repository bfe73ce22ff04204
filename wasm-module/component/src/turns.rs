//! Runs the model on the texts of one request, a few at a time. Between two pieces, the instance
//! answers its other requests.

use std::time::{Duration, Instant};

use lockstep_rank::{Job, Known, Problem, Reply, Text, TextEncoder};
use spin_sdk::time::sleep;

use crate::{
    items,
    model::{self, Model},
    settings::number,
    slots::Slots,
};

/// Tokens of a piece, unless its first text alone has more.
const PIECE: usize = 64;
/// A wait that lets the host do other work. A mere yield does not: the host goes on with the same
/// request as long as it can.
const A_MOMENT: Duration = Duration::from_nanos(1);

/// The bounds of one request.
pub(crate) struct Bounds {
    /// Tokens that the model may run for a request.
    pub(crate) tokens: usize,
    /// How long the model may take.
    time: Duration,
}

impl Bounds {
    /// Reads the variables.
    ///
    /// # Errors
    ///
    /// A variable with a bad value.
    pub(crate) async fn read() -> Result<Self, String> {
        let tokens = number("max_tokens", 32_768, 1, u32::MAX as usize).await?;
        let time = number("deadline_ms", 25_000, 1, 600_000).await?;
        Ok(Self { tokens, time: Duration::from_millis(time as u64) })
    }
}

/// One request, and the vectors that are known of its texts.
pub(crate) struct Turns<'a> {
    job: &'a Job,
    known: Known,
    slots: Slots,
}

impl<'a> Turns<'a> {
    /// Looks the request's items up in the store.
    ///
    /// # Errors
    ///
    /// The component has no model.
    pub(crate) fn new(job: &'a Job, slots: Slots) -> Result<Self, Problem> {
        let mut turns = Self { job, known: Known::default(), slots };
        turns.with(|model| {
            items::look_up(job, model, slots);
            job.inputs().into_iter().for_each(|input| model.encoder_mut().expect(input));
        })?;
        Ok(turns)
    }

    /// Calls `work` with a model that knows this request's vectors.
    fn with<T>(&mut self, work: impl FnOnce(&mut Model) -> T) -> Result<T, Problem> {
        model::with(|model| {
            model.encoder_mut().exchange(&mut self.known);
            let result = work(model);
            model.encoder_mut().exchange(&mut self.known);
            result
        })
    }

    /// The tokens of the texts whose vectors are not known. A text that the tokenizer refuses
    /// counts 0; the run will refuse the request.
    ///
    /// # Errors
    ///
    /// The component has no model.
    pub(crate) fn tokens(&mut self) -> Result<usize, Problem> {
        let inputs = self.job.inputs();
        self.with(|model| inputs.into_iter().map(|input| to_run(model, input)).sum())
    }

    /// Runs the model on all texts whose vectors are not known.
    ///
    /// # Errors
    ///
    /// The request has more tokens than `bounds` allow, or its time is over.
    pub(crate) async fn run(&mut self, tokens: usize, bounds: &Bounds) -> Result<(), Problem> {
        if tokens > bounds.tokens {
            let unit = "tokens that the component has to run";
            return Err(Problem::TooLarge {
                field: "body".into(),
                amount: tokens,
                unit,
                limit: bounds.tokens,
            });
        }
        let end = Instant::now() + bounds.time;
        let mut ahead = self.job.inputs().into_iter().peekable();
        while ahead.peek().is_some() {
            if Instant::now() > end {
                return Err(Problem::Deadline(bounds.time));
            }
            // The answer runs an input again on which the model fails, and reports the error.
            self.with(|model| piece(model, &mut ahead))?;
            // A request of one piece need not wait for those of others.
            if ahead.peek().is_some() {
                sleep(A_MOMENT).await;
            }
        }
        Ok(())
    }

    /// Answers the request, and stores the vectors of its items.
    ///
    /// # Errors
    ///
    /// The component has no model.
    pub(crate) fn answer(mut self) -> Result<Reply, Problem> {
        let (job, slots) = (self.job, self.slots);
        self.with(|model| {
            let reply = model.run(job);
            items::keep(model, slots);
            reply
        })
    }
}

/// The tokens that the model has to run for an input.
fn to_run(model: &mut Model, input: Text<'_>) -> usize {
    let cached = model.encoder_mut();
    if cached.knows(input) {
        return 0;
    }
    let limit = cached.info().max_input_length;
    cached.count_tokens(input).unwrap_or(0).min(limit)
}

/// Runs the model on the next inputs.
fn piece<'a>(model: &mut Model, ahead: &mut std::iter::Peekable<impl Iterator<Item = Text<'a>>>) {
    let (mut inputs, mut tokens) = (Vec::new(), 0);
    while let Some(&input) = ahead.peek() {
        tokens += to_run(model, input);
        if tokens > PIECE && !inputs.is_empty() {
            break;
        }
        inputs.push(input);
        ahead.next();
        if tokens > PIECE {
            break;
        }
    }
    let _ = model.encoder_mut().encode(&inputs);
}
