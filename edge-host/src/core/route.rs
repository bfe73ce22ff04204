//! Which engine takes a piece of work: a pure function, so that a table can test it.

use std::time::Duration;

/// The kind of an engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A thread of the daemon, in or outside of a sandbox.
    Cpu,
    /// A card behind a bus: faster for many tokens, slower to begin.
    Card,
}

/// How soon a client needs its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Priority {
    /// A person waits.
    #[default]
    Interactive,
    /// Nobody waits: a job that fills a catalogue, for example.
    Batch,
}

/// A piece of work that an engine may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Work {
    /// Tokens of all sequences.
    pub(crate) tokens: usize,
    /// Tokens of the longest sequence.
    pub(crate) longest: usize,
    pub(crate) priority: Priority,
    /// Whether an engine has failed on it before.
    pub(crate) retried: bool,
}

/// An engine, as the choice sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct View {
    pub(crate) kind: Kind,
    /// Whether the engine takes work at all.
    pub(crate) usable: bool,
    /// The longest sequence that the engine takes, in tokens.
    pub(crate) longest: usize,
    /// Measured tokens a second.
    pub(crate) rate: f64,
    /// Whether work that is not urgent goes here before it goes to engines that are not preferred.
    pub(crate) preferred: bool,
    /// Time until the engine has done the work that it has.
    pub(crate) busy: Duration,
}

/// Interactive work of at most so many tokens is urgent: it goes to a CPU, whatever the cards do.
pub(crate) const URGENT: usize = 128;

/// The index of the engine that takes the work; `None` if no engine can.
///
/// Urgent and retried work goes to the CPU that will finish first, if there is one. Other work goes
/// to the engine that will finish first at its measured rate; of two equal ones a card wins, then
/// the one with the smaller index.
pub(crate) fn route(work: Work, engines: &[View]) -> Option<usize> {
    let able = |engine: &View| engine.usable && work.longest <= engine.longest;
    let urgent = work.priority == Priority::Interactive && work.tokens <= URGENT;
    let cpu = |engine: &View| engine.kind == Kind::Cpu;
    let preferred = engines.iter().any(|engine| able(engine) && engine.preferred);
    let only_cpus = (urgent || work.retried) && engines.iter().any(|engine| able(engine) && cpu(engine));
    engines
        .iter()
        .enumerate()
        .filter(|(_, engine)| able(engine))
        .filter(|(_, engine)| if only_cpus { cpu(engine) } else { engine.preferred || !preferred })
        .min_by(|(_, a), (_, b)| finish(work, a).total_cmp(&finish(work, b)).then(cpu(a).cmp(&cpu(b))))
        .map(|(index, _)| index)
}

/// Seconds until an engine would have done the work.
fn finish(work: Work, engine: &View) -> f64 {
    engine.busy.as_secs_f64() + work.tokens as f64 / engine.rate.max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(kind: Kind, rate: f64, busy_ms: u64) -> View {
        View {
            kind,
            usable: true,
            longest: 512,
            rate,
            preferred: false,
            busy: Duration::from_millis(busy_ms),
        }
    }

    fn cpu(busy_ms: u64) -> View {
        view(Kind::Cpu, 1_000.0, busy_ms)
    }

    fn card(busy_ms: u64) -> View {
        view(Kind::Card, 10_000.0, busy_ms)
    }

    const fn work(tokens: usize, priority: Priority) -> Work {
        Work { tokens, longest: 64, priority, retried: false }
    }

    #[test]
    fn the_table_of_choices() {
        use Priority::{Batch, Interactive};
        let away = |view: View| View { usable: false, ..view };
        let slow = View { preferred: true, ..view(Kind::Card, 1.0, 900) };
        let again = |work: Work| Work { retried: true, ..work };
        let short = |view: View| View { longest: 63, ..view };
        let table: &[(&str, Work, &[View], Option<usize>)] = &[
            ("no engine", work(1, Batch), &[], None),
            ("no usable engine", work(1, Batch), &[away(cpu(0)), away(card(0))], None),
            ("a sequence too long for all", work(64, Batch), &[short(cpu(0))], None),
            ("urgent work goes to a CPU", work(128, Interactive), &[card(0), cpu(0)], Some(1)),
            ("even to a busy one", work(128, Interactive), &[card(0), cpu(900)], Some(1)),
            ("to the CPU that is done first", work(9, Interactive), &[cpu(50), cpu(20), cpu(30)], Some(1)),
            ("to a card where no CPU is usable", work(9, Interactive), &[away(cpu(0)), card(0)], Some(1)),
            ("to a card where no CPU is able", work(64, Interactive), &[short(cpu(0)), card(0)], Some(1)),
            ("heavy interactive work: who ends first", work(1_000, Interactive), &[cpu(0), card(0)], Some(1)),
            ("batch work: the same", work(100, Batch), &[cpu(0), card(0)], Some(1)),
            ("a card that is busy loses", work(1_000, Batch), &[cpu(0), card(950)], Some(0)),
            ("a card that is busy may still win", work(1_000, Batch), &[cpu(0), card(850)], Some(1)),
            ("a slow card loses", work(1_000, Batch), &[cpu(0), view(Kind::Card, 100.0, 0)], Some(0)),
            ("a sick card loses", work(1_000, Batch), &[cpu(900), away(card(0))], Some(0)),
            ("of equal ones the card", work(100, Batch), &[cpu(0), view(Kind::Card, 1_000.0, 0)], Some(1)),
            ("of equal cards the first", work(100, Batch), &[cpu(0), card(0), card(0)], Some(1)),
            ("of two cards the idle one", work(100, Batch), &[card(10), card(0)], Some(1)),
            ("a second try is a CPU's", again(work(900, Batch)), &[cpu(99), card(0)], Some(0)),
            ("or a card's, without a CPU", again(work(900, Batch)), &[away(cpu(0)), card(0)], Some(1)),
            ("a preferred card, however slow", work(129, Interactive), &[cpu(0), slow], Some(1)),
            ("but not for urgent work", work(128, Interactive), &[cpu(0), slow], Some(0)),
            ("nor where it is sick", work(129, Interactive), &[cpu(0), away(slow)], Some(0)),
            ("no rate is not infinite speed", work(10, Batch), &[view(Kind::Cpu, 0.0, 0), cpu(0)], Some(1)),
        ];
        for (name, work, engines, expected) in table {
            assert_eq!(route(*work, engines), *expected, "{name}");
        }
    }
}
