//! Interrupts: what sets and clears them, masks, and the edge after each acknowledgement.

use lockstep_arith::sample::Random;

use crate::{once, unit};

#[test]
fn interrupts() {
    let mut bench = unit("ls_irq", &[("Count", 3)]);
    let mut random = Random::new(351);
    // Pending, and acknowledged a cycle ago.
    let (mut status, mut acknowledged) = (0, 0);
    for cycle in 0..5000 {
        let clear = cycle == 0 || once(&mut random, 100);
        let mut rare = || random.next() & random.next() & random.next() & 7;
        let (set, acknowledge, enable) = (rare(), rare(), random.next() & 7);
        for (port, value) in
            [("clear_i", clear.into()), ("set_i", set), ("acknowledge_i", acknowledge), ("enable_i", enable)]
        {
            bench.set(port, value);
        }
        bench.settle();
        let expected = [status, status & enable & !acknowledged];
        assert_eq!(["status_o", "irq_o"].map(|o| bench.get(o)), expected, "cycle {cycle}");
        bench.clock();
        (status, acknowledged) = if clear { (0, 0) } else { (status & !acknowledge | set, acknowledge) };
    }
}
