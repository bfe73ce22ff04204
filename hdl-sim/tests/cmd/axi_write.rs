//! The write master: requests of any length and alignment, errors, pauses of bus and source, drains
//! in any cycle.

use std::collections::VecDeque;

use lockstep_arith::sample::Random;
use lockstep_hdl_sim::{Agent, AxiMemory, Bits, Error, Memory, Port, Sim, Source, Stalls};

use crate::Bench;
use crate::transfers::{
    BASE, BYTES, Failure, MAX_BEATS, OUTSTANDING, Request, drain, master, memory, named, source, timing,
};

/// Checks whose data the master takes, how requests end, and that a burst on the bus never waits
/// for its data.
struct Observer {
    /// Valid, ready and id of the source's data.
    data: [Port; 3],
    /// Valid, error and id of an answer.
    done: [Port; 3],
    failure: Port,
    /// Address, response, id.
    place: [Port; 3],
    /// Valid and ready of the address; valid, ready, last of the data.
    address: [Port; 2],
    bus: [Port; 3],
    /// Bursts whose address is taken and whose data is not.
    addressed: usize,
    in_burst: bool,
    /// Names of the beats to come; answers to come, and how many failures there are up to them;
    /// failures.
    beats: VecDeque<u64>,
    answers: VecDeque<(bool, u64, usize)>,
    failures: VecDeque<(Failure, u64)>,
    known: usize,
    seen: usize,
}

impl Observer {
    fn new(sim: &Sim) -> Self {
        let output = |name| sim.output(name).unwrap();
        let input = |name| sim.input(name).unwrap();
        Self {
            data: [input("data_valid_i"), output("data_ready_o"), output("data_id_o")],
            done: ["done_valid_o", "done_error_o", "done_id_o"].map(output),
            failure: output("error_valid_o"),
            place: ["error_addr_o", "error_resp_o", "done_id_o"].map(output),
            address: [output("axi_awvalid_o"), input("axi_awready_i")],
            bus: [output("axi_wvalid_o"), input("axi_wready_i"), output("axi_wlast_o")],
            addressed: 0,
            in_burst: false,
            beats: VecDeque::new(),
            answers: VecDeque::new(),
            failures: VecDeque::new(),
            known: 0,
            seen: 0,
        }
    }

    fn expect(&mut self, beats: usize, failures: Vec<Failure>, id: u64) {
        self.beats.extend((0..beats).map(|_| id));
        self.known += failures.len();
        self.answers.push_back((!failures.is_empty(), id, self.known));
        self.failures.extend(failures.into_iter().map(|failure| (failure, id)));
    }
}

impl Agent for Observer {
    fn drive(&mut self, _: &mut Sim) -> Result<(), Error> {
        Ok(())
    }

    fn sample(&mut self, sim: &Sim) -> Result<(), Error> {
        let [valid, ready, id] = self.data;
        if sim.high(valid) && sim.high(ready) {
            assert_eq!(Some(sim.peek(id)), self.beats.pop_front(), "whose data is taken");
        }
        let [valid, ready, last] = self.bus;
        assert!(sim.high(valid) || !self.in_burst, "cycle {}: a burst waits for its data", sim.cycles());
        assert!(!sim.high(valid) || self.addressed > 0, "cycle {}: data before its address", sim.cycles());
        if sim.high(valid) && sim.high(ready) {
            self.in_burst = !sim.high(last);
            self.addressed -= usize::from(sim.high(last));
        }
        let [valid, ready] = self.address;
        self.addressed += usize::from(sim.high(valid) && sim.high(ready));
        if sim.high(self.failure) {
            let [address, response, id] = self.place.map(|port| sim.peek(port));
            assert_eq!(self.failures.pop_front(), Some(((address, response), id)));
            self.seen += 1;
        }
        let [valid, error, id] = self.done;
        if sim.high(valid) {
            let found = (sim.high(error), sim.peek(id), self.seen);
            assert_eq!(Some(found), self.answers.pop_front(), "cycle {}", sim.cycles());
        }
        Ok(())
    }

    fn waiting(&self) -> Option<String> {
        (!self.answers.is_empty()).then(|| format!("{} answers", self.answers.len()))
    }
}

/// The master out of reset.
fn writer(width: u64) -> Bench {
    let mut bench = master("ls_axi_write", width);
    bench.set("clear_i", 0);
    bench
}

/// Both sources, what must be seen, and what becomes of the memory.
fn requests(
    sim: &Sim,
    drawn: &[Request],
    memory: &mut Memory,
    width: u64,
    stalls: Stalls,
) -> (Source, Source, Observer) {
    let source = source(sim, drawn, stalls);
    let apart = Stalls { seed: stalls.seed + 1000, ..stalls };
    let mut data = Source::new(sim, "data_valid_i", "data_ready_o", &["data_i"], apart).unwrap();
    let mut observer = Observer::new(sim);
    let mut random = Random::new(stalls.seed ^ 0xda7a);
    for (request, id) in named(drawn) {
        let beats = request.bytes.div_ceil(width) as usize;
        // What follows the request's last byte in its beat is noise.
        let bytes = Bits::random(8 * beats * width as usize, &mut random);
        for beat in bytes.bytes().chunks(width as usize) {
            data.push(vec![Bits::from_bytes(8 * width as usize, beat)]);
        }
        observer.expect(beats, request.write(memory, width, bytes.bytes()), id);
    }
    (source, data, observer)
}

