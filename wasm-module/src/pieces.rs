//! Batches cut into what is run without a look at the time.

use lockstep_tokenizer::Encoding;

/// Texts in order, in runs of at most `limit` tokens together; one text alone may have more.
#[must_use]
pub fn pieces(encodings: &[Encoding], limit: usize) -> Vec<&[Encoding]> {
    let mut pieces = Vec::new();
    let mut rest = encodings;
    while !rest.is_empty() {
        let mut tokens = 0;
        let fits = rest.iter().take_while(|encoding| {
            tokens += encoding.ids.len();
            tokens <= limit
        });
        let (piece, later) = rest.split_at(fits.count().max(1));
        pieces.push(piece);
        rest = later;
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_whole_and_in_order() {
        let lengths = [3, 70, 1, 1, 500, 2, 64];
        let encoding = |&tokens: &usize| Encoding {
            ids: vec![tokens as u32; tokens],
            type_ids: vec![0; tokens],
            total_tokens: tokens,
            truncated: false,
        };
        let encodings: Vec<Encoding> = lengths.iter().map(encoding).collect();
        let of = |limit| pieces(&encodings, limit).iter().map(|piece| piece.len()).collect::<Vec<_>>();
        assert_eq!(of(64), [1, 1, 2, 1, 1, 1]);
        assert_eq!(of(128), [4, 1, 2]);
        assert_eq!(of(1), [1; 7]);
        assert_eq!(of(usize::MAX / 2), [7]);
        assert!(pieces(&[], 64).is_empty());
        let all: Vec<u32> = pieces(&encodings, 128).concat().iter().map(|e| e.ids[0]).collect();
        assert_eq!(all, lengths.map(|length| length as u32));
    }
}
