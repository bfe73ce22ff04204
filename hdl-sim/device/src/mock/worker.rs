//! The card's thread: takes descriptors in order, runs them, writes their records.

use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};
use std::time::Instant;

use lockstep_accel_abi::codes::{DescriptorFlags, NO_TAG};
use lockstep_accel_abi::events::Event;
use lockstep_accel_abi::{Completion, Descriptor, EngineError, ErrorBits, Opcode, Port, Status};
use lockstep_accel_model::{self as model, Done, Engine, Memories};
use lockstep_vfio_user::Bus;

use crate::faults::{DEATH, Fault, Faults, LATE};

use super::job::{Ending, copy, run};
use super::memories::{Reach, Traffic};
use super::registers::{Facts, Registers};
use super::shared::{Shared, State};
use super::verdict::judge;

/// What the thread must do next.
enum Next {
    Quit,
    PowerCycle,
    /// The descriptor at this address.
    Descriptor(u64),
}

/// What the thread must do, if there is something.
fn next(state: &mut State) -> Option<Next> {
    if state.quit {
        return Some(Next::Quit);
    }
    if state.power_cycle {
        return Some(Next::PowerCycle);
    }
    if state.registers.resetting() {
        state.registers.finish_reset();
    }
    state.registers.next_descriptor().map(Next::Descriptor)
}

/// The thread's side of the card.
#[derive(Debug)]
pub(crate) struct Worker {
    facts: Facts,
    faults: Faults,
    /// Jobs since the card's start.
    started: u64,
    shared: Arc<Shared>,
    reach: Reach,
    /// `None` until the first program: the engine's memories take megabytes.
    engine: Option<Engine>,
}

impl Worker {
    pub(crate) fn new(facts: Facts, faults: Faults, shared: Arc<Shared>, bus: Arc<Bus>) -> Self {
        let (card, beat) = (vec![0; facts.card_bytes as usize], facts.lanes);
        let reach = Reach { bus, card, beat, traffic: Traffic::default(), wrong: false };
        Self { facts, faults, started: 0, shared, reach, engine: None }
    }

    /// Works until it shall quit.
    pub(crate) fn run(&mut self) {
        while self.work(self.shared.wait_for(next, |_| None)) {}
    }

    /// Works until nothing is left to do now.
    pub(crate) fn step(&mut self) {
        while let Some(next) = self.shared.look(next) {
            if !self.work(next) {
                return;
            }
        }
    }

    /// Does the next work. Returns false if the thread shall quit.
    fn work(&mut self, next: Next) -> bool {
        match next {
            Next::Quit => return false,
            Next::PowerCycle => {
                self.reach.card = vec![0; self.facts.card_bytes as usize];
                self.engine = None;
                self.shared.change(|state| {
                    state.registers = Registers::new(self.facts);
                    (state.gone, state.power_cycle) = (false, false);
                });
            }
            Next::Descriptor(address) => self.descriptor(address),
        }
        true
    }

    /// Reads a descriptor, runs it, writes its record. An error of a bus that ends it all is in the
    /// registers afterwards.
    fn descriptor(&mut self, address: u64) {
        let begin = Instant::now();
        self.reach.traffic = Traffic::default();
        let mut bytes = [0; Descriptor::BYTES];
        let read = self.reach.read_host(address, &mut bytes);
        let mut d = Descriptor::from_bytes(&bytes);
        let mut verdict = judge(&d, self.facts);
        if let Err(fault) = read {
            verdict = Err((Status::DescriptorRead, address));
            d = Descriptor { tag: NO_TAG, flags: DescriptorFlags::INTERRUPT as u8, ..d };
            self.shared.look(|state| {
                state.registers.bus_error(Port::HostRead, fault.address);
                state.registers.set_errors(ErrorBits::DESCRIPTOR_READ);
            });
        }
        let meant = self.shared.look(|state| {
            let meant = state.registers.rings.fetched(d.tag);
            state.begin(d.tag);
            meant
        });
        self.started += 1;
        let faults = self.faults.of(self.started);
        self.announce(&faults);
        let ending = match verdict {
            _ if faults.contains(&Fault::Hang) => self.hang(),
            _ if faults.contains(&Fault::DmaError) => {
                Ending::faulty(Port::HostRead, model::Fault { address: d.host_address })
            }
            Err((status, address)) => Ending::of(status, address),
            Ok(_) if meant => Ending::of(Status::Aborted, 0),
            Ok(opcode) => self.command(opcode, &d),
        };
        let worked = verdict.is_ok_and(|opcode| opcode != Opcode::Nop) && !meant;
        let cycles = if worked { begin.elapsed().as_nanos() as u64 } else { 0 };
        self.record(&d, ending, cycles, begin, &faults);
    }

    fn command(&mut self, opcode: Opcode, d: &Descriptor) -> Ending {
        let (shared, bus) = (self.shared.clone(), self.reach.bus.clone());
        let stop = move || shared.look(|state| state.stops(&bus));
        match opcode {
            Opcode::Nop => Ending::of(Status::Ok, 0),
            Opcode::CopyToCard | Opcode::CopyFromCard => copy(d, &mut self.reach, &stop),
            Opcode::Run => {
                let engine = self.engine.get_or_insert_with(|| Engine::new(self.facts.lanes));
                run(d, engine, &mut self.reach, &stop).unwrap_or_else(|done| self.stuck(done))
            }
        }
    }

