//! The whole encoder on random models.
#![allow(clippy::unwrap_used)]

use lockstep_arith::encoder::{Encoder, InputError, Pooling};
use lockstep_arith::sample::{Random, Shape, encoder, sequence};

#[test]
fn random_models_are_valid_and_use_their_range() {
    for seed in 0..4 {
        let model = encoder(&Shape::SMALL, seed);
        model.validate().unwrap();
        let (ids, types) = sequence(&model, 64, &mut Random::new(seed));
        let stream = model.token_vectors(&ids, &types).unwrap();
        let distinct: std::collections::BTreeSet<i16> = stream.iter().copied().collect();
        assert!(distinct.len() > 1000, "seed {seed}: only {} values", distinct.len());
    }
}

#[test]
fn a_classifier_gives_one_integer_a_label() {
    let shape = Shape { labels: 3, pooling: Pooling::Cls, ..Shape::SMALL };
    let model = encoder(&shape, 9);
    model.validate().unwrap();
    let (ids, types) = sequence(&model, 7, &mut Random::new(1));
    assert_eq!(model.forward(&ids, &types).unwrap().len(), 3);
}

#[test]
fn dense_layers_give_the_vector() {
    let shape = Shape { dense: [30, 7], ..Shape::SMALL };
    let model = encoder(&shape, 9);
    model.validate().unwrap();
    let (ids, types) = sequence(&model, 7, &mut Random::new(1));
    let vector = model.forward(&ids, &types).unwrap();
    let without = Encoder { dense: vec![], ..model.clone() };
    let pooled = without.forward(&ids, &types).unwrap();
    let row = pooled.iter().map(|&sum| (2 * sum + 7).div_euclid(14) as i16).collect();
    let by_hand = model.dense.iter().fold(row, |row: Vec<i16>, layer| layer.forward(&row));
    assert_eq!(vector, by_hand.into_iter().map(i32::from).collect::<Vec<_>>());
    let wrong = |change: fn(&mut Encoder), message: &str| {
        let mut model = model.clone();
        change(&mut model);
        assert_eq!(model.validate().unwrap_err().to_string(), message);
    };
    wrong(|m| m.dense[1].linear.inputs = 31, "dense 1: length of a row of inputs is 31, allowed: 30");
    wrong(
        |m| m.dense[0].tanh.as_mut().unwrap().fraction_bits = 13,
        "dense 0: fraction_bits is 13, allowed: [1, 12]",
    );
    wrong(|m| m.dense = vec![m.dense[0].clone(); 5], "encoder: number of dense layers is 5, allowed: [0, 4]");
    wrong(
        |m| m.head = encoder(&Shape { labels: 1, ..Shape::SMALL }, 1).head,
        "encoder: number of dense layers is 2, allowed: [0, 0]",
    );
}

#[test]
fn what_it_does_not_take_is_named() {
    let model = encoder(&Shape::SMALL, 0);
    let of = |ids: &[u32], types: &[u8]| model.forward(ids, types).unwrap_err();
    assert_eq!(of(&[], &[]), InputError::Length { tokens: 0, limit: 64 });
    assert_eq!(of(&[1; 65], &[0; 65]), InputError::Length { tokens: 65, limit: 64 });
    assert_eq!(of(&[97], &[0]), InputError::Token { id: 97, vocabulary: 97 });
    assert_eq!(of(&[1], &[2]), InputError::Type { id: 2, types: 2 });
    assert_eq!(of(&[1, 2], &[0]), InputError::TypeCount { tokens: 2, types: 1 });
}
