//! Opening the card that the command line names.

use std::time::Duration;

use clap::{Args, value_parser};
use lockstep_accel_driver::{Card, CardAddress, Options, RecoveryPolicy, Transport};

use crate::problem::Problem;

/// A card behind any transport.
pub(crate) type LabCard = Card<Box<dyn Transport>>;

/// The card of a command, and how long it may take.
#[derive(Debug, Args)]
pub(crate) struct CardArguments {
    /// The card: vfio:0000:04:00.0, or vfio-user:PATH for the socket of a device process.
    pub(crate) card: CardAddress,
    /// How long a device process may take to answer, in seconds. The first client of a simulated
    /// card waits until its design is built.
    #[arg(long, value_name = "SECONDS", default_value_t = 600, value_parser = value_parser!(u64).range(1..=86_400))]
    answer_time: u64,
    /// How long a job may take before it is aborted, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = value_parser!(u64).range(1..=86_400))]
    job_time: u64,
}

impl CardArguments {
    /// Opens the way to the card, without a reset.
    pub(crate) fn transport(&self) -> Result<Box<dyn Transport>, Problem> {
        Ok(self.card.open(Duration::from_secs(self.answer_time))?)
    }

    /// Opens the card. A job is tried once, so that no failure is hidden.
    pub(crate) fn open(&self) -> Result<LabCard, Problem> {
        let recovery = RecoveryPolicy { job_tries: 1, ..RecoveryPolicy::DEFAULT };
        let job_time = Duration::from_secs(self.job_time);
        Ok(Card::open(self.transport()?, Options { job_time, recovery, ..Options::DEFAULT })?)
    }
}
