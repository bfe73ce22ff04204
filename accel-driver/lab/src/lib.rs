//! The program `lockstep-lab`: one tool for a lab bench, the same for a board, the simulator and
//! the mock.
//!
//! | module | what |
//! |---|---|
//! | `system` | the PCI functions, IOMMU groups and processes of the machine, as files tell them |
//! | `selftest` | the steps of `selftest` |
//! | `commands` | one file for each of the other subcommands |
//!
//! `system` reads below a root folder, so tests give it a made-up one. Every failure is a
//! `Problem`, which says what to check next.
#![forbid(unsafe_code)]

mod arguments;
mod commands;
mod counters;
mod model;
mod opening;
mod output;
mod problem;
mod selftest;
mod system;
mod table;

use std::ffi::OsString;
use std::io::Write;

use clap::{CommandFactory, Parser};

use arguments::{Arguments, Command};
use output::{Output, Stop};

/// Does as a command line says: `arguments` begin with the name of the program. Reports go to
/// `out`, problems to `err`, or with `--json` to `out` as well.
///
/// Returns the exit code: 0, 1 if the command failed, 2 if the command line is wrong.
pub fn run(arguments: impl IntoIterator<Item = OsString>, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            // A reader that is gone needs no text.
            let _ = if error.use_stderr() { write!(err, "{error}") } else { write!(out, "{error}") };
            return error.exit_code() as u8;
        }
    };
    let mut output = Output::new(out, arguments.json);
    let done = match &arguments.command {
        Command::List(arguments) => commands::list::run(arguments, &mut output),
        Command::Bind(arguments) => commands::bind::bind(arguments, &mut output),
        Command::Unbind(arguments) => commands::bind::unbind(arguments, &mut output),
        Command::Info(arguments) => commands::info::run(arguments, &mut output),
        Command::Regs(arguments) => commands::regs::run(arguments, &mut output),
        Command::Selftest(arguments) => selftest::run(arguments, &mut output),
        Command::Run(arguments) => commands::run::run(arguments, &mut output),
        Command::Bench(arguments) => commands::bench::run(arguments, &mut output),
        Command::Top(arguments) => commands::top::run(arguments, &mut output),
        Command::Trace(arguments) => commands::trace::run(arguments, &mut output),
        Command::Completions(arguments) => {
            commands::generate::completions(arguments, Arguments::command(), &mut output)
        }
        Command::Man(arguments) => commands::generate::man(arguments, Arguments::command(), &mut output),
    };
    match done {
        Ok(()) | Err(Stop::Quiet) => 0,
        Err(Stop::Reported) => 1,
        Err(Stop::Problem(problem)) => {
            // There is nobody left to tell when both fail.
            let _ = output.problem(&problem, err);
            1
        }
    }
}
