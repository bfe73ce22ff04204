//! `bench`: latency, throughput, DMA, and how busy the array is.

use std::fmt;
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

use clap::{Args, value_parser};
use lockstep_accel_abi::registers::REGISTERS;
use lockstep_accel_abi::{Descriptor, Opcode};
use lockstep_accel_driver::{CardEncoder, JobReport, Sequence, Transport};
use lockstep_accel_program::{Image, Program};
use serde::Serialize;

use crate::counters::share;
use crate::model::{Model, ModelArguments, Tokens};
use crate::opening::{CardArguments, LabCard};
use crate::output::{Output, Stop};
use crate::problem::Problem;
use crate::table::{self, row};

#[derive(Debug, Args)]
pub(crate) struct BenchArguments {
    #[command(flatten)]
    card: CardArguments,
    #[command(flatten)]
    model: ModelArguments,
    /// Lengths of sequences in tokens.
    #[arg(long, value_delimiter = ',', default_value = "8,32,128")]
    tokens: Vec<usize>,
    /// Sequences of a batch.
    #[arg(long, value_delimiter = ',', default_value = "1,16", value_parser = value_parser!(u16).range(1..=1024))]
    batch: Vec<u16>,
    /// How often each thing is measured.
    #[arg(long, default_value_t = 20, value_parser = value_parser!(u16).range(1..=10_000))]
    times: u16,
}

/// Lengths of the copies, in bytes. The longest one needs a quarter of the memory for data.
const COPIES: [u32; 3] = [4 << 10, 64 << 10, 1 << 20];

#[derive(Debug, Serialize)]
struct Report {
    card: String,
    model: String,
    lanes: usize,
    register_read: Times,
    /// A job that does nothing, from its doorbell to its record.
    empty_job: Times,
    copies: Vec<Copies>,
    batches: Vec<Batches>,
}

/// Times in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
struct Times {
    median_us: f64,
    p99_us: f64,
}

#[derive(Debug, Serialize)]
struct Copies {
    to_card: bool,
    bytes: u32,
    /// By the clock of this machine.
    megabytes_per_second: f64,
    /// By the card's own records.
    bytes_per_cycle: f64,
}

#[derive(Debug, Serialize)]
struct Batches {
    tokens: usize,
    batch: usize,
    latency: Times,
    sequences_per_second: f64,
    tokens_per_second: f64,
    cycles_per_sequence: f64,
    /// The share of these cycles in which the array worked.
    array_busy: f64,
    /// The products of the model beside those that the array can do in these cycles.
    share_of_peak: f64,
}

pub(crate) fn run(arguments: &BenchArguments, output: &mut Output<'_>) -> Result<(), Stop> {
    let model = arguments.model.open()?;
    let mut card = arguments.card.open()?;
    let times = usize::from(arguments.times);
    let register_read = timed(times, || Ok(card.register(&REGISTERS[0]).map(drop)?))?;
    let empty_job = timed(times, || Ok(card.execute(&[Descriptor::nop(0)])?[0].success()?))?;
    let mut copies = Vec::new();
    for to_card in [true, false] {
        for bytes in COPIES {
            copies.push(copy(&mut card, to_card, bytes, times)?);
        }
    }
    let (capabilities, (to, jobs)) = (*card.capabilities(), channel());
    card.observe_jobs(move |job| {
        // The receiver is gone when the command has failed.
        let _ = to.send(*job);
    });
    let image =
        Image::new(&model.encoder, &capabilities.engine).map_err(|error| Problem::new(error, SMALLER))?;
    let mut bench = Bench { encoder: CardEncoder::new(card, &model.encoder)?, jobs, times };
    let mut batches = Vec::new();
    for &tokens in &arguments.tokens {
        let texts = model.sequences(tokens, capabilities.tokens, 1)?;
        let program = Program::new(&image, &capabilities.engine, tokens, 0);
        let products = program.map_err(|error| Problem::new(error, SMALLER))?.macs();
        for &batch in &arguments.batch {
            let peak = (capabilities.engine.lanes * capabilities.engine.lanes) as u64;
            batches.push(bench.measure(&texts[0], batch.into(), products, peak)?);
        }
    }
    let Model { name, .. } = model;
    let (card, lanes) = (arguments.card.card.to_string(), capabilities.engine.lanes);
    output.report(&Report { card, model: name, lanes, register_read, empty_job, copies, batches })
}

const SMALLER: &str = "take a smaller model; `lockstep-lab info` prints what the card takes";

/// Calls a function and sorts how long its calls take.
fn timed(times: usize, mut call: impl FnMut() -> Result<(), Problem>) -> Result<Times, Problem> {
    let mut spent = Vec::with_capacity(times);
    for _ in 0..times {
        let begin = Instant::now();
        call()?;
        spent.push(begin.elapsed().as_secs_f64() * 1e6);
    }
    Ok(Times::of(spent))
}

