//! `trace`: each job of a run, with its command, its record and its times.

use std::fmt;
use std::path::PathBuf;
use std::sync::mpsc::channel;
use std::time::Instant;

use clap::Args;
use lockstep_accel_abi::Opcode;
use lockstep_accel_abi::codes::DescriptorFlags;
use lockstep_accel_driver::{CardEncoder, JobReport, Sequence};
use serde::Serialize;
use serde_json::{Value, json};

use crate::counters::{Counters, name};
use crate::model::{ModelArguments, Tokens};
use crate::opening::CardArguments;
use crate::output::{Output, Stop};
use crate::problem::Problem;
use crate::table::{self, row};

#[derive(Debug, Args)]
pub(crate) struct TraceArguments {
    #[command(flatten)]
    card: CardArguments,
    #[command(flatten)]
    model: ModelArguments,
    /// Lengths of the sequences, in tokens. Each sequence is a batch.
    #[arg(long, value_delimiter = ',', default_value = "8,8,32")]
    tokens: Vec<usize>,
    /// Writes the jobs as a timeline too, in the trace event format, for Perfetto or
    /// chrome://tracing.
    #[arg(long, value_name = "FILE")]
    timeline: Option<PathBuf>,
}

#[derive(Debug, Serialize)]
struct Report {
    card: String,
    model: String,
    jobs: Vec<Job>,
    batches: Vec<Batch>,
    /// How a simulated card writes the waveform of the last program.
    waveform: Option<String>,
}

/// A job. Times are microseconds since the first batch.
#[derive(Debug, Serialize)]
struct Job {
    /// The number of the job since the card was opened, from 1 on.
    number: u64,
    /// The batch that needed the job.
    batch: usize,
    opcode: String,
    tag: u16,
    interrupt: bool,
    fence: bool,
    card_address: u64,
    host_address: u64,
    output_address: u64,
    bytes: u32,
    instructions: u32,
    tokens: u16,
    runs: u16,
    submitted_us: f64,
    ended_us: f64,
    /// None for a job that the card lost.
    record: Option<Record>,
}

#[derive(Debug, Serialize)]
struct Record {
    status: String,
    address: u64,
    detail: u32,
    cycles: u64,
    array_busy: u32,
}

/// A batch of one sequence.
#[derive(Debug, Serialize)]
struct Batch {
    tokens: usize,
    begin_us: f64,
    end_us: f64,
    /// How much each counter grew, the copies of model and program included.
    counters: Counters,
}

pub(crate) fn run(arguments: &TraceArguments, output: &mut Output<'_>) -> Result<(), Stop> {
    let model = arguments.model.open()?;
    let mut card = arguments.card.open()?;
    let longest = card.capabilities().tokens;
    let texts: Vec<Tokens> = arguments
        .tokens
        .iter()
        .map(|&tokens| model.sequences(tokens, longest, 1))
        .collect::<Result<Vec<_>, _>>()?
        .concat();
    let (to, reports) = channel();
    card.observe_jobs(move |job| {
        // The receiver is gone when the command has failed.
        let _ = to.send(*job);
    });
    let mut encoder = CardEncoder::new(card, &model.encoder)?;
    let (zero, mut jobs, mut batches) = (Instant::now(), Vec::new(), Vec::new());
    let since = |at: Instant| at.saturating_duration_since(zero).as_secs_f64() * 1e6;
    for (batch, (ids, type_ids)) in texts.iter().enumerate() {
        let before = Counters::read(encoder.card())?;
        let begin_us = since(Instant::now());
        let encoded = encoder.encode(&[Sequence { ids, type_ids }]);
        let end_us = since(Instant::now());
        jobs.extend(reports.try_iter().map(|report| job(&report, batch, since)));
        if let Err(error) = encoded {
            // The jobs until then are the trace of the failure.
            let waveform = None;
            let (card, model) = (arguments.card.card.to_string(), model.name);
            output.report(&Report { card, model, jobs, batches, waveform })?;
            return Err(error.into());
        }
        let counters = Counters::read(encoder.card())?.since(&before);
        batches.push(Batch { tokens: ids.len(), begin_us, end_us, counters });
    }
    let waveform = jobs.iter().rev().find(|job: &&Job| job.opcode == "run").map(|job| {
        format!(
            "start `lockstep-card SOCKET --trace job.fst --trace-job {}` anew, and repeat this command",
            job.number
        )
    });
    let report = Report { card: arguments.card.card.to_string(), model: model.name, jobs, batches, waveform };
    if let Some(path) = &arguments.timeline {
        std::fs::write(path, timeline(&report).to_string()).map_err(|error| Problem::file(path, error))?;
    }
    output.report(&report)
}

