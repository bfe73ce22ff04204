//! The plain encoder of a packed one.

use lockstep_arith::embedding::Embedding;
use lockstep_arith::encoder::{Dense, Encoder, Head, Layer};
use lockstep_arith::linear::Linear;
use lockstep_kernels::{PackedLinear, PackedWeights, Requantizer};

use super::tree::{PackedDense, PackedEmbedding, PackedEncoder, PackedHead, PackedLayer};

/// Columns in a panel of packed weights.
const COLUMNS: usize = 16;
/// Inputs in a group.
const GROUP: usize = 4;

/// Copies a model into the tree of the reference implementation, from which the accelerator's
/// compiler makes its weight image. [`write()`](super::write()) of the result gives the same file.
#[must_use]
pub fn unpack(encoder: &PackedEncoder) -> Encoder {
    let PackedEncoder { heads, embedding, embedding_norm, layers, pooling, dense, head } = encoder;
    Encoder {
        heads: *heads,
        embedding: tables(embedding),
        embedding_norm: embedding_norm.clone(),
        layers: layers.iter().map(layer).collect(),
        pooling: *pooling,
        dense: dense.iter().map(behind_the_pooling).collect(),
        head: head.as_ref().map(classifier),
    }
}

fn tables(embedding: &PackedEmbedding) -> Embedding {
    Embedding {
        hidden: embedding.hidden,
        words: embedding.words.to_vec(),
        word_scales: embedding.word_scales.to_vec(),
        positions: embedding.positions.to_vec(),
        types: embedding.types.to_vec(),
        table_shift: embedding.table_shift,
    }
}

fn layer(layer: &PackedLayer) -> Layer {
    Layer {
        projection: linear(&layer.projection),
        score: layer.score,
        output: linear(&layer.output),
        attention_norm: layer.attention_norm.clone(),
        expand: linear(&layer.expand),
        activation: layer.activation.clone(),
        contract: linear(&layer.contract),
        output_norm: layer.output_norm.clone(),
    }
}

fn behind_the_pooling(dense: &PackedDense) -> Dense {
    Dense { linear: linear(&dense.linear), tanh: dense.tanh.clone() }
}

fn classifier(head: &PackedHead) -> Head {
    Head { pooler: linear(&head.pooler), tanh: head.tanh.clone(), classifier: linear(&head.classifier) }
}

fn linear(packed: &PackedLinear) -> Linear {
    let Requantizer { multipliers, biases, acc_shift, out_shift } = packed.requantizer.clone();
    let (inputs, outputs) = (packed.weights.inputs(), packed.weights.outputs());
    let weights = weights(&packed.weights);
    Linear { inputs, outputs, weights, multipliers, biases, acc_shift, out_shift, sign: packed.sign }
}

/// The weights `[K, N]`, from the bytes that `FORMAT.md` describes.
fn weights(packed: &PackedWeights) -> Vec<i8> {
    let (inputs, outputs, bytes) = (packed.inputs(), packed.outputs(), packed.packed());
    let groups = inputs.div_ceil(GROUP);
    let weight = |k: usize, j: usize| {
        let line = j / COLUMNS * groups + k / GROUP;
        bytes[line * COLUMNS * GROUP + j % COLUMNS * GROUP + k % GROUP].wrapping_sub(64) as i8
    };
    (0..inputs).flat_map(|k| (0..outputs).map(move |j| weight(k, j))).collect()
}

#[cfg(test)]
mod tests {
    use lockstep_arith::encoder::Pooling;
    use lockstep_arith::sample::{Shape, encoder};

    use super::super::{read, write};
    use super::unpack;

    #[test]
    fn unpack_gives_what_was_written() {
        let odd = Shape { hidden: 34, heads: 2, intermediate: 70, ..Shape::SMALL };
        let dense = Shape { dense: [30, 200], pooling: Pooling::WeightedMean, ..Shape::SMALL };
        for shape in [Shape::SMALL, odd, dense, Shape { labels: 77, ..Shape::SMALL }] {
            let mut encoder = encoder(&shape, 3);
            // The file does not store this field.
            encoder.embedding_norm.residual_shift = 0;
            let packed = read(write(&encoder).into()).expect("a file that was just written is read");
            assert!(unpack(&packed) == encoder, "{shape:?}");
        }
    }
}
