//! The whole card at its ports: registers, the buses of two memories, interrupt vectors.

use std::cell::RefCell;
use std::rc::Rc;

use lockstep_accel_abi::events::{self, Event};

use crate::{Agent, AxiLite, AxiMemory, AxiTiming, Design, Error, Port, Sim, Stalls, Storage};

/// How the ports of a card are served.
#[derive(Clone, Debug)]
pub struct TopSetup {
    /// The top module: its ports are those of `ls_top`.
    pub design: Design,
    /// Of host memory.
    pub host: AxiTiming,
    /// Of card memory.
    pub card: AxiTiming,
    /// Pauses on all buses.
    pub stalls: Stalls,
}

/// Sees the vectors rise, in register accesses too.
struct Irq {
    port: Port,
    level: u64,
    risen: u64,
}

impl Agent for Irq {
    fn drive(&mut self, _: &mut Sim) -> Result<(), Error> {
        Ok(())
    }

    fn sample(&mut self, sim: &Sim) -> Result<(), Error> {
        let level = sim.peek(self.port);
        self.risen |= level & !self.level;
        self.level = level;
        Ok(())
    }
}

/// A card out of reset, with what stands at its ports.
pub struct Top {
    sim: Sim,
    registers: AxiLite,
    host: AxiMemory,
    card: AxiMemory,
    irq: Irq,
}

impl Top {
    /// Cycles that a register access may take.
    const REGISTER_LIMIT: u64 = 10_000;

    /// A card between two memories.
    ///
    /// # Errors
    /// The design does not build or lacks a port.
    pub fn new(
        setup: &TopSetup,
        host: Rc<RefCell<dyn Storage>>,
        card: Rc<RefCell<dyn Storage>>,
    ) -> Result<Self, Error> {
        let sim = Sim::new(&setup.design)?;
        let stalls = |salt| Stalls { seed: setup.stalls.seed ^ salt, ..setup.stalls };
        Ok(Self {
            registers: AxiLite::new(&sim, "regs", stalls(1))?,
            host: AxiMemory::new(&sim, "host", host, setup.host, stalls(2))?,
            card: AxiMemory::new(&sim, "card", card, setup.card, stalls(3))?,
            irq: Irq { port: sim.output("irq_o")?, level: 0, risen: 0 },
            sim,
        })
    }

    /// Writes a register.
    ///
    /// # Errors
    /// Of the bench or the design.
    pub fn write(&mut self, register: u32, value: u32) -> Result<(), Error> {
        let others: &mut [&mut dyn Agent] = &mut [&mut self.host, &mut self.card, &mut self.irq];
        let (address, data) = (register.into(), value.into());
        self.registers.write(&mut self.sim, others, address, data, Self::REGISTER_LIMIT).map(|_| ())
    }

    /// Reads a register.
    ///
    /// # Errors
    /// Of the bench or the design.
    pub fn read(&mut self, register: u32) -> Result<u32, Error> {
        let others: &mut [&mut dyn Agent] = &mut [&mut self.host, &mut self.card, &mut self.irq];
        let response = self.registers.read(&mut self.sim, others, register.into(), Self::REGISTER_LIMIT)?;
        Ok(response.data as u32)
    }

    /// A counter, read as a driver does: its high half before and after.
    ///
    /// # Errors
    /// Of the bench or the design.
    pub fn counter(&mut self, event: Event) -> Result<u64, Error> {
        events::read_counter(event, |register| self.read(register))
    }

    /// Lets some cycles pass.
    ///
    /// # Errors
    /// Of the bench or the design.
    pub fn run(&mut self, cycles: u64) -> Result<(), Error> {
        for _ in 0..cycles {
            self.sim.cycle(&mut [&mut self.registers, &mut self.host, &mut self.card, &mut self.irq])?;
        }
        Ok(())
    }

    /// The interrupt vectors, a bit each.
    #[must_use]
    pub fn irq(&self) -> u64 {
        self.sim.peek(self.irq.port)
    }

    /// The vectors that have risen since the last call, a bit each: the messages of a bridge.
    pub const fn interrupts(&mut self) -> u64 {
        std::mem::replace(&mut self.irq.risen, 0)
    }

    /// Whether nothing is on the memories' buses.
    #[must_use]
    pub fn idle(&self) -> bool {
        self.host.idle() && self.card.idle()
    }

    /// The clocked design.
    #[must_use]
    pub const fn sim(&self) -> &Sim {
        &self.sim
    }

    /// The clocked design, to set ports that no agent sets.
    pub const fn sim_mut(&mut self) -> &mut Sim {
        &mut self.sim
    }

    /// The buses of host and card memory.
    #[must_use]
    pub const fn buses(&self) -> [&AxiMemory; 2] {
        [&self.host, &self.card]
    }
}
