//! Files that are cut, damaged or lie: every one is refused with an error, or opens and runs. None panics.

use std::panic::{AssertUnwindSafe, catch_unwind};

use lockstep_arith::encoder::Encoder;
use lockstep_arith::sample::{Random, Shape, encoder};
use lockstep_model::{Model, ModelError, Sequence};
use lockstep_quantize::onnx::write;

/// As little data as possible, so that mutations hit the structure.
const TINY: Shape =
    Shape { vocabulary: 3, positions: 4, layers: 1, hidden: 32, heads: 2, intermediate: 32, ..Shape::SMALL };

fn bytes(shape: &Shape) -> Vec<u8> {
    write(&encoder(shape, 1), &[])
}

/// Opens the bytes, and runs what opens.
fn try_open(bytes: &[u8], what: &str) -> Result<(), ModelError> {
    let attempt = || {
        let model = Model::open(bytes)?;
        model.run(&[Sequence { ids: &[0, 2, 1], type_ids: &[0, 1, 1] }]).map(|_| ())
    };
    catch_unwind(AssertUnwindSafe(attempt)).unwrap_or_else(|_| panic!("panics on {what}"))
}

#[test]
fn an_undamaged_file_opens() {
    try_open(&bytes(&TINY), "a good file").expect("opens");
    try_open(&bytes(&Shape { labels: 3, ..TINY }), "a good file").expect("opens");
}

#[test]
fn truncated_files_are_refused() {
    let bytes = bytes(&TINY);
    let mut refused = 0;
    for len in (0..bytes.len()).step_by(61).chain(0..200) {
        // A cut between two of the functions that follow the graph leaves a file that is complete for us.
        refused += usize::from(try_open(&bytes[..len], &format!("the first {len} bytes")).is_err());
    }
    assert!(refused > 200, "{refused} of the truncated files refused");
}

#[test]
fn damaged_files_do_not_panic() {
    for (seed, shape) in [(1, TINY), (2, Shape { labels: 3, ..TINY })] {
        let good = bytes(&shape);
        let mut random = Random::new(seed);
        let mut refused = 0;
        for _ in 0..3000 {
            let mut bad = good.clone();
            for _ in 0..random.within(1, 3) {
                let at = random.within(0, good.len() as i32 - 1) as usize;
                bad[at] ^= 1 << random.within(0, 7);
            }
            refused += usize::from(try_open(&bad, "flipped bits").is_err());
        }
        assert!(refused > 100, "{refused} of the damaged files refused");
    }
}

#[test]
fn spliced_files_do_not_panic() {
    let good = bytes(&TINY);
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
        let _ = try_open(&bad, "spliced pieces");
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
        (|e| e.heads = 3, "layer.0.attention: hidden size modulo heads is 2"),
        (|e| e.layers[0].attention_norm.residual_shift = 5, "layer.0.output: residual_shift is 5"),
        (|e| e.layers[0].activation.offset = -1, "layer.0.expand: offset is -1"),
        (|e| e.layers[0].activation.bump.fraction_bits = 13, "layer.0.expand: fraction_bits is 13"),
        (|e| e.embedding.word_scales[2] = 4096, "embedding: word_scales[2] is 4096"),
        (|e| e.embedding.words[7] = -128, "embedding: words[7] is -128"),
    ];
    for (damage, message) in cases {
        let mut encoder = encoder(&TINY, 1);
        damage(&mut encoder);
        match Model::open(&write(&encoder, &[])) {
            Err(ModelError::Range(error)) => {
                assert!(error.to_string().starts_with(message), "{error}, not {message}");
            }
            other => panic!("{message}: {other:?}"),
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
        let error = Model::open(&write(&encoder, &[])).expect_err("refused").to_string();
        assert_eq!(error, message);
    }
    let error = Model::open(b"\x08\x09").expect_err("refused").to_string();
    assert_eq!(error, "file: no graph");
}
