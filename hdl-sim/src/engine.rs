//! The module `ls_engine` with memories at its ports. It runs jobs and counts cycles.

use std::collections::VecDeque;

use lockstep_accel_abi::EngineError;

use crate::{Agent, Design, Error, Optimize, Port, Sim};

/// The speed of card memory and host memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryTiming {
    /// Cycles from a request to its first word. After that, one word comes in each cycle.
    pub latency: u64,
    /// The memory pauses for one word after this many words. 0: it never pauses.
    pub pause_every: u64,
}

impl MemoryTiming {
    /// 120 cycles, then one word in each cycle.
    pub const STATED: Self = Self { latency: 120, pause_every: 0 };
}

/// A job of the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EngineJob {
    /// Card address of the program.
    pub program: u64,
    /// Instructions of the program.
    pub length: u16,
    /// Number of sequences: the program runs once for each.
    pub repeat: u16,
    /// Host address of the ids of the first sequence, and bytes to those of the next one.
    pub input: (u64, u32),
    /// Host address for the pooled integers of the first sequence, and bytes to those of the next
    /// one.
    pub output: (u64, u32),
}

/// The result of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EngineResult {
    /// How the engine ended the job.
    pub error: EngineError,
    /// Cycles from the start of the job to its end.
    pub cycles: u64,
    /// Cycles of these with a step of the array.
    pub busy: u64,
}

/// Counters of the engine, in the order of `counters_t`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Cycles in which a job runs.
    pub cycles: u64,
    /// Steps of the array.
    pub busy: u64,
    /// Cycles in which the array waits for a word of the ring.
    pub stall_weights: u64,
    /// Cycles in which the array waits for a semaphore.
    pub stall_operand: u64,
    /// Cycles in which the array waits until the drain has read the plane before.
    pub stall_plane: u64,
    /// Cycles without a step: no instruction, headers, moves.
    pub idle: u64,
    /// Words drained.
    pub drained: u64,
    /// Words that passes read.
    pub passed: u64,
    /// Words read from the card.
    pub card_words: u64,
    /// Words read from and written to the host.
    pub host_words: u64,
}

struct ReadPort {
    request_valid: Port,
    request_ready: Port,
    address: Port,
    bytes: Port,
    valid: Port,
    data: Port,
    last: Port,
    error: Port,
    queue: VecDeque<(usize, usize, u64)>,
    words: u64,
    /// The cycles of all requests since the job began.
    asked: Vec<u64>,
    failing: Option<usize>,
}

impl ReadPort {
    fn new(sim: &Sim, name: &str) -> Result<Self, Error> {
        let input = |part: &str| sim.input(&format!("{name}_{part}"));
        let output = |part: &str| sim.output(&format!("{name}_{part}"));
        Ok(Self {
            request_valid: output("read_req_valid_o")?,
            request_ready: input("read_req_ready_i")?,
            address: output("read_req_addr_o")?,
            bytes: output("read_req_bytes_o")?,
            valid: input("read_beat_valid_i")?,
            data: input("data_i")?,
            last: input("read_beat_last_i")?,
            error: input("read_beat_error_i")?,
            queue: VecDeque::new(),
            words: 0,
            asked: Vec::new(),
            failing: None,
        })
    }

    fn drive(&mut self, sim: &mut Sim, memory: &[u8], timing: MemoryTiming) {
        sim.poke(self.request_ready, 1);
        self.words += 1;
        let pause = timing.pause_every > 0 && self.words.is_multiple_of(timing.pause_every);
        let word = self.data.width() / 8;
        match self.queue.front() {
            Some(&(at, left, ready)) if ready <= sim.cycles() && !pause => {
                let n = left.min(word);
                let bytes = memory.get(at..at + n).unwrap_or(&[]);
                let fails = bytes.len() < n || self.failing.is_some_and(|f| (at..at + n).contains(&f));
                sim.poke_bytes(self.data, bytes);
                sim.poke(self.valid, 1);
                sim.poke(self.last, u64::from(left <= word));
                sim.poke(self.error, u64::from(fails));
            }
            _ => sim.poke(self.valid, 0),
        }
    }

