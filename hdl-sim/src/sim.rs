//! A clocked instance of a design.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::verilated::Verilated;
use crate::{Bits, Design, Error, Port};

/// Drives and checks some ports of a design.
pub trait Agent {
    /// Sets inputs for the coming rising edge.
    ///
    /// # Errors
    /// An error of the bench.
    fn drive(&mut self, sim: &mut Sim) -> Result<(), Error>;

    /// Looks at all ports just before the rising edge, when they have settled.
    ///
    /// # Errors
    /// The design broke a rule or gave a wrong value.
    fn sample(&mut self, sim: &Sim) -> Result<(), Error>;

    /// The event that the agent still waits for; `None` if there is none.
    fn waiting(&self) -> Option<String> {
        None
    }
}

/// An instance of a design with a clock `clk_i` and mostly a reset `rst_ni`. It is out of reset,
/// and its clock is low.
pub struct Sim {
    name: String,
    verilated: Verilated,
    clock: Port,
    cycle: u64,
    coverage: Option<PathBuf>,
    evaluating: Duration,
}

/// Numbers the files of waveforms and coverage.
static FILES: AtomicU64 = AtomicU64::new(0);

impl Sim {
    /// One cycle in this many is measured.
    const SAMPLE: u64 = 64;

    /// Builds the design if it is not built yet, and resets an instance for some cycles.
    ///
    /// # Errors
    /// The design does not build, lacks `clk_i`, or fails an assertion in reset.
    pub fn new(design: &Design) -> Result<Self, Error> {
        let folder = |name| std::env::var_os(name).map(PathBuf::from);
        let (waves, coverage) = (folder("LOCKSTEP_FST"), folder("LOCKSTEP_COVERAGE"));
        let library = design.library(waves.is_some(), coverage.is_some())?;
        let seed = std::env::var("LOCKSTEP_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(0_u32);
        let mut verilated = Verilated::load(&library, seed.wrapping_add(1))?;
        let no_port =
            |port: &str| Error::NoPort { design: design.top().into(), direction: "input", port: port.into() };
        let clock = verilated.port("clk_i", true).ok_or_else(|| no_port("clk_i"))?;
        let reset = verilated.port("rst_ni", true);
        let number = FILES.fetch_add(1, Ordering::Relaxed);
        let file = |folder: PathBuf, ending: &str| {
            let _ = std::fs::create_dir_all(&folder);
            folder.join(format!("{}-{}-{number}.{ending}", design.top(), std::process::id()))
        };
        if let Some(folder) = waves {
            verilated.trace(&file(folder, "fst"));
        }
        let coverage = coverage.map(|folder| file(folder, "dat"));
        let mut sim = Self {
            name: design.top().into(),
            verilated,
            clock,
            cycle: 0,
            coverage,
            evaluating: Duration::ZERO,
        };
        sim.poke(clock, 0);
        if let Some(reset) = reset {
            sim.poke(reset, 0);
            for _ in 0..3 {
                sim.cycle(&mut [])?;
            }
            sim.poke(reset, 1);
        }
        sim.cycle = 0;
        Ok(sim)
    }

    /// The input with a name.
    ///
    /// # Errors
    /// There is no such port.
    pub fn input(&self, name: &str) -> Result<Port, Error> {
        self.port(name, true)
    }

    /// The output with a name.
    ///
    /// # Errors
    /// There is no such port.
    pub fn output(&self, name: &str) -> Result<Port, Error> {
        self.port(name, false)
    }

    fn port(&self, name: &str, input: bool) -> Result<Port, Error> {
        let direction = if input { "input" } else { "output" };
        let missing = || Error::NoPort { design: self.name.clone(), direction, port: name.into() };
        self.verilated.port(name, input).ok_or_else(missing)
    }

    /// Sets an input to the low bits of a number.
    pub fn poke(&mut self, port: Port, value: u64) {
        let value = if port.width() < 64 { value & ((1 << port.width()) - 1) } else { value };
        let bytes = self.verilated.bytes_mut(port);
        let n = bytes.len().min(8);
        bytes[..n].copy_from_slice(&value.to_le_bytes()[..n]);
        bytes[n..].fill(0);
    }

    /// Sets an input of any width. Missing high bits become zero.
    pub fn poke_bits(&mut self, port: Port, value: &Bits) {
        assert!(value.width() <= port.width(), "{} bits for a port of {}", value.width(), port.width());
        self.poke_bytes(port, value.bytes());
    }

    /// Sets an input from its bytes, lowest first. Missing bytes become zero.
    pub fn poke_bytes(&mut self, port: Port, value: &[u8]) {
        let bytes = self.verilated.bytes_mut(port);
        bytes[..value.len()].copy_from_slice(value);
        bytes[value.len()..].fill(0);
    }

    /// The low 64 bits of a port.
    #[must_use]
    pub fn peek(&self, port: Port) -> u64 {
        let mut value = [0; 8];
        let bytes = self.verilated.bytes(port);
        let n = bytes.len().min(8);
        value[..n].copy_from_slice(&bytes[..n]);
        u64::from_le_bytes(value)
    }

    /// Whether a port of one bit is high.
    #[must_use]
    pub fn high(&self, port: Port) -> bool {
        self.verilated.bytes(port)[0] & 1 == 1
    }

    /// All bits of a port.
    #[must_use]
    pub fn peek_bits(&self, port: Port) -> Bits {
        Bits::from_bytes(port.width(), self.verilated.bytes(port))
    }

    /// The bytes of a port's storage, lowest first.
    #[must_use]
    pub fn peek_bytes(&self, port: Port) -> &[u8] {
        self.verilated.bytes(port)
    }

    /// The number of rising edges since reset.
    #[must_use]
    pub const fn cycles(&self) -> u64 {
        self.cycle
    }

    /// About how long the verilated code has run in [`Self::cycle`]. Only one cycle in some is
    /// measured.
    #[must_use]
    pub fn evaluating(&self) -> Duration {
        self.evaluating * Self::SAMPLE as u32
    }

    /// Lets combinational outputs follow the inputs without a clock edge.
    ///
    /// # Errors
    /// An assertion failed.
    pub fn settle(&mut self) -> Result<(), Error> {
        self.verilated.eval().map_err(|place| Error::Assertion { cycle: self.cycle, place })
    }

    /// Runs one clock cycle: all agents drive, the design settles, all agents sample, the clock
    /// rises and falls.
    ///
    /// # Errors
    /// An error of an agent, or an assertion failed.
    pub fn cycle(&mut self, agents: &mut [&mut dyn Agent]) -> Result<(), Error> {
        for agent in agents.iter_mut() {
            agent.drive(self)?;
        }
        let measured = self.cycle.is_multiple_of(Self::SAMPLE).then(Instant::now);
        self.settle()?;
        self.evaluating += measured.map_or(Duration::ZERO, |begin| begin.elapsed());
        for agent in agents.iter_mut() {
            agent.sample(self)?;
        }
        let measured = measured.map(|_| Instant::now());
        self.poke(self.clock, 1);
        self.settle()?;
        self.poke(self.clock, 0);
        self.evaluating += measured.map_or(Duration::ZERO, |begin| begin.elapsed());
        self.cycle += 1;
        Ok(())
    }

    /// Runs cycles until no agent waits. Returns their number.
    ///
    /// # Errors
    /// As [`Self::cycle`], and [`Error::Deadline`] after `limit` cycles.
    pub fn run(&mut self, agents: &mut [&mut dyn Agent], limit: u64) -> Result<u64, Error> {
        let begin = self.cycle;
        loop {
            let waiting: Vec<String> = agents.iter().filter_map(|a| a.waiting()).collect();
            if waiting.is_empty() {
                return Ok(self.cycle - begin);
            }
            if self.cycle - begin >= limit {
                return Err(Error::Deadline { cycle: self.cycle, limit, waiting: waiting.join("; ") });
            }
            self.cycle(agents)?;
        }
    }

    /// Runs cycles until `done`, which looks at the ports after each of them.
    ///
    /// # Errors
    /// As [`Self::cycle`], and [`Error::Deadline`] after `limit` cycles.
    pub fn run_until(
        &mut self,
        agents: &mut [&mut dyn Agent],
        limit: u64,
        what: &str,
        mut done: impl FnMut(&Self) -> bool,
    ) -> Result<u64, Error> {
        let begin = self.cycle;
        while !done(self) {
            if self.cycle - begin >= limit {
                return Err(Error::Deadline { cycle: self.cycle, limit, waiting: what.into() });
            }
            self.cycle(agents)?;
        }
        Ok(self.cycle - begin)
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        if let Some(path) = self.coverage.take() {
            self.verilated.write_coverage(&path);
        }
    }
}
