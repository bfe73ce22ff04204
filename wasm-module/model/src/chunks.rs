//! Splits a batch into chunks of a bounded number of tokens.

/// Splits sequences, in their order, into chunks that have at most `limit` tokens each. A single
/// sequence that has more tokens is a chunk of its own.
pub fn token_chunks<'a, T>(
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
        let (chunk, later) = rest.split_at(fits.count().max(1).min(rest.len()));
        rest = later;
        (!chunk.is_empty()).then_some(chunk)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_hold_whole_sequences_in_their_order() {
        let lengths = [3, 70, 1, 1, 500, 2, 64];
        let all = |limit| token_chunks(&lengths, limit, |&tokens| tokens);
        let of = |limit| all(limit).map(<[usize]>::len).collect::<Vec<_>>();
        assert_eq!(of(64), [1, 1, 2, 1, 1, 1]);
        assert_eq!(of(128), [4, 1, 2]);
        assert_eq!(of(1), [1; 7]);
        assert_eq!(of(usize::MAX / 2), [7]);
        assert_eq!(token_chunks(&[], 64, |&tokens: &usize| tokens).count(), 0);
        assert_eq!(all(128).collect::<Vec<_>>().concat(), lengths);
    }
}
