//! Known answers: random models on the card, compared with the reference.

use lockstep_accel_driver::{CardEncoder, Sequence};
use lockstep_arith::encoder::Pooling;
use lockstep_arith::sample::{self, Random, Shape};

use crate::problem::Problem;

use super::subject::Subject;

pub(super) fn run(subject: &mut Subject<'_>) -> Result<String, Problem> {
    let shapes = [
        Shape { layers: 1, ..Shape::SMALL },
        Shape { layers: 2, pooling: Pooling::Cls, hidden: 96, heads: 3, ..Shape::SMALL },
    ];
    let mut vectors = 0;
    for (seed, shape) in (1..).zip(shapes) {
        let model = sample::encoder(&shape, seed);
        let card = subject.take()?;
        let lanes = card.capabilities().engine.lanes;
        let lengths =
            [1, 3, lanes - 1, lanes, lanes + 1, 2 * lanes, 3].map(|tokens| tokens.min(shape.positions));
        let mut random = Random::new(seed);
        let texts = lengths.map(|tokens| sample::sequence(&model, tokens, &mut random));
        let batch: Vec<Sequence<'_>> =
            texts.iter().map(|(ids, type_ids)| Sequence { ids, type_ids }).collect();
        let mut encoder = CardEncoder::new(card, &model)?;
        let found = encoder.encode(&batch);
        subject.give_back(encoder.into_card());
        for (i, (sequence, found)) in batch.iter().zip(found?).enumerate() {
            let expected = model.forward(sequence.ids, sequence.type_ids);
            let expected = expected.map_err(|error| Problem::new(error, "report this mistake"))?;
            compare(i, &found, &expected)?;
            vectors += 1;
        }
    }
    Ok(format!("{vectors} vectors of 2 models are the reference's"))
}

fn compare(i: usize, found: &[i32], expected: &[i32]) -> Result<(), Problem> {
    let differs = || found.iter().zip(expected).enumerate().filter(|(_, (a, b))| a != b);
    let Some((element, (found, right))) = differs().next() else { return Ok(()) };
    let error = format!(
        "vector {i}: {} of {} elements differ; element {element} is {found}, not {right}",
        differs().count(),
        expected.len()
    );
    let next = "the timing of the design (its clock, its constraints); a bit that differs in each run is a path that is \
                too slow; the same program in simulation: lockstep-card SOCKET --check";
    Err(Problem::new(error, next))
}
