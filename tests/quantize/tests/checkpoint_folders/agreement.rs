//! The agreement of the integers with the float teacher, on texts that the calibration did not see.

use lockstep_arith::encoder::Encoder;
use lockstep_quantize::calibration;
use lockstep_quantize::checkpoint::Checkpoint;
use lockstep_quantize::layout::Modules;
use lockstep_quantize::matrix::Matrix;
use lockstep_quantize::teacher;
use lockstep_tokenizer::{Encoding, Tokenizer};

use super::{Folder, HELD_OUT, Outcome};

/// The tokens of the held-out texts; for a classifier, of pairs and of single texts.
pub(crate) fn held_out(folder: &Folder, checkpoint: &Checkpoint) -> Vec<Encoding> {
    let tokenizer = Tokenizer::from_json(&folder.read("tokenizer.json")).unwrap();
    let pairs = checkpoint.config.labels.is_some();
    calibration::sequences(&tokenizer, &HELD_OUT.join("\n"), checkpoint.config.positions, pairs).unwrap()
}

/// The teacher's token vectors of one sequence.
fn teach(checkpoint: &Checkpoint, sequence: &Encoding) -> Matrix {
    let one = std::slice::from_ref(sequence);
    let sums = teacher::embedding_sums(checkpoint, one);
    let mut x = teacher::layer_norm(sums, &checkpoint.embedding_norm, checkpoint.config.epsilon);
    for layer in &checkpoint.layers {
        x = teacher::layer(&x, layer, &teacher::row_ranges(one), &checkpoint.config).out;
    }
    x
}

/// The teacher's answer: logits, else the mean of the token vectors.
pub(crate) fn answer(checkpoint: &Checkpoint, sequence: &Encoding) -> Vec<f64> {
    let x = teach(checkpoint, sequence);
    let Some(head) = &checkpoint.head else { return widen(x.column_means()) };
    let first = Matrix { rows: 1, columns: x.columns, data: x.row(0).to_vec() };
    let mut pooled = teacher::dense(&first, &head.pooler);
    pooled.data.iter_mut().for_each(|v| *v = v.tanh());
    widen(teacher::dense(&pooled, &head.classifier).data)
}

fn widen(v: Vec<f32>) -> Vec<f64> {
    v.into_iter().map(f64::from).collect()
}

/// The vectors of the integers and of the teacher for the held-out texts, with the pooling and the
/// modules that `modules.json` lists.
fn vectors(folder: &Folder, encoder: &Encoder) -> Vec<[Vec<f64>; 2]> {
    let checkpoint = Checkpoint::load(&folder.path("")).unwrap();
    let modules = Modules::read(&folder.path("")).unwrap();
    let (pooling, _) = modules.pooling(checkpoint.config.hidden, None).unwrap();
    let dense = modules.dense(&checkpoint.config).unwrap();
    let one = |s: &Encoding| {
        let x = teach(&checkpoint, s);
        let pooled = teacher::pool(&x, &teacher::row_ranges(std::slice::from_ref(s)), pooling);
        let vector = dense.iter().fold(pooled, |x, module| teacher::dense_module(&x, module));
        let found = encoder.forward(&s.ids, &s.type_ids).unwrap();
        [found.into_iter().map(f64::from).collect(), widen(vector.data)]
    };
    held_out(folder, &checkpoint).iter().map(one).collect()
}

/// The cosine of two vectors; 1 if both are all 0.
fn cosine(a: &[f64], b: &[f64]) -> f64 {
    if a.iter().chain(b).all(|x| *x == 0.0) {
        return 1.0;
    }
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

/// Mean cosine of the integers' vectors with the teacher's over the held-out texts.
pub(crate) fn mean_cosine(folder: &Folder, encoder: &Encoder) -> f64 {
    let vectors = vectors(folder, encoder);
    vectors.iter().map(|[found, expected]| cosine(found, expected)).sum::<f64>() / vectors.len() as f64
}

/// The greatest difference between a number of the integers' vectors, in `unit`s, and the
/// teacher's, over the greatest number.
pub(crate) fn greatest_difference(folder: &Folder, encoder: &Encoder, unit: f64) -> f64 {
    let vectors = vectors(folder, encoder);
    let pairs = vectors.iter().flat_map(|[found, expected]| found.iter().zip(expected));
    let (difference, greatest) = pairs.fold((0.0_f64, 0.0_f64), |(difference, greatest), (f, e)| {
        (difference.max((f * unit - e).abs()), greatest.max(e.abs()))
    });
    difference / greatest
}

/// The root mean square error of the integers' logits, over the spread of the teacher's logits
/// around the mean of each label.
pub(crate) fn logit_error(folder: &Folder, outcome: &Outcome) -> f64 {
    let (encoder, manifest) = (outcome.encoder(), outcome.manifest());
    let unit = manifest["logit_unit"].as_f64().unwrap();
    let checkpoint = Checkpoint::load(&folder.path("")).unwrap();
    let sequences = held_out(folder, &checkpoint);
    let expected: Vec<Vec<f64>> = sequences.iter().map(|s| answer(&checkpoint, s)).collect();
    let (mut error, mut spread) = (0.0, 0.0);
    for label in 0..expected[0].len() {
        let mean = expected.iter().map(|e| e[label]).sum::<f64>() / expected.len() as f64;
        for (s, e) in sequences.iter().zip(&expected) {
            let found = f64::from(encoder.forward(&s.ids, &s.type_ids).unwrap()[label]) * unit;
            error += (found - e[label]).powi(2);
            spread += (e[label] - mean).powi(2);
        }
    }
    (error / spread).sqrt()
}
