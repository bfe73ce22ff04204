//! Jobs that fail: the error, the address, and the next job, which is right.
#![allow(clippy::unwrap_used)]

mod support;

use lockstep_accel_abi::instructions::{Drain, End, Instruction, Load, Mac, Pass, When};
use lockstep_accel_model::{Failure, Fault};
use lockstep_arith::encoder::Encoder;
use lockstep_arith::sample::{self, Random, Shape};
use support::Bench;

const TOKENS: usize = 11;

fn bench() -> (Encoder, Bench, Vec<Vec<i32>>) {
    let model = sample::encoder(&Shape { layers: 1, ..Shape::SMALL }, 9);
    let (ids, types) = sample::sequence(&model, TOKENS, &mut Random::new(11));
    let expected = vec![model.forward(&ids, &types).unwrap()];
    let bench = Bench::new(&model, 8, TOKENS, &[(ids, types)]);
    (model, bench, expected)
}

#[test]
fn a_failed_job_leaves_the_next_one_whole() {
    let (model, mut bench, expected) = bench();
    let good = |bench: &mut Bench| {
        assert_eq!(bench.run().result, Ok(()));
        assert_eq!(bench.outputs(1, model.hidden()), expected);
    };
    good(&mut bench);

    let inputs = bench.memories.host[..4].to_vec();
    for bad in [97_u32, 2 << 24] {
        bench.memories.host[..4].copy_from_slice(&bad.to_le_bytes());
        assert_eq!(bench.run().result, Err(Failure::BadInput), "{bad:#x}");
    }
    bench.memories.host[..4].copy_from_slice(&inputs);
    good(&mut bench);

    let job = bench.job;
    bench.job.input.0 = 1 << 40;
    assert_eq!(bench.run().result, Err(Failure::HostRead(Fault { address: 1 << 40 })));
    bench.job = job;
    bench.memories.fail_writes = true;
    assert_eq!(bench.run().result, Err(Failure::HostWrite(Fault { address: job.output.0 })));
    bench.memories.fail_writes = false;
    let end = bench.memories.card.len() as u64;
    bench.job.program = end - 32;
    assert_eq!(
        bench.run().result,
        Err(Failure::CardRead(Fault { address: end })),
        "a program beyond the card"
    );
    bench.job = job;
    let stopped = bench.engine.run(&job, &mut bench.memories, &|| true);
    assert_eq!(stopped.result, Err(Failure::Aborted));
    // The tables of the model hold no instructions.
    bench.job.program = 0;
    assert_eq!(bench.run().result, Err(Failure::IllegalInstruction));
    bench.job = job;
    good(&mut bench);
}

/// Programs that only their compiler can know to be wrong end neither in a panic nor never.
#[test]
fn a_program_that_cannot_go_on_is_stuck() {
    let (model, mut bench, expected) = bench();
    let good = bench.job;
    let at = bench.memories.card.len();
    let load = Load { address: 0, words: 4200 };
    let mac = Mac { k: 8191, ..Mac::default() };
    let programs: [&[Instruction]; 6] = [
        &[Pass::default().into()],
        &[Instruction::from(End {}).wait(3, When::Once)],
        &[Drain::default().into(), Instruction::from(Pass::default()).wait(0, When::Once)],
        &[Mac { ring: true, ..Mac::default() }.into()],
        // A panel that is longer than the ring.
        &[load.into(), load.into(), Mac { ring: true, ..mac }.into()],
        &[Mac { inner: 2, ..mac }.into(), Drain::default().into()],
    ];
    for program in programs {
        bench.memories.card.truncate(at);
        bench.memories.card.extend(program.iter().flat_map(|i| i.to_bytes().unwrap()));
        bench.job.program = at as u64;
        bench.job.length = program.len() as u16;
        assert_eq!(bench.run().result, Err(Failure::Stuck), "{program:?}");
    }
    bench.job = good;
    assert_eq!(bench.run().result, Ok(()));
    assert_eq!(bench.outputs(1, model.hidden()), expected);
}

/// Random instructions: whatever they are, a job ends without a panic.
#[test]
fn random_programs_end() {
    let (_, mut bench, _) = bench();
    let at = bench.memories.card.len();
    let mut random = Random::new(7);
    let mut known = 0;
    for _ in 0..400 {
        bench.memories.card.truncate(at);
        for _ in 0..20 {
            let mut bytes = [(); 4].map(|()| random.next().to_le_bytes());
            // A known opcode; no waits; few turns, so that the test ends soon.
            bytes[0][0] = random.within(3, 8) as u8;
            bytes[0][1..5].fill(0);
            match bytes[0][0] {
                3 => (bytes[0][6], bytes[0][7], bytes[1][0]) = (0xe0, 1, 0xe0 & bytes[1][0]),
                5 => (bytes[0][6], bytes[0][7]) = (bytes[0][6] & 0xc1 | 0x40, bytes[0][7] & 0x80 | 0x40),
                7 => (bytes[0][6], bytes[0][7]) = (bytes[0][6] & 7, bytes[0][7] & 0xf8 | 1),
                _ => {}
            }
            known +=
                u32::from(Instruction::from_bytes(bytes.as_flattened().first_chunk().unwrap()).is_some());
            bench.memories.card.extend(bytes.as_flattened());
        }
        bench.job.program = at as u64;
        bench.job.length = 20;
        let done = bench.run();
        assert!(!matches!(done.result, Err(Failure::Aborted)));
    }
    assert!(known > 4000, "{known} of 8000 instructions are legal");
}

/// Loads that nothing takes fill the ring, not this process's memory.
#[test]
fn loads_without_an_end_fill_the_ring() {
    let (_, mut bench, _) = bench();
    let at = bench.memories.card.len();
    let program =
        [Load { address: 0, words: 1 }; 200].map(|load| Instruction::from(load).to_bytes().unwrap());
    bench.memories.card.extend(program.as_flattened());
    (bench.job.program, bench.job.length, bench.job.runs) = (at as u64, 200, u16::MAX);
    bench.memories.reads.set(0);
    assert_eq!(bench.run().result, Err(Failure::Stuck));
    // One read of an instruction and one of a load for each word of the ring, not 13 million.
    assert!(bench.memories.reads.get() < 20_000, "{:?}", bench.memories.reads);
}
