//! Three readers of the same ONNX file agree: tract-onnx, the strict reader of the tests, and the
//! engine that runs what tract-onnx read.

use lockstep_arith::encoder::{Pooling, Sequence};
use lockstep_arith::sample::{Random, Shape, encoder, sequence};
use lockstep_folder::runtime;
use lockstep_model::Model;

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
        Shape { layers: 1, dense: [64, 301], ..small },
        Shape { layers: 1, dense: [1, 0], pooling: Pooling::Cls, ..small },
        Shape { layers: 1, pooling: Pooling::Max, ..small },
        Shape { layers: 1, dense: [50, 0], pooling: Pooling::WeightedMean, ..small },
        Shape { layers: 2, labels: 77, ..small },
        Shape { layers: 1, labels: 1, positions: 512, ..small },
    ]
}

#[test]
fn the_onnx_file_gives_the_same_model() {
    for (seed, shape) in shapes().iter().enumerate() {
        let encoder = encoder(shape, seed as u64);
        let bytes = lockstep_quantize::onnx::write(&encoder, &[("origin".into(), "a test".into())]);
        let model = Model::open(lockstep_onnx::pack(&bytes).expect("reads")).expect("opens");
        let (ids, type_ids) = sequence(&encoder, 9, &mut Random::new(8));
        let expected = encoder.forward(&ids, &type_ids).expect("the sequence is in range");
        let found = model.run(&[Sequence { ids: &ids, type_ids: &type_ids }]).expect("runs");
        assert_eq!(found, [expected]);
        let read = lockstep_tests_quantize::read(&bytes).expect("reads");
        assert!(runtime::write(&read) == runtime::write(&encoder), "{shape:?}");
    }
}
