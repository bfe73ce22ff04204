//! The cases of the bench: texts with an exact number of tokens, the same for every engine.

use std::path::Path;

use lockstep_folder::runtime::{PackedEncoder, PackedLayer};
use lockstep_module::TextModel;
use lockstep_quantize::calibration::{BUNDLED, passages};
use lockstep_rank::Text;
use serde_json::{Value, json};

use crate::error::Fallible;

/// Sequences of one length that are encoded together.
pub(crate) struct Case {
    pub(crate) batch: usize,
    /// The tokens of each sequence, special tokens included.
    pub(crate) n: usize,
    pub(crate) texts: Vec<String>,
    /// Token ids of each text.
    pub(crate) ids: Vec<Vec<i64>>,
}

impl Case {
    /// Takes texts of `n` tokens from different parts of the calibration text.
    pub(crate) fn new(model: &TextModel, batch: usize, n: usize) -> Fallible<Self> {
        let words: Vec<&str> = passages(BUNDLED).flat_map(str::split_whitespace).collect();
        let mut case = Self { batch, n, texts: Vec::new(), ids: Vec::new() };
        let mut start = 0;
        while case.texts.len() < batch {
            if start > words.len() {
                return Err(format!("no {batch} texts of {n} tokens in the calibration text").into());
            }
            let (text, ids) = grown(model, words.iter().copied().cycle().skip(start), n)?;
            if ids.len() == n {
                case.texts.push(text);
                case.ids.push(ids);
            }
            start += 37;
        }
        Ok(case)
    }

    pub(crate) fn name(&self) -> String {
        if self.batch == 1 { format!("n={}", self.n) } else { format!("{}x{}", self.batch, self.n) }
    }
}

/// The multiply-accumulates of a model.
pub(crate) struct Work {
    /// Of all linear layers, for one token.
    linear: usize,
    /// Of attention, for one token and one token that it attends to.
    attention: usize,
}

impl Work {
    /// Adds up the shapes of the layers.
    pub(crate) fn of(encoder: &PackedEncoder) -> Self {
        let layer = |layer: &PackedLayer| -> usize {
            let all = [&layer.projection, &layer.output, &layer.expand, &layer.contract];
            all.iter().map(|linear| linear.weights.inputs() * linear.weights.outputs()).sum()
        };
        let linear = encoder.layers.iter().map(layer).sum();
        Self { linear, attention: 2 * encoder.hidden() * encoder.layers.len() }
    }

    /// The work of all sequences of a case.
    pub(crate) fn of_case(&self, case: &Case) -> f64 {
        (case.batch * case.n * (self.linear + self.attention * case.n)) as f64
    }
}

/// Joins words until the text has at least `n` tokens.
fn grown<'a>(
    model: &TextModel,
    words: impl Iterator<Item = &'a str>,
    n: usize,
) -> Fallible<(String, Vec<i64>)> {
    let mut text = String::new();
    for word in words {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(word);
        let encoding = model.reader().tokenize(Text::single(&text)).map_err(|error| error.to_string())?;
        if encoding.ids.len() >= n {
            return Ok((text, encoding.ids.iter().map(|&id| i64::from(id)).collect()));
        }
    }
    Err("the calibration text is empty".into())
}

/// Writes the cases for engines in other processes.
pub(crate) fn write(cases: &[Case], path: &Path) -> Fallible<()> {
    let cases: Vec<Value> = cases
        .iter()
        .map(|case| json!({ "batch": case.batch, "n": case.n, "texts": case.texts, "ids": case.ids }))
        .collect();
    Ok(std::fs::write(path, serde_json::to_vec(&cases)?)?)
}
