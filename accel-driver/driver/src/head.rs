//! The classification head, equation (34) of `SPEC.md`, on the CPU.
//!
//! The card encodes, and gives the first row of the last layer. The head multiplies this one row by
//! two matrices. That is less than a thousandth of the work of a sequence of 16 tokens, so the head
//! costs the card no circuits.

use std::sync::Arc;

use lockstep_arith::activation::Table;
use lockstep_arith::encoder::{Encoder, Head};
use lockstep_kernels::{Kernel, PackedLinear, Scratch};

use crate::Error;

/// The head of a model.
#[derive(Debug)]
pub(crate) struct HostHead {
    kernel: Kernel,
    pooler: PackedLinear,
    tanh: Table,
    classifier: PackedLinear,
}

impl HostHead {
    /// The head of a model that has one.
    pub(crate) fn of(model: &Encoder) -> Option<Arc<Self>> {
        let Head { pooler, tanh, classifier } = model.head.clone()?;
        let (pooler, classifier) = (pooler.into(), classifier.into());
        Some(Arc::new(Self { kernel: Kernel::new(), pooler, tanh, classifier }))
    }

    /// The vectors of a batch: those of the card, or the logits if the model has a head.
    ///
    /// # Errors
    /// [`Error::HeadInput`]: the card gave a number that no card gives.
    pub(crate) fn finish(head: Option<&Self>, vectors: Vec<Vec<i32>>) -> Result<Vec<Vec<i32>>, Error> {
        match head {
            Some(head) => head.logits(&vectors),
            None => Ok(vectors),
        }
    }

    fn logits(&self, vectors: &[Vec<i32>]) -> Result<Vec<Vec<i32>>, Error> {
        let narrow = |&value: &i32| i16::try_from(value).map_err(|_| Error::HeadInput { value });
        let rows: Vec<i16> = vectors.iter().flatten().map(narrow).collect::<Result<_, _>>()?;
        let mut scratch = Scratch::default();
        let mut pooled = vec![0; vectors.len() * self.pooler.weights.outputs()];
        self.pooler.forward16(self.kernel, &rows, &mut scratch, &mut pooled);
        pooled.iter_mut().for_each(|value| *value = self.tanh.odd(*value));
        let labels = self.classifier.weights.outputs();
        let mut logits = vec![0; vectors.len() * labels];
        self.classifier.forward(self.kernel, &pooled, &mut scratch, &mut logits);
        Ok(logits.chunks_exact(labels).map(<[i32]>::to_vec).collect())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use lockstep_arith::sample::{self, Shape};

    use super::*;

    #[test]
    fn a_number_that_no_card_gives_is_an_error() {
        let model = sample::encoder(&Shape { labels: 2, ..Shape::SMALL }, 1);
        let head = HostHead::of(&model).unwrap();
        let mut vectors = vec![vec![i32::from(i16::MIN); model.hidden()]; 2];
        assert_eq!(HostHead::finish(Some(&head), vectors.clone()).unwrap().len(), 2);
        vectors[1][5] = 1 << 15;
        let error = HostHead::finish(Some(&head), vectors).unwrap_err();
        assert!(matches!(error, Error::HeadInput { value: 32_768 }), "{error}");
    }
}
