//! A memory behind an AXI4 master of the design. It also checks that the master obeys the rules of
//! AXI4.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use lockstep_arith::sample::Random;

use crate::stalls::Gate;
use crate::{Agent, Bits, Error, Fault, Port, Sim, Stalls, Storage};

/// The speed of a memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AxiTiming {
    /// Cycles from the address handshake to the first data beat of a read, or from the last data
    /// beat of a write to its response. At least 1.
    pub latency: u64,
    /// (bytes, cycles): at most so many bytes in so many cycles. Reads and writes are counted
    /// apart.
    pub bandwidth: (u64, u64),
    /// Bursts of one direction that the memory accepts before it answers the first of them.
    pub outstanding: usize,
    /// The memory may answer bursts of different ids out of order.
    pub reorder: bool,
}

impl Default for AxiTiming {
    /// A latency of 120 cycles, the whole bandwidth of the bus, 16 bursts, answers in order.
    fn default() -> Self {
        Self { latency: 120, bandwidth: (u64::MAX, 1), outstanding: 16, reorder: false }
    }
}

/// Counts of the traffic on a bus, reads first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AxiTraffic {
    /// Bursts read and written.
    pub bursts: [u64; 2],
    /// Data beats read and written.
    pub beats: [u64; 2],
    /// The greatest number of bursts in flight, read and write.
    pub most_outstanding: [usize; 2],
}

/// Bytes of the widest bus of AXI4.
const MAX_BEAT: usize = 128;

/// The ports of an address channel: `ar` or `aw`.
struct AddressChannel {
    name: String,
    valid: Port,
    ready: Port,
    address: Port,
    length: Port,
    size: Option<Port>,
    burst: Option<Port>,
    id: Option<Port>,
    accepting: bool,
    stalled: Option<Bits>,
}

/// The ports of a data or response channel: `r`, `w` or `b`.
struct DataChannel {
    name: String,
    valid: Port,
    ready: Port,
    data: Option<Port>,
    strobe: Option<Port>,
    last: Option<Port>,
    response: Option<Port>,
    id: Option<Port>,
}

struct Burst {
    id: u64,
    address: u64,
    beats: u64,
    done: u64,
    due: u64,
    fault: Option<Fault>,
}

/// A token bucket: it limits the bandwidth.
struct Budget {
    rate: (u64, u64),
    /// Saved bandwidth: bytes times the cycles of the rate.
    saved: u64,
}

/// One direction: its address channel, the bursts in flight, the random pauses.
struct Direction {
    address: AddressChannel,
    data: DataChannel,
    bursts: VecDeque<Burst>,
    budget: Budget,
    idle: Gate,
    back_pressure: Gate,
    /// In this cycle the memory offers a beat (reads), or takes one (writes).
    active: bool,
}

/// A memory at the ports `{prefix}_arvalid_o` and so on: at the read channels, the write channels,
/// or both.
pub struct AxiMemory {
    memory: Rc<RefCell<dyn Storage>>,
    timing: AxiTiming,
    read: Option<Direction>,
    write: Option<Write>,
    random: Random,
    traffic: AxiTraffic,
}

struct Write {
    direction: Direction,
    response: DataChannel,
    done: VecDeque<Burst>,
    stalled: Option<Bits>,
    responding: bool,
}

