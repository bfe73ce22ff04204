//! `top`: a live view of a card at work.

use std::fmt;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use clap::{Args, value_parser};
use lockstep_accel_abi::events::Event;
use lockstep_accel_driver::{CardEncoder, Sequence};
use serde::Serialize;

use crate::counters::{Counters, name, share};
use crate::model::ModelArguments;
use crate::opening::CardArguments;
use crate::output::{Output, Stop};
use crate::table::{self, row};

/// A card has one user at a time, so `top` gives the card its work itself.
#[derive(Debug, Args)]
pub(crate) struct TopArguments {
    #[command(flatten)]
    card: CardArguments,
    #[command(flatten)]
    model: ModelArguments,
    /// Tokens of a sequence.
    #[arg(long, default_value_t = 32)]
    tokens: usize,
    /// Sequences of a batch.
    #[arg(long, default_value_t = 16, value_parser = value_parser!(u16).range(1..=1024))]
    batch: u16,
    /// Milliseconds between two samples.
    #[arg(long, value_name = "MS", default_value_t = 1000, value_parser = value_parser!(u64).range(1..=3_600_000))]
    every: u64,
    /// Ends after so many samples. Without it, Ctrl-C ends the view.
    #[arg(long, value_name = "SAMPLES", value_parser = value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// One sample.
    #[arg(long, conflicts_with = "count")]
    once: bool,
}

/// What happened between two looks at the counters.
#[derive(Debug, Serialize)]
struct Sample {
    card: String,
    seconds: f64,
    sequences: u64,
    tokens: u64,
    state: String,
    resets: u64,
    interrupts: u64,
    /// The share of all cycles in which the card had a job.
    busy: f64,
    /// The share of these in which the array worked.
    array: f64,
    /// How much each counter grew.
    counters: Counters,
}

pub(crate) fn run(arguments: &TopArguments, output: &mut Output<'_>) -> Result<(), Stop> {
    let model = arguments.model.open()?;
    let card = arguments.card.open()?;
    let texts = model.sequences(arguments.tokens, card.capabilities().tokens, arguments.batch.into())?;
    let batch: Vec<Sequence<'_>> = texts.iter().map(|(ids, type_ids)| Sequence { ids, type_ids }).collect();
    let mut encoder = CardEncoder::new(card, &model.encoder)?;
    // The copy of the model is not part of the first sample.
    encoder.encode(&batch)?;
    let count = if arguments.once { Some(1) } else { arguments.count };
    let live = count != Some(1) && !output.json() && std::io::stdout().is_terminal();
    let mut before = Counters::read(encoder.card())?;
    let mut sampled = 0;
    while count.is_none_or(|count| sampled < count) {
        let (begin, mut batches) = (Instant::now(), 0);
        while batches == 0 || begin.elapsed() < Duration::from_millis(arguments.every) {
            encoder.encode(&batch)?;
            batches += 1;
        }
        let (seconds, now) = (begin.elapsed().as_secs_f64(), Counters::read(encoder.card())?);
        let counters = now.since(&before);
        before = now;
        let sequences = batches * u64::from(arguments.batch);
        let sample = Sample {
            card: arguments.card.card.to_string(),
            seconds,
            sequences,
            tokens: sequences * arguments.tokens as u64,
            state: format!("{:?}", encoder.card().state()).to_lowercase(),
            resets: encoder.card().resets(),
            interrupts: encoder.card().interrupts(),
            busy: share(counters.get(Event::Busy), counters.get(Event::Cycles)),
            array: share(counters.get(Event::ArrayBusy), counters.get(Event::Busy)),
            counters,
        };
        if live {
            // The cursor to the top left, and the screen empty.
            output.text("\x1b[H\x1b[2J")?;
        }
        output.report(&sample)?;
        sampled += 1;
    }
    Ok(())
}

/// A bar of at most 30 columns.
fn bar(share: f64) -> String {
    let filled = (30.0 * share.clamp(0.0, 1.0)).round() as usize;
    format!("{:5.1} %  {}", 100.0 * share, "#".repeat(filled))
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { card, seconds, sequences, tokens, state, resets, interrupts, busy, array, counters } =
            self;
        writeln!(f, "{card}: {state}, {resets} resets, {interrupts} interrupts")?;
        let rate = |n: u64| n as f64 / seconds;
        writeln!(f, "{:.1} sequences/s, {:.1} tokens/s\n", rate(*sequences), rate(*tokens))?;
        let of_busy = |event| share(counters.get(event), counters.get(Event::Busy));
        let mut rows = vec![row([&"card busy", &bar(*busy)]), row([&"array busy", &bar(*array)])];
        rows.extend(Counters::STALLS.map(|event| row([&name(event), &bar(of_busy(event))])));
        let held = [Event::HostReadHeld, Event::HostWriteHeld, Event::CardReadHeld, Event::CardWriteHeld];
        rows.extend(held.map(|event| row([&name(event), &bar(of_busy(event))])));
        table::write(f, &rows)?;
        writeln!(f)?;
        let mut rows = vec![row([&"COUNTER", &"SAMPLE", &"PER SECOND"])];
        rows.extend(counters.iter().map(|(event, n)| row([&name(event), &n, &format!("{:.0}", rate(n))])));
        table::write(f, &rows)
    }
}
