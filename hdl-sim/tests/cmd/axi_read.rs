//! The read master: requests of any length and alignment, errors, pauses of bus and reader, drains
//! in any cycle.

use std::collections::VecDeque;

use lockstep_arith::sample::Random;
use lockstep_hdl_sim::{Agent, AxiMemory, Error, Port, SharedMemory, Sim, Source, Stalls};

use crate::pauses;
use crate::transfers::{
    BASE, BYTES, Beat, Failure, OUTSTANDING, Request, drain, master, memory, named, source, timing,
};

/// Takes beats and compares them, and failures.
struct Reader {
    valid: Port,
    ready: Port,
    data: Port,
    /// Last, error, id.
    flags: [Port; 3],
    failure: Port,
    /// Address, response, id.
    place: [Port; 3],
    /// Beats with their ids, and how many failures there are before.
    beats: VecDeque<(Beat, u64, usize)>,
    failures: VecDeque<(Failure, u64)>,
    /// All failures that are known, and that were announced.
    known: usize,
    seen: usize,
    percent: u8,
    random: Random,
    taking: bool,
}

impl Reader {
    fn new(sim: &Sim, stalls: Stalls) -> Self {
        let output = |name| sim.output(name).unwrap();
        Self {
            valid: output("beat_valid_o"),
            ready: sim.input("beat_ready_i").unwrap(),
            data: output("data_o"),
            flags: ["beat_last_o", "beat_error_o", "beat_id_o"].map(output),
            failure: output("error_valid_o"),
            place: ["error_addr_o", "error_resp_o", "error_id_o"].map(output),
            beats: VecDeque::new(),
            failures: VecDeque::new(),
            known: 0,
            seen: 0,
            percent: stalls.back_pressure,
            random: Random::new(stalls.seed ^ 0xbeef),
            taking: false,
        }
    }

    fn expect(&mut self, (beats, failures): (Vec<Beat>, Vec<Failure>), id: u64) {
        let before = self.known;
        self.known += failures.len();
        self.beats.extend(beats.into_iter().map(|beat| (beat, id, before)));
        self.failures.extend(failures.into_iter().map(|failure| (failure, id)));
    }
}

impl Agent for Reader {
    fn drive(&mut self, sim: &mut Sim) -> Result<(), Error> {
        self.taking = !pauses(&mut self.random, self.percent);
        sim.poke(self.ready, self.taking.into());
        Ok(())
    }

    fn sample(&mut self, sim: &Sim) -> Result<(), Error> {
        if sim.high(self.valid) && self.taking {
            let (beat, id, before) = self.beats.pop_front().unwrap();
            let flags = self.flags.map(|port| sim.peek(port));
            assert_eq!(flags, [beat.last.into(), beat.error.into(), id], "cycle {}", sim.cycles());
            assert!(self.seen >= before + beat.failures, "a beat comes before its failure");
            if !beat.error {
                assert_eq!(sim.peek_bytes(self.data)[..beat.data.len()], beat.data);
            }
        }
        if sim.high(self.failure) {
            let [address, response, id] = self.place.map(|port| sim.peek(port));
            assert_eq!(self.failures.pop_front(), Some(((address, response), id)));
            self.seen += 1;
        }
        Ok(())
    }

    fn waiting(&self) -> Option<String> {
        let left = (self.beats.len(), self.failures.len());
        (left != (0, 0)).then(|| format!("{} beats, {} failures", left.0, left.1))
    }
}

/// Requests with their names, on their way and expected.
fn requests(
    sim: &Sim,
    requests: &[Request],
    memory: &SharedMemory,
    width: u64,
    stalls: Stalls,
) -> (Source, Reader) {
    let source = source(sim, requests, stalls);
    let mut reader = Reader::new(sim, stalls);
    for (request, id) in named(requests) {
        reader.expect(request.read(&memory.borrow(), width), id);
    }
    (source, reader)
}