    fn sample(&mut self, sim: &Sim, timing: MemoryTiming) {
        if sim.high(self.valid)
            && let Some(front) = self.queue.front_mut()
        {
            let word = self.data.width() / 8;
            if front.1 <= word {
                self.queue.pop_front();
            } else {
                front.0 += word;
                front.1 -= word;
            }
        }
        if sim.high(self.request_valid) {
            let request = (sim.peek(self.address) as usize, sim.peek(self.bytes) as usize);
            self.queue.push_back((request.0, request.1, sim.cycles() + timing.latency));
            self.asked.push(sim.cycles());
        }
    }
}

struct WritePort {
    request_valid: Port,
    request_ready: Port,
    address: Port,
    bytes: Port,
    valid: Port,
    ready: Port,
    data: Port,
    done: Port,
    error: Port,
    open: Option<(usize, usize)>,
    answer: Option<u64>,
    failing: bool,
}

struct Memories {
    card: Vec<u8>,
    host: Vec<u8>,
    timing: MemoryTiming,
    card_port: ReadPort,
    host_port: ReadPort,
    write: WritePort,
}

impl Agent for Memories {
    fn drive(&mut self, sim: &mut Sim) -> Result<(), Error> {
        self.card_port.drive(sim, &self.card, self.timing);
        self.host_port.drive(sim, &self.host, self.timing);
        let w = &self.write;
        sim.poke(w.request_ready, u64::from(w.open.is_none() && w.answer.is_none()));
        sim.poke(w.ready, u64::from(w.open.is_some()));
        sim.poke(w.done, u64::from(w.answer.is_some_and(|at| at <= sim.cycles())));
        sim.poke(w.error, w.failing.into());
        Ok(())
    }

    fn sample(&mut self, sim: &Sim) -> Result<(), Error> {
        self.card_port.sample(sim, self.timing);
        self.host_port.sample(sim, self.timing);
        let w = &mut self.write;
        if sim.high(w.done) {
            w.answer = None;
        }
        if sim.high(w.request_valid) && sim.high(w.request_ready) {
            w.open = Some((sim.peek(w.address) as usize, sim.peek(w.bytes) as usize));
        } else if let Some((at, left)) = w.open
            && sim.high(w.valid)
        {
            let n = left.min(w.data.width() / 8);
            if let Some(place) = self.host.get_mut(at..at + n) {
                place.copy_from_slice(&sim.peek_bytes(w.data)[..n]);
            }
            w.open = (left > n).then_some((at + n, left - n));
            if w.open.is_none() {
                w.answer = Some(sim.cycles() + self.timing.latency);
            }
        }
        Ok(())
    }
}

/// An engine with its memories.
pub struct EngineBench {
    sim: Sim,
    memories: Memories,
    job_valid: Port,
    done_valid: Port,
    counters: Port,
    begun: u64,
    /// The counter of cycles when the last job began.
    cycles_before: u64,
}

impl EngineBench {
    /// Builds the engine with `lanes` lanes; `card` and `host` are the memories' contents.
    ///
    /// # Errors
    /// As [`Sim::new`].
    pub fn new(lanes: usize, card: Vec<u8>, host: Vec<u8>, timing: MemoryTiming) -> Result<Self, Error> {
        let mut sim = Sim::new(&Design::new("ls_engine").parameter("N", lanes).optimize(Optimize::Run))?;
        let memories = Memories {
            card,
            host,
            timing,
            card_port: ReadPort::new(&sim, "card")?,
            host_port: ReadPort::new(&sim, "host")?,
            write: WritePort {
                request_valid: sim.output("host_write_req_valid_o")?,
                request_ready: sim.input("host_write_req_ready_i")?,
                address: sim.output("host_write_req_addr_o")?,
                bytes: sim.output("host_write_req_bytes_o")?,
                valid: sim.output("host_write_valid_o")?,
                ready: sim.input("host_write_ready_i")?,
                data: sim.output("host_write_data_o")?,
                done: sim.input("host_write_done_valid_i")?,
                error: sim.input("host_write_done_error_i")?,
                open: None,
                answer: None,
                failing: false,
            },
        };
        let abort = sim.input("engine_abort_i")?;
        sim.poke(abort, 0);
        let (job_valid, done_valid, counters) =
            (sim.input("engine_job_valid_i")?, sim.output("engine_done_valid_o")?, sim.output("counts_o")?);
        sim.poke(job_valid, 0);
        Ok(Self { sim, memories, job_valid, done_valid, counters, begun: 0, cycles_before: 0 })
    }

    /// Host memory.
    #[must_use]
    pub fn host(&self) -> &[u8] {
        &self.memories.host
    }

