//! The engine: its units, their queues, and the dispatcher that fills them.

use lockstep_accel_abi::codes::INSTRUCTION_BYTES;
use lockstep_accel_abi::instructions::{End, Instruction, Load, Operation};

use crate::array::{Array, ArrayTask};
use crate::drain::{DrainTask, Drainer};
use crate::gather::Gatherer;
use crate::job::{Done, Failure, Job, Memories, Outside};
use crate::pass::{PassTask, Passer, Stepped};
use crate::queue::Queue;
use crate::ring::Ring;
use crate::semaphores::Semaphores;
use crate::state::State;

/// The engine. Its memories keep their numbers from one job to the next, as those of the RTL do.
#[derive(Debug)]
pub struct Engine {
    state: State,
    ring: Ring,
    semaphores: Semaphores,
    loads: Queue<Load>,
    gather: Gatherer,
    array: Array,
    drain: Drainer,
    pass: Passer,
}

/// How far the dispatcher is.
struct Dispatched {
    run: u16,
    index: u16,
    /// An instruction whose queue was full.
    held: Option<Instruction>,
}

impl Engine {
    /// An engine after power-up with an array of `lanes` by `lanes`: 8, 16, 32 or 64.
    ///
    /// # Panics
    /// `lanes` is another number.
    #[must_use]
    pub fn new(lanes: usize) -> Self {
        assert!([8, 16, 32, 64].contains(&lanes), "an array of {lanes} lanes; there are 8, 16, 32, 64");
        Self {
            state: State::new(lanes),
            ring: Ring::default(),
            semaphores: Semaphores::default(),
            loads: Queue::default(),
            gather: Gatherer::default(),
            array: Array::new(lanes),
            drain: Drainer::default(),
            pass: Passer::default(),
        }
    }

    /// Runs a job to its end, or until `stop` says true. The engine asks at least once a tile or
    /// pass.
    pub fn run(&mut self, job: &Job, memories: &mut dyn Memories, stop: &dyn Fn() -> bool) -> Done {
        self.ring = Ring::default();
        self.semaphores = Semaphores::default();
        self.loads.clear();
        self.gather.queue.clear();
        self.array.reset();
        self.drain.reset();
        self.pass.reset();
        let mut outside = Outside { memories, stop, input: job.input.0, output: job.output.0 };
        let result = self.sequences(job, &mut outside);
        Done { result, busy: self.array.busy, drained: self.drain.drained, passed: self.pass.passed }
    }

    fn sequences(&mut self, job: &Job, outside: &mut Outside<'_>) -> Result<(), Failure> {
        let mut dispatched = Dispatched { run: 0, index: 0, held: None };
        let mut ended = 0;
        while ended < job.runs {
            outside.check()?;
            let mut moves = self.dispatch(job, &mut dispatched, outside)?;
            if self.ring.has_room(self.state.lanes)
                && let Some((load, _)) = self.loads.front()
            {
                self.ring.load(&load, self.state.lanes, outside.memories)?;
                self.loads.pop();
                moves = true;
            }
            moves |= self.gather.step(&mut self.state, &mut self.semaphores, outside)?;
            moves |= self.array.step(&mut self.state, &mut self.ring, &mut self.semaphores, outside)?;
            moves |= self.drain.step(&mut self.array.plane, &mut self.state, &mut self.semaphores);
            match self.pass.step(&mut self.state, &mut self.semaphores, outside)? {
                Stepped::Waits if !moves => return Err(Failure::Stuck),
                Stepped::Waits | Stepped::Passed => {}
                Stepped::Ended => {
                    ended += 1;
                    outside.input = outside.input.wrapping_add(job.input.1.into());
                    outside.output = outside.output.wrapping_add(job.output.1.into());
                }
            }
        }
        Ok(())
    }

    /// Hands out instructions until a queue is full. Returns whether it handed out any.
    fn dispatch(
        &mut self,
        job: &Job,
        dispatched: &mut Dispatched,
        outside: &Outside<'_>,
    ) -> Result<bool, Failure> {
        let mut moves = false;
        let stride = self.state.lanes.max(INSTRUCTION_BYTES as usize);
        loop {
            let instruction = match dispatched.held.take() {
                Some(instruction) => instruction,
                None if dispatched.run == job.runs || job.length == 0 => return Ok(moves),
                None => {
                    let at = job.program.wrapping_add(usize::from(dispatched.index) as u64 * stride as u64);
                    let word = outside.memories.card(at, stride).map_err(Failure::CardRead)?;
                    let bytes = word.first_chunk().ok_or(Failure::IllegalInstruction)?;
                    dispatched.index += 1;
                    if dispatched.index == job.length {
                        (dispatched.run, dispatched.index) = (dispatched.run + 1, 0);
                    }
                    Instruction::from_bytes(bytes).ok_or(Failure::IllegalInstruction)?
                }
            };
            if !self.queue(instruction) {
                dispatched.held = Some(instruction);
                return Ok(moves);
            }
            moves = true;
        }
    }

    /// Gives an instruction to its unit. Returns whether the unit's queue had room.
    fn queue(&mut self, i: Instruction) -> bool {
        match i.operation {
            Operation::Load(load) => self.loads.push(load, i),
            Operation::Gather(gather) => self.gather.queue.push(gather, i),
            Operation::Mac(mac) => self.array.queue.push(ArrayTask::Mac(mac), i),
            Operation::Move(moving) => self.array.queue.push(ArrayTask::Move(moving), i),
            Operation::Drain(drain) => self.drain.queue.push(DrainTask::Drain(drain), i),
            Operation::Table(table) => self.drain.queue.push(DrainTask::Table(table), i),
            Operation::Pass(pass) => self.pass.queue.push(PassTask::Pass(pass), i),
            Operation::End(End {}) => self.pass.queue.push(PassTask::End, i),
        }
    }
}