/// Whether two memories hold the same.
fn same(one: &Memory, other: &Memory) -> bool {
    one.peek(BASE, BYTES as usize) == other.peek(BASE, BYTES as usize)
}

#[test]
fn axi_write() {
    for width in [4, 16] {
        for stalls in Stalls::crossed(291) {
            let mut bench = writer(width);
            let sim = &mut bench.sim;
            let mut random = Random::new(stalls.seed);
            let mut model = memory(&mut random);
            let memory = model.clone().share();
            let drawn: Vec<Request> = (0..40).map(|_| Request::draw(&mut random)).collect();
            let (mut source, mut data, mut observer) = requests(sim, &drawn, &mut model, width, stalls);
            let latency = random.within(1, 30) as u64;
            let mut bus = AxiMemory::new(sim, "axi", memory.clone(), timing(latency), stalls).unwrap();
            sim.run(&mut [&mut source, &mut data, &mut bus, &mut observer], 400_000)
                .unwrap_or_else(|e| panic!("{width} bytes, {stalls:?}: {e}"));
            assert!(same(&memory.borrow(), &model), "{width} bytes, {stalls:?}");
            let traffic = bus.traffic();
            let bursts: Vec<_> = drawn.iter().flat_map(|r| r.bursts(width)).collect();
            assert_eq!(traffic.bursts[1], bursts.len() as u64);
            assert_eq!(traffic.beats[1], bursts.iter().map(|b| b.1).sum::<u64>());
            assert!(traffic.most_outstanding[1] <= OUTSTANDING);
        }
    }
}

#[test]
fn a_long_write_keeps_the_bus_busy() {
    let (width, latency) = (16, 20);
    let mut bench = writer(width);
    let sim = &mut bench.sim;
    let mut model = memory(&mut Random::new(1));
    model.heal();
    let memory = model.clone().share();
    let all = Request { address: BASE, bytes: BYTES };
    let (mut source, mut data, mut observer) = requests(sim, &[all], &mut model, width, Stalls::NONE);
    let mut bus = AxiMemory::new(sim, "axi", memory, timing(latency), Stalls::NONE).unwrap();
    let cycles = sim.run(&mut [&mut source, &mut data, &mut bus, &mut observer], 10_000).unwrap();
    assert!(cycles <= BYTES / width + latency + MAX_BEATS + 10, "{cycles} cycles");
}

/// A drained master writes the bursts that are complete and drops the rest. Then it works as after
/// a reset.
#[test]
fn a_drained_writer() {
    let width = 16;
    let mut bench = writer(width);
    for (stalls, round) in Stalls::crossed(301).into_iter().cycle().zip(0..45) {
        let sim = &mut bench.sim;
        let mut random = Random::new(stalls.seed + 100 * round);
        let mut model = memory(&mut random);
        let memory = model.clone().share();
        let mut draw = || (0..20).map(|_| Request::draw(&mut random)).collect::<Vec<Request>>();
        let (given_up, whole) = (draw(), draw());
        let (mut source, mut data, mut observer) = requests(sim, &given_up, &mut model, width, stalls);
        let mut bus = AxiMemory::new(sim, "axi", memory.clone(), timing(12), stalls).unwrap();
        for _ in 0..random.within(1, 400) {
            sim.cycle(&mut [&mut source, &mut data, &mut bus, &mut observer]).unwrap();
        }
        drain(&mut bench);
        let sim = &mut bench.sim;
        let [idle, ready, done, failure] =
            ["idle_o", "req_ready_o", "done_valid_o", "error_valid_o"].map(|o| sim.output(o).unwrap());
        sim.settle().unwrap();
        assert!(!sim.high(ready), "a drained master takes a request");
        sim.cycle(&mut [&mut bus]).unwrap();
        sim.run_until(&mut [&mut bus], 5000, "idle_o", |sim| {
            assert!(!sim.high(done) && !sim.high(failure), "something comes out of a drained master");
            sim.high(idle)
        })
        .unwrap();
        assert!(bus.idle(), "idle while a burst is on the bus");
        bench.set("clear_i", 1);
        bench.sim.cycle(&mut [&mut bus]).unwrap();
        bench.set("clear_i", 0);
        bench.set("drain_i", 0);
        let mut model = memory.borrow().clone();
        let (mut source, mut data, mut observer) = requests(&bench.sim, &whole, &mut model, width, stalls);
        bench.sim.run(&mut [&mut source, &mut data, &mut bus, &mut observer], 100_000).unwrap();
        assert!(same(&memory.borrow(), &model), "round {round}");
    }
}
