//! The state of a card over time: how often it failed, how long a fence lasts, who is told.

use std::fmt;
use std::time::{Duration, Instant};

use crate::recovery::{Action, CardState, Cause, step};

/// How often and how soon the driver tries a card that fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecoveryPolicy {
    /// How often the card is reset, without a job that succeeds in between, before it is fenced.
    pub resets: u32,
    /// How often a job of an encoder is tried, while the card and not the job is at fault. At least
    /// one.
    pub job_tries: u32,
    /// How long the first fence lasts. Each fence without success in between lasts twice as long as
    /// the one before.
    pub pause: Duration,
    /// The longest fence.
    pub longest_pause: Duration,
}

impl RecoveryPolicy {
    /// Three resets, three tries of a job, fences of 100 ms to 30 s.
    pub const DEFAULT: Self = Self {
        resets: 3,
        job_tries: 3,
        pause: Duration::from_millis(100),
        longest_pause: Duration::from_secs(30),
    };
}

impl Default for RecoveryPolicy {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// A change of a card's state, or a reset that was tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transition {
    /// The state before.
    pub from: CardState,
    /// The state afterwards.
    pub to: CardState,
    /// Why.
    pub cause: Cause,
    /// How long the card stays fenced; `None` in other states.
    pub pause: Option<Duration>,
}

/// Is told of every transition of a card, on the thread that drives the card.
pub trait Observer: Send {
    /// Takes notice of a transition. The driver waits for the return.
    fn transition(&mut self, transition: &Transition);
}

impl<F: FnMut(&Transition) + Send> Observer for F {
    fn transition(&mut self, transition: &Transition) {
        self(transition);
    }
}

/// How often a card went from one state to another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Transitions([[u64; CardState::ALL.len()]; CardState::ALL.len()]);

impl Transitions {
    /// The number of transitions from `from` to `to`. From [`CardState::Resetting`] to itself
    /// counts resets that were tried again.
    #[must_use]
    pub const fn count(&self, from: CardState, to: CardState) -> u64 {
        self.0[from as usize][to as usize]
    }

    /// The number of transitions to a state.
    #[must_use]
    pub fn into_state(&self, to: CardState) -> u64 {
        self.0.iter().map(|row| row[to as usize]).sum()
    }
}

/// Applies the table of `recovery.rs` to one card.
pub(crate) struct Supervisor {
    policy: RecoveryPolicy,
    state: CardState,
    /// Resets since the last success.
    resets: u32,
    /// How long the next fence lasts.
    pause: Duration,
    /// The end of the present fence.
    until: Option<Instant>,
    transitions: Transitions,
    observer: Option<Box<dyn Observer>>,
}

impl Supervisor {
    /// A card that is being brought up.
    pub(crate) fn new(policy: RecoveryPolicy) -> Self {
        Self {
            policy,
            state: CardState::Resetting,
            resets: 0,
            pause: policy.pause,
            until: None,
            transitions: Transitions::default(),
            observer: None,
        }
    }

    pub(crate) fn observe(&mut self, observer: Box<dyn Observer>) {
        self.observer = Some(observer);
    }

    pub(crate) const fn state(&self) -> CardState {
        self.state
    }

    pub(crate) const fn transitions(&self) -> &Transitions {
        &self.transitions
    }

    /// When the present fence ends.
    pub(crate) const fn until(&self) -> Option<Instant> {
        self.until
    }

    /// Goes to the next state and tells what to do.
    pub(crate) fn step(&mut self, cause: Cause, now: Instant) -> Action {
        if cause == Cause::Reopened {
            self.succeeded();
        }
        let from = self.state;
        let (to, action) = step(from, cause, self.resets < self.policy.resets);
        self.state = to;
        let mut pause = None;
        self.until = match action {
            Action::Reset => {
                self.resets = self.resets.saturating_add(1);
                None
            }
            Action::Fence => {
                pause = Some(self.pause);
                let until = now + self.pause;
                self.pause = self.pause.saturating_mul(2).min(self.policy.longest_pause);
                Some(until)
            }
            Action::Nothing if to == CardState::Fenced => self.until,
            Action::Nothing | Action::Abort | Action::Close => None,
        };
        if from != to || action != Action::Nothing {
            self.transitions.0[from as usize][to as usize] += 1;
            if let Some(observer) = &mut self.observer {
                observer.transition(&Transition { from, to, cause, pause });
            }
        }
        action
    }

    /// A job succeeded: the next failure is the first one.
    pub(crate) const fn succeeded(&mut self) {
        self.resets = 0;
        self.pause = self.policy.pause;
    }
}

impl fmt::Debug for Supervisor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { state, resets, pause, until, transitions, .. } = self;
        f.debug_struct("Supervisor")
            .field("state", state)
            .field("resets", resets)
            .field("pause", pause)
            .field("until", until)
            .field("transitions", transitions)
            .finish_non_exhaustive()
    }
}
