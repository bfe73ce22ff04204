//! The layers behind the card's part of a model, on the CPU: dense layers, equation (36) of
//! `SPEC.md`, or the classification head, equation (34).
//!
//! The card encodes, and gives one row of numbers for a sequence. The layers multiply this one row
//! by few matrices. That is less than a thousandth of the work of a sequence of 16 tokens, so they
//! cost the card no circuits.

use std::sync::Arc;

use lockstep_arith::encoder::{Dense, Encoder, Head};
use lockstep_kernels::{Kernel, PackedLinear, Scratch};

use crate::Error;

/// The layers of a model that run here.
#[derive(Debug)]
pub(crate) struct HostLayers {
    kernel: Kernel,
    /// The dense layers, or the pooler of a head.
    dense: Vec<Dense<PackedLinear>>,
    classifier: Option<PackedLinear>,
}

impl HostLayers {
    /// The layers of a model that has some.
    pub(crate) fn of(model: &Encoder) -> Option<Arc<Self>> {
        let pack = |Dense { linear, tanh }: Dense| Dense { linear: linear.into(), tanh };
        let (dense, classifier) = match model.head.clone() {
            Some(Head { pooler, tanh, classifier }) => {
                (vec![pack(Dense { linear: pooler, tanh: Some(tanh) })], Some(classifier.into()))
            }
            None if model.dense.is_empty() => return None,
            None => (model.dense.iter().cloned().map(pack).collect(), None),
        };
        Some(Arc::new(Self { kernel: Kernel::new(), dense, classifier }))
    }

    /// The vectors of a batch: those of the card, or what the model's layers here make of them.
    ///
    /// # Errors
    /// [`Error::LayerInput`]: the card gave a number that no card gives.
    pub(crate) fn finish(layers: Option<&Self>, vectors: Vec<Vec<i32>>) -> Result<Vec<Vec<i32>>, Error> {
        match layers {
            Some(layers) => layers.run(&vectors),
            None => Ok(vectors),
        }
    }

    fn run(&self, vectors: &[Vec<i32>]) -> Result<Vec<Vec<i32>>, Error> {
        let narrow = |&value: &i32| i16::try_from(value).map_err(|_| Error::LayerInput { value });
        let mut rows: Vec<i16> = vectors.iter().flatten().map(narrow).collect::<Result<_, _>>()?;
        let mut scratch = Scratch::default();
        let mut width = 0;
        for dense in &self.dense {
            width = dense.linear.weights.outputs();
            let mut outputs = vec![0; vectors.len() * width];
            dense.linear.forward16(self.kernel, &rows, &mut scratch, &mut outputs);
            outputs.iter_mut().for_each(|value| *value = dense.activate(*value));
            rows = outputs;
        }
        let results = match &self.classifier {
            None => rows.into_iter().map(i32::from).collect(),
            Some(classifier) => {
                width = classifier.weights.outputs();
                let mut logits = vec![0; vectors.len() * width];
                classifier.forward(self.kernel, &rows, &mut scratch, &mut logits);
                logits
            }
        };
        Ok(results.chunks_exact(width).map(<[i32]>::to_vec).collect())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use lockstep_arith::sample::{self, Shape};

    use super::*;

    #[test]
    fn a_number_that_no_card_gives_is_an_error() {
        for shape in [Shape { labels: 2, ..Shape::SMALL }, Shape { dense: [5, 0], ..Shape::SMALL }] {
            let model = sample::encoder(&shape, 1);
            let layers = HostLayers::of(&model).unwrap();
            let mut vectors = vec![vec![i32::from(i16::MIN); model.hidden()]; 2];
            assert_eq!(HostLayers::finish(Some(&layers), vectors.clone()).unwrap().len(), 2);
            vectors[1][5] = 1 << 15;
            let error = HostLayers::finish(Some(&layers), vectors).unwrap_err();
            assert!(matches!(error, Error::LayerInput { value: 32_768 }), "{error}");
        }
    }
}
