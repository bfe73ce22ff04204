//! Measures the model: the least time of nine runs for a sequence of all-MiniLM's shape, at each
//! size of the array. `cargo run --release -p lockstep-accel-model --example mock_speed`

use std::time::Instant;

use lockstep_accel_abi::descriptor;
use lockstep_accel_model::{Engine, Fault, Job, Memories};
use lockstep_accel_program::{ArrayShape, Image, Program};
use lockstep_arith::sample::{self, Random, Shape};

/// Card memory, the inputs of a sequence, and its results.
struct Host {
    card: Vec<u8>,
    inputs: Vec<u8>,
    results: Vec<u8>,
}

impl Memories for Host {
    fn card(&self, address: u64, bytes: usize) -> Result<&[u8], Fault> {
        let at = address as usize;
        self.card.get(at..at + bytes).ok_or(Fault { address })
    }

    fn read_host(&mut self, address: u64, to: &mut [u8]) -> Result<(), Fault> {
        let at = address as usize;
        to.copy_from_slice(self.inputs.get(at..at + to.len()).ok_or(Fault { address })?);
        Ok(())
    }

    fn write_host(&mut self, _: u64, from: &[u8]) -> Result<(), Fault> {
        self.results = from.to_vec();
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let shape = Shape {
        vocabulary: 1000,
        positions: 512,
        layers: 6,
        hidden: 384,
        heads: 12,
        intermediate: 1536,
        ..Shape::SMALL
    };
    let model = sample::encoder(&shape, 5);
    for lanes in [8, 16, 32, 64] {
        let engine_shape = ArrayShape::new(lanes);
        let image = Image::new(&model, &engine_shape)?;
        let mut engine = Engine::new(lanes);
        for tokens in [16, 128] {
            let program = Program::new(&image, &engine_shape, tokens, 0)?;
            let (ids, types) = sample::sequence(&model, tokens, &mut Random::new(1));
            let mut card = image.bytes.clone();
            let at = card.len() as u64;
            card.extend(program.bytes());
            let inputs = descriptor::inputs(&ids, &types).collect();
            let mut host = Host { card, inputs, results: Vec::new() };
            let job =
                Job { program: at, length: program.len() as u16, runs: 1, input: (0, 0), output: (0, 0) };
            let times = (0..9).map(|_| {
                let begin = Instant::now();
                let done = engine.run(&job, &mut host, &|| false);
                (begin.elapsed(), done)
            });
            let Some((time, done)) = times.min_by_key(|(time, _)| *time) else { continue };
            println!("{lanes}x{lanes}, {tokens} tokens: {time:.1?}, {} steps, {:?}", done.busy, done.result);
        }
    }
    Ok(())
}
