//! GMAC/s of the matrix products alone, with the shapes of all-MiniLM-L6-v2.

use std::hint::black_box;
use std::time::{Duration, Instant};

use lockstep_arith::linear::Linear;
use lockstep_arith::rows::Sign;
use lockstep_arith::sample::Random;
use lockstep_kernels::{Kernel, PackedLinear, Scratch};

/// Inputs and outputs of the layers.
const SHAPES: [(usize, usize, Sign); 4] = [
    (384, 1152, Sign::Signed),
    (384, 384, Sign::Signed),
    (384, 1536, Sign::Signed),
    (1536, 384, Sign::Unsigned),
];

fn main() {
    let mut random = Random::new(1);
    // Heavy tails, as activations have them.
    let mut unit = || f64::from(random.within(0, 1 << 20)) / f64::from(1 << 20);
    let mut number = |sign| match sign {
        Sign::Signed => (32767.0 * (2.0 * unit() - 1.0) * unit() * unit()) as i16,
        Sign::Unsigned => (1000.0 * (1.0 + unit()) + 30000.0 * unit().powi(40)) as i16,
    };
    let mut scratch = Scratch::default();
    for kernel in Kernel::available() {
        for (inputs, outputs, sign) in SHAPES {
            let linear = Linear {
                inputs,
                outputs,
                weights: (0..inputs * outputs).map(|_| (number(Sign::Signed) / 520) as i8).collect(),
                multipliers: vec![9000; outputs],
                biases: vec![5; outputs],
                acc_shift: 2,
                out_shift: 12,
                sign,
            };
            let packed = PackedLinear::from(linear);
            print!("{:<12} {inputs:4} x {outputs:4}", kernel.name());
            for rows in [1, 16, 32, 128] {
                let x: Vec<i16> = (0..rows * inputs).map(|_| number(sign)).collect();
                let mut out = vec![0; rows * outputs];
                let mut best = Duration::MAX;
                let begun = Instant::now();
                while begun.elapsed() < Duration::from_millis(250) {
                    let started = Instant::now();
                    packed.forward16(kernel, black_box(&x), &mut scratch, black_box(&mut out));
                    best = best.min(started.elapsed());
                }
                let rate = (rows * inputs * outputs) as f64 / best.as_secs_f64() / 1e9;
                print!("  n={rows} {rate:6.1}");
            }
            println!();
        }
    }
}
