//! The array and the semaphores.

use lockstep_arith::sample::Random;
use lockstep_hdl_sim::Bits;

use crate::{N, PAUSES, pauses, unit};

/// Sums of one plane and of two 7-bit planes of `a`, read by column and by row while the array
/// computes the next ones.
#[test]
fn array() {
    for percent in PAUSES {
        let mut bench = unit("ls_array", &[("N", N)]);
        let mut random = Random::new(51);
        let mut before: Option<Vec<[i32; N]>> = None;
        for tile in 0..20 {
            let steps = random.within(1, 40) as usize;
            let planes = 1 + tile % 2;
            let mut sums = vec![[0_i32; N]; N];
            let mut reads = (0..2 * N).collect::<Vec<_>>();
            let mut pending: Option<usize> = None;
            for step in 0..planes * steps {
                // Pauses, and the cycles until the plane before is readable.
                let idle = if step == 0 { 6 } else { 0 };
                let mut left = idle + if pauses(&mut random, percent) { random.within(1, 5) } else { 0 };
                loop {
                    let valid = left == 0;
                    left -= 1;
                    let mut draw = |low, high| (0..N).map(|_| random.within(low, high)).collect::<Vec<i32>>();
                    let (a, b) = (draw(-128, 127), draw(-127, 127));
                    bench.set("word_step_i", valid.into());
                    bench.set("word_first_i", (step == 0).into());
                    bench.set("word_shift_i", (step == steps).into());
                    bench.set("word_last_i", (step + 1 == planes * steps).into());
                    bench.set_bits("a_operand_i", &Bits::pack(8, a.iter().copied()));
                    bench.set_bits("b_operand_i", &Bits::pack(8, b.iter().copied()));
                    if let (true, Some(_), Some(which)) = (left < 1, &before, reads.last().copied()) {
                        reads.pop();
                        bench.set("plane_by_row_i", (which >= N) as u64);
                        bench.set("plane_index_i", (which % N) as u64);
                        pending = Some(which);
                    }
                    bench.settle();
                    if let (Some(which), Some(plane)) = (pending.take(), &before) {
                        let found = bench.bits("plane_data_o").signed(32);
                        let at = |i: usize| if which >= N { plane[which - N][i] } else { plane[i][which] };
                        assert_eq!(found, (0..N).map(|i| at(i).into()).collect::<Vec<i64>>(), "line {which}");
                    }
                    bench.clock();
                    if valid {
                        for (i, row) in sums.iter_mut().enumerate() {
                            for (j, sum) in row.iter_mut().enumerate() {
                                *sum = (if step == steps { *sum << 7 } else { *sum }) + a[i] * b[j];
                            }
                        }
                        break;
                    }
                }
            }
            bench.set("word_step_i", 0);
            let mut planes_seen = 0;
            for _ in 0..4 {
                bench.settle();
                planes_seen += bench.get("plane_o");
                bench.clock();
            }
            assert_eq!(planes_seen, 1);
            before = Some(sums);
        }
    }
}

/// Compares the counts of all semaphores with a model. A signal counts a cycle later.
#[test]
fn semaphores() {
    let mut bench = unit("ls_semaphores", &[]);
    let mut random = Random::new(61);
    let mut counts = [0_i64; 32];
    let mut late = vec![0; 4];
    for cycle in 0..5000 {
        // Sometimes nothing happens.
        let some = if cycle % 8 == 0 { 0 } else { u64::MAX };
        let ready = counts.iter().enumerate().fold(0_u64, |bits, (i, &c)| bits | u64::from(c > 0) << i);
        let signals: Vec<u64> =
            (0..4).map(|_| random.next() & random.next() & random.next() & some & 0xffff_ffff).collect();
        let take = random.next() & ready & some;
        bench.set("take_i", take);
        bench.set_bits(
            "signals_i",
            &Bits::concat(&signals.iter().map(|&s| Bits::new(32, s)).collect::<Vec<_>>()),
        );
        bench.settle();
        assert_eq!(bench.get("sem_o"), ready);
        bench.clock();
        for (i, count) in counts.iter_mut().enumerate() {
            let bit = |word: u64| (word >> i & 1) as i64;
            *count += late.iter().map(|&s| bit(s)).sum::<i64>() - bit(take);
        }
        late = signals;
    }
}

/// Taking an empty semaphore and signalling a full one are errors.
#[test]
fn misused_semaphores() {
    let mut bench = unit("ls_semaphores", &[]);
    bench.set("take_i", 0);
    bench.set_bits("signals_i", &Bits::zero(128));
    for _ in 0..1022 {
        bench.set("signals_i", 1 << 3);
        bench.clock();
    }
    bench.set("signals_i", 0);
    bench.clock();
    bench.set("take_i", 1 << 3);
    bench.clock();
    bench.set("take_i", 1 << 4);
    assert!(bench.sim.cycle(&mut []).is_err());
    bench.set("take_i", 0);
    bench.set("signals_i", 1 << 3);
    assert!((0..5).any(|_| bench.sim.cycle(&mut []).is_err()));
}
