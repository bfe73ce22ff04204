//! What reads card memory: loader, dispatcher, gather, and the multiplexer between them.

use std::collections::VecDeque;

use lockstep_accel_program::isa::{END, Instruction, LINEAR, LOAD, MAC, PASS};
use lockstep_arith::sample::Random;
use lockstep_hdl_sim::Bits;

use crate::{Bench, N, PAUSES, TWO_SIDES, instruction, pauses, unit, word};

/// Answers the requests of one reader, a word a cycle at most, in order.
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

    /// Sets `req_ready_i`, `data_valid_i`, `data_i` and, where there is one, `data_last_i`.
    fn drive(&mut self, bench: &mut Bench, content: impl Fn(u64) -> Bits, last: bool) {
        self.ready = !pauses(&mut self.random, self.percent);
        self.answers = !self.open.is_empty() && !pauses(&mut self.random, self.percent);
        bench.set("req_ready_i", self.ready.into());
        bench.set("data_valid_i", self.answers.into());
        let (address, left) = self.open.front().copied().unwrap_or_default();
        bench.set_bits("data_i", &content(address));
        if last {
            bench.set("data_last_i", (left == 1).into());
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
        if self.ready && bench.get("req_valid_o") == 1 {
            self.open.push_back((bench.get("req_address_o"), bench.get("req_words_o")));
        }
    }
}

/// Words leave the ring in the order of the instructions, however they are read and freed.
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
            .map(|&(at, words)| {
                let load = Instruction::new(&LOAD).set("address", at).unwrap();
                instruction(&load.set("words", words).unwrap())
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
            // The word that was read a cycle ago is checked; then it is freed and another one read.
            let free = read.take().is_some_and(|address| {
                assert_eq!(bench.bits("word_o"), word(address));
                true
            });
            head = (head + u64::from(free)) % 128;
            bench.set("free_i", free.into());
            let take = level > u64::from(free) && !pauses(&mut random, percent);
            bench.set("read_i", take.into());
            bench.set("address_i", head);
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

/// Each instruction reaches its queue, in order, as often as the program is repeated.
#[test]
fn dispatcher() {
    // Of words that are a multiple of a burst, and of others; memory and queues alike, and one much faster than the other.
    for ((filling, percent), (length, repeat)) in
        TWO_SIDES.into_iter().zip([(150, 1), (152, 3), (150, 2), (152, 1), (3, 9)])
    {
        let program: Vec<Instruction> = (0..length as u64)
            .map(|i| {
                let format = [&LOAD, &MAC, &LINEAR, &PASS, &END][(i * 7 % 11 % 5) as usize];
                let new = Instruction::new(format);
                if format.fields.is_empty() { new } else { new.set(format.fields[0].0, i % 2).unwrap() }
            })
            .collect();
        let bytes: Vec<u8> = program.iter().flat_map(|i| i.words()).flat_map(u64::to_le_bytes).collect();
        let content = |address: u64| {
            let at = address as usize & 0xff_ffff;
            Bits::from_bytes(8 * N, bytes.get(at..at + N).unwrap_or(&[0; N]))
        };
        let mut bench = unit("ls_dispatch", &[("N", N)]);
        let (mut memory, mut random) = (Memory::new(11, filling), Random::new(5));
        let mut expected = vec![VecDeque::new(); 5];
        for i in program.iter().cycle().take(program.len() * repeat) {
            expected[(i.words()[0] & 7) as usize].push_back(instruction(i));
        }
        bench.set("program_i", 1 << 24);
        bench.set("length_i", program.len() as u64);
        bench.set("repeat_i", repeat as u64);
        let mut cycles = 0;
        while expected.iter().any(|q| !q.is_empty()) {
            bench.set("start_i", (cycles == 0).into());
            memory.drive(&mut bench, content, false);
            let ready = (0..5).fold(0, |bits, i| bits | u64::from(!pauses(&mut random, percent)) << i);
            bench.set("queue_ready_i", ready);
            bench.settle();
            memory.sample(&bench);
            let valid = bench.get("queue_valid_o");
            assert!(valid.count_ones() <= 1 && bench.get("bad_opcode_o") == 0);
            for (i, queue) in expected.iter_mut().enumerate().filter(|(i, _)| (valid & ready) >> i & 1 == 1) {
                assert_eq!(Some(bench.bits("instr_o")), queue.pop_front(), "queue {i}");
            }
            bench.clock();
            cycles += 1;
            assert!(cycles < 100_000, "instructions are missing");
        }
        // Without pauses a word of memory a cycle is all that it waits for.
        assert!(filling + percent > 0 || cycles <= program.len() * repeat * 32 / N + 10, "{cycles} cycles");
        // Nothing follows.
        for _ in 0..50 {
            memory.drive(&mut bench, content, false);
            bench.settle();
            assert_eq!((bench.get("queue_valid_o"), bench.get("req_valid_o")), (0, 0));
            bench.clock();
        }
    }
}

/// Answers go to those who asked, and a request on offer does not change when a more urgent one comes.
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
            bench.set("valid_i", valid);
            bench.set_bits("address_i", &Bits::pack(40, (0..3).map(|r| front(r).0 as i64)));
            bench.set_bits("words_i", &Bits::pack(16, (0..3).map(|r| front(r).1 as i64)));
            let ready = !pauses(&mut random, percent);
            bench.set("req_ready_i", ready.into());
            let answers = !open.is_empty() && !pauses(&mut random, percent);
            let (at, left) = open.front().copied().unwrap_or_default();
            bench.set("rsp_valid_i", answers.into());
            bench.set("rsp_last_i", (left == 1).into());
            bench.set_bits("rsp_data_i", &word(at));
            bench.settle();

            let request = (bench.get("req_valid_o") == 1)
                .then(|| (bench.get("req_addr_o"), bench.get("req_bytes_o") / N as u64));
            assert!(offered.is_none() || offered == request, "{offered:?} became {request:?}");
            offered = if ready { None } else { request };
            assert_eq!(bench.get("idle_o"), u64::from(open.is_empty()));
            let to = bench.get("data_valid_o");
            assert_eq!(to.count_ones(), answers.into());
            for queue in expected.iter_mut().enumerate().filter(|(r, _)| to >> r & 1 == 1).map(|(_, q)| q) {
                assert_eq!(bench.bits("data_o"), word(queue.pop_front().unwrap()));
                assert_eq!(bench.get("data_last_o"), u64::from(left == 1));
            }
            let taken = bench.get("ready_o") & valid;
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
