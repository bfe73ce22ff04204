//! The address of the first failed transfer of each user since the last clear. It is known in the
//! cycle of the failure.

use lockstep_arith::sample::Random;
use lockstep_hdl_sim::Bits;

use crate::{once, unit};

#[test]
fn first_fault() {
    for users in [1_usize, 3] {
        let mut bench = unit("ls_first_fault", &[("Count", users)]);
        let mut random = Random::new(211);
        let mut faults: Vec<Option<u64>> = vec![None; users];
        for cycle in 0..3000 {
            let (error, address) = (once(&mut random, 3), random.next());
            let user = random.within(0, users as i32 - 1) as usize;
            let clear = (0..users).fold(0, |bits, i| bits | u64::from(once(&mut random, 12)) << i);
            bench.set("error_valid_i", error.into());
            bench.set("error_id_i", user as u64);
            bench.set("error_addr_i", address);
            bench.set("clear_i", clear);
            bench.settle();
            if error {
                faults[user].get_or_insert(address);
            }
            let valid = faults.iter().enumerate().fold(0, |bits, (i, f)| bits | u64::from(f.is_some()) << i);
            assert_eq!(bench.get("fault_valid_o"), valid, "cycle {cycle}");
            let addresses = faults.iter().map(|f| f.unwrap_or_default().cast_signed());
            assert_eq!(bench.bits("fault_addr_o"), Bits::pack(64, addresses), "cycle {cycle}");
            bench.clock();
            for fault in faults.iter_mut().enumerate().filter(|(i, _)| clear >> i & 1 == 1).map(|(_, f)| f) {
                *fault = None;
            }
        }
    }
}