impl AxiMemory {
    /// Finds the channels of a master by the names of their ports: `{prefix}_arvalid_o`,
    /// `{prefix}_arready_i` and so on. Ports like `arsize`, `arburst` and `arid` may be missing.
    ///
    /// # Errors
    /// A channel lacks a port, or there is no channel.
    pub fn new(
        sim: &Sim,
        prefix: &str,
        memory: Rc<RefCell<dyn Storage>>,
        timing: AxiTiming,
        stalls: Stalls,
    ) -> Result<Self, Error> {
        let direction = |address: &str, data: &str, salt: u64| -> Result<Direction, Error> {
            Ok(Direction {
                address: AddressChannel::new(sim, &format!("{prefix}_{address}"))?,
                data: DataChannel::new(sim, &format!("{prefix}_{data}"), data == "r")?,
                bursts: VecDeque::new(),
                budget: Budget { rate: timing.bandwidth, saved: 0 },
                idle: Gate::new(stalls.seed ^ salt, stalls.idle),
                back_pressure: Gate::new(stalls.seed ^ salt ^ 0xff, stalls.back_pressure),
                active: false,
            })
        };
        let has = |channel: &str| sim.output(&format!("{prefix}_{channel}valid_o")).is_ok();
        let read = has("ar").then(|| direction("ar", "r", 0x100)).transpose()?;
        let write = has("aw")
            .then(|| -> Result<Write, Error> {
                Ok(Write {
                    direction: direction("aw", "w", 0x200)?,
                    response: DataChannel::new(sim, &format!("{prefix}_b"), true)?,
                    done: VecDeque::new(),
                    stalled: None,
                    responding: false,
                })
            })
            .transpose()?;
        if read.is_none() && write.is_none() {
            sim.output(&format!("{prefix}_arvalid_o"))?;
        }
        let random = Random::new(stalls.seed ^ 0x0a71);
        Ok(Self { memory, timing, read, write, random, traffic: AxiTraffic::default() })
    }

    /// The traffic since the beginning.
    #[must_use]
    pub const fn traffic(&self) -> AxiTraffic {
        self.traffic
    }

    /// Whether no burst is in flight.
    #[must_use]
    pub fn idle(&self) -> bool {
        self.read.as_ref().is_none_or(|r| r.bursts.is_empty())
            && self.write.as_ref().is_none_or(|w| w.direction.bursts.is_empty() && w.done.is_empty())
    }
}

impl Agent for AxiMemory {
    fn drive(&mut self, sim: &mut Sim) -> Result<(), Error> {
        let now = sim.cycles();
        if let Some(read) = &mut self.read {
            read.accept_address(sim, self.timing.outstanding, 0);
            let width = read.data.bytes();
            read.budget.refill(width);
            let due = read.bursts.front().is_some_and(|b| b.due <= now || b.done > 0);
            if !read.active && due && read.budget.has(width) && !read.idle.pauses() {
                // A new burst may overtake all bursts of other ids.
                if self.timing.reorder && read.bursts[0].done == 0 {
                    let choice = choose(&read.bursts, now, &mut self.random);
                    if let Some(burst) = read.bursts.remove(choice) {
                        read.bursts.push_front(burst);
                    }
                }
                read.active = true;
                read.offer(sim, &self.memory);
            }
            sim.poke(read.data.valid, read.active.into());
        }
        if let Some(write) = &mut self.write {
            write.direction.accept_address(sim, self.timing.outstanding, write.done.len());
            write.drive(sim, now);
        }
        Ok(())
    }

    fn sample(&mut self, sim: &Sim) -> Result<(), Error> {
        let now = sim.cycles();
        if let Some(read) = &mut self.read {
            let width = read.data.bytes();
            if read.active && sim.high(read.data.ready) {
                read.active = false;
                read.budget.spend(width);
                self.traffic.beats[0] += 1;
                let burst = &mut read.bursts[0];
                burst.done += 1;
                if burst.done == burst.beats {
                    read.bursts.pop_front();
                }
            }
            if let Some(burst) = read.address.take(sim, width, now + self.timing.latency)? {
                read.bursts.push_back(burst);
                self.traffic.bursts[0] += 1;
            }
            self.traffic.most_outstanding[0] = self.traffic.most_outstanding[0].max(read.bursts.len());
        }
        if let Some(write) = &mut self.write {
            if write.sample(sim, &self.memory, self.timing.latency)? {
                self.traffic.beats[1] += 1;
            }
            let width = write.direction.data.bytes();
            if let Some(burst) = write.direction.address.take(sim, width, 0)? {
                write.direction.bursts.push_back(burst);
                self.traffic.bursts[1] += 1;
            }
            let in_flight = write.direction.bursts.len() + write.done.len();
            self.traffic.most_outstanding[1] = self.traffic.most_outstanding[1].max(in_flight);
        }
        Ok(())
    }
}

