//! Measures a mock card behind its socket, in this process: from the doorbell until the client
//! hears the interrupt. `cargo run --release -p lockstep-accel-device --example latency`

use std::time::{Duration, Instant};

use lockstep_accel_abi::Descriptor;
use lockstep_accel_device::{MockSetup, ServedCard};
use lockstep_vfio_user::Client;

#[path = "../tests/support/raw.rs"]
mod raw;

const TIMES: usize = 5000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::temp_dir().join(format!("lockstep-latency-{}", std::process::id()));
    let _device = ServedCard::start(&path, MockSetup::new(8, 1 << 20))?;
    let mut raw = raw::Raw::new(Client::connect(&path, Duration::from_secs(10))?);
    let copy = Descriptor::copy_to_card(1, raw.data(0), 0, 4096);
    for (what, job) in [("an empty job", Descriptor::nop(1)), ("a copy of 4 KiB", copy)] {
        let mut times: Vec<_> = (0..TIMES)
            .map(|_| {
                let begin = Instant::now();
                raw.submit(&[job.with_interrupt()]);
                while raw.heard(Duration::from_secs(1)) == 0 {}
                let time = begin.elapsed();
                raw.wait();
                raw.acknowledge();
                time
            })
            .collect();
        times.sort();
        let [least, median, late] = [0, TIMES / 2, TIMES * 99 / 100].map(|i| times[i]);
        println!("{what}: least {least:.1?}, median {median:.1?}, 99 of 100 {late:.1?}");
    }
    Ok(())
}
