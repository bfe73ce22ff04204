//! The ONNX file without a runtime: what is written is read back, and damaged bytes are refused.

mod onnx_models;

use lockstep_arith::encoder::Encoder;
use lockstep_arith::sample::Shape;
use lockstep_quantize::onnx::write;
use lockstep_tests_quantize::read;
use onnx_models::{SMALL, extreme, model, shapes};
use proptest::prelude::*;

/// A file of a few kilobytes beside the functions.
const TINY: Shape =
    Shape { vocabulary: 5, positions: 3, layers: 1, hidden: 32, heads: 1, intermediate: 32, ..SMALL };

fn small_file() -> Vec<u8> {
    write(&model(&TINY, 1), &[("model_id".to_owned(), "tiny".to_owned())])
}

#[test]
fn read_gives_what_was_written() {
    for (seed, shape) in (0..).zip(shapes()) {
        for encoder in [model(&shape, seed), extreme(&shape, seed)] {
            let bytes = write(&encoder, &[]);
            assert!(read(&bytes).expect("own file") == encoder, "{shape:?}");
        }
    }
}

#[test]
fn equal_arguments_give_equal_bytes() {
    assert!(small_file() == small_file());
    assert!(small_file() != write(&model(&TINY, 1), &[]));
}

#[test]
fn a_truncated_file_is_refused() {
    let bytes = small_file();
    for end in (0..bytes.len()).step_by(101).chain(bytes.len() - 300..bytes.len()) {
        assert!(read(&bytes[..end]).is_err(), "{end} of {} bytes", bytes.len());
    }
}

/// What [`read`] accepts can be run.
fn is_sound(encoder: &Encoder) -> bool {
    encoder.validate().is_ok() && encoder.forward(&[0], &[0]).is_ok()
}

proptest! {
    #[test]
    fn flipped_bytes_never_panic(flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let mut bytes = small_file();
        for (index, byte) in flips {
            let at = index.index(bytes.len());
            bytes[at] = byte;
        }
        prop_assert!(read(&bytes).is_err() || read(&bytes).is_ok_and(|e| is_sound(&e)));
    }

    #[test]
    fn any_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(read(&bytes).is_err());
    }
}
