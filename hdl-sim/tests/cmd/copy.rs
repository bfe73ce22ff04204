//! Copies, cycle by cycle: chunks, data, errors of the bus, and aborts in any cycle.

use std::collections::{BTreeMap, VecDeque};

use lockstep_accel_abi::{Opcode, Status};
use lockstep_arith::sample::Random;
use lockstep_hdl_sim::Bits;

use crate::{Bench, TWO_SIDES, once, pauses, unit};

const WIDTH: usize = 64;
const BEAT: u64 = WIDTH as u64 / 8;
const CHUNK: u64 = 128;
/// Chunks on their way at once.
const CHUNKS: usize = 3;
/// Of these, chunks whose write is not yet asked for.
const QUEUE: usize = 2;

/// A request: address and bytes.
type Request = (u64, u64);

/// A copy under way.
struct Copy {
    to_card: bool,
    from: u64,
    to: u64,
    left: u64,
    /// Chunks that are read and not written, and those whose write is not yet asked for.
    open: usize,
    chunks: VecDeque<Request>,
    stop: bool,
    status: Status,
    address: u64,
}

impl Copy {
    fn draw(random: &mut Random) -> Self {
        let [from, to] = [(); 2].map(|()| random.next() & !3);
        let most = [8, 60, 600][random.within(0, 2) as usize];
        let bytes = 4 * random.within(1, most) as u64;
        let (open, chunks, address) = (0, VecDeque::new(), 0);
        let to_card = once(random, 2);
        Self { to_card, from, to, left: bytes, open, chunks, stop: false, status: Status::Ok, address }
    }

    /// Places of source and sink in the ports: 0 is host memory, 1 card memory.
    fn sides(&self) -> [usize; 2] {
        if self.to_card { [0, 1] } else { [1, 0] }
    }

    fn chunk(&self) -> u64 {
        self.left.min(CHUNK - self.from % CHUNK)
    }

    fn asks(&self) -> bool {
        self.left > 0 && self.chunks.len() < QUEUE && self.open < CHUNKS
    }

    fn fail(&mut self, status: Status, address: u64) {
        if self.status == Status::Ok {
            (self.status, self.address) = (status, address);
        }
        self.stop = true;
    }
}

/// Both memories: what they were asked for and have not answered.
#[derive(Default)]
struct Memories {
    /// Requests and how many of their bytes are read.
    reads: VecDeque<(Request, u64)>,
    /// Beats of each write that are to come; a beat that is offered stays until it is taken.
    writes: VecDeque<u64>,
    offered: bool,
    written: usize,
}

/// The beat at a place of the source.
fn beat(address: u64) -> Bits {
    Bits::random(WIDTH, &mut Random::new(address))
}

/// Address and bytes that the copier asks of a side.
fn request(bench: &Bench, channel: &str, side: usize) -> Request {
    let field = |name, width| bench.bits(&format!("{channel}_{name}_o")).get(side * width, width);
    (field("addr", 64), field("bytes", 32))
}

/// The bit of a side.
fn side(side: usize, value: bool) -> u64 {
    u64::from(value) << side
}

