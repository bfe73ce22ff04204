//! The drain, cycle by cycle: while there is a plane, each cycle offers the next slot of the
//! instruction.

use std::collections::VecDeque;

use lockstep_accel_abi::instructions::{Drain, DrainMode, Instruction, Table, When};
use lockstep_arith::sample::Random;
use lockstep_hdl_sim::Bits;

use crate::{N, SLOT_BITS, TWO_SIDES, instruction, pauses, random_when, slot, unit};

struct Event {
    slot: Bits,
    take: u64,
    plane_done: bool,
    panel_done: bool,
    end: bool,
}

/// An instruction of the drain: the table that it sets, or the slots that it offers.
struct Drawn {
    instruction: Instruction,
    table: Option<(usize, [u64; 3], [u64; 2])>,
    events: Vec<Event>,
}

fn draw_table(random: &mut Random) -> Drawn {
    let words = [random.next(), random.next(), random.next()];
    let (half, bits, offset) = (random.within(0, 1) as u64, random.next() & 15, random.next() & 0xffff);
    let four = |word: u64| [0, 16, 32, 48].map(|low| (word >> low) as i16);
    let instruction = Table {
        low: four(words[0]),
        middle: four(words[1]),
        high: four(words[2]),
        half: half == 1,
        fraction_bits: bits as i32,
        offset: offset as i16,
    }
    .into();
    Drawn { instruction, table: Some((half as usize, words, [bits, offset])), events: Vec::new() }
}

fn draw(random: &mut Random, panels: &mut u64) -> Drawn {
    let mut pick = |lo: i32, hi: i32| random.within(lo, hi) as u64;
    if pick(0, 5) == 0 {
        return draw_table(random);
    }
    let kind = pick(0, 2);
    let n = N as u64;
    let (outer, inner) = (pick(1, 4), pick(1, 3));
    let mode = if kind == 0 { pick(0, 2) } else { kind + 2 };
    let (by_row, by_panel) = (pick(0, 1), pick(0, 1));
    let start = pick(0, 2);
    let (columns, last_columns, lanes) = (pick(1, 8 - start as i32), pick(1, 8 - start as i32), pick(1, 8));
    let (destination, residual) = (pick(0, 60_000), pick(0, 60_000));
    let (d_outer, d_inner) = (pick(0, 3000), pick(0, 3000));
    let (row_scale, stat, stat_inner) = (pick(0, 100), pick(0, 200), pick(0, 1));
    let (group, clear, which) = ([15, 3, 4, 5][pick(0, 3) as usize], pick(0, 1), pick(0, 3));
    let shifts = [pick(0, 12), pick(1, 17), pick(0, 4)];
    let wait = (pick(0, 1) == 1).then(|| pick(0, 15));
    let signals = [(); 2].map(|()| (pick(16, 31), random_when(pick(0, 2))));
    let mut new = Instruction::from(Drain {
        mode: DrainMode::ALL[mode as usize],
        by_row: by_row == 1,
        by_panel: by_panel == 1,
        outer: outer as usize,
        inner: inner as usize,
        columns: columns as usize,
        last_columns: last_columns as usize,
        last_lanes: lanes as usize,
        start: start as usize,
        destination: destination as usize,
        d_outer: d_outer as usize,
        d_inner: d_inner as usize,
        residual: residual as usize,
        acc_shift: shifts[0] as i32,
        out_shift: shifts[1] as i32,
        residual_shift: shifts[2] as i32,
        row_scale: row_scale as usize,
        stat: stat as usize,
        stat_inner: stat_inner == 1,
        stat_group: group as usize,
        clear: clear == 1,
        slot: which as usize,
    });
    if let Some(wait) = wait {
        new = new.wait(wait as u8, When::Once);
    }
    let new = signals.iter().fold(new, |i, &(s, when)| i.signal(s as u8, when));
    let mut events = Vec::new();
    for o in 0..outer {
        for i in 0..inner {
            let (outer_last, inner_last) = (o + 1 == outer, i + 1 == inner);
            let short = if by_panel == 1 { outer_last } else { inner_last };
            let count = if short { last_columns } else { columns };
            for c in 0..count {
                let last = c + 1 == count;
                let at = o * d_outer + i * d_inner + c;
                let channel = o * n + if by_row == 1 { 0 } else { c };
                let first_of_group = channel.is_multiple_of(1 << group);
                let first_of_row = (stat_inner == 1 || i == 0) && (by_row == 0 || c == 0);
                let signal = signals.iter().fold(0, |bits, &(s, when)| {
                    let reached = match when {
                        When::Once => outer_last && inner_last,
                        When::Inner => outer_last,
                        When::Outer => inner_last,
                    };
                    bits | u64::from(last && reached) << s
                });
                events.push(Event {
                    slot: slot(&[
                        ("valid", 1),
                        ("kind", mode),
                        ("by_row", by_row),
                        ("column", c + start),
                        ("bank", *panels % 2),
                        ("row_scale", row_scale + i),
                        ("slot", which),
                        ("stat", stat + stat_inner * i + (channel >> group)),
                        ("clear", u64::from(clear == 1 && first_of_group && first_of_row)),
                        ("masked", u64::from(by_row == 0 && inner_last && kind == 0)),
                        ("lanes", lanes),
                        ("write", (destination + at) & 0xf_ffff),
                        ("read", (residual + at) & 0xf_ffff),
                        ("signal", signal),
                        ("acc_shift", shifts[0]),
                        ("out_shift", shifts[1]),
                        ("residual_shift", shifts[2]),
                    ]),
                    take: if (o, i, c) == (0, 0, 0) { wait.map_or(0, |w| 1 << w) } else { 0 },
                    plane_done: last,
                    panel_done: last && inner_last && kind == 0,
                    end: last && inner_last && outer_last,
                });
            }
            *panels += u64::from(inner_last && kind == 0);
        }
    }
    Drawn { instruction: new, table: None, events }
}

