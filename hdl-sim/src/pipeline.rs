//! Feeds a pipeline that has a fixed latency and never stalls.

use std::collections::VecDeque;

use lockstep_arith::sample::Random;

use crate::stalls::Gate;
use crate::{Agent, Bits, Error, Port, Sim, Stalls};

/// Feeds words into a pipeline with random gaps, and checks that each comes out exactly `latency`
/// cycles later. In a gap the inputs are random.
pub struct Pipeline {
    valid: Port,
    fields: Vec<Port>,
    out_name: String,
    out_valid: Port,
    out_fields: Vec<Port>,
    latency: usize,
    words: VecDeque<(Vec<Bits>, Vec<Bits>)>,
    /// The expected outputs of the coming cycles.
    due: VecDeque<Option<Vec<Bits>>>,
    fed: Option<Vec<Bits>>,
    passed: usize,
    gate: Gate,
    noise: Random,
}

impl Pipeline {
    /// A feeder at the inputs `valid` and `fields` and the outputs `out_valid` and `out_fields`.
    ///
    /// # Errors
    /// A port is missing.
    pub fn new(
        sim: &Sim,
        (valid, fields): (&str, &[&str]),
        (out_valid, out_fields): (&str, &[&str]),
        latency: usize,
        stalls: Stalls,
    ) -> Result<Self, Error> {
        Ok(Self {
            valid: sim.input(valid)?,
            fields: fields.iter().map(|f| sim.input(f)).collect::<Result<_, _>>()?,
            out_name: out_valid.into(),
            out_valid: sim.output(out_valid)?,
            out_fields: out_fields.iter().map(|f| sim.output(f)).collect::<Result<_, _>>()?,
            latency,
            words: VecDeque::new(),
            due: std::iter::repeat_n(None, latency).collect(),
            fed: None,
            passed: 0,
            gate: Gate::new(stalls.seed ^ 0x91_9e, stalls.idle),
            noise: Random::new(stalls.seed ^ 0x01_5e),
        })
    }

    /// Appends a word: the values of the inputs, and the expected values of the outputs.
    pub fn push(&mut self, inputs: Vec<Bits>, outputs: Vec<Bits>) {
        assert_eq!((inputs.len(), outputs.len()), (self.fields.len(), self.out_fields.len()));
        self.words.push_back((inputs, outputs));
    }

    /// The number of words that came out right.
    #[must_use]
    pub const fn passed(&self) -> usize {
        self.passed
    }
}

impl Agent for Pipeline {
    fn drive(&mut self, sim: &mut Sim) -> Result<(), Error> {
        let word = if self.gate.pauses() { None } else { self.words.pop_front() };
        sim.poke(self.valid, word.is_some().into());
        for (i, &field) in self.fields.iter().enumerate() {
            if let Some((inputs, _)) = &word {
                sim.poke_bits(field, &inputs[i]);
            } else {
                sim.poke_bits(field, &Bits::random(field.width(), &mut self.noise));
            }
        }
        self.fed = word.map(|(_, outputs)| outputs);
        Ok(())
    }

    fn sample(&mut self, sim: &Sim) -> Result<(), Error> {
        let expected = self.due.pop_front().flatten();
        self.due.push_back(self.fed.take());
        let found = sim.high(self.out_valid);
        if found != expected.is_some() {
            let rule =
                format!("valid is {found}, {} cycles after an input that says otherwise", self.latency);
            return Err(Error::Protocol { cycle: sim.cycles(), port: self.out_name.clone(), rule });
        }
        let Some(expected) = expected else { return Ok(()) };
        let found: Vec<Bits> = self.out_fields.iter().map(|&f| sim.peek_bits(f)).collect();
        if found != expected {
            return Err(Error::Mismatch {
                cycle: sim.cycles(),
                port: self.out_name.clone(),
                item: self.passed,
                found: format!("{found:?}"),
                expected: format!("{expected:?}"),
            });
        }
        self.passed += 1;
        Ok(())
    }

    fn waiting(&self) -> Option<String> {
        let left = self.words.len() + self.due.iter().flatten().count();
        (left > 0).then(|| format!("{}: {left} words to come", self.out_name))
    }
}
