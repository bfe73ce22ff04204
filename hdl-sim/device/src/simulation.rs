//! The simulated card, on a thread of its own.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use lockstep_accel_abi::ALL_ONES;
use lockstep_accel_abi::registers::{self, fields};
use lockstep_hdl_sim::{self as sim, AxiTiming, Design, Memory, Optimize, Stalls, Top, TopSetup};
use lockstep_vfio_user::Bus;

use crate::Error;
use crate::answers::{Answers, Gone};
use crate::check::{Checker, Tally};
use crate::disturb::Disturber;
use crate::faults::Faults;
use crate::host::{HostMemory, Watched, WatchedMemory};
use crate::trace::{Trace, Tracer};

/// What is simulated: the design and its memories.
#[derive(Clone, Debug)]
pub struct SimulationSetup {
    /// The design and the timing of its ports.
    pub top: TopSetup,
    /// Bytes of card memory.
    pub card_bytes: usize,
    /// Rows and columns of the design's array.
    pub lanes: usize,
    /// Whether each result is compared with the functional model. Differences are printed, and the
    /// card ends with their number.
    pub check: bool,
    /// What goes wrong. The RTL cannot hang.
    pub faults: Faults,
    /// A job whose waveform is written. [`Self::traced`] sets it.
    pub trace: Option<Trace>,
}

impl SimulationSetup {
    /// A card with an array of `lanes` by `lanes` and the default timing of both memories: an
    /// answer comes after 120 cycles, without random pauses.
    #[must_use]
    pub fn of_engine(lanes: usize, card_bytes: usize) -> Self {
        let timing = AxiTiming::default();
        let design = Design::new("ls_top").parameter("N", lanes).optimize(Optimize::Run);
        let top = TopSetup { design, host: timing, card: timing, stalls: Stalls::NONE };
        Self { top, card_bytes, lanes, check: false, faults: Faults::default(), trace: None }
    }

    /// The same card, which writes the waveform of a job. Its design is another build, which takes
    /// minutes for the first time.
    #[must_use]
    pub fn traced(mut self, trace: Trace) -> Self {
        self.top.design = self.top.design.traced();
        self.trace = Some(trace);
        self
    }
}

/// A request to the thread, with the channel for the answer.
enum Request {
    Read(u32, SyncSender<u32>),
    Write(u32, u32, SyncSender<()>),
    Reset(SyncSender<()>),
}

/// A handle to the thread of a simulated card.
#[derive(Debug)]
pub(crate) struct Simulation {
    requests: Option<SyncSender<Request>>,
    thread: Option<JoinHandle<Result<(), sim::Error>>>,
    tally: Arc<Tally>,
}

impl Simulation {
    /// Longest wait for an answer. A register access takes some cycles; a reset makes a new model.
    const ANSWER: Duration = Duration::from_secs(4);

    /// Builds the design, unless it is built, and starts the thread.
    ///
    /// # Errors
    /// The design does not build or lacks a port.
    pub(crate) fn start(setup: SimulationSetup, bus: Arc<Bus>) -> Result<Self, sim::Error> {
        let tally = Arc::new(Tally::default());
        let counts = tally.clone();
        let (requests, receiver) = sync_channel(1);
        let (built, result) = sync_channel(1);
        let thread = std::thread::spawn(move || {
            // A model must stay on the thread that made it.
            let disturber = Disturber::new(setup.faults.clone());
            let mut clocked = match Clocked::new(setup, bus, counts, disturber) {
                Ok(clocked) => {
                    let _ = built.send(Ok(()));
                    clocked
                }
                Err(error) => {
                    let _ = built.send(Err(error));
                    return Ok(());
                }
            };
            let ended = clocked.run(&receiver);
            if ended.is_err() {
                clocked.bus.report_error();
            }
            ended
        });
        // If the channel closed without a message, the thread panicked. `stop` passes the panic on.
        match result.recv() {
            Ok(Err(error)) => Err(error),
            Ok(Ok(())) | Err(_) => Ok(Self { requests: Some(requests), thread: Some(thread), tally }),
        }
    }

    fn ask<T>(&self, request: impl FnOnce(SyncSender<T>) -> Request) -> Result<T, Gone> {
        let (answer, answered) = sync_channel(1);
        let requests = self.requests.as_ref().ok_or(Gone)?;
        requests.send(request(answer)).map_err(|_| Gone)?;
        answered.recv_timeout(Self::ANSWER).map_err(|_: RecvTimeoutError| Gone)
    }
}

impl Answers for Simulation {
    fn read(&self, register: u32) -> Result<u32, Gone> {
        self.ask(|answer| Request::Read(register, answer))
    }

    fn write(&self, register: u32, value: u32) -> Result<(), Gone> {
        self.ask(|answer| Request::Write(register, value, answer))
    }

    fn reset(&self) -> Result<(), Gone> {
        self.ask(Request::Reset)
    }

    /// # Panics
    /// The thread panicked.
    fn stop(mut self: Box<Self>) -> Result<(), Error> {
        self.requests = None;
        joined(self.thread.take().map(JoinHandle::join))?;
        match self.tally.counts() {
            (0, _) => Ok(()),
            (jobs, 0) => {
                eprintln!("lockstep-card: {jobs} jobs are equal to the functional model");
                Ok(())
            }
            (jobs, differences) => Err(Error::Differences { differences, jobs }),
        }
    }
}

