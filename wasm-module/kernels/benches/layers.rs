//! Times the layers and the steps of every kernel, with the shapes of all-MiniLM-L6-v2.
//!
//! `cargo bench -p lockstep-kernels`, or for WebAssembly, with Node 24 or later as the runner:
//!
//! ```text
//! CARGO_TARGET_WASM32_WASIP1_RUNNER="node --no-warnings $PWD/tests/tools/wasi.mjs" \
//!   cargo bench -p lockstep-kernels --target wasm32-wasip1 --features relaxed-simd
//! ```
//!
//! Each line is a kernel, a step and its shape. Linear layers are in GMAC/s, all else is in
//! nanoseconds a number of the output. Each figure is the best of a quarter of a second.

use std::hint::black_box;
use std::time::{Duration, Instant};

use lockstep_arith::activation::{Activation, SEGMENTS, Table, least_offset};
use lockstep_arith::attention::ScoreScale;
use lockstep_arith::layer_norm::{Affine, LayerNorm};
use lockstep_arith::linear::Linear;
use lockstep_arith::rows::{Scale, Sign};
use lockstep_arith::sample::Random;
use lockstep_kernels::{Attention, Kernel, PackedLinear, Scratch};

/// Inputs and outputs of the linear layers.
const SHAPES: [(usize, usize, Sign); 4] = [
    (384, 1152, Sign::Signed),
    (384, 384, Sign::Signed),
    (384, 1536, Sign::Signed),
    (1536, 384, Sign::Unsigned),
];
const HIDDEN: usize = 384;
const HEADS: usize = 12;
/// Tokens of a sequence.
const TOKENS: [usize; 4] = [1, 16, 32, 128];

/// Numbers with heavy tails, as activations have them.
struct Numbers(Random);

impl Numbers {
    fn unit(&mut self) -> f64 {
        f64::from(self.0.within(0, 1 << 20)) / f64::from(1 << 20)
    }

    fn number(&mut self, sign: Sign) -> i16 {
        let (a, b, c) = (self.unit(), self.unit(), self.unit());
        match sign {
            Sign::Signed => (32767.0 * (2.0 * a - 1.0) * b * c) as i16,
            Sign::Unsigned => (1000.0 * (1.0 + a) + 30000.0 * b.powi(40)) as i16,
        }
    }

    fn row(&mut self, count: usize, sign: Sign) -> Vec<i16> {
        (0..count).map(|_| self.number(sign)).collect()
    }
}

/// Seconds of the fastest call in a quarter of a second.
fn best(mut call: impl FnMut()) -> f64 {
    let mut best = Duration::MAX;
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(250) {
        let started = Instant::now();
        call();
        best = best.min(started.elapsed());
    }
    best.as_secs_f64()
}

fn main() {
    let mut numbers = Numbers(Random::new(1));
    let mut scratch = Scratch::default();
    for kernel in Kernel::available() {
        linear_layers(kernel, &mut numbers, &mut scratch);
        attention(kernel, &mut numbers, &mut scratch);
        steps(kernel, &mut numbers);
    }
}

fn linear_layers(kernel: Kernel, numbers: &mut Numbers, scratch: &mut Scratch) {
    for (inputs, outputs, sign) in SHAPES {
        let packed = PackedLinear::from(Linear {
            inputs,
            outputs,
            weights: (0..inputs * outputs).map(|_| (numbers.number(Sign::Signed) / 520) as i8).collect(),
            multipliers: vec![9000; outputs],
            biases: vec![5; outputs],
            acc_shift: 2,
            out_shift: 12,
            sign,
        });
        for rows in TOKENS {
            let x = numbers.row(rows * inputs, sign);
            let mut out = vec![0; rows * outputs];
            let seconds = best(|| packed.forward16(kernel, black_box(&x), scratch, black_box(&mut out)));
            let rate = (rows * inputs * outputs) as f64 / seconds / 1e9;
            println!("{:<17} linear {inputs} x {outputs}, n={rows}: {rate:.2} GMAC/s", kernel.name());
        }
    }
}

fn attention(kernel: Kernel, numbers: &mut Numbers, scratch: &mut Scratch) {
    let score = ScoreScale { multiplier: 20000, shift: 44 };
    let attention = Attention { hidden: HIDDEN, heads: HEADS, score };
    for n in TOKENS {
        let projected = numbers.row(n * 3 * HIDDEN, Sign::Signed);
        let mut context = vec![0; n * HIDDEN];
        let seconds = best(|| attention.forward(kernel, black_box(&projected), scratch, &mut context));
        print_step(kernel, &format!("attention, n={n}"), seconds, context.len());
    }
}

fn steps(kernel: Kernel, numbers: &mut Numbers) {
    const ROWS: usize = 32;
    let x = numbers.row(ROWS * HIDDEN, Sign::Signed);
    let (mut q, mut scales) = (vec![0; x.len()], [Scale::of_max(1); ROWS]);
    let seconds = best(|| kernel.quantize(black_box(&x), HIDDEN, Sign::Signed, &mut q, HIDDEN, &mut scales));
    print_step(kernel, "quantize", seconds, x.len());

    let sums: Vec<i32> = x.iter().map(|&x| 9 * i32::from(x)).collect();
    let affine = Affine { gain: vec![9000; HIDDEN], offset: vec![7; HIDDEN] };
    let norm = LayerNorm { stream: affine.clone(), equalised: Some(affine), residual_shift: 0 };
    let (mut stream, mut equalised) = (vec![0; x.len()], vec![0; x.len()]);
    let seconds =
        best(|| kernel.normalize(black_box(&sums), HIDDEN, &norm, &mut stream, black_box(&mut equalised)));
    print_step(kernel, "normalize", seconds, x.len());

    let bump = Table { coefficients: [[300; SEGMENTS], [-200; SEGMENTS], [90; SEGMENTS]], fraction_bits: 9 };
    let activation = Activation { offset: least_offset(&bump), bump, equaliser: vec![20000; 4 * HIDDEN] };
    let mut v = numbers.row(ROWS * 4 * HIDDEN, Sign::Signed);
    let seconds = best(|| kernel.activate(black_box(&mut v), &activation));
    print_step(kernel, "activate", seconds, v.len());

    let (word, mut sums) = (vec![3; HIDDEN], vec![0; HIDDEN]);
    let seconds = best(|| {
        for (position, kind) in x.chunks_exact(HIDDEN).zip(x.chunks_exact(HIDDEN).rev()) {
            kernel.embed(black_box(&word), 99, position, kind, 2, black_box(&mut sums));
        }
    });
    print_step(kernel, "embed", seconds, x.len());

    let seconds = best(|| {
        sums.fill(0);
        x.chunks_exact(HIDDEN).for_each(|row| kernel.accumulate(black_box(row), &mut sums));
    });
    print_step(kernel, "accumulate", seconds, x.len());
}

fn print_step(kernel: Kernel, step: &str, seconds: f64, numbers: usize) {
    println!("{:<17} {step}: {:.4} ns", kernel.name(), seconds / numbers as f64 * 1e9);
}
