//! Everything around the vector pipeline: the drain with its planes, the passes, the gathered rows,
//! and checks of everything that is written.

use std::collections::VecDeque;

use lockstep_accel_abi::instructions::{Instruction, Pass};
use lockstep_arith::sample::Random;
use lockstep_hdl_sim::Bits;

use crate::{BLOCK_MAX, Bench, FLUSH, N, SLOT_BITS, instruction, pauses, slot, unit};

/// A slot of the drain, and the line of the plane that it takes.
pub(super) struct Drain {
    pub(super) fields: Vec<(&'static str, u64)>,
    pub(super) line: [i32; N],
}

/// A word that the pipeline must write to memory A, B or P.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Operand {
    pub(super) memory: char,
    pub(super) address: u64,
    pub(super) word: Bits,
}

pub(super) struct Rig {
    bench: Bench,
    random: Random,
    /// How often the drain, and a pass, offers nothing, in percent.
    pauses: (u8, u8),
    pub(super) drains: VecDeque<Drain>,
    /// The slots of the drain in this cycle and in the last two. The pipeline takes a line of the
    /// plane two cycles after the offer.
    recent: [Option<Drain>; 3],
    passes: VecDeque<Bits>,
    offered: bool,
    /// Word rows by channel, a byte for each lane. The pipeline asks for them in the cycle before.
    pub(super) rows: Vec<Bits>,
    channel: usize,
    pub(super) operands: VecDeque<Operand>,
    pub(super) pools: VecDeque<u32>,
    signals: VecDeque<u64>,
}

impl Rig {
    pub(super) fn new(seed: u64, pauses: (u8, u8)) -> Self {
        let depths =
            [("N", N), ("VDepth", 256), ("YDepth", 256), ("GWords", 64), ("RowScales", 8), ("Stats", 8)];
        let mut bench = unit("ls_vector", &depths);
        for port in ["word_header_i", "word_move_v_i", "word_move_g_i", "latch_i", "scalar_start_i"] {
            bench.set(port, 0);
        }
        Self {
            bench,
            random: Random::new(seed),
            pauses,
            drains: VecDeque::new(),
            recent: [const { None }; 3],
            passes: VecDeque::new(),
            offered: false,
            rows: Vec::new(),
            channel: 0,
            operands: VecDeque::new(),
            pools: VecDeque::new(),
            signals: VecDeque::new(),
        }
    }

    pub(super) fn set(&mut self, port: &str, value: &Bits) {
        self.bench.set_bits(port, value);
    }

    /// Runs one cycle. Returns whether the scalar step is done.
    fn cycle(&mut self) -> bool {
        let drain = if pauses(&mut self.random, self.pauses.0) { None } else { self.drains.pop_front() };
        self.offered = self.offered || (!self.passes.is_empty() && !pauses(&mut self.random, self.pauses.1));
        let noise = |random: &mut Random| {
            let noise = Bits::random(SLOT_BITS, random);
            Bits::concat(&[Bits::from_bytes(SLOT_BITS - 1, noise.bytes()), Bits::zero(1)])
        };
        let empty = noise(&mut self.random);
        let drained = drain.as_ref().map_or_else(|| empty.clone(), |d| slot(&d.fields));
        let passed = if self.offered { self.passes[0].clone() } else { empty };
        self.bench.set_bits("drain_slot_i", &drained);
        self.bench.set_bits("pass_slot_i", &passed);
        let value = |drain: &Drain, name| drain.fields.iter().find(|f| f.0 == name).map_or(0, |f| f.1);
        if let Some(drain) = &drain {
            let signal = value(drain, "signal");
            self.signals.extend((signal != 0).then_some(signal));
        }
        let grant = drain.is_none();
        self.recent.rotate_right(1);
        self.recent[0] = drain;
        let line = match &self.recent[2] {
            Some(drain) => Bits::pack(32, drain.line),
            None => Bits::random(32 * N, &mut self.random),
        };
        self.bench.set_bits("plane_data_i", &line);
        if let Some(row) = self.rows.get(self.channel).cloned() {
            self.bench.set_bits("gather_word_i", &row);
        }
        self.bench.settle();
        assert_eq!(self.bench.get("grant_o"), grant.into());
        if self.bench.get("gather_read_o") == 1 {
            self.channel = self.bench.get("gather_channel_o") as usize;
        }
        if let Some(drain) = &self.recent[2] {
            let shown = ["plane_by_row_o", "plane_index_o"].map(|n| self.bench.get(n));
            assert_eq!(shown, [value(drain, "by_row"), value(drain, "column")]);
        }
        if grant && self.offered {
            self.passes.pop_front();
            self.offered = false;
        }
        for (memory, enable, address, word) in [
            ('A', "operand_write_a_o", "operand_write_q_address_o", "q_word_o"),
            ('B', "operand_write_b_o", "operand_write_q_address_o", "q_word_o"),
            ('P', "operand_write_p_o", "operand_write_p_address_o", "p_word_o"),
        ] {
            if self.bench.get(enable) == 1 {
                let found = Operand { memory, address: self.bench.get(address), word: self.bench.bits(word) };
                assert_eq!(Some(found), self.operands.pop_front());
            }
        }
        if self.bench.get("pool_valid_o") == 1 {
            assert_eq!(Some(self.bench.get("pool_o") as u32), self.pools.pop_front());
        }
        let signal = self.bench.get("signal_o");
        if signal != 0 {
            assert_eq!(Some(signal), self.signals.pop_front());
        }
        let done = self.bench.get("scalar_done_o") == 1;
        self.bench.clock();
        done
    }

