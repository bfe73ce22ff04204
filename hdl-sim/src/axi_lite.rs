//! A master at an AXI4-Lite register port of the design.

use std::collections::VecDeque;

use crate::stalls::Gate;
use crate::{Agent, Error, Port, Sim, Stalls};

/// The answer to a register access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Response {
    /// The value of a read; 0 for a write.
    pub data: u64,
    /// `rresp` or `bresp`: 0 is OKAY, 2 SLVERR, 3 DECERR.
    pub response: u64,
}

/// Reads and writes registers, one access at a time.
pub struct AxiLite {
    aw: [Port; 3],
    w: [Port; 4],
    b: [Port; 3],
    ar: [Port; 3],
    r: [Port; 4],
    accesses: VecDeque<(u64, Option<u64>)>,
    /// Whether the slave has taken the address and the data. It may take them in any order.
    taken: [bool; 2],
    offered: [bool; 2],
    listening: bool,
    responses: Vec<Response>,
    idle: Gate,
    back_pressure: Gate,
}

impl AxiLite {
    /// A master at the ports `{prefix}_awvalid_i`, `{prefix}_awready_o` and so on.
    ///
    /// # Errors
    /// A port is missing.
    pub fn new(sim: &Sim, prefix: &str, stalls: Stalls) -> Result<Self, Error> {
        let input = |name: &str| sim.input(&format!("{prefix}_{name}_i"));
        let output = |name: &str| sim.output(&format!("{prefix}_{name}_o"));
        Ok(Self {
            aw: [input("awvalid")?, output("awready")?, input("awaddr")?],
            w: [input("wvalid")?, output("wready")?, input("wdata")?, input("wstrb")?],
            b: [output("bvalid")?, input("bready")?, output("bresp")?],
            ar: [input("arvalid")?, output("arready")?, input("araddr")?],
            r: [output("rvalid")?, input("rready")?, output("rresp")?, output("rdata")?],
            accesses: VecDeque::new(),
            taken: [false; 2],
            offered: [false; 2],
            listening: false,
            responses: Vec::new(),
            idle: Gate::new(stalls.seed ^ 0x11, stalls.idle),
            back_pressure: Gate::new(stalls.seed ^ 0x22, stalls.back_pressure),
        })
    }

    /// Writes a register and waits at most `limit` cycles for the response. `others` act in each of
    /// these cycles.
    ///
    /// # Errors
    /// As [`Sim::run`].
    pub fn write(
        &mut self,
        sim: &mut Sim,
        others: &mut [&mut dyn Agent],
        address: u64,
        data: u64,
        limit: u64,
    ) -> Result<Response, Error> {
        self.access(sim, others, (address, Some(data)), limit)
    }

    /// Reads a register and waits at most `limit` cycles for the value. `others` act in each of
    /// these cycles.
    ///
    /// # Errors
    /// As [`Sim::run`].
    pub fn read(
        &mut self,
        sim: &mut Sim,
        others: &mut [&mut dyn Agent],
        address: u64,
        limit: u64,
    ) -> Result<Response, Error> {
        self.access(sim, others, (address, None), limit)
    }

    fn access(
        &mut self,
        sim: &mut Sim,
        others: &mut [&mut dyn Agent],
        access: (u64, Option<u64>),
        limit: u64,
    ) -> Result<Response, Error> {
        let before = self.responses.len();
        self.accesses.push_back(access);
        let begin = sim.cycles();
        while self.responses.len() == before {
            if sim.cycles() - begin >= limit {
                let waiting = format!("register {:#x}", access.0);
                return Err(Error::Deadline { cycle: sim.cycles(), limit, waiting });
            }
            let mut agents: Vec<&mut dyn Agent> = Vec::with_capacity(others.len() + 1);
            agents.extend(others.iter_mut().map(|a| &mut **a as &mut dyn Agent));
            agents.push(self);
            sim.cycle(&mut agents)?;
        }
        // The handshake of the response is over, so the master deasserts every channel.
        Ok(self.responses[before])
    }
}

impl Agent for AxiLite {
    fn drive(&mut self, sim: &mut Sim) -> Result<(), Error> {
        let access = self.accesses.front().copied();
        let writes = matches!(access, Some((_, Some(_))));
        for (i, wanted) in [access.is_some(), writes].into_iter().enumerate() {
            let fresh = wanted && !self.taken[i] && !self.idle.pauses();
            self.offered[i] = (self.offered[i] || fresh) && wanted && !self.taken[i];
        }
        let (address, data) = access.unwrap_or_default();
        sim.poke(self.aw[0], u64::from(writes && self.offered[0]));
        sim.poke(self.aw[2], address);
        sim.poke(self.w[0], u64::from(self.offered[1]));
        sim.poke(self.w[2], data.unwrap_or_default());
        sim.poke(self.w[3], u64::MAX);
        sim.poke(self.ar[0], u64::from(!writes && self.offered[0]));
        sim.poke(self.ar[2], address);
        self.listening = !self.back_pressure.pauses();
        sim.poke(self.b[1], u64::from(self.listening));
        sim.poke(self.r[1], u64::from(self.listening));
        Ok(())
    }

    fn sample(&mut self, sim: &Sim) -> Result<(), Error> {
        let writes = matches!(self.accesses.front(), Some((_, Some(_))));
        let address_ready = if writes { self.aw[1] } else { self.ar[1] };
        for (i, ready) in [address_ready, self.w[1]].into_iter().enumerate() {
            if self.offered[i] && sim.high(ready) {
                self.taken[i] = true;
            }
        }
        for (is_write, valid, response) in [(true, self.b[0], self.b[2]), (false, self.r[0], self.r[2])] {
            if !sim.high(valid) {
                continue;
            }
            if self.accesses.is_empty() || is_write != writes || !self.taken[0] || (writes && !self.taken[1])
            {
                let port = if is_write { "b" } else { "r" }.into();
                return Err(Error::Protocol {
                    cycle: sim.cycles(),
                    port,
                    rule: "response without a request".into(),
                });
            }
            if self.listening {
                let data = if is_write { 0 } else { sim.peek(self.r[3]) };
                self.responses.push(Response { data, response: sim.peek(response) });
                self.accesses.pop_front();
                self.taken = [false; 2];
            }
        }
        Ok(())
    }

    fn waiting(&self) -> Option<String> {
        self.accesses.front().map(|(address, _)| format!("register {address:#x}"))
    }
}
