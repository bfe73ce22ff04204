//! The memories of operands, and the registers of panel headers.

use lockstep_arith::sample::Random;
use lockstep_hdl_sim::Bits;

use crate::{N, unit};

/// The bytes of a step: from A or a plane of P, and from B. No word is read in the cycle of its
/// write.
#[test]
fn operands() {
    const DEPTHS: [usize; 3] = [24, 16, 8];
    let depths = [("N", N), ("ADepth", DEPTHS[0]), ("BDepth", DEPTHS[1]), ("PDepth", DEPTHS[2])];
    let mut bench = unit("ls_operands", &depths);
    let mut random = Random::new(101);
    let mut memories = DEPTHS.map(|depth| vec![None::<Bits>; depth]);
    let mut read = [None, None, None];
    for _ in 0..4000 {
        let mut draw = |below: usize| random.within(0, below as i32 - 1) as u64;
        let writes = [draw(2), draw(2), draw(2)];
        // A and B share the address of writes, A and P that of reads.
        let shared = draw(if writes[1] == 1 { DEPTHS[1] } else { DEPTHS[0] });
        let to = [shared, shared, draw(DEPTHS[2])];
        let shared = draw(DEPTHS[2]);
        let from = [shared, draw(DEPTHS[1]), shared];
        let mut reads = [draw(2), draw(2), draw(2)];
        for i in 0..3 {
            reads[i] &= u64::from(writes[i] == 0 || to[i] != from[i]);
        }
        let (from_p, low) = (draw(2), draw(2));
        let word = Bits::random(8 * N, &mut random);
        let weights = Bits::random(14 * N, &mut random);
        for (port, value) in [
            ("operand_write_a_i", writes[0]),
            ("operand_write_b_i", writes[1]),
            ("operand_write_q_address_i", to[0]),
            ("operand_write_p_i", writes[2]),
            ("operand_write_p_address_i", to[2]),
            ("read_a_i", reads[0]),
            ("read_b_i", reads[1]),
            ("read_p_i", reads[2]),
            ("read_a_address_i", from[0]),
            ("read_b_address_i", from[1]),
            ("word_from_ring_i", 0),
            ("word_from_p_i", from_p),
            ("word_low_plane_i", low),
        ] {
            bench.set(port, value);
        }
        bench.set_bits("q_word_i", &word);
        bench.set_bits("p_word_i", &weights);
        bench.settle();
        let [a, b, p] = &read;
        let lanes = |bits: &Bits, each| bits.unsigned(each);
        if from_p == 0
            && let Some(a) = a
        {
            assert_eq!(bench.bits("a_operand_o"), *a);
        }
        if from_p == 1
            && let Some(p) = p
        {
            let plane: Vec<u64> =
                lanes(p, 14).iter().map(|p| if low == 1 { p & 127 } else { p >> 7 }).collect();
            assert_eq!(lanes(&bench.bits("a_operand_o"), 8), plane);
        }
        if let Some(b) = b {
            assert_eq!(bench.bits("b_operand_o"), *b);
        }
        bench.clock();
        for (i, memory) in memories.iter_mut().enumerate() {
            if reads[i] == 1 {
                read[i] = memory[from[i] as usize].clone();
            }
            if writes[i] == 1 {
                memory[to[i] as usize] = Some(if i == 2 { weights.clone() } else { word.clone() });
            }
        }
    }
}

/// Both banks are written and read in any order. The parameters of a column go to all lanes, or
/// each lane gets those of its own column.
#[test]
fn panel_header() {
    let mut bench = unit("ls_panel_header", &[("N", N)]);
    let mut random = Random::new(111);
    // For each bank 12 words of the ring.
    let mut words: [Vec<Option<Bits>>; 2] = [vec![None; 12], vec![None; 12]];
    let bytes = |words: &[Option<Bits>], at: std::ops::Range<usize>| {
        let parts: Option<Vec<Bits>> = words[at].iter().cloned().collect();
        parts.map(|parts| Bits::concat(&parts))
    };
    for _ in 0..4000 {
        let mut draw = |below: i32| random.within(0, below - 1) as u64;
        let (write, index, bank) = (draw(2), draw(12), draw(2));
        let (read_bank, by_row, column) = (draw(2), draw(2), draw(N as i32));
        let word = Bits::random(8 * N, &mut random);
        for (port, value) in [
            ("write_i", write),
            ("index_i", index),
            ("bank_i", bank),
            ("read_bank_i", read_bank),
            ("by_row_i", by_row),
            ("column_i", column),
        ] {
            bench.set(port, value);
        }
        bench.set_bits("ring_i", &word);
        bench.clock();
        let bank_words = &words[read_bank as usize];
        let lanes = |all: &[u64]| -> Vec<u64> {
            (0..N).map(|i| all[if by_row == 1 { i } else { column as usize }]).collect()
        };
        if let Some(c) = bytes(bank_words, 0..2) {
            let c: Vec<u64> = c.unsigned(16).iter().map(|c| c & 0x7fff).collect();
            assert_eq!(bench.bits("c_o").unsigned(15), lanes(&c));
        }
        for (port, at) in [("b_o", 2..6), ("z_o", 8..12)] {
            if let Some(values) = bytes(bank_words, at) {
                assert_eq!(bench.bits(port).unsigned(32), lanes(&values.unsigned(32)));
            }
        }
        if let Some(equalisers) = bytes(bank_words, 6..8) {
            assert_eq!(bench.get("eq_o"), equalisers.unsigned(16)[column as usize] & 0x7fff);
        }
        if write == 1 {
            words[bank as usize][index as usize] = Some(word);
        }
    }
}
