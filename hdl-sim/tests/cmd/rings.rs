//! The indices of a ring: possible and impossible doorbells, while the card takes or fills entries.

use lockstep_accel_abi::ring;
use lockstep_arith::sample::Random;

use crate::{once, unit};

#[test]
fn rings() {
    for host_produces in [true, false] {
        let mut bench = unit("ls_ring", &[("HostProduces", host_produces.into())]);
        let mut random = Random::new(341);
        let (mut log2, mut host, mut card) = (0, 0_u16, 0_u16);
        let (mut good, mut bad) = (0, 0);
        for cycle in 0..20_000 {
            let clear = cycle == 0 || once(&mut random, 400);
            if clear {
                (log2, host, card) = (random.within(1, 15) as u32, 0, 0);
            }
            let used = if host_produces { ring::used(host, card) } else { ring::used(card, host) };
            // Beside where the index stands, at the other index, or anywhere.
            let near = [host, card][random.within(0, 1) as usize].wrapping_add(random.within(-3, 3) as u16);
            let size = 1_u16 << log2;
            let doorbell =
                [near, near.wrapping_add(size), random.next() as u16][random.within(0, 2) as usize];
            let rings = !clear && once(&mut random, 3);
            let may = if host_produces { used > 0 } else { used < size };
            let advance = !clear && may && once(&mut random, 2);
            for (port, value) in [
                ("clear_i", clear.into()),
                ("log2_i", log2.into()),
                ("doorbell_valid_i", rings.into()),
                ("doorbell_index_i", doorbell.into()),
                ("advance_i", advance.into()),
            ] {
                bench.set(port, value);
            }
            bench.settle();
            let possible = if host_produces {
                ring::valid_producer(doorbell, host, card, log2)
            } else {
                ring::valid_consumer(doorbell, host, card)
            };
            if !clear {
                let found = ["host_index_o", "card_index_o", "used_o"].map(|o| bench.get(o));
                assert_eq!(found, [host, card, used].map(u64::from), "cycle {cycle}");
                let refused = rings && !possible;
                assert_eq!(bench.get("doorbell_bad_o"), refused.into(), "{doorbell}, {host} {card} 2^{log2}");
            }
            bench.clock();
            if rings && possible {
                host = doorbell;
            }
            card = card.wrapping_add(advance.into());
            good += usize::from(rings && possible);
            bad += usize::from(rings && !possible);
        }
        assert!(good > 500 && bad > 500, "{good} possible, {bad} refused");
    }
}
