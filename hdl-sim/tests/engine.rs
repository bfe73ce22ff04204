//! The engine against the reference: whole small encoders, `==`.
#![allow(clippy::unwrap_used)]

use lockstep_accel_program::{Engine, Image, Program};
use lockstep_arith::encoder::{Encoder, Pooling};
use lockstep_arith::sample::{self, Random, Shape};
use lockstep_hdl_sim::{EngineBench, EngineJob, EngineResult, MemoryTiming};

const OUTPUT: usize = 1 << 16;

/// Sequences of one length through the engine: what it computed and what the reference does.
fn run(
    model: &Encoder,
    lanes: usize,
    tokens: usize,
    sequences: usize,
    timing: MemoryTiming,
) -> (Vec<Vec<i32>>, Vec<Vec<i32>>, EngineResult) {
    let engine = Engine::new(lanes);
    let image = Image::new(model, &engine).unwrap();
    let program = Program::new(&image, &engine, tokens, 0).unwrap();
    let mut card = image.bytes.clone();
    let at = card.len();
    card.extend(program.bytes());
    let mut host = vec![0; 2 * OUTPUT];
    let mut random = Random::new(tokens as u64);
    let mut expected = Vec::new();
    for i in 0..sequences {
        let (ids, types) = sample::sequence(model, tokens, &mut random);
        for (j, (&id, &kind)) in ids.iter().zip(&types).enumerate() {
            let place = 4 * (i * tokens + j);
            host[place..place + 4].copy_from_slice(&(id | u32::from(kind) << 24).to_le_bytes());
        }
        expected.push(model.forward(&ids, &types).unwrap());
    }
    let mut bench = EngineBench::new(lanes, card, host, timing).unwrap();
    let width = 4 * model.hidden();
    let job = EngineJob {
        program: at as u64,
        length: program.len() as u16,
        repeat: sequences as u16,
        input: (0, 4 * tokens as u32),
        output: (OUTPUT as u64, width as u32),
        tag: 7,
    };
    let result = bench.run(&job, 3_000_000).unwrap();
    println!("{lanes} lanes, {tokens} tokens: {result:?}, macs {} {:?}", program.macs(), bench.counters());
    let found = (0..sequences)
        .map(|i| {
            let bytes = &bench.host()[OUTPUT + i * width..][..width];
            bytes.chunks_exact(4).map(|b| i32::from_le_bytes(b.try_into().unwrap())).collect()
        })
        .collect();
    (found, expected, result)
}

#[test]
fn a_small_encoder_at_8x8_is_the_reference() {
    let model = sample::encoder(&Shape { layers: 2, pooling: Pooling::Mean, ..Shape::SMALL }, 5);
    for tokens in [1, 8, 21] {
        let (found, expected, result) = run(&model, 8, tokens, 2, MemoryTiming::STATED);
        assert_eq!((result.error, result.tag), (0, 7));
        assert_eq!(found, expected, "{tokens} tokens");
    }
}
