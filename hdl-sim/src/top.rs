//! The whole card with everything at its ports: registers, two memories, interrupt vectors.

use std::cell::RefCell;
use std::rc::Rc;

use lockstep_accel_abi::events::{self, Event};

use crate::{Agent, AxiLite, AxiMemory, AxiTiming, Design, Error, Port, Sim, Stalls, Storage};

/// The settings of a card's ports.
#[derive(Clone, Debug)]
pub struct TopSetup {
    /// The top module. It has the ports of `ls_top`.
    pub design: Design,
    /// The speed of host memory.
    pub host: AxiTiming,
    /// The speed of card memory.
    pub card: AxiTiming,
    /// Random pauses on all buses.
    pub stalls: Stalls,
}

/// Records the vectors that rise, also during a register access.
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

/// A card out of reset, with a master at its registers and memories at its buses.
pub struct Top {
    sim: Sim,
    registers: AxiLite,
    host: AxiMemory,
    card: AxiMemory,
    irq: Irq,
}

impl Top {
    /// The longest register access in cycles.
    const REGISTER_LIMIT: u64 = 10_000;

    /// A card with two memories.
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
    /// An error of the bench or of the design.
    pub fn write(&mut self, register: u32, value: u32) -> Result<(), Error> {
        let others: &mut [&mut dyn Agent] = &mut [&mut self.host, &mut self.card, &mut self.irq];
        let (address, data) = (register.into(), value.into());
        self.registers.write(&mut self.sim, others, address, data, Self::REGISTER_LIMIT).map(|_| ())
    }

    /// Reads a register.
    ///
    /// # Errors
    /// An error of the bench or of the design.
    pub fn read(&mut self, register: u32) -> Result<u32, Error> {
        let others: &mut [&mut dyn Agent] = &mut [&mut self.host, &mut self.card, &mut self.irq];
        let response = self.registers.read(&mut self.sim, others, register.into(), Self::REGISTER_LIMIT)?;
        Ok(response.data as u32)
    }

    /// The value of a counter, read as a driver reads it.
    ///
    /// # Errors
    /// An error of the bench or of the design.
    pub fn counter(&mut self, event: Event) -> Result<u64, Error> {
        events::read_counter(event, |register| self.read(register))
    }

    /// Runs some cycles.
    ///
    /// # Errors
    /// An error of the bench or of the design.
    pub fn run(&mut self, cycles: u64) -> Result<(), Error> {
        for _ in 0..cycles {
            self.sim.cycle(&mut [&mut self.registers, &mut self.host, &mut self.card, &mut self.irq])?;
        }
        Ok(())
    }

    /// The interrupt vectors, one bit each.
    #[must_use]
    pub fn irq(&self) -> u64 {
        self.sim.peek(self.irq.port)
    }

    /// The vectors that have risen since the last call, one bit each. A PCIe bridge sends a message
    /// for each.
    pub const fn interrupts(&mut self) -> u64 {
        std::mem::replace(&mut self.irq.risen, 0)
    }

    /// Whether no transfer is open on the buses of the memories.
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