#[test]
fn axi_read() {
    for width in [4, 16] {
        for stalls in Stalls::crossed(271) {
            let mut bench = master("ls_axi_read", width);
            let sim = &mut bench.sim;
            let mut random = Random::new(stalls.seed);
            let memory = memory(&mut random).share();
            let drawn: Vec<Request> = (0..40).map(|_| Request::draw(&mut random)).collect();
            let (mut source, mut reader) = requests(sim, &drawn, &memory, width, stalls);
            let latency = random.within(1, 30) as u64;
            let mut bus = AxiMemory::new(sim, "axi", memory, timing(latency), stalls).unwrap();
            sim.run(&mut [&mut source, &mut bus, &mut reader], 400_000)
                .unwrap_or_else(|e| panic!("{width} bytes, {stalls:?}: {e}"));
            let traffic = bus.traffic();
            let bursts: Vec<_> = drawn.iter().flat_map(|r| r.bursts(width)).collect();
            assert_eq!(traffic.bursts[0], bursts.len() as u64);
            assert_eq!(traffic.beats[0], bursts.iter().map(|b| b.1).sum::<u64>());
            assert!(traffic.most_outstanding[0] <= OUTSTANDING);
        }
    }
}

#[test]
fn a_long_read_keeps_the_bus_busy() {
    let (width, latency) = (16, 40);
    let mut bench = master("ls_axi_read", width);
    let sim = &mut bench.sim;
    let memory = memory(&mut Random::new(1)).share();
    memory.borrow_mut().heal();
    let all = Request { address: BASE, bytes: BYTES };
    let (mut source, mut reader) = requests(sim, &[all], &memory, width, Stalls::NONE);
    let mut bus = AxiMemory::new(sim, "axi", memory, timing(latency), Stalls::NONE).unwrap();
    let cycles = sim.run(&mut [&mut source, &mut bus, &mut reader], 10_000).unwrap();
    assert!(cycles <= BYTES / width + latency + 10, "{cycles} cycles");
}

/// A drained master waits for the data of its requests and drops it. Then it works as after a
/// reset.
#[test]
fn a_drained_reader() {
    let width = 16;
    let mut bench = master("ls_axi_read", width);
    for (stalls, round) in Stalls::crossed(281).into_iter().cycle().zip(0..45) {
        let sim = &mut bench.sim;
        let mut random = Random::new(stalls.seed + 100 * round);
        let memory = memory(&mut random).share();
        let mut draw = || (0..20).map(|_| Request::draw(&mut random)).collect::<Vec<Request>>();
        let (given_up, whole) = (draw(), draw());
        let (mut source, mut reader) = requests(sim, &given_up, &memory, width, stalls);
        let mut bus = AxiMemory::new(sim, "axi", memory.clone(), timing(12), stalls).unwrap();
        for _ in 0..random.within(1, 400) {
            sim.cycle(&mut [&mut source, &mut bus, &mut reader]).unwrap();
        }
        drain(&mut bench);
        let sim = &mut bench.sim;
        let [idle, ready, valid, failure] =
            ["idle_o", "req_ready_o", "beat_valid_o", "error_valid_o"].map(|o| sim.output(o).unwrap());
        let before = bus.traffic().bursts[0];
        sim.settle().unwrap();
        assert!(!sim.high(ready), "a drained master takes a request");
        sim.cycle(&mut [&mut bus]).unwrap();
        sim.run_until(&mut [&mut bus], 5000, "idle_o", |sim| {
            assert!(!sim.high(valid) && !sim.high(failure), "something comes out of a drained master");
            sim.high(idle)
        })
        .unwrap();
        assert!(bus.idle(), "idle while a burst is on the bus");
        assert!(bus.traffic().bursts[0] <= before + 1, "at most the burst on offer is asked for");
        bench.set("drain_i", 0);
        let (mut source, mut reader) = requests(&bench.sim, &whole, &memory, width, stalls);
        bench.sim.run(&mut [&mut source, &mut bus, &mut reader], 100_000).unwrap();
    }
}
