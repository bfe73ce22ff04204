//! Milliseconds of a random model with the shape of all-MiniLM-L6-v2, for one sequence on one thread.

use std::time::{Duration, Instant};

use lockstep_arith::encoder::Pooling;
use lockstep_arith::sample::{Random, Shape, encoder, sequence};
use lockstep_model::{Model, Sequence};

fn main() {
    let shape = Shape {
        vocabulary: 30522,
        positions: 512,
        layers: 6,
        hidden: 384,
        heads: 12,
        intermediate: 1536,
        labels: 0,
        pooling: Pooling::Mean,
    };
    let encoder = encoder(&shape, 1);
    let file = lockstep_quantize::onnx::write(&encoder, &[]);
    if let Some(path) = std::env::args().nth(1) {
        std::fs::write(path, &file).expect("the file is written");
    }
    let start = Instant::now();
    let model = Model::open(&file).expect("the file opens");
    println!("{}: open {:?}", model.kernel_name(), start.elapsed());
    for tokens in [1, 16, 32, 64, 128, 512] {
        let (ids, type_ids) = sequence(&encoder, tokens, &mut Random::new(1));
        let sequence = Sequence { ids: &ids, type_ids: &type_ids };
        let mut times: Vec<Duration> = (0..51)
            .map(|_| {
                let start = Instant::now();
                std::hint::black_box(model.run(&[sequence]).expect("the model runs"));
                start.elapsed()
            })
            .collect();
        times.sort();
        println!("{tokens:4} tokens: median {:?}, least {:?}", times[times.len() / 2], times[0]);
    }
}
