//! A seat: the scheduler's record of one worker and its engine.

use std::{
    sync::{Arc, Condvar},
    time::{Duration, Instant},
};

use super::{
    batch::Batch,
    report::SeatReport,
    route::{Kind, View},
};

/// The description of a worker's engine, before the worker has made one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SeatPlan {
    /// Names the engine in answers and logs.
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// The longest sequence that the engine takes, in tokens.
    pub(crate) longest: usize,
    /// Whether the engine gets work that is not urgent before others do.
    pub(crate) preferred: bool,
}

/// A worker's place in the scheduler.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) plan: SeatPlan,
    pub(super) state: State,
    /// The batch that the worker shall take next.
    pub(super) mail: Option<Batch>,
    /// Wakes the worker.
    pub(super) wake: Arc<Condvar>,
    /// Measured tokens a second; `None` before the first batch.
    pub(super) rate: Option<f64>,
    /// When the engine was measured last.
    measured_at: Option<Instant>,
    /// What the engine did so far.
    pub(super) done: Done,
}

/// What an engine did so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Done {
    pub(super) batches: u64,
    pub(super) texts: u64,
    pub(super) tokens: u64,
    /// Batches on which it failed.
    pub(super) failures: u64,
}

/// What a worker does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// It has no engine.
    Away,
    /// It has an engine and no batch.
    Idle,
    /// It has a batch since `since`, of so many tokens.
    Busy { since: Instant, tokens: usize },
}

/// The speed that is assumed before the first measurement, in tokens a second.
pub(super) const GUESS: f64 = 4_000.0;
/// An engine that is late with a batch is expected to need this part of the time so far in
/// addition.
const LATE: u32 = 4;
/// The weight of a new measurement.
const FRESH: f64 = 0.25;
/// Calls of fewer tokens say little about the speed.
const TELLING: usize = 32;
/// A card's first batch is slow, because its programs are copied. So a card that gets no work seems
/// faster from second to second, by this part of its speed, up to this many times its speed.
const HOPE: f64 = 0.5;
const MOST_HOPE: f64 = 8.0;
/// How long a CPU works on a batch before other calls get their turn.
const SLICE: f64 = 0.010;
/// Least and most tokens of a CPU's batch, if one call has so many: enough to fill the kernels'
/// tiles.
const CPU_BATCH: (usize, usize) = (64, 512);
/// Seconds of work, and least and most tokens, of a card's batch: it pays to begin a large one.
const CARD_SLICE: f64 = 0.25;
const CARD_BATCH: (usize, usize) = (128, 2048);

impl Seat {
    pub(super) fn new(plan: SeatPlan) -> Self {
        Self {
            plan,
            state: State::Away,
            mail: None,
            wake: Arc::new(Condvar::new()),
            rate: None,
            measured_at: None,
            done: Done::default(),
        }
    }

    pub(super) fn is_idle(&self) -> bool {
        self.state == State::Idle && self.mail.is_none()
    }

    /// The seat, as the choice of an engine sees it. `cpu` is the speed of the fastest CPU: all
    /// CPUs run the same engine, so the one that is idle is as good as any.
    pub(super) fn view(&self, now: Instant, cpu: Option<f64>) -> View {
        let own = self.rate.unwrap_or(GUESS);
        let rate = match self.plan.kind {
            Kind::Cpu => cpu.unwrap_or(own),
            Kind::Card => own * self.hope(now),
        };
        let takes = |tokens: usize| Duration::from_secs_f64(tokens as f64 / rate.max(1.0));
        let busy = match (&self.mail, self.state) {
            (Some(batch), _) => takes(batch.tokens),
            (None, State::Busy { since, tokens }) => {
                let worked = now.saturating_duration_since(since);
                takes(tokens).saturating_sub(worked).max(worked / LATE)
            }
            (None, State::Away | State::Idle) => Duration::ZERO,
        };
        let usable = self.state != State::Away;
        let SeatPlan { kind, longest, preferred, .. } = self.plan;
        View { kind, usable, longest, rate, preferred, busy }
    }

    /// What the seat tells of itself.
    pub(super) fn report(&self) -> SeatReport {
        let Done { batches, texts, tokens, failures } = self.done;
        SeatReport {
            name: self.plan.name.clone(),
            is_card: self.plan.kind == Kind::Card,
            is_up: self.state != State::Away,
            rate: self.rate.unwrap_or(0.0),
            batches,
            texts,
            tokens,
            failures,
        }
    }

