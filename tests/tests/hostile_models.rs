//! Truncated, damaged and lying files. Each is refused with an error, or opens and runs; none
//! panics.

use std::panic::{AssertUnwindSafe, catch_unwind};

use lockstep_arith::encoder::{Encoder, Pooling};
use lockstep_arith::sample::{Random, Shape, encoder};
use lockstep_model::{Model, ModelError, Sequence};
use lockstep_onnx::OnnxError;

/// A model with little data, so that most mutations hit the structure of the file.
const TINY: Shape =
    Shape { vocabulary: 3, positions: 4, layers: 1, hidden: 32, heads: 2, intermediate: 32, ..Shape::SMALL };

type AnyError = Box<dyn std::error::Error>;

/// A kind of file, with the functions that write and open it.
struct Kind {
    name: &'static str,
    write: fn(&Encoder) -> Vec<u8>,
    open: fn(&[u8]) -> Result<Model, AnyError>,
}

const PACKED: Kind =
    Kind { name: "packed", write: lockstep_folder::runtime::write, open: |bytes| Ok(Model::open(bytes)?) };
const ONNX: Kind = Kind {
    name: "ONNX",
    write: |encoder| lockstep_quantize::onnx::write(encoder, &[]),
    open: |bytes| Ok(Model::open(lockstep_onnx::pack(bytes)?)?),
};

impl Kind {
    fn bytes(&self, shape: &Shape) -> Vec<u8> {
        (self.write)(&encoder(shape, 1))
    }

    /// Opens the bytes, and runs the model if they open.
    fn try_open(&self, bytes: &[u8], what: &str) -> Result<(), AnyError> {
        let attempt = || {
            let model = (self.open)(bytes)?;
            model.run(&[Sequence { ids: &[0, 2, 1], type_ids: &[0, 1, 1] }])?;
            Ok(())
        };
        catch_unwind(AssertUnwindSafe(attempt)).unwrap_or_else(|_| panic!("{}: panics on {what}", self.name))
    }
}

#[test]
fn an_undamaged_file_opens() {
    for kind in [PACKED, ONNX] {
        kind.try_open(&kind.bytes(&TINY), "a good file").expect("opens");
        kind.try_open(&kind.bytes(&Shape { labels: 3, ..TINY }), "a good file").expect("opens");
        kind.try_open(&kind.bytes(&Shape { dense: [35, 2], ..TINY }), "a good file").expect("opens");
        let max = Shape { pooling: Pooling::Max, ..TINY };
        kind.try_open(&kind.bytes(&max), "a good file").expect("opens");
    }
}

#[test]
fn truncated_files_are_refused() {
    for kind in [PACKED, ONNX] {
        let bytes = kind.bytes(&TINY);
        let (mut cut, mut refused) = (0, 0);
        for len in (0..bytes.len()).step_by(61).chain(0..200) {
            cut += 1;
            let opened = kind.try_open(&bytes[..len], &format!("the first {len} bytes"));
            refused += usize::from(opened.is_err());
        }
        // The functions follow the graph in an ONNX file, and tract-onnx needs none of them: a file
        // that ends between two of them opens.
        assert!(refused > if kind.name == "packed" { cut - 1 } else { 200 }, "{refused} of {cut} refused");
    }
}

#[test]
fn damaged_files_do_not_panic() {
    for kind in [PACKED, ONNX] {
        let others = [Shape { labels: 3, ..TINY }, Shape { dense: [35, 2], ..TINY }];
        for (seed, shape) in (1..).zip([TINY].into_iter().chain(others)) {
            let good = kind.bytes(&shape);
            let mut random = Random::new(seed);
            let mut refused = 0;
            for _ in 0..3000 {
                let mut bad = good.clone();
                for _ in 0..random.within(1, 3) {
                    let at = random.within(0, good.len() as i32 - 1) as usize;
                    bad[at] ^= 1 << random.within(0, 7);
                }
                refused += usize::from(kind.try_open(&bad, "flipped bits").is_err());
            }
            assert!(refused > 100, "{refused} of the damaged files refused");
        }
    }
}

