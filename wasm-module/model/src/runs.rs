//! Batches cut by tokens.

/// Sequences in order, in runs of at most `limit` tokens together; one sequence alone may have more.
pub fn runs<'a, T>(
    sequences: &'a [T],
    limit: usize,
    tokens: impl Fn(&T) -> usize + 'a,
) -> impl Iterator<Item = &'a [T]> {
    let mut rest = sequences;
    std::iter::from_fn(move || {
        let mut together = 0;
        let fits = rest.iter().take_while(|sequence| {
            together += tokens(sequence);
            together <= limit
        });
        let (run, later) = rest.split_at(fits.count().max(1).min(rest.len()));
        rest = later;
        (!run.is_empty()).then_some(run)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_whole_and_in_order() {
        let lengths = [3, 70, 1, 1, 500, 2, 64];
        let all = |limit| runs(&lengths, limit, |&tokens| tokens);
        let of = |limit| all(limit).map(<[usize]>::len).collect::<Vec<_>>();
        assert_eq!(of(64), [1, 1, 2, 1, 1, 1]);
        assert_eq!(of(128), [4, 1, 2]);
        assert_eq!(of(1), [1; 7]);
        assert_eq!(of(usize::MAX / 2), [7]);
        assert_eq!(runs(&[], 64, |&tokens: &usize| tokens).count(), 0);
        assert_eq!(all(128).collect::<Vec<_>>().concat(), lengths);
    }
}
