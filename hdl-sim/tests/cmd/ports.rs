//! Memory ports with several users: each user gets its own data, answers and addresses of failures.

use std::collections::VecDeque;

use lockstep_arith::sample::Random;
use lockstep_hdl_sim::{Agent, AxiMemory, AxiTiming, Bits, Error, Memory, SharedMemory, Sim, Stalls};

use crate::transfers::{BASE, BYTES, Beat, MAX_BEATS, OUTSTANDING, Request, memory};
use crate::{Bench, once, pauses, unit};

const USERS: usize = 3;
/// Bytes of a beat.
const WIDTH: u64 = 8;

fn peek(sim: &Sim, port: &str) -> u64 {
    sim.peek(sim.output(port).unwrap())
}

fn poke(sim: &mut Sim, port: &str, value: u64) {
    let port = sim.input(port).unwrap();
    sim.poke(port, value);
}

fn poke_bits(sim: &mut Sim, port: &str, value: &Bits) {
    let port = sim.input(port).unwrap();
    sim.poke_bits(port, value);
}

/// The user of the one bit that may be set.
fn only(bits: u64) -> Option<usize> {
    assert!(bits.count_ones() <= 1, "more than one user: {bits:b}");
    (bits != 0).then(|| bits.trailing_zeros() as usize)
}

fn bits(of: [bool; USERS]) -> u64 {
    of.iter().enumerate().fold(0, |bits, (i, &b)| bits | u64::from(b) << i)
}

/// What users have in common: their requests, and the first failure of each since it was cleared.
struct Users {
    random: Random,
    stalls: Stalls,
    requests: [VecDeque<Request>; USERS],
    offers: [bool; USERS],
    /// Failures to come, in order, and whose they are.
    failures: VecDeque<(u64, u64, usize)>,
    faults: [Option<u64>; USERS],
    /// Failures of users that had none.
    first: usize,
    clears: [bool; USERS],
}

impl Users {
    fn new(stalls: Stalls, count: usize) -> Self {
        let mut random = Random::new(stalls.seed);
        let requests = [(); USERS].map(|()| (0..count).map(|_| Request::draw(&mut random)).collect());
        let (offers, clears) = ([false; USERS], [false; USERS]);
        Self {
            random,
            stalls,
            requests,
            offers,
            failures: VecDeque::new(),
            faults: [None; USERS],
            first: 0,
            clears,
        }
    }

    /// True where none of them pauses.
    fn acts(&mut self, percent: u8) -> [bool; USERS] {
        [(); USERS].map(|()| !pauses(&mut self.random, percent))
    }

    fn drive(&mut self, sim: &mut Sim) {
        let fresh = self.acts(self.stalls.idle);
        for (user, fresh) in fresh.into_iter().enumerate() {
            self.offers[user] = !self.requests[user].is_empty() && (self.offers[user] || fresh);
        }
        self.clears = [(); USERS].map(|()| once(&mut self.random, 200));
        // Words and lengths that are whole, also where nothing is offered.
        let front =
            |user: usize| self.requests[user].front().copied().unwrap_or(Request { address: 0, bytes: 4 });
        poke(sim, "req_valid_i", bits(self.offers));
        poke_bits(sim, "req_addr_i", &Bits::pack(64, (0..USERS).map(|u| front(u).address as i64)));
        poke_bits(sim, "req_bytes_i", &Bits::pack(32, (0..USERS).map(|u| front(u).bytes as i64)));
        poke(sim, "fault_clear_i", bits(self.clears));
    }

    /// The request that is taken in this cycle, and whose it is.
    fn taken(&mut self, sim: &Sim) -> Option<(usize, Request)> {
        let user = only(peek(sim, "req_ready_o") & bits(self.offers))?;
        self.offers[user] = false;
        Some((user, self.requests[user].pop_front().unwrap()))
    }