/// The result of a thread that ended. A panic of the thread goes on in the caller.
pub(crate) fn joined<E>(ended: Option<std::thread::Result<Result<(), E>>>) -> Result<(), E> {
    match ended {
        Some(Err(panic)) => std::panic::resume_unwind(panic),
        Some(Ok(ended)) => ended,
        None => Ok(()),
    }
}

impl Drop for Simulation {
    fn drop(&mut self) {
        self.requests = None;
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// The model, and the setup to make it again.
struct Clocked {
    setup: SimulationSetup,
    bus: Arc<Bus>,
    tally: Arc<Tally>,
    top: Top,
    /// `None` if nothing looks at the card's DMA.
    watched: Option<Rc<RefCell<Watched>>>,
    tracer: Option<Tracer>,
}

impl Clocked {
    /// Cycles between two looks at the requests.
    const SLICE: u64 = 64;
    /// Slices between two looks at the register `STATUS`.
    const SLICES: u32 = 32;

    /// A card after power-up.
    fn new(
        setup: SimulationSetup,
        bus: Arc<Bus>,
        tally: Arc<Tally>,
        disturber: Disturber,
    ) -> Result<Self, sim::Error> {
        let host = HostMemory(bus.clone());
        let card = Memory::new(0, vec![0; setup.card_bytes]).share();
        let tracer = setup.trace.clone().map(Tracer::new);
        if !setup.check && setup.faults.is_empty() && tracer.is_none() {
            let top = Top::new(&setup.top, Rc::new(RefCell::new(host)), card)?;
            return Ok(Self { setup, bus, tally, top, watched: None, tracer });
        }
        let checker = setup.check.then(|| Checker::new(setup.lanes, card.clone(), tally.clone()));
        let watched = Rc::new(RefCell::new(Watched::new(checker, disturber)));
        let memory = WatchedMemory { host, watched: watched.clone() };
        let top = Top::new(&setup.top, Rc::new(RefCell::new(memory)), card)?;
        Ok(Self { setup, bus, tally, top, watched: Some(watched), tracer })
    }

    /// Serves requests until the handle is dropped. The clock runs while the card is busy.
    fn run(&mut self, requests: &Receiver<Request>) -> Result<(), sim::Error> {
        loop {
            // The card is idle: the clock stands still until the next request.
            let Ok(request) = requests.recv() else { return Ok(()) };
            self.serve(request)?;
            while self.busy()? {
                for _ in 0..Self::SLICES {
                    match requests.try_recv() {
                        Ok(request) => self.serve(request)?,
                        Err(TryRecvError::Empty) => {}
                        Err(TryRecvError::Disconnected) => return Ok(()),
                    }
                    self.pass(Self::SLICE)?;
                }
            }
        }
    }

    fn serve(&mut self, request: Request) -> Result<(), sim::Error> {
        // Sending fails if the requester has given up. The answer is then dropped.
        match request {
            Request::Read(register, answer) => {
                let value = if self.gone() { ALL_ONES } else { self.top.read(register)? };
                let _ = answer.send(value);
            }
            Request::Write(register, value, answer) => {
                if !self.gone() {
                    if let Some(watched) = &self.watched {
                        watched.borrow_mut().register(register, value);
                    }
                    self.top.write(register, value)?;
                }
                let _ = answer.send(());
            }
            Request::Reset(answer) => {
                let mut disturber = Disturber::default();
                if let Some(watched) = &self.watched {
                    disturber = watched.borrow().disturber.clone();
                    disturber.reset();
                }
                let mut tracer = self.tracer.take();
                *self = Self::new(self.setup.clone(), self.bus.clone(), self.tally.clone(), disturber)?;
                if let Some(tracer) = &mut tracer {
                    tracer.reset();
                }
                self.tracer = tracer;
                let _ = answer.send(());
            }
        }
        self.pass(1)
    }

    /// Runs the clock for some cycles and passes interrupts on.
    fn pass(&mut self, cycles: u64) -> Result<(), sim::Error> {
        self.clock(cycles)?;
        let risen = self.top.interrupts();
        for vector in (0..64).filter(|v| risen >> v & 1 == 1) {
            let watched = self.watched.as_ref();
            let times = watched.map_or(1, |watched| watched.borrow_mut().disturber.times(vector));
            for _ in 0..times {
                self.bus.interrupt(vector);
            }
        }
        Ok(())
    }

    fn clock(&mut self, cycles: u64) -> Result<(), sim::Error> {
        let Self { top, watched: Some(watched), tracer: Some(tracer), .. } = self else {
            return self.top.run(cycles);
        };
        for _ in 0..cycles {
            top.run(1)?;
            if tracer.active() {
                let (begun, ended) = watched.borrow().disturber.counts();
                tracer.look(begun, ended, top.sim_mut());
            }
        }
        Ok(())
    }

    /// Whether a fault has taken the card off the bus.
    fn gone(&self) -> bool {
        self.watched.as_ref().is_some_and(|watched| watched.borrow().disturber.gone())
    }

    /// Whether the card has work, by its register `STATUS`. Reading a register changes nothing.
    fn busy(&mut self) -> Result<bool, sim::Error> {
        let status = self.top.read(registers::STATUS)?;
        let working =
            fields::STATUS::BUSY.mask() | fields::STATUS::RESETTING.mask() | fields::STATUS::ABORTING.mask();
        self.pass(1)?;
        Ok(status & working != 0)
    }
}
