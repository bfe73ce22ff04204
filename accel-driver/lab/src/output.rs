//! Reports, as text or as JSON.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};

use serde::Serialize;

use crate::problem::Problem;

/// Why a command ended early.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The command failed.
    Problem(Problem),
    /// The command failed, and its report says so.
    Reported,
    /// The reader of the output is gone.
    Quiet,
}

impl<T: Into<Problem>> From<T> for Stop {
    fn from(problem: T) -> Self {
        Self::Problem(problem.into())
    }
}

/// Where reports go.
pub(crate) struct Output<'a> {
    to: &'a mut dyn Write,
    json: bool,
}

impl<'a> Output<'a> {
    pub(crate) fn new(to: &'a mut dyn Write, json: bool) -> Self {
        Self { to, json }
    }

    /// Whether reports are JSON.
    pub(crate) const fn json(&self) -> bool {
        self.json
    }

    /// Prints a report: one line of JSON, or its text.
    pub(crate) fn report<T: Serialize + Display>(&mut self, report: &T) -> Result<(), Stop> {
        if self.json { self.line(report) } else { self.text(report) }
    }

    /// Prints one line of JSON.
    pub(crate) fn line(&mut self, value: &impl Serialize) -> Result<(), Stop> {
        let line =
            serde_json::to_string(value).map_err(|error| Problem::new(error, "report this mistake"))?;
        self.written(|to| writeln!(to, "{line}"))
    }

    /// Prints text as it is.
    pub(crate) fn text(&mut self, text: impl Display) -> Result<(), Stop> {
        self.written(|to| write!(to, "{text}"))
    }

    /// Prints a problem: to `err`, or as JSON among the reports.
    pub(crate) fn problem(&mut self, problem: &Problem, err: &mut dyn Write) -> io::Result<()> {
        if self.json {
            writeln!(self.to, "{}", serde_json::to_string(problem)?)
        } else {
            writeln!(err, "lockstep-lab: {problem}")
        }
    }

    fn written(&mut self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Stop> {
        match write(self.to).and_then(|()| self.to.flush()) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(Stop::Quiet),
            Err(error) => Err(Problem::new(format_args!("the output: {error}"), "is the disk full?").into()),
        }
    }
}
