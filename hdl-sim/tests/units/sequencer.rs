//! The sequencer of the array, cycle by cycle: a step, a header word or a move happens exactly in
//! the first cycle in which everything that it needs is there.

use std::collections::VecDeque;

use lockstep_accel_abi::instructions::{Instruction, Mac, Move, When};
use lockstep_arith::sample::Random;

use crate::{Bench, TWO_SIDES, instruction, pauses, random_when, unit};

const RING: u64 = 64;
const HEADER: u64 = 12;
const HEADER_END: u64 = HEADER - 1;

/// The events of one cycle.
#[derive(Debug, Default)]
struct Event {
    /// Semaphores that it waits for and takes, and those that it signals.
    take: u64,
    signal: u64,
    /// The word of the weight stream that it reads.
    word: Option<u64>,
    /// Words that leave the ring.
    free: u64,
    /// The event is the last one of its instruction.
    end: bool,
    kind: Kind,
}

#[derive(Debug, Default)]
enum Kind {
    /// Index of the word, bank.
    Header(u64, u64),
    /// Addresses in A and B; first, shift, last, from_p, low plane, from ring; the end of a panel.
    Step([u64; 2], [bool; 6], bool),
    /// To V, address, half.
    Move(bool, u64, bool),
    #[default]
    None,
}

/// A random `mac` or `move`, and the events that it must cause.
fn draw(random: &mut Random, words: &mut u64, panels: &mut u64) -> (Instruction, Vec<Event>) {
    let mut pick = |lo: i32, hi: i32| random.within(lo, hi) as u64;
    if pick(0, 4) == 0 {
        let to_v = pick(0, 1);
        let count = if to_v == 1 { 2 * pick(1, 9) } else { pick(1, 17) };
        let destination = pick(0, 60_000);
        let (wait, signal) = (pick(0, 15), pick(16, 31));
        let new = Instruction::from(Move {
            to_v: to_v == 1,
            destination: destination as usize,
            words: count as usize,
        });
        let new = new.wait(wait as u8, When::Once).signal(signal as u8, When::Once);
        let event = |i: u64| Event {
            take: if i == 0 { 1 << wait } else { 0 },
            signal: if i + 1 == count { 1 << signal } else { 0 },
            word: Some(*words + i),
            free: 1,
            end: i + 1 == count,
            kind: Kind::Move(to_v == 1, destination + if to_v == 1 { i / 2 } else { i }, i % 2 == 1),
        };
        let events = (0..count).map(event).collect();
        *words += count;
        return (new, events);
    }
    let (k, outer, inner) = (pick(1, 24), pick(1, 4), pick(1, 3));
    let (ring, planes) = [(1, 0), (0, 0), (0, 1)][pick(0, 2) as usize];
    let a = [pick(0, 50_000), pick(0, 3000), pick(0, 3000)];
    let b = [pick(0, 50_000), pick(0, 3000), pick(0, 3000)];
    let waits = [(); 2].map(|()| (pick(0, 15), random_when(pick(0, 2))));
    let signals = [(); 2].map(|()| (pick(16, 31), random_when(pick(0, 2))));
    let [a_at, a_outer, a_inner] = a.map(|x| x as usize);
    let [b_at, b_outer, b_inner] = b.map(|x| x as usize);
    let new = Instruction::from(Mac {
        k: k as usize,
        outer: outer as usize,
        inner: inner as usize,
        a: a_at,
        a_outer,
        a_inner,
        b: b_at,
        b_outer,
        b_inner,
        ring: ring == 1,
        planes: planes == 1,
    });
    let new = waits.iter().fold(new, |i, &(s, when)| i.wait(s as u8, when));
    let new = signals.iter().fold(new, |i, &(s, when)| i.signal(s as u8, when));
    let mut events = Vec::new();
    for o in 0..outer {
        if ring == 1 {
            let header =
                |i| Event { word: Some(*words + i), kind: Kind::Header(i, *panels % 2), ..Event::default() };
            events.extend((0..HEADER).map(header));
            *panels += 1;
        }
        for i in 0..inner {
            let bits = |refs: &[(u64, When); 2], inner_turn: bool, outer_turn: bool| {
                refs.iter().fold(0, |bits, &(s, when)| {
                    let due = match when {
                        When::Once => inner_turn && outer_turn,
                        When::Inner => outer_turn,
                        When::Outer => inner_turn,
                    };
                    bits | u64::from(due) << s
                })
            };
            for low in 0..=planes {
                for step in 0..k {
                    let (first, last) = (step == 0 && low == 0, step + 1 == k && low == planes);
                    let panel = last && ring == 1 && i + 1 == inner;
                    let at = |base: &[u64; 3]| (base[0] + o * base[1] + i * base[2] + step) & 0xf_ffff;
                    events.push(Event {
                        take: if first { bits(&waits, i == 0, o == 0) } else { 0 },
                        signal: if last { bits(&signals, i + 1 == inner, o + 1 == outer) } else { 0 },
                        word: (ring == 1).then_some(*words + HEADER + step),
                        free: if panel { HEADER + k } else { 0 },
                        end: last && i + 1 == inner && o + 1 == outer,
                        kind: Kind::Step(
                            [at(&a), at(&b)],
                            [first, low == 1 && step == 0, last, planes == 1, low == 1, ring == 1],
                            panel,
                        ),
                    });
                }
            }
        }
        *words += ring * (HEADER + k);
    }
    (new, events)
}

