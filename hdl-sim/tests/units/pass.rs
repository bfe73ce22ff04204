//! Passes, cycle by cycle: semaphores, scalar step, words in order with any pauses of the grant,
//! end.

use std::collections::VecDeque;

use lockstep_accel_abi::instructions::{End, Instruction, Kind, Pass, Scalar, When};
use lockstep_arith::sample::Random;
use lockstep_hdl_sim::Bits;

use crate::{BLOCK_MAX, FLUSH, N, SLOT_BITS, TWO_SIDES, instruction, pauses, slot, unit};

struct Drawn {
    instruction: Instruction,
    take: u64,
    signal: u64,
    end: bool,
    scalar: bool,
    /// The pass takes statistics of the drain.
    latch: bool,
    block: bool,
    pool: bool,
    words: VecDeque<Bits>,
}

fn draw(random: &mut Random) -> Drawn {
    let mut pick = |lo: i32, hi: i32| random.within(lo, hi) as u64;
    if pick(0, 9) == 0 {
        let words = VecDeque::new();
        let (take, signal, end, scalar, latch, block, pool) = (0, 0, true, false, false, false, false);
        let instruction = Instruction::from(End {});
        return Drawn { instruction, take, signal, end, scalar, latch, block, pool, words };
    }
    let kind = Kind::ALL[pick(0, 6) as usize];
    let pool = kind == Kind::Pool;
    let scalar = [Scalar::None, Scalar::ALL[pick(0, 4) as usize]][pick(0, 1) as usize];
    let (length, turns) = (pick(1, 12), pick(1, 4));
    let (source, s_turn, destination, d_turn) =
        (pick(0, 900_000), pick(0, 65_535), pick(0, 900_000), pick(0, 65_535));
    let (second, g, stat, lanes) = (pick(0, 900_000), pick(0, 3000), pick(0, 500), pick(1, 8));
    let (from_y, to_b) = (pick(0, 1), pick(0, 1));
    let (own, block) = (pick(0, 1), pick(0, 1));
    // A mean, a scalar of sums and maxima that are not the pass's own, and the greatest score of a
    // softmax.
    let latch = kind == Kind::Exp
        || match scalar {
            Scalar::Mean => true,
            Scalar::Scale => own == 0 || block == 1,
            Scalar::Rho | Scalar::Soft => own == 0,
            Scalar::Head | Scalar::None => false,
        };
    let (waits, signals) = (pick(0, 2), pick(0, 2));
    let mut new = Instruction::from(Pass {
        scalar,
        kind,
        length: length as usize,
        turns: turns as usize,
        source: source as usize,
        s_turn: s_turn as usize,
        destination: destination as usize,
        d_turn: d_turn as usize,
        second: second as usize,
        g: g as usize,
        stat: stat as usize,
        from_y: from_y == 1,
        to_b: to_b == 1,
        lanes: lanes as usize,
        own: own == 1,
        block: block == 1,
        ..Pass::default()
    });
    let (mut take, mut signal) = (0, 0);
    for _ in 0..waits {
        let semaphore = pick(0, 15);
        new = new.wait(semaphore as u8, When::Once);
        take |= 1 << semaphore;
    }
    for _ in 0..signals {
        let semaphore = pick(16, 31);
        new = new.signal(semaphore as u8, When::Once);
        signal |= 1 << semaphore;
    }
    let word = |turn: u64, index: u64| {
        let read = (source + turn * s_turn + index) & 0xf_ffff;
        let to = destination + if pool { 0 } else { turn * d_turn };
        slot(&[
            ("valid", 1),
            ("kind", 4 + kind as u64),
            ("read", read),
            ("read_y", read),
            ("write", (to + index) & 0xf_ffff),
            ("second", (second + index) & 0xf_ffff),
            ("g", g + index),
            ("channel", index),
            ("stat", stat),
            ("clear", u64::from(index == 0)),
            ("odd", index % 2),
            ("first", u64::from(turn == 0 && (pool || index == 0))),
            ("last", u64::from(turn + 1 == turns)),
            ("masked", u64::from(turn + 1 == turns)),
            ("lanes", lanes),
            ("from_y", from_y),
            ("to_b", to_b),
        ])
    };
    let all = |(a, b): (u64, u64)| if pool { word(b, a) } else { word(a, b) };
    let (long, short) = if pool { (length, turns) } else { (turns, length) };
    let words = if kind == Kind::None {
        VecDeque::new()
    } else {
        (0..long).flat_map(|a| (0..short).map(move |b| (a, b))).map(all).collect()
    };
    let (scalar, block) = (scalar != Scalar::None, block == 1);
    Drawn { instruction: new, take, signal, end: false, scalar, latch, block, pool, words }
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum State {
    /// Waits for its semaphores.
    Wait,
    /// The latch of the statistics takes until this cycle.
    Latch(u64),
    /// The scalar step starts in this cycle.
    Start,
    /// The scalar step runs until this cycle.
    Scalar(u64),
    Words,
    /// The instruction ends in this cycle.
    Flush(u64),
}

#[test]
fn pass() {
    for (granting, percent) in TWO_SIDES {
        let mut bench = unit("ls_pass", &[("N", N)]);
        let mut random = Random::new(91);
        let mut queue: VecDeque<Drawn> = (0..150).map(|_| draw(&mut random)).collect();
        let (mut sems, mut state) = ([0_u64; 32], State::Wait);
        let mut current: Option<Drawn> = None;
        let mut cycles = 0_u64;
        let mut held = false;
        while current.is_some() || !queue.is_empty() {
            if current.is_none() && !pauses(&mut random, percent) {
                let drawn = queue.pop_front().unwrap();
                bench.set_bits("instr_i", &instruction(&drawn.instruction));
                current = Some(drawn);
            }
            let ready = sems.iter().enumerate().fold(0, |bits, (i, &n)| bits | u64::from(n > 0) << i);
            let (grant, room) = (!pauses(&mut random, granting), !pauses(&mut random, granting) || held);
            let idle = !pauses(&mut random, granting.max(30));
            let scalar_done = matches!(state, State::Scalar(at) if at == cycles);
            bench.set("valid_i", current.is_some().into());
            bench.set("sem_i", ready);
            bench.set("grant_i", grant.into());
            bench.set("pool_room_i", room.into());
            bench.set("pool_idle_i", idle.into());
            bench.set("scalar_done_i", scalar_done.into());
            bench.settle();
            let place = format!("cycle {cycles}, {state:?}");
            let outputs = ["take_o", "latch_o", "scalar_start_o", "signal_o", "ready_o", "sequence_end_o"]
                .map(|n| bench.get(n));
            let found = bench.bits("pass_slot_o");
            let (mut expected, mut word, mut ended) = ([0_u64; 6], false, false);
            held = false;
            if let Some(drawn) = &mut current {
                let payload = instruction(&drawn.instruction);
                for low in (0..216).step_by(54) {
                    assert_eq!(bench.bits("fields_o").get(low, 54), payload.get(40 + low, 54));
                }
                let after = |drawn: &Drawn| {
                    if drawn.words.is_empty() { State::Flush(cycles + 1) } else { State::Words }
                };
                match state {
                    State::Wait if drawn.take & !ready == 0 && (!drawn.end || idle) => {
                        expected[0] = drawn.take;
                        expected[1] = drawn.latch.into();
                        (0..32).for_each(|i| sems[i] -= drawn.take >> i & 1);
                        let latched = cycles + if drawn.block { BLOCK_MAX as u64 } else { 1 };
                        state = if drawn.end { State::Flush(cycles + 1) } else { State::Latch(latched) };
                    }
                    State::Wait => {}
                    State::Latch(at) if at == cycles => {
                        state = if drawn.scalar { State::Start } else { after(drawn) };
                    }
                    State::Latch(_) => {}
                    State::Start => {
                        expected[2] = 1;
                        state = State::Scalar(cycles + random.within(1, 9) as u64);
                    }
                    State::Scalar(at) if at == cycles => state = after(drawn),
                    State::Scalar(_) => {}
                    State::Words => {
                        word = !drawn.pool || room;
                        if word {
                            assert_eq!(Some(&found), drawn.words.front(), "{place}");
                            held = !grant;
                        }
                        if word && grant {
                            drawn.words.pop_front();
                            if drawn.words.is_empty() {
                                state = State::Flush(cycles + FLUSH as u64);
                            }
                        }
                    }
                    State::Flush(at) => {
                        if at == cycles {
                            expected[3] = drawn.signal;
                            expected[4] = 1;
                            expected[5] = drawn.end.into();
                            state = State::Wait;
                            ended = true;
                        }
                    }
                }
            }
            assert_eq!(outputs, expected, "{place}");
            assert_eq!(found.get(SLOT_BITS - 1, 1), word.into(), "{place}");
            bench.clock();
            if ended {
                current = None;
            }
            // Semaphores are scarce.
            if random.within(1, 8) == 1 {
                sems[random.within(0, 15) as usize] += 1;
            }
            cycles += 1;
            assert!(cycles < 200_000, "{} instructions are left", queue.len());
        }
    }
}
