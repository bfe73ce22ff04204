//! Writes the run-time file of an encoder.

use lockstep_arith::activation::Table;
use lockstep_arith::encoder::{Dense, Encoder, Head, Layer, Pooling};
use lockstep_arith::layer_norm::{Affine, LayerNorm};
use lockstep_arith::linear::Linear;
use lockstep_kernels::PackedWeights;

use super::header::{ALIGNMENT, Header, SCALARS};

/// The bytes of the run-time file of an encoder that [`Encoder::validate`] accepts. Equal encoders
/// give equal bytes.
///
/// Two fields have no effect and are not stored: the `pooling` of an encoder with a head, and the
/// `residual_shift` of the embedding's LayerNorm.
///
/// # Panics
/// If the encoder has no layers, if a LayerNorm before the last has no equalised output, or if the
/// last one has one.
#[must_use]
pub fn write(encoder: &Encoder) -> Vec<u8> {
    let Encoder { heads, embedding, embedding_norm, layers, pooling, dense, head } = encoder;
    assert!(!layers.is_empty(), "an encoder of no layers has no file");
    let header = Header {
        layers: layers.len() as u32,
        hidden: embedding.hidden as u32,
        heads: *heads as u32,
        vocabulary: embedding.vocabulary() as u32,
        positions: embedding.position_count() as u32,
        types: embedding.type_count() as u32,
        labels: head.as_ref().map_or(0, |head| head.classifier.outputs as u32),
        pooling: if head.is_some() { Pooling::Mean } else { *pooling },
        table_shift: embedding.table_shift,
        dense: dense.len() as u32,
    };
    let mut file = Writer(header.write().to_vec());
    file.shorts(&embedding.word_scales);
    file.section(embedding.words.iter().map(|&w| w as u8));
    file.shorts(&embedding.positions);
    file.shorts(&embedding.types);
    file.norm(embedding_norm, false);
    for (i, layer) in layers.iter().enumerate() {
        file.layer(layer, i + 1 == layers.len());
    }
    for dense in dense {
        file.dense(dense);
    }
    if let Some(head) = head {
        file.head(head);
    }
    file.0
}

struct Writer(Vec<u8>);

impl Writer {
    /// Appends a section, with zeros up to the next multiple of 64 bytes.
    fn section(&mut self, bytes: impl IntoIterator<Item = u8>) {
        self.0.extend(bytes);
        self.0.resize(self.0.len().next_multiple_of(ALIGNMENT), 0);
    }

    fn shorts(&mut self, numbers: &[i16]) {
        self.section(numbers.iter().flat_map(|x| x.to_le_bytes()));
    }

    fn scalars(&mut self, scalars: &[i32]) {
        assert!(scalars.len() <= SCALARS, "the scalars of a part are one line");
        self.section(scalars.iter().flat_map(|x| x.to_le_bytes()));
    }

    fn linear(&mut self, linear: &Linear) {
        let Linear { inputs, outputs, weights, multipliers, biases, sign, .. } = linear;
        self.section(PackedWeights::pack(weights, *inputs, *outputs, *sign).packed().iter().copied());
        self.shorts(multipliers);
        self.section(biases.iter().flat_map(|b| b.to_le_bytes()));
    }

    fn norm(&mut self, norm: &LayerNorm, last: bool) {
        assert_eq!(norm.equalised.is_none(), last, "only the last LayerNorm has one output");
        for Affine { gain, offset } in [Some(&norm.stream), norm.equalised.as_ref()].into_iter().flatten() {
            self.shorts(gain);
            self.shorts(offset);
        }
    }

    fn table(&mut self, table: &Table) {
        self.shorts(&table.coefficients.concat());
    }

    fn layer(&mut self, layer: &Layer, last: bool) {
        let Layer { projection, score, output, attention_norm, expand, activation, contract, output_norm } =
            layer;
        self.scalars(&[
            projection.acc_shift,
            projection.out_shift,
            score.multiplier.into(),
            score.shift,
            output.acc_shift,
            output.out_shift,
            attention_norm.residual_shift,
            expand.outputs as i32,
            expand.acc_shift,
            expand.out_shift,
            activation.bump.fraction_bits,
            activation.offset.into(),
            contract.acc_shift,
            contract.out_shift,
            output_norm.residual_shift,
        ]);
        self.linear(projection);
        self.linear(output);
        self.norm(attention_norm, false);
        self.linear(expand);
        self.table(&activation.bump);
        self.shorts(&activation.equaliser);
        self.linear(contract);
        self.norm(output_norm, last);
    }

    fn dense(&mut self, dense: &Dense) {
        let Dense { linear, tanh } = dense;
        self.scalars(&[
            linear.outputs as i32,
            linear.acc_shift,
            linear.out_shift,
            tanh.as_ref().map_or(0, |tanh| tanh.fraction_bits),
        ]);
        self.linear(linear);
        if let Some(tanh) = tanh {
            self.table(tanh);
        }
    }

    fn head(&mut self, head: &Head) {
        let Head { pooler, tanh, classifier } = head;
        self.scalars(&[
            pooler.acc_shift,
            pooler.out_shift,
            tanh.fraction_bits,
            classifier.acc_shift,
            classifier.out_shift,
        ]);
        self.linear(pooler);
        self.table(tanh);
        self.linear(classifier);
    }
}