#[test]
fn spliced_files_do_not_panic() {
    for kind in [PACKED, ONNX] {
        let good = kind.bytes(&TINY);
        let mut random = Random::new(3);
        for _ in 0..1500 {
            let mut bad = good.clone();
            let [a, b] = [0; 2].map(|_| random.within(0, good.len() as i32 - 1) as usize);
            let len = random.within(1, 64) as usize;
            if random.within(0, 1) == 0 {
                bad.drain(a..(a + len).min(good.len()));
            } else {
                let piece = good[b..(b + len).min(good.len())].to_vec();
                bad.splice(a..a, piece);
            }
            let _ = kind.try_open(&bad, "spliced pieces");
        }
    }
}

/// Sets each number of the header, and some of the rest of the file, to extreme values.
#[test]
fn numbers_that_lie_are_refused() {
    let shape = Shape { labels: 3, ..TINY };
    let good = PACKED.bytes(&shape);
    // Outside the header, the bytes of weights and tables are also changed as 32-bit numbers.
    for at in (8..64).step_by(4).chain((64..good.len() - 4).step_by(148)) {
        let kept = i32::from_le_bytes([good[at], good[at + 1], good[at + 2], good[at + 3]]);
        for lie in [0, 1, -1, i32::MAX, i32::MIN, kept.wrapping_add(1), kept.wrapping_mul(2)] {
            let mut bad = good.clone();
            bad[at..at + 4].copy_from_slice(&lie.to_le_bytes());
            let opened = PACKED.try_open(&bad, &format!("{lie} at {at}"));
            let in_header = at < 64 && lie != kept;
            // These values describe another valid model: heads of another width, another shift of
            // the tables, and a fourth word or more labels, whose zeros fit into the padding.
            let another = match at {
                20 => lie > 0 && 32 % lie == 0,
                24 => lie == kept + 1,
                36 => (4..=16).contains(&lie),
                44 => (0..8).contains(&lie),
                _ => false,
            };
            assert!(!in_header || another || opened.is_err(), "{lie} in the place of {kept} at {at}");
        }
    }
}

#[test]
fn what_is_wrong_with_a_packed_file_is_said() {
    let good = PACKED.bytes(&TINY);
    let refusal = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bad = good.clone();
        change(&mut bad);
        Model::open(bad).expect_err("refused").to_string()
    };
    assert_eq!(refusal(&|bytes| bytes[0] = b'l'), "not a lockstep file");
    assert_eq!(refusal(&|bytes| bytes.clear()), "not a lockstep file");
    assert_eq!(refusal(&|bytes| bytes[8] = 2), "format is 2, this program reads 1");
    assert_eq!(
        refusal(&|bytes| bytes[63] = 1),
        "header: what fills it up to a multiple of 64 bytes is not 0"
    );
    let len = good.len();
    assert_eq!(refusal(&|bytes| bytes.extend([0; 64])), "64 bytes after the last section");
    assert_eq!(
        refusal(&|bytes| bytes.truncate(len - 1)),
        format!("layer.0.contract.offset: ends at byte {len}, the file has {}", len - 1)
    );
    // 2^24 words in a file of some kilobytes.
    assert_eq!(
        refusal(&|bytes| bytes[24..28].copy_from_slice(&(1_u32 << 24).to_le_bytes())),
        format!("embedding.word_scales: ends at byte {}, the file has {len}", 64 + (2 << 24))
    );
}

#[test]
fn bytes_that_begin_anywhere_are_taken() {
    let good = PACKED.bytes(&TINY);
    for shift in 0..5 {
        let shifted = [vec![0; shift], good.clone()].concat();
        PACKED.try_open(&shifted[shift..], "a good file").expect("opens");
    }
}

