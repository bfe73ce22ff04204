//! The whole encoder on random models.
#![allow(clippy::unwrap_used)]

use lockstep_arith::encoder::{InputError, Pooling};
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
fn what_it_does_not_take_is_named() {
    let model = encoder(&Shape::SMALL, 0);
    let of = |ids: &[u32], types: &[u8]| model.forward(ids, types).unwrap_err();
    assert_eq!(of(&[], &[]), InputError::Length { tokens: 0, limit: 64 });
    assert_eq!(of(&[1; 65], &[0; 65]), InputError::Length { tokens: 65, limit: 64 });
    assert_eq!(of(&[97], &[0]), InputError::Token { id: 97, vocabulary: 97 });
    assert_eq!(of(&[1], &[2]), InputError::Type { id: 2, types: 2 });
    assert_eq!(of(&[1, 2], &[0]), InputError::TypeCount { tokens: 2, types: 1 });
}
