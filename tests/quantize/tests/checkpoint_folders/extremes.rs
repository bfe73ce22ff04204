//! Weights that are all 0, very large or very small. The integers represent them, or the refusal
//! names the value that does not fit.

use lockstep_quantize::checkpoint::Checkpoint;

use super::agreement::{answer, held_out, mean_cosine};
use super::{Folder, Outcome};

/// The end of the names of some tensors, a change of their numbers, and the words of the refusal:
/// none if the integers represent the changed weights.
type Extreme = (&'static str, fn(&mut [f32]), Option<&'static str>);

fn times(factor: f32, w: &mut [f32]) {
    w.iter_mut().for_each(|w| *w *= factor);
}

/// Of [`Folder::small`].
const EXTREMES: [Extreme; 43] = [
    ("layer.0.attention.self.query.weight", |w| w.fill(0.0), None),
    ("layer.0.attention.self.value.weight", |w| w.fill(0.0), None),
    ("layer.0.attention.output.dense.weight", |w| w.fill(0.0), None),
    ("layer.1.intermediate.dense.weight", |w| w.fill(0.0), None),
    ("layer.1.intermediate.dense.bias", |w| w.fill(-50.0), None),
    ("layer.1.output.dense.weight", |w| w.fill(0.0), None),
    ("word_embeddings.weight", |w| w.fill(0.0), None),
    ("word_embeddings.weight", |w| w[..320].fill(0.0), None),
    // Vectors that do not depend on the text have no spread to choose units by.
    ("embeddings.weight", |w| w.fill(0.0), Some("layer 1 attention: queries and keys reach")),
    ("embeddings.LayerNorm.weight", |w| w.fill(0.0), Some("layer 0 projection: a bias does not fit")),
    ("LayerNorm.weight", |w| w.fill(0.0), Some("layer 0 projection: a bias does not fit")),
    ("", |w| w.fill(0.0), None),
    ("embeddings.LayerNorm.weight", |w| times(1e-20, w), Some("layer 0 projection: a bias does not fit")),
    ("layer.1.output.LayerNorm.weight", |w| w.fill(0.0), None),
    ("LayerNorm.bias", |w| w.fill(0.0), None),
    ("weight", |w| w.fill(0.0), None),
    ("word_embeddings.weight", |w| times(1e20, w), None),
    ("word_embeddings.weight", |w| times(1e-20, w), None),
    ("position_embeddings.weight", |w| times(1e20, w), None),
    ("embeddings.LayerNorm.weight", |w| times(1e20, w), Some("layer 0 attention: queries and keys reach")),
    (
        "layer.0.attention.self.query.weight",
        |w| times(1e20, w),
        Some("layer 0 attention: queries and keys reach"),
    ),
    ("layer.0.attention.self.query.weight", |w| times(1e-20, w), None),
    (
        "layer.0.attention.self.key.weight",
        |w| times(1e20, w),
        Some("layer 0 attention: queries and keys reach"),
    ),
    (
        "layer.0.attention.self.value.weight",
        |w| times(1e20, w),
        Some("layer 0 attention output: outputs of unit"),
    ),
    ("layer.0.attention.self.value.weight", |w| times(1e-20, w), None),
    ("layer.0.attention.self.value.bias", |w| times(1e20, w), Some("layer 0 attention")),
    (
        "layer.0.attention.output.dense.weight",
        |w| times(1e20, w),
        Some("layer 0 attention output: outputs of unit"),
    ),
    ("layer.0.attention.output.dense.weight", |w| times(1e-20, w), None),
    ("layer.0.intermediate.dense.weight", |w| times(1e20, w), Some("layer 0 feed-forward 1: outputs up to")),
    ("layer.0.intermediate.dense.weight", |w| times(1e-20, w), None),
    ("layer.0.intermediate.dense.bias", |w| times(1e20, w), Some("layer 0 feed-forward 1: outputs up to")),
    ("layer.0.output.dense.weight", |w| times(1e20, w), Some("layer 0 feed-forward 2: outputs of unit")),
    ("layer.0.output.dense.weight", |w| times(1e-20, w), None),
    ("layer.0.output.dense.weight", |w| w[5] = 1e4, None),
    ("layer.1.output.LayerNorm.weight", |w| times(1e20, w), None),
    ("layer.1.output.LayerNorm.bias", |w| times(1e20, w), None),
    ("layer.1.output.LayerNorm.weight", |w| times(1e-20, w), None),
    ("weight", |w| times(1e20, w), Some("layer 0 attention: queries and keys reach")),
    ("weight", |w| times(1e-20, w), None),
    ("", |w| times(1e30, w), Some("layer 0 attention: queries and keys reach inf")),
    (
        "",
        |w| times(1e-30, w),
        Some("do not hold these weights: relative error 1 after embedding, allowed: 0.25"),
    ),
    ("", |w| w.fill(f32::MAX), Some("layer 0 attention: queries and keys reach")),
    (
        "layer.0.attention.self.query.weight",
        |w| w[5] = f32::MAX,
        Some("layer 0 attention: queries and keys reach"),
    ),
];

/// Of [`Folder::classifier`].
const HEAD_EXTREMES: [Extreme; 8] = [
    ("pooler.dense.weight", |w| w.fill(0.0), None),
    ("pooler.dense.weight", |w| times(1e-20, w), None),
    ("pooler.dense.weight", |w| times(1e20, w), Some("pooler: its outputs do not fit 16 bits")),
    ("pooler.dense.bias", |w| times(1e20, w), Some("pooler: its outputs do not fit 16 bits")),
    ("classifier.weight", |w| w.fill(0.0), None),
    ("classifier.weight", |w| times(1e20, w), None),
    ("classifier.weight", |w| times(1e-20, w), None),
    ("classifier.bias", |w| times(1e20, w), None),
];

/// Quantises what was made extreme; where it must fit, gives the model.
fn quantize_extreme(whole: Folder, (end, change, refused): Extreme) -> Option<(Folder, Outcome)> {
    whole.numbers(end, change);
    let outcome = whole.quantize();
    match refused {
        Some(words) => outcome.refused(&[words]),
        None => assert_eq!(outcome.code, Some(0), "{end}: {}", outcome.stderr),
    }
    refused.is_none().then_some((whole, outcome))
}

#[test]
fn extreme_weights_fit_or_are_refused() {
    for extreme in EXTREMES {
        let Some((folder, outcome)) = quantize_extreme(Folder::small(), extreme) else { continue };
        let cosine = mean_cosine(&folder, &outcome.encoder());
        assert!(cosine > 0.99, "{}: {cosine}", extreme.0);
    }
}

#[test]
fn extreme_heads_fit_or_are_refused() {
    for extreme in HEAD_EXTREMES {
        let Some((folder, outcome)) = quantize_extreme(Folder::classifier(), extreme) else { continue };
        // Some of these logits are the same for every text: compare them with their size.
        let unit = outcome.manifest()["logit_unit"].as_f64().unwrap();
        let (encoder, checkpoint) = (outcome.encoder(), Checkpoint::load(&folder.path("")).unwrap());
        for s in held_out(&folder, &checkpoint) {
            let expected = answer(&checkpoint, &s);
            let size = expected.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
            for (found, expected) in encoder.forward(&s.ids, &s.type_ids).unwrap().iter().zip(&expected) {
                let error = (f64::from(*found) * unit - expected).abs() / size;
                assert!(error < 0.1, "{}: {error}", extreme.0);
            }
        }
    }
}
