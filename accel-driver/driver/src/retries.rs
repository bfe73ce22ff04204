//! What becomes of jobs that failed, of jobs that the card lost, and of their batches.

use std::time::Instant;

use crate::batch::Run;
use crate::pipeline::{Pipeline, Task};
use crate::recovery::CardState;
use crate::spans::Spans;
use crate::{Error, Transport};

impl<T: Transport> Pipeline<T> {
    /// A job failed. If the card was at fault, the job is tried again. The card is reset first if
    /// it did not write vectors, or if the job fails for the second time.
    pub(crate) fn run_failed(&mut self, mut run: Run, error: Error, now: Instant) {
        run.tries += 1;
        let unwritten = matches!(error, Error::Unwritten { .. });
        if !unwritten && !error.blames_card() {
            self.counts.failed += 1;
            return self.fail(run.batch, error);
        }
        if !unwritten && run.tries < 2 {
            return self.retry(run, error);
        }
        let error = self.card.queue.fault(error, now);
        self.requeue();
        self.retry(run, error);
    }

    /// All jobs in flight are lost. The oldest one is the likely reason, so it counts as tried; the
    /// other ones do not.
    pub(crate) fn lost(&mut self, error: Error, now: Instant) {
        if matches!(self.card.state(), CardState::Fenced | CardState::Gone) {
            self.requeue();
            return self.refuse(Some(error), now);
        }
        let oldest = self.flights.pop_front();
        self.requeue();
        match oldest {
            Some((Task::Copy(piece), _)) => self.memory.failed(piece.part, error),
            Some((Task::Encode(mut run), _)) => {
                run.tries += 1;
                self.retry(run, error);
            }
            None => {}
        }
    }

    /// Puts a run back to the front, unless it was tried too often.
    fn retry(&mut self, run: Run, error: Error) {
        if run.tries >= self.card.queue.device.options.recovery.job_tries.max(1) {
            self.counts.failed += 1;
            self.fail(run.batch, error);
        } else if self.batches.knows(run.batch) {
            self.counts.retried += 1;
            self.backlog.push_front(run);
        }
    }

    /// Puts all runs in flight back, after the card was reset or given up.
    pub(crate) fn requeue(&mut self) {
        self.uploads.clear();
        self.memory.forget();
        self.spans = Spans::new(self.card.data_bytes());
        self.copies = 0;
        for (task, _) in std::mem::take(&mut self.flights).into_iter().rev() {
            if let Task::Encode(run) = task
                && self.batches.knows(run.batch)
            {
                self.counts.retried += 1;
                self.backlog.push_front(run);
            }
        }
    }

    /// Ends all batches, because the card takes no jobs. The oldest batch gets the first error.
    pub(crate) fn refuse(&mut self, mut first: Option<Error>, now: Instant) {
        self.backlog.clear();
        let queue = &self.card.queue;
        self.batches.fail_all(|| first.take().unwrap_or_else(|| queue.refusal(now)));
    }

    /// A batch failed.
    pub(crate) fn fail(&mut self, number: u64, error: Error) {
        self.backlog.retain(|run| run.batch != number);
        self.batches.fail(number, error);
    }
}