#[test]
fn parameters_out_of_range_are_named() {
    type Damage = fn(&mut Encoder);
    let cases: [(Damage, &str); 13] = [
        (|e| e.layers[0].expand.weights[5] = 64, "layer.0.expand: weights[5] is 64"),
        (|e| e.layers[0].projection.multipliers[1] = -1, "layer.0.projection: multipliers[1] is -1"),
        (|e| e.layers[0].output.biases[2] = 1 << 22, "layer.0.output: biases[2] is 4194304"),
        (|e| e.layers[0].contract.acc_shift = 13, "layer.0.contract: acc_shift is 13"),
        (|e| e.layers[0].contract.out_shift = 0, "layer.0.contract: out_shift is 0"),
        (|e| e.layers[0].score.shift = 36, "layer.0.attention: score_shift is 36"),
        (|e| e.layers[0].score.multiplier = 16383, "layer.0.attention: score_multiplier is 16383"),
        (|e| e.heads = 3, "encoder: hidden size modulo heads is 2"),
        (|e| e.layers[0].attention_norm.residual_shift = 5, "layer.0.output: residual_shift is 5"),
        (|e| e.layers[0].activation.offset = -1, "layer.0.expand: offset is -1"),
        (|e| e.layers[0].activation.bump.fraction_bits = 13, "layer.0.expand: fraction_bits is 13"),
        (|e| e.embedding.word_scales[2] = 4096, "embedding: word_scales[2] is 4096"),
        (|e| e.embedding.words[7] = -128, "embedding: words[7] is -128"),
    ];
    for (damage, message) in cases {
        let mut encoder = encoder(&TINY, 1);
        damage(&mut encoder);
        for kind in [PACKED, ONNX] {
            let error = (kind.open)(&(kind.write)(&encoder)).expect_err(message);
            let is_range = matches!(error.downcast_ref(), Some(ModelError::Range(_)))
                || matches!(error.downcast_ref(), Some(OnnxError::Range(_)));
            let names_it = error.to_string().starts_with(message);
            assert!(is_range && names_it, "{}: {error}, not {message}", kind.name);
        }
    }
}

#[test]
fn parameters_of_dense_layers_are_named() {
    type Damage = fn(&mut Encoder);
    let cases: [(Damage, &str); 4] = [
        (|e| e.dense[0].linear.biases[2] = 1 << 22, "dense.0: biases[2] is 4194304"),
        (|e| e.dense[1].linear.out_shift = 18, "dense.1: out_shift is 18"),
        (|e| e.dense[0].tanh.as_mut().expect("a tanh").fraction_bits = 13, "dense.0: fraction_bits is 13"),
        (|e| e.dense = vec![e.dense[0].clone(); 5], "encoder: number of dense layers is 5"),
    ];
    for (damage, message) in cases {
        let mut encoder = encoder(&Shape { dense: [32, 32], ..TINY }, 1);
        damage(&mut encoder);
        for kind in [PACKED, ONNX] {
            let error = (kind.open)(&(kind.write)(&encoder)).expect_err(message).to_string();
            assert!(error.starts_with(message), "{}: {error}, not {message}", kind.name);
        }
    }
}

#[test]
fn graphs_of_another_shape_are_refused() {
    let narrower = encoder(&Shape { intermediate: 34, ..TINY }, 1).layers.remove(0);
    let wider = encoder(&Shape { hidden: 64, ..TINY }, 1).layers.remove(0);
    let [mut one, mut other] = [narrower, wider].map(|layer| (encoder(&TINY, 1), layer));
    one.0.layers[0].contract = one.1.contract;
    other.0.layers[0].projection = other.1.projection;
    let cases = [
        (one.0, "layer.0.contract.w: shape [34, 32], not [32, 32]"),
        (other.0, "layer.0.projection.w: shape [64, 192], not [32, 96]"),
    ];
    for (encoder, message) in cases {
        let error = (ONNX.open)(&(ONNX.write)(&encoder)).expect_err("refused").to_string();
        assert_eq!(error, message);
    }
    let error = lockstep_onnx::pack(b"\x08\x09").expect_err("refused").to_string();
    assert_eq!(error, "file: no graph");
}
