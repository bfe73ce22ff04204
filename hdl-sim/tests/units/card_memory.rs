//! The units that read card memory: the loader, the dispatcher, and the multiplexer of all readers.

use std::collections::VecDeque;

use lockstep_accel_abi::instructions::{
    Drain, End, FORMATS, Gather, Instruction, Load, Mac, Move, PAYLOAD_LOW, Pass, Table, Unit, Values,
};
use lockstep_arith::sample::Random;
use lockstep_hdl_sim::Bits;

use crate::{Bench, N, PAUSES, TWO_SIDES, instruction, pauses, unit, word};

/// Answers the requests of one reader in order, with at most one word in a cycle.
struct Memory {
    random: Random,
    percent: u8,
    open: VecDeque<(u64, u64)>,
    ready: bool,
    answers: bool,
}

impl Memory {
    fn new(seed: u64, percent: u8) -> Self {
        Self { random: Random::new(seed), percent, open: VecDeque::new(), ready: false, answers: false }
    }

    /// Sets the inputs of a reader: whether its request is taken, and a word that it asked for.
    fn drive(&mut self, bench: &mut Bench, content: impl Fn(u64) -> Bits, last: bool) {
        self.ready = !pauses(&mut self.random, self.percent);
        self.answers = !self.open.is_empty() && !pauses(&mut self.random, self.percent);
        bench.set("ask_ready_i", self.ready.into());
        bench.set("word_valid_i", self.answers.into());
        let (address, left) = self.open.front().copied().unwrap_or_default();
        bench.set_bits("card_data_i", &content(address));
        if last {
            bench.set("card_read_beat_last_i", (left == 1).into());
        }
    }

    fn sample(&mut self, bench: &Bench) {
        if self.answers {
            let front = self.open.front_mut().unwrap();
            front.0 += N as u64;
            front.1 -= 1;
            if front.1 == 0 {
                self.open.pop_front();
            }
        }
        if self.ready && bench.get("ask_valid_o") == 1 {
            self.open.push_back((bench.get("ask_address_o"), bench.get("ask_words_o")));
        }
    }
}

/// Words leave the ring in the order of the instructions, with any pauses of the reader.
#[test]
fn loader() {
    for (filling, percent) in TWO_SIDES {
        let mut bench = unit("ls_loader", &[("N", N), ("RingDepth", 128), ("Burst", 16), ("Ahead", 64)]);
        let mut random = Random::new(3);
        let mut memory = Memory::new(7, filling);
        let loads: Vec<(u64, u64)> =
            [1, 16, 17, 500, 3].into_iter().zip(1..).map(|(words, i)| (i << 20, words)).collect();
        let mut expected: VecDeque<u64> =
            loads.iter().flat_map(|&(at, words)| (0..words).map(move |w| at + w * N as u64)).collect();
        let mut queue: VecDeque<Bits> = loads
            .iter()
            .map(|&(address, words)| {
                let load = Load { address, words: words as usize };
                instruction(&Instruction::from(load))
            })
            .collect();
        let (mut head, mut read, mut cycles) = (0, None, 0);
        while !expected.is_empty() {
            assert!(
                memory.open.iter().map(|o| o.1).sum::<u64>() <= 64,
                "more than `Ahead` words on their way"
            );
            memory.drive(&mut bench, word, false);
            bench.set("valid_i", (!queue.is_empty()).into());
            bench.set_bits("instr_i", queue.front().unwrap_or(&Bits::zero(256)));
            bench.settle();
            let level = bench.get("level_o");
            assert!(level <= 128);
            // Checks the word that was read a cycle ago and frees it; then reads the next one.
            let free = read.take().is_some_and(|address| {
                assert_eq!(bench.bits("ring_word_o"), word(address));
                true
            });
            head = (head + u64::from(free)) % 128;
            bench.set("free_i", free.into());
            let take = level > u64::from(free) && !pauses(&mut random, percent);
            bench.set("ring_read_i", take.into());
            bench.set("ring_address_i", head);
            if take {
                read = expected.pop_front();
            }
            bench.settle();
            memory.sample(&bench);
            if bench.get("ready_o") == 1 && !queue.is_empty() {
                queue.pop_front();
            }
            bench.clock();
            cycles += 1;
            assert!(cycles < 50_000, "{} words missing", expected.len());
        }
    }
}

