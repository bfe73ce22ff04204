//! `selftest`: a card step by step, from the registers to known answers.

mod answers;
mod copies;
mod interrupts;
mod memory;
mod queue;
mod registers;
mod subject;

use std::fmt;
use std::time::Instant;

use clap::Args;
use serde::Serialize;

use crate::opening::CardArguments;
use crate::output::{Output, Stop};
use crate::problem::Problem;
use crate::table::{self, row};

use subject::Subject;

#[derive(Debug, Args)]
pub(crate) struct SelftestArguments {
    #[command(flatten)]
    card: CardArguments,
    /// Goes on behind a step that failed.
    #[arg(long)]
    keep_going: bool,
}

/// Tests one thing, and returns the facts that it found.
type Test = fn(&mut Subject<'_>) -> Result<String, Problem>;

/// The steps. Each one relies on the steps before it.
const STEPS: [(&str, Test); 8] = [
    ("identity", registers::identity),
    ("registers", registers::scratch),
    ("clock", registers::clock),
    ("interrupts", interrupts::run),
    ("queue", queue::run),
    ("copies", copies::run),
    ("memory", memory::run),
    ("answers", answers::run),
];

#[derive(Debug, Serialize)]
struct Report {
    card: String,
    passed: bool,
    steps: Vec<Step>,
}

#[derive(Debug, Serialize)]
struct Step {
    name: &'static str,
    result: StepResult,
    milliseconds: u128,
    /// The facts that the step found.
    facts: Option<String>,
    problem: Option<Problem>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum StepResult {
    Ok,
    Failed,
    Skipped,
}

pub(crate) fn run(arguments: &SelftestArguments, output: &mut Output<'_>) -> Result<(), Stop> {
    let mut subject = Subject::new(&arguments.card);
    let mut steps = Vec::new();
    let mut failed = false;
    for (name, test) in STEPS {
        let begin = Instant::now();
        let (result, facts, problem) = if failed && !arguments.keep_going {
            (StepResult::Skipped, None, None)
        } else {
            match test(&mut subject) {
                Ok(facts) => (StepResult::Ok, Some(facts), None),
                Err(problem) => (StepResult::Failed, None, Some(problem)),
            }
        };
        failed |= result == StepResult::Failed;
        steps.push(Step { name, result, milliseconds: begin.elapsed().as_millis(), facts, problem });
    }
    output.report(&Report { card: arguments.card.card.to_string(), passed: !failed, steps })?;
    if failed { Err(Stop::Reported) } else { Ok(()) }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rows = Vec::new();
        for Step { name, result, milliseconds, facts, problem } in &self.steps {
            let result = match result {
                StepResult::Ok => "ok",
                StepResult::Failed => "FAILED",
                StepResult::Skipped => "skipped",
            };
            let text = facts.as_ref().or(problem.as_ref().map(|problem| &problem.error));
            rows.push(row([name, &result, &format!("{milliseconds} ms"), &text.map_or("", String::as_str)]));
            rows.extend(problem.iter().map(|problem| row([&"", &"", &"next:", &problem.next])));
        }
        table::write(f, &rows)?;
        writeln!(f, "{} {}", self.card, if self.passed { "passed" } else { "FAILED" })
    }
}
