//! The two ends of a ready/valid stream.

use std::collections::VecDeque;

use lockstep_arith::sample::Random;

use crate::stalls::Gate;
use crate::{Agent, Bits, Error, Port, Sim, Stalls};

/// Sends items into a stream. While it offers nothing, the payload is random.
pub struct Source {
    name: String,
    valid: Port,
    ready: Port,
    fields: Vec<Port>,
    items: VecDeque<Vec<Bits>>,
    offering: bool,
    sent: usize,
    gate: Gate,
    noise: Random,
}

impl Source {
    /// A source at the inputs `valid` and `fields` and the output `ready`.
    ///
    /// # Errors
    /// A port is missing.
    pub fn new(sim: &Sim, valid: &str, ready: &str, fields: &[&str], stalls: Stalls) -> Result<Self, Error> {
        Ok(Self {
            name: valid.into(),
            valid: sim.input(valid)?,
            ready: sim.output(ready)?,
            fields: fields.iter().map(|f| sim.input(f)).collect::<Result<_, _>>()?,
            items: VecDeque::new(),
            offering: false,
            sent: 0,
            gate: Gate::new(stalls.seed ^ 0x5011, stalls.idle),
            noise: Random::new(stalls.seed ^ 0x01_5e),
        })
    }

    /// Appends an item: a value for each field.
    pub fn push(&mut self, item: Vec<Bits>) {
        assert_eq!(item.len(), self.fields.len(), "{}: values of an item", self.name);
        self.items.push_back(item);
    }

    /// The number of transfers so far.
    #[must_use]
    pub const fn sent(&self) -> usize {
        self.sent
    }
}

impl Agent for Source {
    fn drive(&mut self, sim: &mut Sim) -> Result<(), Error> {
        self.offering = self.offering || (!self.items.is_empty() && !self.gate.pauses());
        sim.poke(self.valid, self.offering.into());
        for (i, &field) in self.fields.iter().enumerate() {
            match self.items.front() {
                Some(item) if self.offering => sim.poke_bits(field, &item[i]),
                _ => sim.poke_bits(field, &Bits::random(field.width(), &mut self.noise)),
            }
        }
        Ok(())
    }

    fn sample(&mut self, sim: &Sim) -> Result<(), Error> {
        if self.offering && sim.high(self.ready) {
            self.items.pop_front();
            self.offering = false;
            self.sent += 1;
        }
        Ok(())
    }

    fn waiting(&self) -> Option<String> {
        (!self.items.is_empty())
            .then(|| format!("{}: {} sent, {} left", self.name, self.sent, self.items.len()))
    }
}

/// Receives items from a stream, and checks that an offer does not change until it is taken.
pub struct Sink {
    name: String,
    valid: Port,
    ready: Port,
    fields: Vec<Port>,
    expected: VecDeque<Vec<Bits>>,
    wanted: usize,
    received: Vec<Vec<Bits>>,
    stalled: Option<Vec<Bits>>,
    taking: bool,
    gate: Gate,
}

impl Sink {
    /// A sink at the outputs `valid` and `fields` and the input `ready`.
    ///
    /// # Errors
    /// A port is missing.
    pub fn new(sim: &Sim, valid: &str, ready: &str, fields: &[&str], stalls: Stalls) -> Result<Self, Error> {
        Ok(Self {
            name: valid.into(),
            valid: sim.output(valid)?,
            ready: sim.input(ready)?,
            fields: fields.iter().map(|f| sim.output(f)).collect::<Result<_, _>>()?,
            expected: VecDeque::new(),
            wanted: 0,
            received: Vec::new(),
            stalled: None,
            taking: false,
            gate: Gate::new(stalls.seed ^ 0x51_4b, stalls.back_pressure),
        })
    }

    /// Appends an item that must come. A sink with such an item refuses items that were not
    /// announced.
    pub fn expect(&mut self, item: Vec<Bits>) {
        assert_eq!(item.len(), self.fields.len(), "{}: values of an item", self.name);
        self.expected.push_back(item);
        self.wanted += 1;
    }

    /// Waits for `n` more items, whatever they are.
    pub const fn want(&mut self, n: usize) {
        self.wanted += n;
    }

    /// All items so far.
    #[must_use]
    pub fn received(&self) -> &[Vec<Bits>] {
        &self.received
    }
}

impl Agent for Sink {
    fn drive(&mut self, sim: &mut Sim) -> Result<(), Error> {
        self.taking = !self.gate.pauses();
        sim.poke(self.ready, self.taking.into());
        Ok(())
    }

    fn sample(&mut self, sim: &Sim) -> Result<(), Error> {
        let valid = sim.high(self.valid);
        if !valid && self.stalled.is_none() {
            return Ok(());
        }
        let broken =
            |rule: String| Err(Error::Protocol { cycle: sim.cycles(), port: self.name.clone(), rule });
        let item: Vec<Bits> = self.fields.iter().map(|&f| sim.peek_bits(f)).collect();
        if let Some(before) = self.stalled.take() {
            if !valid {
                return broken("an offer was withdrawn".into());
            }
            if before != item {
                return broken(format!("payload changed while stalled: {before:?} to {item:?}"));
            }
        }
        if !self.taking {
            self.stalled = Some(item);
            return Ok(());
        }
        if let Some(expected) = self.expected.pop_front() {
            if expected != item {
                return Err(Error::Mismatch {
                    cycle: sim.cycles(),
                    port: self.name.clone(),
                    item: self.received.len(),
                    found: format!("{item:?}"),
                    expected: format!("{expected:?}"),
                });
            }
        } else if self.received.len() >= self.wanted {
            return broken(format!("item {} was not expected: {item:?}", self.received.len()));
        }
        self.received.push(item);
        Ok(())
    }

    fn waiting(&self) -> Option<String> {
        let left = self.wanted.saturating_sub(self.received.len());
        (left > 0).then(|| format!("{}: {} received, {left} to come", self.name, self.received.len()))
    }
}