/// Each instruction reaches the queue of its unit, in order, once for each repetition of the
/// program.
#[test]
fn dispatcher() {
    // Lengths that are a multiple of a burst, and others. Memory and queues pause alike, or one of
    // them much more.
    for ((filling, percent), (length, repeat)) in
        TWO_SIDES.into_iter().zip([(150, 1), (152, 3), (150, 2), (152, 1), (3, 9)])
    {
        let program: Vec<Instruction> = (0..length as u64)
            .map(|i| {
                let count = 1 + i as usize % 2;
                match i * 7 % 11 % 5 {
                    0 => Load { words: count, ..Load::default() }.into(),
                    1 => Mac { k: count, ..Mac::default() }.into(),
                    2 => Drain { outer: count, ..Drain::default() }.into(),
                    3 => Pass { length: count, ..Pass::default() }.into(),
                    _ => End {}.into(),
                }
            })
            .collect();
        let bytes: Vec<u8> = program.iter().flat_map(|i| i.to_bytes().unwrap()).collect();
        let content = |address: u64| {
            let at = address as usize & 0xff_ffff;
            Bits::from_bytes(8 * N, bytes.get(at..at + N).unwrap_or(&[0; N]))
        };
        let mut bench = unit("ls_dispatch", &[("N", N)]);
        let (mut memory, mut random) = (Memory::new(11, filling), Random::new(5));
        let mut expected = vec![VecDeque::new(); Unit::ALL.len()];
        for i in program.iter().cycle().take(program.len() * repeat) {
            expected[i.operation.format().unit as usize].push_back(instruction(i));
        }
        bench.set("program_address_i", 1 << 24);
        bench.set("length_i", program.len() as u64);
        bench.set("repeats_i", repeat as u64);
        let mut cycles = 0;
        while expected.iter().any(|q| !q.is_empty()) {
            bench.set("start_i", (cycles == 0).into());
            memory.drive(&mut bench, content, false);
            let ready = (0..5).fold(0, |bits, i| bits | u64::from(!pauses(&mut random, percent)) << i);
            bench.set("put_ready_i", ready);
            bench.settle();
            memory.sample(&bench);
            let valid = bench.get("put_valid_o");
            assert!(valid.count_ones() <= 1 && bench.get("illegal_o") == 0);
            for (i, queue) in expected.iter_mut().enumerate().filter(|(i, _)| (valid & ready) >> i & 1 == 1) {
                assert_eq!(Some(bench.bits("put_instr_o")), queue.pop_front(), "queue {i}");
            }
            bench.clock();
            cycles += 1;
            assert!(cycles < 100_000, "instructions are missing");
        }
        // Without pauses the dispatcher waits only for memory, which gives a word in each cycle.
        assert!(filling + percent > 0 || cycles <= program.len() * repeat * 32 / N + 10, "{cycles} cycles");
        // No further instruction follows.
        for _ in 0..50 {
            memory.drive(&mut bench, content, false);
            bench.settle();
            assert_eq!((bench.get("put_valid_o"), bench.get("ask_valid_o")), (0, 0));
            bench.clock();
        }
    }
}

/// The bytes of an instruction with `count` bits from bit `low` on set to `value`.
fn replaced(bytes: [u8; 32], low: u32, count: u32, value: u64) -> [u8; 32] {
    let mut bytes = bytes;
    for bit in 0..count {
        let at = low + bit;
        let byte = &mut bytes[(at / 8) as usize];
        *byte = *byte & !(1 << (at % 8)) | ((value >> bit & 1) as u8) << (at % 8);
    }
    bytes
}

/// The bytes of an instruction.
type Encoded = [u8; 32];

/// Every instruction with its default fields; and illegal ones, each with one wrong part.
fn good_and_bad() -> (Vec<Encoded>, Vec<(String, Encoded)>) {
    let operations: [Instruction; 8] = [
        Load::default().into(),
        Gather::default().into(),
        Mac::default().into(),
        Move::default().into(),
        Drain::default().into(),
        Table::default().into(),
        Pass::default().into(),
        End {}.into(),
    ];
    let good: Vec<[u8; 32]> = operations.iter().map(|i| i.to_bytes().unwrap()).collect();
    let mut bad = Vec::new();
    for opcode in (0..=255).filter(|&code| FORMATS.iter().all(|f| f.code != code)) {
        bad.push((format!("opcode {opcode}"), replaced(good[7], 0, 8, opcode.into())));
    }
    for (format, &bytes) in FORMATS.iter().zip(&good) {
        for field in format.fields {
            let wrong: Vec<u64> = match field.values {
                Values::From(least) => (0..least).collect(),
                Values::Codes(_, _, codes) => {
                    (0..1 << field.bits).filter(|v| codes.iter().all(|c| u64::from(c.value) != *v)).collect()
                }
                Values::Flag | Values::Signed(_) => Vec::new(),
            };
            let low = PAYLOAD_LOW + field.low;
            bad.extend(wrong.into_iter().map(|value| {
                let name = format!("{}: {} is {value}", format.name, field.name);
                (name, replaced(bytes, low, field.bits, value))
            }));
        }
        for (low, can, name) in [(8, format.waits, "wait"), (24, format.signals, "signal")] {
            for index in 0..2 {
                let low = low + 8 * index;
                let name = format!("{}: {name} {index}", format.name);
                // There is no `When` of 3.
                bad.push((format!("{name}, when"), replaced(bytes, low, 8, 3)));
                if index as usize >= can {
                    bad.push((name, replaced(bytes, low, 8, 0x80)));
                }
            }
        }
    }
    (good, bad)
}