#[test]
fn drain() {
    for (filling, percent) in TWO_SIDES {
        let mut bench = unit("ls_drain", &[("N", N)]);
        let mut random = Random::new(81);
        let mut panels = 0;
        let mut queue: VecDeque<Drawn> = (0..150).map(|_| draw(&mut random, &mut panels)).collect();
        let (mut have, mut sems, mut table) = (false, [0_u64; 32], [[0_u64; 3]; 2]);
        let (mut halves, mut table_seen) = (0_usize, false);
        let mut parameters = [0_u64; 2];
        let mut current: Option<(Drawn, VecDeque<Event>)> = None;
        let mut cycles = 0;
        while current.is_some() || !queue.is_empty() {
            if current.is_none() && !pauses(&mut random, percent) {
                let mut drawn = queue.pop_front().unwrap();
                bench.set_bits("instr_i", &instruction(&drawn.instruction));
                let events = std::mem::take(&mut drawn.events).into();
                current = Some((drawn, events));
            }
            let ready = sems.iter().enumerate().fold(0, |bits, (i, &n)| bits | u64::from(n > 0) << i);
            bench.set("valid_i", current.is_some().into());
            bench.set("sem_i", ready);
            bench.set("plane_i", 0);
            bench.settle();
            let outputs = ["take_o", "plane_done_o", "panel_done_o", "ready_o"].map(|name| bench.get(name));
            let mut ended = false;
            let mut done = false;
            match &mut current {
                Some((Drawn { table: Some((half, words, rest)), .. }, _)) => {
                    assert_eq!(outputs, [0, 0, 0, 1], "a table takes one cycle");
                    table[*half] = *words;
                    halves |= 1 << *half;
                    parameters = *rest;
                    table_seen = true;
                    ended = true;
                    assert_eq!(bench.bits("drain_slot_o").get(SLOT_BITS - 1, 1), 0);
                }
                Some((_, events)) => {
                    let event = events.front().unwrap();
                    let now = have && event.take & !ready == 0;
                    if now {
                        let event = events.pop_front().unwrap();
                        assert_eq!(
                            outputs,
                            [event.take, event.plane_done.into(), event.panel_done.into(), event.end.into()]
                        );
                        assert_eq!(bench.bits("drain_slot_o"), event.slot, "cycle {cycles}");
                        (0..32).for_each(|i| sems[i] -= event.take >> i & 1);
                        (done, ended) = (event.plane_done, event.end);
                    } else {
                        assert_eq!(outputs, [0; 4], "cycle {cycles}");
                        assert_eq!(bench.bits("drain_slot_o").get(SLOT_BITS - 1, 1), 0, "cycle {cycles}");
                    }
                }
                None => {
                    assert_eq!(outputs, [0; 4]);
                    assert_eq!(bench.bits("drain_slot_o").get(SLOT_BITS - 1, 1), 0);
                }
            }
            // The next plane comes in the cycle in which this one ends, or later.
            let plane = (!have || done) && !pauses(&mut random, filling);
            bench.set("plane_i", plane.into());
            bench.settle();
            bench.clock();
            have = plane || (have && !done);
            if ended {
                current = None;
            }
            if table_seen {
                bench.settle();
                let found = bench.bits("activation_coefficients_o");
                for half in (0..2).filter(|half| halves >> half & 1 == 1) {
                    let words = [0, 1, 2].map(|i| found.get(192 * half + 64 * i, 64));
                    assert_eq!(words, table[half]);
                }
                assert_eq!(
                    ["activation_fraction_bits_o", "activation_offset_o"].map(|n| bench.get(n)),
                    parameters
                );
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