impl Times {
    /// # Panics
    /// There is no time.
    fn of(mut spent: Vec<f64>) -> Self {
        spent.sort_by(f64::total_cmp);
        let at = |share: f64| spent[((share * spent.len() as f64).ceil() as usize).clamp(1, spent.len()) - 1];
        Self { median_us: at(0.5), p99_us: at(0.99) }
    }
}

/// Copies between the first bytes of card memory and of the memory for data.
fn copy(card: &mut LabCard, to_card: bool, bytes: u32, times: usize) -> Result<Copies, Problem> {
    let bytes = u64::from(bytes).min(card.capabilities().card_bytes).min(card.data_bytes()) as u32 & !3;
    let host = card.data_iova(0);
    let job = match to_card {
        true => Descriptor::copy_to_card(0, host, 0, bytes),
        false => Descriptor::copy_from_card(0, 0, host, bytes),
    };
    let begin = Instant::now();
    let outcomes = card.execute(&vec![job; times])?;
    let seconds = begin.elapsed().as_secs_f64();
    outcomes.iter().try_for_each(|outcome| outcome.success())?;
    let cycles: u64 = outcomes.iter().map(|outcome| outcome.cycles).sum();
    let all = u64::from(bytes) * times as u64;
    Ok(Copies {
        to_card,
        bytes,
        megabytes_per_second: all as f64 / seconds / 1e6,
        bytes_per_cycle: share(all, cycles),
    })
}

struct Bench<T: Transport> {
    encoder: CardEncoder<T>,
    jobs: Receiver<JobReport>,
    times: usize,
}

impl<T: Transport> Bench<T> {
    fn measure(
        &mut self,
        (ids, type_ids): &Tokens,
        batch: usize,
        products: u64,
        peak: u64,
    ) -> Result<Batches, Problem> {
        let sequences = vec![Sequence { ids, type_ids }; batch];
        // The first batch copies model and program to the card.
        self.encoder.encode(&sequences)?;
        self.jobs.try_iter().for_each(drop);
        let begin = Instant::now();
        let latency = timed(self.times, || Ok(self.encoder.encode(&sequences).map(drop)?))?;
        let seconds = begin.elapsed().as_secs_f64();
        let (mut cycles, mut busy) = (0, 0);
        for job in self.jobs.try_iter().filter(|job| job.descriptor.opcode == Opcode::Run as u8) {
            let outcome =
                job.outcome.ok_or_else(|| Problem::new("a job was lost", "`lockstep-lab selftest`"))?;
            cycles += outcome.cycles;
            busy += u64::from(outcome.array_busy);
        }
        let done = (batch * self.times) as u64;
        Ok(Batches {
            tokens: ids.len(),
            batch,
            latency,
            sequences_per_second: done as f64 / seconds,
            tokens_per_second: done as f64 * ids.len() as f64 / seconds,
            cycles_per_sequence: share(cycles, done),
            array_busy: share(busy, cycles),
            share_of_peak: share(products * done, cycles * peak),
        })
    }
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} µs, p99 {:.1} µs", self.median_us, self.p99_us)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}, {1}x{1} array, model {2}", self.card, self.lanes, self.model)?;
        writeln!(f, "register read: {}\nempty job: {}\n", self.register_read, self.empty_job)?;
        let mut rows = vec![row([&"COPY", &"BYTES", &"MB/s", &"BYTES/CYCLE"])];
        for copy in &self.copies {
            let way = if copy.to_card { "to card" } else { "from card" };
            let (speed, beat) =
                (format!("{:.1}", copy.megabytes_per_second), format!("{:.2}", copy.bytes_per_cycle));
            rows.push(row([&way, &copy.bytes, &speed, &beat]));
        }
        table::write(f, &rows)?;
        writeln!(f)?;
        let heads: [&dyn fmt::Display; 8] =
            [&"TOKENS", &"BATCH", &"MEDIAN µs", &"P99 µs", &"TOKENS/s", &"CYCLES", &"ARRAY", &"OF PEAK"];
        let mut rows = vec![row(heads)];
        for b in &self.batches {
            let number = |value: f64| format!("{value:.1}");
            let percent = |share: f64| format!("{:.1} %", 100.0 * share);
            rows.push(row([
                &b.tokens,
                &b.batch,
                &number(b.latency.median_us),
                &number(b.latency.p99_us),
                &number(b.tokens_per_second),
                &number(b.cycles_per_sequence),
                &percent(b.array_busy),
                &percent(b.share_of_peak),
            ]));
        }
        table::write(f, &rows)
    }
}

#[cfg(test)]
mod tests {
    use super::Times;

    #[test]
    fn the_percentiles_are_values_that_were_measured() {
        let times = Times::of((1..=200).rev().map(f64::from).collect());
        assert_eq!(times, Times { median_us: 100.0, p99_us: 198.0 });
        assert_eq!(Times::of(vec![7.0]), Times { median_us: 7.0, p99_us: 7.0 });
    }
}