/// The index of a burst that is due and is the oldest of its id.
fn choose(bursts: &VecDeque<Burst>, now: u64, random: &mut Random) -> usize {
    let oldest = |i: usize| bursts.iter().take(i).all(|b| b.id != bursts[i].id);
    let due: Vec<usize> = (0..bursts.len()).filter(|&i| bursts[i].due <= now && oldest(i)).collect();
    due[random.within(0, due.len() as i32 - 1) as usize]
}

impl Direction {
    fn accept_address(&mut self, sim: &mut Sim, most: usize, more: usize) {
        self.address.accepting = self.bursts.len() + more < most && !self.back_pressure.pauses();
        sim.poke(self.address.ready, self.address.accepting.into());
    }

    /// Puts the next read beat on the bus.
    fn offer(&self, sim: &mut Sim, memory: &RefCell<dyn Storage>) {
        let burst = &self.bursts[0];
        let width = self.data.bytes();
        let beat = (burst.address / width + burst.done) * width;
        let mut bytes = [0; MAX_BEAT];
        let bytes = &mut bytes[..width as usize];
        let read = memory.borrow().read_into(beat, bytes);
        if read.is_err() {
            bytes.fill(0xa5);
        }
        if let Some(data) = self.data.data {
            sim.poke_bytes(data, bytes);
        }
        poke(sim, self.data.response, read.err().map_or(0, Fault::response));
        poke(sim, self.data.last, u64::from(burst.done + 1 == burst.beats));
        poke(sim, self.data.id, burst.id);
    }
}

impl Write {
    fn drive(&mut self, sim: &mut Sim, now: u64) {
        let direction = &mut self.direction;
        let width = direction.data.bytes();
        direction.budget.refill(width);
        direction.active =
            !direction.bursts.is_empty() && direction.budget.has(width) && !direction.back_pressure.pauses();
        sim.poke(direction.data.ready, direction.active.into());
        let due = self.done.front().is_some_and(|b| b.due <= now);
        if !self.responding && due && !direction.idle.pauses() {
            self.responding = true;
            poke(sim, self.response.response, self.done[0].fault.map_or(0, Fault::response));
            poke(sim, self.response.id, self.done[0].id);
        }
        sim.poke(self.response.valid, self.responding.into());
    }

    /// Returns whether the master took a data beat.
    fn sample(&mut self, sim: &Sim, memory: &RefCell<dyn Storage>, latency: u64) -> Result<bool, Error> {
        if self.responding && sim.high(self.response.ready) {
            self.responding = false;
            self.done.pop_front();
        }
        let data = &self.direction.data;
        let valid = sim.high(data.valid);
        let payload = data.payload(sim);
        stable(&mut self.stalled, valid, &payload, sim, &data.name)?;
        if !valid || !self.direction.active {
            self.stalled = valid.then_some(payload);
            return Ok(false);
        }
        let width = data.bytes();
        let last = data.last.is_some_and(|p| sim.high(p));
        self.direction.budget.spend(width);
        let burst = &mut self.direction.bursts[0];
        let beat = (burst.address / width + burst.done) * width;
        burst.done += 1;
        if last != (burst.done == burst.beats) {
            let rule = format!("last is {last} on beat {} of {}", burst.done, burst.beats);
            return Err(Error::Protocol { cycle: sim.cycles(), port: data.name.clone(), rule });
        }
        if let Some(bytes) = data.data {
            let strobes = data.strobe.map(|p| sim.peek_bits(p));
            // Bytes below the start address do not belong to the burst.
            let first = burst.address.saturating_sub(beat) as usize;
            let strobe = |i: usize| i >= first && strobes.as_ref().is_none_or(|s| s.get(i, 1) == 1);
            let bytes = &sim.peek_bytes(bytes)[..width as usize];
            if let Err(fault) = memory.borrow_mut().write(beat, bytes, &strobe) {
                burst.fault = Some(fault);
            }
        }
        if last && let Some(burst) = self.direction.bursts.pop_front() {
            self.done.push_back(Burst { due: sim.cycles() + latency, ..burst });
        }
        Ok(true)
    }
}

