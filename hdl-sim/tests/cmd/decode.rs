//! The check of descriptors: the first error in the order of the statuses, and its address.

use std::collections::BTreeMap;

use lockstep_accel_abi::Status;
use lockstep_arith::sample::Random;
use lockstep_hdl_sim::Bits;

use crate::{descriptors, once, unit};

#[test]
fn decode() {
    let mut bench = unit("ls_decode", &[]);
    let mut random = Random::new(231);
    let mut seen: BTreeMap<Status, usize> = BTreeMap::new();
    for _ in 0..6000 {
        let descriptor = descriptors::draw(&mut random);
        let address = random.next();
        let error = once(&mut random, 20);
        bench.set_bits("descriptor_i", &Bits::from_bytes(512, &descriptor.to_bytes()));
        bench.set("error_i", error.into());
        bench.set("address_i", address);
        bench.settle();
        let expected = descriptors::command(&descriptor, error.then_some(address));
        assert_eq!(
            bench.bits("command_o"),
            expected,
            "{descriptor:?}: {:?}",
            descriptors::judge(&descriptor)
        );
        let status = if error { Status::DescriptorRead } else { descriptors::judge(&descriptor).0 };
        *seen.entry(status).or_default() += 1;
    }
    let statuses = &Status::ALL[..=Status::UnsupportedShape as usize];
    assert!(statuses.iter().all(|s| seen.get(s).is_some_and(|&n| n > 20)), "{seen:?}");
}