    fn hope(&self, now: Instant) -> f64 {
        let unmeasured = self.measured_at.map_or(Duration::ZERO, |at| now.saturating_duration_since(at));
        (1.0 + HOPE * unmeasured.as_secs_f64()).min(MOST_HOPE)
    }

    /// The most tokens of one call in the next batch, if `waiting` tokens wait for `idle` engines.
    pub(super) fn budget(&self, waiting: usize, idle: usize) -> usize {
        let slice = |seconds: f64| (self.rate.unwrap_or(GUESS) * seconds) as usize;
        match self.plan.kind {
            Kind::Card => slice(CARD_SLICE).clamp(CARD_BATCH.0, CARD_BATCH.1),
            Kind::Cpu => waiting.div_ceil(idle.max(1)).min(slice(SLICE)).clamp(CPU_BATCH.0, CPU_BATCH.1),
        }
    }

    /// Takes a measurement into account.
    pub(super) fn measured(&mut self, tokens: usize, took: Duration) {
        if tokens < TELLING && self.rate.is_some() {
            return;
        }
        self.measured_at = Some(Instant::now());
        let measured = tokens as f64 / took.as_secs_f64().max(1e-6);
        self.rate = Some(match self.rate {
            Some(rate) => rate + FRESH * (measured - rate),
            None => measured,
        });
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn seat(kind: Kind) -> Seat {
        Seat::new(SeatPlan { name: "a".into(), kind, longest: 512, preferred: false })
    }

    #[test]
    fn a_cpu_works_for_a_slice_and_idle_engines_share() {
        let mut cpu = seat(Kind::Cpu);
        cpu.measured(1_000, Duration::from_millis(50));
        assert_eq!(cpu.budget(100_000, 1), 200, "10 ms at 20,000 tokens a second");
        assert_eq!(cpu.budget(300, 2), 150);
        assert_eq!(cpu.budget(10, 2), 64, "a share below a tile would only cost");
        cpu.rate = Some(1e6);
        assert_eq!(cpu.budget(100_000, 1), 512);
        let mut card = seat(Kind::Card);
        card.rate = Some(4_000.0);
        assert_eq!(card.budget(10, 1), 1_000);
        card.rate = Some(1e6);
        assert_eq!(card.budget(10, 1), 2_048);
        card.rate = Some(1.0);
        assert_eq!(card.budget(10, 1), 128);
    }

    #[test]
    fn a_rate_follows_the_measurements() {
        let mut seat = seat(Kind::Cpu);
        seat.measured(8, Duration::from_millis(8));
        assert_eq!(seat.rate.map(f64::round), Some(1_000.0), "the first counts, however small");
        seat.measured(8, Duration::from_millis(80));
        assert_eq!(seat.rate.map(f64::round), Some(1_000.0));
        seat.measured(2_000, Duration::from_secs(1));
        assert_eq!(seat.rate.map(f64::round), Some(1_250.0));
    }

    #[test]
    fn a_busy_seat_says_when_it_will_be_done() {
        let mut seat = seat(Kind::Cpu);
        let now = Instant::now();
        assert!(!seat.view(now, None).usable);
        seat.rate = Some(1_000.0);
        seat.state = State::Busy { since: now, tokens: 500 };
        assert_eq!(seat.view(now, None).busy, Duration::from_millis(500));
        assert_eq!(seat.view(now + Duration::from_millis(200), None).busy, Duration::from_millis(300));
        assert_eq!(seat.view(now + Duration::from_secs(8), None).busy, Duration::from_secs(2), "it is late");
    }

    #[test]
    fn cpus_are_equal_and_a_card_gets_another_chance() {
        let now = Instant::now();
        let mut slow = seat(Kind::Cpu);
        slow.rate = Some(10.0);
        assert_eq!(slow.view(now, Some(2_000.0)).rate, 2_000.0);
        let mut card = seat(Kind::Card);
        card.measured(100, Duration::from_secs(1));
        let after =
            |seconds| card.view(card.measured_at.unwrap() + Duration::from_secs(seconds), Some(9e9)).rate;
        assert_eq!([after(0), after(2), after(100)], [100.0, 200.0, 800.0]);
    }
}
