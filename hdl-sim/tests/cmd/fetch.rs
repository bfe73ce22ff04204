//! The fetch of descriptors: each request reads as many as there are and as have room, with any
//! pauses around it.

use std::collections::VecDeque;

use lockstep_accel_abi::{Descriptor, ring};
use lockstep_arith::sample::Random;
use lockstep_hdl_sim::Bits;

use crate::{Bench, TWO_SIDES, descriptors, once, pauses, unit};

/// Descriptors read ahead.
const DEPTH: u16 = 4;

#[derive(Clone, Copy, PartialEq, Debug)]
enum State {
    Idle,
    /// So many descriptors are asked for.
    Request(u16),
    /// So many are to come, and so many beats of the first one have.
    Wait(u16, usize),
}

/// Both rings and what the unit holds of them.
struct Rings {
    base: u64,
    log2: u32,
    /// Indices of the driver, of the descriptors read and of the records that the driver has seen.
    producer: u16,
    consumer: u16,
    records: u16,
    /// Commands in the queue, and all that were read and have no record yet.
    queue: VecDeque<Bits>,
    open: u16,
}

impl Rings {
    fn new(random: &mut Random) -> Self {
        let index = random.next() as u16;
        Self {
            base: random.next() & !63,
            log2: random.within(1, 4) as u32,
            producer: index,
            consumer: index,
            records: index,
            queue: VecDeque::new(),
            open: 0,
        }
    }

    /// What one request may ask for.
    fn count(&self) -> u16 {
        let size = 1 << self.log2;
        let room = size - ring::used(self.consumer, self.records);
        let limits = [DEPTH - self.queue.len() as u16, room, size - ring::slot(self.consumer, self.log2)];
        limits.into_iter().fold(ring::used(self.producer, self.consumer), u16::min)
    }

    fn address(&self) -> u64 {
        let slot = u64::from(ring::slot(self.consumer, self.log2));
        self.base.wrapping_add(slot * Descriptor::BYTES as u64)
    }
}

/// What a run has met.
#[derive(Default)]
struct Met {
    /// Requests by their length.
    requests: [usize; DEPTH as usize + 1],
    errors: usize,
}

/// Reads `count` descriptors.
fn run(bench: &mut Bench, random: &mut Random, width: usize, sides: (u8, u8), count: usize, met: &mut Met) {
    let (bus, reader) = sides;
    let beats = 8 * Descriptor::BYTES / width;
    bench.set("fetch_beat_valid_i", 0);
    bench.set("drain_i", 1);
    bench.clock();
    let mut rings = Rings::new(random);
    let (mut state, mut read) = (State::Idle, 0);
    let (mut descriptor, mut error) = (Descriptor::default(), false);
    // Whether the oldest command is in the register behind the queue, which it enters the cycle
    // after the queue.
    let mut offered = false;
    for cycle in 0.. {
        assert!(cycle < 500 * count, "{read} of {count} descriptors, {state:?}");
        let mut draw = |percent| !pauses(random, percent);
        let (runs, req_ready, command_ready) = (draw(10), draw(bus), draw(reader));
        let beat = match state {
            State::Wait(_, beat) if draw(bus) => Some(beat),
            _ => None,
        };
        if beat == Some(0) {
            descriptor = descriptors::draw(random);
            error = false;
        }
        let bad = once(random, 40);
        let clear = once(random, 500);
        for (port, value) in [
            ("drain_i", clear.into()),
            ("enable_i", runs.into()),
            ("submit_base_i", rings.base),
            ("ring_log2_i", rings.log2.into()),
            ("submit_used_i", ring::used(rings.producer, rings.consumer).into()),
            ("submit_consumer_i", rings.consumer.into()),
            ("complete_consumer_i", rings.records.into()),
            ("fetch_req_ready_i", req_ready.into()),
            ("fetch_beat_valid_i", beat.is_some().into()),
            ("fetch_beat_error_i", bad.into()),
            ("command_ready_i", command_ready.into()),
        ] {
            bench.set(port, value);
        }
        let bytes = width / 8;
        let at = beat.unwrap_or_default() * bytes;
        bench.set_bits("host_data_i", &Bits::from_bytes(width, &descriptor.to_bytes()[at..at + bytes]));
        bench.settle();
        let place = format!("cycle {cycle}, {state:?}");
        let whole = beat.is_some_and(|beat| beat + 1 == beats);
        error |= beat.is_some() && bad;
        assert_eq!(
            ["fetch_req_valid_o", "fetched_o", "fetch_error_o"].map(|o| bench.get(o)),
            [matches!(state, State::Request(_)), whole, whole && error].map(u64::from),
            "{place}"
        );
        assert_eq!(bench.get("command_valid_o"), offered.into(), "{place}");
        if offered {
            assert_eq!(Some(&bench.bits("command_o")), rings.queue.front(), "{place}");
        }
        let popped = command_ready && offered;
        offered = if offered && !popped { true } else { rings.queue.len() > usize::from(popped) };
        match state {
            State::Idle => {
                if runs && rings.count() > 0 {
                    state = State::Request(rings.count());
                }
            }
            State::Request(count) => {
                assert_eq!(
                    (bench.get("fetch_req_addr_o"), bench.get("fetch_req_bytes_o")),
                    (rings.address(), u64::from(count) * Descriptor::BYTES as u64),
                    "{place}"
                );
                if req_ready {
                    state = State::Wait(count, 0);
                    met.requests[usize::from(count)] += 1;
                }
            }
            State::Wait(count, beat_) => {
                state = match (beat, whole, count) {
                    (None, ..) => State::Wait(count, beat_),
                    (_, false, _) => State::Wait(count, beat_ + 1),
                    (_, true, 1) => State::Idle,
                    (_, true, _) => State::Wait(count - 1, 0),
                };
            }
        }
        bench.clock();
        if popped {
            rings.queue.pop_front();
        }
        if whole {
            rings.queue.push_back(descriptors::command(&descriptor, error.then(|| rings.address())));
            rings.consumer = rings.consumer.wrapping_add(1);
            read += 1;
            met.errors += usize::from(error);
        }
        // Jobs end, the driver sees their records and writes more descriptors.
        rings.open += u16::from(popped);
        if rings.open > 0 && once(random, 3) {
            rings.open -= 1;
            rings.records = rings.records.wrapping_add(1);
        }
        let free = (1 << rings.log2) - ring::used(rings.producer, rings.consumer);
        if once(random, 4) {
            rings.producer = rings.producer.wrapping_add(random.within(0, free.into()) as u16);
        }
        if clear {
            (state, rings, offered) = (State::Idle, Rings::new(random), false);
        }
        if read >= count {
            break;
        }
    }
}

#[test]
fn fetch() {
    for width in [64, 512] {
        let mut bench = unit("ls_fetch", &[("DataWidth", width)]);
        let (mut random, mut met) = (Random::new(241), Met::default());
        for sides in TWO_SIDES {
            run(&mut bench, &mut random, width, sides, 300, &mut met);
        }
        assert!(met.requests[1..].iter().all(|&n| n > 3), "requests by length: {:?}", met.requests);
        assert!(met.errors > 20, "{} errors", met.errors);
    }
}