/// Runs copies until `count` have ended. Returns how often each status came.
fn run(
    bench: &mut Bench,
    random: &mut Random,
    sides: (u8, u8),
    count: usize,
    met: &mut BTreeMap<Status, usize>,
) {
    let (reading, writing) = sides;
    let (mut copy, mut memories): (Option<Copy>, Memories) = (None, Memories::default());
    let mut next = Copy::draw(random);
    let (mut abort, mut ended) = (false, 0);
    for cycle in 0.. {
        assert!(cycle < 4000 * count, "copy {ended} does not end");
        let begins = copy.is_none() && once(random, 3);
        abort = copy.is_some() && (abort || once(random, 300));
        let clear = once(random, 2000);
        let mut draw = |percent| !pauses(random, percent);
        let (read_ready, write_ready, takes) = (draw(reading), draw(writing), draw(writing));
        let data = !memories.reads.is_empty() && (memories.offered || draw(reading));
        let takes = takes && memories.writes.front().is_some_and(|&left| left > 0);
        let done = memories.written > 0 && draw(writing);
        let [bad_read, bad_write] = [once(random, 150), once(random, 20)];
        let faults = [(); 4].map(|()| random.next());
        // The inputs of the side that is not used are random.
        let [source, sink] = copy.as_ref().map_or([0, 1], Copy::sides);
        let mut noise =
            |at: usize, value: bool| side(at, value) | side(1 - at, copy.is_some() && once(random, 2));
        let place = memories.reads.front().map_or(0, |((at, _), read)| at.wrapping_add(*read));
        let opcode = if next.to_card { Opcode::CopyToCard } else { Opcode::CopyFromCard };
        for (port, value) in [
            ("drain_i", clear.into()),
            ("copy_valid_i", begins.into()),
            ("command_start_opcode_i", opcode as u64),
            ("command_card_address_i", if next.to_card { next.to } else { next.from }),
            ("command_host_address_i", if next.to_card { next.from } else { next.to }),
            ("command_bytes_i", next.left),
            ("copy_abort_i", abort.into()),
            ("copy_read_ready_i", noise(source, read_ready)),
            ("copy_beat_valid_i", noise(source, data)),
            ("copy_beat_error_i", noise(source, bad_read)),
            ("copy_write_ready_i", noise(sink, write_ready)),
            ("copy_wready_i", noise(sink, takes)),
            ("copy_done_valid_i", noise(sink, done)),
            ("copy_done_error_i", noise(sink, bad_write)),
        ] {
            bench.set(port, value);
        }
        let mut lanes = [Bits::random(WIDTH, random), Bits::random(WIDTH, random)];
        lanes[source] = beat(place);
        bench.set_bits("copy_rdata_i", &Bits::concat(&lanes));
        bench
            .set_bits("copy_read_fault_addr_i", &Bits::pack(64, faults[..2].iter().map(|f| f.cast_signed())));
        bench.set_bits(
            "copy_write_fault_addr_i",
            &Bits::pack(64, faults[2..].iter().map(|f| f.cast_signed())),
        );
        bench.settle();

        let asks = copy.as_ref().is_some_and(Copy::asks);
        let chunk = copy.as_ref().and_then(|c| c.chunks.front().copied());
        let finished = copy.as_ref().is_some_and(|c| c.left == 0 && c.open == 0);
        let found = ["copy_ready_o", "copy_end_done_o", "copy_read_valid_o", "copy_write_valid_o"]
            .map(|o| bench.get(o));
        let expected =
            [copy.is_none().into(), finished.into(), side(source, asks), side(sink, chunk.is_some())];
        assert_eq!(found, expected, "cycle {cycle}, copy {ended}");
        if let Some(copy) = &copy {
            if asks {
                let request = request(bench, "copy_read", source);
                assert_eq!(request, (copy.from, copy.chunk()));
            }
            if chunk.is_some() {
                assert_eq!(Some(request(bench, "copy_write", sink)), chunk);
            }
            let passes = ["copy_wvalid_o", "copy_beat_ready_o"].map(|o| bench.get(o));
            assert_eq!(passes, [side(sink, data), side(source, takes)]);
            if data {
                assert_eq!(bench.bits("copy_wdata_o"), beat(place));
            }
            if finished {
                let status = bench.get("copy_end_status_o");
                assert_eq!((status, bench.get("copy_end_address_o")), (copy.status as u64, copy.address));
            }
        }
        bench.clock();

        if clear {
            (copy, memories) = (None, Memories::default());
            continue;
        }
        if finished {
            assert!(memories.reads.is_empty() && memories.writes.is_empty() && memories.written == 0);
            *met.entry(copy.take().unwrap().status).or_default() += 1;
            ended += 1;
        }
        if let Some(copy) = &mut copy {
            let stop = copy.stop;
            let passed = data && takes;
            // The most important status first.
            if passed && bad_read {
                copy.fail([Status::HostRead, Status::CardRead][source], faults[source]);
            }
            if done && bad_write {
                copy.fail([Status::HostWrite, Status::CardWrite][sink], faults[2 + sink]);
            }
            if abort {
                let status = if copy.left > 0 { Status::Aborted } else { copy.status };
                copy.fail(status, 0);
            }
            if chunk.is_some() && write_ready {
                let (_, bytes) = copy.chunks.pop_front().unwrap();
                memories.writes.push_back(bytes.div_ceil(BEAT));
            }
            if asks && read_ready {
                let bytes = copy.chunk();
                memories.reads.push_back(((copy.from, bytes), 0));
                copy.chunks.push_back((copy.to, bytes));
                copy.from = copy.from.wrapping_add(bytes);
                copy.to = copy.to.wrapping_add(bytes);
                copy.left -= bytes;
                copy.open += 1;
            }
            // A request that is not yet taken stays; the rest is given up.
            if stop && (!asks || read_ready) {
                copy.left = 0;
            }
            copy.open -= usize::from(done);
            memories.written -= usize::from(done);
            if passed {
                let ((_, bytes), read) = memories.reads.front_mut().unwrap();
                *read += BEAT;
                if *read >= *bytes {
                    memories.reads.pop_front();
                }
                memories.writes[0] -= 1;
                if memories.writes[0] == 0 {
                    memories.writes.pop_front();
                    memories.written += 1;
                }
            }
            memories.offered = data && !passed;
        }
        if begins {
            copy = Some(std::mem::replace(&mut next, Copy::draw(random)));
        }
        if ended == count {
            break;
        }
    }
}

#[test]
fn copy() {
    let parameters = [("DataWidth", WIDTH), ("ChunkBytes", CHUNK as usize), ("Chunks", CHUNKS)];
    let mut bench = unit("ls_copy", &parameters);
    let (mut random, mut met) = (Random::new(261), BTreeMap::new());
    for sides in TWO_SIDES {
        run(&mut bench, &mut random, sides, 120, &mut met);
    }
    let ways = [
        Status::Ok,
        Status::HostRead,
        Status::CardRead,
        Status::HostWrite,
        Status::CardWrite,
        Status::Aborted,
    ];
    assert!(ways.iter().all(|way| met.get(way).is_some_and(|&n| n > 10)), "{met:?}");
}
