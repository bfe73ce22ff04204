//! The units that access host memory: the gather unit reads token ids, the pool writer writes sums.

use std::collections::VecDeque;

use lockstep_accel_abi::instructions::{Gather, Instruction, When};
use lockstep_arith::sample::Random;
use lockstep_hdl_sim::Bits;

use crate::{N, PAUSES, TWO_SIDES, instruction, pauses, unit, word};

/// The sums arrive in host memory in order, with one request for a sequence and any pauses of the
/// host.
#[test]
fn pool_writer() {
    for (sending, percent) in TWO_SIDES {
        let mut bench = unit("ls_pool_writer", &[("N", N)]);
        let mut random = Random::new(31);
        for (sequence, length) in [(0_u64, 2_u64), (1, 4), (2, 64), (3, 98)] {
            let sums: Vec<u32> = (0..length).map(|_| random.next() as u32).collect();
            let address = 0x1234_5678_9000 + sequence * 0x1000;
            bench.set("output_address_i", address);
            bench.set("length_i", length);
            // A sum comes this many cycles after the unit has shown room for it.
            let mut way: VecDeque<Option<u32>> = [None; N.ilog2() as usize + 3].into();
            let mut left = sums.iter();
            let (mut written, mut asked, mut answer) = (Vec::new(), false, 0);
            for cycle in 0.. {
                assert!(cycle < 20_000, "{} words of {length}", written.len());
                let sum = way.pop_front().unwrap();
                bench.set("pool_valid_i", sum.is_some().into());
                bench.set("pool_i", sum.unwrap_or(0xdead_beef).into());
                let (ask, ready) = (!pauses(&mut random, percent), !pauses(&mut random, percent));
                bench.set("host_write_req_ready_i", ask.into());
                bench.set("host_write_ready_i", (ready && asked && written.len() < length as usize).into());
                bench.set("host_write_done_valid_i", (answer == 1).into());
                bench.settle();
                let go = bench.get("pool_room_o") == 1 && !pauses(&mut random, sending);
                way.push_back(if go { left.next().copied() } else { None });
                if bench.get("req_valid_o") == 1 && ask {
                    assert!(!asked);
                    assert_eq!((bench.get("req_addr_o"), bench.get("req_bytes_o")), (address, 4 * length));
                    asked = true;
                }
                if bench.get("valid_o") == 1 && ready && asked && written.len() < length as usize {
                    written.extend(bench.bits("host_write_data_o").unsigned(32));
                }
                bench.clock();
                if answer == 1 {
                    break;
                }
                answer =
                    if answer > 1 { answer - 1 } else { 20 * u64::from(written.len() >= length as usize) };
            }
            bench.set("host_write_done_valid_i", 0);
            bench.settle();
            assert_eq!(bench.get("pool_idle_o"), 1);
            let expected: Vec<u64> = sums.into_iter().map(u64::from).collect();
            assert_eq!(written[..length as usize], expected);
        }
    }
}