    /// A failure is the next one in order, and the first of its user stays until it is cleared.
    fn check_faults(&mut self, sim: &Sim) {
        if peek(sim, "error_valid_o") == 1 {
            let (address, response, user) = self.failures.pop_front().unwrap();
            assert_eq!([peek(sim, "error_addr_o"), peek(sim, "error_resp_o")], [address, response]);
            self.first += usize::from(self.faults[user].is_none());
            self.faults[user].get_or_insert(address);
        }
        let addresses = self.faults.map(|fault| fault.unwrap_or_default().cast_signed());
        let found = sim.peek_bits(sim.output("fault_addr_o").unwrap());
        assert_eq!(found, Bits::pack(64, addresses), "cycle {}", sim.cycles());
        assert_eq!(peek(sim, "fault_valid_o"), bits(self.faults.map(|fault| fault.is_some())));
        for (fault, clear) in self.faults.iter_mut().zip(self.clears) {
            *fault = fault.filter(|_| !clear);
        }
    }

    fn waiting(&self) -> usize {
        self.requests.iter().map(VecDeque::len).sum()
    }
}

struct Readers {
    users: Users,
    memory: SharedMemory,
    /// Beats in the order of the requests.
    beats: VecDeque<(Beat, usize)>,
    ready: [bool; USERS],
}

impl Agent for Readers {
    fn drive(&mut self, sim: &mut Sim) -> Result<(), Error> {
        self.users.drive(sim);
        self.ready = self.users.acts(self.users.stalls.back_pressure);
        poke(sim, "beat_ready_i", bits(self.ready));
        Ok(())
    }

    fn sample(&mut self, sim: &Sim) -> Result<(), Error> {
        if let Some(user) = only(peek(sim, "beat_valid_o")) {
            assert_eq!(Some(user), self.beats.front().map(|b| b.1), "cycle {}: whose beat", sim.cycles());
            if self.ready[user] {
                let (beat, _) = self.beats.pop_front().unwrap();
                let flags = ["beat_last_o", "beat_error_o"].map(|port| peek(sim, port) >> user & 1 == 1);
                assert_eq!(flags, [beat.last, beat.error]);
                if !beat.error {
                    assert_eq!(sim.peek_bytes(sim.output("data_o").unwrap())[..beat.data.len()], beat.data);
                }
            }
        }
        self.users.check_faults(sim);
        if let Some((user, request)) = self.users.taken(sim) {
            let (beats, failures) = request.read(&self.memory.borrow(), WIDTH);
            self.beats.extend(beats.into_iter().map(|beat| (beat, user)));
            self.users.failures.extend(failures.into_iter().map(|(at, response)| (at, response, user)));
        }
        Ok(())
    }

    fn waiting(&self) -> Option<String> {
        let left = (self.users.waiting(), self.beats.len());
        (left != (0, 0)).then(|| format!("{} requests, {} beats", left.0, left.1))
    }
}

struct Writers {
    users: Users,
    /// What becomes of the memory.
    model: Memory,
    /// Beats to come of each user's requests, the one on offer.
    data: [VecDeque<Bits>; USERS],
    sends: [bool; USERS],
    /// Whose beats are taken, in the order of the requests; who is answered, and whether with an
    /// error.
    beats: VecDeque<usize>,
    answers: VecDeque<(usize, bool)>,
}

impl Writers {
    fn new(mut users: Users, model: Memory) -> Self {
        let beat = |random: &mut Random| Bits::random(8 * WIDTH as usize, random);
        let data = std::array::from_fn(|user| {
            let count: u64 = users.requests[user].iter().map(|r| r.bytes.div_ceil(WIDTH)).sum();
            (0..count).map(|_| beat(&mut users.random)).collect()
        });
        Self { users, model, data, sends: [false; USERS], beats: VecDeque::new(), answers: VecDeque::new() }
    }
}

