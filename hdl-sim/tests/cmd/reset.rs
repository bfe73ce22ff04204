//! The soft reset: it lasts until the bus is idle, but two cycles at least.

use lockstep_arith::sample::Random;

use crate::{PAUSES, once, pauses, unit};

#[test]
fn reset() {
    for percent in PAUSES {
        let mut bench = unit("ls_reset", &[]);
        let mut random = Random::new(361);
        // Cycles of the reset under way so far.
        let mut cycles: Option<u32> = None;
        let mut ends = 0;
        for _ in 0..3000 {
            let (request, idle) = (once(&mut random, 10), !pauses(&mut random, percent));
            bench.set("request_i", request.into());
            bench.set("idle_i", idle.into());
            bench.settle();
            let clear = idle && cycles.is_some_and(|n| n >= 1);
            let expected = [cycles.is_some(), clear].map(u64::from);
            assert_eq!(["drain_o", "clear_o"].map(|o| bench.get(o)), expected);
            bench.clock();
            // One that is asked for at the end of another one begins anew.
            cycles = match cycles {
                Some(n) if !clear => Some(n + 1),
                _ => request.then_some(0),
            };
            ends += usize::from(clear);
        }
        assert!(ends > 50, "{ends} resets");
    }
}
