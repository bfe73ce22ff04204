//! Step 6, equations (31) and (34): the classification head.

use std::ops::Range;

use lockstep_arith::encoder::{Head, Pooling};
use lockstep_arith::rows::Sign;

use super::equalise::widen;
use super::fit::{FitError, draft};
use super::observe::observe;
use super::tanh::{TANH_UNIT, before_tanh};
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
    let first = teacher::pool(x, ranges, Pooling::Cls);
    let pooler =
        draft(&weights.pooler.weight, &widen(&weights.pooler.bias), &observe(&first, unit, Sign::Signed));
    report.linear_named("pooler", pooler.relative_error());
    let (pooler, tanh) = before_tanh(&pooler, "pooler")?;

    let mut pooled = teacher::dense(&first, &weights.pooler);
    pooled.data.iter_mut().for_each(|v| *v = v.tanh());
    let observed = observe(&pooled, TANH_UNIT, Sign::Signed);
    let classifier = draft(&weights.classifier.weight, &widen(&weights.classifier.bias), &observed);
    report.linear_named("classifier", classifier.relative_error());
    // Logits are 32 bits wide: they keep 6 bits more than the 16-bit products have.
    let unit = (classifier.finest_unit() * 64.0).max(classifier.finest_bias_unit()).max(1e-12);
    let classifier = classifier
        .finish(unit)
        .ok_or_else(|| FitError { part: "classifier".into(), reason: "a bias does not fit".into() })?;
    Ok((Head { pooler, tanh, classifier }, unit))
}
