//! The model, as `rank` sees it: known vectors, and the scheduler for all others.

use std::{sync::Arc, time::Instant};

use lockstep_module::{Encoding, TextReader};
use lockstep_rank::{EncodeError, Encoded, ModelInfo, Problem, Text, TextEncoder, Token, encode_missing};

use super::{
    context::Context,
    forecast::Refused,
    scheduler::Scheduler,
    ticket::{End, Ticket},
    vectors::Vectors,
};
use crate::engine::interface::EngineError;

/// The model for one request.
pub(super) struct QueuedEncoder<'a> {
    pub(super) info: &'a ModelInfo,
    pub(super) vectors: &'a Vectors,
    pub(super) queue: Queue<'a>,
}

/// The part that encodes texts whose vectors are not known.
pub(super) struct Queue<'a> {
    pub(super) reader: &'a TextReader,
    pub(super) scheduler: &'a Scheduler,
    pub(super) context: &'a Context,
    pub(super) info: &'a ModelInfo,
}

impl TextEncoder for QueuedEncoder<'_> {
    fn info(&self) -> &ModelInfo {
        self.info
    }

    fn encode(&mut self, inputs: &[Text<'_>]) -> Result<Vec<Encoded>, EncodeError> {
        let known = |input: &Text<'_>| self.vectors.get(input.alone()?);
        let answers = inputs.iter().map(known).collect();
        let vectors = self.vectors;
        encode_missing(&mut self.queue, inputs, answers, |input, encoded| {
            if let Some(text) = input.alone() {
                vectors.keep(text, encoded);
            }
        })
    }

    fn count_tokens(&mut self, input: Text<'_>) -> Result<usize, EncodeError> {
        self.queue.count_tokens(input)
    }

    fn tokens(&mut self, text: &str, special: bool) -> Result<Vec<Token>, EncodeError> {
        self.queue.tokens(text, special)
    }

    fn text_of(&mut self, ids: &[u32], skip_special: bool) -> Result<String, EncodeError> {
        self.queue.text_of(ids, skip_special)
    }
}

impl TextEncoder for Queue<'_> {
    fn info(&self) -> &ModelInfo {
        self.info
    }

    fn encode(&mut self, inputs: &[Text<'_>]) -> Result<Vec<Encoded>, EncodeError> {
        let began = Instant::now();
        let encodings = self.reader.tokenize_all(inputs)?;
        self.context.tokenized(began, Instant::now());
        let heads: Vec<(usize, bool)> =
            encodings.iter().map(|encoding| (encoding.ids.len(), encoding.truncated)).collect();
        let vectors = self.run(encodings).map_err(|problem| {
            let error = EncodeError::Backend(problem.to_string());
            self.context.fail(problem);
            error
        })?;
        let encoded = vectors.into_iter().zip(heads);
        Ok(encoded.map(|(vector, (tokens, truncated))| Encoded { vector, tokens, truncated }).collect())
    }

    fn count_tokens(&mut self, input: Text<'_>) -> Result<usize, EncodeError> {
        self.reader.tokenize(input).map(|encoding| encoding.total_tokens)
    }

    fn tokens(&mut self, text: &str, special: bool) -> Result<Vec<Token>, EncodeError> {
        Ok(self.reader.tokens(text, special))
    }

    fn text_of(&mut self, ids: &[u32], skip_special: bool) -> Result<String, EncodeError> {
        self.reader.decode(ids, skip_special)
    }
}

impl Queue<'_> {
    /// Waits for the vectors of some texts.
    fn run(&self, encodings: Vec<Encoding>) -> Result<Vec<Vec<i32>>, Problem> {
        let tokens: usize = encodings.iter().map(|encoding| encoding.ids.len()).sum();
        let Context { deadline, priority, .. } = *self.context;
        let ticket = Arc::new(Ticket::new(encodings, deadline, priority));
        self.context.waits_for(Arc::downgrade(&ticket));
        if self.context.is_cancelled() {
            ticket.abandon();
        }
        self.scheduler.submit(&ticket).map_err(|refused| self.refusal(refused, tokens))?;
        let vectors = ticket.wait();
        self.context.ended(&ticket);
        vectors.map_err(|end| {
            // The texts that no engine has taken yet need not wait for the next change.
            self.scheduler.tidy();
            match end {
                End::Deadline => Problem::Deadline(self.context.limit),
                End::Abandoned => Problem::Backend("the client has left".into()),
                End::Failed(EngineError::Stopped) => Problem::stopping(),
                End::Failed(error) => Problem::Backend(error.to_string()),
            }
        })
    }

    fn refusal(&self, refused: Refused, tokens: usize) -> Problem {
        match refused {
            Refused::Busy { after } => {
                let detail = format!(
                    "the texts of other requests are before the {tokens} tokens of this one; an answer \
                     within {:?} is not likely",
                    self.context.limit
                );
                Problem::Overloaded { detail, retry_after: after }
            }
            Refused::TooLarge { limit } => Problem::TooLarge {
                field: "body".into(),
                amount: tokens,
                unit: "tokens that this daemon has to compute before the deadline",
                limit,
            },
        }
    }
}
