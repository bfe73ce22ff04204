//! The whole card: the bench copies weights and programs to it, submits jobs, and compares the
//! vectors with the reference.
#![allow(clippy::unwrap_used)]

use lockstep_accel_abi::events::Event;
use lockstep_accel_abi::registers;
use lockstep_accel_abi::{Descriptor, EngineError, Opcode, Status, descriptor};
use lockstep_accel_program::{ArrayShape, Image, Program};
use lockstep_arith::encoder::{Encoder, Pooling};
use lockstep_arith::sample::{self, Random, Shape};
use lockstep_hdl_sim::{AxiTiming, Card, CardSetup, Design, Optimize, Stalls, TopSetup};

const LANES: usize = 8;

fn card(stalls: Stalls) -> Card {
    let timing = AxiTiming { latency: 120, ..AxiTiming::default() };
    let setup = CardSetup {
        top: TopSetup {
            design: Design::new("ls_top").parameter("N", LANES).optimize(Optimize::Run),
            host: timing,
            card: timing,
            stalls,
        },
        host_bytes: 1 << 20,
        card_bytes: 1 << 20,
        ring_log2: 3,
    };
    let mut card = Card::new(&setup).unwrap();
    card.enable().unwrap();
    card
}

/// A batch of sequences of one length: writes the inputs, and returns the job and the expected
/// results.
fn job(
    card: &Card,
    model: &Encoder,
    tag: u16,
    program: (u64, &Program),
    tokens: usize,
    runs: usize,
) -> (Descriptor, Vec<u8>) {
    let input = Card::DATA_BASE + 0x8_0000 + u64::from(tag) * 0x2000;
    let output = input + 0x1000;
    let mut random = Random::new(u64::from(tag) + 50);
    let (mut text, mut expected) = (Vec::new(), Vec::new());
    for _ in 0..runs {
        let (ids, types) = sample::sequence(model, tokens, &mut random);
        text.extend(descriptor::inputs(&ids, &types));
        expected.extend(model.forward(&ids, &types).unwrap().iter().flat_map(|y| y.to_le_bytes()));
    }
    card.host_write(input, &text);
    let job = Descriptor {
        opcode: Opcode::Run as u8,
        tag,
        card_address: program.0,
        program_length: program.1.len() as u32,
        host_address: input,
        output_address: output,
        runs: runs as u16,
        array: LANES as u16,
        tokens: tokens as u16,
        hidden: model.hidden() as u16,
        input_stride: 4 * tokens as u32,
        output_stride: 4 * model.hidden() as u32,
        ..Descriptor::default()
    };
    (job, expected)
}

#[test]
fn vectors_of_the_card_are_the_reference_s() {
    let model = sample::encoder(&Shape { layers: 2, pooling: Pooling::Mean, ..Shape::SMALL }, 5);
    let engine = ArrayShape::new(LANES);
    let image = Image::new(&model, &engine).unwrap();
    let programs: Vec<Program> =
        [3, 21].map(|tokens| Program::new(&image, &engine, tokens, 0).unwrap()).into();
    for stalls in [Stalls::NONE, Stalls { idle: 30, back_pressure: 30, seed: 2 }] {
        let mut card = card(stalls);
        let mut bytes = image.bytes.clone();
        let places: Vec<u64> = programs
            .iter()
            .map(|program| {
                bytes.resize(bytes.len().next_multiple_of(64), 0);
                let at = bytes.len();
                bytes.extend(program.bytes());
                at as u64
            })
            .collect();
        card.host_write(Card::DATA_BASE, &bytes);
        card.submit(&[Descriptor::copy_to_card(1, Card::DATA_BASE, 0, bytes.len() as u32)]).unwrap();
        assert_eq!(card.wait(1, 1_000_000).unwrap()[0].outcome(), Ok(Status::Ok));

        let batch: Vec<_> = [(2, 0, 2), (3, 1, 2), (4, 0, 1)]
            .map(|(tag, p, runs)| {
                let tokens = [3, 21][p];
                job(&card, &model, tag, (places[p], &programs[p]), tokens, runs)
            })
            .into();
        let mut commands: Vec<Descriptor> = batch.iter().map(|b| b.0).collect();
        // In between: a program for another array, one in the weights, and one of zeros.
        commands.insert(1, Descriptor { tag: 90, array: 16, ..commands[0] });
        commands.insert(3, Descriptor { tag: 91, card_address: 0, ..commands[0] });
        commands.insert(4, Descriptor { tag: 92, card_address: 0xf_0000, ..commands[0] });
        card.submit(&commands).unwrap();
        let records = card.wait(6, 1_000_000).unwrap();
        let found: Vec<Status> = records.iter().map(|r| r.outcome().unwrap()).collect();
        assert_eq!(
            found,
            [
                Status::Ok,
                Status::UnsupportedShape,
                Status::Ok,
                Status::BadInstruction,
                Status::BadInstruction,
                Status::Ok
            ]
        );
        assert_eq!(records[4].engine_error(), Ok(EngineError::IllegalInstruction));
        for (job, expected) in &batch {
            assert_eq!(&card.host_read(job.output_address, expected.len()), expected, "job {}", job.tag);
        }
        for record in records {
            println!(
                "{} {:?}: {} cycles, array {}",
                record.tag,
                record.outcome(),
                record.cycles,
                record.array_busy
            );
        }
        assert!(card.top.counter(Event::ArrayBusy).unwrap() > 0);
        assert_eq!(card.top.read(registers::ERROR_STATUS).unwrap(), 0);

        // An abort and a reset in the middle of a job: the next job is right.
        for reset in [false, true] {
            let (first, _) = job(&card, &model, 5, (places[1], &programs[1]), 21, 2);
            card.submit(&[first]).unwrap();
            card.top.run(4000).unwrap();
            if reset {
                card.reset(20_000).unwrap();
                assert!(card.top.idle());
                card.enable().unwrap();
            } else {
                card.top.write(registers::ABORT, 5).unwrap();
                assert_eq!(card.wait(1, 20_000).unwrap()[0].outcome(), Ok(Status::Aborted));
            }
            let (next, expected) = job(&card, &model, 6, (places[0], &programs[0]), 3, 2);
            card.submit(&[next]).unwrap();
            assert_eq!(card.wait(1, 1_000_000).unwrap()[0].outcome(), Ok(Status::Ok));
            assert_eq!(card.host_read(next.output_address, expected.len()), expected, "reset {reset}");
        }
    }
}
