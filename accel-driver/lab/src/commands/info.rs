//! `info`: the size and the limits of a card.

use std::fmt;

use clap::Args;
use lockstep_accel_abi::registers::{REGISTERS, fields};
use lockstep_accel_abi::{Register, registers};
use lockstep_accel_driver::Error;
use serde::Serialize;

use crate::opening::{CardArguments, LabCard};
use crate::output::{Output, Stop};
use crate::table::{self, row};

#[derive(Debug, Args)]
pub(crate) struct InfoArguments {
    #[command(flatten)]
    card: CardArguments,
}

#[derive(Debug, Serialize)]
struct Report {
    card: String,
    /// Major and minor number.
    interface: String,
    program_version: u32,
    build: u32,
    /// Rows and columns of the array.
    lanes: usize,
    /// Words of the engine's memories.
    memory_a: usize,
    memory_b: usize,
    memory_p: usize,
    memory_v: usize,
    memory_y: usize,
    /// The longest sequence.
    tokens: usize,
    /// The greatest hidden size.
    hidden: usize,
    card_bytes: u64,
    /// Bytes that a port moves in a cycle.
    host_port_bytes: u32,
    card_port_bytes: u32,
    /// The greatest logarithm of a ring's entries.
    ring_log2_max: u32,
    /// Jobs that the card works on at once.
    jobs: u32,
    /// Sequences of a job.
    runs: usize,
    vectors: u32,
    counters: u32,
    clock_khz: Option<u32>,
    /// Products of the array in a second, in thousands of millions.
    peak_giga_products: Option<f64>,
}

pub(crate) fn run(arguments: &InfoArguments, output: &mut Output<'_>) -> Result<(), Stop> {
    let card = arguments.card.open()?;
    output.report(&report(arguments.card.card.to_string(), &card)?)
}

fn report(name: String, card: &LabCard) -> Result<Report, Error> {
    let read = |offset| match REGISTERS.iter().find(|register: &&Register| register.offset == offset) {
        Some(register) => card.register(register),
        None => Ok(0),
    };
    let version = read(registers::VERSION)?;
    let ports = read(registers::CAP_PORTS)?;
    let capabilities = card.capabilities();
    let engine = capabilities.engine;
    let peak = |khz: u32| f64::from(khz) * (engine.lanes * engine.lanes) as f64 / 1e6;
    Ok(Report {
        card: name,
        interface: format!("{}.{}", fields::VERSION::MAJOR.get(version), fields::VERSION::MINOR.get(version)),
        program_version: fields::CAP_PROGRAM::VERSION.get(read(registers::CAP_PROGRAM)?),
        build: capabilities.build,
        lanes: engine.lanes,
        memory_a: engine.a,
        memory_b: engine.b,
        memory_p: engine.p,
        memory_v: engine.v,
        memory_y: engine.y,
        tokens: capabilities.tokens,
        hidden: capabilities.hidden,
        card_bytes: capabilities.card_bytes,
        host_port_bytes: fields::CAP_PORTS::HOST_BYTES.get(ports),
        card_port_bytes: fields::CAP_PORTS::CARD_BYTES.get(ports),
        ring_log2_max: capabilities.ring_log2,
        jobs: capabilities.jobs,
        runs: capabilities.runs,
        vectors: fields::CAP_QUEUE::VECTORS.get(read(registers::CAP_QUEUE)?),
        counters: read(registers::CAP_COUNTERS)?,
        clock_khz: capabilities.clock_khz,
        peak_giga_products: capabilities.clock_khz.map(peak),
    })
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clock =
            self.clock_khz.map_or("not reported".into(), |khz| format!("{} MHz", f64::from(khz) / 1e3));
        let peak = self.peak_giga_products.map_or("unknown".into(), |peak| format!("{peak:.1} G products/s"));
        table::write(
            f,
            &[
                row([&"card", &self.card]),
                row([&"interface", &format!("{}, programs {}", self.interface, self.program_version)]),
                row([&"build", &format!("{:#010x}", self.build)]),
                row([&"array", &format!("{0}x{0}", self.lanes)]),
                row([&"clock", &clock]),
                row([&"peak", &peak]),
                row([&"longest sequence", &format!("{} tokens", self.tokens)]),
                row([&"hidden size", &format!("up to {}", self.hidden)]),
                row([&"card memory", &format!("{} MiB", self.card_bytes >> 20)]),
                row([&"host port", &format!("{} bytes a cycle", self.host_port_bytes)]),
                row([&"card port", &format!("{} bytes a cycle", self.card_port_bytes)]),
                row([
                    &"words of memory",
                    &format!(
                        "A {}, B {}, P {}, V {}, Y {}",
                        self.memory_a, self.memory_b, self.memory_p, self.memory_v, self.memory_y
                    ),
                ]),
                row([&"ring", &format!("up to {} entries", 1_u64 << self.ring_log2_max.min(63))]),
                row([&"jobs at once", &self.jobs]),
                row([&"sequences of a job", &self.runs]),
                row([&"interrupt vectors", &self.vectors]),
                row([&"counters", &self.counters]),
            ],
        )
    }
}
