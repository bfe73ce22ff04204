//! Engines take turns. In its turn, an engine repeats a case for a slice of time and gives the time
//! of each call and the last result.

use std::time::{Duration, Instant};

use crate::{cases::Case, error::Fallible};

/// The result of an engine: one vector for each sequence.
pub(crate) enum Vectors {
    /// The pooled integers of Lockstep.
    Integers(Vec<Vec<i32>>),
    /// The mean of a peer's hidden states, not normalised.
    Floats(Vec<Vec<f32>>),
}

/// What an engine gives for a slice of time.
pub(crate) struct Turn {
    /// Milliseconds of each call.
    pub(crate) ms: Vec<f64>,
    /// The result of the last call.
    pub(crate) vectors: Vectors,
}

/// An engine that can be timed.
pub(crate) trait Contestant {
    /// Repeats the case `index` until the slice is over.
    fn turn(&mut self, index: usize, case: &Case, slice: Duration) -> Fallible<Turn>;
}

/// Repeats the call until the slice is over, at least three times. The first call is not counted.
pub(crate) fn timed(slice: Duration, mut call: impl FnMut() -> Fallible<Vectors>) -> Fallible<Turn> {
    let mut vectors = call()?;
    let mut ms = Vec::new();
    let begun = Instant::now();
    while begun.elapsed() < slice || ms.len() < 3 {
        let started = Instant::now();
        vectors = call()?;
        ms.push(started.elapsed().as_secs_f64() * 1e3);
    }
    Ok(Turn { ms, vectors })
}

/// The integers that each build of Lockstep must give, and that peers must come close to.
#[derive(Default)]
pub(crate) struct Expected(Option<Vec<Vec<i32>>>);

impl Expected {
    /// Compares integers by `==`, and the floats of a peer by their cosine: it must be at least
    /// [`CLOSE`].
    pub(crate) fn check(&mut self, vectors: &Vectors) -> Fallible<()> {
        match (vectors, &mut self.0) {
            (Vectors::Integers(found), expected @ None) => *expected = Some(found.clone()),
            (Vectors::Integers(found), Some(expected)) if found == expected => {}
            (Vectors::Integers(_), Some(_)) => {
                return Err("it gives other integers than another engine of ours".into());
            }
            (Vectors::Floats(_), None) => return Err("no engine of ours ran before it".into()),
            (Vectors::Floats(found), Some(expected)) => {
                if found.len() != expected.len() {
                    return Err(format!("{} vectors for {} texts", found.len(), expected.len()).into());
                }
                let mut cosines = found.iter().zip(expected).map(|(found, expected)| cosine(found, expected));
                // NaN is less than nothing, so it needs its own check.
                if let Some(far) = cosines.find(|cosine| cosine.is_nan() || *cosine < CLOSE) {
                    return Err(format!("a vector of its has a cosine of {far:.4} to ours").into());
                }
            }
        }
        Ok(())
    }
}

/// A peer with a smaller cosine does not compute the same model.
const CLOSE: f64 = 0.95;

fn cosine(a: &[f32], b: &[i32]) -> f64 {
    if a.len() != b.len() {
        return f64::NAN;
    }
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (&a, &b) in a.iter().zip(b) {
        let (a, b) = (f64::from(a), f64::from(b));
        ab += a * b;
        aa += a * a;
        bb += b * b;
    }
    ab / (aa * bb).sqrt()
}

#[cfg(test)]
mod tests {
    use super::{Expected, Vectors};

    #[test]
    fn other_integers_and_far_floats_are_refused() {
        let mut expected = Expected::default();
        assert!(expected.check(&Vectors::Floats(vec![vec![1.0, 2.0]])).is_err());
        assert!(expected.check(&Vectors::Integers(vec![vec![100, 200]])).is_ok());
        assert!(expected.check(&Vectors::Integers(vec![vec![100, 200]])).is_ok());
        assert!(expected.check(&Vectors::Integers(vec![vec![100, 201]])).is_err());
        assert!(expected.check(&Vectors::Floats(vec![vec![1.0, 2.01]])).is_ok());
        for far in [vec![vec![2.0, 1.0]], vec![vec![f32::NAN, 2.0]], vec![vec![1.0]], vec![]] {
            assert!(expected.check(&Vectors::Floats(far)).is_err());
        }
    }
}
