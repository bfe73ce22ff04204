//! Access to single parts of a card, for a program that looks for a fault.

use std::time::{Duration, Instant};

use lockstep_accel_abi::codes::{InterruptBits, VECTORS};
use lockstep_accel_abi::events::{self, Event};
use lockstep_accel_abi::{Descriptor, Register, registers};

use crate::device::{MEMORY, command, identify};
use crate::job_log::JobReport;
use crate::registers::Registers;
use crate::{Card, Error, Transport};

impl<T: Transport> Card<T> {
    /// Between two looks at the vectors.
    const LOOK: Duration = Duration::from_micros(500);

    /// Reads a register of the table [`registers::REGISTERS`]. A read changes nothing.
    ///
    /// # Errors
    /// The transport failed.
    pub fn register(&self, register: &Register) -> Result<u32, Error> {
        self.queue.device.registers().read(register.offset)
    }

    /// Writes a value to the register `SCRATCH`, which has no effect on the card, and returns the
    /// value that the register then has.
    ///
    /// # Errors
    /// The transport failed.
    pub fn scratch(&mut self, value: u32) -> Result<u32, Error> {
        let registers = self.queue.device.registers();
        registers.write(registers::SCRATCH, value)?;
        registers.read(registers::SCRATCH)
    }

    /// Lets the card raise interrupt vector `vector`, below [`VECTORS`], and waits for it at most
    /// `time`. Returns the vectors that were heard, one bit for each: a card whose interrupts work
    /// gives `1 << vector`.
    ///
    /// # Errors
    /// The card takes no jobs, or the transport or the system failed.
    ///
    /// # Panics
    /// There is no such vector.
    pub fn force_interrupt(&mut self, vector: u32, time: Duration) -> Result<u32, Error> {
        assert!(vector < VECTORS, "vector {vector} of {VECTORS}");
        self.settle()?;
        self.withdraw_interrupts()?;
        self.queue.device.registers().write(registers::INT_FORCE, 1 << vector)?;
        let heard = self.vectors_heard(1 << vector, time)?;
        self.withdraw_interrupts()?;
        Ok(heard)
    }

    /// Gives the card a job that does nothing, and waits for the job's interrupt at most `time`
    /// behind its record. Returns whether the interrupt came.
    ///
    /// # Errors
    /// The job failed, or the card failed.
    pub fn interrupt_of_job(&mut self, time: Duration) -> Result<bool, Error> {
        self.settle()?;
        self.withdraw_interrupts()?;
        let before = self.interrupts();
        for outcome in self.execute(&[Descriptor::nop(0)])? {
            outcome.success()?;
        }
        let completion = InterruptBits::COMPLETION;
        Ok(self.interrupts() > before || self.vectors_heard(completion, time)? & completion != 0)
    }

    /// Clears what the card reports and what has come.
    fn withdraw_interrupts(&self) -> Result<(), Error> {
        self.queue.device.registers().write(registers::INT_STATUS, InterruptBits::ALL)?;
        self.queue.device.interrupts.take();
        Ok(())
    }

    /// Waits for a vector of `wanted`, at most `time`, and returns all vectors that came.
    fn vectors_heard(&self, wanted: u32, time: Duration) -> Result<u32, Error> {
        let (until, mut heard) = (Instant::now() + time, 0);
        while heard & wanted == 0 && Instant::now() < until {
            // The read comes back behind an interrupt that the card has sent as a message.
            self.queue.device.registers().status()?;
            heard |= self.queue.device.interrupts.take();
            if heard & wanted == 0 {
                std::thread::sleep(Self::LOOK);
            }
        }
        Ok(heard)
    }

    /// Tells an observer of every job that leaves the rings from now on, on the thread that drives
    /// the card. The driver waits for the return.
    pub fn observe_jobs(&mut self, observer: impl FnMut(&JobReport) + Send + 'static) {
        self.queue.log.observe(Box::new(observer));
    }
}

/// The registers of a card as they are: the card is neither reset nor enabled.
#[derive(Debug)]
pub struct RegisterView<T: Transport>(T);

impl<T: Transport> RegisterView<T> {
    /// Checks that the device has the PCI id of a card, whose reads change nothing, and lets the
    /// card answer at its BARs. The interface may have any version.
    ///
    /// # Errors
    /// [`Error::Foreign`] for another device, or the transport failed.
    pub fn open(transport: T) -> Result<Self, Error> {
        identify(&transport)?;
        command(&transport, MEMORY)?;
        Ok(Self(transport))
    }

    /// Reads a register of the table [`registers::REGISTERS`].
    ///
    /// # Errors
    /// The transport failed.
    pub fn register(&self, register: &Register) -> Result<u32, Error> {
        Registers(&self.0).read(register.offset)
    }

    /// Reads a counter.
    ///
    /// # Errors
    /// The transport failed, or the counter is faulty.
    pub fn counter(&self, event: Event) -> Result<u64, Error> {
        events::read_counter(event, |register| Registers(&self.0).read(register))
    }
}
