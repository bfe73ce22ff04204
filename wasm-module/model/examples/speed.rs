//! Milliseconds of a random model with the shape of all-MiniLM-L6-v2, on one thread.
//!
//! `speed [TOKENS | SEQUENCESxTOKENS]...`, for example `speed 16 128 32x32`.

use std::hint::black_box;
use std::time::{Duration, Instant};

use lockstep_arith::encoder::Pooling;
use lockstep_arith::sample::{Random, Shape, encoder, sequence};
use lockstep_model::{Model, Sequence};

/// Time for one kind of batch.
const LEAST: Duration = Duration::from_millis(500);

fn main() {
    let shape = Shape {
        vocabulary: 30522,
        positions: 512,
        layers: 6,
        hidden: 384,
        heads: 12,
        intermediate: 1536,
        dense: [0, 0],
        labels: 0,
        pooling: Pooling::Mean,
    };
    let encoder = encoder(&shape, 1);
    let file = lockstep_folder::runtime::write(&encoder);
    let start = Instant::now();
    let model = Model::open(file).expect("the file opens");
    println!("{}: open {:?}", model.kernel_name(), start.elapsed());

    let mut batches: Vec<String> = std::env::args().skip(1).collect();
    if batches.is_empty() {
        batches = ["1", "16", "32", "64", "128", "512", "32x32"].map(String::from).to_vec();
    }
    for batch in batches {
        let (sequences, tokens) = batch.split_once('x').unwrap_or(("1", &batch));
        let (Ok(sequences), Ok(tokens)) = (sequences.parse::<usize>(), tokens.parse::<usize>()) else {
            eprintln!("{batch}: not a number of tokens such as 16, nor a batch such as 32x32");
            std::process::exit(2);
        };
        let mut random = Random::new(1);
        let inputs: Vec<_> = (0..sequences).map(|_| sequence(&encoder, tokens, &mut random)).collect();
        let inputs: Vec<_> = inputs.iter().map(|(ids, type_ids)| Sequence { ids, type_ids }).collect();
        let mut times: Vec<Duration> = Vec::new();
        let begun = Instant::now();
        while times.len() < 5 || begun.elapsed() < LEAST {
            let start = Instant::now();
            black_box(model.run(&inputs).expect("the model runs"));
            times.push(start.elapsed());
        }
        times.sort();
        println!("{batch:>6} tokens: median {:?}, least {:?}", times[times.len() / 2], times[0]);
    }
}
