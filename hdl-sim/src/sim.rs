//! A clocked instance of a design.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::layout::{Layout, Types};
use crate::verilated::{Place, Verilated};
use crate::{Bits, Design, Error, Port, bits, sources};

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

/// A design out of reset, its clock low. Its clock is `clk_i`; its reset is `rst_ni`, or one of the
/// engine's, `srst_n` and `engine_srst_n`. A design without state has neither.
pub struct Sim {
    name: String,
    verilated: Verilated,
    /// The ports that are structs, or arrays of structs.
    structs: Vec<(String, Layout)>,
    clock: Option<Port>,
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
    /// The design does not build, or fails an assertion in reset.
    pub fn new(design: &Design) -> Result<Self, Error> {
        let folder = |name| std::env::var_os(name).map(PathBuf::from);
        let (waves, coverage) = (folder("LOCKSTEP_FST"), folder("LOCKSTEP_COVERAGE"));
        let library = design.library(waves.is_some() || design.is_traced(), coverage.is_some())?;
        let seed = std::env::var("LOCKSTEP_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(0_u32);
        let mut verilated = Verilated::load(&library, seed.wrapping_add(1))?;
        let structs = structs(design)?;
        let clock = verilated.port("clk_i", true);
        let reset =
            ["rst_ni", "srst_n", "engine_srst_n"].into_iter().find_map(|name| verilated.port(name, true));
        let number = FILES.fetch_add(1, Ordering::Relaxed);
        let file = |folder: PathBuf, ending: &str| {
            let _ = std::fs::create_dir_all(&folder);
            folder.join(format!("{}-{}-{number}.{ending}", design.top(), std::process::id()))
        };
        if let Some(folder) = waves {
            verilated.trace(&file(folder, "fst"));
        }
        let coverage = coverage.map(|folder| file(folder, "dat"));
        let name = design.top().into();
        let mut sim =
            Self { name, verilated, structs, clock, cycle: 0, coverage, evaluating: Duration::ZERO };
        sim.set_clock(0);
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

    /// An input, or a field of an input that is a struct, by its name. A channel between units has
    /// no suffix in the RTL: here its name ends in `_i` all the same.
    ///
    /// # Errors
    /// There is no such port.
    pub fn input(&self, name: &str) -> Result<Port, Error> {
        self.port(name, true)
    }

    /// An output, or a field of an output that is a struct, by its name; it ends in `_o`.
    ///
    /// # Errors
    /// There is no such port.
    pub fn output(&self, name: &str) -> Result<Port, Error> {
        self.port(name, false)
    }

    fn port(&self, name: &str, input: bool) -> Result<Port, Error> {
        let direction = if input { "input" } else { "output" };
        let missing = || Error::NoPort { design: self.name.clone(), direction, port: name.into() };
        let suffix = if input { "_i" } else { "_o" };
        let stem = name.strip_suffix(suffix).unwrap_or(name);
        let whole = || self.verilated.port(name, input).or_else(|| self.verilated.port(stem, input));
        whole().or_else(|| self.field(stem, input)).ok_or_else(missing)
    }

    /// `req_addr` is the field `addr` of the port `req`, `axi_araddr` that of `axi_ar`.
    fn field(&self, name: &str, input: bool) -> Option<Port> {
        let suffix = if input { "_i" } else { "_o" };
        self.structs.iter().find_map(|(port, layout)| {
            let rest = name.strip_prefix(port.strip_suffix(suffix).unwrap_or(port))?;
            let field = layout.field(rest).or_else(|| layout.field(rest.strip_prefix('_')?))?;
            let (low, each, step) = (field.low as u32, field.width as u32, layout.width() as u32);
            Some(self.verilated.port(port, input)?.field(Place { low, each, step }))
        })
    }

    /// Sets an input to the low bits of a number.
    pub fn poke(&mut self, port: Port, value: u64) {
        let value = if port.width() < 64 { value & ((1 << port.width()) - 1) } else { value };
        if port.place().is_some() {
            return self.poke_field(port, &Bits::new(port.width(), value));
        }
        let bytes = self.verilated.bytes_mut(port);
        let n = bytes.len().min(8);
        bytes[..n].copy_from_slice(&value.to_le_bytes()[..n]);
        bytes[n..].fill(0);
    }

    /// Sets an input of any width. Missing high bits become zero.
    pub fn poke_bits(&mut self, port: Port, value: &Bits) {
        assert!(value.width() <= port.width(), "{} bits for a port of {}", value.width(), port.width());
        if port.place().is_some() {
            return self.poke_field(port, value);
        }
        self.poke_bytes(port, value.bytes());
    }

    fn poke_field(&mut self, port: Port, value: &Bits) {
        let mut from = 0;
        for (low, n) in pieces(port) {
            bits::write(self.verilated.bytes_mut(port), low, n, value.get(from, n));
            from += n;
        }
    }

    /// Sets a whole input from its bytes, lowest first; missing ones become zero.
    pub fn poke_bytes(&mut self, port: Port, value: &[u8]) {
        assert!(port.place().is_none(), "a field has no bytes of its own");
        let bytes = self.verilated.bytes_mut(port);
        bytes[..value.len()].copy_from_slice(value);
        bytes[value.len()..].fill(0);
    }

    /// The low 64 bits of a port.
    #[must_use]
    pub fn peek(&self, port: Port) -> u64 {
        let bytes = self.verilated.bytes(port);
        match port.place() {
            Some(place) if place.each == port.width() as u32 && place.each <= 64 => {
                return bits::read(bytes, place.low as usize, place.each as usize);
            }
            Some(_) => return self.peek_bits(port).value(),
            None => {}
        }
        let mut value = [0; 8];
        let n = bytes.len().min(8);
        value[..n].copy_from_slice(&bytes[..n]);
        u64::from_le_bytes(value)
    }

    /// Whether a port of one bit is high.
    #[must_use]
    pub fn high(&self, port: Port) -> bool {
        self.peek(port) & 1 == 1
    }

    /// All bits of a port.
    #[must_use]
    pub fn peek_bits(&self, port: Port) -> Bits {
        let bytes = self.verilated.bytes(port);
        if port.place().is_none() {
            return Bits::from_bytes(port.width(), bytes);
        }
        Bits::concat(
            &pieces(port).map(|(low, n)| Bits::new(n, bits::read(bytes, low, n))).collect::<Vec<_>>(),
        )
    }

    /// The bytes of a whole port, lowest first, up to its storage's size.
    #[must_use]
    pub fn peek_bytes(&self, port: Port) -> &[u8] {
        assert!(port.place().is_none(), "a field has no bytes of its own");
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
        self.set_clock(1);
        self.settle()?;
        self.set_clock(0);
        self.evaluating += measured.map_or(Duration::ZERO, |begin| begin.elapsed());
        self.cycle += 1;
        Ok(())
    }

    /// Writes a waveform from now on. Returns false if the design is not [`Design::traced`].
    pub fn trace(&mut self, file: &std::path::Path) -> bool {
        self.verilated.trace(file)
    }

    /// Ends the waveform.
    pub fn end_trace(&mut self) {
        self.verilated.end_trace();
    }

    fn set_clock(&mut self, value: u64) {
        if let Some(clock) = self.clock {
            self.poke(clock, value);
        }
    }

    /// Cycles until no agent waits any more, and returns how many that took.
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

/// The ports of a design that are structs, or arrays of structs.
fn structs(design: &Design) -> Result<Vec<(String, Layout)>, Error> {
    let files = sources::of(design.top())?;
    let Some(top) = files.last() else { return Ok(Vec::new()) };
    let text = std::fs::read_to_string(top).map_err(Error::file(top))?;
    Ok(Types::read(&files)?.ports(&text))
}

/// The lowest bit and the number of bits (at most 64) of each piece of a field, from low to high.
fn pieces(port: Port) -> impl Iterator<Item = (usize, usize)> {
    let [low, each, step] = port.place().map_or([0; 3], |p| [p.low, p.each, p.step].map(|n| n as usize));
    let count = port.width().checked_div(each).unwrap_or(0);
    (0..count).flat_map(move |i| {
        (0..each).step_by(64).map(move |from| (low + i * step + from, (each - from).min(64)))
    })
}

impl Drop for Sim {
    fn drop(&mut self) {
        if let Some(path) = self.coverage.take() {
            self.verilated.write_coverage(&path);
        }
    }
}