    /// Host memory, for the bench to write to.
    pub fn host_mut(&mut self) -> &mut [u8] {
        &mut self.memories.host
    }

    /// From now on reads of this card address fail; `None` ends that.
    pub fn fail_card(&mut self, address: Option<usize>) {
        self.memories.card_port.failing = address;
    }

    /// Whether writes to the host end with an error from now on.
    pub fn fail_host_writes(&mut self, failing: bool) {
        self.memories.write.failing = failing;
    }

    /// Runs one job to its end.
    ///
    /// # Errors
    /// The job does not end within `limit` cycles, or an assertion fails.
    pub fn run(&mut self, job: &EngineJob, limit: u64) -> Result<EngineResult, Error> {
        self.begin(job)?;
        let done = self.done_valid;
        self.sim.run_until(&mut [&mut self.memories], limit, "engine_done_valid_o", |sim| sim.high(done))?;
        self.finish()
    }

    /// Runs a job and aborts it after `after` cycles.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn abort(&mut self, job: &EngineJob, after: u64) -> Result<EngineResult, Error> {
        self.begin(job)?;
        for _ in 0..after {
            self.sim.cycle(&mut [&mut self.memories])?;
        }
        let abort = self.sim.input("engine_abort_i")?;
        self.sim.poke(abort, 1);
        self.sim.cycle(&mut [&mut self.memories])?;
        self.sim.poke(abort, 0);
        let done = self.done_valid;
        self.sim
            .run_until(&mut [&mut self.memories], 100_000, "engine_done_valid_o", |sim| sim.high(done))?;
        self.finish()
    }

    fn begin(&mut self, job: &EngineJob) -> Result<(), Error> {
        let fields = [
            ("engine_job_program_address_i", job.program),
            ("engine_job_length_i", job.length.into()),
            ("engine_job_runs_i", job.repeat.into()),
            ("engine_job_input_address_i", job.input.0),
            ("engine_job_input_stride_i", job.input.1.into()),
            ("engine_job_output_address_i", job.output.0),
            ("engine_job_output_stride_i", job.output.1.into()),
        ];
        for (name, value) in fields {
            let port = self.sim.input(name)?;
            self.sim.poke(port, value);
        }
        self.memories.host_port.asked.clear();
        self.cycles_before = self.counters().cycles;
        self.sim.poke(self.job_valid, 1);
        self.sim.cycle(&mut [&mut self.memories])?;
        self.sim.poke(self.job_valid, 0);
        self.begun = self.sim.cycles();
        Ok(())
    }

    fn finish(&mut self) -> Result<EngineResult, Error> {
        let value = |name: &str| Ok::<_, Error>(self.sim.peek(self.sim.output(name)?));
        let no_error = |code| Error::Protocol {
            cycle: self.sim.cycles(),
            port: "engine_done_error_o".into(),
            rule: format!("{code} is no error of the engine"),
        };
        let result = EngineResult {
            error: EngineError::try_from(value("engine_done_error_o")? as u8).map_err(no_error)?,
            cycles: self.counters().cycles - self.cycles_before,
            busy: value("engine_done_busy_o")?,
        };
        self.sim.cycle(&mut [&mut self.memories])?;
        Ok(result)
    }

    /// The cycles, counted from the start of the last job, in which it requested ids.
    #[must_use]
    pub fn host_reads(&self) -> Vec<u64> {
        self.memories.host_port.asked.iter().map(|at| at - self.begun).collect()
    }

    /// Whether a request of an ended job is still open.
    #[must_use]
    pub fn open(&self) -> bool {
        let m = &self.memories;
        !m.card_port.queue.is_empty()
            || !m.host_port.queue.is_empty()
            || m.write.open.is_some()
            || m.write.answer.is_some()
    }

    /// The engine's counters since reset.
    #[must_use]
    pub fn counters(&self) -> Counters {
        let bytes = self.sim.peek_bytes(self.counters);
        // The first member of a packed structure has the highest bits.
        let at = |i: usize| {
            let mut word = [0; 8];
            word.copy_from_slice(&bytes[8 * (9 - i)..8 * (10 - i)]);
            u64::from_le_bytes(word)
        };
        Counters {
            cycles: at(0),
            busy: at(1),
            stall_weights: at(2),
            stall_operand: at(3),
            stall_plane: at(4),
            idle: at(5),
            drained: at(6),
            passed: at(7),
            card_words: at(8),
            host_words: at(9),
        }
    }
}