impl AddressChannel {
    fn new(sim: &Sim, name: &str) -> Result<Self, Error> {
        let optional = |field: &str| sim.output(&format!("{name}{field}_o")).ok();
        Ok(Self {
            name: name.into(),
            valid: sim.output(&format!("{name}valid_o"))?,
            ready: sim.input(&format!("{name}ready_i"))?,
            address: sim.output(&format!("{name}addr_o"))?,
            length: sim.output(&format!("{name}len_o"))?,
            size: optional("size"),
            burst: optional("burst"),
            id: optional("id"),
            accepting: false,
            stalled: None,
        })
    }

    /// Checks the offer of the master, and takes it if this side was ready.
    fn take(&mut self, sim: &Sim, width: u64, due: u64) -> Result<Option<Burst>, Error> {
        let valid = sim.high(self.valid);
        let parts = [Some(self.address), Some(self.length), self.size, self.burst, self.id];
        let payload =
            Bits::concat(&parts.into_iter().flatten().map(|p| sim.peek_bits(p)).collect::<Vec<_>>());
        stable(&mut self.stalled, valid, &payload, sim, &self.name)?;
        if !valid || !self.accepting {
            self.stalled = valid.then_some(payload);
            return Ok(None);
        }
        let broken =
            |rule: String| Err(Error::Protocol { cycle: sim.cycles(), port: self.name.clone(), rule });
        let (address, beats) = (sim.peek(self.address), sim.peek(self.length) + 1);
        if let Some(size) = self.size.map(|p| sim.peek(p))
            && 1 << size != width
        {
            return broken(format!("size {size} on a bus of {width} bytes"));
        }
        if let Some(burst) = self.burst.map(|p| sim.peek(p))
            && burst != 1
        {
            return broken(format!("burst type {burst}, only INCR (1) is in use"));
        }
        let last = (address / width + beats) * width - 1;
        if address / 4096 != last / 4096 {
            return broken(format!("{beats} beats at {address:#x} cross a 4 KiB boundary"));
        }
        let id = self.id.map_or(0, |p| sim.peek(p));
        Ok(Some(Burst { id, address, beats, done: 0, due, fault: None }))
    }
}

impl DataChannel {
    /// `slave_sends`: the memory sends on this channel.
    fn new(sim: &Sim, name: &str, slave_sends: bool) -> Result<Self, Error> {
        let port = |field: &str, forward: bool| {
            if slave_sends == forward {
                sim.input(&format!("{name}{field}_i"))
            } else {
                sim.output(&format!("{name}{field}_o"))
            }
        };
        Ok(Self {
            name: name.into(),
            valid: port("valid", true)?,
            ready: port("ready", false)?,
            data: port("data", true).ok(),
            strobe: port("strb", true).ok(),
            last: port("last", true).ok(),
            response: port("resp", true).ok(),
            id: port("id", true).ok(),
        })
    }

    /// The width of the bus in bytes.
    fn bytes(&self) -> u64 {
        self.data.map_or(1, |d| d.width() as u64 / 8)
    }

    fn payload(&self, sim: &Sim) -> Bits {
        let parts = [self.data, self.strobe, self.last];
        Bits::concat(&parts.into_iter().flatten().map(|p| sim.peek_bits(p)).collect::<Vec<_>>())
    }
}

impl Budget {
    fn refill(&mut self, width: u64) {
        let most = self.rate.0.max(width).saturating_mul(self.rate.1);
        self.saved = self.saved.saturating_add(self.rate.0).min(most);
    }

    const fn has(&self, width: u64) -> bool {
        self.saved >= width * self.rate.1
    }

    const fn spend(&mut self, width: u64) {
        self.saved = self.saved.saturating_sub(width * self.rate.1);
    }
}

/// Checks that an offer that was not taken is still there and unchanged.
fn stable(
    before: &mut Option<Bits>,
    valid: bool,
    payload: &Bits,
    sim: &Sim,
    name: &str,
) -> Result<(), Error> {
    let Some(before) = before.take() else { return Ok(()) };
    let rule = if !valid {
        "an offer was withdrawn".into()
    } else if before != *payload {
        format!("payload changed while stalled: {before} to {payload}")
    } else {
        return Ok(());
    };
    Err(Error::Protocol { cycle: sim.cycles(), port: name.into(), rule })
}

fn poke(sim: &mut Sim, port: Option<Port>, value: u64) {
    if let Some(port) = port {
        sim.poke(port, value);
    }
}