/// Checks the reads, a cycle after an event.
fn check_reads(bench: &Bench, event: &Event) {
    let got = |names: &[&str]| names.iter().map(|n| bench.get(n)).collect::<Vec<u64>>();
    let mut reads = [false; 3];
    if let Kind::Step(addresses, [.., from_p, _, from_ring], _) = event.kind {
        reads = [!from_p, !from_ring, from_p];
        assert_eq!(got(&["read_a_address_o", "read_b_address_o"]), addresses);
    }
    assert_eq!(got(&["read_a_o", "read_b_o", "read_p_o"]), reads.map(u64::from));
    assert_eq!(bench.get("ring_read_o"), event.word.is_some().into());
    if let Some(word) = event.word {
        assert_eq!(bench.get("ring_address_o"), word % RING);
    }
}

/// Checks the use of the words, two cycles after an event.
fn check_followers(bench: &Bench, before: &Kind) {
    let got = |names: &[&str]| names.iter().map(|n| bench.get(n)).collect::<Vec<u64>>();
    let [header, step, moves] = [
        matches!(before, Kind::Header(..)),
        matches!(before, Kind::Step(..)),
        matches!(before, Kind::Move(..)),
    ];
    assert_eq!(got(&["word_header_o", "word_step_o"]), [header, step].map(u64::from));
    assert_eq!(bench.get("word_move_v_o") + bench.get("word_move_g_o"), moves.into());
    match before {
        Kind::Header(index, bank) => {
            assert_eq!(got(&["word_header_index_o", "word_header_bank_o"]), [*index, *bank]);
        }
        Kind::Step(_, flags, _) => {
            let names = ["first", "shift", "last", "from_p", "low_plane", "from_ring"];
            let found = names.map(|name| bench.get(&format!("word_{name}_o")));
            assert_eq!(found, flags.map(u64::from));
        }
        Kind::Move(to_v, address, half) => {
            assert_eq!(
                got(&["word_move_v_o", "word_move_address_o", "word_move_half_o"]),
                [(*to_v).into(), *address, (*half).into()]
            );
        }
        Kind::None => {}
    }
}