/// The dispatcher hands on no illegal instruction, and none that follows it.
#[test]
fn dispatcher_refuses_what_is_no_instruction() {
    let (good, bad) = good_and_bad();
    // Returns how many instructions the dispatcher hands on, and whether it refuses one.
    let run = |program: &[[u8; 32]]| {
        let mut bench = unit("ls_dispatch", &[("N", N)]);
        let mut memory = Memory::new(11, 30);
        let bytes = program.concat();
        for (port, value) in [("program_address_i", 0), ("length_i", program.len() as u64), ("repeats_i", 1)]
        {
            bench.set(port, value);
        }
        bench.set("put_ready_i", 31);
        let (mut handed, mut illegal) = (0, false);
        for cycle in 0..100 + 12 * program.len() {
            bench.set("start_i", (cycle == 0).into());
            let content = |at: u64| {
                let word = bytes.get(at as usize..at as usize + N).unwrap_or(&[]);
                Bits::from_bytes(8 * N, word)
            };
            memory.drive(&mut bench, content, false);
            bench.settle();
            memory.sample(&bench);
            if bench.get("put_valid_o") != 0 {
                assert_eq!(bench.bits("put_instr_o").bytes(), program[handed]);
                handed += 1;
            }
            illegal |= bench.get("illegal_o") == 1;
            bench.clock();
        }
        (handed, illegal)
    };
    assert_eq!(run(&good), (good.len(), false));
    for (name, bad) in bad {
        assert_eq!(run(&[good[3], bad, good[3]]), (1, true), "{name}");
    }
}

/// An answer goes to the reader that asked. A request on offer does not change when a more urgent
/// one comes.
#[test]
fn multiplexer() {
    for percent in PAUSES {
        let mut bench = unit("ls_card_mux", &[("N", N), ("Outstanding", 4)]);
        let mut random = Random::new(21);
        let mut asked: Vec<VecDeque<(u64, u64)>> = (0..3_u64)
            .map(|r| (0..100).map(|i| (r << 32 | i << 12, random.within(1, 9) as u64)).collect())
            .collect();
        let mut expected: Vec<VecDeque<u64>> = asked
            .iter()
            .map(|q| q.iter().flat_map(|&(at, n)| (0..n).map(move |w| at + w * N as u64)).collect())
            .collect();
        let mut offers = [false; 3];
        let mut open: VecDeque<(u64, u64)> = VecDeque::new();
        let (mut offered, mut cycles) = (None, 0);
        while expected.iter().any(|q| !q.is_empty()) {
            for (offer, queue) in offers.iter_mut().zip(&asked) {
                *offer = *offer || !queue.is_empty() && !pauses(&mut random, percent);
            }
            let front = |r: usize| asked[r].front().copied().unwrap_or_default();
            let valid = (0..3).fold(0, |bits, r| bits | u64::from(offers[r]) << r);
            bench.set("ask_valid_i", valid);
            bench.set_bits("ask_address_i", &Bits::pack(40, (0..3).map(|r| front(r).0 as i64)));
            bench.set_bits("ask_words_i", &Bits::pack(16, (0..3).map(|r| front(r).1 as i64)));
            let ready = !pauses(&mut random, percent);
            bench.set("card_read_req_ready_i", ready.into());
            let answers = !open.is_empty() && !pauses(&mut random, percent);
            let (at, left) = open.front().copied().unwrap_or_default();
            bench.set("card_read_beat_valid_i", answers.into());
            bench.set("card_read_beat_last_i", (left == 1).into());
            bench.settle();

            let request = (bench.get("card_read_req_valid_o") == 1)
                .then(|| (bench.get("card_read_req_addr_o"), bench.get("card_read_req_bytes_o") / N as u64));
            assert!(offered.is_none() || offered == request, "{offered:?} became {request:?}");
            offered = if ready { None } else { request };
            assert_eq!(bench.get("card_idle_o"), u64::from(open.is_empty()));
            let to = bench.get("word_valid_o");
            assert_eq!(to.count_ones(), answers.into());
            for queue in expected.iter_mut().enumerate().filter(|(r, _)| to >> r & 1 == 1).map(|(_, q)| q) {
                assert_eq!(queue.pop_front(), Some(at));
            }
            let taken = bench.get("ask_ready_o") & valid;
            assert_eq!(taken.count_ones(), (ready && request.is_some()).into());
            for r in (0..3).filter(|r| taken >> r & 1 == 1) {
                assert_eq!(request, asked[r].pop_front());
                offers[r] = false;
            }
            if answers {
                open[0] = (at + N as u64, left - 1);
                if left == 1 {
                    open.pop_front();
                }
            }
            if let (true, Some(request)) = (ready, request) {
                open.push_back(request);
            }
            bench.clock();
            cycles += 1;
            assert!(cycles < 60_000, "answers are missing");
        }
    }
}
