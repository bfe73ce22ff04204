//! Step 6, equations (31) and (34): the classification head.

use std::ops::Range;

use lockstep_arith::encoder::Head;
use lockstep_arith::rows::Sign;

use super::equalise::widen;
use super::fit::{FitError, draft};
use super::observe::observe;
use super::tables;
use crate::checkpoint::HeadWeights;
use crate::matrix::Matrix;
use crate::report::Report;
use crate::teacher;

/// The pooler and the classifier, which run on the first row of each sequence, and the value of one
/// unit of a logit.
pub(super) fn head(
    weights: &HeadWeights,
    x: &Matrix,
    ranges: &[Range<usize>],
    unit: f64,
    report: &mut Report,
) -> Result<(Head, f64), FitError> {
    const BITS: i32 = 12;
    let fail = |part: &str, reason: &str| FitError { part: part.into(), reason: reason.into() };
    let mut first = Matrix::zeros(ranges.len(), x.columns);
    for (i, range) in ranges.iter().enumerate() {
        first.row_mut(i).copy_from_slice(x.row(range.start));
    }
    let pooler =
        draft(&weights.pooler.weight, &widen(&weights.pooler.bias), &observe(&first, unit, Sign::Signed));
    report.linear_named("pooler", pooler.relative_error());
    let finest = (1..=BITS).rev().find_map(|bits| Some((pooler.finish(f64::powi(2.0, -bits))?, bits)));
    let (pooler, bits) = finest.ok_or_else(|| fail("pooler", "its outputs do not fit 16 bits"))?;

    let mut pooled = teacher::dense(&first, &weights.pooler);
    pooled.data.iter_mut().for_each(|v| *v = v.tanh());
    let observed = observe(&pooled, f64::powi(2.0, -15), Sign::Signed);
    let classifier = draft(&weights.classifier.weight, &widen(&weights.classifier.bias), &observed);
    report.linear_named("classifier", classifier.relative_error());
    // Logits are 32 bits wide: they keep 6 bits more than the 16-bit products have.
    let unit = (classifier.finest_unit() * 64.0).max(classifier.finest_bias_unit()).max(1e-12);
    let classifier = classifier.finish(unit).ok_or_else(|| fail("classifier", "a bias does not fit"))?;
    Ok((Head { pooler, tanh: tables::tanh(bits), classifier }, unit))
}