/// Random instructions. The ring, the semaphores and the drain pause at random.
#[test]
fn sequencer() {
    for (filling, percent) in TWO_SIDES {
        let mut bench = unit("ls_sequencer", &[("RingDepth", RING as usize)]);
        let mut random = Random::new(71);
        let (mut words, mut panels) = (0, 0);
        let mut queue: VecDeque<(Instruction, Vec<Event>)> =
            (0..120).map(|_| draw(&mut random, &mut words, &mut panels)).collect();
        let mut events: VecDeque<Event> = VecDeque::new();
        // Words that have come and that have left, semaphores, panels begun, and when the drain
        // ends.
        let (mut come, mut left, mut sems, mut begun) = (0_u64, 0_u64, [0_u64; 32], 0_u64);
        let mut plane: Option<(u64, bool)> = None;
        // The events of the last two cycles.
        let mut recent = [Event::default(), Event::default()];
        let (mut offered, mut cycles, mut busy) = (false, 0_u64, false);
        while offered || !queue.is_empty() {
            if !offered && !pauses(&mut random, percent) {
                let (instruction_, list) = queue.pop_front().unwrap();
                bench.set_bits("instr_i", &instruction(&instruction_));
                events = list.into();
                offered = true;
            }
            bench.set("valid_i", offered.into());
            let ready = sems.iter().enumerate().fold(0, |bits, (i, &n)| bits | u64::from(n > 0) << i);
            bench.set("sem_i", ready);
            bench.set("level_i", come - left);
            let plane_done = plane.is_some_and(|(at, _)| at <= cycles);
            let panel_done = plane_done && plane.is_some_and(|(_, panel)| panel);
            bench.set("plane_done_i", plane_done.into());
            bench.set("panel_done_i", panel_done.into());
            bench.settle();
            check_reads(&bench, &recent[0]);
            check_followers(&bench, &recent[1].kind);
            recent.swap(0, 1);
            recent[0] = Event::default();

            // The next event, and whether it must happen in this cycle.
            let next = events.front().filter(|_| offered);
            let waits = next.is_some_and(|e| e.take & !ready != 0);
            let has_word = next.is_none_or(|e| e.word.is_none_or(|w| w < come));
            let (step, free_bank, free_plane) = match next.map(|e| &e.kind) {
                Some(Kind::Header(index, _)) => (false, *index > 0 || begun < 2, true),
                Some(Kind::Step(_, flags, _)) => (true, true, !(flags[2] && busy)),
                _ => (false, true, true),
            };
            let now = next.is_some() && !waits && has_word && free_bank && free_plane;
            let place = format!("cycle {cycles}: {next:?}");
            assert_eq!(bench.get("step_o"), u64::from(now && step), "{place}");
            if step {
                let stalls = ["stall_operand_o", "stall_plane_o", "stall_weights_o"].map(|n| bench.get(n));
                let expected = [waits, !waits && !free_plane, !waits && !has_word];
                assert_eq!(stalls, expected.map(u64::from), "{place}");
            }
            let outputs = ["take_o", "signal_o", "free_o", "ready_o"].map(|n| bench.get(n));
            let mut busy_next = busy && !plane_done;
            if now {
                let event = events.pop_front().unwrap();
                assert_eq!(outputs, [event.take, event.signal, event.free, event.end.into()], "{place}");
                if let Kind::Header(HEADER_END, _) = event.kind {
                    begun += 1;
                }
                if let Kind::Step(_, flags, panel) = event.kind
                    && flags[2]
                {
                    let later = if percent == 0 { 1 } else { random.within(1, 30) as u64 };
                    plane = Some((cycles + 1 + later, panel));
                    busy_next = true;
                }
                (0..32).for_each(|i| sems[i] -= event.take >> i & 1);
                left += event.free;
                offered = !event.end;
                recent[0] = event;
            } else {
                assert_eq!(outputs, [0; 4], "{place}");
            }
            busy = busy_next;
            if plane_done {
                begun -= u64::from(panel_done);
                if plane.is_some_and(|(at, _)| at <= cycles) {
                    plane = None;
                }
            }
            bench.clock();
            if come < words && come - left < RING && !pauses(&mut random, filling) {
                come += 1;
            }
            // Semaphores are scarce.
            if random.within(1, 2) == 1 {
                sems[random.within(0, 15) as usize] += 1;
            }
            cycles += 1;
            assert!(cycles < 400_000, "{} instructions are left", queue.len());
        }
        assert_eq!((left, come), (words, words), "all words are used");
    }
}