fn job(report: &JobReport, batch: usize, since: impl Fn(Instant) -> f64) -> Job {
    let JobReport { number, descriptor: d, submitted, ended, outcome } = report;
    let opcode = match Opcode::try_from(d.opcode) {
        Ok(Opcode::Nop) => "nop",
        Ok(Opcode::Run) => "run",
        Ok(Opcode::CopyToCard) => "copy_to_card",
        Ok(Opcode::CopyFromCard) => "copy_from_card",
        Err(_) => "unknown",
    };
    Job {
        number: *number,
        batch,
        opcode: opcode.into(),
        tag: d.tag,
        interrupt: u32::from(d.flags) & DescriptorFlags::INTERRUPT != 0,
        fence: u32::from(d.flags) & DescriptorFlags::FENCE != 0,
        card_address: d.card_address,
        host_address: d.host_address,
        output_address: d.output_address,
        bytes: d.bytes,
        instructions: d.program_length,
        tokens: d.tokens,
        runs: d.runs,
        submitted_us: since(*submitted),
        ended_us: since(*ended),
        record: outcome.map(|outcome| Record {
            status: format!("{:?}", outcome.status),
            address: outcome.address,
            detail: outcome.detail,
            cycles: outcome.cycles,
            array_busy: outcome.array_busy,
        }),
    }
}

/// The report in the trace event format: one track for the batches, one for the rings, and the
/// stalls as counters.
fn timeline(report: &Report) -> Value {
    let span = |track: u32, name: String, begin: f64, end: f64, facts: Value| json!({"ph": "X", "pid": 1, "tid": track, "name": name, "ts": begin, "dur": end - begin, "args": facts});
    let mut events = Vec::new();
    for (track, name) in [(1, "batches"), (2, "jobs")] {
        events
            .push(json!({"ph": "M", "pid": 1, "tid": track, "name": "thread_name", "args": {"name": name}}));
    }
    for batch in &report.batches {
        let title = format!("{} tokens", batch.tokens);
        events.push(span(1, title, batch.begin_us, batch.end_us, json!(batch.counters)));
        let stalls: serde_json::Map<String, Value> =
            Counters::STALLS.iter().map(|e| (name(*e), json!(batch.counters.get(*e)))).collect();
        events.push(json!({"ph": "C", "pid": 1, "name": "stalls", "ts": batch.end_us, "args": stalls}));
    }
    for job in &report.jobs {
        events.push(span(
            2,
            format!("{} {}", job.opcode, job.number),
            job.submitted_us,
            job.ended_us,
            json!(job),
        ));
    }
    json!({"displayTimeUnit": "ns", "traceEvents": events})
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}, model {}", self.card, self.model)?;
        let heads: [&dyn fmt::Display; 10] = [
            &"JOB",
            &"BATCH",
            &"COMMAND",
            &"TAG",
            &"BYTES",
            &"TOKENS",
            &"BEGIN µs",
            &"µs",
            &"CYCLES",
            &"STATUS",
        ];
        let mut rows = vec![row(heads)];
        for job in &self.jobs {
            let (cycles, status) = match &job.record {
                Some(record) => (record.cycles.to_string(), record.status.as_str()),
                None => ("-".into(), "lost"),
            };
            let time = |us: f64| format!("{us:.1}");
            rows.push(row([
                &job.number,
                &job.batch,
                &job.opcode,
                &job.tag,
                &job.bytes,
                &job.tokens,
                &time(job.submitted_us),
                &time(job.ended_us - job.submitted_us),
                &cycles,
                &status,
            ]));
        }
        table::write(f, &rows)?;
        writeln!(f)?;
        let mut rows = vec![
            [String::from("BATCH"), "TOKENS".into()].into_iter().chain(Counters::STALLS.map(name)).collect(),
        ];
        for (i, batch) in self.batches.iter().enumerate() {
            let stalls = Counters::STALLS.map(|event| batch.counters.get(event).to_string());
            rows.push(
                [i.to_string(), batch.tokens.to_string()].into_iter().chain(stalls).collect::<Vec<_>>(),
            );
        }
        table::write(f, &rows)?;
        self.waveform.iter().try_for_each(|how| writeln!(f, "\na waveform of the last program: {how}"))
    }
}