impl Agent for Writers {
    fn drive(&mut self, sim: &mut Sim) -> Result<(), Error> {
        self.users.drive(sim);
        let fresh = self.users.acts(self.users.stalls.idle);
        for (user, fresh) in fresh.into_iter().enumerate() {
            self.sends[user] = !self.data[user].is_empty() && (self.sends[user] || fresh);
        }
        let none = Bits::zero(8 * WIDTH as usize);
        let beats: [Bits; USERS] =
            std::array::from_fn(|user| self.data[user].front().unwrap_or(&none).clone());
        poke(sim, "data_valid_i", bits(self.sends));
        poke_bits(sim, "data_i", &Bits::concat(&beats));
        Ok(())
    }

    fn sample(&mut self, sim: &Sim) -> Result<(), Error> {
        if let Some(user) = only(peek(sim, "data_ready_o") & bits(self.sends)) {
            assert_eq!(Some(user), self.beats.pop_front(), "cycle {}: whose beat", sim.cycles());
            self.sends[user] = false;
            self.data[user].pop_front();
        }
        self.users.check_faults(sim);
        if let Some(user) = only(peek(sim, "done_valid_o")) {
            assert_eq!(Some((user, peek(sim, "done_error_o") >> user & 1 == 1)), self.answers.pop_front());
        }
        if let Some((user, request)) = self.users.taken(sim) {
            let count = request.bytes.div_ceil(WIDTH) as usize;
            // The user's beats that no request before it takes.
            let before = self.beats.iter().filter(|&&other| other == user).count();
            let beats = self.data[user].iter().skip(before).take(count);
            let bytes: Vec<u8> = beats.flat_map(|beat| beat.bytes().to_vec()).collect();
            let failures = request.write(&mut self.model, WIDTH, &bytes);
            self.beats.extend((0..count).map(|_| user));
            self.answers.push_back((user, !failures.is_empty()));
            self.users.failures.extend(failures.into_iter().map(|(at, response)| (at, response, user)));
        }
        Ok(())
    }

    fn waiting(&self) -> Option<String> {
        let left = (self.users.waiting(), self.answers.len());
        (left != (0, 0)).then(|| format!("{} requests, {} answers", left.0, left.1))
    }
}

fn port(name: &str) -> Bench {
    let width = ("DataWidth", 8 * WIDTH as usize);
    let parameters =
        [("Count", USERS), width, ("MaxBeats", MAX_BEATS as usize), ("Outstanding", OUTSTANDING)];
    let mut bench = unit(name, &parameters);
    bench.set("drain_i", 0);
    bench
}

fn bus(sim: &Sim, memory: SharedMemory, stalls: Stalls) -> AxiMemory {
    let timing = AxiTiming { latency: 10, ..AxiTiming::default() };
    AxiMemory::new(sim, "axi", memory, timing, stalls).unwrap()
}

#[test]
fn read_port() {
    for stalls in Stalls::crossed(311) {
        let mut bench = port("ls_read_port");
        let memory = memory(&mut Random::new(stalls.seed)).share();
        let mut bus = bus(&bench.sim, memory.clone(), stalls);
        let (users, beats) = (Users::new(stalls, 20), VecDeque::new());
        let mut readers = Readers { users, memory, beats, ready: [false; USERS] };
        bench.sim.run(&mut [&mut bus, &mut readers], 400_000).unwrap_or_else(|e| panic!("{stalls:?}: {e}"));
        assert!(readers.users.failures.is_empty(), "failures that nobody saw");
    }
}

#[test]
fn write_port() {
    for stalls in Stalls::crossed(321) {
        let mut bench = port("ls_write_port");
        bench.set("clear_i", 0);
        let model = memory(&mut Random::new(stalls.seed));
        let memory = model.clone().share();
        let mut bus = bus(&bench.sim, memory.clone(), stalls);
        let mut writers = Writers::new(Users::new(stalls, 20), model);
        bench.sim.run(&mut [&mut bus, &mut writers], 400_000).unwrap_or_else(|e| panic!("{stalls:?}: {e}"));
        assert!(writers.users.failures.is_empty(), "failures that nobody saw");
        let holds = |memory: &Memory| memory.peek(BASE, BYTES as usize).to_vec();
        assert!(holds(&memory.borrow()) == holds(&writers.model), "{stalls:?}");
    }
}
