//! `model.lockstep`: valid files of several shapes with changed numbers, lines and lengths. A file
//! is refused, or it is the only file of its model, and the model runs as the reference does.

use std::sync::LazyLock;

use lockstep_arith::encoder::{Encoder, Pooling};
use lockstep_arith::sample::{Random, Shape, encoder, sequence};
use lockstep_folder::runtime::{read, unpack, write};
use lockstep_model::{Model, Sequence};

use crate::script::Script;

/// The least shape. Most of its file is structure.
pub(crate) const TINY: Shape =
    Shape { vocabulary: 3, positions: 4, layers: 1, hidden: 32, heads: 2, intermediate: 32, ..Shape::SMALL };

/// Shapes with a head, with odd sizes, with two layers, with dense layers.
pub(crate) const SHAPES: [Shape; 5] = [
    TINY,
    Shape { labels: 3, ..TINY },
    Shape { hidden: 34, heads: 1, intermediate: 38, pooling: Pooling::Cls, ..TINY },
    Shape { layers: 2, ..TINY },
    Shape { dense: [35, 2], pooling: Pooling::WeightedMean, ..TINY },
];

static FILES: LazyLock<[Vec<u8>; SHAPES.len()]> =
    LazyLock::new(|| SHAPES.map(|shape| write(&encoder(&shape, 1))));

/// Bytes of a section's lines.
const LINE: usize = 64;

/// Reads a script as a file. Returns whether it was accepted.
pub fn run(bytes: &[u8]) -> bool {
    let mut script = Script::new(bytes);
    let mut file = script.pick(&[0, 1, 2, 3, 4].map(|i| &FILES[i])).clone();
    for _ in 0..script.below(6) {
        change(&mut file, &mut script);
    }
    let Ok(packed) = read(file.clone().into()) else { return false };
    let plain = unpack(&packed);
    assert!(write(&plain) == file, "another file of the same model");
    if let Err(error) = plain.validate() {
        panic!("the reference refuses what the file may hold: {error}");
    }
    compare(&plain, file);
    true
}

fn change(file: &mut Vec<u8>, script: &mut Script<'_>) {
    let end = file.len();
    let spot = |script: &mut Script<'_>| script.below(end.max(4) / 4) * 4;
    let mut put = |at: usize, bytes: &[u8]| {
        for (at, &byte) in (at..).zip(bytes) {
            if let Some(old) = file.get_mut(at) {
                *old = byte;
            }
        }
    };
    match script.below(8) {
        // A number of the header.
        0 | 1 => put(8 + 4 * script.below(14), &(script.number() as u32).to_le_bytes()),
        2 => put(spot(script), &(script.number() as u32).to_le_bytes()),
        3 => put(spot(script) + 2, &(script.number() as u16).to_le_bytes()),
        4 => put(spot(script) + script.below(4), &[script.byte()]),
        5 => file.truncate(script.below(end + 1)),
        6 => {
            let at = script.below(end / LINE + 1) * LINE;
            file.splice(at..at, std::iter::repeat_n(script.byte(), LINE));
        }
        _ => {
            let at = (script.below(end / LINE + 1) * LINE).min(end);
            file.drain(at..(at + LINE).min(end));
        }
    }
}

/// Runs a model by its kernels and by the reference.
fn compare(plain: &Encoder, file: Vec<u8>) {
    let model = Model::open(file).expect("a file that was read");
    let limits = plain.input_limits();
    let (ids, type_ids) = sequence(plain, limits.positions.min(3), &mut Random::new(1));
    let results = model.run(&[Sequence { ids: &ids, type_ids: &type_ids }]).expect("a model that was opened");
    let expected = plain.forward(&ids, &type_ids).expect("a sequence within the limits");
    assert_eq!(results, [expected], "kernels and reference");
}

/// Each shape, and random changes.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = (0..SHAPES.len() as u8).map(|shape| vec![shape, 0]).collect();
    // One changed byte, which is mostly a weight.
    seeds.extend((0..24_u8).map(|i| vec![i % 5, 1, 4, i.wrapping_mul(41), i % 7, i % 4, i]));
    seeds.extend(crate::random::scripts(8, 60));
    seeds
}
