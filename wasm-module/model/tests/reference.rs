//! A model gives the integers of the reference encoder, compared by `==`, for every shape, length
//! and batch.

use lockstep_arith::encoder::{Encoder, Pooling};
use lockstep_arith::sample::{Random, Shape, encoder, sequence};
use lockstep_model::{InputError, Model, ModelError, Sequence};

/// Shapes that together use every operator of the format, with widths that fill no vector register.
fn shapes() -> Vec<Shape> {
    let small = Shape::SMALL;
    vec![
        small,
        Shape { layers: 1, hidden: 96, heads: 3, intermediate: 384, ..small },
        Shape { layers: 3, pooling: Pooling::Cls, ..small },
        Shape { layers: 1, hidden: 34, heads: 2, intermediate: 70, ..small },
        Shape { layers: 2, hidden: 312, heads: 12, intermediate: 1200, ..small },
        Shape { layers: 2, dense: [77, 0], ..small },
        Shape { layers: 1, dense: [64, 301], positions: 512, ..small },
        Shape { layers: 1, dense: [1, 0], pooling: Pooling::Cls, ..small },
        Shape { layers: 1, pooling: Pooling::Max, ..small },
        Shape { layers: 1, pooling: Pooling::WeightedMean, positions: 512, ..small },
        Shape { layers: 1, dense: [50, 0], pooling: Pooling::Max, ..small },
        Shape { layers: 1, dense: [50, 0], pooling: Pooling::WeightedMean, ..small },
        Shape { layers: 2, labels: 77, ..small },
        Shape { layers: 1, labels: 1, positions: 512, ..small },
    ]
}

fn open(encoder: &Encoder) -> Model {
    Model::open(lockstep_folder::runtime::write(encoder)).expect("a file that was just written opens")
}

type Tokens = (Vec<u32>, Vec<u8>);

fn batch(sequences: &[Tokens]) -> Vec<Sequence<'_>> {
    sequences.iter().map(|(ids, type_ids)| Sequence { ids, type_ids }).collect()
}

fn expected(encoder: &Encoder, sequences: &[Tokens]) -> Vec<Vec<i32>> {
    let forward = |(ids, types): &Tokens| encoder.forward(ids, types).expect("the sequence is in range");
    sequences.iter().map(forward).collect()
}

#[test]
fn models_equal_the_reference() {
    for (seed, shape) in shapes().iter().enumerate() {
        let encoder = encoder(shape, seed as u64);
        encoder.validate().expect("a sample is in range");
        let model = open(&encoder);
        assert_eq!(
            (model.hidden(), model.vocabulary(), model.positions(), model.types(), model.has_head()),
            (shape.hidden, shape.vocabulary, shape.positions, 2, shape.labels > 0)
        );
        let outputs = [shape.labels, shape.dense[1], shape.dense[0], shape.hidden];
        assert_eq!(Some(model.outputs()), outputs.into_iter().find(|&outputs| outputs > 0));

        let mut random = Random::new(seed as u64);
        let lengths = [1, 2, 3, 5, 17, shape.positions, 33, 1];
        let sequences: Vec<Tokens> =
            lengths.iter().map(|&tokens| sequence(&encoder, tokens, &mut random)).collect();
        let expected = expected(&encoder, &sequences);
        for (one, expected) in batch(&sequences).iter().zip(&expected) {
            let tokens = one.ids.len();
            let found = model.run(&[*one]).expect("runs");
            assert_eq!(found, std::slice::from_ref(expected), "{shape:?}, {tokens} tokens");
        }
        assert_eq!(model.run(&batch(&sequences)).expect("runs"), expected, "{shape:?}, ragged batch");
    }
}

#[test]
fn a_batch_larger_than_one_chunk_equals_its_sequences() {
    let encoder = encoder(&Shape { positions: 512, layers: 1, ..Shape::SMALL }, 7);
    let model = open(&encoder);
    let mut random = Random::new(7);
    let lengths = [512, 512, 512, 512, 1, 511, 2, 300, 512, 512, 512, 3];
    let sequences: Vec<Tokens> =
        lengths.iter().map(|&tokens| sequence(&encoder, tokens, &mut random)).collect();
    assert_eq!(model.run(&batch(&sequences)).expect("runs"), expected(&encoder, &sequences));
    assert!(model.run(&[]).expect("runs").is_empty());
}

#[test]
fn a_different_weight_gives_a_different_result() {
    let mut encoder = encoder(&Shape::SMALL, 9);
    let model = open(&encoder);
    let sequences = [sequence(&encoder, 9, &mut Random::new(9))];
    let bias = &mut encoder.layers[1].contract.biases[3];
    *bias += if *bias > 0 { -4000 } else { 4000 };
    assert_ne!(model.run(&batch(&sequences)).expect("runs"), expected(&encoder, &sequences));
}

#[test]
fn sequences_that_a_model_does_not_take_are_named() {
    let encoder = encoder(&Shape::SMALL, 10);
    let model = open(&encoder);
    let long = vec![1; 65];
    let cases: [(&[u32], &[u8]); 6] =
        [(&[], &[]), (&long, &[0; 65]), (&[97], &[0]), (&[u32::MAX], &[0]), (&[1], &[2]), (&[1], &[0, 0])];
    for (ids, type_ids) in cases {
        let expected: InputError = encoder.check_input(ids, type_ids).expect_err("the reference refuses it");
        let good = Sequence { ids: &[1, 2], type_ids: &[0, 1] };
        match model.run(&[good, Sequence { ids, type_ids }]) {
            Err(ModelError::Input { index: 1, source }) => assert_eq!(source, expected),
            other => panic!("{ids:?}: {other:?}"),
        }
    }
    let error = model.run(&[Sequence { ids: &[97], type_ids: &[0] }]).expect_err("not in the vocabulary");
    assert_eq!(error.to_string(), "sequence 0: token id 97, the vocabulary has 97");
}
