//! A waveform of one job.

use std::path::PathBuf;

use lockstep_hdl_sim::Sim;

/// What is written where.
#[derive(Clone, Debug)]
pub struct Trace {
    /// The file, in Verilator's format FST.
    pub file: PathBuf,
    /// The job. Jobs count from 1 since the card's start; a reset does not begin anew.
    pub job: u64,
}

/// Writes the waveform from the cycle in which the card has read the job's descriptor to the one in
/// which it has written the job's record.
#[derive(Clone, Debug)]
pub(crate) struct Tracer {
    trace: Trace,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Waits,
    Writes,
    Done,
}

impl Tracer {
    pub(crate) const fn new(trace: Trace) -> Self {
        Self { trace, state: State::Waits }
    }

    /// Whether it must look at each cycle.
    pub(crate) fn active(&self) -> bool {
        self.state != State::Done
    }

    /// A reset drops the job at work, and the waveform ends with it.
    pub(crate) fn reset(&mut self) {
        if self.state == State::Writes {
            self.state = State::Done;
        }
    }

    /// Looks at how many descriptors have been read, and how many records have been written.
    pub(crate) fn look(&mut self, begun: u64, ended: u64, sim: &mut Sim) {
        if self.state == State::Waits && begun >= self.trace.job {
            sim.trace(&self.trace.file);
            self.state = State::Writes;
        }
        if self.state == State::Writes && ended >= self.trace.job {
            sim.end_trace();
            self.state = State::Done;
            let (file, job) = (self.trace.file.display(), self.trace.job);
            eprintln!("lockstep-card: {file} has the waveform of job {job}");
        }
    }
}
