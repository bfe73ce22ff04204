//! The shared cells. Both sides of each pause in every combination.
#![allow(clippy::unwrap_used)]

use lockstep_arith::sample::Random;
use lockstep_hdl_sim::{Agent, Bits, Design, Error, Port, Sim, Sink, Source, Stalls};

const WIDTH: usize = 70;
const WORDS: u64 = 2000;

fn cell(name: &str, parameters: &[(&str, usize)]) -> Sim {
    let design = parameters.iter().fold(Design::new(name), |d, (name, value)| d.parameter(*name, value));
    Sim::new(&design).unwrap()
}

fn set(sim: &mut Sim, name: &str, value: u64) {
    let port = sim.input(name).unwrap();
    sim.poke(port, value);
}

fn word(i: u64) -> Bits {
    Bits::random(WIDTH, &mut Random::new(i))
}

fn ends(sim: &Sim, stalls: Stalls) -> (Source, Sink) {
    let source = Source::new(sim, "in_valid_i", "in_ready_o", &["in_data_i"], stalls).unwrap();
    let sink = Sink::new(sim, "out_valid_o", "out_ready_i", &["out_data_o"], stalls).unwrap();
    (source, sink)
}

/// All words pass in order, one in each cycle if nothing pauses. A clear empties the cell.
fn passes_streams(name: &str, parameters: &[(&str, usize)], full_throughput: bool) {
    for stalls in Stalls::crossed(7) {
        let mut sim = cell(name, parameters);
        set(&mut sim, "clear_i", 0);
        let (mut source, mut sink) = ends(&sim, stalls);
        for i in 0..WORDS {
            source.push(vec![word(i)]);
            sink.expect(vec![word(i)]);
        }
        let cycles = sim
            .run(&mut [&mut source, &mut sink], 40 * WORDS)
            .unwrap_or_else(|e| panic!("{name} {parameters:?}, {stalls:?}: {e}"));
        if full_throughput && stalls.idle == 0 && stalls.back_pressure == 0 {
            assert_eq!(cycles, WORDS + 1);
        }
    }

    let mut sim = cell(name, parameters);
    let (mut source, mut closed) = ends(&sim, Stalls { back_pressure: 100, ..Stalls::NONE });
    set(&mut sim, "clear_i", 0);
    (0..10).for_each(|i| source.push(vec![word(i)]));
    for _ in 0..20 {
        sim.cycle(&mut [&mut source, &mut closed]).unwrap();
    }
    let kept = source.sent();
    assert!(kept > 0);
    set(&mut sim, "clear_i", 1);
    set(&mut sim, "in_valid_i", 0);
    sim.cycle(&mut [&mut closed]).unwrap();
    set(&mut sim, "clear_i", 0);
    let (_, mut open) = ends(&sim, Stalls::NONE);
    for i in kept as u64..10 {
        open.expect(vec![word(i)]);
    }
    sim.run(&mut [&mut source, &mut open], 50).unwrap();
}

#[test]
fn fifo() {
    for depth in [1, 2, 3, 5, 8] {
        passes_streams("ls_fifo", &[("Width", WIDTH), ("Depth", depth)], depth > 1);
    }
}

#[test]
fn fifo_is_full_at_its_depth() {
    let depth = 5;
    let mut sim = cell("ls_fifo", &[("Width", WIDTH), ("Depth", depth)]);
    set(&mut sim, "clear_i", 0);
    let (mut source, mut sink) = ends(&sim, Stalls { idle: 40, back_pressure: 60, seed: 3 });
    (0..WORDS).for_each(|i| source.push(vec![word(i)]));
    sink.want(WORDS as usize);
    let [ready, valid] = ["in_ready_o", "out_valid_o"].map(|port| sim.output(port).unwrap());
    let mut full = 0;
    while sink.waiting().is_some() {
        sim.cycle(&mut [&mut source, &mut sink]).unwrap();
        sim.settle().unwrap();
        let words = source.sent() - sink.received().len();
        assert_eq!((sim.high(ready), sim.high(valid)), (words < depth, words > 0));
        full += usize::from(words == depth);
    }
    assert!(full > 10, "full {full} times");
}

#[test]
fn registers() {
    passes_streams("ls_skid", &[("Width", WIDTH)], true);
    passes_streams("ls_stage", &[("Width", WIDTH)], true);
}

/// Random requesters at an arbiter: each asks until it is taken or gives up. Every requester is
/// taken before the others are taken a second time.
struct Requesters {
    request: Port,
    index: Port,
    valid: Port,
    ready: Port,
    asks: Vec<bool>,
    waited: Vec<usize>,
    taken: usize,
    open: bool,
    held: Option<u64>,
    stalls: Stalls,
    random: Random,
}

impl Agent for Requesters {
    fn drive(&mut self, sim: &mut Sim) -> Result<(), Error> {
        let mut bits = 0;
        for (i, (asks, waited)) in self.asks.iter_mut().zip(&mut self.waited).enumerate() {
            let gives_up = self.stalls.idle > 0 && self.random.within(1, 20) == 1;
            *asks = if *asks { !gives_up } else { self.random.within(1, 100) > self.stalls.idle.into() };
            // A requester that gives up loses its turn.
            *waited *= usize::from(*asks);
            bits |= u64::from(*asks) << i;
        }
        self.open = self.random.within(1, 100) > self.stalls.back_pressure.into();
        sim.poke(self.request, bits);
        sim.poke(self.ready, self.open.into());
        Ok(())
    }

