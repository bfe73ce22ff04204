//! The command line.

use clap::{Parser, Subcommand};

use crate::commands::{bench, bind, generate, info, list, regs, run, top, trace};
use crate::selftest;

/// Lists, binds, tests, runs and measures accelerator cards: boards, simulated cards and mocks.
#[derive(Debug, Parser)]
#[command(name = "lockstep-lab", version)]
#[command(after_help = "Exit codes: 0, 1 if the command failed, 2 if the command line is wrong.")]
pub(crate) struct Arguments {
    /// Prints reports and problems as JSON.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Lists the cards of this machine, who holds them, and why one is not usable.
    List(list::ListArguments),
    /// Gives PCI functions to the kernel driver vfio-pci.
    Bind(bind::BindArguments),
    /// Gives PCI functions back to their kernel drivers.
    Unbind(bind::UnbindArguments),
    /// Opens a card and prints its size and its limits.
    Info(info::InfoArguments),
    /// Prints registers and counters. It neither resets nor enables the card.
    Regs(regs::RegsArguments),
    /// Tests a card step by step: registers, interrupts, rings, copies, card memory, known answers.
    Selftest(selftest::SelftestArguments),
    /// Encodes the texts of a file and compares the vectors with the reference.
    Run(run::RunArguments),
    /// Measures latency, throughput, DMA, and how busy the array is.
    Bench(bench::BenchArguments),
    /// Works on a card and shows its counters live: utilisation, stalls by cause, jobs.
    Top(top::TopArguments),
    /// Prints each job of a run: command, record, times, stalls by cause.
    Trace(trace::TraceArguments),
    /// Prints the completions for a shell.
    Completions(generate::CompletionsArguments),
    /// Prints the manual page, or writes a page for each subcommand to a folder.
    Man(generate::ManArguments),
}
