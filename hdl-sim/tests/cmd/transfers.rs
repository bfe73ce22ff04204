//! Requests to a memory behind a bus, and the bursts, beats and errors that they must cause.

use lockstep_arith::sample::Random;
use lockstep_hdl_sim::{AxiTiming, Bits, Fault, Memory, Sim, Source, Stalls};

use crate::{Bench, unit};

/// Where the memory begins, and its bytes: four pages. Behind it there is nothing.
pub(crate) const BASE: u64 = 0x12_3456_7000;
pub(crate) const BYTES: u64 = 4 * 4096;
/// Most beats of a burst.
pub(crate) const MAX_BEATS: u64 = 16;
/// Bursts in flight.
pub(crate) const OUTSTANDING: usize = 4;

/// A master out of reset with a bus of `width` bytes.
pub(crate) fn master(name: &str, width: u64) -> Bench {
    let parameters =
        [("DataWidth", 8 * width as usize), ("MaxBeats", MAX_BEATS as usize), ("Outstanding", OUTSTANDING)];
    let mut bench = unit(name, &parameters);
    bench.set("drain_i", 0);
    bench
}

/// Drains a master to which a request comes that it must not take.
pub(crate) fn drain(bench: &mut Bench) {
    for (port, value) in [("drain_i", 1), ("req_valid_i", 1), ("req_addr_i", BASE), ("req_bytes_i", 64)] {
        bench.set(port, value);
    }
}

/// Requests with the names of their users.
pub(crate) fn named(requests: &[Request]) -> impl Iterator<Item = (&Request, u64)> {
    requests.iter().zip((0..3).cycle())
}

/// What offers them to a master.
pub(crate) fn source(sim: &Sim, requests: &[Request], stalls: Stalls) -> Source {
    let fields = ["req_addr_i", "req_bytes_i", "req_id_i"];
    let mut source = Source::new(sim, "req_valid_i", "req_ready_o", &fields, stalls).unwrap();
    for (request, id) in named(requests) {
        source.push(vec![Bits::new(64, request.address), Bits::new(32, request.bytes), Bits::new(2, id)]);
    }
    source
}

/// A bus that answers so many cycles later.
pub(crate) fn timing(latency: u64) -> AxiTiming {
    AxiTiming { latency, ..AxiTiming::default() }
}

/// Noise, with places that fail.
pub(crate) fn memory(random: &mut Random) -> Memory {
    let mut memory = Memory::new(BASE, Bits::random(8 * BYTES as usize, random).bytes().to_vec());
    for fault in [Fault::Slave, Fault::Decode].into_iter().cycle().take(20) {
        let at = BASE + random.next() % BYTES;
        memory.fail(at..at + random.within(1, 64) as u64, fault);
    }
    memory
}

/// Bytes at an address, both multiples of 4.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request {
    pub(crate) address: u64,
    pub(crate) bytes: u64,
}

/// A response that is an error, and the address that it is about.
pub(crate) type Failure = (u64, u64);

/// A beat that a reader gets.
#[derive(Clone, Debug)]
pub(crate) struct Beat {
    /// The bytes of the request.
    pub(crate) data: Vec<u8>,
    pub(crate) last: bool,
    pub(crate) error: bool,
    /// Failures of the request that are known when this beat comes.
    pub(crate) failures: usize,
}

impl Request {
    /// Short or long, in the memory or at its end.
    pub(crate) fn draw(random: &mut Random) -> Self {
        let most = [4, 40, 700][random.within(0, 2) as usize];
        let bytes = 4 * random.within(1, most) as u64;
        Self { address: (BASE + random.next() % BYTES) & !3, bytes }
    }

    const fn end(self) -> u64 {
        self.address + self.bytes
    }

    /// Addresses of the beats of a bus of `width` bytes.
    pub(crate) fn beats(self, width: u64) -> impl Iterator<Item = u64> {
        (self.address / width..self.end().div_ceil(width)).map(move |beat| beat * width)
    }

    /// The bursts: first address and beats of each. None crosses a page.
    pub(crate) fn bursts(self, width: u64) -> Vec<(u64, u64)> {
        let mut bursts: Vec<(u64, u64)> = Vec::new();
        for at in self.beats(width) {
            match bursts.last_mut() {
                Some((_, beats)) if at % 4096 != 0 && *beats < MAX_BEATS => *beats += 1,
                _ => bursts.push((at, 1)),
            }
        }
        bursts
    }

    /// What a read gives, and its failures in order.
    pub(crate) fn read(self, memory: &Memory, width: u64) -> (Vec<Beat>, Vec<Failure>) {
        let answers: Vec<(u64, Result<&[u8], Fault>)> =
            self.beats(width).map(|at| (at, memory.read(at, width as usize))).collect();
        let failed = |&(at, answer): &(u64, Result<&[u8], Fault>)| Some((at, answer.err()?.response()));
        let bytes: Vec<u8> = answers
            .iter()
            .flat_map(|a| a.1.map_or_else(|_| vec![0; width as usize], <[u8]>::to_vec))
            .collect();
        let offset = (self.address % width) as usize;
        let wanted = &bytes[offset..offset + self.bytes as usize];
        let beats = wanted.chunks(width as usize).enumerate().map(|(i, data)| {
            // An aligned beat is one of the bus, another one joins two, unless the second is not
            // asked for.
            let joined = if offset == 0 { 1 } else { 2 };
            let parts = &answers[i..answers.len().min(i + joined)];
            Beat {
                data: data.to_vec(),
                last: (i + 1) * width as usize >= wanted.len(),
                error: parts.iter().any(|a| a.1.is_err()),
                failures: answers[..i + parts.len()].iter().filter_map(failed).count(),
            }
        });
        (beats.collect(), answers.iter().filter_map(failed).collect())
    }

    /// Writes `data` and returns the failures: one a burst.
    pub(crate) fn write(self, memory: &mut Memory, width: u64, data: &[u8]) -> Vec<Failure> {
        let mut failures = Vec::new();
        for (first, beats) in self.bursts(width) {
            let mut fault = None;
            for at in (0..beats).map(|i| first + i * width) {
                let inside = |i: usize| (self.address..self.end()).contains(&(at + i as u64));
                let byte =
                    |i: usize| if inside(i) { data[(at + i as u64 - self.address) as usize] } else { 0 };
                let bytes: Vec<u8> = (0..width as usize).map(byte).collect();
                fault = memory.write(at, &bytes, inside).err().or(fault);
            }
            failures.extend(fault.map(|fault| (first, fault.response())));
        }
        failures
    }
}