/// The rows, scales and types of all lanes. Ids and types out of range are errors.
#[test]
fn gather() {
    const ROW: u64 = 5;
    for (percent, count) in PAUSES.into_iter().zip([8_u64, 5, 1]).chain([(80, 7), (80, 6), (80, 3)]) {
        for wrong in [None, Some((60_000_u64, 1_u64)), Some((17, 3))] {
            let mut bench = unit("ls_gather", &[("N", N)]);
            let mut random = Random::new(41 + count);
            let mut offered = false;
            let mut ids: Vec<(u64, u64)> =
                (0..count).map(|_| (random.within(0, 59_999) as u64, random.within(0, 2) as u64)).collect();
            if let Some(wrong) = wrong {
                *ids.last_mut().unwrap() = wrong;
            }
            let gather = Instruction::from(Gather {
                rows: 1 << 30,
                row_words: ROW as usize,
                first: 24,
                count: count as usize,
                vocabulary: 60_000,
                types: 3,
            });
            let gather = gather.wait(4, When::Once).signal(9, When::Once);
            bench.set_bits("instr_i", &instruction(&gather));
            bench.set("input_address_i", 0xabc_0000);
            bench.set("gather_read_i", 0);
            let mut host: VecDeque<(Bits, bool)> = VecDeque::new();
            let mut card: VecDeque<(u64, u64)> = VecDeque::new();
            let (mut taken, mut ended, mut error, mut cycles) = (0, false, false, 0);
            while !ended && !error {
                let sems = u64::from(cycles > 20) << 4;
                bench.set("valid_i", 1);
                bench.set("sem_i", sems);
                let (host_ready, card_ready) = (!pauses(&mut random, percent), !pauses(&mut random, percent));
                bench.set("host_read_req_ready_i", host_ready.into());
                bench.set("ask_ready_i", card_ready.into());
                let beat = if pauses(&mut random, percent) { None } else { host.pop_front() };
                bench.set("host_read_beat_valid_i", beat.is_some().into());
                let (data, last) = beat.unwrap_or((Bits::zero(8 * N), false));
                bench.set_bits("host_data_i", &data);
                bench.set("host_read_beat_last_i", last.into());
                let answers = !card.is_empty() && !pauses(&mut random, percent);
                let (at, left) = card.front().copied().unwrap_or_default();
                bench.set("word_valid_i", answers.into());
                bench.set("card_read_beat_last_i", (left == 1).into());
                bench.set_bits("card_data_i", &word(at));
                bench.settle();
                error |= bench.get("bad_token_o") == 1;
                taken += bench.get("take_o") >> 4 & 1;
                assert!(bench.get("take_o") & !sems == 0, "taken before it was there");
                ended = bench.get("signal_o") == 1 << 9;
                assert_eq!(bench.get("ready_o"), ended.into());
                if answers {
                    card[0] = (at + N as u64, left - 1);
                    if left == 1 {
                        card.pop_front();
                    }
                }
                let offer = bench.get("host_req_valid_o") == 1;
                assert!(offer || !offered, "an offer was withdrawn");
                offered = offer && !host_ready;
                if host_ready && offer {
                    assert_eq!(
                        (bench.get("host_req_addr_o"), bench.get("host_req_bytes_o")),
                        (0xabc_0000 + 24 * 4, 4 * count)
                    );
                    let words: Vec<i64> = ids.iter().map(|&(id, kind)| (id | kind << 24) as i64).collect();
                    let beats = words.chunks(N / 4).map(|b| Bits::pack(32, b.iter().copied()));
                    // The unit ignores the bits behind the last id.
                    let filled = |b: Bits| [b.bytes(), &[0xff; N]].concat();
                    let beats: Vec<Bits> = beats.map(|b| Bits::from_bytes(8 * N, &filled(b))).collect();
                    let end = beats.len() - 1;
                    host.extend(beats.into_iter().enumerate().map(|(i, b)| (b, i == end)));
                }
                if card_ready && bench.get("ask_valid_o") == 1 {
                    card.push_back((bench.get("ask_address_o"), bench.get("ask_words_o")));
                }
                bench.clock();
                cycles += 1;
                assert!(cycles < 5000, "gather does not end");
            }
            assert_eq!(error, wrong.is_some());
            assert_eq!(taken, 1);
            if error {
                continue;
            }
            bench.set("valid_i", 0);
            for channel in 0..(ROW - 1) * N as u64 {
                bench.set("gather_read_i", 1);
                bench.set("gather_channel_i", channel);
                bench.clock();
                bench.settle();
                let (words, scales, types) =
                    (bench.bits("gather_word_o"), bench.bits("gather_scale_o"), bench.bits("gather_type_o"));
                for (lane, &(id, kind)) in ids.iter().enumerate() {
                    let row = (1 << 30) + id * ROW * N as u64;
                    let byte = word(row + channel / N as u64 * N as u64).get(8 * (channel as usize % N), 8);
                    let scale = word(row + (ROW - 1) * N as u64).get(0, 12);
                    assert_eq!(
                        (words.get(8 * lane, 8), scales.get(12 * lane, 12), types.get(2 * lane, 2)),
                        (byte, scale, kind),
                        "channel {channel}, lane {lane}"
                    );
                }
            }
        }
    }
}
