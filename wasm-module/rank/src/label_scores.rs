//! From the logits of a classifier to the scores of its labels.

use crate::sigmoid::{exp, sigmoid};

/// The logits of a classifier's integers: `integer * scale`.
pub(crate) fn logits(integers: &[i32], scale: f64) -> Vec<f64> {
    integers.iter().map(|&integer| f64::from(integer) * scale).collect()
}

/// The function between logits and scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LabelScores {
    /// One label is right: the scores of all labels add up to 1.
    Softmax,
    /// Each label may be right: each score is a probability of its own.
    Sigmoid,
    /// The scores are the logits.
    Logits,
}

impl LabelScores {
    /// The function of a model whose configuration names none, as transformers and
    /// text-embeddings-inference choose it.
    #[must_use]
    pub const fn usual(labels: usize) -> Self {
        if labels == 1 { Self::Sigmoid } else { Self::Softmax }
    }

    /// The function by the name that Hugging Face's `function_to_apply` has for it.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "softmax" => Some(Self::Softmax),
            "sigmoid" => Some(Self::Sigmoid),
            "none" => Some(Self::Logits),
            _ => None,
        }
    }

    /// The scores of some logits. Softmax: `exp(x[i] - m) / sum exp(x[j] - m)` with `m` the
    /// largest logit, added in order.
    pub(crate) fn of(self, logits: &[f64]) -> Vec<f64> {
        match self {
            Self::Logits => logits.to_vec(),
            Self::Sigmoid => logits.iter().map(|&logit| sigmoid(logit)).collect(),
            Self::Softmax => {
                let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let powers: Vec<f64> = logits.iter().map(|&logit| exp(logit - largest)).collect();
                let sum: f64 = powers.iter().sum();
                powers.into_iter().map(|power| power / sum).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_of_known_logits() {
        let logits = [0.0, 3.0f64.ln(), -1e9];
        let softmax = LabelScores::Softmax.of(&logits);
        for (found, right) in softmax.iter().zip([0.25, 0.75, 0.0]) {
            assert!((found - right).abs() < 1e-15, "{softmax:?}");
        }
        let sigmoid = LabelScores::Sigmoid.of(&logits);
        assert!((sigmoid[1] - 0.75).abs() < 1e-15 && sigmoid[0] == 0.5 && sigmoid[2] == 0.0);
        assert_eq!(LabelScores::Logits.of(&logits), logits);
        // Large logits do not overflow.
        assert_eq!(LabelScores::Softmax.of(&[1e9, 1e9]), [0.5, 0.5]);
        assert_eq!([1, 2].map(LabelScores::usual), [LabelScores::Sigmoid, LabelScores::Softmax]);
    }
}