    fn sample(&mut self, sim: &Sim) -> Result<(), Error> {
        assert_eq!(sim.high(self.valid), self.asks.contains(&true));
        if !sim.high(self.valid) {
            self.held = None;
            return Ok(());
        }
        let index = sim.peek(self.index);
        assert!(self.asks[index as usize], "{index} does not ask");
        let changed = self.held.is_some_and(|held| held != index && self.asks[held as usize]);
        assert!(!changed, "the choice changed while stalled");
        self.held = (!self.open).then_some(index);
        if self.open {
            for (i, waited) in self.waited.iter_mut().enumerate() {
                *waited = if self.asks[i] && i as u64 != index { *waited + 1 } else { 0 };
                assert!(*waited < self.asks.len(), "requester {i} waited for {waited} turns");
            }
            self.asks[index as usize] = false;
            self.taken += 1;
        }
        Ok(())
    }

    fn waiting(&self) -> Option<String> {
        (self.taken < WORDS as usize).then(|| format!("{} turns", self.taken))
    }
}

#[test]
fn arbiter() {
    for count in [2, 3, 5] {
        for stalls in Stalls::crossed(11) {
            let mut sim = cell("ls_arbiter", &[("Count", count)]);
            set(&mut sim, "clear_i", 0);
            let mut requesters = Requesters {
                request: sim.input("request_i").unwrap(),
                index: sim.output("index_o").unwrap(),
                valid: sim.output("valid_o").unwrap(),
                ready: sim.input("ready_i").unwrap(),
                asks: vec![false; count],
                waited: vec![0; count],
                taken: 0,
                open: false,
                held: None,
                stalls,
                random: Random::new(stalls.seed),
            };
            let cycles = sim.run(&mut [&mut requesters], 20 * WORDS).unwrap();
            if stalls.idle == 0 && stalls.back_pressure == 0 {
                assert_eq!(cycles, WORDS);
            }
        }
    }
}

#[test]
fn counter_stops_at_its_greatest_value() {
    let mut sim = cell("ls_counter", &[("Width", 7), ("StepWidth", 3)]);
    let count = sim.output("count_o").unwrap();
    let mut random = Random::new(1);
    let mut expected = 0;
    for _ in 0..2000 {
        let step = random.within(0, 7) as u64;
        let clear = random.within(0, 60) == 0;
        set(&mut sim, "step_i", step);
        set(&mut sim, "clear_i", clear.into());
        sim.cycle(&mut []).unwrap();
        expected = if clear { 0 } else { (expected + step).min(127) };
        assert_eq!(sim.peek(count), expected);
    }
}

#[test]
fn ram() {
    let depth = 13;
    let mut sim = cell("ls_ram", &[("Width", WIDTH), ("Depth", depth)]);
    let (data, found) = (sim.input("write_data_i").unwrap(), sim.output("read_data_o").unwrap());
    let mut random = Random::new(2);
    let mut words: Vec<Option<Bits>> = vec![None; depth];
    let mut expected = None;
    for i in 0..3000 {
        let addresses = [(); 2].map(|()| random.within(0, depth as i32 - 1) as usize);
        let write = random.within(0, 1) as u64;
        // The bench never reads a word in the cycle of its write.
        let read = if write == 1 && addresses[0] == addresses[1] { 0 } else { random.within(0, 1) as u64 };
        let value = word(i);
        sim.poke_bits(data, &value);
        set(&mut sim, "write_i", write);
        set(&mut sim, "write_address_i", addresses[0] as u64);
        set(&mut sim, "read_i", read);
        set(&mut sim, "read_address_i", addresses[1] as u64);
        sim.cycle(&mut []).unwrap();
        if read == 1 {
            expected = words[addresses[1]].clone();
        }
        if write == 1 {
            words[addresses[0]] = Some(value);
        }
        if let Some(expected) = &expected {
            assert_eq!(&sim.peek_bits(found), expected);
        }
    }
    // A read beyond the end, and a read of a word in the cycle of its write.
    for (write, address) in [(0, depth as u64), (1, 3)] {
        let mut sim = cell("ls_ram", &[("Width", WIDTH), ("Depth", depth)]);
        sim.cycle(&mut []).unwrap();
        set(&mut sim, "write_i", write);
        set(&mut sim, "write_address_i", 3);
        set(&mut sim, "read_i", 1);
        set(&mut sim, "read_address_i", address);
        assert!(matches!(sim.cycle(&mut []), Err(Error::Assertion { .. })), "{write} {address}");
    }
}

#[test]
fn delay() {
    for cycles in [1, 2, 5] {
        let mut sim = cell("ls_delay", &[("Cycles", cycles)]);
        let out = sim.output("q_o").unwrap();
        let mut random = Random::new(3);
        let mut due = vec![false; cycles];
        for _ in 0..300 {
            let bit = random.within(0, 1) == 1;
            set(&mut sim, "d_i", bit.into());
            sim.cycle(&mut []).unwrap();
            due.push(bit);
            assert_eq!(sim.high(out), due[due.len() - cycles]);
        }
    }
}