    /// Waits until a job that cannot end is aborted or dropped.
    fn stuck(&self, done: Done) -> Ending {
        self.shared.wait_for(|state| state.stops(&self.reach.bus).then_some(()), State::expires);
        Ending { detail: EngineError::Aborted, done: Some(done), ..Ending::of(Status::Aborted, 0) }
    }

    /// Plays the faults that come before a job.
    fn announce(&mut self, faults: &[Fault]) {
        for fault in faults {
            eprintln!("lockstep-card: {fault} at job {}", self.started);
        }
        if faults.contains(&Fault::Death) {
            std::process::exit(DEATH.into());
        }
        self.reach.wrong = faults.contains(&Fault::WrongResult);
        if faults.contains(&Fault::AllOnes) {
            self.shared.change(|state| state.gone = true);
        }
    }

    /// Waits until a reset. An abort has no effect; a second look of the watchdog halts the card.
    fn hang(&self) -> Ending {
        let dropped = |state: &mut State| {
            state.stops(&self.reach.bus);
            state.drops().then_some(())
        };
        self.shared.wait_for(dropped, State::expires);
        Ending::of(Status::Aborted, 0)
    }

    /// Waits for [`LATE`], unless all jobs are dropped in that time.
    fn linger(&self) {
        self.shared.wait(LATE, State::drops);
    }

    /// Writes the record of a job, unless a reset drops it.
    fn record(&mut self, d: &Descriptor, ending: Ending, cycles: u64, begin: Instant, faults: &[Fault]) {
        if faults.contains(&Fault::LateRecord) {
            self.linger();
        }
        let mut record = Completion {
            address: ending.address,
            cycles,
            array_busy: ending.done.map_or(0, |done| u32::try_from(done.busy).unwrap_or(u32::MAX)),
            detail: ending.detail as u32,
            tag: d.tag,
            status: ending.status as u8,
            ..Completion::default()
        };
        let at = self.shared.look(|state| {
            let late = state.running.take().is_some_and(|running| running.late);
            if late && ending.status == Status::Aborted {
                record.status = Status::Watchdog as u8;
            }
            if let Some((port, address)) = ending.fault {
                state.registers.bus_error(port, address);
            }
            let at = (!state.drops()).then(|| state.registers.rings.record(&mut record));
            if at.is_none() {
                state.registers.jobs = 0;
            }
            at
        });
        let Some(at) = at else { return };
        if faults.contains(&Fault::GarbledRecord) {
            (record.tag, record.status) = (!record.tag, u8::MAX);
        }
        let written = self.write(&record, at);
        if faults.contains(&Fault::LateInterrupt) {
            self.linger();
        }
        let notifies = u32::from(d.flags) & DescriptorFlags::INTERRUPT != 0;
        let traffic = std::mem::take(&mut self.reach.traffic);
        let bus = self.reach.bus.clone();
        self.shared.change(|state| {
            let registers = &mut state.registers;
            registers.jobs = 0;
            registers.count(Event::Busy, begin.elapsed().as_nanos() as u64);
            count(registers, &traffic, ending.done);
            match written {
                Err(fault) => {
                    registers.bus_error(Port::HostWrite, fault.address);
                    registers.set_errors(ErrorBits::COMPLETION_WRITE);
                }
                Ok(()) => {
                    let ok = record.status == Status::Ok as u8;
                    registers.count(if ok { Event::JobsOk } else { Event::JobsFailed }, 1);
                    if notifies && !faults.contains(&Fault::LostInterrupt) {
                        registers.notify();
                    }
                }
            }
            registers.interrupts(&bus);
            if notifies && faults.contains(&Fault::DuplicateInterrupt) {
                bus.interrupt(0);
            }
        });
    }

    /// Writes a record, its last word last.
    fn write(&mut self, record: &Completion, at: u64) -> Result<(), model::Fault> {
        let bytes = record.to_bytes();
        let (first, last) = bytes.split_at(Completion::LAST_WORD);
        let write = |address: u64, bytes: &[u8]| {
            self.reach.bus.write(address, bytes).map_err(|fault| model::Fault { address: fault.iova })
        };
        write(at, first)?;
        fence(Ordering::Release);
        write(at.wrapping_add(first.len() as u64), last)?;
        self.reach.traffic.host_write += Completion::BYTES as u64;
        Ok(())
    }
}

/// Adds what a job moved and computed to the counters.
fn count(registers: &mut Registers, traffic: &Traffic, done: Option<Done>) {
    registers.count(Event::HostReadBytes, traffic.host_read);
    registers.count(Event::HostWriteBytes, traffic.host_write);
    registers.count(Event::CardReadBytes, traffic.card_read.get());
    registers.count(Event::CardWriteBytes, traffic.card_write);
    if let Some(done) = done {
        registers.count(Event::ArrayBusy, done.busy);
        registers.count(Event::WordsDrained, done.drained);
        registers.count(Event::WordsPassed, done.passed);
    }
}