    fn idle(&mut self, cycles: usize) {
        for _ in 0..cycles {
            self.cycle();
        }
    }

    /// Runs a pass from its latch of the drain's statistics to the end of its last word. The drain
    /// goes on meanwhile.
    pub(super) fn pass(&mut self, new: Pass, latch: bool, scalar: bool, words: Vec<Bits>) {
        let payload = Bits::from_bytes(216, &instruction(&Instruction::from(new)).bytes()[5..]);
        self.bench.set_bits("fields_i", &payload);
        for (port, here) in [("latch_i", latch), ("scalar_start_i", scalar)] {
            self.bench.set(port, here.into());
            self.cycle();
            self.bench.set(port, 0);
            if latch && port == "latch_i" {
                self.idle(BLOCK_MAX);
            }
        }
        let mut cycles = 0;
        while scalar && !self.cycle() {
            cycles += 1;
            assert!(cycles < 200, "the scalar step does not end");
        }
        let some = !words.is_empty();
        self.passes = words.into();
        while !self.passes.is_empty() {
            self.cycle();
        }
        self.idle(if some { FLUSH } else { 0 });
    }

    /// Runs until all slots are through, and checks that no output is missing.
    pub(super) fn finish(&mut self) {
        while !self.drains.is_empty() {
            self.cycle();
        }
        self.idle(FLUSH);
        assert!(self.operands.is_empty() && self.pools.is_empty() && self.signals.is_empty());
    }

    /// Writes the header of a panel.
    pub(super) fn header(&mut self, bank: u64, words: &[u8]) {
        for (index, word) in words.chunks(N).enumerate() {
            self.bench.set("word_header_i", 1);
            self.bench.set("word_header_index_i", index as u64);
            self.bench.set("word_header_bank_i", bank);
            self.bench.set_bits("ring_word_i", &Bits::from_bytes(8 * N, word));
            self.cycle();
            self.bench.set("word_header_i", 0);
        }
    }

    /// Moves words of the ring to memory G, or to memory V, where two of them make a word.
    pub(super) fn move_to(&mut self, to_v: bool, address: u64, bytes: &[u8]) {
        for (i, word) in bytes.chunks(N).enumerate() {
            let i = i as u64;
            self.bench.set(if to_v { "word_move_v_i" } else { "word_move_g_i" }, 1);
            self.bench.set("word_move_address_i", address + if to_v { i / 2 } else { i });
            self.bench.set("word_move_half_i", i % 2);
            self.bench.set_bits("ring_word_i", &Bits::from_bytes(8 * N, word));
            self.cycle();
            self.bench.set("word_move_v_i", 0);
            self.bench.set("word_move_g_i", 0);
        }
    }
}
